package sim

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"epgen/ep"
	"epgen/fixedpoint"
)

// headed gives a network with layers to spare a readout and two heads, one of labels and one
// that distils logits.
func headed(t testing.TB, cfg *ep.Config) {
	t.Helper()
	net, err := cfg.Network.WithReadout()
	if err != nil {
		t.Fatal(err)
	}
	specs := net.HeadSpecs()
	for layer := 1; layer < len(net.Layers); layer++ {
		s := ep.DefaultHead(layer, net.Layers[layer-1].Out)
		s.Lambda = 0.5
		if layer == 1 {
			s.Kind = ep.LogitHead
		}
		specs = append(specs, s)
	}
	if net, err = net.WithHeads(net.Classes(), specs); err != nil {
		t.Fatal(err)
	}
	cfg.Network, cfg.Rates = net, cfg.Rates[:len(net.Layers)]
}

// TestHeadFaults plants a fault in each unit of the heads and sees it located at the tap
// behind that unit: of the right head, in the first nudged step.
func TestHeadFaults(t *testing.T) {
	for _, tool := range []string{"verilator", "make", "g++"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	if testing.Short() {
		t.Skip("builds simulators, which takes long")
	}
	cfg := testConfig(t, "5,M,6,M,fc3", ep.Shape{C: 3, H: 16, W: 16}, ep.Frozen)
	cfg.Array.Size = 2
	cfg.Formats.HeadWeight = fixedpoint.Format{Signed: true, Int: 3, Frac: 12}
	headed(t, cfg)
	d := testDesign(t, cfg)
	w, s := loadAll(t, cfg)
	for i := range w.Heads {
		for k := range w.Heads[i].B {
			w.Heads[i].B[k] = int32(500 + 300*k)
		}
	}
	dir := t.TempDir()
	if _, err := WritePackage(dir, d, w, s, nil); err != nil {
		t.Fatal(err)
	}
	sim := &Simulation{Dir: dir, Settings: Settings{Seed: 1, XSeed: 1, Runs: 1}}
	run := func() *Report {
		t.Helper()
		if err := sim.Build(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := sim.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		r, err := ReadReport(filepath.Join(dir, "report", "report.json"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	good := run()
	if !good.Pass() {
		t.Fatalf("untouched: %s, %+v", good.Result, good.FirstMismatch)
	}
	checkHeadReport(t, good)
	for _, tc := range []struct {
		name, file, from, to string
		head, message        string
	}{
		{"centring", "ep_datapath", `= h - mu;`, `= h;`, "head1", "average differs"},
		{"head bias", "ep_datapath", `\.bias_i( +)\(slab_bias`, `.bias_i$1(head_i && up_i ? 0 : slab_bias`, "head1", "logit differs"},
		{"softmax table", "ep_head", `( fine_rom) = 18'd131072;`, `$1 = 18'd131000;`, "head1", "probability differs"},
		{"table of the teacher's temperature", "ep_head", `(warm_fine_rom) = 18'd131072;`, `$1 = 18'd131000;`, "head1", "warm probability differs"},
		{"error subtraction", "ep_head", ` - (error_word\d)`, ` + $1`, "readout", "error differs"},
		{"mixture", "ep_head", `OWN \* own_error \+`, `OWN * own_error -`, "head1", "error differs"},
		{"lambda shift", "ep_lane", `(head_aligned +=)([^;]+);`, `$1 ($2) <<< 1;`, "head1", "nudge differs"},
		{"upsampling index", "ep_datapath", `(back_raddr +=) act_i \? cell_q1 :`, `$1 act_i ? cell_q1 ^ 1 :`, "head1", "nudge differs"},
	} {
		path := filepath.Join(dir, "rtl", tc.file+".v")
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := regexp.MustCompile(tc.from).ReplaceAllString(string(old), tc.to)
		if bad == string(old) {
			t.Errorf("%s: %s has no %q", tc.name, path, tc.from)
			continue
		}
		if err := os.WriteFile(path, []byte(bad), 0o666); err != nil {
			t.Fatal(err)
		}
		m := run().FirstMismatch
		if m == nil || m.Head == nil || *m.Head != tc.head || m.Message != tc.message || *m.Phase != "plus" || *m.Step != 0 {
			t.Errorf("%s: first mismatch %+v, want %q of %s in step 0 of phase plus", tc.name, m, tc.message, tc.head)
		}
		if err := os.WriteFile(path, old, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// checkHeadReport expects every kind of value of every head in the report.
func checkHeadReport(t *testing.T, r *Report) {
	t.Helper()
	want := map[string]string{
		"head1":   "error average logit probability nudge warm probability",
		"readout": "error average logit probability nudge",
	}
	if len(r.Heads) != len(want) {
		t.Fatalf("%d heads in the report, want %d", len(r.Heads), len(want))
	}
	for _, h := range r.Heads {
		var names []string
		for _, v := range h.Values {
			if v.Compared > 0 {
				names = append(names, v.What)
			}
		}
		if got := strings.Join(names, " "); got != want[h.Name] {
			t.Errorf("%s: compared %s, want %s", h.Name, got, want[h.Name])
		}
	}
}
