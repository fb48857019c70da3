package icarus

import (
	"bufio"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"epgen/ep"
	"epgen/gen"
	"epgen/sim"
)

// compareTaps holds the words that the core wrote on chip, and what its heads computed, one line "memory
// address data" each, against the golden sets of a memory, of an inference those that it writes: within
// a set in any order, each word once. Every start must write the same. It returns the number of
// values compared and what differs.
func compareTaps(r io.Reader, d *gen.Design, taps []gen.Tap, g *sim.Golden) (compared int, differences []string, err error) {
	t := &tapReader{plan: d.Plan, taps: taps, sets: g.Sets}
	if d.Cfg.Sequence.Task == ep.Infer {
		for m := range t.sets {
			t.sets[m] = slices.DeleteFunc(slices.Clone(t.sets[m]), func(s sim.GoldenSet) bool { return !s.Inferred(d.Plan) })
		}
	}
	t.begin()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if lines.Text() == "end" {
			t.end()
			t.begin()
			continue
		}
		var memory int
		var address, data string
		if _, err := fmt.Sscan(lines.Text(), &memory, &address, &data); err != nil || memory < 0 || memory >= len(t.taps) {
			return 0, nil, fmt.Errorf("icarus: tap %q, want memory, address and data", lines.Text())
		}
		t.word(sim.Memory(memory), address, data)
	}
	return t.compared, t.differences, lines.Err()
}

// tapReader follows the sets of every memory.
type tapReader struct {
	plan        *gen.Plan
	taps        []gen.Tap // by memory
	sets        [sim.NumMemories][]sim.GoldenSet
	next        [sim.NumMemories]int          // set under way
	together    [sim.NumMemories]int          // sets under way
	due         [sim.NumMemories]map[int]word // its words that have not come
	compared    int
	differences []string
}

// word is what a word on chip must hold: the value of each lane, of lanes that
// exist.
type word []int64

func (t *tapReader) begin() {
	for m := range t.taps {
		t.next[m] = 0
		t.load(sim.Memory(m))
	}
}

// load makes the words of the next set of a memory due, or of the next sets if they are
// written together.
func (t *tapReader) load(m sim.Memory) {
	t.due[m] = map[int]word{}
	t.together[m] = 0
	sets := t.sets[m][t.next[m]:]
	if len(sets) == 0 {
		return
	}
	t.together[m] = sim.Together(t.plan, sets)
	for i := range t.together[m] {
		t.expect(m, &sets[i])
	}
}

// expect makes the words of a set due.
func (t *tapReader) expect(m sim.Memory, s *sim.GoldenSet) {
	block, lanes := s.Block(t.plan), t.taps[m].Lanes
	c, pixels := block.Shape.C, block.HW
	for i, code := range s.Codes {
		sample, channel, pixel := i/(c*pixels), i/pixels%c, i%pixels
		at := sample*block.SampleWords + channel/t.plan.P*pixels + pixel
		at = s.Base + at*t.taps[m].Parts + channel%t.plan.P/lanes
		t.due[m][at] = append(t.due[m][at], code)
	}
}

func (t *tapReader) differ(format string, args ...any) {
	if len(t.differences) < 20 {
		t.differences = append(t.differences, fmt.Sprintf(format, args...))
	}
}

// word compares one word.
func (t *tapReader) word(m sim.Memory, address, data string) {
	if strings.ContainsAny(address+data, "xXzZ") {
		t.differ("memory %d: unknown bits: address %s, data %s", m, address, data)
		return
	}
	var at int
	fmt.Sscanf(address, "%x", &at)
	want, ok := t.due[m][at]
	if !ok {
		t.differ("memory %d, set %d: word %d is not due", m, t.next[m], at)
		return
	}
	delete(t.due[m], at)
	bits := t.taps[m].Bits
	all, _ := new(big.Int).SetString(data, 16)
	for lane, code := range want {
		got := lane2int(all, lane, bits, t.taps[m].Signed)
		t.compared++
		if got != code {
			s := &t.sets[m][t.next[m]]
			t.differ("memory %d, layer %d, step %d, word %d, lane %d: expected %d, got %d", m, s.Layer, s.Step, at, lane, code, got)
		}
	}
	if len(t.due[m]) == 0 {
		t.next[m] += t.together[m]
		t.load(m)
	}
}

// end expects that all sets are complete.
func (t *tapReader) end() {
	for m := range t.taps { // a netlist has those of memories only
		if left := len(t.sets[m]) - t.next[m]; left > 0 {
			t.differ("memory %d: %d of %d sets are not complete", m, left, len(t.sets[m]))
		}
	}
}

// lane2int returns a lane of a word.
func lane2int(all *big.Int, lane, bits int, signed bool) int64 {
	v := new(big.Int).Rsh(all, uint(lane*bits))
	v.And(v, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1)))
	n := v.Int64()
	if signed && n >= 1<<(bits-1) {
		n -= 1 << bits
	}
	return n
}
