package gen

import (
	"epgen/ep"
	"epgen/hdl"
)

// walker is ep_walker under construction: its ports and the signals that pass
// from one stage to the next.
type walker struct {
	*hdl.Module
	d       *Design
	f       opFields
	samples int
	parts   int // blocks in a word below
	entry   record

	start, abort, up, down, update, slabO hdl.Value            // update is nil where nothing learns, as is minus in every stage
	pass                                  map[string]hdl.Value // fields of the pass descriptor
	ready                                 hdl.Value

	// Stage a: the item under the counters.
	aValid, aTake                        *hdl.Signal
	sample, blk, y, x, window, minus     *hdl.Signal
	iSample, iBlk, oSample, oBlk, kBlk   *hdl.Signal
	firstPoint, lastPoint                hdl.Value // of the contrast; nil where nothing learns
	lastItem, sumFirst, sumLast          *hdl.Signal
	bValid, bTake                        *hdl.Signal
	bI, bO, bK                           *hdl.Signal
	bRow, bCol                           *hdl.Signal
	bWindow, bFirst, bLast, bMinus, bEnd *hdl.Signal
	bSample                              *hdl.Signal
	cValid, cNext                        *hdl.Signal
	cWindow, cFirst, cLast, cMinus, cEnd *hdl.Signal
	cSample, cVoid                       *hdl.Signal
	sumSquare, bSquare, cSquare          *hdl.Signal // nil unless the products of two differences are aligned
	aPart, bPart, cPart                  *hdl.Signal // where a word holds several blocks; aPart where no bits of the number say which
	i, o, tile                           *hdl.Signal
	iRow, oRow, tileRow                  *hdl.Signal
	yOdd, xOdd, xOddStart                *hdl.Signal
	yLeft, xLeft, xLast                  *hdl.Signal
	rectFirst, rectLast                  *hdl.Signal
}

// walkerFields are the fields of a pass that the walker uses; the sequencer and
// the datapath use the others.
var walkerFields = map[string]bool{
	"row_base": true, "col_base": true, "last_blk": true, "last_y": true, "last_x": true, "window": true, "unpool": true,
	"i_blk": true, "i_sample": true, "o_blk": true, "o_sample": true, "i_row": true, "o_row": true, "k_blk": true, "k_row": true, "step": true, "last_term": true,
}

// walker builds ep_walker: the loop counters and address generators of all
// passes. It issues one operation a cycle while op_ready_i is high.
func (d *Design) walker() *hdl.Module {
	w := &walker{Module: hdl.NewModule("ep_walker"), d: d, f: d.fields, samples: d.Cfg.Batch, parts: d.columnParts(), entry: d.spanRecord(), pass: map[string]hdl.Value{}}
	update := ""
	if d.learns() {
		update = "  update  block, tap row, tap column, phase, sample, pixels\n"
	}
	w.Doc("%s", "Loop counters and address generators of every pass over a slab.\n\n"+
		"A pass is a sequence of items; an item is a rectangle of steps, one operation each.\n"+
		"Three stages, each with a valid bit: the counters of the items (a), the item with\n"+
		"its entries of the axis tables (b), the rectangle (c), which is the operation issued.\n"+
		"Loops, outermost first:\n"+
		"  up      sample, y, x, window position, block, taps\n"+
		"  down    sample, block, y, x, taps\n"+
		update+
		"  act     sample, block, pixels\n"+
		"Addresses advance by additions only; the steps come from the pass descriptor.\n"+
		"Latency: first operation three cycles after walk_start_i. Throughput: one per cycle.")
	w.ports(d.passRecord())
	w.counters()
	w.stageB()
	w.stageC()
	return w.Module
}

func (w *walker) ports(rec record) {
	addr := hdl.U(w.f.addr)
	w.Group("Clock and synchronous reset")
	w.Clock("clk_i")
	w.Reset("rst_ni")
	w.Group("Pass: walk_start_i is a pulse; from the next cycle to walk_done_o the rest holds")
	w.start = w.Input("walk_start_i", hdl.U(1))
	w.up = w.Input("up_i", hdl.U(1), "taps of an output pixel")
	w.down = w.Input("down_i", hdl.U(1), "taps of an input pixel")
	if w.d.learns() {
		w.update = w.Input("update_i", hdl.U(1), "pixels of a tap in both phases")
	}
	w.abort = w.Input("abort_i", hdl.U(1), "forget the pass")
	w.slabO = w.Input("slab_o_i", addr, "first word of the slab in its sample")
	for _, fl := range rec {
		if !walkerFields[fl.name] {
			continue
		}
		w.pass[fl.name] = w.Input(fl.name+"_i", hdl.U(fl.bits), fl.doc)
	}
}

// counters builds stage a: which item comes next. Each counter carries the
// address offsets of its loop.
func (w *walker) counters() {
	w.Group("Stage a: counters of the items")
	w.declareCounters()
	t := w.turns()
	w.AlwaysReset(func(b *hdl.Block) {
		b.Set(w.aValid, bit(false))
		w.restart(b)
	}, func(b *hdl.Block) {
		b.If(w.start, func(b *hdl.Block) {
			b.Set(w.aValid, bit(true))
			w.restart(b)
		}).ElseIf(w.aTake, func(b *hdl.Block) {
			b.Set(w.aValid, hdl.Not(w.lastItem))
			w.count(b, t)
		})
		b.If(w.abort, func(b *hdl.Block) { b.Set(w.aValid, bit(false)) })
	})
}

// declareCounters declares the counters of stage a.
func (w *walker) declareCounters() {
	one, addr, tile := hdl.U(1), hdl.U(w.f.addr), hdl.U(w.f.tile)
	w.aValid = w.Reg("a_valid_q", one)
	w.sample = w.Reg("sample_q", hdl.U(w.f.sample))
	w.blk = w.Reg("blk_q", hdl.U(w.f.block))
	if !powerOfTwo(w.parts) {
		w.aPart = w.Reg("part_q", hdl.U(partBits(w.parts)), "of the word below that the block is")
	}
	w.y = w.Reg("y_q", hdl.U(w.f.pos))
	w.x = w.Reg("x_q", hdl.U(w.f.pos))
	w.window = w.Reg("window_q", hdl.U(2), "{dy, dx} in the pool window")
	if w.update != nil {
		w.minus = w.Reg("minus_q", hdl.U(w.d.pointBits()), w.d.pointDoc())
		w.firstPoint, w.lastPoint = w.d.isPoint(w.minus, 0), w.d.isPoint(w.minus, max(2, w.d.points())-1)
		if last, ok := w.pass["last_term"]; ok {
			w.lastPoint = w.WireIs("last_point", hdl.Eq(w.minus, last))
		}
	}
	w.iSample = w.Reg("i_sample_q", addr)
	w.iBlk = w.Reg("i_blk_q", addr)
	w.oSample = w.Reg("o_sample_q", addr)
	w.oBlk = w.Reg("o_blk_q", addr)
	w.kBlk = w.Reg("k_blk_q", tile)
	w.aTake = w.Wire("a_take", one, "stage b takes the item")
}

// turn is a loop of stage a: that it is at its last turn, and that its counter advances.
type turn struct{ last, next hdl.Value }

// turns are the loops of stage a. Points are those of the contrast, nil where nothing learns.
type turns struct{ sample, blk, y, x, window, point turn }

// turns builds where the loops stand, and which products the item begins and ends.
func (w *walker) turns() *turns {
	one, p := hdl.U(1), w.pass
	sampleLast := w.WireIs("sample_last", hdl.Eq(w.sample, hdl.Const(w.sample.Type(), int64(w.samples-1))))
	blkLast := w.WireIs("blk_last", hdl.Eq(w.blk, p["last_blk"]))
	yLast := w.WireIs("y_last", hdl.Eq(w.y, p["last_y"]))
	xLast := w.WireIs("x_last", hdl.Eq(w.x, p["last_x"]))
	windowLast := w.WireIs("window_last", hdl.Any(hdl.Not(p["window"]), hdl.EqConst(w.window, 3)))

	w.Comment("A counter advances when all loops inside its own are at their last turn.")
	nextX := w.Wire("next_x", one)
	nextY := w.Wire("next_y", one)
	nextBlk := w.Wire("next_blk", one)
	nextSample := w.Wire("next_sample", one)
	w.Assign(nextX, w.inUp(hdl.All(blkLast, windowLast), sampleLast, w.lastPoint))
	w.Assign(nextY, hdl.All(nextX, xLast))
	w.Assign(nextBlk, hdl.Any(w.up, hdl.All(nextY, yLast)))
	sampleDone := hdl.All(nextY, yLast, hdl.Any(w.up, blkLast))
	if w.update != nil {
		sampleDone = hdl.Any(w.update, sampleDone)
	}
	w.Assign(nextSample, sampleDone)
	nextWindow := w.WireIs("next_window", hdl.All(w.up, blkLast))
	point := turn{last: w.lastPoint}
	if w.update != nil {
		point.next = w.WireIs("next_minus", hdl.All(w.update, sampleLast))
	}
	w.lastItem = w.WireIs("last_item", hdl.All(nextY, yLast, blkLast, sampleLast))
	w.sumFirst = w.WireIs("sum_first", w.inUp(hdl.Eq(w.blk, zeroOf(w.blk)), w.firstPoint, hdl.Eq(w.sample, zeroOf(w.sample))))
	w.sumLast = w.WireIs("sum_last", w.inUp(blkLast, w.lastPoint, sampleLast))
	if w.d.squares() {
		w.sumSquare = w.WireIs("sum_square", hdl.All(w.update, w.d.isPoint(w.minus, w.d.firstOf(ep.BothMove)), hdl.Eq(w.sample, zeroOf(w.sample))),
			"products of two differences begin")
	}
	return &turns{turn{sampleLast, nextSample}, turn{blkLast, nextBlk}, turn{yLast, nextY}, turn{xLast, nextX},
		turn{windowLast, nextWindow}, point}
}

// inUp is cond of the items of up; others have it anyway, but in the update only with contrast.
func (w *walker) inUp(cond hdl.Value, contrast ...hdl.Value) hdl.Value {
	if w.update == nil {
		return hdl.Any(hdl.Not(w.up), cond)
	}
	return hdl.Mux(w.up, cond, hdl.Any(hdl.Not(w.update), hdl.All(contrast[0], contrast[1:]...)))
}

// restart goes to the first item.
func (w *walker) restart(b *hdl.Block) {
	for _, r := range []*hdl.Signal{w.sample, w.blk, w.y, w.x, w.window, w.minus, w.iSample, w.iBlk, w.oSample, w.oBlk, w.kBlk, w.aPart} {
		if r != nil {
			b.Set(r, zeroOf(r))
		}
	}
}

// count goes to the next item.
func (w *walker) count(b *hdl.Block, t *turns) {
	p := w.pass
	step := func(t turn, counter *hdl.Signal, offsets ...hdl.Value) {
		b.If(t.next, func(b *hdl.Block) {
			b.Set(counter, hdl.Mux(t.last, zeroOf(counter), inc(counter)))
			for k := 0; k < len(offsets); k += 2 {
				b.Set(offsets[k], hdl.Mux(t.last, zeroOf(offsets[k]), hdl.AddMod(offsets[k], offsets[k+1])))
			}
		})
	}
	step(t.x, w.x)
	step(t.y, w.y)
	step(t.blk, w.blk, w.iBlk, w.blockStep(), w.oBlk, p["o_blk"], w.kBlk, p["k_blk"])
	if w.aPart != nil {
		step(turn{hdl.Any(t.blk.last, w.lastPart()), t.blk.next}, w.aPart)
	}
	step(t.sample, w.sample, w.iSample, p["i_sample"], w.oSample, p["o_sample"])
	step(t.window, w.window)
	if t.point.next != nil {
		b.If(t.point.next, func(b *hdl.Block) { b.Set(w.minus, w.d.nextPoint(w.minus, t.point.last)) })
	}
}

// blockStep is the way from a block below to the next: none within a word. Passes over whole
// maps of states go from word to word, and below lie the cells of a head.
func (w *walker) blockStep() hdl.Value {
	step := w.pass["i_blk"]
	if w.parts == 1 {
		return step
	}
	last := w.lastPart()
	if w.d.hasHeads() {
		last = hdl.Any(last, hdl.Not(hdl.Any(w.up, w.down, w.update)))
	}
	return hdl.Mux(last, step, zeroOf(step))
}

// part is the place of the block in its word, with a counter of its own unless it is
// the lowest bits of the block's number.
func (w *walker) part() hdl.Value {
	if w.aPart != nil {
		return w.aPart
	}
	return hdl.Slice(w.blk, partBits(w.parts)-1, 0)
}

// lastPart reports the last block of a word.
func (w *walker) lastPart() hdl.Value {
	if w.aPart != nil {
		return hdl.EqConst(w.aPart, int64(w.parts-1))
	}
	return hdl.RedAnd(w.part())
}

// stageB looks the item up in the axis tables and sums its offsets.
func (w *walker) stageB() {
	one := hdl.U(1)
	w.Group("Axis tables, combinational")
	row := w.Output("row_index_o", hdl.U(w.f.row))
	col := w.Output("column_index_o", hdl.U(w.f.col))
	rowEntry := w.Input("row_entry_i", hdl.U(w.entry.width()))
	colEntry := w.Input("column_entry_i", hdl.U(w.entry.width()))
	w.Assign(row, w.tableIndex("row_base", row, w.y, hdl.Bit(w.window, 1)))
	w.Assign(col, w.tableIndex("col_base", col, w.x, hdl.Bit(w.window, 0)))

	w.Group("Stage b: the item with its table entries")
	w.bValid = w.Reg("b_valid_q", one)
	w.bRow = w.Reg("b_row_q", rowEntry.Type())
	w.bCol = w.Reg("b_col_q", colEntry.Type())
	w.bI = w.Reg("b_i_q", w.iBlk.Type())
	w.bO = w.Reg("b_o_q", w.oBlk.Type())
	w.bK = w.Reg("b_k_q", w.kBlk.Type())
	w.bWindow = w.Reg("b_window_q", hdl.U(2))
	w.bFirst = w.Reg("b_first_q", one)
	w.bLast = w.Reg("b_last_q", one)
	w.bEnd = w.Reg("b_end_q", one)
	if w.minus != nil {
		w.bMinus = w.Reg("b_minus_q", w.minus.Type())
		w.bSample = w.Reg("b_sample_q", w.sample.Type())
	}
	if w.sumSquare != nil {
		w.bSquare = w.Reg("b_square_q", one)
	}
	if w.parts > 1 {
		w.bPart = w.Reg("b_part_q", hdl.U(partBits(w.parts)))
	}
	w.bTake = w.Wire("b_take", one, "stage c takes the item")
	w.Assign(w.aTake, hdl.All(w.aValid, hdl.Any(hdl.Not(w.bValid), w.bTake)))
	w.AlwaysReset(func(b *hdl.Block) {
		b.Set(w.bValid, bit(false))
	}, func(b *hdl.Block) {
		b.Set(w.bValid, hdl.All(hdl.Not(w.abort), hdl.Any(w.aTake, hdl.All(w.bValid, hdl.Not(w.bTake)))))
	})
	w.Always(func(b *hdl.Block) {
		b.If(w.aTake, func(b *hdl.Block) {
			b.Set(w.bRow, rowEntry)
			b.Set(w.bCol, colEntry)
			b.Set(w.bI, hdl.AddMod(w.iSample, w.iBlk))
			b.Set(w.bO, hdl.AddMod(hdl.AddMod(w.oSample, w.oBlk), w.slabO))
			b.Set(w.bK, w.kBlk)
			b.Set(w.bWindow, w.window)
			b.Set(w.bFirst, w.sumFirst)
			b.Set(w.bLast, w.sumLast)
			b.Set(w.bEnd, w.lastItem)
			if w.minus != nil {
				b.Set(w.bMinus, w.minus)
				b.Set(w.bSample, w.sample)
			}
			if w.bSquare != nil {
				b.Set(w.bSquare, w.sumSquare)
			}
			if w.parts > 1 {
				b.Set(w.bPart, w.part())
			}
		})
	})
}

// tableIndex is base + pos, or base + 2*pos + half inside a pool window.
func (w *walker) tableIndex(base string, index, pos, half hdl.Value) hdl.Value {
	n := index.Type().Width
	double := hdl.Trunc(hdl.Ext(hdl.Cat(pos, half), max(n, w.f.pos+1)), n)
	single := hdl.Trunc(hdl.Ext(pos, max(n, w.f.pos)), n)
	return hdl.AddMod(w.pass[base], hdl.Mux(w.pass["window"], double, single))
}

// stageC steps through the rectangle; its registers are the operation.
func (w *walker) stageC() {
	one, addr, tile := hdl.U(1), hdl.U(w.f.addr), hdl.U(w.f.tile)
	w.Group("Stage c: the rectangle")
	w.cValid = w.Reg("c_valid_q", one)
	w.i = w.Reg("i_q", addr)
	w.iRow = w.Reg("i_row_q", addr, "start of the row")
	w.o = w.Reg("o_q", addr)
	w.oRow = w.Reg("o_row_q", addr, "start of the row")
	w.tile = w.Reg("tile_q", tile)
	w.tileRow = w.Reg("tile_row_q", tile, "start of the row")
	w.yOdd = w.Reg("y_odd_q", one, "row in the second half of its window")
	w.xOdd = w.Reg("x_odd_q", one)
	w.xOddStart = w.Reg("x_odd_start_q", one)
	w.yLeft = w.Reg("y_left_q", hdl.U(w.f.step), "rows that follow")
	w.xLeft = w.Reg("x_left_q", hdl.U(w.f.step), "steps that follow in the row")
	w.xLast = w.Reg("x_last_q", hdl.U(w.f.step))
	w.rectFirst = w.Reg("rect_first_q", one)
	w.cVoid = w.Reg("void_q", one)
	w.cWindow = w.Reg("c_window_q", hdl.U(2))
	w.cFirst = w.Reg("c_first_q", one)
	w.cLast = w.Reg("c_last_q", one)
	w.cEnd = w.Reg("c_end_q", one)
	if w.minus != nil {
		w.cMinus = w.Reg("c_minus_q", w.minus.Type())
		w.cSample = w.Reg("c_sample_q", w.sample.Type())
	}
	if w.bSquare != nil {
		w.cSquare = w.Reg("c_square_q", one)
	}
	if w.parts > 1 {
		w.cPart = w.Reg("c_part_q", w.bPart.Type())
	}
	w.Group("Operation")
	w.ready = w.Input("op_ready_i", one)
	rowEnd := w.WireIs("row_end", hdl.EqConst(w.xLeft, 0))
	w.rectLast = w.WireIs("rect_last", hdl.All(rowEnd, hdl.EqConst(w.yLeft, 0)))
	issue := w.WireIs("issue", hdl.All(w.cValid, w.ready))
	w.cNext = w.WireIs("rect_done", hdl.All(issue, w.rectLast))
	w.Assign(w.bTake, hdl.All(w.bValid, hdl.Any(hdl.Not(w.cValid), w.cNext)))
	w.AlwaysReset(func(b *hdl.Block) {
		b.Set(w.cValid, bit(false))
	}, func(b *hdl.Block) {
		b.Set(w.cValid, hdl.All(hdl.Not(w.abort), hdl.Any(w.bTake, hdl.All(w.cValid, hdl.Not(w.cNext)))))
	})
	w.Always(func(b *hdl.Block) {
		b.If(w.bTake, w.enterRectangle).ElseIf(issue, func(b *hdl.Block) { w.stepRectangle(b, rowEnd) })
	})
	w.operation(issue)
}

// enterRectangle loads an item from stage b.
func (w *walker) enterRectangle(b *hdl.Block) {
	row := func(name string) hdl.Value { return w.entry.slice(w.bRow, name) }
	col := func(name string) hdl.Value { return w.entry.slice(w.bCol, name) }
	start := func(at, rowAt *hdl.Signal, base hdl.Value, name string) {
		sum := hdl.AddMod(hdl.AddMod(base, row(name)), col(name))
		b.Set(at, sum)
		b.Set(rowAt, sum)
	}
	start(w.i, w.iRow, w.bI, "i")
	start(w.o, w.oRow, w.bO, "o")
	start(w.tile, w.tileRow, w.bK, "k")
	b.Set(w.yOdd, row("odd"))
	b.Set(w.xOdd, col("odd"))
	b.Set(w.xOddStart, col("odd"))
	b.Set(w.yLeft, row("last"))
	b.Set(w.xLeft, col("last"))
	b.Set(w.xLast, col("last"))
	b.Set(w.rectFirst, bit(true))
	b.Set(w.cVoid, hdl.Any(row("void"), col("void")))
	b.Set(w.cWindow, w.bWindow)
	b.Set(w.cFirst, w.bFirst)
	b.Set(w.cLast, w.bLast)
	b.Set(w.cEnd, w.bEnd)
	if w.minus != nil {
		b.Set(w.cMinus, w.bMinus)
		b.Set(w.cSample, w.bSample)
	}
	if w.cSquare != nil {
		b.Set(w.cSquare, w.bSquare)
	}
	if w.parts > 1 {
		b.Set(w.cPart, w.bPart)
	}
}

// stepRectangle moves one step right, or to the start of the next row. The map
// below moves in up and update, that of the layer in all but up; where it is
// unpooled, two positions share a word. Taps ascend in up and descend in down.
func (w *walker) stepRectangle(b *hdl.Block, rowEnd hdl.Value) {
	p := w.pass
	moveI := w.up
	if w.update != nil {
		moveI = hdl.Any(w.up, w.update)
	}
	moveO := hdl.Not(w.up)
	wordX := hdl.All(moveO, hdl.Any(hdl.Not(p["unpool"]), w.xOdd))
	wordY := hdl.All(moveO, hdl.Any(hdl.Not(p["unpool"]), w.yOdd))
	b.Set(w.rectFirst, bit(false))
	move := func(b *hdl.Block, when hdl.Value, at, rowAt *hdl.Signal, step hdl.Value, newRow bool) {
		from := hdl.Value(at)
		if newRow {
			from = rowAt
		}
		to := hdl.Mux(when, hdl.AddMod(from, step), from)
		b.Set(at, to)
		if newRow {
			b.Set(rowAt, to)
		}
	}
	tap := func(b *hdl.Block, from *hdl.Signal, step hdl.Value) hdl.Value {
		return hdl.Mux(w.up, hdl.AddMod(from, step), hdl.Mux(w.down, hdl.SubMod(from, step), from))
	}
	one := func(t hdl.Type) hdl.Value { // a pixel below, or a tap
		if step, ok := p["step"]; ok {
			return fit(step, t.Width)
		}
		return hdl.Const(t, 1)
	}
	b.If(rowEnd, func(b *hdl.Block) {
		move(b, moveI, w.i, w.iRow, p["i_row"], true)
		move(b, wordY, w.o, w.oRow, p["o_row"], true)
		b.Set(w.tile, tap(b, w.tileRow, p["k_row"]))
		b.Set(w.tileRow, tap(b, w.tileRow, p["k_row"]))
		b.Set(w.yOdd, hdl.Not(w.yOdd))
		b.Set(w.xOdd, w.xOddStart)
		b.Set(w.yLeft, hdl.SubMod(w.yLeft, hdl.Const(w.yLeft.Type(), 1)))
		b.Set(w.xLeft, w.xLast)
	}).Else(func(b *hdl.Block) {
		move(b, moveI, w.i, w.iRow, one(w.i.Type()), false)
		move(b, wordX, w.o, w.oRow, hdl.Const(w.o.Type(), 1), false)
		b.Set(w.tile, tap(b, w.tile, one(w.tile.Type())))
		b.Set(w.xOdd, hdl.Not(w.xOdd))
		b.Set(w.xLeft, hdl.SubMod(w.xLeft, hdl.Const(w.xLeft.Type(), 1)))
	})
}

// operation drives the outputs from stage c.
func (w *walker) operation(issue *hdl.Signal) {
	out := func(name string, v hdl.Value, doc ...string) {
		w.Assign(w.Output(name, v.Type(), doc...), v)
	}
	out("op_valid_o", issue, "issued in this cycle")
	out("op_i_o", w.i, "word in the map below")
	out("op_o_o", w.o, "word in the map of the layer")
	out("op_tile_o", w.tile, "tile of the slab")
	out("op_pos_o", hdl.Mux(w.up, w.cWindow, hdl.Cat(w.yOdd, w.xOdd)), "position in the pool window, {dy, dx}")
	out("op_void_o", w.cVoid, "the product is to be zero")
	out("op_first_o", hdl.All(w.cFirst, w.rectFirst), "first operation of a sum")
	out("op_last_o", hdl.All(w.cLast, w.rectLast), "last operation of a sum")
	if w.minus != nil {
		out("op_minus_o", w.cMinus, "update: "+w.d.pointDoc())
		out("op_sample_o", w.cSample)
	}
	if w.parts > 1 {
		out("op_part_o", w.cPart, "part of the word below that the block is")
	}
	if w.cSquare != nil {
		out("op_square_o", hdl.All(w.cSquare, w.rectFirst), "first of the products of two differences")
	}
	out("stalled_o", hdl.All(w.cValid, hdl.Not(w.ready)), "an operation waits")
	out("walk_done_o", hdl.All(w.cEnd, w.cNext), "the last operation is being issued")
}
