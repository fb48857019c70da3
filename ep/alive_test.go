package ep

import (
	"os"
	"testing"
)

// TestPresetsAlive checks that the default training step of a preset shows
// something: a comparison of zeros proves nothing. With EPGEN_ALL=1 it takes
// every preset, in one or two minutes.
func TestPresetsAlive(t *testing.T) {
	names := []string{"tiny", "small", "mnist-conv"}
	if !testing.Short() {
		names = append(names, "vgg11")
	}
	if os.Getenv("EPGEN_ALL") != "" {
		names = PresetNames()
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			cfg, err := Preset(name)
			if err != nil {
				t.Fatal(err)
			}
			params, err := LoadParams(cfg, &Sources{})
			if err != nil {
				t.Fatal(err)
			}
			samples, err := LoadInputs(cfg, &Sources{})
			if err != nil {
				t.Fatal(err)
			}
			model, err := NewFixed(cfg)
			if err != nil {
				t.Fatal(err)
			}
			out, err := model.TrainStep(params.Quantize(&cfg.Formats), samples.Quantize(cfg), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range out.Layers {
				differing := float64(st.Differing) / float64(st.States)
				if differing < 0.05 {
					t.Errorf("%s: %.1f %% of the states differ between s+ and s-, want 5 %%", st.Name, 100*differing)
				}
				changed := float64(st.WeightsChanged) / float64(st.WeightsReachable)
				if changed < 0.5 {
					t.Errorf("%s: %.1f %% of the reachable weights change, want 50 %%", st.Name, 100*changed)
				}
				if saturated := float64(st.WeightsSaturated) / float64(st.Weights); saturated > 0.01 {
					t.Errorf("%s: %.2f %% of the weights saturate, want at most 1 %%", st.Name, 100*saturated)
				}
			}
		})
	}
}
