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
	Weight   Agreement // the estimate of the program, symmetric: of s+ and s-
	Bias     Agreement
	OneSided Agreement // of the weights, from the first nudged phase and s*
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
	scale := 1 / (m.beta[PhaseNudge] * float64(t.batch))
	t.products(oneSided, out.Finals[PhaseNudge], -scale)
	t.products(oneSided, out.Finals[PhaseFree], scale)
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
			if !l.NoBias {
				q.B[i/area%l.Out.C] += scale * v
			}
		}
	}
}

// trajectory records the states of the phases: [phase][step][layer][B, C, H, W].
type trajectory struct{ phases [][][][]float64 }

func (r *trajectory) State(phase Phase, step, layer int, s []float64) {
	for len(r.phases) <= int(phase) {
		r.phases = append(r.phases, nil)
	}
	path := &r.phases[phase]
	for len(*path) <= step {
		*path = append(*path, nil)
	}
	for len((*path)[step]) < layer {
		(*path)[step] = append((*path)[step], nil)
	}
	(*path)[step][layer-1] = append([]float64(nil), s...)
}

func (r *trajectory) Index(Phase, int, int, []uint8) {}

// increments are the changes in a step of the contrast, over its spread.
type increments struct {
	net           *Network
	t             *tangent
	path          *trajectory
	spread        float64
	before, after *FloatParams // contrast of the states reached, over the spread
}

func newIncrements(m *Float, t *tangent, path *trajectory) *increments {
	return &increments{
		net: &m.cfg.Network, t: t, path: path, spread: m.spread,
		before: NewFloatParams(&m.cfg.Network), // all phases start at s*
	}
}

// check compares step k with v_k.
func (d *increments) check(k int, v [][]float64) StepCheck {
	d.after = NewFloatParams(d.net)
	free := len(d.path.phases[PhaseFree]) - 1
	at := func(p Point, k int) [][]float64 { // the states of a point after step k of its phase
		if p.Phase == PhaseFree || k < 0 {
			return d.path.phases[PhaseFree][free]
		}
		path := d.path.phases[p.Phase] // which may have ended early
		return path[min(k, len(path)-1)]
	}
	for _, p := range d.t.program.Points {
		d.t.products(d.after, at(p, k), float64(p.Weight)/d.spread)
	}
	gradient := NewFloatParams(d.net)
	d.t.derivative(gradient, v, 1)
	var c StepCheck
	for n := range v {
		state := make([]float64, len(v[n]))
		for _, p := range d.t.program.Points {
			after, before := at(p, k)[n], at(p, k-1)[n]
			for i := range state {
				state[i] -= float64(p.Weight) / d.spread * (after[i] - before[i])
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
	t, residual, err := twin.tangent(p.Dequantize(f), s.Dequantize(m.cfg))
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
	scale := -1 / (arith.Spread * float64(cfg.Batch))
	e := r.relax()
	single := arith.Beta(&cfg.Formats, PhaseNudge) * float64(cfg.Batch)
	for n := range exact.Layers {
		la, y := &arith.Layers[n], &exact.Layers[n]
		c := r.contrast(n, e, r.program.Points)
		w := real64(c.w, scale, la.ContrastFrac)
		b := real64(c.b, scale, la.BiasContrastFrac)
		one := real64(r.contrast(n, e, []Point{{PhaseNudge, 1}, {PhaseFree, -1}}).w, -1/single, la.ContrastFrac)
		layers = append(layers, LayerCheck{
			Name: cfg.Network.Layers[n].Name, Weight: Agree(w, y.W), Bias: Agree(b, y.B), OneSided: Agree(one, y.W),
		})
	}
	g := NewFloatParams(&cfg.Network)
	for i, h := range r.heads {
		c, ha := r.headContrast(i, e), &arith.Heads[i]
		scale := -h.scale() / float64(len(r.program.Points)*cfg.Batch)
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
