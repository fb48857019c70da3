package ep

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// HeadKind is the loss of a head.
type HeadKind int

const (
	CrossEntropy HeadKind = iota // trained linear classifier, L = -log softmax(z)_y
	RandomHead                   // the same loss behind a fixed random map
	SquaredHead                  // L = |z - y|^2 / 2 with one-hot y
	FeatureHead                  // distillation of features, L = |z - tau|^2 / (2 D)
	LogitHead                    // distillation of logits, L = (1-a) CE + a T^2 KL(softmax(zt/T), softmax(z/T))
)

var headKindNames = []string{"ce", "random", "mse", "features", "logits"}

// String returns the name that files use: "ce", "random", "mse", "features" or "logits".
func (k HeadKind) String() string {
	if k < 0 || int(k) >= len(headKindNames) {
		return fmt.Sprintf("HeadKind(%d)", int(k))
	}
	return headKindNames[k]
}

// UnmarshalText reads a kind as String writes it.
func (k *HeadKind) UnmarshalText(text []byte) error {
	i := slices.Index(headKindNames, string(text))
	if i < 0 {
		return fmt.Errorf("kind of head %q, want ce, random, mse, features or logits", text)
	}
	*k = HeadKind(i)
	return nil
}

// Trains reports whether the map of the head learns.
func (k HeadKind) Trains() bool { return k != RandomHead }

// classifies reports whether the outputs of the head are the classes.
func (k HeadKind) classifies() bool { return k != FeatureHead }

// taught reports whether the head needs a teacher.
func (k HeadKind) taught() bool { return k == FeatureHead || k == LogitHead }

// Head is a loss on the states of one layer, outside the dynamics: it reads them in
// the nudged phases only and is neither a layer nor seen by one. With the states
// averaged over a grid of Map.In.H x Map.In.W cells,
//
//	h = AvgPool(s^k)     z = A (h - mu) + c     e = -dL/dz
//
// it nudges its layer by beta lambda Up(A^T e)/area, added to the pre-activation in
// the plus phase and subtracted in the minus phase, and learns by its own
// local gradient, A += rate e (h - mu)^T. e is
//
//	ce, random  y - softmax(z)
//	mse         y - z
//	features    tau - z, with lambda and rate divided by the number D of features
//	logits      (1-a) (y - softmax(z)) + a T (softmax(zt/T) - softmax(z/T))
//
// The readout is the head of the last layer on the full map with lambda 1; its
// logits are the prediction. Sources: intermediate losses in Lin, Bal and
// Sengupta, https://arxiv.org/abs/2508.15989 (the formulas are our
// reconstruction); the readout in Laborieux et al. 2021,
// https://doi.org/10.3389/fnins.2021.633674; distillation of logits in Hinton
// et al. 2015, https://arxiv.org/abs/1503.02531.
type Head struct {
	HeadSpec
	Name string // "readout", or "head3" on layer 3: the prefix of its arrays in weight files
	Map  Layer  // A: dense over the grid, or a 1x1 convolution on it
}

// HeadSpec is what a user says about a head; the zero value of the other fields is no
// useful default, see DefaultHead.
type HeadSpec struct {
	Layer   int  // k, from 1
	Readout bool // predicts
	Kind    HeadKind
	Grid    int // cells per side; 0 means the full map
	Outputs int // features: channels of the teacher

	TeacherLayer int  // features: number of the teacher's layer; 0 means that of the head's own
	Dense        bool // features: dense map to one vector, otherwise 1x1 convolution on the grid

	Lambda         float64
	LambdaSchedule Schedule // of lambda over training
	Rate           float64
	Center         bool    // subtract mu, a running mean of h; otherwise mu = 0
	FreeState      bool    // learn at s* only, otherwise at s+ and s-
	Temperature    float64 // T of logits
	Mix            float64 // a of logits, 0..1
}

// MeanRate is the share of a new mini-batch in the running mean of features, and
// thus about the inverse of the number of mini-batches that it looks back. Within a
// training step the mean is a constant; a trainer moves it between steps.
const MeanRate = 1.0 / 16

// DefaultHead returns a head of a layer of the given shape: centred, cross-entropy on a
// grid of two by two cells, or the next larger one that divides the map into
// windows whose area is a power of two.
func DefaultHead(layer int, states Shape) HeadSpec {
	s := HeadSpec{Layer: layer, Lambda: 1, Rate: 0.5, Center: true, Temperature: 2, Mix: 0.5}
	for q := min(2, states.H, states.W); q <= min(states.H, states.W); q++ {
		if checkGrid(states, q) == nil {
			s.Grid = q
			break
		}
	}
	return s
}

// DefaultReadout returns the readout of a network whose last layer is number layer.
func DefaultReadout(layer int) HeadSpec {
	s := DefaultHead(layer, Shape{1, 1, 1})
	s.Grid, s.Readout = 0, true
	return s
}

// checkGrid reports a grid that does not cut the map into equal windows whose area
// is a power of two, so that an average is a shift.
func checkGrid(s Shape, q int) error {
	ok := func(n int) bool { return n%q == 0 && bits.OnesCount(uint(n/q)) == 1 }
	if ok(s.H) && ok(s.W) {
		return nil
	}
	var fit []int
	for g := 1; g <= min(s.H, s.W); g++ {
		if s.H%g == 0 && s.W%g == 0 && bits.OnesCount(uint(s.H/g)) == 1 && bits.OnesCount(uint(s.W/g)) == 1 {
			fit = append(fit, g)
		}
	}
	want := "0, the full map"
	if len(fit) > 0 {
		want = fmt.Sprintf("one of %v, or %s", fit, want)
	}
	return fmt.Errorf("grid: %d on maps of %dx%d, want %s", q, s.H, s.W, want)
}

// build returns the head that s describes on a network with the given classes.
func (s HeadSpec) build(net *Network, classes int) (Head, error) {
	h := Head{HeadSpec: s, Name: fmt.Sprintf("head%d", s.Layer)}
	if s.Readout {
		h.Name = "readout"
	}
	if s.Layer < 1 || s.Layer > len(net.Layers) {
		return h, fmt.Errorf("layer: %d, want 1..%d, a layer of the network", s.Layer, len(net.Layers))
	}
	in := net.Layers[s.Layer-1].Out
	if s.Grid < 0 || s.Grid > MaxExtent {
		return h, fmt.Errorf("grid: %d, want at least 0", s.Grid)
	}
	if s.Grid > 0 {
		if err := checkGrid(in, s.Grid); err != nil {
			return h, err
		}
		in.H, in.W = s.Grid, s.Grid
	}
	outputs := classes
	if s.Kind == FeatureHead {
		if outputs = s.Outputs; outputs < 1 || outputs > MaxExtent {
			return h, fmt.Errorf("features: %d, want the number of the teacher's channels, 1..%d", outputs, MaxExtent)
		}
	}
	spec := LayerSpec{Kind: Dense, Channels: outputs}
	if s.Kind == FeatureHead && !s.Dense {
		spec = LayerSpec{Kind: Conv, Channels: outputs, Kernel: 1, Stride: 1}
	}
	var err error
	if h.Map, err = spec.build(in); err != nil {
		return h, err
	}
	h.Map.Name = h.Name
	return h, h.check()
}

func (h *Head) check() error {
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	switch {
	case !(h.Lambda >= 0) || !finite(h.Lambda):
		return fmt.Errorf("lambda: %v, want a finite number of at least 0", h.Lambda)
	case !(h.Rate >= 0) || !finite(h.Rate):
		return fmt.Errorf("rate: %v, want a finite number of at least 0", h.Rate)
	case h.TeacherLayer < 0 || h.TeacherLayer > MaxLayers:
		return fmt.Errorf("teacher-layer: %d, want 0..%d", h.TeacherLayer, MaxLayers)
	case h.Kind == LogitHead && (!(h.Temperature >= 1) || h.Temperature > 64):
		return fmt.Errorf("temperature: %v, want a number 1..64", h.Temperature)
	case h.Kind == LogitHead && !(h.Mix >= 0 && h.Mix <= 1):
		return fmt.Errorf("mix: %v, want a number 0..1", h.Mix)
	case h.Readout && h.Kind == FeatureHead:
		return fmt.Errorf("kind: features for the readout, want a kind whose outputs are classes")
	case h.Readout && h.Lambda != 1:
		return fmt.Errorf("lambda: %v for the readout, want 1", h.Lambda)
	}
	return nil
}

// Outputs returns the number of outputs, D.
func (h *Head) Outputs() int { return h.Map.Out.Len() }

// Window returns the rows and columns of states that make one cell of the grid.
func (h *Head) Window(states Shape) (rows, cols int) {
	return states.H / h.Map.In.H, states.W / h.Map.In.W
}

// areaShift returns the binary logarithm of the states in a cell.
func (h *Head) areaShift(states Shape) int {
	rows, cols := h.Window(states)
	return bits.Len(uint(rows*cols)) - 1
}

// scale returns what lambda and rate are multiplied by: 1/D for features, else 1.
func (h *Head) scale() float64 {
	if h.Kind == FeatureHead {
		return 1 / float64(h.Outputs())
	}
	return 1
}

// WithHeads returns n with the given heads, in ascending order of layers with the
// readout last, in place of those that it had. With a readout, classes are its
// outputs, otherwise the neurons of the last layer. Errors name the head.
func (n Network) WithHeads(classes int, specs []HeadSpec) (Network, error) {
	specs = slices.Clone(specs)
	slices.SortStableFunc(specs, func(a, b HeadSpec) int { return a.Layer - b.Layer })
	n.Heads = nil
	for i, s := range specs {
		h, err := s.build(&n, classes)
		if err != nil {
			return n, fmt.Errorf("%s: %w", h.Name, err)
		}
		last := len(n.Layers)
		switch {
		case s.Readout && s.Layer != last:
			return n, fmt.Errorf("readout: layer: %d, want the last, %d", s.Layer, last)
		case i > 0 && specs[i-1].Layer == s.Layer:
			return n, fmt.Errorf("%s: layer: %d has a head already, want one head per layer", h.Name, s.Layer)
		case !s.Readout && s.Layer == last:
			return n, fmt.Errorf("%s: layer: %d is the last, which has the loss of the network itself, want 1..%d",
				h.Name, last, last-1)
		}
		n.Heads = append(n.Heads, h)
	}
	return n, nil
}

// Readout returns the head that predicts, or nil if the last layer does.
func (n *Network) Readout() *Head {
	if k := len(n.Heads); k > 0 && n.Heads[k-1].Readout {
		return &n.Heads[k-1]
	}
	return nil
}

// Loss returns "ce" for a network with a readout, "mse" for one without.
func (n *Network) Loss() string {
	if n.Readout() != nil {
		return "ce"
	}
	return "mse"
}

// HeadSpecs returns the descriptions from which WithHeads makes the same heads.
func (n *Network) HeadSpecs() []HeadSpec {
	var specs []HeadSpec
	for i := range n.Heads {
		specs = append(specs, n.Heads[i].HeadSpec)
	}
	return specs
}

// WithReadout returns n with its last layer, which must be dense and not the only
// one, as a readout with cross-entropy, outside the dynamics.
func (n Network) WithReadout() (Network, error) {
	last := len(n.Layers) - 1
	if n.Layers[last].Kind != Dense || last == 0 {
		return n, fmt.Errorf("loss ce on a network of %d layers that ends with a %v layer, want a dense one on top of others",
			last+1, n.Layers[last].Kind)
	}
	classes := n.Layers[last].Out.Len()
	n.Layers = slices.Clone(n.Layers[:last])
	return n.WithHeads(classes, []HeadSpec{DefaultReadout(last)})
}

// WithHeadsOn returns n with its last layer, which must be dense, as a readout and heads of default values on
// the given layers.
func (n Network) WithHeadsOn(layers []int) (Network, error) {
	n, err := n.WithReadout()
	if err != nil {
		return n, err
	}
	specs := n.HeadSpecs()
	for _, k := range layers {
		specs = append(specs, DefaultHead(k, n.Layers[k-1].Out))
	}
	return n.WithHeads(n.Classes(), specs)
}
