package gen

// storeModel is ep_store cycle by cycle, for a memory that is always ready:
// how many columns it holds, which beats leave, when the last is answered.
type storeModel struct {
	d    *Design
	time int // the next cycle to be modelled

	arrivals []arrival // columns on their way, in order

	used, count int
	front       bool
	frontLast   bool
	lasts       []bool // flags of the columns in the FIFO

	filled int  // columns in the beat, where a beat holds several
	pad    bool // the beat is being filled with zeros
	left   int  // beats of the column that remain, where a column takes several

	aw      bool // AWVALID
	awAddr  int
	awLeft  int
	credit  int
	wAddr   int
	wLeft   int
	pending int
	answers []int // cycles in which responses are valid
}

// arrival is a column that reaches the store in a cycle.
type arrival struct {
	at   int
	last bool
}

// start begins a job in the cycle in which start_i is high.
func (s *storeModel) start(at int, r Region) {
	first, beats := r.Offset/s.d.Map.BeatBytes, r.Bytes/s.d.Map.BeatBytes
	*s = storeModel{d: s.d, time: at + 1, awAddr: first, awLeft: beats, wAddr: first, wLeft: beats}
}

// column returns the cycle, at or after at, in which the store accepts the
// announcement of a column from the drain, and notes the column.
func (s *storeModel) column(at int) int { return s.announce(at, s.d.columnLate()) }

// words is column for the words that leave in place of a column.
func (s *storeModel) words(at int) int {
	at = s.announce(at, s.d.columnLate()+1)
	for i := 1; i < s.d.KeptWords(); i++ {
		s.arrivals = append(s.arrivals, arrival{at: at + i + s.d.columnLate() + 1})
		s.step(true)
	}
	return at
}

// result is column for the states of a result pass.
func (s *storeModel) result(at int) int { return s.announce(at, resultLate) }

func (s *storeModel) announce(at, late int) int {
	s.advance(at)
	for s.used >= s.d.StoreLimit() {
		s.step(false)
	}
	at = s.time
	s.arrivals = append(s.arrivals, arrival{at: at + late})
	s.step(true)
	return at
}

// endSlab marks the latest column as the last of its slab.
func (s *storeModel) endSlab() {
	if n := len(s.arrivals); n > 0 {
		s.arrivals[n-1].last = true
	}
}

// idle returns the first cycle in which idle_o is high.
func (s *storeModel) idle() int {
	for s.pending > 0 || s.aw || s.credit > 0 || s.wLeft > 0 {
		s.step(false)
	}
	return s.time
}

// advance models the cycles before at.
func (s *storeModel) advance(at int) {
	for s.time < at {
		if s.quiet() { // nothing moves until a column arrives
			next := at
			if len(s.arrivals) > 0 {
				next = min(at, s.arrivals[0].at)
			}
			if next > s.time {
				s.time = next
				continue
			}
		}
		s.step(false)
	}
}

func (s *storeModel) quiet() bool {
	return s.count == 0 && !s.front && s.left == 0 && !s.pad && (s.filled == 0 || s.filled < s.d.columnsPerBeat()) &&
		!s.aw && (s.awLeft == 0 || s.credit >= storeAhead) && len(s.answers) == 0
}

// step models one cycle; all conditions are those of ep_store.
func (s *storeModel) step(reserve bool) {
	t := s.time
	s.time++
	n, k := s.d.columnsPerBeat(), s.d.beatsPerColumn()
	var beatValid bool
	switch {
	case n > 1:
		beatValid = s.filled == n
	case k > 1:
		beatValid = s.left > 0
	default:
		beatValid = s.front
	}
	sent := beatValid && s.credit > 0
	var pop bool
	switch {
	case n > 1:
		room := s.filled < n || sent
		pop = s.front && room && !s.pad
		switch {
		case pop || s.pad && room:
			if s.filled == n {
				s.filled = 0
			}
			s.filled++
			s.pad = (s.pad || pop && s.frontLast) && s.filled != n
		case sent:
			s.filled = 0
		}
	case k > 1:
		pop = s.front && (s.left == 0 || s.left == 1 && sent)
		switch {
		case pop:
			s.left = k
		case sent:
			s.left--
		}
	default:
		pop = sent
	}
	read := s.count > 0 && (!s.front || pop)
	arrived := len(s.arrivals) > 0 && s.arrivals[0].at == t
	if read {
		s.frontLast, s.lasts = s.lasts[0], s.lasts[1:]
		s.count--
	}
	s.front = read || s.front && !pop
	if arrived {
		s.lasts = append(s.lasts, s.arrivals[0].last)
		s.arrivals = s.arrivals[1:]
		s.count++
	}
	if reserve {
		s.used++
	}
	if pop {
		s.used--
	}
	s.bursts(t, sent)
}

// bursts models the address, data and response channels in cycle t.
func (s *storeModel) bursts(t int, sent bool) {
	announced := s.aw
	request := s.awLeft > 0 && !s.aw && s.credit < storeAhead
	if request {
		n := min(s.awLeft, s.d.burst()-s.awAddr%s.d.burst())
		s.awAddr, s.awLeft = s.awAddr+n, s.awLeft-n
	}
	s.aw = request
	answered := len(s.answers) > 0 && s.answers[0] == t
	if announced {
		s.credit++
		s.pending++
	}
	if answered {
		s.answers = s.answers[1:]
		s.pending--
	}
	if sent {
		s.wAddr++
		s.wLeft--
		if s.wAddr%s.d.burst() == 0 || s.wLeft == 0 {
			s.credit--
			s.answers = append(s.answers, t+writeAnswer)
		}
	}
}
