package ep

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"epgen/fixedpoint"
)

// differing returns a configuration whose nudged phases hold differences.
func differing(bits int, shift []int, specs ...layerSpec) *Config {
	cfg := testConfig(chain(Shape{2, 6, 6}, specs...))
	cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps = 2, 20, 8
	cfg.Formats.State = fixedpoint.UQ(0, 8)
	cfg.Formats.DifferenceBits, cfg.Formats.DifferenceShift = bits, shift
	return cfg
}

var differingLayers = []layerSpec{{channels: 5, kernel: 3, pad: 1, pool: MaxPool}, {channels: 4, kernel: 3, pad: 1, pool: AveragePool}, {channels: 3}}

// TestDifferencesVsFloat compares every step of phases that hold differences with float64.
func TestDifferencesVsFloat(t *testing.T) {
	for _, c := range []struct {
		name  string
		bits  int
		shift []int
		set   func(cfg *Config)
	}{
		{"one shift", 8, []int{5}, nil},
		{"shifts by layer", 10, []int{7, 5, 2}, nil},
		{"rising shifts", 12, []int{2, 4, 6}, nil},
		{"saturating", 4, []int{8}, nil},
		{"asynchronous", 9, []int{6, 4, 3}, func(c *Config) { c.Sweep = Asynchronous }},
		{"one-sided", 9, []int{6, 4, 3}, func(c *Config) { c.Estimate, c.Activation = Positive, Unit }},
		{"negative, formats by layer", 9, []int{6, 4, 3}, func(c *Config) {
			c.Estimate = Negative
			c.Formats.LayerState = []fixedpoint.Format{fixedpoint.UQ(0, 6), fixedpoint.UQ(1, 9), fixedpoint.UQ(0, 12)}
			c.Formats.LayerWeight = []fixedpoint.Format{fixedpoint.Q(1, 6), fixedpoint.Q(1, 14), fixedpoint.Q(2, 9)}
		}},
		{"linear output, early end", 9, []int{6, 4, 3}, func(c *Config) {
			c.Output, c.Formats.Output, c.MinSteps, c.Tolerance = Linear, fixedpoint.Q(1, 10), 3, 2
		}},
		{"nearest-up", 8, []int{5}, func(c *Config) { c.Formats.StateRounding = fixedpoint.NearestUp }},
	} {
		cfg := differing(c.bits, c.shift, differingLayers...)
		if c.set != nil {
			c.set(cfg)
		}
		if err := cfg.checkDifferences(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for seed := range uint64(3) {
			got, err := FixedVsFloat(cfg, randomParams(cfg, seed), randomSamples(cfg, seed))
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if got.Max > 0.5+1e-9 || got.Flips != 0 {
				t.Errorf("%s, seed %d: %g LSB apart and %d indices, want at most half an LSB and none", c.name, seed, got.Max, got.Flips)
			}
		}
	}
}

// differenceTrace keeps the codes of every step.
type differenceTrace struct {
	steps map[[3]int][]int32 // by phase, step, layer
	index [][]uint8
}

func (d *differenceTrace) State(phase Phase, step, layer int, s []int32) {
	d.steps[[3]int{int(phase), step, layer}] = append([]int32(nil), s...)
}

func (d *differenceTrace) Index(phase Phase, _, layer int, index []uint8) {
	d.index[layer-1] = append([]uint8(nil), index...)
}

// TestDifferenceMeaning checks differences against pre-activations of whole states: those of
// s* + d less those of s*, in a model that knows nothing of differences, for neurons that the
// hard sigmoid does not limit.
func TestDifferenceMeaning(t *testing.T) {
	cfg := differing(16, []int{7, 5, 4}, differingLayers...)
	p, s := randomParams(cfg, 5), randomSamples(cfg, 5)
	m, err := NewFixed(cfg)
	if err != nil {
		t.Fatal(err)
	}
	trace := &differenceTrace{map[[3]int][]int32{}, make([][]uint8, 3)}
	if _, err := m.TrainStep(p, s, trace); err != nil {
		t.Fatal(err)
	}
	whole := *cfg
	whole.Formats.DifferenceBits, whole.Formats.DifferenceShift = 0, nil
	plain, err := NewFloat(&whole)
	if err != nil {
		t.Fatal(err)
	}
	r, err := plain.relaxer(p.Dequantize(&cfg.Formats), s.Dequantize(cfg))
	if err != nil {
		t.Fatal(err)
	}
	r.prepare()
	r.setIndices(trace.index)
	u := make([][]float64, 3)
	r.activate = func(_ Phase, n int, v, _ []float64) { u[n] = append([]float64(nil), v...) }
	at := func(phase, step int) [][]float64 { // pre-activations at the states after a step
		states := make([][]float64, 3)
		for n := range states {
			for i, star := range trace.steps[[3]int{0, cfg.FreeSteps - 1, n + 1}] {
				v := math.Ldexp(float64(star), -8)
				if step >= 0 {
					v += math.Ldexp(float64(trace.steps[[3]int{phase, step, n + 1}][i]), -8-cfg.DifferenceShiftOf(n+1))
				}
				states[n] = append(states[n], v)
			}
		}
		r.restore(states)
		r.step(2, 1)
		return [][]float64{u[0], u[1], u[2]}
	}
	checked := 0
	for phase := 1; phase <= 2; phase++ {
		for step := 1; step < cfg.NudgeSteps; step++ {
			base, moved := at(0, -1), at(phase, step-1)
			for n := range 2 {
				lsb := math.Ldexp(1, -8-cfg.DifferenceShiftOf(n+1))
				for i, code := range trace.steps[[3]int{phase, step, n + 1}] {
					if z := base[n][i] / 2; z < 0.1 || z > 0.9 {
						continue
					}
					checked++
					if want := (moved[n][i] - base[n][i]) / 2 / lsb; math.Abs(float64(code)-want) > 0.5+1e-6 {
						t.Fatalf("phase %d, step %d, layer %d, neuron %d: code %d, want %.3f rounded", phase, step, n+1, i, code, want)
					}
				}
			}
		}
	}
	if checked < 500 {
		t.Errorf("%d neurons checked, want 500 or more", checked)
	}
}

// TestDifferenceContrast compares the terms of the contrast with the products of whole states.
func TestDifferenceContrast(t *testing.T) {
	for _, estimate := range []Estimate{Symmetric, Positive, Negative, SeveralPoints} {
		cfg := differing(9, []int{6, 3, 5}, differingLayers...)
		if cfg.Estimate = estimate; estimate == SeveralPoints {
			cfg.Betas, cfg.BetaWeights = []float64{0.5, -0.5, 1, -1}, []int{8, -8, -1, 1}
		}
		m, err := NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := newFixedRun[int64](m, randomParams(cfg, 7), randomSamples(cfg, 7), nil)
		e := r.relax()
		for n := range r.layers {
			l, la := &r.layers[n], m.arith.Layers[n]
			whole := func(phase Phase, n int) []int64 {
				z := make([]int64, len(e[0][n]))
				for i, v := range e[PhaseFree][n] {
					if z[i] = v << cfg.DifferenceShiftOf(n+1); phase != PhaseFree {
						z[i] += e[phase][n][i]
					}
				}
				return z
			}
			w, b := make([]int64, l.Weights()), make([]int64, l.Out.C)
			outer, area := fixedpoint.NewOuter[int64](l.Window()), l.Out.H*l.Out.W
			for _, p := range r.program.Points {
				z, below := whole(p.Phase, n), r.input
				if n > 0 {
					below = whole(p.Phase, n-1)
				}
				outer.Add(w, z, l.index, below, r.batch, int64(p.Weight))
				for i, v := range z {
					b[i/area%l.Out.C] += int64(p.Weight) * v
				}
			}
			got, alive := r.contrast(n, e, r.program.Points), 0
			for i, v := range w {
				if v != 0 {
					alive++
				}
				if got.w[i] != v {
					t.Fatalf("%v, layer %d, weight %d: contrast %d, want %d", estimate, n+1, i, got.w[i], v)
				}
			}
			for i, v := range b {
				if got.b[i] != v {
					t.Fatalf("%v, layer %d, bias %d: contrast %d, want %d", estimate, n+1, i, got.b[i], v)
				}
			}
			if lo, hi, _ := la.Contrast.Int64(); alive < len(w)/2 || lo >= 0 || hi <= 0 {
				t.Errorf("%v, layer %d: %d of %d contrasts are not 0", estimate, n+1, alive, len(w))
			}
		}
	}
}

// TestDifferencesAtEquilibrium checks that in float64, at an equilibrium, nothing depends on
// what nudged phases hold.
func TestDifferencesAtEquilibrium(t *testing.T) {
	for _, sweep := range []Sweep{Synchronous, Asynchronous} {
		cfg := differing(8, []int{4}, differingLayers...)
		cfg.FreeSteps, cfg.Sweep, cfg.Init = 3000, sweep, Init{Gain: 1, Bias: 0.3}
		whole := *cfg
		whole.Formats.DifferenceBits, whole.Formats.DifferenceShift = 0, nil
		p, s := randomFloatParams(cfg, 2), randomFloatSamples(cfg, 2)
		a, err := newFloat(t, cfg).TrainStep(p, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := newFloat(t, &whole).TrainStep(p, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.Residual > 1e-15 {
			t.Fatalf("%v: residual %g, want an equilibrium", sweep, a.Residual)
		}
		for n := range a.Gradient.Layers {
			if got := Agree(a.Gradient.Layers[n].W, b.Gradient.Layers[n].W); got.RelativeError > 1e-9 || got.Norm == 0 {
				t.Errorf("%v, layer %d: %+v, want the same estimate", sweep, n+1, got)
			}
			if d := maxDifference(a.Finals[PhaseNudge][n], b.Finals[PhaseNudge][n]); d > 1e-12 {
				t.Errorf("%v, layer %d: states %g apart, want the same", sweep, n+1, d)
			}
		}
	}
}

// TestDifferenceEngine checks that the trainer's engine computes the estimate of the model.
func TestDifferenceEngine(t *testing.T) {
	cfg := differing(9, []int{6, 4, 3}, differingLayers...)
	cfg.Batch, cfg.Estimate = 11, Positive // several shards
	fp, fs := randomFloatParams(cfg, 4), randomFloatSamples(cfg, 4)
	for _, fixed := range []bool{false, true} {
		e, _, err := newEngine(cfg, fixed)
		if err != nil {
			t.Fatal(err)
		}
		p, s := fp, fs
		if fixed {
			p, s = fp.Quantize(&cfg.Formats).Dequantize(&cfg.Formats), fs.Quantize(cfg).Dequantize(cfg)
		}
		e.setParams(p)
		e.relax(s, true, 1)
		var want *FloatParams
		if fixed {
			m, err := NewFixed(cfg)
			if err != nil {
				t.Fatal(err)
			}
			r := newFixedRun[float64](m, p.Quantize(&cfg.Formats), s.Quantize(cfg), nil)
			finals := r.relax()
			want = NewFloatParams(&cfg.Network)
			for n := range r.layers {
				c, la := r.contrast(n, finals, r.program.Points), m.arith.Layers[n]
				copy(want.Layers[n].W, real64(c.w, -1/(m.arith.Spread*11), la.ContrastFrac))
				copy(want.Layers[n].B, real64(c.b, -1/(m.arith.Spread*11), la.BiasContrastFrac))
			}
		} else {
			out, err := newFloat(t, cfg).TrainStep(p, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			want = out.Gradient
		}
		got := NewFloatParams(&cfg.Network)
		for n := range got.Layers {
			e.contrast(n)
			e.gradient(got.Layers[n].W, got.Layers[n].B, -1/(cfg.Beta*11))
			if a := Agree(got.Layers[n].W, want.Layers[n].W); a.RelativeError > 1e-12 || a.Norm == 0 {
				t.Errorf("fixed %v, layer %d: weights %+v", fixed, n+1, a)
			}
			if a := Agree(got.Layers[n].B, want.Layers[n].B); a.RelativeError > 1e-12 || a.Norm == 0 {
				t.Errorf("fixed %v, layer %d: biases %+v", fixed, n+1, a)
			}
			if a := e.measure(n); a.Response == 0 || a.Response > 1 {
				t.Errorf("fixed %v, layer %d: response %g", fixed, n+1, a.Response)
			}
		}
	}
}

// TestDifferenceGradient checks what differences are for: eight convolutions whose states have
// eight bits, and the cosines of the estimates to BPTT.
func TestDifferenceGradient(t *testing.T) {
	specs := []layerSpec{{channels: 16, kernel: 3, pad: 1}, {channels: 16, kernel: 3, pad: 1, pool: MaxPool}}
	var all []layerSpec
	for range 3 {
		all = append(all, specs...)
	}
	cfg := testConfig(chain(Shape{3, 16, 16}, append(all, layerSpec{channels: 10})...))
	cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps, cfg.Beta, cfg.Init = 2, 100, 20, 1, Init{Gain: 1.6, Bias: 0.1}
	cfg.Formats.State = fixedpoint.UQ(0, 8)
	p, s := randomFloatParams(cfg, 1), randomFloatSamples(cfg, 1)
	cosines := func(bits int, shift ...int) []float64 {
		c := *cfg
		c.Formats.DifferenceBits, c.Formats.DifferenceShift = bits, shift
		m, err := NewFixed(&c)
		if err != nil {
			t.Fatal(err)
		}
		g, err := m.CheckGradient(p.Quantize(&c.Formats), s.Quantize(&c))
		if err != nil {
			t.Fatal(err)
		}
		var list []float64
		for _, l := range g.Layers {
			list = append(list, l.Weight.Cosine)
		}
		return list
	}
	exact, err := newFloat(t, cfg).CheckGradient(p, s)
	if err != nil {
		t.Fatal(err)
	}
	text := func(list []float64) string {
		var z []string
		for _, v := range list {
			z = append(z, fmt.Sprintf("%.3f", v))
		}
		return strings.Join(z, " ")
	}
	var float []float64
	for _, l := range exact.Layers {
		float = append(float, l.Weight.Cosine)
	}
	t.Logf("float64             %s", text(float))
	t.Logf("states of 8 bits    %s", text(cosines(0)))
	for _, bits := range []int{4, 6, 8} {
		t.Logf("differences %2d bits %s", bits, text(cosines(bits, 14, 12, 10, 8, 6, 4, 2)))
	}
}

// TestDifferenceRefusals checks what differences are not combined with.
func TestDifferenceRefusals(t *testing.T) {
	for _, c := range []struct {
		key string
		set func(cfg *Config)
	}{
		{"formats.difference-bits", func(c *Config) { c.Formats.DifferenceBits = 1 }},
		{"formats.difference-bits", func(c *Config) { c.Formats.DifferenceBits = -1 }},
		{"formats.difference-bits", func(c *Config) { c.Formats.DifferenceBits = 32 }},
		{"formats.difference-shift", func(c *Config) { c.Formats.DifferenceBits = 0 }},
		{"formats.difference-shift", func(c *Config) { c.Formats.DifferenceShift = []int{1, 2} }},
		{"formats.difference-shift", func(c *Config) { c.Formats.DifferenceShift = nil }},
		{"formats.difference-shift", func(c *Config) { c.Formats.DifferenceShift = []int{1, 2, 31} }},
		{"phases.pool-index", func(c *Config) { c.PoolIndex = Live }},
		{"phases.nudge", func(c *Config) { c.Nudge = Outside }},
		{"formats.difference-bits", func(c *Config) { c.Network.Heads = make([]Head, 1) }},
	} {
		cfg := differing(8, []int{4}, differingLayers...)
		c.set(cfg)
		var bad *SettingError
		if err := cfg.checkDifferences(); !errors.As(err, &bad) || bad.Key != c.key {
			t.Errorf("%v, want an error of %s", err, c.key)
		}
	}
}
