package gen

import (
	"strings"

	"epgen/ep"
	"epgen/hdl"
)

// regfile builds ep_registers: the AXI4-Lite subordinate, from the table of
// Registers.
func (d *Design) regfile() *hdl.Module {
	one, word := hdl.U(1), hdl.U(32)
	m := hdl.NewModule("ep_registers")
	m.Doc("AXI4-Lite registers. One write and one read at a time; every access answers OKAY.\n\n" +
		"The map is in sw/registers.txt and, for C, in sw/epgen_regs.h.")
	m.Group("Clock and synchronous reset")
	m.Clock("clk_i")
	m.Reset("rst_ni")
	m.Group("AXI4-Lite subordinate")
	awaddr := m.Input("s_axil_awaddr", hdl.U(12))
	awvalid := m.Input("s_axil_awvalid", one)
	awready := m.Output("s_axil_awready", one)
	wdata := m.Input("s_axil_wdata", word)
	wstrb := m.Input("s_axil_wstrb", hdl.U(4))
	wvalid := m.Input("s_axil_wvalid", one)
	wready := m.Output("s_axil_wready", one)
	m.Assign(m.Output("s_axil_bresp", hdl.U(2)), hdl.Const(hdl.U(2), 0))
	bvalid := m.OutputReg("s_axil_bvalid", one)
	bready := m.Input("s_axil_bready", one)
	araddr := m.Input("s_axil_araddr", hdl.U(12))
	arvalid := m.Input("s_axil_arvalid", one)
	arready := m.Output("s_axil_arready", one)
	rdata := m.OutputReg("s_axil_rdata", word)
	m.Assign(m.Output("s_axil_rresp", hdl.U(2)), hdl.Const(hdl.U(2), 0))
	rvalid := m.OutputReg("s_axil_rvalid", one)
	rready := m.Input("s_axil_rready", one)
	m.Group("Core")
	start := m.Output("start_o", one, "pulse")
	var infer *hdl.Signal
	if d.learns() {
		infer = m.Output("infer_o", one, "with start_o")
	}
	var cold *hdl.Signal
	if d.Cfg.Start == ep.Warm {
		cold = m.Output("cold_o", one, "with start_o")
	}
	base := m.Output("base_o", hdl.U(64))
	irq := m.Output("irq", one)
	busy := m.Input("busy_i", one)
	finish := m.Input("finish_i", one)
	failed := m.Input("error_i", one)
	readError := m.Input("fetch_error_i", one)
	classes := map[string]hdl.Value{"CYCLES": busy}
	for _, c := range []struct{ counter, port string }{
		{"ARRAY", "issue_i"}, {"WAIT_FETCH", "wait_fetch_i"}, {"WAIT_STORE", "wait_store_any_i"},
		{"READ_BEATS", "read_beat_i"}, {"WRITE_BEATS", "write_beat_i"}} {
		classes[c.counter] = m.Input(c.port, one)
	}
	state, phase := m.Input("state_i", hdl.U(4)), m.Input("phase_i", hdl.U(d.phaseBits()))
	layer, slab := m.Input("layer_i", hdl.U(d.layerBits())), m.Input("slab_index_i", hdl.U(d.slabIndexBits()))
	var number *hdl.Signal
	var trained hdl.Value // a training step has ended well
	if d.random() || d.sums() {
		trained = hdl.All(finish, hdl.Not(failed), hdl.Not(m.Input("infer_run_i", one)))
	}
	var sums *sumsRegister
	classes["UPDATED"] = trained
	if d.sums() {
		sums = d.sumsRegister(m, trained)
		classes["UPDATED"] = hdl.All(sums.trained, sums.apply)
	}
	if d.random() {
		number = m.Reg("update_number_q", word)
		m.Assign(m.Output("update_number_o", word), number)
	}
	steps := map[string]hdl.Value{}
	for _, r := range d.stepRegisters() {
		steps[r.Name] = m.Input(strings.ToLower(r.Name)+"_i", hdl.U(16))
	}
	classes["OVERHEAD"] = hdl.All(busy, hdl.Not(hdl.Any(classes["ARRAY"], classes["WAIT_FETCH"], classes["WAIT_STORE"])))

	m.Group("Writes: address and data are taken together")
	write := m.Reg("write_q", one, "both are taken")
	m.AlwaysReset(func(b *hdl.Block) { b.Set(write, bit(false)) }, func(b *hdl.Block) {
		b.Set(write, hdl.All(awvalid, wvalid, hdl.Not(bvalid), hdl.Not(write)))
	})
	m.Assign(awready, write)
	m.Assign(wready, write)
	m.Comment("Addresses in words")
	addressOf := map[string]hdl.Value{}
	for _, r := range d.Registers() {
		addressOf[r.Name] = m.Localparam(r.Name, hdl.U(10), int64(r.Offset/4))
	}
	mask := m.WireIs("mask", hdl.Cat(hdl.Repl(8, hdl.Bit(wstrb, 3)), hdl.Repl(8, hdl.Bit(wstrb, 2)), hdl.Repl(8, hdl.Bit(wstrb, 1)), hdl.Repl(8, hdl.Bit(wstrb, 0))))
	bitsIn := m.WireIs("written", hdl.And(wdata, mask))
	at := func(name string, addr hdl.Value) hdl.Value {
		return hdl.Eq(hdl.Slice(addr, 11, 2), addressOf[name])
	}
	writes := func(name string) hdl.Value { return hdl.All(write, at(name, awaddr)) }
	startW := m.WireIs("start", hdl.All(writes("CONTROL"), hdl.Bit(bitsIn, 0), hdl.Not(busy)))
	m.Assign(start, startW)
	if infer != nil {
		m.Assign(infer, hdl.Bit(bitsIn, 1))
	}
	if cold != nil {
		m.Assign(cold, hdl.Bit(bitsIn, 2))
	}
	baseLo := m.Reg("base_lo_q", hdl.U(20), "bits 31 to 12")
	baseHi := m.Reg("base_hi_q", word)
	m.Assign(base, hdl.Cat(baseHi, baseLo, hdl.Const(hdl.U(12), 0)))
	enable, pending := m.Reg("irq_enable_q", one), m.Reg("irq_status_q", one)
	done, errorQ := m.Reg("done_q", one), m.Reg("error_q", one)
	code := m.Reg("code_q", hdl.U(2), "0 none, 1 read, 2 write")
	m.Assign(irq, hdl.All(enable, pending))
	merge := func(old hdl.Value, hi, lo int) hdl.Value {
		return hdl.Or(hdl.And(old, hdl.Inv(hdl.Slice(mask, hi, lo))), hdl.Slice(bitsIn, hi, lo))
	}
	var rates []hdl.Value
	for _, r := range d.rateRegisters() {
		rates = append([]hdl.Value{m.Reg(strings.ToLower(r.Name)+"_q", hdl.U(d.Cfg.Formats.RateBits))}, rates...)
	}
	if rates != nil {
		m.Assign(m.Output("rates_o", hdl.U(len(rates)*d.Cfg.Formats.RateBits), "mantissas, that of layer 1 lowest"), hdl.Cat(rates[0], rates[1:]...))
	}
	numbers := func(b *hdl.Block) {}
	if number != nil {
		numbers = func(b *hdl.Block) {
			b.If(classes["UPDATED"], func(b *hdl.Block) { b.Set(number, inc(number)) }).
				ElseIf(hdl.All(writes("UPDATE_NUMBER"), hdl.Not(busy)), func(b *hdl.Block) { b.Set(number, merge(number, 31, 0)) })
		}
	}
	setSums := func(b *hdl.Block) {
		if sums != nil {
			sums.next(b, hdl.All(writes("ACCUMULATED"), hdl.Not(busy)), merge(sums.count, 15, 0))
		}
	}
	rateWidth := d.Cfg.Formats.RateBits
	setRates := func(b *hdl.Block) {
		for i, r := range d.rateRegisters() {
			q := rates[len(rates)-1-i]
			b.If(hdl.All(writes(r.Name), hdl.Not(busy)), func(b *hdl.Block) { b.Set(q, merge(q, rateWidth-1, 0)) })
		}
	}
	resetRates := func(b *hdl.Block) {
		for i, r := range d.rateRegisters() {
			b.Set(rates[len(rates)-1-i], hdl.Const(hdl.U(rateWidth), int64(r.Reset)))
		}
	}
	regs := []*hdl.Signal{baseLo, baseHi, enable, pending, done, errorQ, code, bvalid}
	if number != nil {
		regs = append(regs, number)
	}
	if sums != nil {
		regs = append(regs, sums.count)
	}
	m.AlwaysReset(func(b *hdl.Block) {
		for _, r := range regs {
			b.Set(r, zeroOf(r))
		}
		resetRates(b)
	}, func(b *hdl.Block) {
		b.Set(bvalid, hdl.Any(write, hdl.All(bvalid, hdl.Not(bready))))
		b.If(hdl.All(writes("BASE_LO"), hdl.Not(busy)), func(b *hdl.Block) { b.Set(baseLo, merge(baseLo, 31, 12)) })
		b.If(hdl.All(writes("BASE_HI"), hdl.Not(busy)), func(b *hdl.Block) { b.Set(baseHi, merge(baseHi, 31, 0)) })
		numbers(b)
		setSums(b)
		setRates(b)
		b.If(writes("IRQ_ENABLE"), func(b *hdl.Block) { b.Set(enable, merge(enable, 0, 0)) })
		b.If(finish, func(b *hdl.Block) { b.Set(pending, bit(true)) }).
			ElseIf(hdl.All(writes("IRQ_STATUS"), hdl.Bit(bitsIn, 0)), func(b *hdl.Block) { b.Set(pending, bit(false)) })
		b.If(startW, func(b *hdl.Block) {
			b.Set(done, bit(false))
			b.Set(errorQ, bit(false))
			b.Set(code, zeroOf(code))
		}).ElseIf(finish, func(b *hdl.Block) {
			b.Set(done, hdl.Not(failed))
			b.Set(errorQ, failed)
			b.Set(code, hdl.Cat(hdl.All(failed, hdl.Not(readError)), hdl.All(failed, readError)))
		})
	})

	m.Group("Counters, cleared by start")
	values := map[string]hdl.Value{
		"STATUS":     hdl.Ext(hdl.Cat(errorQ, done, busy), 32),
		"ERROR":      hdl.Ext(code, 32),
		"BASE_LO":    hdl.Cat(baseLo, hdl.Const(hdl.U(12), 0)),
		"BASE_HI":    baseHi,
		"IRQ_ENABLE": hdl.Ext(enable, 32),
		"IRQ_STATUS": hdl.Ext(pending, 32),
		"CONTROL":    hdl.Const(word, 0),
		"PROGRESS": hdl.Cat(hdl.Ext(slab, 16), hdl.Const(hdl.U(3), 0), hdl.Ext(layer, 5),
			hdl.Const(hdl.U(4-d.phaseBits()), 0), phase, state),
	}
	for i, r := range d.rateRegisters() {
		values[r.Name] = fit(rates[len(rates)-1-i], 32)
	}
	if number != nil {
		values["UPDATE_NUMBER"] = number
	}
	if sums != nil {
		values["ACCUMULATED"] = hdl.Ext(sums.count, 32)
	}
	for name, v := range steps {
		values[name] = hdl.Ext(v, 32)
	}
	for _, c := range counters {
		q := m.Reg(strings.ToLower(c.name)+"_q", hdl.U(64), c.doc)
		m.AlwaysReset(func(b *hdl.Block) { b.Set(q, zeroOf(q)) }, func(b *hdl.Block) {
			b.If(startW, func(b *hdl.Block) { b.Set(q, zeroOf(q)) }).
				ElseIf(classes[c.name], func(b *hdl.Block) { b.Set(q, inc(q)) })
		})
		values[c.name+"_LO"], values[c.name+"_HI"] = hdl.Slice(q, 31, 0), hdl.Slice(q, 63, 32)
	}
	m.Group("Reads")
	read := m.WireIs("read", hdl.All(arvalid, hdl.Not(rvalid)))
	m.Assign(arready, hdl.Not(rvalid))
	value := m.Reg("value", word)
	m.Comb(func(b *hdl.Block) {
		b.Case(hdl.Slice(araddr, 11, 2), func(c *hdl.Case) {
			for _, r := range d.Registers() {
				v, ok := values[r.Name]
				if !ok {
					v = hdl.Hex(word, uint64(r.Reset))
				}
				c.When(func(b *hdl.Block) { b.Set(value, v) }, addressOf[r.Name])
			}
			c.Default(func(b *hdl.Block) { b.Set(value, hdl.Const(word, 0)) })
		})
	})
	m.AlwaysReset(func(b *hdl.Block) { b.Set(rvalid, bit(false)) }, func(b *hdl.Block) {
		b.Set(rvalid, hdl.Any(read, hdl.All(rvalid, hdl.Not(rready))))
	})
	m.Always(func(b *hdl.Block) {
		b.If(read, func(b *hdl.Block) { b.Set(rdata, value) })
	})
	m.Unused(hdl.Slice(awaddr, 1, 0), hdl.Slice(araddr, 1, 0))
	return m
}
