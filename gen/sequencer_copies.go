package gen

import (
	"epgen/ep"
	"epgen/hdl"
)

// stale reports the first step of a phase, and passes whose states are those from before the phase. Both
// are nil where neither the place of the states nor a constant depends on it.
func (q *sequencer) stale() (first, stale hdl.Value) {
	if !q.d.stales() {
		return nil, nil
	}
	first = q.WireIs("first_step", hdl.EqConst(q.step, 0))
	if _, fresh := q.named["visit_fresh"]; !fresh {
		return first, first
	}
	return first, q.WireIs("stale", hdl.All(first, hdl.Any(hdl.Not(q.of("fresh")), q.ownOld())),
		"what is read was not written in this phase: the others in the second half of a sweep are")
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
		written = q.WireIs("copy_written", hdl.Mux(q.updating, inUpdate, own), "of averages, errors and states")
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

// averagesCopy is the first word of a copy in the even bank.
func (q *sequencer) averagesCopy(copy int) hdl.Value {
	return hdl.Const(hdl.U(q.d.fields.state), int64(q.d.CopyBase(0, copy)))
}

// copyBase is copyAt with a copy that varies.
func (q *sequencer) copyBase(even, copy hdl.Value) hdl.Value {
	return q.chooseCopy(copy, func(i int) hdl.Value { return q.copyAt(even, i) })
}

// chooseCopy chooses by a copy that varies.
func (q *sequencer) chooseCopy(copy hdl.Value, word func(copy int) hdl.Value) hdl.Value {
	base := word(CopyFree)
	for i := CopyFree + 1; i < q.d.Copies(); i++ {
		base = hdl.Mux(hdl.EqConst(copy, int64(i)), word(i), base)
	}
	return base
}
