package mutate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"epgen/gen"
	"epgen/sim"
	"epgen/sim/unit"
)

// BlockTrial is the name of the last trial: the bench of the block that was changed, alone. It
// meets what no run of the design meets, such as every entry of a table.
const BlockTrial = "bench of the block"

// TryBlock plays the benches of the mutant's block, if there are any, and returns the first
// mismatch: an output of the block; nil if there is none. The block as it is must pass, which is
// seen once for each bench.
func (b *Bench) TryBlock(m *Mutant) (place *sim.Mismatch, err error) {
	d, err := gen.New(b.cfg)
	if err != nil {
		return nil, err
	}
	block := strings.TrimSuffix(m.File, ".v")
	dir := filepath.Join(b.dir, "block")
	defer os.RemoveAll(dir)
	for _, bench := range unit.Of(b.name, d)[block] {
		_, sound := b.sound.Load(bench.Name)
		r, err := bench.Against(dir, sound, func(file, text string) (string, error) {
			if file != m.File {
				return text, nil
			}
			return m.applyBelow(text, string(b.rtl[m.File]))
		})
		if err == nil {
			err = r.Err
		}
		if err != nil {
			return nil, err
		}
		b.sound.Store(bench.Name, true)
		if x := r.Mismatch; x != nil {
			return &sim.Mismatch{
				Kind: "port", Cycle: uint64(x.Cycle), ExpectedHex: x.Want, GotHex: x.Got,
				Message: fmt.Sprintf("expected %s, got %s", x.Want, x.Got), Signal: block + "." + x.Port,
			}, nil
		}
	}
	return nil, nil
}

// applyBelow returns the text of a block, that of the file but for the lines below its first
// that say where it comes from, with the mutant in it.
func (m *Mutant) applyBelow(text, file string) (string, error) {
	_, rest, _ := strings.Cut(text, "\n")
	head, ok := strings.CutSuffix(file, rest)
	if !ok {
		return "", fmt.Errorf("%s does not end like the text of its block", m.File)
	}
	below := *m
	below.Line -= strings.Count(head, "\n") - 1
	after, err := below.apply([]byte(text))
	return string(after), err
}
