package hdl

import (
	"fmt"
	"strings"
)

// genvar is the counter of a generate loop; it takes the values 0 to n-1.
type genvar struct {
	name string
	n    int
}

type indexTerm struct {
	v *genvar
	k int
}

// Index is an integer known when the hardware is elaborated:
//
//	c + k1*v1 + k2*v2 + ...
//
// over the counters v of generate loops. The zero Index is 0. Terms with k = 0 are dropped.
type Index struct {
	c     int
	terms []indexTerm
}

// Idx is the constant index n.
func Idx(n int) Index { return Index{c: n} }

// Times is k*i.
func (i Index) Times(k int) Index {
	if k == 0 {
		return Index{}
	}
	z := Index{c: i.c * k}
	for _, t := range i.terms {
		z.terms = append(z.terms, indexTerm{t.v, t.k * k})
	}
	return z
}

// Plus is i+k.
func (i Index) Plus(k int) Index { return Index{c: i.c + k, terms: i.terms} }

// PlusIdx is i+j.
func (i Index) PlusIdx(j Index) Index {
	z := Index{c: i.c + j.c}
	z.terms = append(z.terms, i.terms...)
	for _, t := range j.terms {
		z.addTerm(t)
	}
	return z
}

// addTerm adds t to z, whose terms must not be shared with another Index.
func (i *Index) addTerm(t indexTerm) {
	for n, u := range i.terms {
		if u.v != t.v {
			continue
		}
		if u.k+t.k == 0 {
			i.terms = append(i.terms[:n], i.terms[n+1:]...)
		} else {
			i.terms[n].k += t.k
		}
		return
	}
	i.terms = append(i.terms, t)
}

// Range returns the least and greatest value of i over all iterations of its loops.
func (i Index) Range() (lo, hi int) {
	lo, hi = i.c, i.c
	for _, t := range i.terms {
		lo += min(0, t.k*(t.v.n-1))
		hi += max(0, t.k*(t.v.n-1))
	}
	return lo, hi
}

// String prints the index as Verilog: 16*c + 4.
func (i Index) String() string {
	var b strings.Builder
	for _, t := range i.terms {
		k := t.k
		switch {
		case b.Len() == 0 && k < 0:
			b.WriteString("-")
		case b.Len() > 0 && k < 0:
			b.WriteString(" - ")
		case b.Len() > 0:
			b.WriteString(" + ")
		}
		if k = max(k, -k); k != 1 {
			fmt.Fprintf(&b, "%d*", k)
		}
		b.WriteString(t.v.name)
	}
	switch {
	case b.Len() == 0:
		fmt.Fprintf(&b, "%d", i.c)
	case i.c > 0:
		fmt.Fprintf(&b, " + %d", i.c)
	case i.c < 0:
		fmt.Fprintf(&b, " - %d", -i.c)
	}
	return b.String()
}

// eval returns the value of i where env gives the loop counters.
func (i Index) eval(env map[*genvar]int) int {
	z := i.c
	for _, t := range i.terms {
		z += t.k * env[t.v]
	}
	return z
}

func (i Index) isConst() bool { return len(i.terms) == 0 }
