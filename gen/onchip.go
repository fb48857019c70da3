package gen

import (
	"epgen/ep"
	"epgen/hdl"
)

// Weights on chip: the slab buffer holds all slabs, in the order of memory, and the
// fetch unit fills it once. The sequencer finds a slab behind those before it; nothing
// is released, and nothing waits. The update reads old weights there and writes the new
// ones to external memory, from where the next start brings them.

// onChip reports weights on chip.
func (p *Plan) onChip() bool { return p.Cfg.Memory.Weights == ep.OnChip }

// TileBase returns the first tile of a layer or head in a buffer of all weights, and its
// first slab.
func (p *Plan) TileBase(n int) (tile, slab int) {
	for _, l := range p.slabs() {
		if l.N == n {
			break
		}
		tile += l.Slabs * l.Tiles
		slab += l.Slabs
	}
	return tile, slab
}

// allTiles and allSlabs are those of the network.
func (p *Plan) allTiles() int {
	n := 0
	for _, l := range p.slabs() {
		n += l.Slabs * l.Tiles
	}
	return n
}

func (p *Plan) allSlabs() int {
	n := 0
	for _, l := range p.slabs() {
		n += l.Slabs
	}
	return n
}

// SlabDepth is the number of tiles in the slab buffer.
func (p *Plan) SlabDepth() int {
	if p.onChip() {
		return p.allTiles()
	}
	return 2 * p.SlabWords
}

// loadAll builds the order of what is fetched: labels, samples, then all slabs.
func (f *fetch) loadAll() {
	d, one := f.d, hdl.U(1)
	rec, word, st := f.rec, f.slabWord, f.states
	f.Group("Order of the jobs")
	loaded := f.Reg("loaded_q", one)
	f.Assign(f.Output("loaded_o", one, "everything is on chip"), loaded)
	lastSlab := f.WireIs("last_slab", hdl.Eq(f.slab, rec.slice(word, "last")))
	next := func(from, to int, before func(b *hdl.Block)) func(c *hdl.Case) {
		return func(c *hdl.Case) {
			c.When(func(b *hdl.Block) {
				b.If(f.lastColumn, func(b *hdl.Block) {
					b.Set(f.state, st[to])
					before(b)
				})
			}, st[from])
		}
	}
	weights := func(b *hdl.Block) { b.Set(f.addr, f.beatOf(d.Map.Weights)) }
	f.AlwaysReset(func(b *hdl.Block) {
		for _, r := range []*hdl.Signal{f.state, f.addr, f.left, f.columns, f.visit, f.slab, loaded} {
			b.Set(r, zeroOf(r))
		}
	}, func(b *hdl.Block) {
		f.count(b)
		b.Case(f.state, func(c *hdl.Case) {
			c.When(func(b *hdl.Block) {
				b.If(f.start, func(b *hdl.Block) {
					f.firstJob(b)
					b.Set(f.visit, zeroOf(f.visit))
					b.Set(f.slab, zeroOf(f.slab))
					b.Set(loaded, bit(false))
				})
			}, st[fetchIdle])
			if d.labels() > 0 {
				next(fetchLabels, fetchInput, f.loadInput)(c)
			}
			last := fetchInput
			if d.TargetWords > 0 {
				next(last, fetchTargets, func(b *hdl.Block) { f.load(b, d.Map.Targets, d.TargetWords) })(c)
				last = fetchTargets
			}
			if d.Centered {
				next(last, fetchMeans, func(b *hdl.Block) { f.load(b, d.Map.Means, d.MeanWords) })(c)
				last = fetchMeans
			}
			next(last, fetchWait, weights)(c)
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
							b.Set(f.state, st[fetchIdle])
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

// slabPlace is the word of a tile of the slab at hand.
func (p *datapath) slabPlace(tile hdl.Value) hdl.Value {
	if !p.d.onChip() {
		return p.d.slabAddress(p.mode["bank"], tile)
	}
	base := p.mode["slab_base"]
	return hdl.AddMod(base, hdl.Ext(tile, base.Type().Width))
}

// biasMemory keeps the biases of all slabs.
func (p *datapath) biasMemory(we, data hdl.Value) hdl.Value {
	d := p.d
	p.Group("Biases of all slabs")
	addr := p.Input("bias_addr_i", hdl.U(addrBits(d.allSlabs())))
	mem := p.Memory("bias_mem", data.Type(), d.allSlabs())
	bias := p.Reg("bias_q", data.Type(), "of the slab of the pass")
	p.Always(func(b *hdl.Block) {
		b.If(we, func(b *hdl.Block) { b.Set(mem.At(addr), data) })
		b.Set(bias, mem.At(p.mode["slab_number"]))
	})
	return bias
}

// slabsDoc says what the slab buffer holds.
func (d *Design) slabsDoc() string {
	if d.onChip() {
		return "All slabs"
	}
	return "Two slabs"
}

// biasBanks is the number of registers, or memories, of biases.
func (d *Design) biasBanks() int {
	if d.onChip() {
		return 1
	}
	return 2
}

func (d *Design) biasBanksDoc() string {
	if d.onChip() {
		return "the biases of a slab"
	}
	return "the biases of a slab, one bit a bank"
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
	return f.d.fields.tile
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

// slabThere reports that the slab at hand is on chip.
func (q *sequencer) slabThere() hdl.Value {
	if q.d.onChip() {
		return bit(true)
	}
	return hdl.DynBit(q.full, q.bank)
}
