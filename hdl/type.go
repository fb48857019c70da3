package hdl

import (
	"fmt"
	"math/big"
)

// Type is the width and signedness of a value. A signed type of width w denotes
// [-2^(w-1), 2^(w-1)-1] in two's complement, an unsigned one [0, 2^w-1]. Width is at least 1;
// the zero Type is invalid.
type Type struct {
	Width  int
	Signed bool
}

// U is the unsigned type of w bits.
func U(w int) Type { return Type{Width: w} }

// S is the signed type of w bits.
func S(w int) Type { return Type{Width: w, Signed: true} }

// String names the type as the constructors do: U(4), S(16).
func (t Type) String() string {
	if t.Signed {
		return fmt.Sprintf("S(%d)", t.Width)
	}
	return fmt.Sprintf("U(%d)", t.Width)
}

// bounds returns the smallest and largest value of t.
func (t Type) bounds() (lo, hi *big.Int) {
	one := big.NewInt(1)
	if !t.Signed {
		hi = new(big.Int).Lsh(one, uint(t.Width))
		return new(big.Int), hi.Sub(hi, one)
	}
	half := new(big.Int).Lsh(one, uint(t.Width-1))
	return new(big.Int).Neg(half), new(big.Int).Sub(half, one)
}

// holds reports whether v is a value of t.
func (t Type) holds(v *big.Int) bool {
	lo, hi := t.bounds()
	return v.Cmp(lo) >= 0 && v.Cmp(hi) <= 0
}

// wrap returns the value of t whose low t.Width bits equal those of v.
func (t Type) wrap(v *big.Int) *big.Int {
	mod := new(big.Int).Lsh(big.NewInt(1), uint(t.Width))
	z := new(big.Int).Mod(v, mod) // Euclidean: in [0, mod)
	if t.Signed && z.Bit(t.Width-1) == 1 {
		z.Sub(z, mod)
	}
	return z
}

// Value is a typed expression: a constant, a signal, a word of a memory, or an operation on
// values. Values are immutable and may be shared. The interface is sealed; package functions
// make all values.
//
// Functions that are given operands of wrong types return a value that carries the error, with
// the caller's file and line; Design.Check reports it. They do not panic.
type Value interface {
	Type() Type
	value()
}

// LValue is a Value that can be assigned: a *Signal, a Slice, Bit, DynBit, DynSlice, IndexSlice
// or IndexBit of one, or a memory word (Memory.At, Memory.SliceAt, Memory.LaneAt). Anything else
// in the place of an LValue is reported by Design.Check.
type LValue = Value

// constant is a number of a given type; v always lies in the range of t.
type constant struct {
	t   Type
	v   *big.Int
	hex bool
	err *Error
}

func (c *constant) Type() Type { return c.t }
func (c *constant) value()     {}

// Const is the constant v of type t, printed 4'd9, -13'sd128 or 1'b1. It is an error if v is
// outside the range of t.
func Const(t Type, v int64) Value { return newConst("Const", t, big.NewInt(v), false) }

// ConstBig is Const for values of any size. It prints in hexadecimal above 64 bits.
func ConstBig(t Type, v *big.Int) Value {
	if v == nil {
		return &constant{t: sane(t), v: new(big.Int), err: errorAt("ConstBig: nil value")}
	}
	return newConst("ConstBig", t, new(big.Int).Set(v), t.Width > 64)
}

// Hex is the constant whose bits are v, printed in hexadecimal: 16'hbeef. For a signed t the
// bits are read in two's complement.
func Hex(t Type, v uint64) Value {
	bits := new(big.Int).SetUint64(v)
	if t.Width >= 1 && bits.BitLen() <= t.Width {
		bits = t.wrap(bits)
	}
	return newConst("Hex", t, bits, true)
}

// Bool is the U(1) constant 1'b1 or 1'b0.
func Bool(b bool) Value {
	if b {
		return Const(U(1), 1)
	}
	return Const(U(1), 0)
}

func newConst(fn string, t Type, v *big.Int, hex bool) *constant {
	if t.Width < 1 {
		return &constant{t: sane(t), v: new(big.Int), err: errorAt("%s: width %d, want at least 1", fn, t.Width)}
	}
	if !t.holds(v) {
		lo, hi := t.bounds()
		return &constant{t: t, v: t.wrap(v), hex: hex,
			err: errorAt("%s: value %v does not fit %v, want %v to %v", fn, v, t, lo, hi)}
	}
	return &constant{t: t, v: v, hex: hex}
}

// sane returns t with a width that arithmetic can use after an error was recorded.
func sane(t Type) Type {
	t.Width = max(t.Width, 1)
	return t
}
