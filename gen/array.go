package gen

import (
	"fmt"
	"math/bits"

	"epgen/hdl"
)

// macArray is ep_mac_array under construction.
type macArray struct {
	*hdl.Module
	d *Design

	up, down, update    hdl.Value // update is nil where nothing learns, as is all of the contrast
	tile, v, z          hdl.Value
	acc, groupAcc       *hdl.Signal // sums of Lines products; of all of a group, where the sides differ
	column              *hdl.Signal
	take, drain, colIdx hdl.Value
	square, sumLift     hdl.Value   // nil where no contrast is shifted
	columnOperand       *hdl.Signal // of generate block gen_column

	valid, first, last []hdl.Value // by stage: 0 operands presented, 1 registered, 2 products, 3 half sums, 4 sums
}

// macArray builds ep_mac_array: P x P multipliers that serve UP, DOWN and
// UPDATE with one operand multiplexer each. Transposing the tile at the
// operand, rather than summing along columns too, keeps a single adder tree
// per row.
func (d *Design) macArray() *hdl.Module {
	a := &macArray{Module: hdl.NewModule("ep_mac_array"), d: d}
	update, contrasts, latency := "", "", "."
	if d.learns() {
		update = "  update  G[r,c] += z[r] * v[c]\n"
		contrasts, latency = fmt.Sprintf(", contrasts %d bits", d.ContrastBits), ", to the contrast: 3 cycles."
	}
	a.Doc("%dx%d transposable multiplier array.\n\n"+
		"  up      sum[r]  = sum_c W[r,c] * v[c]\n"+
		"  down    sum[r]  = sum_c W[c,r] * v[c]   (the tile transposed)\n"+update+"\n"+a.d.shapeDoc()+
		"Operands %d bits signed by %d bits signed; sums %d bits%s: exact.\n"+
		"Latency from operands to acc_o: 5 cycles%s", d.Rows, d.Columns,
		d.OperandBits, d.LaneBits, d.SumBits, contrasts, latency)
	a.ports()
	a.Group("Column operands: while none are valid, these registers hold and what follows rests")
	a.For("gen_column", "c", d.P, func(g *hdl.Gen, c hdl.Index) {
		a.columnOperand = g.Reg("v_q", hdl.S(d.LaneBits))
		g.Always(func(b *hdl.Block) {
			b.If(a.valid[0], func(b *hdl.Block) {
				b.Set(a.columnOperand, hdl.AsS(hdl.IndexSlice(a.v, c, d.LaneBits)))
			})
		})
	})
	a.Group("Rows")
	if d.parts() == 1 {
		a.For("gen_row", "r", d.P, a.row)
	} else {
		a.groups()
	}
	return a.Module
}

func (a *macArray) ports() {
	one, p := hdl.U(1), a.d.P
	a.Group("Clock and synchronous reset")
	a.Clock("clk_i")
	a.Reset("rst_ni")
	a.Group("Mode, constant while operations are in flight")
	a.up = a.Input("up_i", one)
	if a.d.learns() { // else not up is down
		a.down = a.Input("down_i", one)
	}
	if a.d.learns() {
		a.update = a.Input("update_i", one)
	}
	a.Group("Operation")
	valid := a.Input("valid_i", one)
	first := a.Input("first_i", one, "starts a sum")
	last := a.Input("last_i", one, "completes a sum")
	var square hdl.Value
	if a.d.squares() {
		square = a.Input("square_i", one, "first of the products of two differences, with LSBs of their own")
		if w := a.d.moves.sum.bits(); w > 0 {
			a.sumLift = a.Input("sum_lift_i", hdl.U(w), "of what precedes them: "+shiftDoc(a.d.moves.sum))
		}
	}
	a.tile = a.Input("tile_i", hdl.U(a.d.Lines*a.d.columnBits()), a.d.tileDoc())
	a.v = a.Input("v_i", hdl.U(p*a.d.LaneBits), "operand of each column, signed lanes")
	if a.update != nil {
		a.z = a.Input("z_i", hdl.U(a.d.Rows*a.d.OperandBits), "operand of each row in update, signed lanes")
	}

	a.Group("Pipeline control: 1 operands, 2 products, 3 half sums, 4 sums")
	a.first = delay(&a.Scope, "first", first, 0, 4)
	a.last = delay(&a.Scope, "last", last, 0, 4)
	if square != nil {
		a.square = delay(&a.Scope, "square", square, 0, 2)[2]
	}
	a.control(valid)
}

// control builds the valid bits of the pipeline and what says that a sum or a
// contrast is complete.
func (a *macArray) control(valid hdl.Value) {
	one := hdl.U(1)
	sumDone := a.Reg("acc_valid_q", one)
	var tileDone *hdl.Signal
	stages, regs := delayRegs(&a.Scope, "valid", valid, 0, 4)
	a.valid = stages
	done := hdl.All(a.valid[4], a.last[4])
	cleared := append(regs, sumDone)
	if a.update != nil {
		tileDone = a.Reg("tile_done_q", one)
		done = hdl.All(a.valid[4], a.last[4], hdl.Not(a.update))
		cleared = append(cleared, tileDone)
	}
	a.AlwaysReset(func(b *hdl.Block) {
		for _, r := range cleared {
			b.Set(r, bit(false))
		}
	}, func(b *hdl.Block) {
		shift(b, valid, regs)
		b.Set(sumDone, done)
		if tileDone != nil {
			b.Set(tileDone, hdl.All(a.valid[2], a.last[2], a.update))
		}
	})
	a.Group("Sums of up and down")
	a.Assign(a.Output("acc_valid_o", one, "acc_o is complete"), sumDone)
	a.acc = a.Output("acc_o", hdl.U(a.d.P*a.d.SumBits), "signed lanes")
	if a.d.parts() > 1 {
		a.groupAcc = a.Output("group_acc_o", hdl.U(a.d.Lines*a.d.SumBits), "signed lanes: sums over the longer side")
	}
	if a.update == nil {
		return
	}
	a.Group("Contrast of update: tile_done_o, then take_i, then columns")
	a.Assign(a.Output("tile_done_o", one, "the contrast of a tile is complete"), tileDone)
	a.take = a.Input("take_i", one, "copy the contrast to the drain")
	a.drain = a.Input("drain_i", one, "read column col_i of the drain")
	a.colIdx = a.Input("col_i", hdl.U(addrBits(a.d.Lines)))
	a.column = a.Output("contrast_o", hdl.U(a.d.P*a.d.ContrastBits), "signed lanes, one cycle after drain_i")
}

// row builds the multipliers of a row, its adder tree and its drain.
func (a *macArray) row(row *hdl.Gen, r hdl.Index) {
	var prod, drained *hdl.Signal
	row.For("gen_lane", "c", a.d.P, func(g *hdl.Gen, c hdl.Index) {
		narrow, wide := c.Times(a.d.P).PlusIdx(r), r.Times(a.d.P).PlusIdx(c)
		prod, drained = a.lane(g, narrow, wide, r, c)
	})
	sum := a.tree(row, prod)

	row.Comment("Accumulator of the row")
	a.accumulator(row, "acc_q", sum, hdl.IndexSlice(a.acc, r, a.d.SumBits))

	if drained == nil {
		return
	}
	row.Comment("Column of the drain")
	column := row.Reg("column_q", hdl.S(a.d.ContrastBits))
	a.drainInto(&row.Scope, column, func(c int) hdl.Value { return row.Ref(drained, hdl.Idx(c)) })
	row.Assign(hdl.IndexSlice(a.column, r, a.d.ContrastBits), hdl.AsU(column))
}

// accumulator sums what the adder tree delivers in lane out of the array's sums.
func (a *macArray) accumulator(g *hdl.Gen, name string, sum, out hdl.Value) {
	acc := g.Reg(name, hdl.S(a.d.SumBits))
	g.Always(func(b *hdl.Block) {
		b.If(a.valid[4], func(b *hdl.Block) { accumulate(b, acc, a.first[4], sum) })
	})
	g.Assign(out, hdl.AsU(acc))
}

// drainInto loads the contrast of a line of the tile, one of those that of returns.
func (a *macArray) drainInto(s *hdl.Scope, column *hdl.Signal, of func(line int) hdl.Value) {
	s.Always(func(b *hdl.Block) {
		b.If(a.drain, func(b *hdl.Block) {
			b.Case(a.colIdx, func(cs *hdl.Case) {
				for c := range a.d.Lines - 1 {
					cs.When(func(b *hdl.Block) { b.Set(column, of(c)) }, hdl.Const(a.colIdx.Type(), int64(c)))
				}
				cs.Default(func(b *hdl.Block) { b.Set(column, of(a.d.Lines-1)) })
			})
		})
	})
}

// lane builds one multiplier with its contrast, if any, and returns product and drain. It
// takes the weights at the places narrow and wide of the tile, the former in UP unless
// the array is wide, and z of the given row with v of the given lane.
func (a *macArray) lane(g *hdl.Gen, narrow, wide, row, lane hdl.Index) (prod, drained *hdl.Signal) {
	d, ww := a.d, a.d.WeightBits
	weight := func(at hdl.Index) hdl.Value { return hdl.Ext(hdl.AsS(hdl.IndexSlice(a.tile, at, ww)), d.OperandBits) }
	up, down := narrow, wide
	if !d.tall() {
		up, down = wide, narrow
	}
	left := g.Reg("a_q", hdl.S(d.OperandBits))
	prod = g.Reg("prod_q", hdl.S(d.productBits()))
	var contrast *hdl.Signal
	if a.update != nil {
		contrast = g.Reg("contrast_q", hdl.S(d.ContrastBits))
		drained = g.Reg("drain_q", hdl.S(d.ContrastBits))
	}
	g.Always(func(b *hdl.Block) {
		b.If(a.valid[0], func(b *hdl.Block) {
			chain := b.If(a.up, func(b *hdl.Block) { b.Set(left, weight(up)) })
			transposed := func(b *hdl.Block) { b.Set(left, weight(down)) }
			if a.update == nil {
				chain.Else(transposed)
				return
			}
			chain.ElseIf(a.down, transposed).
				Else(func(b *hdl.Block) { b.Set(left, hdl.AsS(hdl.IndexSlice(a.z, row, d.OperandBits))) })
		})
		b.Set(prod, fit(hdl.Mul(left, g.Ref(a.columnOperand, lane)), d.productBits()))
		if a.update == nil {
			return
		}
		b.If(hdl.All(a.update, a.valid[2]), func(b *hdl.Block) {
			if a.square == nil {
				accumulate(b, contrast, a.first[2], prod)
				return
			}
			sum := hdl.Mux(a.square, d.moves.sum.shiftLeft(contrast, a.sumLift, d.ContrastBits), contrast)
			b.Set(contrast, hdl.AddMod(hdl.Mux(a.first[2], zeroOf(contrast), sum), fit(prod, d.ContrastBits)))
		})
		b.If(a.take, func(b *hdl.Block) { b.Set(drained, contrast) })
	})
	return prod, drained
}

// accumulate starts or continues a sum in acc, which is as wide as a proved
// bound requires. The choice is in front of the adder, where an FPGA has room for it
// in the LUT of the carry chain; behind, it would take as many LUTs again.
func accumulate(b *hdl.Block, acc *hdl.Signal, first, v hdl.Value) {
	b.Set(acc, hdl.AddMod(hdl.Mux(first, zeroOf(acc), acc), fit(v, acc.Type().Width)))
}

// tree sums the products of a row in a balanced tree with two registers, after
// half of its levels and after all. Arrays with fewer than two levels keep both
// registers, so that the latency is the same for all. A term without a partner
// goes on to the next level.
func (a *macArray) tree(row *hdl.Gen, prod *hdl.Signal) hdl.Value {
	levels := bits.Len(uint(a.d.Lines - 1))
	half := (levels + 1) / 2
	names := []string{"", "gen_sum2", "gen_sum4", "gen_sum8", "gen_sum16", "gen_sum32"}
	register := func(s *hdl.Scope, name string, v hdl.Value) *hdl.Signal {
		q := s.Reg(name, v.Type())
		s.Always(func(b *hdl.Block) { b.Set(q, v) })
		return q
	}
	keep := func(l int, s *hdl.Scope, name string, sum hdl.Value) *hdl.Signal {
		if l == half || l == levels {
			return register(s, name+"_q", sum)
		}
		return s.WireIs(name, sum)
	}
	t := terms{each: prod, count: a.d.Lines}
	for l := 1; l <= levels; l++ {
		rest := a.unpaired(row, t)
		t.pair(row, names[l], func(g *hdl.Gen, x, y hdl.Value) *hdl.Signal {
			return keep(l, &g.Scope, "sum", a.add(x, y))
		})
		switch same := rest == hdl.Value(t.rest); {
		case rest == nil:
			t.rest = nil
		case !same || l == half || l == levels:
			t.rest = keep(l, &row.Scope, "rest"+itoa(1<<l), rest)
		}
	}
	sum := t.only(row)
	if levels == 0 { // a product, which may be as wide as a contrast
		sum = fit(sum, min(sum.Type().Width, a.d.SumBits))
	}
	for level := levels; level < 2; level++ {
		sum = register(&row.Scope, [2]string{"half_sum_q", "full_sum_q"}[level], sum)
	}
	return sum
}

// terms are what a level of a tree adds: a signal of each of so many generated blocks, and
// one more, which had no partner below; nil if all had.
type terms struct {
	each  *hdl.Signal
	count int
	rest  *hdl.Signal
}

// unpaired is the next level's term without a partner, or the sum of the two that are not of
// one loop; nil if there is none.
func (a *macArray) unpaired(g *hdl.Gen, t terms) hdl.Value {
	odd := t.count%2 == 1
	switch {
	case odd && t.rest != nil:
		return a.add(g.Ref(t.each, hdl.Idx(t.count-1)), t.rest)
	case odd: // a product may be as wide as a contrast
		last := g.Ref(t.each, hdl.Idx(t.count-1))
		return fit(last, min(last.Type().Width, a.d.SumBits))
	case t.rest != nil:
		return t.rest
	}
	return nil
}

// pair goes to the next level of the pairs.
func (t *terms) pair(g *hdl.Gen, name string, sum func(g *hdl.Gen, x, y hdl.Value) *hdl.Signal) {
	t.count /= 2
	if t.count == 0 {
		return
	}
	below := t.each
	g.For(name, "k", t.count, func(g *hdl.Gen, k hdl.Index) {
		t.each = sum(g, g.Ref(below, k.Times(2)), g.Ref(below, k.Times(2).Plus(1)))
	})
}

// only is the last term.
func (t *terms) only(g *hdl.Gen) hdl.Value {
	if t.rest != nil {
		return t.rest
	}
	return g.Ref(t.each, hdl.Idx(0))
}

// add sums two values of the tree. No partial sum of a neuron exceeds SumBits, so
// wider ones need not be kept.
func (a *macArray) add(x, y hdl.Value) hdl.Value {
	if w := a.d.SumBits; x.Type().Width >= w {
		return hdl.AddMod(fit(x, w), fit(y, w))
	}
	return hdl.Add(x, y)
}

// productBits is the width of a product: exact, unless all sums and contrasts
// are proved to be narrower.
func (d *Design) productBits() int {
	return min(d.OperandBits+d.LaneBits, max(d.SumBits, d.ContrastBits))
}
