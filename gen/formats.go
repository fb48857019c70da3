package gen

import (
	"epgen/fixedpoint"
	"epgen/hdl"
)

// Formats that differ from layer to layer. Memories, operands and multipliers are as wide
// as the widest of them; what else depends on them comes from the pass ROM, as the choice
// among a few constants: shifts, the code at which a state saturates, the ends of
// parameters, the code of the initial state.

// limits are the ends of the range that an update leaves parameters in.
type limits struct{ lo, hi int64 }

func limitsOf(u fixedpoint.Update) limits { return limits{u.Lo, u.Hi} }

// parameterLimits returns the distinct ranges of parameters, if neither all weights nor
// all biases have one of their own; else nothing, and the pass tells which of the two it is.
func (d *Design) parameterLimits() []limits {
	var weights, biases, all []limits
	add := func(list []limits, l limits) []limits {
		for _, x := range list {
			if x == l {
				return list
			}
		}
		return append(list, l)
	}
	for _, l := range d.slabs() {
		w := limitsOf(l.Arith.WeightUpdate)
		weights, all = add(weights, w), add(all, w)
		if !l.NoBias {
			b := limitsOf(l.Arith.BiasUpdate)
			biases, all = add(biases, b), add(all, b)
		}
	}
	if len(weights) <= 1 && len(biases) <= 1 {
		return nil
	}
	return all
}

// limitBits is the width of the choice among them.
func (d *Design) limitBits() int {
	n := len(d.parameterLimits())
	if n < 2 || !d.learns() {
		return 0
	}
	return addrBits(n)
}

// limitOf is the choice of an update.
func (d *Design) limitOf(u fixedpoint.Update) int {
	for i, l := range d.parameterLimits() {
		if l == limitsOf(u) {
			return i
		}
	}
	return 0
}

// firstBiases is the update of the biases of the first layer that has any.
func (d *Design) firstBiases() fixedpoint.Update {
	for _, l := range d.slabs() {
		if !l.NoBias {
			return l.Arith.BiasUpdate
		}
	}
	return d.Layers[0].Arith.BiasUpdate
}

// chooseLimits builds the ends of the range of parameters that sel chooses.
func (d *Design) chooseLimits(m *hdl.Module, sel hdl.Value, t hdl.Type) (lo, hi hdl.Value) {
	for i, l := range d.parameterLimits() {
		low := m.Localparam("MIN_"+itoa(i), t, l.lo)
		high := m.Localparam("MAX_"+itoa(i), t, l.hi)
		if i == 0 {
			lo, hi = low, high
			continue
		}
		at := hdl.EqConst(sel, int64(i))
		lo, hi = hdl.Mux(at, low, lo), hdl.Mux(at, high, hi)
	}
	return m.WireIs("lo", lo), m.WireIs("hi", hi)
}

// tops are the codes at which states saturate, but for a linear output.
func (d *Design) tops() choices {
	var tops []int
	for i := range d.Layers {
		if !d.linearOutput(i + 1) {
			tops = append(tops, int(d.Layers[i].Arith.Act.Hi))
		}
	}
	if tops == nil {
		tops = []int{0}
	}
	return choose(tops...)
}

// linearOutput reports that layer n is a linear output, or a readout.
func (p *Plan) linearOutput(n int) bool { return p.signedLast() && n == len(p.Layers) }

// initials are the codes of the initial state that passes read: of every layer that has
// one above it, or feeds back.
func (d *Design) initials() choices {
	var codes []int
	for i := range d.relaxing() {
		codes = append(codes, int(d.Layers[i].Arith.Initial))
	}
	return choose(codes...)
}

// initialOf is the choice of the layer whose states a pass reads: the one below going up.
func (d *Design) initialOf(q *Pass) int {
	n := q.Layer
	if q.Kind == Up {
		n--
	}
	if n < 1 || n > d.relaxing() {
		return 0
	}
	return max(0, d.initials().of(int(d.Layers[n-1].Arith.Initial)))
}

// topOf is the choice of the layer that an activation renews.
func (d *Design) topOf(q *Pass) int {
	return max(0, d.tops().of(int(d.at(q.Layer).Arith.Act.Hi)))
}

// formatText names the format of something in the text of a module.
func formatText(list []fixedpoint.Format, all fixedpoint.Format) string {
	if len(list) == 0 {
		return all.String()
	}
	for _, f := range list {
		if f != list[0] {
			return "format of the layer"
		}
	}
	return list[0].String()
}

func (p *Plan) stateText() string {
	return formatText(p.Cfg.Formats.LayerState, p.Cfg.Formats.State)
}

func (p *Plan) weightText() string {
	return formatText(p.Cfg.Formats.LayerWeight, p.Cfg.Formats.Weight)
}

func (p *Plan) biasText() string {
	return formatText(p.Cfg.Formats.LayerBias, p.Cfg.Formats.Bias)
}

// fromZero reports that the initial state of all layers is 0.
func (d *Design) fromZero() bool { return len(d.initials().values) == 1 && d.initials().values[0] == 0 }

// fromText says where the free phase begins.
func (d *Design) fromText() string {
	switch {
	case d.given():
		return "the given states"
	case d.fromZero():
		return "the zero state"
	}
	return "the initial state"
}

// dampsConstant reports that the old states of a damped step may be the constant one.
func (d *Design) dampsConstant() bool { return d.Cfg.Damping > 0 && !d.given() }

// initialText says what the initial state is.
func (d *Design) initialText() string {
	switch la := d.Layers[0].Arith; {
	case d.fromZero():
		return "zero"
	case d.initials().bits() == 0:
		return ftoa(la.State.ToFloat(la.Initial))
	}
	return "the initial state of the layer"
}

// initialValue is the code of the initial state, which sel chooses if layers differ.
func (d *Design) initialValue(word hdl.Type, sel hdl.Value) hdl.Value {
	c := d.initials()
	v := hdl.Const(word, int64(c.values[0]))
	for i := 1; i < len(c.values); i++ {
		v = hdl.Mux(hdl.EqConst(sel, int64(i)), hdl.Const(word, int64(c.values[i])), v)
	}
	return v
}
