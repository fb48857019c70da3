package fixedpoint

import (
	"math"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		text     string
		width    int
		min, max int64
		lsb      float64
	}{
		{"Q1.14", 16, -32768, 32767, 0x1p-14},
		{"Q0.15", 16, -32768, 32767, 0x1p-15},
		{"UQ0.15", 15, 0, 32767, 0x1p-15},
		{"UQ1.15", 16, 0, 65535, 0x1p-15},
		{"Q0.0", 1, -1, 0, 1},
		{"UQ1.0", 1, 0, 1, 1},
		{"Q31.32", 64, math.MinInt64, math.MaxInt64, 0x1p-32},
		{"UQ0.63", 63, 0, math.MaxInt64, 0x1p-63},
	} {
		f, err := ParseFormat(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if f.String() != c.text || f.Width() != c.width || f.Min() != c.min || f.Max() != c.max || f.LSB() != c.lsb {
			t.Errorf("%s: got %v, %d bits, [%d, %d], LSB %g; want %d bits, [%d, %d], LSB %g", c.text,
				f, f.Width(), f.Min(), f.Max(), f.LSB(), c.width, c.min, c.max, c.lsb)
		}
		var g Format
		if err := g.UnmarshalText([]byte(f.String())); err != nil || g != f {
			t.Errorf("%s read back as %v, %v", c.text, g, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `fixedpoint: format "", want QN.M or UQN.M, such as Q1.14`},
		{"1.14", `fixedpoint: format "1.14", want QN.M or UQN.M, such as Q1.14`},
		{"Q114", `fixedpoint: format "Q114", want QN.M or UQN.M, such as Q1.14`},
		{"Q-1.14", `fixedpoint: format "Q-1.14": bits "-1", want a number from 0 to 64`},
		{"Q1.", `fixedpoint: format "Q1.": bits "", want a number from 0 to 64`},
		{"Q1.2.3", `fixedpoint: format "Q1.2.3": bits "2.3", want a number from 0 to 64`},
		{"UQ0.0", "fixedpoint: format UQ0.0 is 0 bits wide, want 1..63"},
		{"UQ1.63", "fixedpoint: format UQ1.63 is 64 bits wide, want 1..63"},
		{"Q32.32", "fixedpoint: format Q32.32 is 65 bits wide, want 1..64"},
	} {
		if _, err := ParseFormat(c.text); err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
	}
	if err := Q(-1, 4).Validate(); err == nil {
		t.Error("Q-1.4 is valid, want an error")
	}
	if _, err := ParseRounding("nearest"); err == nil ||
		err.Error() != `fixedpoint: rounding "nearest", want nearest-even, nearest-up, truncate or stochastic` {
		t.Errorf("rounding nearest: got %v", err)
	}
}

// TestFromFloat checks that codes are nearest and saturate, and that every code
// of small formats survives the way to float and back.
func TestFromFloat(t *testing.T) {
	for _, f := range []Format{Q(1, 3), UQ(0, 5), Q(0, 4), UQ(3, 0)} {
		for c := f.Min(); c <= f.Max(); c++ {
			for mode := NearestEven; mode <= Truncate; mode++ {
				if got := f.FromFloat(f.ToFloat(c), mode); got != c {
					t.Errorf("%v, %v: code %d came back as %d", f, mode, c, got)
				}
			}
		}
	}
	f := Q(1, 2) // LSB 0.25, [-2, 1.75]
	for _, c := range []struct {
		x    float64
		mode Rounding
		want int64
	}{
		{0.375, NearestEven, 2}, {0.625, NearestEven, 2}, {-0.375, NearestEven, -2},
		{0.375, NearestUp, 2}, {0.625, NearestUp, 3}, {-0.375, NearestUp, -1},
		{0.49999999999999994 / 4, NearestUp, 0},
		{0.624, Truncate, 2}, {-0.01, Truncate, -1},
		{1.9, NearestEven, 7}, {99, NearestEven, 7}, {math.Inf(1), NearestEven, 7},
		{-2.2, Truncate, -8}, {math.Inf(-1), NearestUp, -8}, {math.NaN(), NearestEven, 0},
	} {
		if got := f.FromFloat(c.x, c.mode); got != c.want {
			t.Errorf("%v.FromFloat(%g, %v) = %d, want %d", f, c.x, c.mode, got, c.want)
		}
	}
	if got := Q(0, 63).FromFloat(1, NearestEven); got != math.MaxInt64 {
		t.Errorf("1.0 in Q0.63: got %d, want %d", got, int64(math.MaxInt64))
	}
}
