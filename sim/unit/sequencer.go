package unit

import (
	"fmt"

	"epgen/ep"
	"epgen/gen"
)

// sequencerBench checks ep_sequencer: the order of the passes of a training
// step and of an inference, the mode of each, and what it tells the units,
// against an account of the schedule by nested loops. The units answer after
// random delays. Then a read error, a write error and a reset in the middle.
func sequencerBench(d design) *Bench {
	return d.bench("ep_sequencer", func(v *Vectors) {
		q := &sequencerPlay{design: d, source: newSource(11), v: v, last: d.Relaxing()}
		for _, p := range []string{"start_i", "infer_i", "walk_done_i", "soft_done_i", "loaded_i", "full_i", "fetch_error_i", "store_error_i"} {
			v.SetPresent(p, 0)
		}
		for _, p := range []string{"drain_idle_i", "fetch_idle_i", "store_idle_i"} {
			v.SetPresent(p, 1)
		}
		if v.Has("moved_i") {
			v.Set("moved_i", 0)
		}
		v.Reset()
		q.step(false)
		q.step(true)
		q.step(false) // again, from where the last left off
		for _, port := range []string{"fetch_error_i", "store_error_i"} {
			q.fail = port
			q.failAt = v.Cycle() + 40 + q.IntN(200)
			for !q.stopped { // a short run may be over before
				q.step(false)
			}
			q.recover()
		}
		q.failAt, q.fail = v.Cycle()+60, resetName
		for !q.stopped {
			q.step(false)
		}
		v.Reset()
		q.stopped, q.storeStart = false, false
		q.failAt, q.fail = 0, ""
		q.step(true)
	}, nil)
}

// States of the sequencer in its status.
const (
	stateIdle = iota
	stateLoad
	stateWait
	stateSetup
	stateStart
	stateRun
	stateFlush
	stateNext
	stateStore
	stateError
)

type sequencerPlay struct {
	design
	source
	v    *Vectors
	last int // layer

	infer      bool
	phase      int
	kind       gen.Kind // of the pass
	step0      bool     // of a phase
	second     bool     // half of an asynchronous sweep
	begun      int      // time steps
	follows    bool     // another one, for certain
	moves      bool     // states move in the present step
	moved      bool     // and the sequencer has heard of it
	cold       bool     // the run begins at the initial state
	warm       bool     // the next start asks for the states on chip
	whole      bool     // they are those of a complete run
	bank       int
	storeStart bool // in the next cycle
	negative   bool // the sign of the nudge
	rates      []int64
	taken      []int // time steps of each phase

	fail    string // port of the error, or the reset
	failAt  int    // cycle of it; 0: none
	stopped bool
}

// cycle plays a cycle in a state.
func (q *sequencerPlay) cycle(state int) {
	if q.stopped {
		return
	}
	v := q.v
	v.Want("state_o", int64(state))
	v.Want("phase_o", int64(q.phase))
	v.WantIf("busy_o", state != stateIdle)
	v.WantIf("wait_fetch_o", state == stateLoad || state == stateWait)
	v.WantIf("wait_store_o", state == stateStore)
	v.WantIf("walk_start_o", state == stateStart && q.kind != gen.Soft)
	v.WantPresent("soft_start_o", b2i(state == stateStart && q.kind == gen.Soft))
	v.WantIf("abort_o", state == stateError)
	v.WantIf("error_o", state == stateError)
	v.WantIf("store_start_o", q.storeStart)
	q.storeStart = false
	if state != stateNext {
		v.WantPresent("freed_o", 0)
	}
	if state != stateStore {
		v.Want("finish_o", 0)
	}
	if v.Has("pass_over_o") && state != stateNext {
		v.WantIf("pass_over_o", state == stateFlush)
	}
	if state != stateIdle {
		v.WantPresent("infer_run_o", b2i(q.infer))
	}
	for i := range q.taken {
		v.WantPresent("steps_"+q.Program.Relaxations[i].Name+"_o", int64(q.taken[i]))
	}
	if q.phase != gen.CopyFree { // the sign of the free phase holds
		v.SetPresent("sign_i", int64(q.IntN(2)))
	}
	if !q.updating() {
		v.WantPresent("tensor_o", 0)
	}
	if v.Has("moved_i") && state != stateIdle && state != stateLoad {
		relaxed := q.phase >= q.Copies()
		v.WantIf("relaxed_o", relaxed)
		if !relaxed {
			v.Want("begun_o", int64(q.begun&3))
			v.WantIf("follows_o", q.follows)
			v.WantPresent("nudged_o", b2i(q.phase > gen.CopyFree))
		}
		hears := state == stateFlush && q.moves && q.chance(4)
		v.SetIf("moved_i", hears)
		q.moved = q.moved || hears
	}
	if q.failAt != 0 && v.Cycle() >= q.failAt && state != stateIdle {
		q.stopped = true
		if q.fail != resetName {
			v.Set(q.fail, 1)
		}
	}
	v.Tick()
}

// recover is what follows an error: no more requests for at least eight cycles,
// then the end as soon as fetch and store are idle.
func (q *sequencerPlay) recover() {
	v := q.v
	q.storeStart = false
	v.Set("fetch_idle_i", 0)
	v.Set("walk_done_i", 0)
	idle := func(fetch, store bool, finish bool) {
		v.SetIf("fetch_idle_i", fetch)
		v.SetIf("store_idle_i", store)
		v.Want("state_o", stateError)
		v.Want("abort_o", 1)
		v.Want("error_o", 1)
		v.Want("busy_o", 1)
		v.WantIf("finish_o", finish)
		v.Tick()
	}
	for range 7 { // until walker, array and drain are empty, whoever is idle
		idle(q.chance(2), q.chance(2), false)
	}
	for range q.IntN(3) {
		idle(false, q.chance(2), false)
	}
	idle(true, false, false)
	idle(true, true, true)
	v.Set(q.fail, 0)
	v.Want("state_o", stateIdle)
	v.Want("abort_o", 0)
	v.Want("finish_o", 0)
	v.Want("busy_o", 0)
	v.Tick()
	q.stopped, q.failAt, q.fail = false, 0, ""
}

// step plays a training step, or an inference.
func (q *sequencerPlay) step(infer bool) {
	v := q.v
	infer = infer || !q.Program.Learns()
	v.SetPresent("full_i", 0)
	v.Set("loaded_i", 0)
	for range 3 {
		v.Want("state_o", stateIdle)
		v.Want("busy_o", 0)
		v.Tick()
	}
	v.Set("start_i", 1)
	v.SetPresent("infer_i", b2i(infer))
	q.drawInputs()
	q.cold = true
	if v.Has("cold_i") {
		v.SetIf("cold_i", !q.warm)
		q.cold = !q.warm || !q.whole
		q.warm, q.whole = !q.warm, false
	}
	v.Want("state_o", stateIdle)
	v.Tick()
	v.Set("start_i", 0)
	q.fill(v, v.Existing("infer_i")...)
	if v.Has("cold_i") {
		q.fill(v, "cold_i")
	}
	q.infer, q.phase, q.bank, q.second, q.begun = infer, gen.CopyFree, 0, false, 0
	q.taken = make([]int, q.Copies())
	for range q.IntN(4) {
		q.cycle(stateLoad)
	}
	v.Set("loaded_i", 1)
	q.cycle(stateLoad)
	q.relax(gen.CopyFree)
	if !infer {
		for phase := 1; phase < q.Copies(); phase++ {
			q.relax(phase)
		}
		q.phase, q.storeStart = q.PhaseUpdate(), true
		q.update()
		q.waitStore(false)
	}
	if q.Reads() {
		q.phase = q.PhaseReadout()
		q.slabs(q.Last().N, gen.Up)
		q.pass(passMode{kind: gen.Act, layer: q.Last().N})
	}
	q.phase, q.storeStart = q.PhaseResult(), true
	q.pass(passMode{kind: gen.Act, layer: q.Last().N, result: true})
	q.waitStore(true)
	if !q.stopped {
		q.whole = true
		q.cycle(stateIdle)
	}
}

// drawInputs draws what does not change during a run: rates in registers, and in the free
// phase the sign of the nudge.
func (q *sequencerPlay) drawInputs() {
	q.negative = q.v.Has("sign_i") && q.chance(2)
	q.v.SetPresent("sign_i", b2i(q.negative))
	if !q.v.Has("rates_i") {
		return
	}
	bits := q.Cfg.Formats.RateBits
	q.rates = nil
	for i := range len(q.Layers) + len(q.Heads) {
		x := q.Int64N(1 << bits)
		q.v.SetLane("rates_i", i, bits, x)
		q.rates = append(q.rates, x)
	}
}

// slot is the place of a layer or head among all, heads last.
func (q *sequencerPlay) slot(l *gen.LayerPlan) int {
	if l.Head == nil {
		return l.N - 1
	}
	i := 0
	for q.Heads[i].N != l.N {
		i++
	}
	return len(q.Layers) + i
}

// relax plays the time steps of a phase.
func (q *sequencerPlay) relax(phase int) {
	q.phase = phase
	for t := range q.Program.Relaxations[phase].Steps {
		q.step0 = t == 0
		q.begun++
		lastPhase := phase == q.Copies()-1 || q.infer
		q.follows, q.moved, q.moves = !lastPhase || t+1 < q.Cfg.MinSteps, false, !q.chance(3)
		if phase == gen.CopyFree && len(q.Heads) > 0 { // another free one, since nudged ones have other slabs
			q.follows = t+1 < q.Cfg.MinSteps
		}
		if phase == gen.CopyFree && t == 0 {
			q.slabs(1, gen.Up)
			for n := 2; n <= q.last; n += 2 {
				l := &q.Layers[n-1]
				if q.Cfg.Sweep == ep.Asynchronous && (q.Cfg.Start == ep.Warm || q.Cfg.GivenStates) && l.HasIndex() {
					q.slabs(n, gen.Up) // for its argmax at the states on chip
				}
			}
		}
		switch {
		case q.last == 1:
			q.activate(1)
		case q.Cfg.Sweep == ep.Asynchronous:
			q.half(1)
			q.second = true
			q.half(2)
			q.second = false
		default:
			for n := 2; n <= q.last; n++ {
				q.slabs(n, gen.Up, gen.Down)
				q.activate(n - 1)
			}
			q.activate(q.last)
		}
		q.taken[phase]++
		if q.v.Has("moved_i") && t+1 >= q.Cfg.MinSteps && !q.moved {
			break
		}
	}
}

// half plays half of an asynchronous sweep.
func (q *sequencerPlay) half(first int) {
	for n := first; n <= q.last; n += 2 {
		if n > 1 {
			q.slabs(n, gen.Up)
		}
		if n < q.last {
			q.slabs(n+1, gen.Down)
		}
		q.activate(n)
	}
}

// activate plays the activation of a layer, in a nudged phase behind the passes of its head.
func (q *sequencerPlay) activate(n int) {
	if h := q.headOn(&q.Layers[n-1]); h != nil && q.phase > gen.CopyFree {
		q.evaluate(h, passMode{})
		q.slabs(h.N, gen.Down)
	}
	q.pass(passMode{kind: gen.Act, layer: n})
}

// slabs plays some passes over every slab of a layer or head.
func (q *sequencerPlay) slabs(n int, kinds ...gen.Kind) {
	for slab := range q.numbered(n).Slabs {
		q.waitSlab()
		for i, k := range kinds {
			q.pass(passMode{kind: k, layer: n, slab: slab, release: i == len(kinds)-1})
		}
	}
}

// update plays the passes of the update.
func (q *sequencerPlay) update() {
	for n := 1; n <= q.last; n++ {
		if q.Cfg.Trains(n) {
			q.contrasts(&q.Layers[n-1], false)
		}
	}
	for i := range q.Heads {
		q.headUpdate(&q.Heads[i])
	}
}

// contrasts plays the passes of the update over the slabs of a layer or head.
func (q *sequencerPlay) contrasts(l *gen.LayerPlan, free bool) {
	for slab := range l.Slabs {
		q.waitSlab()
		m := passMode{layer: l.N, slab: slab, free: free}
		if q.Cfg.PoolIndex == ep.Live && l.HasIndex() && l.N > 1 {
			for k := range q.Program.Points {
				up := m
				up.kind, up.point = gen.Up, k
				q.pass(up)
			}
		}
		walks := 1
		if q.Arith.Keeps.Any() { // the second returns what is kept
			walks = 2
		}
		for walk := range walks {
			m.keep = walk == 1
			if !l.NoBias {
				m.kind = gen.Bias
				q.pass(m)
			}
			m.kind, m.release = gen.Update, walk == walks-1
			q.pass(m)
		}
	}
}

// waitSlab plays the waiting for a slab; the other half of the buffer does not
// count.
func (q *sequencerPlay) waitSlab() {
	if !q.v.Has("full_i") { // all slabs are on chip
		q.cycle(stateWait)
		return
	}
	other := int64(2 >> q.bank)
	for range q.IntN(3) {
		q.v.Set("full_i", other&int64(q.Uint64()))
		q.cycle(stateWait)
	}
	q.v.Set("full_i", 1<<q.bank|other&int64(q.Uint64()))
	q.cycle(stateWait)
}

// waitStore plays the waiting for the end of the writing.
func (q *sequencerPlay) waitStore(finish bool) {
	q.v.Set("store_idle_i", 0)
	for range 1 + q.IntN(3) {
		q.v.Want("finish_o", 0)
		q.cycle(stateStore)
	}
	q.v.Set("store_idle_i", 1)
	if !q.stopped {
		q.v.WantIf("finish_o", finish)
	}
	q.cycle(stateStore)
}

// passMode says which pass it is.
type passMode struct {
	kind    gen.Kind
	layer   int
	slab    int
	point   int // up of the update: the point of the contrast whose argmax is wanted
	result  bool
	release bool // the pass is the slab's last
	keep    bool // update: second walk, for what updates keep

	evaluates bool // update: the errors of a head at a point
	free      bool // update: the head learns at the free equilibrium
}

// pass plays a pass: set-up, start, run for some cycles, flush, next.
func (q *sequencerPlay) pass(m passMode) {
	if q.stopped {
		return
	}
	v := q.v
	updating := q.updating()
	q.kind = m.kind
	done, other := "walk_done_i", "soft_done_i"
	if m.kind == gen.Soft {
		done, other = other, done
	}
	q.cycle(stateSetup)
	if !q.stopped {
		v.WantPresent("update_start_o", b2i(m.kind == gen.Bias || m.kind == gen.Update))
	}
	q.cycle(stateStart)
	for range q.IntN(4) {
		v.SetPresent(other, int64(q.IntN(2)))
		q.mode(m)
		q.cycle(stateRun)
	}
	v.SetPresent(other, 0)
	v.Set(done, 1)
	q.mode(m)
	q.cycle(stateRun)
	v.Set(done, 0)
	flush := 6 // the pipeline behind the last operation
	if v.Has("moved_i") && q.Program.Learns() {
		flush++ // and whether its states have moved, whose way is longer with a nudge
		if q.Cfg.Damping > 0 {
			flush++ // with damping
		}
		if q.Cfg.Differs() {
			flush++ // and with differences
		}
	}
	if updating && q.chance(2) {
		v.Set("drain_idle_i", 0)
		flush += q.IntN(5)
		for range flush {
			q.mode(m)
			q.cycle(stateFlush)
		}
		v.Set("drain_idle_i", 1)
		flush = 1
	}
	for range flush {
		q.mode(m)
		q.cycle(stateFlush)
	}
	if !q.stopped {
		v.WantPresent("freed_o", b2i(m.release)<<q.bank)
		q.mode(m)
	}
	q.cycle(stateNext)
	if m.release {
		q.bank ^= 1
	}
}

// mode expects what the datapath and the walker are told during a pass.
func (q *sequencerPlay) mode(m passMode) {
	if q.stopped {
		return
	}
	v, l, k := q.v, q.numbered(m.layer), m.kind
	updating := q.updating()
	moving := q.Cfg.Differs() && q.phase > gen.CopyFree && q.phase < q.Copies()
	fields := q.Descriptor(m.layer, k)
	for name, value := range fields {
		if other, ok := fields["moving_"+name]; ok && moving {
			value = other
		}
		// The others go through the mode, come from a register, or there is nothing to choose.
		if v.Has(name+"_o") && (name != "rate" || q.rates == nil) {
			v.Want(name+"_o", int64(value))
		}
	}
	if q.Cfg.Differs() {
		q.differences(m, l, moving)
	}
	v.Want("slab_o_o", int64(m.slab*q.Rows/q.P*l.Out.HW))
	v.WantPresent("slab_part_o", int64(m.slab%(q.P/q.Rows)))
	v.WantPresent("from_drive_o", b2i(k == gen.Down && m.layer == 2 && m.slab == 0))
	v.WantIf("up_o", k == gen.Up)
	v.WantIf("down_o", k == gen.Down)
	v.WantPresent("update_o", b2i(k == gen.Update || k == gen.Bias))
	v.WantPresent("bias_o", b2i(k == gen.Bias))
	v.WantIf("act_o", k == gen.Act && !m.result)
	v.WantIf("result_o", m.result)
	v.WantPresent("store_result_o", b2i(m.result))
	v.WantIf("i_even_o", m.layer%2 == 1)
	v.WantIf("window_o", k == gen.Up && l.Pooled())
	v.WantIf("unpool_o", (k == gen.Down || k == gen.Update) && l.Pooled())
	if v.Has("mean_o") && (k == gen.Up || k == gen.Down || k == gen.Update) {
		v.WantIf("mean_o", l.Averages())
	}
	if v.Has("step_o") && (k == gen.Down || k == gen.Update) {
		v.Want("step_o", int64(l.Stride))
	}
	states := m.layer > 1 || k == gen.Act && q.Cfg.Damping > 0
	if q.Cfg.GivenStates { // no state is a constant
		v.WantPresent("cold_run_o", b2i(q.cold))
	} else {
		v.WantIf("zero_o", q.phase == gen.CopyFree && q.stale(k) && states && q.cold)
	}
	v.WantPresent("acc_keep_o", b2i(updating && !m.evaluates))
	v.WantPresent("keep_o", b2i(m.keep))
	v.WantPresent("bank_o", int64(q.bank))
	if v.Has("slab_base_o") && k != gen.Act {
		tile, slab := q.TileBase(m.layer)
		v.Want("slab_base_o", int64(tile+m.slab*l.Tiles))
		v.WantPresent("slab_number_o", int64(slab+m.slab))
	}
	if !m.result && !updating && v.Has("nudge_o") {
		nudge := k == gen.Act && m.layer == q.last && q.phase != gen.CopyFree
		if v.WantIf("nudge_o", nudge); nudge {
			q.nudge()
		}
	}
	v.WantPresent("negate_o", b2i(updating && q.negative))
	if q.Cfg.Output == ep.Linear || q.Reads() {
		v.WantPresent("unclamped_o", b2i(k == gen.Act && m.layer == q.Last().N))
	}
	if k == gen.Update || k == gen.Bias {
		q.tensor(k == gen.Bias, q.slot(l))
	}
	if k != gen.Act && k != gen.Pool { // the visit of an act or of averages is that of other slabs
		v.Want("layer_o", int64(m.layer-1))
		if k != gen.Soft {
			v.Want("slab_index_o", int64(m.slab))
		}
	}
	if len(q.Heads) > 0 {
		q.headModes(m, l)
	}
	q.addresses(m, l)
}

// nudge expects the sign and the size of the nudge.
func (q *sequencerPlay) nudge() {
	code := q.Arith.Betas[q.phase]
	if q.v.Has("nudge_minus_o") {
		q.v.WantIf("nudge_minus_o", code < 0 || q.negative)
	}
	for i, strength := range q.Arith.Strengths() {
		if strength == max(code, -code) {
			q.v.WantPresent("strength_o", int64(i))
		}
	}
}

// tensor expects what names the weights or biases whose contrasts are collected.
func (q *sequencerPlay) tensor(biases bool, slot int) {
	number := ep.WeightTensor(slot)
	if biases {
		number = ep.BiasTensor(slot)
	}
	q.v.WantPresent("tensor_o", int64(number))
	if q.rates != nil {
		q.v.Want("rate_o", q.rates[slot])
	}
}

// differences expects what tells the datapath that a nudged phase holds these.
func (q *sequencerPlay) differences(m passMode, l *gen.LayerPlan, moving bool) {
	q.v.WantIf("moving_o", moving)
	q.v.WantIf("resting_o", moving && q.stale(m.kind))
	drive := m.kind == gen.Down && m.layer == 2 && m.slab == 0
	if q.last == 1 {
		drive = m.kind == gen.Act
	}
	q.v.WantIf("undriven_o", moving && drive)
	if m.kind == gen.Act && !m.result { // behind those of the even layers
		base := l.Out.StateBase
		if m.layer%2 == 1 {
			base += q.RegionWords[0]
		}
		q.v.Want("reference_o", int64(base))
	}
}

// addresses expects the first words of what a pass reads and writes.
func (q *sequencerPlay) addresses(m passMode, l *gen.LayerPlan) {
	v := q.v
	// Nudged phases begin from the states of the free one, and write their own.
	own, points := q.phase, q.Program.Points
	switch {
	case m.evaluates && !m.free:
		own = int(points[m.point].Phase)
	case own >= q.Copies():
		own = gen.CopyFree
	}
	read := own
	if q.stale(m.kind) || m.result {
		read = gen.CopyFree
	}
	var plus, minus, belowPlus, belowMinus int
	below, here := "i_word_o", "o_word_o" // of the only copy
	if q.Program.Learns() {
		plus, minus = int(points[0].Phase), int(points[1].Phase)
		belowPlus, belowMinus = plus, minus
		below, here = "i_plus_o", "o_plus_o"
	}
	if terms := q.Program.Terms(q.last); q.Cfg.Differs() {
		second := terms[min(1, len(terms)-1)]
		plus, minus, belowPlus, belowMinus = int(terms[0].Here), int(second.Here), int(terms[0].Below), int(second.Below)
	}
	index := l.IndexBase
	if q.updating() && !m.free {
		read = int(points[m.point].Phase)
		index += m.point * q.IndexWords
	}
	if l.Head != nil || m.kind == gen.Pool {
		q.headAddresses(m, l, read, own)
		return
	}
	live := q.movesIndex()
	nudged := q.phase > gen.CopyFree && q.phase < q.Copies()
	if live && q.Cfg.Sweep == ep.Asynchronous && nudged && m.layer > 1 && (m.kind == gen.Up || !q.stale(m.kind)) {
		index += q.IndexWords
	}
	switch m.kind {
	case gen.Up:
		v.Want(below, q.below(m.layer, read))
		v.Want("write_o", int64(l.AccBase))
		if m.layer == 1 {
			v.Want("write_o", gen.DriveBase)
		}
		if l.HasIndex() {
			q.index(index)
			freezes := !q.Cfg.Differs() && q.phase == 1 && q.step0 && !(q.Cfg.Sweep == ep.Asynchronous && m.layer%2 == 0)
			v.WantPresent("free_index_o", b2i(q.phase == gen.CopyFree || q.updating() && !q.Cfg.Differs() || freezes))
		}
	case gen.Down:
		acc := int64(q.Layers[m.layer-2].AccBase)
		v.Want(here, q.here(m.layer, read))
		v.Want("write_o", acc)
		v.Want("acc_read_o", acc)
		if m.layer == 2 && m.slab == 0 {
			v.Want("acc_read_o", gen.DriveBase)
		}
		if l.HasIndex() {
			q.index(index)
		}
	case gen.Act:
		v.Want(here, q.here(m.layer, read))
		if m.result {
			return
		}
		v.Want("write_o", q.here(m.layer, own))
		v.Want("acc_read_o", int64(l.AccBase))
		if m.layer == 1 && q.last == 1 {
			v.Want("acc_read_o", gen.DriveBase)
		}
	case gen.Update, gen.Bias:
		if m.kind == gen.Update {
			v.Want("i_plus_o", q.below(m.layer, belowPlus))
			v.Want("i_minus_o", q.below(m.layer, belowMinus))
		}
		v.Want("o_plus_o", q.here(m.layer, plus))
		v.Want("o_minus_o", q.here(m.layer, minus))
		for k, at := range q.furtherPoints() {
			name := fmt.Sprint("point", k+3)
			v.Want("o_"+name+"_o", q.here(m.layer, int(at.Here)))
			if m.kind == gen.Update {
				v.Want("i_"+name+"_o", q.below(m.layer, int(at.Below)))
			}
		}
		if l.HasIndex() && m.kind == gen.Update {
			q.index(index)
			if live && m.layer > 1 {
				index += q.IndexWords
			}
			if live {
				v.Want("index_minus_o", int64(index))
			}
		}
	}
}

// furtherPoints are the copies of the states behind the first two terms of a contrast.
func (q *sequencerPlay) furtherPoints() []ep.Term {
	terms := q.Program.Terms(q.last)
	return terms[min(2, len(terms)):]
}

// updating reports the update.
func (q *sequencerPlay) updating() bool { return q.Program.Learns() && q.phase == q.PhaseUpdate() }

// stale reports whether a pass reads what was there before the phase: in its first step, but
// for the neighbours in the second half of a sweep, which are not what an activation and the
// averages of its head read.
func (q *sequencerPlay) stale(k gen.Kind) bool {
	return q.step0 && q.phase < q.Copies() && !(q.second && k != gen.Act && k != gen.Pool)
}

// movesIndex reports indices that differ between the points of the contrast: live ones above
// layer 1, whose input is constant.
func (q *sequencerPlay) movesIndex() bool {
	if q.Cfg.PoolIndex != ep.Live || !q.Program.Learns() {
		return false
	}
	for i := range q.Layers[1:] {
		if q.Layers[1+i].HasIndex() {
			return true
		}
	}
	return false
}

// index expects the first word of the pool indices, or of those of phase +beta.
func (q *sequencerPlay) index(word int) {
	if q.movesIndex() {
		q.v.Want("index_plus_o", int64(word))
		return
	}
	q.v.Want("index_o", int64(word))
}

// here is the first word of the states of a layer in a copy.
func (q *sequencerPlay) here(n, copy int) int64 { return int64(q.StateAddr(n, copy, 0, 0, 0)) }

// below is that of the layer below, or of the input.
func (q *sequencerPlay) below(n, copy int) int64 {
	if n == 1 {
		return int64(q.Input.StateBase)
	}
	return q.here(n-1, copy)
}
