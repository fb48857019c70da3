package unit

import (
	"epgen/ep"
	"epgen/gen"
)

// operandsBench checks ep_operands, which is combinational, for every mode: all
// states of either bank where a lane is that narrow, random ones elsewhere.
func operandsBench(d design) *Bench {
	return d.bench("ep_operands", func(v *Vectors) {
		s := newSource(5)
		for mode := range 1 << 7 {
			var m operandsMode
			m.head = v.Has("head_i") && mode%3 == 0
			m.resting, m.negate = v.Has("resting_i") && mode%5 == 1, v.Has("negate_i") && mode%3 == 1
			for i, f := range []*bool{&m.down, &m.bias, &m.even, &m.unpool, &m.zero, &m.void, &m.minus} {
				*f = mode>>i&1 == 1
			}
			if m.bias && !v.Has("bias_i") || m.minus && !v.Has("minus_i") || m.zero && d.Cfg.GivenStates {
				continue
			}
			if d.P == 1 && d.LaneBits <= 4 {
				for x := range int64(1) << d.LaneBits {
					for other := range 1 << 4 {
						random := s.signed(d.LaneBits)
						m.point = int(b2i(m.minus))
						playOperands(v, d, m, other&3, []int64{x}, []int64{random}, []int{other >> 2})
						playOperands(v, d, m, other&3, []int64{random}, []int64{x}, []int{other >> 2})
					}
				}
				continue
			}
			for i := range 40 {
				m.point = int(b2i(m.minus))
				if n := len(d.Program.Terms(len(d.Layers))); m.minus && n > 2 {
					m.point = 1 + i%(n-1)
				} else if m.minus && n == 1 {
					m.point = 0
				}
				var even, odd []int64
				var index []int
				for range d.P {
					even, odd = append(even, s.signed(d.LaneBits)), append(odd, s.signed(d.LaneBits))
					index = append(index, s.IntN(4))
				}
				if d.OperandBits > d.LaneBits && d.Cfg.Output != ep.Linear && len(d.Heads) == 0 {
					here := odd // whose states are not negative, which the width of z relies on
					if !m.even {
						here = even
					}
					for r := range here {
						here[r] = max(0, here[r])
					}
				}
				playOperands(v, d, m, s.IntN(4), even, odd, index)
			}
		}
	}, map[string]int{"v_o": d.LaneBits, "z_o": d.OperandBits})
}

type operandsMode struct {
	down, bias, even, unpool, zero, void, minus bool
	head                                        bool // all points count alike
	resting, negate                             bool // differences are zero; the contrast changes its sign
	point                                       int  // of the contrast
}

// weight is what z is multiplied by.
func (m *operandsMode) weight(d design) int64 {
	if m.head {
		return 1
	}
	weight := int64(d.Program.Terms(len(d.Layers))[m.point].Weight)
	if m.negate {
		weight = -weight
	}
	return weight
}

// playOperands plays one cycle. Lanes are given as bits or as numbers.
func playOperands(v *Vectors, d design, m operandsMode, pos int, even, odd []int64, index []int) {
	v.SetIf("down_i", m.down)
	v.SetPresent("bias_i", b2i(m.bias))
	v.SetIf("i_even_i", m.even)
	v.SetIf("unpool_i", m.unpool)
	if !d.Cfg.GivenStates {
		v.SetIf("zero_i", m.zero)
	}
	v.SetIf("void_i", m.void)
	v.SetPresent("minus_i", int64(m.point))
	v.SetPresent("head_i", b2i(m.head))
	v.SetPresent("resting_i", b2i(m.resting))
	v.SetPresent("negate_i", b2i(m.negate))
	lift := 0 // of z
	if v.Has("lift_i") {
		l := &d.Layers[(pos+int(odd[0]&1))%len(d.Layers)]
		name := "here_lift"
		if lift = l.Arith.Difference.HereLift; even[0]&1 == 1 {
			name, lift = "below_lift", l.Arith.Difference.BelowLift
			if l.N > 1 && odd[0]&2 == 2 {
				name, lift = "both_lift", l.Arith.Difference.BothLift
			}
		}
		v.Set("lift_i", int64(d.Descriptor(l.N, gen.Update)[name]))
	}
	v.Set("pos_i", int64(pos))
	initial := d.Layers[0].Arith.Initial
	if v.Has("initial_state_i") { // that of some layer, by the choice of a pass that reads its states
		l := &d.Layers[(pos+len(index)+int(even[0]&1))%d.Relaxing()]
		choice := d.Descriptor(d.Relaxing(), gen.Down)["initial_state"]
		if l.N < d.Relaxing() {
			choice = d.Descriptor(l.N+1, gen.Up)["initial_state"]
		}
		initial = l.Arith.Initial
		v.Set("initial_state_i", int64(choice))
	}
	slabPart, part := 0, 0 // of the words
	if v.Has("slab_part_i") {
		slabPart = pos ^ int(even[0]&1)
		slabPart %= d.P / d.Rows
		v.Set("slab_part_i", int64(slabPart))
	}
	if v.Has("part_i") {
		part = (pos ^ int(odd[0]&1)) % (d.P / d.Columns)
		v.Set("part_i", int64(part))
	}
	for r := range d.P {
		v.SetLane("even_i", r, d.LaneBits, even[r])
		v.SetLane("odd_i", r, d.LaneBits, odd[r])
	}
	signed := func(x int64) int64 { return x << (64 - d.LaneBits) >> (64 - d.LaneBits) }
	below, here := odd, even
	if m.even {
		below, here = here, below
	}
	// state is what a lane of a word counts for.
	state := func(word []int64, lane int) int64 {
		switch {
		case m.void || m.resting:
			return 0
		case m.zero:
			return initial
		}
		return signed(word[lane])
	}
	rows := make([]int64, d.Rows) // U(s)
	for r := range rows {
		v.SetLane("index_i", r, 2, int64(index[r]))
		rows[r] = state(here, slabPart*d.Rows+r)
		if m.unpool && index[r] != pos {
			rows[r] = 0
		}
	}
	tall := d.Rows >= d.Columns
	for i := range d.P {
		operand := state(below, part*d.Columns+i%d.Columns)
		switch {
		case m.bias && tall:
			operand = b2i(i%d.Columns == 0)
		case m.bias:
			operand = 0
			if i < d.Rows {
				operand = rows[i]
			}
		case m.down:
			operand = rows[i%d.Rows]
		}
		v.WantLaneAfter(0, "v_o", i, d.LaneBits, operand)
	}
	for r, z := range rows {
		if !v.Has("z_o") {
			break
		}
		if m.bias && !tall {
			z = b2i(r == 0)
		}
		z = z << lift * m.weight(d)
		z = z << (64 - d.OperandBits) >> (64 - d.OperandBits) // of noise; those of a network fit
		v.WantLaneAfter(0, "z_o", r, d.OperandBits, z)
	}
	v.Tick()
}
