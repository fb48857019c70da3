package unit

import (
	"fmt"

	"epgen/ep"
	"epgen/gen"
)

// fetchBench checks ep_fetch against a memory that answers after random
// latencies with random gaps: the bursts (length, order, 4 KB, how many are in
// flight), and every column that it writes, where it belongs and what it holds.
// Then read errors and aborts in the middle, each followed by a new start.
func fetchBench(d design) *Bench {
	return d.bench("ep_fetch", func(v *Vectors) {
		f := &fetchPlay{design: d, source: newSource(12), v: v}
		f.image = make([]byte, d.Map.Size)
		for i := range f.image {
			f.image[i] = byte(f.Uint32())
		}
		f.columnsPerBeat = max(1, d.Map.BeatBytes/d.Map.ColumnBytes)
		f.beatsPerColumn = max(1, d.Map.ColumnBytes/d.Map.BeatBytes)
		for _, p := range []string{"start_i", "infer_run_i", "abort_i", "m_axi_arready", "m_axi_rvalid", "freed_i", "cold_run_i", "begun_i", "follows_i", "relaxed_i",
			"nudged_i", "kept_ready_i"} {
			v.SetPresent(p, 0)
		}
		v.Reset()
		f.base = 0x123456789a << 12
		v.Set("base_i", f.base)
		f.run(fetchRun{timing: busTiming{latency: 1}})
		f.run(fetchRun{timing: busTiming{latency: 20, gaps: 3}})
		f.run(fetchRun{timing: busTiming{latency: 4, gaps: 2}, infer: true})
		beats := f.beats
		for i := range int64(8) {
			f.run(fetchRun{timing: busTiming{latency: 6, gaps: 4}, errorBeat: 1 + (beats-2)*i/7})
			f.run(fetchRun{timing: busTiming{latency: 9, gaps: 2}, abortAt: 10 + f.IntN(300)})
		}
		f.run(fetchRun{timing: busTiming{latency: 3, gaps: 2}})
	}, nil)
}

// busTiming says how a memory behaves: latency and gaps are random up to a
// limit; without gaps it is always ready.
type busTiming struct{ latency, gaps int }

// open is true when a handshake may take place.
func (s source) open(t busTiming) bool { return t.gaps == 0 || s.chance(t.gaps) }

type fetchRun struct {
	timing    busTiming
	infer     bool
	warm      bool  // initial states that are given are not read
	errorBeat int64 // beat answered with an error; 0: none
	abortAt   int   // cycles from the start to an abort; 0: none
}

// job is something to be fetched: a run of columns.
type job struct {
	kind    int
	layer   *gen.LayerPlan
	offset  int // bytes
	beats   int
	columns int
	end     bool // the last of a time step
}

const (
	jobLabels = iota
	jobInput
	jobEven // initial states of even layers, and of odd ones
	jobOdd
	jobTargets // of heads that a teacher gives some
	jobMeans   // of heads that centre
	jobSlab
	jobKept // what updates keep, behind the weights of a slab
)

// readBurst is a burst on its way.
type readBurst struct{ beat, left, at int }

type fetchPlay struct {
	design
	source
	v                              *Vectors
	image                          []byte
	base                           int64
	columnsPerBeat, beatsPerColumn int
	beats                          int64 // taken in the latest run

	fetchRun
	jobs  []job
	steps int // time steps of the run
	free  int // of them in the free phase
	pace  int // mean cycles until the sequencer goes on
	fetchState
}

// fetchState is the unit and its memory between two cycles.
type fetchState struct {
	active            bool // a job is being fetched
	waiting           bool // for half of the slab buffer
	loaded            bool
	next, left        int // beat to request, beats to request
	column, remaining int // columns of the job that came and that are to come; an error does not stop them
	full              [2]bool
	bank              int // of the slab buffer being filled
	tiles, slabs      int // on chip, where weights stay there
	error             bool

	arvalid         bool
	arBeat, arBeats int
	inFlight        int
	held            int // columns in the beat at hand, 0: none
	parts           int // beats of the column so far

	holding bool // until it is known whether another time step follows
	fetched int  // time steps whose slabs have come
	begun   int  // time steps that the sequencer has begun
	follows bool // another one does for certain
	relaxed bool // no other does

	memory  []readBurst
	offered bool // RVALID waits for RREADY
	bad     bool
	busy    [2]int // cycles until a half is consumed
}

// jobList lists what is fetched, in order: what comes before the slabs, of which layer 1 only in
// the first sweep and in that of the update, heads in nudged steps and behind the layers in the
// update.
func (f *fetchPlay) jobList(infer bool) []job {
	m := f.Map
	region := func(kind int, r gen.Region, columns int) job {
		return job{kind, nil, r.Offset, r.Bytes / m.BeatBytes, columns, false}
	}
	var list []job
	if f.Program.Learns() {
		list = append(list, region(jobLabels, m.Labels, f.Cfg.Batch))
	}
	list = append(list, region(jobInput, m.Input, f.Cfg.Batch*f.Input.SampleWords))
	if f.Cfg.GivenStates && !f.warm {
		for bank, words := range f.stateWords() {
			if words > 0 {
				list = append(list, region(jobEven+bank, m.States[bank], words))
			}
		}
	}
	if f.TargetWords > 0 {
		list = append(list, region(jobTargets, m.Targets, f.TargetWords))
	}
	if f.Centered {
		list = append(list, region(jobMeans, m.Means, f.MeanWords))
	}
	if f.onChip() { // once
		for i := range f.Layers {
			list = append(list, f.slabsOf(&f.Layers[i])...)
		}
		for i := range f.Heads {
			list = append(list, f.slabsOf(&f.Heads[i])...)
		}
		return list
	}
	f.drawSteps(infer)
	list = append(list, f.slabsOf(&f.Layers[0])...)
	for _, n := range f.Cfg.IndexesFirst() {
		list = append(list, f.slabsOf(&f.Layers[n-1])...)
	}
	for t := range f.steps {
		list = append(list, f.stepJobs(t >= f.free)...)
		list[len(list)-1].end = true
	}
	if f.Reads() {
		list = append(list, f.slabsOf(f.Last())...)
	}
	if infer {
		return list
	}
	for i := range f.Layers {
		if f.Cfg.Trains(i + 1) {
			list = append(list, f.updated(&f.Layers[i])...)
		}
	}
	for i := range f.Heads {
		h := &f.Heads[i]
		evaluations := len(f.Program.Points) // the errors at each
		if h.Head.FreeState {
			evaluations = 1
		}
		for range evaluations {
			list = append(list, f.slabsOf(h)...)
		}
		list = append(list, f.updated(h)...)
	}
	return list
}

// stateWords counts the words of the states of even and of odd layers.
func (f *fetchPlay) stateWords() (words [2]int) {
	for i := range f.Relaxing() {
		words[(i+1)%2] += f.Cfg.Batch * f.Layers[i].Out.SampleWords
	}
	return words
}

// drawSteps says how many time steps there are in the run, and how many of them are free:
// where phases may end early, any number from the fewest on.
func (f *fetchPlay) drawSteps(infer bool) {
	f.free = f.Cfg.FreeSteps
	nudged := f.Program.Steps() - f.free
	if infer {
		nudged = 0
	}
	if f.monitored() {
		f.free -= f.IntN(f.free - f.Cfg.MinSteps + 1)
		if nudged > 0 {
			nudged -= f.IntN(nudged - (f.Copies()-1)*f.Cfg.MinSteps + 1)
		}
	}
	f.steps = f.free + nudged
}

// slabsOf lists the slabs of a layer or head.
func (f *fetchPlay) slabsOf(l *gen.LayerPlan) []job {
	var list []job
	for slab := range l.Slabs {
		list = append(list, job{jobSlab, l, l.Offset + slab*l.SlabBytes, l.SlabBeats, l.SlabColumns, false})
	}
	return list
}

// stepJobs lists the slabs of a time step. In a nudged one those of a head come twice, for up
// and down, before the layer that it reads is activated.
func (f *fetchPlay) stepJobs(nudged bool) []job {
	var list []job
	layer := func(n int) { list = append(list, f.slabsOf(&f.Layers[n-1])...) }
	activated := func(n int) {
		if h := f.headOn(&f.Layers[n-1]); h != nil && nudged {
			list = append(append(list, f.slabsOf(h)...), f.slabsOf(h)...)
		}
	}
	last := f.Relaxing()
	if f.Cfg.Sweep == ep.Asynchronous {
		for first := 1; first <= 2; first++ {
			for n := first; n <= last; n += 2 {
				if n > 1 {
					layer(n)
				}
				if n < last {
					layer(n + 1)
				}
				activated(n)
			}
		}
		return list
	}
	for n := 2; n <= last; n++ {
		layer(n)
		activated(n - 1)
	}
	activated(last)
	return list
}

// updated lists what is fetched of a layer or head in the update: behind each slab, twice, what
// updates keep of it.
func (f *fetchPlay) updated(l *gen.LayerPlan) []job {
	var list []job
	for _, slab := range f.slabsOf(l) {
		list = append(list, slab)
		kept := job{jobKept, l, slab.offset + l.SlabBeats*f.Map.BeatBytes, l.KeptBeats, l.KeptColumns, false}
		if kept.columns > 0 {
			list = append(list, kept, kept)
		}
	}
	return list
}

// run plays from a start to the end of the last job, or of an error.
func (f *fetchPlay) run(r fetchRun) {
	r.infer, r.warm = r.infer || !f.Program.Learns(), f.v.Has("cold_run_i") && f.chance(2)
	f.fetchRun = r
	f.jobs = f.jobList(r.infer)
	f.pace = 12
	if f.chance(2) { // the slabs of two steps come meanwhile
		f.pace = 400
	}
	f.beats = 0
	for _, p := range []string{"begun_i", "follows_i", "relaxed_i", "nudged_i"} {
		f.v.SetPresent(p, 0)
	}
	f.v.Set("start_i", 1)
	f.v.Want("fetch_idle_o", 1)
	f.cycle()
	f.v.Set("start_i", 0)
	f.v.SetPresent("infer_run_i", b2i(r.infer))
	f.v.SetPresent("cold_run_i", b2i(!r.warm))
	f.fetchState = fetchState{active: true} // whatever was left is forgotten
	f.begin()
	aborting := false
	for n := 0; f.active || f.arvalid || f.inFlight > 0; n++ {
		if n > 200000 {
			panic("unit: the fetching does not end")
		}
		f.v.SetIf("abort_i", aborting)
		f.cycle()
		if (f.error || r.abortAt > 0 && n >= r.abortAt) && !aborting {
			aborting = true
			continue
		}
		if aborting {
			f.active = false
		}
	}
	f.v.SetIf("abort_i", aborting)
	f.v.Want("fetch_idle_o", 1)
	f.cycle()
	f.v.Set("abort_i", 0)
}

// onChip reports that all weights are fetched once.
func (f *fetchPlay) onChip() bool { return f.Cfg.Memory.Weights == ep.OnChip }

// monitored reports phases that may end early.
func (f *fetchPlay) monitored() bool { return f.Cfg.MinSteps > 0 }

// schedule plays the sequencer as far as the unit asks it for time steps: it begins one after
// the other, no earlier than the first slab of a step has been asked for, and says, for
// some of them ahead of time, that another follows.
func (f *fetchPlay) schedule() {
	if !f.monitored() || !f.loaded {
		return
	}
	if f.chance(f.pace) {
		switch {
		case f.begun < f.steps && f.begun <= f.fetched:
			f.begun++
			f.follows = f.begun < f.steps && (len(f.Heads) == 0 || f.begun != f.free) && f.chance(2)
		case f.begun == f.steps && f.fetched == f.steps:
			f.relaxed, f.follows = true, false
		}
	}
	f.v.Set("begun_i", int64(f.begun&3))
	f.v.SetIf("follows_i", f.follows)
	f.v.SetIf("relaxed_i", f.relaxed)
	f.v.SetPresent("nudged_i", b2i(f.begun > f.free))
}

// hold leaves the state HOLD: for the slabs of another time step if one has begun or
// follows for certain, for those of the update, or for the end, if none does.
func (f *fetchPlay) hold() {
	switch {
	case f.relaxed && f.infer && !f.Reads():
		f.active, f.holding = false, false
	case f.relaxed, f.begun == f.fetched+1, f.follows && f.begun == f.fetched:
		f.holding, f.waiting = false, true
	}
}

// begin loads the job at the head of the list.
func (f *fetchPlay) begin() {
	j := f.jobs[0]
	f.next, f.left, f.waiting = j.offset/f.Map.BeatBytes, j.beats, false
	f.column, f.remaining = 0, j.columns
}

// cycle plays one cycle of the unit and its memory.
func (f *fetchPlay) cycle() {
	v := f.v
	f.schedule()
	arready := f.open(f.timing)
	v.SetIf("m_axi_arready", arready)
	v.WantIf("m_axi_arvalid", f.arvalid)
	if f.arvalid {
		v.Want("m_axi_araddr", f.base+int64(f.arBeat*f.Map.BeatBytes))
		v.Want("m_axi_arlen", int64(f.arBeats-1))
		v.Want("m_axi_arburst", 1)
		v.Want("m_axi_arsize", map[int]int64{4: 2, 8: 3, 16: 4, 32: 5, 64: 6}[f.Map.BeatBytes])
	}
	if !f.words() { // nobody looks at it in the update
		v.WantIf("loaded_o", f.loaded && (f.active || f.onChip()))
	}
	v.WantIf("fetch_error_o", f.error)
	v.WantIf("fetch_idle_o", !f.active && f.inFlight == 0 && !f.arvalid)
	v.WantPresent("full_o", b2i(f.full[0])|b2i(f.full[1])<<1)

	there, accept := f.held > 0 && f.remaining > 0, f.accepts(f.held > 0 && f.remaining > 0)
	counted := there && accept
	lastColumn := counted && f.remaining == 1
	f.wantColumn(counted && f.active)
	rready := f.held == 0 || accept && (f.columnsPerBeat == 1 || f.held == 1 || lastColumn)
	take, done := f.respond(rready)
	freed := f.consume()

	aborted := v.now[v.port("abort_i", true).at] == 1
	request := f.left > 0 && !f.arvalid && f.inFlight < f.Cfg.Memory.Outstanding
	if f.arvalid && arready {
		f.accept()
	}
	f.arvalid = request || f.arvalid && !arready
	f.inFlight += int(b2i(request) - b2i(done))
	if request {
		f.arBeat, f.arBeats = f.next, min(f.left, f.longest()-f.next%f.longest())
		f.next, f.left = f.next+f.arBeats, f.left-f.arBeats
	}
	f.advance(take, counted, lastColumn, accept)
	for bank := range freed {
		f.full[bank] = f.full[bank] && !freed[bank]
	}
	if aborted {
		f.active, f.left = false, 0
	}
	f.error = f.error && v.now[v.port("start_i", true).at] == 0 || take && f.bad
	v.Tick()
}

// accepts plays the port of what updates keep, which may hold its words up; it reports whether
// the column at hand has a place to go.
func (f *fetchPlay) accepts(there bool) bool {
	v := f.v
	if !v.Has("kept_ready_i") {
		return true
	}
	ready := f.chance(1 + f.timing.gaps)
	words := f.words()
	v.SetIf("kept_ready_i", ready)
	v.WantIf("kept_valid_o", there && words)
	if there && words {
		for r := range f.P {
			v.WantLaneAfter(0, "kept_data_o", r, f.ElementBits, f.element(r))
		}
	}
	return ready || !words
}

// words reports that what updates keep is being fetched.
func (f *fetchPlay) words() bool {
	return f.active && !f.waiting && !f.holding && f.jobs[0].kind == jobKept
}

// element is what a lane of the column at hand holds.
func (f *fetchPlay) element(lane int) (x int64) {
	at := f.jobs[0].offset + f.column*f.Map.ColumnBytes + lane*f.ElementBits/8
	for i := range f.ElementBits / 8 {
		x |= int64(f.image[at+i]) << (8 * i)
	}
	return x
}

// accept takes a burst over to the memory, if it may be asked for.
func (f *fetchPlay) accept() {
	first, last := f.arBeat*f.Map.BeatBytes, (f.arBeat+f.arBeats)*f.Map.BeatBytes-1
	if first/4096 != last/4096 || last >= f.Map.Size {
		panic(fmt.Sprintf("unit: reference asks for bytes %d to %d of %d", first, last, f.Map.Size))
	}
	f.memory = append(f.memory, readBurst{f.arBeat, f.arBeats, f.v.Cycle() + 1 + f.IntN(f.timing.latency)})
}

// respond plays the data channel.
func (f *fetchPlay) respond(rready bool) (take, done bool) {
	v := f.v
	v.WantIf("m_axi_rready", rready)
	if !f.offered && len(f.memory) > 0 && v.Cycle() >= f.memory[0].at && f.open(f.timing) {
		f.offered = true
		f.bad = f.errorBeat > 0 && f.beats == f.errorBeat
		v.Set("m_axi_rresp", int64(f.IntN(2))) // OKAY or EXOKAY
		if f.bad {
			v.Set("m_axi_rresp", int64(2+f.IntN(2)))
		}
		b := f.memory[0]
		for i := range f.Map.BeatBytes {
			v.SetLane("m_axi_rdata", i, 8, int64(f.image[b.beat*f.Map.BeatBytes+i]))
		}
		v.SetIf("m_axi_rlast", b.left == 1)
	}
	v.SetIf("m_axi_rvalid", f.offered)
	if !f.offered {
		f.fill(f.v, "m_axi_rdata", "m_axi_rresp", "m_axi_rlast")
		return false, false
	}
	if !rready {
		return false, false
	}
	b := &f.memory[0]
	b.beat++
	b.left--
	f.beats++
	f.offered = false
	if done = b.left == 0; done {
		f.memory = f.memory[1:]
	}
	return true, done
}

// consume frees halves of the slab buffer some cycles after they are full.
func (f *fetchPlay) consume() (freed [2]bool) {
	bits := int64(0)
	for bank := range f.full {
		switch {
		case !f.full[bank]:
			f.busy[bank] = f.IntN(40)
		case f.busy[bank] > 0:
			f.busy[bank]--
		default:
			freed[bank] = true
			bits |= 1 << bank
		}
	}
	f.v.SetPresent("freed_i", bits)
	return freed
}

// advance takes beats and columns to the next cycle and goes on to the next job.
func (f *fetchPlay) advance(take, counted, lastColumn, accept bool) {
	switch {
	case f.beatsPerColumn > 1:
		if accept {
			f.held = 0
		}
		if take {
			if f.parts++; f.parts == f.beatsPerColumn {
				f.parts, f.held = 0, 1
			}
		}
	case take:
		f.held = f.columnsPerBeat
	case lastColumn:
		f.held = 0 // the rest of the beat is padding
	case f.held > 0 && accept:
		f.held--
	}
	if f.active && f.holding {
		f.hold()
		return
	}
	if f.active && f.waiting && !f.full[f.bank] {
		f.begin()
		return
	}
	if counted {
		f.column++
		f.remaining--
	}
	if !lastColumn || !f.active {
		return
	}
	if f.jobs[0].kind == jobSlab {
		if f.onChip() {
			f.tiles += f.jobs[0].layer.Tiles
			f.slabs++
		} else {
			f.full[f.bank] = true
			f.bank ^= 1
		}
	}
	end := f.jobs[0].end && f.monitored()
	f.jobs = f.jobs[1:]
	switch {
	case end:
		f.fetched++
		f.holding = true
	case len(f.jobs) == 0:
		f.active, f.loaded = false, true
	case f.jobs[0].kind == jobSlab:
		f.waiting, f.loaded = true, !f.onChip()
	default:
		f.begin()
	}
}

// wantColumn expects the writing of the column at hand.
func (f *fetchPlay) wantColumn(counted bool) {
	v := f.v
	if !counted {
		for _, p := range []string{"label_we_o", "input_we_o", "odd_we_o", "target_we_o", "mean_we_o", "bias_we_o", "slab_we_o"} {
			v.WantPresent(p, 0)
		}
		return
	}
	j := f.jobs[0]
	lanes := func(port string, n, w int) {
		for r := range n {
			v.WantLaneAfter(0, port, r, w, f.element(r))
		}
	}
	v.WantPresent("label_we_o", b2i(j.kind == jobLabels))
	v.WantIf("input_we_o", j.kind == jobInput || j.kind == jobEven)
	v.WantPresent("odd_we_o", b2i(j.kind == jobOdd))
	v.WantPresent("target_we_o", b2i(j.kind == jobTargets))
	v.WantPresent("mean_we_o", b2i(j.kind == jobMeans))
	bias := j.kind == jobSlab && f.column < j.layer.BiasColumns()
	v.WantPresent("bias_we_o", b2i(bias)<<f.bank)
	if bias {
		v.WantPresent("bias_addr_o", int64(f.slabs))
	}
	switch {
	case j.kind == jobLabels:
		v.Want("label_addr_o", int64(f.column))
		v.Want("label_data_o", f.element(0))
	case j.kind == jobInput:
		v.Want("input_addr_o", int64(f.column))
		lanes("input_data_o", f.P, f.LaneBits)
	case j.kind == jobEven: // behind the samples
		v.Want("input_addr_o", int64(f.Cfg.Batch*f.Input.SampleWords+f.column))
		lanes("input_data_o", f.P, f.LaneBits)
	case j.kind == jobOdd:
		v.Want("odd_addr_o", int64(f.column))
		lanes("input_data_o", f.P, f.LaneBits)
	case j.kind == jobTargets:
		v.Want("target_addr_o", int64(f.column))
		lanes("target_data_o", f.P, v.Bits("target_data_o")/f.P)
	case j.kind == jobMeans:
		v.Want("mean_addr_o", int64(f.column))
		lanes("mean_data_o", f.P, v.Bits("mean_data_o")/f.P)
	case bias:
		lanes("bias_data_o", f.Rows, f.BiasBits)
	}
	if j.kind != jobSlab || bias {
		v.Want("slab_we_o", 0)
		return
	}
	column := f.column - j.layer.BiasColumns()
	tile, column := column/f.Lines, column%f.Lines
	v.Want("slab_we_o", 1<<column)
	v.Want("slab_addr_o", int64(f.bank*f.SlabWords+f.tiles+tile))
	lanes("slab_data_o", f.P, f.WeightBits)
}
