package gen

import (
	"fmt"

	"epgen/hdl"
)

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
