package gen

import "epgen/ep"

// A program that does not learn is the free phase and its results. What only nudged phases and
// updates need is not there then: each unit leaves out what no pass of the schedule asks for.

// learns reports whether an update follows the relaxations, and with it nudged phases and
// labels.
func (p *Plan) learns() bool { return p.Program.Learns() }

// selectsIndex reports passes whose windows are pooled by a stored index rather than by
// comparison: those of nudged phases with frozen indices.
func (p *Plan) selectsIndex() bool { return p.Cfg.PoolIndex == ep.Frozen && p.learns() }

// movingIndex reports pool indices that differ from point to point of the contrast.
func (p *Plan) movingIndex() bool { return p.Cfg.PoolIndex == ep.Live && p.learns() }

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
