package hdl

import (
	"math/big"
	"slices"
	"strings"
)

// legalise lowers the items of a module: expressions become vexprs, values that need a name get
// wires, loop counters that need a width get localparams. Problems go to the module's
// diagnostics; what they concern is left out or replaced by something harmless.
func legalise(m *Module) []item {
	l := &lowerer{
		diag: &m.diag, scope: &m.Scope,
		temps: map[*Scope]map[Value]*Signal{},
		used:  map[*Signal]map[int]bool{},
		seen:  map[*Signal]bool{},
		vars:  map[*Signal]bool{},
	}
	for _, p := range m.ports {
		l.seen[p.sig] = true
	}
	return l.items(m.items)
}

// items lowers the items of one scope.
func (l *lowerer) items(items []item) []item {
	out, head := l.out, l.head
	l.out, l.head = nil, nil
	for _, it := range items {
		l.item(it)
	}
	z := append(l.head, l.swallow(l.out)...)
	l.out, l.head = out, head
	return z
}

func (l *lowerer) item(it item) {
	switch x := it.(type) {
	case groupItem, commentItem, blankItem:
		l.out = append(l.out, it)
	case *declItem:
		l.decl(x)
	case *memItem:
		l.out = append(l.out, x)
	case *assignItem:
		l.at(x.pos, lvalueName(x.lhs))
		if l.assignable("Assign", x.lhs) && l.sound(x.lhs, x.rhs) {
			rhs := l.full(x.rhs)
			l.out = append(l.out, &vAssign{bare(l.self(x.lhs)), rhs, x.pos})
		}
	case *unusedItem:
		l.at(x.pos, "")
		u := &vUnused{name: x.name}
		for _, v := range x.values {
			if l.sound(v) {
				u.values = append(u.values, vcat(l.self(v)).args...)
			}
		}
		l.out = append(l.out, u)
	case *romItem:
		l.at(x.pos, x.sig.name)
		if l.sound(x.addr) {
			l.out = append(l.out, &vROM{x.sig, bare(l.self(x.addr)), x.rows, x.pos})
		}
	case *alwaysItem:
		l.always(x)
	case *instItem:
		l.instance(x.inst)
	case *genFor:
		scope := l.scope
		l.scope = x.body
		l.out = append(l.out, &vFor{x, l.items(x.body.items)})
		l.scope = scope
	}
}

// at notes the statement being lowered and what its temporaries are named after.
func (l *lowerer) at(p pos, hint string) { l.pos, l.hint = p, stem(hint) }

// sound records the errors that values carry and reports whether there were none.
func (l *lowerer) sound(vs ...Value) bool {
	n := len(l.diag.list)
	for _, v := range vs {
		l.scope.mod.addValueErrors(v)
	}
	return len(l.diag.list) == n && !hasError(vs...)
}

func hasError(vs ...Value) bool {
	for _, v := range vs {
		switch x := v.(type) {
		case *constant:
			if x.err != nil {
				return true
			}
		case *expr:
			if x.err != nil || hasError(x.args...) {
				return true
			}
		}
	}
	return false
}

func (l *lowerer) decl(x *declItem) {
	d := &vDecl{sig: x.sig, pos: x.pos}
	l.at(x.pos, x.sig.name)
	if x.init != nil && l.sound(x.init) {
		d.init = l.full(x.init)
	}
	l.seen[x.sig] = true
	l.out = append(l.out, d)
}

// lvalueBase returns the signal or memory that v selects from, as a target of an assignment.
func lvalueBase(v Value) (*Signal, *Memory) {
	switch x := v.(type) {
	case *Signal:
		return x, nil
	case *expr:
		switch x.op {
		case opMemory:
			return nil, x.mem
		case opCast, opSlice, opIdxSlice, opDynBit, opDynSlice:
			return lvalueBase(x.args[0])
		}
	}
	return nil, nil
}

func lvalueName(v Value) string {
	sig, mem := lvalueBase(v)
	switch {
	case sig != nil:
		return sig.name
	case mem != nil:
		return mem.name
	}
	return ""
}

// assignable reports targets that the given way of assigning cannot drive.
func (l *lowerer) assignable(how string, lhs Value) bool {
	sig, mem := lvalueBase(lhs)
	switch {
	case mem != nil:
		if how != "clocked block" {
			l.diag.errorf(l.pos, "%s drives memory %s, want a clocked block", how, mem.name)
			return false
		}
	case sig == nil:
		l.diag.errorf(l.pos, "%s: %s cannot be assigned, want a signal, a slice of one or a memory word", how, describe(lhs))
		return false
	case sig.is:
		l.diag.errorf(l.pos, "%s drives %s, which is driven where it is declared", how, sig.name)
		return false
	case sig.kind == kindInput:
		l.diag.errorf(l.pos, "%s drives input %s", how, sig.name)
		return false
	case sig.kind.isReg() != (how == "clocked block" || how == "Comb"):
		want := "Wire or Output"
		if !sig.kind.isReg() {
			want = "Reg or OutputReg"
		}
		l.diag.errorf(l.pos, "%s drives %v %s, want a %s", how, sig.kind, sig.name, want)
		return false
	}
	return true
}

func (l *lowerer) always(x *alwaysItem) {
	a := &vAlways{kind: x.kind, pos: x.pos}
	how := "clocked block"
	if x.kind == comb {
		how = "Comb"
		x.body.targets(l.vars)
	}
	if l.clock = x.kind != comb; l.clock {
		l.at(x.pos, "")
		a.clock = l.name(l.scope.mod.clk).sig.name
	}
	if x.kind == clockedReset {
		l.at(x.pos, "")
		a.reset = vunary("!", U(1), l.name(l.scope.mod.rst))
		a.clear = l.stmts(how, x.reset)
	}
	a.body = l.stmts(how, x.body)
	if a.reset != nil {
		a.joinReset()
	}
	l.clock = false
	clear(l.vars)
	l.out = append(l.out, a)
}

// joinReset merges the branch of the reset with a first branch that does the same.
func (a *vAlways) joinReset() {
	if len(a.body) != 1 {
		return
	}
	chain, ok := a.body[0].(*vIf)
	if !ok || len(chain.arms) < 2 || !sameSets(a.clear, chain.arms[0].body) {
		return
	}
	a.reset = vbinary("||", U(1), a.reset, chain.arms[0].cond)
	if rest := chain.arms[1:]; rest[0].cond == nil {
		a.body = rest[0].body
	} else {
		a.body = []vstmt{&vIf{arms: rest, pos: chain.pos}}
	}
}

// sameSets reports whether two blocks are the same assignments and nothing else.
func sameSets(a, b []vstmt) bool {
	return slices.EqualFunc(a, b, func(s, t vstmt) bool {
		x, ok := s.(*vSet)
		y, same := t.(*vSet)
		return ok && same && x.lhs.String() == y.lhs.String() && x.rhs.String() == y.rhs.String()
	})
}

// targets collects the signals that the block assigns.
func (b *Block) targets(set map[*Signal]bool) {
	for _, s := range b.stmts {
		switch x := s.(type) {
		case *setStmt:
			if sig, _ := lvalueBase(x.lhs); sig != nil {
				set[sig] = true
			}
		case *ifStmt:
			for _, a := range x.arms {
				a.body.targets(set)
			}
		case *caseStmt:
			for _, a := range x.arms {
				a.body.targets(set)
			}
		}
	}
}

func (l *lowerer) stmts(how string, b *Block) []vstmt {
	var out []vstmt
	for _, s := range b.stmts {
		switch x := s.(type) {
		case *commentStmt:
			out = append(out, x)
		case *setStmt:
			l.at(x.pos, lvalueName(x.lhs))
			if l.assignable(how, x.lhs) && l.sound(x.lhs, x.rhs) {
				rhs := l.full(x.rhs)
				out = append(out, &vSet{bare(l.self(x.lhs)), rhs, x.pos})
			}
		case *ifStmt:
			out = append(out, l.ifStmt(how, x))
		case *caseStmt:
			out = append(out, l.caseStmt(how, x))
		}
	}
	return out
}

func (l *lowerer) ifStmt(how string, x *ifStmt) vstmt {
	z := &vIf{pos: x.pos}
	for _, a := range x.arms {
		arm := vArm{}
		if a.cond != nil {
			l.at(x.pos, "")
			if l.sound(a.cond) {
				arm.cond = l.self(a.cond)
			} else {
				arm.cond = vzeros(1)
			}
		}
		arm.body = l.stmts(how, a.body)
		z.arms = append(z.arms, arm)
	}
	return z
}

func (l *lowerer) caseStmt(how string, x *caseStmt) vstmt {
	l.at(x.pos, "")
	z := &vCase{sel: vzeros(1), pos: x.pos}
	seen := map[string]bool{}
	if l.sound(x.sel) {
		z.sel = l.self(x.sel)
	}
	for _, a := range x.arms {
		arm := vArm{}
		for _, v := range a.labels {
			if l.sound(v) {
				label := l.self(v)
				if text := labelValue(v).String(); seen[text] {
					l.diag.errorf(x.pos, "case label %v occurs twice", label)
				} else {
					seen[text] = true
				}
				arm.labels = append(arm.labels, label)
			}
		}
		arm.body = l.stmts(how, a.body)
		z.arms = append(z.arms, arm)
	}
	return z
}

// labelValue is the number that a case label stands for.
func labelValue(v Value) *big.Int {
	switch x := v.(type) {
	case *constant:
		return x.v
	case *Signal:
		return x.number
	}
	panic("hdl: case label is no constant")
}

func (l *lowerer) instance(n *Instance) {
	z := &vInst{inst: n}
	for _, p := range n.sub.ports {
		v, ok := n.conns[p.sig.name]
		if !ok {
			l.diag.errorf(n.pos, "instance %s: port %s of module %s is not connected", n.name, p.sig.name, n.sub.name)
			continue
		}
		l.at(n.pos, strings.TrimPrefix(n.name, "u_")+"_"+stem(p.sig.name))
		if p.sig.kind != kindInput && !l.assignable("Instance", v) {
			continue
		}
		if l.sound(v) {
			z.conns = append(z.conns, vConn{p.sig, bare(l.self(v))})
		}
	}
	l.out = append(l.out, z)
}
