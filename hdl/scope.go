package hdl

import (
	"fmt"
	"math/big"
	"strings"
)

// Scope is a place that holds declarations and statements: a module or a generate block. They
// print in the order of the calls.
//
// The doc arguments of declarations are joined by spaces into the comment beside the name.
type Scope struct {
	mod    *Module
	parent *Scope // nil for the module
	loop   *genFor
	items  []item
	group  string // title waiting for its first item

	portGroup string // title waiting for its first port
}

// item is one declaration or statement of a scope.
type item interface{ item() }

type (
	groupItem   struct{ title string }
	commentItem struct{ text string }
	blankItem   struct{}

	// declItem declares sig, or with init declares and drives it.
	declItem struct {
		sig  *Signal
		init Value
		pos  pos
	}
	memItem    struct{ mem *Memory }
	assignItem struct {
		lhs, rhs Value
		pos      pos
	}
	unusedItem struct {
		name   string
		values []Value
		pos    pos
	}
	romItem struct {
		sig  *Signal
		addr Value
		rows []ROMRow
		pos  pos
	}
)

func (groupItem) item()   {}
func (commentItem) item() {}
func (blankItem) item()   {}
func (*declItem) item()   {}
func (*memItem) item()    {}
func (*assignItem) item() {}
func (*unusedItem) item() {}
func (*romItem) item()    {}

// add appends an item, after the title of a group that waits for its first one.
func (s *Scope) add(it item) {
	if s.group != "" {
		s.items = append(s.items, groupItem{s.group})
		s.group = ""
	}
	s.items = append(s.items, it)
}

// Group starts a commented group: the ports that follow, and the declarations and statements that
// follow, come under `// title`, after a blank line.
func (s *Scope) Group(title string) { s.group, s.portGroup = title, title }

// Comment puts a comment line, or several, before what follows.
func (s *Scope) Comment(text string) { s.add(commentItem{text}) }

// Blank puts an empty line before what follows; several print as one.
func (s *Scope) Blank() { s.add(blankItem{}) }

// claim is a name in use: by a declaration in a scope, or as a loop counter.
type claim struct {
	scope  *Scope
	pos    pos
	genvar bool
}

// claim reserves a name in the scope. A name may not hide one of an enclosing scope, which lint
// warns of. Loop counters belong to the whole module, and loops may share them.
func (s *Scope) claim(name string, p pos, genvar bool) {
	if why := badName(name); why != "" {
		s.mod.diag.errorf(p, "name %q: %s", name, why)
	}
	for _, c := range s.mod.claims[name] {
		if !(genvar && c.genvar) && (c.scope.encloses(s) || s.encloses(c.scope)) {
			s.mod.diag.errorf(p, "name %q is already used at %s:%d", name, c.pos.file, c.pos.line)
			return
		}
	}
	s.mod.claims[name] = append(s.mod.claims[name], claim{s, p, genvar})
}

// encloses reports whether t is s or lies in it.
func (s *Scope) encloses(t *Scope) bool {
	for ; t != nil; t = t.parent {
		if t == s {
			return true
		}
	}
	return false
}

func (s *Scope) declare(k kind, name string, t Type, doc []string) *Signal {
	p := callerPos()
	if t.Width < 1 {
		s.mod.diag.errorf(p, "%v %s: width %d, want at least 1", k, name, t.Width)
		t = sane(t)
	}
	s.claim(name, p, false)
	return &Signal{name: name, t: t, kind: k, doc: strings.Join(doc, " "), scope: s, pos: p}
}

// Localparam declares a constant. It returns v itself as a Value with that name.
func (s *Scope) Localparam(name string, t Type, v int64, doc ...string) Value {
	return s.localparam(name, t, Const(t, v), doc)
}

// LocalparamBig is Localparam for values of any size.
func (s *Scope) LocalparamBig(name string, t Type, v *big.Int, doc ...string) Value {
	return s.localparam(name, t, ConstBig(t, v), doc)
}

func (s *Scope) localparam(name string, t Type, v Value, doc []string) Value {
	sig := s.declare(kindLocalparam, name, t, doc)
	sig.is = true
	sig.number = v.(*constant).v
	s.add(&declItem{sig: sig, init: v, pos: sig.pos})
	return sig
}

// Wire declares a net that Assign or an instance drives later.
func (s *Scope) Wire(name string, t Type, doc ...string) *Signal {
	sig := s.declare(kindWire, name, t, doc)
	s.add(&declItem{sig: sig, pos: sig.pos})
	return sig
}

// WireIs declares a net and drives it: wire signed [35:0] sum = a + b;
func (s *Scope) WireIs(name string, v Value, doc ...string) *Signal {
	sig := s.declare(kindWire, name, typeOf(v), doc)
	sig.is = true
	if isNil(v) {
		s.mod.diag.errorf(sig.pos, "WireIs %s: value is nil", name)
		v = Const(U(1), 0)
	}
	s.add(&declItem{sig: sig, init: v, pos: sig.pos})
	return sig
}

// Reg declares a variable that one always block drives: a register under Always or AlwaysReset,
// plain logic under Comb.
func (s *Scope) Reg(name string, t Type, doc ...string) *Signal {
	sig := s.declare(kindReg, name, t, doc)
	s.add(&declItem{sig: sig, pos: sig.pos})
	return sig
}

// Memory declares an array of depth words.
func (s *Scope) Memory(name string, word Type, depth int, doc ...string) *Memory {
	p := callerPos()
	s.claim(name, p, false)
	if word.Width < 1 || depth < 1 {
		s.mod.diag.errorf(p, "memory %s: %d words of width %d, want at least 1 of each", name, depth, word.Width)
		word, depth = sane(word), max(depth, 1)
	}
	m := &Memory{name: name, word: word, depth: depth, doc: strings.Join(doc, " "), scope: s, pos: p}
	s.add(&memItem{m})
	return m
}

// Assign drives lhs continuously. Types of lhs and rhs are identical.
func (s *Scope) Assign(lhs LValue, rhs Value) {
	p := callerPos()
	if s.checkAssign("Assign", p, lhs, rhs) {
		s.add(&assignItem{lhs, rhs, p})
	}
}

// checkAssign reports nil operands, operands with errors and differing types; an assignment it refuses is dropped.
func (s *Scope) checkAssign(fn string, p pos, lhs, rhs Value) bool {
	if isNil(lhs) || isNil(rhs) {
		s.mod.diag.errorf(p, "%s: nil operand", fn)
		return false
	}
	if hasError(lhs, rhs) { // whose types are guesses
		s.mod.addValueErrors(lhs)
		s.mod.addValueErrors(rhs)
		return false
	}
	if tl, tr := lhs.Type(), rhs.Type(); tl != tr {
		s.mod.diag.errorf(p, "%s: %s is %v, value is %v, want identical types", fn, describe(lhs), tl, tr)
		return false
	}
	return true
}

// Unused swallows values that nothing reads, so that lint stays silent about them:
//
//	wire unused_ok = &{1'b0, carry, low[3:0]};
func (s *Scope) Unused(values ...Value) {
	p := callerPos()
	for i, v := range values {
		if isNil(v) {
			s.mod.diag.errorf(p, "Unused: value %d is nil", i+1)
			return
		}
	}
	if len(values) > 0 {
		s.add(&unusedItem{s.freshName("unused_ok", p), values, p})
	}
}

// freshName claims base, or base with the first number that nothing in the module is named.
func (s *Scope) freshName(base string, p pos) string {
	name := base
	for n := 2; badName(name) != "" || len(s.mod.claims[name]) > 0; n++ {
		name = fmt.Sprintf("%s%d", base, n)
	}
	s.claim(name, p, false)
	return name
}

// ROMRow is the word at one address of a ROM and what it means. A nil Value is
// an address that nobody reads: no line is printed for it. Fields, if any, are
// the parts of the word, lowest first, as which it is printed; they are those of
// all rows that have any.
type ROMRow struct {
	Value  *big.Int
	Doc    string
	Fields []ROMField
}

// ROMField is a part of a ROM word.
type ROMField struct {
	Name  string
	Width int
}

// ROM declares a table read without a clock: word addr of rows, printed as a case statement of
// one commented row each, below the names of the fields. Addresses beyond the rows read zero.
func (s *Scope) ROM(name string, addr Value, word Type, rows []ROMRow, doc ...string) *Signal {
	sig := s.declare(kindReg, name, word, doc)
	ta := typeOf(addr)
	switch {
	case isNil(addr):
		s.mod.diag.errorf(sig.pos, "ROM %s: address is nil", name)
		return sig
	case ta.Signed || ta.Width < 63 && len(rows) > 1<<ta.Width:
		s.mod.diag.errorf(sig.pos, "ROM %s: address is %v for %d rows, want U(%d) or wider",
			name, ta, len(rows), AddrWidth(len(rows)))
		return sig
	}
	for i, r := range rows {
		if r.Value != nil && !sig.t.holds(r.Value) {
			lo, hi := sig.t.bounds()
			s.mod.diag.errorf(sig.pos, "ROM %s: row %d is %v, want %v to %v", name, i, r.Value, lo, hi)
			return sig
		}
	}
	s.add(&declItem{sig: sig, pos: sig.pos})
	s.add(&romItem{sig, addr, rows, sig.pos})
	return sig
}
