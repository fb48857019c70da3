package hdl

// NeedsName reports whether printing v, in a combinational block that assigns every signal that v
// reads, would demand a name for a part of v.
func NeedsName(m *Module, v Value) bool {
	l := &lowerer{
		diag: &diagnostics{}, scope: &m.Scope,
		temps: map[*Scope]map[Value]*Signal{},
		used:  map[*Signal]map[int]bool{},
		seen:  map[*Signal]bool{},
		vars:  map[*Signal]bool{},
	}
	mark(l, v)
	l.full(v)
	return len(l.diag.list) > 0 || len(l.out) > 0
}

func mark(l *lowerer, v Value) {
	switch x := v.(type) {
	case *Signal:
		l.vars[x], l.seen[x] = true, true
	case *expr:
		for _, a := range x.args {
			mark(l, a)
		}
	}
}
