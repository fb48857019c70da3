package fixedpoint

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MaxWidth is the widest format, in bits.
const MaxWidth = 64

// Format is a fixed-point number format: QN.M when Signed, UQN.M otherwise,
// with N = Int and M = Frac, both at least 0. The sign bit is not counted in
// Int. The zero value has no bits and is not valid.
type Format struct {
	Signed bool
	Int    int // integer bits N
	Frac   int // fractional bits M
}

// Q returns the signed format QN.M of 1+n+m bits.
func Q(n, m int) Format { return Format{Signed: true, Int: n, Frac: m} }

// UQ returns the unsigned format UQN.M of n+m bits.
func UQ(n, m int) Format { return Format{Int: n, Frac: m} }

// ParseFormat reads a format as String writes it, such as "Q1.14" or "UQ0.15".
func ParseFormat(s string) (Format, error) {
	var f Format
	rest, ok := strings.CutPrefix(s, "UQ")
	if !ok {
		f.Signed = true
		rest, ok = strings.CutPrefix(s, "Q")
	}
	n, m, dot := strings.Cut(rest, ".")
	if !ok || !dot {
		return Format{}, fmt.Errorf("fixedpoint: format %q, want QN.M or UQN.M, such as Q1.14", s)
	}
	var err error
	if f.Int, err = parseBits(n); err == nil {
		f.Frac, err = parseBits(m)
	}
	if err != nil {
		return Format{}, fmt.Errorf("fixedpoint: format %q: %v", s, err)
	}
	if err := f.Validate(); err != nil {
		return Format{}, err
	}
	return f, nil
}

// parseBits reads a count of bits in plain decimal digits.
func parseBits(s string) (int, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" || len(s) > 3 {
		return 0, fmt.Errorf("bits %q, want a number from 0 to %d", s, MaxWidth)
	}
	return strconv.Atoi(s)
}

// Validate reports whether f has 1..64 bits, 1..63 when unsigned (so that every
// code fits an int64), and no negative field.
func (f Format) Validate() error {
	limit := MaxWidth
	if !f.Signed {
		limit--
	}
	if f.Int < 0 || f.Frac < 0 {
		return fmt.Errorf("fixedpoint: format %v has a negative number of bits, want 0 or more", f)
	}
	if w := f.Width(); w < 1 || w > limit {
		return fmt.Errorf("fixedpoint: format %v is %d bits wide, want 1..%d", f, w, limit)
	}
	return nil
}

// String returns "QN.M" or "UQN.M".
func (f Format) String() string {
	if f.Signed {
		return fmt.Sprintf("Q%d.%d", f.Int, f.Frac)
	}
	return fmt.Sprintf("UQ%d.%d", f.Int, f.Frac)
}

// MarshalText makes a Format readable in configuration files.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (f *Format) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFormat(string(text))
	return err
}

// Width returns the number of bits of a code, the sign bit included.
func (f Format) Width() int {
	if f.Signed {
		return 1 + f.Int + f.Frac
	}
	return f.Int + f.Frac
}

// Min returns the smallest code: -2^(N+M), or 0 when unsigned.
func (f Format) Min() int64 {
	if f.Signed {
		return -1 << (f.Int + f.Frac)
	}
	return 0
}

// Max returns the largest code, 2^(N+M) - 1.
func (f Format) Max() int64 { return int64(1<<uint(f.Int+f.Frac) - 1) }

// LSB returns the real value of code 1, 2^-M.
func (f Format) LSB() float64 { return math.Ldexp(1, -f.Frac) }

// ToFloat returns the real value of a code. It is exact for codes of up to 53
// significant bits.
func (f Format) ToFloat(code int64) float64 { return math.Ldexp(float64(code), -f.Frac) }

// FromFloat returns the code nearest to x in the given rounding, saturated to
// the range of f. NaN gives 0; callers that read files reject it before.
func (f Format) FromFloat(x float64, mode Rounding) int64 {
	v := mode.roundFloat(math.Ldexp(x, f.Frac))
	switch {
	case math.IsNaN(v):
		return 0
	case v <= float64(f.Min()):
		return f.Min()
	case v >= float64(f.Max()): // float64(Max) may round up, which only widens the saturated range
		return f.Max()
	}
	return int64(v)
}

// Interval returns the range of codes [Min, Max].
func (f Format) Interval() Interval { return NewInterval(f.Min(), f.Max()) }
