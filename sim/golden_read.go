package sim

import (
	"path/filepath"

	"epgen/gen"
)

// Golden is what the golden files of a start hold: external memory before and
// after it, and what the core writes on chip in between.
type Golden struct {
	Before, After []byte
	Sets          [NumMemories][]GoldenSet // in the order of Schedule
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
	t := newTrace(p)
	t.table()
	for m, sets := range t.sets {
		for i, s := range sets {
			set := GoldenSet{s, make([]int64, s.Values)}
			w := t.widths[m]
			for k := range set.Codes {
				at := t.offsets[m][i] + k*w
				set.Codes[k] = decode(trace[at : at+w])
			}
			g.Sets[m] = append(g.Sets[m], set)
		}
	}
	return g, nil
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
