package ep

import (
	"fmt"
	"strconv"
	"strings"
)

// Shape is the extent of a map of neurons: channels, rows, columns. A dense
// layer of K units has the shape K x 1 x 1.
type Shape struct{ C, H, W int }

// Len returns the number of neurons, C*H*W.
func (s Shape) Len() int { return s.C * s.H * s.W }

// Kind says how a layer is written by the user. A dense layer computes as a
// convolution whose kernel is the whole map below, so nothing downstream needs
// to distinguish the two; names and reports do.
type Kind int

const (
	Conv  Kind = iota // convolution
	Dense             // fully connected
)

// Layer is one state layer n = 1..N of a convergent network. Its
// pre-activation is P_n(W_n * s^{n-1} + b_n) plus the feedback of layer n+1.
type Layer struct {
	Name   string // "layer1", "layer2", ...: the prefix of its arrays in weight files
	Kind   Kind
	In     Shape // states of layer n-1 (the input, for n = 1)
	KH, KW int   // kernel; the whole map In.H x In.W for a dense layer
	Pad    int   // zero padding on every side; 0 for a dense layer
	Stride int   // of the convolution, 1 or 2; 1 for a dense layer
	Conv   Shape // output of the convolution, before pooling
	Pool   Pool  // of 2x2 windows, stride 2, floor
	NoBias bool  // the pre-activation has no bias
	Out    Shape // states of layer n: Conv, or its pooled half
}

// Used returns the rows and columns of the convolution's output that some
// state depends on: pooling an odd map drops the last row and column.
func (l *Layer) Used() (h, w int) {
	if l.Pooled() {
		return 2 * l.Out.H, 2 * l.Out.W
	}
	return l.Out.H, l.Out.W
}

// Weights returns the number of weights, Cout*Cin*KH*KW.
func (l *Layer) Weights() int { return l.Out.C * l.In.C * l.KH * l.KW }

// Biases returns the number of biases, Cout or 0.
func (l *Layer) Biases() int {
	if l.NoBias {
		return 0
	}
	return l.Out.C
}

// Network is a convergent network: a static input, N state layers, and heads
// outside the dynamics. The last layer is the output, unless a readout is.
type Network struct {
	Name   string // preset name, or "custom"
	Input  Shape
	Layers []Layer
	Heads  []Head // ascending by layer, at most one each; a readout is the last
}

// String returns the shape as written by users, CxHxW.
func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.C, s.H, s.W) }

// ParseShape parses CxHxW, for example 3x32x32. Every extent is 1..MaxExtent.
func ParseShape(text string) (Shape, error) {
	parts := strings.Split(text, "x")
	if len(parts) != 3 {
		return Shape{}, fmt.Errorf("shape %q, want CxHxW such as 3x32x32", text)
	}
	var v [3]int
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > MaxExtent {
			return Shape{}, fmt.Errorf("shape %q: %q, want an integer 1..%d", text, p, MaxExtent)
		}
		v[i] = n
	}
	return Shape{v[0], v[1], v[2]}, nil
}

// String returns "conv" or "dense".
func (k Kind) String() string {
	if k == Dense {
		return "dense"
	}
	return "conv"
}

// Products returns the number of useful products of the layer in one direction
// of one time step of one sample: a product counts if its tap lies on the map
// and its output pixel is used by some state,
//
//	Cout * Cin * rows(Used.H, In.H, KH) * rows(Used.W, In.W, KW)
//
// where rows counts the pairs (output row, tap row) that meet the map. Those
// of layer 1 occur once per sample, since its input is static.
func (l *Layer) Products() int {
	h, w := l.Used()
	return l.Out.C * l.In.C * hits(h, l.Stride, l.In.H, l.KH, l.Pad) * hits(w, l.Stride, l.In.W, l.KW, l.Pad)
}

// hits counts the pairs (o, k) of an output position below outs and a tap below
// taps with 0 <= stride*o+k-pad < ins.
func hits(outs, stride, ins, taps, pad int) int {
	n := 0
	for k := range taps {
		// o >= (pad-k)/stride rounded up, o < (ins+pad-k)/stride rounded up
		lo, hi := (max(0, pad-k)+stride-1)/stride, min(outs, (max(0, ins+pad-k)+stride-1)/stride)
		n += max(0, hi-lo)
	}
	return n
}

// Output returns the shape of the last layer's states.
func (n *Network) Output() Shape { return n.Layers[len(n.Layers)-1].Out }

// Classes returns the number of classes a label may name: the outputs of the
// readout or, without one, the neurons of the last layer in the order [C, H, W].
func (n *Network) Classes() int {
	if h := n.Readout(); h != nil {
		return h.Outputs()
	}
	return n.Output().Len()
}

// Limits of a network. They keep every count in an int and every descriptor of
// the generated hardware in a register.
const (
	MaxLayers = 20
	MaxExtent = 65535 // channels, rows, columns, units
)

// LayerSpec is what a user says about one layer; BuildNetwork works out the shapes.
type LayerSpec struct {
	Kind     Kind
	Channels int  // output channels of a convolution, units of a dense layer
	Kernel   int  // 1, 3, 5 or 7; ignored for a dense layer
	Pad      int  // 0..Kernel-1; ignored for a dense layer
	Stride   int  // 1 or 2; 0 counts as 1; ignored for a dense layer
	Pool     Pool // of the convolution; NoPool for a dense layer
	NoBias   bool
}

// BuildNetwork chains the layers from an input of shape in. The shapes follow
//
//	Conv.H = floor((In.H + 2*Pad - KH) / Stride) + 1      Out.H = Conv.H, or floor(Conv.H / 2) if pooled
//
// and likewise for W. A dense layer has KH x KW = In.H x In.W and no padding.
// It is an error, which names the layer, the value and what was wanted, if there
// are not 1..MaxLayers layers, if a value is outside the range given at
// LayerSpec, if a convolution follows a dense layer, or if a map vanishes.
func BuildNetwork(name string, in Shape, specs []LayerSpec) (Network, error) {
	if len(specs) < 1 || len(specs) > MaxLayers {
		return Network{}, fmt.Errorf("network has %d layers, want 1..%d", len(specs), MaxLayers)
	}
	for _, v := range []int{in.C, in.H, in.W} {
		if v < 1 || v > MaxExtent {
			return Network{}, fmt.Errorf("input shape %v, want extents 1..%d", in, MaxExtent)
		}
	}
	net := Network{Name: name, Input: in}
	dense := false
	for i, s := range specs {
		l, err := s.build(in)
		if err != nil {
			return Network{}, fmt.Errorf("layer %d: %w", i+1, err)
		}
		if dense && s.Kind == Conv {
			return Network{}, fmt.Errorf("layer %d: convolution after dense layer %d, want dense layers only", i+1, i)
		}
		dense = s.Kind == Dense
		l.Name = fmt.Sprintf("layer%d", i+1)
		net.Layers = append(net.Layers, l)
		in = l.Out
	}
	return net, nil
}

// build returns the layer that s describes on top of states of shape in.
func (s LayerSpec) build(in Shape) (Layer, error) {
	if s.Channels < 1 || s.Channels > MaxExtent {
		return Layer{}, fmt.Errorf("%d channels, want 1..%d", s.Channels, MaxExtent)
	}
	if s.Pool > AveragePool {
		return Layer{}, fmt.Errorf("pool %d, want none, max or average", s.Pool)
	}
	l := Layer{Kind: s.Kind, In: in, Stride: 1, Pool: s.Pool, NoBias: s.NoBias}
	if s.Kind == Dense {
		if s.Pool != NoPool {
			return Layer{}, fmt.Errorf("pool after a dense layer, want it after a convolution")
		}
		l.KH, l.KW = in.H, in.W
		l.Conv = Shape{s.Channels, 1, 1}
		l.Out = l.Conv
		return l, nil
	}
	if s.Kernel < 1 || s.Kernel > 7 || s.Kernel%2 == 0 {
		return Layer{}, fmt.Errorf("kernel %d, want 1, 3, 5 or 7", s.Kernel)
	}
	if s.Pad < 0 || s.Pad >= s.Kernel {
		return Layer{}, fmt.Errorf("padding %d, want 0..%d for kernel %d", s.Pad, s.Kernel-1, s.Kernel)
	}
	if s.Stride < 0 || s.Stride > 2 {
		return Layer{}, fmt.Errorf("stride %d, want 1 or 2", s.Stride)
	}
	l.KH, l.KW, l.Pad, l.Stride = s.Kernel, s.Kernel, s.Pad, max(1, s.Stride)
	grow := 2*s.Pad - s.Kernel + 1
	positions := func(size int) int { return (size + grow - 1 + l.Stride) / l.Stride }
	l.Conv = Shape{s.Channels, positions(in.H), positions(in.W)}
	l.Out = l.Conv
	if l.Pooled() {
		l.Out.H, l.Out.W = l.Conv.H/2, l.Conv.W/2
	}
	if l.Conv.H < 1 || l.Conv.W < 1 {
		return Layer{}, fmt.Errorf("kernel %d with padding %d leaves nothing of a map of %dx%d, want at least %dx%d",
			s.Kernel, s.Pad, in.H, in.W, 1-grow, 1-grow)
	}
	if l.Out.H < 1 || l.Out.W < 1 {
		return Layer{}, fmt.Errorf("pool leaves nothing of a map of %dx%d, want at least 2x2", l.Conv.H, l.Conv.W)
	}
	return l, nil
}

// Specs returns the description from which BuildNetwork makes the same layers.
func (n *Network) Specs() []LayerSpec {
	specs := make([]LayerSpec, len(n.Layers))
	for i := range n.Layers {
		l := &n.Layers[i]
		specs[i] = LayerSpec{Kind: l.Kind, Channels: l.Out.C, Pool: l.Pool, NoBias: l.NoBias}
		if l.Kind == Conv {
			specs[i].Kernel, specs[i].Pad, specs[i].Stride = l.KH, l.Pad, l.Stride
		}
	}
	return specs
}
