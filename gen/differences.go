package gen

import (
	"epgen/ep"
	"epgen/hdl"
)

// Nudged phases that hold differences from the free equilibrium, see ep.DifferenceArith. Their
// passes are those of the free phase over the copies of the differences, without biases
// and without the drive of layer 1; what the activation needs besides, the pre-activations of
// the last free step, lies in a memory of each lane. The contrast has products of a
// difference with a free state, of a free state with a difference, and of two differences, in this order.

// differs reports whether nudged phases hold differences.
func (p *Plan) differs() bool { return p.Cfg.Differs() }

// terms are those of the contrast of the layer that has most: layer 2, or the only one. Where
// that is a single one, another of the other sign, which no pass visits, follows.
func (p *Plan) terms() []ep.Term {
	list := p.Program.Terms(len(p.Layers))
	if len(list) == 1 {
		second := list[0]
		second.Weight = -second.Weight
		list = append(list, second)
	}
	return list
}

// Terms returns those of a pass that collects contrasts: biases meet no states below.
func (p *Plan) Terms(q *Pass) []ep.Term {
	if q.Kind == Bias {
		return p.Program.Terms(1)
	}
	if q.Layer > len(p.Layers) { // a head
		return p.terms()
	}
	return p.Program.Terms(q.Layer)
}

// firstOf is the number of the first term of a kind, or -1.
func (p *Plan) firstOf(kind ep.TermKind) int {
	for i, t := range p.terms() {
		if t.Kind == kind {
			return i
		}
	}
	return -1
}

// moves are the constants of layers in nudged phases that hold differences, as choices.
type moves struct {
	reach     choices // k: fractional bits of a difference beyond those of the state
	lift, sum choices // alignment of the contrast: of z, and of what precedes the products of differences
	sameUp    bool    // the alignments of sums are those of the free phase
	sameDown  bool
	sameAct   bool
}

// deriveMoves adds the alignments of nudged phases to those of the free one.
func (d *Design) deriveMoves() {
	up, down, act := d.shifts.up.values, d.shifts.down.values, d.shifts.act.values
	m := moves{sameUp: true, sameDown: true, sameAct: true}
	var reach, square []int
	lift := []int{0}
	for i := range d.Layers {
		a := d.Layers[i].Arith
		x := a.Difference
		reach, act = append(reach, x.Shift), append(act, x.Act.Shift)
		m.sameAct = m.sameAct && x.Act.Shift == a.Act.Shift
		if i > 0 {
			up, lift, square = append(up, x.UpShift), append(lift, x.HereLift, x.BelowLift, x.BothLift), append(square, x.SumLift)
			m.sameUp = m.sameUp && x.UpShift == a.UpShift
		}
		if i < len(d.Layers)-1 {
			down = append(down, x.DownShift)
			m.sameDown = m.sameDown && x.DownShift == a.DownShift
		}
	}
	if square == nil {
		square = []int{0}
	}
	d.shifts.up, d.shifts.down, d.shifts.act = choose(up...), choose(down...), choose(act...)
	m.reach, m.lift, m.sum = choose(reach...), choose(lift...), choose(square...)
	d.moves = m
}

// squares reports that the array shifts contrasts before it adds the products of differences.
func (d *Design) squares() bool {
	return d.differs() && d.firstOf(ep.BothMove) >= 0 && d.moves.sum.max() > 0
}

// moveFields are the fields of a pass, and the modes that are the same choice.
func (d *Design) moveFields() record {
	if !d.differs() {
		return nil
	}
	m := &d.moves
	return record{
		{"reach", m.reach.bits(), "choice of the fractional bits of differences"},
		{"here_lift", m.lift.bits(), "choice of the alignment of differences in the contrast"},
		{"below_lift", m.lift.bits(), "choice of the alignment of free states in the contrast"},
		{"both_lift", m.lift.bits() * b2i(d.firstOf(ep.BothMove) >= 0), "choice of the alignment of products of differences in the contrast"},
		{"sum_lift", m.sum.bits() * b2i(d.squares()), "choice of the alignment of what precedes them"},
	}.wanted()
}

// movePassFields are further fields of a pass.
func (d *Design) movePassFields() record {
	if !d.differs() {
		return nil
	}
	m := &d.moves
	return append(d.moveFields(), record{
		{"last_term", d.pointBits(), "terms of the contrast - 1"},
		{"moving_up_shift", d.shifts.up.bits() * b2i(!m.sameUp), "choice of alignment, of differences"},
		{"moving_down_shift", d.shifts.down.bits() * b2i(!m.sameDown), "choice of alignment, of differences"},
		{"moving_act_shift", d.shifts.act.bits() * b2i(!m.sameAct), "choice of alignment, of differences"},
	}.wanted()...)
}

// moveValues are their values, and the names of those that a pass reads.
func (d *Design) moveValues(q *Pass, all map[string]int) (read []string) {
	if !d.differs() {
		return nil
	}
	m, x := &d.moves, d.Layers[q.Layer-1].Arith.Difference
	all["last_term"] = len(d.Terms(q)) - 1
	all["reach"], all["moving_act_shift"] = m.reach.of(x.Shift), d.shifts.act.of(x.Act.Shift)
	all["here_lift"], all["below_lift"] = m.lift.of(x.HereLift), m.lift.of(x.BelowLift)
	all["both_lift"] = m.lift.of(x.BothLift)
	if q.Layer > 1 {
		all["sum_lift"], all["moving_up_shift"] = m.sum.of(x.SumLift), d.shifts.up.of(x.UpShift)
		all["moving_down_shift"] = d.shifts.down.of(d.Layers[q.Layer-2].Arith.Difference.DownShift)
	}
	switch q.Kind {
	case Up:
		return []string{"moving_up_shift"}
	case Down:
		return []string{"moving_down_shift"}
	case Act:
		return []string{"reach", "moving_act_shift"}
	case Update:
		return []string{"last_term", "here_lift", "below_lift", "both_lift", "sum_lift"}
	case Bias:
		return []string{"last_term"}
	}
	return nil
}

// moveModes are the modes of passes of designs whose nudged phases hold differences.
func (d *Design) moveModes() record {
	if !d.differs() {
		return nil
	}
	return append(record{
		{"moving", 1, "nudged phase: states are differences from the free ones"},
		{"resting", 1, "all differences count as zero: first step of such a phase"},
		{"undriven", 1, "the accumulator read is the drive of layer 1, which has none"},
		{"reference", addrBits(d.ReferenceWords()), "first pre-activation of the layer"},
	}, d.moveFields()...)
}

// ReferenceWords returns the words of the memory of pre-activations: one for each word of
// states, those of the even bank first.
func (p *Plan) ReferenceWords() int { return p.RegionWords[0] + p.RegionWords[1] }

// movingValues are the modes; stale says that no step of the phase has written what is read.
func (q *sequencer) movingValues(values map[string]hdl.Value, stale hdl.Value) {
	d := q.d
	if !d.differs() {
		return
	}
	var phases []hdl.Value
	for i := range d.Program.Relaxations {
		if i != CopyFree {
			phases = append(phases, q.isPhase(i))
		}
	}
	moving := q.WireIs("moving", hdl.Any(phases[0], phases[1:]...), "a nudged phase")
	values["moving"], values["resting"] = moving, hdl.All(moving, stale)
	drive := hdl.All(q.isKind(Down), hdl.EqConst(q.slab, 0), hdl.EqConst(q.passLayer, 1))
	if len(d.Layers) == 1 {
		drive = q.isKind(Act)
	}
	values["undriven"] = hdl.All(moving, drive)
	base := fit(q.field("o_base"), addrBits(d.ReferenceWords()))
	if odd := d.RegionWords[0]; odd > 0 && d.RegionWords[1] > 0 {
		inOdd := hdl.Not(hdl.Bit(q.passLayer, 0)) // layer - 1
		base = hdl.AddMod(base, hdl.Mux(inOdd, hdl.Const(base.Type(), int64(odd)), zeroOf(base)))
	}
	values["reference"] = base
	for _, name := range []string{"up_shift", "down_shift", "act_shift"} {
		if field, ok := q.named["moving_"+name]; ok {
			values[name] = hdl.Mux(moving, field, q.field(name))
		}
	}
}

// liftOf chooses the alignment of z in a term: of a difference beside a free state, or of a
// free state beside a difference. It is nil where all are alike.
func (p *datapath) liftOf(term hdl.Value) hdl.Value {
	d := p.d
	here, ok := p.mode["here_lift"]
	if !d.differs() || !ok {
		return nil
	}
	below, both := d.firstOf(ep.BelowMoves), d.firstOf(ep.BothMove)
	at := func(i int) hdl.Value { return hdl.Const(term.Type(), int64(i)) }
	return hdl.Mux(hdl.Lt(term, at(below)), here, hdl.Mux(hdl.Lt(term, at(both)), p.mode["below_lift"], p.mode["both_lift"]))
}

// references builds the addresses of the lanes' memories of pre-activations: read in stage 1,
// and written in stage 6 of the free phase.
func (p *datapath) references() {
	d := p.d
	if !d.differs() {
		return
	}
	p.Group("Pre-activations of the free phase")
	addr := p.Reg("reference_addr_q1", hdl.U(addrBits(d.ReferenceWords())))
	p.Always(func(b *hdl.Block) {
		b.If(p.op["valid"], func(b *hdl.Block) {
			b.Set(addr, hdl.AddMod(fit(p.op["o"], addr.Type().Width), p.mode["reference"]))
		})
	})
	p.referenceAddr = addr
	p.referenceWAddr = delay(&p.Scope, "reference_addr", addr, 1, 6)[6]
	p.referenceWE = p.WireIs("reference_we", hdl.All(p.valid[6], p.mode["act"], hdl.Not(p.mode["moving"])))
}
