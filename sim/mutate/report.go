package mutate

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Summary counts outcomes.
type Summary struct {
	Caught   int
	Alone    int // of them, by the bench of the block alone
	Survived int
	Invalid  int
}

// Summarize counts the outcomes of a campaign.
func Summarize(outcomes []Outcome) Summary {
	var s Summary
	for i := range outcomes {
		s.add(&outcomes[i])
	}
	return s
}

func (s *Summary) add(o *Outcome) {
	switch {
	case !o.Valid:
		s.Invalid++
	case o.Caught():
		s.Caught++
		if o.Trial == BlockTrial {
			s.Alone++
		}
	default:
		s.Survived++
	}
}

// Enough reports whether at least 95 of 100 mutants were caught.
func (s Summary) Enough() bool { return 100*s.Caught >= 95*(s.Caught+s.Survived) }

// String is the last line of a report.
func (s Summary) String() string {
	return fmt.Sprintf("%d caught (%d in the whole design, %d by the bench of the block), %d survived of %d",
		s.Caught, s.Caught-s.Alone, s.Alone, s.Survived, s.Caught+s.Survived)
}

// WriteReport writes the counts by module, by class and by trial, then every
// survivor with its change and why nothing showed it, then the summary line.
func WriteReport(w io.Writer, outcomes []Outcome) error {
	table(w, "module", outcomes, func(o *Outcome) string { return o.File })
	table(w, "change", outcomes, func(o *Outcome) string { return string(o.Class) })
	table(w, "design", outcomes, func(o *Outcome) string { return o.Design })
	trials(w, outcomes)
	for i := range outcomes {
		if o := &outcomes[i]; o.Valid && !o.Caught() {
			fmt.Fprintf(w, "survivor: %s rtl/%s:%d, %s\n  - %s\n  + %s\n  %s: %s\n\n", o.Design, o.File, o.Line,
				o.Class, strings.TrimSpace(o.Before), strings.TrimSpace(o.After), o.Reason, Explain(&o.Mutant))
		}
	}
	s := Summarize(outcomes)
	if s.Invalid > 0 {
		fmt.Fprintf(w, "%d more did not build and were drawn again\n", s.Invalid)
	}
	_, err := fmt.Fprintln(w, s)
	return err
}

// table writes a line for every value of key.
func table(w io.Writer, title string, outcomes []Outcome, key func(*Outcome) string) {
	counts := map[string]*Summary{}
	var names []string
	for i := range outcomes {
		name := key(&outcomes[i])
		if counts[name] == nil {
			counts[name] = &Summary{}
			names = append(names, name)
		}
		counts[name].add(&outcomes[i])
	}
	slices.Sort(names)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tcaught\tof these by the block's bench\tsurvived\tinvalid\n", title)
	for _, name := range names {
		c := counts[name]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", name, c.Caught, c.Alone, c.Survived, c.Invalid)
	}
	t.Flush() // errors of w show at the last line
	fmt.Fprintln(w)
}

// trials writes which trial caught how many, and by what kind of mismatch.
func trials(w io.Writer, outcomes []Outcome) {
	counts, kinds := map[string]int{}, map[string]int{}
	for i := range outcomes {
		if o := &outcomes[i]; o.Caught() {
			counts[o.Trial]++
			kinds[o.Place.Kind]++
		}
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "caught by trial\tmutants")
	for _, trial := range Trials {
		fmt.Fprintf(t, "%s\t%d\n", trial.Name, counts[trial.Name])
	}
	fmt.Fprintf(t, "%s\t%d\n", BlockTrial, counts[BlockTrial])
	fmt.Fprintln(t, "\ncaught as\tmutants")
	var names []string
	for k := range kinds {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		fmt.Fprintf(t, "%s\t%d\n", k, kinds[k])
	}
	t.Flush()
	fmt.Fprintln(w)
}

// WriteLog writes one line for each outcome, in order.
func WriteLog(w io.Writer, outcomes []Outcome) error {
	for i := range outcomes {
		if _, err := fmt.Fprintln(w, outcomes[i].line()); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outcome) line() string {
	switch {
	case !o.Valid:
		return "invalid   " + o.Mutant.String() + ": " + o.Reason
	case o.Caught():
		return "caught    " + o.Mutant.String() + ": trial " + o.Trial + ": " + describe(o.Place)
	}
	return "SURVIVED  " + o.Mutant.String() + ": " + o.Reason
}
