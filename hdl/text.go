package hdl

import (
	"fmt"
	"math/big"
	"strings"
)

// Precedence of Verilog's operators, as far as readers trust it: everything else gets
// parentheses.
const (
	precCond = iota
	precOr
	precAnd
	precCompare
	precBits
	precSum
	precProduct
	precUnary
	precPrimary
)

var precedence = map[string]int{
	"||": precOr, "&&": precAnd,
	"==": precCompare, "!=": precCompare, "<": precCompare, "<=": precCompare, ">": precCompare, ">=": precCompare,
	"&": precBits, "|": precBits, "^": precBits, "<<": precBits, ">>": precBits, ">>>": precBits,
	"+": precSum, "-": precSum, "*": precProduct,
}

func (a *vexpr) prec() int {
	switch a.kind {
	case vUnary:
		return precUnary
	case vLit:
		if a.c.v.Sign() < 0 {
			return precUnary
		}
	case vBinary:
		return precedence[a.op]
	case vCond:
		return precCond
	}
	return precPrimary
}

// String prints the expression.
func (a *vexpr) String() string {
	arg := func(i int) string { return a.args[i].String() }
	switch a.kind {
	case vName:
		return a.sig.name
	case vRef:
		return a.path()
	case vWord:
		return fmt.Sprintf("%s[%s]", a.mem.name, arg(0))
	case vLit:
		return literal(a.c)
	case vIndex:
		return a.idx.String()
	case vUnary:
		return a.op + paren(a.args[0], precPrimary)
	case vBinary:
		return a.binary()
	case vCond:
		return fmt.Sprintf("%s ? %s : %s", paren(a.args[0], precUnary), paren(a.args[1], precOr), paren(a.args[2], precCond))
	case vCat:
		parts := make([]string, len(a.args))
		for i := range parts {
			parts[i] = arg(i)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case vRepl:
		inner := arg(0)
		if a.args[0].kind != vCat {
			inner = "{" + inner + "}"
		}
		return fmt.Sprintf("{%d%s}", a.n, inner)
	case vSign:
		if a.t.Signed {
			return "$signed(" + arg(0) + ")"
		}
		return "$unsigned(" + arg(0) + ")"
	}
	return a.selection()
}

func (a *vexpr) selection() string {
	base := a.args[0].String()
	switch {
	case a.kind == vRange && a.hi == a.lo:
		return fmt.Sprintf("%s[%d]", base, a.lo)
	case a.kind == vRange:
		return fmt.Sprintf("%s[%d:%d]", base, a.hi, a.lo)
	case a.kind == vLane && a.n == 1:
		return fmt.Sprintf("%s[%v]", base, a.idx)
	case a.kind == vLane:
		return fmt.Sprintf("%s[%v +: %d]", base, a.idx, a.n)
	case a.kind == vDynBit:
		return fmt.Sprintf("%s[%v]", base, a.args[1])
	}
	bit := fmt.Sprintf("%d * %s", a.n, paren(a.args[1], precPrimary))
	if a.n == 1 {
		bit = a.args[1].String()
	}
	if a.lo > 0 {
		bit += fmt.Sprintf(" + %d", a.lo)
	}
	return fmt.Sprintf("%s[%s +: %d]", base, bit, a.t.Width)
}

// path prints a reference into a generate block from the outermost block that is not shared.
func (a *vexpr) path() string {
	loops := a.sig.scope.loops()
	loops = loops[len(loops)-len(a.idxs):]
	var b strings.Builder
	for i, f := range loops {
		fmt.Fprintf(&b, "%s[%v].", f.block, a.idxs[i])
	}
	return b.String() + a.sig.name
}

func (a *vexpr) binary() string {
	p := precedence[a.op]
	l, r := paren(a.args[0], p), paren(a.args[1], p+1)
	switch p {
	case precOr, precAnd:
		for i, side := range []*string{&l, &r} {
			if q := a.args[i].prec(); q == precBits || q == precAnd && p == precOr {
				*side = paren(a.args[i], precUnary)
			}
		}
	case precCompare:
		// Verilog, like C, binds & | ^ weaker than comparisons.
		l, r = paren(a.args[0], precSum), paren(a.args[1], precSum)
	case precBits:
		// Only chains of one associative operator go without parentheses.
		x := a.args[0]
		if chain := x.kind == vBinary && x.op == a.op && !strings.Contains(">>>><<", a.op); !chain {
			l = paren(x, precUnary)
		}
		r = paren(a.args[1], precUnary)
	}
	if y := a.args[1]; y.kind == vUnary && (p == precBits || a.op == "-" || a.op == "+") && y.op != "~" ||
		y.kind == vLit && y.c.v.Sign() < 0 && p == precSum {
		r = "(" + y.String() + ")"
	}
	return l + " " + a.op + " " + r
}

// paren prints a, in parentheses if it binds weaker than min.
func paren(a *vexpr, min int) string {
	if a.prec() < min {
		return "(" + a.String() + ")"
	}
	return a.String()
}

// literal prints a sized constant: 4'd9, -13'sd128, 16'hbeef. Numbers too long for a line are
// concatenations.
func literal(c *constant) string {
	if c.t.Width > 256 && c.v.Sign() != 0 {
		return longLiteral(c)
	}
	sign := ""
	if c.t.Signed {
		sign = "s"
	}
	if c.hex || c.t.Width > 64 && c.v.Sign() != 0 {
		bits := U(c.t.Width).wrap(c.v)
		return fmt.Sprintf("%d'%sh%0*x", c.t.Width, sign, (c.t.Width+3)/4, bits)
	}
	if c.t == U(1) {
		return fmt.Sprintf("1'b%v", c.v)
	}
	if c.v.Sign() < 0 {
		return fmt.Sprintf("-%d'%sd%v", c.t.Width, sign, zero().Neg(c.v))
	}
	return fmt.Sprintf("%d'%sd%v", c.t.Width, sign, c.v)
}

func longLiteral(c *constant) string {
	bits := U(c.t.Width).wrap(c.v)
	var parts []string
	for hi := c.t.Width; hi > 0; {
		w := (hi-1)%64 + 1
		hi -= w
		part := U(w).wrap(new(big.Int).Rsh(bits, uint(hi)))
		parts = append(parts, literal(&constant{t: U(w), v: part, hex: true}))
	}
	text := "{" + strings.Join(parts, ", ") + "}"
	if c.t.Signed {
		return "$signed(" + text + ")"
	}
	return text
}
