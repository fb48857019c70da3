package hdl

import "strings"

// named reports whether the text of v is a name, of which Verilog can select bits.
func named(v Value) bool {
	switch x := v.(type) {
	case *Signal:
		return true
	case *expr:
		return x.op == opRef || x.op == opMemory || x.op == opCast && named(x.args[0])
	}
	return false
}

// selectable reports whether the constant bits of v are bits of a name.
func selectable(v Value) bool {
	x, ok := v.(*expr)
	if !ok {
		return named(v)
	}
	switch x.op {
	case opSlice, opIdxSlice, opDynSlice, opDynBit:
		return named(x.args[0])
	case opCast:
		return selectable(x.args[0])
	}
	return named(v)
}

// name lowers a reading of s.
func (l *lowerer) name(s *Signal) *vexpr {
	l.visible(s)
	return vname(s)
}

// visible reports a signal that the current scope cannot name.
func (l *lowerer) visible(s *Signal) {
	if s.scope.mod != l.scope.mod {
		l.diag.errorf(l.pos, "%s belongs to module %s", s.name, s.scope.mod.name)
		return
	}
	for t := l.scope; t != nil; t = t.parent {
		if t == s.scope {
			if !l.seen[s] {
				l.diag.errorf(l.pos, "%s is used before its declaration at %s:%d", s.name, s.pos.file, s.pos.line)
			}
			return
		}
	}
	l.diag.errorf(l.pos, "%s is declared in generate block %s; want Ref", s.name, s.scope.loop.block)
}

// indexConst declares, once for each block, the localparam that holds x.idx at a width.
func (l *lowerer) indexConst(x *expr) *Signal {
	for s := l.scope; s != nil; s = s.parent {
		for v, sig := range l.temps[s] {
			if y, ok := v.(*expr); ok && y.op == opIdxConst && y.t == x.t && y.idx.String() == x.idx.String() {
				return sig
			}
		}
	}
	base := strings.ToUpper(x.idx.terms[0].v.name) + "_INDEX"
	sig := l.temp(x, base, x.t, kindLocalparam)
	l.head = append(l.head, &vDecl{sig, &vexpr{kind: vIndex, t: x.t, idx: x.idx}, l.pos})
	return sig
}
