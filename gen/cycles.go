package gen

import "epgen/ep"

// The cycle model predicts when each unit does what, from the schedule and the
// latencies of its pipelines, for a memory whose READY is always high. Times
// are cycles counted from the first in which BUSY is high; an event at cycle t
// is visible to registers from t+1 on.

// Latencies in cycles, as the pipelines of the blocks have them. That they are
// right is what the comparison of predicted with simulated cycles checks.
const (
	walkFill     = 3 // START to the first operation
	contrastLate = 5 // last operation of a tile to its complete contrast
	columnLate   = 4 // column read from the drain to the store
	resultLate   = 2 // operation of a result pass to the store
	writeAnswer  = 1 // last write beat to its response
)

// cycleModel walks through the schedule.
type cycleModel struct {
	d       *Design
	latency int
	now     int // cycle in which the sequencer enters WAIT or SETUP

	fetched  [2]int // cycle from which each half of the slab buffer holds its slab
	freed    [2]int // cycle from which each half is free
	bank     int
	fetchAt  int // cycle in which the fetch unit waits for a half
	queue    []slabOf
	next     int // slab to be fetched next
	consumed int // slabs released

	begun   []int  // cycles in which time steps begin
	follows []bool // another one is certain then
	over    int    // cycle in which the update begins

	keptGate int // from which ep_kept takes words again

	times map[int]int // duration of the fetch of a slab, by its first beat

	layers  []LayerEstimate
	array   int
	waited  int // for slabs
	stalled int // for drain and store
	store   storeModel
}

// job returns the cycles from the one in which a fetch job is loaded to the one
// in which its last column arrives.
func (m *cycleModel) job(first, beats, columns int) int {
	d := m.d
	perBeat := d.columnsPerBeat()
	limit := d.Cfg.Memory.Outstanding
	var ends []int // cycles in which bursts were complete
	request, take := 0, -perBeat
	for addr, left := first, beats; left > 0; {
		n := min(left, d.burst()-addr%d.burst())
		if k := len(ends) - limit; k >= 0 { // visible one cycle after the last beat
			request = max(request, ends[k]+1)
		}
		data := request + 1 + m.latency
		take = max(data, take+perBeat) + (n-1)*perBeat
		ends = append(ends, take)
		request += 2
		addr, left = addr+n, left-n
	}
	if perBeat > 1 {
		return take + columns - (beats-1)*perBeat
	}
	return take + 1
}

// load models the fetching of what comes before the slabs.
func (m *cycleModel) load() {
	d := m.d
	t := 0
	for _, j := range d.inputJobs() {
		if j.cold && d.continues {
			continue
		}
		t += m.job(j.region.Offset/d.Map.BeatBytes, j.region.Bytes/d.Map.BeatBytes, j.columns) + 1
	}
	if d.onChip() {
		for _, l := range d.slabs() {
			for slab := range l.Slabs {
				t += 1 + m.job((l.Offset+slab*l.SlabBytes)/d.Map.BeatBytes, l.SlabBeats, l.SlabColumns) + 1
			}
		}
	}
	m.fetchAt = t
	m.now = t + 1 // the sequencer leaves LOAD when the fetch unit first waits
	m.waited += m.now
}

// order lists the visits of all slabs in the order of their fetching.
func (m *cycleModel) order(infer bool) {
	d := m.d
	add := func(visits []Visit, after int) {
		for _, v := range withSlabs(visits) {
			for slab := range d.at(v.Layer).Slabs {
				m.queue = append(m.queue, slabOf{v.Layer, slab, after})
				after = 0
			}
		}
	}
	add(d.Visits.First, 0)
	for k := range d.fetchSteps(infer) {
		if d.hasHeads() && k >= d.freeFetchSteps() {
			add(d.Visits.Nudged, k)
			continue
		}
		add(d.Visits.Step, k)
	}
	if !infer {
		add(d.Visits.Update, relaxed)
	}
	add(d.Visits.Readout, relaxed)
}

// slabOf is a slab of a layer.
type slabOf struct {
	layer, slab int
	after       int // time steps whose slabs come before, for the first of a step
}

// relaxed stands for all time steps.
const relaxed = -1

// fetchSlab models the fetching of the next slab into the half of the buffer
// that was freed before.
func (m *cycleModel) fetchSlab() {
	bank := m.next & 1
	m.fetchAt = m.held(m.fetchAt, m.queue[m.next].after)
	loaded := max(m.fetchAt, m.freed[bank]) + 1
	q := m.queue[m.next]
	l := m.d.at(q.layer)
	at := (l.Offset + q.slab*l.SlabBytes) / m.d.Map.BeatBytes
	took, ok := m.times[at]
	if !ok {
		took = m.job(at, l.SlabBeats, l.SlabColumns)
		m.times[at] = took
	}
	m.fetchAt = loaded + took + 1
	m.fetched[bank] = m.fetchAt
	m.next++
}

// held models the state HOLD of the fetch unit of a design whose phases may end early:
// after the slabs of k time steps it waits until another step, or the update, is certain.
func (m *cycleModel) held(at, k int) int {
	if !m.d.monitored() || k == 0 {
		return at
	}
	certain := m.over
	if k != relaxed {
		certain = m.begun[k]
		if m.follows[k-1] {
			certain = m.begun[k-1]
		}
	}
	return max(at, certain) + 1
}

// begin notes that a time step of a relaxation begins.
func (m *cycleModel) begin(phase, step int) {
	free := phase == CopyFree
	if free && step > 0 && !m.d.fetchesFree() { // the free phase is one step to the fetch unit
		return
	}
	m.begun = append(m.begun, m.now)
	last := phase == m.d.Copies()-1
	apart := m.d.hasHeads() && m.d.fetchesFree() // nudged steps have other slabs than free ones
	certain := !last && !(free && apart)
	m.follows = append(m.follows, certain || step+1 < m.d.Cfg.MinSteps)
}

// waitSlab models the state WAIT.
func (m *cycleModel) waitSlab(l *LayerEstimate) {
	leave := m.now
	if !m.d.onChip() {
		m.ensureFetched()
		leave = max(m.now, m.fetched[m.bank])
	}
	wait := leave + 1 - m.now
	m.waited += wait
	l.WaitFetch += wait
	m.now = leave + 1
}

// ensureFetched models the fetch unit up to the slab that is needed now.
func (m *cycleModel) ensureFetched() {
	for m.next <= m.consumed {
		m.fetchSlab()
	}
}

// releaseSlab frees the half of the buffer in use, in state NEXT.
func (m *cycleModel) releaseSlab() {
	m.freed[m.bank] = m.now // visible in the cycle after NEXT
	m.bank ^= 1
	m.consumed++
}

// pass models SETUP to NEXT of a pass of so many operations.
func (m *cycleModel) pass(ops int) {
	m.array += ops
	m.now += m.d.passOverhead() + ops
}

// passOverhead returns the cycles of a pass beside its operations: SETUP, the fill
// of the walker counted from START, the flush, NEXT.
func (d *Design) passOverhead() int { return 1 + walkFill + d.flushed() + 1 }

// ops returns the operations of a pass and the useful products of one pass.
func (d *Design) ops(q *Pass) int {
	rows, cols := d.run(q, true), d.run(q, false)
	sum := func(t []span) int {
		n := 0
		for _, s := range t {
			n += s.N
		}
		return n
	}
	n := sum(rows) * sum(cols)
	switch q.Kind {
	case Up, Down, Act, Pool:
		return n * (q.LastBlk + 1) * d.Cfg.Batch
	default:
		return n * (q.LastBlk + 1) * d.Cfg.Batch * len(d.Terms(q))
	}
}

// run returns the table entries that a pass visits along one axis.
func (d *Design) run(q *Pass, rows bool) []span {
	r, c := d.axes(d.at(q.Layer))
	if rows {
		return r.spans(q.Kind)
	}
	return c.spans(q.Kind)
}

// tiles returns the operations of each tile of an update pass, in order.
func (d *Design) tiles(q *Pass) []int {
	rows, cols := d.run(q, true), d.run(q, false)
	var t []int
	for range q.LastBlk + 1 {
		for _, r := range rows {
			for _, c := range cols {
				t = append(t, r.N*c.N*d.Cfg.Batch*len(d.Terms(q)))
			}
		}
	}
	return t
}

// updatePass models a pass of kind Update or Bias: tiles, drain and store.
// The words that updates keep, if any, are those of a stream; keep says that they leave too.
func (m *cycleModel) updatePass(q *Pass, l *LayerEstimate, columns int, words *keptStream, keep bool) {
	issue := m.now + 1 + walkFill // first operation of the pass
	last := issue - 1
	finish := [2]int{m.now, m.now} // of the tile before last, and of the last
	for _, ops := range m.d.tiles(q) {
		first := max(last+1, finish[0]+1)
		m.stalled += first - last - 1
		l.WaitStore += first - last - 1
		last = first + ops - 1
		m.array += ops
		at := max(last+contrastLate, finish[1]) + 1
		for c := range columns {
			if c > 0 {
				at++
			}
			at = max(at, words.complete())
			if keep {
				at = m.store.words(at)
			} else {
				at = m.store.column(at)
			}
			words.taken(at)
		}
		finish = [2]int{finish[1], at}
	}
	settled := max(last+m.d.flushed(), finish[1]+1+m.d.Linger())
	m.now = settled + 2 // NEXT, then what follows
}

// slot returns the place of a layer or head among the estimates.
func (d *Design) slot(n int) int {
	if n <= len(d.Layers) {
		return n - 1
	}
	return len(d.Layers) + (n-d.Heads[0].N)/2
}

// relaxStep models one time step, visit by visit.
func (m *cycleModel) relaxStep(phase, step int) {
	m.walk(m.d.Visits.Run(phase, step))
}

// walk models visits, one after the other.
func (m *cycleModel) walk(visits []Visit) {
	d := m.d
	for _, v := range visits {
		m.pool(v)
		if v.Layer > 0 {
			ps, l := &d.tables.passes[v.Layer-1], &m.layers[d.slot(v.Layer)]
			for range d.at(v.Layer).Slabs {
				m.waitSlab(l)
				at := m.now
				if v.Up {
					m.pass(d.ops(&ps[Up]))
				}
				if v.Down {
					m.pass(d.ops(&ps[Down]))
				}
				l.Relax += m.now - at
				m.releaseSlab()
			}
		}
		m.soft(v)
		if v.Act > 0 {
			m.act(v.Act - 1)
		}
	}
}

// pool models the averaging for the head of a visit.
func (m *cycleModel) pool(v Visit) {
	if v.Pool > 0 {
		at := m.now
		m.pass(m.d.ops(&m.d.tables.passes[v.Pool-1][Pool]))
		m.layers[m.d.slot(v.Layer)].Relax += m.now - at
	}
}

// soft models the errors of the logits after a visit.
func (m *cycleModel) soft(v Visit) {
	if v.Soft {
		at := m.now
		m.now += m.d.softOverhead() + m.d.softCycles(m.d.at(v.Layer))
		m.layers[m.d.slot(v.Layer)].Relax += m.now - at
	}
}

func (m *cycleModel) act(i int) {
	at := m.now
	m.pass(m.d.ops(&m.d.tables.passes[i][Act]))
	m.layers[i].Act += m.now - at
}

// update models the update of all slabs.
func (m *cycleModel) update() {
	d := m.d
	m.store.start(m.now, d.Updated())
	for _, v := range d.Visits.Update {
		ps, l := &d.tables.passes[v.Layer-1], &m.layers[d.slot(v.Layer)]
		m.pool(v)
		for slab := range d.at(v.Layer).Slabs {
			m.waitSlab(l)
			at, wait := m.now, l.WaitStore
			if v.Up {
				m.pass(d.ops(&ps[Up]))
				l.Update += m.now - at
				m.releaseSlab()
				continue
			}
			if d.Cfg.PoolIndex == ep.Live && d.at(v.Layer).HasIndex() && v.Layer > 1 {
				for range d.Program.Points {
					m.pass(d.ops(&ps[Up]))
				}
			}
			for walk := range 1 + b2i(d.keeps()) {
				words := m.keptStream(d.at(v.Layer), slab)
				if !d.at(v.Layer).NoBias {
					m.updatePass(&ps[Bias], l, 1, words, walk == 1)
				}
				m.updatePass(&ps[Update], l, d.Lines, words, walk == 1)
				m.store.endSlab()
				m.endKept(words)
			}
			l.Update += m.now - at - (l.WaitStore - wait)
			m.releaseSlab()
		}
		m.soft(v)
	}
}

// finishStore models the state STORE.
func (m *cycleModel) finishStore() {
	idle := max(m.now, m.store.idle())
	m.stalled += idle + 1 - m.now
	m.now = idle + 1
}

// result models the writing of the output states.
func (m *cycleModel) result() {
	d := m.d
	m.store.start(m.now, d.Map.Results)
	op := m.now + 1 + walkFill
	n := d.ops(&d.tables.passes[len(d.Layers)-1][Act])
	last := op - 1
	for range n {
		at := m.store.result(last + 1)
		m.stalled += at - last - 1
		last = at
	}
	m.array += n
	m.store.endSlab()
	m.now = last + d.flushed() + 2
	m.finishStore()
}
