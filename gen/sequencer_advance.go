package gen

import "epgen/hdl"

// advance builds the order of the passes.
func (q *sequencer) advance() {
	d := q.d
	q.Group("Order of the passes")
	last := hdl.Value(hdl.Const(q.step.Type(), int64(d.Cfg.FreeSteps-1)))
	if d.learns() && d.Cfg.NudgeSteps != d.Cfg.FreeSteps {
		last = hdl.Mux(q.isPhase(CopyFree), last, hdl.Const(q.step.Type(), int64(d.Cfg.NudgeSteps-1)))
	}
	lastStep := q.WireIs("last_step", q.lastStep(last))
	q.phaseEnd = lastStep
	if d.learns() {
		q.updating = q.WireIs("updating", q.isPhase(d.PhaseUpdate()))
	}
	q.releaseSlab = q.WireIs("slab_done", q.lastOfSlab(), "the pass was the slab's last")
	done := q.walkDone
	if q.softDone != nil {
		done = q.WireIs("pass_done", hdl.Mux(q.isKind(Soft), q.softDone, q.walkDone))
	}
	inUpdate := q.updating
	if d.hasHeads() {
		inUpdate = q.WireIs("contrasts", hdl.All(q.updating, hdl.Not(q.of("up"))), "the visit is for contrasts")
	}
	empty := hdl.Value(hdl.EqConst(q.flush, 0))
	if d.learns() {
		empty = hdl.All(empty, hdl.Any(hdl.Not(q.updating), q.drainIdle))
	}
	settled := q.WireIs("settled", empty)
	failed := q.WireIs("failed", hdl.Any(q.fetchError, q.storeError))
	q.storeStart = q.Reg("store_start_q", hdl.U(1))

	q.AlwaysReset(func(b *hdl.Block) {
		q.to(b, seqIdle)
		q.begin(b)
		b.Set(q.storeStart, bit(false))
	}, func(b *hdl.Block) {
		b.Set(q.storeStart, bit(false))
		b.Case(q.state, func(c *hdl.Case) {
			c.When(func(b *hdl.Block) {
				b.If(q.startIn, func(b *hdl.Block) {
					q.to(b, seqLoad)
					q.begin(b)
				})
			}, q.st[seqIdle])
			c.When(func(b *hdl.Block) { b.If(q.loaded, func(b *hdl.Block) { q.to(b, seqWait) }) }, q.st[seqLoad])
			c.When(func(b *hdl.Block) {
				b.If(q.slabThere(), func(b *hdl.Block) {
					q.to(b, seqSetup)
					q.firstPass(b, inUpdate)
				})
			}, q.st[seqWait])
			c.When(func(b *hdl.Block) { q.to(b, seqStart) }, q.st[seqSetup])
			c.When(func(b *hdl.Block) { q.to(b, seqRun) }, q.st[seqStart])
			c.When(func(b *hdl.Block) {
				b.Set(q.flush, hdl.Const(q.flush.Type(), int64(d.flushed()-1)))
				b.If(done, func(b *hdl.Block) { q.to(b, seqFlush) })
			}, q.st[seqRun])
			c.When(func(b *hdl.Block) {
				b.If(settled, func(b *hdl.Block) { q.to(b, seqNext) }).
					ElseIf(hdl.NeConst(q.flush, 0), q.countFlush)
			}, q.st[seqFlush])
			c.When(func(b *hdl.Block) { q.nextPass(b, lastStep) }, q.st[seqNext])
			c.When(func(b *hdl.Block) { b.If(q.storeIdle, q.stored) }, q.st[seqStore])
			c.Default(func(b *hdl.Block) { // seqError
				b.If(hdl.NeConst(q.flush, 0), q.countFlush).
					ElseIf(hdl.All(q.fetchIdle, q.storeIdle), func(b *hdl.Block) { q.to(b, seqIdle) })
			})
		})
		b.If(hdl.All(failed, hdl.Not(q.is(seqIdle)), hdl.Not(q.is(seqError))), q.fail)
	})
}

// to goes to a state.
func (q *sequencer) to(b *hdl.Block, state int) { b.Set(q.state, q.st[state]) }

// begin goes to the first pass of all.
func (q *sequencer) begin(b *hdl.Block) {
	b.Set(q.phase, q.phases[CopyFree])
	for _, r := range []*hdl.Signal{q.step, q.visit, q.slab, q.slabO, q.part, q.bank, q.slabTile, q.keep, q.errorQ, q.variant} {
		if r != nil {
			b.Set(r, zeroOf(r))
		}
	}
	b.Set(q.kind, q.kinds[Up])
}

// firstPass chooses the first pass over the slab that has come; inUpdate, which is nil where
// nothing learns, says that its visit is for contrasts.
func (q *sequencer) firstPass(b *hdl.Block, inUpdate hdl.Value) {
	relaxing := func(b *hdl.Block) { b.Set(q.kind, hdl.Mux(q.of("up"), q.kinds[Up], q.kinds[Down])) }
	if inUpdate == nil {
		relaxing(b)
		return
	}
	b.If(inUpdate, q.firstOfUpdate).Else(relaxing)
}

// countFlush counts the cycles down in which the pipeline runs empty.
func (q *sequencer) countFlush(b *hdl.Block) {
	b.Set(q.flush, hdl.SubMod(q.flush, hdl.Const(q.flush.Type(), 1)))
}

// stored goes on behind the store: from the weights to the result, and then to the end.
func (q *sequencer) stored(b *hdl.Block) {
	rest := func(b *hdl.Block) { q.to(b, seqIdle) }
	if q.updating == nil {
		rest(b)
		return
	}
	b.If(q.updating, q.enterResult).Else(rest)
}

// fail ends the run, whatever it was at.
func (q *sequencer) fail(b *hdl.Block) {
	q.to(b, seqError)
	b.Set(q.errorQ, bit(true))
	b.Set(q.flush, hdl.Const(q.flush.Type(), abortCycles-1))
	b.Set(q.storeStart, bit(false))
}

// lastOfSlab reports the last pass of a slab.
func (q *sequencer) lastOfSlab() hdl.Value {
	up := []hdl.Value{hdl.Not(q.of("down"))}
	switch {
	case q.variant == nil:
	case q.d.hasHeads():
		up = append(up, hdl.Any(hdl.Not(q.updating), q.of("up")))
	default: // of the update, live indices have an up before others
		up = append(up, hdl.Not(q.updating))
	}
	last := []hdl.Value{hdl.All(q.isKind(Up), up...)}
	if q.updating != nil {
		last = append([]hdl.Value{q.updated()}, last...)
	}
	return hdl.Any(q.isKind(Down), last...)
}

// updated reports the last pass of a slab in the update.
func (q *sequencer) updated() hdl.Value {
	if q.keep == nil {
		return q.isKind(Update)
	}
	return hdl.All(q.isKind(Update), q.keep)
}

// firstOfUpdate picks the first pass of a slab in the update.
func (q *sequencer) firstOfUpdate(b *hdl.Block) {
	q.firstContrast(b)
	if q.argmax != nil {
		b.If(q.argmax, func(b *hdl.Block) {
			b.Set(q.kind, q.kinds[Up])
			b.Set(q.variant, hdl.Const(q.variant.Type(), variantPlus))
		})
	}
}

// firstContrast picks the pass over the biases, or, where there are none, that over
// the weights.
func (q *sequencer) firstContrast(b *hdl.Block) {
	switch {
	case q.d.allBiases():
		b.Set(q.kind, q.kinds[Bias])
	case q.biased != nil:
		b.Set(q.kind, hdl.Mux(q.biased, q.kinds[Bias], q.kinds[Update]))
	default:
		b.Set(q.kind, q.kinds[Update])
	}
}

// enterResult begins the writing of the output states, or of the logits.
func (q *sequencer) enterResult(b *hdl.Block) {
	b.Set(q.phase, q.phases[q.d.PhaseResult()])
	for i, v := range q.visits {
		if v.Act == len(q.d.Layers) {
			q.toVisit(b, i)
			break
		}
	}
	b.Set(q.kind, q.kinds[Act])
	q.to(b, seqSetup)
	b.Set(q.storeStart, bit(true))
}

// nextPass decides what follows a pass.
func (q *sequencer) nextPass(b *hdl.Block, lastStep hdl.Value) {
	to := func(b *hdl.Block, k Kind) {
		b.Set(q.kind, q.kinds[k])
		q.to(b, seqSetup)
	}
	chain := b.If(q.releaseSlab, q.nextSlab)
	if q.variant == nil {
		chain = chain.ElseIf(q.isKind(Up), func(b *hdl.Block) { to(b, Down) })
	} else {
		chain = chain.ElseIf(hdl.All(q.isKind(Up), hdl.Not(q.updating)), func(b *hdl.Block) { to(b, Down) }).
			ElseIf(q.isKind(Up), func(b *hdl.Block) {
				b.If(q.morePoints(), func(b *hdl.Block) {
					b.Set(q.variant, q.nextVariant())
					to(b, Up)
				}).Else(func(b *hdl.Block) {
					b.Set(q.variant, zeroOf(q.variant))
					q.firstContrast(b)
					q.to(b, seqSetup)
				})
			})
	}
	if q.d.hasHeads() {
		chain = chain.ElseIf(q.isKind(Pool), func(b *hdl.Block) { q.to(b, seqWait) })
	}
	if q.d.contrastsBiases() {
		chain = chain.ElseIf(q.isKind(Bias), func(b *hdl.Block) { to(b, Update) })
	}
	if q.keep != nil {
		chain = chain.ElseIf(q.isKind(Update), func(b *hdl.Block) {
			b.Set(q.keep, bit(true))
			q.firstContrast(b)
			q.to(b, seqSetup)
		})
	}
	if q.d.reads() {
		chain = chain.ElseIf(q.isPhase(q.d.PhaseReadout()), q.enterResult)
	}
	chain.
		ElseIf(q.isPhase(q.d.PhaseResult()), func(b *hdl.Block) { q.to(b, seqStore) }).
		ElseIf(q.of("end"), func(b *hdl.Block) { q.nextStep(b, lastStep) }).
		Else(q.nextVisit)
}

// nextSlab goes on after the last pass over a slab.
func (q *sequencer) nextSlab(b *hdl.Block) {
	if q.bank != nil {
		b.Set(q.bank, hdl.Not(q.bank))
	}
	if q.keep != nil {
		b.Set(q.keep, bit(false))
	}
	q.to(b, seqWait)
	b.If(hdl.Not(q.lastSlab), func(b *hdl.Block) {
		b.Set(q.slab, inc(q.slab))
		if q.slabTile != nil {
			b.Set(q.slabTile, hdl.AddMod(q.slabTile, q.field("tile_step")))
		}
		step := q.field("o_slab")
		if part := q.slabPart(); part != nil { // several slabs share a word
			last := hdl.Value(hdl.RedAnd(part))
			if q.part != nil {
				last = hdl.EqConst(part, int64(q.d.rowParts()-1))
				b.Set(q.part, hdl.Mux(last, zeroOf(part), inc(part)))
			}
			step = hdl.Mux(last, step, zeroOf(step))
		}
		b.Set(q.slabO, hdl.AddMod(q.slabO, step))
	}).Else(func(b *hdl.Block) {
		b.Set(q.slab, zeroOf(q.slab))
		if q.slabTile != nil {
			b.Set(q.slabTile, zeroOf(q.slabTile))
		}
		b.Set(q.slabO, zeroOf(q.slabO))
		if q.part != nil {
			b.Set(q.part, zeroOf(q.part))
		}
		chain := b.If(q.of("act"), func(b *hdl.Block) {
			b.Set(q.kind, q.kinds[Act])
			q.to(b, seqSetup)
		})
		if q.d.hasHeads() {
			chain = chain.ElseIf(q.of("soft"), func(b *hdl.Block) {
				b.Set(q.kind, q.kinds[Soft])
				q.to(b, seqSetup)
			})
		}
		if q.updating != nil {
			chain = chain.ElseIf(hdl.All(q.updating, q.of("end")), func(b *hdl.Block) {
				q.to(b, seqStore)
			})
		}
		chain.Else(q.nextVisit)
	})
}

// nextVisit goes to the next visit of a step or of the update.
func (q *sequencer) nextVisit(b *hdl.Block) {
	b.Set(q.visit, inc(q.visit))
	q.enterVisit(b)
}

// enterVisit waits for the first slab of the visit that follows, or activates.
func (q *sequencer) enterVisit(b *hdl.Block) {
	begin := func(k Kind) func(b *hdl.Block) {
		return func(b *hdl.Block) {
			b.Set(q.kind, q.kinds[k])
			q.to(b, seqSetup)
		}
	}
	wait := func(b *hdl.Block) { q.to(b, seqWait) }
	bare := q.d.bareVisits()
	switch {
	case bare && q.d.hasHeads():
		b.If(q.of("bare"), begin(Act)).ElseIf(q.of("averages"), begin(Pool)).Else(wait)
	case q.d.hasHeads():
		b.If(q.of("averages"), begin(Pool)).Else(wait)
	case bare:
		b.If(q.of("bare"), begin(Act)).Else(wait)
	default:
		wait(b)
	}
}

// nextStep goes on after the last visit of a step.
func (q *sequencer) nextStep(b *hdl.Block, lastStep hdl.Value) {
	d, s := q.d, &q.d.Visits
	b.Set(q.step, hdl.Mux(lastStep, zeroOf(q.step), inc(q.step)))
	if s.Nudged == nil {
		q.toVisit(b, len(s.First))
	} else {
		start := func(i int) hdl.Value { return hdl.Const(q.visit.Type(), int64(i)) }
		b.Set(q.visit, hdl.Mux(hdl.All(q.isPhase(CopyFree), hdl.Not(lastStep)), start(len(s.First)), start(len(s.First)+len(s.Step))))
	}
	q.enterVisit(b)
	if d.reads() {
		b.If(lastStep, func(b *hdl.Block) {
			b.Set(q.phase, q.phases[d.PhaseReadout()])
			q.toVisit(b, len(s.First)+len(s.Step))
			b.Set(q.state, q.st[seqWait])
		})
		return
	}
	if !d.learns() {
		b.If(lastStep, q.enterResult)
		return
	}
	b.If(lastStep, func(b *hdl.Block) {
		b.If(q.isPhase(d.PhaseUpdate()-1), func(b *hdl.Block) {
			b.Set(q.phase, q.phases[d.PhaseUpdate()])
			q.toVisit(b, len(s.First)+len(s.Step)+len(s.Nudged))
			b.Set(q.storeStart, bit(true))
			q.to(b, seqWait)
		}).ElseIf(q.infer, q.enterResult).
			Else(func(b *hdl.Block) {
				b.Set(q.phase, inc(q.phase))
				if s.Nudged != nil && !d.fetchesFree() { // averages follow, not a visit without slabs
					b.Set(q.kind, q.kinds[Pool])
					q.to(b, seqSetup)
				}
			})
	})
}
