package ep

import (
	"math"
	"testing"
)

// TestBackprop compares the gradients of the feed-forward engine with differences of
// the objective, for both losses and with heads, and with options of the relaxation,
// which must make no difference: damped, the second batch would begin at the states of the first.
func TestBackprop(t *testing.T) {
	for _, tc := range []struct {
		readout bool
		set     func(c *Config)
	}{
		{false, func(*Config) {}}, {true, func(*Config) {}},
		{false, func(c *Config) { c.Damping, c.Output, c.Estimate = 2, Linear, Negative }},
		{true, func(c *Config) { c.Damping, c.Initial, c.Estimate = 1, 0.5, Positive }},
	} {
		readout := tc.readout
		cfg := trainConfig()
		tc.set(cfg)
		cfg.Batch = 5
		head := DefaultHead(1, Shape{6, 6, 6})
		head.Lambda = 0.7
		cfg.Network = withHeads(t, cfg.Network, readout, head)
		cfg.Rates = cfg.Rates[:len(cfg.Network.Layers)]
		cfg.Init.HeadGain, cfg.Init.Mean = 2, 0.25
		p := InitParams(&cfg.Network, cfg.Init, 3)
		e, err := newBackprop(cfg)
		if err != nil {
			t.Fatal(err)
		}
		b := e.(*backprop)
		s := randomFloatSamples(cfg, 4)
		model := newFloat(t, cfg)
		objective := func() float64 {
			e.setParams(p)
			e.relax(s, false, 1)
			j, err := model.Objective(p, s, b.states.finals[PhaseFree])
			if err != nil {
				t.Fatal(err)
			}
			return j / float64(cfg.Batch)
		}
		g := NewFloatParams(&cfg.Network)
		e.setParams(p)
		e.relax(s, true, 1)
		for n := range g.Layers {
			e.contrast(n)
			e.gradient(g.Layers[n].W, g.Layers[n].B, -1/(b.model.spread*float64(cfg.Batch)))
		}
		const h = 1e-6
		probes(p, g, func(x *float64, g float64) {
			old := *x
			*x = old + h
			up := objective()
			*x = old - h
			down := objective()
			*x = old
			if want := (up - down) / (2 * h); math.Abs(g-want) > 1e-6 {
				t.Errorf("readout %v: gradient %.9f, want %.9f", readout, g, want)
			}
		})
	}
}
