package ep

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/fixedpoint"
)

// awkward are small networks of every kind that the generator must build.
var awkward = []struct {
	name string
	cfg  func() *Config
}{
	{"single dense", func() *Config {
		return testConfig(chain(Shape{3, 2, 2}, layerSpec{channels: 4}))
	}},
	{"single conv output", func() *Config {
		return testConfig(chain(Shape{2, 3, 4}, layerSpec{channels: 2, kernel: 3, pad: 1}))
	}},
	{"pooled output", func() *Config {
		return testConfig(chain(Shape{1, 6, 6}, layerSpec{3, 3, 1, MaxPool, 1, false}, layerSpec{4, 3, 1, MaxPool, 1, false}))
	}},
	{"dense only", func() *Config {
		cfg := testConfig(chain(Shape{1, 3, 3}, layerSpec{channels: 7}, layerSpec{channels: 5}, layerSpec{channels: 3}))
		cfg.Batch, cfg.Activation = 3, Unit
		return cfg
	}},
	{"odd maps", func() *Config {
		return testConfig(chain(Shape{2, 7, 5}, layerSpec{3, 3, 1, MaxPool, 1, false}, layerSpec{5, 3, 1, MaxPool, 1, false}, layerSpec{channels: 3}))
	}},
	{"odd maps live", func() *Config {
		cfg := testConfig(chain(Shape{2, 7, 9}, layerSpec{3, 3, 1, MaxPool, 1, false}, layerSpec{5, 3, 1, MaxPool, 1, false}, layerSpec{channels: 3}))
		cfg.PoolIndex, cfg.Batch = Live, 2
		return cfg
	}},
	{"wide padding", func() *Config {
		return testConfig(chain(Shape{1, 4, 4}, layerSpec{2, 3, 2, MaxPool, 1, false}, layerSpec{3, 3, 0, NoPool, 1, false}, layerSpec{channels: 2}))
	}},
	{"5x5", func() *Config {
		cfg := testConfig(chain(Shape{1, 8, 8}, layerSpec{3, 5, 2, MaxPool, 1, false}, layerSpec{4, 5, 1, NoPool, 1, false}, layerSpec{channels: 3}))
		cfg.PoolIndex = Live
		return cfg
	}},
	{"1x1 maps", func() *Config {
		cfg := testConfig(chain(Shape{3, 2, 2}, layerSpec{9, 3, 1, MaxPool, 1, false}, layerSpec{10, 3, 1, NoPool, 1, false}, layerSpec{channels: 4}))
		cfg.Batch = 2
		return cfg
	}},
	{"narrow formats", func() *Config {
		cfg := testConfig(chain(Shape{2, 6, 6}, layerSpec{4, 3, 1, MaxPool, 1, false}, layerSpec{5, 3, 1, MaxPool, 1, false}, layerSpec{channels: 3}))
		cfg.Formats = Formats{
			Input: fixedpoint.UQ(0, 8), State: fixedpoint.UQ(0, 6), Weight: fixedpoint.Q(1, 7), Bias: fixedpoint.Q(0, 9),
			Target: fixedpoint.UQ(0, 8), Beta: fixedpoint.UQ(1, 3), RateBits: 5,
			StateRounding: fixedpoint.NearestUp, UpdateRounding: fixedpoint.Truncate,
		}
		cfg.Batch = 2
		return cfg
	}},
	{"states up to one", func() *Config {
		cfg := testConfig(chain(Shape{2, 4, 4}, layerSpec{4, 3, 1, MaxPool, 1, false}, layerSpec{channels: 3}))
		cfg.Formats.State, cfg.Formats.StateRounding = fixedpoint.UQ(1, 10), fixedpoint.Truncate
		cfg.Activation, cfg.PoolIndex = Unit, Live
		return cfg
	}},
	{"stochastic", func() *Config {
		cfg := testConfig(chain(Shape{2, 6, 6}, layerSpec{4, 3, 1, MaxPool, 1, false}, layerSpec{3, 3, 1, NoPool, 1, false}, layerSpec{channels: 3}))
		cfg.Formats.UpdateRounding, cfg.Seed = fixedpoint.Stochastic, 1<<40+9
		cfg.Formats.Weight, cfg.Formats.Bias, cfg.Batch = fixedpoint.Q(1, 9), fixedpoint.Q(1, 7), 2
		return cfg
	}},
	{"stride", func() *Config {
		cfg := testConfig(chain(Shape{2, 11, 8}, layerSpec{3, 5, 2, NoPool, 2, false}, layerSpec{4, 3, 1, MaxPool, 1, false},
			layerSpec{5, 3, 2, NoPool, 2, false}, layerSpec{3, 1, 0, NoPool, 2, false}, layerSpec{channels: 3}))
		cfg.Batch = 2
		return cfg
	}},
	{"stride and pools", func() *Config {
		cfg := testConfig(chain(Shape{2, 16, 13}, layerSpec{3, 3, 1, AveragePool, 1, false}, layerSpec{4, 7, 4, MaxPool, 2, false}, layerSpec{channels: 3}))
		cfg.PoolIndex = Live
		return cfg
	}},
	{"average", func() *Config {
		cfg := testConfig(chain(Shape{2, 13, 12}, layerSpec{3, 5, 1, AveragePool, 2, false}, layerSpec{4, 3, 2, AveragePool, 1, false},
			layerSpec{5, 3, 1, AveragePool, 1, false}))
		cfg.Batch, cfg.Formats.Bias = 2, fixedpoint.Q(1, 29) // the binary point is the bias's
		return cfg
	}},
	{"without biases", func() *Config {
		cfg := testConfig(chain(Shape{2, 8, 7}, layerSpec{4, 3, 1, AveragePool, 1, true}, layerSpec{5, 3, 1, NoPool, 1, false},
			layerSpec{channels: 4, noBias: true}, layerSpec{channels: 3}))
		cfg.Batch, cfg.Formats.Bias, cfg.Activation = 2, fixedpoint.Q(1, 31-2), Unit
		return cfg
	}},
	{"no bias at all", func() *Config {
		return testConfig(chain(Shape{2, 6, 6}, layerSpec{4, 3, 1, MaxPool, 1, true}, layerSpec{channels: 3, noBias: true}))
	}},
	{"wide formats", func() *Config { // accumulators beyond float64
		cfg := testConfig(chain(Shape{2, 5, 5}, layerSpec{4, 3, 1, MaxPool, 1, false}, layerSpec{channels: 3}))
		cfg.Formats.Weight, cfg.Formats.State, cfg.Formats.Input = fixedpoint.Q(1, 26), fixedpoint.UQ(0, 27), fixedpoint.Q(2, 20)
		cfg.Formats.Bias, cfg.Formats.RateBits = fixedpoint.Q(1, 28), 32
		return cfg
	}},
}

// variant returns an awkward network with a change.
func variant(name, what string, set func(cfg *Config)) namedConfig {
	for _, c := range awkward {
		if c.name == name {
			return namedConfig{name + " " + what, func() *Config {
				cfg := c.cfg()
				set(cfg)
				return cfg
			}}
		}
	}
	panic("no network " + name)
}

// estimates are awkward networks with every estimate but the symmetric one.
func estimates() []namedConfig {
	return []namedConfig{
		variant("odd maps", "positive", func(c *Config) { c.Estimate = Positive }),
		variant("odd maps live", "negative", func(c *Config) { c.Estimate = Negative }),
		variant("5x5", "random sign", func(c *Config) { c.Estimate, c.Seed = RandomSign, 3 }),
		variant("1x1 maps", "random sign", func(c *Config) { c.Estimate, c.Seed = RandomSign, 4 }),
		variant("odd maps live", "points", func(c *Config) {
			c.Estimate, c.Betas, c.BetaWeights, c.Sweep = SeveralPoints, []float64{0.25, -0.25, 0.5, -0.5}, []int{8, -8, -1, 1}, Asynchronous
		}),
		variant("pooled output", "points", func(c *Config) {
			c.Estimate, c.Betas, c.BetaWeights = SeveralPoints, []float64{1, 0.5, -0.5}, []int{1, 2, -3}
		}),
	}
}

// dynamics are awkward networks with damping and other initial states.
func dynamics() []namedConfig {
	return []namedConfig{
		variant("odd maps", "damped", func(c *Config) { c.Damping, c.FreeSteps = 1, 12 }),
		variant("odd maps live", "damped asynchronous", func(c *Config) { c.Damping, c.Sweep = 2, Asynchronous }),
		variant("narrow formats", "damped", func(c *Config) { c.Damping, c.FreeSteps = 1, 12 }),
		variant("5x5", "from a half", func(c *Config) { c.Initial, c.FreeSteps = 0.5, 2 }),
		variant("odd maps", "until settled", func(c *Config) { c.MinSteps, c.Tolerance, c.FreeSteps, c.NudgeSteps = 3, 300, 20, 12 }),
		variant("odd maps live", "until settled", func(c *Config) {
			c.MinSteps, c.Tolerance, c.FreeSteps, c.NudgeSteps, c.Sweep = 2, 200, 30, 12, Asynchronous
		}),
		variant("odd maps", "clipped, layer 1 frozen", func(c *Config) { c.Frozen, c.Clip = []int{1}, 0.1 }),
		variant("odd maps live", "layers 1 and 3 frozen", func(c *Config) { c.Frozen = []int{3, 1} }),
		variant("dense only", "nudged outside", func(c *Config) { c.Nudge = Outside }),
		variant("pooled output", "nudged outside, asynchronous", func(c *Config) { c.Nudge, c.Sweep = Outside, Asynchronous }),
		variant("dense only", "linear", func(c *Config) { c.Output, c.Formats.Output = Linear, fixedpoint.Q(1, 15) }),
		variant("pooled output", "linear, damped", func(c *Config) {
			c.Output, c.Formats.Output, c.Damping, c.Sweep = Linear, fixedpoint.Q(0, 15), 1, Asynchronous
		}),
		variant("odd maps live", "linear", func(c *Config) { c.Output, c.Formats.Output = Linear, fixedpoint.Q(2, 15) }),
		variant("pooled output", "from a third, asynchronous", func(c *Config) { c.Initial, c.Sweep, c.FreeSteps = 1.0/3, Asynchronous, 2 }),
		variant("odd maps live", "from one, asynchronous", func(c *Config) { c.Initial, c.Sweep, c.FreeSteps = 1, Asynchronous, 1 }),
	}
}

// givenStates are awkward networks whose samples bring their initial states.
func givenStates() []namedConfig {
	return []namedConfig{
		variant("odd maps", "given states", func(c *Config) { c.GivenStates, c.FreeSteps, c.Batch = true, 2, 2 }),
		variant("odd maps live", "given states, asynchronous, damped", func(c *Config) {
			c.GivenStates, c.Sweep, c.FreeSteps, c.Damping = true, Asynchronous, 2, 1
		}),
		variant("pooled output", "given states, linear", func(c *Config) {
			c.GivenStates, c.FreeSteps, c.Output, c.Formats.Output = true, 1, Linear, fixedpoint.Q(1, 12)
		}),
	}
}

// namedConfig is an awkward network with a name.
type namedConfig struct {
	name string
	cfg  func() *Config
}

// everySweep returns the awkward networks in both schedules.
func everySweep() []namedConfig {
	var list []namedConfig
	for _, c := range awkward {
		list = append(list, namedConfig{c.name, c.cfg}, namedConfig{c.name + " asynchronous", func() *Config {
			cfg := c.cfg()
			cfg.Sweep = Asynchronous
			return cfg
		}})
	}
	return slices.Concat(list, estimates(), dynamics(), perLayer(), updates(), givenStates())
}

// updates are awkward networks whose updates keep numbers of their own.
func updates() []namedConfig {
	all := func(c *Config) {
		c.Formats.MasterBits, c.DecayShift, c.MomentumShift, c.Accumulate = 8, 6, 3, 3
	}
	return []namedConfig{
		variant("odd maps", "decay", func(c *Config) { c.DecayShift = 4 }),
		variant("odd maps", "masters", func(c *Config) { c.Formats.MasterBits = 7 }),
		variant("5x5", "masters of one bit more, clipped", func(c *Config) { c.Formats.MasterBits, c.Clip = 1, 0.3 }),
		variant("odd maps live", "momentum", func(c *Config) { c.MomentumShift, c.Frozen = 3, []int{1} }),
		variant("narrow formats", "sums", func(c *Config) { c.Accumulate = 2 }),
		variant("stochastic", "all", all),
		variant("no bias at all", "all", all),
		variant("average", "masters, momentum, decay", func(c *Config) {
			c.Formats.MasterBits, c.DecayShift, c.MomentumShift, c.Formats.UpdateRounding = 3, 9, 1, fixedpoint.NearestUp
		}),
	}
}

// randomKept gives parameters random numbers kept by updates, as after all starts
// but the last of an update.
func randomKept(cfg *Config, a *Arith, p *Params, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 9))
	p.Accumulated = cfg.Starts() - 1
	fill := func(z *Kept, n int) {
		*z = a.Keeps.newKept(n)
		for i := range n {
			var e element
			if bits := a.Keeps.Remainder; bits > 0 {
				e.remainder = r.Int64N(int64(1)<<bits) - int64(1)<<(bits-1)
			}
			if bits := a.Keeps.Velocity; bits > 0 {
				e.velocity = r.Int64N(int64(1)<<(bits-5)) - int64(1)<<(bits-6)
			}
			if bits := a.Keeps.Sum; bits > 0 {
				e.sum = r.Int64N(int64(1)<<(bits-6)) - int64(1)<<(bits-7)
			}
			z.set(i, e)
		}
	}
	for n := range p.Layers {
		if !cfg.Trains(n + 1) { // nothing is kept of it
			continue
		}
		fill(&p.Layers[n].KeptW, len(p.Layers[n].W))
		fill(&p.Layers[n].KeptB, len(p.Layers[n].B))
	}
}

// awkwardConfig returns the configuration of an awkward network.
func awkwardConfig(name string) *Config {
	for _, c := range awkward {
		if c.name == name {
			return c.cfg()
		}
	}
	panic("no awkward network " + name)
}

// TestFixedAgainstReference compares every state, index and new parameter of a
// training step, and their order, with the naive model.
func TestFixedAgainstReference(t *testing.T) {
	for i, c := range everySweep() {
		t.Run(c.name, func(t *testing.T) {
			cfg := c.cfg()
			p, s := randomParams(cfg, uint64(i/2)), randomSamples(cfg, uint64(i/2))
			m, err := NewFixed(cfg)
			if err != nil {
				t.Fatal(err)
			}
			randomKept(cfg, m.arith, p, uint64(i))
			var got recorder
			out, err := m.Step(uint32(i), p, s, &got)
			if err != nil {
				t.Fatal(err)
			}
			want := &reference{cfg: cfg, number: uint32(i), par: p, x: s.X, y: s.Y, given: s.States}
			params := want.train()
			if len(got.events) != len(want.rec.events) {
				t.Errorf("%d events, want %d", len(got.events), len(want.rec.events))
			}
			for i, e := range want.rec.events {
				if diff := cmp.Diff(e, got.events[i]); diff != "" {
					t.Fatalf("event %d (-want +got):\n%s", i, diff)
				}
			}
			if diff := cmp.Diff(params, out.Params); diff != "" {
				t.Errorf("new parameters (-want +got):\n%s", diff)
			}
			checkAlive(t, cfg, out)
		})
	}
}

// checkAlive fails when the comparison above would prove nothing.
func checkAlive(t *testing.T, cfg *Config, out *Outcome) {
	t.Helper()
	for n, l := range out.Layers {
		if !cfg.Trains(n + 1) {
			continue
		}
		if l.Phases[PhaseFree].NonZero == 0 || l.Differing == 0 || l.WeightsChanged == 0 {
			t.Errorf("%s is dead: %d states not 0, %d differing, %d weights changed",
				l.Name, l.Phases[PhaseFree].NonZero, l.Differing, l.WeightsChanged)
		}
	}
}

// TestArithmetics runs the same codes in int64 and in float64.
func TestArithmetics(t *testing.T) {
	for i, c := range awkward {
		cfg := c.cfg()
		m, err := NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if exact := m.arith.exactInFloat64(); exact == (c.name == "wide formats") {
			t.Errorf("%s: exact in float64 %v", c.name, exact)
		}
		if !m.arith.exactInFloat64() {
			continue
		}
		p, s := randomParams(cfg, uint64(i)), randomSamples(cfg, uint64(i))
		want := newFixedRun[int64](m, p, s, nil).train(3, nil)
		got := newFixedRun[float64](m, p, s, nil).train(3, nil)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-int64 +float64):\n%s", c.name, diff)
		}
	}
}

// TestStatistics recounts what TrainStep reports from the events, and checks that the
// accumulators stayed within the derived ranges.
func TestStatistics(t *testing.T) {
	for i, c := range awkward {
		cfg := c.cfg()
		p, s := randomParams(cfg, uint64(i)), randomSamples(cfg, uint64(i))
		m, err := NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var rec recorder
		out, err := m.TrainStep(p, s, &rec)
		if err != nil {
			t.Fatal(err)
		}
		final := map[[2]int][]int32{}
		for _, e := range rec.events {
			if e.State != nil {
				final[[2]int{int(e.Phase), e.Layer}] = e.State
			}
		}
		for n, l := range out.Layers {
			acc := m.arith.Layers[n].Acc
			for phase := PhaseFree; phase <= PhaseNudge+1; phase++ {
				st := l.Phases[phase]
				nonZero, saturated := 0, 0
				for _, v := range final[[2]int{int(phase), n + 1}] {
					if v > 0 {
						nonZero++
					}
					if int64(v) == m.arith.Layers[n].Act.Hi {
						saturated++
					}
				}
				if nonZero != st.NonZero || saturated != st.Saturated {
					t.Errorf("%s, %s, %v: %d states not 0 and %d saturated, want %d and %d",
						c.name, l.Name, phase, st.NonZero, st.Saturated, nonZero, saturated)
				}
				if !acc.Contains(st.AccMin) || !acc.Contains(st.AccMax) || st.AccMin > st.AccMax {
					t.Errorf("%s, %s, %v: accumulator reached [%d, %d], want within %v",
						c.name, l.Name, phase, st.AccMin, st.AccMax, acc)
				}
			}
			changed := 0
			for i, w := range p.Layers[n].W {
				if out.Params.Layers[n].W[i] != w {
					changed++
				}
			}
			if changed != l.WeightsChanged {
				t.Errorf("%s, %s: %d weights changed, want %d", c.name, l.Name, l.WeightsChanged, changed)
			}
		}
	}
}

// TestHandComputed is the example of the package comment.
func TestHandComputed(t *testing.T) {
	cfg := testConfig(chain(Shape{1, 1, 1}, layerSpec{channels: 1}))
	cfg.FreeSteps, cfg.NudgeSteps, cfg.Beta, cfg.Rates[0] = 1, 1, 1, 1
	m, err := NewFixed(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var rec recorder
	p := &Params{Layers: []LayerParams{{W: []int32{1 << 14}, B: []int32{1 << 12}}}}
	out, err := m.TrainStep(p, &Samples{X: []int32{1 << 14}, Y: []int{0}}, &rec)
	if err != nil {
		t.Fatal(err)
	}
	want := []event{
		{Phase: PhaseFree, Layer: 1, State: []int32{12288}},
		{Phase: PhaseNudge, Layer: 1, State: []int32{22528}},
		{Phase: PhaseNudge + 1, Layer: 1, State: []int32{2048}},
	}
	if diff := cmp.Diff(want, rec.events); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	wantParams := &Params{Layers: []LayerParams{{W: []int32{16384 + 2560}, B: []int32{4096 + 5120}}}}
	if diff := cmp.Diff(wantParams, out.Params); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int32{12288}, out.Output); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestDeriveErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"format", func(c *Config) { c.Formats.State = fixedpoint.Format{} },
			"ep: state format: fixedpoint: format UQ0.0 is 0 bits wide, want 1..63"},
		{"too wide", func(c *Config) { c.Formats.Weight = fixedpoint.Q(20, 14) },
			"ep: weight format Q20.14 needs 35 signed bits, want at most 32"},
		{"accumulator", func(c *Config) {
			c.Formats.Weight, c.Formats.State, c.Formats.Input = fixedpoint.Q(17, 14), fixedpoint.UQ(0, 31), fixedpoint.Q(0, 31)
		}, "ep: layer1: accumulator of 67 bits from weight Q17.14, below Q0.31, state UQ0.31, bias Q1.14, beta UQ4.8, target UQ1.15, want at most 63"},
		{"beta zero", func(c *Config) { c.Beta = 0 },
			"ep: beta 0, want a number above 0 and at most 15.99609375, the largest of UQ4.8"},
		{"beta large", func(c *Config) { c.Beta = 16 },
			"ep: beta 16, want a number above 0 and at most 15.99609375, the largest of UQ4.8"},
		{"beta small", func(c *Config) { c.Beta = 0.001 },
			"ep: beta 0.001 rounds to 0 in UQ4.8, want at least 0.00390625"},
		{"rate", func(c *Config) { c.Rates[1] = -1 },
			"ep: layer2: rate -1: fixedpoint: update constant -1.52587890625e-05, want a finite number >= 0"},
		{"rate large", func(c *Config) { c.Rates[0] = 1e12 },
			"ep: layer1: rate 1e+12: fixedpoint: update constant 1.52587890625e+07 needs a shift of -8, want 0..126"},
		{"rates", func(c *Config) { c.Rates = c.Rates[:1] }, "ep: 1 rates for 2 layers, want as many, at least one"},
		{"batch", func(c *Config) { c.Batch = 0 }, "ep: batch 0, want at least 1"},
	} {
		cfg := testConfig(chain(Shape{1, 4, 4}, layerSpec{2, 3, 1, MaxPool, 1, false}, layerSpec{channels: 2}))
		c.change(cfg)
		_, err := Derive(cfg)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v\nwant %s", c.name, err, c.want)
		}
	}
}

func TestTrainStepErrors(t *testing.T) {
	cfg := testConfig(chain(Shape{1, 4, 4}, layerSpec{2, 3, 1, MaxPool, 1, false}, layerSpec{channels: 2}))
	m, err := NewFixed(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*Params, *Samples)
		want   string
	}{
		{func(p *Params, s *Samples) { p.Layers = p.Layers[:1] }, "parameters of 1 layers, want 2"},
		{func(p *Params, s *Samples) { p.Layers[1].W = p.Layers[1].W[1:] }, "layer2.weight: 15 values, want 16"},
		{func(p *Params, s *Samples) { p.Layers[0].B[1] = 40000 }, "layer1.bias: code 40000 at 1, want -32768..32767 for Q1.14"},
		{func(p *Params, s *Samples) { s.X = nil }, "input: 0 values, want 16"},
		{func(p *Params, s *Samples) { s.Y[0] = 2 }, "label 2 of sample 0, want 0..1"},
	} {
		p, s := randomParams(cfg, 1), randomSamples(cfg, 1)
		c.change(p, s)
		if _, err := m.TrainStep(p, s, nil); err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
