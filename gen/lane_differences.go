package gen

import (
	"epgen/ep"
	"epgen/hdl"
)

// laneDifferences are the ports of a lane whose states are differences in nudged phases.
type laneDifferences struct {
	moving, undriven, reach hdl.Value
	raddr, we, waddr        hdl.Value
	rdata                   *hdl.Signal // p* in stage 2
}

func (l *lane) differencePorts() {
	d, one, x := l.d, hdl.U(1), &l.differences
	addr := hdl.U(addrBits(d.ReferenceWords()))
	l.Group("Differences from the free equilibrium, in nudged phases")
	x.moving = l.Input("moving_i", one, "nudged phase")
	x.undriven = l.Input("undriven_i", one, "the accumulator read counts as zero")
	if w := d.moves.reach.bits(); w > 0 {
		x.reach = l.Input("reach_i", hdl.U(w), "choice of the fractional bits of differences")
	}
	x.raddr = l.Input("reference_raddr_i", addr, "with acc_re_i")
	x.we = l.Input("reference_we_i", one, "five cycles later")
	x.waddr = l.Input("reference_waddr_i", addr)
}

// read is the accumulator that a pass has read, without the drive where it does not count.
func (l *lane) read() hdl.Value {
	if l.accRead == nil {
		l.accRead = l.rdata
		if undriven := l.differences.undriven; undriven != nil {
			l.accRead = l.WireIs("acc_read", hdl.Mux(undriven, zeroOf(l.rdata), l.rdata))
		}
	}
	return l.accRead
}

// referenceType is that of a pre-activation p*, which has the fractional bits of a difference.
func (d *Design) referenceType() hdl.Type {
	return hdl.S(1 + widest(int(d.Layers[0].Arith.Difference.Reference.Hi)))
}

// referenceMemory builds the memory of p*, read along with the accumulator.
func (l *lane) referenceMemory() {
	d, x := l.d, &l.differences
	l.Group("Pre-activations of the last free step, with the fractional bits of differences")
	mem := l.Memory("reference_mem", d.referenceType(), d.ReferenceWords())
	x.rdata = l.Reg("reference_rdata_q", mem.Word())
	written := l.Reg("kept_q6", mem.Word())
	l.Always(func(b *hdl.Block) {
		b.If(x.we, func(b *hdl.Block) { b.Set(mem.At(x.waddr), written) })
		b.If(l.accRE, func(b *hdl.Block) { b.Set(x.rdata, mem.At(x.raddr)) })
	})
	l.referenceNew = written
}

// keepReference takes the scaled pre-activation of the free phase to p*: cut off, and saturated.
func (l *lane) keepReference(scaled hdl.Value, k int) {
	c, t := l.d.moves.reach, l.d.referenceType()
	if w := scaled.Type().Width; k >= w {
		scaled = l.WireIs("cut_wide", hdl.Ext(scaled, k+1))
	}
	var cut hdl.Value
	for i := len(c.values) - 1; i >= 0; i-- {
		v := hdl.Value(hdl.Shr(scaled, k-c.values[i]))
		v = hdl.Ext(v, scaled.Type().Width)
		if cut == nil {
			cut = v
		} else {
			cut = hdl.Mux(hdl.EqConst(l.differences.reach, int64(i)), v, cut)
		}
	}
	limit := l.d.Layers[0].Arith.Difference.Reference
	bound := hdl.S(max(cut.Type().Width, t.Width))
	cut = l.WireIs("cut", hdl.Ext(cut, bound.Width))
	kept := clamp(cut, hdl.Const(bound, limit.Lo), hdl.Const(bound, limit.Hi), t)
	l.Always(func(b *hdl.Block) { b.Set(l.referenceNew, kept) })
}

// activated is the hard sigmoid of the layer in codes of differences.
func (l *lane) activated(v, lo, hi hdl.Value, t hdl.Type) hdl.Value {
	bound := hdl.S(max(v.Type().Width, t.Width) + 1)
	v = hdl.Ext(v, bound.Width)
	lo, hi = hdl.Ext(lo, bound.Width), hdl.Ext(hi, bound.Width)
	return clamp(v, lo, hi, t)
}

// activationType holds an activated state of any layer in codes of differences.
func (d *Design) activationType() hdl.Type { return hdl.S(d.referenceType().Width - 1) }

// ends are those of the activation of the pass, in codes of differences.
func (l *lane) ends() (lo, hi hdl.Value) {
	d, t := l.d, l.d.activationType()
	last := len(d.Layers) - 1
	reach := func(v hdl.Value) hdl.Value { return d.moves.reach.shiftLeft(v, l.differences.reach, t.Width) }
	lo = hdl.Const(t, 0)
	if d.Cfg.Output == ep.Clamped || last > 0 {
		hi = reach(fit(l.top, t.Width))
	}
	if d.Cfg.Output == ep.Linear {
		outLo, outHi := l.outputEnds(t)
		if last == 0 {
			return outLo, outHi
		}
		lo, hi = hdl.Mux(l.linear, outLo, lo), hdl.Mux(l.linear, outHi, hi)
	}
	return l.WireIs("move_lo", lo), l.WireIs("move_hi", hi)
}

// outputEnds are those of the output layer.
func (l *lane) outputEnds(t hdl.Type) (lo, hi hdl.Value) {
	x := l.d.Layers[len(l.d.Layers)-1].Arith.Difference
	return hdl.Const(t, x.Lo), hdl.Const(t, x.Hi)
}

// wholeOutput is the state of the output layer in nudged phases, sigma(p*) + d.
func (l *lane) wholeOutput() hdl.Value {
	t := l.d.activationType()
	lo, hi := l.outputEnds(t)
	star := l.WireIs("output_star", l.activated(l.differences.rdata, lo, hi, t), "sigma(p*)")
	return hdl.Add(star, l.state)
}

// move takes the rounded change of the pre-activation, in stage 6, to the new difference, and
// the activated state of the free phase with it: stage 8 gets the one or the other.
func (l *lane) move(rounded *hdl.Signal, free hdl.Value, word hdl.Type) hdl.Value {
	d, t := l.d, l.d.activationType()
	l.Group("Difference: sigma(p* + delta) - sigma(p*)")
	reference := delay(&l.Scope, "reference", l.differences.rdata, 2, 6)[6]
	lo, hi := l.ends()
	star := l.stage("star_q7", l.activated(reference, lo, hi, t), "sigma(p*)")
	moved := l.stage("moved_q7", l.activated(l.WireIs("delta_sum", hdl.Add(rounded, reference)), lo, hi, t), "sigma(p* + delta)")
	settled := l.stage("settled_q7", free)
	difference := l.WireIs("difference", hdl.Sub(moved, star))
	range_ := d.Layers[0].Arith.Difference.Range
	bound := hdl.S(max(difference.Type().Width, word.Width))
	top := range_.Hi().Int64()
	limited := clamp(difference, l.Localparam("DIFFERENCE_MIN", bound, -top), l.Localparam("DIFFERENCE_MAX", bound, top), word)
	return hdl.Mux(l.differences.moving, limited, settled)
}
