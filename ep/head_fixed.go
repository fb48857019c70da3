package ep

import (
	"slices"

	"epgen/fixedpoint"
)

// codeHeadUnits returns head i in fixed point on elements T.
func codeHeadUnits[T fixedpoint.Number](cfg *Config, a *Arith, i int) headUnits[T] {
	ha, h := &a.Heads[i], &cfg.Network.Heads[i]
	pow2 := func(shift int) T { return T(int64(1) << shift) }
	u := headUnits[T]{
		pool:  func(sum T) T { return T(ha.Pool.Apply(int64(sum))) },
		scale: pow2(ha.UpShift), bias: pow2(ha.BiasShift),
		one: T(ha.Target),
	}
	if !cfg.Program().Learns() { // logits are all there is
		u.evaluate = func(*headState[T]) {}
		return u
	}
	for _, code := range ha.NudgeCodes {
		u.gain = append(u.gain, T(code)*pow2(ha.NudgeShift))
	}
	k := h.Outputs()
	z, p, warm := make([]int64, k), make([]int64, k), make([]int64, k)
	keep := func(dst *[]T, n, first int, p []int64) {
		if *dst == nil {
			*dst = make([]T, n)
		}
		for j, v := range p {
			(*dst)[first+j] = T(v)
		}
	}
	switch h.Kind {
	case CrossEntropy, RandomHead:
		u.evaluate = func(h *headState[T]) {
			h.eachSample(z, func(first int) {
				ha.Softmax.Apply(p, z)
				keep(&h.probability, len(h.logits), first, p)
				for j := range p {
					h.signal[first+j] = h.label[first+j] - T(p[j])
				}
			})
		}
	case SquaredHead, FeatureHead:
		u.evaluate = func(h *headState[T]) {
			target := h.label
			if h.Kind == FeatureHead {
				target = h.teacher
			}
			for j, v := range h.logits {
				h.signal[j] = T(ha.Error.Apply(int64(target[j])<<ha.TargetShift - int64(v)))
			}
		}
	case LogitHead:
		u.evaluate = func(h *headState[T]) {
			h.eachSample(z, func(first int) {
				ha.Softmax.Apply(p, z)
				ha.Warm.Apply(warm, z)
				keep(&h.probability, len(h.logits), first, p)
				keep(&h.warm, len(h.logits), first, warm)
				for j := range p {
					own := int64(h.label[first+j]) - p[j]
					taught := int64(h.teacher[first+j])<<ha.TeachShift - warm[j]<<ha.WarmShift
					h.signal[first+j] = T(ha.Error.Apply(ha.Own*own<<ha.WarmShift + ha.Taught*taught))
				}
			})
		}
	}
	return u
}

// eachSample calls f with the place of each sample's logits, which it stores in z.
func (h *headState[T]) eachSample(z []int64, f func(first int)) {
	for first := 0; first < len(h.logits); first += len(z) {
		for j := range z {
			z[j] = int64(h.logits[first+j])
		}
		f(first)
	}
}

// codeHeadElements says how real numbers of heads become codes.
func codeHeadElements[T fixedpoint.Number](cfg *Config, a *Arith, code func(fixedpoint.Format) func(float64) T) headElements[T] {
	f := &cfg.Formats
	return headElements[T]{
		headWeight: code(f.HeadWeight), headBias: code(f.HeadBias), errorOf: code(f.Error),
		meanOf: func(i int, x float64) T { return code(a.Heads[i].State)(x) },
		headUnit: func(i int) (w, b float64) {
			ha := &a.Heads[i]
			return lsb(ha.ContrastFrac), lsb(ha.SignalFrac)
		},
		logitUnit: func(i int) float64 { return lsb(a.Heads[i].LogitFrac) },
		headRange: func(i int) (features, signal fixedpoint.Interval) {
			return a.Heads[i].Features, a.Heads[i].Signal
		},
	}
}

func lsb(frac int) float64 { return fixedpoint.Format{Signed: true, Frac: frac}.LSB() }

// codeHeads returns the parameters of the heads as elements T.
func codeHeads[T fixedpoint.Number](p *Params) []headArrays[T] {
	heads := make([]headArrays[T], len(p.Heads))
	for i, h := range p.Heads {
		heads[i] = headArrays[T]{widen[T](h.W), widen[T](h.B), widen[T](h.Mean)}
	}
	return heads
}

// HeadStats describes one head in one training step.
type HeadStats struct {
	Name             string
	Weights, Biases  int
	WeightsChanged   int
	WeightsSaturated int
	BiasesChanged    int
	BiasesSaturated  int
	MeanSums         []int64 // sum over the samples of h* - mu, [C, q, q]
}

// MoveMeans moves the running means of p after a training step with the given outcome,
// exactly as a trainer in the arithmetic of the hardware does between two steps.
func (m *Fixed) MoveMeans(p *Params, out *Outcome) {
	for i := range p.Heads {
		if m.cfg.Network.Heads[i].Center {
			u := m.arith.headUpdates(m.cfg, i, 0, 0).mean
			p.Heads[i].Mean, _, _ = updateCodes(u, p.Heads[i].Mean, &Kept{}, out.Heads[i].MeanSums)
		}
	}
}

// updateHead returns the new parameters of head i.
func (r *fixedRun[T]) updateHead(i int, number uint32, e finals[T]) (HeadParams, HeadStats) {
	h, old := r.heads[i], &r.old.Heads[i]
	a := r.model.arith
	c, u := r.headContrast(i, e), a.headUpdates(r.model.cfg, i, number, r.old.Accumulated)
	p := HeadParams{Layer: old.Layer, KeptW: a.Keeps.orZero(old.KeptW, len(old.W)), KeptB: a.Keeps.orZero(old.KeptB, len(old.B))}
	st := HeadStats{Name: h.Name, Weights: len(old.W), Biases: len(old.B)}
	p.W, st.WeightsChanged, st.WeightsSaturated = updateCodes(u.weights, old.W, &p.KeptW, c.w)
	p.B, st.BiasesChanged, st.BiasesSaturated = updateCodes(u.biases, old.B, &p.KeptB, c.b)
	p.Mean = slices.Clone(old.Mean)
	st.MeanSums = make([]int64, len(c.mean))
	for i, v := range c.mean {
		st.MeanSums[i] = int64(v)
	}
	return p, st
}

// HeadValues are the codes of a head in one step, [B, ...] as in [HeadArith].
type HeadValues struct {
	Features    []int32 // h - mu, [B, C, q, q]
	Logits      []int64 // z, [B, D]
	Probability []int32 // of Softmax, [B, D]; nil for kinds without one
	Warm        []int32 // of Warm; nil but for logits
	Signal      []int32 // e, [B, D]
	Nudge       []int64 // of each state of the layer, gain Up(A^T e) before its sign, [B, C, H, W]; nil in the update phase
}

// HeadSink is a Sink that also receives what the heads do, before the state of their
// layer: in the nudged phases every step, in the update at each point of the contrast,
// numbered as steps, or, where the head learns at s*, there alone as step 0. Values are valid only during the call.
type HeadSink interface {
	Head(phase Phase, step, head int, v *HeadValues)
}

func (r *fixedRun[T]) observeHead(phase Phase, step, i int, h *headState[T]) {
	sink, ok := r.sink.(HeadSink)
	if !ok {
		return
	}
	v := &HeadValues{
		Features: narrow(nil, h.features), Logits: widen64(h.logits), Signal: narrow(nil, h.signal),
		Probability: narrow(nil, h.probability), Warm: narrow(nil, h.warm),
	}
	if phase != r.program.Update() {
		nudge := make([]T, r.batch*h.states.Len())
		h.spread(nudge, h.units.gain[phase], r.batch*h.Map.In.C)
		v.Nudge = widen64(nudge)
	}
	sink.Head(phase, step, i, v)
}

func widen64[T fixedpoint.Number](x []T) []int64 {
	z := make([]int64, len(x))
	for i, v := range x {
		z[i] = int64(v)
	}
	return z
}

// Loss returns the mean loss of a training step's samples at the free equilibrium: the
// cross-entropy of the readout, or 1/2 |s^N - y|^2.
func (m *Fixed) Loss(out *Outcome, s *Samples) float64 {
	state, classes := m.cfg.StateFormat(len(m.cfg.Network.Layers)), m.cfg.Network.Classes()
	sum := 0.0
	for b, label := range s.Y {
		if out.Logits == nil {
			for k, v := range out.Output[b*classes:][:classes] {
				d := state.ToFloat(int64(v))
				if k == label {
					d--
				}
				sum += d * d / 2
			}
			continue
		}
		z := make([]float64, classes)
		unit := lsb(m.arith.Heads[len(m.arith.Heads)-1].LogitFrac)
		for k := range z {
			z[k] = float64(out.Logits[b*classes+k]) * unit
		}
		plain := Head{HeadSpec: HeadSpec{Kind: CrossEntropy}}
		sum += plain.loss(z, label, nil)
	}
	return sum / float64(len(s.Y))
}
