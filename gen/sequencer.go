package gen

import (
	"fmt"
	"strings"

	"epgen/ep"
	"epgen/hdl"
)

// PhaseUpdate and PhaseResult are the phases after the relaxations, as the sequencer
// numbers them. Where nothing learns there is no update.
func (p *Plan) PhaseUpdate() int { return int(p.Program.Update()) }

// PhaseResult is the writing of the output states of the free phase, or of the logits.
func (p *Plan) PhaseResult() int { return len(p.phaseNames()) - 1 }

// phaseNames returns the names of all phases.
func (p *Plan) phaseNames() []string {
	var names []string
	for _, r := range p.Program.Relaxations {
		names = append(names, r.Name)
	}
	if p.learns() {
		names = append(names, "update")
	}
	if p.reads() {
		names = append(names, p.Program.Name(p.Program.Readout()))
	}
	return append(names, "result")
}

// phaseBits is the width of the number of a phase; PROGRESS has room for four.
func (p *Plan) phaseBits() int { return max(3, addrBits(len(p.phaseNames()))) }

// phaseList lists the phases with their numbers.
func (p *Plan) phaseList() string {
	var list []string
	for i, name := range p.phaseNames() {
		list = append(list, itoa(i)+" "+name)
	}
	return strings.Join(list, ", ")
}

// States of the sequencer.
const (
	seqIdle = iota
	seqLoad
	seqWait
	seqSetup
	seqStart
	seqRun
	seqFlush
	seqNext
	seqStore
	seqError
)

var stateNames = []string{"IDLE", "LOAD", "WAIT", "SETUP", "START", "RUN", "FLUSH", "NEXT", "STORE", "ERROR"}

// StateNames returns the names of the sequencer's states by code.
func (d *Design) StateNames() []string { return stateNames }

// flushCycles is how long the sequencer lets the pipeline run empty after the
// last operation of a pass: with NEXT, SETUP and START it covers the nine
// stages during which the mode must hold.
const flushCycles = 6

// flushed is flushCycles with the cycles that the monitor needs for the last states of a
// step to tell whether they have moved.
func (d *Design) flushed() int {
	if d.monitored() {
		return max(flushCycles, d.actStage())
	}
	return flushCycles
}

// abortCycles is how long an error clears the walker and the drain at least:
// until no operation or contrast is in flight that could wake them again.
const abortCycles = 8

// Variants of UP in the update of the live mode.
const (
	variantNone = iota
	variantPlus // argmax at the first point of the contrast, s+; the others follow
)

type sequencer struct {
	*hdl.Module
	d                                             *Design
	rec                                           record
	visits                                        []Visit
	visitRec                                      record
	visit, layer, actLayer                        *hdl.Signal
	state, phase, step, slab, kind                *hdl.Signal
	variant, bank, infer, slabO, flush            *hdl.Signal
	part                                          *hdl.Signal // of a word that the slab is; nil if bits of its number say so
	cold                                          *hdl.Signal // nil if every start is
	desc                                          *hdl.Signal
	walkDone, drainIdle, storeIdle, fetchIdle     hdl.Value
	softDone                                      hdl.Value // nil without heads
	updating                                      hdl.Value // in the update; nil where nothing learns, as are infer and drainIdle
	full, loaded, fetchError, storeError, startIn hdl.Value
	st                                            []hdl.Value
	named                                         map[string]*hdl.Signal // fields of the descriptor
	kinds, phases                                 []hdl.Value
	lastSlab, releaseSlab, done                   *hdl.Signal
	movedIn, phaseEnd                             hdl.Value
	sample                                        func()      // of the random sign
	moved, begun                                  *hdl.Signal // monitor: nil without one
	negative                                      *hdl.Signal // random sign: nil without one
	errorQ, argmax, passLayer, storeStart         *hdl.Signal
	slabTile                                      *hdl.Signal // weights on chip; else there is a bank
	biased                                        *hdl.Signal // the layer has biases, where layers differ
	slotRow                                       *hdl.Signal // nil until it is asked for
	keep                                          *hdl.Signal // second walk over a slab of the update; nil if updates keep nothing
}

func (q *sequencer) is(state int) hdl.Value { return hdl.Eq(q.state, q.st[state]) }
func (q *sequencer) isKind(k Kind) hdl.Value {
	return hdl.Eq(q.kind, q.kinds[k])
}
func (q *sequencer) isPhase(p int) hdl.Value { return hdl.Eq(q.phase, q.phases[p]) }

// field is a field of the pass descriptor.
func (q *sequencer) field(name string) hdl.Value { return q.named[name] }

// sequencer builds ep_sequencer: the static schedule of a training step.
func (d *Design) sequencer() *hdl.Module {
	q := &sequencer{Module: hdl.NewModule("ep_sequencer"), d: d, rec: d.passRecord(), named: map[string]*hdl.Signal{}}
	q.Doc("%s", d.sequencerText())
	q.ports()
	q.registers()
	q.advance()
	q.watch()
	q.tensor()
	q.modes()
	q.status()
	return q.Module
}

// sequencerText is the comment of ep_sequencer.
func (d *Design) sequencerText() string {
	width := 0
	for _, name := range d.phaseNames() {
		width = max(width, len(name))
	}
	text := "Static schedule of " + d.task() + ".\n\n"
	line := func(name, what string) { text += fmt.Sprintf("  %-*s %s\n", width, name, what) }
	for i, r := range d.Program.Relaxations {
		if i == 0 {
			line(r.Name, itoa(r.Steps)+" steps from "+d.fromText())
		} else {
			what := ""
			if d.differs() {
				what = ", as differences from it"
			}
			line(r.Name, itoa(r.Steps)+" steps from the free equilibrium"+what+", nudged by "+signed(r.Beta))
		}
	}
	if d.learns() {
		line("update", "every weight and bias")
	}
	if d.reads() {
		line("readout", "one visit, up and act: the logits at the free equilibrium")
		line("result", "the logits go to external memory")
	} else {
		line("result", "the output states of the free phase go to external memory")
	}
	text += "\nA visit is a walk over all slabs of a layer, with up to two passes over each, and an\n" +
		"activation behind the last one. A table of visits holds the order: "
	if d.Cfg.Sweep == ep.Asynchronous && d.relaxing() > 1 {
		text += "up and down for\nodd layers, then for even ones, whose neighbours are fresh.\n"
	} else {
		text += "layers ascend; the act of\nlayer n-1 follows the down of layer n, which completes its accumulators.\n"
	}
	if d.hasHeads() {
		text += "While nudged, average, up and errors of the head of a layer come before its act, which\n" +
			"follows the down of the head.\n"
	}
	return text + "Layer 1 sees a constant input: its up runs once, before the first step. A descriptor\n" +
		"ROM holds loops and addresses of every pass."
}

// signed prints a number with its sign.
func signed(v float64) string {
	if v < 0 {
		return ftoa(v)
	}
	return "+" + ftoa(v)
}

func (q *sequencer) ports() {
	one := hdl.U(1)
	q.Group("Clock and synchronous reset")
	q.Clock("clk_i")
	q.Reset("rst_ni")
	q.Group("Control")
	q.startIn = q.Input("start_i", one, "pulse")
	var inferIn hdl.Value
	if q.d.learns() {
		inferIn = q.Input("infer_i", one, "with start_i: free phase only")
	}
	q.Group("Units")
	q.walkDone = q.Input("walk_done_i", one)
	if q.d.hasHeads() {
		q.softDone = q.Input("soft_done_i", one)
	}
	if q.d.learns() {
		q.drainIdle = q.Input("drain_idle_i", one)
	}
	q.loaded = q.Input("loaded_i", one)
	if !q.d.onChip() {
		q.full = q.Input("full_i", hdl.U(2), "halves of the slab buffer that hold a slab")
	}
	q.fetchIdle = q.Input("fetch_idle_i", one)
	q.fetchError = q.Input("fetch_error_i", one)
	q.storeIdle = q.Input("store_idle_i", one)
	q.storeError = q.Input("store_error_i", one)
	if q.d.learns() {
		q.infer = q.Reg("infer_q", one)
		q.Always(func(b *hdl.Block) {
			b.If(q.startIn, func(b *hdl.Block) { b.Set(q.infer, inferIn) })
		})
	}
	if q.d.warm() {
		q.warmStart()
	}
	if q.d.Program.RandomSign {
		q.randomSign()
	}
	if q.d.monitored() {
		q.movedIn = q.Input("moved_i", one, "a state has moved by more than the tolerance")
	}
}

// warmStart builds the choice of the states before the first step: those on chip, if
// the host does not want others and the last run has left them whole.
func (q *sequencer) warmStart() {
	one := hdl.U(1)
	constant := "the constant"
	if q.d.given() {
		constant = "those given"
	}
	q.Group("Initial states: those of the last free equilibrium, or " + constant)
	coldIn := q.Input("cold_i", one, "with start_i: from "+constant)
	whole := q.Reg("whole_q", one, "a free equilibrium is on chip")
	q.cold = q.Reg("cold_q", one, "the run began from "+constant)
	q.done = q.Wire("run_done", one, "a run has ended without an error")
	q.AlwaysReset(func(b *hdl.Block) { b.Set(whole, bit(false)) }, func(b *hdl.Block) {
		b.If(q.startIn, func(b *hdl.Block) { b.Set(whole, bit(false)) }).
			ElseIf(q.done, func(b *hdl.Block) { b.Set(whole, bit(true)) })
	})
	q.Always(func(b *hdl.Block) {
		b.If(q.startIn, func(b *hdl.Block) { b.Set(q.cold, hdl.Any(coldIn, hdl.Not(whole))) })
	})
}

// registers declares where the schedule stands, and what that says of the pass and the layer.
func (q *sequencer) registers() {
	q.Group("Where the schedule stands")
	q.codes()
	q.place()
	q.visitTable()
	q.Group("Descriptor of the pass")
	q.descriptor()
	q.Group("Limits of the layer")
	q.limits()
}

// codes declares the codes of states, passes and phases.
func (q *sequencer) codes() {
	d := q.d
	for i, n := range stateNames {
		q.st = append(q.st, q.Localparam(n, hdl.U(4), int64(i)))
	}
	for k := range d.numKinds() {
		if k == Bias && !d.contrastsBiases() || k == Update && !d.learns() {
			q.kinds = append(q.kinds, nil)
			continue
		}
		q.kinds = append(q.kinds, q.Localparam("PASS_"+strings.ToUpper(k.String()), hdl.U(3), int64(k)))
	}
	for i, n := range d.phaseNames() {
		q.phases = append(q.phases, q.Localparam("PHASE_"+strings.ToUpper(n), hdl.U(d.phaseBits()), int64(i)))
	}
}

// place declares state, phase, time step, visit, slab and pass.
func (q *sequencer) place() {
	d, one := q.d, hdl.U(1)
	q.state = q.Reg("state_q", hdl.U(4))
	q.phase = q.Reg("phase_q", hdl.U(d.phaseBits()))
	steps := 1
	for _, r := range d.Program.Relaxations {
		steps = max(steps, r.Steps)
	}
	q.step = q.Reg("step_q", hdl.U(addrBits(steps)))
	q.visits = d.Visits.all()
	q.visit = q.Reg("visit_q", hdl.U(addrBits(len(q.visits))))
	q.slab = q.Reg("slab_q", hdl.U(d.slabIndexBits()))
	q.slabO = q.Reg("slab_o_q", hdl.U(d.fields.addr), "first word of the slab in its sample")
	if n := d.rowParts(); !powerOfTwo(n) {
		q.part = q.Reg("slab_part_q", hdl.U(partBits(n)), "part of its words that the slab is")
	}
	q.kind = q.Reg("kind_q", hdl.U(3))
	if d.IndexCopies > 1 {
		q.variant = q.Reg("variant_q", hdl.U(addrBits(d.points()+1)), "update of live indices: argmax of 1 s+, 2 s-")
	}
	if d.keeps() {
		q.keep = q.Reg("keep_q", one, "second walk over the slab in the update: what updates keep")
	}
	if d.onChip() {
		q.slabTile = q.Reg("slab_tile_q", hdl.U(addrBits(d.allTiles())), "first tile of the slab in its layer")
	} else {
		q.bank = q.Reg("bank_q", one, "half of the slab buffer in use")
	}
	q.flush = q.Reg("flush_q", hdl.U(widest(d.flushed()-1, abortCycles-1)))
	q.errorQ = q.Reg("error_q", one)
}

// descriptor builds the table of the passes of all layers, and the fields of the present one.
func (q *sequencer) descriptor() {
	d := q.d
	ofAct := q.isKind(Act)
	if d.hasHeads() {
		ofAct = hdl.Any(ofAct, q.isKind(Pool))
	}
	q.passLayer = q.WireIs("pass_layer", hdl.Mux(ofAct, q.actLayer, q.layer))
	var rows []hdl.ROMRow
	for i, ps := range d.tables.passes {
		for k := range 1 << 3 {
			var row hdl.ROMRow // no such pass
			if k < int(d.numKinds()) && d.numbered(i+1) && d.used(i+1, Kind(k)) {
				row = q.rec.named(d.at(i+1).Name+" "+Kind(k).String(), d.values(&ps[k]))
			}
			rows = append(rows, row)
		}
	}
	word := q.ROM("pass_rom", q.WireIs("pass_index", hdl.Cat(q.passLayer, q.kind)), hdl.U(q.rec.width()), rows)
	q.desc = q.Reg("pass_q", word.Type())
	q.Always(func(b *hdl.Block) {
		b.If(q.is(seqSetup), func(b *hdl.Block) { b.Set(q.desc, word) })
	})
	q.Group("Fields of the descriptor")
	for _, f := range q.rec {
		q.named[f.name] = q.WireIs("pass_"+f.name, q.rec.slice(q.desc, f.name), f.doc)
	}
}

// limits builds the tables of what does not depend on the pass, but on the layer alone.
func (q *sequencer) limits() {
	d := q.d
	// table has a field of each layer and head.
	table := func(name string, width int, of func(l *LayerPlan) int) []hdl.ROMRow {
		rows := make([]hdl.ROMRow, d.largestNumber())
		for i := range rows {
			if d.numbered(i + 1) {
				l := d.at(i + 1)
				rows[i] = record{{name, width, ""}}.row(l.Name, of(l))
			}
		}
		return rows
	}
	last := table("last", q.slab.Type().Width, func(l *LayerPlan) int { return l.Slabs - 1 })
	q.lastSlab = q.WireIs("last_slab", hdl.Eq(q.slab, q.ROM("last_slab_rom", q.layer, q.slab.Type(), last)))
	if d.mixedBiases() && d.learns() { // the update asks
		biased := table("biased", 1, (*LayerPlan).BiasColumns)
		q.biased = q.ROM("biased_rom", q.layer, hdl.U(1), biased, "the layer has biases")
	}
	if d.IndexCopies > 1 {
		pooled := table("pooled", 1, func(l *LayerPlan) int { return b2i(l.HasIndex() && l.N > 1) })
		q.argmax = q.ROM("argmax_rom", q.layer, hdl.U(1), pooled, "the update needs the argmax of its final states")
	}
}

// visitTable builds the table of visits and the fields of the present one.
func (q *sequencer) visitTable() {
	d := q.d
	layer := d.layerBits()
	q.visitRec = record{
		{"layer", layer, "layer - 1 whose slabs are visited"},
		{"act_layer", layer, "layer - 1 that is activated"},
		{"up", 1, "each slab has an up"},
		{"down", 1, "each slab has a down"},
		{"act", b2i(d.Visits.actsApart()), "an activation follows the last slab"},
		{"end", 1, "last visit of a step, or of the update"},
		{"bare", b2i(d.bareVisits()), "the visit that follows has no slabs"},
	}.wanted()
	fresh := false
	for _, v := range q.visits {
		fresh = fresh || v.Fresh && d.stales()
	}
	if fresh {
		q.visitRec = append(q.visitRec, field{"fresh", 1, "neighbours are those of this step"})
	}
	if d.hasHeads() {
		q.visitRec = append(q.visitRec, field{"soft", 1, "the errors of the logits follow the last slab"},
			field{"point", d.pointBits(), "point of the contrast"},
			field{"averages", 1, "the visit that follows begins with averages"})
		if d.freeHeads() {
			q.visitRec = append(q.visitRec, field{"free", 1, "the head learns at the free equilibrium"})
		}
	}
	var rows []hdl.ROMRow
	s := &d.Visits
	start, nudged := len(s.First), len(s.First)+len(s.Step)
	update := nudged + len(s.Nudged)
	for i, v := range q.visits {
		next := i + 1
		end := next == nudged || next == update || next == len(q.visits)
		switch {
		case next == update && s.Nudged != nil:
			next = nudged
		case next == nudged || next == update:
			next = start
		}
		bare := next < len(q.visits) && q.visits[next].Layer == 0
		values := []int{max(0, v.Layer-1), max(0, v.Act-1), b2i(v.Up), b2i(v.Down)}
		if d.Visits.actsApart() {
			values = append(values, b2i(v.Act > 0))
		}
		values = append(values, b2i(end))
		if d.bareVisits() {
			values = append(values, b2i(bare))
		}
		if v.Layer == 0 {
			values[0] = v.Act - 1
		}
		if v.Pool > 0 {
			values[1] = v.Pool - 1
		}
		if fresh {
			values = append(values, b2i(v.Fresh))
		}
		if d.hasHeads() {
			values = append(values, b2i(v.Soft), v.Point, b2i(next < len(q.visits) && q.visits[next].Pool > 0))
			if d.freeHeads() {
				values = append(values, b2i(v.Free))
			}
		}
		rows = append(rows, q.visitRec.row(q.d.text(v), values...))
	}
	q.Group("Visit")
	word := q.ROM("visit_rom", q.visit, hdl.U(q.visitRec.width()), rows)
	for _, f := range q.visitRec {
		q.named["visit_"+f.name] = q.WireIs("visit_"+f.name, q.visitRec.slice(word, f.name), f.doc)
	}
	if !d.Visits.actsApart() {
		q.named["visit_act"] = q.named["visit_down"] // whose slabs complete the accumulators
	}
	q.layer, q.actLayer = q.named["visit_layer"], q.named["visit_act_layer"]
}

// of is a field of the present visit.
func (q *sequencer) of(name string) hdl.Value { return q.named["visit_"+name] }

// toVisit goes to a visit of the table.
func (q *sequencer) toVisit(b *hdl.Block, i int) {
	b.Set(q.visit, hdl.Const(q.visit.Type(), int64(i)))
}

// slabIndexBits is the width of the number of a slab in its layer.
func (d *Design) slabIndexBits() int {
	slabs := 1
	for _, l := range d.slabs() {
		slabs = max(slabs, l.Slabs)
	}
	return max(addrBits(slabs), partBits(d.rowParts()))
}
