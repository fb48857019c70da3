package hdl

import "math/big"

func zero() *big.Int { return new(big.Int) }

// Shl is the exact a * 2^n, n bits wider than a, of a's signedness.
func Shl(a Value, n int) Value {
	t := typeOf(a)
	if n == 0 && !isNil(a) {
		return a
	}
	e := newExpr("Shl", opShl, Type{t.Width + max(n, 0), t.Signed}, a)
	e.n = n
	if n < 0 {
		e.fail("Shl: distance %d, want at least 0", n)
		e.n = 0
	}
	return e
}

// Shr is floor(a / 2^n): it drops the n low bits, so the result is n bits narrower, of a's
// signedness. n is less than a's width.
func Shr(a Value, n int) Value {
	t := typeOf(a)
	if n < 0 || n >= t.Width {
		return failed(t, a, "Shr: distance %d, want 0 to %d", n, t.Width-1)
	}
	return cast(slice(a, t.Width-1, n), t.Signed)
}

// ShlDyn is a * 2^amount modulo 2^w, of a's type. amount is unsigned.
func ShlDyn(a, amount Value) Value { return dynShift("ShlDyn", opShlDyn, a, amount) }

// ShrDyn is floor(a / 2^amount), of a's type: arithmetic for signed a. amount is unsigned.
func ShrDyn(a, amount Value) Value { return dynShift("ShrDyn", opShrDyn, a, amount) }

func dynShift(fn string, o op, a, amount Value) Value {
	e := newExpr(fn, o, typeOf(a), a, amount)
	if t := typeOf(amount); t.Signed {
		e.fail("%s: amount is %v, want unsigned", fn, t)
	}
	return e
}

// failed is a value of type t, harmless to compute with, that carries an error.
func failed(t Type, a Value, format string, args ...any) Value {
	e := newExpr("operand", opCast, sane(t), a)
	e.fail(format, args...)
	return e
}

// Slice is the bits a[hi:lo], unsigned, hi-lo+1 of them.
func Slice(a Value, hi, lo int) Value {
	if t := typeOf(a); lo < 0 || hi < lo || hi >= t.Width {
		return failed(U(hi-lo+1), a, "Slice: [%d:%d] of %v, want %d >= hi >= lo >= 0", hi, lo, t, t.Width-1)
	}
	return slice(a, hi, lo)
}

// slice composes with the selections below it, so that what remains selects from something that
// Verilog can select from, where that is possible.
func slice(a Value, hi, lo int) Value {
	w := hi - lo + 1
	switch x := a.(type) {
	case *constant:
		if x.err == nil {
			bits := U(x.t.Width).wrap(x.v)
			return &constant{t: U(w), v: U(w).wrap(bits.Rsh(bits, uint(lo))), hex: x.hex}
		}
	case *expr:
		if x.err != nil {
			break
		}
		switch {
		case x.op == opCast:
			return slice(x.args[0], hi, lo)
		case x.op == opSlice:
			return slice(x.args[0], x.lo+hi, x.lo+lo)
		case x.op == opExt && hi < x.args[0].Type().Width:
			return slice(x.args[0], hi, lo)
		case x.op == opCat:
			if part, at := within(x, hi, lo); part != nil {
				return slice(part, hi-at, lo-at)
			}
		case x.op == opIdxSlice:
			z := *x
			z.t, z.n, z.idx = U(w), w, x.idx.Plus(lo)
			return &z
		case x.op == opDynSlice:
			z := *x
			z.t, z.lo = U(w), x.lo+lo
			return &z
		}
	}
	if !isNil(a) && w == a.Type().Width {
		return cast(a, false)
	}
	e := newExpr("Slice", opSlice, U(w), a)
	e.n, e.lo = w, lo
	return e
}

// within returns the part of a concatenation that holds all of the bits [hi:lo], and the place of
// the part's lowest bit, or nil.
func within(x *expr, hi, lo int) (part Value, at int) {
	for i := len(x.args) - 1; i >= 0; i-- {
		w := x.args[i].Type().Width
		if lo >= at && hi < at+w {
			return x.args[i], at
		}
		at += w
	}
	return nil, 0
}

// Bit is the bit a[i], of type U(1).
func Bit(a Value, i int) Value {
	if t := typeOf(a); i < 0 || i >= t.Width {
		return failed(U(1), a, "Bit: [%d] of %v, want 0 to %d", i, t, t.Width-1)
	}
	return slice(a, i, i)
}

// DynBit is the bit a[idx], of type U(1). idx is unsigned and no wider than a's width needs;
// an idx at or beyond the width reads as unknown.
func DynBit(a, idx Value) Value {
	if c, ok := idx.(*constant); ok && c.err == nil && !c.t.Signed {
		return Bit(a, int(c.v.Int64()))
	}
	e := newExpr("DynBit", opDynBit, U(1), a, idx)
	ta, ti := typeOf(a), typeOf(idx)
	if need := AddrWidth(ta.Width); ti.Signed || ti.Width > need {
		e.fail("DynBit: index is %v into %v, want U(%d) or narrower", ti, ta, need)
	}
	if ta.Width == 1 {
		return failed(U(1), a, "DynBit: operand is %v, want at least 2 bits", ta)
	}
	return e
}

// DynSlice is the w bits a[idx*w +: w], unsigned. idx is unsigned; a's width is a multiple of w.
func DynSlice(a, idx Value, w int) Value {
	if c, ok := idx.(*constant); ok && c.err == nil && !c.t.Signed {
		lo := int(c.v.Int64()) * w
		return Slice(a, lo+w-1, lo)
	}
	e := newExpr("DynSlice", opDynSlice, U(w), a, idx)
	e.n = w
	ta, ti := typeOf(a), typeOf(idx)
	if w >= 1 && (ta.Width%w != 0 || ta.Width == w) {
		e.fail("DynSlice: lanes of %d bits of %v, want a multiple of %d, at least %d", w, ta, w, 2*w)
	}
	if need := AddrWidth(ta.Width / max(w, 1)); ti.Signed || ti.Width > need {
		e.fail("DynSlice: index is %v into %d lanes, want U(%d) or narrower", ti, ta.Width/max(w, 1), need)
	}
	return e
}

// AddrWidth is the number of bits that address n things, ceil(log2 n), and at least 1.
func AddrWidth(n int) int {
	w := 1
	for 1<<w < n {
		w++
	}
	return w
}

// Cat is the concatenation {hi, ..., lo}, unsigned; widths add.
func Cat(hi Value, more ...Value) Value {
	args := append([]Value{hi}, more...)
	w := 0
	for _, a := range args {
		w += typeOf(a).Width
	}
	if len(more) == 0 && !isNil(hi) {
		return AsU(hi)
	}
	return newExpr("Cat", opCat, U(w), args...)
}

// Repl is n copies of a, {n{a}}, unsigned.
func Repl(n int, a Value) Value {
	e := newExpr("Repl", opRepl, U(max(n, 1)*typeOf(a).Width), a)
	e.n = n
	if n < 1 {
		e.fail("Repl: count %d, want at least 1", n)
		e.n = 1
	}
	return e
}

// Ext extends a to w bits by its own signedness, keeping its value. w equal to a's width is a
// no-op.
func Ext(a Value, w int) Value {
	t := typeOf(a)
	if w < t.Width {
		return failed(Type{w, t.Signed}, a, "Ext: %v to %d bits, want at least %d (Trunc narrows)", t, w, t.Width)
	}
	if w == t.Width && !isNil(a) {
		return a
	}
	switch x := a.(type) {
	case *constant:
		return &constant{t: Type{w, t.Signed}, v: x.v, hex: x.hex, err: x.err}
	case *expr:
		if x.op == opExt && x.err == nil {
			return Ext(x.args[0], w)
		}
	}
	return newExpr("Ext", opExt, Type{w, t.Signed}, a)
}

// Trunc keeps the w low bits of a and its signedness: a modulo 2^w.
func Trunc(a Value, w int) Value {
	t := typeOf(a)
	if w < 1 || w > t.Width {
		return failed(Type{w, t.Signed}, a, "Trunc: %v to %d bits, want 1 to %d (Ext widens)", t, w, t.Width)
	}
	if w == t.Width {
		return a
	}
	return cast(slice(a, w-1, 0), t.Signed)
}

// Fit is Ext or Trunc, whichever leads to w bits.
func Fit(a Value, w int) Value {
	if w < typeOf(a).Width {
		return Trunc(a, w)
	}
	return Ext(a, w)
}

// AsS reads the bits of a as a signed number of the same width.
func AsS(a Value) Value { return cast(a, true) }

// AsU reads the bits of a as an unsigned number of the same width.
func AsU(a Value) Value { return cast(a, false) }

func cast(a Value, signed bool) Value {
	t := typeOf(a)
	if t.Signed == signed && !isNil(a) {
		return a
	}
	switch x := a.(type) {
	case *constant:
		to := Type{t.Width, signed}
		return &constant{t: to, v: to.wrap(x.v), hex: x.hex, err: x.err}
	case *expr:
		if x.op == opCast && x.err == nil {
			return x.args[0] // which has the other signedness, so this one
		}
	}
	return newExpr("cast", opCast, Type{t.Width, signed}, a)
}

// IndexSlice is the w bits a[w*i +: w], unsigned: lane i of a.
func IndexSlice(a Value, i Index, w int) Value {
	return indexSlice("IndexSlice", a, i.Times(w), w)
}

// IndexBit is the bit a[i], of type U(1).
func IndexBit(a Value, i Index) Value { return indexSlice("IndexBit", a, i, 1) }

func indexSlice(fn string, a Value, bit Index, w int) Value {
	t := typeOf(a)
	if lo, hi := bit.Range(); w < 1 || lo < 0 || hi+w > t.Width {
		return failed(U(w), a, "%s: bits %d to %d of %v, want 0 to %d", fn, lo, hi+w-1, t, t.Width-1)
	}
	if w == t.Width {
		return cast(a, false)
	}
	if bit.isConst() {
		return slice(a, bit.c+w-1, bit.c)
	}
	if x, ok := a.(*expr); ok && x.err == nil {
		switch x.op {
		case opCast:
			return indexSlice(fn, x.args[0], bit, w)
		case opSlice:
			return indexSlice(fn, x.args[0], bit.Plus(x.lo), w)
		case opIdxSlice:
			return indexSlice(fn, x.args[0], x.idx.PlusIdx(bit), w)
		}
	}
	e := newExpr(fn, opIdxSlice, U(w), a)
	e.idx, e.n = bit, w
	return e
}

// IndexConst is the value of i as a constant of type t. It prints as a localparam of the
// generate block, since Verilog has no sized genvar.
func IndexConst(t Type, i Index) Value {
	lo, hi := i.Range()
	if t.Width < 1 || !t.holds(big.NewInt(int64(lo))) || !t.holds(big.NewInt(int64(hi))) {
		e := newExpr("IndexConst", opIdxConst, t)
		e.fail("IndexConst: index %v runs from %d to %d, which %v does not hold", i, lo, hi, t)
		return e
	}
	if i.isConst() {
		return Const(t, int64(i.c))
	}
	e := newExpr("IndexConst", opIdxConst, t)
	e.idx = i
	return e
}
