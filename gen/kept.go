package gen

import "epgen/ep"

// What updates keep beside each weight and bias (ep.Kept) lies in external memory behind
// the weights of its slab: for every column of the slab as many columns of words,
//
//	weights of the slab, padded to whole beats
//	kept    for each of these columns: the words of the remainder, the velocity, the sum
//
// A number takes as few words of ElementBits as hold it, the lowest first, sign extended.
// Time steps skip them. An update walks twice over each slab that learns: the first walk
// returns the new weights, the second the same contrasts and what is kept, so that all
// of it leaves in the order of memory. The words stream through ep_kept, for each walk.

// keptField is one of the numbers that updates keep.
type keptField struct {
	Name  string
	Bits  int
	Words int // of ElementBits
	of    func(z *ep.Kept, i int) int64
}

// KeptFields lists what updates keep, in the order of memory.
func (p *Plan) KeptFields() []keptField {
	k := p.Arith.Keeps
	var list []keptField
	for _, f := range []keptField{
		{"remainder", k.Remainder, 0, func(z *ep.Kept, i int) int64 {
			if z.Remainder == nil {
				return 0
			}
			return int64(z.Remainder[i])
		}},
		{"velocity", k.Velocity, 0, func(z *ep.Kept, i int) int64 { return at(z.Velocity, i) }},
		{"sum", k.Sum, 0, func(z *ep.Kept, i int) int64 { return at(z.Sum, i) }},
	} {
		if f.Bits > 0 {
			f.Words = ceilDiv(f.Bits, p.ElementBits)
			list = append(list, f)
		}
	}
	return list
}

// at is element i, or 0 of none.
func at(x []int64, i int) int64 {
	if x == nil {
		return 0
	}
	return x[i]
}

// keeps reports whether updates keep anything.
func (p *Plan) keeps() bool { return p.Arith.Keeps.Any() }

// KeptWords is the number of words kept of each weight and bias.
func (p *Plan) KeptWords() int {
	n := 0
	for _, f := range p.KeptFields() {
		n += f.Words
	}
	return n
}

// checkKept refuses what does not go together.
func (p *Plan) checkKept() error {
	if p.keeps() && p.onChip() {
		return &ep.SettingError{Key: "memory.weights", Reason: "on-chip, want external for masters, momentum or accumulation"}
	}
	return nil
}

// keptColumns returns the columns of words of a slab of a layer.
func (p *Plan) keptColumns(l *LayerPlan) int {
	if l.Head == nil && !p.Cfg.Trains(l.N) {
		return 0
	}
	return p.KeptWords() * l.SlabColumns
}

// packKept writes the words of one element, whose weight lies in a column and lane, into
// an image of memory.
func (p *Plan) packKept(img []byte, l *LayerPlan, column, lane int, z *ep.Kept, i int) {
	if l.KeptColumns == 0 {
		return
	}
	stride := l.SlabBytes / p.Map.ColumnBytes
	weights := l.SlabBeats * p.Map.BeatBytes / p.Map.ColumnBytes
	word := column/stride*stride + weights + p.KeptWords()*(column%stride)
	for _, f := range p.KeptFields() {
		v := f.of(z, i)
		for k := range f.Words {
			p.put(img, l.Offset, word, lane, v>>(k*p.ElementBits))
			word++
		}
	}
}
