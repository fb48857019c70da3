package gen

import "epgen/hdl"

// laneHeads are the ports of a lane in designs with heads.
type laneHeads struct {
	head, first, nudge, code, shift hdl.Value
	backRE, backRAddr               hdl.Value
	backWE, backWAddr               hdl.Value
	capture                         hdl.Value
	back                            *hdl.Signal
}

func (l *lane) headPorts() {
	d, one, h := l.d, hdl.U(1), &l.heads
	addr := hdl.U(addrBits(d.BackWords))
	l.Group("Heads: nudges of the cells, and logits for the softmax")
	h.head = l.Input("head_i", one, "the pass is that of a head")
	h.first = l.Input("back_first_i", one, "the nudges start from 0")
	h.nudge = l.Input("head_nudge_i", one, "the head of the layer nudges it")
	if c := d.shifts.headCode; len(c.values) > 1 {
		h.code = l.Input("head_code_i", hdl.U(c.bits()), "choice of beta lambda")
	}
	if c := d.shifts.headShift; len(c.values) > 1 {
		h.shift = l.Input("head_shift_i", hdl.U(c.bits()), shiftDoc(c))
	}
	h.backRE = l.Input("back_re_i", one, "with acc_re_i")
	h.backRAddr = l.Input("back_raddr_i", addr)
	h.backWE = l.Input("back_we_i", one)
	h.backWAddr = l.Input("back_waddr_i", addr)
	h.capture = l.Input("capture_i", one, "keep the accumulator read in the last cycle as logit")
}

// backMemory builds the memory of nudges and the register of the logit; it returns what
// a down adds to.
func (l *lane) backMemory(result *hdl.Signal) hdl.Value {
	d, h := l.d, &l.heads
	l.Group("Nudges of the cells: A^T e; logit of the lane")
	w := d.backBits()
	mem := l.Memory("back_mem", hdl.S(w), d.BackWords)
	h.back = l.Reg("back_rdata_q", hdl.S(w))
	sum := hdl.Value(result)
	if d.tall() {
		sum = l.written(result)
	}
	logit := l.OutputReg("logit_o", hdl.U(d.LogitBits()), "captured accumulator, signed")
	l.Always(func(b *hdl.Block) {
		b.If(h.backWE, func(b *hdl.Block) { b.Set(mem.At(h.backWAddr), fit(sum, w)) })
		b.If(h.backRE, func(b *hdl.Block) { b.Set(h.back, mem.At(h.backRAddr)) })
	})
	l.Always(func(b *hdl.Block) {
		b.If(h.capture, func(b *hdl.Block) { b.Set(logit, hdl.AsU(fit(l.rdata, d.LogitBits()))) })
	})
	start := hdl.Const(l.rdata.Type(), 0)
	own := hdl.Mux(h.first, start, hdl.Ext(h.back, l.rdata.Type().Width))
	return l.WireIs("addend_down", hdl.Mux(h.head, own, l.rdata), "what a down adds to")
}

// headLaneDoc is what heads add to the comment of ep_lane.
func (d *Design) headLaneDoc() string {
	if !d.hasHeads() {
		return ""
	}
	return "  of a head\n" +
		"  down  nudge = nudge + sum, from 0 in its first slab\n" +
		"  act   of the layer below it, while nudged: u = acc +- beta*lambda*nudge, aligned\n"
}

// headForceDoc names the factor of nudges, of which powers of two are in the alignment.
func (d *Design) headForceDoc() string {
	if c := d.shifts.headCode.values; len(c) == 1 && c[0] == 1 {
		return "beta * lambda is a power of two, part of the alignment"
	}
	return "beta * lambda * A^T e"
}

// headForce builds the nudge of a head, beta lambda A^T e, aligned in stage 2 of the
// activation.
func (l *lane) headForce() hdl.Value {
	d, h := l.d, &l.heads
	l.Group("Nudge of the head, over the area of a cell: " + d.headForceDoc())
	back := l.stage("back_q", h.back)
	w, codes := 1, d.shifts.headCode
	for i := range d.Heads {
		w = max(w, d.Heads[i].HeadArith.Nudge.SignedWidth())
	}
	product := func(code int) hdl.Value {
		if code == 1 {
			return fit(back, w)
		}
		return fit(hdl.Mul(back, hdl.Const(hdl.S(widest(code)+1), int64(code))), w)
	}
	value := product(codes.values[len(codes.values)-1])
	for i := len(codes.values) - 2; i >= 0; i-- {
		value = hdl.Mux(hdl.EqConst(h.code, int64(i)), product(codes.values[i]), value)
	}
	nudge := l.stage("head_force_q", value)
	sel := h.shift
	if sel == nil {
		sel = bit(false)
	}
	return l.WireIs("head_aligned", d.shifts.headShift.shiftLeft(nudge, sel, d.AccBits))
}

// pullByHead adds the nudge of the head, or subtracts that of the output layer from what it acts
// on, the other way round in the phases -beta. Output is nil if that layer has no nudge of its own.
func (l *lane) pullByHead(u *hdl.Signal, acc, nudged, output, head hdl.Value) {
	base, pull, any := acc, head, l.heads.nudge
	subtracts, constant := l.nudgeMinus, !l.d.pushes() // constant where all phases have one sign
	if output != nil {
		any = l.WireIs("nudges", hdl.Any(l.heads.nudge, l.nudge))
		pull = l.WireIs("pull", hdl.Mux(l.heads.nudge, head, output))
		if nudged != acc {
			base = l.WireIs("pulled", hdl.Mux(l.heads.nudge, acc, nudged))
		}
		switch { // an output has s - y, a head y - z
		case l.nudgeMinus != nil:
			subtracts = l.WireIs("subtracts", hdl.Eq(l.nudgeMinus, l.heads.nudge))
		case constant:
			subtracts = l.heads.nudge
		default:
			subtracts = l.WireIs("subtracts", hdl.Not(l.heads.nudge))
		}
	}
	add := func(b *hdl.Block) { b.Set(u, hdl.AddMod(base, pull)) }
	sub := func(b *hdl.Block) { b.Set(u, hdl.SubMod(base, pull)) }
	l.Always(func(b *hdl.Block) {
		chain := b.If(hdl.Not(any), func(b *hdl.Block) { b.Set(u, acc) })
		switch {
		case subtracts != nil:
			chain.ElseIf(subtracts, sub).Else(add)
		case constant:
			chain.Else(sub)
		default:
			chain.Else(add)
		}
	})
}
