package ep

import (
	"fmt"

	"epgen/fixedpoint"
)

// LayerParams are the codes of the weights and biases of one layer, in
// Formats.Weight and Formats.Bias.
type LayerParams struct {
	W []int32 // [Cout, Cin, KH, KW]
	B []int32 // [Cout]
}

// Params are the fixed-point parameters of a network, one entry per layer.
type Params struct{ Layers []LayerParams }

// FloatLayerParams are the weights and biases of one layer as real numbers.
type FloatLayerParams struct {
	W []float64 // [Cout, Cin, KH, KW]
	B []float64 // [Cout]
}

// FloatParams are the real parameters of a network, one entry per layer.
type FloatParams struct{ Layers []FloatLayerParams }

// Samples are B inputs in Formats.Input with their labels.
type Samples struct {
	X []int32 // [B, C, H, W]
	Y []int   // [B], 0..classes-1
}

// FloatSamples are B inputs as real numbers with their labels.
type FloatSamples struct {
	X []float64 // [B, C, H, W]
	Y []int     // [B], 0..classes-1
}

// NewFloatParams returns parameters of net's shapes, all zero.
func NewFloatParams(net *Network) *FloatParams {
	p := &FloatParams{Layers: make([]FloatLayerParams, len(net.Layers))}
	for i := range net.Layers {
		l := &net.Layers[i]
		p.Layers[i] = FloatLayerParams{W: make([]float64, l.Weights()), B: make([]float64, l.Out.C)}
	}
	return p
}

// Quantize returns the nearest codes of p in f, saturated.
func (p *FloatParams) Quantize(f *Formats) *Params {
	q := &Params{Layers: make([]LayerParams, len(p.Layers))}
	for i, l := range p.Layers {
		q.Layers[i] = LayerParams{W: quantize(l.W, f.Weight), B: quantize(l.B, f.Bias)}
	}
	return q
}

// Dequantize returns the real values of p, exactly.
func (p *Params) Dequantize(f *Formats) *FloatParams {
	q := &FloatParams{Layers: make([]FloatLayerParams, len(p.Layers))}
	for i, l := range p.Layers {
		q.Layers[i] = FloatLayerParams{W: dequantize(l.W, f.Weight), B: dequantize(l.B, f.Bias)}
	}
	return q
}

// Quantize returns the nearest codes of s in f.Input, saturated.
func (s *FloatSamples) Quantize(f *Formats) *Samples {
	return &Samples{X: quantize(s.X, f.Input), Y: append([]int(nil), s.Y...)}
}

// Dequantize returns the real values of s, exactly.
func (s *Samples) Dequantize(f *Formats) *FloatSamples {
	return &FloatSamples{X: dequantize(s.X, f.Input), Y: append([]int(nil), s.Y...)}
}

func quantize(x []float64, f fixedpoint.Format) []int32 {
	z := make([]int32, len(x))
	for i, v := range x {
		z[i] = int32(f.FromFloat(v, fixedpoint.DefaultRounding))
	}
	return z
}

func dequantize(x []int32, f fixedpoint.Format) []float64 {
	z := make([]float64, len(x))
	for i, c := range x {
		z[i] = f.ToFloat(int64(c))
	}
	return z
}

// Check reports parameters whose shapes are not those of net or whose codes
// leave f.
func (p *Params) Check(net *Network, f *Formats) error {
	if len(p.Layers) != len(net.Layers) {
		return fmt.Errorf("ep: parameters of %d layers, want %d", len(p.Layers), len(net.Layers))
	}
	for i := range net.Layers {
		l, q := &net.Layers[i], &p.Layers[i]
		if err := checkCodes(l.Name+".weight", q.W, l.Weights(), f.Weight); err != nil {
			return err
		}
		if err := checkCodes(l.Name+".bias", q.B, l.Out.C, f.Bias); err != nil {
			return err
		}
	}
	return nil
}

// Check reports samples that are not batch inputs of net in f with labels
// among its outputs.
func (s *Samples) Check(net *Network, batch int, f *Formats) error {
	if err := checkCodes("input", s.X, batch*net.Input.Len(), f.Input); err != nil {
		return err
	}
	return checkLabels(s.Y, batch, net)
}

// Check reports parameters whose shapes are not those of net.
func (p *FloatParams) Check(net *Network) error {
	if len(p.Layers) != len(net.Layers) {
		return fmt.Errorf("ep: parameters of %d layers, want %d", len(p.Layers), len(net.Layers))
	}
	for i := range net.Layers {
		l, q := &net.Layers[i], &p.Layers[i]
		if len(q.W) != l.Weights() {
			return fmt.Errorf("ep: %s.weight: %d values, want %d", l.Name, len(q.W), l.Weights())
		}
		if len(q.B) != l.Out.C {
			return fmt.Errorf("ep: %s.bias: %d values, want %d", l.Name, len(q.B), l.Out.C)
		}
	}
	return nil
}

// Check reports samples that are not batch inputs of net with labels among its
// outputs.
func (s *FloatSamples) Check(net *Network, batch int) error {
	if want := batch * net.Input.Len(); len(s.X) != want {
		return fmt.Errorf("ep: input: %d values, want %d", len(s.X), want)
	}
	return checkLabels(s.Y, batch, net)
}

func checkCodes(name string, x []int32, want int, f fixedpoint.Format) error {
	if len(x) != want {
		return fmt.Errorf("ep: %s: %d values, want %d", name, len(x), want)
	}
	lo, hi := f.Min(), f.Max()
	for i, c := range x {
		if int64(c) < lo || int64(c) > hi {
			return fmt.Errorf("ep: %s: code %d at %d, want %d..%d for %v", name, c, i, lo, hi, f)
		}
	}
	return nil
}

func checkLabels(y []int, batch int, net *Network) error {
	if len(y) != batch {
		return fmt.Errorf("ep: %d labels, want %d", len(y), batch)
	}
	classes := net.Classes()
	for b, label := range y {
		if label < 0 || label >= classes {
			return fmt.Errorf("ep: label %d of sample %d, want 0..%d", label, b, classes-1)
		}
	}
	return nil
}
