package gen

import (
	"slices"

	"epgen/hdl"
)

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
