package fixedpoint

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestRandomGolden fixes the function: hardware depends on every bit.
func TestRandomGolden(t *testing.T) {
	s := NewRandomSeed(0x0123456789abcdef)
	for _, c := range []struct{ update, tensor, row, column, want uint32 }{
		{0, 2, 0, 0, 0x3aa8eb75},
		{0, 2, 0, 1, 0xdc736e1e},
		{0, 2, 1, 0, 0x9fb2b36b},
		{0, 3, 0, 0, 0xa953e239},
		{1, 2, 511, 4607, 0xde5d524f},
	} {
		if got := s.Stream(c.update, c.tensor).At(c.row, c.column); got != c.want {
			t.Errorf("update %d, tensor %d, row %d, column %d: %#08x, want %#08x",
				c.update, c.tensor, c.row, c.column, got, c.want)
		}
	}
}

// TestRandomAvalanche changes one bit of each argument: every bit of the result then
// changes in half of the cases. With n cases the deviation of a share has
// the standard deviation 1/(2 sqrt n), and the largest of some thousand is expected near
// 3.9 of them.
func TestRandomAvalanche(t *testing.T) {
	const cases = 20000
	rng := rand.New(rand.NewPCG(1, 2))
	for _, arg := range []struct {
		name string
		bits int
		flip func(bit int, seed uint64, update, tensor, row, column uint32) uint32
	}{
		{"seed", 64, func(i int, s uint64, u, n, r, c uint32) uint32 { return NewRandomSeed(s^1<<i).Stream(u, n).At(r, c) }},
		{"update", 32, func(i int, s uint64, u, n, r, c uint32) uint32 { return NewRandomSeed(s).Stream(u^1<<i, n).At(r, c) }},
		{"tensor", 6, func(i int, s uint64, u, n, r, c uint32) uint32 { return NewRandomSeed(s).Stream(u, n^1<<i).At(r, c) }},
		{"row", 16, func(i int, s uint64, u, n, r, c uint32) uint32 { return NewRandomSeed(s).Stream(u, n).At(r^1<<i, c) }},
		{"column", 20, func(i int, s uint64, u, n, r, c uint32) uint32 { return NewRandomSeed(s).Stream(u, n).At(r, c^1<<i) }},
	} {
		counts := make([][32]int, arg.bits)
		for range cases {
			seed, update, tensor := rng.Uint64(), rng.Uint32N(1<<20), rng.Uint32N(64)
			row, column := rng.Uint32N(512), rng.Uint32N(8192)
			base := NewRandomSeed(seed).Stream(update, tensor).At(row, column)
			for i := range counts {
				d := base ^ arg.flip(i, seed, update, tensor, row, column)
				for j := range counts[i] {
					counts[i][j] += int(d >> j & 1)
				}
			}
		}
		worst, at, bit := 0.0, 0, 0
		for i := range counts {
			for j, n := range counts[i] {
				if d := math.Abs(float64(n)/cases - 0.5); d > worst {
					worst, at, bit = d, i, j
				}
			}
		}
		t.Logf("%s: largest deviation from 1/2 is %.4f, bit %d of %d to %d", arg.name, worst, at, arg.bits, bit)
		if limit := 6 / (2 * math.Sqrt(cases)); worst > limit {
			t.Errorf("%s: bit %d changes bit %d with a share %.4f off 1/2, want at most %.4f", arg.name, at, bit, worst, limit)
		}
	}
}

// TestRandomUniform checks by chi-square the distribution of the upper and of the
// lower bytes, of pairs of neighbours in every direction, and of the exclusive or over a
// rectangle of elements, in which a sum of a row's and a column's word would show.
func TestRandomUniform(t *testing.T) {
	const rows, columns = 256, 1024
	seed := NewRandomSeed(7)
	s := [2]RandomStream{seed.Stream(41, 4), seed.Stream(42, 4)}
	bias := seed.Stream(41, 5)
	at := func(r, c int) uint32 { return s[0].At(uint32(r), uint32(c)) }
	for _, c := range []struct {
		name string
		bin  func(r, c int) uint32 // 0..255
	}{
		{"upper byte", func(r, c int) uint32 { return at(r, c) >> 24 }},
		{"second byte", func(r, c int) uint32 { return at(r, c) >> 16 & 255 }},
		{"lowest byte", func(r, c int) uint32 { return at(r, c) & 255 }},
		{"neighbours in a row", func(r, c int) uint32 { return at(r, c)>>28<<4 | at(r, c+1)>>28 }},
		{"neighbours nine apart", func(r, c int) uint32 { return at(r, c)>>28<<4 | at(r, c+9)>>28 }},
		{"neighbours in a column", func(r, c int) uint32 { return at(r, c)>>28<<4 | at(r+1, c)>>28 }},
		{"successive updates", func(r, c int) uint32 { return at(r, c)>>28<<4 | s[1].At(uint32(r), uint32(c))>>28 }},
		{"weights and biases", func(r, c int) uint32 { return at(r, c)>>28<<4 | bias.At(uint32(r), uint32(c))>>28 }},
		{"rectangle", func(r, c int) uint32 { return (at(r, c) ^ at(r+1, c) ^ at(r, c+1) ^ at(r+1, c+1)) >> 24 }},
		{"wide rectangle", func(r, c int) uint32 { return (at(r, c) ^ at(r+16, c) ^ at(r, c+64) ^ at(r+16, c+64)) >> 24 }},
	} {
		var counts [256]int
		for r := range rows {
			for col := range columns {
				counts[c.bin(r, col)]++
			}
		}
		chi, want := 0.0, float64(rows*columns)/256
		for _, n := range counts {
			chi += (float64(n) - want) * (float64(n) - want) / want
		}
		// 255 degrees of freedom: mean 255, standard deviation 22.6.
		t.Logf("%s: chi-square %.1f", c.name, chi)
		if chi > 255+5*22.6 || chi < 255-5*22.6 {
			t.Errorf("%s: chi-square %.1f of 255 degrees of freedom, want within 5 standard deviations of 22.6", c.name, chi)
		}
	}
}

// TestRandomDistinct checks that no two places of a matrix share their bits, and that
// a stream is a bijection of places.
func TestRandomDistinct(t *testing.T) {
	s := NewRandomSeed(1).Stream(2, 3)
	seen := make([]uint64, 1<<26)
	for r := range uint32(256) {
		for c := range uint32(4096) {
			x := s.At(r, c)
			if seen[x>>6]>>(x&63)&1 == 1 {
				t.Fatalf("row %d, column %d: bits %#08x for the second time", r, c, x)
			}
			seen[x>>6] |= 1 << (x & 63)
		}
	}
}

// applyRandomBig is Update with stochastic rounding by definition.
func applyRandomBig(u Update, old, contrast int64, random uint32) int64 {
	x := new(big.Int).Mul(new(big.Int).SetUint64(u.Mantissa), big.NewInt(contrast))
	r := new(big.Int).Lsh(big.NewInt(int64(random)), uint(u.Shift))
	x.Add(x, r.Rsh(r, 32))
	z := x.Rsh(x, uint(u.Shift)) // big.Int shifts round down
	z.Add(z, big.NewInt(old))
	switch {
	case z.Cmp(big.NewInt(u.Lo)) < 0:
		return u.Lo
	case z.Cmp(big.NewInt(u.Hi)) > 0:
		return u.Hi
	}
	return z.Int64()
}

// TestStochasticUpdate checks the rounding with given bits against its definition,
// floor(m*contrast*2^-k + random*2^-32) with as many random bits as the fraction has,
// and that its mean is the unrounded change.
func TestStochasticUpdate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200000 {
		u := Update{
			Mantissa: 1<<15 | rng.Uint64N(1<<15), MantissaBits: 16, Shift: rng.IntN(maxUpdateShift + 1),
			Mode: Stochastic, Lo: -1 << 60, Hi: 1<<60 - 1,
		}
		c, r := rng.Int64()>>(1+rng.IntN(60))-1, rng.Uint32()
		old := rng.Int64N(1<<60) - 1<<59
		if got, want := u.ApplyRandom(old, c, r), applyRandomBig(u, old, c, r); got != want {
			t.Fatalf("%+v: old %d, contrast %d, random %#x: %d, want %d", u, old, c, r, got, want)
		}
	}
	s := NewRandomSeed(5).Stream(0, 2)
	u := Update{Mantissa: 0x9000, MantissaBits: 16, Shift: 24, Mode: Stochastic, Lo: -32768, Hi: 32767}
	for _, c := range []int64{1, -1, 37, -205, 455, 1 << 12, -3333} {
		const n = 1 << 20
		sum := int64(0)
		for i := range uint32(n) {
			sum += u.DeltaRandom(c, s.At(i>>10, i&1023))
		}
		want := u.Constant() * float64(c)
		frac := want - math.Floor(want)
		sigma := math.Sqrt(frac * (1 - frac) / n)
		if got := float64(sum) / n; math.Abs(got-want) > 5*sigma {
			t.Errorf("contrast %d: mean change %.6f, want %.6f within %.6f", c, got, want, 5*sigma)
		}
	}
}
