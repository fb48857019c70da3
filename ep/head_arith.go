package ep

import (
	"fmt"
	"math"
	"math/bits"

	"epgen/fixedpoint"
)

// HeadArith is the arithmetic of one head: what [LayerArith] is for a layer. With h the
// average of the states of a cell and e the error signal,
//
//	h     = Pool(sum of the states of a cell)            State
//	z     = (A (h - mu))<<UpShift + c<<BiasShift         exact, LogitFrac fractional bits
//	e     = y - Softmax(z)                               ce, random: exact
//	        Error(y<<TargetShift - z)                    mse; features with tau in place of y
//	        Error(Own*(y - Softmax(z)) + Taught*(t<<TeachShift - Warm(z))<<WarmShift)    logits
//	back  = A^T e                                        exact, BackFrac fractional bits
//	acc  += +-(back * NudgeCodes[phase])<<NudgeShift     of every state of the cell
//
// Its roundings are Pool, the softmax with its division, Error and the three updates. Of the
// readout of an inference build z is rounded once, by Delivery, and there is nothing else.
type HeadArith struct {
	State fixedpoint.Format // of the layer's states, of h and of mu

	Pool fixedpoint.Requant // Shift is the binary logarithm of the area of a cell

	Features fixedpoint.Interval // h - mu
	Products fixedpoint.Interval // A (h - mu), before UpShift
	Logit    fixedpoint.Interval // z

	LogitFrac, UpShift, BiasShift int

	Delivery fixedpoint.Requant // of the logits of an inference build

	Softmax, Warm *fixedpoint.Softmax // at temperature 1, and at T; nil where the kind needs none
	Error         fixedpoint.Requant  // mse, features, logits
	Target        int64               // of the labelled class: 1.0 in the units of e, or of Softmax for logits
	TargetShift   int                 // mse, features: of a target in Formats.Error
	Own, Taught   int64               // logits: (1-a) and a T in Formats.Lambda
	TeachShift    int                 // logits: of t, to meet Warm
	WarmShift     int                 // logits: of Warm in t's format, where that is finer

	SignalFrac int
	Signal     fixedpoint.Interval // e

	BackFrac int
	Back     fixedpoint.Interval // A^T e

	NudgeCodes []int64 // by relaxation, |beta| lambda (over D for features) in Formats.Lambda, without the factors of 2 that all share
	NudgeFrac  int     // fractional bits of back * code, the division by the area included
	NudgeShift int     // to the accumulator of the layer
	Nudge      fixedpoint.Interval

	ContrastFrac int
	Contrast     fixedpoint.Interval // sum of e (h - mu) over cells, samples and points, at every partial sum
	BiasContrast fixedpoint.Interval // sum of e
	MeanContrast fixedpoint.Interval // sum of h - mu over samples

	WeightUpdate, BiasUpdate, MeanUpdate fixedpoint.Update
}

// headUpdate are the updates of the parameters of a head.
type headUpdate struct{ weights, biases, mean tensorUpdate }

// headUpdates returns those of head i in the update of the given number, which the
// contrasts of so many starts precede. Its tensors are numbered after those of the layers.
// Means are never rounded stochastically.
func (a *Arith) headUpdates(cfg *Config, i int, number uint32, accumulated int) headUpdate {
	ha, h := &a.Heads[i], &cfg.Network.Heads[i]
	tensor := func(u fixedpoint.Update, columns int, name uint32) tensorUpdate {
		t := newTensorUpdate(u, columns, a.Random.Stream(number, name))
		t.Descent, t.bits, t.starts, t.last = cfg.descent(u, a.Keeps), cfg.Formats.MasterBits, cfg.Starts(), accumulated == cfg.Starts()-1
		if !h.Kind.Trains() { // a fixed map does not decay
			t.Decay = 0
		}
		return t
	}
	m, n := &h.Map, len(cfg.Network.Layers)+i
	return headUpdate{
		weights: tensor(ha.WeightUpdate, m.In.C*m.KH*m.KW, WeightTensor(n)),
		biases:  tensor(ha.BiasUpdate, 1, BiasTensor(n)),
		mean:    newTensorUpdate(ha.MeanUpdate, 1, fixedpoint.RandomStream{}),
	}
}

// gain returns the real value of |beta| lambda (over D for features) that the
// arithmetic uses in a phase, divided by the area of a cell: the factor of A^T e in a
// pre-activation.
func (a *HeadArith) gain(phase Phase) float64 {
	return math.Ldexp(float64(a.NudgeCodes[phase]), a.BackFrac-a.NudgeFrac)
}

// deriveHead returns the arithmetic of head i but for NudgeShift, which is the layer's affair.
// Of an inference build its logits are all there is.
func deriveHead(cfg *Config, program *Program, i int) (HeadArith, error) {
	f, h := &cfg.Formats, &cfg.Network.Heads[i]
	a := HeadArith{State: f.StateOf(h.Layer)}
	top := stateMax(a.State)
	area := h.areaShift(cfg.Network.Layers[h.Layer-1].Out)
	a.Pool = fixedpoint.Requant{Shift: area, Mode: f.StateRounding, Hi: top}
	a.Features = fixedpoint.NewInterval(0, top)
	if h.Center {
		a.Features = fixedpoint.NewInterval(-top, top)
	}
	productFrac := f.HeadWeight.Frac + a.State.Frac
	a.LogitFrac = max(f.HeadWeight.Frac+cfg.finestHeadState(), f.HeadBias.Frac)
	if h.Kind == SquaredHead || h.Kind == FeatureHead {
		a.LogitFrac = max(a.LogitFrac, f.Error.Frac)
	}
	if program.Reads {
		a.LogitFrac = max(a.LogitFrac, f.Logit.Frac)
	}
	a.UpShift, a.BiasShift = a.LogitFrac-productFrac, a.LogitFrac-f.HeadBias.Frac
	m := &h.Map
	a.Products = f.HeadWeight.Interval().Mul(a.Features).SumUpTo(m.In.C * m.KH * m.KW)
	a.Logit = a.Products.Shl(a.UpShift).Add(f.HeadBias.Interval().Shl(a.BiasShift))
	if program.Reads {
		return a, a.deriveDelivery(f, h)
	}
	if err := a.deriveSignal(f, h); err != nil {
		return a, err
	}
	a.BackFrac = f.HeadWeight.Frac + a.SignalFrac
	a.Back = f.HeadWeight.Interval().Mul(a.Signal).SumUpTo(m.Out.C)
	if err := a.deriveNudge(cfg, h, area); err != nil {
		return a, err
	}
	return a, a.deriveUpdates(cfg, h)
}

// finestHeadState is the largest number of fractional bits of states that a head reads. All
// heads have it in their logits, and so share the tables of the softmax.
func (c *Config) finestHeadState() int {
	frac := 0
	for i := range c.Network.Heads {
		frac = max(frac, c.Formats.StateOf(c.Network.Heads[i].Layer).Frac)
	}
	return frac
}

// deriveSignal completes a with what makes the error signal of the logits.
func (a *HeadArith) deriveSignal(f *Formats, h *Head) error {
	var err error
	if h.Kind != SquaredHead && h.Kind != FeatureHead {
		if a.Softmax, err = fixedpoint.NewSoftmax(a.LogitFrac, 1, f.Probability); err != nil {
			return fmt.Errorf("ep: %s: formats.probability: %w", h.Name, err)
		}
	}
	a.Error = fixedpoint.Requant{Mode: f.StateRounding, Lo: f.Error.Min(), Hi: f.Error.Max()}
	a.SignalFrac, a.Signal = f.Error.Frac, f.Error.Interval()
	switch h.Kind {
	case CrossEntropy, RandomHead:
		a.Target = a.Softmax.Max
		a.SignalFrac, a.Signal = f.Probability.Frac, fixedpoint.NewInterval(-a.Softmax.Max, a.Target)
	case SquaredHead, FeatureHead:
		a.Target = min(int64(1)<<f.Error.Frac, f.Error.Max())
		a.TargetShift = a.LogitFrac - f.Error.Frac
		a.Error.Shift = a.TargetShift
		targets := f.Error.Interval().Shl(a.TargetShift)
		if w := targets.Sub(a.Logit).SignedWidth(); w > 63 {
			return fmt.Errorf("ep: %s: error of %d bits before its rounding, want at most 63", h.Name, w)
		}
	case LogitHead:
		a.Target = a.Softmax.Max
		if a.Warm, err = fixedpoint.NewSoftmax(a.LogitFrac, h.Temperature, f.Probability); err != nil {
			return fmt.Errorf("ep: %s: %w", h.Name, err)
		}
		code := func(name string, v float64) (int64, error) {
			if v > f.Lambda.ToFloat(f.Lambda.Max()) {
				return 0, fmt.Errorf("ep: %s: %s %g, want at most %g, the largest of formats.lambda %v",
					h.Name, name, v, f.Lambda.ToFloat(f.Lambda.Max()), f.Lambda)
			}
			return f.Lambda.FromFloat(v, fixedpoint.DefaultRounding), nil
		}
		if a.Own, err = code("1 - mix", 1-h.Mix); err != nil {
			return err
		}
		if a.Taught, err = code("mix * temperature", h.Mix*h.Temperature); err != nil {
			return err
		}
		a.TeachShift = max(0, f.Probability.Frac-f.Error.Frac)
		a.WarmShift = max(0, f.Error.Frac-f.Probability.Frac)
		a.Error.Shift = f.Lambda.Frac + f.Probability.Frac + a.WarmShift - f.Error.Frac
	}
	return a.Error.Validate()
}

// deriveNudge completes a with the nudge.
func (a *HeadArith) deriveNudge(cfg *Config, h *Head, area int) error {
	f := &cfg.Formats
	all, largest := uint64(0), int64(0)
	for _, r := range cfg.Program().Relaxations {
		strength := math.Abs(r.Beta) * h.Lambda * h.scale()
		code := f.Lambda.FromFloat(strength, fixedpoint.DefaultRounding)
		if strength > f.Lambda.ToFloat(f.Lambda.Max())+f.Lambda.LSB()/2 || strength > 0 && code == 0 {
			return fmt.Errorf("ep: %s: lambda %g makes beta lambda %g, want %g to %g, the range of formats.lambda %v",
				h.Name, h.Lambda, strength, f.Lambda.LSB(), f.Lambda.ToFloat(f.Lambda.Max()), f.Lambda)
		}
		a.NudgeCodes = append(a.NudgeCodes, code)
		all, largest = all|uint64(code), max(largest, code)
	}
	a.NudgeFrac = a.BackFrac + area
	if all != 0 {
		even := min(bits.TrailingZeros64(all), f.Lambda.Frac)
		for i := range a.NudgeCodes {
			a.NudgeCodes[i] >>= even
		}
		a.NudgeFrac, largest = a.NudgeFrac+f.Lambda.Frac-even, largest>>even
	}
	a.Nudge = a.Back.Mul(fixedpoint.Point(largest))
	return nil
}

// deriveUpdates completes a with contrasts and updates.
func (a *HeadArith) deriveUpdates(cfg *Config, h *Head) error {
	f, m, points := &cfg.Formats, &h.Map, len(cfg.Program().Points)
	terms := points * m.Out.H * m.Out.W * cfg.Batch
	a.ContrastFrac = a.SignalFrac + a.State.Frac
	a.Contrast = a.Signal.Mul(a.Features).SumUpTo(terms)
	a.BiasContrast = a.Signal.SumUpTo(terms)
	a.MeanContrast = a.Features.SumUpTo(cfg.Batch)
	for _, w := range []struct {
		what  string
		width int
	}{
		{"logit", a.Logit.SignedWidth()}, {"nudge", a.Nudge.SignedWidth()}, {"contrast", a.Contrast.SignedWidth()},
	} {
		if w.width > 63 {
			return fmt.Errorf("ep: %s: %s of %d bits from head-weight %v, state %v, error %v, want at most 63",
				h.Name, w.what, w.width, f.HeadWeight, a.State, f.Error)
		}
	}
	rate := h.Rate
	if !h.Kind.Trains() {
		rate = 0
	}
	step := rate * h.scale() / float64(points*cfg.Batch*cfg.Starts())
	var err error
	a.WeightUpdate, err = cfg.masterUpdate(math.Ldexp(step, f.HeadWeight.Frac-a.ContrastFrac), f.HeadWeight)
	a.WeightUpdate = cfg.ofMaster(a.WeightUpdate, false)
	if err == nil {
		a.BiasUpdate, err = cfg.masterUpdate(math.Ldexp(step, f.HeadBias.Frac-a.SignalFrac), f.HeadBias)
		a.BiasUpdate = cfg.ofMaster(a.BiasUpdate, false)
	}
	if err != nil {
		return fmt.Errorf("ep: %s: rate %g: %w", h.Name, h.Rate, err)
	}
	share := 0.0
	if h.Center {
		share = MeanRate / float64(cfg.Batch)
	}
	a.MeanUpdate, err = fixedpoint.NewUpdate(share, f.RateBits, fixedpoint.DefaultRounding, a.State)
	return err
}
