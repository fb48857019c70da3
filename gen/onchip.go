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

// slabThere reports that the slab at hand is on chip.
func (q *sequencer) slabThere() hdl.Value {
	if q.d.onChip() {
		return bit(true)
	}
	return hdl.DynBit(q.full, q.bank)
}
