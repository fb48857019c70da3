package ep

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/npz"
)

// readTrace writes a trace and reads it back.
func readTrace(t *testing.T, cfg *Config, fixed bool, p *FloatParams, s *FloatSamples) map[string]npz.Array {
	t.Helper()
	var b bytes.Buffer
	if err := WriteTrace(&b, cfg, fixed, p, s); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trace.npz")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	arrays, err := npz.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]npz.Array{}
	for _, a := range arrays {
		byName[a.Name] = a
	}
	return byName
}

// TestTrace checks names, shapes and contents against the models.
func TestTrace(t *testing.T) {
	cfg := trainConfig()
	cfg.Batch = 3
	p, s := randomFloatParams(cfg, 1), randomFloatSamples(cfg, 1)
	f := &cfg.Formats
	for _, fixed := range []bool{false, true} {
		got := readTrace(t, cfg, fixed, p, s)
		if len(got) != 9+6+6+1 {
			t.Errorf("fixed %v: %d arrays, want 22", fixed, len(got))
		}
		for name, shape := range map[string][]int{
			"free.state1": {15, 3, 6, 6, 6}, "plus.state2": {6, 3, 8, 3, 3}, "minus.state3": {6, 3, 4}, "logits": {3, 4},
			"grad.layer1.weight": {6, 1, 3, 3}, "bptt.layer3.weight": {4, 8, 3, 3}, "bptt.layer2.bias": {8},
		} {
			if !slices.Equal(got[name].Shape, shape) {
				t.Errorf("fixed %v: %s has shape %v, want %v", fixed, name, got[name].Shape, shape)
			}
		}
		out, err := newFloat(t, cfg).TrainStep(p, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range p.Layers {
			name := fmt.Sprintf("plus.state%d", n+1)
			data := got[name].Data
			last := data[len(data)-len(out.Finals[PhaseNudge][n]):]
			limit := 0.0
			if fixed {
				limit = 20 * f.State.LSB()
			}
			if d := maxDifference(last, out.Finals[PhaseNudge][n]); d > limit {
				t.Errorf("fixed %v: the last of %s differs by %g from s+, want at most %g", fixed, name, d, limit)
			}
			for _, kind := range []string{"grad", "bptt"} {
				a := Agree(got[fmt.Sprintf("%s.layer%d.weight", kind, n+1)].Data, out.Gradient.Layers[n].W)
				if want := 0.9; a.Cosine < want || a.RelativeError > 0.5 {
					t.Errorf("fixed %v: %s of layer %d: %+v against the estimate in float64, want it near", fixed, kind, n+1, a)
				}
			}
			if diff := cmp.Diff(out.Gradient.Layers[n].B, got[fmt.Sprintf("grad.layer%d.bias", n+1)].Data); diff != "" && !fixed {
				t.Errorf("bias estimate of layer %d (-want +got):\n%s", n+1, diff)
			}
		}
		free := got["free.state3"].Data
		if diff := cmp.Diff(free[len(free)-12:], got["logits"].Data); diff != "" {
			t.Errorf("logits are not the last free state (-want +got):\n%s", diff)
		}
	}
}
