package unit

import (
	"math/bits"

	"epgen/fixedpoint"
	"epgen/gen"
	"epgen/hdl"
)

// roundingBench tries every value of 9 bits at every shift up to beyond the
// width, in every mode.
func roundingBench() *Bench {
	const width = 9
	var shifts []int
	for k := range width + 3 {
		shifts = append(shifts, k)
	}
	return &Bench{
		Name:   "rounding/all",
		module: func() (*hdl.Module, error) { return gen.RoundingBlock(width, shifts), nil },
		play: func(v *Vectors) {
			for x := int64(-1 << (width - 1)); x < 1<<(width-1); x++ {
				v.Set("v_i", x)
				for _, mode := range []fixedpoint.Rounding{fixedpoint.NearestEven, fixedpoint.NearestUp, fixedpoint.Truncate} {
					for _, k := range shifts {
						v.Want(gen.RoundingPort(mode, k)+"_o", mode.Shift(x, k))
					}
				}
				v.Tick()
			}
		},
	}
}

// updateBench checks ep_update_lane against fixedpoint.Update, three cycles
// later, with elements on consecutive cycles and with gaps.
func updateBench(d design, exhaustive bool) *Bench {
	return d.bench("ep_update_lane", func(v *Vectors) {
		s := newSource(2)
		d.tensors(func(k gen.Kind, fields map[string]uint64, u fixedpoint.Update, lo, hi int64) {
			v.Idle(3)
			setTensor(v, k, fields)
			if exhaustive {
				updateAll(v, u)
				return
			}
			v.Set("rate_i", int64(fields["rate"]))
			for range 400 {
				updateElement(v, s, u, s.contrast(u, lo, hi), s.among(u.Lo, u.Hi))
			}
		})
	}, nil)
}

// tensors calls do for the weights and the biases of every layer: the kind of pass that updates
// them, its descriptor, the update and the range of a contrast.
func (d design) tensors(do func(k gen.Kind, fields map[string]uint64, u fixedpoint.Update, lo, hi int64)) {
	for i := range d.Layers {
		l := &d.Layers[i]
		lo, hi, _ := l.Arith.Contrast.Int64()
		do(gen.Update, d.Descriptor(l.N, gen.Update), l.Arith.WeightUpdate, lo, hi)
		if !l.NoBias {
			lo, hi, _ = l.Arith.BiasContrast.Int64()
			do(gen.Bias, d.Descriptor(l.N, gen.Bias), l.Arith.BiasUpdate, lo, hi)
		}
	}
}

// setTensor sets what a descriptor tells ep_update_lane of all elements, but the rate.
func setTensor(v *Vectors, k gen.Kind, fields map[string]uint64) {
	v.SetPresent("bias_i", b2i(k == gen.Bias))
	v.SetPresent("limit_i", int64(fields["limit"]))
	v.SetPresent("rate_shift_i", int64(fields["rate_shift"]))
}

// contrast returns a contrast of [lo, hi], now and then one whose change lies
// next to a tie, or is one.
func (s source) contrast(u fixedpoint.Update, lo, hi int64) int64 {
	if !s.chance(3) || u.Mantissa == 0 || u.Shift == 0 || u.Shift > 40 {
		return s.among(lo, hi)
	}
	if exact := u.Shift - 1 - bits.TrailingZeros64(u.Mantissa); exact >= 0 && s.chance(2) {
		if tie := (s.among(-100, 100)*2 + 1) << exact; tie >= lo && tie <= hi {
			return tie
		}
	}
	near := (s.among(-100, 100)*2 + 1) << (u.Shift - 1) / int64(u.Mantissa)
	return min(max(near+s.among(-1, 1), lo), hi)
}

// updateElement plays one element, sometimes with a gap before it in which the
// inputs are noise.
func updateElement(v *Vectors, s source, u fixedpoint.Update, contrast, old int64) {
	if s.chance(8) {
		s.fill(v, "contrast_i", "old_i")
		v.Tick()
	}
	want := func() int64 { return u.Apply(old, contrast) }
	if v.Has("place_i") { // a cycle ahead
		place, inner := uint32(s.Uint64()), uint32(s.Uint64())
		v.Set("place_i", int64(place))
		v.Set("inner_i", int64(inner))
		v.Tick()
		s.fill(v, "place_i")
		random := fixedpoint.RandomStream{Outer: place, Inner: inner}.At(0, 0)
		want = func() int64 { return u.ApplyRandom(old, contrast, random) }
	}
	v.Set("contrast_i", contrast)
	v.Set("old_i", old)
	v.WantAfter(3, "new_o", want())
	v.Tick()
}

// updateAll tries all rates with all contrasts up to a few hundred, whether or
// not the layer can have them: the smallest with all old values, the others with
// the limits and 0.
func updateAll(v *Vectors, u fixedpoint.Update) {
	limit := min(int64(1)<<(v.Bits("contrast_i")-1)-1, 300)
	for rate := range int64(1) << u.MantissaBits {
		v.Idle(3) // the rate is constant while columns are in flight
		v.Set("rate_i", rate)
		u.Mantissa = uint64(rate)
		for contrast := -limit; contrast <= limit; contrast++ {
			small := contrast >= -20 && contrast <= 20
			for old := u.Lo; old <= u.Hi; old++ {
				if !small && old != u.Lo && old != 0 && old != u.Hi {
					continue
				}
				v.Set("contrast_i", contrast)
				v.Set("old_i", old)
				v.WantAfter(3, "new_o", u.Apply(old, contrast))
				v.Tick()
			}
		}
	}
}
