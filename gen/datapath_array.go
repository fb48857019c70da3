package gen

import "epgen/hdl"

// array builds stages 2 to 7: operands, multipliers, sums.
func (p *datapath) array() {
	d := p.d
	at2 := func(name string, v hdl.Value) hdl.Value { return delay(&p.Scope, name, v, 1, 2)[2] }
	p.Group("Stage 2: operands")
	void := at2("void", p.void1)
	var minus hdl.Value
	if p.minus1 != nil {
		minus = at2("op_minus", p.minus1)
	}
	first, last := at2("first", p.first1), at2("last", p.last1)
	v, z := p.connectOperands(at2, void, minus)

	p.Group("Stages 3 to 7: array")
	u := p.Instance(d.macArray(), "u_array")
	u.In("up_i", p.mode["up"])
	sums := hdl.Any(p.mode["up"], p.mode["down"])
	if d.learns() {
		u.In("down_i", p.mode["down"])
		u.In("update_i", p.mode["update"])
		sums = hdl.Any(p.mode["up"], p.mode["down"], p.mode["update"])
	}
	u.In("valid_i", hdl.All(p.valid[2], sums))
	u.In("first_i", first)
	if p.square1 != nil {
		u.In("square_i", at2("square", p.square1))
		if lift, ok := p.mode["sum_lift"]; ok {
			u.In("sum_lift_i", lift)
		}
	}
	u.In("last_i", last)
	u.In("tile_i", p.tile)
	u.In("v_i", v)
	u.OutTo("acc_valid_o", p.accValid)
	p.acc = p.sums(u)
	if !d.learns() {
		return
	}
	u.In("z_i", z)
	p.column = p.Wire("column", hdl.U(1), "the drain reads a column")
	p.colIdx = p.Wire("col", hdl.U(addrBits(d.Lines)))
	p.tileDone = u.OutAs("tile_done_o", "tile_done")
	u.In("take_i", p.take)
	u.In("drain_i", p.column)
	u.In("col_i", p.colIdx)
	p.contrast = u.OutAs("contrast_o", "contrast")
}

// connectOperands builds the operands of the array's columns, and of its rows where the core
// learns, else nil. at2 brings a value of stage 1 to stage 2.
func (p *datapath) connectOperands(at2 func(name string, v hdl.Value) hdl.Value, void, minus hdl.Value) (v, z hdl.Value) {
	d := p.d
	u := p.Instance(d.operands(), "u_operands")
	p.connectModes(u, "down", "i_even", "zero")
	if isBias := p.isBias(); isBias != nil {
		u.In("bias_i", isBias)
	}
	u.In("unpool_i", p.argmaxOnly(p.mode["unpool"]))
	p.connectModes(u, "initial_state", "slab_part")
	if p.part1 != nil {
		u.In("part_i", at2("part", p.part1))
	}
	u.In("void_i", void)
	if resting, ok := p.mode["resting"]; ok {
		u.In("resting_i", resting)
		if lift := p.liftOf(minus); lift != nil {
			u.In("lift_i", lift)
		}
	}
	if negate, ok := p.mode["negate"]; ok {
		if d.differs() {
			u.In("negate_i", negate)
		} else {
			minus = hdl.Xor(minus, negate)
		}
	}
	if minus != nil {
		u.In("minus_i", p.negated(minus))
	}
	if d.hasHeads() && d.weights() {
		u.In("head_i", p.mode["head"])
	}
	u.In("pos_i", p.pos[2])
	u.In("even_i", p.even)
	u.In("odd_i", p.odd)
	u.In("index_i", p.index)
	v = u.OutAs("v_o", "v")
	if d.learns() {
		z = u.OutAs("z_o", "z")
	}
	return v, z
}

// connectModes connects those modes of the pass that the design has.
func (p *datapath) connectModes(u *hdl.Instance, names ...string) {
	for _, name := range names {
		if v := p.mode[name]; v != nil {
			u.In(name+"_i", v)
		}
	}
}
