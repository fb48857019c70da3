package ep

import (
	"fmt"
	"slices"

	"epgen/fixedpoint"
)

// LayerParams are the codes of the weights and biases of one layer, in
// Formats.WeightOf and Formats.BiasOf.
type LayerParams struct {
	W []int32 // [Cout, Cin, KH, KW]
	B []int32 // [Cout]

	KeptW, KeptB Kept // by updates, beside each code; empty for zeros
}

// HeadParams are the codes of a head: the map in Formats.HeadWeight and
// HeadBias, the running mean of the pooled features in Formats.StateOf(Layer).
type HeadParams struct {
	Layer int     // that it reads, from 1
	W     []int32 // [D, C, q, q], or [D, C, 1, 1] for a 1x1 convolution
	B     []int32 // [D]
	Mean  []int32 // [C, q, q]; all 0 without centring

	KeptW, KeptB Kept // by updates, beside each code of the map; empty for zeros
}

// Params are the fixed-point parameters of a network, one entry per layer and head.
type Params struct {
	Layers []LayerParams
	Heads  []HeadParams

	Accumulated int // starts whose contrasts the sums hold
}

// FloatLayerParams are the weights and biases of one layer as real numbers.
type FloatLayerParams struct {
	W []float64 // [Cout, Cin, KH, KW]
	B []float64 // [Cout]

	KeptW, KeptB FloatKept
}

// FloatKept is what updates keep of a tensor; empty for zeros.
type FloatKept struct {
	Velocity []float64
	Sum      []float64 // of the gradients of the starts since the last update, each divided by the whole batch
}

// FloatHeadParams are the parameters of one head as real numbers, shaped as HeadParams.
type FloatHeadParams struct {
	Layer      int // that it reads, from 1
	W, B, Mean []float64

	KeptW, KeptB FloatKept
}

// FloatParams are the real parameters of a network, one entry per layer and head.
type FloatParams struct {
	Layers []FloatLayerParams
	Heads  []FloatHeadParams

	Accumulated int // starts whose gradients the sums hold
}

// Samples are B inputs in Formats.Input with their labels.
type Samples struct {
	X []int32 // [B, C, H, W]
	Y []int   // [B], 0..classes-1

	// Teacher holds what heads are taught, by head, in Formats.Error: features [B, D],
	// probabilities softmax(zt/T) [B, K]. It is empty for a head without a teacher.
	Teacher [][]int32

	States [][]int32 // initial states of each layer, [B, C, H, W]; nil unless Config.GivenStates
}

// FloatSamples are B inputs as real numbers with their labels.
type FloatSamples struct {
	X []float64 // [B, C, H, W]
	Y []int     // [B], 0..classes-1

	Teacher [][]float64 // as in Samples
	States  [][]float64 // likewise
}

// NewFloatParams returns parameters of net's shapes, all zero.
func NewFloatParams(net *Network) *FloatParams {
	p := &FloatParams{Layers: make([]FloatLayerParams, len(net.Layers))}
	for i := range net.Layers {
		l := &net.Layers[i]
		p.Layers[i] = FloatLayerParams{W: make([]float64, l.Weights()), B: make([]float64, l.Biases())}
	}
	for i := range net.Heads {
		m := &net.Heads[i].Map
		p.Heads = append(p.Heads, FloatHeadParams{
			Layer: net.Heads[i].Layer, W: make([]float64, m.Weights()), B: make([]float64, m.Out.C), Mean: make([]float64, m.In.Len()),
		})
	}
	return p
}

// Clone returns a copy that shares nothing with p.
func (p *FloatParams) Clone() *FloatParams {
	q := &FloatParams{Accumulated: p.Accumulated}
	for _, l := range p.Layers {
		q.Layers = append(q.Layers, FloatLayerParams{
			W: slices.Clone(l.W), B: slices.Clone(l.B), KeptW: l.KeptW.clone(), KeptB: l.KeptB.clone(),
		})
	}
	for _, h := range p.Heads {
		q.Heads = append(q.Heads, FloatHeadParams{
			Layer: h.Layer, W: slices.Clone(h.W), B: slices.Clone(h.B), Mean: slices.Clone(h.Mean), KeptW: h.KeptW.clone(), KeptB: h.KeptB.clone(),
		})
	}
	return q
}

// Quantize returns the nearest codes of p in f, saturated.
func (p *FloatParams) Quantize(f *Formats) *Params {
	q := &Params{Layers: make([]LayerParams, len(p.Layers))}
	for i, l := range p.Layers {
		q.Layers[i] = LayerParams{W: quantize(l.W, f.WeightOf(i+1)), B: quantize(l.B, f.BiasOf(i+1))}
	}
	for _, h := range p.Heads {
		q.Heads = append(q.Heads, HeadParams{
			Layer: h.Layer, W: quantize(h.W, f.HeadWeight), B: quantize(h.B, f.HeadBias), Mean: quantize(h.Mean, f.StateOf(h.Layer)),
		})
	}
	return q
}

// Dequantize returns the real values of p, exactly.
func (p *Params) Dequantize(f *Formats) *FloatParams {
	q := &FloatParams{Layers: make([]FloatLayerParams, len(p.Layers))}
	for i, l := range p.Layers {
		q.Layers[i] = FloatLayerParams{W: dequantize(l.W, f.WeightOf(i+1)), B: dequantize(l.B, f.BiasOf(i+1))}
	}
	for _, h := range p.Heads {
		q.Heads = append(q.Heads, FloatHeadParams{
			Layer: h.Layer, W: dequantize(h.W, f.HeadWeight), B: dequantize(h.B, f.HeadBias), Mean: dequantize(h.Mean, f.StateOf(h.Layer)),
		})
	}
	return q
}

// Quantize returns the nearest codes of s in the formats of cfg, saturated.
func (s *FloatSamples) Quantize(cfg *Config) *Samples {
	f := &cfg.Formats
	q := &Samples{X: quantize(s.X, f.Input), Y: append([]int(nil), s.Y...)}
	for _, t := range s.Teacher {
		q.Teacher = append(q.Teacher, quantize(t, f.Error))
	}
	q.States = cfg.quantizeStates(s.States)
	return q
}

// Dequantize returns the real values of s, exactly.
func (s *Samples) Dequantize(cfg *Config) *FloatSamples {
	f := &cfg.Formats
	q := &FloatSamples{X: dequantize(s.X, f.Input), Y: append([]int(nil), s.Y...)}
	for _, t := range s.Teacher {
		q.Teacher = append(q.Teacher, dequantize(t, f.Error))
	}
	q.States = cfg.dequantizeStates(s.States)
	return q
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
		if err := checkCodes(l.Name+".weight", q.W, l.Weights(), f.WeightOf(i+1)); err != nil {
			return err
		}
		if err := checkCodes(l.Name+".bias", q.B, l.Biases(), f.BiasOf(i+1)); err != nil {
			return err
		}
	}
	if len(p.Heads) != len(net.Heads) {
		return fmt.Errorf("ep: parameters of %d heads, want %d", len(p.Heads), len(net.Heads))
	}
	for i := range net.Heads {
		h, q := &net.Heads[i], &p.Heads[i]
		if err := firstError(
			checkCodes(h.Name+".weight", q.W, h.Map.Weights(), f.HeadWeight),
			checkCodes(h.Name+".bias", q.B, h.Map.Out.C, f.HeadBias),
			checkCodes(h.Name+".mean", q.Mean, h.Map.In.Len(), f.StateOf(h.Layer)),
			checkHeadLayer(h, q.Layer),
		); err != nil {
			return err
		}
	}
	return nil
}

// checkHeadLayer reports parameters that are not those of the head of a layer.
func checkHeadLayer(h *Head, layer int) error {
	if layer != h.Layer {
		return fmt.Errorf("ep: %s: parameters of a head of layer %d, want %d", h.Name, layer, h.Layer)
	}
	return nil
}

// Check reports samples that are not batch inputs of net in f with labels
// among its outputs.
func (s *Samples) Check(net *Network, batch int, f *Formats) error {
	if err := checkCodes("input", s.X, batch*net.Input.Len(), f.Input); err != nil {
		return err
	}
	for i, t := range s.Teacher {
		if i < len(net.Heads) && net.Heads[i].Kind.taught() {
			if err := checkCodes(net.Heads[i].Name+" of the teacher", t, batch*net.Heads[i].Outputs(), f.Error); err != nil {
				return err
			}
		}
	}
	return firstError(checkTeacher(len(s.Teacher), net), checkLabels(s.Y, batch, net))
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
		if len(q.B) != l.Biases() {
			return fmt.Errorf("ep: %s.bias: %d values, want %d", l.Name, len(q.B), l.Biases())
		}
	}
	if len(p.Heads) != len(net.Heads) {
		return fmt.Errorf("ep: parameters of %d heads, want %d", len(p.Heads), len(net.Heads))
	}
	for i := range net.Heads {
		h, q := &net.Heads[i], &p.Heads[i]
		if err := checkHeadLayer(h, q.Layer); err != nil {
			return err
		}
		for _, a := range []struct {
			name      string
			got, want int
		}{
			{"weight", len(q.W), h.Map.Weights()}, {"bias", len(q.B), h.Map.Out.C}, {"mean", len(q.Mean), h.Map.In.Len()},
		} {
			if a.got != a.want {
				return fmt.Errorf("ep: %s.%s: %d values, want %d", h.Name, a.name, a.got, a.want)
			}
		}
	}
	return nil
}

// checkTeacher reports targets of heads that are missing where some head needs them.
func checkTeacher(given int, net *Network) error {
	for i := range net.Heads {
		if net.Heads[i].Kind.taught() && given != len(net.Heads) {
			return fmt.Errorf("ep: %s: samples without a teacher, want targets of kind %v", net.Heads[i].Name, net.Heads[i].Kind)
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
	if err := checkTeacher(len(s.Teacher), net); err != nil {
		return err
	}
	for i, t := range s.Teacher {
		if want := batch * net.Heads[i].Outputs(); net.Heads[i].Kind.taught() && len(t) != want {
			return fmt.Errorf("ep: %s of the teacher: %d values, want %d", net.Heads[i].Name, len(t), want)
		}
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
