package ep

import "epgen/fixedpoint"

// headState is one head of a relaxer. Like the layers it is the one description
// for both arithmetics; what differs is in headUnits.
type headState[T fixedpoint.Number] struct {
	*Head
	states   Shape // of its layer
	up, down *fixedpoint.Kernel[T]
	units    headUnits[T]
	bias     []T // [outputs per cell], aligned with the logits
	mean     []T // mu, [C, q, q]

	label   []T // one-hot targets [B, D], for heads of classes
	teacher []T // [B, D], for heads that are taught

	features []T // h - mu, [B, C, q, q]
	logits   []T // z, [B, D]
	signal   []T // e = -dL/dz, [B, D]
	back     []T // A^T e, [B, C, q, q]

	probability, warm []T // in fixed point, what the softmax units gave, [B, D]

	inputs, errors fixedpoint.Sparse[T]
}

// headUnits are the roundings and scales of a head in one arithmetic.
type headUnits[T fixedpoint.Number] struct {
	pool     func(sum T) T // average of the states of a cell
	scale    T             // of the products A (h - mu) in the logits
	bias     T             // scale of the bias in the logits
	gain     []T           // by phase, of A^T e in the accumulator of the layer: |beta| lambda / area
	one      T             // target of the labelled class
	evaluate func(h *headState[T])
}

// addHeads completes a relaxer with the heads of its network.
func (r *relaxer[T]) addHeads(net *Network, params []headArrays[T], units func(i int) headUnits[T]) {
	for i := range net.Heads {
		h, p, m := &net.Heads[i], params[i], &net.Heads[i].Map
		g, u := m.Window(), units(i)
		s := &headState[T]{
			Head: h, states: net.Layers[h.Layer-1].Out, units: u,
			up: fixedpoint.NewKernel(g, p.w), down: fixedpoint.NewTransposed(g, p.w),
			bias: make([]T, m.Out.C), mean: append([]T(nil), p.mean...),
			features: make([]T, r.batch*m.In.Len()), back: make([]T, r.batch*m.In.Len()),
			logits: make([]T, r.batch*m.Out.Len()), signal: make([]T, r.batch*m.Out.Len()),
		}
		for c, v := range p.b {
			s.bias[c] = v * u.bias
		}
		r.heads = append(r.heads, s)
	}
}

// headArrays are the parameters of a head as elements T.
type headArrays[T fixedpoint.Number] struct{ w, b, mean []T }

// evaluate computes features, logits and error signal of the states s of the head's
// layer, [B, C, H, W].
func (h *headState[T]) evaluate(s []T, batch int) {
	h.pool(s, batch)
	in, out := h.Map.In, h.Map.Out
	h.inputs.Set(h.features, batch, in.C, in.H, in.W)
	h.up.Apply(h.logits, &h.inputs)
	area := out.H * out.W
	for i, v := range h.logits {
		h.logits[i] = v*h.units.scale + h.bias[i/area%out.C]
	}
	h.units.evaluate(h)
}

// pool writes the centred averages h - mu of the cells.
func (h *headState[T]) pool(s []T, batch int) {
	in := h.Map.In
	rows, cols := h.Window(h.states)
	size := in.Len()
	for p := range batch * in.C {
		plane := s[p*h.states.H*h.states.W:][:h.states.H*h.states.W]
		for y := range in.H {
			for x := range in.W {
				var sum T
				for dy := range rows {
					for _, v := range plane[(y*rows+dy)*h.states.W+x*cols:][:cols] {
						sum += v
					}
				}
				i := (p*in.H+y)*in.W + x
				h.features[i] = h.units.pool(sum) - h.mean[i%size]
			}
		}
	}
}

// pull adds sign times the nudge of the head in a phase, gain Up(A^T e), to the
// pre-activations u of its layer.
func (h *headState[T]) pull(u []T, phase Phase, sign T, batch int) {
	in, out := h.Map.In, h.Map.Out
	h.errors.Set(h.signal, batch, out.C, out.H, out.W)
	h.down.Apply(h.back, &h.errors)
	h.spread(u, sign*h.units.gain[phase], batch*in.C)
}

// spread adds scale times back, repeated over the cells, to u.
func (h *headState[T]) spread(u []T, scale T, planes int) {
	in := h.Map.In
	rows, cols := h.Window(h.states)
	for p := range planes {
		plane := u[p*h.states.H*h.states.W:][:h.states.H*h.states.W]
		for y := range h.states.H {
			cell := h.back[(p*in.H+y/rows)*in.W:][:in.W]
			row := plane[y*h.states.W:][:h.states.W]
			for x := range row {
				row[x] += scale * cell[x/cols]
			}
		}
	}
}

// nudgeHeads adds the nudges of the heads on layer n+1 to its pre-activations, from
// its states before the activation.
func (r *relaxer[T]) nudgeHeads(n int, phase Phase, step int) {
	if phase == PhaseFree || r.quiet {
		return
	}
	for i, h := range r.heads {
		if h.Layer != n+1 {
			continue
		}
		sign := r.sign
		if r.program.Relaxations[phase].Beta < 0 {
			sign = -sign
		}
		h.evaluate(r.layers[n].s, r.batch)
		h.pull(r.layers[n].u, phase, sign, r.batch)
		if r.onHead != nil {
			r.onHead(phase, step, i, h)
		}
	}
}

// setTargets gives the heads their targets for samples with the given labels, which
// may be fewer than the batch. The teacher's are copied by the caller.
func (r *relaxer[T]) setTargets(labels []int) {
	for _, h := range r.heads {
		d := h.Outputs()
		if h.Kind.taught() && h.teacher == nil {
			h.teacher = make([]T, r.batch*d)
		}
		if !h.Kind.classifies() {
			continue
		}
		if h.label == nil {
			h.label = make([]T, r.batch*d)
		}
		clear(h.label)
		for b, y := range labels {
			h.label[b*d+y] = h.units.one
		}
	}
}

// headContrast is what the update of a head needs, summed over samples. It is a sum over
// the n points of the contrast, which for a head all weigh 1:
//
//	w    e+ (h+ - mu)^T + e- (h- - mu)^T, or n e* (h* - mu)^T where the head learns at s*
//	b    e+ + e-, or n e*
//	mean h* - mu
type headContrast[T fixedpoint.Number] struct{ w, b, mean []T }

// headContrast evaluates head i at the final states of the phases.
func (r *relaxer[T]) headContrast(i int, e finals[T]) headContrast[T] {
	h := r.heads[i]
	m := &h.Map
	c := headContrast[T]{w: make([]T, m.Weights()), b: make([]T, m.Out.C), mean: make([]T, m.In.Len())}
	outer := fixedpoint.NewOuter[T](m.Window())
	add := func(times T) {
		outer.Add(c.w, h.signal, nil, h.features, r.batch, times)
		area := m.Out.H * m.Out.W
		for i, v := range h.signal {
			c.b[i/area%m.Out.C] += times * v
		}
	}
	n := h.Layer - 1
	h.evaluate(e[PhaseFree][n], r.batch)
	for i, v := range h.features {
		c.mean[i%len(c.mean)] += v
	}
	if h.FreeState {
		add(T(len(r.program.Points)))
		if r.onHead != nil {
			r.onHead(r.program.Update(), 0, i, h)
		}
		return c
	}
	for step, p := range r.program.Points {
		h.evaluate(e[p.Phase][n], r.batch)
		add(1)
		if r.onHead != nil {
			r.onHead(r.program.Update(), step, i, h)
		}
	}
	return c
}

// readout returns the head that predicts, or nil.
func (r *relaxer[T]) readout() *headState[T] {
	if k := len(r.heads); k > 0 && r.heads[k-1].Readout {
		return r.heads[k-1]
	}
	return nil
}
