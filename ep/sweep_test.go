package ep

import "testing"

// TestAsynchronousGDU checks that asynchronous nudged phases follow the asynchronous
// sweeps of the linearised dynamics, step by step, with an odd and with an even output.
func TestAsynchronousGDU(t *testing.T) {
	for _, specs := range [][]layerSpec{
		{{6, 3, 1, MaxPool, 1, false}, {8, 3, 1, MaxPool, 1, false}, {10, 3, 1, NoPool, 1, false}, {12, 3, 1, MaxPool, 1, false}, {channels: 5}},
		{{6, 3, 1, MaxPool, 1, false}, {8, 3, 1, MaxPool, 1, false}, {10, 3, 1, MaxPool, 1, false}, {channels: 5}},
	} {
		cfg := testConfig(chain(Shape{3, 16, 16}, specs...))
		cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps, cfg.Beta, cfg.Sweep = 2, 200, 15, 1e-3, Asynchronous
		cfg.Init = Init{Gain: 1.2, Bias: 0.5}
		c, err := newFloat(t, cfg).CheckGradient(randomFloatParams(cfg, 1), randomFloatSamples(cfg, 1))
		if err != nil {
			t.Fatal(err)
		}
		for n, l := range c.Layers {
			state, weight := c.LeastCosine(n)
			if l.Weight.Norm == 0 || l.Weight.Cosine < 0.999 || state < 0.999 || weight < 0.999 {
				t.Errorf("%d layers, %s: |gradient| %g, cosine %.6f, least cosine of states %.6f, of weights %.6f; want at least 0.999",
					len(specs), l.Name, l.Weight.Norm, l.Weight.Cosine, state, weight)
			}
		}
	}
}

// settle relaxes r freely until no state moves by more than 1e-13 and returns the
// number of steps.
func settle(t *testing.T, r *relaxer[float64]) int {
	t.Helper()
	for step := range 2000 {
		before := r.snapshot()
		r.step(PhaseFree, step)
		moved := 0.0
		for n := range r.layers {
			moved = max(moved, maxDifference(before[n], r.layers[n].s))
		}
		if moved <= 1e-13 {
			return step + 1
		}
	}
	t.Fatal("not settled after 2000 steps")
	return 0
}

// TestAsynchronousSettles checks that asynchronous sweeps settle in fewer steps than
// synchronous ones, and where these stay too. A max pool whose largest values are
// close may settle on either of them, so that there are several equilibria; without
// pools both schedules must find the same.
func TestAsynchronousSettles(t *testing.T) {
	for _, pool := range []Pool{MaxPool, NoPool} {
		cfg := testConfig(chain(Shape{3, 12, 12}, layerSpec{6, 3, 1, pool, 1, false}, layerSpec{8, 3, 1, pool, 1, false},
			layerSpec{10, 3, 1, NoPool, 1, false}, layerSpec{12, 3, 1, pool, 1, false}, layerSpec{channels: 5}))
		cfg.Init = Init{Gain: 1.2, Bias: 0.5}
		p, s := randomFloatParams(cfg, 1), randomFloatSamples(cfg, 1)
		var runs [2]*relaxer[float64]
		var steps [2]int
		for i := range runs {
			cfg.Sweep = Sweep(i)
			var err error
			if runs[i], err = newFloat(t, cfg).relaxer(p, s); err != nil {
				t.Fatal(err)
			}
			steps[i] = settle(t, runs[i])
		}
		t.Logf("pooled %v: %d synchronous steps, %d asynchronous ones", pool, steps[0], steps[1])
		if 3*steps[1] > 2*steps[0] {
			t.Errorf("pooled %v: %d asynchronous steps, want at most two thirds of %d", pool, steps[1], steps[0])
		}
		want := runs[1].snapshot()
		if pool != NoPool { // go on synchronously from the asynchronous equilibrium
			runs[0].restore(want)
			runs[0].run(PhaseFree, 10)
		}
		for n, l := range runs[0].layers {
			if d := maxDifference(l.s, want[n]); d > 1e-11 {
				t.Errorf("pooled %v, layer %d: equilibria differ by %g", pool, n+1, d)
			}
		}
	}
}
