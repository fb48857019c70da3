package hdl

// assigned maps the nets that a comb block drives to the bits assigned so far on every path.
type assigned map[net]bitset

func (a assigned) clone() assigned {
	z := assigned{}
	for n, b := range a {
		z[n] = b.clone()
	}
	return z
}

// latchCheck walks one comb block in one iteration of the loops around it.
type latchCheck struct {
	n   *netlist
	own map[net]bitset // bits that the block assigns anywhere
}

// checkComb reports variables of a comb block that keep their value on some path, or that are read
// before they are assigned: both are latches. What remains of d.reads is what the block follows.
func (n *netlist) checkComb(x *vAlways, d *driver) {
	c := &latchCheck{n, map[net]bitset{}}
	for _, s := range d.drive {
		if c.own[s.net] == nil {
			c.own[s.net] = newBitset(s.sig.t.Width)
		}
		c.own[s.net].set(s.hi, s.lo)
	}
	state := assigned{}
	for k := range c.own {
		state[k] = newBitset(k.sig.t.Width)
	}
	c.stmts(x.body, state)
	reported := map[net]bool{}
	for _, s := range d.drive {
		if reported[s.net] {
			continue
		}
		// Bits that other drivers own count as assigned.
		have := state[s.net].clone()
		for i := range have {
			have[i] |= ^c.own[s.net][i]
		}
		if hi, lo, missing := have.gap(s.sig.t.Width); missing {
			reported[s.net] = true
			n.m.diag.errorf(x.pos, "latch: %v is not assigned on every path; assign a default first", span{s.net, hi, lo})
		}
	}
	var outside []span
	for _, s := range d.reads {
		if c.own[s.net] == nil || !c.own[s.net].has(s.hi, s.lo) {
			outside = append(outside, s)
		}
	}
	d.reads = outside
}

func (c *latchCheck) read(e *vexpr, p pos, state assigned) {
	c.n.each(e, func(s span) {
		own := c.own[s.net]
		if own == nil {
			return
		}
		for i := s.lo; i <= s.hi; i++ {
			if own.has(i, i) && !state[s.net].has(i, i) {
				c.n.m.diag.errorf(p, "latch: %v is read before it is assigned", span{s.net, i, i})
				return
			}
		}
	})
}

func (c *latchCheck) stmts(ss []vstmt, state assigned) {
	for _, s := range ss {
		switch x := s.(type) {
		case *vSet:
			c.read(x.rhs, x.pos, state)
			s, index := c.n.targetOf(x.lhs)
			for _, i := range index {
				c.read(i, x.pos, state)
			}
			// A dynamic index assigns some bits, nobody knows which.
			if b := state[s.net]; b != nil && x.lhs.kind != vDynBit && x.lhs.kind != vDynSel {
				b.set(s.hi, s.lo)
			}
		case *vIf:
			c.branches(x.arms, x.arms[len(x.arms)-1].cond == nil, x.pos, nil, state)
		case *vCase:
			c.branches(x.arms, true, x.pos, x.sel, state)
		}
	}
}

// branches joins the paths through arms; full says that one of them is always taken.
func (c *latchCheck) branches(arms []vArm, full bool, p pos, sel *vexpr, state assigned) {
	if sel != nil {
		c.read(sel, p, state)
	}
	var joined assigned
	if !full {
		joined = state.clone()
	}
	for _, a := range arms {
		if a.cond != nil {
			c.read(a.cond, p, state)
		}
		path := state.clone()
		c.stmts(a.body, path)
		if joined == nil {
			joined = path
			continue
		}
		for k := range joined {
			joined[k].intersect(path[k])
		}
	}
	for k := range joined {
		state[k] = joined[k]
	}
}
