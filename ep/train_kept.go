package ep

import (
	"fmt"

	"epgen/npz"
)

// newParams returns what updates keep of all layers and heads, all zero.
func (k Keeps) newParams(net *Network) *Params {
	p := &Params{Layers: make([]LayerParams, len(net.Layers)), Heads: make([]HeadParams, len(net.Heads))}
	for n := range net.Layers {
		l := &net.Layers[n]
		p.Layers[n] = LayerParams{KeptW: k.newKept(l.Weights()), KeptB: k.newKept(l.Biases())}
	}
	for i := range net.Heads {
		m := &net.Heads[i].Map
		p.Heads[i] = HeadParams{KeptW: k.newKept(m.Weights()), KeptB: k.newKept(m.Biases())}
	}
	return p
}

// checkMaster reports options of the hardware's update with a float64 master, which has
// a momentum and a decay of its own.
func (t *Trainer) checkMaster() error {
	if t.opt.HardwareUpdate {
		return nil
	}
	for _, k := range []struct {
		key      string
		v, least int
	}{
		{"learning.accumulate", t.cfg.Starts(), 1}, {"learning.decay-shift", t.cfg.DecayShift, 0},
		{"learning.momentum-shift", t.cfg.MomentumShift, 0}, {"formats.master-bits", t.cfg.Formats.MasterBits, 0},
	} {
		if k.v != k.least {
			return badSetting(k.key, "%d with a float64 master, want %d, or the hardware's update", k.v, k.least)
		}
	}
	return nil
}

// starts returns the number of mini-batches done.
func (t *Trainer) starts() int { return t.Epoch*t.Batches() + t.Batch }

// keptArrays returns what updates keep as arrays, element by element of each tensor:
//
//	kept.layer<n>.weight [weights, 4], kept.layer<n>.bias, and those of heads: remainder,
//	velocity, and the sum as floor(sum / 2^32) and sum mod 2^32
func (t *Trainer) keptArrays() []npz.Array {
	var arrays []npz.Array
	if t.arith == nil || !t.opt.HardwareUpdate || !t.arith.Keeps.Any() {
		return nil
	}
	t.eachKept(func(name string, z *Kept, n int) {
		data := make([]float64, 0, 4*n)
		for i := range n {
			e := z.at(i, 0)
			data = append(data, float64(e.remainder), float64(e.velocity), float64(e.sum>>32), float64(uint32(e.sum)))
		}
		arrays = append(arrays, npz.Array{Name: name, DType: npz.Float64, Shape: []int{n, 4}, Data: data})
	})
	return arrays
}

// eachKept calls f for every tensor with the name of its array.
func (t *Trainer) eachKept(f func(name string, z *Kept, n int)) {
	for n := range t.kept.Layers {
		l, z := &t.cfg.Network.Layers[n], &t.kept.Layers[n]
		f("kept."+l.Name+".weight", &z.KeptW, l.Weights())
		if !l.NoBias {
			f("kept."+l.Name+".bias", &z.KeptB, l.Biases())
		}
	}
	for i := range t.kept.Heads {
		m, z := &t.cfg.Network.Heads[i].Map, &t.kept.Heads[i]
		f("kept."+m.Name+".weight", &z.KeptW, m.Weights())
		f("kept."+m.Name+".bias", &z.KeptB, m.Biases())
	}
}

// readKept is the inverse of keptArrays.
func (t *Trainer) readKept(arrays []npz.Array, path string) error {
	for _, a := range t.keptArrays() {
		if err := fetch(a.Data, arrays, path, a.Name, [][]int{a.Shape}); err != nil {
			return err
		}
		t.eachKept(func(name string, z *Kept, n int) {
			for i := 0; i < n && name == a.Name; i++ {
				v := a.Data[4*i:]
				z.set(i, element{remainder: int64(v[0]), velocity: int64(v[1]), sum: int64(v[2])<<32 + int64(v[3])})
			}
		})
	}
	if t.arith == nil {
		return nil
	}
	var bad error
	t.eachKept(func(name string, z *Kept, n int) {
		if err := t.arith.Keeps.check(name, z, n); err != nil && bad == nil {
			bad = fmt.Errorf("%s: %w", path, err)
		}
	})
	return bad
}
