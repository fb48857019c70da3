package fixedpoint

import (
	"fmt"
	"math/bits"
)

// Descent is an Update with weight decay and momentum. It takes a contrast c, an old
// value w and a velocity v, both in LSBs of the format of w, to new ones:
//
//	change = round(Mantissa * c * 2^-Shift - w * 2^-Decay - v * 2^-Friction)
//	v'     = clamp(v + change, VelocityMin, VelocityMax)      w' = clamp(w + v', Lo, Hi)
//
// or, without momentum, w' = clamp(w + change, Lo, Hi). The three terms are added
// exactly, and rounded once. The momentum is 1 - 2^-Friction: v and w are those of
// Polyak's heavy ball with v' = (1 - 2^-Friction) v - rate g, w' = w + v'.
type Descent struct {
	Update
	Decay    int // 1..maxDescent, or 0: no decay
	Friction int // 1..maxDescent, or 0: no momentum, hence no velocity

	VelocityMin, VelocityMax int64
}

// MaxDescent is the largest Decay and Friction. With a Shift of at most maxDescentShift
// all three terms fit 127 bits: a product of 95 bits, lifted by MaxDescent, and values of
// 61 bits, lifted by maxDescentShift.
const (
	MaxDescent      = 24
	maxDescentShift = 64
)

// Validate reports shifts out of their range.
func (d Descent) Validate() error {
	if d.Decay == 0 && d.Friction == 0 {
		return nil
	}
	if s := max(d.Decay, d.Friction); min(d.Decay, d.Friction) < 0 || s > MaxDescent {
		return fmt.Errorf("fixedpoint: shifts %d of decay and %d of momentum, want 0..%d", d.Decay, d.Friction, MaxDescent)
	}
	if d.Shift > maxDescentShift {
		return fmt.Errorf("fixedpoint: update constant %g needs a shift of %d, want at most %d with decay or momentum",
			d.Constant(), d.Shift, maxDescentShift)
	}
	return nil
}

// Fraction returns the fractional bits of the exact change.
func (d Descent) Fraction() int { return max(d.Shift, d.Decay, d.Friction) }

// Change returns the rounded change, saturated to +-2^62. The random bits count in
// Stochastic alone.
func (d Descent) Change(contrast, old, velocity int64, random uint32) int64 {
	hi, lo := d.product(contrast)
	u := d.Update
	u.Shift = d.Fraction()
	hi, lo = shl128(hi, lo, u.Shift-d.Shift)
	if d.Decay > 0 {
		hi, lo = sub128(hi, lo, old, u.Shift-d.Decay)
	}
	if d.Friction > 0 {
		hi, lo = sub128(hi, lo, velocity, u.Shift-d.Friction)
	}
	return u.quotient(hi, lo, random)
}

// Step returns the new value and velocity, and whether the new value had to be
// saturated.
func (d Descent) Step(contrast, old, velocity int64, random uint32) (value, v int64, saturated bool) {
	if d.Decay == 0 && d.Friction == 0 {
		value = old + d.DeltaRandom(contrast, random)
	} else if v = d.Change(contrast, old, velocity, random); d.Friction == 0 {
		value, v = old+v, 0
	} else {
		v = min(max(velocity+v, d.VelocityMin), d.VelocityMax)
		value = old + v
	}
	z := min(max(value, d.Lo), d.Hi)
	return z, v, z != value
}

// shl128 shifts hi:lo left by k in 0..63.
func shl128(hi int64, lo uint64, k int) (int64, uint64) {
	return hi<<k | int64(lo>>(64-k)), lo << k // a shift by 64 gives 0 in Go
}

// sub128 returns hi:lo - x * 2^k, for k in 0..64.
func sub128(hi int64, lo uint64, x int64, k int) (int64, uint64) {
	low, borrow := bits.Sub64(lo, uint64(x)<<k, 0)
	high, _ := bits.Sub64(uint64(hi), uint64(x>>(64-k)), borrow)
	return int64(high), low
}
