package gen

import (
	"math/bits"

	"epgen/hdl"
)

// An array of unequal sides has words of as many lanes as its longer side. Along
// the shorter side a block of channels is a part of a word:
//
//	tall (Rows > Columns)  a word below holds P/Columns blocks; UP takes one of them, DOWN
//	                       adds to one
//	wide (Rows < Columns)  a word of the layer holds P/Rows slabs; UP writes one of them,
//	                       DOWN takes one
//
// A tile is kept in lines of P weights: its columns, or, wide, its rows.

// rowParts and columnParts are the slabs and the blocks in a word.
func (p *Plan) rowParts() int    { return p.P / p.Rows }
func (p *Plan) columnParts() int { return p.P / p.Columns }

// parts is the ratio of the sides.
func (p *Plan) parts() int { return p.P / p.Lines }

// tall reports an array whose tiles lie in lines of columns, as those of a square do.
func (p *Plan) tall() bool { return p.Rows >= p.Columns }

// partBits is the width of the number of a part.
func partBits(parts int) int { return addrBits(parts) }

// IndexLanes is the number of lanes in a word of the pool indices: they are written
// and read slab by slab.
func (p *Plan) IndexLanes() int { return p.Rows }

// IndexParts is the number of such words for a word of states.
func (p *Plan) IndexParts() int { return p.rowParts() }

// laneBits is the width of the number of a lane in a word, 0 of the only one.
func (p *Plan) laneBits() int { return bits.Len(uint(p.P - 1)) }

// LaneNumberBits is laneBits for the harness, which codes labels.
func (p *Plan) LaneNumberBits() int { return p.laneBits() }

// columnLanes is the number of elements of a column in external memory: those of a word,
// rounded up to a power of two, so that columns and beats divide one another.
func (p *Plan) columnLanes() int { return 1 << p.laneBits() }

// powerOfTwo reports that counters of n things wrap by themselves and that numbers
// of words and parts are joined bits.
func powerOfTwo(n int) bool { return n&(n-1) == 0 }

// timesConst is v * n in width w, by additions.
func timesConst(v hdl.Value, n, w int) hdl.Value {
	var sum hdl.Value
	for k := bits.Len(uint(n)) - 1; k >= 0; k-- {
		if n>>k&1 == 0 {
			continue
		}
		term := fit(hdl.Shl(v, k), w)
		if sum == nil {
			sum = term
		} else {
			sum = hdl.AddMod(sum, term)
		}
	}
	return sum
}

// choosePart is part number at, of w bits each, of a word of n. Where n is no power of two it is
// a choice among constants: a multiple of such a width would be a multiplication.
func choosePart(word, at hdl.Value, n, w int) hdl.Value {
	if powerOfTwo(n) {
		return hdl.DynSlice(word, at, w)
	}
	part := hdl.Slice(word, n*w-1, (n-1)*w)
	for k := n - 2; k >= 0; k-- {
		part = hdl.Mux(hdl.EqConst(at, int64(k)), hdl.Slice(word, (k+1)*w-1, k*w), part)
	}
	return part
}

// ceilDiv is a/b rounded up.
func ceilDiv(a, b int) int { return (a + b - 1) / b }
