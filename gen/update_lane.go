package gen

import (
	"fmt"

	"epgen/hdl"
)

// updateLane builds ep_update_lane: one weight or bias of a column.
func (d *Design) updateLane() *hdl.Module {
	u := &updateLane{Module: hdl.NewModule("ep_update_lane"), d: d}
	u.Doc("%s", d.updateLaneDoc())
	u.ports()
	u.apply(u.change())
	u.Always(func(b *hdl.Block) {
		for _, r := range u.regs {
			b.Set(r.reg, r.v)
		}
	})
	return u.Module
}

// updateLaneDoc is the comment of ep_update_lane.
func (d *Design) updateLaneDoc() string {
	text := "Local update of one weight or bias:\n\n" + d.updateFormula()
	if d.sums() {
		text += "Where the start completes no update, the sum alone changes.\n"
	}
	k := ""
	if list := d.shifts.rate.values; len(list) == 1 {
		k = fmt.Sprintf("k is %d. ", list[0])
	}
	return text + fmt.Sprintf("rate * 2^-k is %s, in LSBs of the layer; one rounding (%s), then saturation.\n"+
		"%sLatency: %d cycles.", d.rateText(), d.Layers[0].Arith.WeightUpdate.Mode, k, d.columnLate()-1)
}

// updateFormula is the arithmetic of an update with its options.
func (d *Design) updateFormula() string {
	cfg := d.Cfg
	if before, after := d.laneStages(); before+after == 0 {
		return "  new = clamp(old + round(rate * contrast * 2^-k))\n\n"
	}
	text, old, contrast, terms := "", "old", "contrast", ""
	if d.sums() {
		contrast = "sum"
		text += "  sum = sum + contrast, exact; 0 after an update\n"
	}
	if cfg.Formats.MasterBits > 0 {
		old = "master"
		text += fmt.Sprintf("  master = old * 2^%d + remainder\n", cfg.Formats.MasterBits)
	}
	if cfg.DecayShift > 0 {
		terms += fmt.Sprintf(" - %s * 2^-%d", old, cfg.DecayShift)
	}
	if cfg.MomentumShift > 0 {
		terms += fmt.Sprintf(" - velocity * 2^-%d", cfg.MomentumShift)
	}
	text += "  change = round(rate * " + contrast + " * 2^-k" + terms + ")\n"
	change := "change"
	if cfg.MomentumShift > 0 {
		text += "  velocity = clamp(velocity + change)\n"
		change = "velocity"
	}
	if cfg.Formats.MasterBits > 0 {
		return text + "  new = the nearest to clamp(master + " + change + "), ties going up\n\n"
	}
	return text + "  new = clamp(old + " + change + ")\n\n"
}

// updateLane is ep_update_lane under construction. A value of stage k is that of the
// element whose contrast came k cycles ago.
type updateLane struct {
	*hdl.Module
	d *Design

	limit, isBias, rate, sel   hdl.Value // limit and isBias are nil where nothing depends on them
	fixed                      hdl.Value // nil unless some parameters decay and others do not
	contrast, old, sum, last   hdl.Value // stage 0; last is constant
	velocity, remainder        hdl.Value
	masters, velocities, total []hdl.Value // by stage, empty where they do not exist
	stage                      int         // of the rounded change, registered
	updated, kept              *hdl.Signal
	regs                       []assignment // all but those of delays
}

// assignment is what a register takes in every cycle.
type assignment struct {
	reg *hdl.Signal
	v   hdl.Value
}

// set makes v the next value of a register.
func (u *updateLane) set(reg *hdl.Signal, v hdl.Value) *hdl.Signal {
	u.regs = append(u.regs, assignment{reg, v})
	return reg
}

func (u *updateLane) ports() {
	d := u.d
	f := d.Cfg.Formats
	one := hdl.U(1)
	u.Group("Clock")
	u.Clock("clk_i")
	u.Group("Layer, constant while columns are in flight")
	if w := d.limitBits(); w > 0 {
		u.limit = u.Input("limit_i", hdl.U(w), "choice of the range of the parameters")
	} else if d.someBiases() && limitsOf(d.firstBiases()) != limitsOf(d.Layers[0].Arith.WeightUpdate) {
		u.isBias = u.Input("bias_i", one, "biases: "+d.biasText()+", else weights: "+d.weightText())
	}
	if d.fixedMaps() {
		u.fixed = u.Input("fixed_i", one, "of a head whose map does not decay")
	}
	u.rate = u.Input("rate_i", hdl.U(f.RateBits), "mantissa")
	if w := d.shifts.rate.bits(); w > 0 {
		u.sel = u.Input("rate_shift_i", hdl.U(w), d.shifts.rate.doc("k"))
	}
	if d.sums() {
		u.last = u.Input("apply_i", one, "the start completes an update")
	}
	u.Group("Column element; what comes in without one is never used")
	u.contrast = u.Input("contrast_i", hdl.S(d.ContrastBits))
	u.old = u.Input("old_i", hdl.S(d.parameterBits()), "old value")
	for _, k := range d.KeptFields() {
		v := u.Input(k.Name+"_i", hdl.S(k.Bits), "old "+k.Name)
		switch k.Name {
		case "remainder":
			u.remainder = v
		case "velocity":
			u.velocity = v
		case "sum":
			u.sum = v
		}
	}
	u.updated = u.OutputReg("new_o", hdl.S(d.ElementBits), "new value, signed")
	if d.keeps() {
		u.kept = u.OutputReg("kept_o", hdl.U(d.KeptWords()*d.ElementBits), "what is kept, the first word lowest")
	}
}

// change builds the pipeline up to the rounded change.
func (u *updateLane) change() hdl.Value {
	d := u.d
	before, after := d.laneStages()
	u.stage = 2 + before
	if before+after == 0 {
		u.Group("Pipeline: product, rounded change, sum")
	} else {
		u.Group("Pipeline: product, rounded change, new values")
	}
	u.delayOld(u.stage + after)
	contrast, at := u.contrast, 0
	if d.sums() {
		contrast, at = u.accumulate(u.stage+after), 1
	}
	change, name := u.scaled(contrast), "scaled"
	if d.Cfg.DecayShift+d.Cfg.MomentumShift > 0 {
		change, name = u.lessTerms(change, at+1), "exact"
	}
	if !d.stochastic() {
		return roundShift(&u.Scope, name, change, d.changeFraction(), d.Layers[0].Arith.WeightUpdate.Mode)
	}
	text := "of the element; one cycle before contrast_i"
	switch before {
	case 1:
		text = "of the element; with contrast_i"
	case 2:
		text = "of the element; one cycle behind contrast_i"
	}
	place := u.Input("place_i", hdl.U(32), text)
	inner := u.Input("inner_i", hdl.U(32))
	u.Group("Random bits, and the rounded change")
	return stochasticRound(&u.Scope, name, change, d.changeFraction(), mix(&u.Scope, "mix", place, inner))
}

// delayOld keeps old masters and velocities for the stages that use them: with sums the last
// one, end, which a start without an update leaves as they are.
func (u *updateLane) delayOld(end int) {
	d, cfg := u.d, u.d.Cfg
	master, name := u.old, "old"
	if bits := cfg.Formats.MasterBits; bits > 0 {
		name = "master"
		master = u.WireIs(name, fit(hdl.Add(hdl.Shl(u.old, bits), u.remainder), d.masterBits()))
	}
	masterEnd, velocityEnd := u.stage, u.stage
	switch {
	case d.sums():
		masterEnd, velocityEnd = end, end
	case u.velocity != nil:
		masterEnd++
	}
	u.masters = delay(&u.Scope, name, master, 0, masterEnd)
	if u.velocity != nil {
		u.velocities = delay(&u.Scope, "velocity", u.velocity, 0, velocityEnd)
	}
}

// accumulate adds the contrast to the sum of those before, a stage that is needed until end.
func (u *updateLane) accumulate(end int) hdl.Value {
	d, contrast, w := u.d, u.contrast, u.d.Arith.Keeps.Sum
	total := u.Reg("total_q1", hdl.S(w), "contrasts of all starts so far")
	if w < d.ContrastBits { // those of layers that do not learn are wider
		contrast = fit(contrast, w)
		u.Unused(hdl.Slice(u.contrast, d.ContrastBits-1, w))
	}
	u.set(total, fit(hdl.Add(contrast, u.sum), w))
	u.total = delay(&u.Scope, "total", total, 1, end)
	return total
}

// scaled multiplies by the rate, a stage, and aligns the product to the fraction of the change.
func (u *updateLane) scaled(contrast hdl.Value) *hdl.Signal {
	factor := hdl.AsS(hdl.Cat(hdl.Const(hdl.U(1), 0), u.rate))
	product := hdl.Mul(factor, contrast)
	product = hdl.Trunc(product, product.Type().Width-1) // the factor has no sign, so the top bits are equal
	reg := u.set(u.Reg("product_q", product.Type()), product)
	lift := u.d.rateLift()
	return u.WireIs("scaled", lift.shiftLeft(reg, u.sel, product.Type().Width+lift.max()))
}

// lessTerms takes the terms of decay and momentum, of the stage of the product, from the
// change, a stage.
func (u *updateLane) lessTerms(change *hdl.Signal, stage int) *hdl.Signal {
	d, cfg, exact := u.d, u.d.Cfg, hdl.Value(change)
	lose := func(v hdl.Value, shift int) {
		if shift > 0 {
			exact = hdl.Sub(exact, hdl.Shl(v, d.changeFraction()-shift))
		}
	}
	decaying := u.masters[stage]
	if u.fixed != nil {
		decaying = u.WireIs("decaying", hdl.Mux(u.fixed, zeroOf(decaying), decaying))
	}
	lose(decaying, cfg.DecayShift)
	if u.velocity != nil {
		lose(u.velocities[stage], cfg.MomentumShift)
	}
	return u.set(u.Reg("exact_q", exact.Type(), "change, not rounded"), exact)
}

// ends are the ends of the range of masters.
func (u *updateLane) ends(t hdl.Type) (lo, hi hdl.Value) {
	if u.limit != nil {
		return u.d.chooseLimits(u.Module, u.limit, t)
	}
	w0, b0 := u.d.Layers[0].Arith.WeightUpdate, u.d.firstBiases()
	lo, hi = u.Localparam("WEIGHT_MIN", t, w0.Lo), u.Localparam("WEIGHT_MAX", t, w0.Hi)
	if u.isBias == nil {
		return lo, hi
	}
	biasLo := u.Localparam("BIAS_MIN", t, b0.Lo)
	biasHi := u.Localparam("BIAS_MAX", t, b0.Hi)
	return u.WireIs("lo", hdl.Mux(u.isBias, biasLo, lo)), u.WireIs("hi", hdl.Mux(u.isBias, biasHi, hi))
}

// apply builds what follows the rounded change: velocity, master, the new value.
func (u *updateLane) apply(rounded hdl.Value) {
	d := u.d
	widest := rounded.Type().Width
	if u.velocity != nil {
		widest = u.velocity.Type().Width
	}
	lo, hi := u.ends(hdl.S(1 + max(widest, d.masterBits())))
	change, stage := u.set(u.Reg("delta_q", rounded.Type()), rounded), u.stage
	var velocity *hdl.Signal
	if u.velocity != nil {
		velocity = u.faster(change, stage)
		change = velocity
		stage++
	}
	name := "sum"
	if u.sum != nil { // of contrasts
		name = "moved"
	}
	sum := u.WireIs(name, hdl.Add(change, u.masters[stage]))
	master := clamp(sum, lo, hi, hdl.S(d.masterBits()))
	var remainder hdl.Value
	if bits := d.Cfg.Formats.MasterBits; bits > 0 {
		kept := hdl.Value(u.set(u.Reg("new_master_q", master.Type()), master))
		stage++
		if velocity != nil {
			velocity = u.set(u.Reg("new_velocity_q2", velocity.Type()), velocity)
		}
		if d.sums() {
			kept = u.WireIs("kept_master", hdl.Mux(u.last, kept, u.masters[stage]))
		}
		master, remainder = u.split(kept, bits)
	} else if d.sums() {
		master = hdl.Mux(u.last, master, u.masters[stage])
	}
	u.set(u.updated, hdl.Ext(master, d.ElementBits))
	u.keep(stage, remainder, velocity)
}

// faster is the new velocity, a stage: the change added to the old one.
func (u *updateLane) faster(change hdl.Value, stage int) *hdl.Signal {
	sum := u.WireIs("faster", hdl.Add(change, u.velocities[stage]))
	low, high := u.d.Arith.Keeps.VelocityRange()
	least, most := u.Localparam("VELOCITY_MIN", sum.Type(), low), u.Localparam("VELOCITY_MAX", sum.Type(), high)
	return u.set(u.Reg("new_velocity_q", u.velocity.Type()), clamp(sum, least, most, u.velocity.Type()))
}

// split returns the nearest weight of a master, and what remains.
func (u *updateLane) split(master hdl.Value, bits int) (weight, remainder hdl.Value) {
	d := u.d
	half := hdl.Const(hdl.S(d.masterBits()+1), 1<<(bits-1))
	nearest := u.WireIs("nearest", hdl.Add(master, half), "a tie goes up")
	if w := nearest.Type().Width; w > d.masterBits() {
		u.Unused(hdl.Slice(nearest, w-1, d.masterBits()))
	}
	remainder = hdl.Inv(hdl.Bit(nearest, bits-1)) // half an LSB has turned the sign round
	if bits > 1 {
		remainder = hdl.Cat(remainder, hdl.Slice(nearest, bits-2, 0))
	}
	return hdl.AsS(hdl.Slice(nearest, d.masterBits()-1, bits)), remainder
}

// keep builds the new words of what is kept.
func (u *updateLane) keep(stage int, remainder hdl.Value, velocity *hdl.Signal) {
	d := u.d
	if !d.keeps() {
		return
	}
	var parts []hdl.Value
	for _, f := range d.KeptFields() {
		var v hdl.Value
		switch f.Name {
		case "remainder":
			v = hdl.AsS(remainder)
		case "velocity":
			if v = velocity; d.sums() {
				v = hdl.Mux(u.last, velocity, u.velocities[stage])
			}
		case "sum":
			v = hdl.Mux(u.last, zeroOf(u.total[stage]), u.total[stage])
		}
		parts = append([]hdl.Value{hdl.AsU(hdl.Ext(v, f.Words*d.ElementBits))}, parts...)
	}
	u.set(u.kept, hdl.Cat(parts[0], parts[1:]...))
}
