package gen

import (
	"strings"

	"epgen/hdl"
)

// stateBank builds the memory of the states of every other layer: one write
// port, one read port, words of P lanes.
func (d *Design) stateBank(bank int) *hdl.Module {
	name := [2]string{"ep_state_even", "ep_state_odd"}[bank]
	m := hdl.NewModule(name)
	what := [2]string{"the input and the states of even layers", "the states of odd layers"}[bank]
	if d.hasHeads() {
		what += [2]string{", behind them averages for the heads", ", behind them errors of the heads"}[bank]
	}
	copies := ""
	if d.Copies() > 1 {
		copies = "Copies of the states follow one\nanother: " + strings.Join(d.phaseNames()[:d.Copies()], ", ") + ". "
	}
	m.Doc("Memory of %s: %d words of %d lanes of %d bits.\n\n"+
		"A word holds %d channels of one pixel of one sample. %sRead latency: one cycle.",
		what, d.StateWords[bank], d.P, d.LaneBits, d.P, copies)
	d.simpleMemory(m, hdl.U(d.P*d.LaneBits), d.StateWords[bank])
	return m
}

// indexMemory builds the memory of the pool indices.
func (d *Design) indexMemory() *hdl.Module {
	m := hdl.NewModule("ep_index_memory")
	m.Doc("Argmax of every pool window: %d words of %d lanes, {dy, dx} of each channel.\n\nRead latency: one cycle.",
		d.indexDepth(), d.IndexLanes())
	d.simpleMemory(m, hdl.U(2*d.IndexLanes()), d.indexDepth())
	return m
}

// indexDepth is at least one word, for networks without pooling.
func (d *Design) indexDepth() int { return d.indexStateWords() * d.IndexParts() }

// indexStateWords is the same in words of states; two at least where a word has
// several parts, so that every bit of an address counts.
func (d *Design) indexStateWords() int {
	return max(min(2, d.IndexParts()), d.IndexWords*d.IndexCopies)
}

// simpleMemory adds a memory with one write and one read port to a module.
func (d *Design) simpleMemory(m *hdl.Module, word hdl.Type, depth int) {
	addr := hdl.U(addrBits(depth))
	m.Group("Clock")
	m.Clock("clk_i")
	m.Group("Write port")
	we := m.Input("we_i", hdl.U(1))
	waddr := m.Input("waddr_i", addr)
	wdata := m.Input("wdata_i", word)
	m.Group("Read port")
	raddr := m.Input("raddr_i", addr)
	rdata := m.OutputReg("rdata_o", word)
	m.Group("Memory")
	mem := m.Memory("mem", word, depth)
	m.Always(func(b *hdl.Block) {
		b.If(we, func(b *hdl.Block) { b.Set(mem.At(waddr), wdata) })
		b.Set(rdata, mem.At(raddr))
	})
}

// slabBuffer builds the memory of two slabs of weights, written by columns and
// read by whole tiles.
func (d *Design) slabBuffer() *hdl.Module {
	ww := d.WeightBits
	col, depth := d.P*ww, d.SlabDepth()
	m := hdl.NewModule("ep_slab_buffer")
	m.Doc(d.slabsDoc()+" of weights: %d words of one %dx%d tile, written a column at a time.\n\n"+
		"Lane r of column c of a tile is W[slab*%d + r, blk*%d + c] at one tap, %s.\n"+
		"Read latency: one cycle.", depth, d.Rows, d.Columns, d.Rows, d.Columns, d.weightText())
	m.Group("Clock")
	m.Clock("clk_i")
	m.Group("Write port")
	we := m.Input("we_i", hdl.U(d.Lines), "one bit a column")
	waddr := m.Input("waddr_i", hdl.U(addrBits(depth)))
	wdata := m.Input("wdata_i", hdl.U(col), "one column")
	m.Group("Read port")
	re := m.Input("re_i", hdl.U(1))
	raddr := m.Input("raddr_i", hdl.U(addrBits(depth)))
	tile := m.Output("tile_o", hdl.U(d.Lines*col), "tile of the last cycle with re_i")
	m.Group("One memory a column: whole words written, whole words read")
	m.For("gen_column", "c", d.Lines, func(g *hdl.Gen, c hdl.Index) {
		mem := g.Memory("mem", hdl.U(col), depth)
		rdata := g.Reg("rdata_q", hdl.U(col))
		g.Always(func(b *hdl.Block) {
			b.If(hdl.IndexBit(we, c), func(b *hdl.Block) { b.Set(mem.At(waddr), wdata) })
			b.If(re, func(b *hdl.Block) { b.Set(rdata, mem.At(raddr)) })
		})
		g.Assign(hdl.IndexSlice(tile, c, col), rdata)
	})
	return m
}

// axisROM builds the table of rows or of columns.
func (d *Design) axisROM(name, axis string, spans []span, doc []string) *hdl.Module {
	rec := d.spanRecord()
	m := hdl.NewModule(name)
	text := "Where the rectangle of an item starts and how far it reaches: " + axis + "s.\n\nFields of an entry, lowest first:"
	for _, f := range rec {
		text += "\n  " + f.name + ": " + f.doc
	}
	m.Doc("%s", text)
	m.Group("Table, combinational")
	addr := m.Input(axis+"_index_i", hdl.U(addrBits(len(spans))))
	entry := m.Output(axis+"_entry_o", hdl.U(rec.width()))
	var rows []hdl.ROMRow
	for i, s := range spans {
		rows = append(rows, rec.row(doc[i], s.N-1, b2i(s.Void), b2i(s.Odd), s.I, s.O, s.K))
	}
	m.Assign(entry, m.ROM("entry", addr, entry.Type(), rows))
	return m
}
