package docs

import (
	"fmt"
	"io"

	"epgen/ep"
	"epgen/fixedpoint"
)

// workedNeuron follows one neuron and its weight through a training step of one
// step per phase, with the arithmetic of the model, and checks the result
// against the model itself.
func workedNeuron(w io.Writer) error {
	net, err := ep.ParseLayers("fc1", ep.Shape{C: 1, H: 1, W: 1})
	if err != nil {
		return err
	}
	cfg := ep.NewConfig(net)
	cfg.FreeSteps, cfg.NudgeSteps, cfg.Rates = 1, 1, []float64{0.1}
	model, err := ep.NewFixed(cfg)
	if err != nil {
		return err
	}
	params := (&ep.FloatParams{Layers: []ep.FloatLayerParams{{W: []float64{0.7}, B: []float64{0.1}}}}).Quantize(&cfg.Formats)
	samples := (&ep.FloatSamples{X: []float64{0.3}, Y: []int{0}}).Quantize(cfg)
	n := &neuron{w: w, cfg: cfg, la: &model.Arith().Layers[0], arith: model.Arith(),
		weight: int64(params.Layers[0].W[0]), bias: int64(params.Layers[0].B[0]), x: int64(samples.X[0])}
	updated := n.train()
	out, err := model.TrainStep(params, samples, nil)
	if err != nil {
		return err
	}
	if got := int64(out.Params.Layers[0].W[0]); got != updated {
		return fmt.Errorf("worked example ends with weight %d, model with %d", updated, got)
	}
	return nil
}

// neuron is one neuron with one weight.
type neuron struct {
	w               io.Writer
	cfg             *ep.Config
	la              *ep.LayerArith
	arith           *ep.Arith
	weight, bias, x int64
}

// line prints a quantity: its code and, with frac fractional bits, its value.
func (n *neuron) line(name string, code int64, frac int, format string, args ...any) {
	f := fixedpoint.Q(0, frac)
	fmt.Fprintf(n.w, "%-12s %14d  %13.9f  %s\n", name, code, f.ToFloat(code), fmt.Sprintf(format, args...))
}

// train prints the three phases and returns the new weight.
func (n *neuron) train() int64 {
	f, la := &n.cfg.Formats, n.la
	fmt.Fprintf(n.w, "%-12s %14s  %13s\n", "", "code", "value")
	n.line("x", n.x, f.Input.Frac, "%v, 0.3", f.Input)
	n.line("w", n.weight, f.Weight.Frac, "%v, 0.7", f.Weight)
	n.line("b", n.bias, f.Bias.Frac, "%v, 0.1", f.Bias)
	up := n.weight * n.x
	drive := up<<la.UpShift + n.bias<<la.BiasShift
	n.line("up", up, la.AccFrac-la.UpShift, "w * x, exact")
	n.line("acc", drive, la.AccFrac, "up << %d  +  b << %d", la.UpShift, la.BiasShift)
	free := la.Act.Apply(drive)
	n.line("s*", free, f.State.Frac, "clamp(round(acc * 2^-%d), 0, %d); acc * 2^-%d is %.4f", la.Act.Shift, la.Act.Hi, la.Act.Shift,
		float64(drive)/float64(int64(1)<<la.Act.Shift))
	fmt.Fprintln(n.w)
	err := free - n.arith.TargetOne // states and targets have equal LSBs by default
	force := n.arith.Betas[ep.PhaseNudge] * err
	n.line("s* - y", err, f.State.Frac, "y = %d in %v", n.arith.TargetOne, f.Target)
	n.line("force", force, f.State.Frac+f.Beta.Frac, "beta * (s* - y), beta = %d in %v, exact", n.arith.Betas[ep.PhaseNudge], f.Beta)
	plus := la.Act.Apply(drive - force<<la.NudgeShift)
	minus := la.Act.Apply(drive + force<<la.NudgeShift)
	n.line("s+", plus, f.State.Frac, "from acc - force << %d = %d", la.NudgeShift, drive-force<<la.NudgeShift)
	n.line("s-", minus, f.State.Frac, "from acc + force << %d = %d", la.NudgeShift, drive+force<<la.NudgeShift)
	fmt.Fprintln(n.w)
	contrast := plus*n.x - minus*n.x
	u := la.WeightUpdate
	n.line("contrast", contrast, la.ContrastFrac, "s+ * x - s- * x, exact")
	fmt.Fprintf(n.w, "%-12s %14d                 lr/(2 beta B) * 2^(%d-%d) as %d * 2^-%d\n", "rate", u.Mantissa, f.Weight.Frac,
		la.ContrastFrac, u.Mantissa, u.Shift)
	n.line("dw", u.Delta(contrast), f.Weight.Frac, "round(rate * contrast * 2^-%d); unrounded %.4f", u.Shift, u.Constant()*float64(contrast))
	updated := u.Apply(n.weight, contrast)
	n.line("w'", updated, f.Weight.Frac, "clamp(w + dw, %d, %d)", u.Lo, u.Hi)
	return updated
}
