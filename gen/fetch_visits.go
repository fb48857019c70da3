package gen

import "epgen/hdl"

// endsWithStep reports that nothing is fetched behind the slabs of the last time step.
func (d *Design) endsWithStep() bool { return !d.learns() && !d.reads() && !d.onChip() }

// fetchSteps returns how often the slabs of a time step are fetched. A single layer needs its
// slabs only before the first step, which stands for all steps that need no more.
func (d *Design) fetchSteps(infer bool) int {
	steps := d.freeFetchSteps()
	if infer || !d.fetchesNudged() {
		return steps
	}
	return steps + d.Program.Steps() - d.Program.Relaxations[CopyFree].Steps
}

// freeFetchSteps are those of the free phase.
func (d *Design) freeFetchSteps() int {
	if !d.fetchesFree() {
		return 1
	}
	return d.Program.Relaxations[CopyFree].Steps
}

// fetchesFree reports that every time step of the free phase has slabs to fetch, fetchesNudged
// that every nudged one has.
func (d *Design) fetchesFree() bool { return len(withSlabs(d.Visits.Step)) > 0 }

func (d *Design) fetchesNudged() bool { return d.fetchesFree() || len(withSlabs(d.Visits.Nudged)) > 0 }

// fetchPlaces are the first visits in the table of those that fetch: of a time step, of a nudged one
// in designs with heads, and of what follows the last step.
func (d *Design) fetchPlaces() (step, nudged, behind int) {
	s := &d.Visits
	step = len(withSlabs(s.First))
	nudged = step + len(withSlabs(s.Step))
	return step, nudged, nudged + len(withSlabs(s.Nudged))
}

// fetchRecord describes the slabs of each visit to the fetch unit.
func (d *Design) fetchRecord() (record, []hdl.ROMRow) {
	rec := d.fetchFields()
	visits := d.fetchVisits()
	_, nudged, behind := d.fetchPlaces()
	var rows []hdl.ROMRow
	for i, v := range visits {
		l := d.at(v.Layer)
		values := []int{l.SlabBeats, l.SlabColumns, l.Slabs - 1}
		if !d.onChip() {
			values = append(values, l.Offset/d.Map.BeatBytes, b2i(i == nudged-1 || i == behind-1))
		}
		if !d.endsWithStep() {
			values = append(values, b2i(i == len(visits)-1))
		}
		if d.mixedBiases() {
			values = append(values, l.BiasColumns())
		}
		if d.keeps() {
			values = append(values, l.KeptBeats, l.KeptColumns, b2i(v.Update))
		}
		rows = append(rows, rec.row(d.text(v), values...))
	}
	return rec, rows
}

// fetchFields are the fields that describe a visit.
func (d *Design) fetchFields() record {
	beats, columns, last := d.largestJob()
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
	return rec
}

// largestJob returns the most beats and columns of a job, be it a slab or an input region,
// and the largest number of a slab in its layer.
func (d *Design) largestJob() (beats, columns, last int) {
	for _, l := range d.slabs() {
		beats, columns = max(beats, l.SlabBeats, l.KeptBeats), max(columns, l.SlabColumns, l.KeptColumns)
		last = max(last, l.Slabs-1)
	}
	for _, j := range d.inputJobs() {
		beats, columns = max(beats, j.region.Bytes/d.Map.BeatBytes), max(columns, j.columns)
	}
	return beats, columns, last
}

// fetchVisits are the visits whose slabs are fetched, in the order of the table: on chip
// each slab once, else those of the schedule.
func (d *Design) fetchVisits() []Visit {
	if !d.onChip() {
		return withSlabs(d.Visits.all())
	}
	var visits []Visit
	for _, l := range d.slabs() {
		visits = append(visits, Visit{Layer: l.N})
	}
	return visits
}
