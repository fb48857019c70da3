package ep

import (
	"math"
	"slices"

	"epgen/fixedpoint"
)

// Differences. With Formats.DifferenceBits a nudged phase does not hold the states s of layer
// n but how far they are from s*:
//
//	s = s* + d          d = clamp(round(delta 2^-k ...)), codes with F + k fractional bits
//
// where F are those of the states. The free phase leaves, beside s*, the pre-activation p* of its
// last step and the pool indices I* of that step. A pass is linear for given indices, so the
// change of a pre-activation is a pass over the differences alone, without biases and input:
//
//	delta^n = P(W_n * d^{n-1}; I*) + W_{n+1}^T U(d^{n+1}; I*) - [n=N] beta (sigma(p*) + d^N - y)
//	d^n     = sigma(p* + delta^n) - sigma(p*)
//
// At an equilibrium s* = sigma(p*) this is the nudged relaxation itself; elsewhere it is that of
// a network which s* is an equilibrium of. What s* lacks of one for being rounded, or for not having
// settled, is in both points of the contrast and moves neither.

// maxDifferenceShift bounds Formats.DifferenceShift.
const maxDifferenceShift = 30

// Differs reports whether nudged phases hold differences from s*.
func (c *Config) Differs() bool { return c.Formats.DifferenceBits > 0 }

// DifferenceShiftOf returns how many fractional bits the differences of layer n, from 1, have
// beyond those of its states; 0 without differences.
func (c *Config) DifferenceShiftOf(n int) int {
	switch k := c.Formats.DifferenceShift; {
	case !c.Differs() || n < 1:
		return 0
	case len(k) == 1:
		return k[0]
	default:
		return k[n-1]
	}
}

// differences returns the range of the codes of a difference, without the outermost one, so
// that both signs reach equally far.
func (f *Formats) differences() fixedpoint.Interval {
	top := int64(1)<<(f.DifferenceBits-1) - 1
	return fixedpoint.NewInterval(-top, top)
}

// checkDifferences checks their formats, and what they are not combined with.
func (c *Config) checkDifferences() error {
	f := &c.Formats
	if f.DifferenceBits == 0 {
		if len(f.DifferenceShift) > 0 {
			return badSetting("formats.difference-shift", "given with formats.difference-bits 0, want none")
		}
		return nil
	}
	if err := checkRange("formats.difference-bits", f.DifferenceBits, 2, 31); err != nil {
		return err
	}
	if got, want := len(f.DifferenceShift), len(c.Network.Layers); got != 1 && got != want {
		return badSetting("formats.difference-shift", "%d numbers, want 1, or %d, one for each layer", got, want)
	}
	for i, k := range f.DifferenceShift {
		if err := ofTheLayer(i+1, checkRange("formats.difference-shift", k, 0, maxDifferenceShift)); err != nil {
			return err
		}
	}
	switch {
	case len(c.Network.Heads) > 0:
		return badSetting("formats.difference-bits", "%d with heads or loss ce, want 0", f.DifferenceBits)
	case c.PoolIndex == Live:
		return badSetting("phases.pool-index", "live with formats.difference-bits %d, want frozen", f.DifferenceBits)
	case c.NudgedOutside():
		return badSetting("phases.nudge", "outside with formats.difference-bits %d, want inside", f.DifferenceBits)
	}
	return nil
}

// DifferenceArith is the arithmetic of one layer in nudged phases that hold differences.
type DifferenceArith struct {
	Shift int                 // k: fractional bits beyond those of the states
	Frac  int                 // of a difference
	Range fixedpoint.Interval // of its codes

	// Reference takes the accumulator of the free phase to p*, which is cut off, not rounded, and saturates.
	Reference fixedpoint.Requant
	Lo, Hi    int64 // ends of the activation, in codes of a difference

	AccFrac int // of the accumulator in nudged phases

	Up, Down, Nudge, Acc           fixedpoint.Interval // as in LayerArith
	UpShift, DownShift, NudgeShift int
	Act                            fixedpoint.Requant // accumulator to delta; never clamps

	// Alignment of the contrast, see Program.Terms: of z in each kind of term, and, before the products
	// of two differences are added, of the sum so far.
	HereLift, BelowLift, BothLift, SumLift int
}

// move returns the new difference of a neuron from p* and the accumulator. There is one rounding,
// that of the change of the pre-activation.
func (d *DifferenceArith) move(reference, acc int64) (code int64, tie bool) {
	delta, tie := d.Act.ApplyTie(acc)
	lo, hi, _ := d.Range.Int64()
	return min(max(d.activate(reference+delta)-d.activate(reference), lo), hi), tie
}

// activate is the hard sigmoid in codes of a difference.
func (d *DifferenceArith) activate(u int64) int64 { return min(max(u, d.Lo), d.Hi) }

// referenceBits returns the signed bits in which p* is kept, of every layer: one more than the
// widest range of an activation needs.
func (c *Config) referenceBits() int {
	bits := 0
	for n := range c.Network.Layers {
		bits = max(bits, c.states(n).Shl(c.DifferenceShiftOf(n+1)).SignedWidth()+1)
	}
	return bits
}

// lifted returns the range of z in a kind of term of layer n+1, at its place in the contrast.
func (c *Config) lifted(kind TermKind, n int, states fixedpoint.Interval) fixedpoint.Interval {
	k, below := c.DifferenceShiftOf(n+1), c.DifferenceShiftOf(n)
	switch kind {
	case HereMoves:
		return c.Formats.differences().Shl(max(0, below-k))
	case BelowMoves:
		return states.Shl(max(0, k-below))
	case BothMove:
		return c.Formats.differences().Shl(c.sumLifts()[n] - min(k, below))
	}
	return states
}

// sumLifts returns SumLift by layer. The least is the smaller of two neighbours' shifts; each
// more than one is a multiplexer in front of every contrast, so that layers share the larger ones
// as far as differences that are lifted in return leave the operands as wide as they are.
func (c *Config) sumLifts() []int {
	f, program := &c.Formats, c.Program()
	var all, widest fixedpoint.Interval
	for n := range c.Network.Layers {
		all = all.Union(f.WeightOf(n + 1).Interval())
		for _, t := range program.Terms(n + 1) {
			if t.Kind == BothMove {
				widest = widest.Union(program.weighted(t.Weight, f.differences()))
			} else {
				all = all.Union(program.weighted(t.Weight, c.lifted(t.Kind, n, c.states(n))))
			}
		}
	}
	room := max(0, all.SignedWidth()-widest.SignedWidth())
	lifts, done := make([]int, len(c.Network.Layers)), make([]bool, len(c.Network.Layers))
	for n := range lifts {
		lifts[n], done[n] = min(c.DifferenceShiftOf(n), c.DifferenceShiftOf(n+1)), n == 0
	}
	for slices.Contains(done, false) {
		top := 0
		for n, least := range lifts {
			if !done[n] {
				top = max(top, least)
			}
		}
		for n, least := range lifts {
			if !done[n] && least >= top-room {
				lifts[n], done[n] = top, true
			}
		}
	}
	return lifts
}

// deriveDifference completes la of layer n+1, whose part of the free phase is derived.
func deriveDifference(cfg *Config, a *Arith, n int, la *LayerArith) {
	f, layers := &cfg.Formats, cfg.Network.Layers
	l, last := &layers[n], n == len(layers)-1
	d := &DifferenceArith{Shift: cfg.DifferenceShiftOf(n + 1), Range: f.differences()}
	d.Frac = la.State.Frac + d.Shift
	d.Lo, d.Hi = la.Act.Lo<<d.Shift, la.Act.Hi<<d.Shift
	limit := int64(1) << (cfg.referenceBits() - 1)
	d.Reference = fixedpoint.Requant{Shift: la.Act.Shift - d.Shift, Mode: fixedpoint.Truncate, Lo: -limit, Hi: limit - 1}

	upFrac, downFrac := 0, 0
	if n > 0 {
		upFrac = la.Weight.Frac + la.In.Frac + cfg.DifferenceShiftOf(n) + l.PoolFrac()
		d.Up = la.Weight.Interval().Mul(d.Range).SumUpTo(l.In.C * min(l.KH, l.In.H) * min(l.KW, l.In.W))
	}
	if !last {
		downFrac = f.WeightOf(n+2).Frac + cfg.StateFormat(n+2).Frac + cfg.DifferenceShiftOf(n+2) + layers[n+1].PoolFrac()
		d.Down = f.WeightOf(n + 2).Interval().Mul(d.Range).SumUpTo(feedbackTerms(&layers[n+1]))
	}
	alignFrac := max(d.Frac, f.Target.Frac) // of sigma(p*) + d - y
	d.AccFrac = max(d.Frac, upFrac, downFrac)
	if last {
		d.AccFrac = max(d.AccFrac, f.Beta.Frac+alignFrac)
		d.NudgeShift = d.AccFrac - f.Beta.Frac - alignFrac
		target := fixedpoint.NewInterval(0, a.TargetOne).Shl(alignFrac - f.Target.Frac)
		state := fixedpoint.NewInterval(d.Lo, d.Hi).Add(d.Range)
		for _, b := range a.Betas {
			d.Nudge = d.Nudge.Union(state.Shl(alignFrac - d.Frac).Sub(target).Mul(fixedpoint.Point(max(b, -b))))
		}
	} else {
		d.DownShift = d.AccFrac - downFrac
	}
	if n > 0 {
		d.UpShift = d.AccFrac - upFrac
	}
	drive := d.Up.Shl(d.UpShift)
	if l.Averages() {
		drive = drive.SumUpTo(4)
	}
	nudge := d.Nudge.Shl(d.NudgeShift)
	d.Acc = drive.Add(d.Down.Shl(d.DownShift)).Add(nudge.Union(nudge.Neg()))
	d.Act = fixedpoint.Requant{Shift: d.AccFrac - d.Frac + la.Act.Shift - (la.AccFrac - la.State.Frac), Mode: f.StateRounding}
	if lo, hi, ok := d.Acc.Round(d.Act.Shift, d.Act.Mode).Int64(); ok {
		d.Act.Lo, d.Act.Hi = lo, hi
	}
	if k := cfg.DifferenceShiftOf(n); n > 0 {
		d.HereLift, d.BelowLift, d.SumLift = max(0, k-d.Shift), max(0, d.Shift-k), cfg.sumLifts()[n]
		d.BothLift = d.SumLift - min(k, d.Shift)
	}
	la.Difference = d
}

// differenceContrast completes la of layer n+1 with the ranges of its contrasts: z and s below are
// the states of layer n+1 and below it.
func (d *DifferenceArith) contrast(p *Program, n int, z, below fixedpoint.Interval, positions, terms int) (weights, biases fixedpoint.Interval) {
	var squares fixedpoint.Interval
	for _, t := range p.Terms(n + 1) {
		here, under := z, below
		switch t.Kind {
		case HereMoves:
			here = d.Range.Shl(d.HereLift)
			biases = biases.Add(p.weighted(t.Weight, d.Range).SumUpTo(terms))
		case BelowMoves:
			here, under = z.Shl(d.BelowLift), d.Range
		case BothMove:
			here, under = d.Range.Shl(d.BothLift), d.Range
		}
		sum := p.weighted(t.Weight, here.Mul(under)).SumUpTo(positions)
		if t.Kind == BothMove {
			squares = squares.Add(sum)
		} else {
			weights = weights.Add(sum)
		}
	}
	return weights.Shl(d.SumLift).Add(squares), biases
}

// change is what a layer of a relaxer needs in nudged phases that hold differences.
type change[T fixedpoint.Number] struct {
	scale, feedback   T // of the products, as in layerState
	here, below, both T // scales of the terms of the contrast
	lo, hi            T // ends of the activation
	tolerance         T // of the monitor
	reference         []T
}

// activated returns sigma(p*).
func (c *change[T]) activated(i int) T { return min(max(c.reference[i], c.lo), c.hi) }

// contrastOfChanges adds the terms of the contrast of layer n+1 to c; the pool indices are
// those of the free phase. below returns the states that a set of final states has under the layer.
func (r *relaxer[T]) contrastOfChanges(c *contrast[T], n int, e finals[T], points []Point, below func([][]T) []T) {
	l := &r.layers[n]
	outer := fixedpoint.NewOuter[T](l.Window())
	for _, t := range termsOf(points, true, n+1) {
		z, weight := e[t.Here][n], T(t.Weight)*r.sign
		outer.Add(c.w, z, l.index, below(e[t.Below]), r.batch, weight*l.change.lift(t.Kind))
		if t.Kind == HereMoves {
			area := l.Out.H * l.Out.W
			for i, v := range z {
				c.b[i/area%l.Out.C] += weight * v
			}
		}
	}
}

// lift is the scale of a term of the contrast.
func (c *change[T]) lift(k TermKind) T {
	switch k {
	case HereMoves:
		return c.here
	case BelowMoves:
		return c.below
	}
	return c.both
}

// distance is a final state of a phase, or its difference from s*, which is none for s*.
func (r *relaxer[T]) distance(e finals[T], phase Phase, n, i int) T {
	if r.differs && phase == PhaseFree {
		return 0
	}
	return e[phase][n][i]
}

// newChange is that of layer n+1 in float64, without any limit to its differences but, as a
// twin of the fixed-point model, that of their format.
func (m *Float) newChange(l *layerState[float64], n int) *change[float64] {
	c := &change[float64]{
		scale: l.scale, feedback: l.feedback, here: 1, below: 1, both: 1,
		hi: m.top[n], reference: make([]float64, len(l.s)),
		tolerance: math.Ldexp(l.tolerance, -m.cfg.DifferenceShiftOf(n+1)),
	}
	if m.cfg.linear(n) {
		c.lo, c.hi = m.outputMin, m.outputMax
	}
	return c
}

// slopeOf is that of the activation of layer n+1.
func (m *Float) slopeOf(n int) float64 {
	if m.cfg.linear(n) {
		return 1
	}
	return m.slope
}

// refer keeps the pre-activations of layer n+1 in the free phase.
func (m *Float) refer(l *layerState[float64], n int, u []float64) {
	slope := m.slopeOf(n)
	for i, v := range u {
		l.change.reference[i] = slope * v
	}
}

// move renews the differences s of layer n+1.
func (m *Float) move(l *layerState[float64], n int, u, s []float64) {
	c, slope, limit := l.change, m.slopeOf(n), math.Inf(1)
	if m.arith != nil {
		d := m.arith.Layers[n].Difference
		limit = math.Ldexp(float64(d.Range.Hi().Int64()), -d.Frac)
	}
	for i, v := range u {
		d := min(max(c.reference[i]+slope*v, c.lo), c.hi) - c.activated(i)
		s[i] += m.damping * (min(max(d, -limit), limit) - s[i])
	}
}

// whole returns the states of layer n+1 in the present step, from its differences if it holds these.
func (r *relaxer[T]) whole(n int, s []T) []T {
	if !r.moving {
		return s
	}
	z := make([]T, len(s))
	for i, d := range s {
		z[i] = r.star[n][i] + d
	}
	return z
}

// wholeFinals returns the final states of all phases.
func (r *relaxer[T]) wholeFinals(e finals[T]) finals[T] {
	if !r.differs {
		return e
	}
	z := finals[T]{e[PhaseFree]}
	for _, phase := range e[PhaseNudge:] {
		states := make([][]T, len(phase))
		for n := range phase {
			states[n] = r.whole(n, phase[n])
		}
		z = append(z, states)
	}
	return z
}

// changes returns the range of the differences that kernels meet, {0, 0} without any.
func (m *machine[T]) changes() fixedpoint.Interval {
	if !m.cfg.Differs() {
		return fixedpoint.Interval{}
	}
	return m.cfg.Formats.differences()
}

// shift is how many fractional bits the differences of layer n+1 have beyond those of its states;
// in float64 there are none.
func (m *machine[T]) shift(n int) int {
	if !m.integers {
		return 0
	}
	return m.cfg.DifferenceShiftOf(n + 1)
}

// contrastOfChanges is contrast for differences.
func (m *machine[T]) contrastOfChanges(n int, w, b []T) {
	l, change := &m.cfg.Network.Layers[n], m.workers[0].layers[n].change
	area := l.Out.H * l.Out.W
	for _, t := range m.program.Terms(n + 1) {
		weight, below := T(t.Weight)*m.sign, m.inputs
		if n > 0 {
			below = m.states.finals[t.Below][n-1]
		}
		z := m.states.finals[t.Here][n][:m.samples*l.Out.Len()]
		var index []uint8
		if l.HasIndex() {
			index = m.states.index[0][n][:len(z)]
		}
		m.outer[n].Add(w, z, index, below[:m.samples*l.In.Len()], m.samples, weight*change.lift(t.Kind))
		if t.Kind == HereMoves {
			for i, v := range z {
				b[i/area%l.Out.C] += weight * v
			}
		}
	}
}
