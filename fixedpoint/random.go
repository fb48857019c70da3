package fixedpoint

import "math/bits"

// RandomSeed is a seed of random bits, as hardware keeps it.
type RandomSeed uint32

// RandomStream gives the random bits of one tensor in one update: 32 bits for
// each element, a pure function of seed, number of the update, number of the
// tensor and place of the element. Neither the order in which they are asked for nor
// the shape of an array changes them.
//
// An element is the row o and the column j of the tensor as a matrix [Cout,
// Cin*KH*KW] in PyTorch's order; j is 0 for a bias. With absorb(key, word) =
// mix((key xor word) + 0x9e3779b9, 0) modulo 2^32,
//
//	key    = absorb(absorb(absorb(absorb(0, low half of seed), high half), update), tensor)
//	bits   = mix(key xor j xor reverse(o), absorb(key, 0))
//
// where reverse turns the 32 bits round. Rows fill the word from the top and
// columns from the bottom, so that elements of a matrix of less than 2^32 have
// different words. See mix for what a lane of the hardware costs, and
// docs/rationale/stochastic-rounding.md for the reasons and for what was measured.
type RandomStream struct{ Outer, Inner uint32 } // the words that mix combines with its argument

// NewRandomSeed returns the seed that stands for a 64-bit one.
func NewRandomSeed(seed uint64) RandomSeed {
	return RandomSeed(absorb(absorb(0, uint32(seed)), uint32(seed>>32)))
}

// Stream returns the random bits of a tensor in an update.
func (s RandomSeed) Stream(update, tensor uint32) RandomStream {
	key := absorb(absorb(uint32(s), update), tensor)
	return RandomStream{Outer: key, Inner: absorb(key, 0)}
}

// At returns the bits of the element in a row and a column.
func (s RandomStream) At(row, column uint32) uint32 {
	return mix(s.Outer^column^bits.Reverse32(row), s.Inner)
}

// absorb returns the key that follows from a key and a word.
func absorb(key, word uint32) uint32 { return mix((key^word)+0x9e3779b9, 0) }

// mix is a bijection of x for each key, made of four rounds of one adder each. In an
// add a bit of x reaches those above it, in a shift to the right those below.
func mix(x, key uint32) uint32 {
	x ^= x >> 5
	x += x << 14
	x ^= x >> 9
	x += x << 10
	x ^= key
	x ^= x >> 8
	x += x << 10
	x ^= x >> 6
	x += x << 12
	return x ^ x>>15
}
