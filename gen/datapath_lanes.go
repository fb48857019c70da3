package gen

import (
	"epgen/ep"
	"epgen/hdl"
)

// array builds stages 2 to 7: operands, multipliers, sums.
func (p *datapath) array() {
	d := p.d
	p.Group("Stage 2: operands")
	void2 := delay(&p.Scope, "void", p.void1, 1, 2)[2]
	var minus2 hdl.Value
	if p.minus1 != nil {
		minus2 = delay(&p.Scope, "op_minus", p.minus1, 1, 2)[2]
	}
	first2 := delay(&p.Scope, "first", p.first1, 1, 2)[2]
	last2 := delay(&p.Scope, "last", p.last1, 1, 2)[2]
	u := p.Instance(d.operands(), "u_operands")
	for _, name := range []string{"down", "i_even", "zero"} {
		u.In(name+"_i", p.mode[name])
	}
	if initial, ok := p.mode["initial_state"]; ok {
		u.In("initial_state_i", initial)
	}
	if isBias := p.isBias(); isBias != nil {
		u.In("bias_i", isBias)
	}
	u.In("unpool_i", p.argmaxOnly(p.mode["unpool"]))
	if part, ok := p.mode["slab_part"]; ok {
		u.In("slab_part_i", part)
	}
	if p.part1 != nil {
		u.In("part_i", delay(&p.Scope, "part", p.part1, 1, 2)[2])
	}
	u.In("void_i", void2)
	if resting, ok := p.mode["resting"]; ok {
		u.In("resting_i", resting)
		if lift := p.liftOf(minus2); lift != nil {
			u.In("lift_i", lift)
		}
	}
	if negate, ok := p.mode["negate"]; ok {
		if d.differs() {
			u.In("negate_i", negate)
		} else {
			minus2 = hdl.Xor(minus2, negate)
		}
	}
	if minus2 != nil {
		u.In("minus_i", p.negated(minus2))
	}
	if d.hasHeads() && d.weights() {
		u.In("head_i", p.mode["head"])
	}
	u.In("pos_i", p.pos[2])
	u.In("even_i", p.even)
	u.In("odd_i", p.odd)
	u.In("index_i", p.index)
	v := u.OutAs("v_o", "v")
	var z hdl.Value
	if d.learns() {
		z = u.OutAs("z_o", "z")
	}

	p.Group("Stages 3 to 7: array")
	u = p.Instance(d.macArray(), "u_array")
	u.In("up_i", p.mode["up"])
	sums := hdl.Any(p.mode["up"], p.mode["down"])
	if d.learns() {
		u.In("down_i", p.mode["down"])
		u.In("update_i", p.mode["update"])
		sums = hdl.Any(p.mode["up"], p.mode["down"], p.mode["update"])
	}
	u.In("valid_i", hdl.All(p.valid[2], sums))
	u.In("first_i", first2)
	if p.square1 != nil {
		u.In("square_i", delay(&p.Scope, "square", p.square1, 1, 2)[2])
		if lift, ok := p.mode["sum_lift"]; ok {
			u.In("sum_lift_i", lift)
		}
	}
	u.In("last_i", last2)
	u.In("tile_i", p.tile)
	u.In("v_i", v)
	u.OutTo("acc_valid_o", p.accValid)
	p.acc = p.sums(u)
	if !d.learns() {
		return
	}
	u.In("z_i", z)
	p.column = p.Wire("column", hdl.U(1), "the drain reads a column")
	p.colIdx = p.Wire("col", hdl.U(addrBits(d.Lines)))
	p.tileDone = u.OutAs("tile_done_o", "tile_done")
	u.In("take_i", p.take)
	u.In("drain_i", p.column)
	u.In("col_i", p.colIdx)
	p.contrast = u.OutAs("contrast_o", "contrast")
}

// lanes builds what follows the sums, stages 7 to 9, and the activation.
func (p *datapath) lanes() {
	d, lw := p.d, p.d.LaneBits
	if d.hasHeads() {
		p.headWires()
	}
	var target *hdl.Signal
	if d.labels() > 0 {
		target = p.labels()
	}

	p.Group("Stages 7 to 9: lanes")
	var index hdl.Value
	if p.mode["free_index"] != nil {
		index = p.repeat("lane_index", delay(&p.Scope, "index", p.index, 2, 8)[8], d.IndexParts())
	}
	bias := p.bias
	if bias != nil {
		bias = p.repeat("lane_bias", bias, d.rowParts())
	}
	we, clear := p.laneEnables()
	p.here = p.WireIs("here_word", hdl.Mux(p.mode["i_even"], p.odd, p.even))
	old := p.here
	if resting, ok := p.mode["resting"]; ok {
		old = p.WireIs("old_word", hdl.Mux(resting, zeroOf(old), old))
	}
	module := d.lane()
	bw := d.BiasBits
	var moved, actValid *hdl.Signal
	if d.monitored() {
		actValid = p.WireIs("act_valid", hdl.All(p.valid[2], p.mode["act"]))
		moved = p.Wire("moved", hdl.U(d.P), "lanes whose state has moved")
		p.Assign(p.Output("moved_o", hdl.U(1), "a state has moved by more than the tolerance"), hdl.RedOr(moved))
	}
	p.For("gen_lane", "r", d.P, func(g *hdl.Gen, r hdl.Index) {
		u := g.Instance(module, "u_lane")
		names := []string{"up", "down", "free_index", "window", "nudge", "up_shift", "down_shift", "act_shift"}
		for _, name := range append(names, d.laneModes()...) {
			if v := p.mode[name]; v != nil {
				u.In(name+"_i", v)
			}
		}
		if mean, ok := p.mode["mean"]; ok {
			u.In("mean_i", mean)
		}
		if unclamped, ok := p.mode["unclamped"]; ok {
			u.In("unclamped_i", unclamped)
		}
		if strength, ok := p.mode["strength"]; ok {
			u.In("strength_i", strength)
		}
		if minus, ok := p.mode["nudge_minus"]; ok {
			u.In("nudge_minus_i", minus)
		}
		if top, ok := p.mode["top"]; ok {
			u.In("top_i", top)
		}
		if d.Cfg.Damping > 0 {
			u.In("zero_i", p.mode["zero"])
		}
		u.In("sum_valid_i", p.accValid)
		u.In("sum_i", hdl.AsS(hdl.IndexSlice(p.acc, r, d.SumBits)))
		if p.bias != nil {
			if v := p.mode["bias_shift"]; v != nil {
				u.In("bias_shift_i", v)
			}
			u.In("bias_i", hdl.AsS(hdl.IndexSlice(bias, r, bw)))
		}
		u.In("pos_i", p.pos[8])
		if index != nil {
			u.In("index_i", hdl.IndexSlice(index, r, 2))
		}
		u.In("acc_re_i", p.re)
		u.In("acc_raddr_i", p.raddr)
		if we == nil {
			u.In("acc_we_i", p.we)
		} else {
			u.In("acc_we_i", hdl.IndexBit(we, r))
			u.In("acc_clear_i", hdl.IndexBit(clear, r))
		}
		u.In("acc_waddr_i", p.laneWiring.waddr)
		if d.readsState() {
			u.In("state_i", hdl.AsS(hdl.IndexSlice(old, r, lw)))
		}
		if target != nil {
			u.In("target_i", hdl.IndexBit(target, r))
		}
		if d.hasHeads() {
			p.headLane(u, r)
		}
		if p.referenceAddr != nil {
			for _, name := range []string{"moving", "undriven", "reach"} {
				if v, ok := p.mode[name]; ok {
					u.In(name+"_i", v)
				}
			}
			u.In("reference_raddr_i", p.referenceAddr)
			u.In("reference_we_i", p.referenceWE)
			u.In("reference_waddr_i", p.referenceWAddr)
		}
		u.OutTo("argmax_o", hdl.IndexSlice(p.argmax, r, 2))
		if moved != nil {
			u.In("act_valid_i", actValid)
			u.OutTo("moved_o", hdl.IndexBit(moved, r))
		}
		state := u.OutAs("state_o", "state_lane")
		g.Assign(hdl.IndexSlice(p.states, r, lw), hdl.AsU(state))
	})
}

// labels builds the memory of the labels and the one-hot target of a word of
// output states, in stage 2. A label is {word, lane}; the word is counted from
// the first sample.
func (p *datapath) labels() *hdl.Signal {
	d := p.d
	words := d.labelMap().SampleWords
	lg := d.laneBits()
	addr := hdl.U(d.fields.addr)
	p.Group("Labels")
	we := p.Input("label_we_i", hdl.U(1))
	at := p.Input("label_addr_i", hdl.U(d.fields.sample))
	data := p.Input("label_data_i", hdl.U(d.labelBits()), "{word, lane} of the neuron in its sample")
	offset := p.Reg("label_offset_q", addr, "first word of the next sample")
	firstSample := p.WireIs("first_label", hdl.EqConst(at, 0))
	base := p.WireIs("label_base", hdl.Mux(firstSample, zeroOf(offset), offset))
	word := hdl.Value(base)
	if w := d.labelBits() - lg; w > 0 {
		word = hdl.AddMod(base, hdl.Ext(hdl.Slice(data, d.labelBits()-1, lg), d.fields.addr))
	}
	labels := p.Memory("label_mem", hdl.U(d.fields.addr+lg), d.Cfg.Batch)
	label := p.Reg("label_q1", labels.Word())
	p.label = label
	var at1 *hdl.Signal
	if d.nudgesOutput() {
		at1 = p.Reg("label_word_q1", addr, "word of the operation, stage 1")
	}
	entry := word
	if lg > 0 {
		entry = hdl.Cat(word, hdl.Slice(data, lg-1, 0))
	}
	p.Always(func(b *hdl.Block) {
		b.If(we, func(b *hdl.Block) {
			b.Set(offset, hdl.AddMod(base, hdl.Const(addr, int64(words))))
		})
	})
	p.Always(func(b *hdl.Block) {
		b.If(we, func(b *hdl.Block) { b.Set(labels.At(at), entry) })
		read, sample := hdl.All(p.op["valid"], p.mode["act"]), p.op["sample"]
		if d.labelledHeads() {
			read, sample = hdl.Any(read, p.headRead), hdl.Mux(p.headRead, p.headSample, sample)
		}
		b.If(read, func(b *hdl.Block) {
			b.Set(label, labels.At(sample))
			if at1 != nil {
				b.Set(at1, p.op["o"])
			}
		})
	})
	if !d.nudgesOutput() {
		return nil
	}
	target := p.Reg("target_q2", hdl.U(d.P), "one-hot lane of the label, stage 2")
	hit := p.WireIs("label_hit", hdl.Eq(hdl.Slice(label, d.fields.addr+lg-1, lg), at1))
	p.Always(func(b *hdl.Block) {
		one := hdl.Value(hdl.Const(target.Type(), 1))
		if lg > 0 {
			one = hdl.ShlDyn(one, hdl.Slice(label, lg-1, 0))
		}
		b.Set(target, hdl.Mux(hit, one, zeroOf(target)))
	})
	return target
}

// leave builds the columns that go to the store: new weights, where the core learns, and the
// states of the result.
func (p *datapath) leave() {
	d, one := p.d, hdl.U(1)
	var updated, fresh, reserved, last hdl.Value
	if d.learns() {
		updated, fresh, reserved, last = p.updates()
	}
	p.Group("Results")
	result := p.Wire("result", hdl.U(d.P*d.ElementBits))
	p.For("gen_result", "r", d.P, func(g *hdl.Gen, r hdl.Index) {
		word := hdl.IndexSlice(p.here, r, d.LaneBits)
		if d.Cfg.Output == ep.Linear {
			state := g.WireIs("state_value", hdl.AsS(word))
			g.Assign(hdl.IndexSlice(result, r, d.ElementBits), hdl.AsU(hdl.Ext(state, d.ElementBits)))
		} else {
			state := g.WireIs("state_value", word, "not negative")
			g.Assign(hdl.IndexSlice(result, r, d.ElementBits), hdl.Ext(state, d.ElementBits))
		}
	})
	p.Group("To the store")
	// orUpdate is what announces a column of new weights or of the results.
	orUpdate := func(update, results hdl.Value) hdl.Value {
		if update == nil {
			return results
		}
		return hdl.Any(update, results)
	}
	column := hdl.Value(result)
	if updated != nil {
		column = hdl.Mux(p.mode["result"], result, updated)
	}
	p.Assign(p.Output("reserve_o", one, "a column is on its way"), orUpdate(reserved, hdl.All(p.op["valid"], p.mode["result"])))
	p.Assign(p.Output("column_valid_o", one), orUpdate(fresh, hdl.All(p.valid[2], p.mode["result"])))
	p.Assign(p.Output("column_o", hdl.U(d.P*d.ElementBits)), column)
	if d.columnsPerBeat() > 1 { // only beats of several columns are padded
		end := p.Input("walk_done_i", one, "last operation of the pass")
		late := delay(&p.Scope, "result_last", hdl.All(end, p.mode["result"]), 0, 2)
		p.Assign(p.Output("column_last_o", one), orUpdate(last, late[2]))
	}
}

// updates builds the drain and the update lanes: columns of new weights, when they are there
// and when they are announced, and the last one of a slab, which is nil where the store
// pads no beats.
func (p *datapath) updates() (updated, fresh, reserved, last hdl.Value) {
	d, one := p.d, hdl.U(1)
	ww, bw := d.WeightBits, d.BiasBits
	vw := d.parameterBits()
	p.Group("Update: drain")
	start := p.Input("update_start_i", one, "first tile of a slab follows")
	p.updateStart = start
	ready := p.Input("store_ready_i", one)
	u := p.Instance(d.drain(), "u_drain")
	u.In("start_i", start)
	p.abort = p.Input("abort_i", one, "forget the update")
	u.In("abort_i", p.abort)
	if p.bias != nil {
		u.In("bias_i", p.isBias())
	}
	u.In("open_i", hdl.All(p.op["valid"], p.op["first"], p.mode["update"]))
	tileOK, idle := p.Output("tile_ok_o", one, "a tile may be opened"), p.Output("drain_idle_o", one)
	u.OutTo("tile_ok_o", tileOK)
	u.OutTo("idle_o", idle)
	u.In("complete_i", p.tileDone)
	u.OutTo("take_o", p.take)
	u.OutTo("tile_o", p.drainTile)
	u.In("ready_i", p.keptReady(ready))
	u.OutTo("column_o", p.column)
	u.OutTo("col_o", p.colIdx)
	var lastOpen *hdl.Signal
	if d.columnsPerBeat() > 1 {
		lastOpen = u.OutAs("last_o", "last_open")
	}

	p.Group("Update: lanes")
	old := p.Reg("old_column_q", hdl.U(d.columnBits()))
	column := hdl.Value(p.tile)
	if d.Lines > 1 {
		column = choosePart(p.tile, p.colIdx, d.Lines, d.columnBits())
	}
	p.Always(func(b *hdl.Block) {
		b.If(p.column, func(b *hdl.Block) { b.Set(old, column) })
	})
	valid := p.columnsLeaving()
	biasLanes := p.bias
	if p.bias != nil && d.rowParts() > 1 { // biases have a lane for each row
		biasLanes = p.WireIs("bias_lanes", hdl.Ext(p.bias, d.P*bw))
	}
	columns := p.Wire("updated", hdl.U(d.P*d.ElementBits))
	module := d.updateLane()
	var place *hdl.Signal
	var inner hdl.Value
	if d.stochastic() {
		place = p.places()
		inner = p.Input("inner_i", hdl.U(32))
		if before, _ := d.laneStages(); before > 0 {
			place = delay(&p.Scope, "place", place, 0, before)[before].(*hdl.Signal)
		}
	}
	var apply hdl.Value
	if d.sums() {
		apply = p.Input("apply_i", hdl.U(1), "the start completes an update")
	}
	p.For("gen_update", "r", d.P, func(g *hdl.Gen, r hdl.Index) {
		weight := g.WireIs("weight", hdl.Ext(hdl.AsS(hdl.IndexSlice(old, r, ww)), vw))
		old := hdl.Value(weight)
		if p.bias != nil {
			bias := g.WireIs("bias", hdl.Ext(hdl.AsS(hdl.IndexSlice(biasLanes, r, bw)), vw))
			old = hdl.Mux(p.isBias(), bias, weight)
		}
		u := g.Instance(module, "u_update")
		if module.Port("bias_i") != nil {
			u.In("bias_i", p.isBias())
		}
		if limit, ok := p.mode["limit"]; ok {
			u.In("limit_i", limit)
		}
		if fixed, ok := p.mode["fixed"]; ok {
			u.In("fixed_i", fixed)
		}
		u.In("rate_i", p.mode["rate"])
		if v := p.mode["rate_shift"]; v != nil {
			u.In("rate_shift_i", v)
		}
		if apply != nil {
			u.In("apply_i", apply)
		}
		if d.keeps() {
			p.keptLane(g, u, r)
		}
		u.In("contrast_i", hdl.AsS(hdl.IndexSlice(p.contrast, r, d.ContrastBits)))
		u.In("old_i", old)
		if place != nil {
			u.In("place_i", p.lanePlace(g, place, r))
			u.In("inner_i", inner)
		}
		lane := u.OutAs("new_o", "new_value")
		g.Assign(hdl.IndexSlice(columns, r, d.ElementBits), hdl.AsU(lane))
	})
	if lastOpen != nil {
		last = p.lastColumn(lastOpen)
	}
	return p.leaving(columns), valid, p.reserved(), last
}

// lastColumn marks the last column of a slab, behind which the store pads its beat.
func (p *datapath) lastColumn(lastOpen *hdl.Signal) hdl.Value {
	over := p.Input("pass_over_i", hdl.U(1), "all operations of the pass are issued")
	last := hdl.All(p.column, lastOpen, over)
	if p.bias != nil {
		last = hdl.All(p.column, lastOpen, over, hdl.Not(p.isBias()))
	}
	late := p.d.columnLate()
	return p.lastLeaving(delay(&p.Scope, "column_last", last, 0, late)[late])
}
