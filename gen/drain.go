package gen

import "epgen/hdl"

// drain is ep_drain under construction.
type drain struct {
	*hdl.Module
	d *Design

	// Ports
	start, abort          hdl.Value
	isBias                hdl.Value // nil without biases
	open, complete, ready hdl.Value
	tileOK, idle          *hdl.Signal
	takeOut, tileOut      *hdl.Signal
	column, colOut        *hdl.Signal

	// State, and what happens in a cycle
	opened, full, busy, col, tile *hdl.Signal
	linger                        *hdl.Signal // nil where nothing is behind the last column
	lastCol, fire, finish, take   *hdl.Signal
}

// drain builds ep_drain: it empties finished contrasts column by column into
// the update lanes while the array works on the next tile.
func (d *Design) drain() *hdl.Module {
	m := &drain{Module: hdl.NewModule("ep_drain"), d: d}
	m.Doc("Empties the contrast of finished tiles, one column a cycle, while the array works\n" +
		"on the next tile.\n\n" +
		"At most two tiles are open: one in the accumulators, one in the drain. tile_ok_o\n" +
		"holds back the first operation of a third.")
	m.ports()
	m.registers()
	m.outputs()
	regs := []*hdl.Signal{m.opened, m.full, m.busy, m.col, m.tile}
	if m.linger != nil {
		regs = append(regs, m.linger)
	}
	clear := func(b *hdl.Block) {
		for _, r := range regs {
			b.Set(r, zeroOf(r))
		}
	}
	m.AlwaysReset(clear, func(b *hdl.Block) {
		b.If(hdl.Any(m.start, m.abort), clear).Else(func(b *hdl.Block) {
			m.countTiles(b)
			m.empty(b)
		})
	})
	return m.Module
}

func (m *drain) ports() {
	d, one := m.d, hdl.U(1)
	m.Group("Clock and synchronous reset")
	m.Clock("clk_i")
	m.Reset("rst_ni")
	m.Group("Pass")
	m.start = m.Input("start_i", one, "first tile of the slab follows")
	m.abort = m.Input("abort_i", one, "forget all tiles")
	if d.someBiases() {
		m.isBias = m.Input("bias_i", one, "the tile is the column of biases")
	}
	m.Group("Tiles")
	m.open = m.Input("open_i", one, "the first operation of a tile is issued")
	m.tileOK = m.Output("tile_ok_o", one, "a tile may be opened")
	m.idle = m.Output("idle_o", one, "no tile is open")
	m.complete = m.Input("complete_i", one, "the contrast of a tile is complete")
	m.takeOut = m.Output("take_o", one, "copy it to the drain; read its old weights")
	m.tileOut = m.Output("tile_o", hdl.U(d.fields.slab), "its place in the slab")
	m.Group("Columns")
	m.ready = m.Input("ready_i", one, "the store takes a column")
	m.column = m.Output("column_o", one)
	m.colOut = m.Output("col_o", hdl.U(addrBits(d.Lines)))
}

// registers declares where the unit stands, and what happens in a cycle.
func (m *drain) registers() {
	d, one := m.d, hdl.U(1)
	m.Group("State")
	m.opened = m.Reg("open_q", hdl.U(2), "tiles open")
	m.full = m.Reg("full_q", one, "a complete contrast waits for the drain")
	m.busy = m.Reg("busy_q", one, "columns remain")
	m.col = m.Reg("col_q", m.colOut.Type())
	m.tile = m.Reg("tile_q", m.tileOut.Type())
	if d.Linger() > 0 {
		m.linger = m.Reg("linger_q", hdl.U(widest(d.Linger())), "cycles until the last column has left")
	}
	last := hdl.EqConst(m.col, int64(d.Lines-1))
	if m.isBias != nil {
		last = hdl.Any(m.isBias, last)
	}
	m.lastCol = m.WireIs("last_col", last)
	m.fire = m.WireIs("fire", hdl.All(m.busy, m.ready))
	m.finish = m.WireIs("finish", hdl.All(m.fire, m.lastCol))
	m.take = m.WireIs("take", hdl.All(hdl.Any(m.complete, m.full), hdl.Any(hdl.Not(m.busy), m.finish)))
}

func (m *drain) outputs() {
	m.Assign(m.takeOut, m.take)
	m.Assign(m.column, m.fire)
	if m.d.columnsPerBeat() > 1 {
		m.Assign(m.Output("last_o", hdl.U(1), "last column of the only open tile"), hdl.All(m.lastCol, hdl.EqConst(m.opened, 1)))
	}
	m.Assign(m.colOut, m.col)
	m.Assign(m.tileOut, m.tile)
	m.Assign(m.tileOK, hdl.Not(hdl.Bit(m.opened, 1)))
	idle := hdl.EqConst(m.opened, 0)
	if m.linger != nil {
		idle = hdl.All(idle, hdl.EqConst(m.linger, 0))
	}
	m.Assign(m.idle, idle)
}

// countTiles counts the open tiles, and the cycles behind the last column.
func (m *drain) countTiles(b *hdl.Block) {
	b.If(hdl.All(m.open, hdl.Not(m.finish)), func(b *hdl.Block) { b.Set(m.opened, inc(m.opened)) }).
		ElseIf(hdl.All(m.finish, hdl.Not(m.open)), func(b *hdl.Block) {
			b.Set(m.opened, hdl.SubMod(m.opened, hdl.Const(m.opened.Type(), 1)))
		})
	if m.linger == nil {
		return
	}
	t := m.linger.Type()
	b.If(m.fire, func(b *hdl.Block) { b.Set(m.linger, hdl.Const(t, int64(m.d.Linger()))) }).
		ElseIf(hdl.NeConst(m.linger, 0), func(b *hdl.Block) { b.Set(m.linger, hdl.SubMod(m.linger, hdl.Const(t, 1))) })
}

// empty takes a complete tile and goes through its columns.
func (m *drain) empty(b *hdl.Block) {
	b.Set(m.full, hdl.All(hdl.Any(m.complete, m.full), hdl.Not(m.take)))
	b.If(m.take, func(b *hdl.Block) {
		b.Set(m.busy, bit(true))
		b.Set(m.col, zeroOf(m.col))
		b.Set(m.tile, inc(m.tile))
	}).ElseIf(m.fire, func(b *hdl.Block) {
		b.Set(m.busy, hdl.Not(m.lastCol))
		b.Set(m.col, inc(m.col))
	})
}
