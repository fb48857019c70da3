package sim

import (
	"math"

	"epgen/ep"
	"epgen/gen"
)

// ModelNetwork is what only the model knows about a training step; it travels
// in the trace and reappears as "model" in report.json.
type ModelNetwork struct {
	Labels     []int     `json:"labels"`     // classes predicted for the samples, the largest output of the free phase
	Residual   float64   `json:"residual"`   // largest change of any state in the last free step
	Ties       int64     `json:"ties"`       // roundings of exact halves
	Confidence []float64 `json:"confidence"` // the largest output of each sample
}

// ModelLayer is the same for one layer.
type ModelLayer struct {
	Ties             int64   `json:"ties"`              // activations that rounded an exact half, all steps
	Residual         float64 `json:"residual"`          // largest change of a state in the last free step
	ArgmaxFlips      int     `json:"argmax_flips"`      // windows whose index differs between s+ and s-
	WeightsReachable float64 `json:"weights_reachable"` // share of the weights whose contrast can be other than 0
	WeightsSaturated int     `json:"weights_saturated"` // new weights that were clamped
	BiasesSaturated  int     `json:"biases_saturated"`
	AccMin           float64 `json:"acc_min"` // pre-activations reached, over all steps and phases
	AccMax           float64 `json:"acc_max"`
	AccLow           float64 `json:"acc_low"` // and their proved range
	AccHigh          float64 `json:"acc_high"`
}

// NetworkNote collects the statistics of the network.
func NetworkNote(p *gen.Plan, out *ep.Outcome) ModelNetwork {
	var n ModelNetwork
	classes := p.Cfg.Network.Classes()
	if out.Logits != nil && !p.Reads() {
		n.Labels, n.Confidence = predictions(p, out.Logits, classes)
		classes = 0
	}
	for b := range p.Cfg.Batch {
		if classes == 0 {
			break
		}
		best, s := 0, out.Output[b*classes:(b+1)*classes]
		for c, v := range s {
			if v > s[best] {
				best = c
			}
		}
		n.Labels = append(n.Labels, best)
		n.Confidence = append(n.Confidence, p.Last().Arith.State.ToFloat(int64(s[best])))
	}
	for i := range out.Layers {
		l := LayerNote(p, out, i)
		n.Residual = max(n.Residual, l.Residual)
		n.Ties += l.Ties
	}
	return n
}

// LayerNote collects the statistics of layer i, from 0.
func LayerNote(p *gen.Plan, out *ep.Outcome, i int) ModelLayer {
	s, a := &out.Layers[i], p.Layers[i].Arith
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	n := ModelLayer{
		Residual:    a.State.ToFloat(s.Residual),
		ArgmaxFlips: s.ArgmaxFlips, WeightsReachable: float64(s.WeightsReachable) / float64(s.Weights), WeightsSaturated: s.WeightsSaturated, BiasesSaturated: s.BiasesSaturated,
	}
	for k := range s.Phases {
		st := &s.Phases[k]
		n.Ties += st.Ties
		if a.Difference != nil && k > 0 { // the accumulator has changes, with LSBs of their own
			continue
		}
		lo, hi = min(lo, st.AccMin), max(hi, st.AccMax)
	}
	real := func(v float64) float64 { return math.Ldexp(v, -a.AccFrac) }
	low, _ := a.Acc.Lo().Float64()
	high, _ := a.Acc.Hi().Float64()
	n.AccMin, n.AccMax = real(float64(lo)), real(float64(hi))
	n.AccLow, n.AccHigh = real(low), real(high)
	return n
}

// predictions returns the classes of the largest logits of a readout, and these logits.
func predictions(p *gen.Plan, logits []int64, classes int) (labels []int, largest []float64) {
	frac := p.Arith.Heads[len(p.Arith.Heads)-1].LogitFrac
	for b := range p.Cfg.Batch {
		best, z := 0, logits[b*classes:(b+1)*classes]
		for c, v := range z {
			if v > z[best] {
				best = c
			}
		}
		labels = append(labels, best)
		largest = append(largest, math.Ldexp(float64(z[best]), -frac))
	}
	return labels, largest
}

// HeadNote is the note of head i, from 0, in the terms of a layer.
func HeadNote(p *gen.Plan, out *ep.Outcome, i int) ModelLayer {
	s, reachable := &out.Heads[i], 1.0
	if p.Heads[i].HeadArith.WeightUpdate.Mantissa == 0 { // a fixed map
		reachable = 0
	}
	return ModelLayer{WeightsReachable: reachable, WeightsSaturated: s.WeightsSaturated, BiasesSaturated: s.BiasesSaturated}
}
