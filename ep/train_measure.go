package ep

import "math"

// Activity describes a layer over one mini-batch: the quantities in which
// vanishing gradients show.
type Activity struct {
	State    float64 // mean |s*|
	Response float64 // mean |s+ - s-|, of the first two points of the contrast
	Update   float64 // mean |change of a weight|
	Residual float64 // largest change of a state in the last free step
	Limited  float64 // share of the states s* at an end of their range
	Spread   float64 // standard deviation of a state s* over the samples, mean over the layer
}

func (m *machine[T]) measure(n int) Activity {
	var a Activity
	count := m.samples * m.cfg.Network.Layers[n].Out.Len()
	limited := 0
	one, two := m.program.Points[0].Phase, m.program.Points[1].Phase
	r, unit := m.workers[0], math.Ldexp(m.state[n], -m.shift(n))
	for i, v := range m.states.finals[PhaseFree][n][:count] {
		a.State += float64(v)
		a.Response += math.Abs(float64(r.distance(m.states.finals, one, n, i) - r.distance(m.states.finals, two, n, i)))
		if !m.cfg.linear(n) && (v <= 0 || v >= m.top[n]) {
			limited++
		}
	}
	for _, v := range m.states.residual[n][:m.samples] {
		a.Residual = max(a.Residual, float64(v)*m.state[n])
	}
	a.Spread = m.spread(n)
	a.State *= m.state[n] / float64(count)
	a.Response *= unit / float64(count)
	a.Limited = float64(limited) / float64(count)
	return a
}

// spread returns the mean over the neurons of layer n+1 of the standard deviation of
// s* over the samples.
func (m *machine[T]) spread(n int) float64 {
	size := m.cfg.Network.Layers[n].Out.Len()
	states := m.states.finals[PhaseFree][n][:m.samples*size]
	total := 0.0
	for i := range size {
		sum, squares := 0.0, 0.0
		for b := range m.samples {
			v := float64(states[b*size+i])
			sum, squares = sum+v, squares+v*v
		}
		mean := sum / float64(m.samples)
		total += math.Sqrt(max(0, squares/float64(m.samples)-mean*mean))
	}
	return total / float64(size) * m.state[n]
}
