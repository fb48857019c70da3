package ep

import (
	"math"
	"slices"
)

// StepDifference compares one time step of the fixed-point model with the
// same step in float64, both from the fixed-point states before it.
type StepDifference struct {
	Phase      Phase
	Step       int
	Max        []float64 // largest |fixed - float64| of each layer, in LSBs of its states
	IndexFlips int       // pooling windows whose argmax differs
}

// StepComparison is the result of FixedVsFloat.
type StepComparison struct {
	Steps []StepDifference
	Max   float64 // over all steps and layers, in LSBs
	Flips int
}

// FixedVsFloat runs a training step in fixed point and repeats each of its time
// steps in float64, from the same states, parameters and inputs. While accumulators stay
// below 2^53 the float64 step is exact, so that with rounding to nearest no neuron may
// differ by more than half an LSB, and no index at all; Truncate allows a whole
// LSB. The float64 side saturates at the largest state of the format.
func FixedVsFloat(cfg *Config, p *Params, s *Samples) (*StepComparison, error) {
	m, err := NewFixed(cfg)
	if err != nil {
		return nil, err
	}
	twin, err := newTwin(cfg, m.arith)
	if err != nil {
		return nil, err
	}
	r, err := twin.relaxer(p.Dequantize(&cfg.Formats), s.Dequantize(cfg))
	if err != nil {
		return nil, err
	}
	f := &follower{r: r, arith: m.arith, lsb: stateLSBs(cfg), now: r.snapshot(), before: r.snapshot(),
		index: make([][][]uint8, len(r.layers))}
	r.onIndex = f.compareIndex
	r.sign = float64(cfg.sign(0))
	if _, err := m.TrainStep(p, s, f); err != nil {
		return nil, err
	}
	return &f.result, nil
}

// follower is the sink that repeats every step of a fixed-point run.
type follower struct {
	r                 *relaxer[float64]
	arith             *Arith
	lsb               []float64   // by layer
	before, now, star [][]float64 // fixed-point states before and after the step, and s*
	index             [][][]uint8 // fixed-point indices of the step, by layer in their order
	starIndex         [][]uint8   // those of s*, to start a phase with
	result            StepComparison
}

func (f *follower) Index(phase Phase, _, layer int, index []uint8) {
	if phase != f.r.program.Update() {
		f.index[layer-1] = append(f.index[layer-1], append([]uint8(nil), index...))
	}
}

func (f *follower) State(phase Phase, step, layer int, s []int32) {
	lsb := f.lsbOf(phase, layer-1)
	for i, code := range s {
		f.now[layer-1][i] = float64(code) * lsb
	}
	if layer != f.r.lastSettled() {
		return
	}
	switch {
	case phase == PhaseNudge && step == 0:
		f.star, f.starIndex = f.before, f.r.indices()
		f.before = f.r.snapshot() // of the right shapes; overwritten below
		f.refer()
		f.repeat(phase, step, f.star)
	case phase > PhaseNudge && step == 0:
		if f.r.live {
			f.r.setIndices(f.starIndex)
		}
		f.repeat(phase, step, f.star)
	default:
		f.repeat(phase, step, f.before)
	}
	f.before, f.now = f.now, f.before
}

// repeat computes the step in float64 from the given states and compares.
func (f *follower) repeat(phase Phase, step int, from [][]float64) {
	f.result.Steps = append(f.result.Steps, StepDifference{Phase: phase, Step: step, Max: make([]float64, len(f.now))})
	if f.r.restore(from); phase != PhaseFree && step == 0 {
		f.r.toFree(from)
	}
	if !f.r.async {
		f.r.step(phase, step)
		f.compareStates(0, 1)
		return
	}
	if phase == PhaseFree && step == 0 {
		f.r.prepare()
	}
	f.r.halfSweep(phase, step, 0)
	f.compareStates(0, 2)
	for n := 0; n < len(f.now); n += 2 { // the second half starts from the fixed-point states too
		copy(f.r.layers[n].s, f.now[n])
	}
	f.r.halfSweep(phase, step, 1)
	f.compareStates(1, 2)
}

// lsbOf is that of the states of layer n+1, or of their differences.
func (f *follower) lsbOf(phase Phase, n int) float64 {
	if f.arith.Layers[n].Difference != nil && phase != PhaseFree {
		return math.Ldexp(1, -f.arith.Layers[n].Difference.Frac)
	}
	return f.lsb[n]
}

// refer takes the pre-activations of the last free step, which are exact, to those that the
// fixed-point model keeps.
func (f *follower) refer() {
	for n := range f.r.layers {
		d := f.arith.Layers[n].Difference
		if d == nil {
			return
		}
		for i, u := range f.r.layers[n].change.reference {
			code := math.Floor(math.Ldexp(u, d.Frac))
			code = min(max(code, float64(d.Reference.Lo)), float64(d.Reference.Hi))
			f.r.layers[n].change.reference[i] = math.Ldexp(code, -d.Frac)
		}
	}
}

// compareStates compares layers first+1, first+1+stride, ...
func (f *follower) compareStates(first, stride int) {
	d := &f.result.Steps[len(f.result.Steps)-1]
	for n := first; n < len(f.now); n += stride {
		d.Max[n] = maxDifference(f.now[n], f.r.layers[n].s) / f.lsbOf(d.Phase, n)
		f.result.Max = max(f.result.Max, d.Max[n])
	}
}

// compareIndex counts the windows whose index differs from the fixed-point one.
func (f *follower) compareIndex(_ Phase, _, n int, index []uint8) {
	d, want := &f.result.Steps[len(f.result.Steps)-1], f.index[n][0]
	f.index[n] = f.index[n][1:]
	for i, k := range index {
		if k != want[i] {
			d.IndexFlips++
			f.result.Flips++
		}
	}
}

// Equilibrium compares the free equilibria of the two arithmetics.
type Equilibrium struct {
	Max      float64 // largest |fixed - float64| of a state
	Residual float64 // largest change of a fixed-point state in the last free step
	Rho      float64 // contraction in the maximum norm at the fixed-point argmax
	Bound    float64 // (LSB/2 + Rho*Residual) / (1 - Rho) with the largest LSB, +Inf for Rho >= 1; damped see CompareEquilibria
	Flips    int     // pooling windows whose argmax differs between the two equilibria
}

// equilibriumSteps bounds the float64 relaxation; a contraction by 0.99 per step needs
// 3000 to settle in float64.
const equilibriumSteps = 4000

// CompareEquilibria relaxes in fixed point for FreeSteps, then continues in
// float64 with the argmax of that state frozen until nothing moves any more.
//
// With frozen indices one step F is piecewise linear, and contracts in the maximum
// norm by Rho, the largest sum of |dF_i/ds_j| over j. The fixed-point state s
// satisfies |s - F(s)| <= LSB/2 + Rho*Residual, where the first term is the
// rounding to nearest of the last step (which an asynchronous sweep satisfies layer by
// layer, with an equilibrium that is the same); hence its distance from the fixed point of F
// is at most that over 1 - Rho. Damped by 2^-k, the last step moved s by at most Residual,
// so that before it |s - F(s)| was at most LSB/2 + 2^k (Residual + LSB/2).
func CompareEquilibria(cfg *Config, p *Params, s *Samples) (*Equilibrium, error) {
	m, err := NewFixed(cfg)
	if err != nil {
		return nil, err
	}
	if err := m.check(p, s); err != nil {
		return nil, err
	}
	fixed := newFixedRun[int64](m, p, s, nil)
	fixed.run(PhaseFree, cfg.FreeSteps)
	twin, err := newTwin(cfg, m.arith)
	if err != nil {
		return nil, err
	}
	fp := p.Dequantize(&cfg.Formats)
	r, err := twin.relaxer(fp, s.Dequantize(cfg))
	if err != nil {
		return nil, err
	}
	e, lsbs := &Equilibrium{Bound: math.Inf(1)}, stateLSBs(cfg)
	lsb := slices.Max(lsbs)
	star := r.snapshot()
	for n := range star {
		for i, code := range fixed.layers[n].s {
			star[n][i] = float64(code) * lsbs[n]
		}
		e.Residual = max(e.Residual, float64(fixed.stats[n].Residual)*lsbs[n])
	}
	// A nudged phase with beta = 0 is a free phase whose indices can be frozen.
	r.live, r.differs = false, false
	clear(r.nudge.beta)
	r.restore(star)
	r.step(PhaseFree, 0) // the drive of layer 1
	for n := 1; n < len(r.layers); n++ {
		if r.layers[n].HasIndex() {
			r.reindex(n, star)
		}
	}
	r.restore(star)
	frozen := r.indices()
	if e.Rho, err = twin.contraction(fp, r); err != nil {
		return nil, err
	}
	if e.Rho < 1 {
		e.Bound = (lsb/2 + e.Rho*e.Residual) / (1 - e.Rho)
		if k := cfg.Damping; k > 0 {
			defect := lsb/2 + math.Ldexp(e.Residual+lsb/2, k)
			e.Bound = e.Residual + defect/(1-e.Rho)
		}
	}
	r.settleDown()
	for n, l := range r.layers {
		e.Max = max(e.Max, maxDifference(l.s, star[n]))
	}
	r.step(PhaseFree, 1) // its argmax is that of the float64 equilibrium, which it does not leave
	for n, index := range r.indices() {
		for i, k := range index {
			if k != frozen[n][i] {
				e.Flips++
			}
		}
	}
	return e, nil
}

// stateLSBs returns the LSB of the states of each layer.
func stateLSBs(cfg *Config) []float64 {
	var lsb []float64
	for n := range cfg.Network.Layers {
		lsb = append(lsb, cfg.StateFormat(n+1).LSB())
	}
	return lsb
}

// settleDown repeats steps with frozen indices until no state changes by more than
// float64 noise.
func (r *relaxer[T]) settleDown() {
	for range equilibriumSteps {
		before := r.snapshot()
		r.step(PhaseNudge, 1)
		moved := 0.0
		for n := range r.layers {
			for i, v := range r.layers[n].s {
				moved = max(moved, math.Abs(float64(v-before[n][i])))
			}
		}
		if moved < 1e-15 {
			return
		}
	}
}

// contraction returns the Lipschitz constant of one step in the maximum norm,
// with the indices of r frozen: the largest row sum of the absolute Jacobian.
// It is a step of the network itself with weights |W|, no bias, no input and
// states 1, whose pre-activations are those sums.
func (m *Float) contraction(p *FloatParams, r *relaxer[float64]) (float64, error) {
	q := NewFloatParams(&m.cfg.Network)
	for n, l := range p.Layers {
		for i, w := range l.W {
			q.Layers[n].W[i] = math.Abs(w)
		}
	}
	silent := &FloatSamples{X: make([]float64, len(r.input)), Y: make([]int, m.cfg.Batch)}
	abs, err := m.relaxer(q, silent)
	if err != nil {
		return 0, err
	}
	abs.live, abs.differs = false, false
	clear(abs.nudge.beta)
	abs.step(PhaseFree, 0) // layer 1's drive, 0
	for n := range abs.layers {
		copy(abs.layers[n].index, r.layers[n].index)
		for i := range abs.layers[n].s {
			abs.layers[n].s[i] = 1
		}
	}
	rho := 0.0
	abs.activate = func(_ Phase, n int, u, _ []float64) {
		slope := m.slope
		if m.cfg.linear(n) {
			slope = 1
		}
		for _, v := range u {
			rho = max(rho, slope*v)
		}
	}
	abs.step(PhaseNudge, 1)
	return rho, nil
}
