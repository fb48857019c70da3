package fixedpoint

import (
	"fmt"
	"math"
)

// Rounding says how a value between two codes becomes a code.
type Rounding int

const (
	NearestEven Rounding = iota // to nearest, ties to the even code
	NearestUp                   // to nearest, ties towards +infinity
	Truncate                    // towards -infinity: the low bits are dropped
	Stochastic                  // up with the probability of the fraction: for updates alone, see [RandomStream]
)

// DefaultRounding is the rounding wherever nothing else is configured. Ties to
// even have no bias, so a relaxation does not drift.
const DefaultRounding = NearestEven

var roundingNames = [...]string{"nearest-even", "nearest-up", "truncate", "stochastic"}

// ParseRounding reads a mode as String writes it.
func ParseRounding(s string) (Rounding, error) {
	for i, name := range roundingNames {
		if s == name {
			return Rounding(i), nil
		}
	}
	return 0, fmt.Errorf("fixedpoint: rounding %q, want nearest-even, nearest-up, truncate or stochastic", s)
}

// String returns "nearest-even", "nearest-up", "truncate" or "stochastic".
func (r Rounding) String() string {
	if r < 0 || int(r) >= len(roundingNames) {
		return fmt.Sprintf("Rounding(%d)", int(r))
	}
	return roundingNames[r]
}

// MarshalText makes a Rounding readable in configuration files.
func (r Rounding) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (r *Rounding) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRounding(string(text))
	return err
}

// Shift returns x*2^-shift rounded, for shift in 0..63. Every int64 is allowed. It
// panics for Stochastic, which needs random bits.
func (r Rounding) Shift(x int64, shift int) int64 {
	q, _ := r.shiftTie(x, shift)
	return q
}

const needsBits = "fixedpoint: stochastic rounding without random bits"

// shiftTie is Shift; tie reports that x lay exactly between two codes.
func (r Rounding) shiftTie(x int64, shift int) (q int64, tie bool) {
	if shift == 0 {
		return x, false
	}
	q = x >> uint(shift)
	half := uint64(1) << uint(shift-1)
	rem := uint64(x) & (half<<1 - 1) // x = q*2^shift + rem, 0 <= rem < 2^shift
	tie = rem == half
	switch r {
	case NearestEven:
		if rem > half || tie && q&1 == 1 {
			q++
		}
	case NearestUp:
		if rem >= half {
			q++
		}
	case Stochastic:
		panic(needsBits)
	}
	return q, tie
}

// roundFloat rounds x to an integer.
func (r Rounding) roundFloat(x float64) float64 {
	switch r {
	case NearestEven:
		return math.RoundToEven(x)
	case NearestUp:
		// Floor(x+0.5) would round the largest float below 0.5 to 1.
		if f := math.Floor(x); x-f < 0.5 {
			return f
		}
		return math.Ceil(x)
	case Stochastic:
		panic(needsBits)
	}
	return math.Floor(x)
}
