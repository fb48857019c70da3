package gen

// opFields are the widths shared by the walker, its tables and the datapath.
type opFields struct {
	addr   int // word addresses of states and accumulators, within a copy or a sample too
	state  int // those of words of states, in a bank
	tile   int // tile of a slab
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
	f.tile = addrBits(p.SlabWords)
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
	rec := record{
		{"row_base", f.row, "first row entry"},
		{"col_base", f.col, "first column entry"},
		{"last_blk", f.block, "blocks - 1"},
		{"last_y", f.pos, "rows - 1"},
		{"last_x", f.pos, "columns - 1"},
		{"window", 1, "four positions per state"},
		{"unpool", 1, "z only at the argmax"},
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
		{"acc_read", addrBits(d.AccWords), "accumulators read by the first slab"},
		{"acc_next", addrBits(d.AccWords), "accumulators read by later slabs"},
		{"acc_write", f.addr, "accumulators written"},
		{"index_base", addrBits(d.indexStateWords()), "first word of the pool indices"},
		{"up_shift", d.shifts.up.bits(), "choice of alignment"},
		{"bias_shift", d.shifts.bias.bits(), "choice of alignment"},
		{"down_shift", d.shifts.down.bits(), "choice of alignment"},
		{"act_shift", d.shifts.act.bits(), "choice of alignment"},
		{"rate", d.Cfg.Formats.RateBits, "mantissa of lr/(2 beta B)"},
		{"rate_shift", d.shifts.rate.bits(), "choice of alignment"},
	}
	for _, o := range d.optionalFields() {
		rec = append(rec, o.field)
	}
	if !d.someBiases() {
		rec = rec.without("bias_shift")
	}
	if d.Cfg.HostRates {
		rec = rec.without("rate")
	}
	return rec
}

// optionalField is a field of a pass that only some networks need.
type optionalField struct {
	field
	value func(*Pass) int
}

// optionalFields lists those of this network.
func (d *Design) optionalFields() []optionalField {
	var list []optionalField
	if s := d.largestStride(); s > 1 {
		list = append(list, optionalField{field{"step", widest(s), "from one pixel below or one tap to the next"},
			func(q *Pass) int { return q.Step }})
	}
	if d.onChip() {
		tile, slab := addrBits(d.allTiles()), addrBits(d.allSlabs())
		list = append(list,
			optionalField{field{"tile_first", tile, "first tile of the layer on chip"}, func(q *Pass) int { t, _ := d.TileBase(q.Layer); return t }},
			optionalField{field{"tile_step", tile, "tiles per slab"}, func(q *Pass) int { return d.at(q.Layer).Tiles & (1<<tile - 1) }})
		if d.someBiases() {
			list = append(list, optionalField{field{"slab_first", slab, "first slab of the layer on chip"}, func(q *Pass) int { _, s := d.TileBase(q.Layer); return s }})
		}
	}
	if d.mixedBiases() {
		list = append(list, optionalField{field{"biased", 1, "the layer has biases"},
			func(q *Pass) int { return b2i(!d.at(q.Layer).NoBias) }})
	}
	if d.averages() {
		list = append(list, optionalField{field{"mean", 1, "the four positions of a window count alike"},
			func(q *Pass) int { return b2i(q.Mean) }})
	}
	return append(list, d.headFields()...)
}

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

// values lists a pass in the order of passRecord. Steps that a single block,
// sample or row never takes are dropped: they need not fit an address.
func (d *Design) values(q *Pass) []int {
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
	bias := d.shifts.bias.of(la.BiasShift)
	if d.at(q.Layer).NoBias {
		bias = 0
	}
	values := []int{
		q.RowBase, q.ColBase, q.LastBlk, q.LastY, q.LastX, b2i(q.Window), b2i(q.Unpool),
		q.IBase, q.OBase, fit(q.IBlk, a), fit(q.IB, a), fit(q.OBlk, a), fit(q.OB, a), fit(q.OSlab, a),
		fit(q.IRow, a), fit(q.ORow, a), fit(q.KBlk, t), fit(q.KRow, t),
		q.AccRead, q.AccNext, q.AccBase, q.IndexBase,
		d.shifts.up.of(la.UpShift),
	}
	if d.someBiases() {
		values = append(values, bias)
	}
	values = append(values, down, max(0, d.shifts.act.of(la.Act.Shift)))
	if !d.Cfg.HostRates {
		values = append(values, int(rate.Mantissa))
	}
	values = append(values, max(0, d.shifts.rate.of(rate.Shift)))
	for _, o := range d.optionalFields() {
		values = append(values, o.value(q))
	}
	return values
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
