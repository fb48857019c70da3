package fixedpoint

import (
	"fmt"
	"math/big"
)

// Interval is a non-empty set of consecutive integers [Lo, Hi] with exact ends
// of any size. Operations return the smallest interval that holds every result
// for operands chosen independently. Intervals are immutable; the zero value is
// [0, 0].
type Interval struct {
	lo, hi *big.Int // nil means 0
}

// NewInterval returns [lo, hi]. It panics when lo > hi.
func NewInterval(lo, hi int64) Interval { return newInterval(big.NewInt(lo), big.NewInt(hi)) }

// Point returns [x, x].
func Point(x int64) Interval { return NewInterval(x, x) }

func newInterval(lo, hi *big.Int) Interval {
	if lo.Cmp(hi) > 0 {
		panic(fmt.Sprintf("fixedpoint: interval [%v, %v] is empty", lo, hi))
	}
	return Interval{lo, hi}
}

// Lo returns the lower end, as a copy.
func (x Interval) Lo() *big.Int { return copyOf(x.lo) }

// Hi returns the upper end, as a copy.
func (x Interval) Hi() *big.Int { return copyOf(x.hi) }

func copyOf(v *big.Int) *big.Int {
	if v == nil {
		return new(big.Int)
	}
	return new(big.Int).Set(v)
}

// Int64 returns the ends when both fit an int64.
func (x Interval) Int64() (lo, hi int64, ok bool) {
	l, h := x.Lo(), x.Hi()
	return l.Int64(), h.Int64(), l.IsInt64() && h.IsInt64()
}

// String returns "[lo, hi]".
func (x Interval) String() string { return fmt.Sprintf("[%v, %v]", x.Lo(), x.Hi()) }

// Equal reports whether x and y have the same ends.
func (x Interval) Equal(y Interval) bool {
	return x.Lo().Cmp(y.Lo()) == 0 && x.Hi().Cmp(y.Hi()) == 0
}

// Contains reports whether v lies in x.
func (x Interval) Contains(v int64) bool {
	b := big.NewInt(v)
	return x.Lo().Cmp(b) <= 0 && b.Cmp(x.Hi()) <= 0
}

// Within reports whether every integer of x lies in y.
func (x Interval) Within(y Interval) bool {
	return y.Lo().Cmp(x.Lo()) <= 0 && x.Hi().Cmp(y.Hi()) <= 0
}

// Add returns the range of a+b.
func (x Interval) Add(y Interval) Interval {
	return newInterval(new(big.Int).Add(x.Lo(), y.Lo()), new(big.Int).Add(x.Hi(), y.Hi()))
}

// Sub returns the range of a-b.
func (x Interval) Sub(y Interval) Interval { return x.Add(y.Neg()) }

// Neg returns the range of -a.
func (x Interval) Neg() Interval {
	return newInterval(new(big.Int).Neg(x.Hi()), new(big.Int).Neg(x.Lo()))
}

// Mul returns the hull of a*b. Both ends are reached, at corners.
func (x Interval) Mul(y Interval) Interval {
	var z Interval
	for i, a := range []*big.Int{x.Lo(), x.Hi()} {
		for j, b := range []*big.Int{y.Lo(), y.Hi()} {
			p := new(big.Int).Mul(a, b)
			if i == 0 && j == 0 {
				z = Interval{p, p}
				continue
			}
			z = z.Union(Interval{p, p})
		}
	}
	return z
}

// Shl returns the hull of a*2^k for k >= 0.
func (x Interval) Shl(k int) Interval {
	return newInterval(new(big.Int).Lsh(x.Lo(), uint(k)), new(big.Int).Lsh(x.Hi(), uint(k)))
}

// Shr returns the range of floor(a*2^-k) for k >= 0.
func (x Interval) Shr(k int) Interval { return x.Round(k, Truncate) }

// Round returns the range of a*2^-k rounded, for k >= 0. Rounding is monotone,
// so the ends go to the ends; stochastic rounding takes an end to either neighbour.
func (x Interval) Round(k int, mode Rounding) Interval {
	if mode == Stochastic {
		ceil := roundBig(x.Neg().Lo(), k, Truncate)
		return newInterval(roundBig(x.Lo(), k, Truncate), ceil.Neg(ceil))
	}
	return newInterval(roundBig(x.Lo(), k, mode), roundBig(x.Hi(), k, mode))
}

// roundBig returns v*2^-k rounded; it overwrites v.
func roundBig(v *big.Int, k int, mode Rounding) *big.Int {
	if k == 0 {
		return v
	}
	half := v.Bit(k-1) == 1 // big.Int bits are those of two's complement
	sticky := new(big.Int).And(v, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(k-1)), big.NewInt(1))).Sign() != 0
	q := v.Rsh(v, uint(k)) // floor
	if half && (mode == NearestUp || mode == NearestEven && (sticky || q.Bit(0) == 1)) {
		q.Add(q, big.NewInt(1))
	}
	return q
}

// Union returns the smallest interval that holds x and y.
func (x Interval) Union(y Interval) Interval {
	lo, hi := x.Lo(), x.Hi()
	if l := y.Lo(); l.Cmp(lo) < 0 {
		lo = l
	}
	if h := y.Hi(); h.Cmp(hi) > 0 {
		hi = h
	}
	return Interval{lo, hi}
}

// Clamp returns the range of min(max(a, lo), hi). It panics when lo > hi.
func (x Interval) Clamp(lo, hi int64) Interval {
	bound := NewInterval(lo, hi)
	clamp := func(v *big.Int) *big.Int {
		switch {
		case v.Cmp(bound.lo) < 0:
			return bound.Lo()
		case v.Cmp(bound.hi) > 0:
			return bound.Hi()
		}
		return v
	}
	return newInterval(clamp(x.Lo()), clamp(x.Hi()))
}

// Sum returns the hull of sums of exactly n terms of x, n >= 0.
func (x Interval) Sum(n int) Interval {
	k := big.NewInt(int64(n))
	return newInterval(new(big.Int).Mul(x.Lo(), k), new(big.Int).Mul(x.Hi(), k))
}

// SumUpTo returns the hull of sums of 0 to n terms of x. It bounds every
// partial sum in any order, and sums some of whose terms are absent, such as
// those over zero padding.
func (x Interval) SumUpTo(n int) Interval { return x.Union(Interval{}).Sum(n) }

// Width returns the bits of the narrowest two's complement (signed) or
// unsigned number that holds every integer of x, at least 1. It panics for
// negative integers in an unsigned number.
func (x Interval) Width(signed bool) int {
	if signed {
		return x.SignedWidth()
	}
	if x.Lo().Sign() < 0 {
		panic(fmt.Sprintf("fixedpoint: %v has no unsigned width", x))
	}
	return max(1, x.Hi().BitLen())
}

// SignedWidth returns the bits of the narrowest two's complement number that
// holds every integer of x, at least 1.
func (x Interval) SignedWidth() int {
	width := func(v *big.Int) int {
		if v.Sign() < 0 {
			v.Not(v) // -2^k needs as many bits as 2^k-1
		}
		return v.BitLen() + 1
	}
	return max(width(x.Lo()), width(x.Hi()))
}
