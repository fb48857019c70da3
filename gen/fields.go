package gen

import (
	"maps"
	"slices"
)

// opFields are the widths shared by the walker, its tables and the datapath.
type opFields struct {
	addr   int // word addresses of states and accumulators, within a copy or a sample too
	state  int // those of words of states, in a bank
	slab   int // tile of a slab
	tile   int // the same where a walker counts: in passes over the cells of a head, their running mean
	sample int
	block  int
	pos    int // y, x of an item
	step   int // steps of one side of a rectangle
	row    int // entry of the table of rows
	col    int
}

func (d *Design) deriveFields() {
	p, t := d.Plan, d.tables
	f := &d.fields
	f.state = addrBits(max(p.StateWords[0], p.StateWords[1]))
	f.addr = addrBits(max(p.StateWords[0], p.StateWords[1], p.AccWords, p.BackWords))
	f.slab = addrBits(p.SlabWords)
	f.tile = f.slab
	if p.Centered {
		for i := range p.Heads {
			f.tile = max(f.tile, addrBits(p.Heads[i].In.SampleWords))
		}
	}
	f.sample = addrBits(p.Cfg.Batch)
	f.row, f.col = addrBits(len(t.rows)), addrBits(len(t.cols))
	blocks, side, step := 1, 1, 1
	for _, ps := range t.passes {
		for _, q := range ps {
			blocks = max(blocks, q.LastBlk+1)
			side = max(side, q.LastY+1, q.LastX+1)
		}
	}
	for _, s := range append(append([]span{}, t.rows...), t.cols...) {
		step = max(step, s.N)
	}
	f.block, f.pos, f.step = max(addrBits(blocks), partBits(p.columnParts())), addrBits(side), addrBits(step)
}

// passRecord is the ROM word of a Pass.
func (d *Design) passRecord() record {
	f := d.fields
	acc, onChip := addrBits(d.AccWords), b2i(d.onChip())
	step := widest(d.largestStride())
	if d.largestStride() == 1 {
		step = 0
	}
	sums := acc
	if d.hasHeads() { // averages go to a state bank
		sums = f.addr
	}
	rec := record{
		{"row_base", f.row, "first row entry"},
		{"col_base", f.col, "first column entry"},
		{"last_blk", f.block, "blocks - 1"},
		{"last_y", f.pos, "rows - 1"},
		{"last_x", f.pos, "columns - 1"},
		{"window", 1, "four positions per state"},
		{"unpool", 1, "the layer's operand only at the argmax"},
		{"i_base", f.state, "first word of layer n-1 in a copy"},
		{"o_base", f.state, "first word of layer n in a copy"},
		{"i_blk", f.addr, "words per block below"},
		{"i_sample", f.addr, "words per sample below"},
		{"o_blk", f.addr, "words per block"},
		{"o_sample", f.addr, "words per sample"},
		{"o_slab", f.addr, "words per slab"},
		{"i_row", f.addr, "words per row below"},
		{"o_row", f.addr, "words per row"},
		{"k_blk", f.tile, "tiles per block"},
		{"k_row", f.tile, "tiles per row of taps"},
		{"acc_read", acc, "accumulators read by the first slab"},
		{"acc_next", acc, "accumulators read by later slabs"},
		{"acc_write", sums, "accumulators written"},
		{"index_base", addrBits(d.indexStateWords()), "first word of the pool indices"},
		{"up_shift", d.shifts.up.bits(), "choice of alignment"},
		{"bias_shift", d.biasShiftBits(), "choice of alignment"},
		{"down_shift", d.shifts.down.bits(), "choice of alignment"},
		{"act_shift", d.shifts.act.bits(), "choice of alignment"},
		{"top", d.tops().bits(), "choice of the largest state"},
		{"initial_state", d.initials().bits(), "choice of the initial state"},
		{"limit", d.limitBits(), "choice of the range of the parameters"},
		{"rate", d.rateBits() * (1 - b2i(d.Cfg.HostRates)), d.rateDoc()},
		{"rate_shift", d.shifts.rate.bits(), "choice of alignment"},
		{"step", step, "from one pixel below or one tap to the next"},
		{"tile_first", addrBits(d.allTiles()) * onChip, "first tile of the layer on chip"},
		{"tile_step", addrBits(d.allTiles()) * onChip, "tiles per slab"},
		{"slab_first", addrBits(d.allSlabs()) * onChip * b2i(d.someBiases()), "first slab of the layer on chip"},
		{"biased", b2i(d.mixedBiases()), "the layer has biases"},
		{"mean", b2i(d.averages()), "the four positions of a window count alike"},
	}.wanted()
	rec = append(rec, d.movePassFields()...)
	for _, o := range d.headFields() {
		rec = append(rec, o.field)
	}
	return rec
}

// optionalField is a field of a pass that only some networks need.
type optionalField struct {
	field
	value func(*Pass) int
}

// rateBits is the width of the mantissa of a rate, 0 where nothing learns.
func (d *Design) rateBits() int { return d.Cfg.Formats.RateBits * b2i(d.learns()) }

// rateDoc describes the mantissa of a rate.
func (d *Design) rateDoc() string { return "mantissa of " + d.rateText() }

// rateText is the factor of a contrast in an update: lr over the spread of the strengths, 2 beta of
// the symmetric estimate, and the samples; that of a head knows no strength.
func (d *Design) rateText() string {
	samples := float64(d.Cfg.Batch * d.Cfg.Starts())
	text := "lr/" + ftoa(d.Arith.Spread*samples)
	if d.hasHeads() {
		text += ", of a head in proportion to its own lr"
	}
	return text
}

// biasShiftBits is the width of the choice of the alignment of biases.
func (d *Design) biasShiftBits() int { return d.shifts.bias.bits() * b2i(d.someBiases()) }

// largestStride is that of all convolutions.
func (p *Plan) largestStride() int {
	s := 1
	for i := range p.Layers {
		s = max(s, p.Layers[i].Stride)
	}
	return s
}

// averages reports whether some layer has an average pool.
func (p *Plan) averages() bool {
	for i := range p.Layers {
		if p.Layers[i].Averages() {
			return true
		}
	}
	return false
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// PassReads lists, for each kind of pass, the fields of the descriptor that
// the hardware reads during it or right after. All others are zero in the ROM.
// In designs with heads HeadReads are read besides, in those with differences what moveValues names; random bits of updates need k_blk, weights
// on chip the place of the slab in all passes over one.
var PassReads = map[Kind][]string{
	Up: {"row_base", "col_base", "last_blk", "last_y", "last_x", "window", "unpool", "i_base", "i_blk", "i_sample", "o_blk", "step", "mean",
		"o_sample", "o_slab", "i_row", "k_blk", "k_row", "acc_write", "index_base", "up_shift", "bias_shift", "biased", "initial_state"},
	Down: {"row_base", "col_base", "last_blk", "last_y", "last_x", "window", "unpool", "o_base", "i_blk", "i_sample", "o_blk", "step", "mean",
		"o_sample", "o_slab", "o_row", "k_blk", "k_row", "acc_read", "acc_next", "acc_write", "index_base", "down_shift", "initial_state"},
	Update: {"row_base", "col_base", "last_blk", "last_y", "last_x", "window", "unpool", "i_base", "o_base", "i_blk", "i_sample",
		"o_blk", "o_sample", "o_slab", "i_row", "o_row", "step", "mean", "index_base", "rate", "rate_shift", "limit"},
	Bias: {"row_base", "col_base", "last_blk", "last_y", "last_x", "window", "unpool", "o_base", "o_blk", "o_sample", "o_row",
		"rate", "rate_shift", "limit", "biased"},
	Act: {"row_base", "col_base", "last_blk", "last_y", "last_x", "window", "unpool", "o_base", "o_blk", "o_sample", "o_row",
		"acc_read", "act_shift", "top"},
}

// values returns the fields of a pass that its hardware reads. Steps that a
// single block, sample or row never takes are dropped: they need not fit an
// address.
func (d *Design) values(q *Pass) map[string]int {
	fit := func(v, bits int) int { return v & (1<<bits - 1) }
	a, t := d.fields.addr, d.fields.tile
	la := d.at(q.Layer).Arith
	down := 0
	if d.at(q.Layer).Head != nil {
		down = d.shifts.down.of(0)
	} else if q.Layer > 1 {
		down = d.shifts.down.of(d.Layers[q.Layer-2].Arith.DownShift)
	}
	rate := la.WeightUpdate
	if q.Kind == Bias {
		rate = la.BiasUpdate
	}
	bias := 0
	if !d.at(q.Layer).NoBias {
		bias = d.shifts.bias.of(la.BiasShift)
	}
	all := map[string]int{
		"row_base": q.RowBase, "col_base": q.ColBase, "last_blk": q.LastBlk, "last_y": q.LastY, "last_x": q.LastX,
		"window": b2i(q.Window), "unpool": b2i(q.Unpool), "i_base": q.IBase, "o_base": q.OBase,
		"i_blk": fit(q.IBlk, a), "i_sample": fit(q.IB, a), "o_blk": fit(q.OBlk, a), "o_sample": fit(q.OB, a), "o_slab": fit(q.OSlab, a),
		"i_row": fit(q.IRow, a), "o_row": fit(q.ORow, a), "k_blk": fit(q.KBlk, t), "k_row": fit(q.KRow, t),
		"acc_read": q.AccRead, "acc_next": q.AccNext, "acc_write": q.AccBase, "index_base": q.IndexBase,
		"up_shift": d.shifts.up.of(la.UpShift), "bias_shift": bias,
		"down_shift": down, "act_shift": max(0, d.shifts.act.of(la.Act.Shift)),
		"step": q.Step, "mean": b2i(q.Mean), "biased": b2i(!d.at(q.Layer).NoBias),
		"top": d.topOf(q), "initial_state": d.initialOf(q), "limit": d.limitOf(rate),
		"rate": int(rate.Mantissa), "rate_shift": max(0, d.shifts.rate.of(rate.Shift)),
	}
	if d.onChip() {
		tile, slab := d.TileBase(q.Layer)
		all["tile_first"], all["slab_first"] = tile, slab
		all["tile_step"] = fit(d.at(q.Layer).Tiles, addrBits(d.allTiles()))
	}
	for _, o := range d.headFields() {
		all[o.name] = o.value(q)
	}
	read := map[string]int{}
	for _, name := range d.moveValues(q, all) {
		read[name] = all[name]
	}
	if d.hasHeads() {
		for _, name := range HeadReads(q.Kind, slices.Collect(maps.Keys(all))) {
			read[name] = all[name]
		}
	}
	for _, name := range PassReads[q.Kind] {
		read[name] = all[name]
	}
	if d.onChip() && q.Kind != Act {
		for _, name := range []string{"tile_first", "tile_step", "slab_first"} {
			read[name] = all[name]
		}
	}
	if d.stochastic() { // the place of an element, for its random bits
		read["k_blk"] = all["k_blk"]
	}
	return read
}

// spanRecord is the ROM word of an axis table entry.
func (d *Design) spanRecord() record {
	f := d.fields
	return record{
		{"last", f.step, "steps - 1"},
		{"void", 1, "no step multiplies"},
		{"odd", 1, "starts in the second half of a pool window"},
		{"i", f.addr, "start in the map below"},
		{"o", f.addr, "start in the map of the layer"},
		{"k", f.tile, "start among the taps"},
	}
}
