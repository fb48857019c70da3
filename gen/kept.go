package gen

import (
	"fmt"
	"slices"

	"epgen/ep"
	"epgen/hdl"
)

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

// laneStages is the number of cycles that the options of updates add to the update lanes, in
// front of the rounding and behind it.
func (d *Design) laneStages() (before, after int) {
	cfg := d.Cfg
	return b2i(d.sums()) + b2i(cfg.DecayShift+cfg.MomentumShift > 0), b2i(cfg.MomentumShift > 0) + b2i(cfg.Formats.MasterBits > 0)
}

// sums reports the accumulation of contrasts over several starts.
func (d *Design) sums() bool { return d.Cfg.Starts() > 1 }

// fixedMaps reports heads of random maps, which do not learn, where parameters decay.
func (d *Design) fixedMaps() bool {
	return d.Cfg.DecayShift > 0 && slices.ContainsFunc(d.Heads, func(h LayerPlan) bool { return !h.Head.Kind.Trains() })
}

// columnLate is the number of cycles from a column of the drain to that of the store.
func (d *Design) columnLate() int {
	before, after := d.laneStages()
	return columnLate + before + after
}

// linger is the number of cycles that a pass of the update lasts behind its last column,
// so that the mode holds until its words have left.
func (d *Design) linger() int {
	before, after := d.laneStages()
	n := before + after
	if d.keeps() {
		n += d.KeptWords() + 1
	}
	return n
}

// storeLimit is the number of columns held by the store from which the drain waits: a
// column of it may become one for each word.
func (d *Design) storeLimit() int { return storeDepth - max(0, d.KeptWords()-1) }

// keptUnit builds ep_kept: words of memory to numbers for the update lanes, and back.
func (d *Design) keptUnit() *hdl.Module {
	one, n := hdl.U(1), d.KeptWords()
	column, all := hdl.U(d.P*d.ElementBits), hdl.U(n*d.P*d.ElementBits)
	m := hdl.NewModule("ep_kept")
	m.Doc("%s", fmt.Sprintf("What updates keep of each weight and bias: %s.\n\n"+
		"%d words, one column after the other, are collected for each column of the drain, which\n"+
		"takes them all at once: they rest for one cycle more, in which the lanes read them. In\n"+
		"the second walk over a slab the new words leave in the same order.",
		d.keptDoc(), n))
	m.Group("Clock and synchronous reset")
	m.Clock("clk_i")
	m.Reset("rst_ni")
	abort := m.Input("abort_i", one, "forget all words")
	m.Group("Words from memory")
	valid := m.Input("kept_valid_i", one)
	word := m.Input("kept_data_i", column)
	ready := m.Output("kept_ready_o", one)
	m.Group("Numbers of a column")
	take := m.Input("take_i", one, "the drain reads its column")
	full := m.Output("full_o", one, "all words are there")
	old := m.Output("old_o", all, "word after word, valid one cycle after take_i")
	m.Group("New numbers")
	load := m.Input("load_i", one, "they are complete")
	new := m.Input("new_i", all)
	leaves := m.Output("word_valid_o", one)
	out := m.Output("word_o", column)

	m.Group("Words that have come, the first lowest")
	count := m.Reg("count_q", hdl.U(widest(n)))
	in := m.Reg("in_q", all)
	complete := m.WireIs("complete", hdl.EqConst(count, int64(n)))
	accept := m.WireIs("accept", hdl.All(valid, hdl.Not(complete)))
	m.Assign(ready, hdl.Not(complete))
	m.Assign(full, complete)
	m.Assign(old, in)
	left := m.Reg("left_q", count.Type(), "words to leave")
	zero := func(b *hdl.Block) {
		b.Set(count, zeroOf(count))
		b.Set(left, zeroOf(left))
	}
	m.AlwaysReset(zero, func(b *hdl.Block) {
		b.If(hdl.Any(abort, take), func(b *hdl.Block) { b.Set(count, zeroOf(count)) }).
			ElseIf(accept, func(b *hdl.Block) { b.Set(count, inc(count)) })
		b.If(load, func(b *hdl.Block) { b.Set(left, hdl.Const(left.Type(), int64(n))) }).
			ElseIf(hdl.NeConst(left, 0), func(b *hdl.Block) { b.Set(left, hdl.SubMod(left, hdl.Const(left.Type(), 1))) })
	})
	w := column.Width
	shifted := func(x hdl.Value, top hdl.Value) hdl.Value {
		if n == 1 {
			return top
		}
		return hdl.Cat(top, hdl.Slice(x, n*w-1, w))
	}
	m.Always(func(b *hdl.Block) {
		b.If(accept, func(b *hdl.Block) { b.Set(in, shifted(in, word)) })
	})

	m.Group("Words that leave")
	gone := m.Reg("out_q", all)
	m.Assign(leaves, hdl.NeConst(left, 0))
	m.Assign(out, hdl.Slice(gone, w-1, 0))
	if d.columnsPerBeat() > 1 {
		last := m.Input("load_last_i", one, "with load_i: no column of the slab follows")
		lastQ := m.Reg("last_q", one)
		m.Always(func(b *hdl.Block) { b.If(load, func(b *hdl.Block) { b.Set(lastQ, last) }) })
		m.Assign(m.Output("word_last_o", one, "with word_valid_o: the last word of the slab"), hdl.All(lastQ, hdl.EqConst(left, 1)))
	}
	m.Always(func(b *hdl.Block) {
		b.If(load, func(b *hdl.Block) { b.Set(gone, new) }).
			Else(func(b *hdl.Block) { b.Set(gone, shifted(gone, zeroOf(out))) })
	})
	return m
}

// keptDoc names what is kept.
func (d *Design) keptDoc() string {
	text := ""
	for i, f := range d.KeptFields() {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s of %d bits", f.Name, f.Bits)
	}
	return text
}

// keptWiring is the way of the words to the update lanes and from them to the store.
type keptWiring struct {
	unit       *hdl.Instance
	old, fresh *hdl.Signal // of all lanes, word after word
	valid      *hdl.Signal // a word leaves
}

// keptReady is the condition besides the store's that holds a column back.
func (p *datapath) keptReady(ready hdl.Value) hdl.Value {
	d := p.d
	if !d.keeps() {
		return ready
	}
	p.Group("Update: what is kept of each weight")
	u := p.Instance(d.keptUnit(), "u_kept")
	u.In("abort_i", p.abort)
	u.In("kept_valid_i", p.Input("kept_valid_i", hdl.U(1)))
	u.In("kept_data_i", p.Input("kept_data_i", hdl.U(d.P*d.ElementBits)))
	u.OutTo("kept_ready_o", p.Output("kept_ready_o", hdl.U(1)))
	all := hdl.U(d.KeptWords() * d.P * d.ElementBits)
	p.kept = keptWiring{unit: u, fresh: p.Wire("kept_new", all)}
	full := u.OutAs("full_o", "kept_full")
	p.kept.old = u.OutAs("old_o", "kept_old")
	u.In("take_i", p.column)
	u.In("new_i", p.kept.fresh)
	return p.WireIs("drain_ready", hdl.All(ready, full))
}

// laneWords is what a lane has of all columns of words: word k of lane r is element
// k*P + r.
func (p *datapath) laneWords(all *hdl.Signal, r hdl.Index) []hdl.Value {
	d := p.d
	var words []hdl.Value
	for k := range d.KeptWords() {
		words = append(words, hdl.IndexSlice(all, r.Plus(k*d.P), d.ElementBits))
	}
	return words
}

// keptLane connects what is kept of the elements of a lane.
func (p *datapath) keptLane(g *hdl.Gen, u *hdl.Instance, r hdl.Index) {
	d := p.d
	words := p.laneWords(p.kept.old, r)
	for _, f := range d.KeptFields() {
		own := words[:f.Words]
		words = words[f.Words:]
		slices.Reverse(own)
		value := g.WireIs(f.Name, hdl.Cat(own[0], own[1:]...), "sign extended")
		if w := value.Type().Width; w > f.Bits {
			g.Unused(hdl.Slice(value, w-1, f.Bits))
		}
		u.In(f.Name+"_i", hdl.AsS(hdl.Slice(value, f.Bits-1, 0)))
	}
	fresh := u.OutAs("kept_o", "kept")
	for k, w := range p.laneWords(p.kept.fresh, r) {
		g.Assign(w, hdl.Slice(fresh, (k+1)*d.ElementBits-1, k*d.ElementBits))
	}
}

// columnsLeaving says when a column of the drain reaches the store: in the second walk over a
// slab its words do.
func (p *datapath) columnsLeaving() hdl.Value {
	d, late := p.d, p.d.columnLate()
	if !d.keeps() {
		return delay(&p.Scope, "column", p.column, 0, late)[late]
	}
	keep := p.mode["keep"]
	valid := delay(&p.Scope, "column", hdl.All(p.column, hdl.Not(keep)), 0, late)
	load := delay(&p.Scope, "words", hdl.All(p.column, keep), 0, late)
	u := p.kept.unit
	u.In("load_i", load[late])
	p.kept.valid = u.OutAs("word_valid_o", "word_valid")
	return hdl.Any(valid[late], p.kept.valid)
}

// reserved announces the columns that the store will receive for one of the drain: one, or
// one for each word.
func (p *datapath) reserved() hdl.Value {
	d := p.d
	n := d.KeptWords()
	if n < 2 {
		return p.column
	}
	owed := p.Reg("owed_q", hdl.U(widest(n-1)), "words of the column to be announced")
	one := hdl.Const(owed.Type(), 1)
	p.AlwaysReset(func(b *hdl.Block) { b.Set(owed, zeroOf(owed)) }, func(b *hdl.Block) {
		b.If(p.abort, func(b *hdl.Block) { b.Set(owed, zeroOf(owed)) }).
			ElseIf(hdl.All(p.column, p.mode["keep"]), func(b *hdl.Block) { b.Set(owed, hdl.Const(owed.Type(), int64(n-1))) }).
			ElseIf(hdl.NeConst(owed, 0), func(b *hdl.Block) { b.Set(owed, hdl.SubMod(owed, one)) })
	})
	return hdl.Any(p.column, hdl.NeConst(owed, 0))
}

// leaving is a column of new weights, or of words.
func (p *datapath) leaving(updated hdl.Value) hdl.Value {
	if !p.d.keeps() {
		return updated
	}
	return hdl.Mux(p.kept.valid, p.kept.unit.OutAs("word_o", "word_column"), updated)
}

// lastLeaving marks the last column of the weights of a slab, and the last one of its words.
func (p *datapath) lastLeaving(last hdl.Value) hdl.Value {
	if !p.d.keeps() {
		return last
	}
	u := p.kept.unit
	u.In("load_last_i", last)
	return hdl.Any(hdl.All(last, hdl.Not(p.mode["keep"])), u.OutAs("word_last_o", "word_last"))
}

// Linger is how long the drain is not idle behind its last column.
func (d *Design) Linger() int { return d.linger() }

// StoreLimit is the number of columns held by the store from which it takes no more.
func (d *Design) StoreLimit() int { return d.storeLimit() }

// UpdateLatency is that of the update lanes in cycles, and of their random bits: the place of
// an element comes so many cycles behind its contrast.
func (d *Design) UpdateLatency() (value, place int) {
	before, _ := d.laneStages()
	return d.columnLate() - 1, before - 1
}
