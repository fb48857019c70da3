package ep

import (
	"fmt"
	"math"
	"slices"

	"epgen/fixedpoint"
)

// Fixed is the fixed-point model of a configuration: the definition of every
// number that the generated hardware computes. It works on codes; all sums and
// products are exact, and the only roundings are the activation of a neuron and
// the update of a parameter, both taken from Arith. A Fixed has no state
// of its own and may be used from several goroutines.
type Fixed struct {
	cfg   *Config
	arith *Arith
}

// NewFixed returns the fixed-point model of cfg. It fails as [Derive] does, and
// for numbers of steps below 1.
func NewFixed(cfg *Config) (*Fixed, error) {
	if err := checkSchedule(cfg); err != nil {
		return nil, err
	}
	a, err := Derive(cfg)
	if err != nil {
		return nil, err
	}
	return &Fixed{cfg: cfg, arith: a}, nil
}

// Arith returns the arithmetic of the model.
func (m *Fixed) Arith() *Arith { return m.arith }

// Outcome is the result of a training step, or of an inference.
type Outcome struct {
	Params *Params      // after the update; those before where nothing learns
	Steps  []int        // time steps of each relaxation
	Free   [][]int32    // s* of each layer, [B, C, H, W]
	Output []int32      // s^N at the end of the free phase, [B, C, H, W], without a readout the prediction; of an inference build with one the logits in Formats.Logit, [B, K]
	Logits []int64      // of the readout at s*, [B, K], with LogitFrac fractional bits; nil without one
	Layers []LayerStats // behind them the readout of an inference build
	Heads  []HeadStats  // of an update
}

// TrainStep is Step with number 0.
func (m *Fixed) TrainStep(p *Params, s *Samples, sink Sink) (*Outcome, error) {
	return m.Step(0, p, s, sink)
}

// Step runs the free phase from the initial states and, in a training build, the nudged phases
// and the update of all parameters, on one batch. The number is that of the update,
// which stochastic rounding draws its bits by. The sink, which may be nil, sees
// every step; p is not changed. Parameters or samples whose shapes or codes
// do not fit the configuration are an error.
func (m *Fixed) Step(number uint32, p *Params, s *Samples, sink Sink) (*Outcome, error) {
	return m.StepFrom(number, nil, p, s, sink)
}

// StepFrom is Step from the given states, those of Outcome.Free of another step, or from
// the initial states if they are nil.
func (m *Fixed) StepFrom(number uint32, from [][]int32, p *Params, s *Samples, sink Sink) (*Outcome, error) {
	if err := m.check(p, s); err != nil {
		return nil, err
	}
	if m.arith.exactInFloat64() {
		return newFixedRun[float64](m, p, s, sink).train(number, from), nil
	}
	return newFixedRun[int64](m, p, s, sink).train(number, from), nil
}

// check reports parameters or samples that do not fit the configuration.
func (m *Fixed) check(p *Params, s *Samples) error {
	if err := firstError(p.Check(&m.cfg.Network, &m.cfg.Formats), m.checkKept(p)); err != nil {
		return err
	}
	return firstError(s.Check(&m.cfg.Network, m.cfg.Batch, &m.cfg.Formats), m.cfg.checkStates(s.States))
}

// checkKept reports numbers kept by updates that do not fit the configuration.
func (m *Fixed) checkKept(p *Params) error {
	if n := m.cfg.Starts(); p.Accumulated < 0 || p.Accumulated >= n {
		return fmt.Errorf("ep: contrasts of %d starts, want at most %d", p.Accumulated, n-1)
	}
	for n := range p.Layers {
		l, name := &p.Layers[n], m.cfg.Network.Layers[n].Name
		if err := firstError(m.arith.Keeps.check(name+".weight", &l.KeptW, len(l.W)), m.arith.Keeps.check(name+".bias", &l.KeptB, len(l.B))); err != nil {
			return err
		}
	}
	for i := range p.Heads {
		h, name := &p.Heads[i], m.cfg.Network.Heads[i].Name
		if err := firstError(m.arith.Keeps.check(name+".weight", &h.KeptW, len(h.W)), m.arith.Keeps.check(name+".bias", &h.KeptB, len(h.B))); err != nil {
			return err
		}
	}
	return nil
}

// exactInFloat64 reports whether every sum of the model, partial sums
// included, is an integer that float64 holds exactly. Products and aligned
// terms need no test of their own: ranges contain 0, so they lie in their sum's.
func (a *Arith) exactInFloat64() bool {
	exact := fixedpoint.NewInterval(-fixedpoint.MaxExactFloat, fixedpoint.MaxExactFloat)
	for i := range a.Layers {
		l := &a.Layers[i]
		if d := l.Difference; d != nil && !d.Acc.Within(exact) {
			return false
		}
		if !l.Acc.Within(exact) || !l.Contrast.Within(exact) || !l.BiasContrast.Within(exact) {
			return false
		}
	}
	for i := range a.Heads {
		h := &a.Heads[i]
		for _, r := range []fixedpoint.Interval{h.Logit, h.Back, h.Contrast, h.BiasContrast} {
			if !r.Within(exact) {
				return false
			}
		}
	}
	return true
}

// fixedRun is one training step on codes held in T.
type fixedRun[T fixedpoint.Number] struct {
	*relaxer[T]
	model *Fixed
	old   *Params
	sink  Sink
	codes []int32 // scratch for the sink
	stats []LayerStats
}

func newFixedRun[T fixedpoint.Number](m *Fixed, p *Params, s *Samples, sink Sink) *fixedRun[T] {
	w, b := make([][]T, len(p.Layers)), make([][]T, len(p.Layers))
	for n, l := range p.Layers {
		w[n], b[n] = widen[T](l.W), widen[T](l.B)
	}
	pow2 := func(shift int) T { return T(int64(1) << shift) }
	r := &fixedRun[T]{model: m, old: p, sink: sink, stats: newLayerStats(m.cfg)}
	r.relaxer = newRelaxer(m.cfg, w, b, widen[T](s.X), func(n int) layerScales[T] {
		la := &m.arith.Layers[n]
		return layerScales[T]{pow2(la.UpShift), pow2(la.BiasShift), pow2(la.DownShift), 1}
	})
	f, output := &m.cfg.Formats, m.cfg.StateFormat(len(w))
	if m.cfg.Network.Readout() == nil {
		frac, shift := output.Frac, m.arith.Layers[len(w)-1].NudgeShift
		if d := m.arith.Layers[len(w)-1].Difference; d != nil {
			frac, shift = d.Frac, d.NudgeShift
		}
		align := max(frac, f.Target.Frac)
		r.nudge = nudger[T]{
			beta:   signedCodes[T](m.arith.Betas),
			state:  pow2(align - frac),
			scale:  pow2(shift),
			target: oneHot(s.Y, m.cfg.Network.Classes(), T(m.arith.TargetOne)*pow2(align-f.Target.Frac)),
		}
		if m.cfg.NudgedOutside() {
			lo, hi, _ := m.arith.Layers[len(w)-1].Outside.Int64()
			r.nudge.outside, r.nudge.lowest, r.nudge.highest = true, T(lo), T(hi)
		}
	}
	r.addHeads(&m.cfg.Network, codeHeads[T](p), func(i int) headUnits[T] { return codeHeadUnits[T](m.cfg, m.arith, i) })
	r.setTargets(s.Y)
	for i, t := range s.Teacher {
		copy(r.heads[i].teacher, widen[T](t))
	}
	r.onHead = r.observeHead
	for n := range r.layers {
		l := &r.layers[n]
		l.initial, l.tolerance = T(m.arith.Layers[n].Initial), T(m.cfg.Tolerance)
		if d := m.arith.Layers[n].Difference; d != nil {
			l.change = &change[T]{
				scale: pow2(d.UpShift), feedback: pow2(d.DownShift), lo: T(d.Lo), hi: T(d.Hi), tolerance: T(m.cfg.Tolerance),
				here: pow2(d.HereLift + d.SumLift), below: pow2(d.BelowLift + d.SumLift), both: pow2(d.BothLift), reference: make([]T, len(l.s)),
			}
		}
	}
	r.begin(widenAll[T](s.States))
	r.activate = r.requantize
	r.onState, r.onIndex = r.observeState, r.observeIndex
	return r
}

// oneHot returns the targets [B, classes]: one at each label, 0 elsewhere.
func oneHot[T fixedpoint.Number](labels []int, classes int, one T) []T {
	y := make([]T, len(labels)*classes)
	for b, label := range labels {
		y[b*classes+label] = one
	}
	return y
}

// requantize is the activation: clamp(round(u * 2^-Shift), 0, Hi), one rounding
// per neuron and step.
func (r *fixedRun[T]) requantize(phase Phase, n int, u, s []T) {
	act, st := r.model.arith.Layers[n].Act, &r.stats[n].Phases[phase]
	change, reference := r.model.arith.Layers[n].Difference, []T(nil)
	if change != nil {
		reference = r.layers[n].change.reference
	}
	if phase == PhaseFree {
		r.stats[n].Residual = 0 // that of the last free step remains
	}
	for i, v := range u {
		acc := int64(v)
		z, tie := act.ApplyTie(acc)
		switch {
		case change == nil:
		case phase == PhaseFree:
			reference[i] = T(change.Reference.Apply(acc))
		default:
			z, tie = change.move(int64(reference[i]), acc)
		}
		if tie {
			st.Ties++
		}
		z = r.model.arith.damp(int64(s[i]), z)
		st.AccMin, st.AccMax = min(st.AccMin, acc), max(st.AccMax, acc)
		if phase == PhaseFree {
			r.stats[n].Residual = max(r.stats[n].Residual, z-int64(s[i]), int64(s[i])-z)
		}
		s[i] = T(z)
	}
}

func (r *fixedRun[T]) observeState(phase Phase, step, n int, s []T) {
	if r.sink == nil {
		return
	}
	r.codes = narrow(r.codes[:0], s)
	r.sink.State(phase, step, n+1, r.codes)
}

func (r *fixedRun[T]) observeIndex(phase Phase, step, n int, index []uint8) {
	if r.sink != nil {
		r.sink.Index(phase, step, n+1, index)
	}
}

// train runs the phases and the update of the given number.
func (r *fixedRun[T]) train(number uint32, from [][]int32) *Outcome {
	if from != nil {
		r.begin(widenAll[T](from))
	}
	r.sign = T(r.model.cfg.sign(number))
	e := r.relax()
	r.countStates(e)
	out := &Outcome{Params: r.old, Steps: r.steps, Layers: r.stats}
	for _, s := range e[PhaseFree] {
		out.Free = append(out.Free, narrow(nil, s))
	}
	out.Output = out.Free[len(out.Free)-1]
	if r.program.Learns() {
		r.learn(out, number, e)
	}
	if h := r.readout(); h != nil {
		h.evaluate(e[PhaseFree][h.Layer-1], r.batch)
		out.Logits = widen64(h.logits)
		if r.program.Reads {
			r.deliver(out)
		}
	}
	return out
}

// learn completes an outcome with the update of the given number.
func (r *fixedRun[T]) learn(out *Outcome, number uint32, e finals[T]) {
	out.Params = &Params{Layers: make([]LayerParams, len(r.layers))}
	out.Params.Accumulated = (r.old.Accumulated + 1) % r.model.cfg.Starts()
	for n := range r.layers {
		if !r.model.cfg.Trains(n + 1) {
			old := &r.old.Layers[n]
			out.Params.Layers[n] = LayerParams{W: slices.Clone(old.W), B: slices.Clone(old.B)}
			continue
		}
		out.Params.Layers[n] = r.update(n, number, e)
	}
	for i := range r.heads {
		p, st := r.updateHead(i, number, e)
		out.Params.Heads, out.Heads = append(out.Params.Heads, p), append(out.Heads, st)
	}
}

// update returns the new parameters of layer n+1.
func (r *fixedRun[T]) update(n int, number uint32, e finals[T]) LayerParams {
	old, st := &r.old.Layers[n], &r.stats[n]
	c := r.contrast(n, e, r.program.Points)
	st.ArgmaxFlips, st.WeightsReachable = c.flips, c.reachable
	keeps := r.model.arith.Keeps
	p := LayerParams{KeptW: keeps.orZero(old.KeptW, len(old.W)), KeptB: keeps.orZero(old.KeptB, len(old.B))}
	weights, biases := r.model.arith.layerUpdates(r.model.cfg, n, number, r.old.Accumulated)
	p.W, st.WeightsChanged, st.WeightsSaturated = updateCodes(weights, old.W, &p.KeptW, c.w)
	p.B, st.BiasesChanged, st.BiasesSaturated = updateCodes(biases, old.B, &p.KeptB, c.b)
	return p
}

// signedCodes returns codes as T.
func signedCodes[T fixedpoint.Number](x []int64) []T {
	z := make([]T, len(x))
	for i, v := range x {
		z[i] = T(v)
	}
	return z
}

// widen returns codes as T.
func widen[T fixedpoint.Number](x []int32) []T {
	z := make([]T, len(x))
	for i, v := range x {
		z[i] = T(v)
	}
	return z
}

// widenAll is widen for a list of codes, nil for none.
func widenAll[T fixedpoint.Number](list [][]int32) [][]T {
	var z [][]T
	for _, x := range list {
		z = append(z, widen[T](x))
	}
	return z
}

// narrow appends codes held in T to dst.
func narrow[T fixedpoint.Number](dst []int32, x []T) []int32 {
	for _, v := range x {
		dst = append(dst, int32(v))
	}
	return dst
}

// PhaseStats describes one layer in one phase.
type PhaseStats struct {
	NonZero        int   // states other than 0 at the end of the phase, over the batch; of phases that hold differences, these
	Saturated      int   // states at the maximum, or differences at either end, at the end of the phase
	Ties           int64 // activations whose value lay exactly between two codes, over all steps
	AccMin, AccMax int64 // smallest and largest pre-activation, over all steps, with AccFrac fractional bits
}

// LayerStats describes one layer in one training step.
type LayerStats struct {
	Name    string
	States  int // neurons of the layer times samples
	Weights int
	Biases  int

	Phases []PhaseStats // of the relaxations

	Residual         int64 // largest change of a state in the last free step, in codes
	Differing        int   // states that differ between the first two points of the contrast, s+ and s-
	ArgmaxFlips      int   // pooling windows whose index differs between these points (live only)
	WeightsReachable int   // weights whose contrast can be other than 0: see Layer.Reachable
	WeightsChanged   int
	WeightsSaturated int // sums of weight and change that were clamped
	BiasesChanged    int
	BiasesSaturated  int
}

func newLayerStats(cfg *Config) []LayerStats {
	stats := make([]LayerStats, len(cfg.Network.Layers))
	relaxations := len(cfg.Program().Relaxations)
	for n := range stats {
		l := &cfg.Network.Layers[n]
		stats[n] = LayerStats{
			Name: l.Name, States: cfg.Batch * l.Out.Len(), Weights: l.Weights(), Biases: l.Biases(),
		}
		for range relaxations {
			stats[n].Phases = append(stats[n].Phases, PhaseStats{AccMin: math.MaxInt64, AccMax: math.MinInt64})
		}
	}
	return stats
}

// countStates completes the statistics with those of the final states.
func (r *fixedRun[T]) countStates(e finals[T]) {
	for n := range r.stats {
		top := T(r.model.arith.Layers[n].Act.Hi)
		for i, states := range e {
			st, lo, hi := &r.stats[n].Phases[i], top, top
			if d := r.model.arith.Layers[n].Difference; d != nil && Phase(i) != PhaseFree {
				hi = T(d.Range.Hi().Int64())
				lo = -hi
			}
			for _, v := range states[n] {
				if v != 0 {
					st.NonZero++
				}
				if v == lo || v == hi {
					st.Saturated++
				}
			}
		}
	}
	if !r.program.Learns() {
		return
	}
	one, two := r.program.Points[0].Phase, r.program.Points[1].Phase
	for n := range r.stats {
		for i := range e[one][n] {
			if r.distance(e, one, n, i) != r.distance(e, two, n, i) {
				r.stats[n].Differing++
			}
		}
	}
}
