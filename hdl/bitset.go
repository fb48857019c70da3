package hdl

// bitset marks bits of a signal.
type bitset []uint64

func newBitset(width int) bitset { return make(bitset, (width+63)/64) }

// set marks bits lo to hi.
func (b bitset) set(hi, lo int) {
	for i := lo / 64; i <= hi/64; i++ {
		b[i] |= rangeMask(i, hi, lo)
	}
}

// has reports whether all bits lo to hi are marked.
func (b bitset) has(hi, lo int) bool {
	for i := lo / 64; i <= hi/64; i++ {
		if m := rangeMask(i, hi, lo); b[i]&m != m {
			return false
		}
	}
	return true
}

// rangeMask is the part of the range [hi:lo] that word i holds.
func rangeMask(i, hi, lo int) uint64 {
	m := ^uint64(0)
	if i == lo/64 {
		m <<= uint(lo % 64)
	}
	if i == hi/64 {
		m &= ^uint64(0) >> uint(63-hi%64)
	}
	return m
}

func (b bitset) clone() bitset { return append(bitset(nil), b...) }

func (b bitset) intersect(c bitset) {
	for i := range b {
		b[i] &= c[i]
	}
}

// gap returns the highest run of unmarked bits below width, or ok false.
func (b bitset) gap(width int) (hi, lo int, ok bool) {
	for hi = width - 1; hi >= 0; hi-- {
		if b.has(hi, hi) {
			continue
		}
		for lo = hi; lo > 0 && !b.has(lo-1, lo-1); lo-- {
		}
		return hi, lo, true
	}
	return 0, 0, false
}
