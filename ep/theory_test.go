package ep

import (
	"math"
	"math/rand/v2"
	"testing"

	"epgen/fixedpoint"
)

// theoryConfig is a small pooled network that settles, with few saturated
// neurons.
func theoryConfig() *Config {
	cfg := testConfig(chain(Shape{2, 6, 6}, layerSpec{4, 3, 1, MaxPool, 1, false}, layerSpec{5, 3, 1, NoPool, 1, false}, layerSpec{channels: 3}))
	cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps = 2, 400, 400
	cfg.Init = Init{Gain: 0.8, Bias: 0.5}
	return cfg
}

// meanConfig is the same with a mean pool and a stride.
func meanConfig() *Config {
	cfg := theoryConfig()
	cfg.Network = chain(Shape{2, 6, 6}, layerSpec{4, 3, 1, AveragePool, 1, false}, layerSpec{5, 3, 1, NoPool, 2, false}, layerSpec{channels: 3})
	return cfg
}

func newFloat(t *testing.T, cfg *Config) *Float {
	t.Helper()
	m, err := NewFloat(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestStateUpdateIsDerivativeOfPhi compares the pre-activations of a free step
// with central differences of the primitive function.
func TestStateUpdateIsDerivativeOfPhi(t *testing.T) {
	for _, cfg := range []*Config{theoryConfig(), awkwardConfig("odd maps"), awkwardConfig("wide padding"),
		awkwardConfig("stride"), awkwardConfig("stride and pools"), awkwardConfig("average")} {
		m := newFloat(t, cfg)
		p, s := randomFloatParams(cfg, 1), randomFloatSamples(cfg, 1)
		r, err := m.relaxer(p, s)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(6, 0))
		states := r.snapshot()
		for n := range states {
			for i := range states[n] {
				states[n][i] = rng.Float64()
			}
		}
		r.restore(states)
		r.step(PhaseFree, 0)
		const h = 1e-6
		phi := func() float64 {
			v, err := m.Phi(p, s, states)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		for n := range states {
			for i := 0; i < len(states[n]); i += 1 + len(states[n])/20 {
				old := states[n][i]
				states[n][i] = old + h
				up := phi()
				states[n][i] = old - h
				down := phi()
				states[n][i] = old
				if got, want := r.layers[n].u[i], (up-down)/(2*h); math.Abs(got-want) > 1e-7 {
					t.Errorf("layer %d, neuron %d: pre-activation %.9f, dPhi/ds %.9f", n+1, i, got, want)
				}
			}
		}
	}
}

// probes calls f for some parameters of every layer: the parameter and its
// entry in g, which has the shapes of p.
func probes(p, g *FloatParams, f func(x *float64, g float64)) {
	for n := range p.Layers {
		x, y := &p.Layers[n], &g.Layers[n]
		for i := 0; i < len(x.W); i += 1 + len(x.W)/12 {
			f(&x.W[i], y.W[i])
		}
		for i := 0; i < len(x.B); i += 2 {
			f(&x.B[i], y.B[i])
		}
	}
}

// lossGradient returns central differences of the mean loss at the free
// equilibrium by the probed parameters.
func lossGradient(t *testing.T, m *Float, p *FloatParams, s *FloatSamples) []float64 {
	t.Helper()
	const h = 1e-5
	loss := func() float64 {
		states, err := m.Free(p, s)
		if err != nil {
			t.Fatal(err)
		}
		return m.Loss(states[len(states)-1], s.Y) / float64(m.cfg.Batch)
	}
	var gradient []float64
	probes(p, p, func(x *float64, _ float64) {
		old := *x
		*x = old + h
		up := loss()
		*x = old - h
		down := loss()
		*x = old
		gradient = append(gradient, (up-down)/(2*h))
	})
	return gradient
}

// TestEstimateApproachesGradient checks the theorem of equilibrium propagation:
// the symmetric estimate tends to the gradient of the loss at the free
// equilibrium, with an error that falls as beta^2.
//
// Source: Scellier and Bengio 2017, https://doi.org/10.3389/fncom.2017.00024;
// Laborieux et al. 2021, https://doi.org/10.3389/fnins.2021.633674.
func TestEstimateApproachesGradient(t *testing.T) {
	for _, activation := range []Activation{Half, Unit} {
		cfg := theoryConfig()
		cfg.Activation = activation
		if activation == Unit {
			cfg.Init = Init{Gain: 0.5, Bias: 0.3}
		}
		p, s := randomFloatParams(cfg, 3), randomFloatSamples(cfg, 3)
		exact := lossGradient(t, newFloat(t, cfg), p, s)
		var errs []float64
		for _, beta := range []float64{0.2, 0.1, 0.05, 1e-3} {
			cfg.Beta = beta
			out, err := newFloat(t, cfg).TrainStep(p, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out.Residual > 1e-14 {
				t.Fatalf("%v: free phase moves by %g in its last step, want an equilibrium", activation, out.Residual)
			}
			var estimate []float64
			probes(p, out.Gradient, func(_ *float64, g float64) { estimate = append(estimate, g) })
			errs = append(errs, distance(exact, estimate))
		}
		t.Logf("%v: relative errors %.3g", activation, errs)
		if errs[3] > 1e-5 {
			t.Errorf("%v: relative error %g at beta 1e-3, want at most 1e-5", activation, errs[3])
		}
		for i := range 2 {
			if ratio := errs[i] / errs[i+1]; ratio < 3.6 || ratio > 4.4 {
				t.Errorf("%v: halving beta divides the error by %.3f, want about 4", activation, ratio)
			}
		}
	}
}

// distance returns |x - y| / |x| in the Euclidean norm.
func distance(x, y []float64) float64 {
	d, n := 0.0, 0.0
	for i, v := range x {
		d += (v - y[i]) * (v - y[i])
		n += v * v
	}
	return math.Sqrt(d / n)
}

// TestFloatUpdate checks that the new parameters descend along the estimate.
func TestFloatUpdate(t *testing.T) {
	cfg := theoryConfig()
	cfg.FreeSteps, cfg.NudgeSteps = 10, 5
	p, s := randomFloatParams(cfg, 4), randomFloatSamples(cfg, 4)
	out, err := newFloat(t, cfg).TrainStep(p, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range p.Layers {
		for i, w := range p.Layers[n].W {
			if want := w - cfg.Rates[n]*out.Gradient.Layers[n].W[i]; out.Params.Layers[n].W[i] != want {
				t.Fatalf("layer %d, weight %d: %g, want %g", n+1, i, out.Params.Layers[n].W[i], want)
			}
		}
	}
}

// TestFixedVsFloat checks the derived tolerance of one step, half an LSB when
// rounding to nearest and a whole one when truncating, on every small network.
func TestFixedVsFloat(t *testing.T) {
	for i, c := range everySweep() {
		cfg := c.cfg()
		m, err := NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if !m.arith.exactInFloat64() {
			continue
		}
		checkSteps(t, c.name, cfg, randomParams(cfg, uint64(i)), randomSamples(cfg, uint64(i)))
	}
}

func checkSteps(t *testing.T, name string, cfg *Config, p *Params, s *Samples) {
	t.Helper()
	got, err := FixedVsFloat(cfg, p, s)
	if err != nil {
		t.Fatal(err)
	}
	limit := 0.5
	if cfg.Formats.StateRounding == fixedpoint.Truncate {
		limit = 1
	}
	if cfg.Damping > 0 { // a rounding of its own, and the other damped
		limit += math.Ldexp(limit, -cfg.Damping)
	}
	if steps := cfg.Program().Steps(); cfg.MinSteps == 0 && len(got.Steps) != steps {
		t.Errorf("%s: %d steps compared, want %d", name, len(got.Steps), steps)
	}
	if got.Max > limit || got.Max == 0 || got.Flips > 0 {
		t.Errorf("%s: largest difference %g LSB and %d index flips, want above 0, at most %g LSB and no flips",
			name, got.Max, got.Flips, limit)
	}
	for _, d := range got.Steps {
		for n, v := range d.Max {
			if v > limit {
				t.Errorf("%s: %v step %d, layer %d: difference %g LSB, want at most %g", name, d.Phase, d.Step, n+1, v, limit)
			}
		}
	}
}

// TestFixedVsFloatVGG11 is TestFixedVsFloat at full size and the default
// schedule.
func TestFixedVsFloatVGG11(t *testing.T) {
	if testing.Short() {
		t.Skip("full-size VGG-11 takes about ten seconds")
	}
	cfg, err := Preset("vgg11")
	if err != nil {
		t.Fatal(err)
	}
	checkSteps(t, "vgg11", cfg, randomParams(cfg, 1), randomSamples(cfg, 1))
}

// TestEquilibria checks the derived distance of the two free equilibria on
// networks that contract.
func TestEquilibria(t *testing.T) {
	for i, c := range []struct {
		net  Network
		init Init
	}{
		{chain(Shape{2, 6, 6}, layerSpec{4, 3, 1, MaxPool, 1, false}, layerSpec{5, 3, 1, NoPool, 1, false}, layerSpec{channels: 3}), Init{Gain: 0.35, Bias: 0.6}},
		{chain(Shape{3, 12, 12}, layerSpec{8, 3, 1, MaxPool, 1, false}, layerSpec{12, 3, 1, MaxPool, 1, false}, layerSpec{channels: 10}), Init{Gain: 0.3, Bias: 0.5}},
		{chain(Shape{1, 4, 4}, layerSpec{channels: 20}, layerSpec{channels: 12}, layerSpec{channels: 5}), Init{Gain: 0.4, Bias: 0.4}},
	} {
		cfg := testConfig(c.net)
		cfg.Init, cfg.FreeSteps, cfg.Batch = c.init, 80, 2
		for k, sweep := range []Sweep{Synchronous, Asynchronous, Synchronous, Asynchronous} {
			cfg.Sweep, cfg.Damping = sweep, k/2
			got, err := CompareEquilibria(cfg, randomParams(cfg, uint64(i)), randomSamples(cfg, uint64(i)))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("network %d, %v, damping %d: %+v", i, cfg.Sweep, cfg.Damping, *got)
			if got.Bound >= math.Ldexp(1, cfg.Damping-10) || got.Max > got.Bound || got.Max == 0 {
				t.Errorf("network %d, %v: difference %g, bound %g with rho %g; want difference within the bound and the bound below 2^-10",
					i, cfg.Sweep, got.Max, got.Bound, got.Rho)
			}
		}
	}
}
