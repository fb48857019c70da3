package ep

import (
	"math"
	"testing"
)

// TestEstimates checks how the error of each estimate against the gradient of the loss at
// the free equilibrium falls with beta: as beta from two points of which one is s*, as
// beta^2 from s+ and s-, and as beta^4 from four points with weights that cancel
// the third power.
//
// Source: Laborieux et al. 2021, https://doi.org/10.3389/fnins.2021.633674; Laborieux and
// Zenke 2022, https://arxiv.org/abs/2209.00530.
func TestEstimates(t *testing.T) {
	for _, c := range []struct {
		estimate Estimate
		order    float64
	}{{Symmetric, 2}, {Positive, 1}, {Negative, 1}, {RandomSign, 1}, {SeveralPoints, 4}} {
		var errs []float64
		for _, beta := range []float64{0.1, 0.05} {
			cfg := theoryConfig()
			cfg.Estimate, cfg.Beta, cfg.Seed = c.estimate, beta, 2
			if c.estimate == SeveralPoints {
				cfg.Betas, cfg.BetaWeights = []float64{beta, -beta, 2 * beta, -2 * beta}, []int{8, -8, -1, 1}
			}
			if err := cfg.checkEstimate(); err != nil {
				t.Fatal(err)
			}
			p, s := randomFloatParams(cfg, 3), randomFloatSamples(cfg, 3)
			m := newFloat(t, cfg)
			out, err := m.TrainStep(p, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			var estimate []float64
			probes(p, out.Gradient, func(_ *float64, g float64) { estimate = append(estimate, g) })
			errs = append(errs, distance(lossGradient(t, m, p, s), estimate))
		}
		order := math.Log2(errs[0] / errs[1])
		t.Logf("%v: relative errors %.3g, order %.2f", c.estimate, errs, order)
		if math.Abs(order-c.order) > 0.3 {
			t.Errorf("%v: error falls as beta^%.2f, want beta^%v", c.estimate, order, c.order)
		}
	}
}

// TestRandomSigns checks that both signs are drawn about equally often, by number and
// by seed, and that one number gives one sign.
func TestRandomSigns(t *testing.T) {
	for _, seed := range []uint64{0, 1, 1 << 40} {
		cfg := &Config{Estimate: RandomSign, Seed: seed}
		sum := 0
		for number := range uint32(4000) {
			sum += cfg.sign(number)
		}
		if sum < -250 || sum > 250 { // four standard deviations
			t.Errorf("seed %d: the signs of 4000 updates sum to %d, want about 0", seed, sum)
		}
	}
}

// TestNudgeOutside checks that a nudge outside the activation, where the slope is 1 and the
// output is not saturated, gives the estimate of one inside.
func TestNudgeOutside(t *testing.T) {
	var g [2]*FloatParams
	for i := range g {
		cfg := theoryConfig()
		cfg.Activation, cfg.Init, cfg.Beta, cfg.Nudge = Unit, Init{Gain: 0.5, Bias: 0.3}, 1e-3, NudgePlace(i)
		p, s := randomFloatParams(cfg, 3), randomFloatSamples(cfg, 3)
		out, err := newFloat(t, cfg).TrainStep(p, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out.Finals[PhaseFree][len(cfg.Network.Layers)-1] {
			if v < 0.01 || v > 0.99 {
				t.Fatalf("output %g, want one that is not saturated", v)
			}
		}
		g[i] = out.Gradient
	}
	for n := range g[0].Layers {
		if a := Agree(g[1].Layers[n].W, g[0].Layers[n].W); a.RelativeError > 1e-9 {
			t.Errorf("layer %d: %+v, want the same estimate", n+1, a)
		}
	}
}
