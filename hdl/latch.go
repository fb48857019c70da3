package hdl

// combBlock is an always @* block in one iteration of the loops around it. Every net that it
// assigns has a driver of its own, so that a block which computes y from a and z from b makes no
// loop of a = f(z).
type combBlock struct {
	n       *netlist
	pos     pos
	targets map[net]*driver
	order   []net
}

// comb adds the drivers of a comb block and checks it for latches.
func (n *netlist) comb(x *vAlways) {
	c := &combBlock{n: n, pos: x.pos, targets: map[net]*driver{}}
	c.stmts(x.body, nil)
	n.checkLatches(x, c)
	outside := map[net][]span{}
	for _, k := range c.order {
		outside[k] = c.outside(k, map[net]bool{})
	}
	for _, k := range c.order {
		c.targets[k].reads = outside[k]
	}
}

// stmts notes what each assignment reads; under are the reads of the conditions around it.
func (c *combBlock) stmts(ss []vstmt, under []span) {
	for _, s := range ss {
		switch x := s.(type) {
		case *vSet:
			var d driver
			c.n.read(&d, x.rhs)
			c.n.drive(&d, x.lhs)
			for _, s := range d.drive {
				t := c.targets[s.net]
				if t == nil {
					t = c.n.driver(c.pos, true)
					c.targets[s.net] = t
					c.order = append(c.order, s.net)
				}
				t.drive = append(t.drive, s)
				t.reads = append(append(t.reads, d.reads...), under...)
			}
		case *vIf:
			// Each branch depends on the conditions before it too.
			for _, a := range x.arms {
				if a.cond != nil {
					under = append(under[:len(under):len(under)], c.reads(a.cond)...)
				}
				c.stmts(a.body, under)
			}
		case *vCase:
			chosen := append(under[:len(under):len(under)], c.reads(x.sel)...)
			for _, a := range x.arms {
				for _, v := range a.labels {
					c.reads(v)
				}
				c.stmts(a.body, chosen)
			}
		}
	}
}

func (c *combBlock) reads(e *vexpr) []span {
	var d driver
	c.n.read(&d, e)
	return d.reads
}

// outside is what net k follows outside of the block: what its assignments read, with the block's
// own variables replaced by what those follow.
func (c *combBlock) outside(k net, seen map[net]bool) []span {
	seen[k] = true
	var z []span
	for _, s := range c.targets[k].reads {
		switch {
		case c.targets[s.net] == nil || !c.owns(s):
			z = append(z, s)
		case !seen[s.net]:
			z = append(z, c.outside(s.net, seen)...)
		}
	}
	return z
}

// owns reports whether the block assigns all bits of s.
func (c *combBlock) owns(s span) bool {
	set := newBitset(s.sig.t.Width)
	for _, d := range c.targets[s.net].drive {
		set.set(d.hi, d.lo)
	}
	return set.has(s.hi, s.lo)
}

// assigned maps the nets that a comb block drives to the bits assigned so far on every path.
type assigned map[net]bitset

func (a assigned) clone() assigned {
	z := assigned{}
	for n, b := range a {
		z[n] = b.clone()
	}
	return z
}

// latchCheck walks one comb block.
type latchCheck struct {
	n   *netlist
	own map[net]bitset // bits that the block assigns anywhere
}

// checkLatches reports variables of a comb block that keep their value on some path, or that are
// read before they are assigned.
func (n *netlist) checkLatches(x *vAlways, b *combBlock) {
	c := &latchCheck{n, map[net]bitset{}}
	state := assigned{}
	for _, k := range b.order {
		c.own[k], state[k] = newBitset(k.sig.t.Width), newBitset(k.sig.t.Width)
		for _, s := range b.targets[k].drive {
			c.own[k].set(s.hi, s.lo)
		}
	}
	c.stmts(x.body, state)
	for _, k := range b.order {
		// Bits that other drivers own count as assigned.
		have := state[k].clone()
		for i := range have {
			have[i] |= ^c.own[k][i]
		}
		if hi, lo, missing := have.gap(k.sig.t.Width); missing {
			n.m.diag.errorf(x.pos, "latch: %v is not assigned on every path; assign a default first", span{k, hi, lo})
		}
	}
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
