package gen

import (
	"math/bits"

	"epgen/hdl"
)

// macArray builds ep_mac_array: P x P multipliers that serve UP, DOWN and
// UPDATE with one operand multiplexer each.
//
//	UP      sum[r] = sum_c W[r,c] * v[c]      row r sums over input channels
//	DOWN    sum[r] = sum_c W[c,r] * v[c]      the tile transposed
//	UPDATE  G[r,c] += z[r] * v[c]             one contrast per multiplier
//
// Transposing the tile at the operand, rather than summing along columns,
// keeps a single adder tree per row.
func (d *Design) macArray() *hdl.Module {
	m := hdl.NewModule("ep_mac_array")
	p, ww := d.P, d.Cfg.Formats.Weight.Width()
	m.Doc("%dx%d transposable multiplier array.\n\n"+
		"  up      sum[r]  = sum_c W[r,c] * v[c]\n"+
		"  down    sum[r]  = sum_c W[c,r] * v[c]   (the tile transposed)\n"+
		"  update  G[r,c] += z[r] * v[c]\n\n"+
		"Operands %d bits signed by %d bits signed; sums %d bits, contrasts %d bits: exact.\n"+
		"Latency from operands to acc_o: 5 cycles, to the contrast: 3 cycles.", p, p,
		d.OperandBits, d.LaneBits, d.SumBits, d.ContrastBits)
	one := hdl.U(1)
	m.Group("Clock and synchronous reset")
	m.Clock("clk_i")
	m.Reset("rst_ni")
	m.Group("Mode, constant while operations are in flight")
	up := m.Input("up_i", one)
	down := m.Input("down_i", one)
	update := m.Input("update_i", one)
	m.Group("Operation")
	valid := m.Input("valid_i", one)
	first := m.Input("first_i", one, "starts a sum")
	last := m.Input("last_i", one, "completes a sum")
	tile := m.Input("tile_i", hdl.U(p*p*ww), "lane r of column c: W[r,c]")
	v := m.Input("v_i", hdl.U(p*d.LaneBits), "operand of each column, signed lanes")
	z := m.Input("z_i", hdl.U(p*d.OperandBits), "operand of each row in update, signed lanes")
	m.Group("Sums of up and down")
	accValid := m.Output("acc_valid_o", one, "acc_o is complete")
	acc := m.Output("acc_o", hdl.U(p*d.SumBits), "signed lanes")
	m.Group("Contrast of update: tile_done_o, then take_i, then columns")
	tileDone := m.Output("tile_done_o", one, "the contrast of a tile is complete")
	take := m.Input("take_i", one, "copy the contrast to the drain")
	drain := m.Input("drain_i", one, "read column col_i of the drain")
	colIdx := m.Input("col_i", hdl.U(addrBits(p)))
	column := m.Output("contrast_o", hdl.U(p*d.ContrastBits), "signed lanes, one cycle after drain_i")

	m.Group("Pipeline control: stages operands, products, half sums, sums")
	valids := delayReset(&m.Scope, "valid", valid, 4)
	firsts := delay(&m.Scope, "first", first, 4)
	lasts := delay(&m.Scope, "last", last, 4)
	accValidQ := m.Reg("acc_valid_q", one)
	m.AlwaysReset(func(b *hdl.Block) { b.Set(accValidQ, bit(false)) }, func(b *hdl.Block) {
		b.Set(accValidQ, hdl.All(valids[3], lasts[3], hdl.Not(update)))
	})
	m.Assign(accValid, accValidQ)
	tileDoneQ := m.Reg("tile_done_q", one)
	m.AlwaysReset(func(b *hdl.Block) { b.Set(tileDoneQ, bit(false)) }, func(b *hdl.Block) {
		b.Set(tileDoneQ, hdl.All(valids[1], lasts[1], update))
	})
	m.Assign(tileDone, tileDoneQ)

	m.Group("Column operands")
	var vq *hdl.Signal
	m.For("gen_column", "c", p, func(g *hdl.Gen, c hdl.Index) {
		vq = g.Reg("v_q", hdl.S(d.LaneBits))
		g.Always(func(b *hdl.Block) {
			b.If(valid, func(b *hdl.Block) { b.Set(vq, hdl.AsS(hdl.IndexSlice(v, c, d.LaneBits))) })
		})
	})

	m.Group("Rows")
	m.For("gen_row", "r", p, func(row *hdl.Gen, r hdl.Index) {
		var prod, drained *hdl.Signal
		row.For("gen_lane", "c", p, func(g *hdl.Gen, c hdl.Index) {
			a := g.Reg("a_q", hdl.S(d.OperandBits))
			prod = g.Reg("prod_q", hdl.S(d.OperandBits+d.LaneBits))
			contrast := g.Reg("contrast_q", hdl.S(d.ContrastBits))
			drained = g.Reg("drain_q", hdl.S(d.ContrastBits))
			wUp := hdl.AsS(hdl.IndexSlice(tile, c.Times(p).PlusIdx(r), ww))
			wDown := hdl.AsS(hdl.IndexSlice(tile, r.Times(p).PlusIdx(c), ww))
			g.Always(func(b *hdl.Block) {
				b.If(valid, func(b *hdl.Block) {
					b.If(up, func(b *hdl.Block) { b.Set(a, hdl.Ext(wUp, d.OperandBits)) }).
						ElseIf(down, func(b *hdl.Block) { b.Set(a, hdl.Ext(wDown, d.OperandBits)) }).
						Else(func(b *hdl.Block) { b.Set(a, hdl.AsS(hdl.IndexSlice(z, r, d.OperandBits))) })
				})
				b.If(valids[0], func(b *hdl.Block) { b.Set(prod, hdl.Mul(a, g.Ref(vq, c))) })
				b.If(hdl.All(update, valids[1]), func(b *hdl.Block) {
					b.If(firsts[1], func(b *hdl.Block) { b.Set(contrast, hdl.Ext(prod, d.ContrastBits)) }).
						Else(func(b *hdl.Block) {
							b.Set(contrast, hdl.AddMod(contrast, hdl.Ext(prod, d.ContrastBits)))
						})
				})
				b.If(take, func(b *hdl.Block) { b.Set(drained, contrast) })
			})
		})
		d.rowTree(row, r, prod, hdl.All(valids[1], hdl.Not(update)), hdl.All(valids[2], hdl.Not(update)),
			hdl.All(valids[3], hdl.Not(update)), firsts[3], acc)
		row.Comment("Column of the drain")
		colQ := row.Reg("column_q", hdl.S(d.ContrastBits))
		row.Always(func(b *hdl.Block) {
			b.If(drain, func(b *hdl.Block) {
				b.Case(colIdx, func(cs *hdl.Case) {
					for c := range p {
						set := func(b *hdl.Block) { b.Set(colQ, row.Ref(drained, hdl.Idx(c))) }
						if c == p-1 {
							cs.Default(set)
						} else {
							cs.When(set, hdl.Const(colIdx.Type(), int64(c)))
						}
					}
				})
			})
		})
		row.Assign(hdl.IndexSlice(column, r, d.ContrastBits), hdl.AsU(colQ))
	})
	return m
}

// rowTree sums the products of a row in two registered halves of a balanced
// tree and accumulates the result.
func (d *Design) rowTree(row *hdl.Gen, r hdl.Index, prod *hdl.Signal, en1, en2, en3, first hdl.Value, acc *hdl.Signal) {
	levels := bits.Len(uint(d.P - 1))
	half := (levels + 1) / 2
	names := []string{"", "gen_sum2", "gen_sum4", "gen_sum8", "gen_sum16", "gen_sum32"}
	below, width := prod, prod.Type().Width
	register := func(g *hdl.Gen, name string, en, v hdl.Value) *hdl.Signal {
		q := g.Reg(name, v.Type())
		g.Always(func(b *hdl.Block) { b.If(en, func(b *hdl.Block) { b.Set(q, v) }) })
		return q
	}
	for l := 1; l <= levels; l++ {
		row.For(names[l], "k", d.P>>l, func(g *hdl.Gen, k hdl.Index) {
			sum := hdl.Add(g.Ref(below, k.Times(2)), g.Ref(below, k.Times(2).Plus(1)))
			switch l {
			case half:
				below = register(g, "sum_q", en1, sum)
			case levels:
				below = register(g, "sum_q", en2, sum)
			default:
				below = g.WireIs("sum", sum)
			}
		})
		width++
	}
	sum := row.Ref(below, hdl.Idx(0))
	for stage := min(levels, 2); stage < 2; stage++ { // small arrays: fewer levels than registers
		en := [2]hdl.Value{en1, en2}[stage]
		q := row.Reg([2]string{"half_sum_q", "full_sum_q"}[stage], hdl.S(width))
		from := sum
		row.Always(func(b *hdl.Block) { b.If(en, func(b *hdl.Block) { b.Set(q, from) }) })
		sum = q
	}
	row.Comment("Accumulator of the row")
	accQ := row.Reg("acc_q", hdl.S(d.SumBits))
	row.Always(func(b *hdl.Block) {
		b.If(en3, func(b *hdl.Block) {
			b.If(first, func(b *hdl.Block) { b.Set(accQ, hdl.Ext(sum, d.SumBits)) }).
				Else(func(b *hdl.Block) { b.Set(accQ, hdl.AddMod(accQ, hdl.Ext(sum, d.SumBits))) })
		})
	})
	row.Assign(hdl.IndexSlice(acc, r, d.SumBits), hdl.AsU(accQ))
}
