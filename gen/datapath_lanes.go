package gen

import "epgen/hdl"

// lanes builds what follows the sums, stages 7 to 9, and the activation.
func (p *datapath) lanes() {
	d := p.d
	if d.hasHeads() {
		p.headWires()
	}
	var in laneInputs
	if d.labels() > 0 {
		in.target = p.labels()
	}

	p.Group("Stages 7 to 9: lanes")
	if p.mode["free_index"] != nil {
		in.index = p.repeat("lane_index", delay(&p.Scope, "index", p.index, 2, 8)[8], d.IndexParts())
	}
	in.bias = p.bias
	if in.bias != nil {
		in.bias = p.repeat("lane_bias", in.bias, d.rowParts())
	}
	in.we, in.clear = p.laneEnables()
	p.here = p.WireIs("here_word", hdl.Mux(p.mode["i_even"], p.odd, p.even))
	in.old = p.here
	if resting, ok := p.mode["resting"]; ok {
		in.old = p.WireIs("old_word", hdl.Mux(resting, zeroOf(in.old), in.old))
	}
	module := d.lane()
	if d.monitored() {
		in.actValid = p.WireIs("act_valid", hdl.All(p.valid[2], p.mode["act"]))
		in.moved = p.Wire("moved", hdl.U(d.P), "lanes whose state has moved")
		p.Assign(p.Output("moved_o", hdl.U(1), "a state has moved by more than the tolerance"), hdl.RedOr(in.moved))
	}
	p.For("gen_lane", "r", d.P, func(g *hdl.Gen, r hdl.Index) {
		u := g.Instance(module, "u_lane")
		p.connectLane(u, r, &in)
		state := u.OutAs("state_o", "state_lane")
		g.Assign(hdl.IndexSlice(p.states, r, d.LaneBits), hdl.AsU(state))
	})
}

// laneInputs are words with an element for each lane.
type laneInputs struct {
	target          *hdl.Signal // one-hot; nil where no output is nudged
	index, bias     hdl.Value   // nil where there are none
	old             hdl.Value   // states
	we, clear       *hdl.Signal // nil where all lanes write together
	moved, actValid *hdl.Signal // actValid is one for all; nil without a monitor
}

// connectLane connects lane r.
func (p *datapath) connectLane(u *hdl.Instance, r hdl.Index, in *laneInputs) {
	d := p.d
	p.connectModes(u, "up", "down", "free_index", "window", "nudge", "up_shift", "down_shift", "act_shift")
	p.connectModes(u, d.laneModes()...)
	p.connectModes(u, "mean", "unclamped", "strength", "nudge_minus", "top")
	if d.dampsConstant() {
		p.connectModes(u, "zero")
	}
	u.In("sum_valid_i", p.accValid)
	u.In("sum_i", hdl.AsS(hdl.IndexSlice(p.acc, r, d.SumBits)))
	if in.bias != nil {
		p.connectModes(u, "bias_shift")
		u.In("bias_i", hdl.AsS(hdl.IndexSlice(in.bias, r, d.BiasBits)))
	}
	u.In("pos_i", p.pos[8])
	if in.index != nil {
		u.In("index_i", hdl.IndexSlice(in.index, r, 2))
	}
	u.In("acc_re_i", p.re)
	u.In("acc_raddr_i", p.raddr)
	if in.we == nil {
		u.In("acc_we_i", p.we)
	} else {
		u.In("acc_we_i", hdl.IndexBit(in.we, r))
		u.In("acc_clear_i", hdl.IndexBit(in.clear, r))
	}
	u.In("acc_waddr_i", p.laneWiring.waddr)
	if d.readsState() {
		u.In("state_i", hdl.AsS(hdl.IndexSlice(in.old, r, d.LaneBits)))
	}
	if in.target != nil {
		u.In("target_i", hdl.IndexBit(in.target, r))
	}
	if d.hasHeads() {
		p.headLane(u, r)
	}
	if p.referenceAddr != nil {
		p.connectModes(u, "moving", "undriven", "reach")
		u.In("reference_raddr_i", p.referenceAddr)
		u.In("reference_we_i", p.referenceWE)
		u.In("reference_waddr_i", p.referenceWAddr)
	}
	u.OutTo("argmax_o", hdl.IndexSlice(p.argmax, r, 2))
	if in.moved != nil {
		u.In("act_valid_i", in.actValid)
		u.OutTo("moved_o", hdl.IndexBit(in.moved, r))
	}
}
