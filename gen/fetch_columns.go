package gen

import "epgen/hdl"

// destinations builds the write ports: labels, samples, biases and tiles.
func (f *fetch) destinations() {
	d, one := f.d, hdl.U(1)
	f.Group("Where a column goes")
	in := func(state int) hdl.Value { return hdl.All(f.counted, hdl.Eq(f.state, f.states[state])) }
	at := f.Reg("at_q", hdl.U(addrBits(max(d.StateWords[0], d.GivenWords[1], d.MeanWords, d.TargetWords))), "label or word, within its region")
	if d.labels() > 0 {
		f.Assign(f.Output("label_we_o", one), in(fetchLabels))
		f.Assign(f.Output("label_addr_o", hdl.U(d.fields.sample)), fit(at, d.fields.sample))
		f.Assign(f.Output("label_data_o", hdl.U(d.labelBits())), fit(hdl.Slice(f.column, d.ElementBits-1, 0), d.labelBits()))
	}
	f.evenPort(at, in)
	if d.GivenWords[1] > 0 {
		f.Assign(f.Output("odd_we_o", one), in(fetchOdd))
		f.Assign(f.Output("odd_addr_o", hdl.U(addrBits(d.StateWords[1]))), fit(at, addrBits(d.StateWords[1])))
	}
	if d.TargetWords > 0 {
		f.Assign(f.Output("target_we_o", one), in(fetchTargets))
		f.Assign(f.Output("target_addr_o", hdl.U(addrBits(d.TargetWords))), fit(at, addrBits(d.TargetWords)))
		f.Assign(f.Output("target_data_o", hdl.U(d.P*d.targetBits())), d.narrowColumn(f.column, d.P, d.targetBits()))
	}
	if d.Centered {
		f.Assign(f.Output("mean_we_o", one), in(fetchMeans))
		f.Assign(f.Output("mean_addr_o", hdl.U(addrBits(d.MeanWords))), fit(at, addrBits(d.MeanWords)))
		f.Assign(f.Output("mean_data_o", hdl.U(d.P*d.headStateBits())), d.narrowColumn(f.column, d.P, d.headStateBits()))
	}
	f.slabColumns(at)
	if unused := d.unusedColumnBits(f.column); len(unused) > 0 {
		f.Unused(unused...)
	}
}

// slabColumns builds the write ports of biases and tiles, and the places of columns
// in their job.
func (f *fetch) slabColumns(at *hdl.Signal) {
	d, one := f.d, hdl.U(1)
	if d.someBiases() {
		f.Comment("A slab begins with its biases; the columns of its tiles follow.")
		f.first = f.Reg("first_q", one, "the column of biases is next")
	}
	col := f.Reg("tile_column_q", hdl.U(d.Lines), "one-hot: column of the tile")
	tile := f.Reg("tile_q", hdl.U(f.tileBits()))
	slab := f.WireIs("slab_column", hdl.All(f.counted, hdl.Eq(f.state, f.states[fetchSlab])))
	weWhen := slab
	if f.first != nil {
		weWhen = f.biasPort(slab)
	}
	f.Assign(f.Output("slab_we_o", hdl.U(d.Lines)), hdl.Mux(weWhen, col, zeroOf(col)))
	f.Assign(f.Output("slab_addr_o", hdl.U(addrBits(d.SlabDepth()))), f.slabPlace(tile))
	f.Assign(f.Output("slab_data_o", hdl.U(d.columnBits())), d.narrowColumn(f.column, d.P, d.WeightBits))
	setFirst := func(b *hdl.Block, v bool) {
		if f.first != nil {
			b.Set(f.first, bit(v))
		}
	}
	job := func(b *hdl.Block) {
		b.Set(at, zeroOf(at))
		setFirst(b, true)
		b.Set(col, hdl.Const(col.Type(), 1))
	}
	begin := func(b *hdl.Block) {
		job(b)
		b.Set(tile, zeroOf(tile))
	}
	step := func(b *hdl.Block) {
		b.Set(at, inc(at))
		setFirst(b, false)
		b.If(weWhen, func(b *hdl.Block) {
			b.Set(col, rotate(col))
			b.If(hdl.Bit(col, d.Lines-1), func(b *hdl.Block) { b.Set(tile, inc(tile)) })
		})
	}
	if d.onChip() { // tiles of all slabs follow one another
		f.AlwaysReset(begin, func(b *hdl.Block) {
			b.If(f.start, begin).ElseIf(f.counted, func(b *hdl.Block) {
				step(b)
				b.If(f.lastColumn, job)
			})
		})
		return
	}
	f.AlwaysReset(begin, func(b *hdl.Block) {
		b.If(hdl.Any(f.start, f.lastColumn), begin).ElseIf(f.counted, step)
	})
}

// biasPort builds the write port of biases and returns what enables that of tiles.
func (f *fetch) biasPort(slab *hdl.Signal) *hdl.Signal {
	d, first := f.d, hdl.Value(f.first)
	if d.mixedBiases() {
		first = f.WireIs("bias_column", hdl.All(f.first, f.rec.slice(f.slabWord, "biased")))
	}
	if d.onChip() {
		f.biasNumber(slab, first)
		return f.WireIs("tile_we", hdl.All(slab, hdl.Not(first)))
	}
	f.Assign(f.Output("bias_we_o", hdl.U(2)), hdl.Cat(hdl.All(slab, first, f.fillBank), hdl.All(slab, first, hdl.Not(f.fillBank))))
	f.Assign(f.Output("bias_data_o", hdl.U(d.biasBits())), d.narrowColumn(f.column, d.Rows, d.BiasBits))
	return f.WireIs("tile_we", hdl.All(slab, hdl.Not(first)))
}

// rotate moves a one-hot vector one place up.
func rotate(v hdl.Value) hdl.Value {
	w := v.Type().Width
	if w == 1 {
		return v
	}
	return hdl.Cat(hdl.Slice(v, w-2, 0), hdl.Bit(v, w-1))
}

// narrowColumn takes the low bits of the first elements of a column.
func (d *Design) narrowColumn(column hdl.Value, lanes, w int) hdl.Value {
	if w == d.ElementBits {
		return hdl.Slice(column, lanes*w-1, 0)
	}
	var values []hdl.Value
	for r := lanes - 1; r >= 0; r-- {
		values = append(values, hdl.Slice(column, r*d.ElementBits+w-1, r*d.ElementBits))
	}
	return hdl.Cat(values[0], values[1:]...)
}

// unusedColumnBits are the sign copies of a column that nothing reads.
func (d *Design) unusedColumnBits(column hdl.Value) []hdl.Value {
	var out []hdl.Value
	for r := range d.P {
		low := max(d.LaneBits, d.WeightBits, d.targetBits())
		if r < d.Rows {
			low = max(low, d.parameterBits())
		}
		if r == 0 && d.labels() > 0 {
			low = max(low, d.labelBits())
		}
		if low < d.ElementBits {
			out = append(out, hdl.Slice(column, (r+1)*d.ElementBits-1, r*d.ElementBits+low))
		}
	}
	if d.columnLanes() > d.P {
		out = append(out, hdl.Slice(column, d.columnLanes()*d.ElementBits-1, d.P*d.ElementBits))
	}
	return out
}
