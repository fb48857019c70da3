package unit

import "math/rand/v2"

// source is a seeded source of stimulus.
type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 0x756e6974))} }

// among returns a value of [lo, hi], every other one an edge: a limit, a limit
// -+ 1, 0 or -+1.
func (s source) among(lo, hi int64) int64 {
	if s.chance(2) {
		edges := [...]int64{lo, lo + 1, -1, 0, 1, hi - 1, hi}
		if e := edges[s.IntN(len(edges))]; e >= lo && e <= hi {
			return e
		}
	}
	return lo + int64(s.Uint64N(uint64(hi-lo)+1))
}

// signed returns a value of a signed number of w bits, below 64, as among does.
func (s source) signed(w int) int64 { return s.among(-1<<(w-1), 1<<(w-1)-1) }

// chance is true once in n times.
func (s source) chance(n int) bool { return s.IntN(n) == 0 }

// fill drives all bits of an input at random.
func (s source) fill(v *Vectors, names ...string) {
	for _, name := range names {
		for lo := 0; lo < v.Bits(name); lo += 64 {
			v.SetBits(name, lo, min(64, v.Bits(name)-lo), int64(s.Uint64()))
		}
	}
}
