package unit

import (
	"fmt"

	"epgen/gen"
)

// evaluate plays the passes that make the errors of a head: averages of the states of its
// layer, up over every slab, then the errors of the logits.
func (q *sequencerPlay) evaluate(h *gen.LayerPlan, m passMode) {
	m.kind, m.layer = gen.Pool, h.Head.Layer
	q.pass(m)
	m.kind, m.layer, m.release = gen.Up, h.N, true
	for m.slab = range h.Slabs {
		q.waitSlab()
		q.pass(m)
	}
	m.kind, m.slab, m.release = gen.Soft, 0, false
	q.pass(m)
}

// headUpdate plays the update of a head: its errors at every point of the contrast, or at the
// free equilibrium, then the contrasts.
func (q *sequencerPlay) headUpdate(h *gen.LayerPlan) {
	free := h.Head.FreeState
	for point := range q.Program.Points {
		if free && point > 0 {
			break
		}
		q.evaluate(h, passMode{evaluates: true, free: free, point: point})
	}
	q.contrasts(h, free)
}

// headModes expects the modes that designs with heads have.
func (q *sequencerPlay) headModes(m passMode, l *gen.LayerPlan) {
	v, k := q.v, m.kind
	nudged := q.phase > gen.CopyFree && q.phase < q.Copies()
	nudges := k == gen.Act && q.headOn(l) != nil && nudged
	v.WantIf("pool_o", k == gen.Pool)
	v.WantIf("head_nudge_o", nudges)
	v.WantIf("back_first_o", m.slab == 0)
	if k == gen.Down || k == gen.Update || k == gen.Bias {
		v.WantIf("head_o", l.Head != nil)
	}
	if !nudges {
		return
	}
	v.Want("head_o", 1)
	if v.Has("nudge_minus_o") {
		v.WantIf("nudge_minus_o", q.Program.Relaxations[q.phase].Beta < 0 || q.negative)
	}
	if fields := q.Descriptor(m.layer, k); v.Has("head_code_o") {
		if code, ok := fields[fmt.Sprint("head_code_", q.phase)]; ok { // one for each phase
			v.Want("head_code_o", int64(code))
		}
	}
}

// headAddresses expects the first words of what a pass over a head reads and writes: averages
// lie in the even bank, errors in the odd one, each in the copy of the states that they are of.
func (q *sequencerPlay) headAddresses(m passMode, l *gen.LayerPlan, read, own int) {
	v := q.v
	features := func(h *gen.LayerPlan, copy int) int64 { return int64(q.CopyBase(0, copy) + h.In.StateBase) }
	errors := func(copy int) int64 { return int64(q.CopyBase(1, copy) + l.Out.StateBase) }
	points := q.Program.Points
	at := func(k int) int {
		if m.free {
			return gen.CopyFree
		}
		return int(points[k].Phase)
	}
	switch m.kind {
	case gen.Pool:
		v.Want("o_plus_o", q.here(m.layer, read))
		v.Want("write_o", features(q.headOn(l), own))
	case gen.Up:
		v.Want("i_plus_o", features(l, own))
		v.Want("write_o", int64(l.AccBase))
	case gen.Soft:
		v.Want("write_o", errors(own))
	case gen.Down:
		v.Want("o_plus_o", errors(own))
		v.Want("write_o", 0)
	case gen.Update, gen.Bias:
		for k, name := range q.pointNames() {
			if m.kind == gen.Update {
				v.Want("i_"+name+"_o", features(l, at(k)))
			}
			v.Want("o_"+name+"_o", errors(at(k)))
		}
	}
}

// pointNames returns the names of the points of the contrast in those of ports.
func (q *sequencerPlay) pointNames() []string {
	names := []string{"plus", "minus"}
	for k := len(names); k < len(q.Program.Points); k++ {
		names = append(names, fmt.Sprint("point", k+1))
	}
	return names
}
