package gen

import (
	"math/bits"
	"slices"
	"strings"

	"epgen/ep"
	"epgen/fixedpoint"
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
	if d.withKind(false) != nil {
		rec = append(rec, field{"direct", 1, "errors are y - z"})
	}
	if d.TargetWords > 0 {
		if d.withKind(false) != nil {
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
		if d.withKind(false) != nil {
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
	if d.withKind(false) != nil {
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
	state, largest := d.headStateBits(), d.Heads[0].HeadArith.Pool.Hi
	for i := range d.Heads { // no average is above that of its own layer
		largest = max(largest, d.Heads[i].HeadArith.Pool.Hi)
	}
	c := d.shifts.pool
	one := hdl.U(1)
	m := hdl.NewModule("ep_average")
	m.Doc("Average of the states of a cell, one lane:\n\n"+
		"  h = clamp(round(sum s * 2^-k), 0, %d),  2^k states a cell\n\n"+
		"One rounding (%v). Latency: last state to h_o 2 cycles.", largest, f.StateRounding)
	m.Group("Clock")
	m.Clock("clk_i")
	var sel hdl.Value = bit(false)
	if len(c.values) > 1 {
		m.Group("Mode, constant while states are in flight")
		sel = m.Input("pool_shift_i", hdl.U(c.bits()), shiftDoc(c))
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
		b.If(valid, func(b *hdl.Block) {
			b.Set(sum, hdl.Mux(first, fit(s, w), hdl.AddMod(sum, fit(s, w))))
		})
	})
	m.Group("Rounding")
	k := c.max()
	var lift choices
	for _, v := range c.values {
		lift.values = append(lift.values, k-v)
	}
	scaled := m.WireIs("scaled", hdl.AsS(hdl.Ext(lift.shiftLeft(sum, sel, w), w+1)))
	rounded := roundShift(&m.Scope, "scaled", scaled, k, f.StateRounding)
	h := m.OutputReg("h_o", hdl.S(d.LaneBits), "average, holds until the next")
	top := m.Localparam("STATE_MAX", hdl.S(max(rounded.Type().Width, d.LaneBits)), largest)
	m.Always(func(b *hdl.Block) {
		b.If(done, func(b *hdl.Block) { b.Set(h, clampAbove(rounded, top, h.Type())) }) // states are not negative
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

// States of ep_head.
const (
	headIdle = iota
	headRead
	headCapture
	headLane
	headIndex
	headTable
	headProduct
	headSum
	headDivide
	headError
	headWrite
	headMix
)

var headStates = []string{"IDLE", "READ", "CAPTURE", "LANE", "INDEX", "TABLE", "PRODUCT", "SUM", "DIVIDE", "ERROR", "WRITE", "MIX"}

// headUnit is ep_head under construction.
type headUnit struct {
	*hdl.Module
	d  *Design
	sm *fixedpoint.Softmax

	st                                        []hdl.Value
	start, abort, labelLane, labelWord        hdl.Value
	linear                                    hdl.Value // nil without linear heads
	lastWordIn, targets                       hdl.Value // nil without heads that are taught
	taught                                    hdl.Value // nil without linear or taught heads
	distil                                    hdl.Value // nil without heads of logits
	warm, warmSum, divisor                    *hdl.Signal
	label                                     *hdl.Signal
	state, sweep, sample, word, base, lane    *hdl.Signal
	logit, top, diff, fine, coarse, e, sum    *hdl.Signal
	index, rem, quotient, bit                 *hdl.Signal
	lastWord, lastLane, lastSweep, lastSample *hdl.Signal
}

func (u *headUnit) is(s int) hdl.Value { return hdl.Eq(u.state, u.st[s]) }

// head builds ep_head: from logits to errors, e = y - softmax(z).
func (d *Design) head() *hdl.Module {
	sm := d.withKind(true).HeadArith.Softmax
	u := &headUnit{Module: hdl.NewModule("ep_head"), d: d, sm: sm}
	u.Doc("Errors of the logits of a head, sample by sample, class by class:\n\n"+
		"  d = min(round((max z - z) * 2^-%d), %d)     E = FINE[d low] * COARSE[d high]\n"+
		"  p = min(round(E * 2^%d / sum E), %d)        e = y - p\n\n"+
		"Three sweeps over the classes: the largest logit, the sum, the quotients. The tables\n"+
		"hold exp(-x) with %d fractional bits; d is rounded up at ties, p to nearest even.\n"+
		"|p - softmax(z)| is at most %.2g for %d classes. The division is serial: %d cycles.\n"+
		"Busy for %d cycles.",
		sm.Shift, 1<<(2*sm.AddressBits)-1, sm.Format.Frac, sm.Max, sm.TableBits,
		sm.ErrorBound(d.withKind(true).Outputs()), d.withKind(true).Outputs(), sm.Format.Frac+1, d.softCycles(d.withKind(true)))
	u.ports()
	u.registers()
	u.weights()
	u.control()
	u.outputs()
	return u.Module
}

func (u *headUnit) ports() {
	one := hdl.U(1)
	u.Group("Clock and synchronous reset")
	u.Clock("clk_i")
	u.Reset("rst_ni")
	u.Group("Control")
	u.start = u.Input("start_i", one, "pulse")
	u.abort = u.Input("abort_i", one, "forget the job")
	if u.d.withKind(false) != nil {
		u.linear = u.Input("direct_i", one, "e = y - z, rounded; holds while busy")
	}
	u.Group("Label of the sample")
	u.labelWord = u.Input("label_word_i", hdl.U(u.d.fields.addr), "word of the class")
	if u.d.TargetWords > 0 {
		if u.linear != nil {
			u.taught = u.Input("taught_i", one, "y is the target; holds while busy")
		}
		u.lastWordIn = u.Input("last_word_i", hdl.U(addrBits(u.d.headWords())), "words of a sample - 1; holds while busy")
		u.targets = u.Input("targets_i", hdl.U(u.d.P*u.d.targetBits()), "targets of the word read, signed lanes")
	}
	if u.d.distilling() != nil {
		u.distil = u.Input("distil_i", one, "the errors mix those of label and teacher; holds while busy")
	}
	if u.d.P > 1 {
		u.labelLane = u.Input("label_lane_i", hdl.U(u.d.laneBits()), "its lane")
	}
}

func (u *headUnit) registers() {
	d, sm := u.d, u.sm
	out := d.labelMap()
	z := hdl.S(d.LogitBits())
	u.Group("Where the job stands")
	for i, n := range headStates {
		if i == headMix && u.distil == nil {
			continue
		}
		u.st = append(u.st, u.Localparam(n, hdl.U(4), int64(i)))
	}
	u.state = u.Reg("state_q", hdl.U(4))
	u.sweep = u.Reg("sweep_q", hdl.U(2), "0 maximum, 1 sum, 2 quotients")
	u.sample = u.Reg("sample_q", hdl.U(d.fields.sample))
	u.base = u.Reg("base_q", hdl.U(d.logitAddrBits()), "first word of the sample")
	u.word = u.Reg("word_q", hdl.U(addrBits(d.headWords())), "word of the sample")
	u.lane = u.Reg("lane_q", hdl.U(addrBits(d.P)))
	last := (d.withKind(true).Outputs() - 1) % d.P
	if u.targets == nil {
		u.lastWord = u.WireIs("last_word", hdl.EqConst(u.word, int64(out.Blocks-1)))
		u.lastLane = u.WireIs("last_lane", hdl.Any(hdl.EqConst(u.lane, int64(d.P-1)), hdl.All(u.lastWord, hdl.EqConst(u.lane, int64(last)))))
	} else {
		u.lastWord = u.WireIs("last_word", hdl.Eq(u.word, u.lastWordIn))
		end := hdl.All(u.lastWord, hdl.EqConst(u.lane, int64(last)))
		if u.taught != nil {
			end = hdl.All(hdl.Not(hdl.All(u.linear, u.taught)), end) // features: all lanes
		}
		u.lastLane = u.WireIs("last_lane", hdl.Any(hdl.EqConst(u.lane, int64(d.P-1)), end))
	}
	u.lastSweep = u.WireIs("last_sweep", hdl.EqConst(u.sweep, 2))
	u.lastSample = u.WireIs("last_sample", hdl.EqConst(u.sample, int64(d.Cfg.Batch-1)))
	u.Group("Logit of the lane")
	logits := u.Input("logits_i", hdl.U(d.P*z.Width), "signed lanes, captured")
	lane := hdl.Value(logits)
	if d.P > 1 {
		lane = hdl.DynSlice(logits, u.lane, z.Width)
	}
	u.logit = u.WireIs("logit", hdl.AsS(lane))
	u.top = u.Reg("top_q", z, "largest logit")
	u.Group("Weight of the class: exp(-(max z - z))")
	a := 2 * sm.AddressBits
	u.diff = u.Reg("difference_q", hdl.U(z.Width), "max z - z")
	u.index = u.Reg("index_q", hdl.U(a), "d")
	u.fine = u.Reg("fine_q", hdl.U(sm.TableBits+1))
	u.coarse = u.Reg("coarse_q", hdl.U(sm.TableBits+1))
	u.e = u.Reg("weight_q", hdl.U(2*sm.TableBits+1), "E")
	u.sum = u.Reg("sum_q", hdl.U(2*sm.TableBits+1+bits.Len(uint(d.withKind(true).Outputs()-1))), "sum E")
	if u.distil != nil {
		u.warm = u.Reg("warm_q", hdl.U(1), "at the temperature of the teacher")
		u.warmSum = u.Reg("warm_sum_q", u.sum.Type(), "sum E at this temperature")
	}
	u.Group("Quotient")
	u.rem = u.Reg("remainder_q", u.sum.Type())
	u.quotient = u.Reg("quotient_q", hdl.U(sm.Format.Frac+1))
	u.bit = u.Reg("bit_q", hdl.U(widest(sm.Format.Frac)), "bits of the quotient to come - 1")
}

// weights builds the pipeline from a logit to its weight, one register a state.
func (u *headUnit) weights() {
	sm := u.sm
	a := 2 * sm.AddressBits
	u.Group("Index and tables")
	limit := int64(1)<<a - 1
	indexOf := func(name string, shift int) hdl.Value {
		rounded := roundUp(&u.Scope, name, u.diff, shift)
		if rw := rounded.Type().Width; rw > a {
			over := u.WireIs(name+"_beyond", hdl.Gt(rounded, hdl.Const(rounded.Type(), limit)))
			return hdl.Mux(over, hdl.Const(hdl.U(a), limit), hdl.Trunc(rounded, a))
		}
		return hdl.Ext(rounded, a)
	}
	index := indexOf("difference", sm.Shift)
	table := func(name string, at hdl.Value, entries []uint32) hdl.Value {
		rec := record{{"e", sm.TableBits + 1, ""}}
		var rows []hdl.ROMRow
		for _, e := range entries {
			rows = append(rows, rec.row("", int(e)))
		}
		return u.ROM(name, at, hdl.U(sm.TableBits+1), rows)
	}
	fine := table("fine_rom", u.WireIs("fine_index", hdl.Slice(u.index, sm.AddressBits-1, 0)), sm.Fine)
	coarse := table("coarse_rom", u.WireIs("coarse_index", hdl.Slice(u.index, a-1, sm.AddressBits)), sm.Coarse)
	if u.distil != nil {
		t := u.d.distilling().HeadArith.Warm
		index = hdl.Mux(u.warm, indexOf("warm_difference", t.Shift), index)
		if !slices.Equal(t.Fine, sm.Fine) || !slices.Equal(t.Coarse, sm.Coarse) { // a temperature that is no power of two
			fine = hdl.Mux(u.warm, table("warm_fine_rom", u.WireIs("warm_fine_index", hdl.Slice(u.index, sm.AddressBits-1, 0)), t.Fine), fine)
			coarse = hdl.Mux(u.warm, table("warm_coarse_rom", u.WireIs("warm_coarse_index", hdl.Slice(u.index, a-1, sm.AddressBits)), t.Coarse), coarse)
		}
	}
	u.Always(func(b *hdl.Block) {
		b.Set(u.diff, hdl.AsU(hdl.SubMod(u.top, u.logit)))
		b.Set(u.index, index)
		b.Set(u.fine, fine)
		b.Set(u.coarse, coarse)
		b.Set(u.e, fit(hdl.Mul(u.fine, u.coarse), u.e.Type().Width))
	})
}

// control builds the states.
func (u *headUnit) control() {
	sw := u.sum.Type().Width
	u.divisor = u.sum
	if u.distil != nil {
		u.divisor = u.WireIs("divisor", hdl.Mux(u.warm, u.warmSum, u.sum))
	}
	u.Group("States: each class passes LANE to PRODUCT; then it is added or divided")
	trial := u.WireIs("trial", hdl.Ext(u.rem, sw+1), "remainder before the bit")
	double := u.WireIs("trial_next", hdl.Cat(hdl.Slice(u.rem, sw-1, 0), bit(false)))
	first := u.WireIs("first_bit", hdl.EqConst(u.bit, int64(u.sm.Format.Frac)))
	use := u.WireIs("dividend", hdl.Mux(first, trial, double))
	ge := u.WireIs("subtract", hdl.Ge(use, hdl.Ext(u.divisor, sw+1)))
	to := func(b *hdl.Block, s int) { b.Set(u.state, u.st[s]) }
	clearJob := func(b *hdl.Block) {
		if u.distil != nil {
			b.Set(u.warm, bit(false))
		}
		for _, r := range []*hdl.Signal{u.sweep, u.sample, u.base, u.word, u.lane} {
			b.Set(r, zeroOf(r))
		}
	}
	// advance goes to the next class, or to what follows the last of a word.
	advance := func(b *hdl.Block, wordDone func(b *hdl.Block)) {
		b.If(u.lastLane, func(b *hdl.Block) {
			b.Set(u.lane, zeroOf(u.lane))
			wordDone(b)
		}).Else(func(b *hdl.Block) {
			b.Set(u.lane, inc(u.lane))
			to(b, headLane)
		})
	}
	nextWord := func(b *hdl.Block) {
		to(b, headRead)
		b.If(u.lastWord, func(b *hdl.Block) {
			b.Set(u.word, zeroOf(u.word))
			b.Set(u.sweep, inc(u.sweep))
		}).Else(func(b *hdl.Block) { b.Set(u.word, inc(u.word)) })
	}
	u.AlwaysReset(func(b *hdl.Block) {
		to(b, headIdle)
		clearJob(b)
	}, func(b *hdl.Block) {
		b.Case(u.state, func(c *hdl.Case) {
			c.When(func(b *hdl.Block) {
				b.If(u.start, func(b *hdl.Block) {
					to(b, headRead)
					clearJob(b)
					u.firstSweep(b)
				})
			}, u.st[headIdle])
			for _, s := range []int{headRead, headCapture} {
				c.When(func(b *hdl.Block) { to(b, s+1) }, u.st[s])
			}
			c.When(func(b *hdl.Block) {
				chain := b.If(hdl.EqConst(u.sweep, 0), func(b *hdl.Block) { advance(b, nextWord) })
				if u.linear != nil {
					chain = chain.ElseIf(u.linear, func(b *hdl.Block) { to(b, headError) })
				}
				chain.Else(func(b *hdl.Block) { to(b, headIndex) })
			}, u.st[headLane])
			for _, s := range []int{headIndex, headTable} {
				c.When(func(b *hdl.Block) { to(b, s+1) }, u.st[s])
			}
			c.When(func(b *hdl.Block) {
				b.If(u.lastSweep, func(b *hdl.Block) { to(b, headDivide) }).Else(func(b *hdl.Block) { to(b, headSum) })
			}, u.st[headProduct])
			// again takes a class of a head of logits through once more, warm.
			again := func(b *hdl.Block, then func(b *hdl.Block)) {
				if u.distil == nil {
					then(b)
					return
				}
				b.If(hdl.All(u.distil, hdl.Not(u.warm)), func(b *hdl.Block) {
					b.Set(u.warm, bit(true))
					to(b, headLane)
				}).Else(func(b *hdl.Block) {
					b.Set(u.warm, bit(false))
					then(b)
				})
			}
			c.When(func(b *hdl.Block) { again(b, func(b *hdl.Block) { advance(b, nextWord) }) }, u.st[headSum])
			c.When(func(b *hdl.Block) {
				b.If(hdl.EqConst(u.bit, 0), func(b *hdl.Block) {
					to(b, headError)
					if u.distil != nil {
						b.If(u.warm, func(b *hdl.Block) { to(b, headMix) })
					}
				})
			}, u.st[headDivide])
			if u.distil != nil {
				c.When(func(b *hdl.Block) { to(b, headError) }, u.st[headMix])
			}
			c.When(func(b *hdl.Block) {
				again(b, func(b *hdl.Block) { advance(b, func(b *hdl.Block) { to(b, headWrite) }) })
			}, u.st[headError])
			c.Default(func(b *hdl.Block) { // WRITE
				to(b, headRead)
				b.If(hdl.Not(u.lastWord), func(b *hdl.Block) { b.Set(u.word, inc(u.word)) }).
					Else(func(b *hdl.Block) {
						b.Set(u.word, zeroOf(u.word))
						b.Set(u.sweep, zeroOf(u.sweep))
						u.firstSweep(b)
						b.If(u.lastSample, func(b *hdl.Block) { to(b, headIdle) }).Else(func(b *hdl.Block) {
							w := u.base.Type()
							words := hdl.Value(hdl.Const(w, int64(u.d.Heads[0].Out.SampleWords)&(1<<w.Width-1)))
							if u.targets != nil {
								words = inc(fit(u.lastWordIn, w.Width))
							}
							b.Set(u.base, hdl.AddMod(u.base, words))
							b.Set(u.sample, inc(u.sample))
						})
					})
			})
		})
		b.If(u.abort, func(b *hdl.Block) { to(b, headIdle) })
	})
	u.Group("Largest logit, sum, serial division")
	firstClass := u.WireIs("first_class", hdl.All(hdl.EqConst(u.word, 0), hdl.EqConst(u.lane, 0)))
	u.Always(func(b *hdl.Block) {
		b.If(hdl.All(u.is(headLane), hdl.EqConst(u.sweep, 0), hdl.Any(firstClass, hdl.Gt(u.logit, u.top))),
			func(b *hdl.Block) { b.Set(u.top, u.logit) })
		clears, adds := hdl.All(u.is(headLane), hdl.EqConst(u.sweep, 1), firstClass), hdl.Value(u.is(headSum))
		if u.distil != nil {
			clears, adds = hdl.All(clears, hdl.Not(u.warm)), hdl.All(adds, hdl.Not(u.warm))
			b.If(clears, func(b *hdl.Block) { b.Set(u.warmSum, zeroOf(u.sum)) }).
				ElseIf(hdl.All(u.is(headSum), u.warm), func(b *hdl.Block) { b.Set(u.warmSum, hdl.AddMod(u.warmSum, fit(u.e, sw))) })
		}
		b.If(clears, func(b *hdl.Block) { b.Set(u.sum, zeroOf(u.sum)) }).
			ElseIf(adds, func(b *hdl.Block) { b.Set(u.sum, hdl.AddMod(u.sum, fit(u.e, sw))) })
		b.If(u.is(headDivide), func(b *hdl.Block) {
			b.Set(u.rem, hdl.Trunc(hdl.Mux(ge, hdl.SubMod(use, hdl.Ext(u.divisor, sw+1)), use), sw))
			b.Set(u.quotient, hdl.Trunc(hdl.Cat(u.quotient, ge), u.quotient.Type().Width))
			b.Set(u.bit, hdl.SubMod(u.bit, hdl.Const(u.bit.Type(), 1)))
		}).ElseIf(u.is(headProduct), func(b *hdl.Block) {
			b.Set(u.rem, fit(hdl.Mul(u.fine, u.coarse), sw))
			b.Set(u.bit, hdl.Const(u.bit.Type(), int64(u.sm.Format.Frac)))
		})
	})
}

// firstSweep is the last one for a linear head.
func (u *headUnit) firstSweep(b *hdl.Block) {
	if u.linear != nil {
		b.If(u.linear, func(b *hdl.Block) { b.Set(u.sweep, hdl.Const(u.sweep.Type(), 2)) })
	}
}

// difference builds e = clamp(round((y << sh) - z)) of a linear head, in ERROR.
func (u *headUnit) difference() hdl.Value {
	a := u.d.withKind(false).HeadArith
	u.Group("Error of a linear head: clamp(round((y << " + itoa(a.TargetShift) + ") - z))")
	y := a.Target << a.TargetShift
	w := max(u.logit.Type().Width, widest(int(y))+1) + 1
	target := hdl.Value(u.Localparam("TARGET", hdl.S(w), y, "y of the labelled class"))
	target = hdl.Mux(u.label, target, zeroOf(target))
	if u.taught != nil {
		tb := u.d.targetBits()
		w = max(w, tb+a.TargetShift+1)
		lane := u.targets
		if u.d.P > 1 {
			lane = hdl.DynSlice(u.targets, u.lane, tb)
		}
		given := u.WireIs("given", hdl.Ext(hdl.Shl(hdl.AsS(lane), a.TargetShift), w))
		target = hdl.Mux(u.taught, given, hdl.Ext(target, w))
	}
	q := u.Reg("linear_q", hdl.S(w), "y - z")
	u.Always(func(b *hdl.Block) {
		b.Set(q, hdl.SubMod(target, hdl.Ext(u.logit, w)))
	})
	rounded := roundShift(&u.Scope, "linear", q, a.Error.Shift, a.Error.Mode)
	bound := hdl.S(max(rounded.Type().Width, u.d.LaneBits))
	lo, hi := u.Localparam("ERROR_MIN", bound, a.Error.Lo), u.Localparam("ERROR_MAX", bound, a.Error.Hi)
	return clamp(rounded, lo, hi, hdl.S(u.d.LaneBits))
}

// mixture builds the error of a head of logits, whose cold quotient is kept in ERROR and
// whose warm one meets it in MIX.
func (u *headUnit) mixture(p *hdl.Signal, one int64) hdl.Value {
	a := u.d.distilling().HeadArith
	u.Group("Error of a head of logits: clamp(round(own * (y - p) + taught * (t - p at T)))")
	pw, tb := p.Type().Width, u.d.targetBits()
	cold := u.Reg("cold_q", p.Type(), "p at temperature 1")
	u.Always(func(b *hdl.Block) {
		b.If(hdl.All(u.is(headError), hdl.Not(u.warm)), func(b *hdl.Block) { b.Set(cold, p) })
	})
	wide := func(v hdl.Value) hdl.Value { return hdl.AsS(hdl.Ext(v, pw+2)) }
	y := hdl.Mux(u.label, hdl.Const(hdl.S(pw+2), one), hdl.Const(hdl.S(pw+2), 0))
	own := u.WireIs("own_error", hdl.SubMod(y, wide(cold)))
	lane := u.targets
	if u.d.P > 1 {
		lane = hdl.DynSlice(u.targets, u.lane, tb)
	}
	w := max(tb+a.TeachShift, pw+2+a.WarmShift) + 1
	taught := u.WireIs("taught_error", hdl.SubMod(fit(hdl.Shl(hdl.AsS(lane), a.TeachShift), w), fit(hdl.Shl(wide(p), a.WarmShift), w)))
	constant := func(name string, v int64, doc string) hdl.Value {
		return u.Localparam(name, hdl.S(widest(int(v))+1), v, doc)
	}
	x := hdl.Shl(hdl.Mul(constant("OWN", a.Own, "1 - mix"), own), a.WarmShift)
	z := hdl.Mul(constant("TAUGHT", a.Taught, "mix * temperature"), taught)
	mw := max(x.Type().Width, z.Type().Width) + 1
	mix := u.Reg("mix_q", hdl.S(mw))
	u.Always(func(b *hdl.Block) {
		b.If(u.is(headMix), func(b *hdl.Block) { b.Set(mix, hdl.AddMod(hdl.Ext(x, mw), hdl.Ext(z, mw))) })
	})
	rounded := roundShift(&u.Scope, "mix", mix, a.Error.Shift, a.Error.Mode)
	bound := hdl.S(max(rounded.Type().Width, u.d.LaneBits))
	lo, hi := u.Localparam("MIX_MIN", bound, a.Error.Lo), u.Localparam("MIX_MAX", bound, a.Error.Hi)
	return clamp(rounded, lo, hi, hdl.S(u.d.LaneBits))
}

// outputs builds the error of the class and the ports to accumulators and states.
func (u *headUnit) outputs() {
	d, sm := u.d, u.sm
	one := hdl.U(1)
	sw := u.sum.Type().Width
	u.Group("Error of the class")
	twice := u.WireIs("twice", hdl.Cat(u.rem, bit(false)))
	whole := u.WireIs("whole", hdl.Ext(u.divisor, sw+1))
	up := u.WireIs("round_up", hdl.Any(hdl.Gt(twice, whole), hdl.All(hdl.Eq(twice, whole), hdl.Bit(u.quotient, 0))), "nearest-even")
	qw := u.quotient.Type().Width + 1
	rounded := u.WireIs("rounded", hdl.AddMod(hdl.Ext(u.quotient, qw), hdl.Ext(up, qw)))
	lw := d.LaneBits
	ew := max(lw, qw+1)
	pw := widest(int(sm.Max))
	top := u.Localparam("P_MAX", hdl.U(pw), sm.Max, ftoa(sm.Format.ToFloat(sm.Max))+", also y of the labelled class")
	p := u.WireIs("probability", hdl.Mux(hdl.Gt(rounded, hdl.Ext(top, qw)), top, hdl.Trunc(rounded, pw)))
	at := u.WireIs("word_address", hdl.AddMod(u.base, fit(u.word, u.base.Type().Width)))
	hit := hdl.Eq(hdl.Ext(at, d.fields.addr), u.labelWord)
	if u.labelLane != nil {
		hit = hdl.All(hit, hdl.Eq(u.lane, u.labelLane))
	}
	label := u.WireIs("labelled", hit)
	y := hdl.Mux(label, hdl.Ext(top, ew), hdl.Const(hdl.U(ew), 0))
	value := hdl.Value(hdl.Trunc(hdl.SubMod(y, hdl.Ext(p, ew)), lw))
	if u.linear != nil {
		u.label = label
		value = hdl.Mux(u.linear, hdl.AsU(u.difference()), value)
	}
	if u.distil != nil {
		u.label = label
		value = hdl.Mux(u.distil, hdl.AsU(u.mixture(p, sm.Max)), value)
	}
	e := u.WireIs("error", value, "e = y - p")
	word := u.Reg("errors_q", hdl.U(d.P*lw), "errors of the word; lanes without a class stay 0")
	u.Always(func(b *hdl.Block) {
		b.If(u.is(headRead), func(b *hdl.Block) { b.Set(word, zeroOf(word)) })
		for r := range d.P {
			this := hdl.Value(u.is(headError))
			if u.distil != nil {
				this = hdl.All(this, hdl.Any(hdl.Not(u.distil), u.warm))
			}
			if d.P > 1 {
				this = hdl.All(this, hdl.EqConst(u.lane, int64(r)))
			}
			b.If(this, func(b *hdl.Block) { b.Set(hdl.Slice(word, (r+1)*lw-1, r*lw), e) })
		}
	})
	u.Group("Ports")
	u.Assign(u.Output("sample_o", u.sample.Type()), u.sample)
	u.Assign(u.Output("read_o", one, "read the logits of a word, and the label"), u.is(headRead))
	u.Assign(u.Output("capture_o", one, "one cycle later"), u.is(headCapture))
	u.Assign(u.Output("word_o", at.Type(), "word read or written"), at)
	u.Assign(u.Output("write_o", one, "errors of a word"), u.is(headWrite))
	u.Assign(u.Output("errors_o", word.Type(), "signed lanes"), word)
	u.Assign(u.Output("done_o", one, "the last word is being written"),
		hdl.All(u.is(headWrite), u.lastWord, u.lastSample))
}
