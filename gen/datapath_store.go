package gen

import "epgen/hdl"

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
		if d.signedLast() {
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
	p.Group("Update: drain")
	lastOpen := p.connectDrain()
	p.Group("Update: lanes")
	old := p.oldColumn()
	valid := p.columnsLeaving()
	columns := p.updateLanes(old)
	if lastOpen != nil {
		last = p.lastColumn(lastOpen)
	}
	return p.leaving(columns), valid, p.reserved(), last
}

// connectDrain builds the drain and returns what marks the last column of the only open tile,
// nil where the store pads no beats.
func (p *datapath) connectDrain() (lastOpen *hdl.Signal) {
	d, one := p.d, hdl.U(1)
	p.updateStart = p.Input("update_start_i", one, "first tile of a slab follows")
	ready := p.Input("store_ready_i", one)
	u := p.Instance(d.drain(), "u_drain")
	u.In("start_i", p.updateStart)
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
	if d.columnsPerBeat() > 1 {
		lastOpen = u.OutAs("last_o", "last_open")
	}
	return lastOpen
}

// oldColumn is the column of old weights beside that of contrasts.
func (p *datapath) oldColumn() *hdl.Signal {
	d := p.d
	old := p.Reg("old_column_q", hdl.U(d.columnBits()))
	column := hdl.Value(p.tile)
	if d.Lines > 1 {
		column = choosePart(p.tile, p.colIdx, d.Lines, d.columnBits())
	}
	p.Always(func(b *hdl.Block) {
		b.If(p.column, func(b *hdl.Block) { b.Set(old, column) })
	})
	return old
}

// updateLanes builds the update lanes and returns the column of new weights.
func (p *datapath) updateLanes(old hdl.Value) *hdl.Signal {
	d := p.d
	width := d.parameterBits()
	biasLanes := p.bias
	if p.bias != nil && d.rowParts() > 1 { // biases have a lane for each row
		biasLanes = p.WireIs("bias_lanes", hdl.Ext(p.bias, d.P*d.BiasBits))
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
		weight := g.WireIs("weight", hdl.Ext(hdl.AsS(hdl.IndexSlice(old, r, d.WeightBits)), width))
		old := hdl.Value(weight)
		if p.bias != nil {
			bias := g.WireIs("bias", hdl.Ext(hdl.AsS(hdl.IndexSlice(biasLanes, r, d.BiasBits)), width))
			old = hdl.Mux(p.isBias(), bias, weight)
		}
		u := g.Instance(module, "u_update")
		if module.Port("bias_i") != nil {
			u.In("bias_i", p.isBias())
		}
		p.connectModes(u, "limit", "fixed", "rate", "rate_shift")
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
	return columns
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
