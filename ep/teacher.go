package ep

import (
	"fmt"
	"io"
	"slices"

	"epgen/npz"
)

// Teacher knows the targets of heads of kind features and logits.
type Teacher interface {
	// Targets writes those of the samples s, which are the training images index, by
	// head in the order of the network: features [B, D], probabilities softmax(zt/T)
	// [B, K]. Heads that are not taught get nil.
	Targets(s *FloatSamples, index []int) [][]float64
}

// taughtBy returns the number of the teacher's layer whose states a head of features
// learns, from 1.
func (h *Head) taughtBy() int {
	if h.TeacherLayer > 0 {
		return h.TeacherLayer
	}
	return h.Layer
}

// targetsOf returns the targets of a head from the values of one sample: states of
// the teacher's layer, averaged over the cells of the head's grid, or logits.
func (h *Head) targetsOf(dst, values []float64, shape Shape) {
	if h.Kind == LogitHead {
		softmax(dst, values, len(values), h.Temperature)
		return
	}
	out := h.Map.Out
	if out.H*out.W == 1 && shape.Len() == out.C { // a vector, from a dense map
		copy(dst, values)
		return
	}
	rows, cols := shape.H/out.H, shape.W/out.W
	for c := range out.C {
		for y := range out.H {
			for x := range out.W {
				sum := 0.0
				for dy := range rows {
					for dx := range cols {
						sum += values[(c*shape.H+y*rows+dy)*shape.W+x*cols+dx]
					}
				}
				dst[(c*out.H+y)*out.W+x] = sum / float64(rows*cols)
			}
		}
	}
}

// accepts reports features of another shape than the head's: [C, H, W] with the
// head's channels on a map that its grid divides, or as many values as a dense map has outputs.
func (h *Head) accepts(name string, shape Shape) error {
	out := h.Map.Out
	if out.H*out.W == 1 && shape.Len() == out.C {
		return nil
	}
	if shape.C == out.C && shape.H%out.H == 0 && shape.W%out.W == 0 {
		return nil
	}
	return fmt.Errorf("%s: %v features of the teacher for %s, want %d channels on a multiple of %dx%d",
		name, shape, h.Name, out.C, out.H, out.W)
}

// fileTeacher has the values of every training image.
type fileTeacher struct {
	heads  []Head
	shapes []Shape     // by head
	values [][]float64 // by head, [N, ...]
}

// LoadTeacher reads the targets of the heads of net for count training images from an
// NPZ file as [Trainer.WriteTeacher] writes it: layer<n> [N, C, H, W] or [N, D] for heads of
// features, logits [N, K] for heads of logits. Missing arrays, other shapes and fewer
// images are errors that name file and array.
func LoadTeacher(path string, net *Network, count int) (Teacher, error) {
	arrays, err := npz.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t := &fileTeacher{heads: net.Heads, shapes: make([]Shape, len(net.Heads)), values: make([][]float64, len(net.Heads))}
	for i := range net.Heads {
		h := &net.Heads[i]
		if !h.Kind.taught() {
			continue
		}
		name := "logits"
		if h.Kind == FeatureHead {
			name = fmt.Sprintf("layer%d", h.taughtBy())
		}
		at := slices.IndexFunc(arrays, func(a npz.Array) bool { return a.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("%s: array %s is missing, want it for %s", path, name, h.Name)
		}
		a := &arrays[at]
		shape, ok := sampleShape(a.Shape)
		if !a.IsFloat() || !ok || a.Shape[0] < count {
			return nil, fmt.Errorf("%s: array %s: %s %v, want floating-point values of %d images or more, [N, C, H, W] or [N, D]",
				path, name, a.DType, a.Shape, count)
		}
		values := make([]float64, len(a.Data))
		if err := fetch(values, arrays, path, name, [][]int{a.Shape}); err != nil { // for its check of values
			return nil, err
		}
		if h.Kind == LogitHead && shape.Len() != h.Outputs() {
			return nil, fmt.Errorf("%s: array logits: %d classes, want %d", path, shape.Len(), h.Outputs())
		}
		if h.Kind == FeatureHead {
			if err := h.accepts(path+": array "+name, shape); err != nil {
				return nil, err
			}
		}
		t.shapes[i], t.values[i] = shape, values
	}
	return t, nil
}

// sampleShape reads the shape of one sample from that of an array.
func sampleShape(shape []int) (Shape, bool) {
	switch len(shape) {
	case 2:
		return Shape{shape[1], 1, 1}, true
	case 4:
		return Shape{shape[1], shape[2], shape[3]}, true
	}
	return Shape{}, false
}

func (t *fileTeacher) Targets(s *FloatSamples, index []int) [][]float64 {
	targets := make([][]float64, len(t.heads))
	for i := range t.heads {
		if t.values[i] == nil {
			continue
		}
		d, size := t.heads[i].Outputs(), t.shapes[i].Len()
		targets[i] = make([]float64, len(index)*d)
		for b, k := range index {
			t.heads[i].targetsOf(targets[i][b*d:][:d], t.values[i][k*size:][:size], t.shapes[i])
		}
	}
	return targets
}

// netTeacher is a network in the run.
type netTeacher struct {
	heads  []Head
	cfg    *Config
	engine engine
}

// NewTeacher returns a trained network as the teacher of the heads of net: its
// states at the free equilibrium - or, for one trained by back-propagation, of the upward
// pass - and its logits. Both networks see the same inputs.
func NewTeacher(cfg *Config, p *FloatParams, backprop bool, net *Network, batch int) (Teacher, error) {
	c := *cfg
	c.Batch = batch
	if c.Network.Input != net.Input {
		return nil, fmt.Errorf("teacher %s: input %v, want %v as the student", c.Network.Name, c.Network.Input, net.Input)
	}
	t := &netTeacher{heads: net.Heads, cfg: &c}
	for i := range net.Heads {
		h := &net.Heads[i]
		switch {
		case h.Kind == LogitHead && c.Network.Classes() != h.Outputs():
			return nil, fmt.Errorf("teacher %s: %d classes, want %d", c.Network.Name, c.Network.Classes(), h.Outputs())
		case h.Kind == FeatureHead && h.taughtBy() > len(c.Network.Layers):
			return nil, fmt.Errorf("teacher %s: %s learns from layer %d, want 1..%d", c.Network.Name, h.Name, h.taughtBy(), len(c.Network.Layers))
		case h.Kind == FeatureHead:
			l := &c.Network.Layers[h.taughtBy()-1]
			if err := h.accepts(fmt.Sprintf("teacher %s: %s", c.Network.Name, l.Name), l.Out); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if backprop {
		t.engine, err = newBackprop(&c)
	} else {
		t.engine, _, err = newEngine(&c, false)
	}
	if err != nil {
		return nil, err
	}
	t.engine.setParams(p)
	return t, nil
}

func (t *netTeacher) Targets(s *FloatSamples, index []int) [][]float64 {
	plain := &FloatSamples{X: s.X, Y: make([]int, len(s.Y))} // labels play no part
	t.engine.relax(plain, false, 1)
	logits := make([]float64, len(s.Y)*t.cfg.Network.Classes())
	t.engine.output(logits)
	targets := make([][]float64, len(t.heads))
	for i := range t.heads {
		h := &t.heads[i]
		if !h.Kind.taught() {
			continue
		}
		values, shape := logits, Shape{t.cfg.Network.Classes(), 1, 1}
		if h.Kind == FeatureHead {
			shape = t.cfg.Network.Layers[h.taughtBy()-1].Out
			values = make([]float64, len(s.Y)*shape.Len())
			t.engine.freeStates(h.taughtBy()-1, values)
		}
		d, size := h.Outputs(), shape.Len()
		targets[i] = make([]float64, len(s.Y)*d)
		for b := range s.Y {
			h.targetsOf(targets[i][b*d:][:d], values[b*size:][:size], shape)
		}
	}
	return targets
}

// WriteTeacher writes what a student can learn from the present parameters, for every
// training image in order, as [LoadTeacher] reads it: layer<n> [N, C, H, W] for all layers, and
// logits [N, K].
func (t *Trainer) WriteTeacher(w io.Writer) error {
	net, part := &t.cfg.Network, t.data.Train
	count := part.Len()
	var arrays []npz.Array
	for n := range net.Layers {
		out := net.Layers[n].Out
		arrays = append(arrays, npz.Array{
			Name: net.Layers[n].Name, DType: npz.Float32, Shape: []int{count, out.C, out.H, out.W},
			Data: make([]float64, 0, count*out.Len()),
		})
	}
	logits := npz.Array{Name: "logits", DType: npz.Float32, Shape: []int{count, net.Classes()}}
	t.engine.setParams(t.Params)
	for first := 0; first < count; first += t.cfg.Batch {
		var index []int
		for i := first; i < min(first+t.cfg.Batch, count); i++ {
			index = append(index, i)
		}
		part.fill(&t.samples, index, net, Augment{}, 0)
		t.samples.Teacher = nil
		if t.data.States != nil {
			t.samples.States = t.data.States.Of(index)
		}
		t.engine.relax(&t.samples, false, 1)
		for n := range net.Layers {
			values := make([]float64, len(index)*net.Layers[n].Out.Len())
			t.engine.freeStates(n, values)
			arrays[n].Data = appendSingle(arrays[n].Data, values)
		}
		t.engine.output(t.out)
		logits.Data = appendSingle(logits.Data, t.out[:len(index)*net.Classes()])
	}
	return npz.Write(w, append(arrays, logits))
}

// appendSingle appends values rounded to single precision.
func appendSingle(dst, values []float64) []float64 {
	for _, v := range values {
		dst = append(dst, float64(float32(v)))
	}
	return dst
}
