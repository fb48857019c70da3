package fixedpoint

import (
	"fmt"
	"math"
	"math/bits"
)

// maxUpdateShift is the largest shift of an Update: products have at most 127
// bits and the sign.
const maxUpdateShift = 126

// Update takes a contrast and an old weight to the new weight:
//
//	w' = clamp(w + round(Mantissa * contrast * 2^-Shift), Lo, Hi)
//
// The product is exact (up to 128 bits), the change is rounded once, added
// exactly and then saturated. With Stochastic rounding round(x) is
//
//	floor(x + random * 2^-32)
//
// in the precision of x: where Shift is below 32 only the upper Shift of the 32 random bits
// count. Mantissa has its top bit, bit MantissaBits-1,
// set, or is 0 for rate 0. Shift lies in 0..126 and [Lo, Hi] spans less than
// 2^62.
type Update struct {
	Mantissa     uint64
	MantissaBits int
	Shift        int
	Mode         Rounding
	Lo, Hi       int64
}

// NewUpdate returns the Update that multiplies by the real constant r >= 0,
// rounded to nearest-even in a mantissa of the given number of bits (1..32), with the
// result saturated to format. For weights in a format with Fw fractional bits
// and a contrast with Fc,
//
//	r = lr / (2 beta B) * 2^(Fw - Fc)
//
// It fails when r is not a finite number >= 0, when r is so large that the
// shift would be negative (r >= 2^bits) or so small that it exceeds 126.
func NewUpdate(r float64, bits int, mode Rounding, format Format) (Update, error) {
	if bits < 1 || bits > 32 {
		return Update{}, fmt.Errorf("fixedpoint: update mantissa of %d bits, want 1..32", bits)
	}
	if !(r >= 0) || math.IsInf(r, 1) {
		return Update{}, fmt.Errorf("fixedpoint: update constant %g, want a finite number >= 0", r)
	}
	if w := format.Width(); w > 61 {
		return Update{}, fmt.Errorf("fixedpoint: update of %v, %d bits wide, want at most 61", format, w)
	}
	u := Update{MantissaBits: bits, Mode: mode, Lo: format.Min(), Hi: format.Max()}
	if r == 0 {
		return u, nil
	}
	frac, exp := math.Frexp(r) // r = frac * 2^exp, frac in [1/2, 1)
	m := math.RoundToEven(math.Ldexp(frac, bits))
	if m == math.Ldexp(1, bits) {
		m, exp = m/2, exp+1
	}
	u.Mantissa, u.Shift = uint64(m), bits-exp
	if u.Shift < 0 || u.Shift > maxUpdateShift {
		return Update{}, fmt.Errorf("fixedpoint: update constant %g needs a shift of %d, want 0..%d",
			r, u.Shift, maxUpdateShift)
	}
	return u, nil
}

// Constant returns the real number Mantissa * 2^-Shift that u multiplies by.
func (u Update) Constant() float64 { return math.Ldexp(float64(u.Mantissa), -u.Shift) }

// Apply returns clamp(old + round(Mantissa * contrast * 2^-Shift), Lo, Hi) for
// old in [Lo, Hi]. It panics for Stochastic, which needs random bits.
func (u Update) Apply(old, contrast int64) int64 {
	return min(max(old+u.Delta(contrast), u.Lo), u.Hi)
}

// ApplyRandom is Apply in any mode. The random bits, those of the element in a
// [RandomStream], count in Stochastic alone.
func (u Update) ApplyRandom(old, contrast int64, random uint32) int64 {
	return min(max(old+u.DeltaRandom(contrast, random), u.Lo), u.Hi)
}

// Delta returns round(Mantissa * contrast * 2^-Shift), saturated to
// [Lo-Hi-1, Hi-Lo+1]: one beyond what takes any weight from one end of the range to the
// other, so that old+Delta is out of range exactly when the exact sum is. It
// panics for Stochastic.
func (u Update) Delta(contrast int64) int64 {
	if u.Mode == Stochastic {
		panic(needsBits)
	}
	return u.DeltaRandom(contrast, 0)
}

// DeltaRandom is Delta in any mode, with random bits as in ApplyRandom.
func (u Update) DeltaRandom(contrast int64, random uint32) int64 {
	hi, lo := u.product(contrast)
	span := u.Hi - u.Lo + 1
	return min(max(u.quotient(hi, lo, random), -span), span)
}

// product returns Mantissa * contrast as hi:lo.
func (u Update) product(contrast int64) (int64, uint64) {
	mag := uint64(contrast)
	if contrast < 0 {
		mag = -mag
	}
	hi, lo := bits.Mul64(u.Mantissa, mag)
	if contrast < 0 { // two's complement of the 128-bit product
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	return int64(hi), lo
}

// quotient returns the rounded quotient of hi:lo and 2^Shift, saturated to +-2^62.
func (u Update) quotient(hi int64, lo uint64, random uint32) int64 {
	const most = 1 << 62
	qhi, q := u.round128(hi, lo, random)
	switch {
	case qhi == int64(q)>>63:
		return min(max(int64(q), -most), most)
	case qhi < 0: // does not fit an int64
		return -most
	default:
		return most
	}
}

// round128 returns the rounded quotient of the signed 128-bit number hi:lo and
// 2^Shift. It cannot overflow: |hi:lo| < 2^127, by more than a random fraction.
func (u Update) round128(hi int64, lo uint64, random uint32) (int64, uint64) {
	if u.Shift == 0 {
		return hi, lo
	}
	if u.Mode == Stochastic {
		addHi, addLo := u.fraction(random)
		lo, carry := bits.Add64(lo, addLo, 0)
		return sar128(hi+int64(addHi+carry), lo, u.Shift)
	}
	qhi, qlo := sar128(hi, lo, u.Shift)
	_, half := sar128(hi, lo, u.Shift-1)
	half &= 1 // the highest bit dropped
	var up uint64
	switch u.Mode {
	case NearestEven:
		if half == 1 && (qlo&1 == 1 || anyBelow(hi, lo, u.Shift-1)) {
			up = 1
		}
	case NearestUp:
		up = half
	}
	qlo, carry := bits.Add64(qlo, up, 0)
	return qhi + int64(carry), qlo
}

// fraction returns random * 2^(Shift-32), rounded down, as hi:lo.
func (u Update) fraction(random uint32) (hi, lo uint64) {
	switch k := u.Shift - 32; {
	case k < 0:
		return 0, uint64(random) >> -k
	case k < 64:
		return uint64(random) >> (64 - k), uint64(random) << k // a shift by 64 gives 0 in Go
	default:
		return uint64(random) << (k - 64), 0
	}
}

// sar128 shifts hi:lo right arithmetically by k in 0..127.
func sar128(hi int64, lo uint64, k int) (int64, uint64) {
	if k >= 64 {
		return hi >> 63, uint64(hi >> (k - 64))
	}
	return hi >> k, lo>>k | uint64(hi)<<(64-k) // a shift by 64 gives 0 in Go
}

// anyBelow reports whether any of the bits k-1..0 of hi:lo is set.
func anyBelow(hi int64, lo uint64, k int) bool {
	if k >= 64 {
		return lo != 0 || uint64(hi)&(1<<(k-64)-1) != 0
	}
	return lo&(1<<k-1) != 0
}
