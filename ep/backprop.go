package ep

import (
	"math"
	"slices"
)

// backprop is the engine of a feed-forward network trained by back-propagation: one
// pass upwards without feedback, and one downwards, which is the first step of
// BPTT layer by layer,
//
//	s^n = sigma(P_n(W_n * s^{n-1} + b_n))
//	v^N = sigma' o f^N      v^n = sigma' o (f^n + W_{n+1}^T U_{n+1}(v^{n+1}))
//	dJ/dW_n = -sum U_n(v^n) s^{n-1}
//
// where f^n is -dJ/ds^n of the loss and of the heads on layer n. It gives teachers and
// references of the same architecture; nothing of it is hardware.
type backprop struct {
	*machine[float64]
	model *Float
}

func newBackprop(cfg *Config) (engine, error) {
	undamped := *cfg // there is no relaxation, so nothing to damp, and no s* to differ from
	undamped.Damping, undamped.Formats.DifferenceBits, undamped.Formats.DifferenceShift = 0, 0, nil
	cfg = &undamped
	e, _, err := newEngine(cfg, false)
	if err != nil {
		return nil, err
	}
	f, err := NewFloat(cfg)
	if err != nil {
		return nil, err
	}
	b := &backprop{machine: e.(*machine[float64]), model: f}
	b.shard = b.passes
	return b, nil
}

// passes runs both passes on the samples from first. States are kept as those of the
// free phase, v as those of the plus phase.
func (b *backprop) passes(r *relaxer[float64], first int, backward bool) {
	b.begin(r, first)
	for n := range r.layers {
		l := &r.layers[n]
		r.drive(n, PhaseFree, 0)
		copy(l.u, l.acc)
		r.activate(PhaseFree, n, l.u, l.s)
	}
	b.keep(r, b.states.finals[PhaseFree], first)
	for phase := range b.program.Relaxations {
		b.keepHeads(r, Phase(phase), first)
		if !backward {
			return
		}
	}
	force := make([][]float64, len(r.layers))
	last := len(r.layers) - 1
	for n := range r.layers {
		force[n] = make([]float64, len(r.layers[n].s))
	}
	for i, y := range r.nudge.target {
		force[last][i] = y - r.layers[last].s[i]
	}
	for _, h := range r.heads {
		h.evaluate(r.layers[h.Layer-1].s, r.batch)
		h.pull(force[h.Layer-1], PhaseNudge, 1/math.Abs(b.model.beta[PhaseNudge]), r.batch)
	}
	for n := last; n >= 0; n-- {
		l := &r.layers[n]
		if n < last {
			for i, v := range r.layers[n+1].below {
				force[n][i] += v * l.feedback
			}
		}
		slope, lowest, highest := b.model.slope, 0.0, b.model.top[n]
		if b.cfg.linear(n) {
			slope, lowest, highest = 1, b.model.outputMin, b.model.outputMax
		}
		for i, u := range l.u {
			l.s[i] = 0
			if z := slope * u; z > lowest && z < highest {
				l.s[i] = slope * force[n][i]
			}
		}
		if n > 0 {
			r.feedBack(n)
		}
		if l.index != nil {
			size := l.Out.Len()
			copy(b.states.index[0][n][first*size:min(first+r.batch, b.cfg.Batch)*size], l.index)
		}
	}
	b.keep(r, b.states.finals[PhaseNudge], first)
}

// contrast is the negative gradient, summed over the samples, times what an estimate is
// divided by.
func (b *backprop) contrast(n int) {
	l := &b.cfg.Network.Layers[n]
	b.layer = n
	w, bias, area := b.w[:l.Weights()], b.b[:l.Out.C], l.Out.H*l.Out.W
	clear(w)
	clear(bias)
	below := b.inputs
	if n > 0 {
		below = b.states.finals[PhaseFree][n-1]
	}
	v := slices.Clone(b.states.finals[PhaseNudge][n][:b.samples*l.Out.Len()])
	for i := range v {
		v[i] *= b.model.spread
		bias[i/area%l.Out.C] += v[i]
	}
	var index []uint8
	if l.HasIndex() {
		index = b.states.index[0][n][:len(v)]
	}
	b.outer[n].Add(w, v, index, below[:b.samples*l.In.Len()], b.samples, 1)
}
