package hdl

// Legalising expressions. Verilog evaluates an operand at the width of its context, and lint
// wants operands to have that width already. What Verilator -Wall accepts without a warning, in a
// context of w bits, for the operands that no context reaches into (names, literals, selections,
// concatenations, sign conversions; "leaves" below):
//
//	a + b, a - b, -a       w or w-1 bits
//	a * b                  up to w bits
//	c ? a : b, a & b, ~a   w bits
//	y = a, a < b           w bits
//
// So exact sums and products print bare, and other leaves are extended by hand. A context wider
// than an operation is harmless if extending its operands extends its result (add, multiply,
// select); AddMod and its like need a context of their own width. Where there is no context, as
// in a concatenation, an exact sum would lose its carry. In both cases the value gets a name: a
// wire of its own, printed before the statement.

// lowerer legalises the expressions of one module.
type lowerer struct {
	diag  *diagnostics
	scope *Scope
	out   []item
	head  []item // localparams of loop counters, printed at the head of the block
	temps map[*Scope]map[Value]*Signal
	used  map[*Signal]map[int]bool // bits of temporaries that are read
	seen  map[*Signal]bool         // declared so far
	pos   pos
	hint  string           // what a temporary of this statement is named after
	clock bool             // in a clocked block: memories may be read
	vars  map[*Signal]bool // assigned by the comb block around: no wire can follow them
}

// full lowers the right side of an assignment to a target of v's type. Only the bits count there,
// so a sign conversion on top is dropped.
func (l *lowerer) full(v Value) *vexpr {
	w := v.Type().Width
	return bare(l.in(v, w, w))
}

// in lowers v for a context of w bits in which a leaf must have at least need bits.
func (l *lowerer) in(v Value, w, need int) *vexpr {
	tv := v.Type()
	switch x := v.(type) {
	case *constant:
		return vlit(fitConst(x, w, need))
	case *expr:
		switch x.op {
		case opExt:
			return l.in(x.args[0], w, need)
		case opCast, opSlice:
			if z := truncated(x); z != nil {
				return l.in(z, w, need)
			}
		}
		if !isOperator(x.op) {
			break
		}
		if tv.Width < w && !l.follows(x, w) {
			if t := l.hoist(x); t != nil {
				return l.leaf(t, need)
			}
			if !transparent(x) {
				if !tv.Signed {
					return vcat(vzeros(w-tv.Width), l.strict(x))
				}
				l.diag.errorf(l.pos, "%s must be extended, which needs a name; give it one with WireIs", describe(x))
			}
		}
		return l.push(x, w, false)
	}
	return l.leaf(v, need)
}

// leaf lowers a value that takes no width from its context, extending it to need bits.
func (l *lowerer) leaf(v Value, need int) *vexpr {
	if v.Type().Width < need {
		return l.extend(v, need)
	}
	return l.self(v)
}

// fitConst widens c to need bits. A negative literal is an operator applied to a positive one, so
// it gets the width of the context.
func fitConst(c *constant, w, need int) *constant {
	width := max(c.t.Width, need)
	if c.v.Sign() < 0 {
		width = max(width, w)
	}
	return &constant{t: Type{width, c.t.Signed}, v: c.v, hex: c.hex}
}

// isOperator reports whether operands of o take their width from the context.
func isOperator(o op) bool {
	switch o {
	case opAdd, opSub, opMul, opNeg, opAddMod, opSubMod, opMulMod, opNegMod, opAnd, opOr, opXor, opInv,
		opMux, opShlDyn, opShrDyn:
		return true
	}
	return false
}

// grows reports whether the result of o is wider than its operands.
func grows(o op) bool {
	return o == opAdd || o == opSub || o == opMul || o == opMulMod || o == opNeg
}

// transparent reports whether x evaluated on extended operands is x extended.
func transparent(x *expr) bool {
	switch x.op {
	case opAdd, opSub, opMul, opNeg, opMux, opAnd, opOr, opXor, opShrDyn:
		return true
	case opInv:
		return x.t.Signed
	}
	return false
}

// follows reports whether x, narrower than its context of w bits, reads well inside it. Products
// cost nothing there; sums do while the extension of their leaves stays short.
func (l *lowerer) follows(x *expr, w int) bool {
	switch x.op {
	case opMul:
		return true
	case opAdd, opSub, opMux:
		return w-x.t.Width <= 2
	case opNeg:
		a, ok := x.args[0].(*expr)
		return w-x.t.Width <= 1 || ok && a.op == opMul
	}
	return false
}

var binaryOps = map[op]string{
	opAdd: "+", opSub: "-", opMul: "*", opAddMod: "+", opSubMod: "-", opMulMod: "*",
	opEq: "==", opNe: "!=", opLt: "<", opLe: "<=", opGt: ">", opGe: ">=",
	opAnd: "&", opOr: "|", opXor: "^", opAll: "&&", opAny: "||",
}

// push lowers an operator for a context of w bits, at least its own width. With strict, every
// leaf gets all w bits, so that the result has that width without a context.
func (l *lowerer) push(x *expr, w int, strict bool) *vexpr {
	t := Type{w, x.t.Signed}
	carry := w - 1 // lint's allowance for sums
	if strict {
		carry = w
	}
	arg := func(i, need int) *vexpr {
		if strict {
			return l.pushStrict(x.args[i], w)
		}
		return l.in(x.args[i], w, need)
	}
	switch x.op {
	case opAdd, opSub:
		return l.sum(x, t, arg(0, carry), carry, arg)
	case opAddMod, opSubMod:
		return l.sum(x, t, arg(0, w), w, arg)
	case opMul, opMulMod:
		if strict {
			return vbinary("*", t, arg(0, w), arg(1, w))
		}
		return vbinary("*", t, l.factor(x.args[0], w), l.factor(x.args[1], w))
	case opNeg:
		return vunary("-", t, arg(0, carry))
	case opNegMod:
		return vunary("-", t, arg(0, w))
	case opInv:
		return vunary("~", t, arg(0, w))
	case opMux:
		return &vexpr{kind: vCond, t: t, args: []*vexpr{l.self(x.args[0]), arg(1, w), arg(2, w)}}
	case opShlDyn:
		return vbinary("<<", t, arg(0, w), l.self(x.args[1]))
	case opShrDyn:
		if x.t.Signed {
			return vbinary(">>>", t, arg(0, w), l.self(x.args[1]))
		}
		return vbinary(">>", t, arg(0, w), l.self(x.args[1]))
	default: // opAnd, opOr, opXor
		z := arg(0, w)
		for i := range x.args[1:] {
			z = vbinary(binaryOps[x.op], t, z, arg(i+1, w))
		}
		return z
	}
}

// sum joins a and the second operand of x, turning the addition of a negative constant into a
// subtraction.
func (l *lowerer) sum(x *expr, t Type, a *vexpr, need int, arg func(i, need int) *vexpr) *vexpr {
	sign := binaryOps[x.op]
	if c, ok := x.args[1].(*constant); ok && c.v.Sign() < 0 {
		minus := &constant{t: Type{max(c.t.Width, need), true}, v: zero().Neg(c.v)}
		if minus.t.holds(minus.v) {
			return vbinary(map[string]string{"+": "-", "-": "+"}[sign], t, a, vlit(minus))
		}
	}
	return vbinary(sign, t, a, arg(1, need))
}

// factor lowers an operand of a product, which may have any width up to w.
func (l *lowerer) factor(v Value, w int) *vexpr {
	if x, ok := v.(*expr); ok && isOperator(x.op) && x.op != opMul {
		if t := l.hoist(x); t != nil {
			return l.self(t)
		}
		return l.pushStrict(v, w)
	}
	if x, ok := v.(*expr); ok && x.op == opExt {
		if y, ok := x.args[0].(*expr); ok && isOperator(y.op) {
			return l.factor(y, w)
		}
	}
	return l.in(v, w, 0)
}

// pushStrict lowers v, of at most w bits, to a text that has w bits without a context.
func (l *lowerer) pushStrict(v Value, w int) *vexpr {
	switch x := v.(type) {
	case *expr:
		if x.op == opExt {
			return l.pushStrict(x.args[0], w)
		}
		if isOperator(x.op) && (x.t.Width == w || transparent(x)) {
			return l.push(x, w, true)
		}
	}
	return l.in(v, w, w)
}

// strict lowers an operator in place, at its own width, without a context.
func (l *lowerer) strict(x *expr) *vexpr { return l.push(x, x.t.Width, true) }

// selfWide reports whether the text of v has v's width without a context.
func selfWide(v Value) bool {
	x, ok := v.(*expr)
	if !ok {
		return true
	}
	if z := truncated(x); z != nil {
		return selfWide(z)
	}
	switch {
	case x.op == opExt:
		y, ok := x.args[0].(*expr)
		return !ok || !isOperator(y.op) && truncated(y) == nil
	case !isOperator(x.op):
		return true
	case grows(x.op):
		return false
	case x.op == opMux:
		return selfWide(x.args[1]) || selfWide(x.args[2])
	case x.op == opInv || x.op == opNegMod || x.op == opShlDyn || x.op == opShrDyn:
		return selfWide(x.args[0])
	}
	for _, a := range x.args {
		if selfWide(a) {
			return true
		}
	}
	return false
}

// self lowers v where no context gives it a width: the text has exactly v's width and sign.
func (l *lowerer) self(v Value) *vexpr {
	switch x := v.(type) {
	case *constant:
		return vlit(x)
	case *Signal:
		return l.name(x)
	case *expr:
		if isOperator(x.op) {
			if selfWide(x) {
				return l.push(x, x.t.Width, false)
			}
			if t := l.hoist(x); t != nil {
				return l.self(t)
			}
			return l.strict(x)
		}
		return l.selfExpr(x)
	}
	panic("hdl: unknown value")
}

// selfExpr lowers the operations that take no width from their context.
func (l *lowerer) selfExpr(x *expr) *vexpr {
	switch x.op {
	case opEq, opNe, opLt, opLe, opGt, opGe:
		return l.compare(x)
	case opAll, opAny:
		z := l.self(x.args[0])
		for _, a := range x.args[1:] {
			z = vbinary(binaryOps[x.op], U(1), z, l.self(a))
		}
		return z
	case opNot:
		return vnot(l.self(x.args[0]))
	case opRedAnd, opRedOr, opRedXor:
		return vunary(map[op]string{opRedAnd: "&", opRedOr: "|", opRedXor: "^"}[x.op], U(1), bare(l.self(x.args[0])))
	case opShl:
		return vsign(vcat(l.self(x.args[0]), vzeros(x.n)), x.t.Signed)
	case opCat:
		parts := make([]*vexpr, len(x.args))
		for i, a := range x.args {
			parts[i] = l.self(a)
		}
		return vcat(parts...)
	case opRepl:
		return vrepl(x.n, l.self(x.args[0]))
	case opExt:
		return l.extend(x.args[0], x.t.Width)
	case opCast:
		if z := truncated(x); z != nil {
			return l.self(z)
		}
		return vsign(l.self(x.args[0]), x.t.Signed)
	case opSlice, opIdxSlice, opDynBit, opDynSlice:
		return l.selection(x)
	case opMemory:
		if !l.clock {
			l.diag.errorf(l.pos, "memory %s is read outside a clocked block", x.mem.name)
		}
		return &vexpr{kind: vWord, t: x.t, mem: x.mem, args: []*vexpr{l.self(x.args[0])}}
	case opRef:
		return &vexpr{kind: vRef, t: x.t, sig: x.sig, idxs: x.idxs}
	case opIdxConst:
		return l.self(l.indexConst(x))
	}
	panic("hdl: unknown operation")
}

// compare gives both sides the width of their type: one of them must have it without a context,
// and then is the context of the other.
func (l *lowerer) compare(x *expr) *vexpr {
	a, b := x.args[0], x.args[1]
	w := a.Type().Width
	side := func(v Value, alone bool) *vexpr {
		if alone {
			return l.self(v)
		}
		return l.in(v, w, w)
	}
	va := side(a, !selfWide(b))
	vb := side(b, false)
	if (x.op == opEq || x.op == opNe) && va.kind == vSign && vb.kind == vSign {
		va, vb = bare(va), bare(vb)
	}
	return vbinary(binaryOps[x.op], U(1), va, vb)
}

// extend lowers v widened to n bits by its signedness.
func (l *lowerer) extend(v Value, n int) *vexpr {
	t := v.Type()
	switch x := v.(type) {
	case *constant:
		return vlit(&constant{t: Type{n, t.Signed}, v: x.v, hex: x.hex})
	case *expr:
		switch {
		case x.op == opExt:
			return l.extend(x.args[0], n)
		case x.op == opShl:
			return vsign(vcat(l.leaf(x.args[0], n-x.n), vzeros(x.n)), t.Signed)
		case x.op == opCast && isZeroExtended(x.args[0]):
			return vsign(l.extend(x.args[0], n), true)
		}
	}
	if !t.Signed {
		return vcat(vzeros(n-t.Width), l.self(v))
	}
	if !selectable(v) {
		tmp := l.hoist(v)
		if tmp == nil {
			l.diag.errorf(l.pos, "%s must be extended, which needs a name; give it one with WireIs", describe(v))
			return vlit(&constant{t: S(n), v: zero()})
		}
		v = tmp
	}
	msb := l.self(slice(v, t.Width-1, t.Width-1))
	return vsign(vcat(vrepl(n-t.Width, msb), l.self(v)), true)
}

// isZeroExtended reports whether the top bit of v is 0 because v was extended so.
func isZeroExtended(v Value) bool {
	x, ok := v.(*expr)
	return ok && x.op == opExt && !x.t.Signed
}
