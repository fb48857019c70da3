package ep

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/fixedpoint"
)

// headChecker recomputes what heads do, in plain loops on int64, from the states
// before each step.
type headChecker struct {
	t      *testing.T
	cfg    *Config
	arith  *Arith
	p      *Params
	s      *Samples
	states map[Phase][][]int32 // last states of each phase, by layer
	seen   map[string]int
}

func (c *headChecker) State(phase Phase, step, layer int, s []int32) {
	c.states[phase][layer-1] = append([]int32(nil), s...)
}

func (c *headChecker) Index(Phase, int, int, []uint8) {}

func (c *headChecker) Head(phase Phase, step, i int, v *HeadValues) {
	h := &c.cfg.Network.Heads[i]
	from, program := phase, c.cfg.Program()
	switch {
	case phase == program.Update() && h.FreeState:
		from = PhaseFree
	case phase == program.Update():
		from = program.Points[step].Phase
	case step == 0:
		from = PhaseFree
	}
	c.seen[fmt.Sprint(h.Name, " ", phase)]++
	states := c.states[from][h.Layer-1]
	got := *v
	want := c.values(i, states, phase)
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Fatalf("%s, kind %v, %v, step %d (-want +got):\n%.800s", h.Name, h.Kind, phase, step, diff)
	}
}

// values is the definition, head by head, in loops.
func (c *headChecker) values(i int, states []int32, phase Phase) HeadValues {
	h, ha, p, f := &c.cfg.Network.Heads[i], &c.arith.Heads[i], &c.p.Heads[i], &c.cfg.Formats
	m, in, out := &h.Map, h.Map.In, h.Map.Out
	shape := c.cfg.Network.Layers[h.Layer-1].Out
	rows, cols := shape.H/in.H, shape.W/in.W
	var v HeadValues
	for b := range c.cfg.Batch {
		features := make([]int64, in.Len())
		for ch := range in.C {
			for y := range in.H {
				for x := range in.W {
					sum := 0.0
					for dy := range rows {
						for dx := range cols {
							sum += float64(states[((b*in.C+ch)*shape.H+y*rows+dy)*shape.W+x*cols+dx])
						}
					}
					j := (ch*in.H+y)*in.W + x
					features[j] = int64(math.RoundToEven(sum/float64(rows*cols))) - int64(p.Mean[j])
					v.Features = append(v.Features, int32(features[j]))
				}
			}
		}
		z := make([]int64, out.Len())
		e := make([]int64, out.Len())
		back := make([]int64, in.Len())
		// each calls f for every product of output j and feature k by weight w.
		each := func(f func(j, k, w int)) {
			for o := range out.C {
				for y := range out.H {
					for x := range out.W {
						for ch := range in.C {
							for ky := range m.KH {
								for kx := range m.KW {
									f((o*out.H+y)*out.W+x, (ch*in.H+y+ky)*in.W+x+kx, ((o*in.C+ch)*m.KH+ky)*m.KW+kx)
								}
							}
						}
					}
				}
			}
		}
		each(func(j, k, w int) { z[j] += int64(p.W[w]) * features[k] << ha.UpShift })
		for j := range z {
			z[j] += int64(p.B[j/(out.H*out.W)]) << ha.BiasShift
		}
		c.errors(i, b, z, e, &v, f)
		each(func(j, k, w int) { back[k] += int64(p.W[w]) * e[j] })
		v.Logits = append(v.Logits, z...)
		for state := range shape.Len() {
			if phase == c.cfg.Program().Update() {
				break
			}
			ch, y, x := state/(shape.H*shape.W), state/shape.W%shape.H, state%shape.W
			v.Nudge = append(v.Nudge, ha.NudgeCodes[phase]*back[(ch*in.H+y/rows)*in.W+x/cols]<<ha.NudgeShift)
		}
		for _, x := range e {
			v.Signal = append(v.Signal, int32(x))
		}
	}
	return v
}

// errors computes the error signal of one sample.
func (c *headChecker) errors(i, b int, z, e []int64, v *HeadValues, f *Formats) {
	h := &c.cfg.Network.Heads[i]
	label := func(j int, one float64) float64 {
		if j == c.s.Y[b] {
			return one
		}
		return 0
	}
	clamp := func(x float64) int64 {
		x = math.RoundToEven(math.Ldexp(x, f.Error.Frac))
		return int64(min(max(x, float64(f.Error.Min())), float64(f.Error.Max())))
	}
	real := func(j int) float64 { return math.Ldexp(float64(z[j]), -c.arith.Heads[i].LogitFrac) }
	soft := func(temperature float64) []int64 {
		unit, err := fixedpoint.NewSoftmax(c.arith.Heads[i].LogitFrac, temperature, f.Probability)
		if err != nil {
			c.t.Fatal(err)
		}
		p := make([]int64, len(z))
		unit.Apply(p, z)
		return p
	}
	one := f.Probability.ToFloat(min(int64(1)<<f.Probability.Frac, f.Probability.Max()))
	switch h.Kind {
	case CrossEntropy, RandomHead:
		for j, p := range soft(1) {
			e[j] = int64(math.Ldexp(label(j, one), f.Probability.Frac)) - p
			v.Probability = append(v.Probability, int32(p))
		}
	case SquaredHead:
		for j := range z {
			e[j] = clamp(label(j, 1) - real(j))
		}
	case FeatureHead:
		for j := range z {
			e[j] = clamp(f.Error.ToFloat(int64(c.s.Teacher[i][b*len(z)+j])) - real(j))
		}
	case LogitHead:
		own, taught := math.Round((1-h.Mix)*256)/256, math.Round(h.Mix*h.Temperature*256)/256
		p, warm := soft(1), soft(h.Temperature)
		for j := range z {
			t := f.Error.ToFloat(int64(c.s.Teacher[i][b*len(z)+j]))
			e[j] = clamp(own*(label(j, one)-f.Probability.ToFloat(p[j])) + taught*(t-f.Probability.ToFloat(warm[j])))
			v.Probability, v.Warm = append(v.Probability, int32(p[j])), append(v.Warm, int32(warm[j]))
		}
	}
}

// fixedHeadCases are networks with heads of all kinds.
func fixedHeadCases(t *testing.T) []*Config {
	var cases []*Config
	for k := range headKinds(1) {
		for _, readout := range []bool{false, true} {
			net := chain(Shape{2, 8, 8}, layerSpec{4, 3, 1, MaxPool, 1, false}, layerSpec{6, 3, 1, MaxPool, 1, false}, layerSpec{channels: 5})
			lower, upper := headKinds(1)[k], DefaultHead(2, Shape{6, 2, 2})
			upper.Lambda = 0.5
			heads := []HeadSpec{lower}
			if !readout {
				heads = append(heads, upper)
			}
			cfg := testConfig(withHeads(t, net, readout, heads...))
			cfg.Batch, cfg.Rates = 3, cfg.Rates[:len(cfg.Network.Layers)]
			cases = append(cases, cfg)
		}
	}
	wide := *cases[0] // sums that float64 does not hold
	wide.Formats.State.Frac = 24
	narrow := *cases[2]
	narrow.Formats.State, narrow.Formats.HeadWeight = fixedpoint.UQ(0, 6), fixedpoint.Q(1, 5)
	narrow.Formats.Probability, narrow.Formats.Error, narrow.Sweep = fixedpoint.UQ(1, 7), fixedpoint.Q(1, 4), Asynchronous
	cases = append(cases, &wide, &narrow)
	for i, change := range []func(c *Config){
		func(c *Config) { c.Estimate = Positive },
		func(c *Config) { c.Estimate, c.Network.Heads[1].FreeState = Negative, true },
		func(c *Config) { c.Estimate, c.Seed, c.Nudge = RandomSign, 5, Outside },
		func(c *Config) {
			c.Estimate, c.Betas, c.BetaWeights = SeveralPoints, []float64{0.5, -0.5, 1, -1}, []int{8, -8, -1, 1}
			c.Network.Heads[0].FreeState = true
		},
		func(c *Config) { c.Network.Heads[0].FreeState, c.Clip = true, 0.05 },
		func(c *Config) {
			c.Formats.LayerState = []fixedpoint.Format{fixedpoint.UQ(0, 12), fixedpoint.UQ(1, 16), fixedpoint.UQ(0, 14)}
		},
	} {
		cfg := *cases[2*i]
		cfg.Network.Heads = append([]Head(nil), cfg.Network.Heads...)
		change(&cfg)
		cases = append(cases, &cfg)
	}
	for _, k := range []int{4, 6} { // a squared error or features alone
		alone := *cases[k]
		alone.Network.Heads = alone.Network.Heads[:1]
		cases = append(cases, &alone)
	}
	return cases
}

func fixedHeadSamples(cfg *Config, seed uint64) (*Params, *Samples) {
	p, s := randomFloatParams(cfg, seed), randomFloatSamples(cfg, seed)
	randomHeads(cfg, p, s, seed)
	return p.Quantize(&cfg.Formats), s.Quantize(cfg)
}

// TestFixedHeads compares every value of every head at every step with plain loops.
func TestFixedHeads(t *testing.T) {
	for k, cfg := range fixedHeadCases(t) {
		p, s := fixedHeadSamples(cfg, uint64(k))
		m, err := NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c := &headChecker{t: t, cfg: cfg, arith: m.Arith(), p: p, s: s, states: map[Phase][][]int32{}, seen: map[string]int{}}
		program := cfg.Program()
		for phase := range program.Update() {
			c.states[phase] = make([][]int32, len(cfg.Network.Layers))
		}
		out, err := m.TrainStep(p, s, c)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cfg.Network.Heads {
			h := &cfg.Network.Heads[i]
			for phase := range program.Update() + 1 {
				want := cfg.NudgeSteps
				switch {
				case phase == PhaseFree:
					want = 0
				case phase == program.Update() && h.FreeState:
					want = 1
				case phase == program.Update():
					want = len(program.Points)
				}
				if got := c.seen[fmt.Sprint(h.Name, " ", phase)]; got != want {
					t.Errorf("case %d: %s: %d observations in phase %v, want %d", k, h.Name, got, phase, want)
				}
			}
			if st := out.Heads[i]; (st.WeightsChanged == 0) == h.Kind.Trains() {
				t.Errorf("case %d: %s of kind %v: %d weights changed", k, h.Name, h.Kind, st.WeightsChanged)
			}
		}
	}
}

// TestFixedHeadGradient checks that the estimates of fixed point agree with BPTT as well as
// those of float64 at the same beta, which is too large for either to be exact.
func TestFixedHeadGradient(t *testing.T) {
	for k, cfg := range fixedHeadCases(t) {
		if cfg.Formats.State.Frac < 15 {
			continue
		}
		cfg := *cfg
		cfg.FreeSteps, cfg.NudgeSteps, cfg.Beta = 60, 20, 0.0625
		p, s := fixedHeadSamples(&cfg, uint64(k))
		m, err := NewFixed(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		c, err := m.CheckGradient(p, s)
		if err != nil {
			t.Fatal(err)
		}
		real, err := newFloat(t, &cfg).CheckGradient(p.Dequantize(&cfg.Formats), s.Dequantize(&cfg))
		if err != nil {
			t.Fatal(err)
		}
		want := append(real.Layers, real.Heads...)
		for n, l := range append(c.Layers, c.Heads...) {
			got, want := l.Weight, want[n].Weight
			if got.Norm == 0 || got.Cosine < min(0.99, want.Cosine-0.005) || math.Abs(got.RelativeError-want.RelativeError) > 0.02 {
				t.Errorf("case %d, %v: %s: %+v, want about the %+v of float64 (residual %g)", k,
					cfg.Network.Heads[0].Kind, l.Name, got, want, c.Residual)
			}
		}
	}
}

// TestHardwareUpdateOfHeads runs steps in the exact arithmetic of the hardware beside
// Fixed.Step, in both element types.
func TestHardwareUpdateOfHeads(t *testing.T) {
	for _, tc := range []struct {
		stateBits int
		set       func(c *Config)
	}{
		{15, func(*Config) {}}, {24, func(*Config) {}},
		{15, func(c *Config) { c.Estimate, c.Network.Heads[0].FreeState = Positive, true }},
		{15, func(c *Config) {
			c.Estimate, c.Betas, c.BetaWeights = SeveralPoints, []float64{1, 0.5, -0.5}, []int{1, 2, -3}
			c.Clip, c.Formats.UpdateRounding = 0.1, fixedpoint.Stochastic
		}},
		{15, func(c *Config) {
			c.Estimate, c.HostRates, c.Network.Heads[0].FreeState = RandomSign, true, true
			c.MinSteps, c.Tolerance = 2, 50
		}},
	} {
		head := DefaultHead(1, Shape{6, 6, 6})
		head.LambdaSchedule = Cosine
		cfg := headConfig(t, head)
		stateBits := tc.stateBits
		cfg.Formats.State.Frac = stateBits
		tc.set(cfg)
		tr := newTrainer(t, cfg, TrainOptions{Fixed: true, HardwareUpdate: true, Epochs: 2})
		f := &cfg.Formats
		want := InitParams(&cfg.Network, cfg.Init, cfg.Seed).Quantize(f)
		for step := range 8 {
			if _, _, err := tr.Step(); err != nil {
				t.Fatal(err)
			}
			now := *cfg
			now.Network.Heads = append([]Head(nil), cfg.Network.Heads...)
			now.Network.Heads[0].Lambda *= Cosine.Factor(step/5, 2)
			model, err := NewFixed(&now)
			if err != nil {
				t.Fatal(err)
			}
			out, err := model.Step(uint32(step), want, tr.samples.Quantize(cfg), nil)
			if err != nil {
				t.Fatal(err)
			}
			want = out.Params
			model.MoveMeans(want, out)
			if diff := cmp.Diff(want, tr.Params.Quantize(f)); diff != "" {
				t.Fatalf("%d bits, step %d: parameters differ (-want +got):\n%.400s", stateBits, step, diff)
			}
			if tr.Batch == tr.Batches() {
				tr.EndEpoch()
			}
		}
	}
}

// TestDeriveHeadErrors checks what formats cannot hold.
func TestDeriveHeadErrors(t *testing.T) {
	for _, c := range []struct {
		change func(cfg *Config)
		want   string
	}{
		{func(cfg *Config) { cfg.Network.Heads[0].Lambda = 100 }, "ep: head1: lambda 100 makes beta lambda 50, want 0.00390625 to 15.99609375, the range of formats.lambda UQ4.8"},
		{func(cfg *Config) { cfg.Network.Heads[0].Lambda = 1e-4 }, "ep: head1: lambda 0.0001 makes beta lambda 5e-05"},
		{func(cfg *Config) { cfg.Formats.HeadWeight = fixedpoint.Q(30, 12) }, "ep: head-weight format Q30.12 needs 43 signed bits"},
		{func(cfg *Config) {
			cfg.Formats.State, cfg.Formats.HeadWeight = fixedpoint.UQ(0, 31), fixedpoint.Q(0, 31)
		}, "want at most 63"},
	} {
		cfg := *fixedHeadCases(t)[0]
		cfg.Network.Heads = append([]Head(nil), cfg.Network.Heads...)
		c.change(&cfg)
		if _, err := Derive(&cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
