package sim

import (
	"context"
	"strings"
	"testing"

	"epgen/ep"
	"epgen/internal/tooltest"
)

// TestChangedInSequence trains once with the full rates and once with hardly any: the weights
// that the sequence has changed are those of both starts, not of the last alone.
func TestChangedInSequence(t *testing.T) {
	tooltest.Need(t, "verilator", "make", "g++")
	if testing.Short() {
		t.Skip("builds a simulator, which takes long")
	}
	cfg := testConfig(t, "5,M,fc3", ep.Shape{C: 2, H: 6, W: 6}, ep.Frozen)
	cfg.FreeSteps, cfg.NudgeSteps, cfg.HostRates = 8, 4, true
	cfg.Sequence.Starts, cfg.Sequence.RateFactor = 2, 1e-4
	for i := range cfg.Rates {
		cfg.Rates[i] = 1
	}
	d := testDesign(t, cfg)
	w, s := loadAll(t, cfg)
	dir := t.TempDir()
	if _, err := WritePackage(dir, d, w, s, nil); err != nil {
		t.Fatal(err)
	}
	sim := &Simulation{Dir: dir, Settings: Settings{Seed: 1, XSeed: 1, Runs: 2}}
	if err := sim.Build(context.Background()); err != nil {
		t.Fatal(err)
	}
	if equal, err := sim.Run(context.Background()); err != nil || !equal {
		t.Fatalf("equal %t, %v", equal, err)
	}
	r, err := ReadReport(dir + "/report/report.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range r.DeadLayers() {
		if strings.Contains(warning, "hardly learns") {
			t.Error(warning)
		}
	}
	last, err := ReadGolden(dir+"/golden", d.Plan, 1)
	if err != nil {
		t.Fatal(err)
	}
	changed, weights := 0, d.Map.Weights
	for i := weights.Offset; i < weights.Offset+weights.Bytes; i += d.ElementBits / 8 {
		if string(last.Before[i:i+d.ElementBits/8]) != string(last.After[i:i+d.ElementBits/8]) {
			changed++
		}
	}
	if all := d.Layers[0].Weights() + d.Layers[1].Weights(); changed > all/10 {
		t.Errorf("the second start changes %d of %d weights: lower its rate", changed, all)
	}
}
