package gen

import (
	"math/bits"
	"slices"

	"epgen/fixedpoint"
	"epgen/hdl"
)

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
	sm *fixedpoint.Softmax // nil if no head has one

	st                                        []hdl.Value
	start, abort, labelLane, labelWord        hdl.Value
	linear                                    hdl.Value // nil unless some heads are linear and others not
	lastWordIn, targets                       hdl.Value // nil without heads that are taught
	taught                                    hdl.Value // nil unless targets are for some heads only
	distil                                    hdl.Value // nil without heads of logits
	warm, warmSum, divisor                    *hdl.Signal
	label                                     *hdl.Signal
	state, sweep, sample, word, base, lane    *hdl.Signal
	logit, top, diff, fine, coarse, e, sum    *hdl.Signal
	product                                   *hdl.Signal // of the entries of the tables
	index, rem, quotient, bit                 *hdl.Signal
	most                                      hdl.Value // P_MAX
	lastWord, lastLane, lastSweep, lastSample *hdl.Signal
}

func (u *headUnit) is(s int) hdl.Value { return hdl.Eq(u.state, u.st[s]) }

// head builds ep_head: from logits to errors, e = y - softmax(z).
func (d *Design) head() *hdl.Module {
	u := &headUnit{Module: hdl.NewModule("ep_head"), d: d}
	if soft := d.withKind(true); soft != nil {
		u.sm = soft.HeadArith.Softmax
	} else {
		u.direct()
		return u.Module
	}
	sm := u.sm
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

// direct builds ep_head where no head has a softmax.
func (u *headUnit) direct() {
	a := u.d.withKind(false).HeadArith
	u.Doc("Errors of the logits of a head, sample by sample, output by output:\n\n"+
		"  e = clamp(round((y * 2^%d - z) * 2^-%d)),  y the target: of a teacher, or 1 for the labelled class\n\n"+
		"Two cycles for each output, three for each word.", a.TargetShift, a.Error.Shift)
	u.ports()
	u.registers()
	u.directControl()
	u.outputs()
}

func (u *headUnit) ports() {
	one := hdl.U(1)
	u.Group("Clock and synchronous reset")
	u.Clock("clk_i")
	u.Reset("rst_ni")
	u.Group("Control")
	u.start = u.Input("start_i", one, "pulse")
	u.abort = u.Input("abort_i", one, "forget the job")
	if u.d.mixedHeads() {
		u.linear = u.Input("direct_i", one, "e = y - z, rounded; holds while busy")
	}
	if u.d.labelledHeads() {
		u.Group("Label of the sample")
		u.labelWord = u.Input("label_word_i", hdl.U(u.d.fields.addr), "word of the class")
	}
	if u.d.TargetWords > 0 {
		if u.d.someTargets() {
			u.taught = u.Input("taught_i", one, "y is the target; holds while busy")
		}
		u.lastWordIn = u.Input("last_word_i", hdl.U(addrBits(u.d.headWords())), "words of a sample - 1; holds while busy")
		u.targets = u.Input("targets_i", hdl.U(u.d.P*u.d.targetBits()), "targets of the word read, signed lanes")
	}
	if u.d.distilling() != nil {
		u.distil = u.Input("distil_i", one, "the errors mix those of label and teacher; holds while busy")
	}
	if u.d.P > 1 && u.d.labelledHeads() {
		u.labelLane = u.Input("label_lane_i", hdl.U(u.d.laneBits()), "its lane")
	}
}

func (u *headUnit) registers() {
	d := u.d
	out := d.labelMap()
	z := hdl.S(d.LogitBits())
	u.Group("Where the job stands")
	for i, n := range headStates {
		softmax := i > headLane && i < headError
		if i == headMix && u.distil == nil || softmax && u.sm == nil {
			u.st = append(u.st, nil)
			continue
		}
		u.st = append(u.st, u.Localparam(n, hdl.U(4), int64(i)))
	}
	u.state = u.Reg("state_q", hdl.U(4))
	if u.sm != nil {
		u.sweep = u.Reg("sweep_q", hdl.U(2), "0 maximum, 1 sum, 2 quotients")
	}
	u.sample = u.Reg("sample_q", hdl.U(d.fields.sample))
	u.base = u.Reg("base_q", hdl.U(d.logitAddrBits()), "first word of the sample")
	u.word = u.Reg("word_q", hdl.U(addrBits(d.headWords())), "word of the sample")
	u.lane = u.Reg("lane_q", hdl.U(addrBits(d.P)))
	if u.targets == nil {
		u.lastWord = u.WireIs("last_word", hdl.EqConst(u.word, int64(out.Blocks-1)))
	} else {
		u.lastWord = u.WireIs("last_word", hdl.Eq(u.word, u.lastWordIn))
	}
	lastLane := hdl.EqConst(u.lane, int64(d.P-1))
	if d.labelledHeads() && out.Shape.Len()%d.P > 0 { // classes end within a word
		end := hdl.All(u.lastWord, hdl.EqConst(u.lane, int64((out.Shape.Len()-1)%d.P)))
		if u.taught != nil { // features: all lanes
			features := u.taught
			if u.linear != nil {
				features = hdl.All(u.linear, u.taught)
			}
			end = hdl.All(hdl.Not(features), end)
		}
		lastLane = hdl.Any(lastLane, end)
	}
	u.lastLane = u.WireIs("last_lane", lastLane)
	if u.sm != nil {
		u.lastSweep = u.WireIs("last_sweep", hdl.EqConst(u.sweep, 2))
	}
	u.lastSample = u.WireIs("last_sample", hdl.EqConst(u.sample, int64(d.Cfg.Batch-1)))
	u.Group("Logit of the lane")
	logits := u.Input("logits_i", hdl.U(d.P*z.Width), "signed lanes, captured")
	lane := hdl.Value(logits)
	if d.P > 1 {
		lane = hdl.DynSlice(logits, u.lane, z.Width)
	}
	u.logit = u.WireIs("logit", hdl.AsS(lane))
	if u.sm != nil {
		u.softmaxRegisters(z)
	}
}

// softmaxRegisters are those of the weights of the classes and of their quotients.
func (u *headUnit) softmaxRegisters(z hdl.Type) {
	d, sm := u.d, u.sm
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
			over := hdl.Gt(rounded, hdl.Const(rounded.Type(), limit))
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
	u.product = u.WireIs("product", fit(hdl.Mul(u.fine, u.coarse), u.sum.Type().Width), "a power of two, by its fine and its coarse part")
	u.Always(func(b *hdl.Block) {
		b.Set(u.diff, hdl.AsU(hdl.SubMod(u.top, u.logit)))
		b.Set(u.index, index)
		b.Set(u.fine, fine)
		b.Set(u.coarse, coarse)
		b.Set(u.e, fit(u.product, u.e.Type().Width))
	})
}
