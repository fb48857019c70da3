package ep

import (
	"math"
	"slices"
)

// Float is the float64 model of a configuration: the same relaxation as
// [Fixed], with real numbers instead of codes and no roundings but those of
// float64. It is the reference against theory. A Float has no state of its own
// and may be used from several goroutines.
type Float struct {
	cfg                  *Config
	slope                float64   // of the hard sigmoid
	beta                 []float64 // by phase
	spread               float64   // of the contrast: Program.Spread
	damping              float64   // share of the way that a state moves
	initial              []float64 // state of a cold start, by layer
	one                  float64   // the target of the labelled class
	top                  []float64 // upper end of the hard sigmoid, by layer
	outputMin, outputMax float64   // ends of a linear output
	arith                *Arith    // whose real values it uses; nil for none
}

// NewFloat returns the float64 model of cfg, which uses its Beta and 1.0 as they are,
// whatever the formats. It fails for numbers of steps below 1.
func NewFloat(cfg *Config) (*Float, error) {
	if err := checkSchedule(cfg); err != nil {
		return nil, err
	}
	m := &Float{cfg: cfg, outputMin: math.Inf(-1), outputMax: math.Inf(1), slope: 1, damping: math.Ldexp(1, -cfg.Damping), one: 1}
	for n := range cfg.Network.Layers {
		m.initial, m.top = append(m.initial, cfg.InitialOf(n+1)), append(m.top, 1)
	}
	program := cfg.Program()
	for _, r := range program.Relaxations {
		m.beta = append(m.beta, r.Beta)
	}
	m.spread = program.Spread(func(phase Phase) float64 { return m.beta[phase] })
	if cfg.Activation == Half {
		m.slope = 0.5
	}
	return m, nil
}

// newTwin returns the float64 model of cfg with the real values that the fixed-point
// model a uses: the represented beta and target, and the largest state.
func newTwin(cfg *Config, a *Arith) (*Float, error) {
	m, err := NewFloat(cfg)
	if err != nil {
		return nil, err
	}
	f := &cfg.Formats
	for i := range m.beta {
		m.beta[i] = a.Beta(f, Phase(i))
	}
	m.spread, m.arith = a.Spread, a
	for n := range a.Layers {
		la := &a.Layers[n]
		m.initial[n], m.top[n] = la.State.ToFloat(la.Initial), la.State.ToFloat(la.Act.Hi)
	}
	m.one = f.Target.ToFloat(a.TargetOne)
	m.outputMin, m.outputMax = f.Output.ToFloat(f.Output.Min()), f.Output.ToFloat(f.Output.Max())
	return m, nil
}

// FloatOutcome is the result of a training step.
type FloatOutcome struct {
	Params   *FloatParams // after the update
	Gradient *FloatParams // the estimate of the gradient of the batch's mean loss

	Steps  []int         // time steps of each relaxation
	Finals [][][]float64 // final states of each phase and layer, [B, C, H, W]: s*, then s+ and s-
	Logits []float64     // of the readout at s*, [B, K]; nil without one

	Residual    float64 // largest change of a state in the last free step
	ArgmaxFlips []int   // per layer, pooling windows whose index differs between s+ and s- (live only)
}

// TrainStep is Step with number 0.
func (m *Float) TrainStep(p *FloatParams, s *FloatSamples, sink FloatSink) (*FloatOutcome, error) {
	return m.Step(0, p, s, sink)
}

// Step runs the free phase from the initial states and, in a training build, the nudged phases
// and the update of all parameters, on one batch:
//
//	g = -(dPhi/dtheta(s+) - dPhi/dtheta(s-)) / (2 beta B)      theta' = theta - lr g
//
// or the estimate of the configuration. The number is that of the update, by which
// a random sign is drawn. The sink, which may be nil, sees every step; p is not changed. Source:
// Laborieux et al. 2021, eq. 7, https://doi.org/10.3389/fnins.2021.633674.
func (m *Float) Step(number uint32, p *FloatParams, s *FloatSamples, sink FloatSink) (*FloatOutcome, error) {
	return m.StepFrom(number, nil, p, s, sink)
}

// StepFrom is Step from the given states, those of Finals[PhaseFree] of another step, or
// from the initial states if they are nil.
func (m *Float) StepFrom(number uint32, from [][]float64, p *FloatParams, s *FloatSamples, sink FloatSink) (*FloatOutcome, error) {
	r, err := m.relaxer(p, s)
	if err != nil {
		return nil, err
	}
	if from != nil {
		r.begin(from)
	}
	if sink != nil {
		r.onState = func(phase Phase, step, n int, s []float64) { sink.State(phase, step, n+1, r.whole(n, s)) }
		r.onIndex = func(phase Phase, step, n int, index []uint8) { sink.Index(phase, step, n+1, index) }
	}
	out := &FloatOutcome{Params: NewFloatParams(&m.cfg.Network), Gradient: NewFloatParams(&m.cfg.Network)}
	activate := r.activate
	r.activate = func(phase Phase, n int, u, s []float64) {
		old := append([]float64(nil), s...)
		activate(phase, n, u, s)
		if phase == PhaseFree {
			if n == 0 {
				out.Residual = 0 // that of the last free step remains
			}
			out.Residual = max(out.Residual, maxDifference(old, s))
		}
	}
	r.sign = float64(m.cfg.sign(number))
	out.Params.Accumulated = (p.Accumulated + 1) % m.cfg.Starts()
	e := r.relax()
	out.Finals, out.Steps = r.wholeFinals(e), r.steps
	if h := r.readout(); h != nil {
		h.evaluate(e[PhaseFree][h.Layer-1], r.batch)
		out.Logits = slices.Clone(h.logits)
	}
	if !r.program.Learns() {
		out.Params = p.Clone()
		return out, nil
	}
	for n := range r.layers {
		if !m.cfg.Trains(n + 1) {
			copy(out.Params.Layers[n].W, p.Layers[n].W)
			copy(out.Params.Layers[n].B, p.Layers[n].B)
			out.ArgmaxFlips = append(out.ArgmaxFlips, 0)
			continue
		}
		c := r.contrast(n, e, r.program.Points)
		out.ArgmaxFlips = append(out.ArgmaxFlips, c.flips)
		old, g, z := &p.Layers[n], &out.Gradient.Layers[n], &out.Params.Layers[n]
		z.KeptW, z.KeptB = old.KeptW.clone(), old.KeptB.clone()
		d := floatDescent{-1 / (m.spread * float64(m.cfg.Batch)), m.cfg.Rates[n], m.cfg.DecayShift, p.Accumulated}
		m.descend(g.W, z.W, old.W, &z.KeptW, c.w, d)
		if m.cfg.Clip > 0 && out.Params.Accumulated == 0 {
			for i, w := range z.W {
				z.W[i] = min(max(w, -m.cfg.Clip), m.cfg.Clip)
			}
		}
		m.descend(g.B, z.B, old.B, &z.KeptB, c.b, d)
	}
	for i := range r.heads {
		m.trainHead(r.heads[i].Head, r.headContrast(i, e), &p.Heads[i], &out.Gradient.Heads[i], &out.Params.Heads[i], p.Accumulated)
	}
	return out, nil
}

// trainHead writes the gradient of the head's own loss, without lambda, to g and the
// new parameters to z. The running mean is moved between steps, see [MeanRate].
func (m *Float) trainHead(h *Head, c headContrast[float64], old, g, z *FloatHeadParams, accumulated int) {
	d := floatDescent{-h.scale() / float64(m.cfg.Batch*len(m.cfg.Program().Points)), h.Rate, m.cfg.DecayShift, accumulated}
	if !h.Kind.Trains() {
		d.rate, d.decay = 0, 0
	}
	z.KeptW, z.KeptB = old.KeptW.clone(), old.KeptB.clone()
	m.descend(g.W, z.W, old.W, &z.KeptW, c.w, d)
	m.descend(g.B, z.B, old.B, &z.KeptB, c.b, d)
	copy(z.Mean, old.Mean)
}

// floatDescent is how one start changes the parameters of a layer or head.
type floatDescent struct {
	scale       float64 // from a contrast to the estimate of the gradient
	rate        float64
	decay       int // shift; 0: none
	accumulated int // starts whose gradients the sums hold
}

// descend writes the estimate of a contrast to g and the new parameters to z:
//
//	v' = (1 - 2^-friction) v - rate g - 2^-decay w      w' = w + v'
//
// where g is the sum over the starts of the update, each divided by the whole batch.
func (m *Float) descend(g, z, old []float64, kept *FloatKept, contrast []float64, d floatDescent) {
	starts := m.cfg.Starts()
	if starts > 1 && kept.Sum == nil {
		kept.Sum = make([]float64, len(old))
	}
	if m.cfg.MomentumShift > 0 && kept.Velocity == nil {
		kept.Velocity = make([]float64, len(old))
	}
	for i, w := range old {
		g[i] = d.scale * contrast[i]
		sum := g[i]
		if starts > 1 {
			kept.Sum[i] += g[i] / float64(starts)
			if z[i] = w; d.accumulated < starts-1 {
				continue
			}
			sum, kept.Sum[i] = kept.Sum[i], 0
		}
		change := -d.rate * sum
		if k := d.decay; k > 0 {
			change -= math.Ldexp(w, -k)
		}
		if k := m.cfg.MomentumShift; k > 0 {
			change += kept.Velocity[i] - math.Ldexp(kept.Velocity[i], -k)
			kept.Velocity[i] = change
		}
		z[i] = w + change
	}
}

func (z *FloatKept) clone() FloatKept {
	return FloatKept{Velocity: slices.Clone(z.Velocity), Sum: slices.Clone(z.Sum)}
}

// relaxer returns the dynamics of p on s, at the initial states.
func (m *Float) relaxer(p *FloatParams, s *FloatSamples) (*relaxer[float64], error) {
	if err := p.Check(&m.cfg.Network); err != nil {
		return nil, err
	}
	if err := firstError(s.Check(&m.cfg.Network, m.cfg.Batch), m.cfg.checkFloatStates(s.States)); err != nil {
		return nil, err
	}
	w, b := make([][]float64, len(p.Layers)), make([][]float64, len(p.Layers))
	for n, l := range p.Layers {
		w[n], b[n] = l.W, l.B
	}
	layers := m.cfg.Network.Layers
	r := newRelaxer(m.cfg, w, b, s.X, func(n int) layerScales[float64] {
		own := layers[n].poolScale()
		sc := layerScales[float64]{up: own, bias: own, down: 1, contrast: own}
		if n+1 < len(layers) {
			sc.down = layers[n+1].poolScale()
		}
		return sc
	})
	if m.cfg.Network.Readout() == nil {
		r.nudge = nudger[float64]{beta: slices.Clone(m.beta), state: 1, scale: 1, target: oneHot(s.Y, m.cfg.Network.Classes(), m.one)}
		if m.cfg.NudgedOutside() {
			r.nudge.outside, r.nudge.scale, r.nudge.highest = true, 1/m.slope, m.top[len(layers)-1]/m.slope
		}
	}
	heads := make([]headArrays[float64], len(p.Heads))
	for i, h := range p.Heads {
		heads[i] = headArrays[float64]{h.W, h.B, h.Mean}
	}
	r.addHeads(&m.cfg.Network, heads, m.headUnits)
	r.setTargets(s.Y)
	for i, t := range s.Teacher {
		copy(r.heads[i].teacher, t)
	}
	for n := range r.layers {
		r.layers[n].initial, r.layers[n].tolerance = m.initial[n], float64(m.cfg.Tolerance)*m.cfg.StateFormat(n+1).LSB()
		if m.cfg.Differs() {
			r.layers[n].change = m.newChange(&r.layers[n], n)
		}
	}
	r.begin(s.States)
	r.activate = func(_ Phase, n int, u, s []float64) {
		if r.differs {
			if l := &r.layers[n]; r.moving {
				m.move(l, n, u, s)
				return
			}
			m.refer(&r.layers[n], n, u)
		}
		if m.cfg.linear(n) {
			for i, v := range u {
				s[i] += m.damping * (min(max(v, m.outputMin), m.outputMax) - s[i])
			}
			return
		}
		top := m.top[n]
		for i, v := range u {
			s[i] += m.damping * (min(max(m.slope*v, 0), top) - s[i])
		}
	}
	r.onState = func(Phase, int, int, []float64) {}
	r.onIndex = func(Phase, int, int, []uint8) {}
	return r, nil
}

// Phi returns the primitive function of the network at the given states, summed
// over the samples:
//
//	Phi = sum_n < P_n(W_n * s^{n-1} + b_n), s^n >
//
// Its derivative by s^n is the pre-activation of layer n. States are [layer][B,
// C, H, W]. Source: Ernoult et al. 2019, https://arxiv.org/abs/1905.13633.
func (m *Float) Phi(p *FloatParams, s *FloatSamples, states [][]float64) (float64, error) {
	r, err := m.relaxer(p, s)
	if err != nil {
		return 0, err
	}
	r.restore(states)
	phi := 0.0
	for n := range r.layers {
		r.drive(n, PhaseFree, 0)
		for i, v := range r.layers[n].acc {
			phi += v * states[n][i]
		}
	}
	return phi, nil
}

// Objective returns J = L + sum_k lambda_k L_k at the given states [layer][B, C, H,
// W], summed over the samples.
func (m *Float) Objective(p *FloatParams, s *FloatSamples, states [][]float64) (float64, error) {
	r, err := m.relaxer(p, s)
	if err != nil {
		return 0, err
	}
	loss := 0.0
	if m.cfg.Network.Readout() == nil {
		loss = m.Loss(states[len(states)-1], s.Y)
	}
	for i, h := range r.heads {
		h.evaluate(states[h.Layer-1], r.batch)
		d := h.Outputs()
		for b, label := range s.Y {
			var teacher []float64
			if h.Kind.taught() {
				teacher = s.Teacher[i][b*d:][:d]
			}
			loss += h.Lambda * h.loss(h.logits[b*d:][:d], label, teacher)
		}
	}
	return loss, nil
}

// Loss returns the squared error of outputs [B, classes] against one-hot labels,
// summed over the samples: sum 1/2 (s^N - y)^2.
func (m *Float) Loss(output []float64, labels []int) float64 {
	loss := 0.0
	for i, y := range oneHot(labels, m.cfg.Network.Classes(), m.one) {
		loss += (output[i] - y) * (output[i] - y) / 2
	}
	return loss
}

// Free returns the states of all layers after the free phase.
func (m *Float) Free(p *FloatParams, s *FloatSamples) ([][]float64, error) {
	r, err := m.relaxer(p, s)
	if err != nil {
		return nil, err
	}
	r.run(PhaseFree, m.cfg.FreeSteps)
	return r.snapshot(), nil
}

// maxDifference returns the largest |x[i] - y[i]|.
func maxDifference(x, y []float64) float64 {
	d := 0.0
	for i, v := range x {
		d = max(d, math.Abs(v-y[i]))
	}
	return d
}
