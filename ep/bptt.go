package ep

import (
	"math"
	"strconv"

	"epgen/fixedpoint"
)

// tangent is the linearised dynamics around a free equilibrium s*: the network
// itself without input, bias and nudge, with the pool indices of s* and, in
// place of the activation, its slope at u* = u(s*). One step takes v to
//
//	sigma'(u*) o H v,   (H v)^n = P*(W_n * v^{n-1}) + W_{n+1}^T U*(v^{n+1})
//
// damped as the states are. H is symmetric, so that the same steps carry errors backwards through time.
// Asynchronous sweeps of it are what the nudged phases do for small beta; their sum has
// the same limit, the gradient at the equilibrium, which it nears in fewer steps.
type tangent struct {
	*relaxer[float64]
	beta    float64
	damping float64
	star    [][]float64 // s*
	slope   [][]float64 // sigma'(u*): the slope of the hard sigmoid, or 0 where it is saturated
}

// tangent relaxes p on s for the free steps and linearises there. It also
// returns the largest change of a state in one further step, which is 0 at an
// equilibrium.
func (m *Float) tangent(p *FloatParams, s *FloatSamples) (*tangent, float64, error) {
	r, err := m.relaxer(p, s)
	if err != nil {
		return nil, 0, err
	}
	r.run(PhaseFree, m.cfg.FreeSteps)
	t := &tangent{relaxer: r, beta: m.beta[PhaseNudge], star: r.snapshot(), slope: r.snapshot()}
	// The first nudged step, without a nudge, yields u(s*) and the argmax of s*.
	r.live, r.quiet, r.differs = false, true, false
	clear(r.nudge.beta)
	r.step(PhaseNudge, 0)
	residual := 0.0
	for n := range r.layers {
		l := &r.layers[n]
		residual = max(residual, maxDifference(l.s, t.star[n]))
		for i, u := range l.u {
			t.slope[n][i] = 0
			if m.cfg.linear(n) {
				t.slope[n][i] = 1
			} else if z := m.slope * u; z > 0 && z < m.top[n] {
				t.slope[n][i] = m.slope
			}
		}
		clear(l.bias)
	}
	clear(r.layers[0].acc)
	r.activate = func(_ Phase, n int, u, s []float64) {
		for i, v := range u {
			s[i] += m.damping * (t.slope[n][i]*v - s[i])
		}
	}
	t.damping = m.damping
	return t, residual, nil
}

// start sets the present v to sigma'(u*) o dJ/ds at s*: of the squared error s^N - y
// for the output, of a head -lambda Up(A^T e)/area for its layer, 0 elsewhere.
func (t *tangent) start() {
	last := len(t.layers) - 1
	for n := range t.layers {
		clear(t.layers[n].s)
	}
	for i, y := range t.nudge.target {
		t.layers[last].s[i] = t.star[last][i] - y
	}
	for _, h := range t.heads {
		n := h.Layer - 1
		h.evaluate(t.star[n], t.batch)
		h.pull(t.layers[n].s, PhaseNudge, -1/math.Abs(t.beta), t.batch)
	}
	for n := range t.layers {
		for i, d := range t.slope[n] {
			if n == last && t.nudge.outside {
				d = 1
			}
			t.layers[n].s[i] *= t.damping * d
		}
	}
	if t.async && last%2 == 0 { // the even layers of the same sweep see the odd output
		t.halfSweep(PhaseNudge, 1, 1)
	}
}

// advance takes v one time step back.
func (t *tangent) advance() { t.step(PhaseNudge, 1) }

// derivative adds to g the derivative of dPhi/dtheta at s* in the direction
// of v, times scale:
//
//	W_n  corr(s*^{n-1}, U*(v^n)) + corr(v^{n-1}, U*(s*^n))      b_n  sum v^n
//
// with v^0 = 0, as the input is given.
func (t *tangent) derivative(g *FloatParams, v [][]float64, scale float64) {
	for n := range t.layers {
		l, q := &t.layers[n], &g.Layers[n]
		outer, w := fixedpoint.NewOuter[float64](l.Window()), make([]float64, l.Weights())
		if n == 0 {
			outer.Add(w, v[0], l.index, t.input, t.batch, 1)
		} else {
			outer.Add(w, v[n], l.index, t.star[n-1], t.batch, 1)
			outer.Add(w, t.star[n], l.index, v[n-1], t.batch, 1)
		}
		for i, d := range w {
			q.W[i] += scale * l.unit * d
		}
		area := l.Out.H * l.Out.W
		for i, d := range v[n] {
			if !l.NoBias {
				q.B[i/area%l.Out.C] += scale * d
			}
		}
	}
}

// BPTT returns the gradient of the batch's mean J = L + sum_k lambda_k L_k at the free
// equilibrium, and that of each head's own loss by its map, by back-propagation through the last steps time steps, all at s*:
//
//	lambda_0 = dJ/ds    v_t = sigma'(u*) o lambda_t    lambda_{t+1} = H v_t
//	g        = 1/B sum_{t < steps} d/ds (dPhi/dtheta) v_t
//
// It needs no automatic differentiation: H is the step of the network itself
// without input and bias, with the pool indices of s*. As in the theorem the
// free phase must have settled. The observer, which may be nil, receives every t
// with v_t [layer][B, C, H, W], valid during the call.
//
// Source: Ernoult et al. 2019, https://arxiv.org/abs/1905.13633.
func (m *Float) BPTT(p *FloatParams, s *FloatSamples, steps int, observe func(t int, v [][]float64)) (*FloatParams, error) {
	t, _, err := m.tangent(p, s)
	if err != nil {
		return nil, err
	}
	return t.backward(&m.cfg.Network, steps, observe), nil
}

// backward runs steps of v. The derivative is linear in v, hence one for their sum.
func (t *tangent) backward(net *Network, steps int, observe func(t int, v [][]float64)) *FloatParams {
	total, v := make([][]float64, len(t.layers)), make([][]float64, len(t.layers))
	for n := range t.layers {
		v[n] = t.layers[n].s
		total[n] = make([]float64, len(v[n]))
	}
	t.start()
	for k := range steps {
		if k > 0 {
			t.advance()
		}
		for n := range v {
			for i, x := range v[n] {
				total[n][i] += x
			}
		}
		if observe != nil {
			observe(k, v)
		}
	}
	g := NewFloatParams(net)
	t.derivative(g, total, 1/float64(t.batch))
	for i, h := range t.heads {
		t.headGradient(h, &g.Heads[i])
	}
	return g
}

// headGradient writes that of the head's mean loss, without lambda, at the given states
// of its layer: dL/dA = -e (h - mu)^T, dL/dc = -e.
func (t *tangent) headGradient(h *headState[float64], g *FloatHeadParams) {
	states, batch := t.star[h.Layer-1], t.batch
	h.evaluate(states, batch)
	in, out := h.Map.In.Len(), h.Outputs()
	scale := -h.scale() / float64(batch)
	area := h.Map.Out.H * h.Map.Out.W
	w, outer := make([]float64, len(g.W)), fixedpoint.NewOuter[float64](h.Map.Window())
	outer.Add(w, h.signal[:batch*out], nil, h.features[:batch*in], batch, 1)
	for i, v := range w {
		g.W[i] = scale * v
	}
	for i, v := range h.signal {
		g.B[i/area%h.Map.Out.C] += scale * v
	}
}

// Agreement compares an estimate x with a reference y.
type Agreement struct {
	Cosine        float64 // x.y / (|x| |y|); 1 if both are 0, 0 if one is
	RelativeError float64 // |x - y| / |y|; 0 if both are 0, +Inf if y alone is
	Sign          float64 // share of the entries whose signs agree, of those where y is not 0; 1 if there are none
	Norm          float64 // |y|
	EstimateNorm  float64 // |x|
}

// ShowCosine returns the cosine as tables show it, "-" where the reference is 0.
func (a Agreement) ShowCosine() string {
	if a.Norm == 0 {
		return "-"
	}
	return strconv.FormatFloat(a.Cosine, 'f', 6, 64)
}

// Agree returns the agreement of x with y, of the same length.
func Agree(x, y []float64) Agreement {
	var xx, yy, xy, dd float64
	same, count := 0, 0
	for i, v := range y {
		u := x[i]
		xx, yy, xy, dd = xx+u*u, yy+v*v, xy+u*v, dd+(u-v)*(u-v)
		if v != 0 {
			count++
			if u*v > 0 || math.Signbit(u) == math.Signbit(v) && u != 0 { // u*v may underflow
				same++
			}
		}
	}
	a := Agreement{Cosine: 1, Sign: 1, Norm: math.Sqrt(yy), EstimateNorm: math.Sqrt(xx)}
	switch {
	case xx == 0 && yy == 0:
		return a
	case xx == 0 || yy == 0:
		a.Cosine = 0
	default:
		a.Cosine = xy / (a.EstimateNorm * a.Norm)
	}
	a.RelativeError = math.Sqrt(dd) / a.Norm
	if count > 0 {
		a.Sign = float64(same) / float64(count)
	}
	return a
}
