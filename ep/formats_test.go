package ep

import (
	"testing"

	"epgen/fixedpoint"
)

// perLayer are awkward networks whose layers have formats of their own: coarse states next to
// fine ones, weights whose grids differ, accumulators whose binary point any of the terms
// gives.
func perLayer() []namedConfig {
	uq := func(bits ...int) (list []fixedpoint.Format) {
		for _, m := range bits {
			list = append(list, fixedpoint.UQ(0, m))
		}
		return list
	}
	q := func(whole int, bits ...int) (list []fixedpoint.Format) {
		for _, m := range bits {
			list = append(list, fixedpoint.Q(whole, m))
		}
		return list
	}
	return []namedConfig{
		variant("odd maps", "with formats of layers", func(c *Config) {
			c.Formats.LayerState, c.Formats.LayerWeight, c.Formats.LayerBias = uq(4, 16, 8), q(1, 16, 6, 9), q(2, 5, 12, 3)
		}),
		variant("odd maps live", "with formats of layers", func(c *Config) {
			c.Formats.LayerState, c.Sweep, c.Damping = uq(12, 5, 9), Asynchronous, 1
		}),
		variant("stride and pools", "with formats of layers", func(c *Config) {
			c.Formats.LayerState, c.Formats.LayerWeight, c.LayerInitial = uq(6, 13, 9), q(0, 7, 11, 5), []float64{0.4, 0, 1}
		}),
		variant("dense only", "linear, with formats of layers", func(c *Config) {
			n := len(c.Network.Layers)
			c.Output, c.Formats.Output = Linear, fixedpoint.Q(2, 11)
			c.Formats.LayerState = uq([]int{14, 7, 10, 5}[:n]...)
			c.Formats.LayerWeight = q(1, []int{8, 12, 6, 10}[:n]...)
		}),
		variant("pooled output", "nudged outside, with formats of layers", func(c *Config) {
			n := len(c.Network.Layers)
			c.Nudge, c.Formats.LayerState, c.Clip = Outside, uq([]int{9, 16, 6}[:n]...), 0.3
		}),
		variant("stochastic", "with formats of layers", func(c *Config) {
			c.Formats.LayerWeight, c.Formats.LayerBias = q(1, 9, 5, 16), q(1, 7, 7, 11)
		}),
	}
}

// TestUniformRange runs one network at both ends of the range of formats, 4 to 16 bits of
// states by 4 to 18 bits of weights, against float64.
func TestUniformRange(t *testing.T) {
	for _, states := range []int{4, 16} {
		for _, weights := range []int{4, 18} {
			cfg := awkward[0].cfg()
			f := &cfg.Formats
			f.State, f.Weight, f.Bias = fixedpoint.UQ(0, states), fixedpoint.Q(1, weights-2), fixedpoint.Q(1, weights-2)
			c, err := FixedVsFloat(cfg, randomParams(cfg, 3), randomSamples(cfg, 4))
			if err != nil {
				t.Fatal(err)
			}
			if c.Max > 0.5 || c.Flips != 0 {
				t.Errorf("states of %d and weights of %d bits: differs by %v LSB, %d indices", states, weights, c.Max, c.Flips)
			}
		}
	}
}

// TestLayerFormatsAlike checks that a list of equal formats is the same as one format.
func TestLayerFormatsAlike(t *testing.T) {
	one, list := awkward[1].cfg(), awkward[1].cfg()
	f := &list.Formats
	for range list.Network.Layers {
		f.LayerState, f.LayerWeight, f.LayerBias = append(f.LayerState, f.State), append(f.LayerWeight, f.Weight), append(f.LayerBias, f.Bias)
	}
	a, err := Derive(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Derive(list)
	if err != nil {
		t.Fatal(err)
	}
	for n := range a.Layers {
		x, y := &a.Layers[n], &b.Layers[n]
		if x.State != y.State || x.Weight != y.Weight || x.Bias != y.Bias || x.AccFrac != y.AccFrac || x.Act != y.Act ||
			!x.Acc.Equal(y.Acc) || !x.Contrast.Equal(y.Contrast) || x.WeightUpdate != y.WeightUpdate {
			t.Errorf("layer %d: %+v, want %+v", n+1, y, x)
		}
	}
}

// TestLossOfFormats checks that the loss of outputs knows their format.
func TestLossOfFormats(t *testing.T) {
	cfg := awkwardConfig("odd maps")
	last := len(cfg.Network.Layers)
	cfg.Formats.LayerState = make([]fixedpoint.Format, last)
	for i := range last {
		cfg.Formats.LayerState[i] = fixedpoint.UQ(0, 9+2*i)
	}
	m, err := NewFixed(cfg)
	if err != nil {
		t.Fatal(err)
	}
	k := cfg.Network.Classes()
	out, s := &Outcome{Output: make([]int32, cfg.Batch*k)}, &Samples{Y: make([]int, cfg.Batch)}
	for b := range cfg.Batch {
		out.Output[b*k] = 1 << (cfg.Formats.StateOf(last).Frac - 1) // 0.5 of the labelled class
	}
	if got := m.Loss(out, s); got != 0.125 {
		t.Errorf("loss %g of outputs of 0.5, want 0.125", got)
	}
}
