package unit

// storeBench checks ep_store against a memory with random gaps: columns held
// back before the buffer overflows, beats packed of columns, bursts, strobes,
// WLAST, and that no more than four bursts are announced ahead of their data.
// Then write errors and aborts in the middle, each followed by a new job: an
// abort announces nothing more and completes what is announced without writing.
func storeBench(d design) *Bench {
	return d.bench("ep_store", func(v *Vectors) {
		s := &storePlay{design: d, source: newSource(13), v: v}
		s.columnsPerBeat = max(1, d.Map.BeatBytes/d.Map.ColumnBytes)
		s.beatsPerColumn = max(1, d.Map.ColumnBytes/d.Map.BeatBytes)
		s.bits = d.P * d.ElementBits
		for _, p := range []string{"start_i", "store_start_i", "store_result_i", "abort_i", "reserve_i", "column_valid_i",
			"m_axi_awready", "m_axi_wready", "m_axi_bvalid"} {
			v.SetPresent(p, 0)
		}
		v.Reset()
		v.Set("start_i", 1) // every job belongs to a step
		v.Tick()
		v.Set("start_i", 0)
		s.base = 0xfedcba98 << 12
		v.Set("base_i", s.base)
		s.job(storeJob{columns: 1})
		s.job(storeJob{result: true, columns: 1, timing: busTiming{gaps: 2}})
		s.job(storeJob{columns: 3, timing: busTiming{gaps: 2}})
		s.job(storeJob{columns: 1, timing: busTiming{gaps: 9}}) // the memory is the bottleneck
		for i := range 6 {
			s.job(storeJob{columns: 1 + i%2, timing: busTiming{gaps: 2 + i}, abortAt: 5 + s.IntN(150)})
			s.job(storeJob{result: true, columns: 1, timing: busTiming{gaps: 2}, errorAnswer: 1})
			s.job(storeJob{columns: 20, timing: busTiming{gaps: 6}, abortAt: 60 + s.IntN(150)}) // bursts wait for data
		}
		s.job(storeJob{columns: 2, timing: busTiming{gaps: 3}})
	}, nil)
}

type storeJob struct {
	result      bool
	columns     int // a column comes once in so many cycles
	timing      busTiming
	errorAnswer int // response that reports an error, from 1; 0: none
	abortAt     int // cycles from the start to an abort; 0: none
}

// column is one column of data by element, and whether padding follows it.
type column struct {
	elements []int64
	last     bool
	at       int // cycle in which it arrives
}

type storePlay struct {
	design
	source
	v                              *Vectors
	base                           int64
	columnsPerBeat, beatsPerColumn int
	bits                           int
	started                        bool // a job has begun, so that the FIFO is empty

	storeJob
	storeState
}

// storeState is the unit and its surroundings between two cycles.
type storeState struct {
	coming    []column // announced, not arrived
	toReserve []column
	used      int
	fifo      []column
	front     []column // at most one
	beat      []column // where a beat holds several; a nil column is padding
	pad       bool
	parts     int // beats of the column at hand to be sent
	hold      column

	announce, toSend int // beats
	next, at         int // beat to announce, beat to send
	awvalid          bool
	fresh            bool // AWVALID is in its first cycle
	accepted         int  // bursts whose address the memory has
	awBeat, awBeats  int
	credit, pending  int
	off, error       bool

	answers  []int // earliest cycles of the responses to come
	answered int
}

// job plays a job to its end.
func (s *storePlay) job(j storeJob) {
	j.result = j.result || !s.v.Has("store_result_i") // there are no other jobs then
	s.storeJob = j
	s.v.SetPresent("store_result_i", b2i(j.result))
	if s.off || s.error || s.chance(3) { // a step begins, which forgets what went wrong
		s.v.Set("start_i", 1)
		s.cycle(false)
		s.v.Set("start_i", 0)
		s.off, s.error, s.toSend = false, false, 0
	}
	s.v.Set("store_start_i", 1)
	s.cycle(false)
	s.v.Set("store_start_i", 0)
	s.started = true
	region := s.Updated()
	if j.result {
		region = s.Map.Results
	}
	s.storeState = storeState{next: region.Offset / s.Map.BeatBytes, at: region.Offset / s.Map.BeatBytes,
		announce: region.Bytes / s.Map.BeatBytes, toSend: region.Bytes / s.Map.BeatBytes}
	s.toReserve = s.data()
	for n := 0; ; n++ {
		if n > 200000 {
			panic("unit: the storing does not end")
		}
		aborting := j.abortAt > 0 && n >= j.abortAt
		if aborting {
			s.toReserve = nil // the schedule stops
		}
		s.v.SetIf("abort_i", aborting)
		idle := s.idle(aborting)
		s.cycle(aborting)
		if idle && len(s.coming) == 0 {
			break
		}
	}
	s.v.Set("abort_i", 0)
	for range 12 { // nothing begins by itself
		s.cycle(false)
	}
}

// data draws the columns of the job. Where a beat holds several, a slab, or the
// results, end with padding.
func (s *storePlay) data() []column {
	var list []column
	add := func(n int) {
		for i := range n {
			c := column{last: i == n-1}
			for range s.P {
				c.elements = append(c.elements, s.signed(s.ElementBits))
			}
			list = append(list, c)
		}
	}
	if s.result {
		add(s.Cfg.Batch * s.Last().Out.SampleWords)
		return list
	}
	for i, v := range s.Visits.Update {
		if i > 0 && s.Visits.Update[i-1].Layer == v.Layer {
			continue // another point of the contrast of a head
		}
		l := s.numbered(v.Layer)
		for range l.Slabs {
			add(l.SlabColumns)
			if l.KeptColumns > 0 {
				add(l.KeptColumns)
			}
		}
	}
	return list
}

// idle reports whether the job is complete, or aborted and everything that was
// announced is answered.
func (s *storePlay) idle(aborting bool) bool {
	return s.pending == 0 && !s.awvalid && s.credit == 0 && (s.toSend == 0 || aborting)
}

// cycle plays one cycle.
func (s *storePlay) cycle(aborting bool) {
	v := s.v
	v.WantIf("store_idle_o", s.idle(aborting))
	v.WantIf("store_error_o", s.error)
	v.Want("m_axi_bready", 1)
	reserve := s.reserve()
	arrived := s.arrive()
	sent, took := s.sendBeat(aborting)
	pop := s.pack(took)
	s.buffer(reserve, arrived, pop)
	s.addresses(sent, aborting)
	v.Tick()
}

// reserve announces a column now and then while the store is ready.
func (s *storePlay) reserve() bool {
	ready := s.used < s.StoreLimit()
	if s.started {
		s.v.WantIf("store_ready_o", ready)
	}
	reserve := ready && len(s.toReserve) > 0 && s.chance(s.columns)
	s.v.SetIf("reserve_i", reserve)
	if reserve {
		c := s.toReserve[0]
		s.toReserve = s.toReserve[1:]
		late := 2 // a state; a new weight takes longer
		if !s.result {
			late = 4
		}
		c.at = s.v.Cycle() + late
		s.coming = append(s.coming, c)
	}
	return reserve
}

// arrive drives the column that is due.
func (s *storePlay) arrive() []column {
	due := len(s.coming) > 0 && s.coming[0].at == s.v.Cycle()
	s.v.SetIf("column_valid_i", due)
	if !due {
		s.fill(s.v, "column_i")
		return nil
	}
	c := s.coming[0]
	s.coming = s.coming[1:]
	for r, x := range c.elements {
		s.v.SetLane("column_i", r, s.ElementBits, x)
	}
	if s.v.Has("column_last_i") {
		s.v.SetIf("column_last_i", c.last)
	}
	return []column{c}
}

// beatReady reports whether a whole beat is there.
func (s *storePlay) beatReady() bool {
	switch {
	case s.columnsPerBeat > 1:
		return len(s.beat) == s.columnsPerBeat
	case s.beatsPerColumn > 1:
		return s.parts > 0
	}
	return len(s.front) > 0
}

// sendBeat plays the data channel.
func (s *storePlay) sendBeat(aborting bool) (sent, took bool) {
	v := s.v
	valid := s.credit > 0 && (s.beatReady() || s.off)
	wready := s.open(s.timing)
	v.SetIf("m_axi_wready", wready)
	v.WantIf("m_axi_wvalid", valid)
	sent = valid && wready
	last := s.toSend == 1 || s.at%s.longest() == s.longest()-1
	if valid {
		v.WantIf("m_axi_wlast", last)
		strobes := int64(0)
		if !s.off {
			strobes = -1
			s.wantBeat()
		} else {
			for i := range s.Map.BeatBytes {
				v.WantLaneAfter(0, "m_axi_wdata", i, 8, 0) // stable while it waits
			}
		}
		v.WantBitsAfter(0, "m_axi_wstrb", 0, min(64, s.Map.BeatBytes), strobes)
	}
	if aborting && (!valid || wready) {
		s.off = true
	}
	took = sent && s.beatReady()
	if sent {
		s.at++
		s.toSend--
		if last {
			s.credit--
			s.answers = append(s.answers, v.Cycle()+1+s.IntN(6))
		}
	}
	return sent, took
}

// wantBeat expects the data of the beat at hand.
func (s *storePlay) wantBeat() {
	lanes := 8 * s.Map.ColumnBytes / s.ElementBits // those of a word, and zeros
	of := func(c column, lane int) int64 {
		if c.elements == nil || lane >= s.P {
			return 0
		}
		return c.elements[lane]
	}
	element := func(lane int, x int64) { s.v.WantLaneAfter(0, "m_axi_wdata", lane, s.ElementBits, x) }
	switch {
	case s.columnsPerBeat > 1:
		for i, c := range s.beat {
			for r := range lanes {
				element(i*lanes+r, of(c, r))
			}
		}
	case s.beatsPerColumn > 1:
		perBeat := lanes / s.beatsPerColumn
		for r := range perBeat {
			element(r, of(s.hold, (s.beatsPerColumn-s.parts)*perBeat+r))
		}
	default:
		for r := range lanes {
			element(r, of(s.front[0], r))
		}
	}
}

// pack moves columns on towards the beat; it reports whether the buffer's front
// leaves.
func (s *storePlay) pack(took bool) (pop bool) {
	switch {
	case s.columnsPerBeat > 1:
		full := len(s.beat) == s.columnsPerBeat
		room := !full || took
		pop = len(s.front) > 0 && room && !s.pad
		if took {
			s.beat = nil
		}
		if pop {
			s.beat = append(s.beat, s.front[0])
			s.pad = s.front[0].last && len(s.beat) < s.columnsPerBeat
		} else if s.pad && room {
			s.beat = append(s.beat, column{})
			s.pad = len(s.beat) < s.columnsPerBeat
		}
	case s.beatsPerColumn > 1:
		pop = len(s.front) > 0 && (s.parts == 0 || s.parts == 1 && took)
		if took {
			s.parts--
		}
		if pop {
			s.parts, s.hold = s.beatsPerColumn, s.front[0]
		}
	default:
		pop = took
	}
	return pop
}

// buffer moves columns through the FIFO and its front.
func (s *storePlay) buffer(reserve bool, arrived []column, pop bool) {
	read := len(s.fifo) > 0 && (len(s.front) == 0 || pop)
	if pop {
		s.front = nil
	}
	if read {
		s.front, s.fifo = s.fifo[:1:1], s.fifo[1:]
	}
	s.fifo = append(s.fifo, arrived...)
	s.used += int(b2i(reserve) - b2i(pop))
}

// addresses plays the address and response channels.
func (s *storePlay) addresses(sent, aborting bool) {
	v := s.v
	awready := s.open(s.timing)
	v.SetIf("m_axi_awready", awready)
	v.WantIf("m_axi_awvalid", s.awvalid)
	if s.awvalid {
		v.Want("m_axi_awaddr", s.base+int64(s.awBeat*s.Map.BeatBytes))
		v.Want("m_axi_awlen", int64(s.awBeats-1))
		v.Want("m_axi_awburst", 1)
	}
	credit := s.credit
	if sent && (s.at%s.longest() == 0 || s.toSend == 0) {
		credit++ // the burst that ends in this cycle still counted in it
	}
	request := s.announce > 0 && !s.awvalid && credit < 4
	if s.fresh { // data need not wait for AWREADY
		s.credit++
		s.pending++
	}
	if s.awvalid && awready {
		s.accepted++
	}
	s.fresh = request
	s.awvalid = request || s.awvalid && !awready
	if request {
		s.awBeat, s.awBeats = s.next, min(s.announce, s.longest()-s.next%s.longest())
		s.next, s.announce = s.next+s.awBeats, s.announce-s.awBeats
	}
	if aborting {
		s.announce = 0
	}
	answer := len(s.answers) > 0 && v.Cycle() >= s.answers[0] && s.answered < s.accepted && s.open(s.timing)
	v.SetIf("m_axi_bvalid", answer)
	s.fill(v, "m_axi_bresp")
	if answer {
		s.answered++
		bad := s.answered == s.errorAnswer
		v.Set("m_axi_bresp", 2*b2i(bad)+int64(s.IntN(2)))
		s.error = s.error || bad
		s.answers = s.answers[1:]
		s.pending--
	}
}
