package ep

import "epgen/fixedpoint"

func (m *machine[T]) contrast(n int) {
	l := &m.cfg.Network.Layers[n]
	m.layer = n
	w, b, area := m.w[:l.Weights()], m.b[:l.Out.C], l.Out.H*l.Out.W
	clear(w)
	clear(b)
	if m.program.Differences {
		m.contrastOfChanges(n, w, b)
		return
	}
	for k, p := range m.program.Points {
		states, weight := m.states.finals[p.Phase], T(p.Weight)*m.sign
		below := m.inputs
		if n > 0 {
			below = states[n-1]
		}
		below = below[:m.samples*l.In.Len()]
		z := states[n][:m.samples*l.Out.Len()]
		var index []uint8
		if l.HasIndex() {
			index = m.states.index[k][n][:len(z)]
		}
		m.outer[n].Add(w, z, index, below, m.samples, weight)
		for i, v := range z {
			b[i/area%l.Out.C] += weight * v
		}
	}
}

func (m *machine[T]) gradient(w, b []float64, scale float64) {
	unitW, unitB := m.contrasts(m.layer)
	for i := range w {
		w[i] = scale * (unitW * float64(m.w[i]))
	}
	for i := range b {
		b[i] = scale * (unitB * float64(m.b[i]))
	}
}

func (m *machine[T]) updateCodes(p *FloatLayerParams, kept *LayerParams, weights, biases tensorUpdate, f *Formats) {
	updateReals(p.W, &kept.KeptW, weights, f.WeightOf(m.layer+1), m.w)
	updateReals(p.B, &kept.KeptB, biases, f.BiasOf(m.layer+1), m.b)
}

// updateReals applies the hardware's update to the values x of codes in f.
func updateReals[T fixedpoint.Number](x []float64, kept *Kept, u tensorUpdate, f fixedpoint.Format, contrast []T) {
	for i, v := range x {
		e, _ := u.step(i, kept.at(i, f.FromFloat(v, fixedpoint.DefaultRounding)), int64(contrast[i]))
		x[i] = f.ToFloat(e.code)
		kept.set(i, e)
	}
}
