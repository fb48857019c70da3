package fixedpoint

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// roundRat is rounding by definition, on exact rationals: the floor, plus one
// when the fraction is above one half, or equal to it and the mode says so.
func roundRat(x *big.Rat, mode Rounding) *big.Int {
	floor := new(big.Int).Div(x.Num(), x.Denom()) // Euclidean, Denom > 0
	frac := new(big.Rat).Sub(x, new(big.Rat).SetInt(floor))
	half := frac.Cmp(big.NewRat(1, 2))
	if mode != Truncate && (half > 0 || half == 0 && (mode == NearestUp || floor.Bit(0) == 1)) {
		floor.Add(floor, big.NewInt(1))
	}
	return floor
}

func scaled(x int64, shift int) *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(x), new(big.Int).Lsh(big.NewInt(1), uint(shift)))
}

// TestRoundingExhaustive covers every 9-bit value, shift and mode.
func TestRoundingExhaustive(t *testing.T) {
	for mode := NearestEven; mode <= Truncate; mode++ {
		for shift := range 10 {
			for x := int64(-256); x < 256; x++ {
				exact := scaled(x, shift)
				if got, want := mode.Shift(x, shift), roundRat(exact, mode).Int64(); got != want {
					t.Errorf("%v: %d * 2^-%d = %d, want %d", mode, x, shift, got, want)
				}
				r := Requant{Shift: shift, Mode: mode, Lo: -3, Hi: 5}
				want := min(max(roundRat(exact, mode).Int64(), -3), 5)
				got, tie := r.ApplyTie(x)
				if got != want || r.Apply(x) != want {
					t.Errorf("%+v.Apply(%d) = %d, want %d", r, x, got, want)
				}
				isTie := exact.Denom().Cmp(big.NewInt(2)) == 0 && roundRat(exact, mode).Int64() == want
				if tie != isTie {
					t.Errorf("%+v: tie of %d is %v, want %v", r, x, tie, isTie)
				}
			}
		}
	}
}

// TestRoundingWide covers the ends of the range, where x+half would overflow.
func TestRoundingWide(t *testing.T) {
	for mode := NearestEven; mode <= Truncate; mode++ {
		for _, x := range []int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64, math.MaxInt64 - 1, 1 << 62, -1 << 62} {
			for shift := range 64 {
				if got, want := mode.Shift(x, shift), roundRat(scaled(x, shift), mode).Int64(); got != want {
					t.Errorf("%v: %d * 2^-%d = %d, want %d", mode, x, shift, got, want)
				}
			}
		}
	}
}

// applyRat is Update by definition.
func applyRat(u Update, old, contrast int64) int64 {
	p := new(big.Int).Mul(new(big.Int).SetUint64(u.Mantissa), big.NewInt(contrast))
	exact := new(big.Rat).SetFrac(p, new(big.Int).Lsh(big.NewInt(1), uint(u.Shift)))
	sum := roundRat(exact, u.Mode)
	sum.Add(sum, big.NewInt(old))
	switch {
	case sum.Cmp(big.NewInt(u.Lo)) < 0:
		return u.Lo
	case sum.Cmp(big.NewInt(u.Hi)) > 0:
		return u.Hi
	}
	return sum.Int64()
}

func TestUpdateExhaustive(t *testing.T) {
	for mode := NearestEven; mode <= Truncate; mode++ {
		for shift := range 8 {
			for mantissa := uint64(8); mantissa < 16; mantissa++ {
				u := Update{Mantissa: mantissa, MantissaBits: 4, Shift: shift, Mode: mode, Lo: -8, Hi: 7}
				for old := u.Lo; old <= u.Hi; old++ {
					for c := int64(-40); c <= 40; c++ {
						if got, want := u.Apply(old, c), applyRat(u, old, c); got != want {
							t.Fatalf("%+v.Apply(%d, %d) = %d, want %d", u, old, c, got, want)
						}
					}
				}
			}
		}
	}
}

// TestUpdateWide draws contrasts of every size and all shifts, so that products
// use all 128 bits.
func TestUpdateWide(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	for range 20000 {
		u := Update{
			Mantissa: 1<<31 | uint64(rng.Uint32()), MantissaBits: 32, Shift: rng.IntN(maxUpdateShift + 1),
			Mode: Rounding(rng.IntN(3)), Lo: -1 << 60, Hi: 1<<60 - 1,
		}
		c := int64(rng.Uint64()) >> rng.IntN(64)
		if rng.IntN(2) == 0 && u.Shift < 63 { // near a tie
			u.Mantissa = 1 << 31
			c = (c>>1|1)<<max(0, u.Shift-32) + rng.Int64N(3) - 1
		}
		old := rng.Int64N(1<<61) - 1<<60
		if got, want := u.Apply(old, c), applyRat(u, old, c); got != want {
			t.Fatalf("%+v.Apply(%d, %d) = %d, want %d", u, old, c, got, want)
		}
		sum := old + u.Delta(c)
		if saturated := applyRat(u, old, c) != sum; saturated != (sum < u.Lo || sum > u.Hi) {
			t.Fatalf("%+v: old %d, contrast %d: old+Delta %d does not tell saturation", u, old, c, sum)
		}
	}
}

func TestNewUpdate(t *testing.T) {
	for _, c := range []struct {
		r        float64
		bits     int
		mantissa uint64
		shift    int
	}{
		{0, 16, 0, 0},
		{1, 16, 1 << 15, 15},
		{0.5, 1, 1, 1},
		{0.75, 2, 3, 2},
		{0x1p-20, 8, 128, 27},
		{0.99999, 4, 8, 3}, // rounds up to 1: the mantissa stays normalised
		{65535, 16, 65535, 0},
	} {
		u, err := NewUpdate(c.r, c.bits, NearestEven, Q(1, 14))
		if err != nil || u.Mantissa != c.mantissa || u.Shift != c.shift || u.Lo != -32768 || u.Hi != 32767 {
			t.Errorf("NewUpdate(%g, %d) = %+v, %v; want mantissa %d, shift %d", c.r, c.bits, u, err, c.mantissa, c.shift)
		}
		if rel := math.Abs(u.Constant()-c.r) / max(c.r, 1e-300); rel > math.Ldexp(1, -c.bits) {
			t.Errorf("NewUpdate(%g, %d) stands for %g", c.r, c.bits, u.Constant())
		}
	}
	for _, c := range []struct {
		r      float64
		bits   int
		format Format
		want   string
	}{
		{65536, 16, Q(1, 14), "fixedpoint: update constant 65536 needs a shift of -1, want 0..126"},
		{0x1p-126, 16, Q(1, 14), "fixedpoint: update constant 1.1754943508222875e-38 needs a shift of 141, want 0..126"},
		{-1, 16, Q(1, 14), "fixedpoint: update constant -1, want a finite number >= 0"},
		{math.NaN(), 16, Q(1, 14), "fixedpoint: update constant NaN, want a finite number >= 0"},
		{1, 33, Q(1, 14), "fixedpoint: update mantissa of 33 bits, want 1..32"},
		{1, 16, Q(1, 60), "fixedpoint: update of Q1.60, 62 bits wide, want at most 61"},
	} {
		if _, err := NewUpdate(c.r, c.bits, NearestEven, c.format); err == nil || err.Error() != c.want {
			t.Errorf("NewUpdate(%g, %d, %v): got %v, want %s", c.r, c.bits, c.format, err, c.want)
		}
	}
}

func TestRequantValidate(t *testing.T) {
	for _, r := range []Requant{{Shift: -1}, {Shift: 63}, {Lo: 1, Hi: 0}} {
		if r.Validate() == nil {
			t.Errorf("%+v is valid, want an error", r)
		}
	}
	if err := (Requant{Shift: 62, Hi: 1}).Validate(); err != nil {
		t.Error(err)
	}
}
