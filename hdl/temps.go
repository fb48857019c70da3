package hdl

import "strings"

// Temporaries: names for values that Verilog can only use by name.

// temp makes and remembers the signal that will hold v in the current scope.
func (l *lowerer) temp(v Value, base string, t Type, k kind) *Signal {
	s := &Signal{name: l.scope.freshName(base, l.pos), t: t, kind: k, scope: l.scope,
		pos: l.pos, temp: true, is: true}
	if l.temps[l.scope] == nil {
		l.temps[l.scope] = map[Value]*Signal{}
	}
	l.temps[l.scope][v] = s
	l.seen[s] = true
	return s
}

// hoist declares a wire that holds v before the current statement, or returns nil where no wire
// can: a wire cannot follow a memory word or a variable of the comb block being written.
func (l *lowerer) hoist(v Value) Value {
	if !l.hoistable(v) {
		return nil
	}
	for s := l.scope; s != nil; s = s.parent {
		if t, ok := l.temps[s][v]; ok && t.t == v.Type() {
			l.readAll(t)
			return t
		}
	}
	t := l.wire(v, v)
	l.readAll(t)
	return t
}

// wire declares the temporary for v, remembered under key.
func (l *lowerer) wire(key, v Value) *Signal {
	hint := l.hint
	if hint == "" {
		hint = firstName(v)
	}
	init := l.full(v)
	t := l.temp(key, strings.TrimPrefix(hint+"_"+holds(v), "_"), v.Type(), kindWire)
	l.used[t] = map[int]bool{}
	l.out = append(l.out, &vDecl{t, init, l.pos}, &vUnused{temp: t})
	return t
}

func (l *lowerer) readAll(t *Signal) { l.readBits(t, t.t.Width-1, 0) }

func (l *lowerer) readBits(t *Signal, hi, lo int) {
	for i := lo; i <= hi && l.used[t] != nil; i++ {
		l.used[t][i] = true
	}
}

// swallow completes the items that follow temporaries: a wire for the bits that nothing reads, or
// nothing.
func (l *lowerer) swallow(items []item) []item {
	var out []item
	for _, it := range items {
		u, ok := it.(*vUnused)
		if !ok || u.temp == nil {
			out = append(out, it)
			continue
		}
		for hi := u.temp.t.Width - 1; hi >= 0; hi-- {
			lo := hi
			for ; lo >= 0 && !l.used[u.temp][lo]; lo-- {
			}
			if lo < hi {
				u.values = append(u.values, vrange(vname(u.temp), hi, lo+1))
			}
			hi = min(hi, lo+1)
		}
		if len(u.values) > 0 {
			u.name = u.temp.scope.freshName("unused_"+u.temp.name, u.temp.pos)
			out = append(out, u)
		}
	}
	return out
}

func vrange(a *vexpr, hi, lo int) *vexpr {
	if hi-lo+1 == a.t.Width {
		return vsign(a, false)
	}
	return &vexpr{kind: vRange, t: U(hi - lo + 1), args: []*vexpr{bare(a)}, hi: hi, lo: lo}
}

// hoistable reports whether a wire beside the block can hold v.
func (l *lowerer) hoistable(v Value) bool {
	switch x := v.(type) {
	case *Signal:
		return !l.vars[x]
	case *expr:
		if x.op == opMemory {
			return false
		}
		for _, a := range x.args {
			if !l.hoistable(a) {
				return false
			}
		}
	}
	return true
}

// holds is the last part of a temporary's name: what kind of thing it holds.
func holds(v Value) string {
	x, ok := v.(*expr)
	if !ok {
		return "word"
	}
	switch x.op {
	case opAdd, opAddMod:
		return "sum"
	case opSub, opSubMod:
		return "diff"
	case opMul, opMulMod:
		return "product"
	case opNeg, opNegMod:
		return "neg"
	case opMux:
		return "sel"
	case opShl, opShlDyn, opShrDyn:
		return "shifted"
	case opCast, opExt:
		return holds(x.args[0])
	}
	return "bits"
}

// firstName is the name of the first signal in v, without the suffix of its role.
func firstName(v Value) string {
	switch x := v.(type) {
	case *Signal:
		return stem(x.name)
	case *expr:
		if x.op == opRef {
			return stem(x.sig.name)
		}
		for _, a := range x.args {
			if n := firstName(a); n != "" {
				return n
			}
		}
	}
	return ""
}

// stem drops the suffixes of registers, their next values and ports.
func stem(name string) string {
	for _, s := range []string{"_q", "_d", "_i", "_o"} {
		if t := strings.TrimSuffix(name, s); t != name && t != "" {
			return t
		}
	}
	return name
}

// truncated returns a value equal to x in which the truncation has moved into the operation below
// it, or nil if x truncates no operation that allows that: the low bits of a sum depend on the
// low bits of its operands only.
func truncated(x *expr) Value {
	signed := x.t.Signed
	s := x
	if x.op == opCast {
		inner, ok := x.args[0].(*expr)
		if !ok {
			return nil
		}
		s = inner
	}
	if s.op != opSlice || s.lo != 0 {
		return nil
	}
	a, ok := s.args[0].(*expr)
	if !ok || a.t.Signed != signed || !truncates(a) {
		return nil
	}
	return truncate(a, s.n)
}

// truncates reports whether the low bits of x depend on those of its operands only.
func truncates(x *expr) bool {
	switch x.op {
	case opAdd, opSub, opMul, opMulMod, opAddMod, opSubMod, opNeg, opNegMod, opAnd, opOr, opXor, opInv,
		opMux:
		return true
	}
	return false
}

// truncate is Trunc(v, w) with the truncation moved to the leaves, which are what Verilog can
// select from.
func truncate(v Value, w int) Value {
	x, ok := v.(*expr)
	if !ok || w >= v.Type().Width || !truncates(x) {
		return Fit(v, w)
	}
	args := make([]Value, len(x.args))
	for i, a := range x.args {
		switch {
		case x.op == opMux && i == 0:
			args[i] = a
		case x.op == opMul || x.op == opMulMod:
			args[i] = truncate(a, min(w, a.Type().Width))
		default:
			args[i] = truncate(a, w)
		}
	}
	o := x.op
	switch o {
	case opAdd:
		o = opAddMod
	case opSub:
		o = opSubMod
	case opMul:
		o = opMulMod
	case opNeg:
		o = opNegMod
	}
	return newExpr("truncate", o, Type{w, x.t.Signed}, args...)
}

// selection lowers the selections of bits, naming what they select from if Verilog cannot.
func (l *lowerer) selection(x *expr) *vexpr {
	base := x.args[0]
	if !named(base) {
		if x.op == opSlice {
			return l.sliceOf(x)
		}
		t := l.hoist(base)
		if t == nil {
			l.diag.errorf(l.pos, "bits are selected from %s, which needs a name; give it one with WireIs", describe(base))
			return vlit(&constant{t: x.t, v: zero()})
		}
		base = t
	}
	z := &vexpr{t: x.t, args: []*vexpr{bare(l.self(base))}}
	switch x.op {
	case opSlice:
		return vrange(z.args[0], x.lo+x.n-1, x.lo)
	case opIdxSlice:
		z.kind, z.idx, z.n = vLane, x.idx, x.n
	case opDynBit:
		z.kind = vDynBit
		z.args = append(z.args, l.leaf(x.args[1], AddrWidth(base.Type().Width)))
	case opDynSlice:
		z.kind, z.n, z.lo = vDynSel, x.n, x.lo
		z.args = append(z.args, l.isolated(x.args[1]))
	}
	return z
}

// isolated lowers an unsigned v that will stand beside unsized numbers, whose width it must not
// take.
func (l *lowerer) isolated(v Value) *vexpr {
	x, ok := v.(*expr)
	if !ok {
		return l.self(v)
	}
	if z, ok := truncated(x).(*expr); ok {
		x = z
	}
	if !isOperator(x.op) {
		return l.self(v)
	}
	if t := l.hoist(x); t != nil {
		return l.self(t)
	}
	return vcat(l.self(x))
}

// sliceOf lowers a slice of an operation: of a wire that holds the operation's bits up to the
// highest one wanted.
func (l *lowerer) sliceOf(x *expr) *vexpr {
	if z := truncated(x); z != nil {
		return l.self(z)
	}
	key := x.args[0]
	hi := x.lo + x.n - 1
	if t, ok := l.temps[l.scope][key]; ok && l.hoistable(key) && hi < t.t.Width {
		l.readBits(t, hi, x.lo)
		return vrange(vname(t), hi, x.lo)
	}
	if !l.hoistable(key) {
		l.diag.errorf(l.pos, "bits are selected from %s, which needs a name; give it one with WireIs", describe(key))
		return vlit(&constant{t: x.t, v: zero()})
	}
	v := key
	if y, ok := key.(*expr); ok && truncates(y) {
		v = truncate(y, hi+1)
	}
	t := l.wire(key, v)
	l.readBits(t, hi, x.lo)
	return vrange(vname(t), hi, x.lo)
}
