package gen

import (
	"slices"

	"epgen/ep"
)

// A program that does not learn is the free phase and its results. What only nudged phases and
// updates need is not there then: each unit leaves out what no pass of the schedule asks for.

// learns reports whether an update follows the relaxations, and with it nudged phases and
// labels.
func (p *Plan) learns() bool { return p.Program.Learns() }

// reads reports that the readout follows the free phase: one walk up over its slabs and an
// activation that rounds its logits. To the plan it is one more layer, which nothing feeds back.
func (p *Plan) reads() bool { return p.Program.Reads }

// relaxing is the number of layers that relax: all but such a readout.
func (p *Plan) relaxing() int { return len(p.Cfg.Network.Layers) }

// Reads and Relaxing are the same for benches and reports.
func (p *Plan) Reads() bool   { return p.reads() }
func (p *Plan) Relaxing() int { return p.relaxing() }

// Last is the layer whose states are the results.
func (p *Plan) Last() *LayerPlan { return &p.Layers[len(p.Layers)-1] }

// placeReadout makes a layer of the readout of a network that does not learn.
func (p *Plan) placeReadout() {
	if !p.reads() {
		return
	}
	a, f := &p.Arith.Heads[0], &p.Cfg.Formats
	arith := headArith(f, a)
	arith.State, arith.Act = f.Logit, a.Delivery
	p.placeLayer(&p.Cfg.Network.Readout().Map, arith)
}

// readoutVisits is the walk over the readout.
func (p *Plan) readoutVisits() []Visit {
	if !p.reads() {
		return nil
	}
	n := p.relaxing() + 1
	return []Visit{{Layer: n, Up: true, Act: n}}
}

// PhaseReadout is the phase of the readout, as the sequencer numbers it.
func (p *Plan) PhaseReadout() int { return int(p.Program.Readout()) }

// signedLast reports that the states of the last layer are signed and not clamped: of a linear
// output, or the logits of a readout.
func (p *Plan) signedLast() bool { return p.Cfg.Output == ep.Linear || p.reads() }

// resultDoc says what the core delivers.
func (p *Plan) resultDoc() string {
	if p.reads() {
		return "the logits"
	}
	return "the output states"
}

// selectsIndex reports passes whose windows are pooled by a stored index rather than by
// comparison: those of nudged phases with frozen indices.
func (p *Plan) selectsIndex() bool { return p.Cfg.PoolIndex == ep.Frozen && p.learns() }

// movingIndex reports pool indices that differ from point to point of the contrast: live ones
// above layer 1, whose input is constant.
func (p *Plan) movingIndex() bool {
	return p.Cfg.PoolIndex == ep.Live && p.learns() &&
		slices.ContainsFunc(p.Layers, func(l LayerPlan) bool { return l.N > 1 && l.HasIndex() })
}

// task and taskOf say what the core does after a start.
func (d *Design) task() string {
	if d.learns() {
		return "a training step, or of an inference"
	}
	return "an inference"
}

func (d *Design) taskOf() string {
	if d.learns() {
		return "a training step or an inference"
	}
	return "an inference"
}

// afterStates names what follows the states in the datapath.
func (d *Design) afterStates() string {
	if d.learns() {
		return "array, update"
	}
	return "array"
}

// signedActDoc is the activation of the layer that unclampedDoc names.
func (d *Design) signedActDoc() string {
	if !d.signedLast() {
		return ""
	}
	what := "an output"
	if d.reads() {
		what = "a logit"
	}
	return "        " + what + " is clamped to its own format, OUTPUT_MIN to OUTPUT_MAX\n"
}

// unclampedDoc says which layer has states that are clamped to a format of their own.
func (d *Design) unclampedDoc() string {
	if d.reads() {
		return "the readout, whose logits saturate at the ends of their own format"
	}
	return "the output layer, which saturates at the ends of its own format"
}
