package gen

import (
	"fmt"

	"epgen/hdl"
)

// updateLane builds ep_update_lane: one weight or bias of a column.
func (d *Design) updateLane() *hdl.Module {
	u := &updateLane{Module: hdl.NewModule("ep_update_lane"), d: d}
	u.Doc("%s", d.updateLaneDoc())
	u.ports()
	u.apply(u.change())
	u.Always(func(b *hdl.Block) {
		for _, r := range u.regs {
			b.Set(r.reg, r.v)
		}
	})
	return u.Module
}

// updateLaneDoc is the comment of ep_update_lane.
func (d *Design) updateLaneDoc() string {
	cfg := d.Cfg
	mode := d.Layers[0].Arith.WeightUpdate.Mode.String()
	before, after := d.laneStages()
	text := "Local update of one weight or bias:\n\n"
	if before+after == 0 {
		text += "  new = clamp(old + round(rate * contrast * 2^-k))\n\n"
	} else {
		old, contrast, terms := "old", "contrast", ""
		if d.sums() {
			contrast = "sum"
			text += "  sum = sum + contrast, exact; 0 after an update\n"
		}
		if cfg.Formats.MasterBits > 0 {
			old = "master"
			text += fmt.Sprintf("  master = old * 2^%d + remainder\n", cfg.Formats.MasterBits)
		}
		if cfg.DecayShift > 0 {
			terms += fmt.Sprintf(" - %s * 2^-%d", old, cfg.DecayShift)
		}
		if cfg.MomentumShift > 0 {
			terms += fmt.Sprintf(" - velocity * 2^-%d", cfg.MomentumShift)
		}
		text += "  change = round(rate * " + contrast + " * 2^-k" + terms + ")\n"
		change := "change"
		if cfg.MomentumShift > 0 {
			text += "  velocity = clamp(velocity + change)\n"
			change = "velocity"
		}
		if cfg.Formats.MasterBits > 0 {
			text += "  new = the nearest to clamp(master + " + change + "), ties going up\n\n"
		} else {
			text += "  new = clamp(old + " + change + ")\n\n"
		}
	}
	if d.sums() {
		text += "Where the start completes no update, the sum alone changes.\n"
	}
	return text + fmt.Sprintf("rate * 2^-k is lr/(2 beta B) in the layer's LSBs; one rounding (%s), then saturation.\n"+
		"Latency: %d cycles.", mode, d.columnLate()-1)
}

// updateLane is ep_update_lane under construction. A value of stage k is that of the
// element whose contrast came k cycles ago.
type updateLane struct {
	*hdl.Module
	d *Design

	limit, isBias, rate, sel   hdl.Value // limit and isBias are nil where nothing depends on them
	fixed                      hdl.Value // nil unless some parameters decay and others do not
	contrast, old, sum, last   hdl.Value // stage 0; last is constant
	velocity, remainder        hdl.Value
	masters, velocities, total []hdl.Value // by stage
	stage                      int         // of the rounded change, registered
	updated, kept              *hdl.Signal
	regs                       []assignment // all but those of delays
}

// assignment is what a register takes in every cycle.
type assignment struct {
	reg *hdl.Signal
	v   hdl.Value
}

// set makes v the next value of a register.
func (u *updateLane) set(reg *hdl.Signal, v hdl.Value) *hdl.Signal {
	u.regs = append(u.regs, assignment{reg, v})
	return reg
}

func (u *updateLane) ports() {
	d := u.d
	f := d.Cfg.Formats
	one := hdl.U(1)
	u.Group("Clock")
	u.Clock("clk_i")
	u.Group("Layer, constant while columns are in flight")
	if w := d.limitBits(); w > 0 {
		u.limit = u.Input("limit_i", hdl.U(w), "choice of the range of the parameters")
	} else if d.someBiases() && limitsOf(d.firstBiases()) != limitsOf(d.Layers[0].Arith.WeightUpdate) {
		u.isBias = u.Input("bias_i", one, "biases: "+d.biasText()+", else weights: "+d.weightText())
	}
	if d.fixedMaps() {
		u.fixed = u.Input("fixed_i", one, "of a head whose map does not decay")
	}
	u.rate = u.Input("rate_i", hdl.U(f.RateBits), "mantissa")
	u.sel = selector(u.Module, "rate_shift_i", d.rateLift())
	if d.sums() {
		u.last = u.Input("apply_i", one, "the start completes an update")
	}
	u.Group("Column element; what comes in without one is never used")
	u.contrast = u.Input("contrast_i", hdl.S(d.ContrastBits))
	u.old = u.Input("old_i", hdl.S(d.parameterBits()), "old value")
	for _, k := range d.KeptFields() {
		v := u.Input(k.Name+"_i", hdl.S(k.Bits), "old "+k.Name)
		switch k.Name {
		case "remainder":
			u.remainder = v
		case "velocity":
			u.velocity = v
		case "sum":
			u.sum = v
		}
	}
	u.updated = u.OutputReg("new_o", hdl.S(d.ElementBits), "new value, sign extended")
	if d.keeps() {
		u.kept = u.OutputReg("kept_o", hdl.U(d.KeptWords()*d.ElementBits), "what is kept, the first word lowest")
	}
}

// rateLift are the shifts that align products to the fraction of the change.
func (d *Design) rateLift() choices {
	var out choices
	for _, v := range d.shifts.rate.values {
		out.values = append(out.values, d.changeFraction()-v)
	}
	return out
}

// changeFraction is the number of fractional bits of the exact change.
func (d *Design) changeFraction() int {
	return max(d.shifts.rate.max(), d.Cfg.DecayShift, d.Cfg.MomentumShift)
}

// change builds the pipeline up to the rounded change.
func (u *updateLane) change() hdl.Value {
	d, cfg := u.d, u.d.Cfg
	before, after := d.laneStages()
	u.stage = 2 + before
	end := u.stage + after
	if before+after == 0 {
		u.Group("Pipeline: product, rounded change, sum")
	} else {
		u.Group("Pipeline: product, rounded change, new values")
	}
	master := u.old
	if bits := cfg.Formats.MasterBits; bits > 0 {
		master = u.WireIs("master", fit(hdl.Add(hdl.Shl(u.old, bits), u.remainder), d.masterBits()))
	}
	name := "old"
	if cfg.Formats.MasterBits > 0 {
		name = "master"
	}
	last := u.stage
	if d.sums() {
		last = end
	} else if cfg.MomentumShift > 0 {
		last++
	}
	u.masters = delay(&u.Scope, name, master, 0, last)
	if u.velocity != nil {
		until := u.stage
		if d.sums() {
			until = end
		}
		u.velocities = delay(&u.Scope, "velocity", u.velocity, 0, until)
	}
	contrast, at := u.contrast, 0
	if d.sums() {
		total := u.Reg("total_q1", hdl.S(d.Arith.Keeps.Sum), "contrasts of all starts so far")
		if w := d.Arith.Keeps.Sum; w < d.ContrastBits { // those of layers that do not learn are wider
			contrast = fit(contrast, w)
			u.Unused(hdl.Slice(u.contrast, d.ContrastBits-1, w))
		}
		u.set(total, fit(hdl.Add(contrast, u.sum), d.Arith.Keeps.Sum))
		contrast, at = total, 1
		u.total = delay(&u.Scope, "total", total, 1, end)
	}
	factor := hdl.AsS(hdl.Cat(hdl.Const(hdl.U(1), 0), u.rate))
	product := hdl.Mul(factor, contrast)
	product = hdl.Trunc(product, product.Type().Width-1) // the factor has no sign, so the top bits are equal
	prod := u.set(u.Reg("product_q", product.Type()), product)
	at++
	k, lift := d.changeFraction(), d.rateLift()
	name = "scaled"
	scaled := u.WireIs(name, lift.shiftLeft(prod, u.sel, prod.Type().Width+lift.max()))
	if cfg.DecayShift+cfg.MomentumShift > 0 {
		exact := hdl.Value(scaled)
		lose := func(v hdl.Value, shift int) {
			if shift > 0 {
				exact = hdl.Sub(exact, hdl.Shl(v, k-shift))
			}
		}
		decaying := u.masters[at]
		if u.fixed != nil {
			decaying = u.WireIs("decaying", hdl.Mux(u.fixed, zeroOf(decaying), decaying))
		}
		lose(decaying, cfg.DecayShift)
		if u.velocity != nil {
			lose(u.velocities[at], cfg.MomentumShift)
		}
		scaled, name = u.set(u.Reg("exact_q", exact.Type(), "change, not rounded"), exact), "exact"
	}
	if !d.stochastic() {
		return roundShift(&u.Scope, name, scaled, k, d.Layers[0].Arith.WeightUpdate.Mode)
	}
	text := "of the element; one cycle before contrast_i"
	switch before {
	case 1:
		text = "of the element; with contrast_i"
	case 2:
		text = "of the element; one cycle behind contrast_i"
	}
	place := u.Input("place_i", hdl.U(32), text)
	inner := u.Input("inner_i", hdl.U(32))
	u.Group("Random bits, and the rounded change")
	return stochasticRound(&u.Scope, name, scaled, k, mix(&u.Scope, "mix", place, inner))
}

// masterBits is the width of a master, or of a weight or bias where there are none.
func (d *Design) masterBits() int { return d.parameterBits() + d.Cfg.Formats.MasterBits }

// ends are the ends of the range of masters.
func (u *updateLane) ends(t hdl.Type) (lo, hi hdl.Value) {
	if u.limit != nil {
		return u.d.chooseLimits(u.Module, u.limit, t)
	}
	w0, b0 := u.d.Layers[0].Arith.WeightUpdate, u.d.firstBiases()
	lo, hi = u.Localparam("WEIGHT_MIN", t, w0.Lo), u.Localparam("WEIGHT_MAX", t, w0.Hi)
	if u.isBias == nil {
		return lo, hi
	}
	biasLo := u.Localparam("BIAS_MIN", t, b0.Lo)
	biasHi := u.Localparam("BIAS_MAX", t, b0.Hi)
	return u.WireIs("lo", hdl.Mux(u.isBias, biasLo, lo)), u.WireIs("hi", hdl.Mux(u.isBias, biasHi, hi))
}

// apply builds what follows the rounded change: velocity, master, the new value.
func (u *updateLane) apply(rounded hdl.Value) {
	d, cfg := u.d, u.d.Cfg
	widest := rounded.Type().Width
	if u.velocity != nil {
		widest = u.velocity.Type().Width
	}
	lo, hi := u.ends(hdl.S(1 + max(widest, d.masterBits())))
	change, stage := u.set(u.Reg("delta_q", rounded.Type()), rounded), u.stage
	var velocity *hdl.Signal
	if u.velocity != nil {
		sum := u.WireIs("faster", hdl.Add(change, u.velocities[stage]))
		low, high := d.Arith.Keeps.VelocityRange()
		least, most := u.Localparam("VELOCITY_MIN", sum.Type(), low), u.Localparam("VELOCITY_MAX", sum.Type(), high)
		velocity = u.set(u.Reg("new_velocity_q", u.velocity.Type()), clamp(sum, least, most, u.velocity.Type()))
		change = velocity
		stage++
	}
	name := "sum"
	if u.sum != nil { // of contrasts
		name = "moved"
	}
	sum := u.WireIs(name, hdl.Add(change, u.masters[stage]))
	master := clamp(sum, lo, hi, hdl.S(d.masterBits()))
	var remainder hdl.Value
	if bits := cfg.Formats.MasterBits; bits > 0 {
		kept := hdl.Value(u.set(u.Reg("new_master_q", master.Type()), master))
		stage++
		if velocity != nil {
			velocity = u.set(u.Reg("new_velocity_q2", velocity.Type()), velocity)
		}
		if d.sums() {
			kept = u.WireIs("kept_master", hdl.Mux(u.last, kept, u.masters[stage]))
		}
		master, remainder = u.split(kept, bits)
	} else if d.sums() {
		master = hdl.Mux(u.last, master, u.masters[stage])
	}
	u.set(u.updated, hdl.Ext(master, d.ElementBits))
	u.keep(stage, remainder, velocity)
}

// split returns the nearest weight of a master, and what remains.
func (u *updateLane) split(master hdl.Value, bits int) (weight, remainder hdl.Value) {
	d := u.d
	half := hdl.Const(hdl.S(d.masterBits()+1), 1<<(bits-1))
	nearest := u.WireIs("nearest", hdl.Add(master, half), "a tie goes up")
	if w := nearest.Type().Width; w > d.masterBits() {
		u.Unused(hdl.Slice(nearest, w-1, d.masterBits()))
	}
	remainder = hdl.Inv(hdl.Bit(nearest, bits-1)) // half an LSB has turned the sign round
	if bits > 1 {
		remainder = hdl.Cat(remainder, hdl.Slice(nearest, bits-2, 0))
	}
	return hdl.AsS(hdl.Slice(nearest, d.masterBits()-1, bits)), remainder
}

// keep builds the new words of what is kept.
func (u *updateLane) keep(stage int, remainder hdl.Value, velocity *hdl.Signal) {
	d := u.d
	if !d.keeps() {
		return
	}
	var parts []hdl.Value
	for _, f := range d.KeptFields() {
		var v hdl.Value
		switch f.Name {
		case "remainder":
			v = hdl.AsS(remainder)
		case "velocity":
			if v = velocity; d.sums() {
				v = hdl.Mux(u.last, velocity, u.velocities[stage])
			}
		case "sum":
			v = hdl.Mux(u.last, zeroOf(u.total[stage]), u.total[stage])
		}
		parts = append([]hdl.Value{hdl.AsU(hdl.Ext(v, f.Words*d.ElementBits))}, parts...)
	}
	u.set(u.kept, hdl.Cat(parts[0], parts[1:]...))
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
	var linger *hdl.Signal
	if d.linger() > 0 {
		linger = m.Reg("linger_q", hdl.U(widest(d.linger())), "cycles until the last column has left")
	}
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
	regs := []*hdl.Signal{openQ, fullQ, busyQ, colQ, tileQ}
	if linger == nil {
		m.Assign(idle, hdl.EqConst(openQ, 0))
	} else {
		m.Assign(idle, hdl.All(hdl.EqConst(openQ, 0), hdl.EqConst(linger, 0)))
		regs = append(regs, linger)
	}
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
			if linger != nil {
				b.If(fire, func(b *hdl.Block) { b.Set(linger, hdl.Const(linger.Type(), int64(d.linger()))) }).
					ElseIf(hdl.NeConst(linger, 0), func(b *hdl.Block) { b.Set(linger, hdl.SubMod(linger, hdl.Const(linger.Type(), 1))) })
			}
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
