package gen

import (
	"slices"
	"strings"

	"epgen/ep"
)

// Visit is a walk over all slabs of a layer, with the passes that each slab is
// fetched for, and the activation that follows the last slab. The schedule is a
// list of visits: sequencer, fetch unit, cycle model and bench follow it.
type Visit struct {
	Layer  int  // n; 0 for a visit without slabs, which only activates
	Up     bool // UP(n)
	Down   bool // DOWN(n), to layer n-1
	Update bool // contrast and new weights
	Act    int  // layer that is activated afterwards, 0 for none
	Pool   int  // layer whose states are averaged before, for its head; 0 for none
	Soft   bool // the errors of the logits follow the last slab
	Point  int  // in the update, point of the contrast at which a head is evaluated, from 0
	Free   bool // in the update, of a head that learns at the free equilibrium, alone
	Fresh  bool // neighbours are those of this step: second half of an asynchronous sweep
}

// text names a visit: layers by their numbers, heads and the readout by their names.
func (p *Plan) text(v Visit) string {
	name := func(n int) string {
		if n > len(p.Cfg.Network.Layers) {
			return p.at(n).Name
		}
		return itoa(n)
	}
	var parts []string
	for _, pass := range []struct {
		name string
		on   bool
	}{{"up", v.Up}, {"down", v.Down}, {"update", v.Update}} {
		if pass.on {
			parts = append(parts, pass.name+" "+name(v.Layer))
		}
	}
	if v.Pool > 0 {
		parts = append([]string{"average " + itoa(v.Pool)}, parts...)
	}
	if v.Soft {
		parts = append(parts, "errors")
	}
	if v.Act > 0 {
		parts = append(parts, "act "+name(v.Act))
	}
	return strings.Join(parts, ", ")
}

// schedule is the order of the visits of a training step.
type schedule struct {
	First   []Visit // before the first time step: UP(1), whose input is constant
	Step    []Visit // of every time step; of the free phase if there are heads
	Nudged  []Visit // of every nudged time step, where there are heads
	Update  []Visit // none where nothing learns
	Readout []Visit // behind the last time step where nothing learns and there is a readout
}

// newSchedule returns the visits of a plan. A synchronous step ascends the layers and
// activates each as soon as the layer above has added its feedback: nothing reads
// the states of layer n-1 after DOWN(n). An asynchronous one does UP(n), DOWN(n+1) and
// the activation for odd layers and then for even ones, so that the slabs of a layer
// are fetched twice.
func newSchedule(p *Plan) schedule {
	cfg := p.Cfg
	n := p.relaxing()
	s := schedule{First: []Visit{{Layer: 1, Up: true}}, Readout: p.readoutVisits()}
	for _, l := range cfg.IndexesFirst() { // for the argmax alone
		s.First = append(s.First, Visit{Layer: l, Up: true})
	}
	if cfg.Sweep == ep.Asynchronous && n > 1 {
		s.Step = append(halfSweep(1, n, false), halfSweep(2, n, true)...)
	} else {
		for l := 2; l <= n; l++ {
			s.Step = append(s.Step, Visit{Layer: l, Up: true, Down: true, Act: l - 1})
		}
		s.Step = append(s.Step, Visit{Act: n})
	}
	for l := range n {
		if p.learns() && cfg.Trains(l+1) {
			s.Update = append(s.Update, Visit{Layer: l + 1, Update: true})
		}
	}
	if p.hasHeads() {
		s.Nudged = p.withHeads(s.Step)
		s.Update = append(s.Update, p.headUpdates()...)
	}
	return s
}

// halfSweep returns the visits that renew every second layer of n.
func halfSweep(first, n int, fresh bool) []Visit {
	var list []Visit
	for l := first; l <= n; l += 2 {
		up := Visit{Layer: l, Up: true, Fresh: fresh}
		switch {
		case l == n:
			up.Act = l
			list = append(list, up)
			continue
		case l > 1:
			list = append(list, up)
		}
		list = append(list, Visit{Layer: l + 1, Down: true, Act: l, Fresh: fresh})
	}
	return list
}

// all returns the visits in the order of the ROMs: first, step, nudged, update, readout.
func (s *schedule) all() []Visit {
	return slices.Concat(s.First, s.Step, s.Nudged, s.Update, s.Readout)
}

// Run returns the visits of a step of a relaxation.
func (s *schedule) Run(phase, step int) []Visit {
	switch {
	case phase == CopyFree && step == 0:
		return append(append([]Visit{}, s.First...), s.Step...)
	case phase != CopyFree && s.Nudged != nil:
		return s.Nudged
	}
	return s.Step
}

// Fetches counts the walks over the slabs of layer n in one time step.
func (s *schedule) Fetches(n int) int {
	count := 0
	for _, v := range s.Step {
		if v.Layer == n {
			count++
		}
	}
	return count
}

// actsApart reports that activations follow other walks over slabs than those of a down, or not
// all of these.
func (s *schedule) actsApart() bool {
	return slices.ContainsFunc(withSlabs(s.all()), func(v Visit) bool { return v.Down != (v.Act > 0) })
}

// bareVisits reports visits without slabs.
func (d *Design) bareVisits() bool {
	return slices.ContainsFunc(d.Visits.all(), func(v Visit) bool { return v.Layer == 0 })
}

// withSlabs returns the visits that walk over slabs.
func withSlabs(list []Visit) []Visit {
	var z []Visit
	for _, v := range list {
		if v.Layer > 0 {
			z = append(z, v)
		}
	}
	return z
}
