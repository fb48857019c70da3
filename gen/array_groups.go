package gen

import "epgen/hdl"

// An array of unequal sides consists of n groups of m parts of n multipliers, n the
// shorter side and n*m the longer. With i in a part, b in a group and a in the array,
//
//	          tall: rows n*m, columns n         wide: rows n, columns n*m
//	UP        W[a*m+b, i]  sums of parts        W[a, b*n+i]  sums of groups
//	DOWN      W[b*n+i, a]  sums of groups       W[i, a*m+b]  sums of parts
//	operand   v[b*n+i]     in each of the four cases
//
// so that one tree serves both directions: the sums of the longer side go on from those
// of the shorter. In a square a group has one part, and there are no group sums.

// groups builds the multipliers, trees and drains of such an array.
func (a *macArray) groups() {
	d, n, m := a.d, a.d.Lines, a.d.parts()
	var drained *hdl.Signal
	a.For("gen_group", "a", n, func(group *hdl.Gen, ga hdl.Index) {
		var partSum *hdl.Signal
		group.For("gen_part", "b", m, func(part *hdl.Gen, pb hdl.Index) {
			var prod *hdl.Signal
			long := ga.Times(m).PlusIdx(pb) // along the longer side, by groups
			part.For("gen_lane", "i", n, func(g *hdl.Gen, i hdl.Index) {
				lane := pb.Times(n).PlusIdx(i) // along the longer side, by parts
				row := long
				if !d.tall() {
					row = ga
				}
				prod, drained = a.lane(g, i.Times(d.P).PlusIdx(long), ga.Times(d.P).PlusIdx(lane), row, lane)
			})
			partSum = part.WireIs("part_sum", a.tree(part, prod))
			part.Comment("Accumulator of the part")
			a.accumulator(part, "acc_q", partSum, hdl.IndexSlice(a.acc, long, d.SumBits))
			if d.tall() && drained != nil {
				part.Comment("Column of the drain")
				column := part.Reg("column_q", hdl.S(d.ContrastBits))
				a.drainInto(&part.Scope, column, func(line int) hdl.Value { return part.Ref(drained, hdl.Idx(line)) })
				part.Assign(hdl.IndexSlice(a.column, long, d.ContrastBits), hdl.AsU(column))
			}
		})
		group.Comment("Accumulator of the group")
		a.accumulator(group, "group_acc_q", a.groupSum(group, partSum), hdl.IndexSlice(a.groupAcc, ga, d.SumBits))
	})
	if d.tall() || drained == nil {
		return
	}
	a.Group("Rows of the drain")
	a.For("gen_drain_part", "b", m, func(part *hdl.Gen, pb hdl.Index) {
		part.For("gen_drain", "i", n, func(g *hdl.Gen, i hdl.Index) {
			column := g.Reg("column_q", hdl.S(d.ContrastBits))
			a.drainInto(&g.Scope, column, func(line int) hdl.Value { return g.Ref(drained, hdl.Idx(line), pb, i) })
			g.Assign(hdl.IndexSlice(a.column, pb.Times(n).PlusIdx(i), d.ContrastBits), hdl.AsU(column))
		})
	})
}

// groupSum adds the sums of the parts of a group.
func (a *macArray) groupSum(group *hdl.Gen, below *hdl.Signal) hdl.Value {
	names := []string{"gen_parts2", "gen_parts4", "gen_parts8", "gen_parts16", "gen_parts32"}
	t := terms{each: below, count: a.d.parts()}
	for l := 0; t.count > 1 || t.count == 1 && t.rest != nil; l++ {
		rest := a.unpaired(group, t)
		t.pair(group, names[l], func(g *hdl.Gen, x, y hdl.Value) *hdl.Signal { return g.WireIs("sum", a.add(x, y)) })
		switch {
		case rest == nil:
			t.rest = nil
		case rest != hdl.Value(t.rest):
			t.rest = group.WireIs("rest"+itoa(2<<l), rest)
		}
	}
	return t.only(group)
}

// shapeDoc says how an array of unequal sides delivers its sums.
func (d *Design) shapeDoc() string {
	switch {
	case d.parts() == 1:
		return ""
	case d.tall():
		return "Sums of up are in acc_o, those of down, over the longer side, in group_acc_o.\n"
	}
	return "Sums of up, over the longer side, are in group_acc_o, those of down in acc_o.\n"
}

// tileDoc says how a tile lies in its port.
func (d *Design) tileDoc() string {
	if d.tall() {
		return "lane r of column c: W[r,c]"
	}
	return "lane c of row r: W[r,c]"
}
