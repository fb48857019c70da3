package hdl

import (
	"sort"
	"strings"
)

// check reports what is wrong with a legalised module as a netlist, and returns which outputs
// follow which inputs, for the modules that instantiate it.
func check(m *Module, items []item, through map[*Module]portDeps) portDeps {
	n := elaborate(m, items, through)
	drivers := n.byNet()
	n.checkDrivers(drivers)
	n.checkReads(drivers)
	n.checkMemories()
	n.checkLoops(drivers)
	return n.deps(drivers)
}

// driven is a range of bits and its driver.
type driven struct {
	span
	by *driver
}

// byNet sorts the driven ranges of each net by their lowest bit.
func (n *netlist) byNet() map[net][]driven {
	z := map[net][]driven{}
	for _, d := range n.drivers {
		for _, s := range d.drive {
			z[s.net] = append(z[s.net], driven{s, d})
		}
	}
	for _, list := range z {
		sort.SliceStable(list, func(i, j int) bool { return list[i].lo < list[j].lo })
	}
	return z
}

// once calls report for the first net of each signal for which it returns true: the iterations of
// a loop mostly share their problems.
func (n *netlist) once(report func(net) bool) {
	done := map[*Signal]bool{}
	for _, x := range n.order {
		if !done[x.sig] && report(x) {
			done[x.sig] = true
		}
	}
}

// checkDrivers reports bits with more than one driver, and bits without one.
func (n *netlist) checkDrivers(drivers map[net][]driven) {
	n.once(func(x net) bool {
		list := drivers[x]
		for i := range list {
			for j := i + 1; j < len(list) && list[j].lo <= list[i].hi; j++ {
				if a, b := list[i], list[j]; a.by != b.by {
					both := span{x, min(a.hi, b.hi), b.lo}
					n.m.diag.errorf(b.by.pos, "%v is driven twice, here and at %s:%d", both, a.by.pos.file, a.by.pos.line)
					return true
				}
			}
		}
		return false
	})
	n.once(func(x net) bool {
		if x.sig.kind == kindInput {
			return false
		}
		set := newBitset(x.sig.t.Width)
		for _, d := range drivers[x] {
			set.set(d.hi, d.lo)
		}
		hi, lo, missing := set.gap(x.sig.t.Width)
		if missing {
			n.m.diag.errorf(x.sig.pos, "%v %v is not driven", x.sig.kind, span{x, hi, lo})
		}
		return missing
	})
}

// checkReads reports signals, and bits of signals, that nothing reads, as lint does.
func (n *netlist) checkReads(drivers map[net][]driven) {
	n.once(func(x net) bool {
		k := x.sig.kind
		if k == kindOutput || k == kindOutputReg {
			return false
		}
		set := n.reads[x]
		if k == kindLocalparam {
			if set == nil {
				n.m.diag.errorf(x.sig.pos, "localparam %v is not used", span{x, x.sig.t.Width - 1, 0})
			}
			return set == nil
		}
		if set == nil {
			set = newBitset(x.sig.t.Width)
		}
		hi, lo, missing := set.gap(x.sig.t.Width)
		if missing {
			n.m.diag.errorf(x.sig.pos, "%v %v is not read; use it or pass it to Unused", k, span{x, hi, lo})
		}
		return missing
	})
}

func (n *netlist) checkMemories() {
	done := map[*Memory]bool{}
	for _, m := range n.mems {
		if done[m] {
			continue
		}
		done[m] = true
		if !n.memSet[m] {
			n.m.diag.errorf(m.pos, "memory %s is not written", m.name)
		}
		if !n.memRead[m] {
			n.m.diag.errorf(m.pos, "memory %s is not read", m.name)
		}
	}
}

// follows calls f for each combinational driver of what d reads.
func (d *driver) follows(drivers map[net][]driven, f func(s span, by *driver)) {
	for _, s := range d.reads {
		for _, x := range drivers[s.net] {
			if x.lo > s.hi {
				break
			}
			if x.hi >= s.lo && x.by.comb {
				f(s, x.by)
			}
		}
	}
}

// checkLoops reports cycles of combinational drivers, each once.
func (n *netlist) checkLoops(drivers map[net][]driven) {
	const (
		active = 1
		done   = 2
	)
	state := map[*driver]int{}
	var path []span // what is read between the drivers on the stack
	var stack []*driver
	var visit func(d *driver)
	visit = func(d *driver) {
		state[d] = active
		stack = append(stack, d)
		d.follows(drivers, func(s span, by *driver) {
			switch state[by] {
			case active:
				n.reportLoop(append(path, s), stack, by)
			case 0:
				path = append(path, s)
				visit(by)
				path = path[:len(path)-1]
			}
		})
		stack = stack[:len(stack)-1]
		state[d] = done
	}
	for _, d := range n.drivers {
		if d.comb && state[d] == 0 {
			visit(d)
		}
	}
}

// reportLoop names the signals of a cycle that begins and ends at first.
func (n *netlist) reportLoop(path []span, stack []*driver, first *driver) {
	for i, d := range stack {
		if d != first {
			continue
		}
		var names []string
		for j := len(path) - 1; j >= i; j-- {
			names = append(names, path[j].String())
		}
		names = append(names, names[0])
		n.m.diag.errorf(first.pos, "combinational loop: %s", strings.Join(names, " -> "))
		return
	}
}

// deps finds the inputs that each output follows.
func (n *netlist) deps(drivers map[net][]driven) portDeps {
	z := portDeps{}
	for _, p := range n.m.ports {
		if p.sig.kind == kindInput {
			continue
		}
		seen := map[*driver]bool{}
		inputs := map[*Signal]bool{}
		var visit func(d *driver)
		visit = func(d *driver) {
			if seen[d] || !d.comb {
				return
			}
			seen[d] = true
			for _, s := range d.reads {
				if s.sig.kind == kindInput {
					inputs[s.sig] = true
				}
			}
			d.follows(drivers, func(_ span, by *driver) { visit(by) })
		}
		for _, d := range drivers[net{sig: p.sig}] {
			visit(d.by)
		}
		for _, q := range n.m.ports {
			if inputs[q.sig] {
				z[p.sig] = append(z[p.sig], q.sig)
			}
		}
	}
	return z
}
