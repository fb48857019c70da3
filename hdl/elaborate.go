package hdl

import (
	"fmt"
	"strings"
)

// net is a signal in one iteration of the generate loops around it.
type net struct {
	sig *Signal
	at  int // iteration, in mixed radix, of sig's loops
}

// span is a range of bits of a net.
type span struct {
	net
	hi, lo int
}

// driver is whatever gives nets their values: an assignment, an always block, a table, an output
// of an instance, each once per iteration of the loops around it.
type driver struct {
	pos   pos
	comb  bool // values follow reads at once
	reads []span
	drive []span
}

// netlist is a legalised module with its generate loops unrolled: who drives and who reads what.
type netlist struct {
	m       *Module
	env     map[*genvar]int
	drivers []*driver
	reads   map[net]bitset // bits that anything reads
	order   []net          // of declaration
	memRead map[*Memory]bool
	memSet  map[*Memory]bool
	mems    []*Memory
	through map[*Module]portDeps
}

// portDeps lists, for each output, the inputs that it follows combinationally.
type portDeps map[*Signal][]*Signal

// elaborate unrolls the items. through has the modules that m instantiates.
func elaborate(m *Module, items []item, through map[*Module]portDeps) *netlist {
	n := &netlist{
		m: m, env: map[*genvar]int{}, reads: map[net]bitset{}, through: through,
		memRead: map[*Memory]bool{}, memSet: map[*Memory]bool{},
	}
	for _, p := range m.ports {
		n.order = append(n.order, net{sig: p.sig})
	}
	n.items(items)
	return n
}

// netOf is the net that sig is in the current iteration, or with indices for its innermost loops.
func (n *netlist) netOf(sig *Signal, indices []Index) net {
	loops := sig.scope.loops()
	at := 0
	for i, f := range loops {
		k := n.env[f.v]
		if j := i - (len(loops) - len(indices)); j >= 0 {
			k = indices[j].eval(n.env)
		}
		at = at*f.v.n + k
	}
	return net{sig, at}
}

func (n *netlist) items(items []item) {
	for _, it := range items {
		switch x := it.(type) {
		case *vDecl:
			n.order = append(n.order, n.netOf(x.sig, nil))
			if x.init != nil {
				d := n.driver(x.pos, true)
				n.read(d, x.init)
				n.drive(d, vname(x.sig))
			}
		case *memItem:
			n.mems = append(n.mems, x.mem)
		case *vAssign:
			d := n.driver(x.pos, true)
			n.read(d, x.rhs)
			n.drive(d, x.lhs)
		case *vUnused:
			for _, v := range x.values {
				n.read(&driver{}, v)
			}
		case *vROM:
			d := n.driver(x.pos, true)
			n.read(d, x.addr)
			n.drive(d, vname(x.sig))
		case *vAlways:
			n.always(x)
		case *vInst:
			n.instance(x)
		case *vFor:
			for i := 0; i < x.loop.v.n; i++ {
				n.env[x.loop.v] = i
				n.items(x.body)
			}
			delete(n.env, x.loop.v)
		}
	}
}

func (n *netlist) driver(p pos, comb bool) *driver {
	d := &driver{pos: p, comb: comb}
	n.drivers = append(n.drivers, d)
	return d
}

func (n *netlist) always(x *vAlways) {
	if x.kind == comb {
		n.comb(x)
		return
	}
	d := n.driver(x.pos, false)
	n.read(d, vname(n.m.clk))
	if x.reset != nil {
		n.read(d, x.reset)
		n.stmts(d, x.clear)
	}
	n.stmts(d, x.body)
}

func (n *netlist) stmts(d *driver, ss []vstmt) {
	for _, s := range ss {
		switch x := s.(type) {
		case *vSet:
			n.read(d, x.rhs)
			n.drive(d, x.lhs)
		case *vIf:
			for _, a := range x.arms {
				if a.cond != nil {
					n.read(d, a.cond)
				}
				n.stmts(d, a.body)
			}
		case *vCase:
			n.read(d, x.sel)
			for _, a := range x.arms {
				for _, v := range a.labels {
					n.read(d, v)
				}
				n.stmts(d, a.body)
			}
		}
	}
}

// instance adds one driver for each output, which reads the inputs that it follows.
func (n *netlist) instance(x *vInst) {
	for _, c := range x.conns {
		if c.port.kind == kindInput {
			n.read(&driver{}, c.v)
		}
	}
	deps := n.through[x.inst.sub]
	for _, c := range x.conns {
		if c.port.kind == kindInput {
			continue
		}
		d := n.driver(x.inst.pos, true)
		for _, in := range deps[c.port] {
			for _, e := range x.conns {
				if e.port == in {
					n.read(d, e.v)
				}
			}
		}
		n.drive(d, c.v)
	}
}

// read notes that d reads e.
func (n *netlist) read(d *driver, e *vexpr) {
	n.each(e, func(s span) {
		b := n.reads[s.net]
		if b == nil {
			b = newBitset(s.sig.t.Width)
			n.reads[s.net] = b
		}
		b.set(s.hi, s.lo)
		d.reads = append(d.reads, s)
	})
}

// each calls f for every range of bits that e reads.
func (n *netlist) each(e *vexpr, f func(span)) {
	switch e.kind {
	case vName, vRef, vRange, vLane, vDynBit, vDynSel:
		s, index := n.spanOf(e)
		if s.sig != nil {
			f(s)
		}
		for _, i := range index {
			n.each(i, f)
		}
		return
	case vWord:
		n.memRead[e.mem] = true
	}
	for _, a := range e.args {
		n.each(a, f)
	}
}

// spanOf is the range that a name or a selection from one denotes, the whole width where an index
// is dynamic, and the expressions that index it. A word of a memory has no span.
func (n *netlist) spanOf(e *vexpr) (s span, index []*vexpr) {
	base := e
	if e.kind >= vRange {
		base = e.args[0]
		index = append(index, e.args[1:]...)
	}
	switch base.kind {
	case vWord:
		return span{}, append(index, base)
	case vName, vRef:
		s.net = n.netOf(base.sig, base.idxs)
	}
	s.hi, s.lo = base.t.Width-1, 0
	switch e.kind {
	case vRange:
		s.hi, s.lo = e.hi, e.lo
	case vLane:
		s.lo = e.idx.eval(n.env)
		s.hi = s.lo + e.n - 1
	}
	return s, index
}

// drive notes that d drives e. What indexes e is read.
func (n *netlist) drive(d *driver, e *vexpr) {
	s, index := n.targetOf(e)
	for _, i := range index {
		n.read(d, i)
	}
	if s.sig != nil {
		d.drive = append(d.drive, s)
	}
}

// targetOf is spanOf for targets, where a memory word is written rather than read.
func (n *netlist) targetOf(e *vexpr) (span, []*vexpr) {
	word := e
	if e.kind >= vRange {
		word = e.args[0]
	}
	if word.kind != vWord {
		return n.spanOf(e)
	}
	n.memSet[word.mem] = true
	index := append([]*vexpr(nil), word.args...)
	if e.kind >= vRange {
		index = append(index, e.args[1:]...)
	}
	return span{}, index
}

// String names the bits: gen_lane[2].prod_q[3:0].
func (s span) String() string {
	loops := s.sig.scope.loops()
	at := s.at
	path := make([]string, len(loops))
	for i := len(loops) - 1; i >= 0; i-- {
		path[i] = fmt.Sprintf("%s[%d].", loops[i].block, at%loops[i].v.n)
		at /= loops[i].v.n
	}
	name := strings.Join(path, "") + s.sig.name
	switch {
	case s.hi-s.lo+1 == s.sig.t.Width:
		return name
	case s.hi == s.lo:
		return fmt.Sprintf("%s[%d]", name, s.lo)
	}
	return fmt.Sprintf("%s[%d:%d]", name, s.hi, s.lo)
}
