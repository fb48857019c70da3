package unit

// operandsBench checks ep_operands, which is combinational, for every mode: all
// states of either bank where a lane is that narrow, random ones elsewhere.
func operandsBench(d design) *Bench {
	return d.bench("ep_operands", func(v *Vectors) {
		s := newSource(5)
		for mode := range 1 << 7 {
			var m operandsMode
			for i, f := range []*bool{&m.down, &m.bias, &m.even, &m.unpool, &m.zero, &m.void, &m.minus} {
				*f = mode>>i&1 == 1
			}
			if m.bias && !v.Has("bias_i") {
				continue
			}
			if d.P == 1 && d.LaneBits <= 4 {
				for x := range int64(1) << d.LaneBits {
					for other := range 1 << 4 {
						random := s.signed(d.LaneBits)
						playOperands(v, d, m, other&3, []int64{x}, []int64{random}, []int{other >> 2})
						playOperands(v, d, m, other&3, []int64{random}, []int64{x}, []int{other >> 2})
					}
				}
				continue
			}
			for range 40 {
				var even, odd []int64
				var index []int
				for range d.P {
					even, odd = append(even, s.signed(d.LaneBits)), append(odd, s.signed(d.LaneBits))
					index = append(index, s.IntN(4))
				}
				playOperands(v, d, m, s.IntN(4), even, odd, index)
			}
		}
	}, map[string]int{"v_o": d.LaneBits, "z_o": d.OperandBits})
}

type operandsMode struct{ down, bias, even, unpool, zero, void, minus bool }

// playOperands plays one cycle. Lanes are given as bits or as numbers.
func playOperands(v *Vectors, d design, m operandsMode, pos int, even, odd []int64, index []int) {
	v.SetIf("down_i", m.down)
	v.SetPresent("bias_i", b2i(m.bias))
	v.SetIf("i_even_i", m.even)
	v.SetIf("unpool_i", m.unpool)
	v.SetIf("zero_i", m.zero)
	v.SetIf("void_i", m.void)
	v.SetIf("minus_i", m.minus)
	v.Set("pos_i", int64(pos))
	for r := range d.P {
		v.SetLane("even_i", r, d.LaneBits, even[r])
		v.SetLane("odd_i", r, d.LaneBits, odd[r])
		v.SetLane("index_i", r, 2, int64(index[r]))
		below, here := odd[r], even[r]
		if m.even {
			below, here = here, below
		}
		if m.zero {
			below, here = d.Arith.Initial, d.Arith.Initial
		}
		if m.void {
			below, here = 0, 0
		}
		if m.unpool && index[r] != pos {
			here = 0
		}
		here = here << (64 - d.LaneBits) >> (64 - d.LaneBits)
		operand := below
		switch {
		case m.bias && r == 0:
			operand = 1
		case m.bias:
			operand = 0
		case m.down:
			operand = here
		}
		if m.minus {
			here = -here
		}
		v.WantLaneAfter(0, "v_o", r, d.LaneBits, operand)
		v.WantLaneAfter(0, "z_o", r, d.OperandBits, here)
	}
	v.Tick()
}
