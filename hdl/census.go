package hdl

import (
	"cmp"
	"slices"
)

// Multipliers counts multipliers with operands of A and B bits, A >= B. A constant operand has
// the bits its value needs; powers of two are no multipliers.
type Multipliers struct{ A, B, Count int }

// Operators counts operators of one width.
type Operators struct{ Width, Count int }

// MemoryCount counts memories of one module, name and shape.
type MemoryCount struct {
	Module, Name string
	Width, Depth int
	Count        int
}

// Bits is the size of all of them together.
func (m MemoryCount) Bits() int { return m.Width * m.Depth * m.Count }

// Counts is the hardware of one module or of a hierarchy, as its text states it, before any
// sharing or pruning by a synthesiser. Lists are sorted.
type Counts struct {
	Multipliers  []Multipliers
	Adders       []Operators // sums, differences and negations, by the width of the result
	Comparators  []Operators // == != < <= > >=, by the width of the operands
	RegisterBits int         // bits of variables that clocked blocks assign
	MuxBits      int         // two-to-one multiplexers: see countMuxes
	ROMBits      int
	Memories     []MemoryCount
	MemoryBits   int
	Logic        Logic
}

// ModuleCounts is the hardware of one module without its instances, and how often the design uses
// the module.
type ModuleCounts struct {
	Module string
	Uses   int
	Counts
}

// Census counts the hardware of a design: each module by itself, in the order of Design.Modules,
// and the whole hierarchy with instances and generate loops multiplied.
type Census struct {
	Modules []ModuleCounts
	Total   Counts
}

// Census counts the hardware of the design. It is empty if Check fails.
func (d *Design) Census() Census {
	lows, err := d.lower()
	if err != nil {
		return Census{}
	}
	uses := map[*Module]int{d.Top: 1}
	counters := make([]*counter, len(lows))
	for i := len(lows) - 1; i >= 0; i-- { // users before the used
		m := lows[i].m
		c := newCounter(m.name)
		c.items(lows[i].items, 1)
		for sub, n := range c.instances {
			uses[sub] += n * uses[m]
		}
		counters[i] = c
	}
	total := newCounter("")
	var z Census
	for i, c := range counters {
		n := uses[lows[i].m]
		z.Modules = append(z.Modules, ModuleCounts{lows[i].m.name, n, c.counts()})
		total.merge(c, n)
	}
	z.Total = total.counts()
	return z
}

// counter counts the hardware of one module.
type counter struct {
	module      string
	multipliers map[[2]int]int
	adders      map[int]int
	comparators map[int]int
	memories    map[MemoryCount]int // keys have no Count
	registers   int
	muxes       int
	rom         int
	logic       Logic
	instances   map[*Module]int
}

func newCounter(module string) *counter {
	return &counter{
		module: module, multipliers: map[[2]int]int{}, adders: map[int]int{},
		comparators: map[int]int{}, memories: map[MemoryCount]int{}, instances: map[*Module]int{},
	}
}

// merge adds n times the counts of b, without its instances.
func (c *counter) merge(b *counter, n int) {
	for k, v := range b.multipliers {
		c.multipliers[k] += n * v
	}
	for k, v := range b.adders {
		c.adders[k] += n * v
	}
	for k, v := range b.comparators {
		c.comparators[k] += n * v
	}
	for k, v := range b.memories {
		c.memories[k] += n * v
	}
	c.registers += n * b.registers
	c.muxes += n * b.muxes
	c.rom += n * b.rom
	c.logic.add(&b.logic, n)
}

// items counts a scope that exists times times.
func (c *counter) items(items []item, times int) {
	for _, it := range items {
		switch x := it.(type) {
		case *vDecl:
			if x.init != nil {
				c.expr(x.init, times)
			}
		case *memItem:
			c.memories[MemoryCount{Module: c.module, Name: x.mem.name, Width: x.mem.word.Width, Depth: x.mem.depth}] += times
		case *vAssign:
			c.expr(x.lhs, times)
			c.expr(x.rhs, times)
		case *vROM:
			c.expr(x.addr, times)
			c.rom += times * len(x.rows) * x.sig.t.Width
			c.logic.TableBits += times * tableBits(x)
		case *vAlways:
			c.always(x, times)
		case *vInst:
			c.instances[x.inst.sub] += times
			for _, p := range x.conns {
				c.expr(p.v, times)
			}
		case *vFor:
			c.items(x.body, times*x.loop.v.n)
		}
	}
}

// target is what an assignment in an always block assigns: a signal or bits of it, by their text.
// A dynamic selection counts as the signal.
type target struct {
	sig  *Signal
	bits string
}

// always counts a block: its expressions, its registers, and the multiplexers that choose between
// the assignments to one target.
func (c *counter) always(x *vAlways, times int) {
	clear, body := map[target]int{}, map[target]int{}
	width := map[target]int{}
	c.stmts(x.clear, times, clear, width)
	c.stmts(x.body, times, body, width)
	for t, n := range body {
		c.muxes += times * (n - 1) * width[t]
		c.logic.SetBits += times * (n - 1) * width[t]
	}
	if x.kind == comb {
		return
	}
	for t, w := range width {
		if _, whole := width[target{t.sig, ""}]; t.bits == "" || !whole {
			c.registers += times * w
		}
	}
}

func (c *counter) stmts(ss []vstmt, times int, sets, width map[target]int) {
	for _, s := range ss {
		switch x := s.(type) {
		case *vSet:
			c.expr(x.lhs, times)
			c.expr(x.rhs, times)
			if readsMemory(x.rhs) {
				c.logic.ReadBits += times * x.rhs.t.Width
			}
			if t, w, ok := targetOf(x.lhs); ok {
				sets[t]++
				width[t] = w
			}
		case *vIf:
			c.arms(x.arms, times, sets, width)
		case *vCase:
			c.expr(x.sel, times)
			for _, a := range x.arms {
				c.logic.EqualBits += times * len(a.labels) * x.sel.t.Width
			}
			c.arms(x.arms, times, sets, width)
		}
	}
}

// readsMemory reports a word of a memory or a lane of one.
func readsMemory(e *vexpr) bool {
	return e.kind == vWord || e.kind >= vRange && e.args[0].kind == vWord
}

// targetOf is the target that e assigns and its width; ok is false for a memory word.
func targetOf(e *vexpr) (t target, width int, ok bool) {
	switch {
	case e.kind == vName:
		return target{e.sig, ""}, e.t.Width, true
	case e.kind < vRange || e.args[0].kind != vName:
		return target{}, 0, false
	case e.kind == vDynBit || e.kind == vDynSel:
		return target{e.args[0].sig, ""}, e.args[0].t.Width, true
	}
	return target{e.args[0].sig, e.String()}, e.t.Width, true
}

func (c *counter) arms(arms []vArm, times int, sets, width map[target]int) {
	for _, a := range arms {
		if a.cond != nil {
			c.expr(a.cond, times)
		}
		c.stmts(a.body, times, sets, width)
	}
}

func (c *counter) expr(e *vexpr, times int) {
	e.walk(func(a *vexpr) {
		switch a.kind {
		case vUnary:
			if a.op == "-" {
				c.adders[a.t.Width] += times
			}
		case vBinary:
			c.binary(a, times)
		}
		c.muxes += times * countMuxes(a)
		c.logic.operator(a, times)
	})
}

func (c *counter) binary(a *vexpr, times int) {
	switch a.op {
	case "+", "-":
		c.adders[a.t.Width] += times
	case "==", "!=", "<", "<=", ">", ">=":
		c.comparators[a.args[0].t.Width] += times
	case "*":
		x, y := factorWidth(a.args[0]), factorWidth(a.args[1])
		if x > 0 && y > 0 {
			c.multipliers[[2]int{max(x, y), min(x, y)}] += times
		}
	}
}

// factorWidth is the width of an operand of a product, and 0 for a constant that makes a shift of
// it.
func factorWidth(a *vexpr) int {
	if a.kind != vLit {
		return a.t.Width
	}
	abs := zero().Abs(a.c.v)
	if abs.Sign() == 0 || int(abs.TrailingZeroBits()) == abs.BitLen()-1 {
		return 0
	}
	if a.t.Signed {
		return abs.BitLen() + 1
	}
	return abs.BitLen()
}

// countMuxes is the number of two-to-one multiplexers of one bit in the operator a itself: one a
// bit for c ? x : y, one a bit and stage for a shift by a variable distance, and one less than the
// choices, a bit, for a selection by a variable index. (Assignments in always blocks add one a bit
// for every assignment to a variable after the first, those under reset aside.)
func countMuxes(a *vexpr) int {
	switch a.kind {
	case vCond:
		return a.t.Width
	case vBinary:
		if a.op == "<<" || a.op == ">>" || a.op == ">>>" {
			return a.t.Width * a.args[1].t.Width
		}
	case vDynBit:
		return a.args[0].t.Width - 1
	case vDynSel:
		return (a.args[0].t.Width/a.n - 1) * a.t.Width
	}
	return 0
}

// counts sorts what was counted.
func (c *counter) counts() Counts {
	z := Counts{
		Adders: operators(c.adders), Comparators: operators(c.comparators),
		RegisterBits: c.registers, MuxBits: c.muxes, ROMBits: c.rom, Logic: c.logic,
	}
	for k, n := range c.multipliers {
		z.Multipliers = append(z.Multipliers, Multipliers{k[0], k[1], n})
	}
	slices.SortFunc(z.Multipliers, func(a, b Multipliers) int {
		return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
	for m, n := range c.memories {
		m.Count = n
		z.Memories = append(z.Memories, m)
		z.MemoryBits += m.Bits()
	}
	slices.SortFunc(z.Memories, func(a, b MemoryCount) int {
		return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Width, b.Width), cmp.Compare(a.Depth, b.Depth))
	})
	return z
}

func operators(counts map[int]int) []Operators {
	var z []Operators
	for w, n := range counts {
		z = append(z, Operators{w, n})
	}
	slices.SortFunc(z, func(a, b Operators) int { return cmp.Compare(a.Width, b.Width) })
	return z
}
