package ep

import "epgen/fixedpoint"

// monitor watches the states settle. A phase of at most T steps ends after step t, from
// 1, if
//
//	t >= least  and  max |s_t - s_{t-1}| <= tolerance
//
// over all states of all layers and resident samples, in codes of each layer. Numbers of steps are data: they are
// part of the outcome of a training step.
type monitor[T fixedpoint.Number] struct {
	least   int  // fewest steps; 0: phases have all of theirs
	samples int  // of the batch that count
	moved   bool // some state by more than the tolerance of its layer, in the present step
	old     []T  // scratch
}

// before keeps the states of a layer that a step is about to renew.
func (m *monitor[T]) before(s []T) {
	if m.least > 0 {
		m.old = append(m.old[:0], s...)
	}
}

// after compares them.
func (m *monitor[T]) after(s []T, batch int, tolerance T) {
	if m.least == 0 {
		return
	}
	for i, v := range s[:len(s)/batch*m.samples] {
		d := v - m.old[i]
		m.moved = m.moved || max(d, -d) > tolerance
	}
}

// settled reports, after a number of steps, whether the phase ends early, and forgets the step.
func (m *monitor[T]) settled(steps int) bool {
	moved := m.moved
	m.moved = false
	return m.least > 0 && steps >= m.least && !moved
}

// run performs at most steps of a phase from the present states, and returns how many.
func (r *relaxer[T]) run(phase Phase, steps int) int {
	for t := range steps {
		r.step(phase, t)
		if r.monitor.settled(t + 1) {
			return t + 1
		}
	}
	return steps
}
