package hdl

// vkind is the syntactic form of a vexpr.
type vkind int

const (
	vName   vkind = iota // sig
	vRef                 // gen_block[idxs].sig
	vWord                // mem[args[0]]
	vLit                 // c
	vIndex               // idx, unsized
	vUnary               // op args[0]
	vBinary              // args[0] op args[1]
	vCond                // args[0] ? args[1] : args[2]
	vCat                 // {args...}
	vRepl                // {n{args[0]}}
	vSign                // $signed(args[0]) or $unsigned(args[0])
	vRange               // args[0][hi:lo], or [lo] for one bit
	vLane                // args[0][idx +: n], or [idx] for one bit
	vDynBit              // args[0][args[1]]
	vDynSel              // args[0][n*args[1] + lo +: t.Width]
)

// vexpr is an expression as Verilog writes it. Legalisation makes vexprs that mean in Verilog,
// with its context-dependent widths and signs, exactly what the Value means; printing is a walk.
type vexpr struct {
	kind   vkind
	op     string
	t      Type // of the value denoted
	args   []*vexpr
	sig    *Signal
	mem    *Memory
	c      *constant
	n      int
	hi, lo int
	idx    Index
	idxs   []Index
}

func vname(s *Signal) *vexpr { return &vexpr{kind: vName, t: s.t, sig: s} }

func vlit(c *constant) *vexpr { return &vexpr{kind: vLit, t: c.t, c: c} }

func vzeros(n int) *vexpr { return vlit(&constant{t: U(n), v: zero()}) }

func vunary(op string, t Type, a *vexpr) *vexpr {
	return &vexpr{kind: vUnary, op: op, t: t, args: []*vexpr{a}}
}

func vbinary(op string, t Type, a, b *vexpr) *vexpr {
	return &vexpr{kind: vBinary, op: op, t: t, args: []*vexpr{a, b}}
}

// vcat concatenates, merging nested concatenations.
func vcat(args ...*vexpr) *vexpr {
	z := &vexpr{kind: vCat}
	for _, a := range args {
		if a = bare(a); a.kind == vCat {
			z.args = append(z.args, a.args...)
		} else {
			z.args = append(z.args, a)
		}
		z.t.Width += a.t.Width
	}
	return z
}

func vrepl(n int, a *vexpr) *vexpr {
	a = bare(a)
	if n == 1 {
		return a
	}
	return &vexpr{kind: vRepl, t: U(n * a.t.Width), args: []*vexpr{a}, n: n}
}

// vnot negates a condition, a comparison by its opposite.
func vnot(a *vexpr) *vexpr {
	opposite := map[string]string{"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
	if op := opposite[a.op]; a.kind == vBinary && op != "" {
		return vbinary(op, U(1), a.args[0], a.args[1])
	}
	return vunary("!", U(1), a)
}

// vsign makes a read as signed or unsigned, whatever it is.
func vsign(a *vexpr, signed bool) *vexpr {
	a = bare(a)
	if a.t.Signed == signed {
		return a
	}
	return &vexpr{kind: vSign, t: Type{a.t.Width, signed}, args: []*vexpr{a}}
}

// bare drops a sign conversion, for places where only the bits matter.
func bare(a *vexpr) *vexpr {
	if a.kind == vSign {
		return a.args[0]
	}
	return a
}

// walk calls f for a and its operands, a first.
func (a *vexpr) walk(f func(*vexpr)) {
	f(a)
	for _, b := range a.args {
		b.walk(f)
	}
}

// Lowered items: what a module is made of once all of its expressions are vexprs. Group, comment
// and blank items stay what they are.
type (
	vDecl struct {
		sig  *Signal
		init *vexpr // or nil
		pos  pos
	}
	vAssign struct {
		lhs, rhs *vexpr
		pos      pos
	}
	vUnused struct {
		name   string
		values []*vexpr
		temp   *Signal // or nil: the temporary some of whose bits nothing reads
	}
	vROM struct {
		sig  *Signal
		addr *vexpr
		rows []ROMRow
		pos  pos
	}
	vAlways struct {
		kind  alwaysKind
		clock string
		reset *vexpr // the reset input, for clockedReset
		clear []vstmt
		body  []vstmt
		pos   pos
	}
	vConn struct {
		port *Signal
		v    *vexpr
	}
	vInst struct {
		inst  *Instance
		conns []vConn
	}
	vFor struct {
		loop *genFor
		body []item
	}
)

func (*vDecl) item()   {}
func (*vAssign) item() {}
func (*vUnused) item() {}
func (*vROM) item()    {}
func (*vAlways) item() {}
func (*vInst) item()   {}
func (*vFor) item()    {}

// vstmt is a lowered statement: *vSet, *vIf, *vCase or *commentStmt.
type vstmt interface{ stmt() }

type (
	vSet struct {
		lhs, rhs *vexpr
		pos      pos
	}
	vArm struct {
		cond   *vexpr   // of an if; nil for else
		labels []*vexpr // of a case; nil for default
		body   []vstmt
	}
	vIf struct {
		arms []vArm
		pos  pos
	}
	vCase struct {
		sel  *vexpr
		arms []vArm
		pos  pos
	}
)

func (*vSet) stmt()  {}
func (*vIf) stmt()   {}
func (*vCase) stmt() {}
