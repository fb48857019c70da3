package unit

import (
	"fmt"
	"strings"
)

// lateRegistersBench is registersBench with counters that begin just below 2^32, so that their
// upper halves count too.
func lateRegistersBench(d design) *Bench {
	const least = 1<<32 - 20
	b := registersBenchFrom(d, least)
	b.Name += "-late"
	b.edit = func(_, text string) string {
		return strings.ReplaceAll(text, "<= 64'd0;", fmt.Sprintf("<= 64'd%d;", least))
	}
	return b
}

// registersBench checks ep_registers on its bus and towards the core: reset
// values, access, byte strobes, write one to clear, counters, and that a start
// while busy does nothing. Accesses to every register and between them come at
// random, with all handshakes at random, beside a core that is noise.
func registersBench(d design) *Bench { return registersBenchFrom(d, 0) }

// registersBenchFrom is registersBench of counters that begin at least.
func registersBenchFrom(d design, least uint64) *Bench {
	return d.bench("ep_registers", func(v *Vectors) {
		p := &registersPlay{v: v, source: newSource(10), offset: map[string]int64{}, constant: map[int64]uint32{},
			least: least, rateBits: d.Cfg.Formats.RateBits, starts: uint64(d.Cfg.Starts())}
		reset := registerState{}
		for i := range reset.counters {
			reset.counters[i] = least
		}
		for _, r := range d.Registers() {
			p.offset[r.Name] = int64(r.Offset)
			p.offsets = append(p.offsets, int64(r.Offset))
			if strings.HasPrefix(r.Name, "RATE_") {
				p.rateOffsets, reset.rates = append(p.rateOffsets, int64(r.Offset)), append(reset.rates, uint64(r.Reset))
			}
			if strings.HasPrefix(r.Name, "STEPS_") {
				p.stepNames = append(p.stepNames, r.Name)
			}
			if r.Name == "ID" || r.Name == "VERSION" || r.Name == "CONFIG" {
				p.constant[int64(r.Offset)] = r.Reset
			}
		}
		for _, name := range []string{"s_axil_awvalid", "s_axil_wvalid", "s_axil_arvalid", "s_axil_bready", "s_axil_rready",
			"busy_i", "finish_i", "error_i", "fetch_error_i", "issue_i", "wait_fetch_i", "wait_store_any_i", "read_beat_i", "write_beat_i",
			"state_i", "phase_i", "layer_i", "slab_index_i"} {
			v.Set(name, 0)
		}
		for range 3 {
			v.Reset()
			p.registerState = reset
			p.rates = append(p.rates[:0:0], reset.rates...)
			p.steps = make([]int64, len(p.stepNames))
			p.queue = append(p.queue[:0:0], p.offsets...) // reset values of all, before anything is written
			for cycle := range 2500 {
				p.cycle(cycle < 200)
			}
			v.Set("s_axil_awvalid", 0)
			v.Set("s_axil_arvalid", 0)
		}
	}, nil)
}

// registerState is what the registers hold.
type registerState struct {
	base                                  uint64 // of the memory map
	enable, pending, done, failed         bool
	code                                  uint32
	counters                              [7]uint64 // in the order of counterNames
	answerWrite, answerRead               bool      // BVALID, RVALID
	writing, reading                      bool      // an access is under way
	aw, w, write                          bool      // AWVALID, WVALID; both are taken in this cycle
	writeAddr, readAddr, data, strobe, at int64
	busy, finish, error, fetchError       bool
	classes                               [7]bool
	progress                              uint32

	rates   []uint64 // of layers and heads, where software may change them
	number  uint64   // of the next update
	sums    uint64   // steps whose contrasts are summed
	steps   []int64  // that the monitor counts, by phase
	trained bool     // a training step ends well
}

var counterNames = [7]string{"CYCLES", "ARRAY", "WAIT_FETCH", "WAIT_STORE", "OVERHEAD", "READ_BEATS", "WRITE_BEATS"}

type registersPlay struct {
	v *Vectors
	source
	registerState
	offset   map[string]int64
	offsets  []int64
	constant map[int64]uint32
	queue    []int64 // addresses to be read next

	least       uint64 // at which counters begin
	rateBits    int
	starts      uint64 // that an update sums the contrasts of
	rateOffsets []int64
	stepNames   []string
}

// cycle plays one cycle. Quiet ones write nothing and the core is idle.
func (p *registersPlay) cycle(quiet bool) {
	v := p.v
	p.core(quiet)
	if !p.writing && !quiet && !p.chance(3) {
		p.writing = true
		p.writeAddr, p.data, p.strobe = p.address(), int64(p.Uint32()), int64(p.IntN(16))
		if p.chance(3) {
			p.writeAddr, p.strobe = p.offset["CONTROL"], 15
		}
		if p.chance(2) {
			p.strobe = 15
		}
		v.Set("s_axil_awaddr", p.writeAddr)
		v.Set("s_axil_wdata", p.data)
		v.Set("s_axil_wstrb", p.strobe)
	}
	// Address and data are offered together or one after the other.
	p.aw, p.w = p.writing && (p.aw || !p.chance(3)), p.writing && (p.w || !p.chance(3))
	bready := p.chance(2)
	v.SetIf("s_axil_awvalid", p.aw)
	v.SetIf("s_axil_wvalid", p.w)
	v.SetIf("s_axil_bready", bready)
	if !p.reading && !p.chance(3) {
		p.reading, p.readAddr = true, p.address()
		if len(p.queue) > 0 {
			p.readAddr, p.queue = p.queue[0], p.queue[1:]
		}
		v.Set("s_axil_araddr", p.readAddr+int64(p.IntN(4)))
	}
	rready := p.chance(2)
	v.SetIf("s_axil_arvalid", p.reading)
	v.SetIf("s_axil_rready", rready)

	write, next := p.write, p.aw && p.w && !p.answerWrite && !p.write
	v.WantIf("s_axil_awready", write)
	v.WantIf("s_axil_wready", write)
	v.WantIf("s_axil_bvalid", p.answerWrite)
	v.WantIf("s_axil_rvalid", p.answerRead)
	v.Want("s_axil_bresp", 0)
	v.Want("s_axil_rresp", 0)
	read := p.reading && !p.answerRead
	if p.reading {
		v.WantIf("s_axil_arready", read)
	}
	if p.answerRead {
		v.Want("s_axil_rdata", p.at)
	}
	v.Want("base_o", int64(p.base))
	v.WantIf("irq", p.enable && p.pending)
	start := write && p.writeAddr == p.offset["CONTROL"] && p.strobe&1 == 1 && p.data&1 == 1 && !p.busy
	v.WantIf("start_o", start)
	if start {
		v.WantPresent("infer_o", p.data>>1&1)
		v.WantPresent("cold_o", p.data>>2&1)
	}
	for i, rate := range p.rates {
		v.WantLaneAfter(0, "rates_o", i, p.rateBits, int64(rate))
	}
	v.WantPresent("update_number_o", int64(p.number))
	v.WantPresent("apply_o", b2i(p.sums == p.starts-1))
	if read {
		p.at = int64(p.value(p.readAddr))
		p.reading = false
	}
	p.answerRead = read || p.answerRead && !rready
	p.answerWrite = write || p.answerWrite && !bready
	p.step(write, start)
	p.write = next
	v.Tick()
}

// address draws an aligned address, mostly that of a register.
func (p *registersPlay) address() int64 {
	if p.chance(6) {
		return int64(p.IntN(1024)) * 4
	}
	return p.offsets[p.IntN(len(p.offsets))]
}

// core drives what the core reports.
func (p *registersPlay) core(quiet bool) {
	p.busy, p.finish = !p.chance(3) && !quiet, p.chance(9) && !quiet
	p.error, p.fetchError = p.chance(2), p.chance(2)
	var c [7]bool
	names := [7]string{1: "issue_i", 2: "wait_fetch_i", 3: "wait_store_any_i", 5: "read_beat_i", 6: "write_beat_i"}
	for i, name := range names {
		if name != "" {
			c[i] = p.chance(3) && !quiet
			p.v.SetIf(name, c[i])
		}
	}
	c[0] = p.busy
	c[4] = p.busy && !c[1] && !c[2] && !c[3]
	p.classes = c
	p.v.SetIf("busy_i", p.busy)
	p.v.SetIf("finish_i", p.finish)
	p.v.SetIf("error_i", p.error)
	p.v.SetIf("fetch_error_i", p.fetchError)
	infer := p.chance(2)
	p.v.SetPresent("infer_run_i", b2i(infer))
	p.trained = p.finish && !p.error && !infer
	for i, name := range p.stepNames {
		p.steps[i] = int64(p.IntN(1 << 16))
		if quiet {
			p.steps[i] = 0
		}
		p.v.Set(strings.ToLower(name)+"_i", p.steps[i])
	}
	state, phase := p.IntN(16), p.IntN(8)
	layer, slab := p.IntN(1<<p.v.Bits("layer_i")), p.IntN(1<<p.v.Bits("slab_index_i"))
	if quiet {
		state, phase, layer, slab = 0, 0, 0, 0
	}
	p.v.Set("state_i", int64(state))
	p.v.Set("phase_i", int64(phase))
	p.v.Set("layer_i", int64(layer))
	p.v.Set("slab_index_i", int64(slab))
	p.progress = uint32(state | phase<<4 | layer<<8 | slab<<16)
}

// value is what a read of an address returns now.
func (p *registersPlay) value(addr int64) uint32 {
	if c, ok := p.constant[addr]; ok {
		return c
	}
	for i, name := range counterNames {
		switch addr {
		case p.offset[name+"_LO"]:
			return uint32(p.counters[i])
		case p.offset[name+"_HI"]:
			return uint32(p.counters[i] >> 32)
		}
	}
	for i, name := range p.stepNames {
		if addr == p.offset[name] {
			return uint32(p.steps[i])
		}
	}
	for i, offset := range p.rateOffsets {
		if addr == offset {
			return uint32(p.rates[i])
		}
	}
	if at, ok := p.offset["UPDATE_NUMBER"]; ok && addr == at {
		return uint32(p.number)
	}
	if at, ok := p.offset["ACCUMULATED"]; ok && addr == at {
		return uint32(p.sums)
	}
	switch addr {
	case p.offset["STATUS"]:
		return uint32(b2i(p.busy) | b2i(p.done)<<1 | b2i(p.failed)<<2)
	case p.offset["ERROR"]:
		return p.code
	case p.offset["BASE_LO"]:
		return uint32(p.base)
	case p.offset["BASE_HI"]:
		return uint32(p.base >> 32)
	case p.offset["IRQ_ENABLE"]:
		return uint32(b2i(p.enable))
	case p.offset["IRQ_STATUS"]:
		return uint32(b2i(p.pending))
	case p.offset["PROGRESS"]:
		return p.progress
	}
	return 0 // CONTROL, and what is no register
}

// writeOptions is a write to a register that only some designs have.
func (p *registersPlay) writeOptions() {
	for i, offset := range p.rateOffsets {
		if p.writeAddr == offset {
			p.rates[i] = p.merge(p.rates[i]) & (1<<p.rateBits - 1)
		}
	}
	if at, ok := p.offset["UPDATE_NUMBER"]; ok && p.writeAddr == at && !p.updates() {
		p.number = p.merge(p.number)
	}
	if at, ok := p.offset["ACCUMULATED"]; ok && p.writeAddr == at && !p.trained {
		p.sums = p.merge(p.sums) & 0xffff
	}
}

// updates reports the end of a training step that has applied an update.
func (p *registersPlay) updates() bool { return p.trained && p.sums == p.starts-1 }

// step is the end of the cycle.
func (p *registersPlay) step(write, start bool) {
	clear := false
	if write {
		p.writing, p.aw, p.w = false, false, false
		switch {
		case p.busy: // which fixes the base
		case p.writeAddr == p.offset["BASE_LO"]:
			p.base = p.base&^0xffffffff | p.merge(p.base)&0xfffff000
		case p.writeAddr == p.offset["BASE_HI"]:
			p.base = p.base&0xffffffff | p.merge(p.base>>32)<<32
		}
		if !p.busy {
			p.writeOptions()
		}
		switch p.writeAddr {
		case p.offset["IRQ_ENABLE"]:
			p.enable = p.merge(uint64(b2i(p.enable)))&1 == 1
		case p.offset["IRQ_STATUS"]:
			clear = p.strobe&1 == 1 && p.data&1 == 1
		}
	}
	switch {
	case p.updates():
		p.number, p.sums = (p.number+1)&(1<<32-1), 0
	case p.trained:
		p.sums = (p.sums + 1) & 0xffff
	}
	p.pending = p.finish || p.pending && !clear
	switch {
	case start:
		p.done, p.failed, p.code = false, false, 0
	case p.finish:
		p.done, p.failed, p.code = !p.error, p.error, 0
		if p.error {
			p.code = 2
			if p.fetchError {
				p.code = 1
			}
		}
	}
	for i := range p.counters {
		if start {
			p.counters[i] = p.least
		} else if p.classes[i] {
			p.counters[i]++
		}
	}
}

// merge replaces the bytes of a word that are strobed.
func (p *registersPlay) merge(old uint64) uint64 {
	word := uint64(uint32(old))
	for i := range 4 {
		if p.strobe>>i&1 == 1 {
			mask := uint64(0xff) << (8 * i)
			word = word&^mask | uint64(p.data)&mask
		}
	}
	return word
}
