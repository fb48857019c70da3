package gen

import "epgen/hdl"

// Lanes of arrays of unequal sides: what a slab or a block brings goes to its part
// of the lanes of a word.

// sums are those of the array's rows, a lane each: up fills one part of the lanes or all
// of them, down the other way round. Repeated, they fit every part.
func (p *datapath) sums(array *hdl.Instance) *hdl.Signal {
	d := p.d
	acc := array.OutAs("acc_o", "acc")
	if d.parts() == 1 {
		return acc
	}
	group := p.repeat("group_sums", array.OutAs("group_acc_o", "group_acc"), d.parts())
	if d.tall() {
		return p.WireIs("sums", hdl.Mux(p.mode["down"], group, acc))
	}
	return p.WireIs("sums", hdl.Mux(p.mode["down"], acc, group))
}

// repeat gives every part the same lanes.
func (p *datapath) repeat(name string, v hdl.Value, parts int) hdl.Value {
	if parts == 1 {
		return v
	}
	return p.WireIs(name, hdl.Repl(parts, v))
}

// laneEnables are the lanes whose accumulators are written, and those that are cleared:
// the first part of a word clears the others, which follow, so that lanes without a
// channel are zero. They are nil for a square array.
func (p *datapath) laneEnables() (we, clear *hdl.Signal) {
	d := p.d
	if d.parts() == 1 {
		return nil, nil
	}
	p.Group("Parts of the accumulators' words")
	part, clears, whole := p.mode["slab_part"], p.mode["up"], p.mode["down"] // whole: all lanes are written
	if d.tall() {
		part, clears, whole = delay(&p.Scope, "acc_part", p.part1, 1, 9)[9], p.fromDrive(), p.mode["up"]
		if d.hasHeads() { // so do the nudges of a head in its first slab
			clears = hdl.Any(clears, hdl.All(p.mode["head"], p.mode["down"], p.mode["back_first"]))
		}
	}
	lanes := func(of func(k int) hdl.Value) hdl.Value {
		var list []hdl.Value
		for k := d.parts() - 1; k >= 0; k-- {
			list = append(list, hdl.Repl(d.Lines, of(k)))
		}
		return hdl.Cat(list[0], list[1:]...)
	}
	own := p.WireIs("own_part", lanes(func(k int) hdl.Value { return hdl.Any(whole, hdl.EqConst(part, int64(k))) }))
	clear = p.WireIs("clear_part", lanes(func(k int) hdl.Value {
		if k == 0 {
			return bit(false)
		}
		return hdl.All(clears, hdl.EqConst(part, 0))
	}))
	touched := hdl.Or(own, clear)
	if d.hasHeads() && d.tall() { // down fills parts of a word
		p.backLanes = p.WireIs("back_lane_we", hdl.And(touched, hdl.Repl(d.P, p.backWE)))
	}
	we = p.WireIs("lane_we", hdl.And(touched, hdl.Repl(d.P, p.we)))
	return we, clear
}

// fromDrive is high while down reads the drive and writes other accumulators.
func (p *datapath) fromDrive() hdl.Value {
	if v, ok := p.mode["from_drive"]; ok {
		return v
	}
	return bit(false)
}

// slabArgmax is the argmax of the lanes of a slab: every part has the same.
func (p *datapath) slabArgmax() hdl.Value {
	if p.d.rowParts() == 1 {
		return p.argmax
	}
	n := 2 * p.d.IndexLanes()
	p.Unused(hdl.Slice(p.argmax, 2*p.d.P-1, n))
	return hdl.Slice(p.argmax, n-1, 0)
}
