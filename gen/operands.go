package gen

import "epgen/hdl"

// zeroDoc says what the states of the first time step are.
func (d *Design) zeroDoc() string {
	if d.Arith.Initial == 0 {
		return "all states count as zero"
	}
	return "all states count as " + ftoa(d.Cfg.Formats.State.ToFloat(d.Arith.Initial))
}

// operands builds ep_operands: from words of states and pool indices to the
// operands of the array's columns and rows.
func (d *Design) operands() *hdl.Module {
	p, lw, ow, one := d.P, d.LaneBits, d.OperandBits, hdl.U(1)
	m := hdl.NewModule("ep_operands")
	m.Doc("Operands of the array, combinational.\n\n" +
		"  up      v = s             states below, at the tap\n" +
		"  down    v = U(s)          states of the layer, zero but at the argmax of their window\n" +
		"  update  v = s, z = +-U(s) contrast of the weights\n" +
		"  bias    v = (1, 0, ...), z = +-s: column 0 counts the states themselves")
	m.Group("Mode")
	down := m.Input("down_i", one)
	var isBias hdl.Value
	if d.someBiases() {
		isBias = m.Input("bias_i", one)
	}
	iEven := m.Input("i_even_i", one, "the layer below is in the even bank")
	unpool := m.Input("unpool_i", one, "the layer is pooled")
	zero := m.Input("zero_i", one, d.zeroDoc())
	m.Group("Operation")
	isVoid := m.Input("void_i", one, "no tap: the product is zero")
	minus := m.Input("minus_i", one, "phase -beta: z is negated")
	pos := m.Input("pos_i", hdl.U(2), "{dy, dx} in the pool window")
	even := m.Input("even_i", hdl.U(p*lw), "word of the even bank")
	odd := m.Input("odd_i", hdl.U(p*lw), "word of the odd bank")
	index := m.Input("index_i", hdl.U(2*p), "argmax of each lane")
	v := m.Output("v_o", hdl.U(p*lw), "signed lanes")
	z := m.Output("z_o", hdl.U(p*ow), "signed lanes")

	m.Group("Lanes")
	off, initial := hdl.Value(isVoid), d.Arith.Initial
	if initial == 0 {
		off = m.WireIs("off", hdl.Any(isVoid, zero))
	}
	// of is a state, or the initial one, where the first step finds none.
	of := func(v hdl.Value) hdl.Value {
		if initial == 0 {
			return v
		}
		return hdl.Mux(zero, hdl.Const(hdl.S(lw), initial), v)
	}
	unit := hdl.Const(hdl.U(p*lw), 1)
	lanes := m.Wire("lanes", hdl.U(p*lw))
	m.For("gen_lane", "r", p, func(g *hdl.Gen, r hdl.Index) {
		evenLane := g.WireIs("even_lane", hdl.AsS(hdl.IndexSlice(even, r, lw)))
		oddLane := g.WireIs("odd_lane", hdl.AsS(hdl.IndexSlice(odd, r, lw)))
		nothing := hdl.Const(hdl.S(lw), 0)
		below := g.WireIs("below", hdl.Mux(off, nothing, of(hdl.Mux(iEven, evenLane, oddLane))))
		here := g.WireIs("here", of(hdl.Mux(iEven, oddLane, evenLane)))
		miss := g.WireIs("miss", hdl.Any(off, hdl.All(unpool, hdl.Ne(hdl.IndexSlice(index, r, 2), pos))))
		unpooled := g.WireIs("unpooled", hdl.Mux(miss, nothing, here))
		wide := hdl.Value(unpooled)
		if ow > lw {
			wide = g.WireIs("wide", hdl.Ext(unpooled, ow))
		}
		g.Assign(hdl.IndexSlice(lanes, r, lw), hdl.AsU(hdl.Mux(down, unpooled, below)))
		g.Assign(hdl.IndexSlice(z, r, ow), hdl.AsU(hdl.Mux(minus, hdl.SubMod(hdl.Const(hdl.S(ow), 0), wide), wide)))
	})
	if isBias == nil {
		m.Assign(v, lanes)
		return m
	}
	m.Assign(v, hdl.Mux(isBias, unit, lanes))
	return m
}
