package mutate

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Mutant is one changed line of a design.
type Mutant struct {
	Design string // by name
	File   string // of rtl/, without directory
	Line   int    // from 1
	Class  Class
	Before string // the whole line
	After  string
}

// String names the mutant in one line.
func (m *Mutant) String() string {
	return fmt.Sprintf("%s rtl/%s:%d %s: %s -> %s", m.Design, m.File, m.Line, m.Class,
		strings.TrimSpace(m.Before), strings.TrimSpace(m.After))
}

// apply returns the text of a file with the mutant in it.
func (m *Mutant) apply(text []byte) ([]byte, error) {
	lines := strings.Split(string(text), "\n")
	if m.Line < 1 || m.Line > len(lines) || lines[m.Line-1] != m.Before {
		return nil, fmt.Errorf("%s: line %d of the design is not %q", m.File, m.Line, m.Before)
	}
	lines[m.Line-1] = m.After
	return []byte(strings.Join(lines, "\n")), nil
}

// site is a line that a class can change.
type site struct {
	design string
	source *source
	line   int
}

// Queue draws distinct mutants without end: the same for the same seed and
// designs.
type Queue struct {
	rng     *rand.Rand
	modules []string                    // file names
	sites   map[string]map[Class][]site // by file name
	weight  map[string]float64          // share of a file
	drawn   map[string]int              // mutants so far, by file
	seen    map[Mutant]bool
}

// NewQueue returns the queue of some designs: their files of rtl/ by base name,
// by name of the design.
func NewQueue(seed uint64, designs map[string]map[string][]byte) *Queue {
	q := &Queue{
		rng:   rand.New(rand.NewPCG(seed, 0x6d7574616e74)),
		sites: map[string]map[Class][]site{}, weight: map[string]float64{},
		drawn: map[string]int{}, seen: map[Mutant]bool{},
	}
	for _, design := range slices.Sorted(maps.Keys(designs)) {
		for _, name := range slices.Sorted(maps.Keys(designs[design])) {
			if strings.HasSuffix(name, ".v") {
				q.add(design, parse(name, designs[design][name]))
			}
		}
	}
	q.modules = slices.Sorted(maps.Keys(q.sites))
	return q
}

func (q *Queue) add(design string, s *source) {
	if q.sites[s.name] == nil {
		q.sites[s.name] = map[Class][]site{}
	}
	lines := 0
	for i := range s.lines {
		found := false
		for _, class := range Classes {
			if len(operators[class](s, &s.lines[i], rand.New(rand.NewPCG(0, 0)))) > 0 {
				q.sites[s.name][class] = append(q.sites[s.name][class], site{design, s, i})
				found = true
			}
		}
		if found {
			lines++
		}
	}
	// A module with four times the lines gets twice the mutants.
	q.weight[s.name] = max(q.weight[s.name], math.Sqrt(float64(lines)))
}

// Next draws a mutant: the module that is furthest below its share, a class
// that occurs in it, a line, a change.
func (q *Queue) Next() Mutant {
	for {
		name := q.nextModule()
		classes := slices.Sorted(maps.Keys(q.sites[name]))
		class := classes[q.rng.IntN(len(classes))]
		sites := q.sites[name][class]
		s := sites[q.rng.IntN(len(sites))]
		l := &s.source.lines[s.line]
		edits := operators[class](s.source, l, q.rng)
		if len(edits) == 0 {
			continue
		}
		e := edits[q.rng.IntN(len(edits))]
		m := Mutant{
			Design: s.design, File: name, Line: s.line + 1, Class: class, Before: l.text,
			After: l.text[:e.lo] + e.text + l.text[e.hi:],
		}
		if m.After == m.Before || q.seen[m] {
			continue
		}
		q.seen[m] = true
		q.drawn[name]++
		return m
	}
}

// nextModule returns the module with the largest weight per mutant drawn, so
// that a module's share is its share of the weights.
func (q *Queue) nextModule() string {
	best, most := "", -1.0
	for _, name := range q.modules {
		if r := q.weight[name] / (float64(q.drawn[name]) + 0.5); r > most {
			best, most = name, r
		}
	}
	return best
}
