package ep

import "epgen/fixedpoint"

// headEngine is the part of an engine that serves heads, numbered from 0.
type headEngine interface {
	// headContrast prepares that of a head for the next two methods; see headContrast.
	headContrast(i int)
	// headGradient writes scale times the contrast of map and bias.
	headGradient(w, b []float64, scale float64)
	// headCodes applies the hardware's update to parameters whose values are codes, and to
	// what is kept of them.
	headCodes(p *FloatHeadParams, kept *HeadParams, weights, biases tensorUpdate, f *Formats)
	// meanCodes applies the hardware's update to the running mean.
	meanCodes(i int, p *FloatHeadParams, u tensorUpdate, f *Formats)
	// headMean writes the mean over the batch of h - mu at s*.
	headMean(i int, dst []float64)
	// headLogits writes the logits at s*, [B, D].
	headLogits(i int, dst []float64)
}

// headBatch are the values of one head over a batch, at the end of every phase, and its
// contrast.
type headBatch[T fixedpoint.Number] struct {
	outer     *fixedpoint.Outer[T]
	w, b      []T
	logits    []T   // at s*
	features  [][]T // [B, C, q, q], by phase
	signal    [][]T // [B, D]
	teacher   []T   // [B, D]
	in, out   int   // values of one sample
	pixels    int   // cells that share a bias
	freeState bool
	points    []Point // of the contrast
}

// newHeadBatches returns room for a batch, and lets the workers share the packed maps.
func (m *machine[T]) newHeadBatches(room int) []*headBatch[T] {
	cfg, workers := m.cfg, m.workers
	var batches []*headBatch[T]
	for i := range cfg.Network.Heads {
		h := &cfg.Network.Heads[i]
		first := workers[0].heads[i]
		for _, r := range workers {
			r.heads[i].up, r.heads[i].down = first.up, first.down
		}
		first.up.Serial, first.down.Serial = true, true
		if m.integers {
			features, signal := m.headRange(i)
			setRange(first.up, features)
			setRange(first.down, signal)
		}
		b := &headBatch[T]{
			outer: fixedpoint.NewOuter[T](h.Map.Window()), w: make([]T, h.Map.Weights()), b: make([]T, h.Map.Out.C),
			in: h.Map.In.Len(), out: h.Outputs(), pixels: h.Map.Out.H * h.Map.Out.W, freeState: h.FreeState, points: m.program.Points,
		}
		for range m.program.Relaxations {
			b.features, b.signal = append(b.features, make([]T, room*b.in)), append(b.signal, make([]T, room*b.out))
		}
		b.logits, b.teacher = make([]T, room*b.out), make([]T, room*b.out)
		batches = append(batches, b)
	}
	return batches
}

// keep evaluates head i of r at its present states and keeps the values.
func (b *headBatch[T]) keep(r *relaxer[T], i int, phase Phase, first int) {
	h := r.heads[i]
	h.evaluate(r.layers[h.Layer-1].s, r.batch)
	copy(b.features[phase][first*b.in:], h.features)
	copy(b.signal[phase][first*b.out:], h.signal)
	if phase == PhaseFree {
		copy(b.logits[first*b.out:], h.logits)
	}
}

// contrast sums over the samples.
func (b *headBatch[T]) contrast(samples int) {
	clear(b.w)
	clear(b.b)
	points, times := b.points, T(1)
	if b.freeState {
		points, times = []Point{{PhaseFree, 1}}, T(len(points))
	}
	for _, p := range points {
		signal := b.signal[p.Phase][:samples*b.out]
		b.outer.Add(b.w, signal, nil, b.features[p.Phase][:samples*b.in], samples, times)
		for i, v := range signal {
			b.b[i/b.pixels%len(b.b)] += times * v
		}
	}
}

func (m *machine[T]) headContrast(i int) {
	m.layer = i
	m.heads[i].contrast(m.samples)
}

func (m *machine[T]) headGradient(w, b []float64, scale float64) {
	h := m.heads[m.layer]
	unitW, unitB := m.headUnit(m.layer)
	for i, v := range h.w {
		w[i] = scale * (unitW * float64(v))
	}
	for i, v := range h.b {
		b[i] = scale * (unitB * float64(v))
	}
}

func (m *machine[T]) headMean(i int, dst []float64) {
	h := m.heads[i]
	clear(dst)
	for k, v := range h.features[PhaseFree][:m.samples*h.in] {
		dst[k%h.in] += float64(v)
	}
	for k := range dst {
		dst[k] *= m.state[m.cfg.Network.Heads[i].Layer-1] / float64(m.samples)
	}
}

func (m *machine[T]) headLogits(i int, dst []float64) {
	h := m.heads[i]
	unit := m.logitUnit(i)
	for k, v := range h.logits[:m.samples*h.out] {
		dst[k] = float64(v) * unit
	}
}

// setHeads takes the parameters of the heads.
func (m *machine[T]) setHeads(params []FloatHeadParams) {
	for i := range params {
		p, first := &params[i], m.workers[0].heads[i]
		w := make([]T, len(p.W))
		for j, x := range p.W {
			w[j] = m.headWeight(x)
		}
		first.up.Repack(w)
		first.down.Repack(w)
		for _, r := range m.workers {
			h := r.heads[i]
			for c, x := range p.B {
				h.bias[c] = m.headBias(x) * h.units.bias
			}
			for c, x := range p.Mean {
				h.mean[c] = m.meanOf(i, x)
			}
		}
	}
}

// setTeacher takes the targets of the heads that are taught.
func (m *machine[T]) setTeacher(s *FloatSamples) {
	for i, t := range s.Teacher {
		for j, x := range t {
			m.heads[i].teacher[j] = m.errorOf(x)
		}
	}
}

// headTargets gives a worker the targets of its samples from first.
func (m *machine[T]) headTargets(r *relaxer[T], labels []int, first int) {
	r.setTargets(labels[first:min(first+r.batch, len(labels))])
	for i, h := range r.heads {
		if h.teacher != nil {
			copy(h.teacher, m.heads[i].teacher[first*h.Outputs():])
		}
	}
}

func (m *machine[T]) headCodes(p *FloatHeadParams, kept *HeadParams, weights, biases tensorUpdate, f *Formats) {
	h := m.heads[m.layer]
	updateReals(p.W, &kept.KeptW, weights, f.HeadWeight, h.w)
	updateReals(p.B, &kept.KeptB, biases, f.HeadBias, h.b)
}

func (m *machine[T]) meanCodes(i int, p *FloatHeadParams, u tensorUpdate, f *Formats) {
	h := m.heads[i]
	sum := make([]T, h.in)
	for k, v := range h.features[PhaseFree][:m.samples*h.in] {
		sum[k%h.in] += v
	}
	updateReals(p.Mean, &Kept{}, u, f.StateOf(p.Layer), sum)
}

// setRange declares the range of the maps of a kernel.
func setRange[T fixedpoint.Number](k *fixedpoint.Kernel[T], r fixedpoint.Interval) {
	if lo, hi, ok := r.Int64(); ok {
		k.SetRange(lo, hi)
	}
}
