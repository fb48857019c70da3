package unit

// arrayBench checks ep_mac_array: the sums of UP and DOWN five cycles after the
// last operation, the contrasts of UPDATE three cycles after, drained column by
// column while the next tile is under way. Where the operands have few bits,
// single products go through all pairs of values first.
func arrayBench(d design) *Bench {
	a := &arrayPlay{design: d, weightBits: d.Cfg.Formats.Weight.Width()}
	return d.bench("ep_mac_array", func(v *Vectors) {
		a.v, a.source = v, newSource(3)
		v.Reset()
		for round := range 3 {
			for mode := range 3 {
				a.mode(mode)
				if round == 0 && d.LaneBits <= 6 {
					a.pairs(mode)
				}
				for range 40 {
					if mode == modeUpdate {
						a.tile(1 + a.IntN(6))
					} else {
						a.sum(mode, 1+a.IntN(6))
					}
				}
				if mode == modeUpdate {
					a.settle()
				}
				v.Set("valid_i", 0)
				v.Idle(6)
			}
		}
	}, map[string]int{"acc_o": d.SumBits, "contrast_o": d.ContrastBits})
}

const (
	modeUp = iota
	modeDown
	modeUpdate
)

type arrayPlay struct {
	design
	source
	v          *Vectors
	weightBits int

	waiting []contrasts // of the tiles whose operations are all issued, oldest first
	drained []int64     // contrasts in the drain, by row and column
	column  int         // column to be read next
}

// contrasts are those of a tile, by row and column, and the cycle in which they
// are complete.
type contrasts struct {
	values []int64
	ready  int
}

func (a *arrayPlay) mode(mode int) {
	a.v.SetIf("up_i", mode == modeUp)
	a.v.SetIf("down_i", mode == modeDown)
	a.v.SetIf("update_i", mode == modeUpdate)
}

// operands are those of one operation: a tile W[r][c], v[c], z[r].
type operands struct{ w, v, z []int64 }

// operand draws one operation.
func (a *arrayPlay) operand() operands {
	var o operands
	for range a.P * a.P {
		o.w = append(o.w, a.signed(a.weightBits))
	}
	for range a.P {
		o.v = append(o.v, a.signed(a.LaneBits))
		o.z = append(o.z, a.signed(a.OperandBits))
	}
	return o
}

// issue plays one operation; the drain moves along.
func (a *arrayPlay) issue(o operands, first, last bool) {
	a.v.Set("valid_i", 1)
	a.v.SetIf("first_i", first)
	a.v.SetIf("last_i", last)
	for r := range a.P {
		for c := range a.P {
			a.v.SetLane("tile_i", c*a.P+r, a.weightBits, o.w[r*a.P+c])
		}
		a.v.SetLane("v_i", r, a.LaneBits, o.v[r])
		a.v.SetLane("z_i", r, a.OperandBits, o.z[r])
	}
	a.tick()
}

// gap lets a cycle pass in which the inputs are noise.
func (a *arrayPlay) gap() {
	a.v.Set("valid_i", 0)
	a.fill(a.v, "first_i", "last_i", "tile_i", "v_i", "z_i")
	a.tick()
}

// sum plays n operations of one sum and expects it five cycles after the last.
func (a *arrayPlay) sum(mode, n int) {
	acc := make([]int64, a.P)
	for i := range n {
		for a.chance(6) {
			a.gap()
		}
		o := a.operand()
		for r := range a.P {
			for c := range a.P {
				w := o.w[r*a.P+c]
				if mode == modeDown {
					w = o.w[c*a.P+r]
				}
				acc[r] += w * o.v[c]
			}
		}
		a.v.WantAfter(5, "acc_valid_o", b2i(i == n-1))
		if i == n-1 {
			for r := range a.P {
				a.v.WantLaneAfter(5, "acc_o", r, a.SumBits, acc[r])
			}
		}
		a.v.WantAfter(3, "tile_done_o", 0)
		a.issue(o, i == 0, i == n-1)
	}
}

// pairs plays all pairs of operands of one multiplier, in turn in every lane.
func (a *arrayPlay) pairs(mode int) {
	left := a.weightBits
	if mode == modeUpdate {
		left = a.OperandBits
	}
	lane := 0
	for x := int64(-1 << (left - 1)); x < 1<<(left-1); x++ {
		for y := int64(-1 << (a.LaneBits - 1)); y < 1<<(a.LaneBits-1); y++ {
			r, c := lane/a.P%a.P, lane%a.P
			lane++
			o := a.operand()
			o.v[c] = y
			if mode == modeUpdate {
				o.z[r] = x
				a.tileOf([]operands{o})
				continue
			}
			for i := range a.P {
				if i != c {
					o.v[i] = 0
				}
			}
			o.w[r*a.P+c], o.w[c*a.P+r] = x, x
			a.v.WantAfter(5, "acc_valid_o", 1)
			a.v.WantLaneAfter(5, "acc_o", r, a.SumBits, x*y)
			a.issue(o, true, true)
		}
	}
}

// tile plays a tile of n operations in UPDATE.
func (a *arrayPlay) tile(n int) {
	var ops []operands
	for range n {
		ops = append(ops, a.operand())
	}
	a.tileOf(ops)
}

func (a *arrayPlay) tileOf(ops []operands) {
	contrast := make([]int64, a.P*a.P)
	for i, o := range ops {
		for a.chance(6) {
			a.gap()
		}
		if i == 0 { // as ep_drain demands: at most one tile is open besides
			for a.drained != nil || len(a.waiting) > 1 {
				a.gap()
			}
		}
		for r := range a.P {
			for c := range a.P {
				contrast[r*a.P+c] += o.z[r] * o.v[c]
			}
		}
		last := i == len(ops)-1
		a.v.WantAfter(3, "tile_done_o", b2i(last))
		a.v.WantAfter(5, "acc_valid_o", 0)
		if last {
			a.waiting = append(a.waiting, contrasts{contrast, a.v.Cycle() + 3})
		}
		a.issue(o, i == 0, last)
	}
}

// settle lets cycles pass until the contrasts waiting are taken and drained.
func (a *arrayPlay) settle() {
	for len(a.waiting) > 0 || a.drained != nil {
		a.gap()
	}
}

// tick ends a cycle. A complete tile is taken as soon as the drain is empty: in
// the cycle of its completion, which is the last before the next tile overwrites
// it, or later, when no next tile is open. Columns leave at random.
func (a *arrayPlay) tick() {
	a.v.Set("take_i", 0)
	a.v.Set("drain_i", 0)
	a.fill(a.v, "col_i")
	if a.drained != nil && !a.chance(3) {
		a.v.Set("drain_i", 1)
		a.v.Set("col_i", int64(a.column))
		for r := range a.P {
			a.v.WantLaneAfter(1, "contrast_o", r, a.ContrastBits, a.drained[r*a.P+a.column])
		}
		if a.column++; a.column == a.P {
			a.drained = nil
		}
	}
	if a.drained == nil && len(a.waiting) > 0 && a.v.Cycle() >= a.waiting[0].ready {
		a.v.Set("take_i", 1)
		a.drained, a.column, a.waiting = a.waiting[0].values, 0, a.waiting[1:]
	}
	a.v.Tick()
}
