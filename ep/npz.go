package ep

import (
	"fmt"
	"io"
	"math"
	"slices"

	"epgen/fixedpoint"
	"epgen/npz"
)

// LoadWeights reads the parameters of net from an NPZ file of PyTorch's layout:
//
//	layer<n>.weight  [Cout, Cin, KH, KW]; for a dense layer also [K, Cin*H*W]
//	layer<n>.bias    [Cout]; not of a layer without biases
//	head<n>.weight, head<n>.bias, readout.weight, readout.bias   likewise
//	head<n>.mean     [C, q, q], readout.mean: the means that centred heads subtract; 0 if missing
//
// of a floating-point type. A missing or surplus array, another shape or type,
// NaN and Inf are errors that name file, array, value found and value wanted.
func LoadWeights(path string, net *Network) (*FloatParams, error) {
	arrays, err := npz.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return fetchWeights(arrays, path, net)
}

// fetchWeights is LoadWeights from the arrays of the file.
func fetchWeights(arrays []npz.Array, path string, net *Network) (*FloatParams, error) {
	var wanted []string
	p := NewFloatParams(net)
	for i := range net.Layers {
		l := &net.Layers[i]
		shapes := [][]int{{l.Out.C, l.In.C, l.KH, l.KW}}
		if l.Kind == Dense {
			shapes = append(shapes, []int{l.Out.C, l.In.Len()})
		}
		if err := fetch(p.Layers[i].W, arrays, path, l.Name+".weight", shapes); err != nil {
			return nil, err
		}
		wanted = append(wanted, l.Name+".weight")
		if l.NoBias {
			continue
		}
		if err := fetch(p.Layers[i].B, arrays, path, l.Name+".bias", [][]int{{l.Out.C}}); err != nil {
			return nil, err
		}
		wanted = append(wanted, l.Name+".bias")
	}
	for i := range net.Heads {
		names, err := fetchHead(&net.Heads[i], &p.Heads[i], arrays, path)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, names...)
	}
	for _, a := range arrays {
		if !slices.Contains(wanted, a.Name) {
			return nil, fmt.Errorf("%s: unknown array %s, nearest is %s, want weights and biases of %d layers",
				path, a.Name, Nearest(a.Name, wanted), len(net.Layers))
		}
	}
	return p, nil
}

// fetchHead reads the arrays of one head and returns their names.
func fetchHead(h *Head, p *FloatHeadParams, arrays []npz.Array, path string) ([]string, error) {
	m := &h.Map
	shapes := [][]int{{m.Out.C, m.In.C, m.KH, m.KW}, {m.Out.C, m.In.C * m.KH * m.KW}}
	names := []string{h.Name + ".weight", h.Name + ".bias"}
	if err := fetch(p.W, arrays, path, names[0], shapes); err != nil {
		return nil, err
	}
	if err := fetch(p.B, arrays, path, names[1], [][]int{{m.Out.C}}); err != nil {
		return nil, err
	}
	mean := h.Name + ".mean"
	if h.Center && slices.ContainsFunc(arrays, func(a npz.Array) bool { return a.Name == mean }) {
		names = append(names, mean)
		return names, fetch(p.Mean, arrays, path, mean, [][]int{{m.In.C, m.In.H, m.In.W}, {m.In.Len()}})
	}
	return names, nil
}

// fetch copies the array called name, of one of the given shapes, into dst.
func fetch(dst []float64, arrays []npz.Array, path, name string, shapes [][]int) error {
	i := slices.IndexFunc(arrays, func(a npz.Array) bool { return a.Name == name })
	if i < 0 {
		return fmt.Errorf("%s: array %s is missing, want shape %v", path, name, shapes[0])
	}
	a := &arrays[i]
	if !a.IsFloat() {
		return fmt.Errorf("%s: array %s: element type %s, want <f4 or <f8", path, name, a.DType)
	}
	if !slices.ContainsFunc(shapes, func(s []int) bool { return slices.Equal(s, a.Shape) }) {
		want := fmt.Sprint(shapes[0])
		for _, s := range shapes[1:] {
			want += fmt.Sprint(" or ", s)
		}
		return fmt.Errorf("%s: array %s: shape %v, want %s", path, name, a.Shape, want)
	}
	for j, v := range a.Data {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s: array %s: %v at %d, want finite numbers", path, name, v, j)
		}
	}
	copy(dst, a.Data)
	return nil
}

// WriteWeights writes parameters in the layout that LoadWeights reads. Reading
// and quantising them yields the same codes: the values are exact.
func WriteWeights(w io.Writer, p *Params, net *Network, f *Formats) error {
	var arrays []npz.Array
	for i := range net.Layers {
		l, q := &net.Layers[i], &p.Layers[i]
		arrays = append(arrays, npz.Array{
			Name: l.Name + ".weight", DType: floatType(f.WeightOf(i + 1)),
			Shape: []int{l.Out.C, l.In.C, l.KH, l.KW}, Data: dequantize(q.W, f.WeightOf(i+1)),
		})
		if !l.NoBias {
			arrays = append(arrays, npz.Array{
				Name: l.Name + ".bias", DType: floatType(f.BiasOf(i + 1)),
				Shape: []int{l.Out.C}, Data: dequantize(q.B, f.BiasOf(i+1)),
			})
		}
	}
	real := p.Dequantize(f)
	for _, a := range append(floatArrays("", net, real)[len(arrays):], meanArrays(net, real)...) {
		a.DType = npz.Float64
		arrays = append(arrays, a)
	}
	return npz.Write(w, arrays)
}

// floatType returns the smallest floating-point type that holds every code of
// f exactly: a float32 has 24 bits of precision besides the sign.
func floatType(f fixedpoint.Format) string {
	if f.Int+f.Frac <= 24 {
		return npz.Float32
	}
	return npz.Float64
}

// LoadSamples reads batch samples for net, with what its heads are taught under their
// names, from an NPZ file: `x` [B, C, H, W] of
// a floating-point type, already normalised, and `y` [B], integers among the
// classes. A file of more than batch samples is an error, as is any other
// shape; it names file, array, value found and value wanted.
func LoadSamples(path string, net *Network, batch int) (*FloatSamples, error) {
	arrays, err := npz.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return fetchSamples(arrays, path, net, batch)
}

// fetchSamples is LoadSamples from the arrays of the file.
func fetchSamples(arrays []npz.Array, path string, net *Network, batch int) (*FloatSamples, error) {
	in := net.Input
	s := &FloatSamples{X: make([]float64, batch*in.Len()), Y: make([]int, batch)}
	if err := fetch(s.X, arrays, path, "x", [][]int{{batch, in.C, in.H, in.W}}); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(arrays, func(a npz.Array) bool { return a.Name == "y" })
	if i < 0 {
		return nil, fmt.Errorf("%s: array y is missing, want %d labels", path, batch)
	}
	y := &arrays[i]
	if len(y.Shape) != 1 || y.Shape[0] != batch {
		return nil, fmt.Errorf("%s: array y: shape %v, want [%d]", path, y.Shape, batch)
	}
	for b, v := range y.Data {
		if v != math.Trunc(v) || v < 0 || v >= float64(net.Classes()) {
			return nil, fmt.Errorf("%s: array y: label %v of sample %d, want an integer 0..%d", path, v, b, net.Classes()-1)
		}
		s.Y[b] = int(v)
	}
	known, err := s.fetchTeacher(net, batch, arrays, path)
	if err != nil {
		return nil, err
	}
	for _, a := range arrays {
		if a.Name != "x" && a.Name != "y" && !slices.Contains(known, a.Name) {
			return nil, fmt.Errorf("%s: unknown array %s, want x and y only", path, a.Name)
		}
	}
	return s, nil
}

// fetchTeacher reads what the heads of net are taught, arrays of their names: features
// [B, D, H, W] or [B, D], probabilities [B, K]. It returns these names.
func (s *FloatSamples) fetchTeacher(net *Network, batch int, arrays []npz.Array, path string) ([]string, error) {
	var known []string
	for h, t := range s.taught(net) {
		out := h.Map.Out
		shapes := [][]int{{batch, out.C, out.H, out.W}, {batch, out.Len()}}
		if err := fetch(t, arrays, path, h.Name, shapes); err != nil {
			return nil, err
		}
		known = append(known, h.Name)
	}
	return known, nil
}

// WriteSamples writes samples in the layout that LoadSamples reads, exactly.
func WriteSamples(w io.Writer, s *Samples, net *Network, f *Formats) error {
	in, batch := net.Input, len(s.Y)
	labels := make([]float64, batch)
	for b, y := range s.Y {
		labels[b] = float64(y)
	}
	arrays := []npz.Array{
		{Name: "x", DType: floatType(f.Input), Shape: []int{batch, in.C, in.H, in.W}, Data: dequantize(s.X, f.Input)},
		{Name: "y", DType: npz.Int64, Shape: []int{batch}, Data: labels},
	}
	for i := range net.Heads {
		if h := &net.Heads[i]; h.Kind.taught() {
			out := h.Map.Out
			arrays = append(arrays, npz.Array{
				Name: h.Name, DType: npz.Float64, Shape: []int{batch, out.C, out.H, out.W}, Data: dequantize(s.Teacher[i], f.Error),
			})
		}
	}
	return npz.Write(w, arrays)
}

// Tensors calls do for the weights, biases and running means of p, with the names that they have
// in NPZ files and the formats that hold them.
func (p *FloatParams) Tensors(net *Network, f *Formats, do func(name string, values []float64, format fixedpoint.Format)) {
	for i, l := range p.Layers {
		name := net.Layers[i].Name
		do(name+".weight", l.W, f.WeightOf(i+1))
		do(name+".bias", l.B, f.BiasOf(i+1))
	}
	for i, h := range p.Heads {
		name := net.Heads[i].Name
		do(name+".weight", h.W, f.HeadWeight)
		do(name+".bias", h.B, f.HeadBias)
		if net.Heads[i].Center {
			do(name+".mean", h.Mean, f.StateOf(h.Layer))
		}
	}
}

// Saturated counts the values that f cannot hold: those more than one LSB
// outside its range. (1.0 in Q0.15 becomes 1 - 2^-15 and does not count.)
func Saturated(x []float64, f fixedpoint.Format) int {
	lo, hi := f.ToFloat(f.Min())-f.LSB(), f.ToFloat(f.Max())+f.LSB()
	n := 0
	for _, v := range x {
		if v < lo || v > hi {
			n++
		}
	}
	return n
}
