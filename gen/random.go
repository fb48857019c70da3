package gen

import (
	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/hdl"
)

// The random bits of fixedpoint.RandomStream in hardware: the keys of the tensor at hand are
// computed once, by ep_random_key; each update lane then mixes in its place.

// stochastic reports random rounding of the updates.
func (d *Design) stochastic() bool { return d.Cfg.Formats.UpdateRounding == fixedpoint.Stochastic }

// random reports whether anything depends on the number of the update.
func (d *Design) random() bool { return d.stochastic() || d.Program.RandomSign }

// addShifted and xorShifted are x += x << k and x ^= x >> k.
func addShifted(x hdl.Value, k int) hdl.Value {
	return hdl.AddMod(x, hdl.Cat(hdl.Slice(x, 31-k, 0), hdl.Const(hdl.U(k), 0)))
}

func xorShifted(x hdl.Value, k int) hdl.Value {
	return hdl.Xor(x, hdl.Ext(hdl.Slice(x, 31, k), 32))
}

// mix adds mix(x, key) of package fixedpoint in two stages of two adders; the result is
// that of the arguments of two cycles ago.
func mix(s *hdl.Scope, name string, x, key hdl.Value) *hdl.Signal {
	word := hdl.U(32)
	x1 := s.WireIs(name+"_1", xorShifted(x, 5))
	x2 := s.WireIs(name+"_2", addShifted(x1, 14))
	x3 := s.WireIs(name+"_3", xorShifted(x2, 9))
	x4 := s.WireIs(name+"_4", addShifted(x3, 10))
	if key != nil {
		x4 = s.WireIs(name+"_5", hdl.Xor(x4, key))
	}
	half := s.Reg(name+"_half_q", word)
	x6 := s.WireIs(name+"_6", xorShifted(half, 8))
	x7 := s.WireIs(name+"_7", addShifted(x6, 10))
	x8 := s.WireIs(name+"_8", xorShifted(x7, 6))
	x9 := s.WireIs(name+"_9", addShifted(x8, 12))
	out := s.Reg(name+"_q", word)
	s.Always(func(b *hdl.Block) {
		b.Set(half, x4)
		b.Set(out, xorShifted(x9, 15))
	})
	return out
}

// absorb adds absorb(key, word) of package fixedpoint.
func absorb(s *hdl.Scope, name string, key, word hdl.Value) *hdl.Signal {
	in := s.WireIs(name+"_in", hdl.AddMod(hdl.Xor(key, word), hdl.Hex(hdl.U(32), 0x9e3779b9)))
	return mix(s, name, in, nil)
}

// randomKey builds ep_random_key: the two words that give the bits of a tensor, and the
// sign of the nudge. All inputs rest for longer than it takes.
func (d *Design) randomKey() *hdl.Module {
	m := hdl.NewModule("ep_random_key")
	m.Doc("Keys of the random bits of a tensor in an update, from the seed of the configuration:\n\n" +
		"  key   = absorb(absorb(seed, number), tensor)\n" +
		"  inner = absorb(key, 0)\n\n" +
		"The bits of an element are mix(key ^ place, inner); see docs/arithmetic.md.\n" +
		"Latency: 6 cycles, and 2 for the sign.")
	m.Group("Clock")
	m.Clock("clk_i")
	word := hdl.U(32)
	number := m.Input("update_number_i", word)
	m.Group("Tensor: 0 of the sign, 2n the weights and 2n+1 the biases of layer n; heads follow the layers")
	tensor := m.Input("tensor_i", hdl.U(d.tensorBits()))
	m.Group("Keys")
	seed := m.Localparam("SEED", word, int64(d.Arith.Random), "from the seed "+utoa(d.Cfg.Seed))
	update := absorb(&m.Scope, "update", seed, number)
	key := absorb(&m.Scope, "tensor", update, hdl.Ext(tensor, 32))
	inner := absorb(&m.Scope, "inner", key, hdl.Const(word, 0))
	if d.stochastic() {
		m.Assign(m.Output("key_o", word), key)
		m.Assign(m.Output("inner_o", word), inner)
	}
	if d.Program.RandomSign {
		m.Group("Sign of the nudge")
		place := mix(&m.Scope, "sign", key, inner)
		m.Assign(m.Output("sign_o", hdl.U(1), "negative"), hdl.Bit(place, 31))
		m.Unused(hdl.Slice(place, 30, 0))
	}
	return m
}

// tensorBits is the width of the number of a tensor.
func (d *Design) tensorBits() int { return widest(int(ep.BiasTensor(len(d.slabs()) - 1))) }

// tapsWrap reports a layer whose taps are one more than the number of a tile can say, so that 0
// stands for them: as many as the largest slab has tiles.
func (d *Design) tapsWrap() bool {
	for _, l := range d.slabs() {
		if l.Taps == 1<<d.fields.tile {
			return true
		}
	}
	return false
}

// places builds the place of the column in the drain, key ^ column ^ reverse(row), but
// for the lane.
func (p *datapath) places() *hdl.Signal {
	d, word := p.d, hdl.U(32)
	p.Group("Update: place of a column among the weights, for its random bits")
	key := p.Input("key_i", word)
	taps := p.Input("k_blk_i", hdl.U(d.fields.tile), "taps of a tile")
	slab := p.Input("slab_index_i", hdl.U(d.slabIndexBits()))
	start := p.updateStart
	column := p.Reg("place_q", word, "column of the weight matrix")
	base := p.Reg("place_tile_q", word, "that of column 0 of the tile")
	block := p.Reg("place_block_q", word, "that of column 0 and tap 0 of the block")
	tap := p.Reg("place_tap_q", hdl.U(d.fields.tile))
	step := hdl.Ext(taps, 32)
	if d.tapsWrap() {
		step = hdl.Ext(hdl.Cat(hdl.EqConst(taps, 0), taps), 32)
	}
	lastTap := p.WireIs("place_last_tap", hdl.Eq(inc(tap), taps))
	nextBlock := p.WireIs("place_next_block", hdl.AddMod(block, timesConst(step, d.Columns, 32)))
	lastCol := hdl.Value(hdl.EqConst(p.colIdx, int64(d.Lines-1)))
	p.Always(func(b *hdl.Block) {
		b.If(start, func(b *hdl.Block) {
			for _, r := range []*hdl.Signal{column, base, block, tap} {
				b.Set(r, zeroOf(r))
			}
		}).ElseIf(p.column, func(b *hdl.Block) {
			b.Set(column, hdl.AddMod(column, step))
			b.If(lastCol, func(b *hdl.Block) {
				b.Set(tap, hdl.Mux(lastTap, zeroOf(tap), inc(tap)))
				b.Set(base, hdl.Mux(lastTap, nextBlock, inc(base)))
				b.Set(column, hdl.Mux(lastTap, nextBlock, inc(base)))
				b.If(lastTap, func(b *hdl.Block) { b.Set(block, nextBlock) })
			})
		})
	})
	at := hdl.Value(column)
	if p.bias != nil {
		at = hdl.Mux(p.isBias(), hdl.Const(word, 0), column)
	}
	if !powerOfTwo(d.P) { // the row is a sum
		p.placeRow = p.WireIs("place_row", timesConst(slab, d.P, 32), "that of lane 0")
		return p.WireIs("place", hdl.Xor(key, at))
	}
	// The row is {slab, lane}; reversed, the lane has the highest bits.
	lanes := d.laneBits()
	row := hdl.Cat(reversed(slab), hdl.Const(hdl.U(32-lanes-slab.Type().Width), 0))
	return p.WireIs("place", hdl.Xor(key, at, hdl.Ext(row, 32)))
}

// lanePlace completes a place with the lane.
func (p *datapath) lanePlace(g *hdl.Gen, place hdl.Value, r hdl.Index) hdl.Value {
	if p.placeRow != nil {
		row := g.WireIs("row", hdl.AddMod(p.placeRow, hdl.Ext(hdl.IndexConst(hdl.U(p.d.laneBits()), r), 32)))
		return hdl.Xor(place, reversed(row))
	}
	lanes := p.d.laneBits()
	if lanes == 0 {
		return place
	}
	lane := g.WireIs("lane", hdl.IndexConst(hdl.U(lanes), r))
	return hdl.Xor(place, hdl.Cat(reversed(lane), hdl.Const(hdl.U(32-lanes), 0)))
}

// reversed is a value with its bits turned round.
func reversed(v hdl.Value) hdl.Value {
	n := v.Type().Width
	if n == 1 {
		return v
	}
	var parts []hdl.Value
	for i := range n {
		parts = append(parts, hdl.Bit(v, i))
	}
	return hdl.Cat(parts[0], parts[1:]...)
}

// stochasticRound adds floor(v * 2^-k + r * 2^-32), with as many of the upper bits of r
// as the fraction has.
func stochasticRound(s *hdl.Scope, name string, v hdl.Value, k int, r hdl.Value) hdl.Value {
	if k == 0 {
		s.Unused(r)
		return hdl.Ext(v, v.Type().Width+1)
	}
	if k >= v.Type().Width {
		v = s.WireIs(name+"_wide", hdl.Ext(v, k+1))
	}
	quotient := s.WireIs(name+"_floor", hdl.Shr(v, k))
	n := min(k, 32)
	fraction := hdl.Slice(v, k-1, k-n)
	if k > n {
		s.Unused(hdl.Slice(v, k-n-1, 0))
	}
	if n < 32 {
		s.Unused(hdl.Slice(r, 31-n, 0))
	}
	sum := s.WireIs(name+"_random", hdl.Add(fraction, hdl.Slice(r, 31, 32-n)))
	s.Unused(hdl.Slice(sum, n-1, 0))
	up := s.WireIs(name+"_up", hdl.Bit(sum, n), "stochastic")
	w := quotient.Type().Width + 1
	return hdl.AddMod(hdl.Ext(quotient, w), hdl.AsS(hdl.Ext(up, w)))
}

// randomSign keeps the sign of the nudge. The free phase, and the loading before it, is
// longer than it takes to compute it from the number of the update.
func (q *sequencer) randomSign() {
	one := hdl.U(1)
	q.Group("Sign of the nudge in this update")
	sign := q.Input("sign_i", one, "negative")
	q.negative = q.Reg("negative_q", one)
	q.sample = func() {
		q.Always(func(b *hdl.Block) {
			b.If(q.isPhase(CopyFree), func(b *hdl.Block) { b.Set(q.negative, sign) })
		})
	}
}

// tensor tells which tensor the random bits are for.
func (q *sequencer) tensor() {
	d := q.d
	if !d.random() {
		return
	}
	q.Group("Tensor of the random bits: 0, of the sign, but in the update")
	t := hdl.U(d.tensorBits())
	layer := hdl.Ext(q.slot(), t.Width-1)
	biases := bit(false)
	if d.someBiases() {
		biases = q.isKind(Bias)
	}
	of := hdl.Cat(hdl.AddMod(layer, hdl.Const(layer.Type(), 1)), biases)
	q.Assign(q.Output("tensor_o", t), hdl.Mux(q.isPhase(d.PhaseUpdate()), of, hdl.Const(t, 0)))
	if q.sample != nil {
		q.sample()
	}
}

// slot is the place of the layer among all layers and heads, from 0: heads have odd
// numbers only.
func (q *sequencer) slot() hdl.Value {
	d := q.d
	if !d.hasHeads() {
		return q.layer
	}
	if q.slotRow == nil {
		t := hdl.U(addrBits(len(d.slabs())))
		rows := make([]hdl.ROMRow, d.largestNumber())
		for i := range rows {
			if d.numbered(i + 1) {
				rows[i] = record{{"slot", t.Width, ""}}.row(d.at(i+1).Name, d.slot(i+1))
			}
		}
		q.slotRow = q.ROM("slot_rom", q.layer, t, rows, "place among all layers and heads")
	}
	return q.slotRow
}
