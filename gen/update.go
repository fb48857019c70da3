package gen

import "epgen/hdl"

// updateLane builds ep_update_lane: one weight or bias of a column.
func (d *Design) updateLane() *hdl.Module {
	f := d.Cfg.Formats
	w0, b0 := d.Layers[0].Arith.WeightUpdate, d.firstBiases()
	vw := d.parameterBits()
	one := hdl.U(1)
	m := hdl.NewModule("ep_update_lane")
	m.Doc("Local update of one weight or bias:\n\n"+
		"  new = clamp(old + round(rate * contrast * 2^-k))\n\n"+
		"rate * 2^-k is lr/(2 beta B) in the layer's LSBs; one rounding (%v), then saturation.\n"+
		"Latency: 3 cycles.", w0.Mode)
	m.Group("Clock")
	m.Clock("clk_i")
	m.Group("Layer, constant while columns are in flight")
	var isBias hdl.Value
	var limit hdl.Value
	if w := d.limitBits(); w > 0 {
		limit = m.Input("limit_i", hdl.U(w), "choice of the range of the parameters")
	} else if d.someBiases() && limitsOf(b0) != limitsOf(w0) {
		isBias = m.Input("bias_i", one, "biases: "+d.biasText()+", else weights: "+d.weightText())
	}
	rate := m.Input("rate_i", hdl.U(f.RateBits), "mantissa")
	sel := selector(m, "rate_shift_i", d.shifts.rate.fromMax())
	m.Group("Column element; what comes in without one is never used")
	contrast := m.Input("contrast_i", hdl.S(d.ContrastBits))
	old := m.Input("old_i", hdl.S(vw), "old value")
	updated := m.OutputReg("new_o", hdl.S(d.ElementBits), "new value, sign extended")

	m.Group("Pipeline: product, rounded change, sum")
	olds := delay(&m.Scope, "old", old, 0, 2)
	factor := hdl.AsS(hdl.Cat(hdl.Const(one, 0), rate))
	product := hdl.Mul(factor, contrast)
	prod := m.Reg("product_q", product.Type())
	k := d.shifts.rate.max()
	lift := d.shifts.rate.fromMax()
	scaled := m.WireIs("scaled", lift.shiftLeft(prod, sel, prod.Type().Width+lift.max()))
	var rounded hdl.Value
	if d.stochastic() {
		place := m.Input("place_i", hdl.U(32), "of the element; one cycle before contrast_i")
		inner := m.Input("inner_i", hdl.U(32))
		m.Group("Random bits, and the rounded change")
		rounded = stochasticRound(&m.Scope, "scaled", scaled, k, mix(&m.Scope, "mix", place, inner))
	} else {
		rounded = roundShift(&m.Scope, "scaled", scaled, k, w0.Mode)
	}
	sumT := hdl.S(1 + max(rounded.Type().Width, vw))
	var lo, hi hdl.Value
	if limit != nil {
		lo, hi = d.chooseLimits(m, limit, sumT)
	} else {
		lo, hi = m.Localparam("WEIGHT_MIN", sumT, w0.Lo), m.Localparam("WEIGHT_MAX", sumT, w0.Hi)
	}
	if isBias != nil {
		biasLo := m.Localparam("BIAS_MIN", sumT, b0.Lo)
		biasHi := m.Localparam("BIAS_MAX", sumT, b0.Hi)
		lo = m.WireIs("lo", hdl.Mux(isBias, biasLo, lo))
		hi = m.WireIs("hi", hdl.Mux(isBias, biasHi, hi))
	}
	delta := m.Reg("delta_q", rounded.Type())
	sum := m.WireIs("sum", hdl.Add(delta, olds[2]))
	t := hdl.S(vw)
	m.Always(func(b *hdl.Block) {
		b.Set(prod, product)
		b.Set(delta, rounded)
		b.Set(updated, hdl.Ext(clamp(sum, lo, hi, t), d.ElementBits))
	})
	return m
}

// fromMax returns, for each value, how far it is below the largest.
func (c choices) fromMax() choices {
	var out choices
	for _, v := range c.values {
		out.values = append(out.values, c.max()-v)
	}
	return out
}

// drain builds ep_drain: it empties finished contrasts column by column into
// the update lanes while the array works on the next tile.
func (d *Design) drain() *hdl.Module {
	one := hdl.U(1)
	tile := hdl.U(d.fields.tile)
	m := hdl.NewModule("ep_drain")
	m.Doc("Empties the contrast of finished tiles, one column a cycle, while the array works\n" +
		"on the next tile.\n\n" +
		"At most two tiles are open: one in the accumulators, one in the drain. tile_ok_o\n" +
		"holds back the first operation of a third.")
	m.Group("Clock and synchronous reset")
	m.Clock("clk_i")
	m.Reset("rst_ni")
	m.Group("Pass")
	start := m.Input("start_i", one, "first tile of the slab follows")
	abort := m.Input("abort_i", one, "forget all tiles")
	var isBias hdl.Value
	if d.someBiases() {
		isBias = m.Input("bias_i", one, "the tile is the column of biases")
	}
	m.Group("Tiles")
	open := m.Input("open_i", one, "the first operation of a tile is issued")
	tileOK := m.Output("tile_ok_o", one, "a tile may be opened")
	idle := m.Output("idle_o", one, "no tile is open")
	complete := m.Input("complete_i", one, "the contrast of a tile is complete")
	take := m.Output("take_o", one, "copy it to the drain; read its old weights")
	tileAddr := m.Output("tile_o", tile, "its place in the slab")
	m.Group("Columns")
	ready := m.Input("ready_i", one, "the store takes a column")
	column := m.Output("column_o", one)
	colOut := m.Output("col_o", hdl.U(addrBits(d.Lines)))

	m.Group("State")
	openQ := m.Reg("open_q", hdl.U(2), "tiles open")
	fullQ := m.Reg("full_q", one, "a complete contrast waits for the drain")
	busyQ := m.Reg("busy_q", one, "columns remain")
	colQ := m.Reg("col_q", colOut.Type())
	tileQ := m.Reg("tile_q", tile)
	lastOf := hdl.EqConst(colQ, int64(d.Lines-1))
	if isBias != nil {
		lastOf = hdl.Any(isBias, lastOf)
	}
	lastCol := m.WireIs("last_col", lastOf)
	fire := m.WireIs("fire", hdl.All(busyQ, ready))
	finish := m.WireIs("finish", hdl.All(fire, lastCol))
	takeW := m.WireIs("take", hdl.All(hdl.Any(complete, fullQ), hdl.Any(hdl.Not(busyQ), finish)))
	m.Assign(take, takeW)
	m.Assign(column, fire)
	if d.columnsPerBeat() > 1 {
		m.Assign(m.Output("last_o", one, "last column of the only open tile"), hdl.All(lastCol, hdl.EqConst(openQ, 1)))
	}
	m.Assign(colOut, colQ)
	m.Assign(tileAddr, tileQ)
	m.Assign(tileOK, hdl.Not(hdl.Bit(openQ, 1)))
	m.Assign(idle, hdl.EqConst(openQ, 0))
	regs := []*hdl.Signal{openQ, fullQ, busyQ, colQ, tileQ}
	clear := func(b *hdl.Block) {
		for _, r := range regs {
			b.Set(r, zeroOf(r))
		}
	}
	m.AlwaysReset(clear, func(b *hdl.Block) {
		b.If(hdl.Any(start, abort), clear).Else(func(b *hdl.Block) {
			b.If(hdl.All(open, hdl.Not(finish)), func(b *hdl.Block) { b.Set(openQ, inc(openQ)) }).
				ElseIf(hdl.All(finish, hdl.Not(open)), func(b *hdl.Block) {
					b.Set(openQ, hdl.SubMod(openQ, hdl.Const(openQ.Type(), 1)))
				})
			b.Set(fullQ, hdl.All(hdl.Any(complete, fullQ), hdl.Not(takeW)))
			b.If(takeW, func(b *hdl.Block) {
				b.Set(busyQ, bit(true))
				b.Set(colQ, zeroOf(colQ))
				b.Set(tileQ, inc(tileQ))
			}).ElseIf(fire, func(b *hdl.Block) {
				b.Set(busyQ, hdl.Not(lastCol))
				b.Set(colQ, inc(colQ))
			})
		})
	})
	return m
}
