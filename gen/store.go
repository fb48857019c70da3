package gen

import (
	"math/bits"

	"epgen/hdl"
)

// storeDepth is the number of columns that the store can hold: what absorbs
// short stalls of external memory.
const storeDepth = 32

// storeAhead is how many write bursts may be announced before their data.
const storeAhead = 4

type store struct {
	*hdl.Module
	d                    *Design
	step                 hdl.Value // a training step or an inference begins
	start, result, abort hdl.Value // result is nil where there are no other jobs
	base                 hdl.Value
	col                  *hdl.Signal // front of the FIFO
	colLast              hdl.Value
	colValid, pop        *hdl.Signal
	beat                 hdl.Value
	beatValid, beatTake  *hdl.Signal
	credit, awValid      *hdl.Signal
	pending              *hdl.Signal
}

// store builds ep_store: the AXI4 write master that returns updated weights, or
// the output states, to external memory.
func (d *Design) store() *hdl.Module {
	s := &store{Module: hdl.NewModule("ep_store"), d: d}
	what := d.resultDoc()
	if d.learns() {
		what = "the updated weights, slab after slab, then " + what
	}
	s.Doc("AXI4 write master: "+what+".\n\n"+
		"Columns wait in a FIFO of %d. store_ready_o holds columns back before it overflows:\n"+
		"reserve_i announces a column some cycles before it arrives. No burst crosses a\n"+
		"multiple of %d beats, and so none crosses 4 KB. After abort_i the bursts already announced are completed\n"+
		"with all byte strobes off.", storeDepth, d.burst())
	s.ports()
	s.fifo()
	s.packer()
	s.bursts()
	return s.Module
}

func (s *store) ports() {
	one := hdl.U(1)
	s.Group("Clock and synchronous reset")
	s.Clock("clk_i")
	s.Reset("rst_ni")
	s.Group("Control")
	s.step = s.Input("start_i", one, s.d.taskOf()+" begins: forget errors")
	s.start = s.Input("store_start_i", one, "begin a job")
	if s.d.learns() {
		s.result = s.Input("store_result_i", one, "the job is the output states, else the weights")
	}
	s.abort = s.Input("abort_i", one, "announce nothing more")
	s.base = s.Input("base_i", hdl.U(64), "byte address of the memory map, a multiple of 4096")
}

// fifo builds the buffer of columns with a registered front.
func (s *store) fifo() {
	d, one := s.d, hdl.U(1)
	cw := d.P * d.ElementBits
	s.Group("Columns")
	reserve := s.Input("reserve_i", one)
	ready := s.Output("store_ready_o", one)
	valid := s.Input("column_valid_i", one)
	data := s.Input("column_i", hdl.U(cw))
	word := hdl.Value(data)
	padded := d.columnsPerBeat() > 1
	if padded {
		word = hdl.Cat(s.Input("column_last_i", one, "the rest of the beat is padding"), data)
	}
	ptr := hdl.U(addrBits(storeDepth))
	used := s.Reg("used_q", hdl.U(widest(storeDepth)), "columns announced or held")
	count := s.Reg("count_q", used.Type(), "columns in the memory")
	head, tail := s.Reg("head_q", ptr), s.Reg("tail_q", ptr)
	mem := s.Memory("fifo_mem", word.Type(), storeDepth)
	front := s.Reg("front_q", word.Type())
	s.colValid = s.Reg("front_valid_q", one)
	s.pop = s.Wire("pop", one, "the packer takes the front")
	read := s.WireIs("read", hdl.All(hdl.Ne(count, zeroOf(count)), hdl.Any(hdl.Not(s.colValid), s.pop)))
	s.Assign(ready, hdl.Lt(used, hdl.Const(used.Type(), int64(d.StoreLimit()))))
	regs := []*hdl.Signal{used, count, head, tail, s.colValid}
	clear := func(b *hdl.Block) {
		for _, r := range regs {
			b.Set(r, zeroOf(r))
		}
	}
	one1 := hdl.Const(used.Type(), 1)
	s.Always(func(b *hdl.Block) { // a job begins with an empty FIFO, so reset need not empty it
		b.If(s.start, clear).Else(func(b *hdl.Block) {
			b.If(hdl.All(reserve, hdl.Not(s.pop)), func(b *hdl.Block) { b.Set(used, inc(used)) }).
				ElseIf(hdl.All(s.pop, hdl.Not(reserve)), func(b *hdl.Block) { b.Set(used, hdl.SubMod(used, one1)) })
			b.If(hdl.All(valid, hdl.Not(read)), func(b *hdl.Block) { b.Set(count, inc(count)) }).
				ElseIf(hdl.All(read, hdl.Not(valid)), func(b *hdl.Block) { b.Set(count, hdl.SubMod(count, one1)) })
			b.If(valid, func(b *hdl.Block) { b.Set(tail, inc(tail)) })
			b.If(read, func(b *hdl.Block) { b.Set(head, inc(head)) })
			b.Set(s.colValid, hdl.Any(read, hdl.All(s.colValid, hdl.Not(s.pop))))
		})
	})
	s.Always(func(b *hdl.Block) {
		b.If(valid, func(b *hdl.Block) { b.Set(mem.At(tail), word) })
		b.If(read, func(b *hdl.Block) { b.Set(front, mem.At(head)) })
	})
	s.col = front
	if padded {
		s.colLast = hdl.Bit(front, cw)
	}
}

// packer builds beats of columns.
func (s *store) packer() {
	d, one := s.d, hdl.U(1)
	dw, cw := d.Cfg.Memory.DataWidth, d.Map.ColumnBytes*8
	column := hdl.Value(s.col)
	if s.colLast != nil {
		column = hdl.Slice(s.col, d.P*d.ElementBits-1, 0)
	}
	column = fit(column, cw)
	s.Group("Beats")
	s.beatValid = s.Wire("beat_valid", one)
	s.beatTake = s.Wire("beat_take", one)
	switch n, k := d.columnsPerBeat(), d.beatsPerColumn(); {
	case n > 1: // columns enter at the top until the beat is full
		beat := s.Reg("beat_q", hdl.U(dw))
		count := s.Reg("filled_q", hdl.U(widest(n)), "columns in the beat")
		pad := s.Reg("pad_q", one, "fill the beat with zeros")
		full := s.WireIs("full", hdl.EqConst(count, int64(n)))
		room := s.WireIs("has_room", hdl.Any(hdl.Not(full), s.beatTake))
		s.Assign(s.pop, hdl.All(s.colValid, room, hdl.Not(pad)))
		step := s.WireIs("step", hdl.Any(s.pop, hdl.All(pad, room)))
		next := hdl.Mux(full, hdl.Const(count.Type(), 1), inc(count))
		s.Assign(s.beatValid, full)
		s.Always(func(b *hdl.Block) {
			b.If(s.start, func(b *hdl.Block) {
				b.Set(count, zeroOf(count))
				b.Set(pad, bit(false))
			}).ElseIf(step, func(b *hdl.Block) {
				b.Set(count, next)
				b.Set(pad, hdl.All(hdl.Any(pad, s.colLast), hdl.Ne(next, hdl.Const(count.Type(), int64(n)))))
			}).ElseIf(s.beatTake, func(b *hdl.Block) { b.Set(count, zeroOf(count)) })
		})
		s.Always(func(b *hdl.Block) {
			b.If(step, func(b *hdl.Block) {
				b.Set(beat, hdl.Cat(hdl.Mux(pad, zeroOf(column), column), hdl.Slice(beat, dw-1, cw)))
			})
		})
		s.beat = beat
	case k > 1: // a column leaves in k beats, low end first
		hold := s.Reg("hold_q", hdl.U(cw))
		left := s.Reg("left_q", hdl.U(widest(k)), "beats of the column to send")
		s.Assign(s.beatValid, hdl.Ne(left, zeroOf(left)))
		last := s.WireIs("hold_last", hdl.All(hdl.EqConst(left, 1), s.beatTake))
		s.Assign(s.pop, hdl.All(s.colValid, hdl.Any(hdl.EqConst(left, 0), last)))
		s.Always(func(b *hdl.Block) {
			b.If(s.start, func(b *hdl.Block) { b.Set(left, zeroOf(left)) }).
				ElseIf(s.pop, func(b *hdl.Block) { b.Set(left, hdl.Const(left.Type(), int64(k))) }).
				ElseIf(s.beatTake, func(b *hdl.Block) { b.Set(left, hdl.SubMod(left, hdl.Const(left.Type(), 1))) })
		})
		s.Always(func(b *hdl.Block) {
			b.If(s.pop, func(b *hdl.Block) { b.Set(hold, column) }).
				ElseIf(s.beatTake, func(b *hdl.Block) { b.Set(hold, hdl.Ext(hdl.Shr(hold, dw), cw)) })
		})
		s.beat = hdl.Slice(hold, dw-1, 0)
	default:
		s.Assign(s.beatValid, s.colValid)
		s.Assign(s.pop, s.beatTake)
		s.beat = column
	}
}

// bursts builds the address, data and response channels.
func (s *store) bursts() {
	d, one := s.d, hdl.U(1)
	n := d.burst()
	addrT := hdl.U(d.beatAddrBits())
	s.Group("AXI4 write address channel")
	awaddr := s.OutputReg("m_axi_awaddr", hdl.U(64))
	awlen := s.OutputReg("m_axi_awlen", hdl.U(8))
	d.burstAttributes(&s.Scope, s.Output, "m_axi_aw")
	s.awValid = s.OutputReg("m_axi_awvalid", one)
	awready := s.Input("m_axi_awready", one)
	addr := s.Reg("aw_addr_q", addrT, "next beat to announce")
	awLeft := s.Reg("aw_left_q", addrT, "beats to announce")
	s.credit = s.Reg("credit_q", hdl.U(widest(storeAhead)), "bursts announced whose data is not complete")
	s.pending = s.Reg("pending_q", hdl.U(16), "bursts without a response")
	length := burstLength(&s.Scope, addr, awLeft, n)
	request := s.WireIs("request", hdl.All(hdl.Ne(awLeft, zeroOf(awLeft)), hdl.Not(s.awValid), hdl.Not(hdl.Bit(s.pending, 15)),
		hdl.Lt(s.credit, hdl.Const(s.credit.Type(), storeAhead))))
	announced := s.Reg("announced_q", one, "AWVALID is high for the first cycle: data need not wait for AWREADY")
	beats := func(r Region) hdl.Value { return hdl.Const(addrT, int64(r.Bytes/d.Map.BeatBytes)) }
	at := func(r Region) hdl.Value { return hdl.Const(addrT, int64(r.Offset/d.Map.BeatBytes)) }
	job := func(of func(Region) hdl.Value) hdl.Value {
		if s.result == nil {
			return of(d.Map.Results)
		}
		return hdl.Mux(s.result, of(d.Map.Results), of(d.Updated()))
	}
	first, total := s.WireIs("job_first", job(at)), s.WireIs("job_beats", job(beats))
	s.AlwaysReset(func(b *hdl.Block) {
		b.Set(s.awValid, bit(false))
		b.Set(announced, bit(false))
		b.Set(awLeft, zeroOf(awLeft))
	}, func(b *hdl.Block) {
		b.Set(announced, request)
		b.Set(s.awValid, hdl.Any(request, hdl.All(s.awValid, hdl.Not(awready))))
		b.If(s.start, func(b *hdl.Block) {
			b.Set(addr, first)
			b.Set(awLeft, total)
		}).ElseIf(s.abort, func(b *hdl.Block) { // for good: nothing follows when abort_i falls
			b.Set(awLeft, zeroOf(awLeft))
		}).ElseIf(request, func(b *hdl.Block) {
			b.Set(addr, hdl.AddMod(addr, fit(length, addrT.Width)))
			b.Set(awLeft, hdl.SubMod(awLeft, fit(length, addrT.Width)))
		})
	})
	s.Always(func(b *hdl.Block) {
		b.If(request, func(b *hdl.Block) {
			b.Set(awaddr, hdl.AddMod(s.base, d.byteAddress(addr)))
			b.Set(awlen, beatsMinusOne(length))
		})
	})
	s.data(announced, first, total, addrT)
}

func (s *store) data(announced, first, total *hdl.Signal, addrT hdl.Type) {
	d, one := s.d, hdl.U(1)
	s.Group("AXI4 write data channel")
	strobes := hdl.U(d.Map.BeatBytes)
	off := s.Reg("off_q", one, "aborted: complete the bursts without writing")
	s.Assign(s.Output("m_axi_wdata", s.beat.Type()), hdl.Mux(off, zeroOf(s.beat), s.beat))
	s.Assign(s.Output("m_axi_wstrb", strobes), hdl.Mux(off, hdl.Const(strobes, 0), hdl.Inv(hdl.Const(strobes, 0))))
	wlast := s.Output("m_axi_wlast", one)
	wvalid := s.Output("m_axi_wvalid", one)
	wready := s.Input("m_axi_wready", one)
	at := s.Reg("w_addr_q", addrT, "beat being sent")
	left := s.Reg("w_left_q", addrT, "beats to send")
	end := hdl.EqConst(left, 1)
	if lg := bits.Len(uint(d.burst())) - 1; lg > 0 {
		end = hdl.Any(end, hdl.RedAnd(hdl.Slice(at, min(lg, addrT.Width)-1, 0)))
	} else {
		end = bit(true)
	}
	last := s.WireIs("last", end)
	valid := s.WireIs("valid", hdl.All(hdl.Ne(s.credit, zeroOf(s.credit)), hdl.Any(s.beatValid, off)))
	sent := s.WireIs("sent", hdl.All(valid, wready))
	s.Assign(s.beatTake, hdl.All(sent, s.beatValid))
	s.Assign(wvalid, valid)
	s.Assign(wlast, last)
	done := s.WireIs("burst_done", hdl.All(sent, last))
	s.Always(func(b *hdl.Block) { // until the first start no burst is announced
		b.If(s.step, func(b *hdl.Block) { b.Set(off, bit(false)) }).
			ElseIf(hdl.All(s.abort, hdl.Any(hdl.Not(valid), wready)), func(b *hdl.Block) { b.Set(off, bit(true)) })
	})

	s.Group("AXI4 write response channel")
	bresp := s.Input("m_axi_bresp", hdl.U(2))
	bvalid := s.Input("m_axi_bvalid", one)
	s.Assign(s.Output("m_axi_bready", one), bit(true))
	s.Unused(hdl.Bit(bresp, 0))
	pending := s.pending
	errorQ := s.Reg("error_q", one)
	count := func(b *hdl.Block, r *hdl.Signal, up, down hdl.Value) {
		b.If(hdl.All(up, hdl.Not(down)), func(b *hdl.Block) { b.Set(r, inc(r)) }).
			ElseIf(hdl.All(down, hdl.Not(up)), func(b *hdl.Block) { b.Set(r, hdl.SubMod(r, hdl.Const(r.Type(), 1))) })
	}
	s.AlwaysReset(func(b *hdl.Block) {
		for _, r := range []*hdl.Signal{left, s.credit, pending, errorQ} {
			b.Set(r, zeroOf(r))
		}
	}, func(b *hdl.Block) {
		b.If(s.start, func(b *hdl.Block) {
			b.Set(at, first)
			b.Set(left, total)
		}).ElseIf(sent, func(b *hdl.Block) {
			b.Set(at, inc(at))
			b.Set(left, hdl.SubMod(left, hdl.Const(left.Type(), 1)))
		})
		count(b, s.credit, announced, done)
		count(b, pending, announced, bvalid)
		b.If(hdl.All(bvalid, hdl.Bit(bresp, 1)), func(b *hdl.Block) { b.Set(errorQ, bit(true)) })
		b.If(s.step, func(b *hdl.Block) {
			b.Set(left, zeroOf(left))
			b.Set(errorQ, bit(false))
		})
	})
	s.Group("Status")
	s.Assign(s.Output("store_error_o", one), errorQ)
	s.Assign(s.Output("store_idle_o", one), hdl.All(hdl.EqConst(pending, 0), hdl.Not(s.awValid), hdl.EqConst(s.credit, 0),
		hdl.Any(hdl.EqConst(left, 0), s.abort)))
}
