package gen

import (
	"math/bits"

	"epgen/hdl"
)

// beatsPerColumn and columnsPerBeat: one of them is 1.
func (d *Design) beatsPerColumn() int { return max(1, d.Map.ColumnBytes/d.Map.BeatBytes) }
func (d *Design) columnsPerBeat() int { return max(1, d.Map.BeatBytes/d.Map.ColumnBytes) }

// burst is the longest burst in beats, the power of two at or below the
// configured limit: bursts start and end on multiples of it, so none crosses a
// 4 KB boundary.
func (d *Design) burst() int {
	n := min(d.Cfg.Memory.BurstBeats, 4096/d.Map.BeatBytes)
	return 1 << (bits.Len(uint(n)) - 1)
}

// beatAddrBits is the width of an address in beats within the memory map.
func (d *Design) beatAddrBits() int { return bits.Len(uint(d.Map.Size / d.Map.BeatBytes)) }

// endsWithStep reports that nothing is fetched behind the slabs of the last time step.
func (d *Design) endsWithStep() bool { return len(d.Visits.Update) == 0 && !d.onChip() }

// fetchSteps returns how often the slabs of a time step are fetched. A single
// layer needs its slabs only before the first step.
func (d *Design) fetchSteps(infer bool) int {
	if len(withSlabs(d.Visits.Step)) == 0 {
		return 1
	}
	if infer {
		return d.Program.Relaxations[CopyFree].Steps
	}
	return d.Program.Steps()
}

// fetchRecord describes the slabs of each visit to the fetch unit.
func (d *Design) fetchRecord() (record, []hdl.ROMRow) {
	beats, columns, last := 0, 0, 0
	for _, l := range d.slabs() {
		beats, columns, last = max(beats, l.SlabBeats, l.KeptBeats), max(columns, l.SlabColumns, l.KeptColumns), max(last, l.Slabs-1)
	}
	input := d.Cfg.Batch * d.Input.SampleWords
	columns, beats = max(columns, input, d.labels()), max(beats, d.Map.Input.Bytes/d.Map.BeatBytes, d.Map.Labels.Bytes/d.Map.BeatBytes)
	columns, beats = max(columns, d.TargetWords), max(beats, d.Map.Targets.Bytes/d.Map.BeatBytes)
	if d.Centered {
		columns, beats = max(columns, d.MeanWords), max(beats, d.Map.Means.Bytes/d.Map.BeatBytes)
	}
	external := 1 - b2i(d.onChip()) // on chip slabs follow one another
	rec := record{
		{"beats", widest(beats), "beats of a slab"},
		{"columns", widest(columns), "columns of a slab"},
		{"last", widest(last), "slabs - 1"},
		{"addr", d.beatAddrBits() * external, "first beat of slab 0"},
		{"step", external, "the last visit of a time step"},
		{"end", 1 - b2i(d.endsWithStep()), "the last visit of all"},
	}.wanted()
	if d.mixedBiases() {
		rec = append(rec, field{"biased", 1, "a slab begins with biases"})
	}
	if d.keeps() {
		rec = append(rec, d.keptRecord()...)
	}
	s := &d.Visits
	relax := len(withSlabs(s.First)) + len(withSlabs(s.Step))
	nudged := relax + len(withSlabs(s.Nudged))
	visits := withSlabs(s.all())
	if d.onChip() {
		relax, nudged, visits = 0, 0, nil
		for _, l := range d.slabs() {
			visits = append(visits, Visit{Layer: l.N})
		}
	}
	var rows []hdl.ROMRow
	for i, v := range visits {
		l := d.at(v.Layer)
		values := []int{l.SlabBeats, l.SlabColumns, l.Slabs - 1, l.Offset / d.Map.BeatBytes, b2i(i == relax-1 || i == nudged-1), b2i(i == len(visits)-1)}
		switch {
		case d.onChip():
			values = append(values[:3:3], values[5:]...)
		case d.endsWithStep():
			values = values[:5]
		}
		if d.mixedBiases() {
			values = append(values, l.BiasColumns())
		}
		if d.keeps() {
			values = append(values, l.KeptBeats, l.KeptColumns, b2i(v.Update))
		}
		rows = append(rows, rec.row(v.text(), values...))
	}
	return rec, rows
}

// States of the fetch unit.
const (
	fetchIdle = iota
	fetchLabels
	fetchInput
	fetchWait
	fetchSlab
	fetchHold  // only with a monitor
	fetchMeans // only with centred heads
	fetchTargets
	fetchKept // only where updates keep something
)

type fetch struct {
	*hdl.Module
	d                                 *Design
	start, infer, abort, base         hdl.Value
	state, addr, left, columns        *hdl.Signal
	visit, slab, step, fillBank, full *hdl.Signal
	column, lastColumn                *hdl.Signal
	outstanding, errorQ, first        *hdl.Signal
	slabWord, request, burstLen       *hdl.Signal
	counted, arValid                  *hdl.Signal
	rec                               record
	states                            []hdl.Value
	certain, relaxed                  hdl.Value // with a monitor
	nudged                            hdl.Value // with a monitor and heads
	kept                              fetchKeptWiring
}

// fetch builds ep_fetch: the AXI4 read master that brings labels, samples and
// slabs, each slab as soon as half of the slab buffer is free.
func (d *Design) fetch() *hdl.Module {
	f := &fetch{Module: hdl.NewModule("ep_fetch"), d: d}
	f.Doc("AXI4 read master: "+d.inputsDoc()+", then "+d.fetchDoc()+
		"Bursts start and end on multiples of %d beats and\n"+
		"never cross 4 KB; up to %d are in flight. After abort_i the bursts already requested\n"+
		"are taken and forgotten.",
		d.burst(), d.Cfg.Memory.Outstanding)
	f.ports()
	f.registers()
	f.requests()
	f.responses()
	f.destinations()
	if d.onChip() {
		f.loadAll()
	} else {
		f.jobs()
	}
	return f.Module
}

func (f *fetch) ports() {
	one := hdl.U(1)
	f.Group("Clock and synchronous reset")
	f.Clock("clk_i")
	f.Reset("rst_ni")
	f.Group("Control")
	f.start = f.Input("start_i", one, "begin "+f.d.taskOf())
	if !f.d.onChip() && f.d.learns() {
		f.infer = f.Input("infer_run_i", one, "free phase only")
	}
	f.abort = f.Input("abort_i", one, "request nothing more")
	f.base = f.Input("base_i", hdl.U(64), "byte address of the memory map, a multiple of 4096")
}

// registers declares where the unit stands.
func (f *fetch) registers() {
	d, one := f.d, hdl.U(1)
	rec, rows := d.fetchRecord()
	f.rec = rec
	f.Group("Jobs: what is fetched next")
	state := hdl.U(3)
	if d.keeps() && d.Centered {
		state = hdl.U(4)
	}
	f.state = f.Reg("state_q", state)
	for i, n := range []string{"IDLE", "LABELS", "INPUT", "WAIT", "SLAB", "HOLD", "MEANS", "TARGETS"} {
		if i == fetchHold && (!d.monitored() || d.onChip()) || i == fetchMeans && !d.Centered || i == fetchTargets && d.TargetWords == 0 ||
			i == fetchLabels && d.labels() == 0 {
			f.states = append(f.states, nil)
			continue
		}
		f.states = append(f.states, f.Localparam(n, state, int64(i)))
	}
	if d.keeps() {
		code := fetchKept
		if !d.Centered { // the code of MEANS is free
			code = fetchMeans
		}
		f.states = append(f.states, f.Localparam("KEPT", state, int64(code)))
		f.kept.again = f.Reg("again_q", one, "the words are fetched for the second walk")
	}
	f.addr = f.Reg("addr_q", hdl.U(d.beatAddrBits()), "next beat to request")
	f.left = f.Reg("left_q", hdl.U(rec[0].bits), "beats to request")
	f.columns = f.Reg("columns_q", hdl.U(rec[1].bits), "columns to come")
	f.visit = f.Reg("visit_q", hdl.U(addrBits(len(rows))))
	f.slab = f.Reg("slab_q", hdl.U(rec[2].bits))
	switch {
	case d.onChip():
	case d.monitored():
		f.step = f.Reg("step_q", hdl.U(2), "time steps whose slabs are fetched, modulo 4")
	default:
		f.step = f.Reg("step_q", hdl.U(addrBits(d.fetchSteps(!d.learns()))), "time steps whose slabs are fetched")
	}
	if !d.onChip() {
		f.fillBank = f.Reg("fill_bank_q", one, "half of the slab buffer being filled")
		f.full = f.Reg("full_q", hdl.U(2), "halves that hold a slab")
	}
	f.slabWord = f.ROM("visit_rom", f.visit, hdl.U(rec.width()), rows)
	f.lastColumn = f.Wire("last_column", one, "the job's last column arrives")
	f.errorQ = f.Reg("error_q", one, "a read was answered with an error")
}

// jobs builds the order of what is fetched: labels, samples, then the slabs of the
// visits: that of layer 1, those of a time step as often as there are steps, and those
// of the update.
func (f *fetch) jobs() {
	d, one := f.d, hdl.U(1)
	rec, word, st := f.rec, f.slabWord, f.states
	f.Group("Order of the jobs")
	release := f.Input("freed_i", hdl.U(2), "halves that are consumed")
	lastSlab := f.WireIs("last_slab", hdl.Eq(f.slab, rec.slice(word, "last")))
	if d.monitored() {
		f.relaxed = f.Input("relaxed_i", one, "no time step follows")
		begun := f.Input("begun_i", hdl.U(2), "time steps begun, modulo 4")
		follows := f.Input("follows_i", one, "a time step follows for certain")
		if d.hasHeads() {
			f.nudged = f.Input("nudged_i", one, "which is a nudged one")
		}
		f.certain = bit(false)
		if len(withSlabs(d.Visits.Step)) > 0 {
			f.certain = f.WireIs("certain", hdl.Any(hdl.Eq(begun, inc(f.step)), hdl.All(follows, hdl.Eq(begun, f.step))))
		} else {
			f.Unused(begun, follows)
		}
	}
	var lastStep hdl.Value
	if !d.monitored() {
		steps := hdl.Value(hdl.Const(f.step.Type(), int64(d.fetchSteps(true)-1)))
		if f.infer != nil {
			steps = hdl.Mux(f.infer, steps, hdl.Const(f.step.Type(), int64(d.fetchSteps(false)-1)))
		}
		lastStep = f.WireIs("last_step", hdl.Eq(f.step, steps))
	}
	repeat := hdl.Const(f.visit.Type(), int64(len(withSlabs(d.Visits.First))))
	afterTargets := func(b *hdl.Block) {
		if d.Centered {
			b.Set(f.state, st[fetchMeans])
			f.load(b, d.Map.Means, d.MeanWords)
			return
		}
		b.Set(f.state, st[fetchWait])
	}
	arrived := func(b *hdl.Block) {
		b.Set(hdl.Bit(f.full, 0), hdl.Any(hdl.Bit(f.full, 0), hdl.Not(f.fillBank)))
		b.Set(hdl.Bit(f.full, 1), hdl.Any(hdl.Bit(f.full, 1), f.fillBank))
		b.Set(f.fillBank, hdl.Not(f.fillBank))
	}
	endStep := func(b *hdl.Block) {
		b.If(rec.slice(word, "step"), func(b *hdl.Block) {
			b.Set(f.step, inc(f.step))
			if lastStep == nil {
				b.Set(f.state, st[fetchHold])
				return
			}
			if d.hasHeads() {
				f.nextStep(b, lastStep, repeat)
				return
			}
			rest := func(b *hdl.Block) { b.Set(f.state, st[fetchIdle]) }
			chain := b.If(hdl.Not(lastStep), func(b *hdl.Block) { b.Set(f.visit, repeat) })
			if f.infer == nil {
				chain.Else(rest)
				return
			}
			chain.ElseIf(f.infer, rest)
		})
	}
	end := func(b *hdl.Block) {
		if d.endsWithStep() {
			return
		}
		b.If(rec.slice(word, "end"), func(b *hdl.Block) { b.Set(f.state, st[fetchIdle]) })
	}
	// advance goes to the next slab, and behind the last one of a visit to what is given.
	advance := func(behind ...func(b *hdl.Block)) func(b *hdl.Block) {
		return func(b *hdl.Block) {
			b.Set(f.state, st[fetchWait])
			if !d.keeps() {
				arrived(b)
			}
			b.Set(f.slab, hdl.Mux(lastSlab, zeroOf(f.slab), inc(f.slab)))
			b.If(lastSlab, func(b *hdl.Block) {
				b.Set(f.visit, inc(f.visit))
				for _, do := range behind {
					do(b)
				}
			})
		}
	}
	f.AlwaysReset(func(b *hdl.Block) { // start sets the others
		b.Set(f.state, st[fetchIdle])
		b.Set(f.left, zeroOf(f.left))
		b.Set(f.full, zeroOf(f.full))
	}, func(b *hdl.Block) {
		f.count(b)
		b.Case(f.state, func(c *hdl.Case) {
			c.When(func(b *hdl.Block) {
				b.If(f.start, func(b *hdl.Block) {
					f.firstJob(b)
					b.Set(f.visit, zeroOf(f.visit))
					b.Set(f.slab, zeroOf(f.slab))
					b.Set(f.step, zeroOf(f.step))
					b.Set(f.fillBank, bit(false))
					b.Set(f.full, zeroOf(f.full))
				})
			}, st[fetchIdle])
			if d.labels() > 0 {
				c.When(func(b *hdl.Block) { b.If(f.lastColumn, f.loadInput) }, st[fetchLabels])
			}
			c.When(func(b *hdl.Block) {
				b.If(f.lastColumn, func(b *hdl.Block) {
					if d.TargetWords > 0 {
						b.Set(f.state, st[fetchTargets])
						f.load(b, d.Map.Targets, d.TargetWords)
						return
					}
					afterTargets(b)
				})
			}, st[fetchInput])
			if d.TargetWords > 0 {
				c.When(func(b *hdl.Block) { b.If(f.lastColumn, afterTargets) }, st[fetchTargets])
			}
			if d.Centered {
				c.When(func(b *hdl.Block) {
					b.If(f.lastColumn, func(b *hdl.Block) { b.Set(f.state, st[fetchWait]) })
				}, st[fetchMeans])
			}
			c.When(func(b *hdl.Block) {
				b.If(hdl.Not(hdl.DynBit(f.full, f.fillBank)), func(b *hdl.Block) {
					b.Set(f.state, st[fetchSlab])
					b.Set(f.left, rec.slice(word, "beats"))
					b.Set(f.columns, rec.slice(word, "columns"))
					b.If(hdl.EqConst(f.slab, 0), func(b *hdl.Block) { b.Set(f.addr, rec.slice(word, "addr")) })
				})
			}, st[fetchWait])
			if d.monitored() {
				c.When(func(b *hdl.Block) { f.hold(b, repeat) }, st[fetchHold])
			}
			if d.keeps() {
				c.When(func(b *hdl.Block) { f.keptWalk(b, advance(end)) }, st[fetchKept])
			}
			c.Default(func(b *hdl.Block) {
				b.If(f.lastColumn, func(b *hdl.Block) {
					if d.keeps() {
						arrived(b)
						f.keptNext(b, advance(endStep, end))
						return
					}
					advance(endStep, end)(b)
				})
			})
		})
		for bank := range 2 {
			b.If(hdl.Bit(release, bank), func(b *hdl.Block) { b.Set(hdl.Bit(f.full, bank), bit(false)) })
		}
		b.If(f.abort, func(b *hdl.Block) {
			b.Set(f.state, st[fetchIdle])
			b.Set(f.left, zeroOf(f.left))
		})
	})
	loaded := f.Output("loaded_o", one, d.inputsDoc()+" are on chip")
	f.Assign(loaded, f.fetching())
	f.Assign(f.Output("full_o", hdl.U(2)), f.full)
}

// load begins a job: the columns of a region.
func (f *fetch) load(b *hdl.Block, r Region, columns int) {
	b.Set(f.addr, f.beatOf(r))
	b.Set(f.left, hdl.Const(f.left.Type(), int64(r.Bytes/f.d.Map.BeatBytes)))
	b.Set(f.columns, hdl.Const(f.columns.Type(), int64(columns)))
}

// beatOf is the first beat of a region.
func (f *fetch) beatOf(r Region) hdl.Value {
	return hdl.Const(f.addr.Type(), int64(r.Offset/f.d.Map.BeatBytes))
}

// firstJob begins with the labels, or, where nothing asks for them, with the samples.
func (f *fetch) firstJob(b *hdl.Block) {
	if f.d.labels() == 0 {
		f.loadInput(b)
		return
	}
	b.Set(f.state, f.states[fetchLabels])
	f.load(b, f.d.Map.Labels, f.d.labels())
}

// loadInput begins with the samples.
func (f *fetch) loadInput(b *hdl.Block) {
	b.Set(f.state, f.states[fetchInput])
	f.load(b, f.d.Map.Input, f.d.inputWords())
}

// nextStep goes on after the last slab of a time step in designs with heads, whose nudged
// steps have visits of their own: those of the first follow the visits of the last free one.
func (f *fetch) nextStep(b *hdl.Block, lastStep, repeat hdl.Value) {
	d := f.d
	free := hdl.Const(f.step.Type(), int64(d.Cfg.FreeSteps-1))
	nudged := hdl.Const(f.visit.Type(), int64(len(withSlabs(d.Visits.First))+len(withSlabs(d.Visits.Step))))
	b.If(hdl.Lt(f.step, free), func(b *hdl.Block) { b.Set(f.visit, repeat) }).
		ElseIf(hdl.All(hdl.Gt(f.step, free), hdl.Not(lastStep)), func(b *hdl.Block) { b.Set(f.visit, nudged) }).
		ElseIf(hdl.All(f.infer, lastStep), func(b *hdl.Block) { b.Set(f.state, f.states[fetchIdle]) })
}

// fetching reports that labels and samples are done with.
func (f *fetch) fetching() hdl.Value {
	var any []hdl.Value
	for _, s := range f.states[fetchWait : fetchHold+1] {
		if s != nil {
			any = append(any, hdl.Eq(f.state, s))
		}
	}
	return hdl.Any(any[0], any[1:]...)
}

// requests builds the address channel: one burst every second cycle at most.
func (f *fetch) requests() {
	d, one := f.d, hdl.U(1)
	n := d.burst()
	f.Group("AXI4 read address channel")
	araddr := f.OutputReg("m_axi_araddr", hdl.U(64))
	arlen := f.OutputReg("m_axi_arlen", hdl.U(8))
	d.burstAttributes(&f.Scope, f.Output, "m_axi_ar")
	f.arValid = f.OutputReg("m_axi_arvalid", one)
	ready := f.Input("m_axi_arready", one)
	f.outstanding = f.Reg("outstanding_q", hdl.U(widest(d.Cfg.Memory.Outstanding)), "bursts requested and not complete")

	f.burstLen = burstLength(&f.Scope, f.addr, f.left, n)
	f.request = f.WireIs("request", hdl.All(hdl.Ne(f.left, zeroOf(f.left)), hdl.Not(f.arValid),
		hdl.Lt(f.outstanding, hdl.Const(f.outstanding.Type(), int64(d.Cfg.Memory.Outstanding)))))
	f.AlwaysReset(func(b *hdl.Block) {
		b.Set(f.arValid, bit(false))
	}, func(b *hdl.Block) {
		b.Set(f.arValid, hdl.Any(f.request, hdl.All(f.arValid, hdl.Not(ready))))
	})
	f.Always(func(b *hdl.Block) {
		b.If(f.request, func(b *hdl.Block) {
			b.Set(araddr, hdl.AddMod(f.base, d.byteAddress(f.addr)))
			b.Set(arlen, beatsMinusOne(f.burstLen))
		})
	})
}

// burstAttributes drives what all bursts of an address channel have in common:
// full beats, INCR, normal non-cacheable bufferable memory, unprivileged secure
// data (ARM IHI 0022, A3.4 and A4).
func (d *Design) burstAttributes(s *hdl.Scope, output func(string, hdl.Type, ...string) *hdl.Signal, channel string) {
	constant := func(name string, width int, v int64, doc string) {
		s.Assign(output(channel+name, hdl.U(width), doc), hdl.Const(hdl.U(width), v))
	}
	constant("size", 3, int64(bits.Len(uint(d.Map.BeatBytes))-1), itoa(d.Map.BeatBytes)+" bytes a beat")
	constant("burst", 2, 1, "INCR")
	constant("cache", 4, 3, "normal, non-cacheable, bufferable")
	constant("prot", 3, 0, "unprivileged, secure, data")
}

// byteAddress is the byte offset of a beat, 64 bits.
func (d *Design) byteAddress(beat hdl.Value) hdl.Value {
	return hdl.Ext(hdl.Shl(beat, bits.Len(uint(d.Map.BeatBytes))-1), 64)
}

// burstLength is the number of beats of the next burst: up to the next multiple
// of n, or what is left.
func burstLength(s *hdl.Scope, addr, left hdl.Value, n int) *hdl.Signal {
	w := widest(n)
	lg := bits.Len(uint(n)) - 1
	room := hdl.Value(hdl.Const(hdl.U(w), int64(n)))
	if lg > 0 {
		low := hdl.Ext(hdl.Slice(addr, min(lg, addr.Type().Width)-1, 0), w)
		room = hdl.SubMod(room, low)
	}
	roomW := s.WireIs("room", room, "beats to the next multiple of "+itoa(n))
	cw := max(w, left.Type().Width)
	return s.WireIs("burst", hdl.Mux(hdl.Lt(hdl.Ext(left, cw), hdl.Ext(roomW, cw)), fit(left, w), roomW))
}

// beatsMinusOne is the AxLEN of a burst.
func beatsMinusOne(burst hdl.Value) hdl.Value {
	return fit(hdl.SubMod(burst, hdl.Const(burst.Type(), 1)), 8)
}

// responses builds the data channel: beats to columns.
func (f *fetch) responses() {
	d, one := f.d, hdl.U(1)
	dw, cw := d.Cfg.Memory.DataWidth, d.Map.ColumnBytes*8
	f.Group("AXI4 read data channel")
	rdata := f.Input("m_axi_rdata", hdl.U(dw))
	rresp := f.Input("m_axi_rresp", hdl.U(2))
	rlast := f.Input("m_axi_rlast", one)
	rvalid := f.Input("m_axi_rvalid", one)
	rready := f.Output("m_axi_rready", one)
	ready := f.Wire("ready", one)
	f.Assign(rready, ready)
	take := f.WireIs("take", hdl.All(rvalid, ready))
	bad := f.WireIs("bad", hdl.All(take, hdl.Bit(rresp, 1)))
	f.Unused(hdl.Bit(rresp, 0))
	done := f.WireIs("burst_done", hdl.All(take, rlast))
	f.AlwaysReset(func(b *hdl.Block) {
		b.Set(f.errorQ, bit(false))
		b.Set(f.outstanding, zeroOf(f.outstanding))
	}, func(b *hdl.Block) {
		b.If(f.start, func(b *hdl.Block) { b.Set(f.errorQ, bit(false)) }).
			ElseIf(bad, func(b *hdl.Block) { b.Set(f.errorQ, bit(true)) })
		b.If(hdl.All(f.request, hdl.Not(done)), func(b *hdl.Block) {
			b.Set(f.outstanding, inc(f.outstanding))
		}).ElseIf(hdl.All(done, hdl.Not(f.request)), func(b *hdl.Block) {
			b.Set(f.outstanding, hdl.SubMod(f.outstanding, hdl.Const(f.outstanding.Type(), 1)))
		})
	})
	f.Assign(f.Output("fetch_error_o", one), f.errorQ)
	f.Assign(f.Output("fetch_idle_o", one), hdl.All(hdl.Eq(f.state, f.states[fetchIdle]), hdl.EqConst(f.outstanding, 0), hdl.Not(f.arValid)))

	f.Group("Columns")
	f.column = f.Reg("column_q", hdl.U(max(cw, dw)))
	valid := f.Reg("column_valid_q", one)
	counted := hdl.All(valid, hdl.Ne(f.columns, zeroOf(f.columns)))
	if d.keeps() {
		counted = f.keptPort(counted)
	}
	f.counted = f.WireIs("counted", counted, "a column of the job, not padding")
	f.Assign(f.lastColumn, hdl.All(f.counted, hdl.EqConst(f.columns, 1)))
	switch n, k := d.columnsPerBeat(), d.beatsPerColumn(); {
	case n > 1: // a beat holds n columns: hold it and shift
		left := f.Reg("held_q", hdl.U(widest(n)), "columns held")
		last := f.WireIs("held_last", hdl.Any(hdl.LeConst(left, 1), f.lastColumn))
		f.Assign(ready, hdl.Any(hdl.Not(valid), f.accepted(last)))
		f.AlwaysReset(func(b *hdl.Block) {
			b.Set(left, zeroOf(left))
			b.Set(valid, bit(false))
		}, func(b *hdl.Block) {
			b.If(f.start, func(b *hdl.Block) { // forget what an aborted run left
				b.Set(left, zeroOf(left))
				b.Set(valid, bit(false))
			}).ElseIf(take, func(b *hdl.Block) {
				b.Set(left, hdl.Const(left.Type(), int64(n)))
				b.Set(valid, bit(true))
			}).ElseIf(f.accepted(valid), func(b *hdl.Block) {
				b.Set(left, hdl.SubMod(left, hdl.Const(left.Type(), 1)))
				b.Set(valid, hdl.Not(last))
			})
		})
		f.Always(func(b *hdl.Block) {
			b.If(take, func(b *hdl.Block) { b.Set(f.column, rdata) }).
				ElseIf(f.accepted(valid), func(b *hdl.Block) { b.Set(f.column, hdl.Ext(hdl.Shr(f.column, cw), dw)) })
		})
	case k > 1: // k beats make a column: shift them in from the top
		count := f.Reg("part_q", hdl.U(addrBits(k)), "beats of the column so far: a power of two of them")
		f.Assign(ready, f.roomFor(valid))
		full := f.WireIs("column_full", hdl.All(take, hdl.EqConst(count, int64(k-1))))
		f.AlwaysReset(func(b *hdl.Block) {
			b.Set(count, zeroOf(count))
			b.Set(valid, bit(false))
		}, func(b *hdl.Block) {
			b.Set(valid, f.stays(full, valid))
			b.If(f.start, func(b *hdl.Block) { b.Set(count, zeroOf(count)) }).
				ElseIf(take, func(b *hdl.Block) { b.Set(count, inc(count)) })
		})
		f.Always(func(b *hdl.Block) {
			b.If(take, func(b *hdl.Block) { b.Set(f.column, hdl.Cat(rdata, hdl.Slice(f.column, cw-1, dw))) })
		})
	default:
		f.Assign(ready, f.roomFor(valid))
		f.AlwaysReset(func(b *hdl.Block) { b.Set(valid, bit(false)) }, func(b *hdl.Block) { b.Set(valid, f.stays(take, valid)) })
		f.Always(func(b *hdl.Block) {
			if d.keeps() {
				b.If(ready, func(b *hdl.Block) { b.Set(f.column, rdata) })
				return
			}
			b.Set(f.column, rdata)
		})
	}
}

// destinations builds the write ports: labels, samples, biases and tiles.
func (f *fetch) destinations() {
	d, one := f.d, hdl.U(1)
	f.Group("Where a column goes")
	in := func(state int) hdl.Value { return hdl.All(f.counted, hdl.Eq(f.state, f.states[state])) }
	at := f.Reg("at_q", hdl.U(addrBits(max(d.StateWords[0], d.MeanWords, d.TargetWords))), "label or word of the samples")
	if d.labels() > 0 {
		f.Assign(f.Output("label_we_o", one), in(fetchLabels))
		f.Assign(f.Output("label_addr_o", hdl.U(d.fields.sample)), fit(at, d.fields.sample))
		f.Assign(f.Output("label_data_o", hdl.U(d.labelBits())), fit(hdl.Slice(f.column, d.ElementBits-1, 0), d.labelBits()))
	}
	inputWE := f.Output("input_we_o", one)
	f.Assign(inputWE, in(fetchInput))
	f.Assign(f.Output("input_addr_o", hdl.U(addrBits(d.StateWords[0]))), fit(at, addrBits(d.StateWords[0])))
	f.Assign(f.Output("input_data_o", hdl.U(d.P*d.LaneBits)), d.narrowColumn(f.column, d.P, d.LaneBits))

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

// count goes on by a burst that is requested and by a column that has come.
func (f *fetch) count(b *hdl.Block) {
	b.If(f.request, func(b *hdl.Block) {
		b.Set(f.addr, hdl.AddMod(f.addr, fit(f.burstLen, f.addr.Type().Width)))
		b.Set(f.left, hdl.SubMod(f.left, fit(f.burstLen, f.left.Type().Width)))
	})
	b.If(f.counted, func(b *hdl.Block) { b.Set(f.columns, hdl.SubMod(f.columns, hdl.Const(f.columns.Type(), 1))) })
}
