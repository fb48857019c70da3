package gen

import (
	"strings"

	"epgen/hdl"
)

// monitored reports whether phases may end before their last time step, when no state has
// moved by more than the tolerance.
func (d *Design) monitored() bool { return d.Cfg.MinSteps > 0 }

// WithSteps returns the design with as many time steps in each relaxation as given, for the
// schedule, the cycles and the trace of a run whose phases ended early.
func (d *Design) WithSteps(steps []int) *Design {
	z := *d
	z.Plan = d.Plan.WithSteps(steps)
	return &z
}

// Continued returns the design for the schedule and the cycles of a start that goes on from the
// free equilibrium of the one before.
func (d *Design) Continued() *Design {
	z := *d
	z.Plan = d.Plan.Continued()
	return &z
}

// WithSteps is the same for a plan.
func (p *Plan) WithSteps(steps []int) *Plan {
	plan, program := *p, *p.Program
	program.Relaxations = append(program.Relaxations[:0:0], program.Relaxations...)
	for i := range program.Relaxations {
		program.Relaxations[i].Steps = steps[i]
	}
	plan.Program = &program
	return &plan
}

// watch builds the comparison of a new state with the old one in the lane: moved_o
// comes with state_o, whose last stage is so many cycles behind act_valid_i.
func (l *lane) watch(stages int, state, old hdl.Value) {
	d := l.d
	valid := delay(&l.Scope, "act_valid", l.actValid, 0, stages)[stages]
	l.Group("Monitor: has the state moved by more than the tolerance?")
	limit := hdl.S(d.LaneBits + 1)
	tolerance := l.Localparam("TOLERANCE", limit, int64(d.Cfg.Tolerance), "in LSBs of "+d.stateText())
	change := l.WireIs("change", hdl.Sub(state, old))
	moved := l.OutputReg("moved_o", hdl.U(1))
	lowest := hdl.Const(limit, -int64(d.Cfg.Tolerance))
	l.Always(func(b *hdl.Block) {
		b.Set(moved, hdl.All(valid, hdl.Any(hdl.Gt(change, tolerance), hdl.Lt(change, lowest))))
	})
}

// lastStep reports the last time step of a phase: the one of the given number, or one
// after which the states rest.
func (q *sequencer) lastStep(last hdl.Value) hdl.Value {
	end := hdl.Value(hdl.Eq(q.step, last))
	if !q.d.monitored() {
		return end
	}
	q.moved = q.Reg("moved_q", hdl.U(1), "in this time step")
	if !q.d.onChip() { // the fetch unit asks
		q.begun = q.Reg("begun_q", hdl.U(2), q.d.begunDoc())
	}
	enough := hdl.Not(hdl.Lt(q.step, hdl.Const(q.step.Type(), int64(q.d.Cfg.MinSteps-1))))
	return hdl.Any(end, hdl.All(enough, hdl.Not(q.moved)))
}

// watch builds what the monitor keeps: whether a state has moved, and the number of steps of
// each phase; and what the fetch unit needs to know of steps to come.
func (q *sequencer) watch() {
	d, one := q.d, hdl.U(1)
	if !d.monitored() {
		return
	}
	q.Group("Monitor")
	stepEnd := q.WireIs("step_end", q.ofRelaxation(hdl.All(q.is(seqNext), q.isKind(Act), q.of("end"))))
	q.AlwaysReset(func(b *hdl.Block) {
		b.Set(q.moved, bit(false))
		if q.begun != nil {
			b.Set(q.begun, zeroOf(q.begun))
		}
	}, func(b *hdl.Block) {
		b.If(hdl.Any(q.startIn, stepEnd), func(b *hdl.Block) { b.Set(q.moved, bit(false)) }).
			ElseIf(q.movedIn, func(b *hdl.Block) { b.Set(q.moved, bit(true)) })
		if q.begun != nil {
			b.If(q.startIn, func(b *hdl.Block) { b.Set(q.begun, hdl.Const(q.begun.Type(), 1)) }).
				ElseIf(q.fetchedStepEnd(stepEnd), func(b *hdl.Block) { b.Set(q.begun, inc(q.begun)) })
		}
	})
	for i, name := range d.phaseNames()[:d.Copies()] {
		steps := q.Reg("steps_"+name+"_q", hdl.U(16))
		q.AlwaysReset(func(b *hdl.Block) { b.Set(steps, zeroOf(steps)) }, func(b *hdl.Block) {
			b.If(q.startIn, func(b *hdl.Block) { b.Set(steps, zeroOf(steps)) }).
				ElseIf(hdl.All(stepEnd, q.isPhase(i)), func(b *hdl.Block) { b.Set(steps, inc(steps)) })
		})
		q.Assign(q.Output("steps_"+name+"_o", steps.Type(), "time steps of the phase "+name), steps)
	}
	if d.onChip() {
		return
	}
	early := hdl.Value(hdl.Lt(q.step, hdl.Const(q.step.Type(), int64(d.Cfg.MinSteps-1))))
	follows := early
	over := hdl.Value(q.isPhase(d.PhaseResult()))
	if d.reads() {
		over = hdl.Any(q.isPhase(d.PhaseReadout()), over)
	}
	var lastPhase hdl.Value
	if d.learns() {
		lastPhase = hdl.Mux(q.infer, q.phases[CopyFree], q.phases[d.PhaseUpdate()-1])
		follows = hdl.Any(hdl.Ne(q.phase, lastPhase), early)
		over = hdl.Any(q.isPhase(d.PhaseUpdate()), over)
	}
	if d.hasHeads() { // nudged steps have other slabs: in the free phase it must be a free one
		free := q.isPhase(CopyFree)
		if d.fetchesFree() {
			follows = hdl.Any(hdl.All(hdl.Not(free), hdl.Ne(q.phase, lastPhase)), early)
			q.Assign(q.Output("nudged_o", one, "and it is a nudged one"), hdl.Not(free))
		} else { // the free phase is one step to the fetch unit
			follows = hdl.Any(hdl.Ne(q.phase, lastPhase), hdl.All(hdl.Not(free), early))
		}
	}
	q.Assign(q.Output("begun_o", q.begun.Type(), d.begunDoc()), q.begun)
	q.Assign(q.Output("follows_o", one, "another time step follows for certain"), follows)
	q.Assign(q.Output("relaxed_o", one, "no other follows"), over)
}

// begunDoc describes the count of time steps that sequencer and fetch unit share.
func (d *Design) begunDoc() string {
	if d.fetchesNudged() && !d.fetchesFree() {
		return "nudged time steps begun, and 1 for the free phase, modulo 4"
	}
	return "time steps begun, modulo 4"
}

// fetchedStepEnd narrows the end of a time step to those behind which a step with slabs may begin:
// where the free phase fetches nothing, to its last one and to nudged ones.
func (q *sequencer) fetchedStepEnd(stepEnd hdl.Value) hdl.Value {
	if !q.d.fetchesNudged() || q.d.fetchesFree() {
		return stepEnd
	}
	return hdl.All(stepEnd, hdl.Any(hdl.Not(q.isPhase(CopyFree)), q.phaseEnd))
}

// ofRelaxation is cond in time steps; others that activate are the readout and the results.
func (q *sequencer) ofRelaxation(cond hdl.Value) hdl.Value {
	if q.d.reads() {
		return hdl.All(cond, q.isPhase(CopyFree))
	}
	return hdl.All(cond, hdl.Not(q.isPhase(q.d.PhaseResult())))
}

// stepRegisters are those of the numbers of time steps, behind the counters.
func (d *Design) stepRegisters() []Register {
	if !d.monitored() {
		return nil
	}
	var rs []Register
	for i, name := range d.phaseNames()[:d.Copies()] {
		rs = append(rs, Register{"STEPS_" + strings.ToUpper(name), stepBase + 4*i, ReadOnly, 0,
			"time steps of the phase " + name + " in the last run", nil})
	}
	return rs
}

// stepBase is the offset of the first of them.
const stepBase = 0x80

// watch builds what the fetch unit learns of the time steps to come.
func (f *fetch) watch() {
	one := hdl.U(1)
	f.relaxed = f.Input("relaxed_i", one, "no time step follows")
	begun := f.Input("begun_i", hdl.U(2), f.d.begunDoc())
	follows := f.Input("follows_i", one, "a time step follows for certain")
	if f.d.hasHeads() && f.d.fetchesFree() {
		f.nudged = f.Input("nudged_i", one, "which is a nudged one")
	}
	if !f.d.fetchesNudged() { // no time step needs slabs
		f.certain = bit(false)
		f.Unused(begun, follows)
		return
	}
	f.certain = f.WireIs("certain", hdl.Any(hdl.Eq(begun, inc(f.step)), hdl.All(follows, hdl.Eq(begun, f.step))))
}

// hold builds the state in which the fetch unit waits to know whether another time step
// follows: where begun_i has gone on, or follows_i says so.
func (f *fetch) hold(b *hdl.Block) {
	_, nudged, behind := f.d.fetchPlaces()
	repeat := f.repeat
	if f.d.hasHeads() {
		repeat = hdl.Const(f.visit.Type(), int64(nudged))
	}
	if f.nudged != nil {
		repeat = hdl.Mux(f.nudged, repeat, f.repeat)
	}
	b.If(f.relaxed, func(b *hdl.Block) {
		switch {
		case f.infer != nil:
			b.Set(f.state, hdl.Mux(f.infer, f.states[fetchIdle], f.states[fetchWait]))
		case f.d.reads(): // its slabs stand where others have those of the update
			f.wait(b)
		default: // nothing follows
			f.rest(b)
			return
		}
		b.Set(f.visit, hdl.Const(f.visit.Type(), int64(behind)))
	}).ElseIf(f.certain, func(b *hdl.Block) {
		f.wait(b)
		b.Set(f.visit, repeat)
	})
}
