package gen

import "epgen/hdl"

// memories builds stage 2: the states, indices, weights and biases.
func (p *datapath) memories() {
	d := p.d
	p.Group("From the fetch unit")
	input := writePort{
		we:   p.Input("input_we_i", hdl.U(1), d.inputWordDoc()),
		addr: p.Input("input_addr_i", p.evenAddr.Type()),
		data: p.Input("input_data_i", hdl.U(d.P*d.LaneBits)),
	}
	var odd writePort // of given initial states
	if d.GivenWords[1] > 0 {
		odd = writePort{we: p.Input("odd_we_i", hdl.U(1), "one word of the initial states of odd layers"),
			addr: p.Input("odd_addr_i", p.oddAddr.Type()), data: input.data}
	}
	slab := writePort{
		we:   p.Input("slab_we_i", hdl.U(d.Lines), "one column of a tile"),
		addr: p.Input("slab_addr_i", p.slabAddr.Type()),
		data: p.Input("slab_data_i", hdl.U(d.columnBits())),
	}
	var biasWE, biasData hdl.Value
	if d.someBiases() {
		biasWE = p.Input("bias_we_i", hdl.U(d.biasBanks()), d.biasBanksDoc())
		biasData = p.Input("bias_data_i", hdl.U(d.biasBits()))
	}

	if d.hasHeads() {
		p.headWrites()
	}
	waddr := p.stateBanks(input, odd)
	accWE := p.indices()
	p.weights(slab)
	if d.someBiases() {
		p.biases(biasWE, biasData)
	}
	p.accumulatorPorts(accWE, waddr)
}

// writePort is the write port of a memory.
type writePort struct{ we, addr, data hdl.Value }

// or is the port of what writes first, or else, by one of the enables, as w says.
func (w writePort) or(first writePort, enables ...hdl.Value) writePort {
	return writePort{hdl.Any(first.we, enables...), hdl.Mux(first.we, first.addr, w.addr), hdl.Mux(first.we, first.data, w.data)}
}

// connect connects it to a memory.
func (w writePort) connect(u *hdl.Instance) {
	u.In("we_i", w.we)
	u.In("waddr_i", w.addr)
	u.In("wdata_i", w.data)
}

// stateBanks builds the memories of the states: of even layers with the samples, and of odd
// ones, with what the fetch unit writes to them. It returns the address of what is written, by stage, up to where those of states and
// of accumulators go on alone.
func (p *datapath) stateBanks(input, given writePort) (waddr []hdl.Value) {
	d := p.d
	p.Group("Stage 2: states")
	p.states = p.Wire("state", hdl.U(d.P*d.LaneBits), "activated states")
	act := d.actStage()
	fork := min(act, 7)
	waddr = delay(&p.Scope, "waddr", p.waddr, 1, fork)
	stateAddr := delay(&p.Scope, "state_waddr", fit(waddr[fork], d.fields.state), fork, act)[act]
	stateWE := p.WireIs("state_we", hdl.All(p.valid[act], p.mode["act"]))

	activated := func(layers hdl.Value, addr *hdl.Signal) writePort {
		return writePort{hdl.All(stateWE, layers), fit(stateAddr, addr.Type().Width), p.states}
	}
	even := activated(hdl.Not(p.mode["i_even"]), p.evenAddr)
	odd := activated(p.mode["i_even"], p.oddAddr)
	evens, odds := []hdl.Value{even.we}, []hdl.Value{odd.we}
	if d.hasHeads() {
		evens, odds = []hdl.Value{p.averageWE, even.we}, []hdl.Value{p.errorWE, odd.we}
		even.data = hdl.Mux(p.averageWE, p.averages, even.data)
		odd = odd.or(writePort{p.errorWE, fit(p.errorAddr, odd.addr.Type().Width), p.errors}, odd.we)
	}
	even = even.or(input, evens...)
	if given.we != nil {
		odd = odd.or(given, odds...)
	}

	bank := func(i int, instance string, w writePort, raddr hdl.Value, word string) *hdl.Signal {
		u := p.Instance(d.stateBank(i), instance)
		w.connect(u)
		u.In("raddr_i", raddr)
		return u.OutAs("rdata_o", word)
	}
	p.even = bank(0, "u_state_even", even, p.evenAddr, "even_word")
	p.odd = bank(1, "u_state_odd", odd, p.oddAddr, "odd_word")
	return waddr
}

// indices builds the memory of the pool indices and returns what says that the sum of a state
// is complete.
func (p *datapath) indices() (accWE *hdl.Signal) {
	d := p.d
	p.Group("Stage 2: pool indices")
	p.argmax = p.Wire("argmax", hdl.U(2*d.P))
	accWE = p.Wire("acc_we", hdl.U(1), "the sum of a state is complete")
	indexAddr := delay(&p.Scope, "index_addr", p.indexAddr, 1, 9)
	u := p.Instance(d.indexMemory(), "u_index")
	store := hdl.All(accWE, p.mode["up"], p.argmaxOnly(p.mode["window"]))
	if free := p.mode["free_index"]; free != nil {
		store = hdl.All(store, free)
	}
	writePort{store, indexAddr[9], p.slabArgmax()}.connect(u)
	u.In("raddr_i", p.indexAddr)
	p.index = u.OutAs("rdata_o", "index_word")
	return accWE
}

// weights builds the slab buffer. In the update the drain reads it, else the array.
func (p *datapath) weights(slab writePort) {
	d := p.d
	p.Group("Stage 2: weights")
	re, raddr := p.valid[1], hdl.Value(p.slabAddr)
	if d.learns() {
		p.take = p.Wire("take", hdl.U(1), "the drain takes a tile")
		p.drainTile = p.Wire("drain_tile", hdl.U(d.fields.slab))
		re = hdl.Any(p.take, hdl.All(p.valid[1], hdl.Not(p.mode["update"])))
		raddr = hdl.Mux(p.mode["update"], p.slabPlace(p.drainTile), p.slabAddr)
	}
	u := p.Instance(d.slabBuffer(), "u_slab")
	slab.connect(u)
	u.In("re_i", re)
	u.In("raddr_i", raddr)
	p.tile = u.OutAs("tile_o", "tile")
}

// biases keeps those of both slabs; a layer without takes zeros.
func (p *datapath) biases(biasWE, biasData hdl.Value) {
	var bias hdl.Value
	if p.d.onChip() {
		bias = p.biasMemory(biasWE, biasData)
	} else {
		bias = p.biasRegisters(biasWE, biasData)
	}
	if biased, mixed := p.mode["biased"]; mixed {
		bias = hdl.Mux(biased, bias, zeroOf(bias))
	}
	if moving, ok := p.mode["moving"]; ok { // the bias does not
		bias = hdl.Mux(moving, zeroOf(bias), bias)
	}
	p.bias = p.WireIs("slab_bias", bias)
}

// biasRegisters hold the biases of the two slabs of the buffer.
func (p *datapath) biasRegisters(biasWE, biasData hdl.Value) hdl.Value {
	p.Group("Biases of both slabs")
	bank0 := p.Reg("bias0_q", biasData.Type())
	bank1 := p.Reg("bias1_q", biasData.Type())
	p.Always(func(b *hdl.Block) {
		b.If(hdl.Bit(biasWE, 0), func(b *hdl.Block) { b.Set(bank0, biasData) })
		b.If(hdl.Bit(biasWE, 1), func(b *hdl.Block) { b.Set(bank1, biasData) })
	})
	return hdl.Mux(p.mode["bank"], bank1, bank0)
}

func (p *datapath) accumulatorPorts(accWE *hdl.Signal, waddr []hdl.Value) {
	d, fork := p.d, len(waddr)-1
	p.Group("Accumulator ports: read in stage 7 (down) or 1 (act), written in stage 9")
	rows := delay(&p.Scope, "acc_raddr", p.accRAddr, 1, 7)
	p.accValid = p.Wire("acc_valid", hdl.U(1), "stage 7: a sum is complete")
	p.pos = delay(&p.Scope, "pos", p.pos1, 1, 8)
	done := p.Reg("window_done_q8", hdl.U(1), "stage 8: last position of the window")
	sum9 := p.Reg("acc_we_q9", hdl.U(1))
	p.AlwaysReset(func(b *hdl.Block) {
		b.Set(done, bit(false))
		b.Set(sum9, bit(false))
	}, func(b *hdl.Block) {
		b.Set(done, hdl.All(p.accValid, hdl.Any(hdl.Not(p.mode["window"]), hdl.EqConst(p.pos[7], 3))))
		b.Set(sum9, done)
	})
	p.Assign(accWE, sum9)
	re := hdl.Mux(p.mode["act"], p.valid[1], p.accValid)
	raddr := hdl.Mux(p.mode["act"], hdl.Value(p.accRAddr), rows[7])
	we := hdl.Value(sum9)
	if keep := p.mode["acc_keep"]; keep != nil {
		we = hdl.All(sum9, hdl.Not(keep))
	}
	if d.hasHeads() {
		re, raddr, we = p.headPorts(re, raddr, we, sum9, rows[7], waddr)
	}
	p.laneWiring = laneWiring{
		re:    p.WireIs("acc_re", re),
		raddr: p.WireIs("acc_raddr", raddr),
		we:    p.WireIs("acc_mem_we", we),
		waddr: delay(&p.Scope, "acc_waddr", fit(waddr[fork], addrBits(d.AccWords)), fork, 9)[9],
	}
}
