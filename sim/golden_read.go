package sim

import (
	"encoding/binary"
	"fmt"
	"path/filepath"

	"epgen/gen"
)

// Golden is what the golden files of a start hold: external memory before and
// after it, and what the core writes on chip in between.
type Golden struct {
	Before, After []byte
	Sets          [NumMemories][]GoldenSet // in the order in which each receives them
}

// GoldenSet is a set with its values, in the order [sample, channel, row, column].
type GoldenSet struct {
	Set
	Codes []int64
}

// ReadGolden reads the golden files of a start below dir, the directory golden of
// a package.
func ReadGolden(dir string, p *gen.Plan, start int) (*Golden, error) {
	print := Fingerprint(p)
	g := &Golden{}
	var trace []byte
	for _, f := range []struct {
		name string
		kind goldenKind
		to   *[]byte
	}{{BeforeFile, kindBefore, &g.Before}, {AfterFile, kindAfter, &g.After}, {TraceFile, kindTrace, &trace}} {
		var err error
		if *f.to, err = readGolden(filepath.Join(startDir(dir, start), f.name), f.kind, start, print); err != nil {
			return nil, err
		}
	}
	return g, g.read(trace)
}

// read reads the sets of a trace, which lists them itself: how many steps a phase took
// may depend on the data.
func (g *Golden) read(trace []byte) error {
	le := binary.LittleEndian
	short := fmt.Errorf("sim: %s of %d bytes is shorter than what it lists", TraceFile, len(trace))
	if len(trace) < 8 {
		return short
	}
	events := int(le.Uint32(trace))
	if len(trace) < 8+events*eventBytes {
		return short
	}
	for i := range events {
		e := trace[8+i*eventBytes:][:eventBytes]
		m, width := Memory(e[0]), int(e[3])
		set := Set{Memory: m, stage: stage(e[1]), Copy: int(e[2]), Step: int(le.Uint32(e[4:])), Layer: int(le.Uint32(e[8:])),
			Base: int(le.Uint32(e[12:])), Values: int(le.Uint64(e[24:]))}
		at := int(le.Uint64(e[16:]))
		if m >= NumMemories || len(trace) < at+set.Values*width {
			return short
		}
		codes := make([]int64, set.Values)
		for k := range codes {
			codes[k] = decode(trace[at+k*width:][:width])
		}
		g.Sets[m] = append(g.Sets[m], GoldenSet{set, codes})
	}
	return nil
}

// decode is the inverse of encode for one value; a single byte is unsigned.
func decode(b []byte) int64 {
	if len(b) == 1 {
		return int64(b[0])
	}
	var v uint64
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	unused := 64 - 8*len(b)
	return int64(v<<unused) >> unused
}
