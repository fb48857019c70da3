package gen

import "epgen/hdl"

// fetchKeptWiring is what the fetch unit has for the words that updates keep.
type fetchKeptWiring struct {
	again  *hdl.Signal
	accept *hdl.Signal // the column has a place to go; nil: every column has
}

// keptRecord are the fields of a visit that describe the words behind a slab.
func (d *Design) keptRecord() record {
	beats, columns := 0, 0
	for _, l := range d.slabs() {
		beats, columns = max(beats, l.KeptBeats), max(columns, l.KeptColumns)
	}
	return record{
		{"kept_beats", widest(beats), "beats of what updates keep, behind the slab"},
		{"kept_columns", widest(columns), "columns of it"},
		{"updates", 1, "the visit reads it, twice; others skip it"},
	}
}

// keptPort is the port of the words, which wait until ep_kept takes them. It returns what
// counts a column.
func (f *fetch) keptPort(there hdl.Value) hdl.Value {
	d, one := f.d, hdl.U(1)
	words := hdl.Eq(f.state, f.states[fetchKept])
	ready := f.Input("kept_ready_i", one)
	f.kept.accept = f.WireIs("accept", hdl.Any(hdl.Not(words), ready), "the column has a place to go")
	f.Assign(f.Output("kept_valid_o", one), hdl.All(there, words))
	f.Assign(f.Output("kept_data_o", hdl.U(d.P*d.ElementBits)), hdl.Slice(f.column, d.P*d.ElementBits-1, 0))
	return hdl.All(there, f.kept.accept)
}

// accepted is cond where the column has a place to go.
func (f *fetch) accepted(cond hdl.Value) hdl.Value {
	if f.kept.accept == nil {
		return cond
	}
	return hdl.All(cond, f.kept.accept)
}

// roomFor is high when the column register may be written.
func (f *fetch) roomFor(valid hdl.Value) hdl.Value {
	if f.kept.accept == nil {
		return bit(true)
	}
	return hdl.Any(hdl.Not(valid), f.kept.accept)
}

// stays is the next valid bit of the column register.
func (f *fetch) stays(comes, valid hdl.Value) hdl.Value {
	if f.kept.accept == nil {
		return comes
	}
	return hdl.Any(comes, hdl.All(valid, hdl.Not(f.kept.accept)))
}

// keptNext goes on behind a slab: to its words in the update, else past them.
func (f *fetch) keptNext(b *hdl.Block, advance func(b *hdl.Block)) {
	rec, word := f.rec, f.slabWord
	beats := rec.slice(word, "kept_beats")
	b.If(rec.slice(word, "updates"), func(b *hdl.Block) {
		b.Set(f.state, f.states[fetchKept])
		b.Set(f.kept.again, bit(false))
		f.loadKept(b)
	}).Else(func(b *hdl.Block) {
		b.Set(f.addr, hdl.AddMod(f.addr, hdl.Ext(beats, f.addr.Type().Width)))
		advance(b)
	})
}

// loadKept begins to fetch the words.
func (f *fetch) loadKept(b *hdl.Block) {
	b.Set(f.left, hdl.Ext(f.rec.slice(f.slabWord, "kept_beats"), f.left.Type().Width))
	b.Set(f.columns, hdl.Ext(f.rec.slice(f.slabWord, "kept_columns"), f.columns.Type().Width))
}

// keptWalk goes on behind the words of a walk: to the same again, then to the next slab.
func (f *fetch) keptWalk(b *hdl.Block) {
	beats := f.rec.slice(f.slabWord, "kept_beats")
	b.If(f.lastColumn, func(b *hdl.Block) {
		b.If(f.kept.again, f.nextSlab(f.allOver)).Else(func(b *hdl.Block) {
			b.Set(f.kept.again, bit(true))
			b.Set(f.addr, hdl.SubMod(f.addr, hdl.Ext(beats, f.addr.Type().Width)))
			f.loadKept(b)
		})
	})
}
