package sim

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// table is a sequence of rows whose columns are aligned, the first to the left.
type table struct {
	title string
	head  []string
	rows  [][]string
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

// write prints the table as plain text.
func (t *table) write(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n%s\n\n", t.title)
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintf(tw, "  %s\n", strings.Join(row, "\t"))
	}
	return tw.Flush()
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// thousands prints a count with separators.
func thousands[T int | int64 | uint64](v T) string {
	s := fmt.Sprint(v)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// WriteText renders a report for a terminal. est may be nil.
func WriteText(w io.Writer, r *Report, est *EstimateFile) error {
	fmt.Fprintf(w, "%s: %s\n", r.Design, strings.ToUpper(r.Result))
	fmt.Fprintf(w, "%s values compared of %s, %s mismatches\n",
		thousands(r.Compared), thousands(r.ComparedPredicted), thousands(r.Mismatches))
	for _, line := range r.headlines() {
		fmt.Fprintln(w, line)
	}
	for _, t := range r.tables(est) {
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

// headlines are the sentences that come before any table.
func (r *Report) headlines() []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if line := r.sequenceLine(); line != "" {
		add("%s", line)
	}
	if p := r.Cycles.Predicted; p != nil {
		add("%s cycles simulated, %s predicted", thousands(r.Cycles.Simulated), thousands(*p))
	} else if r.lastInfers() && r.trains() {
		add("%s cycles simulated, for an inference", thousands(r.Cycles.Simulated))
	} else {
		add("%s cycles simulated, with stalls or a latency without prediction", thousands(r.Cycles.Simulated))
	}
	add("%s of the multipliers do useful work; simulated at %.0f MMAC/s in %.1f s",
		percent(r.Utilization), r.MMACPerSecond, r.Seconds)
	for _, f := range r.Edited {
		add("edited: %s differs from the manifest", f)
	}
	for _, s := range r.Warnings {
		add("warning: %s", s)
	}
	if m := r.FirstMismatch; m != nil {
		add("first mismatch: %s", m.Place())
		add("  %s", m.Message)
		if m.Expected != nil {
			add("  expected %s%s, got %s%s", m.ExpectedHex, realText(m.ExpectedReal), m.GotHex, realText(m.GotReal))
		}
		add("  signal %s", m.Signal)
	}
	if r.Wave != "" {
		add("waveform: report/%s", r.Wave)
	}
	if r.Replay != "" {
		add("replay: %s", r.Replay)
	}
	return list
}

// sequenceLine describes the starts of a sequence, if the run was one.
func (r *Report) sequenceLine() string {
	starts, correct, samples := 0, 0, 0
	for _, run := range r.Runs {
		starts = max(starts, run.Start+1)
		correct, samples = correct+run.Correct, samples+run.Samples
	}
	if starts < 2 {
		return ""
	}
	if correct < 0 { // the results are states below a readout
		return fmt.Sprintf("%d consecutive starts", starts)
	}
	return fmt.Sprintf("%d consecutive starts; %d of %d samples have their largest output at their label", starts, correct, samples)
}

func realText(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(" = %.9g", *v)
}

// tables are the tables of a report, for text and HTML alike.
func (r *Report) tables(est *EstimateFile) []*table {
	list := []*table{r.layerTable(), r.stateTable(), r.headTable(), r.phaseTable(), r.runTable(), r.sequencerTable(), r.trafficTable()}
	if est != nil {
		list = slices.Insert(list, 5, r.predictedTable(est))
		list = append(list, est.tables...)
		list = append(list, r.quantityTable(est.Quantities))
	}
	return list
}

func (r *Report) layerTable() *table {
	t := &table{
		title: "Layers (shares in the free state, between s+ and s-, and of parameters)",
		head:  []string{"layer", "shape", "neurons", "nonzero", "saturated", "differing", "weights", "reachable", "changed", "biases changed", "mismatches"},
	}
	if !r.trains() {
		t.title, t.head = "Layers (shares in the free state)", []string{"layer", "shape", "neurons", "nonzero", "saturated", "mismatches"}
		for _, l := range r.Layers {
			t.add(l.Name, l.Shape, thousands(l.Neurons), percent(l.Nonzero), percent(l.Saturated), thousands(l.Mismatches))
		}
		return t
	}
	for _, l := range r.Layers {
		t.add(l.Name, l.Shape, thousands(l.Neurons), percent(l.Nonzero), percent(l.Saturated), percent(l.Differing),
			thousands(l.Weights), percent(l.Model.WeightsReachable), percent(l.WeightsChanged), percent(l.BiasesChanged), thousands(l.Mismatches))
	}
	return t
}

func (r *Report) stateTable() *table {
	t := &table{
		title: "States and pre-activations",
		head:  []string{"layer"},
	}
	var nudged []string
	for _, p := range r.Phases {
		if p.Name != "free" && p.Name != "update" {
			nudged = append(nudged, p.Name)
			t.head = append(t.head, p.Name+" nonzero")
		}
	}
	differences := len(r.Layers) > 0 && r.Layers[0].States.DifferenceLimit > 0
	if differences {
		t.head = append(t.head, "difference min", "difference max", "limit", "limited")
	}
	t.head = append(t.head, "state min", "state max", "acc min", "acc max", "ties", "residual")
	if r.trains() {
		t.head = append(t.head, "flips", "clamped weights")
	}
	for _, l := range r.Layers {
		row := []any{l.Name}
		for _, name := range nudged {
			row = append(row, percent(l.States.Phases[name].Nonzero))
		}
		if s := &l.States; differences {
			row = append(row, fmt.Sprintf("%.3g", s.DifferenceMin), fmt.Sprintf("%.3g", s.DifferenceMax), fmt.Sprintf("%.3g", s.DifferenceLimit), percent(s.limited()))
		}
		row = append(row, fmt.Sprintf("%.5f", l.States.Min), fmt.Sprintf("%.5f", l.States.Max),
			fmt.Sprintf("%.4g", l.Model.AccMin), fmt.Sprintf("%.4g", l.Model.AccMax),
			thousands(l.Model.Ties), fmt.Sprintf("%.2g", l.Model.Residual))
		if r.trains() {
			row = append(row, thousands(l.Model.ArgmaxFlips), thousands(l.Model.WeightsSaturated))
		}
		t.add(row...)
	}
	return t
}

// headTable lists what was compared of each head, by kind of value.
func (r *Report) headTable() *table {
	t := &table{title: "Heads: values compared in all runs, and mismatches", head: []string{"head", "value", "compared", "mismatches"}}
	for _, h := range r.Heads {
		for _, v := range h.Values {
			if v.Compared > 0 {
				t.add(h.Name, v.What, thousands(v.Compared), thousands(v.Mismatches))
			}
		}
	}
	return t
}

func (r *Report) phaseTable() *table {
	t := &table{title: "Phases", head: []string{"phase", "steps", "cycles", "compared", "mismatches"}}
	for _, p := range r.Phases {
		t.add(p.Name, p.Steps, thousands(p.Cycles), thousands(p.Compared), thousands(p.Mismatches))
	}
	return t
}

func (r *Report) runTable() *table {
	t := &table{title: "Runs", head: []string{"run", "correct", "cycles", "predicted", "seconds", "counters"}}
	for i, run := range r.Runs {
		predicted := "-"
		if run.Predicted != nil {
			predicted = thousands(*run.Predicted)
		}
		var counters []string
		for _, name := range slices.Sorted(maps.Keys(run.Counters)) {
			counters = append(counters, fmt.Sprintf("%s %s", name, thousands(run.Counters[name])))
		}
		name := fmt.Sprintf("%d training", i+1)
		if run.Infer {
			name = fmt.Sprintf("%d inference", i+1)
		}
		correct := fmt.Sprint(run.Correct)
		if run.Correct < 0 {
			correct = "-"
		}
		t.add(name, correct, thousands(run.Cycles), predicted, fmt.Sprintf("%.1f", run.Seconds), strings.Join(counters, ", "))
	}
	return t
}

// predictedTable holds the counters of the last run against the estimate, where
// it is made for such a run.
func (r *Report) predictedTable(est *EstimateFile) *table {
	t := &table{title: "Predicted against simulated cycles", head: []string{"counter", "predicted", "simulated", "difference"}}
	f := &est.figures
	if len(r.Runs) == 0 || r.Settings.Stall || r.Settings.Latency != 0 && r.Settings.Latency != f.ReadLatency {
		return t
	}
	last := r.Runs[len(r.Runs)-1]
	if last.Predicted == nil {
		return t
	}
	for _, c := range []struct {
		name      string
		predicted uint64
	}{{"cycles", f.Cycles}, {"array", f.Array}, {"wait_fetch", f.WaitFetch}, {"wait_store", f.WaitStore}, {"overhead", f.Overhead}} {
		got := last.Counters[c.name]
		t.add(strings.ToUpper(c.name), thousands(c.predicted), thousands(got), thousands(int64(got)-int64(c.predicted)))
	}
	return t
}

func (r *Report) sequencerTable() *table {
	t := &table{title: "Cycles by state of the sequencer", head: []string{"state", "cycles", "share"}}
	var all uint64
	for _, n := range r.Sequencer {
		all += n
	}
	names := slices.Sorted(maps.Keys(r.Sequencer))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(r.Sequencer[b], r.Sequencer[a]) })
	for _, name := range names {
		if n := r.Sequencer[name]; n > 0 {
			t.add(name, thousands(n), percent(float64(n)/float64(all)))
		}
	}
	return t
}

func (r *Report) trafficTable() *table {
	t := &table{title: "Memory port, all runs", head: []string{"direction", "bytes", "bursts", "waits for memory", "waits for core"}}
	t.add("read", thousands(r.Memory.ReadBytes), thousands(r.Memory.ReadBursts), thousands(r.Memory.Starved), thousands(r.Memory.Held))
	t.add("write", thousands(r.Memory.WriteBytes), thousands(r.Memory.WriteBursts), "-", "-")
	return t
}

const quantityTitle = "Number formats, proved ranges and what was reached"

// quantityTable lists formats and proved ranges, with what was reached.
func (r *Report) quantityTable(list []Quantity) *table {
	t := &table{
		title: quantityTitle,
		head:  []string{"layer", "quantity", "format", "bits", "proved low", "proved high", "reached low", "reached high", "meaning"},
	}
	byName := map[string]*LayerReport{}
	for i := range r.Layers {
		byName[r.Layers[i].Name] = &r.Layers[i]
	}
	num := func(v float64) string { return fmt.Sprintf("%.5g", v) }
	for _, q := range list {
		lo, hi := "-", "-"
		if l := byName[q.Layer]; l != nil {
			switch q.Name {
			case "state":
				lo, hi = num(l.States.Min), num(l.States.Max)
			case "accumulator":
				lo, hi = num(l.Model.AccMin), num(l.Model.AccMax)
			}
		}
		t.add(q.Layer, q.Name, q.Format, q.Bits, num(q.Low), num(q.High), lo, hi, q.Doc)
	}
	return t
}
