package hdl

// genFor is a generate loop over one named block.
type genFor struct {
	block string
	v     *genvar
	body  *Scope
	pos   pos
}

func (*genFor) item() {}

// Gen is the body of a generate loop. What is declared in it exists once per iteration.
type Gen struct{ Scope }

// For repeats a named block n times, as a generate loop whose counter, the Index given to body,
// runs from 0 to n-1.
func (s *Scope) For(block, counter string, n int, body func(g *Gen, i Index)) {
	p := callerPos()
	if n < 1 {
		s.mod.diag.errorf(p, "For %s: %d iterations, want at least 1", block, n)
		n = 1
	}
	s.claim(block, p, false)
	loop := &genFor{block: block, v: &genvar{counter, n}, pos: p}
	g := &Gen{Scope{mod: s.mod, parent: s, loop: loop}}
	loop.body = &g.Scope
	loop.checkCounter(s)
	body(g, Index{terms: []indexTerm{{loop.v, 1}}})
	s.add(loop)
}

// checkCounter claims the counter for the module and rejects that of an enclosing loop.
func (f *genFor) checkCounter(s *Scope) {
	s.mod.claim(f.v.name, f.pos, true)
	for t := s; t != nil; t = t.parent {
		if t.loop != nil && t.loop.v.name == f.v.name {
			s.mod.diag.errorf(f.pos, "For %s: counter %q is that of the enclosing loop %s", f.block, f.v.name, t.loop.block)
		}
	}
}

// loops returns the generate loops around the scope, outermost first.
func (s *Scope) loops() []*genFor {
	if s == nil || s.loop == nil {
		return nil
	}
	return append(s.parent.loops(), s.loop)
}

// Ref reads a signal that another generate block of the same module declares:
//
//	gen_lane[2*i].prod_q
//
// The indices belong to the innermost len(indices) loops around the signal, outermost first;
// loops further out are those that the reader is in too.
func (s *Scope) Ref(sig *Signal, indices ...Index) Value {
	if sig == nil {
		return failed(U(1), Bool(false), "Ref: signal is nil")
	}
	e := newExpr("Ref", opRef, sig.t)
	e.sig, e.idxs = sig, indices
	theirs, ours := sig.scope.loops(), s.loops()
	outer := len(theirs) - len(indices)
	switch {
	case sig.scope.mod != s.mod:
		e.fail("Ref: %s belongs to module %s, not to %s", sig.name, sig.scope.mod.name, s.mod.name)
	case len(indices) == 0 || outer < 0:
		e.fail("Ref: %d indices for %s, want 1 to %d", len(indices), sig.name, len(theirs))
	default:
		for i := 0; i < outer; i++ {
			if i >= len(ours) || ours[i] != theirs[i] {
				e.fail("Ref: %d indices for %s, want %d", len(indices), sig.name, len(theirs)-i)
				break
			}
		}
	}
	for i, x := range indices {
		if e.err != nil {
			break
		}
		f := theirs[outer+i]
		if lo, hi := x.Range(); lo < 0 || hi >= f.v.n {
			e.fail("Ref: index %v of %s runs from %d to %d, want 0 to %d", x, f.block, lo, hi, f.v.n-1)
		}
	}
	return e
}
