package gen

import "epgen/hdl"

// requests builds the address channel: one burst every second cycle at most.
func (f *fetch) requests() {
	d, one := f.d, hdl.U(1)
	n := d.burst()
	f.Group("AXI4 read address channel")
	araddr := f.OutputReg("m_axi_araddr", hdl.U(64))
	arlen := f.OutputReg("m_axi_arlen", hdl.U(8))
	d.burstAttributes(&f.Scope, f.Output, "m_axi_ar")
	f.arValid = f.OutputReg("m_axi_arvalid", one)
	ready := f.Input("m_axi_arready", one)
	f.outstanding = f.Reg("outstanding_q", hdl.U(widest(d.Cfg.Memory.Outstanding)), "bursts requested and not complete")

	f.burstLen = burstLength(&f.Scope, f.addr, f.left, n)
	f.request = f.WireIs("request", hdl.All(hdl.Ne(f.left, zeroOf(f.left)), hdl.Not(f.arValid),
		hdl.Lt(f.outstanding, hdl.Const(f.outstanding.Type(), int64(d.Cfg.Memory.Outstanding)))))
	f.AlwaysReset(func(b *hdl.Block) {
		b.Set(f.arValid, bit(false))
	}, func(b *hdl.Block) {
		b.Set(f.arValid, hdl.Any(f.request, hdl.All(f.arValid, hdl.Not(ready))))
	})
	f.Always(func(b *hdl.Block) {
		b.If(f.request, func(b *hdl.Block) {
			b.Set(araddr, hdl.AddMod(f.base, d.byteAddress(f.addr)))
			b.Set(arlen, beatsMinusOne(f.burstLen))
		})
	})
}

// responses builds the data channel.
func (f *fetch) responses() {
	one := hdl.U(1)
	f.Group("AXI4 read data channel")
	f.rdata = f.Input("m_axi_rdata", hdl.U(f.d.Cfg.Memory.DataWidth))
	rresp := f.Input("m_axi_rresp", hdl.U(2))
	rlast := f.Input("m_axi_rlast", one)
	rvalid := f.Input("m_axi_rvalid", one)
	rready := f.Output("m_axi_rready", one)
	f.ready = f.Wire("ready", one)
	f.Assign(rready, f.ready)
	f.take = f.WireIs("take", hdl.All(rvalid, f.ready))
	bad := f.WireIs("bad", hdl.All(f.take, hdl.Bit(rresp, 1)))
	f.Unused(hdl.Bit(rresp, 0))
	done := f.WireIs("burst_done", hdl.All(f.take, rlast))
	f.AlwaysReset(func(b *hdl.Block) {
		b.Set(f.errorQ, bit(false))
		b.Set(f.outstanding, zeroOf(f.outstanding))
	}, func(b *hdl.Block) {
		b.If(f.start, func(b *hdl.Block) { b.Set(f.errorQ, bit(false)) }).
			ElseIf(bad, func(b *hdl.Block) { b.Set(f.errorQ, bit(true)) })
		b.If(hdl.All(f.request, hdl.Not(done)), func(b *hdl.Block) {
			b.Set(f.outstanding, inc(f.outstanding))
		}).ElseIf(hdl.All(done, hdl.Not(f.request)), func(b *hdl.Block) {
			b.Set(f.outstanding, hdl.SubMod(f.outstanding, hdl.Const(f.outstanding.Type(), 1)))
		})
	})
	f.Assign(f.Output("fetch_error_o", one), f.errorQ)
	f.Assign(f.Output("fetch_idle_o", one), hdl.All(hdl.Eq(f.state, f.states[fetchIdle]), hdl.EqConst(f.outstanding, 0), hdl.Not(f.arValid)))
}

// gather builds the columns of the beats, and tells which of them count.
func (f *fetch) gather() {
	d := f.d
	f.Group("Columns")
	f.column = f.Reg("column_q", hdl.U(8*max(d.Map.ColumnBytes, d.Map.BeatBytes)))
	f.columnValid = f.Reg("column_valid_q", hdl.U(1))
	counted := hdl.All(f.columnValid, hdl.Ne(f.columns, zeroOf(f.columns)))
	if d.keeps() {
		counted = f.keptPort(counted)
	}
	f.counted = f.WireIs("counted", counted, "a column of the job, not padding")
	f.Assign(f.lastColumn, hdl.All(f.counted, hdl.EqConst(f.columns, 1)))
	switch {
	case d.columnsPerBeat() > 1:
		f.columnsOfBeat(d.columnsPerBeat())
	case d.beatsPerColumn() > 1:
		f.columnOfBeats(d.beatsPerColumn())
	default:
		f.columnOfBeat()
	}
}

// columnsOfBeat takes n columns from a beat: it is held and shifted.
func (f *fetch) columnsOfBeat(n int) {
	valid := f.columnValid
	left := f.Reg("held_q", hdl.U(widest(n)), "columns held")
	last := f.WireIs("held_last", hdl.Any(hdl.LeConst(left, 1), f.lastColumn))
	f.Assign(f.ready, hdl.Any(hdl.Not(valid), f.accepted(last)))
	f.AlwaysReset(func(b *hdl.Block) {
		b.Set(left, zeroOf(left))
		b.Set(valid, bit(false))
	}, func(b *hdl.Block) {
		b.If(f.start, func(b *hdl.Block) { // forget what an aborted run left
			b.Set(left, zeroOf(left))
			b.Set(valid, bit(false))
		}).ElseIf(f.take, func(b *hdl.Block) {
			b.Set(left, hdl.Const(left.Type(), int64(n)))
			b.Set(valid, bit(true))
		}).ElseIf(f.accepted(valid), func(b *hdl.Block) {
			b.Set(left, hdl.SubMod(left, hdl.Const(left.Type(), 1)))
			b.Set(valid, hdl.Not(last))
		})
	})
	beat, column := f.column.Type().Width, f.d.Map.ColumnBytes*8
	f.Always(func(b *hdl.Block) {
		b.If(f.take, func(b *hdl.Block) { b.Set(f.column, f.rdata) }).
			ElseIf(f.accepted(valid), func(b *hdl.Block) { b.Set(f.column, hdl.Ext(hdl.Shr(f.column, column), beat)) })
	})
}

// columnOfBeats makes a column of k beats, which are shifted in from the top.
func (f *fetch) columnOfBeats(k int) {
	valid := f.columnValid
	count := f.Reg("part_q", hdl.U(addrBits(k)), "beats of the column so far: a power of two of them")
	f.Assign(f.ready, f.roomFor(valid))
	full := f.WireIs("column_full", hdl.All(f.take, hdl.EqConst(count, int64(k-1))))
	f.AlwaysReset(func(b *hdl.Block) {
		b.Set(count, zeroOf(count))
		b.Set(valid, bit(false))
	}, func(b *hdl.Block) {
		b.Set(valid, f.stays(full, valid))
		b.If(f.start, func(b *hdl.Block) { b.Set(count, zeroOf(count)) }).
			ElseIf(f.take, func(b *hdl.Block) { b.Set(count, inc(count)) })
	})
	column, beat := f.column.Type().Width, f.rdata.Type().Width
	f.Always(func(b *hdl.Block) {
		b.If(f.take, func(b *hdl.Block) { b.Set(f.column, hdl.Cat(f.rdata, hdl.Slice(f.column, column-1, beat))) })
	})
}

// columnOfBeat takes a beat as a column.
func (f *fetch) columnOfBeat() {
	valid := f.columnValid
	f.Assign(f.ready, f.roomFor(valid))
	f.AlwaysReset(func(b *hdl.Block) { b.Set(valid, bit(false)) }, func(b *hdl.Block) { b.Set(valid, f.stays(f.take, valid)) })
	f.Always(func(b *hdl.Block) {
		if f.d.keeps() {
			b.If(f.ready, func(b *hdl.Block) { b.Set(f.column, f.rdata) })
			return
		}
		b.Set(f.column, f.rdata)
	})
}
