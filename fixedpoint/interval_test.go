package fixedpoint

import (
	"math/big"
	"testing"
)

// smallIntervals calls f for every interval within [-n, n].
func smallIntervals(n int64, f func(x Interval, lo, hi int64)) {
	for lo := -n; lo <= n; lo++ {
		for hi := lo; hi <= n; hi++ {
			f(NewInterval(lo, hi), lo, hi)
		}
	}
}

// hull collects the smallest interval of the values it is given.
type hull struct {
	lo, hi int64
	some   bool
}

func (h *hull) add(v int64) {
	if !h.some || v < h.lo {
		h.lo = v
	}
	if !h.some || v > h.hi {
		h.hi = v
	}
	h.some = true
}

func (h *hull) check(t *testing.T, op string, got Interval, operands ...any) {
	t.Helper()
	if want := NewInterval(h.lo, h.hi); !got.Equal(want) {
		t.Errorf("%s of %v: got %v, want %v", op, operands, got, want)
	}
}

// TestBinaryOperations compares with the hull of all results for all
// intervals within [-5, 5].
func TestBinaryOperations(t *testing.T) {
	ops := []struct {
		name  string
		ints  func(a, b int64) int64
		whole func(x, y Interval) Interval
	}{
		{"Add", func(a, b int64) int64 { return a + b }, Interval.Add},
		{"Sub", func(a, b int64) int64 { return a - b }, Interval.Sub},
		{"Mul", func(a, b int64) int64 { return a * b }, Interval.Mul},
	}
	for _, op := range ops {
		smallIntervals(5, func(x Interval, xlo, xhi int64) {
			smallIntervals(5, func(y Interval, ylo, yhi int64) {
				var h hull
				for a := xlo; a <= xhi; a++ {
					for b := ylo; b <= yhi; b++ {
						h.add(op.ints(a, b))
					}
				}
				h.check(t, op.name, op.whole(x, y), x, y)
			})
		})
	}
}

// TestUnaryOperations compares with the hull of all results for all intervals
// within [-20, 20].
func TestUnaryOperations(t *testing.T) {
	each := func(lo, hi int64, f func(int64) int64) *hull {
		var h hull
		for a := lo; a <= hi; a++ {
			h.add(f(a))
		}
		return &h
	}
	smallIntervals(20, func(x Interval, lo, hi int64) {
		each(lo, hi, func(a int64) int64 { return -a }).check(t, "Neg", x.Neg(), x)
		each(lo, hi, func(a int64) int64 { return min(max(a, -3), 7) }).check(t, "Clamp(-3, 7)", x.Clamp(-3, 7), x)
		for k := range 6 {
			each(lo, hi, func(a int64) int64 { return a << k }).check(t, "Shl", x.Shl(k), x, k)
			each(lo, hi, func(a int64) int64 { return a >> k }).check(t, "Shr", x.Shr(k), x, k)
			for mode := NearestEven; mode <= Truncate; mode++ {
				each(lo, hi, func(a int64) int64 { return mode.Shift(a, k) }).
					check(t, "Round "+mode.String(), x.Round(k, mode), x, k)
			}
		}
		for n := range 4 {
			h := &hull{}
			h.add(int64(n) * lo)
			h.add(int64(n) * hi)
			h.check(t, "Sum", x.Sum(n), x, n)
			h = &hull{}
			for m := int64(0); m <= int64(n); m++ { // sums of m terms lie between m*lo and m*hi
				h.add(m * lo)
				h.add(m * hi)
			}
			h.check(t, "SumUpTo", x.SumUpTo(n), x, n)
		}
	})
}

func TestUnion(t *testing.T) {
	smallIntervals(4, func(x Interval, xlo, xhi int64) {
		smallIntervals(4, func(y Interval, ylo, yhi int64) {
			h := hull{}
			for _, v := range []int64{xlo, xhi, ylo, yhi} {
				h.add(v)
			}
			h.check(t, "Union", x.Union(y), x, y)
			within := xlo >= ylo && xhi <= yhi
			if x.Within(y) != within {
				t.Errorf("%v within %v: got %v, want %v", x, y, !within, within)
			}
		})
	})
}

// TestWidths compares with the definition: the first width whose range holds
// the interval.
func TestWidths(t *testing.T) {
	smallIntervals(70, func(x Interval, lo, hi int64) {
		want := 1
		for lo < -1<<(want-1) || hi > 1<<(want-1)-1 {
			want++
		}
		if got := x.SignedWidth(); got != want || x.Width(true) != want {
			t.Errorf("%v: signed width %d, want %d", x, got, want)
		}
		if lo < 0 {
			return
		}
		want = 1
		for hi > 1<<want-1 {
			want++
		}
		if got := x.Width(false); got != want {
			t.Errorf("%v: unsigned width %d, want %d", x, got, want)
		}
	})
}

// TestBigEnds checks that ends beyond 64 bits stay exact.
func TestBigEnds(t *testing.T) {
	x := NewInterval(-1<<63, 1<<63-1)
	y := x.Mul(x).Shl(3)
	want := new(big.Int).Lsh(big.NewInt(1), 129)
	if y.Hi().Cmp(want) != 0 {
		t.Errorf("largest square times 8: got %v, want %v", y.Hi(), want)
	}
	if _, _, ok := y.Int64(); ok {
		t.Errorf("%v reported to fit an int64", y)
	}
	if lo, hi, ok := x.Int64(); !ok || lo != -1<<63 || hi != 1<<63-1 {
		t.Errorf("Int64 of %v: got %d, %d, %v", x, lo, hi, ok)
	}
	if got := y.SignedWidth(); got != 131 {
		t.Errorf("width of %v: got %d, want 131", y, got)
	}
}

// TestWorkedExample is the example of the package comment.
func TestWorkedExample(t *testing.T) {
	weight, state, bias := Q(1, 14), UQ(0, 15), Q(1, 14)
	product := weight.Interval().Mul(state.Interval())
	sum := product.SumUpTo(9)
	acc := sum.Add(bias.Interval().Shl(15))
	act := Requant{Shift: 14, Mode: DefaultRounding, Lo: 0, Hi: state.Max()}
	for _, c := range []struct {
		name string
		got  Interval
		want Interval
		bits int
	}{
		{"product", product, NewInterval(-1073709056, 1073676289), 31},
		{"sum of 9", sum, NewInterval(-9663381504, 9663086601), 35},
		{"bias << 15", bias.Interval().Shl(15), NewInterval(-1073741824, 1073709056), 31},
		{"acc", acc, NewInterval(-10737123328, 10736795657), 35},
		{"state", act.Interval(acc), NewInterval(0, 32767), 16},
	} {
		if !c.got.Equal(c.want) || c.got.SignedWidth() != c.bits {
			t.Errorf("%s: got %v, %d bits, want %v, %d bits", c.name, c.got, c.got.SignedWidth(), c.want, c.bits)
		}
	}
}
