package ep

import (
	"fmt"
	"io"
	"math"
	"slices"

	"epgen/npz"
)

// WriteCheckpoint writes all that training needs to go on to the same bits, as
// an NPZ file:
//
//	layer<n>.weight, layer<n>.bias                     the master, float64
//	velocity.layer<n>.weight, velocity.layer<n>.bias   the momentum's
//	kept.layer<n>.weight, kept.layer<n>.bias           what the hardware's updates keep, if anything; so of heads
//	state.layer<n>  [B, C, H, W], s* of the last mini-batch, where starts are warm
//	progress  [epoch, batch, correct, samples, batches], where the last three are sums of the epoch
//	sums      [1 + 6 layers + 3 heads]: loss, then the fields of Activity, layer by layer,
//	          then those of HeadActivity, head by head
//
// Order and augmentation follow from seed and epoch.
func (t *Trainer) WriteCheckpoint(w io.Writer) error {
	net := &t.cfg.Network
	arrays := append(floatArrays("", net, t.Params), meanArrays(net, t.Params)...)
	arrays = append(arrays, layerArrays("velocity.", net, t.velocity)...)
	sums := []float64{t.sum.loss}
	for _, a := range t.sum.layers {
		sums = append(sums, a.State, a.Response, a.Update, a.Residual, a.Limited, a.Spread)
	}
	for _, a := range t.sum.heads {
		sums = append(sums, a.Loss, a.Accuracy, a.Update)
	}
	progress := []float64{
		float64(t.Epoch), float64(t.Batch), float64(t.sum.correct), float64(t.sum.samples), float64(t.sum.batches),
	}
	for n, s := range t.engine.lastStates() {
		l := &net.Layers[n]
		arrays = append(arrays, npz.Array{
			Name: "state." + l.Name, DType: npz.Float64, Shape: []int{t.cfg.Batch, l.Out.C, l.Out.H, l.Out.W}, Data: s,
		})
	}
	arrays = append(arrays, t.keptArrays()...)
	return npz.Write(w, append(arrays,
		npz.Array{Name: "progress", DType: npz.Int64, Shape: []int{len(progress)}, Data: progress},
		npz.Array{Name: "sums", DType: npz.Float64, Shape: []int{len(sums)}, Data: sums},
	))
}

// floatArrays returns the parameters of layers and heads, but for means, as arrays
// in PyTorch's order.
func floatArrays(prefix string, net *Network, p *FloatParams) []npz.Array {
	arrays := layerArrays(prefix, net, p)
	for i := range net.Heads {
		m, q := &net.Heads[i].Map, &p.Heads[i]
		arrays = append(arrays,
			npz.Array{
				Name: prefix + m.Name + ".weight", DType: npz.Float64,
				Shape: []int{m.Out.C, m.In.C, m.KH, m.KW}, Data: q.W,
			},
			npz.Array{Name: prefix + m.Name + ".bias", DType: npz.Float64, Shape: []int{m.Out.C}, Data: q.B},
		)
	}
	return arrays
}

// meanArrays returns the running means of the centred heads.
func meanArrays(net *Network, p *FloatParams) []npz.Array {
	var arrays []npz.Array
	for i := range net.Heads {
		if h := &net.Heads[i]; h.Center {
			in := h.Map.In
			arrays = append(arrays, npz.Array{
				Name: h.Name + ".mean", DType: npz.Float64, Shape: []int{in.C, in.H, in.W}, Data: p.Heads[i].Mean,
			})
		}
	}
	return arrays
}

// layerArrays returns the parameters of the layers.
func layerArrays(prefix string, net *Network, p *FloatParams) []npz.Array {
	var arrays []npz.Array
	for n := range net.Layers {
		l := &net.Layers[n]
		arrays = append(arrays, npz.Array{
			Name: prefix + l.Name + ".weight", DType: npz.Float64,
			Shape: []int{l.Out.C, l.In.C, l.KH, l.KW}, Data: p.Layers[n].W,
		})
		if !l.NoBias {
			arrays = append(arrays, npz.Array{
				Name: prefix + l.Name + ".bias", DType: npz.Float64, Shape: []int{l.Out.C}, Data: p.Layers[n].B,
			})
		}
	}
	return arrays
}

// ReadCheckpoint continues where WriteCheckpoint left off, with the same
// configuration, options and data. It is an error, which names file and array,
// if the file does not fit the network.
func (t *Trainer) ReadCheckpoint(path string) error {
	arrays, err := npz.ReadFile(path)
	if err != nil {
		return err
	}
	net := &t.cfg.Network
	fetchAll := func(wanted []npz.Array) error {
		for _, want := range wanted {
			if err := fetch(want.Data, arrays, path, want.Name, [][]int{want.Shape}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := firstError(fetchAll(floatArrays("", net, t.Params)), fetchAll(meanArrays(net, t.Params)),
		fetchAll(layerArrays("velocity.", net, t.velocity)), t.readKept(arrays, path)); err != nil {
		return err
	}
	if t.cfg.Start == Warm && slices.ContainsFunc(arrays, func(a npz.Array) bool { return a.Name == "state."+net.Layers[0].Name }) {
		var states [][]float64
		for n := range net.Layers {
			l := &net.Layers[n]
			shape := []int{t.cfg.Batch, l.Out.C, l.Out.H, l.Out.W}
			states = append(states, make([]float64, t.cfg.Batch*l.Out.Len()))
			if err := fetch(states[n], arrays, path, "state."+l.Name, [][]int{shape}); err != nil {
				return err
			}
		}
		t.engine.setLastStates(states)
	}
	progress, sums := make([]float64, 5), make([]float64, 1+6*len(t.sum.layers)+3*len(t.sum.heads))
	if err := fetch(sums, arrays, path, "sums", [][]int{{len(sums)}}); err != nil {
		return err
	}
	i := slices.IndexFunc(arrays, func(a npz.Array) bool { return a.Name == "progress" })
	if i < 0 || len(arrays[i].Data) != len(progress) {
		return fmt.Errorf("%s: array progress is missing or of another shape, want [%d]", path, len(progress))
	}
	progress = arrays[i].Data
	for j, limit := range []int{t.opt.Epochs, t.Batches(), math.MaxInt32, math.MaxInt32, math.MaxInt32} {
		if v := progress[j]; v != math.Trunc(v) || v < 0 || v > float64(limit) {
			return fmt.Errorf("%s: array progress: %v at %d, want an integer 0..%d", path, v, j, limit)
		}
	}
	t.Epoch, t.Batch = int(progress[0]), int(progress[1])
	t.sum.correct, t.sum.samples, t.sum.batches = int(progress[2]), int(progress[3]), int(progress[4])
	t.sum.loss = sums[0]
	for n := range t.sum.layers {
		v := sums[1+6*n:]
		t.sum.layers[n] = Activity{State: v[0], Response: v[1], Update: v[2], Residual: v[3], Limited: v[4], Spread: v[5]}
	}
	for i := range t.sum.heads {
		v := sums[1+6*len(t.sum.layers)+3*i:]
		t.sum.heads[i] = HeadActivity{Loss: v[0], Accuracy: v[1], Update: v[2]}
	}
	t.order = nil
	return nil
}

// WriteWeights writes the parameters as LoadWeights reads them: in fixed point
// the codes that the phases use, so that a generated design has the same ones.
func (t *Trainer) WriteWeights(w io.Writer) error {
	if t.opt.Fixed {
		return WriteWeights(w, t.Params.Quantize(&t.cfg.Formats), &t.cfg.Network, &t.cfg.Formats)
	}
	return npz.Write(w, append(floatArrays("", &t.cfg.Network, t.Params), meanArrays(&t.cfg.Network, t.Params)...))
}
