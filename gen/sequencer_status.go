package gen

import "epgen/hdl"

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
	if q.d.coldStarts() {
		q.Assign(q.Output("cold_run_o", one), q.cold)
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
	q.Assign(q.Output("finish_o", one, "the run is complete, or has failed: see error_o"), hdl.Any(complete,
		hdl.All(q.is(seqError), hdl.EqConst(q.flush, 0), q.fetchIdle, q.storeIdle)))
	q.Assign(q.Output("error_o", one), q.errorQ)
	q.Assign(q.Output("wait_fetch_o", one), hdl.Any(q.is(seqLoad), q.is(seqWait)))
	q.Assign(q.Output("wait_store_o", one), q.is(seqStore))
	q.Assign(q.Output("state_o", hdl.U(4)), q.state)
	q.Assign(q.Output("phase_o", q.phase.Type()), q.phase)
	q.Assign(q.Output("layer_o", q.layer.Type()), q.layer)
	q.Assign(q.Output("slab_index_o", q.slab.Type()), q.slab)
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
