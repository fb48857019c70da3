package gen

import (
	"slices"
	"strings"

	"epgen/ep"
	"epgen/hdl"
)

// logitAddrBits is the width of the address of a word of logits, or of errors.
func (d *Design) logitAddrBits() int { return addrBits(d.LogitWords) }

// headWords is the largest number of words of errors of a sample.
func (d *Design) headWords() int {
	n := 1
	for i := range d.Heads {
		n = max(n, d.Heads[i].Out.SampleWords)
	}
	return n
}

// numKinds returns how many kinds of passes a design has: heads bring the last two.
func (p *Plan) numKinds() Kind {
	if p.hasHeads() {
		return numKinds
	}
	return Pool
}

// headModes are the mode fields of designs with heads.
func (d *Design) headModes() record {
	if !d.hasHeads() {
		return nil
	}
	rec := record{
		{"pool", 1, "pass: averages for a head"},
		{"head", 1, "the pass is that of a head; act: the layer has one"},
		{"head_nudge", 1, "the head of the layer nudges it"},
		{"back_first", 1, "first slab of a head: nudges start from 0"},
	}
	if c := d.shifts.headCode; len(c.values) > 1 {
		rec = append(rec, field{"head_code", c.bits(), "choice of beta lambda"})
	}
	if c := d.shifts.headShift; len(c.values) > 1 {
		rec = append(rec, field{"head_shift", c.bits(), "choice of alignment"})
	}
	if c := d.shifts.pool; len(c.values) > 1 {
		rec = append(rec, field{"pool_shift", c.bits(), "choice of the area of a cell"})
	}
	if d.mixedHeads() {
		rec = append(rec, field{"direct", 1, "errors are y - z"})
	}
	if d.TargetWords > 0 {
		if d.someTargets() {
			rec = append(rec, field{"taught", 1, "errors are those of a teacher's targets"})
		}
		rec = append(rec, field{"last_word", addrBits(d.headWords()), "words of errors of a sample - 1"},
			field{"target_base", addrBits(d.TargetWords), "first word of the targets"})
	}
	if d.distilling() != nil {
		rec = append(rec, field{"distil", 1, "errors are those of a teacher's logits and of the labels"})
	}
	if d.Centered && len(d.Heads) > 1 {
		rec = append(rec, field{"mean_base", addrBits(d.MeanWords), "first word of the running means"})
	}
	return rec
}

// headFields are the fields of a pass in designs with heads.
func (d *Design) headFields() []optionalField {
	if !d.hasHeads() {
		return nil
	}
	arith := func(q *Pass) *LayerPlan {
		if l := d.at(q.Layer); l.Head != nil {
			return l
		}
		return d.headOn(q.Layer)
	}
	list := []optionalField{{field{"head", 1, "the pass is that of a head; act: the layer has one"}, func(q *Pass) int {
		return b2i(d.at(q.Layer).Head != nil || q.Kind == Act && d.headOn(q.Layer) != nil)
	}}}
	add := func(name, doc string, c choices, value func(h *LayerPlan) int) {
		if len(c.values) > 1 {
			list = append(list, optionalField{field{name, c.bits(), doc}, func(q *Pass) int {
				if h := arith(q); h != nil {
					return c.of(value(h))
				}
				return 0
			}})
		}
	}
	if n := d.strengthsOfHeads(); n == 1 {
		add("head_code", "choice of beta lambda", d.shifts.headCode, func(h *LayerPlan) int { return int(h.HeadArith.NudgeCodes[ep.PhaseNudge]) })
	} else {
		for k := 1; k <= n; k++ {
			add("head_code_"+itoa(k), "the same in phase "+d.Program.Relaxations[k].Name, d.shifts.headCode,
				func(h *LayerPlan) int { return int(h.HeadArith.NudgeCodes[k]) })
		}
	}
	add("head_shift", "choice of alignment", d.shifts.headShift, func(h *LayerPlan) int { return h.HeadArith.NudgeShift })
	if d.TargetWords > 0 {
		of := func(f func(l *LayerPlan) int) func(q *Pass) int {
			return func(q *Pass) int {
				if l := d.at(q.Layer); l.Head != nil {
					return f(l)
				}
				return 0
			}
		}
		if d.someTargets() {
			list = append(list, optionalField{field{"taught", 1, "errors are those of a teacher's targets"},
				of(func(l *LayerPlan) int { return b2i(l.taught()) })})
		}
		list = append(list,
			optionalField{field{"last_word", addrBits(d.headWords()), "words of errors of a sample - 1"},
				of(func(l *LayerPlan) int { return l.Out.SampleWords - 1 })},
			optionalField{field{"target_base", addrBits(d.TargetWords), "first word of the targets"}, of(func(l *LayerPlan) int { return l.TargetBase })})
		if d.distilling() != nil {
			list = append(list, optionalField{field{"distil", 1, "errors are those of a teacher's logits and of the labels"},
				of(func(l *LayerPlan) int { return b2i(l.distils()) })})
		}
	}
	if d.Centered && len(d.Heads) > 1 {
		list = append(list, optionalField{field{"mean_base", addrBits(d.MeanWords), "first word of the running means"}, func(q *Pass) int {
			if h := arith(q); h != nil {
				return h.MeanBase
			}
			return 0
		}})
	}
	if d.mixedHeads() {
		list = append(list, optionalField{field{"direct", 1, "errors are y - z"}, func(q *Pass) int {
			l := d.at(q.Layer)
			return b2i(l.Head != nil && l.linear())
		}})
	}
	if d.fixedMaps() {
		list = append(list, optionalField{field{"fixed", 1, "the map of the head does not decay"}, func(q *Pass) int {
			l := d.at(q.Layer)
			return b2i(l.Head != nil && !l.Head.Kind.Trains())
		}})
	}
	add("pool_shift", "choice of the area of a cell", d.shifts.pool, func(h *LayerPlan) int { return h.HeadArith.Pool.Shift })
	return list
}

// headReads lists the fields that a kind of pass reads in designs with heads, besides those
// of PassReads.
var headReads = map[Kind][]string{
	Down:   {"head"},
	Update: {"head", "fixed"},
	Bias:   {"head", "fixed"},
	Act:    {"head", "head_code", "head_shift", "i_blk", "i_sample"},
	Pool: {"row_base", "col_base", "last_blk", "last_y", "last_x", "o_base", "o_blk", "o_sample", "o_row", "i_blk", "i_sample",
		"k_blk", "acc_write", "pool_shift", "mean_base"},
	Soft: {"o_base", "direct", "taught", "last_word", "target_base", "distil"},
}

// HeadReads returns those of a list of fields that a kind of pass reads in designs with heads,
// besides those of PassReads.
func HeadReads(kind Kind, fields []string) []string {
	var list []string
	for _, name := range fields {
		stem := name // head_code_2 is the head_code of a phase
		if strings.HasPrefix(name, "head_code") {
			stem = "head_code"
		}
		if slices.Contains(headReads[kind], stem) {
			list = append(list, name)
		}
	}
	return list
}

// deriveHeadShifts collects the constants of the heads.
func (d *Design) deriveHeadShifts() {
	var code, shift, pool []int
	for i := range d.Heads {
		a := d.Heads[i].HeadArith
		for _, c := range a.NudgeCodes[ep.PhaseNudge:] {
			code = append(code, int(c))
		}
		shift, pool = append(shift, a.NudgeShift), append(pool, a.Pool.Shift)
	}
	if d.hasHeads() {
		d.shifts.headCode, d.shifts.headShift, d.shifts.pool = choose(code...), choose(shift...), choose(pool...)
	}
}

// strengthsOfHeads is 1 if beta lambda of every head is the same in all nudged phases, else
// the number of these phases.
func (d *Design) strengthsOfHeads() int {
	for i := range d.Heads {
		if codes := d.Heads[i].HeadArith.NudgeCodes[ep.PhaseNudge:]; slices.Min(codes) != slices.Max(codes) {
			return len(codes)
		}
	}
	return 1
}

// backBits is the width of a nudge before its constant.
func (d *Design) backBits() int {
	w := 1
	for i := range d.Heads {
		w = max(w, d.Heads[i].HeadArith.Back.SignedWidth())
	}
	return w
}

// LogitBits is the width of a logit.
func (d *Plan) LogitBits() int {
	w := 1
	for i := range d.Heads {
		w = max(w, d.Heads[i].HeadArith.Logit.SignedWidth())
	}
	return w
}

// headStateBits is the width of the widest state that a head reads, and of its mean.
func (p *Plan) headStateBits() int {
	w := 0
	for i := range p.Heads {
		w = max(w, p.Heads[i].HeadArith.State.Width())
	}
	return w
}

// average builds ep_average: one lane of the averages of cells.
func (d *Design) average() *hdl.Module {
	f := d.Cfg.Formats
	state, c := d.headStateBits(), d.shifts.pool
	one := hdl.U(1)
	m := hdl.NewModule("ep_average")
	m.Doc("Average of the states of a cell, one lane:\n\n"+
		"  h = round(sum s * 2^-k),  2^k states a cell\n\n"+
		"One rounding (%v); no average is above the largest state.\nLatency: last state to h_o 2 cycles.", f.StateRounding)
	m.Group("Clock")
	m.Clock("clk_i")
	var sel hdl.Value = bit(false)
	if len(c.values) > 1 {
		m.Group("Mode, constant while states are in flight")
		sel = m.Input("pool_shift_i", hdl.U(c.bits()), c.doc("k"))
	}
	m.Group("State")
	valid := m.Input("valid_i", one)
	first := m.Input("first_i", one, "first of the cell")
	last := m.Input("last_i", one, "last of the cell")
	s := m.Input("state_i", hdl.U(state), d.stateText())
	m.Group("Sum")
	w := state + c.max()
	sum := m.Reg("sum_q", hdl.U(w))
	done := m.Reg("done_q", one, "the sum is complete")
	m.Always(func(b *hdl.Block) {
		b.Set(done, hdl.All(valid, last))
		if c.max() == 0 { // cells of one state
			b.Set(sum, s)
			return
		}
		b.If(valid, func(b *hdl.Block) {
			b.Set(sum, hdl.Mux(first, fit(s, w), hdl.AddMod(sum, fit(s, w))))
		})
	})
	if c.max() == 0 {
		m.Unused(first)
	}
	m.Group("Rounding")
	k := c.max()
	var lift choices
	for _, v := range c.values {
		lift.values = append(lift.values, k-v)
	}
	scaled := m.WireIs("scaled", hdl.AsS(hdl.Ext(lift.shiftLeft(sum, sel, w), w+1)))
	rounded := roundShift(&m.Scope, "scaled", scaled, k, f.StateRounding)
	h := m.OutputReg("h_o", hdl.S(d.LaneBits), "average, holds until the next")
	m.Always(func(b *hdl.Block) {
		b.If(done, func(b *hdl.Block) { b.Set(h, fit(rounded, d.LaneBits)) })
	})
	return m
}

// softOverhead are the cycles of SETUP, START, FLUSH and NEXT around the errors.
func (d *Design) softOverhead() int { return 1 + 1 + d.flushed() + 1 }

// softCycles returns the cycles in which ep_head makes the errors of all samples. Of each
// word it reads and captures the logits in every sweep and writes the errors in the last;
// of each class it takes one cycle for the maximum, five for the sum, and in the last
// sweep six and one for each bit of the quotient. A linear head has one sweep, with two
// cycles for each class.
func (d *Design) softCycles(l *LayerPlan) int {
	classes, words := l.Outputs(), l.Out.SampleWords
	if l.taught() && l.linear() { // all lanes of its words
		classes = words * d.P
	}
	if l.linear() {
		return d.Cfg.Batch * (words*3 + classes*2)
	}
	quotient := d.Cfg.Formats.Probability.Frac + 1
	if l.distils() { // both sums and both quotients, then the mixture
		return d.Cfg.Batch * (words*(3*2+1) + classes*(1+10+(5+quotient)+(4+quotient)+2))
	}
	return d.Cfg.Batch * (words*(3*2+1) + classes*(1+5+5+quotient))
}

// Outputs returns the classes of a head.
func (l *LayerPlan) Outputs() int { return l.Out.Shape.Len() }
