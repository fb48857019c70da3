package gen

import (
	"fmt"
	"slices"
	"strings"

	"epgen/fixedpoint"
	"epgen/hdl"
)

// shifts are the per-layer alignment constants, as choices that hardware
// selects among.
type shifts struct {
	up, down, bias, act choices
	rate                choices // of weights and biases

	headCode, headShift, pool choices // of heads
}

func (d *Design) deriveShifts() {
	var up, down, bias, act, rate []int
	for _, l := range d.slabs() {
		a := l.Arith
		up, act = append(up, a.UpShift), append(act, a.Act.Shift)
		updates := []fixedpoint.Update{a.WeightUpdate}
		if !l.NoBias {
			bias, updates = append(bias, a.BiasShift), append(updates, a.BiasUpdate)
		}
		for _, u := range updates {
			if u.Mantissa != 0 { // any shift serves rate 0, and where nothing learns
				rate = append(rate, u.Shift)
			}
		}
		switch {
		case l.Head != nil:
			down = append(down, 0)
			act = act[:len(act)-1]
		case l.N < d.relaxing():
			down = append(down, a.DownShift)
		}
	}
	if down == nil {
		down = []int{0}
	}
	if bias == nil {
		bias = []int{0}
	}
	if rate == nil {
		rate = []int{0}
	}
	d.shifts = shifts{up: choose(up...), down: choose(down...), bias: choose(bias...), act: choose(act...), rate: choose(rate...)}
	if d.differs() {
		d.deriveMoves()
	}
	d.deriveHeadShifts()
}

// lane builds ep_lane: what follows the sum of one row - alignment, bias, max
// pooling, the accumulators of its neurons, error, activation.
func (d *Design) lane() *hdl.Module {
	l := &lane{Module: hdl.NewModule("ep_lane"), d: d}
	top := itoa(int(d.Layers[0].Arith.Act.Hi))
	if d.tops().bits() > 0 {
		top = "STATE_MAX of the layer"
	}
	nudge, moves := "", ""
	if d.nudgesOutput() {
		nudge = " -+ beta*(s - y)"
	}
	if d.differs() {
		nudge = ""
		moves = "  move  state = sigma(p* + round(u * 2^-k)) - sigma(p*), saturated,  u = acc -+ beta*(sigma(p*) + d - y)\n" +
			"        in nudged phases, of a difference d from the free state; p* = u of the last free act\n"
	}
	k := "k"
	if len(d.shifts.act.values) == 1 {
		k = itoa(d.shifts.act.values[0])
	}
	l.Doc("Neurons of one lane: everything behind the adder tree of a row.\n\n"+
		"  up    acc = "+d.poolDoc()+" over the pool window of "+d.shifts.up.shifted("sum", "up_shift")+d.biasDoc()+"\n"+
		"  down  acc = acc + "+d.shifts.down.shifted("sum", "down_shift")+"\n"+
		"  act   state = clamp(round(u * 2^-"+k+"), 0, "+top+"),  u = acc"+nudge+"\n"+d.signedActDoc()+moves+d.headLaneDoc()+"\n"+
		"Accumulators are %d bits signed and exact; the activation is the only rounding (%v).\n"+
		"Ties of the pool go to the first position in raster order.\n"+
		"Latency: sum to accumulator 3 cycles, accumulator to state %d cycles.",
		d.AccBits, d.Layers[0].Arith.Act.Mode, d.actStage()-1)
	l.ports()
	l.accumulate()
	l.activate()
	return l.Module
}

type lane struct {
	*hdl.Module
	d *Design

	up, down                              hdl.Value
	upSel, downSel, biasSel, actSel       hdl.Value
	topSel                                hdl.Value // nil where all layers are alike
	freeIndex                             hdl.Value // nil: the index is always free
	nudge, nudgeMinus, zero, beta, linear hdl.Value
	sumValid, sum, bias                   hdl.Value
	pos, windowed, index                  hdl.Value
	mean                                  hdl.Value // nil without average pools
	accRE, accRAddr, accWE, accWAddr      hdl.Value
	heads                                 laneHeads
	accClear                              hdl.Value // nil in square arrays
	actValid                              hdl.Value // nil without a monitor
	state, target                         hdl.Value
	rdata                                 *hdl.Signal
	top                                   hdl.Value // code at which a state of the layer saturates

	differences  laneDifferences
	referenceNew *hdl.Signal
	accRead      hdl.Value
}

func (l *lane) ports() {
	d, one := l.d, hdl.U(1)
	addr := hdl.U(addrBits(d.AccWords))
	l.Group("Clock")
	l.Clock("clk_i")
	l.Group("Mode, constant while operations are in flight")
	l.up = l.Input("up_i", one)
	l.down = l.Input("down_i", one)
	if d.selectsIndex() {
		l.freeIndex = l.Input("free_index_i", one, "pool by comparison; else by the stored index")
	}
	l.upSel = selector(l.Module, "up_shift_i", d.shifts.up)
	if d.someBiases() {
		l.biasSel = selector(l.Module, "bias_shift_i", d.shifts.bias)
	}
	l.downSel = selector(l.Module, "down_shift_i", d.shifts.down)
	if w := d.shifts.act.bits(); w > 0 {
		l.actSel = l.Input("act_shift_i", hdl.U(w), d.shifts.act.doc("k"))
	}
	if w := d.tops().bits(); w > 0 {
		l.topSel = l.Input("top_i", hdl.U(w), "choice of the largest state")
	}
	if d.nudgesOutput() {
		l.nudge = l.Input("nudge_i", one, "add the error of the output layer")
	}
	if d.bothSigns() {
		l.nudgeMinus = l.Input("nudge_minus_i", one, "phase -beta")
	}
	if w := d.strengthBits(); w > 0 {
		l.beta = l.Input("strength_i", hdl.U(w), "which beta")
	}
	if d.signedLast() {
		l.linear = l.Input("unclamped_i", one, d.unclampedDoc())
	}
	if d.dampsConstant() {
		l.zero = l.Input("zero_i", one, "old states count as zero")
	}
	l.Group("Sum of the row")
	l.sumValid = l.Input("sum_valid_i", one)
	l.sum = l.Input("sum_i", hdl.S(d.SumBits))
	if d.someBiases() {
		l.bias = l.Input("bias_i", hdl.S(d.BiasBits), d.biasText())
	}
	l.Group("Pool window, one cycle after the sum")
	l.windowed = l.Input("window_i", one, "the layer is pooled")
	l.pos = l.Input("pos_i", hdl.U(2), "{dy, dx}")
	if l.freeIndex != nil {
		l.index = l.Input("index_i", hdl.U(2), "stored argmax")
	}
	if d.averages() {
		l.mean = l.Input("mean_i", one, "the window is summed")
	}
	l.Group("Accumulators: read with the sum (act: on its own), written two cycles later")
	l.accRE = l.Input("acc_re_i", one)
	l.accRAddr = l.Input("acc_raddr_i", addr)
	l.accWE = l.Input("acc_we_i", one)
	l.accWAddr = l.Input("acc_waddr_i", addr)
	if d.parts() > 1 {
		l.accClear = l.Input("acc_clear_i", one, "write zero")
	}
	l.Group("Activation, one cycle after the read")
	if d.monitored() {
		l.actValid = l.Input("act_valid_i", one, "the state counts")
	}
	if d.readsState() {
		l.state = l.Input("state_i", hdl.S(d.LaneBits), "s of the output layer")
	}
	if d.nudgesOutput() {
		l.target = l.Input("target_i", one, "the label names this neuron")
	}
	if d.hasHeads() {
		l.headPorts()
	}
	if d.differs() {
		l.differencePorts()
	}
}

// readsState reports whether an activation needs the old state.
func (d *Design) readsState() bool { return d.nudgesOutput() || d.Cfg.Damping > 0 || d.monitored() }

// nudgesOutput reports whether the output layer is nudged by its own error.
func (p *Plan) nudgesOutput() bool { return p.Cfg.Network.Readout() == nil && p.learns() }

// selector adds the input that chooses a shift, or returns nil if there is no
// choice.
func selector(m *hdl.Module, name string, c choices) hdl.Value {
	if c.bits() == 0 {
		return nil
	}
	return m.Input(name, hdl.U(c.bits()), shiftDoc(c))
}

func shiftDoc(c choices) string { return c.doc("left shift") }

// doc lists what a selector chooses, by its values.
func (c choices) doc(what string) string {
	var list []string
	for i, v := range c.values {
		list = append(list, fmt.Sprintf("%d: %d", i, v))
	}
	return what + ", " + strings.Join(list, ", ")
}

// shifted is the text of a value shifted left by a choice: by its name, or by the only one.
func (c choices) shifted(value, name string) string {
	switch {
	case len(c.values) > 1:
		return "(" + value + " << " + name + ")"
	case c.values[0] == 0:
		return value
	}
	return fmt.Sprintf("(%s << %d)", value, c.values[0])
}

// accumulate builds up and down: from the row's sum to the accumulators.
func (l *lane) accumulate() {
	d := l.d
	t := hdl.S(d.AccBits)
	l.Group("Alignment and bias")
	aligned := l.Reg("aligned_q", t)
	alignedValid := l.Reg("aligned_valid_q", hdl.U(1))
	l.Always(func(b *hdl.Block) {
		b.Set(alignedValid, l.sumValid)
		b.If(l.down, func(b *hdl.Block) {
			b.Set(aligned, d.shifts.down.shiftLeft(l.sum, l.downSel, d.AccBits))
		}).Else(func(b *hdl.Block) {
			drive := d.shifts.up.shiftLeft(l.sum, l.upSel, d.AccBits)
			if l.bias != nil {
				drive = hdl.AddMod(drive, d.shifts.bias.shiftLeft(l.bias, l.biasSel, d.AccBits))
			}
			b.Set(aligned, drive)
		})
	})

	l.Group("Accumulators of the neurons")
	mem := l.Memory("acc_mem", t, d.AccWords)
	l.rdata = l.Reg("acc_rdata_q", t)
	result := l.Reg("result_q", t, "up: winner of the window; down: new accumulator")
	argmax := l.OutputReg("argmax_o", hdl.U(2), "{dy, dx} of the winner, with acc_we_i")
	l.Always(func(b *hdl.Block) {
		b.If(l.accWE, func(b *hdl.Block) { b.Set(mem.At(l.accWAddr), l.written(result)) })
		b.If(l.accRE, func(b *hdl.Block) { b.Set(l.rdata, mem.At(l.accRAddr)) })
	})

	if d.differs() {
		l.referenceMemory()
	}

	l.Group(d.poolGroup())
	first := l.WireIs("first", hdl.Any(hdl.Not(l.windowed), hdl.EqConst(l.pos, 0)))
	larger := hdl.Any(first, hdl.Gt(aligned, result))
	if l.freeIndex != nil {
		larger = hdl.Mux(hdl.Any(l.freeIndex, hdl.Not(l.windowed)), larger, hdl.Eq(l.pos, l.index))
	}
	wins := l.WireIs("wins", larger)
	sums, addend := l.down, l.read()
	if d.hasHeads() {
		addend = l.backMemory(result)
	}
	if l.mean != nil {
		sums = l.WireIs("sums", hdl.Any(l.down, hdl.All(l.mean, hdl.Not(first))))
		addend = l.WireIs("addend", hdl.Mux(l.down, addend, result))
		wins = l.WireIs("starts", hdl.Any(wins, l.mean), "the window, or with its winner so far")
	}
	l.Always(func(b *hdl.Block) {
		b.If(alignedValid, func(b *hdl.Block) {
			b.If(sums, func(b *hdl.Block) {
				b.Set(result, hdl.AddMod(aligned, addend))
			}).ElseIf(hdl.All(l.up, wins), func(b *hdl.Block) {
				b.Set(result, aligned)
				b.Set(argmax, l.pos)
			})
		})
	})
}

// written is what an accumulator receives.
func (l *lane) written(result *hdl.Signal) hdl.Value {
	if l.accClear == nil {
		return result
	}
	return hdl.Mux(l.accClear, zeroOf(result), result)
}

// stage is a register of the activation, which runs all the time: only what is
// written counts.
func (l *lane) stage(name string, v hdl.Value, doc ...string) *hdl.Signal {
	q := l.Reg(name, v.Type(), doc...)
	l.Always(func(b *hdl.Block) { b.Set(q, v) })
	return q
}

// nudgeStages is what a nudge adds to the pipeline of an activation: the error, the force, the
// sum.
const nudgeStages = 3

// activate builds act: the pipeline stages from accumulator to state.
func (l *lane) activate() {
	d := l.d
	if !d.learns() { // nothing is added to the accumulator
		l.Group("Rounding, hard sigmoid")
		l.round(l.rdata)
		return
	}
	if d.nudgesOutput() {
		l.Group("Error of the output layer: beta * (s - y)")
	} else {
		l.Group("Accumulator on its way")
	}
	var force *hdl.Signal
	var acc2 *hdl.Signal
	if d.nudgesOutput() {
		force, acc2 = l.outputForce()
	} else {
		acc2 = l.stage("act_acc_q2", l.stage("act_acc_q", l.read()))
	}
	var nudge hdl.Value
	if d.hasHeads() {
		nudge = l.headForce()
	}

	l.Group("Pre-activation, rounding, hard sigmoid")
	var aligned hdl.Value
	if force != nil {
		out := d.Layers[len(d.Layers)-1].Arith
		shift := out.NudgeShift
		if out.Difference != nil {
			shift = out.Difference.NudgeShift
		}
		aligned = l.WireIs("force_aligned", fit(hdl.Shl(force, shift), d.AccBits))
	}
	nudged := l.nudgedAcc(acc2)
	u := l.Reg("u_q", hdl.S(d.AccBits))
	if nudge != nil {
		l.pullByHead(u, acc2, nudged, aligned, nudge)
		l.round(u)
		return
	}
	l.Always(func(b *hdl.Block) {
		push := func(b *hdl.Block) { b.Set(u, hdl.SubMod(nudged, aligned)) }
		pull := func(b *hdl.Block) { b.Set(u, hdl.AddMod(nudged, aligned)) }
		chain := b.If(hdl.Not(l.nudge), func(b *hdl.Block) { b.Set(u, acc2) })
		switch {
		case l.nudgeMinus != nil:
			chain.ElseIf(l.nudgeMinus, pull).Else(push)
		case d.pulls():
			chain.Else(pull)
		default:
			chain.Else(push)
		}
	})
	l.round(u)
}

// nudgedAcc is the accumulator to which the nudge is added: a nudge outside the activation
// comes behind its limits, which are exact here.
func (l *lane) nudgedAcc(acc hdl.Value) hdl.Value {
	d := l.d
	if !d.Cfg.NudgedOutside() {
		return acc
	}
	lo, hi, _ := d.Layers[len(d.Layers)-1].Arith.Outside.Int64()
	word := hdl.S(d.AccBits)
	return l.WireIs("activated", clamp(acc, hdl.Const(word, lo), hdl.Const(word, hi), word), "hard sigmoid, not rounded")
}

// outputForce builds the force on the output layer and the accumulator beside it.
func (l *lane) outputForce() (force, acc2 *hdl.Signal) {
	d := l.d
	f, out := d.Cfg.Formats, d.Layers[len(d.Layers)-1].Arith
	whole, stateFrac, range_ := l.state, out.State.Frac, out.Nudge
	if x := out.Difference; x != nil {
		whole, stateFrac, range_ = l.wholeOutput(), x.Frac, x.Nudge
	}
	frac := max(stateFrac, f.Target.Frac)
	s := hdl.Shl(whole, frac-stateFrac)
	y := hdl.Shl(hdl.Const(hdl.S(signedWidth(false, widest(int(d.Arith.TargetOne)))), d.Arith.TargetOne), frac-f.Target.Frac)
	target := l.Localparam("TARGET_ONE", y.Type(), d.Arith.TargetOne<<(frac-f.Target.Frac), "y of the labelled class, LSB 2^-"+itoa(frac))
	beta := l.strength()
	zero := hdl.Const(target.Type(), 0)
	err := l.stage("error_q", hdl.Sub(s, hdl.Mux(l.target, target, zero)), "s - y, LSB 2^-"+itoa(frac))
	acc1 := l.stage("act_acc_q", l.read())
	fw := max(2, range_.SignedWidth())
	if w := err.Type().Width; w > fw { // copies of the sign that the product leaves out
		l.Unused(hdl.Slice(err, w-1, fw))
	}
	force = l.stage("force_q", fit(hdl.Mul(beta, err), fw))
	return force, l.stage("act_acc_q2", acc1)
}

// round takes the pre-activation u, the accumulator with its nudge if any, to the state.
func (l *lane) round(u *hdl.Signal) {
	d := l.d
	out := d.Layers[len(d.Layers)-1].Arith
	// Aligning all layers to the largest shift leaves one rounding point.
	k, lift := d.shifts.act.max(), d.shifts.act.fromMax()
	scaled := u
	if l.actSel != nil {
		scaled = l.WireIs("scaled", lift.shiftLeft(u, l.actSel, d.AccBits+lift.max()))
	}
	quotient := roundShift(&l.Scope, "scaled", scaled, k, out.Act.Mode)
	word := hdl.S(d.LaneBits)
	rounded := l.stage("rounded_q", quotient)
	clamped := l.limited(rounded, word)
	if d.differs() {
		l.keepReference(scaled, k)
		clamped = l.move(rounded, clamped, word)
	}
	if d.monitored() && d.Cfg.Damping == 0 { // the monitor reads it too
		clamped = l.WireIs("clamped", clamped)
	}
	if d.Cfg.Damping == 0 {
		state := l.OutputReg("state_o", word, "new state "+d.stateText()+d.stateLate())
		l.Always(func(b *hdl.Block) { b.Set(state, clamped) })
		if d.monitored() {
			late := d.actStage() - 3
			l.watch(late, clamped, delay(&l.Scope, "state", l.state, 0, late)[late])
		}
		return
	}
	l.damp(l.stage("activated_q", clamped))
}

// damp builds the step of a damped state, s + round((z - s) * 2^-k), which lies
// between s and z.
func (l *lane) damp(activated *hdl.Signal) {
	d := l.d
	word, k := hdl.S(d.LaneBits), d.Cfg.Damping
	l.Group("Damping: 2^-" + itoa(k) + " of the way")
	late := d.actStage() - 3
	before := hdl.Value(l.state)
	if l.zero != nil {
		before = hdl.Mux(l.zero, hdl.Const(word, 0), before)
	}
	old := delay(&l.Scope, "state", before, 0, late)[late]
	way := l.WireIs("way", hdl.Sub(activated, old))
	step := roundShift(&l.Scope, "way", way, k, d.Arith.Damper.Mode)
	state := l.OutputReg("state_o", word, "new state "+d.stateText()+d.stateLate())
	damped := fit(hdl.Add(old, step), d.LaneBits)
	if d.reads() { // the logits have no time steps
		damped = l.WireIs("damped", hdl.Mux(l.linear, activated, damped))
	}
	l.Always(func(b *hdl.Block) { b.Set(state, damped) })
	if d.monitored() {
		l.watch(late, damped, old)
	}
}

// biasDoc is the bias in the text of the lane.
func (d *Design) biasDoc() string {
	if d.someBiases() {
		return " + " + d.shifts.bias.shifted("bias", "bias_shift")
	}
	return ""
}

// largest is the code at which states saturate.
func (l *lane) largest(bound hdl.Type) hdl.Value {
	d, c := l.d, l.d.tops()
	var top hdl.Value
	for i, code := range c.values {
		name, text := "STATE_MAX", ""
		if len(c.values) > 1 {
			name += "_" + itoa(i)
		}
		for k := range d.Layers {
			if la := d.Layers[k].Arith; text == "" && la.Act.Hi == int64(code) {
				text = ftoa(la.State.ToFloat(la.Act.Hi))
				if len(c.values) > 1 {
					text = la.State.String() + ", " + text
				}
			}
		}
		v := l.Localparam(name, bound, int64(code), text)
		if i == 0 {
			top = v
		} else {
			top = hdl.Mux(hdl.EqConst(l.topSel, int64(i)), v, top)
		}
	}
	if len(c.values) > 1 {
		top = l.WireIs("top", top)
	}
	l.top = top
	return top
}

// limited is a rounded pre-activation within the ends of the states: [0, STATE_MAX], or
// those of a linear output or of logits.
func (l *lane) limited(rounded hdl.Value, word hdl.Type) hdl.Value {
	d := l.d
	last := len(d.Layers) - 1
	bound := hdl.S(max(rounded.Type().Width, d.LaneBits))
	if !d.signedLast() {
		return clampFromZero(rounded, l.largest(bound), word)
	}
	out, format := d.Last().Arith.Act, d.Last().Arith.State
	lo := hdl.Value(l.Localparam("OUTPUT_MIN", bound, out.Lo, ftoa(format.ToFloat(out.Lo))))
	hi := hdl.Value(l.Localparam("OUTPUT_MAX", bound, out.Hi, ftoa(format.ToFloat(out.Hi))))
	if last > 0 {
		state := l.largest(bound)
		lo = l.WireIs("lowest", hdl.Mux(l.linear, lo, hdl.Const(bound, 0)))
		hi = l.WireIs("highest", hdl.Mux(l.linear, hi, state))
	} else {
		l.Unused(l.linear)
	}
	return clamp(rounded, lo, hi, word)
}

// strength is |beta|, of the phase if there are several.
func (l *lane) strength() hdl.Value {
	f, codes := l.d.Cfg.Formats, l.d.Arith.Strengths()
	word := hdl.S(widest(int(codes[len(codes)-1])) + 1)
	var beta hdl.Value
	for i, code := range codes {
		name := "BETA"
		if len(codes) > 1 {
			name += "_" + itoa(i+1)
		}
		v := l.Localparam(name, word, code, f.Beta.String()+", "+ftoa(f.Beta.ToFloat(code)))
		if i == 0 {
			beta = v
		} else {
			beta = hdl.Mux(hdl.EqConst(l.beta, int64(i)), v, beta)
		}
	}
	if len(codes) > 1 {
		beta = l.WireIs("beta", beta)
	}
	return beta
}

// bothSigns reports whether some nudged phases push and others pull.
func (d *Design) bothSigns() bool { return d.pushes() && d.pulls() }

// pushes and pulls report nudges towards the target and away from it.
func (d *Design) pushes() bool {
	return slices.ContainsFunc(d.Arith.Betas, func(b int64) bool { return b > 0 }) || d.Program.RandomSign
}

func (d *Design) pulls() bool {
	return slices.ContainsFunc(d.Arith.Betas, func(b int64) bool { return b < 0 }) || d.Program.RandomSign
}

// actStage is the stage in which an activation writes its state: it has read accumulator and
// old state in stage 2, adds the nudge, rounds, limits, and may damp.
func (d *Design) actStage() int {
	return 4 + nudgeStages*b2i(d.learns()) + b2i(d.Cfg.Damping > 0) + b2i(d.differs())
}

// stateLate says when a new state is there.
func (d *Design) stateLate() string { return ", " + itoa(d.actStage()-1) + " cycles after the read" }

// poolDoc says what the lane makes of a pool window.
func (d *Design) poolDoc() string {
	if d.averages() {
		return "max or sum"
	}
	return "max"
}

// poolGroup is the title of the logic that does it.
func (d *Design) poolGroup() string {
	if d.averages() {
		return "Max or average pooling, or the sum over slabs"
	}
	return "Max pooling, or the sum over slabs"
}
