package hdl

type alwaysKind int

const (
	clocked alwaysKind = iota
	clockedReset
	comb
)

// alwaysItem is an always block. reset is nil except for clockedReset.
type alwaysItem struct {
	kind  alwaysKind
	reset *Block
	body  *Block
	pos   pos
}

func (*alwaysItem) item() {}

// stmt is a statement of a Block.
type stmt interface{ stmt() }

type (
	setStmt struct {
		lhs, rhs Value
		pos      pos
	}
	ifStmt struct {
		arms []ifArm // the else has a nil cond
		pos  pos
	}
	ifArm struct {
		cond Value
		body *Block
	}
	caseStmt struct {
		sel  Value
		arms []caseArm // the default has no labels and comes last
		pos  pos
	}
	caseArm struct {
		labels []Value
		body   *Block
	}
	commentStmt struct{ text string }
)

func (*setStmt) stmt()     {}
func (*ifStmt) stmt()      {}
func (*caseStmt) stmt()    {}
func (*commentStmt) stmt() {}

// Block is a sequence of statements of an always block.
type Block struct {
	scope *Scope
	stmts []stmt
}

// Always is a clocked block, always @(posedge clk), whose assignments are nonblocking.
func (s *Scope) Always(body func(b *Block)) { s.always(clocked, nil, body) }

// AlwaysReset is a clocked block with a branch for the synchronous reset.
func (s *Scope) AlwaysReset(reset, body func(b *Block)) { s.always(clockedReset, reset, body) }

// Comb is a combinational block, always @*, whose assignments are blocking. Every signal it
// assigns must be assigned on all paths, and none may be read before.
func (s *Scope) Comb(body func(b *Block)) { s.always(comb, nil, body) }

func (s *Scope) always(k alwaysKind, reset, body func(b *Block)) {
	a := &alwaysItem{kind: k, body: &Block{scope: s}, pos: callerPos()}
	if k != comb && s.mod.clk == nil {
		s.mod.diag.errorf(a.pos, "clocked block without a clock; call Clock first")
		return
	}
	if k == clockedReset {
		if s.mod.rst == nil {
			s.mod.diag.errorf(a.pos, "AlwaysReset without a reset; call Reset first")
			return
		}
		a.reset = &Block{scope: s}
		reset(a.reset)
	}
	body(a.body)
	s.add(a)
}

// Set assigns rhs to lhs. Types are identical.
func (b *Block) Set(lhs LValue, rhs Value) {
	p := callerPos()
	if b.scope.checkAssign("Set", p, lhs, rhs) {
		b.stmts = append(b.stmts, &setStmt{lhs, rhs, p})
	}
}

// Comment puts a comment before the statement that follows.
func (b *Block) Comment(text string) { b.stmts = append(b.stmts, &commentStmt{text}) }

func (b *Block) sub(body func(*Block)) *Block {
	z := &Block{scope: b.scope}
	body(z)
	return z
}

// IfChain is an if statement that further branches can be added to.
type IfChain struct {
	b *Block
	s *ifStmt
}

// If runs body when the U(1) value c is 1.
func (b *Block) If(c Value, body func(*Block)) *IfChain {
	f := &IfChain{b, &ifStmt{pos: callerPos()}}
	b.stmts = append(b.stmts, f.s)
	return f.arm("If", c, body)
}

// ElseIf runs body when no earlier condition held and c does.
func (f *IfChain) ElseIf(c Value, body func(*Block)) *IfChain { return f.arm("ElseIf", c, body) }

func (f *IfChain) arm(fn string, c Value, body func(*Block)) *IfChain {
	if t := typeOf(c); isNil(c) || t != U(1) {
		f.b.scope.mod.diag.errorf(callerPos(), "%s: condition is %v, want U(1)", fn, t)
		c = Bool(true)
	}
	f.open(fn)
	f.s.arms = append(f.s.arms, ifArm{c, f.b.sub(body)})
	return f
}

// Else runs body when no condition held.
func (f *IfChain) Else(body func(*Block)) {
	f.open("Else")
	f.s.arms = append(f.s.arms, ifArm{nil, f.b.sub(body)})
}

func (f *IfChain) open(fn string) {
	if n := len(f.s.arms); n > 0 && f.s.arms[n-1].cond == nil {
		f.b.scope.mod.diag.errorf(callerPos(), "%s after Else", fn)
	}
}

// Case collects the branches of a case statement.
type Case struct {
	b   *Block
	s   *caseStmt
	def *Block
}

// Case selects a branch by the value of sel. A case without Default gets an empty one.
func (b *Block) Case(sel Value, body func(c *Case)) {
	s := &caseStmt{sel: sel, pos: callerPos()}
	if isNil(sel) {
		b.scope.mod.diag.errorf(s.pos, "Case: selector is nil")
		return
	}
	c := &Case{b: b, s: s}
	body(c)
	if c.def == nil {
		c.def = &Block{scope: b.scope}
	}
	s.arms = append(s.arms, caseArm{nil, c.def})
	b.stmts = append(b.stmts, s)
}

// When runs body if the selector equals one of the labels, which are constants or localparams of
// the selector's type.
func (c *Case) When(body func(*Block), labels ...Value) {
	diag := &c.b.scope.mod.diag
	if len(labels) == 0 {
		diag.errorf(callerPos(), "When: no labels")
		return
	}
	for _, l := range labels {
		if typeOf(l) != c.s.sel.Type() {
			diag.errorf(callerPos(), "When: label is %v, selector is %v, want identical types", typeOf(l), c.s.sel.Type())
			return
		}
		if !isConstant(l) {
			diag.errorf(callerPos(), "When: label %s is no constant", describe(l))
			return
		}
	}
	c.s.arms = append(c.s.arms, caseArm{labels, c.b.sub(body)})
}

// Default runs body if no label matches.
func (c *Case) Default(body func(*Block)) {
	if c.def != nil {
		c.b.scope.mod.diag.errorf(callerPos(), "Default: case has one already")
	}
	c.def = c.b.sub(body)
}

func isConstant(v Value) bool {
	switch x := v.(type) {
	case *constant:
		return true
	case *Signal:
		return x != nil && x.kind == kindLocalparam
	}
	return false
}
