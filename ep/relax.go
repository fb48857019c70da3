package ep

import (
	"fmt"

	"epgen/fixedpoint"
)

// Window returns the geometry of the layer's cross-correlation, without the
// rows and columns that pooling drops.
func (l *Layer) Window() fixedpoint.Window {
	h, w := l.Used()
	return fixedpoint.Window{
		Cin: l.In.C, H: l.In.H, W: l.In.W,
		Cout: l.Out.C, KH: l.KH, KW: l.KW, PadY: l.Pad, PadX: l.Pad,
		OutH: h, OutW: w, Stride: l.Stride,
	}
}

// relaxer is a network in the act of relaxing. It is the one description of the
// dynamics for both arithmetics: with scales that are powers of two and an
// activation that rounds it is the fixed-point model on codes; with scales 1 and
// a real activation it is the float64 model. One synchronous step computes,
// for all layers n = 1..N from the states of time t (halfSweep is the asynchronous one),
//
//	u^n     = P_n(W_n * s^{n-1} + b_n) + W_{n+1}^T U_{n+1}(s^{n+1}; I_{n+1}) - [n=N] sign beta (s^N - y)
//	s^n_{t+1} = activate(u^n)
//
// With a readout its nudge replaces that of the output; a head adds its own to the
// layer that it reads, see [Head].
//
// See Laborieux et al. 2021, https://doi.org/10.3389/fnins.2021.633674, for
// the dynamics; the nudge stands inside the activation.
type relaxer[T fixedpoint.Number] struct {
	batch   int
	live    bool // pool indices of the nudged phases and the update
	async   bool // odd layers, then even ones
	program *Program
	layers  []layerState[T]
	input   []T // x, [B, C, H, W]
	x       fixedpoint.Sparse[T]
	team    *fixedpoint.Team[T] // of relaxers with other samples, in step with this one; nil alone
	rank    int                 // in the team

	nudge    nudger[T]
	heads    []*headState[T]
	quiet    bool // heads do not nudge
	monitor  monitor[T]
	steps    []int                              // of the relaxations that relax has run
	first    []int                              // layers whose index is determined before the first sweep
	sign     T                                  // of all nudges and points: -1 in some updates of a random sign
	differs  bool                               // nudged phases hold differences from s*
	moving   bool                               // the present step does
	star     [][]T                              // s* in these phases
	activate func(phase Phase, n int, u, s []T) // s = sigma(u) for layer n+1; s holds the old states

	onState func(phase Phase, step, n int, s []T)
	onIndex func(phase Phase, step, n int, index []uint8)
	onHead  func(phase Phase, step, i int, h *headState[T]) // may be nil
}

// nudger is the force -beta dL/ds of the squared error on the output:
// beta*(s*state - target)*scale, subtracted, with the beta of the phase.
type nudger[T fixedpoint.Number] struct {
	beta         []T // by phase
	state, scale T
	target       []T // [B, classes], aligned with s*state; nil with a readout

	outside         bool // the pre-activation is clamped first
	lowest, highest T    // to this
}

// layerState is one layer of a relaxer.
type layerState[T fixedpoint.Number] struct {
	*Layer
	up, down *fixedpoint.Kernel[T] // down is nil for layer 1, which feeds nothing back
	scale    T                     // of the products of up
	bias     []T                   // [C], aligned with the accumulator
	feedback T                     // scale of the products of the layer above
	unit     T                     // scale of the contrast

	change *change[T] // in nudged phases that hold differences; nil if they hold states

	initial   T // state at a cold start
	tolerance T // of the monitor

	drive []T     // W*s + b at the used pixels of the convolution, [B, C, h, w]
	acc   []T     // the pooled drive; drive itself without pooling
	index []uint8 // of a max pool, as acc; nil elsewhere
	below []T     // W^T U(s) for the layer below
	u     []T     // pre-activation, as s
	s     []T     // states, [B, C, H, W]

	list fixedpoint.Sparse[T]
}

// layerScales are the factors that align what meets in an accumulator, and that
// of the contrast. The quarter of a mean is in them: as 1/4 of real numbers, as the
// place of the binary point of codes.
type layerScales[T fixedpoint.Number] struct{ up, bias, down, contrast T }

// newRelaxer builds a relaxer of cfg around parameters and inputs in T. The
// caller completes nudge and activate.
func newRelaxer[T fixedpoint.Number](cfg *Config, w, b [][]T, input []T, scales func(n int) layerScales[T]) *relaxer[T] {
	r := &relaxer[T]{batch: cfg.Batch, live: cfg.PoolIndex == Live, async: cfg.Sweep == Asynchronous, program: cfg.Program(), sign: 1, differs: cfg.Differs(), monitor: monitor[T]{least: cfg.MinSteps, samples: cfg.Batch}, first: cfg.IndexesFirst(), input: input}
	in := cfg.Network.Input
	r.x.Set(input, r.batch, in.C, in.H, in.W)
	for n := range cfg.Network.Layers {
		l := &cfg.Network.Layers[n]
		g, sc := l.Window(), scales(n)
		states := r.batch * l.Out.Len()
		s := layerState[T]{
			Layer: l, up: fixedpoint.NewKernel(g, w[n]), scale: sc.up, feedback: sc.down, unit: sc.contrast,
			bias:  make([]T, l.Out.C),
			drive: make([]T, r.batch*l.Out.C*g.OutH*g.OutW),
			u:     make([]T, states), s: make([]T, states),
		}
		for c, v := range b[n] {
			s.bias[c] = v * sc.bias
		}
		if n > 0 {
			s.down = fixedpoint.NewTransposed(g, w[n])
			s.below = make([]T, r.batch*l.In.Len())
		}
		s.acc = s.drive
		if l.Pooled() {
			s.acc = make([]T, states)
		}
		if l.HasIndex() {
			s.index = make([]uint8, states)
		}
		r.layers = append(r.layers, s)
	}
	return r
}

// step is one time step in the given phase. A synchronous one keeps the order of
// the hardware: UP(n) and pooling, DOWN(n), then the activation of layer n-1, whose
// old states nothing needs any more.
func (r *relaxer[T]) step(phase Phase, step int) {
	r.moving = r.differs && phase != PhaseFree
	if phase == PhaseFree && step == 0 {
		r.prepare()
	}
	if r.async {
		r.halfSweep(phase, step, 0)
		r.halfSweep(phase, step, 1)
		return
	}
	for n := 1; n < len(r.layers); n++ {
		r.drive(n, phase, step)
		r.feedBack(n)
		r.settle(n-1, phase, step)
	}
	r.settle(len(r.layers)-1, phase, step)
}

// prepare is what comes before the first step: the drive of layer 1, which is
// constant, and the indices that its first sweep needs.
func (r *relaxer[T]) prepare() {
	r.drive(0, PhaseFree, 0)
	for _, n := range r.first {
		r.drive(n-1, PhaseFree, 0)
	}
}

// drive computes P_n(W_n * s^{n-1} + b_n) of layer n+1 and its pool index.
func (r *relaxer[T]) drive(n int, phase Phase, step int) {
	l := &r.layers[n]
	r.correlate(n, l.drive)
	h, w := l.Used()
	switch {
	case !l.Pooled():
		return
	case l.Averages():
		fixedpoint.SumPool(l.acc, l.drive, r.batch*l.Out.C, h, w)
		return
	}
	if !determinesIndex(r.live, r.async, r.differs, phase, step, n+1) {
		fixedpoint.Select(l.acc, l.index, l.drive, r.batch*l.Out.C, h, w)
		return
	}
	fixedpoint.MaxPool(l.acc, l.index, l.drive, r.batch*l.Out.C, h, w)
	r.onIndex(phase, step, n, l.index)
}

// correlate writes the aligned sums W_n * s^{n-1} + b_n of layer n+1 to dst.
func (r *relaxer[T]) correlate(n int, dst []T) {
	l, below := &r.layers[n], &r.x
	if n > 0 {
		below = &r.layers[n-1].list
		below.Set(r.layers[n-1].s, r.batch, l.In.C, l.In.H, l.In.W)
	}
	l.up.ApplyTogether(r.team, r.rank, dst, below)
	if r.moving { // the bias does not
		for i, v := range dst {
			dst[i] = v * l.change.scale
		}
		return
	}
	area := l.up.OutH * l.up.OutW
	for p := range r.batch * l.Out.C {
		bias := l.bias[p%l.Out.C]
		for i, v := range dst[p*area : (p+1)*area] {
			dst[p*area+i] = v*l.scale + bias
		}
	}
}

// feedBack computes W_n^T U_n(s^n; I_n) of layer n+1 for the layer below.
func (r *relaxer[T]) feedBack(n int) {
	l := &r.layers[n]
	l.list.SetOutputs(l.s, l.index, r.batch, l.Window())
	l.down.ApplyTogether(r.team, r.rank, l.below, &l.list)
}

// settle completes the pre-activation of layer n+1 and activates it.
func (r *relaxer[T]) settle(n int, phase Phase, step int) {
	l := &r.layers[n]
	feedback := l.feedback
	if copy(l.u, l.acc); r.moving {
		feedback = l.change.feedback
		if n == 0 { // the input does not move
			clear(l.u)
		}
	}
	if n < len(r.layers)-1 {
		below := r.layers[n+1].below[:len(l.u)]
		for i := range l.u {
			l.u[i] += below[i] * feedback
		}
	} else if phase != PhaseFree && r.nudge.target != nil {
		r.pull(l, phase)
	}
	r.nudgeHeads(n, phase, step)
	r.monitor.before(l.s)
	r.activate(phase, n, l.u, l.s)
	tolerance := l.tolerance
	if r.moving {
		tolerance = l.change.tolerance
	}
	r.monitor.after(l.s, r.batch, tolerance)
	r.onState(phase, step, n, l.s)
}

// pull adds the nudge to the pre-activation of the output.
func (r *relaxer[T]) pull(l *layerState[T], phase Phase) {
	force := -r.nudge.beta[phase] * r.sign
	if r.nudge.outside { // behind the activation, which is clamp(round(u 2^-k)): clamp, then round once
		for i, u := range l.u {
			l.u[i] = min(max(u, r.nudge.lowest), r.nudge.highest)
		}
	}
	for i, s := range l.s {
		if r.moving {
			s += l.change.activated(i)
		}
		l.u[i] += force * (s*r.nudge.state - r.nudge.target[i]) * r.nudge.scale
	}
}

// snapshot returns a copy of all states.
func (r *relaxer[T]) snapshot() [][]T {
	s := make([][]T, len(r.layers))
	for n := range r.layers {
		s[n] = append([]T(nil), r.layers[n].s...)
	}
	return s
}

// restore makes s the present states.
func (r *relaxer[T]) restore(s [][]T) {
	for n := range r.layers {
		copy(r.layers[n].s, s[n])
	}
}

// toFree makes s* the present states, or the distance from them none, for a nudged phase.
func (r *relaxer[T]) toFree(star [][]T) {
	r.star = star
	for n := range r.layers {
		if r.differs {
			clear(r.layers[n].s)
			continue
		}
		copy(r.layers[n].s, star[n])
	}
}

// finals are the final states of the relaxations, [phase][layer][B, C, H, W], of nudged ones
// their differences from s* where these hold them.
type finals[T fixedpoint.Number] [][][]T

// relax runs all relaxations.
func (r *relaxer[T]) relax() finals[T] {
	var e finals[T]
	var index [][]uint8
	for i, phase := range r.program.Relaxations {
		if i > 0 {
			r.toFree(e[PhaseFree])
			if r.live { // frozen ones are those of s* all along
				r.setIndices(index)
			}
		}
		r.steps = append(r.steps[:i], r.run(Phase(i), phase.Steps))
		e = append(e, r.snapshot())
		if i == 0 {
			index = r.indices()
		}
	}
	return e
}

// contrast is the sum of the local products at the points of the program, over
// samples:
//
//	W[o,i,a,b] = sum weight U(s)[o,y,x] s_below[i,S*y+a,S*x+b]
//	B[o]       = sum weight s[o,y,x]
//
// which for s+ with weight 1 and s- with -1 is dPhi/dW(s+) - dPhi/dW(s-), and
// likewise for the bias.
type contrast[T fixedpoint.Number] struct {
	w, b  []T // b also of layers without biases, where nothing uses it
	flips int // pooling windows whose index differs between the first two points

	reachable int // weights that the active positions of all points reach
}

// contrast returns the contrast of layer n+1. Its pool indices are the stored
// ones, or, live, those of each point, from one more UP.
func (r *relaxer[T]) contrast(n int, e finals[T], points []Point) contrast[T] {
	l := &r.layers[n]
	c := contrast[T]{w: make([]T, l.Weights()), b: make([]T, l.Out.C)}
	below := func(s [][]T) []T {
		if n == 0 {
			return r.input
		}
		return s[n-1]
	}
	outer := fixedpoint.NewOuter[T](l.Window())
	var indices [][]uint8
	for k, p := range points {
		states, weight := e[p.Phase], T(p.Weight)*r.sign
		if l.HasIndex() && n > 0 && r.live {
			r.reindex(n, states)
			r.onIndex(r.program.Update(), k, n, l.index)
		}
		indices = append(indices, append([]uint8(nil), l.index...))
		if r.differs {
			continue
		}
		outer.Add(c.w, states[n], l.index, below(states), r.batch, weight)
		area := l.Out.H * l.Out.W
		for i, v := range states[n] {
			c.b[i/area%l.Out.C] += weight * v
		}
	}
	if r.differs {
		r.contrastOfChanges(&c, n, e, points, below)
	}
	for i, k := range indices[1] {
		if k != indices[0][i] {
			c.flips++
		}
	}
	for i := range c.w {
		c.w[i] *= l.unit
	}
	c.reachable = l.Reachable(r.batch, indices...)
	return c
}

// reindex stores the argmax of layer n+1 at the given states.
func (r *relaxer[T]) reindex(n int, states [][]T) {
	l := &r.layers[n]
	copy(r.layers[n-1].s, states[n-1])
	r.correlate(n, l.drive)
	h, w := l.Used()
	fixedpoint.MaxPool(l.acc, l.index, l.drive, r.batch*l.Out.C, h, w)
}

// checkSchedule reports numbers of steps below 1.
func checkSchedule(cfg *Config) error {
	for _, r := range cfg.Program().Relaxations {
		if r.Steps < 1 {
			return fmt.Errorf("ep: %d %s steps, want at least 1", r.Steps, r.Name)
		}
	}
	return nil
}
