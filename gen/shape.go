package gen

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

// ceilDiv is a/b rounded up.
func ceilDiv(a, b int) int { return (a + b - 1) / b }
