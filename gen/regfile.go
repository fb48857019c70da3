package gen

import (
	"strings"

	"epgen/hdl"
)

// regfile is ep_registers under construction.
type regfile struct {
	*hdl.Module
	d *Design

	// AXI4-Lite
	awaddr, awvalid, wdata, wstrb, wvalid, bready hdl.Value
	araddr, arvalid, rready                       hdl.Value
	awready, wready, bvalid                       *hdl.Signal
	arready, rdata, rvalid                        *hdl.Signal

	// Core
	startOut, base, irq             *hdl.Signal
	infer, cold                     *hdl.Signal // nil where a start has no such choice
	busy, finish, failed, readError hdl.Value
	updated                         hdl.Value // a training step has completed an update; nil if nobody asks

	// Writes
	write, start  *hdl.Signal          // address and data are taken; a run begins
	mask, written *hdl.Signal          // bits that are written, and their values
	address       map[string]hdl.Value // of each register, in words

	// Registers
	baseLo, baseHi, enable, pending *hdl.Signal
	done, errorQ, code              *hdl.Signal
	number                          *hdl.Signal   // of the next update; nil where nothing is random
	sums                            *sumsRegister // nil without accumulation
	rates                           []*hdl.Signal // of the host, in the order of rateRegisters

	counts map[string]hdl.Value // the cycles that each counter counts
	values map[string]hdl.Value // what a read of a register returns; without one, its reset value
}

// regfile builds ep_registers: the AXI4-Lite subordinate, from the table of
// Registers.
func (d *Design) regfile() *hdl.Module {
	r := &regfile{Module: hdl.NewModule("ep_registers"), d: d, address: map[string]hdl.Value{},
		counts: map[string]hdl.Value{}, values: map[string]hdl.Value{}}
	r.Doc("AXI4-Lite registers. One write and one read at a time; every access answers OKAY.\n\n" +
		"The map is in sw/registers.txt and, for C, in sw/epgen_regs.h.")
	r.Group("Clock and synchronous reset")
	r.Clock("clk_i")
	r.Reset("rst_ni")
	r.bus()
	r.core()
	r.writes()
	r.commands()
	r.hostRates()
	r.change()
	r.counters()
	r.reads()
	r.Unused(hdl.Slice(r.awaddr, 1, 0), hdl.Slice(r.araddr, 1, 0))
	return r.Module
}

// bus declares the AXI4-Lite ports.
func (r *regfile) bus() {
	one, word := hdl.U(1), hdl.U(32)
	r.Group("AXI4-Lite subordinate")
	r.awaddr = r.Input("s_axil_awaddr", hdl.U(12))
	r.awvalid = r.Input("s_axil_awvalid", one)
	r.awready = r.Output("s_axil_awready", one)
	r.wdata = r.Input("s_axil_wdata", word)
	r.wstrb = r.Input("s_axil_wstrb", hdl.U(4))
	r.wvalid = r.Input("s_axil_wvalid", one)
	r.wready = r.Output("s_axil_wready", one)
	r.Assign(r.Output("s_axil_bresp", hdl.U(2)), hdl.Const(hdl.U(2), 0))
	r.bvalid = r.OutputReg("s_axil_bvalid", one)
	r.bready = r.Input("s_axil_bready", one)
	r.araddr = r.Input("s_axil_araddr", hdl.U(12))
	r.arvalid = r.Input("s_axil_arvalid", one)
	r.arready = r.Output("s_axil_arready", one)
	r.rdata = r.OutputReg("s_axil_rdata", word)
	r.Assign(r.Output("s_axil_rresp", hdl.U(2)), hdl.Const(hdl.U(2), 0))
	r.rvalid = r.OutputReg("s_axil_rvalid", one)
	r.rready = r.Input("s_axil_rready", one)
}

// core declares the ports to the other units.
func (r *regfile) core() {
	d, one := r.d, hdl.U(1)
	r.Group("Core")
	r.startOut = r.Output("start_o", one, "pulse")
	if d.learns() {
		r.infer = r.Output("infer_o", one, "with start_o")
	}
	if d.warm() {
		r.cold = r.Output("cold_o", one, "with start_o")
	}
	r.base = r.Output("base_o", hdl.U(64))
	r.irq = r.Output("irq", one)
	r.busy = r.Input("busy_i", one)
	r.finish = r.Input("finish_i", one)
	r.failed = r.Input("error_i", one)
	r.readError = r.Input("fetch_error_i", one)
	r.counts["CYCLES"] = r.busy
	for _, c := range []struct{ counter, port string }{
		{"ARRAY", "issue_i"}, {"WAIT_FETCH", "wait_fetch_i"}, {"WAIT_STORE", "wait_store_any_i"},
		{"READ_BEATS", "read_beat_i"}, {"WRITE_BEATS", "write_beat_i"}} {
		r.counts[c.counter] = r.Input(c.port, one)
	}
	r.counts["OVERHEAD"] = hdl.All(r.busy, hdl.Not(hdl.Any(r.counts["ARRAY"], r.counts["WAIT_FETCH"], r.counts["WAIT_STORE"])))
	state, phase := r.Input("state_i", hdl.U(4)), r.Input("phase_i", hdl.U(d.phaseBits()))
	layer, slab := r.Input("layer_i", hdl.U(d.layerBits())), r.Input("slab_index_i", hdl.U(d.slabIndexBits()))
	r.values["PROGRESS"] = hdl.Cat(hdl.Ext(slab, 16), hdl.Const(hdl.U(3), 0), hdl.Ext(layer, 5),
		hdl.Const(hdl.U(4-d.phaseBits()), 0), phase, state)
	r.updates()
	for _, s := range d.stepRegisters() {
		r.values[s.Name] = hdl.Ext(r.Input(strings.ToLower(s.Name)+"_i", hdl.U(16)), 32)
	}
}

// updates declares the registers that follow the training steps and their updates.
func (r *regfile) updates() {
	d, word := r.d, hdl.U(32)
	if d.random() || d.sums() { // a training step has ended well
		r.updated = hdl.All(r.finish, hdl.Not(r.failed), hdl.Not(r.Input("infer_run_i", hdl.U(1))))
	}
	if d.sums() {
		r.sums = d.sumsRegister(r.Module, r.updated)
		r.updated = hdl.All(r.updated, r.sums.apply)
		r.values["ACCUMULATED"] = hdl.Ext(r.sums.count, 32)
	}
	if d.random() {
		r.number = r.Reg("update_number_q", word)
		r.Assign(r.Output("update_number_o", word), r.number)
		r.values["UPDATE_NUMBER"] = r.number
	}
}

// writes builds the write channels.
func (r *regfile) writes() {
	r.Group("Writes: address and data are taken together")
	r.write = r.Reg("write_q", hdl.U(1), "both are taken")
	r.AlwaysReset(func(b *hdl.Block) { b.Set(r.write, bit(false)) }, func(b *hdl.Block) {
		b.Set(r.write, hdl.All(r.awvalid, r.wvalid, hdl.Not(r.bvalid), hdl.Not(r.write)))
	})
	r.Assign(r.awready, r.write)
	r.Assign(r.wready, r.write)
	r.Comment("Addresses in words")
	for _, x := range r.d.Registers() {
		r.address[x.Name] = r.Localparam(x.Name, hdl.U(10), int64(x.Offset/4))
	}
	strobe := func(i int) hdl.Value { return hdl.Repl(8, hdl.Bit(r.wstrb, i)) }
	r.mask = r.WireIs("mask", hdl.Cat(strobe(3), strobe(2), strobe(1), strobe(0)))
	r.written = r.WireIs("written", hdl.And(r.wdata, r.mask))
}

// writesTo reports a write to a register.
func (r *regfile) writesTo(name string) hdl.Value {
	return hdl.All(r.write, hdl.Eq(hdl.Slice(r.awaddr, 11, 2), r.address[name]))
}

// merge is a register of the bits hi to lo with those that are written.
func (r *regfile) merge(old hdl.Value, hi, lo int) hdl.Value {
	return hdl.Or(hdl.And(old, hdl.Inv(hdl.Slice(r.mask, hi, lo))), hdl.Slice(r.written, hi, lo))
}

// set writes to a register that may not change while the core is busy.
func (r *regfile) set(b *hdl.Block, name string, reg *hdl.Signal, hi, lo int) {
	b.If(r.setting(name), func(b *hdl.Block) { b.Set(reg, r.merge(reg, hi, lo)) })
}

// setting reports a write to such a register.
func (r *regfile) setting(name string) hdl.Value {
	return hdl.All(r.writesTo(name), hdl.Not(r.busy))
}

// commands declares what software commands, and how the core answers.
func (r *regfile) commands() {
	one, word := hdl.U(1), hdl.U(32)
	r.start = r.WireIs("start", hdl.All(r.writesTo("CONTROL"), hdl.Bit(r.written, 0), hdl.Not(r.busy)))
	r.Assign(r.startOut, r.start)
	if r.infer != nil {
		r.Assign(r.infer, hdl.Bit(r.written, 1))
	}
	if r.cold != nil {
		r.Assign(r.cold, hdl.Bit(r.written, 2))
	}
	r.baseLo = r.Reg("base_lo_q", hdl.U(20), "bits 31 to 12")
	r.baseHi = r.Reg("base_hi_q", word)
	page := hdl.Const(hdl.U(12), 0)
	r.Assign(r.base, hdl.Cat(r.baseHi, r.baseLo, page))
	r.enable, r.pending = r.Reg("irq_enable_q", one), r.Reg("irq_status_q", one)
	r.done, r.errorQ = r.Reg("done_q", one), r.Reg("error_q", one)
	r.code = r.Reg("code_q", hdl.U(2), "0 none, 1 read, 2 write")
	r.Assign(r.irq, hdl.All(r.enable, r.pending))
	for name, v := range map[string]hdl.Value{
		"CONTROL":    hdl.Const(word, 0),
		"STATUS":     hdl.Ext(hdl.Cat(r.errorQ, r.done, r.busy), 32),
		"ERROR":      hdl.Ext(r.code, 32),
		"BASE_LO":    hdl.Cat(r.baseLo, page),
		"BASE_HI":    r.baseHi,
		"IRQ_ENABLE": hdl.Ext(r.enable, 32),
		"IRQ_STATUS": hdl.Ext(r.pending, 32),
	} {
		r.values[name] = v
	}
}

// hostRates declares the rates that software may change.
func (r *regfile) hostRates() {
	var lowest []hdl.Value // last
	for _, x := range r.d.rateRegisters() {
		q := r.Reg(strings.ToLower(x.Name)+"_q", hdl.U(r.d.Cfg.Formats.RateBits))
		r.rates = append(r.rates, q)
		lowest = append([]hdl.Value{q}, lowest...)
		r.values[x.Name] = fit(q, 32)
	}
	if lowest != nil {
		all := hdl.Cat(lowest[0], lowest[1:]...)
		r.Assign(r.Output("rates_o", all.Type(), "mantissas, that of layer 1 lowest"), all)
	}
}

// change builds the next values of all registers but the counters.
func (r *regfile) change() {
	rateBits := r.d.Cfg.Formats.RateBits
	regs := []*hdl.Signal{r.baseLo, r.baseHi, r.enable, r.pending, r.done, r.errorQ, r.code, r.bvalid}
	if r.number != nil {
		regs = append(regs, r.number)
	}
	if r.sums != nil {
		regs = append(regs, r.sums.count)
	}
	r.AlwaysReset(func(b *hdl.Block) {
		for _, q := range regs {
			b.Set(q, zeroOf(q))
		}
		for i, x := range r.d.rateRegisters() {
			b.Set(r.rates[i], hdl.Const(hdl.U(rateBits), int64(x.Reset)))
		}
	}, func(b *hdl.Block) {
		b.Set(r.bvalid, hdl.Any(r.write, hdl.All(r.bvalid, hdl.Not(r.bready))))
		r.set(b, "BASE_LO", r.baseLo, 31, 12)
		r.set(b, "BASE_HI", r.baseHi, 31, 0)
		if r.number != nil {
			b.If(r.updated, func(b *hdl.Block) { b.Set(r.number, inc(r.number)) }).
				ElseIf(r.setting("UPDATE_NUMBER"), func(b *hdl.Block) { b.Set(r.number, r.merge(r.number, 31, 0)) })
		}
		if r.sums != nil {
			r.sums.next(b, r.setting("ACCUMULATED"), r.merge(r.sums.count, 15, 0))
		}
		for i, x := range r.d.rateRegisters() {
			r.set(b, x.Name, r.rates[i], rateBits-1, 0)
		}
		r.interrupt(b)
		r.outcome(b)
	})
}

// interrupt raises the interrupt at the end of a run; software clears it.
func (r *regfile) interrupt(b *hdl.Block) {
	b.If(r.writesTo("IRQ_ENABLE"), func(b *hdl.Block) { b.Set(r.enable, r.merge(r.enable, 0, 0)) })
	b.If(r.finish, func(b *hdl.Block) { b.Set(r.pending, bit(true)) }).
		ElseIf(hdl.All(r.writesTo("IRQ_STATUS"), hdl.Bit(r.written, 0)), func(b *hdl.Block) { b.Set(r.pending, bit(false)) })
}

// outcome keeps how the last run ended, until the next one starts.
func (r *regfile) outcome(b *hdl.Block) {
	b.If(r.start, func(b *hdl.Block) {
		b.Set(r.done, bit(false))
		b.Set(r.errorQ, bit(false))
		b.Set(r.code, zeroOf(r.code))
	}).ElseIf(r.finish, func(b *hdl.Block) {
		b.Set(r.done, hdl.Not(r.failed))
		b.Set(r.errorQ, r.failed)
		b.Set(r.code, hdl.Cat(hdl.All(r.failed, hdl.Not(r.readError)), hdl.All(r.failed, r.readError)))
	})
}

// counters builds the counters of cycles and beats.
func (r *regfile) counters() {
	r.Group("Counters, cleared by start")
	for _, c := range counters {
		q := r.Reg(strings.ToLower(c.name)+"_q", hdl.U(64), c.doc)
		r.AlwaysReset(func(b *hdl.Block) { b.Set(q, zeroOf(q)) }, func(b *hdl.Block) {
			b.If(r.start, func(b *hdl.Block) { b.Set(q, zeroOf(q)) }).
				ElseIf(r.counts[c.name], func(b *hdl.Block) { b.Set(q, inc(q)) })
		})
		r.values[c.name+"_LO"], r.values[c.name+"_HI"] = hdl.Slice(q, 31, 0), hdl.Slice(q, 63, 32)
	}
}

// reads builds the read channels.
func (r *regfile) reads() {
	word := hdl.U(32)
	r.Group("Reads")
	read := r.WireIs("read", hdl.All(r.arvalid, hdl.Not(r.rvalid)))
	r.Assign(r.arready, hdl.Not(r.rvalid))
	value := r.Reg("value", word)
	r.Comb(func(b *hdl.Block) {
		b.Case(hdl.Slice(r.araddr, 11, 2), func(c *hdl.Case) {
			for _, x := range r.d.Registers() {
				v, ok := r.values[x.Name]
				if !ok {
					v = hdl.Hex(word, uint64(x.Reset))
				}
				c.When(func(b *hdl.Block) { b.Set(value, v) }, r.address[x.Name])
			}
			c.Default(func(b *hdl.Block) { b.Set(value, hdl.Const(word, 0)) })
		})
	})
	r.AlwaysReset(func(b *hdl.Block) { b.Set(r.rvalid, bit(false)) }, func(b *hdl.Block) {
		b.Set(r.rvalid, hdl.Any(read, hdl.All(r.rvalid, hdl.Not(r.rready))))
	})
	r.Always(func(b *hdl.Block) {
		b.If(read, func(b *hdl.Block) { b.Set(r.rdata, value) })
	})
}
