package unit

import (
	"fmt"
	"sync"

	"epgen/hdl"
)

// Bench is the bench of one block in one configuration.
type Bench struct {
	Name string // block and configuration: "ep_lane/narrow"

	module func() (*hdl.Module, error)
	play   func(v *Vectors)
	lanes  map[string]int                    // bits of a lane of the ports made of lanes, for messages
	edit   func(file, verilog string) string // plants a fault, in any file of the block; may be nil
	group  *group
}

// Result is what came of a bench. It passed when Err and Mismatch are nil.
type Result struct {
	Name     string
	Cycles   int       // played, for each power-up seed
	Compared int       // values of output ports compared, for each power-up seed
	Mismatch *Mismatch // first difference, or nil
	Err      error     // why the bench could not run, or nil
}

// Mismatch is the first output that differed.
type Mismatch struct {
	Seed            uint64 // of registers and memories at power-up
	Cycle           int
	Port            string
	Lane            int    // of the first wrong bit; -1 where the port has no lanes
	Bit             int    // first wrong bit of the port
	Want, Got, Mask string // of the whole port, hexadecimal
}

// Passed reports whether everything that was compared was equal.
func (r Result) Passed() bool { return r.Err == nil && r.Mismatch == nil }

// String is one line: the verdict, and for a failure its place and values.
func (r Result) String() string {
	switch {
	case r.Err != nil:
		return fmt.Sprintf("FAIL unit/%s: %v", r.Name, r.Err)
	case r.Mismatch != nil:
		return fmt.Sprintf("FAIL unit/%s: %v", r.Name, r.Mismatch)
	}
	return fmt.Sprintf("PASS unit/%s: %d cycles, %d values", r.Name, r.Cycles, r.Compared)
}

func (m *Mismatch) String() string {
	at := fmt.Sprintf("bit %d", m.Bit)
	if m.Lane >= 0 {
		at = fmt.Sprintf("lane %d", m.Lane)
	}
	return fmt.Sprintf("cycle %d: %s %s: expected %s, got %s (bits that matter %s; power-up seed %d)",
		m.Cycle, m.Port, at, m.Want, m.Got, m.Mask, m.Seed)
}

// Run plays the bench in a directory below dir. The first bench of a group
// builds and runs the simulator for all of them.
func (b *Bench) Run(dir string) Result {
	r, ok := b.group.run(dir)[b.Name]
	if !ok {
		return Result{Name: b.Name, Err: fmt.Errorf("not among the results of its group %s", b.group.name)}
	}
	return r
}

// group is a set of benches that share a simulator.
type group struct {
	name    string
	benches []*Bench
	lenient bool // warnings do not stop the build

	mu      sync.Mutex
	results map[string]map[string]Result // by directory, by bench
}

// run returns the results by name of the bench, from an earlier run in the same
// directory if there was one.
func (g *group) run(dir string) map[string]Result {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r, ok := g.results[dir]; ok {
		return r
	}
	results, err := g.simulate(dir)
	if err != nil {
		results = map[string]Result{}
		for _, b := range g.benches {
			results[b.Name] = Result{Name: b.Name, Err: err}
		}
	}
	if g.results == nil {
		g.results = map[string]map[string]Result{}
	}
	g.results[dir] = results
	return results
}
