package gen

import "epgen/hdl"

// loadAll builds the order of what is fetched: labels, samples, then all slabs.
func (f *fetch) loadAll() {
	d, one := f.d, hdl.U(1)
	rec, word, st := f.rec, f.slabWord, f.states
	f.Group("Order of the jobs")
	loaded := f.Reg("loaded_q", one)
	f.Assign(f.Output("loaded_o", one, "everything is on chip"), loaded)
	lastSlab := f.WireIs("last_slab", hdl.Eq(f.slab, rec.slice(word, "last")))
	weights := func(b *hdl.Block) {
		f.wait(b)
		b.Set(f.addr, f.beatOf(d.Map.Weights))
	}
	f.AlwaysReset(func(b *hdl.Block) {
		for _, r := range []*hdl.Signal{f.state, f.addr, f.left, f.columns, f.visit, f.slab, loaded} {
			b.Set(r, zeroOf(r))
		}
	}, func(b *hdl.Block) {
		f.count(b)
		b.Case(f.state, func(c *hdl.Case) {
			c.When(func(b *hdl.Block) {
				b.If(f.start, func(b *hdl.Block) {
					f.firstInput(b)
					b.Set(f.visit, zeroOf(f.visit))
					b.Set(f.slab, zeroOf(f.slab))
					b.Set(loaded, bit(false))
				})
			}, st[fetchIdle])
			f.inputStates(c, weights)
			c.When(func(b *hdl.Block) {
				b.Set(f.state, st[fetchSlab])
				b.Set(f.left, rec.slice(word, "beats"))
				b.Set(f.columns, rec.slice(word, "columns"))
			}, st[fetchWait])
			c.Default(func(b *hdl.Block) {
				b.If(f.lastColumn, func(b *hdl.Block) {
					b.Set(f.state, st[fetchWait])
					b.Set(f.slab, hdl.Mux(lastSlab, zeroOf(f.slab), inc(f.slab)))
					b.If(lastSlab, func(b *hdl.Block) {
						b.Set(f.visit, inc(f.visit))
						b.If(rec.slice(word, "end"), func(b *hdl.Block) {
							f.rest(b)
							b.Set(loaded, bit(true))
						})
					})
				})
			})
		})
		// The error of the run before still shows while a new one starts.
		b.If(hdl.Any(f.abort, hdl.All(f.errorQ, hdl.Not(f.start))), func(b *hdl.Block) {
			b.Set(f.state, st[fetchIdle])
			b.Set(f.left, zeroOf(f.left))
		})
	})
}

// fetchDoc says what the fetch unit brings.
func (d *Design) fetchDoc() string {
	if d.onChip() {
		return "all slabs, once.\n\n"
	}
	return "the slabs of every step in their order.\n\n" +
		"A slab is fetched as soon as half of the slab buffer is free, so that it arrives\n" +
		"while the other half computes. "
}

// tileBits is the width of the number of a tile in the slab, or of all tiles.
func (f *fetch) tileBits() int {
	if f.d.onChip() {
		return addrBits(f.d.allTiles())
	}
	return f.d.fields.slab
}

// slabPlace is the word of the tile being filled.
func (f *fetch) slabPlace(tile hdl.Value) hdl.Value {
	if f.d.onChip() {
		return tile
	}
	return f.d.slabAddress(f.fillBank, tile)
}

// biasNumber builds the write port of the biases of all slabs.
func (f *fetch) biasNumber(slab *hdl.Signal, first hdl.Value) {
	d := f.d
	number := f.Reg("slab_number_q", hdl.U(addrBits(d.allSlabs())), "of all slabs")
	f.AlwaysReset(func(b *hdl.Block) { b.Set(number, zeroOf(number)) }, func(b *hdl.Block) {
		b.If(f.start, func(b *hdl.Block) { b.Set(number, zeroOf(number)) }).
			ElseIf(hdl.All(slab, f.lastColumn), func(b *hdl.Block) { b.Set(number, inc(number)) })
	})
	f.Assign(f.Output("bias_we_o", hdl.U(1)), hdl.All(slab, first))
	f.Assign(f.Output("bias_addr_o", number.Type()), number)
	f.Assign(f.Output("bias_data_o", hdl.U(d.biasBits())), d.narrowColumn(f.column, d.Rows, d.BiasBits))
}
