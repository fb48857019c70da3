package gen

import "epgen/hdl"

// headWiring are the signals of the datapath that serve heads.
type headWiring struct {
	averageWE, averages        *hdl.Signal // to the even bank
	errorWE, errorAddr, errors *hdl.Signal // to the odd bank
	headRead, headSample       *hdl.Signal
	headWord, headCapture      *hdl.Signal
	backRE, backRAddr          hdl.Value
	backWE, backWAddr          hdl.Value
	backLanes                  *hdl.Signal // backWE of each lane; nil where all have the same
	logits                     *hdl.Signal
	label                      *hdl.Signal
	abort                      hdl.Value
}

// laneModes are the modes of lanes in designs with heads.
func (d *Design) laneModes() []string {
	var names []string
	for _, f := range d.headModes() {
		switch f.name {
		case "pool", "pool_shift", "mean_base", "direct", "taught", "last_word", "target_base", "distil":
		default:
			names = append(names, f.name)
		}
	}
	return names
}

// negated is the sign of z in the update: the errors of a head count alike at both
// points. Where points have weights, the operands know of heads.
func (p *datapath) negated(minus hdl.Value) hdl.Value {
	if !p.d.hasHeads() || p.d.weights() {
		return minus
	}
	return hdl.All(minus, hdl.Not(p.mode["head"]))
}

// headWrites declares what heads write to the banks.
func (p *datapath) headWrites() {
	d := p.d
	word := hdl.U(d.P * d.LaneBits)
	p.Group("Averages and errors of heads")
	p.averageWE = p.Wire("average_we", hdl.U(1))
	p.averages = p.Wire("averages", word)
	p.errorWE = p.Wire("error_we", hdl.U(1))
	p.errorAddr = p.Wire("error_addr", p.oddAddr.Type())
	p.errors = p.Wire("errors", word)
	p.headRead = p.Wire("logit_read", hdl.U(1), "the head reads the logits of a word")
	p.headWord = p.Wire("logit_word", hdl.U(d.logitAddrBits()))
}

// headPorts extends the accumulator ports: a down of a head goes to the memory of
// nudges, which an activation reads beside the accumulators; the head reads logits.
func (p *datapath) headPorts(re, raddr, we, sum9, row hdl.Value, waddr []hdl.Value) (hdl.Value, hdl.Value, hdl.Value) {
	d := p.d
	back := hdl.U(addrBits(d.BackWords))
	down := p.WireIs("head_down", hdl.All(p.mode["head"], p.mode["down"]))
	cell := p.Reg("cell_q1", back, "cell of the operation")
	p.Always(func(b *hdl.Block) {
		b.If(p.op["valid"], func(b *hdl.Block) { b.Set(cell, fit(p.op["i"], back.Width)) })
	})
	p.backRE = re
	p.backRAddr = p.WireIs("back_raddr", hdl.Mux(p.mode["act"], cell, fit(row, back.Width)))
	p.backWE = p.WireIs("back_we", hdl.All(sum9, down))
	p.backWAddr = p.WireIs("back_waddr", delay(&p.Scope, "back_waddr", fit(waddr[7], back.Width), 7, 9)[9])
	logit := hdl.AddMod(fit(p.headWord, raddr.Type().Width), hdl.Const(raddr.Type(), int64(d.Heads[0].AccBase)))
	return hdl.Any(p.headRead, re), hdl.Mux(p.headRead, logit, raddr), hdl.All(we, hdl.Not(down))
}

// headWires declares what lanes and the head exchange.
func (p *datapath) headWires() {
	d := p.d
	p.Group("Heads")
	if d.labelledHeads() {
		p.headSample = p.Wire("head_sample", hdl.U(d.fields.sample))
	}
	p.headCapture = p.Wire("logit_capture", hdl.U(1))
	p.logits = p.Wire("logits", hdl.U(d.P*d.LogitBits()))
}

// headLane connects the ports of a lane that serve heads.
func (p *datapath) headLane(u *hdl.Instance, r hdl.Index) {
	u.In("back_re_i", p.backRE)
	u.In("back_raddr_i", p.backRAddr)
	if p.backLanes != nil {
		u.In("back_we_i", hdl.IndexBit(p.backLanes, r))
	} else {
		u.In("back_we_i", p.backWE)
	}
	u.In("back_waddr_i", p.backWAddr)
	u.In("capture_i", p.headCapture)
	u.OutTo("logit_o", hdl.IndexSlice(p.logits, r, p.d.LogitBits()))
}

// center subtracts the running means from averages in stage 4.
func (p *datapath) center(average *hdl.Signal, valid hdl.Value) hdl.Value {
	d, lw, sw := p.d, p.d.LaneBits, p.d.headStateBits()
	addr := hdl.U(addrBits(d.MeanWords))
	p.Group("Running means, read in stage 3 and subtracted in stage 4")
	we := p.Input("mean_we_i", hdl.U(1))
	waddr := p.Input("mean_addr_i", addr)
	data := p.Input("mean_data_i", hdl.U(d.P*sw))
	at := p.Reg("mean_addr_q1", addr, "cell of the operation")
	base := hdl.Value(zeroOf(at))
	if v, ok := p.mode["mean_base"]; ok {
		base = v
	}
	p.Always(func(b *hdl.Block) {
		b.If(p.op["valid"], func(b *hdl.Block) { b.Set(at, hdl.AddMod(fit(p.op["tile"], addr.Width), base)) })
	})
	at3 := delay(&p.Scope, "mean_addr", at, 1, 3)[3]
	valid3 := p.Reg("cell_valid_q3", hdl.U(1))
	mem := p.Memory("mean_mem", hdl.U(d.P*sw), d.MeanWords)
	mean := p.Reg("mean_q4", hdl.U(d.P*sw))
	p.Always(func(b *hdl.Block) {
		b.Set(valid3, valid)
		b.If(we, func(b *hdl.Block) { b.Set(mem.At(waddr), data) })
		b.If(valid3, func(b *hdl.Block) { b.Set(mean, mem.At(at3)) })
	})
	centred := p.Wire("centred", hdl.U(d.P*lw))
	p.For("gen_centre", "r", d.P, func(g *hdl.Gen, r hdl.Index) {
		h := g.WireIs("h", hdl.AsS(hdl.IndexSlice(average, r, lw)))
		mu := g.WireIs("mu", hdl.AsS(hdl.Ext(hdl.IndexSlice(mean, r, sw), lw)))
		g.Assign(hdl.IndexSlice(centred, r, lw), hdl.AsU(hdl.SubMod(h, mu)))
	})
	return centred
}

// targets builds the memory of the targets of heads that are taught.
func (p *datapath) targets(u *hdl.Instance) {
	d := p.d
	word, addr := hdl.U(d.P*d.targetBits()), hdl.U(addrBits(d.TargetWords))
	p.Group("Targets of heads that are taught")
	we := p.Input("target_we_i", hdl.U(1))
	waddr := p.Input("target_addr_i", addr)
	data := p.Input("target_data_i", word)
	at := p.WireIs("target_word", hdl.AddMod(p.mode["target_base"], fit(p.headWord, addr.Width)))
	mem := p.Memory("target_mem", word, d.TargetWords)
	target := p.Reg("target_word_q", word)
	p.Always(func(b *hdl.Block) {
		b.If(we, func(b *hdl.Block) { b.Set(mem.At(waddr), data) })
		b.If(p.headRead, func(b *hdl.Block) { b.Set(target, mem.At(at)) })
	})
	if v, ok := p.mode["taught"]; ok {
		u.In("taught_i", v)
	}
	u.In("last_word_i", p.mode["last_word"])
	u.In("targets_i", target)
}

// headUnit builds the averages and places the unit that makes errors of logits.
func (p *datapath) headUnit() {
	d, lw, one := p.d, p.d.LaneBits, hdl.U(1)
	sw := d.headStateBits()
	end := d.actStage()
	p.Group("Averages: states in stage 2, averages written in stage " + itoa(end))
	isPool := p.mode["pool"]
	first := delay(&p.Scope, "cell_first", p.first1, 1, 2)
	last := delay(&p.Scope, "cell_last", p.last1, 1, end)
	valid := p.WireIs("cell_valid", hdl.All(p.valid[2], isPool))
	module := d.average()
	average := p.Wire("average", hdl.U(d.P*lw))
	p.For("gen_average", "r", d.P, func(g *hdl.Gen, r hdl.Index) {
		u := g.Instance(module, "u_average")
		if v, ok := p.mode["pool_shift"]; ok {
			u.In("pool_shift_i", v)
		}
		u.In("valid_i", valid)
		u.In("first_i", first[2])
		u.In("last_i", last[2])
		lane := g.WireIs("lane", hdl.IndexSlice(p.here, r, lw))
		u.In("state_i", hdl.Slice(lane, sw-1, 0))
		if lw > sw {
			g.Unused(hdl.Slice(lane, lw-1, sw))
		}
		h := u.OutAs("h_o", "average_lane")
		g.Assign(hdl.IndexSlice(average, r, lw), hdl.AsU(h))
	})
	centred := hdl.Value(average)
	if d.Centered {
		centred = p.center(average, valid)
	}
	p.Assign(p.averages, delay(&p.Scope, "average", centred, 4, end)[end])
	p.Assign(p.averageWE, hdl.All(p.valid[end], last[end], isPool))

	p.Group("Errors of the logits")
	start := p.Input("soft_start_i", one, "pulse: the logits of all samples are complete")
	u := p.Instance(d.head(), "u_head")
	u.In("start_i", start)
	u.In("abort_i", p.abort)
	if v, ok := p.mode["direct"]; ok {
		u.In("direct_i", v)
	}
	if d.TargetWords > 0 {
		p.targets(u)
	}
	if v, ok := p.mode["distil"]; ok {
		u.In("distil_i", v)
	}
	if lg := d.laneBits(); d.labelledHeads() {
		u.In("label_word_i", hdl.Slice(p.label, d.fields.addr+lg-1, lg))
		if lg > 0 {
			u.In("label_lane_i", hdl.Slice(p.label, lg-1, 0))
		}
		u.OutTo("sample_o", p.headSample)
	}
	u.In("logits_i", p.logits)
	u.OutTo("read_o", p.headRead)
	u.OutTo("capture_o", p.headCapture)
	u.OutTo("word_o", p.headWord)
	u.OutTo("write_o", p.errorWE)
	u.OutTo("errors_o", p.errors)
	u.OutTo("done_o", p.Output("soft_done_o", one))
	w := p.errorAddr.Type().Width
	p.Assign(p.errorAddr, hdl.AddMod(fit(p.headWord, w), fit(p.mode["write"], w)))
}
