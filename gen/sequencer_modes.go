package gen

import (
	"epgen/ep"
	"epgen/hdl"
)

// modes builds what the datapath sees during a pass, registered in START.
func (q *sequencer) modes() {
	d := q.d
	q.Group("Copies of the states that the pass reads and writes")
	first := q.WireIs("first_step", hdl.EqConst(q.step, 0))
	stale := hdl.Value(first) // states read are those from before the phase
	if _, fresh := q.named["visit_fresh"]; fresh {
		stale = q.WireIs("stale", hdl.All(first, hdl.Any(hdl.Not(q.of("fresh")), q.ownOld())),
			"what is read was not written in this phase: the others in the second half of a sweep are")
	}
	result := q.isPhase(d.PhaseResult())
	read, written := q.copies(stale)
	iEven := q.WireIs("below_even", hdl.Not(hdl.Bit(q.passLayer, 0)), "the layer below is in the even bank")
	isInput := q.WireIs("below_input", hdl.EqConst(q.passLayer, 0))
	isAct := q.isKind(Act)
	values := map[string]hdl.Value{
		"up": q.isKind(Up), "down": q.isKind(Down),
		"act": hdl.All(isAct, hdl.Not(result)), "result": result,
		"i_even": iEven, "unpool": q.field("unpool"), "window": q.field("window"),
		"zero":     q.initial(stale, isInput),
		"index":    q.field("index_base"),
		"acc_read": hdl.Mux(hdl.EqConst(q.slab, 0), q.field("acc_read"), q.field("acc_next")),
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
	if d.Cfg.Output == ep.Linear {
		values["unclamped"] = hdl.All(isAct, hdl.EqConst(q.actLayer, int64(len(d.Layers)-1)))
	}
	if d.hasHeads() {
		q.headValues(values, written, oOwn)
	}
	if q.keep != nil {
		values["keep"] = q.keep
	}
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
	if d.columnParts() > 1 && len(d.Layers) > 1 {
		values["from_drive"] = hdl.All(q.isKind(Down), hdl.EqConst(q.slab, 0), hdl.EqConst(q.passLayer, 1))
	}
	for _, name := range []string{"mean", "biased"} {
		if v, ok := q.named[name]; ok {
			values[name] = v
		}
	}
	q.Group("Mode of the pass")
	type pair struct{ reg, v hdl.Value }
	var pairs []pair
	for _, f := range d.modeFields() {
		v, registered := values[f.name]
		if f.name == "rate" && d.Cfg.HostRates {
			q.Assign(q.Output(f.name+"_o", hdl.U(f.bits), f.doc), q.layerRate())
			continue
		}
		if !registered { // constants of the layer, straight from the descriptor
			q.Assign(q.Output(f.name+"_o", hdl.U(f.bits), f.doc), q.field(f.name))
			continue
		}
		pairs = append(pairs, pair{q.OutputReg(f.name+"_o", hdl.U(f.bits), f.doc), v})
	}
	q.Always(func(b *hdl.Block) {
		b.If(q.is(seqStart), func(b *hdl.Block) {
			for _, p := range pairs {
				b.Set(p.reg, p.v)
			}
		})
	})
	q.Group("Loops of the pass")
	for _, f := range q.rec {
		if walkerFields[f.name] && f.name != "window" && f.name != "unpool" {
			q.Assign(q.Output(f.name+"_o", hdl.U(f.bits), f.doc), q.field(f.name))
		}
	}
	q.Assign(q.Output("slab_o_o", q.slabO.Type(), "first word of the slab in its sample"), q.slabO)
}

// copies are the copies of the states that a pass reads, at the first point of the contrast or
// the only one, and writes.
func (q *sequencer) copies(stale hdl.Value) (read, written hdl.Value) {
	d := q.d
	copyT := hdl.U(addrBits(d.Copies()))
	c := func(n int) hdl.Value { return hdl.Const(copyT, int64(n)) }
	if !d.learns() {
		return c(CopyFree), c(CopyFree)
	}
	ownIs := c(CopyFree)
	for i := d.Copies() - 1; i > CopyFree; i-- {
		ownIs = hdl.Mux(q.isPhase(i), c(i), ownIs)
	}
	own := q.WireIs("copy", ownIs, "written in this phase, which has the same number")
	terms := d.terms()
	inUpdate := c(int(terms[0].Here))
	if d.movingIndex() {
		for k := 1; k < len(terms); k++ {
			inUpdate = hdl.Mux(hdl.EqConst(q.variant, int64(k+1)), c(int(terms[k].Here)), inUpdate)
		}
	}
	written = own
	if d.hasHeads() {
		for k := 1; k < len(terms); k++ {
			inUpdate = hdl.Mux(d.isPoint(q.of("point"), k), c(int(terms[k].Here)), inUpdate)
		}
		if d.freeHeads() {
			inUpdate = hdl.Mux(q.of("free"), c(CopyFree), inUpdate)
		}
		written = hdl.Mux(q.updating, inUpdate, own)
	}
	return q.WireIs("copy_plus", hdl.Mux(q.updating, inUpdate, hdl.Mux(stale, c(CopyFree), own)),
		"read, at the first point of the contrast or the only one"), written
}

// words adds the first words of the layer below and of the layer in the copies that are read,
// at each point of the contrast, and returns that of the layer in the copy that is written.
func (q *sequencer) words(values map[string]hdl.Value, read, written, iEven, isInput hdl.Value) (own hdl.Value) {
	d, terms := q.d, q.d.terms()
	iBase, oBase := q.field("i_base"), q.field("o_base")
	readBelow := read
	if d.differs() { // a term may have the layer below in another copy
		below := hdl.Const(read.Type(), int64(terms[0].Below))
		readBelow = q.WireIs("copy_below", hdl.Mux(q.updating, below, read), "the same of the layer below")
	}
	word := func(name string, copy, base hdl.Value) hdl.Value { return q.WireIs(name, hdl.AddMod(base, copy)) }
	for k, name := range d.pointNames() {
		below, here := q.copyBase(iEven, readBelow), q.copyBase(hdl.Not(iEven), read)
		if k > 0 {
			below, here = q.pointCopy(iEven, int(terms[k].Below)), q.pointCopy(hdl.Not(iEven), int(terms[k].Here))
		}
		values["i_"+name] = hdl.Mux(isInput, iBase, word("below_"+name, below, iBase))
		values["o_"+name] = word("here_"+name, here, oBase)
	}
	if !d.learns() { // the only copy
		return fit(values["o_"+d.pointNames()[0]], d.fields.addr)
	}
	return fit(word("here_own", q.copyBase(hdl.Not(iEven), written), oBase), d.fields.addr)
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

// indexValues are the first words of the pool indices where these are live: layer 1 has one
// index for all phases, its input being constant.
func (q *sequencer) indexValues(values map[string]hdl.Value, stale, isInput hdl.Value) {
	d, index := q.d, q.field("index_base")
	second := q.WireIs("index_second", hdl.AddMod(index, hdl.Const(index.Type(), int64(d.IndexWords))), "those of s-, in the update")
	atSecond := hdl.EqConst(q.variant, 2)
	if d.Cfg.Sweep == ep.Asynchronous {
		// Nudged phases begin with the indices of s* and store theirs elsewhere.
		nudged := q.WireIs("nudged", hdl.All(hdl.Not(q.isPhase(CopyFree)), hdl.Not(q.updating), hdl.Not(isInput)))
		atSecond = hdl.Any(atSecond, hdl.All(nudged, hdl.Any(q.isKind(Up), hdl.Not(stale))))
	}
	first := hdl.Mux(atSecond, second, index)
	for k := 2; k < d.points(); k++ {
		first = hdl.Mux(hdl.EqConst(q.variant, int64(k+1)), q.indexCopy(index, k), first)
	}
	values["index_plus"], values["index_minus"] = first, hdl.Mux(isInput, index, second)
	for k := 2; k < d.points(); k++ {
		values["index_"+d.pointNames()[k]] = hdl.Mux(isInput, index, q.indexCopy(index, k))
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
	averages := q.WireIs("averages_word", hdl.AddMod(q.field("acc_write"), q.copyBase(bit(true), written)), "averages lie in the even bank")
	values["acc_keep"] = hdl.All(q.isPhase(q.d.PhaseUpdate()), hdl.Not(q.of("up")))
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

// copyAt is the first word of a copy in the even or the odd bank.
func (q *sequencer) copyAt(even hdl.Value, copy int) hdl.Value {
	t := hdl.U(q.d.fields.state)
	return hdl.Mux(even, hdl.Const(t, int64(q.d.CopyBase(0, copy))), hdl.Const(t, int64(q.d.CopyBase(1, copy))))
}

// pointCopy is copyAt for a point of the contrast but the first. All points of a head
// that learns at the free equilibrium are there.
func (q *sequencer) pointCopy(even hdl.Value, copy int) hdl.Value {
	if !q.d.freeHeads() || copy == CopyFree {
		return q.copyAt(even, copy)
	}
	return hdl.Mux(q.of("free"), q.copyAt(even, CopyFree), q.copyAt(even, copy))
}

// copyBase is copyAt with a copy that varies.
func (q *sequencer) copyBase(even, copy hdl.Value) hdl.Value {
	base := q.copyAt(even, CopyFree)
	for i := CopyFree + 1; i < q.d.Copies(); i++ {
		base = hdl.Mux(hdl.EqConst(copy, int64(i)), q.copyAt(even, i), base)
	}
	return base
}

// slabPart is the place of the slab in its words; nil where a slab is a whole word.
func (q *sequencer) slabPart() hdl.Value {
	switch n := q.d.rowParts(); {
	case n == 1:
		return nil
	case powerOfTwo(n):
		return hdl.Slice(q.slab, partBits(n)-1, 0)
	}
	return q.part
}

// contrasting is high in passes that collect contrasts.
func (q *sequencer) contrasting() hdl.Value {
	if !q.d.someBiases() {
		return q.isKind(Update)
	}
	return hdl.Any(q.isKind(Bias), q.isKind(Update))
}

// status builds the control of the other units and what the registers show.
func (q *sequencer) status() {
	one := hdl.U(1)
	q.Group("Control of the units")
	start := q.is(seqStart)
	walk := hdl.Value(start)
	if q.d.hasHeads() {
		walk = hdl.All(start, hdl.Not(q.isKind(Soft)))
		q.Assign(q.Output("soft_start_o", one), hdl.All(start, q.isKind(Soft)))
	}
	q.Assign(q.Output("walk_start_o", one), walk)
	if q.d.learns() {
		q.Assign(q.Output("update_start_o", one), hdl.All(start, q.contrasting()))
	}
	if !q.d.onChip() {
		done := q.WireIs("slab_free", hdl.All(q.is(seqNext), q.releaseSlab))
		q.Assign(q.Output("freed_o", hdl.U(2)), hdl.Cat(hdl.All(done, q.bank), hdl.All(done, hdl.Not(q.bank))))
	}
	if q.infer != nil && (!q.d.onChip() || q.d.random()) { // for the fetch unit and the registers
		q.Assign(q.Output("infer_run_o", one), q.infer)
	}
	q.Assign(q.Output("store_start_o", one), q.storeStart)
	if q.d.learns() {
		q.Assign(q.Output("store_result_o", one), q.isPhase(q.d.PhaseResult()))
	}
	q.Assign(q.Output("abort_o", one), q.is(seqError))
	if q.d.columnsPerBeat() > 1 && q.d.learns() {
		q.Assign(q.Output("pass_over_o", one), q.is(seqFlush))
	}
	q.Group("Status")
	q.Assign(q.Output("busy_o", one), hdl.Not(q.is(seqIdle)))
	ended := []hdl.Value{q.storeIdle}
	if q.updating != nil {
		ended = append(ended, hdl.Not(q.updating))
	}
	complete := hdl.All(q.is(seqStore), append(ended, hdl.Not(q.fetchError), hdl.Not(q.storeError))...)
	if q.done != nil {
		q.Assign(q.done, complete)
		complete = q.done
	}
	q.Assign(q.Output("finish_o", one, "the step is complete, or has failed: see error_o"), hdl.Any(complete,
		hdl.All(q.is(seqError), hdl.EqConst(q.flush, 0), q.fetchIdle, q.storeIdle)))
	q.Assign(q.Output("error_o", one), q.errorQ)
	q.Assign(q.Output("wait_fetch_o", one), hdl.Any(q.is(seqLoad), q.is(seqWait)))
	q.Assign(q.Output("wait_store_o", one), q.is(seqStore))
	q.Assign(q.Output("state_o", hdl.U(4)), q.state)
	q.Assign(q.Output("phase_o", q.phase.Type()), q.phase)
	q.Assign(q.Output("layer_o", q.layer.Type()), q.layer)
	q.Assign(q.Output("slab_index_o", q.slab.Type()), q.slab)
}
