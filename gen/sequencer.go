package gen

import (
	"strings"

	"epgen/hdl"
)

// Phases of a training step, as the sequencer numbers them.
const (
	PhaseFree = iota
	PhasePlus
	PhaseMinus
	PhaseUpdate
	PhaseResult
)

var phaseNames = []string{"FREE", "PLUS", "MINUS", "UPDATE", "RESULT"}

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

// abortCycles is how long an error clears the walker and the drain at least:
// until no operation or contrast is in flight that could wake them again.
const abortCycles = 8

// Variants of UP in the update of the live mode.
const (
	variantNone  = iota
	variantPlus  // argmax of s+
	variantMinus // argmax of s-
)

type sequencer struct {
	*hdl.Module
	d                                             *Design
	rec                                           record
	state, phase, step, layer, slab, kind         *hdl.Signal
	variant, top, bank, infer, slabO, flush       *hdl.Signal
	desc                                          *hdl.Signal
	walkDone, drainIdle, storeIdle, fetchIdle     hdl.Value
	full, loaded, fetchError, storeError, startIn hdl.Value
	st                                            []hdl.Value
	named                                         map[string]*hdl.Signal // fields of the descriptor
	kinds, phases                                 []hdl.Value
	lastLayer, lastSlab, releaseSlab              *hdl.Signal
	errorQ, argmax, passLayer, storeStart         *hdl.Signal
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
	q.Doc("Static schedule of a training step, or of an inference.\n\n" +
		"  free   T1 steps from the zero state\n" +
		"  plus   T2 steps from the free equilibrium, nudged by +beta\n" +
		"  minus  the same with -beta\n" +
		"  update every weight and bias\n" +
		"  result the output states of the free phase go to external memory\n\n" +
		"One step, layers ascending: for each slab of layer n up, then down; then act of\n" +
		"layer n-1, whose accumulators are now complete; after the last layer act of it too.\n" +
		"Layer 1 sees a constant input: its up runs once, in the first step. A descriptor ROM\n" +
		"holds loops and addresses of every pass.")
	q.ports()
	q.registers()
	q.advance()
	q.modes()
	q.status()
	return q.Module
}

func (q *sequencer) ports() {
	one := hdl.U(1)
	q.Group("Clock and synchronous reset")
	q.Clock("clk_i")
	q.Reset("rst_ni")
	q.Group("Control")
	q.startIn = q.Input("start_i", one, "pulse")
	inferIn := q.Input("infer_i", one, "with start_i: free phase only")
	q.Group("Units")
	q.walkDone = q.Input("walk_done_i", one)
	q.drainIdle = q.Input("drain_idle_i", one)
	q.loaded = q.Input("loaded_i", one)
	q.full = q.Input("full_i", hdl.U(2), "halves of the slab buffer that hold a slab")
	q.fetchIdle = q.Input("fetch_idle_i", one)
	q.fetchError = q.Input("fetch_error_i", one)
	q.storeIdle = q.Input("store_idle_i", one)
	q.storeError = q.Input("store_error_i", one)
	q.infer = q.Reg("infer_q", one)
	q.Always(func(b *hdl.Block) {
		b.If(q.startIn, func(b *hdl.Block) { b.Set(q.infer, inferIn) })
	})
}

func (q *sequencer) registers() {
	d, one := q.d, hdl.U(1)
	q.Group("Where the schedule stands")
	for i, n := range stateNames {
		q.st = append(q.st, q.Localparam(n, hdl.U(4), int64(i)))
	}
	for k := range numKinds {
		q.kinds = append(q.kinds, q.Localparam("PASS_"+strings.ToUpper(k.String()), hdl.U(3), int64(k)))
	}
	for i, n := range phaseNames {
		q.phases = append(q.phases, q.Localparam("PHASE_"+n, hdl.U(3), int64(i)))
	}
	q.state = q.Reg("state_q", hdl.U(4))
	q.phase = q.Reg("phase_q", hdl.U(3))
	q.step = q.Reg("step_q", hdl.U(addrBits(max(d.Cfg.FreeSteps, d.Cfg.NudgeSteps))))
	q.layer = q.Reg("layer_q", hdl.U(addrBits(len(d.Layers))), "layer - 1")
	q.slab = q.Reg("slab_q", hdl.U(d.slabIndexBits()))
	q.slabO = q.Reg("slab_o_q", hdl.U(d.fields.addr), "first word of the slab in its sample")
	q.kind = q.Reg("kind_q", hdl.U(3))
	if d.IndexCopies > 1 {
		q.variant = q.Reg("variant_q", hdl.U(2), "update of live indices: argmax of 1 s+, 2 s-")
	}
	q.top = q.Reg("top_q", one, "act of the last layer, not of the one below")
	q.bank = q.Reg("bank_q", one, "half of the slab buffer in use")
	q.flush = q.Reg("flush_q", hdl.U(widest(flushCycles-1, abortCycles-1)))
	q.errorQ = q.Reg("error_q", one)

	q.Group("Descriptor of the pass")
	q.passLayer = q.WireIs("pass_layer", hdl.Mux(hdl.All(q.isKind(Act), hdl.Not(q.top), hdl.Not(q.isPhase(PhaseResult))),
		hdl.SubMod(q.layer, hdl.Const(q.layer.Type(), 1)), q.layer))
	var rows []hdl.ROMRow
	for i, ps := range d.tables.passes {
		for k := range 1 << 3 {
			var row hdl.ROMRow // no such pass
			if k < len(ps) && d.used(i+1, Kind(k)) {
				row = q.rec.row(d.Layers[i].Name+" "+Kind(k).String(), d.values(&ps[k])...)
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
	q.Group("Limits of the layer")
	lastSlabs := make([]hdl.ROMRow, len(d.Layers))
	pooled := make([]hdl.ROMRow, len(d.Layers))
	for i := range d.Layers {
		l := &d.Layers[i]
		lastSlabs[i] = record{{"last", q.slab.Type().Width, ""}}.row(l.Name, l.Out.Blocks-1)
		pooled[i] = record{{"pooled", 1, ""}}.row(l.Name, b2i(l.HasIndex() && l.N > 1))
	}
	q.lastSlab = q.WireIs("last_slab", hdl.Eq(q.slab, q.ROM("last_slab_rom", q.layer, q.slab.Type(), lastSlabs)))
	q.lastLayer = q.WireIs("last_layer", hdl.EqConst(q.layer, int64(len(d.Layers)-1)))
	if d.IndexCopies > 1 {
		q.argmax = q.ROM("argmax_rom", q.layer, one, pooled, "the update needs the argmax of its final states")
	}
}

// slabIndexBits is the width of the number of a slab in its layer.
func (d *Design) slabIndexBits() int {
	slabs := 1
	for i := range d.Layers {
		slabs = max(slabs, d.Layers[i].Out.Blocks)
	}
	return addrBits(slabs)
}
