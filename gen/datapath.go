package gen

import "epgen/hdl"

// modeFields are what the sequencer holds constant for the datapath during a
// pass.
func (d *Design) modeFields() record {
	a, index, slabPart := d.fields.addr, addrBits(d.indexStateWords()), 0
	live, onChip, learns := b2i(d.movingIndex()), b2i(d.onChip()), b2i(d.learns())
	if n := d.rowParts(); n > 1 {
		slabPart = partBits(n)
	}
	rec := record{
		{"up", 1, "pass: bottom-up sums"},
		{"down", 1, "pass: top-down sums"},
		{"update", learns, "pass: contrast, of weights or of biases"},
		{"bias", b2i(d.contrastsBiases()), "pass: contrast of biases"},
		{"act", 1, "pass: activation"},
		{"result", 1, "pass: states to external memory"},
		{"i_even", 1, "the layer below is in the even bank"},
		{"unpool", 1, "the layer's operand only at the argmax"},
		{"window", 1, "up of a pooled layer"},
		{"zero", 1 - b2i(d.given()), "all states count as zero: first free step"},
		{"free_index", b2i(d.selectsIndex()), "pool by comparison and store the argmax"},
		{"acc_keep", live, "store no accumulator: the pass is for the argmax"},
		{"nudge", b2i(d.nudgesOutput()), "the output layer is nudged"},
		{"nudge_minus", b2i(d.bothSigns()), "the nudge is by -beta"},
		{"bank", 1 - onChip, "half of the slab buffer"},
		{"i_word", d.fields.state * (1 - learns), "first word of the layer below"},
		{"o_word", d.fields.state * (1 - learns), "first word of the layer"},
		{"i_plus", d.fields.state * learns, "first word of the layer below, phase +beta or the only one"},
		{"i_minus", d.fields.state * learns, "the same, phase -beta"},
		{"o_plus", d.fields.state * learns, "first word of the layer"},
		{"o_minus", d.fields.state * learns, "the same, phase -beta"},
		{"index", index * (1 - live), "first word of its pool indices"},
		{"index_plus", index * live, "first word of its pool indices, phase +beta"},
		{"index_minus", index * live, "the same, phase -beta"},
		{"acc_read", addrBits(d.AccWords), "first accumulator read"},
		{"write", a, "first accumulator, or first state (act), written"},
		{"up_shift", d.shifts.up.bits(), "choice of alignment"},
		{"bias_shift", d.biasShiftBits(), "choice of alignment"},
		{"down_shift", d.shifts.down.bits(), "choice of alignment"},
		{"act_shift", d.shifts.act.bits(), "choice of alignment"},
		{"top", d.tops().bits(), "choice of the largest state"},
		{"initial_state", d.initials().bits(), "choice of the initial state"},
		{"limit", d.limitBits(), "choice of the range of the parameters"},
		{"fixed", b2i(d.fixedMaps()), "the map of the head does not decay"},
		{"rate", d.rateBits(), d.rateDoc()},
		{"rate_shift", d.shifts.rate.bits(), "choice of alignment"},
		{"slab_base", addrBits(d.allTiles()) * onChip, "first tile of the slab"},
		{"slab_number", addrBits(d.allSlabs()) * onChip * b2i(d.someBiases()), "of all slabs"},
		{"biased", b2i(d.mixedBiases()), "the layer has biases"},
		{"strength", d.strengthBits(), "of the nudge"},
		{"unclamped", b2i(d.signedLast()), d.unclampedDoc()},
		{"negate", b2i(d.Program.RandomSign), "the contrast changes its sign"},
		{"from_drive", b2i(d.columnParts() > 1 && d.relaxing() > 1), "down reads the drive of layer 1 and writes other accumulators"},
		{"slab_part", slabPart, "part of a word that the slab is"},
		{"mean", b2i(d.averages()), "average pool: sums of windows, the layer's operand at every position"},
		{"keep", b2i(d.keeps()), "second walk over a slab of the update: what updates keep"},
	}
	for _, point := range d.furtherPoints() {
		rec = append(rec, field{"i_" + point, d.fields.state, "first word of the layer below"}, field{"o_" + point, d.fields.state, "first word of the layer"},
			field{"index_" + point, index * live, "first word of its pool indices"})
	}
	return append(append(rec.wanted(), d.headModes()...), d.moveModes()...)
}

// opRecord are the fields of an operation, in the walker's output order.
func (d *Design) opRecord() record {
	f := d.fields
	rec := record{
		{"valid", 1, ""}, {"i", f.addr, "word in the map below"}, {"o", f.addr, "word in the map of the layer"},
		{"tile", f.tile, "tile of the slab"}, {"pos", 2, "{dy, dx} in the pool window"},
		{"void", 1, "the product is to be zero"}, {"first", 1, "starts a sum"}, {"last", 1, "completes a sum"},
		{"minus", d.pointBits(), d.pointDoc()}, {"sample", f.sample * b2i(d.learns()), ""},
	}
	if n := d.columnParts(); n > 1 {
		rec = append(rec, field{"part", partBits(n), "part of the word below that the block is"})
	}
	if d.squares() {
		rec = append(rec, field{"square", 1, "first of the products of two differences"})
	}
	return rec.wanted()
}

// columnBits is one column of weights on chip; biasBits one column of biases.
func (d *Design) columnBits() int { return d.P * d.WeightBits }
func (d *Design) biasBits() int   { return d.Rows * d.BiasBits }

// datapath is ep_datapath under construction.
type datapath struct {
	*hdl.Module
	d        *Design
	mode, op map[string]hdl.Value

	valid, pos                      []hdl.Value // at each stage
	evenAddr, oddAddr, indexAddr    *hdl.Signal
	slabAddr, accRAddr, waddr       *hdl.Signal
	first1, last1, void1, minus1    *hdl.Signal // minus1 is nil where nothing learns
	pos1                            *hdl.Signal
	part1                           *hdl.Signal // nil unless a word holds several blocks
	even, odd, index, tile          *hdl.Signal
	bias                            hdl.Value
	accValid, acc                   *hdl.Signal
	take, drainTile, column, colIdx *hdl.Signal
	tileDone, contrast              *hdl.Signal
	here                            hdl.Value // words of the layer, stage 2
	argmax, states                  *hdl.Signal

	updateStart hdl.Value
	kept        keptWiring
	placeRow    *hdl.Signal // of random bits; nil where rows are joined bits

	laneWiring
	headWiring

	referenceAddr               *hdl.Signal // of the pre-activations kept; nil unless nudged phases hold differences
	referenceWAddr, referenceWE hdl.Value
	square1                     *hdl.Signal
}

// laneWiring is what all lanes share of the accumulator ports.
type laneWiring struct {
	re, raddr, we, waddr hdl.Value
}

// datapath builds ep_datapath: memories, operands, array, lanes and update.
func (d *Design) datapath() *hdl.Module {
	p := &datapath{Module: hdl.NewModule("ep_datapath"), d: d, mode: map[string]hdl.Value{}, op: map[string]hdl.Value{}}
	contrast, parts := "", "array and lanes"
	if d.learns() {
		contrast, parts = "\nThe contrast of update is complete in stage 5.", "array, lanes and update"
	}
	p.Doc("%s", "States, slabs, "+parts+" of the accelerator.\n\n"+
		"Pipeline of an operation, by stage:\n"+
		"  0 from the walker    1 addresses      2 words read     3 operands\n"+
		"  4 products           5 half sums      6 sums           7 row accumulators\n"+
		"  8 aligned            9 pooled or added, written\n"+
		"Activation reads its accumulator in stage 1 and writes its state in stage "+itoa(d.actStage())+"."+contrast)
	p.Group("Clock and synchronous reset")
	p.Clock("clk_i")
	p.Reset("rst_ni")
	p.Group("Mode, constant while operations are in flight")
	for _, f := range d.modeFields() {
		p.mode[f.name] = p.Input(f.name+"_i", hdl.U(f.bits), f.doc)
	}
	p.Group("Operation")
	for _, f := range d.opRecord() {
		p.op[f.name] = p.Input("op_"+f.name+"_i", hdl.U(f.bits), f.doc)
	}
	p.addresses()
	p.references()
	p.memories()
	p.array()
	p.lanes()
	p.leave()
	if d.hasHeads() {
		p.headUnit()
	}
	return p.Module
}

// isBias is high in passes over biases; nil if no layer has any.
func (p *datapath) isBias() hdl.Value { return p.mode["bias"] }

// argmaxOnly is cond in layers whose windows have an argmax.
func (p *datapath) argmaxOnly(cond hdl.Value) hdl.Value {
	if mean, ok := p.mode["mean"]; ok {
		return hdl.All(cond, hdl.Not(mean))
	}
	return cond
}

// byPhase is an address of the phase that the operation belongs to.
func (p *datapath) byPhase(name string) hdl.Value {
	var values []hdl.Value
	for _, point := range p.d.pointNames() {
		values = append(values, p.mode[name+"_"+point])
	}
	return p.d.choosePoint(p.op["minus"], values)
}

// addresses builds stage 1.
func (p *datapath) addresses() {
	d := p.d
	p.Group("Stage 1: addresses")
	p.valid = delayReset(&p.Scope, "valid", p.op["valid"], 0, d.actStage())
	below := p.WireIs("below", hdl.AddMod(fit(p.op["i"], d.fields.state), p.byPhase("i")))
	here := p.WireIs("here", hdl.AddMod(fit(p.op["o"], d.fields.state), p.byPhase("o")))
	toBelow := p.mode["down"]
	if d.hasHeads() {
		toBelow = hdl.Any(toBelow, p.mode["pool"])
	}
	target := p.WireIs("target", hdl.Mux(toBelow, p.op["i"], p.op["o"]), "word that the operation's sum belongs to")
	reg := func(name string, t hdl.Type) *hdl.Signal { return p.Reg(name, t) }
	addr := func(depth int) hdl.Type { return hdl.U(addrBits(depth)) }
	p.evenAddr, p.oddAddr = reg("even_addr_q1", addr(d.StateWords[0])), reg("odd_addr_q1", addr(d.StateWords[1]))
	p.indexAddr = reg("index_addr_q1", addr(d.indexDepth()))
	p.slabAddr = reg("slab_addr_q1", addr(d.SlabDepth()))
	p.accRAddr = reg("acc_raddr_q1", addr(d.AccWords))
	p.waddr = reg("waddr_q1", hdl.U(d.fields.addr))
	p.first1, p.last1 = reg("first_q1", hdl.U(1)), reg("last_q1", hdl.U(1))
	p.void1 = reg("void_q1", hdl.U(1))
	if w := d.pointBits(); w > 0 {
		p.minus1 = reg("op_minus_q1", hdl.U(w))
	}
	p.pos1 = reg("pos_q1", hdl.U(2))
	if part, ok := p.op["part"]; ok {
		p.part1 = reg("part_q1", part.Type())
	}
	if square, ok := p.op["square"]; ok {
		p.square1 = reg("square_q1", square.Type())
	}
	set := func(b *hdl.Block, q *hdl.Signal, v hdl.Value) { b.Set(q, fit(v, q.Type().Width)) }
	p.Always(func(b *hdl.Block) {
		b.If(p.op["valid"], func(b *hdl.Block) {
			set(b, p.evenAddr, hdl.Mux(p.mode["i_even"], below, here))
			set(b, p.oddAddr, hdl.Mux(p.mode["i_even"], here, below))
			set(b, p.indexAddr, p.indexWord())
			set(b, p.slabAddr, p.slabPlace(fit(p.op["tile"], p.d.fields.slab)))
			set(b, p.accRAddr, hdl.AddMod(fit(target, p.accRAddr.Type().Width), p.mode["acc_read"]))
			set(b, p.waddr, hdl.AddMod(target, p.mode["write"]))
			set(b, p.first1, p.op["first"])
			set(b, p.last1, p.op["last"])
			set(b, p.void1, p.op["void"])
			if p.minus1 != nil {
				set(b, p.minus1, p.op["minus"])
			}
			set(b, p.pos1, p.op["pos"])
			if p.part1 != nil {
				set(b, p.part1, p.op["part"])
			}
			if p.square1 != nil {
				set(b, p.square1, p.op["square"])
			}
		})
	})
}

// indexWord is the word of the pool indices of an operation.
func (p *datapath) indexWord() hdl.Value {
	base := p.mode["index"]
	if base == nil {
		base = p.byPhase("index")
	}
	word := hdl.AddMod(fit(p.op["o"], base.Type().Width), base)
	if part, ok := p.mode["slab_part"]; ok {
		n := p.d.rowParts()
		if powerOfTwo(n) {
			return hdl.Cat(word, part)
		}
		w := addrBits(p.d.indexDepth())
		return hdl.AddMod(timesConst(word, n, w), fit(part, w))
	}
	return word
}

// slabAddress is the word of a tile in a half of the slab buffer.
func (d *Design) slabAddress(bank, tile hdl.Value) hdl.Value {
	w := addrBits(2 * d.SlabWords)
	return hdl.AddMod(hdl.Ext(tile, w), hdl.Mux(bank, hdl.Const(hdl.U(w), int64(d.SlabWords)), hdl.Const(hdl.U(w), 0)))
}
