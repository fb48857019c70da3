package gen

import (
	"epgen/ep"
	"epgen/hdl"
)

// modes builds what the datapath sees during a pass: its mode, registered in START, and the
// loops of the walker.
func (q *sequencer) modes() {
	q.Group("Copies of the states that the pass reads and writes")
	values := q.modeValues()
	q.Group("Mode of the pass")
	q.modeOutputs(values)
	q.Group("Loops of the pass")
	for _, f := range q.rec {
		if walkerFields[f.name] && f.name != "window" && f.name != "unpool" {
			q.Assign(q.Output(f.name+"_o", hdl.U(f.bits), f.doc), q.field(f.name))
		}
	}
	q.Assign(q.Output("slab_o_o", q.slabO.Type(), "first word of the slab in its sample"), q.slabO)
}

// modeValues returns the values of the modes that depend on more than the descriptor, by the
// names of modeFields.
func (q *sequencer) modeValues() map[string]hdl.Value {
	d := q.d
	first, stale := q.stale()
	result := q.isPhase(d.PhaseResult())
	read, written := q.copies(stale)
	iEven := q.WireIs("below_even", hdl.Not(hdl.Bit(q.passLayer, 0)), "the layer below is in the even bank")
	isInput := q.WireIs("below_input", hdl.EqConst(q.passLayer, 0))
	isAct := q.isKind(Act)
	values := map[string]hdl.Value{
		"up": q.isKind(Up), "down": q.isKind(Down),
		"act": hdl.All(isAct, hdl.Not(result)), "result": result,
		"i_even": iEven, "unpool": q.field("unpool"), "window": q.field("window"),
		"index":    q.field("index_base"),
		"acc_read": hdl.Mux(hdl.EqConst(q.slab, 0), q.field("acc_read"), q.field("acc_next")),
	}
	if !d.given() {
		values["zero"] = q.initial(stale, isInput)
	}
	oOwn := q.words(values, read, written, iEven, isInput)
	values["write"] = hdl.Mux(isAct, oOwn, hdl.Ext(q.field("acc_write"), d.fields.addr))
	if d.learns() {
		q.learningValues(values, first, iEven)
	}
	if d.movingIndex() {
		q.indexValues(values, stale, isInput)
	}
	q.movingValues(values, stale)
	if d.signedLast() {
		values["unclamped"] = hdl.All(isAct, hdl.EqConst(q.actLayer, int64(len(d.Layers)-1)))
	}
	if d.hasHeads() {
		q.headValues(values, written, oOwn)
	}
	if q.keep != nil {
		values["keep"] = q.keep
	}
	q.slabValues(values)
	for _, name := range []string{"mean", "biased"} {
		if v, ok := q.named[name]; ok {
			values[name] = v
		}
	}
	return values
}

// slabValues are the modes that tell where the slab of the pass lies.
func (q *sequencer) slabValues(values map[string]hdl.Value) {
	d := q.d
	if d.onChip() {
		values["slab_base"] = hdl.AddMod(q.field("tile_first"), q.slabTile)
		if d.someBiases() {
			values["slab_number"] = hdl.AddMod(q.field("slab_first"), fit(q.slab, addrBits(d.allSlabs())))
		}
	} else {
		values["bank"] = q.bank
	}
	if part := q.slabPart(); part != nil {
		values["slab_part"] = part
	}
	if d.columnParts() > 1 && d.relaxing() > 1 {
		values["from_drive"] = hdl.All(q.isKind(Down), hdl.EqConst(q.slab, 0), hdl.EqConst(q.passLayer, 1))
	}
}

// modeOutputs builds the ports of the mode: registers for the values, and constants of the
// layer straight from the descriptor.
func (q *sequencer) modeOutputs(values map[string]hdl.Value) {
	d := q.d
	type pair struct{ reg, v hdl.Value }
	var pairs []pair
	for _, f := range d.modeFields() {
		v, registered := values[f.name]
		switch {
		case f.name == "rate" && d.Cfg.HostRates:
			q.Assign(q.Output(f.name+"_o", hdl.U(f.bits), f.doc), q.layerRate())
		case registered:
			pairs = append(pairs, pair{q.OutputReg(f.name+"_o", hdl.U(f.bits), f.doc), v})
		default:
			q.Assign(q.Output(f.name+"_o", hdl.U(f.bits), f.doc), q.field(f.name))
		}
	}
	q.Always(func(b *hdl.Block) {
		b.If(q.is(seqStart), func(b *hdl.Block) {
			for _, p := range pairs {
				b.Set(p.reg, p.v)
			}
		})
	})
}

// learningValues are the modes that only nudged phases and the update have.
func (q *sequencer) learningValues(values map[string]hdl.Value, first, iEven hdl.Value) {
	d := q.d
	// Frozen are the indices of s*: those of the first nudged step, and of even
	// layers in asynchronous sweeps already those of the last free one.
	freezing := []hdl.Value{q.isPhase(int(ep.PhaseNudge)), first}
	if d.Cfg.Sweep == ep.Asynchronous {
		freezing = append(freezing, iEven)
	}
	values["free_index"] = hdl.Any(q.isPhase(CopyFree), q.updating, hdl.All(freezing[0], freezing[1:]...))
	if d.differs() { // which keep those of the last free step
		values["free_index"] = q.isPhase(CopyFree)
	}
	values["update"], values["acc_keep"] = q.contrasting(), q.updating
	values["nudge"] = hdl.All(q.during(nudged), q.isKind(Act), hdl.EqConst(q.actLayer, int64(len(d.Layers)-1)))
	values["nudge_minus"] = q.pulling()
	if w := d.strengthBits(); w > 0 {
		values["strength"] = q.strength(w)
	}
	if d.someBiases() {
		values["bias"] = q.isKind(Bias)
	}
	if q.negative != nil {
		values["negate"] = hdl.All(q.updating, q.negative)
	}
}

// initial reports a pass that reads the initial states, which are nowhere in memory.
// Damping needs those of layer 1 too, above the input.
func (q *sequencer) initial(stale, isInput hdl.Value) hdl.Value {
	states := hdl.Not(isInput)
	if q.d.Cfg.Damping > 0 {
		states = hdl.Any(states, q.isKind(Act))
	}
	all := hdl.All(q.isPhase(CopyFree), stale, states)
	if q.cold != nil {
		all = hdl.All(all, q.cold)
	}
	return all
}

// ownOld reports the passes that read the states of the layer that a visit renews: they
// are those of the step before, whatever is fresh.
func (q *sequencer) ownOld() hdl.Value {
	if q.d.hasHeads() {
		return hdl.Any(q.isKind(Act), q.isKind(Pool))
	}
	return q.isKind(Act)
}

// headValues are the modes of heads; written is the copy that a pass writes, own the
// first word of the layer in it.
func (q *sequencer) headValues(values map[string]hdl.Value, written, own hdl.Value) {
	isAct, isPool := q.isKind(Act), q.isKind(Pool)
	averages := q.WireIs("averages_word", hdl.AddMod(q.field("acc_write"), hdl.Ext(q.chooseCopy(written, q.averagesCopy), q.d.fields.addr)),
		"averages lie in the even bank")
	if q.d.movingIndex() { // the up of a head is not for an argmax
		values["acc_keep"] = hdl.All(q.updating, hdl.Not(q.of("up")))
	}
	values["pool"], values["head"] = isPool, q.field("head")
	values["head_nudge"] = hdl.All(q.field("head"), isAct, q.during(nudged))
	if c := q.d.shifts.headCode; len(c.values) > 1 && q.d.strengthsOfHeads() > 1 {
		code := q.field("head_code_1")
		for k := 2; k < q.d.PhaseUpdate(); k++ {
			code = hdl.Mux(q.isPhase(k), q.field("head_code_"+itoa(k)), code)
		}
		values["head_code"] = code
	}
	values["back_first"] = hdl.EqConst(q.slab, 0)
	values["write"] = hdl.Mux(isPool, averages, hdl.Mux(hdl.Any(isAct, q.isKind(Soft)), own, q.field("acc_write")))
}

// pulling reports a nudge away from the target.
func (q *sequencer) pulling() hdl.Value {
	if q.negative != nil {
		return q.negative
	}
	return q.during(pulled)
}

// nudged and pulled tell the phases whose nudge is not 0, and those in which it points
// away from the target.
func nudged(r *ep.Relaxation) bool { return r.Beta != 0 }
func pulled(r *ep.Relaxation) bool { return r.Beta < 0 }

// during reports the relaxations that a condition chooses.
func (q *sequencer) during(which func(r *ep.Relaxation) bool) hdl.Value {
	var any []hdl.Value
	for i := range q.d.Program.Relaxations {
		if which(&q.d.Program.Relaxations[i]) {
			any = append(any, q.isPhase(i))
		}
	}
	if any == nil {
		return bit(false)
	}
	return hdl.Any(any[0], any[1:]...)
}

// contrasting is high in passes that collect contrasts.
func (q *sequencer) contrasting() hdl.Value {
	if !q.d.someBiases() {
		return q.isKind(Update)
	}
	return hdl.Any(q.isKind(Bias), q.isKind(Update))
}
