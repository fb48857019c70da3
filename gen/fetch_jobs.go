package gen

import "epgen/hdl"

// jobs builds the order of what is fetched: labels, samples, then the slabs of the
// visits: that of layer 1, those of a time step as often as there are steps, and those
// of the update.
func (f *fetch) jobs() {
	d := f.d
	f.Group("Order of the jobs")
	release := f.Input("freed_i", hdl.U(2), "halves that are consumed")
	f.lastSlab = f.WireIs("last_slab", hdl.Eq(f.slab, f.rec.slice(f.slabWord, "last")))
	step, _, _ := d.fetchPlaces()
	f.repeat = hdl.Const(f.visit.Type(), int64(step))
	if d.monitored() {
		f.watch()
	} else {
		f.countSteps()
	}
	f.AlwaysReset(func(b *hdl.Block) { // start sets the others
		b.Set(f.state, f.states[fetchIdle])
		b.Set(f.left, zeroOf(f.left))
		b.Set(f.full, zeroOf(f.full))
	}, func(b *hdl.Block) {
		f.count(b)
		b.Case(f.state, f.inEachState)
		for bank := range 2 {
			b.If(hdl.Bit(release, bank), func(b *hdl.Block) { b.Set(hdl.Bit(f.full, bank), bit(false)) })
		}
		b.If(f.abort, func(b *hdl.Block) {
			b.Set(f.state, f.states[fetchIdle])
			b.Set(f.left, zeroOf(f.left))
		})
	})
	f.Assign(f.Output("loaded_o", hdl.U(1), d.inputsDoc()+" are on chip"), f.fetching())
	f.Assign(f.Output("full_o", hdl.U(2)), f.full)
}

// countSteps tells the last time step where their number is fixed.
func (f *fetch) countSteps() {
	number := func(infer bool) hdl.Value { return hdl.Const(f.step.Type(), int64(f.d.fetchSteps(infer)-1)) }
	last := number(true)
	if f.infer != nil {
		last = hdl.Mux(f.infer, last, number(false))
	}
	f.lastStep = f.WireIs("last_step", hdl.Eq(f.step, last))
}

// inEachState adds what each state waits for and what follows.
func (f *fetch) inEachState(c *hdl.Case) {
	d, st := f.d, f.states
	c.When(func(b *hdl.Block) { b.If(f.start, f.begin) }, st[fetchIdle])
	f.inputStates(c, f.wait)
	c.When(func(b *hdl.Block) { b.If(hdl.Not(hdl.DynBit(f.full, f.fillBank)), f.loadSlab) }, st[fetchWait])
	if d.monitored() {
		c.When(f.hold, st[fetchHold])
	}
	if d.keeps() {
		c.When(f.keptWalk, st[fetchKept])
	}
	c.Default(func(b *hdl.Block) { b.If(f.lastColumn, f.slabOver) })
}

// begin starts with the first job and the first visit.
func (f *fetch) begin(b *hdl.Block) {
	f.firstInput(b)
	b.Set(f.visit, zeroOf(f.visit))
	b.Set(f.slab, zeroOf(f.slab))
	b.Set(f.step, zeroOf(f.step))
	b.Set(f.fillBank, bit(false))
	b.Set(f.full, zeroOf(f.full))
}

// load begins a job: the columns of a region.
func (f *fetch) load(b *hdl.Block, r Region, columns int) {
	b.Set(f.addr, f.beatOf(r))
	b.Set(f.left, hdl.Const(f.left.Type(), int64(r.Bytes/f.d.Map.BeatBytes)))
	b.Set(f.columns, hdl.Const(f.columns.Type(), int64(columns)))
}

// beatOf is the first beat of a region.
func (f *fetch) beatOf(r Region) hdl.Value {
	return hdl.Const(f.addr.Type(), int64(r.Offset/f.d.Map.BeatBytes))
}

// wait goes to the state in which a half of the slab buffer is waited for.
func (f *fetch) wait(b *hdl.Block) { b.Set(f.state, f.states[fetchWait]) }

// loadSlab begins with a slab. Those of a visit follow one another in memory.
func (f *fetch) loadSlab(b *hdl.Block) {
	rec, word := f.rec, f.slabWord
	b.Set(f.state, f.states[fetchSlab])
	b.Set(f.left, rec.slice(word, "beats"))
	b.Set(f.columns, rec.slice(word, "columns"))
	b.If(hdl.EqConst(f.slab, 0), func(b *hdl.Block) { b.Set(f.addr, rec.slice(word, "addr")) })
}

// slabOver goes on behind a slab: to what updates keep of it, or to the next one.
func (f *fetch) slabOver(b *hdl.Block) {
	next := f.nextSlab(f.visitOver, f.allOver)
	if !f.d.keeps() {
		next(b)
		return
	}
	f.arrived(b)
	f.keptNext(b, next)
}

// arrived notes that the slab is there, and turns to the other half of the buffer.
func (f *fetch) arrived(b *hdl.Block) {
	b.Set(hdl.Bit(f.full, 0), hdl.Any(hdl.Bit(f.full, 0), hdl.Not(f.fillBank)))
	b.Set(hdl.Bit(f.full, 1), hdl.Any(hdl.Bit(f.full, 1), f.fillBank))
	b.Set(f.fillBank, hdl.Not(f.fillBank))
}

// nextSlab goes to the next slab, and behind the last one of a visit to what is given.
func (f *fetch) nextSlab(behind ...func(b *hdl.Block)) func(b *hdl.Block) {
	return func(b *hdl.Block) {
		f.wait(b)
		if !f.d.keeps() {
			f.arrived(b)
		}
		b.Set(f.slab, hdl.Mux(f.lastSlab, zeroOf(f.slab), inc(f.slab)))
		b.If(f.lastSlab, func(b *hdl.Block) {
			b.Set(f.visit, inc(f.visit))
			for _, do := range behind {
				do(b)
			}
		})
	}
}

// visitOver goes on behind the last visit of a time step: to the first one of the next, to
// the update, or to the end.
func (f *fetch) visitOver(b *hdl.Block) {
	b.If(f.rec.slice(f.slabWord, "step"), func(b *hdl.Block) {
		b.Set(f.step, inc(f.step))
		switch {
		case f.d.monitored():
			b.Set(f.state, f.states[fetchHold])
		case f.d.hasHeads():
			f.nextStepWithHeads(b)
		default:
			f.nextStep(b)
		}
	})
}

// nextStep begins the next time step, if one follows.
func (f *fetch) nextStep(b *hdl.Block) {
	chain := b.If(hdl.Not(f.lastStep), func(b *hdl.Block) { b.Set(f.visit, f.repeat) })
	switch {
	case f.infer != nil:
		chain.ElseIf(f.infer, f.rest)
	case !f.d.reads():
		chain.Else(f.rest)
	}
}

// nextStepWithHeads is nextStep in designs with heads, whose nudged steps have visits of
// their own: those of the first follow the visits of the last free one.
func (f *fetch) nextStepWithHeads(b *hdl.Block) {
	d := f.d
	free := hdl.Const(f.step.Type(), int64(d.freeFetchSteps()-1))
	_, nudged, _ := d.fetchPlaces()
	again := hdl.All(hdl.Gt(f.step, free), hdl.Not(f.lastStep))
	toNudged := func(b *hdl.Block) { b.Set(f.visit, hdl.Const(f.visit.Type(), int64(nudged))) }
	next := b.If
	if d.fetchesFree() {
		next = b.If(hdl.Lt(f.step, free), func(b *hdl.Block) { b.Set(f.visit, f.repeat) }).ElseIf
	}
	next(again, toNudged).ElseIf(hdl.All(f.infer, f.lastStep), f.rest)
}

// allOver ends behind the last visit of the update.
func (f *fetch) allOver(b *hdl.Block) {
	if f.d.endsWithStep() {
		return
	}
	b.If(f.rec.slice(f.slabWord, "end"), f.rest)
}

// rest waits for the next start.
func (f *fetch) rest(b *hdl.Block) { b.Set(f.state, f.states[fetchIdle]) }

// fetching reports that labels and samples are done with.
func (f *fetch) fetching() hdl.Value {
	var any []hdl.Value
	for _, s := range f.states[fetchWait : fetchHold+1] {
		if s != nil {
			any = append(any, hdl.Eq(f.state, s))
		}
	}
	return hdl.Any(any[0], any[1:]...)
}

// count goes on by a burst that is requested and by a column that has come.
func (f *fetch) count(b *hdl.Block) {
	b.If(f.request, func(b *hdl.Block) {
		b.Set(f.addr, hdl.AddMod(f.addr, fit(f.burstLen, f.addr.Type().Width)))
		b.Set(f.left, hdl.SubMod(f.left, fit(f.burstLen, f.left.Type().Width)))
	})
	b.If(f.counted, func(b *hdl.Block) { b.Set(f.columns, hdl.SubMod(f.columns, hdl.Const(f.columns.Type(), 1))) })
}
