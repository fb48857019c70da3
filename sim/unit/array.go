package unit

import "epgen/gen"

// arrayBench checks ep_mac_array: the sums of UP and DOWN five cycles after the
// last operation, the contrasts of UPDATE three cycles after, drained column by
// column while the next tile is under way. Where the operands have few bits,
// single products go through all pairs of values first.
func arrayBench(d design) *Bench {
	a := &arrayPlay{design: d, weightBits: d.WeightBits}
	return d.bench("ep_mac_array", func(v *Vectors) {
		a.v, a.source = v, newSource(3)
		v.Reset()
		for round := range 3 {
			a.alignSquares(round)
			for mode := range 3 {
				if mode == modeUpdate && !v.Has("update_i") {
					continue
				}
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
	}, map[string]int{"acc_o": d.SumBits, "group_acc_o": d.SumBits, "contrast_o": d.ContrastBits})
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
	square  int         // shift of what precedes the products of two differences
}

// contrasts are those of a tile, by row and column, and the cycle in which they
// are complete.
type contrasts struct {
	values []int64
	ready  int
}

func (a *arrayPlay) mode(mode int) {
	a.v.SetIf("up_i", mode == modeUp)
	a.v.SetPresent("down_i", b2i(mode == modeDown))
	a.v.SetPresent("update_i", b2i(mode == modeUpdate))
}

// alignSquares selects the alignment of the products of differences of some layer.
func (a *arrayPlay) alignSquares(round int) {
	if !a.v.Has("square_i") {
		return
	}
	l := &a.Layers[1+round%(len(a.Layers)-1)]
	a.square = l.Arith.Difference.SumLift
	a.v.SetPresent("sum_lift_i", int64(a.Descriptor(l.N, gen.Update)["sum_lift"]))
}

// operands are those of one operation: a tile W[r][c], v[c], z[r].
type operands struct{ w, v, z []int64 }

// operand draws one operation.
func (a *arrayPlay) operand() operands {
	var o operands
	for range a.Rows * a.Columns {
		o.w = append(o.w, a.signed(a.weightBits))
	}
	for range a.P {
		o.v = append(o.v, a.signed(a.LaneBits))
	}
	for range a.Rows * int(b2i(a.v.Has("z_i"))) {
		o.z = append(o.z, a.signed(a.OperandBits))
	}
	return o
}

// issue plays one operation; the drain moves along.
func (a *arrayPlay) issue(o operands, first, last bool) {
	a.v.SetPresent("square_i", 0)
	a.issueSquare(o, first, last)
}

// issueSquare is issue where the products of two differences may begin.
func (a *arrayPlay) issueSquare(o operands, first, last bool) {
	a.v.Set("valid_i", 1)
	a.v.SetIf("first_i", first)
	a.v.SetIf("last_i", last)
	for r := range a.Rows {
		for c := range a.Columns {
			at := c*a.P + r
			if a.Rows < a.Columns {
				at = r*a.P + c
			}
			a.v.SetLane("tile_i", at, a.weightBits, o.w[r*a.Columns+c])
		}
		if o.z != nil {
			a.v.SetLane("z_i", r, a.OperandBits, o.z[r])
		}
	}
	for i, x := range o.v {
		a.v.SetLane("v_i", i, a.LaneBits, x)
	}
	a.tick()
}

// gap lets a cycle pass in which the inputs are noise.
func (a *arrayPlay) gap() {
	a.v.Set("valid_i", 0)
	a.fill(a.v, a.v.Existing("first_i", "last_i", "tile_i", "v_i", "z_i", "square_i")...)
	a.tick()
}

// sums are those of an operation: of each row with the lanes of v that repeat the states
// below (up), of each column with those that repeat the states of the layer (down). Lanes
// of v need not repeat: multiplier (r, c) has its own.
func (a *arrayPlay) sums(mode int, o *operands) []int64 {
	if mode == modeUp {
		acc := make([]int64, a.Rows)
		for r := range a.Rows {
			for c := range a.Columns {
				acc[r] += o.w[r*a.Columns+c] * o.v[a.upLane(r, c)]
			}
		}
		return acc
	}
	acc := make([]int64, a.Columns)
	for r := range a.Rows {
		for c := range a.Columns {
			acc[c] += o.w[r*a.Columns+c] * o.v[a.downLane(r, c)]
		}
	}
	return acc
}

// upLane is the lane of v that row r takes for column c; downLane the same for a column.
func (a *arrayPlay) upLane(r, c int) int {
	if a.Rows > a.Columns {
		return r%(a.Rows/a.Columns)*a.Columns + c
	}
	return c
}

func (a *arrayPlay) downLane(r, c int) int {
	if a.Rows < a.Columns {
		return c%(a.Columns/a.Rows)*a.Rows + r
	}
	return r
}

// sum plays n operations of one sum and expects it five cycles after the last.
func (a *arrayPlay) sum(mode, n int) {
	var acc []int64
	for i := range n {
		for a.chance(6) {
			a.gap()
		}
		o := a.operand()
		for k, x := range a.sums(mode, &o) {
			if i == 0 {
				acc = append(acc, 0)
			}
			acc[k] += x
		}
		a.v.WantAfter(5, "acc_valid_o", b2i(i == n-1))
		if i == n-1 {
			a.wantSums(acc)
		}
		if a.v.Has("tile_done_o") {
			a.v.WantAfter(3, "tile_done_o", 0)
		}
		a.issue(o, i == 0, i == n-1)
	}
}

// wantSums expects the sums of rows or columns.
func (a *arrayPlay) wantSums(acc []int64) {
	port := "acc_o"
	if len(acc) < a.P {
		port = "group_acc_o"
	}
	for k, x := range acc {
		a.v.WantLaneAfter(5, port, k, a.SumBits, x)
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
			r, c := lane/a.Columns%a.Rows, lane%a.Columns
			lane++
			o := a.operand()
			at := a.upLane(r, c)
			if mode == modeDown {
				at = a.downLane(r, c)
			}
			o.v[at] = y
			if mode == modeUpdate {
				o.z[r] = x
				a.tileOf([]operands{o})
				continue
			}
			o.w[r*a.Columns+c] = x
			a.v.WantAfter(5, "acc_valid_o", 1)
			a.wantSums(a.sums(mode, &o))
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
	contrast := make([]int64, a.Rows*a.Columns)
	for i, o := range ops {
		for a.chance(6) {
			a.gap()
		}
		if i == 0 { // as ep_drain demands: at most one tile is open besides
			for a.drained != nil || len(a.waiting) > 1 {
				a.gap()
			}
		}
		square := i > 0 && a.v.Has("square_i") && a.chance(3)
		if a.v.SetPresent("square_i", b2i(square)); square { // the noise may have none of the proved range
			for k, v := range contrast {
				contrast[k] = v << a.square << (64 - a.ContrastBits) >> (64 - a.ContrastBits)
			}
		}
		for r := range a.Rows {
			for c := range a.Columns {
				contrast[r*a.Columns+c] += o.z[r] * o.v[a.upLane(r, c)]
			}
		}
		last := i == len(ops)-1
		a.v.WantAfter(3, "tile_done_o", b2i(last))
		a.v.WantAfter(5, "acc_valid_o", 0)
		if last {
			a.waiting = append(a.waiting, contrasts{contrast, a.v.Cycle() + 3})
		}
		a.issueSquare(o, i == 0, last)
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
	if !a.v.Has("take_i") {
		a.v.Tick()
		return
	}
	a.v.Set("take_i", 0)
	a.v.Set("drain_i", 0)
	a.fill(a.v, "col_i")
	if a.drained != nil && !a.chance(3) {
		a.v.Set("drain_i", 1)
		a.v.Set("col_i", int64(a.column))
		for i := range a.P {
			at := i*a.Columns + a.column // of the column
			if a.Rows < a.Columns {
				at = a.column*a.Columns + i // of the row
			}
			a.v.WantLaneAfter(1, "contrast_o", i, a.ContrastBits, a.drained[at])
		}
		if a.column++; a.column == a.Lines {
			a.drained = nil
		}
	}
	if a.drained == nil && len(a.waiting) > 0 && a.v.Cycle() >= a.waiting[0].ready {
		a.v.Set("take_i", 1)
		a.drained, a.column, a.waiting = a.waiting[0].values, 0, a.waiting[1:]
	}
	a.v.Tick()
}
