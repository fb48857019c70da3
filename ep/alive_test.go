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
			out, err := model.TrainStep(params.Quantize(&cfg.Formats), samples.Quantize(&cfg.Formats), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, st := range out.Layers {
				differing := float64(st.Differing) / float64(st.States)
				if differing < 0.05 {
					t.Errorf("%s: %.1f %% of the states differ between s+ and s-, want 5 %%", st.Name, 100*differing)
				}
				reach := reachable(&cfg.Network.Layers[i])
				changed := float64(st.WeightsChanged) / (reach * float64(st.Weights))
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

// reachable returns the share of weights that one sample can change with one
// active pixel in each pooled channel, the case of a map pooled to 1x1: the
// taps of one pixel that lie on the map. Larger maps reach everything.
func reachable(l *Layer) float64 {
	if !l.Pool || l.Out.H*l.Out.W > 1 {
		return 1
	}
	rows, cols := l.Used()
	hit := hits(rows, l.In.H, l.KH, l.Pad) * hits(cols, l.In.W, l.KW, l.Pad)
	return float64(hit) / float64(rows*cols*l.KH*l.KW)
}
