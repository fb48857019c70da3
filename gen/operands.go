package gen

import (
	"epgen/ep"
	"epgen/hdl"
)

// negativeStates reports operands below zero: states of a linear output, differences of nudged
// phases, errors of heads.
func (d *Design) negativeStates() bool {
	return d.hasHeads() || d.Cfg.Output == ep.Linear || d.differs()
}

// zeroDoc says what the states of the first time step are.
func (d *Design) zeroDoc() string {
	return "all states count as " + d.initialText()
}

// operands builds ep_operands: from words of states and pool indices to the
// operands of the array's columns and rows.
func (d *Design) operands() *hdl.Module {
	o := &operands{Module: hdl.NewModule("ep_operands"), d: d}
	text := "Operands of the array, combinational.\n\n" +
		"  up      v = s             states below, at the tap\n" +
		"  down    v = U(s)          states of the layer, zero but at the argmax of their window"
	if d.learns() {
		text += "\n  update  v = s, z = +-U(s) contrast of the weights\n" + d.biasOperands()
	}
	o.Doc("%s", text)
	o.ports()
	o.lanes()
	return o.Module
}

// biasOperands is the line of the bias pass.
func (d *Design) biasOperands() string {
	if d.tall() {
		return "  bias    v = (1, 0, ...), z = +-s: column 0 counts the states themselves"
	}
	return "  bias    v = s, z = (+-1, 0, ...): row 0 counts the states themselves"
}

// operands is ep_operands under construction.
type operands struct {
	*hdl.Module
	d *Design

	down, isBias, iEven, unpool, zero    hdl.Value
	initial                              hdl.Value // nil where all layers are alike
	isVoid, minus, pos, even, odd, index hdl.Value
	slabPart, part                       hdl.Value   // nil where a slab, a block is a whole word
	head                                 hdl.Value   // nil without heads, or where points have no weights
	resting, lift, negate                hdl.Value   // nil without differences, or where they have no use
	v, z                                 *hdl.Signal // z is nil where nothing learns
	off                                  hdl.Value   // the lanes are zero
}

func (o *operands) ports() {
	d, one := o.d, hdl.U(1)
	p, lw, ow := d.P, d.LaneBits, d.OperandBits
	o.Group("Mode")
	o.down = o.Input("down_i", one)
	if d.contrastsBiases() {
		o.isBias = o.Input("bias_i", one)
	}
	o.iEven = o.Input("i_even_i", one, "the layer below is in the even bank")
	o.unpool = o.Input("unpool_i", one, "the layer is pooled")
	if !d.given() {
		o.zero = o.Input("zero_i", one, d.zeroDoc())
	}
	if w := d.initials().bits(); w > 0 {
		o.initial = o.Input("initial_state_i", hdl.U(w), "choice of the initial state")
	}
	if n := d.rowParts(); n > 1 {
		o.slabPart = o.Input("slab_part_i", hdl.U(partBits(n)), "part of a word that the slab is")
	}
	o.Group("Operation")
	o.isVoid = o.Input("void_i", one, "no tap: the product is zero")
	if d.learns() {
		o.minus = o.Input("minus_i", hdl.U(d.pointBits()), d.weightDoc())
	}
	if d.hasHeads() && d.weights() {
		o.head = o.Input("head_i", one, "the errors of a head, which count alike at all points")
	}
	if d.differs() {
		o.resting = o.Input("resting_i", one, "all differences count as zero")
		if w := d.moves.lift.bits(); w > 0 {
			o.lift = o.Input("lift_i", hdl.U(w), "of z: "+shiftDoc(d.moves.lift))
		}
		if d.Program.RandomSign {
			o.negate = o.Input("negate_i", one, "the contrast changes its sign")
		}
	}
	o.pos = o.Input("pos_i", hdl.U(2), "{dy, dx} in the pool window")
	if n := d.columnParts(); n > 1 {
		o.part = o.Input("part_i", hdl.U(partBits(n)), "part of the word below that the block is")
	}
	o.even = o.Input("even_i", hdl.U(p*lw), "word of the even bank")
	o.odd = o.Input("odd_i", hdl.U(p*lw), "word of the odd bank")
	o.index = o.Input("index_i", hdl.U(2*d.IndexLanes()), "argmax of each lane")
	o.v = o.Output("v_o", hdl.U(p*lw), "signed lanes")
	if d.learns() {
		o.z = o.Output("z_o", hdl.U(d.Rows*ow), "signed lanes")
	}
}

// lanes builds the operands.
func (o *operands) lanes() {
	o.Group("Lanes")
	o.off = o.isVoid
	var also []hdl.Value
	if o.zero != nil && o.d.fromZero() {
		also = append(also, o.zero)
	}
	if o.resting != nil {
		also = append(also, o.resting)
	}
	if also != nil {
		o.off = o.WireIs("off", hdl.Any(o.isVoid, also...))
	}
	if o.d.parts() == 1 {
		o.wholeWords()
		return
	}
	o.partsOfWords()
}

// nothing is the operand of a lane that is off.
func (o *operands) nothing() hdl.Value { return hdl.Const(hdl.S(o.d.LaneBits), 0) }

// state is a state, or the initial one, where the first step finds none.
func (o *operands) state(v hdl.Value) hdl.Value {
	if o.d.fromZero() {
		return v
	}
	return hdl.Mux(o.zero, o.d.initialValue(hdl.S(o.d.LaneBits), o.initial), v)
}

// unpooled is U(s) of lane r: the state at the argmax of its window, 0 elsewhere.
func (o *operands) unpooled(g *hdl.Gen, r hdl.Index, state hdl.Value) hdl.Value {
	here := g.WireIs("here", o.state(state))
	miss := g.WireIs("miss", hdl.Any(o.off, hdl.All(o.unpool, hdl.Ne(hdl.IndexSlice(o.index, r, 2), o.pos))))
	return g.WireIs("unpooled", hdl.Mux(miss, o.nothing(), here))
}

// signed is lane r of z: U(s) with the sign and weight of the point.
func (o *operands) signed(g *hdl.Gen, z *hdl.Signal, r hdl.Index, unpooled hdl.Value) {
	if z == nil {
		return
	}
	d, ow := o.d, o.d.OperandBits
	wide := hdl.Ext(unpooled, ow)
	if ow > d.LaneBits && !d.negativeStates() {
		wide = g.WireIs("wide", hdl.AsS(hdl.Ext(hdl.AsU(unpooled), ow)), "not negative")
	}
	if o.lift != nil {
		wide = g.WireIs("lifted", d.moves.lift.shiftLeft(wide, o.lift, ow))
	}
	weighted := d.weighted(&g.Scope, o.minus, wide, ow)
	if o.negate != nil {
		weighted = g.WireIs("weighted", weighted)
		weighted = hdl.Mux(o.negate, hdl.SubMod(hdl.Const(hdl.S(ow), 0), weighted), weighted)
	}
	if o.head != nil {
		weighted = hdl.Mux(o.head, wide, weighted)
	}
	g.Assign(hdl.IndexSlice(z, r, ow), hdl.AsU(weighted))
}

// wholeWords builds the operands of a square array, which has a row and a column for each
// lane of a word.
func (o *operands) wholeWords() {
	p, lw := o.d.P, o.d.LaneBits
	lanes := o.Wire("lanes", hdl.U(p*lw))
	o.For("gen_lane", "r", p, func(g *hdl.Gen, r hdl.Index) {
		evenLane := g.WireIs("even_lane", hdl.AsS(hdl.IndexSlice(o.even, r, lw)))
		oddLane := g.WireIs("odd_lane", hdl.AsS(hdl.IndexSlice(o.odd, r, lw)))
		below := g.WireIs("below", hdl.Mux(o.off, o.nothing(), o.state(hdl.Mux(o.iEven, evenLane, oddLane))))
		unpooled := o.unpooled(g, r, hdl.Mux(o.iEven, oddLane, evenLane))
		g.Assign(hdl.IndexSlice(lanes, r, lw), hdl.AsU(hdl.Mux(o.down, unpooled, below)))
		o.signed(g, o.z, r, unpooled)
	})
	if o.isBias == nil {
		o.Assign(o.v, lanes)
		return
	}
	o.Assign(o.v, hdl.Mux(o.isBias, hdl.Const(hdl.U(p*lw), 1), lanes))
}

// partsOfWords builds the operands of an array of unequal sides, which has fewer rows or
// columns than a word has lanes: the part of the word is picked first, and v repeats it.
func (o *operands) partsOfWords() {
	d := o.d
	p, lw, ow := d.P, d.LaneBits, d.OperandBits
	pick := func(name string, word, part hdl.Value, lanes int) *hdl.Signal {
		if part != nil {
			word = choosePart(o.WireIs(name+"_word", word), part, p/lanes, lanes*lw)
		}
		return o.WireIs(name+"_states", word)
	}
	belowPart := pick("below", hdl.Mux(o.iEven, o.even, o.odd), o.part, d.Columns)
	herePart := pick("here", hdl.Mux(o.iEven, o.odd, o.even), o.slabPart, d.Rows)
	below := o.Wire("below_lanes", hdl.U(d.Columns*lw))
	o.For("gen_column", "c", d.Columns, func(g *hdl.Gen, c hdl.Index) {
		state := g.WireIs("state", hdl.AsS(hdl.IndexSlice(belowPart, c, lw)))
		g.Assign(hdl.IndexSlice(below, c, lw), hdl.AsU(hdl.Mux(o.off, o.nothing(), o.state(state))))
	})
	here := o.Wire("here_lanes", hdl.U(d.Rows*lw))
	z := o.z
	if o.isBias != nil && !d.tall() {
		z = o.Wire("z_lanes", o.z.Type())
	}
	o.For("gen_row", "r", d.Rows, func(g *hdl.Gen, r hdl.Index) {
		unpooled := o.unpooled(g, r, hdl.AsS(hdl.IndexSlice(herePart, r, lw)))
		g.Assign(hdl.IndexSlice(here, r, lw), hdl.AsU(unpooled))
		o.signed(g, z, r, unpooled)
	})
	repeat := func(v hdl.Value) hdl.Value {
		if n := p * lw / v.Type().Width; n > 1 {
			return hdl.Repl(n, v)
		}
		return v
	}
	v := hdl.Mux(o.down, repeat(here), repeat(below))
	switch {
	case o.isBias == nil:
	case d.tall():
		v = hdl.Mux(o.isBias, repeat(hdl.Const(hdl.U(d.Columns*lw), 1)), v)
	default:
		v = hdl.Mux(o.isBias, hdl.Ext(here, p*lw), v)
		unit := d.pointUnit(o.minus, ow)
		if o.head != nil {
			unit = hdl.Mux(o.head, hdl.Const(unit.Type(), 1), unit)
		}
		o.Assign(o.z, hdl.Mux(o.isBias, hdl.Ext(unit, d.Rows*ow), z))
	}
	o.Assign(o.v, v)
}
