package ep

import (
	"fmt"
	"math"
	"slices"

	"epgen/fixedpoint"
)

// LayerArith is the arithmetic of one layer, derived once and used by the
// fixed-point model, the generator and the reports alike.
//
// The accumulator of layer n has AccFrac fractional bits. What is added to it
// has fewer or as many and is aligned by an exact left shift:
//
//	acc = P(up<<UpShift + bias<<BiasShift) + down<<DownShift - sign*nudge<<NudgeShift + that of a head
//	s'  = Act(acc)
//
// up is the sum of W_n * s^{n-1}, down that of W_{n+1}^T U(s^{n+1}), nudge the
// exact product beta*(s - y) of the output layer. P picks the largest of a window, or
// adds the four of an average pool: that sum is the mean with two more fractional
// bits, in which up, bias and, in the layer below, down are taken.
type LayerArith struct {
	In     fixedpoint.Format // states below (the input's format for layer 1)
	State  fixedpoint.Format
	Weight fixedpoint.Format
	Bias   fixedpoint.Format

	AccFrac int

	Up    fixedpoint.Interval // sum of products of one position of the convolution, before UpShift
	Down  fixedpoint.Interval // sum of products of the layer above, before DownShift; {0,0} for the output
	Drive fixedpoint.Interval // P(up<<UpShift + bias<<BiasShift)
	Nudge fixedpoint.Interval // beta*(s-y) before NudgeShift; {0,0} but for the output
	Acc   fixedpoint.Interval // everything

	UpShift, BiasShift, DownShift, NudgeShift int

	Head *HeadArith // on this layer; nil without one

	Outside fixedpoint.Interval // to which an accumulator is clamped before a nudge outside the activation; {0,0} for others

	Act     fixedpoint.Requant // accumulator to state; Shift includes the slope 1/2
	Initial int64              // state of a cold start

	Difference *DifferenceArith // in nudged phases that hold differences; nil if they hold states

	ContrastFrac     int
	Contrast         fixedpoint.Interval // sum of +z*s and -z*s over pixels, samples and both phases, valid at every partial sum
	BiasContrast     fixedpoint.Interval // the same for the bias: sum of +-z
	BiasContrastFrac int

	WeightUpdate fixedpoint.Update // contrast and old weight, or master, to new one
	BiasUpdate   fixedpoint.Update
}

// Arith is the arithmetic of a whole network.
type Arith struct {
	Layers     []LayerArith
	Heads      []HeadArith
	Betas      []int64 // strength of the nudge by Phase in Formats.Beta, with its sign
	Spread     float64 // sum over the points of the contrast of weight and represented beta
	TargetOne  int64   // 1.0 (or the largest value) in Formats.Target
	OperandMin int     // bits of the array's signed operands: covers weights, inputs, states and negated states

	Damper fixedpoint.Requant // of the change of a damped state

	Keeps Keeps // by updates, beside each weight and bias

	Random fixedpoint.RandomSeed // of stochastic rounding, from the configuration's seed
}

// maxCodeWidth is the widest signed number that the model stores a weight, a
// bias, an input or a state in.
const maxCodeWidth = 32

// Derive returns the arithmetic of cfg: every shift, range and rounding, from
// the formats, the shapes, the numbers of steps and the rates alone. It fails,
// naming the layer or the setting, when a format is not valid or wider than 32
// bits, when an accumulator or a contrast would exceed 63 bits, and when beta or
// a rate is not representable.
func Derive(cfg *Config) (*Arith, error) {
	f := &cfg.Formats
	if err := checkFormats(cfg); err != nil {
		return nil, err
	}
	if n := len(cfg.Network.Layers); n == 0 || len(cfg.Rates) != n {
		return nil, fmt.Errorf("ep: %d rates for %d layers, want as many, at least one", len(cfg.Rates), n)
	}
	if cfg.Batch < 1 {
		return nil, fmt.Errorf("ep: batch %d, want at least 1", cfg.Batch)
	}
	a := &Arith{
		TargetOne: min(int64(1)<<f.Target.Frac, f.Target.Max()),
		Random:    fixedpoint.NewRandomSeed(cfg.Seed),
		Damper:    newDamper(cfg),
	}
	var err error
	program := cfg.Program()
	if a.Betas, err = betaCodes(program, f.Beta); err != nil {
		return nil, err
	}
	a.Spread = program.Spread(func(phase Phase) float64 { return a.Beta(f, phase) })
	for i := range cfg.Network.Heads {
		ha, err := deriveHead(cfg, program, i)
		if err != nil {
			return nil, err
		}
		a.Heads = append(a.Heads, ha)
	}
	if a.OperandMin = operandWidth(cfg, program, nil); program.Learns() {
		a.OperandMin = operandWidth(cfg, program, a.Heads)
	}
	for n := range cfg.Network.Layers {
		la, err := deriveLayer(cfg, a, n)
		if err != nil {
			return nil, err
		}
		a.Layers = append(a.Layers, la)
	}
	if a.Keeps = cfg.keptBits(a); a.Keeps.Sum > 63 {
		return nil, fmt.Errorf("ep: contrasts of %d bits summed over %d starts, want at most 63", a.Keeps.Sum, cfg.Starts())
	}
	return a, nil
}

// Beta returns the strength of the nudge that the arithmetic uses in a phase.
func (a *Arith) Beta(f *Formats, phase Phase) float64 { return f.Beta.ToFloat(a.Betas[phase]) }

// Strengths returns the codes of the different |beta|, ascending.
func (a *Arith) Strengths() []int64 {
	var list []int64
	for _, b := range a.Betas {
		if b != 0 {
			list = append(list, max(b, -b))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// checkFormats reports formats that the model cannot store codes in.
func checkFormats(cfg *Config) error {
	f := &cfg.Formats
	type named struct {
		name   string
		format fixedpoint.Format
	}
	formats := []named{{"input", f.Input}, {"target", f.Target}, {"beta", f.Beta}}
	for n := 1; n <= len(cfg.Network.Layers); n++ {
		formats = append(formats, named{"state", cfg.StateFormat(n)}, named{"weight", f.WeightOf(n)}, named{"bias", f.BiasOf(n)})
	}
	if len(cfg.Network.Heads) > 0 {
		formats = append(formats, named{"head-weight", f.HeadWeight}, named{"head-bias", f.HeadBias},
			named{"probability", f.Probability}, named{"error", f.Error}, named{"lambda", f.Lambda})
	}
	for _, c := range formats {
		if err := c.format.Validate(); err != nil {
			return fmt.Errorf("ep: %s format: %w", c.name, err)
		}
		if w := c.format.Interval().SignedWidth(); w > maxCodeWidth {
			return fmt.Errorf("ep: %s format %v needs %d signed bits, want at most %d",
				c.name, c.format, w, maxCodeWidth)
		}
		if (c.name == "state" || c.name == "target") && c.format.Max() == 0 {
			return fmt.Errorf("ep: %s format %v, want at least one bit of magnitude", c.name, c.format)
		}
	}
	return nil
}

// betaCodes returns the codes of the phases of a program.
func betaCodes(p *Program, f fixedpoint.Format) ([]int64, error) {
	codes := make([]int64, len(p.Relaxations))
	for i, r := range p.Relaxations {
		if i == int(PhaseFree) {
			continue
		}
		c, err := betaCode(math.Abs(r.Beta), f)
		if err != nil {
			return nil, err
		}
		codes[i] = c
		if r.Beta < 0 {
			codes[i] = -c
		}
	}
	return codes, nil
}

// betaCode returns the code nearest to beta, which must be in range and above 0.
func betaCode(beta float64, f fixedpoint.Format) (int64, error) {
	if !(beta > 0) || beta > f.ToFloat(f.Max())+f.LSB()/2 {
		return 0, fmt.Errorf("ep: beta %g, want a number above 0 and at most %g, the largest of %v",
			beta, f.ToFloat(f.Max()), f)
	}
	c := f.FromFloat(beta, fixedpoint.DefaultRounding)
	if c == 0 {
		return 0, fmt.Errorf("ep: beta %g rounds to 0 in %v, want at least %g", beta, f, f.LSB())
	}
	return c, nil
}

// stateMax returns the code at which a state saturates: 1.0, or the largest
// code of a format that ends below 1.0.
func stateMax(f fixedpoint.Format) int64 { return min(int64(1)<<f.Frac, f.Max()) }

// operandWidth returns the signed bits that hold every weight, input and state, states
// times the weights of the contrast (s- enters it negated), and the weights,
// features and error signals of heads.
func operandWidth(cfg *Config, p *Program, heads []HeadArith) int {
	f := &cfg.Formats
	all := f.Input.Interval()
	for n := range cfg.Network.Layers {
		s := cfg.states(n)
		all = all.Union(f.WeightOf(n + 1).Interval()).Union(s)
		for _, t := range p.Terms(n + 1) {
			z := cfg.lifted(t.Kind, n, s)
			all = all.Union(p.weighted(t.Weight, z))
		}
	}
	for i := range heads {
		all = all.Union(f.HeadWeight.Interval()).Union(heads[i].Features).Union(heads[i].Signal)
	}
	return all.SignedWidth()
}

// weighted returns the range of x times the weight of a point, in any update.
func (p *Program) weighted(weight int, x fixedpoint.Interval) fixedpoint.Interval {
	z := x.Mul(fixedpoint.Point(int64(weight)))
	if p.RandomSign {
		z = z.Union(z.Neg())
	}
	return z
}

// deriveLayer returns the arithmetic of layer n+1 = 1..N.
func deriveLayer(cfg *Config, a *Arith, n int) (LayerArith, error) {
	f, layers := &cfg.Formats, cfg.Network.Layers
	l, last := &layers[n], n == len(layers)-1
	program := cfg.Program()
	output := last && cfg.Network.Readout() == nil && program.Learns() // nudged by its own error
	la := LayerArith{In: f.Input, State: cfg.StateFormat(n + 1), Weight: f.WeightOf(n + 1), Bias: f.BiasOf(n + 1)}
	states, below := cfg.states(n), f.Input.Interval()
	if n > 0 {
		la.In, below = cfg.StateFormat(n), cfg.states(n-1)
	}

	// Fractional bits of what meets in the accumulator.
	upFrac := la.Weight.Frac + la.In.Frac + l.PoolFrac()
	biasFrac := la.Bias.Frac + l.PoolFrac()
	downFrac := 0
	if !last {
		downFrac = f.WeightOf(n+2).Frac + cfg.StateFormat(n+2).Frac + layers[n+1].PoolFrac()
	}
	alignFrac := max(la.State.Frac, f.Target.Frac) // of s - y
	nudgeFrac := f.Beta.Frac + alignFrac
	la.AccFrac = max(upFrac, la.State.Frac+cfg.DifferenceShiftOf(n+1))
	if !l.NoBias {
		la.AccFrac = max(la.AccFrac, biasFrac)
	}
	if output {
		la.AccFrac = max(la.AccFrac, nudgeFrac)
	}
	if !last {
		la.AccFrac = max(la.AccFrac, downFrac)
	}
	for i := range a.Heads {
		if cfg.Network.Heads[i].Layer == n+1 && program.Learns() {
			la.AccFrac = max(la.AccFrac, a.Heads[i].NudgeFrac)
			la.Head = &a.Heads[i]
			la.Head.NudgeShift = la.AccFrac - la.Head.NudgeFrac
		}
	}
	if output {
		la.NudgeShift = la.AccFrac - nudgeFrac
		if cfg.NudgedOutside() && cfg.Activation == Half { // the slope is not the nudge's
			la.NudgeShift++
		}
	}
	if !last {
		la.DownShift = la.AccFrac - downFrac
	}
	la.UpShift = la.AccFrac - upFrac

	// Ranges. Padding and unpooled zeros leave terms out, hence SumUpTo.
	la.Up = la.Weight.Interval().Mul(below).SumUpTo(l.In.C * min(l.KH, l.In.H) * min(l.KW, l.In.W))
	if output {
		target := fixedpoint.NewInterval(0, a.TargetOne).Shl(alignFrac - f.Target.Frac)
		diff := states.Shl(alignFrac - la.State.Frac).Sub(target)
		for _, b := range a.Betas {
			la.Nudge = la.Nudge.Union(diff.Mul(fixedpoint.Point(max(b, -b))))
		}
	}
	if !last {
		la.Down = f.WeightOf(n + 2).Interval().Mul(cfg.states(n + 1)).SumUpTo(feedbackTerms(&layers[n+1]))
	}
	la.Drive = la.Up.Shl(la.UpShift)
	if !l.NoBias {
		la.BiasShift = la.AccFrac - biasFrac
		la.Drive = la.Drive.Add(la.Bias.Interval().Shl(la.BiasShift))
	}
	if l.Averages() {
		la.Drive = la.Drive.SumUpTo(4)
	}
	nudge := la.Nudge.Shl(la.NudgeShift)
	la.Acc = la.Drive.Add(la.Down.Shl(la.DownShift)).Add(nudge.Union(nudge.Neg()))
	if la.Head != nil {
		nudge := la.Head.Nudge.Shl(la.Head.NudgeShift)
		la.Acc = la.Acc.Add(nudge.Union(nudge.Neg()))
	}
	la.Act = fixedpoint.Requant{Shift: la.AccFrac - la.State.Frac, Mode: f.StateRounding, Hi: stateMax(la.State)}
	if cfg.linear(n) {
		la.Act.Lo, la.Act.Hi = la.State.Min(), la.State.Max()
	} else if cfg.Activation == Half {
		la.Act.Shift++
	}
	if output && cfg.NudgedOutside() { // clamped, then nudged
		la.Outside = fixedpoint.NewInterval(la.Act.Lo, la.Act.Hi).Shl(la.Act.Shift)
		la.Acc = la.Acc.Union(la.Outside.Add(nudge.Union(nudge.Neg())))
	}
	if w := la.Acc.SignedWidth(); w > 63 {
		return la, fmt.Errorf("ep: %s: accumulator of %d bits from weight %v, below %v, state %v, bias %v, beta %v, target %v, want at most 63",
			l.Name, w, la.Weight, la.In, la.State, la.Bias, f.Beta, f.Target)
	}
	if err := la.Act.Validate(); err != nil {
		return la, fmt.Errorf("ep: %s: activation from %d to %d fractional bits: %w", l.Name, la.AccFrac, la.State.Frac, err)
	}
	la.Initial = min(la.State.FromFloat(cfg.InitialOf(n+1), fixedpoint.DefaultRounding), la.Act.Hi)
	if cfg.Differs() {
		deriveDifference(cfg, a, n, &la)
		if w := la.Difference.Acc.SignedWidth(); w > 63 {
			return la, fmt.Errorf("ep: %s: accumulator of %d bits in the nudged phases from weight %v, differences of %d bits, beta %v, target %v, want at most 63",
				l.Name, w, la.Weight, f.DifferenceBits, f.Beta, f.Target)
		}
		if w := cfg.referenceBits(); w > 62 {
			return la, fmt.Errorf("ep: %s: pre-activation kept in %d bits, want at most 62", l.Name, w)
		}
	}
	if !program.Learns() {
		return la, nil
	}
	return la, deriveUpdate(cfg, a, n, &la, states, below)
}

// feedbackTerms bounds the number of non-zero products that a neuron below l
// receives from it: per channel one for each of the positions under the turned
// kernel, of which a stride of S leaves every S-th. Under a max pool, m positions in a
// row touch at most m/2+1 windows, and one position of a window holds a state.
func feedbackTerms(l *Layer) int {
	usedH, usedW := l.Used()
	h, w := (l.KH+l.Stride-1)/l.Stride, (l.KW+l.Stride-1)/l.Stride
	if l.HasIndex() {
		return l.Out.C * min(h/2+1, l.Out.H) * min(w/2+1, l.Out.W)
	}
	return l.Out.C * min(h, usedH) * min(w, usedW)
}

// deriveUpdate completes la with the contrast and the update of layer n+1.
// states and below are the ranges of z and of s below.
func deriveUpdate(cfg *Config, a *Arith, n int, la *LayerArith, states, below fixedpoint.Interval) error {
	l := &cfg.Network.Layers[n]
	// Of the pixels of a max-pooling window one holds the state and the others 0, so
	// a weight meets as many non-zero terms per sample and phase as the layer
	// has states in a channel.
	terms := l.Out.H * l.Out.W * cfg.Batch
	positions := terms
	if l.Averages() { // all four hold a quarter of the state
		positions *= 4
	}
	la.ContrastFrac = la.State.Frac + la.In.Frac + cfg.DifferenceShiftOf(n+1) + cfg.DifferenceShiftOf(n) + l.PoolFrac()
	la.BiasContrastFrac = la.State.Frac + cfg.DifferenceShiftOf(n+1)
	program := cfg.Program()
	if d := la.Difference; d != nil {
		la.Contrast, la.BiasContrast = d.contrast(program, n, states, below, positions, terms)
	} else {
		for _, k := range program.Points {
			la.Contrast = la.Contrast.Add(program.weighted(k.Weight, states.Mul(below)).SumUpTo(positions))
			la.BiasContrast = la.BiasContrast.Add(program.weighted(k.Weight, states).SumUpTo(terms))
		}
	}
	if w := la.Contrast.SignedWidth(); w > 63 {
		return fmt.Errorf("ep: %s: contrast of %d bits from state %v, below %v, want at most 63",
			l.Name, w, la.State, la.In)
	}
	lr := cfg.Rates[n]
	step := lr / (a.Spread * float64(cfg.Batch*cfg.Starts()))
	var err error
	// A contrast, or a sum of some, of at most 63 bits and a mantissa of at most 32 make
	// products of at most 95 bits, which Update computes exactly.
	la.WeightUpdate, err = cfg.masterUpdate(math.Ldexp(step, la.Weight.Frac-la.ContrastFrac), la.Weight)
	la.WeightUpdate = cfg.ofMaster(cfg.clip(la.WeightUpdate, la.Weight), cfg.Clip > 0)
	if err == nil {
		la.BiasUpdate, err = cfg.masterUpdate(math.Ldexp(step, la.Bias.Frac-la.BiasContrastFrac), la.Bias)
		la.BiasUpdate = cfg.ofMaster(la.BiasUpdate, false)
	}
	if err != nil {
		return fmt.Errorf("ep: %s: rate %g: %w", l.Name, lr, err)
	}
	return nil
}
