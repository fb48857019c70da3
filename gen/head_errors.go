package gen

import "epgen/hdl"

// difference builds e = clamp(round((y << sh) - z)) of a linear head, in ERROR.
func (u *headUnit) difference() hdl.Value {
	a := u.d.withKind(false).HeadArith
	u.Group("Error of a linear head: clamp(round((y << " + itoa(a.TargetShift) + ") - z))")
	w := u.logit.Type().Width + 1
	var target hdl.Value
	if u.label != nil {
		y := a.Target << a.TargetShift
		w = max(w, widest(int(y))+2)
		target = u.Localparam("TARGET", hdl.S(w), y, "y of the labelled class")
		target = hdl.Mux(u.label, target, zeroOf(target))
	}
	if u.targets != nil && (u.taught != nil || u.label == nil) {
		tb := u.d.targetBits()
		w = max(w, tb+a.TargetShift+1)
		lane := u.targets
		if u.d.P > 1 {
			lane = hdl.DynSlice(u.targets, u.lane, tb)
		}
		given := hdl.Value(u.WireIs("given", hdl.Ext(hdl.Shl(hdl.AsS(lane), a.TargetShift), w)))
		if target != nil {
			given = hdl.Mux(u.taught, given, hdl.Ext(target, w))
		}
		target = given
	}
	q := u.Reg("linear_q", hdl.S(w), "y - z")
	u.Always(func(b *hdl.Block) {
		b.Set(q, hdl.SubMod(target, hdl.Ext(u.logit, w)))
	})
	rounded := u.WireIs("linear_rounded", roundShift(&u.Scope, "linear", q, a.Error.Shift, a.Error.Mode))
	bound := hdl.S(max(rounded.Type().Width, u.d.LaneBits))
	lo, hi := u.Localparam("ERROR_MIN", bound, a.Error.Lo), u.Localparam("ERROR_MAX", bound, a.Error.Hi)
	return clamp(rounded, lo, hi, hdl.S(u.d.LaneBits))
}

// mixture builds the error of a head of logits, whose cold quotient is kept in ERROR and
// whose warm one meets it in MIX.
func (u *headUnit) mixture(p *hdl.Signal, one int64) hdl.Value {
	a := u.d.distilling().HeadArith
	u.Group("Error of a head of logits: clamp(round(own * (y - p) + taught * (t - p at T)))")
	pw, tb := p.Type().Width, u.d.targetBits()
	cold := u.Reg("cold_q", p.Type(), "p at temperature 1")
	u.Always(func(b *hdl.Block) {
		b.If(hdl.All(u.is(headError), hdl.Not(u.warm)), func(b *hdl.Block) { b.Set(cold, p) })
	})
	wide := func(v hdl.Value) hdl.Value { return hdl.AsS(hdl.Ext(v, pw+2)) }
	y := hdl.Mux(u.label, hdl.Const(hdl.S(pw+2), one), hdl.Const(hdl.S(pw+2), 0))
	own := u.WireIs("own_error", hdl.SubMod(y, wide(cold)))
	lane := u.targets
	if u.d.P > 1 {
		lane = hdl.DynSlice(u.targets, u.lane, tb)
	}
	w := max(tb+a.TeachShift, pw+2+a.WarmShift) + 1
	taught := u.WireIs("taught_error", hdl.SubMod(fit(hdl.Shl(hdl.AsS(lane), a.TeachShift), w), fit(hdl.Shl(wide(p), a.WarmShift), w)))
	constant := func(name string, v int64, doc string) hdl.Value {
		return u.Localparam(name, hdl.S(widest(int(v))+1), v, doc)
	}
	x := hdl.Shl(hdl.Mul(constant("OWN", a.Own, "1 - mix"), own), a.WarmShift)
	z := hdl.Mul(constant("TAUGHT", a.Taught, "mix * temperature"), taught)
	mw := max(x.Type().Width, z.Type().Width) + 1
	mix := u.Reg("mix_q", hdl.S(mw))
	u.Always(func(b *hdl.Block) {
		b.If(u.is(headMix), func(b *hdl.Block) { b.Set(mix, hdl.AddMod(hdl.Ext(x, mw), hdl.Ext(z, mw))) })
	})
	rounded := u.WireIs("mix_rounded", roundShift(&u.Scope, "mix", mix, a.Error.Shift, a.Error.Mode))
	bound := hdl.S(max(rounded.Type().Width, u.d.LaneBits))
	lo, hi := u.Localparam("MIX_MIN", bound, a.Error.Lo), u.Localparam("MIX_MAX", bound, a.Error.Hi)
	return clamp(rounded, lo, hi, hdl.S(u.d.LaneBits))
}

// probability builds p, the quotient of the class, rounded.
func (u *headUnit) probability() *hdl.Signal {
	sm, sw := u.sm, u.sum.Type().Width
	u.Group("Probability of the class")
	twice := u.WireIs("twice", hdl.Cat(u.rem, bit(false)))
	whole := u.WireIs("whole", hdl.Ext(u.divisor, sw+1))
	up := u.WireIs("round_up", hdl.Any(hdl.Gt(twice, whole), hdl.All(hdl.Eq(twice, whole), hdl.Bit(u.quotient, 0))), "nearest-even")
	qw := u.quotient.Type().Width + 1
	rounded := u.WireIs("rounded", hdl.AddMod(hdl.Ext(u.quotient, qw), hdl.Ext(up, qw)))
	pw := widest(int(sm.Max))
	u.most = u.Localparam("P_MAX", hdl.U(pw), sm.Max, ftoa(sm.Format.ToFloat(sm.Max))+", also y of the labelled class")
	return u.WireIs("probability", hdl.Mux(hdl.Gt(rounded, hdl.Ext(u.most, qw)), u.most, hdl.Trunc(rounded, pw)))
}

// outputs builds the error of the class and the ports to accumulators and states.
func (u *headUnit) outputs() {
	d := u.d
	one := hdl.U(1)
	lw := d.LaneBits
	var p *hdl.Signal
	if u.sm != nil {
		p = u.probability()
	}
	u.Group("Error of the class")
	at := u.WireIs("word_address", hdl.AddMod(u.base, fit(u.word, u.base.Type().Width)))
	if u.labelWord != nil {
		hit := hdl.Eq(hdl.Ext(at, d.fields.addr), u.labelWord)
		if u.labelLane != nil {
			hit = hdl.All(hit, hdl.Eq(u.lane, u.labelLane))
		}
		u.label = u.WireIs("labelled", hit)
	}
	var value hdl.Value
	if p != nil {
		ew := max(lw, u.quotient.Type().Width+2)
		y := hdl.Mux(u.label, hdl.Ext(u.most, ew), hdl.Const(hdl.U(ew), 0))
		value = hdl.Trunc(hdl.SubMod(y, hdl.Ext(p, ew)), lw)
	}
	switch {
	case value == nil:
		value = hdl.AsU(u.difference())
	case u.linear != nil:
		value = hdl.Mux(u.linear, hdl.AsU(u.difference()), value)
	}
	if u.distil != nil {
		value = hdl.Mux(u.distil, hdl.AsU(u.mixture(p, u.sm.Max)), value)
	}
	text := "e = y - p"
	if p == nil {
		text = "e = y - z"
	}
	e := u.WireIs("error", value, text)
	word := u.Reg("errors_q", hdl.U(d.P*lw), "errors of the word; lanes without a class stay 0")
	u.Always(func(b *hdl.Block) {
		b.If(u.is(headRead), func(b *hdl.Block) { b.Set(word, zeroOf(word)) })
		for r := range d.P {
			this := hdl.Value(u.is(headError))
			if u.distil != nil {
				this = hdl.All(this, hdl.Any(hdl.Not(u.distil), u.warm))
			}
			if d.P > 1 {
				this = hdl.All(this, hdl.EqConst(u.lane, int64(r)))
			}
			b.If(this, func(b *hdl.Block) { b.Set(hdl.Slice(word, (r+1)*lw-1, r*lw), e) })
		}
	})
	u.Group("Ports")
	if u.label != nil {
		u.Assign(u.Output("sample_o", u.sample.Type()), u.sample)
	}
	u.Assign(u.Output("read_o", one, "read the logits of a word, and the label"), u.is(headRead))
	u.Assign(u.Output("capture_o", one, "one cycle later"), u.is(headCapture))
	u.Assign(u.Output("word_o", at.Type(), "word read or written"), at)
	u.Assign(u.Output("write_o", one, "errors of a word"), u.is(headWrite))
	u.Assign(u.Output("errors_o", word.Type(), "signed lanes"), word)
	u.Assign(u.Output("done_o", one, "the last word is being written"),
		hdl.All(u.is(headWrite), u.lastWord, u.lastSample))
}
