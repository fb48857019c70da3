package fixedpoint

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestDescent compares Descent with the formula in math/big.
func TestDescent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 60000 {
		wide := uint(2 + r.IntN(58))
		limit := int64(1) << (wide - 2)
		d := Descent{
			Update: Update{Mantissa: r.Uint64() >> (32 + r.IntN(32)), MantissaBits: 32, Shift: r.IntN(maxDescentShift + 1),
				Mode: Rounding(i % 4), Lo: -limit, Hi: limit - 1},
			Decay: r.IntN(MaxDescent + 1), Friction: r.IntN(MaxDescent + 1),
			VelocityMin: -2 * limit, VelocityMax: 2*limit - 1,
		}
		draw := func(lo, hi int64) int64 { return lo + r.Int64N(hi-lo+1) }
		contrast := r.Int64() >> (1 + r.IntN(62))
		if r.IntN(2) == 0 {
			contrast = -contrast
		}
		old, v, random := draw(d.Lo, d.Hi), draw(d.VelocityMin, d.VelocityMax), r.Uint32()
		if d.Friction == 0 {
			v = 0
		}
		got, gotV, gotSat := d.Step(contrast, old, v, random)
		want, wantV, wantSat := descent(d, contrast, old, v, random)
		if got != want || gotV != wantV || gotSat != wantSat {
			t.Fatalf("%+v: Step(%d, %d, %d, %#x) = %d, %d, %v, want %d, %d, %v",
				d, contrast, old, v, random, got, gotV, gotSat, want, wantV, wantSat)
		}
	}
}

func descent(d Descent, contrast, old, velocity int64, random uint32) (value, v int64, saturated bool) {
	const frac = 96 // enough for every shift
	term := func(x *big.Int, shift int) *big.Int { return new(big.Int).Lsh(x, uint(frac-shift)) }
	sum := term(new(big.Int).Mul(big.NewInt(int64(d.Mantissa)), big.NewInt(contrast)), d.Shift)
	if d.Decay > 0 {
		sum.Sub(sum, term(big.NewInt(old), d.Decay))
	}
	if d.Friction > 0 {
		sum.Sub(sum, term(big.NewInt(velocity), d.Friction))
	}
	change := new(big.Int)
	one := big.NewInt(1)
	half := new(big.Int).Lsh(one, frac-1)
	rest := new(big.Int).And(sum, new(big.Int).Sub(new(big.Int).Lsh(one, frac), one))
	change.Rsh(sum, frac)
	up := false
	switch d.Mode {
	case NearestUp:
		up = rest.Cmp(half) >= 0
	case NearestEven:
		c := rest.Cmp(half)
		up = c > 0 || c == 0 && change.Bit(0) == 1
	case Stochastic:
		f := d.Fraction() // only so many of the upper bits count
		bits := uint64(random)
		if f < 32 {
			bits = bits >> (32 - f) << (32 - f)
		}
		sum := new(big.Int).Add(rest, new(big.Int).Lsh(new(big.Int).SetUint64(bits), frac-32))
		up = sum.Bit(frac) == 1
	}
	if up {
		change.Add(change, one)
	}
	clampTo := func(x *big.Int, lo, hi int64) (int64, bool) {
		switch {
		case x.Cmp(big.NewInt(lo)) < 0:
			return lo, true
		case x.Cmp(big.NewInt(hi)) > 0:
			return hi, true
		}
		return x.Int64(), false
	}
	if d.Friction > 0 {
		v, _ = clampTo(new(big.Int).Add(big.NewInt(velocity), change), d.VelocityMin, d.VelocityMax)
		change = big.NewInt(v)
	}
	value, saturated = clampTo(new(big.Int).Add(big.NewInt(old), change), d.Lo, d.Hi)
	return value, v, saturated
}
