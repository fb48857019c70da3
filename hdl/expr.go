package hdl

// op names the operation of an expr.
type op int

const (
	opAdd op = iota
	opSub
	opMul
	opNeg
	opAddMod
	opSubMod
	opMulMod // low bits of a product; made by truncation only
	opNegMod // low bits of a negation; made by truncation only
	opEq
	opNe
	opLt
	opLe
	opGt
	opGe
	opAnd
	opOr
	opXor
	opInv
	opAll
	opAny
	opNot
	opRedAnd
	opRedOr
	opRedXor
	opMux
	opShl
	opShlDyn
	opShrDyn
	opSlice    // args[0][lo+n-1:lo]
	opDynBit   // args[0][args[1]]
	opDynSlice // args[0][n*args[1] + lo +: width]
	opIdxSlice // args[0][idx +: n]
	opCat
	opRepl
	opExt
	opCast
	opMemory // mem[args[0]]
	opRef    // signal of another generate block
	opIdxConst
)

// expr is an operation on values. The width calculus is in the constructors: t is the exact
// type of the result, and operands have the types the constructor's comment demands.
type expr struct {
	op   op
	t    Type
	args []Value
	n    int   // opSlice, opIdxSlice: width; opDynSlice: stride; opShl: distance; opRepl: count
	lo   int   // opSlice, opDynSlice: lowest bit
	idx  Index // opIdxSlice: lowest bit; opIdxConst: the value
	idxs []Index
	mem  *Memory
	sig  *Signal // opRef
	err  *Error
}

func (e *expr) Type() Type { return e.t }
func (e *expr) value()     {}

// newExpr guards against nil operands and widths below 1, so that later code need not.
func newExpr(fn string, o op, t Type, args ...Value) *expr {
	e := &expr{op: o, t: t, args: args}
	for i, a := range args {
		if isNil(a) {
			args[i] = &constant{t: U(1), v: zero()}
			e.fail("%s: operand %d is nil", fn, i+1)
		}
	}
	if t.Width < 1 {
		e.fail("%s: width %d, want at least 1", fn, t.Width)
		e.t = sane(t)
	}
	return e
}

// fail records the first error of e.
func (e *expr) fail(format string, args ...any) {
	if e.err == nil {
		e.err = errorAt(format, args...)
	}
}

func isNil(v Value) bool {
	switch x := v.(type) {
	case nil:
		return true
	case *Signal:
		return x == nil
	case *expr:
		return x == nil
	case *constant:
		return x == nil
	}
	return false
}

// typeOf is v.Type with nil treated as U(1); newExpr reports the nil.
func typeOf(v Value) Type {
	if isNil(v) {
		return U(1)
	}
	return v.Type()
}

func sameSign(fn string, o op, t Type, a, b Value) Value {
	e := newExpr(fn, o, t, a, b)
	if ta, tb := typeOf(a), typeOf(b); ta.Signed != tb.Signed {
		e.fail("%s: operands are %v and %v, want equal signedness", fn, ta, tb)
	}
	return e
}

func sameType(fn string, o op, t Type, args ...Value) *expr {
	e := newExpr(fn, o, t, args...)
	for _, b := range args[1:] {
		if ta, tb := typeOf(args[0]), typeOf(b); ta != tb {
			e.fail("%s: operands are %v and %v, want identical types", fn, ta, tb)
		}
	}
	return e
}

// Add is the exact sum a+b. Operands have the same signedness; the result has it too and
// max(wa, wb)+1 bits.
func Add(a, b Value) Value {
	ta, tb := typeOf(a), typeOf(b)
	return sameSign("Add", opAdd, Type{max(ta.Width, tb.Width) + 1, ta.Signed}, a, b)
}

// Sub is the exact difference a-b of signed operands, of max(wa, wb)+1 bits.
func Sub(a, b Value) Value {
	ta, tb := typeOf(a), typeOf(b)
	v := sameSign("Sub", opSub, S(max(ta.Width, tb.Width)+1), a, b)
	if e := v.(*expr); !ta.Signed && e.err == nil {
		e.fail("Sub: operands are %v and %v, want signed (SubMod wraps)", ta, tb)
	}
	return v
}

// Mul is the exact product a*b. Operands have the same signedness; the result has wa+wb bits.
func Mul(a, b Value) Value {
	ta, tb := typeOf(a), typeOf(b)
	return sameSign("Mul", opMul, Type{ta.Width + tb.Width, ta.Signed}, a, b)
}

// Neg is the exact negation -a of a signed operand, one bit wider than it.
func Neg(a Value) Value {
	t := typeOf(a)
	e := newExpr("Neg", opNeg, S(t.Width+1), a)
	if !t.Signed {
		e.fail("Neg: operand is %v, want signed", t)
	}
	return e
}

// AddMod is a+b modulo 2^w for operands of one type of width w, which the result has too.
func AddMod(a, b Value) Value { return sameType("AddMod", opAddMod, typeOf(a), a, b) }

// SubMod is a-b modulo 2^w for operands of one type of width w, which the result has too.
func SubMod(a, b Value) Value { return sameType("SubMod", opSubMod, typeOf(a), a, b) }

// Eq is a == b, for operands of one type. All comparisons return U(1). A comparison with a
// constant at the end of its type's range that cannot come out otherwise is a constant.
func Eq(a, b Value) Value { return sameType("Eq", opEq, U(1), a, b) }

// Ne is a != b.
func Ne(a, b Value) Value { return sameType("Ne", opNe, U(1), a, b) }

// Lt is a < b.
func Lt(a, b Value) Value { return ordered("Lt", opLt, a, b, atMin(b) || atMax(a), false) }

// Le is a <= b.
func Le(a, b Value) Value { return ordered("Le", opLe, a, b, atMax(b) || atMin(a), true) }

// Gt is a > b.
func Gt(a, b Value) Value { return ordered("Gt", opGt, a, b, atMax(b) || atMin(a), false) }

// Ge is a >= b.
func Ge(a, b Value) Value { return ordered("Ge", opGe, a, b, atMin(b) || atMax(a), true) }

// ordered folds a comparison that is decided, since lint warns of those.
func ordered(fn string, o op, a, b Value, decided, result bool) Value {
	e := sameType(fn, o, U(1), a, b)
	if decided && e.err == nil {
		return Bool(result)
	}
	return e
}

// atMin reports whether v is the constant that is least in its type, atMax the greatest.
func atMin(v Value) bool {
	c, ok := v.(*constant)
	if !ok || c == nil || c.err != nil {
		return false
	}
	lo, _ := c.t.bounds()
	return c.v.Cmp(lo) == 0
}

func atMax(v Value) bool {
	c, ok := v.(*constant)
	if !ok || c == nil || c.err != nil {
		return false
	}
	_, hi := c.t.bounds()
	return c.v.Cmp(hi) == 0
}

// EqConst is a == v, with v as a constant of a's type.
func EqConst(a Value, v int64) Value { return Eq(a, Const(typeOf(a), v)) }

// NeConst is a != v.
func NeConst(a Value, v int64) Value { return Ne(a, Const(typeOf(a), v)) }

// LtConst is a < v.
func LtConst(a Value, v int64) Value { return Lt(a, Const(typeOf(a), v)) }

// LeConst is a <= v.
func LeConst(a Value, v int64) Value { return Le(a, Const(typeOf(a), v)) }

// GeConst is a >= v.
func GeConst(a Value, v int64) Value { return Ge(a, Const(typeOf(a), v)) }

// And is the bitwise conjunction of operands of one type, which the result has too.
func And(a Value, more ...Value) Value { return variadic("And", opAnd, a, more) }

// Or is the bitwise disjunction of operands of one type.
func Or(a Value, more ...Value) Value { return variadic("Or", opOr, a, more) }

// Xor is the bitwise exclusive disjunction of operands of one type.
func Xor(a Value, more ...Value) Value { return variadic("Xor", opXor, a, more) }

func variadic(fn string, o op, a Value, more []Value) Value {
	if len(more) == 0 && !isNil(a) {
		return a
	}
	return sameType(fn, o, typeOf(a), append([]Value{a}, more...)...)
}

// Inv is the bitwise complement ~a.
func Inv(a Value) Value { return newExpr("Inv", opInv, typeOf(a), a) }

// All is the logical conjunction of U(1) operands, printed a && b.
func All(a Value, more ...Value) Value { return logical("All", opAll, a, more) }

// Any is the logical disjunction of U(1) operands, printed a || b.
func Any(a Value, more ...Value) Value { return logical("Any", opAny, a, more) }

func logical(fn string, o op, a Value, more []Value) Value {
	if len(more) == 0 && !isNil(a) && a.Type() == U(1) {
		return a
	}
	e := newExpr(fn, o, U(1), append([]Value{a}, more...)...)
	for i, x := range e.args {
		if t := typeOf(x); t != U(1) {
			e.fail("%s: operand %d is %v, want U(1)", fn, i+1, t)
		}
	}
	return e
}

// Not is the logical negation !a of a U(1) operand.
func Not(a Value) Value {
	e := newExpr("Not", opNot, U(1), a)
	if t := typeOf(a); t != U(1) {
		e.fail("Not: operand is %v, want U(1)", t)
	}
	return e
}

// RedAnd is &a: 1 when all bits of a are 1.
func RedAnd(a Value) Value { return newExpr("RedAnd", opRedAnd, U(1), a) }

// RedOr is |a: 1 when any bit of a is 1.
func RedOr(a Value) Value { return newExpr("RedOr", opRedOr, U(1), a) }

// RedXor is ^a: the parity of a.
func RedXor(a Value) Value { return newExpr("RedXor", opRedXor, U(1), a) }

// Mux is c ? a : b, where c is U(1) and a and b have one type, which the result has too.
func Mux(c, a, b Value) Value {
	e := newExpr("Mux", opMux, typeOf(a), c, a, b)
	if t := typeOf(c); t != U(1) {
		e.fail("Mux: condition is %v, want U(1)", t)
	}
	if ta, tb := typeOf(a), typeOf(b); ta != tb {
		e.fail("Mux: operands are %v and %v, want identical types", ta, tb)
	}
	return e
}
