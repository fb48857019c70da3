package ep

import (
	"fmt"
	"slices"

	"epgen/fixedpoint"
	"epgen/npz"
)

// The readout of an inference build delivers logits: after the free phase
//
//	z = A s* + c        exact, LogitFrac fractional bits
//	    Delivery(z)     one rounding, to Formats.Logit
//
// Softmax, labels, errors and nudges are not there, nor are running means: they are folded
// into the biases c when weights are loaded.

// loadReadout reads the weights of an inference build from the arrays of a file. Where it has
// means that a readout subtracts, these are folded into its biases, c - A mu in the codes that
// the training build has, rounded once; a bias that formats.head-bias cannot hold is an error.
func (c *Config) loadReadout(arrays []npz.Array, path string) (*FloatParams, error) {
	trained, readout := c.Network, c.Network.Readout()
	mean := readout.Name + ".mean"
	if !slices.ContainsFunc(arrays, func(a npz.Array) bool { return a.Name == mean }) {
		return fetchWeights(arrays, path, &c.Network)
	}
	centred := *readout
	centred.Center = true
	trained.Heads = []Head{centred}
	p, err := fetchWeights(arrays, path, &trained)
	if err != nil {
		return nil, err
	}
	f, h := &c.Formats, &p.Heads[0]
	codes := p.Quantize(f).Dequantize(f).Heads[0]
	size := len(h.Mean)
	for k := range h.B {
		sum := codes.B[k]
		for i, mu := range codes.Mean {
			sum -= codes.W[k*size+i] * mu
		}
		if Saturated([]float64{sum}, f.HeadBias) > 0 {
			return nil, fmt.Errorf("%s: array %s: %v at %d with %s folded in, want %v..%v, the range of formats.head-bias %v", path,
				readout.Name+".bias", sum, k, mean, f.HeadBias.ToFloat(f.HeadBias.Min()), f.HeadBias.ToFloat(f.HeadBias.Max()), f.HeadBias)
		}
		h.B[k] = sum
	}
	clear(h.Mean)
	return p, nil
}

// deriveDelivery completes the arithmetic of the readout of an inference build, whose logits
// leave the core in Formats.Logit.
func (a *HeadArith) deriveDelivery(f *Formats, h *Head) error {
	if w := a.Logit.SignedWidth(); w > 63 {
		return fmt.Errorf("ep: %s: logit of %d bits from head-weight %v, state %v, want at most 63", h.Name, w, f.HeadWeight, a.State)
	}
	a.Delivery = fixedpoint.Requant{Shift: a.LogitFrac - f.Logit.Frac, Mode: f.StateRounding, Lo: f.Logit.Min(), Hi: f.Logit.Max()}
	return a.Delivery.Validate()
}

// deliver rounds the logits of an inference build and shows them as the states of one more
// layer, of which it returns the statistics.
func (r *fixedRun[T]) deliver(out *Outcome) {
	h := r.readout()
	a, m := &r.model.arith.Heads[0], &h.Map
	st := PhaseStats{AccMin: slices.Min(out.Logits), AccMax: slices.Max(out.Logits)}
	out.Output = make([]int32, len(out.Logits))
	for i, z := range out.Logits {
		v, tie := a.Delivery.ApplyTie(z)
		out.Output[i] = int32(v)
		if tie {
			st.Ties++
		}
		if v != 0 {
			st.NonZero++
		}
		if v == a.Delivery.Lo || v == a.Delivery.Hi {
			st.Saturated++
		}
	}
	out.Layers = append(out.Layers, LayerStats{
		Name: h.Name, States: len(out.Output), Weights: m.Weights(), Biases: m.Out.C, Phases: []PhaseStats{st},
	})
	if r.sink != nil {
		r.sink.State(r.program.Readout(), 0, h.Layer+1, out.Output)
	}
}
