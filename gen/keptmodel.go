package gen

// keptStream is the stream of the words that updates keep, for one walk over a slab: each
// column of words waits in the fetch unit until ep_kept takes it, and holds the bus back.
type keptStream struct {
	m                  *cycleModel
	addr, left, column int // beat to request; beats; columns so far
	request, take      int // cycles of the last request and of the last beat taken
	inBurst            int // beats of the burst to come
	first              int // cycle from which the present burst has data
	ends               []int
	accepted           int // cycle in which the last column was accepted
	gate               int // from which the next column of drain's words may be accepted
}

// keptStream begins a stream, or is nil if updates keep nothing.
func (m *cycleModel) keptStream(l *LayerPlan, slab int) *keptStream {
	if !m.d.keeps() {
		return nil
	}
	at := (l.Offset+slab*l.SlabBytes)/m.d.Map.BeatBytes + l.SlabBeats
	return &keptStream{m: m, addr: at, left: l.KeptBeats, request: m.fetchAt - 2, take: m.fetchAt - 1, accepted: m.fetchAt - 1, gate: m.keptGate}
}

// endKept notes that the fetch unit goes on behind the last column.
func (m *cycleModel) endKept(s *keptStream) {
	if s != nil {
		m.fetchAt, m.keptGate = s.accepted+1, s.gate
	}
}

// beat models the taking of a beat, not before a cycle.
func (s *keptStream) beat(earliest int) {
	d := s.m.d
	if s.inBurst == 0 {
		s.inBurst = min(s.left, d.burst()-s.addr%d.burst())
		s.addr, s.left = s.addr+s.inBurst, s.left-s.inBurst
		s.request += 2
		if k := len(s.ends) - d.Cfg.Memory.Outstanding; k >= 0 {
			s.request = max(s.request, s.ends[k]+1)
		}
		s.first = s.request + 1 + s.m.latency
	}
	s.take = max(s.take+1, s.first, earliest)
	if s.inBurst--; s.inBurst == 0 {
		s.ends = append(s.ends, s.take)
	}
}

// complete returns the cycle in which all words of the next column of the drain are
// there, 0 if there are no words.
func (s *keptStream) complete() int {
	if s == nil {
		return 0
	}
	d := s.m.d
	n, k := d.columnsPerBeat(), d.beatsPerColumn()
	for word := range d.KeptWords() {
		valid := s.accepted + 1
		if n == 1 {
			for range k {
				s.beat(s.accepted)
			}
			valid = s.take + 1
		} else if s.column%n == 0 {
			s.beat(s.accepted)
			valid = s.take + 1
		}
		if word == 0 {
			valid = max(valid, s.gate)
		}
		s.accepted = valid
		s.column++
	}
	return s.accepted + 1
}

// taken notes the cycle in which the drain takes the words.
func (s *keptStream) taken(at int) {
	if s != nil {
		s.gate = at + 1
	}
}
