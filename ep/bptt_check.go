package ep

import (
	"fmt"
	"io"
	"text/tabwriter"

	"epgen/fixedpoint"
)

// LayerCheck compares the gradient estimates of one layer with BPTT.
type LayerCheck struct {
	Name     string
	Weight   Agreement // the symmetric estimate, of s+ and s-
	Bias     Agreement
	OneSided Agreement // of the weights, from s+ and s*
}

// StepCheck compares one time step of the nudged phases with one of BPTT, by
// layer: the GDU property, for all t < T2
//
//	(s+_{t+1} - s+_t - (s-_{t+1} - s-_t)) / (2 beta)                 = -sigma'(u*) o lambda_t
//	(dPhi/dW(s+_{t+1}) - dPhi/dW(s+_t) - the same of s-) / (2 beta)  = -B grad_W(t)
//
// Synchronous layers alternate: an error that left the output at step 0 is in
// every second layer only, and v_t is 0 in the others. There is then nothing to
// compare but that the estimate is small.
type StepCheck struct{ State, Weight []Agreement }

// GradientCheck is the result of CheckGradient.
type GradientCheck struct {
	Residual float64 // largest change of a state in one step from s*; the theory is that of 0
	Layers   []LayerCheck
	Heads    []LayerCheck // of each head's own loss
	Steps    []StepCheck  // one per nudged step; nil for fixed point
}

// CheckGradient runs a training step on one batch and compares it with BPTT
// over as many steps as a nudged phase has: the estimates per layer, and states
// and weights per time step.
//
// Source: Ernoult et al. 2019, https://arxiv.org/abs/1905.13633.
func (m *Float) CheckGradient(p *FloatParams, s *FloatSamples) (*GradientCheck, error) {
	path := &trajectory{}
	out, err := m.TrainStep(p, s, path)
	if err != nil {
		return nil, err
	}
	t, residual, err := m.tangent(p, s)
	if err != nil {
		return nil, err
	}
	c := &GradientCheck{Residual: residual}
	d := newIncrements(m, t, path)
	exact := t.backward(&m.cfg.Network, m.cfg.NudgeSteps, func(k int, v [][]float64) {
		c.Steps = append(c.Steps, d.check(k, v))
	})
	oneSided := NewFloatParams(&m.cfg.Network)
	t.products(oneSided, out.Plus, -1/(m.beta*float64(t.batch)))
	t.products(oneSided, out.Free, 1/(m.beta*float64(t.batch)))
	for n := range exact.Layers {
		e, g := &exact.Layers[n], &out.Gradient.Layers[n]
		c.Layers = append(c.Layers, LayerCheck{
			Name:   m.cfg.Network.Layers[n].Name,
			Weight: Agree(g.W, e.W), Bias: Agree(g.B, e.B), OneSided: Agree(oneSided.Layers[n].W, e.W),
		})
	}
	c.Heads = checkHeads(&m.cfg.Network, out.Gradient, exact)
	return c, nil
}

// checkHeads compares the estimates of the heads' gradients.
func checkHeads(net *Network, g, exact *FloatParams) []LayerCheck {
	var checks []LayerCheck
	for i := range net.Heads {
		x, y := &g.Heads[i], &exact.Heads[i]
		checks = append(checks, LayerCheck{Name: net.Heads[i].Name, Weight: Agree(x.W, y.W), Bias: Agree(x.B, y.B)})
	}
	return checks
}

// products adds scale times dPhi/dtheta at the given states, with the pool indices
// of s*, to g.
func (t *tangent) products(g *FloatParams, states [][]float64, scale float64) {
	for n := range t.layers {
		l, q := &t.layers[n], &g.Layers[n]
		below := t.input
		if n > 0 {
			below = states[n-1]
		}
		fixedpoint.NewOuter[float64](l.Window()).Add(q.W, states[n], l.index, below, t.batch, scale*l.unit)
		area := l.Out.H * l.Out.W
		for i, v := range states[n] {
			q.B[i/area%l.Out.C] += scale * v
		}
	}
}

// trajectory records the states of the nudged phases: [step][layer][B, C, H, W].
type trajectory struct{ plus, minus [][][]float64 }

func (r *trajectory) State(phase Phase, step, layer int, s []float64) {
	path := &r.plus
	switch phase {
	case PhaseFree:
		return
	case PhaseMinus:
		path = &r.minus
	}
	for len(*path) <= step {
		*path = append(*path, nil)
	}
	for len((*path)[step]) < layer {
		(*path)[step] = append((*path)[step], nil)
	}
	(*path)[step][layer-1] = append([]float64(nil), s...)
}

func (r *trajectory) Index(Phase, int, int, []uint8) {}

// increments are the changes of a step of the nudged phases, scaled by 1/(2 beta).
type increments struct {
	net           *Network
	t             *tangent
	path          *trajectory
	scale         float64
	before, after *FloatParams // scaled dPhi/dtheta of s+ minus that of s-
}

func newIncrements(m *Float, t *tangent, path *trajectory) *increments {
	return &increments{
		net: &m.cfg.Network, t: t, path: path, scale: 1 / (2 * m.beta),
		before: NewFloatParams(&m.cfg.Network), // both phases start at s*
	}
}

// check compares step k with v_k.
func (d *increments) check(k int, v [][]float64) StepCheck {
	plus, minus := d.path.plus, d.path.minus
	d.after = NewFloatParams(d.net)
	d.t.products(d.after, plus[k], d.scale)
	d.t.products(d.after, minus[k], -d.scale)
	gradient := NewFloatParams(d.net)
	d.t.derivative(gradient, v, 1)
	var c StepCheck
	for n := range v {
		state := make([]float64, len(v[n]))
		for i := range state {
			state[i] = -d.scale * (plus[k][n][i] - minus[k][n][i])
			if k > 0 {
				state[i] += d.scale * (plus[k-1][n][i] - minus[k-1][n][i])
			}
		}
		c.State = append(c.State, Agree(state, v[n]))
		weight := d.before.Layers[n].W
		for i, w := range d.after.Layers[n].W {
			weight[i] -= w
		}
		c.Weight = append(c.Weight, Agree(weight, gradient.Layers[n].W))
	}
	d.before = d.after
	return c
}

// CheckGradient compares the estimate of the fixed-point model, before its
// rounding to an update, with BPTT in float64 at the same parameters, input and
// beta, over as many steps as a nudged phase has.
func (m *Fixed) CheckGradient(p *Params, s *Samples) (*GradientCheck, error) {
	if err := m.check(p, s); err != nil {
		return nil, err
	}
	twin, err := newTwin(m.cfg, m.arith)
	if err != nil {
		return nil, err
	}
	f := &m.cfg.Formats
	t, residual, err := twin.tangent(p.Dequantize(f), s.Dequantize(f))
	if err != nil {
		return nil, err
	}
	exact := t.backward(&m.cfg.Network, m.cfg.NudgeSteps, nil)
	var layers, heads []LayerCheck
	if m.arith.exactInFloat64() {
		layers, heads = compareCodes(newFixedRun[float64](m, p, s, nil), exact)
	} else {
		layers, heads = compareCodes(newFixedRun[int64](m, p, s, nil), exact)
	}
	return &GradientCheck{Residual: residual, Layers: layers, Heads: heads}, nil
}

// compareCodes compares contrasts in codes; agreement but for the relative error
// does not depend on their scale, which is 1/(2 beta B) and the formats'.
func compareCodes[T fixedpoint.Number](r *fixedRun[T], exact *FloatParams) (layers, heads []LayerCheck) {
	cfg, arith := r.model.cfg, r.model.arith
	scale := -1 / (2 * arith.EffectiveBeta(&cfg.Formats) * float64(cfg.Batch))
	e := r.relax(cfg.FreeSteps, cfg.NudgeSteps)
	oneSided := equilibria[T]{free: e.free, plus: e.plus, minus: e.free}
	for n := range exact.Layers {
		la, y := &arith.Layers[n], &exact.Layers[n]
		c := r.contrast(n, &e)
		w := real64(c.w, scale, la.ContrastFrac)
		b := real64(c.b, scale, cfg.Formats.State.Frac)
		one := real64(r.contrast(n, &oneSided).w, 2*scale, la.ContrastFrac)
		layers = append(layers, LayerCheck{
			Name: cfg.Network.Layers[n].Name, Weight: Agree(w, y.W), Bias: Agree(b, y.B), OneSided: Agree(one, y.W),
		})
	}
	g := NewFloatParams(&cfg.Network)
	for i, h := range r.heads {
		c, ha := r.headContrast(i, &e), &arith.Heads[i]
		scale := -h.scale() / (2 * float64(cfg.Batch))
		copy(g.Heads[i].W, real64(c.w, scale, ha.ContrastFrac))
		copy(g.Heads[i].B, real64(c.b, scale, ha.SignalFrac))
	}
	return layers, checkHeads(&cfg.Network, g, exact)
}

// real64 returns scale times the values of codes with the given fractional bits.
func real64[T fixedpoint.Number](codes []T, scale float64, frac int) []float64 {
	f := fixedpoint.Format{Signed: true, Frac: frac}
	z := make([]float64, len(codes))
	for i, v := range codes {
		z[i] = scale * float64(v) * f.LSB()
	}
	return z
}

// WriteTable writes one line per layer: cosine, relative error and share of
// equal signs of the symmetric estimate, the cosines of that of the bias and of
// the one-sided estimate, and, if there are steps, the smallest cosine of states
// and of weights over those in which BPTT is not 0.
func (c *GradientCheck) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "layer\t|gradient|\tcosine\trel. error\tsigns\tbias cosine\tone-sided cosine")
	if c.Steps != nil {
		fmt.Fprint(t, "\tleast state cosine\tleast weight cosine")
	}
	fmt.Fprintln(t)
	for n, l := range c.Layers {
		fmt.Fprintf(t, "%s\t%.3g\t%s\t%.3g\t%.4f\t%s\t%s", l.Name, l.Weight.Norm, l.Weight.ShowCosine(),
			l.Weight.RelativeError, l.Weight.Sign, l.Bias.ShowCosine(), l.OneSided.ShowCosine())
		if c.Steps != nil {
			state, weight := c.LeastCosine(n)
			fmt.Fprintf(t, "\t%.6f\t%.6f", state, weight)
		}
		fmt.Fprintln(t)
	}
	for _, h := range c.Heads {
		fmt.Fprintf(t, "%s\t%.3g\t%s\t%.3g\t%.4f\t%s\n", h.Name, h.Weight.Norm, h.Weight.ShowCosine(),
			h.Weight.RelativeError, h.Weight.Sign, h.Bias.ShowCosine())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "one more step from the free state moves it by at most %.3g\n", c.Residual)
	return err
}

// LeastCosine returns the smallest cosines of states and weights of layer n+1
// over the steps in which BPTT is not 0.
func (c *GradientCheck) LeastCosine(n int) (state, weight float64) {
	state, weight = 1, 1
	for _, s := range c.Steps {
		if s.State[n].Norm > 0 {
			state = min(state, s.State[n].Cosine)
		}
		if s.Weight[n].Norm > 0 {
			weight = min(weight, s.Weight[n].Cosine)
		}
	}
	return state, weight
}
