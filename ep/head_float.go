package ep

import "math"

// headUnits returns head i in real numbers.
func (m *Float) headUnits(i int) headUnits[float64] {
	h := &m.cfg.Network.Heads[i]
	rows, cols := h.Window(m.cfg.Network.Layers[h.Layer-1].Out)
	area := float64(rows * cols)
	u := headUnits[float64]{
		pool:  func(sum float64) float64 { return sum / area },
		scale: 1, bias: 1, one: 1,
	}
	if !m.cfg.Program().Learns() { // logits are all there is
		u.evaluate = func(*headState[float64]) {}
		return u
	}
	for _, beta := range m.beta {
		u.gain = append(u.gain, math.Abs(beta)*h.Lambda*h.scale()/area)
	}
	own, taught := 1-h.Mix, h.Mix*h.Temperature
	if m.arith != nil {
		f, ha := &m.cfg.Formats, &m.arith.Heads[i]
		for phase := range u.gain {
			u.gain[phase] = ha.gain(Phase(phase))
		}
		own, taught = f.Lambda.ToFloat(ha.Own), f.Lambda.ToFloat(ha.Taught)
		u.one = f.Probability.ToFloat(ha.Target)
		if h.Kind == SquaredHead {
			u.one = f.Error.ToFloat(ha.Target)
		}
	}
	switch h.Kind {
	case CrossEntropy, RandomHead:
		u.evaluate = func(h *headState[float64]) {
			softmax(h.signal, h.logits, h.Outputs(), 1)
			for i, p := range h.signal {
				h.signal[i] = h.label[i] - p
			}
		}
	case SquaredHead:
		u.evaluate = func(h *headState[float64]) {
			for i, z := range h.logits {
				h.signal[i] = h.label[i] - z
			}
		}
	case FeatureHead:
		u.evaluate = func(h *headState[float64]) {
			for i, z := range h.logits {
				h.signal[i] = h.teacher[i] - z
			}
		}
	case LogitHead:
		warm := make([]float64, 0)
		u.evaluate = func(h *headState[float64]) {
			warm = append(warm[:0], h.logits...)
			softmax(h.signal, h.logits, h.Outputs(), 1)
			softmax(warm, h.logits, h.Outputs(), h.Temperature)
			for i, p := range h.signal {
				h.signal[i] = own*(h.label[i]-p) + taught*(h.teacher[i]-warm[i])
			}
		}
	}
	return u
}

// softmax writes exp(z/T) / sum exp(z/T) of each sample's k logits to p.
func softmax(p, z []float64, k int, temperature float64) {
	for first := 0; first < len(z); first += k {
		z, p := z[first:first+k], p[first:first+k]
		top := z[0]
		for _, v := range z {
			top = max(top, v)
		}
		sum := 0.0
		for j, v := range z {
			p[j] = math.Exp((v - top) / temperature)
			sum += p[j]
		}
		for j := range p {
			p[j] /= sum
		}
	}
}

// loss returns the loss of the head for one sample's logits, without lambda.
func (h *Head) loss(z []float64, label int, teacher []float64) float64 {
	cross := func() float64 {
		p := make([]float64, len(z))
		softmax(p, z, len(z), 1)
		return -math.Log(max(p[label], math.SmallestNonzeroFloat64))
	}
	squared := func(target func(i int) float64) float64 {
		sum := 0.0
		for i, v := range z {
			sum += (v - target(i)) * (v - target(i)) / 2
		}
		return sum * h.scale()
	}
	switch h.Kind {
	case SquaredHead:
		return squared(func(i int) float64 {
			if i == label {
				return 1
			}
			return 0
		})
	case FeatureHead:
		return squared(func(i int) float64 { return teacher[i] })
	case LogitHead:
		p := make([]float64, len(z))
		softmax(p, z, len(z), h.Temperature)
		kl := 0.0
		for i, t := range teacher {
			if t > 0 {
				kl += t * math.Log(t/max(p[i], math.SmallestNonzeroFloat64))
			}
		}
		return (1-h.Mix)*cross() + h.Mix*h.Temperature*h.Temperature*kl
	}
	return cross()
}
