package hdl

import "strings"

// Logic is what a synthesiser makes lookup tables of, in bits: each operator counts once for
// each bit that it works on. Which of them share a table is the synthesiser's affair.
type Logic struct {
	AddBits    int // carry chains of sums, differences and negations, by the width of the result
	OrderBits  int // < <= > >=, by the width of the operands
	EqualBits  int // == and !=, and the labels of a case, likewise
	ChooseBits int // two-to-one multiplexers of c ? x : y
	SelectBits int // two-to-one multiplexers of selections and shifts by a variable
	SetBits    int // assignments to a register or variable in an always block after its first
	GateBits   int // two-input gates
	TableBits  int // bits of tables in columns that are needed: see tableBits
	ReadBits   int // registers that hold a word read from a memory, which block RAM has itself
}

// add adds n times b.
func (z *Logic) add(b *Logic, n int) {
	z.AddBits += n * b.AddBits
	z.OrderBits += n * b.OrderBits
	z.EqualBits += n * b.EqualBits
	z.ChooseBits += n * b.ChooseBits
	z.SelectBits += n * b.SelectBits
	z.SetBits += n * b.SetBits
	z.GateBits += n * b.GateBits
	z.TableBits += n * b.TableBits
	z.ReadBits += n * b.ReadBits
}

// operator counts the operator a itself, which exists times times.
func (z *Logic) operator(a *vexpr, times int) {
	switch a.kind {
	case vUnary:
		switch a.op {
		case "-":
			z.AddBits += times * a.t.Width
		case "&", "|", "^":
			z.GateBits += times * (a.args[0].t.Width - 1)
		}
	case vBinary:
		switch a.op {
		case "+", "-":
			z.AddBits += times * a.t.Width
		case "<", "<=", ">", ">=":
			z.OrderBits += times * a.args[0].t.Width
		case "==", "!=":
			z.EqualBits += times * a.args[0].t.Width
		case "&", "|", "^", "&&", "||":
			z.GateBits += times * a.t.Width
		}
	}
	if a.kind == vCond {
		z.ChooseBits += times * countMuxes(a)
	} else {
		z.SelectBits += times * countMuxes(a)
	}
}

// tableBits is the size of a table without the columns that are constant or repeat another.
func tableBits(x *vROM) int {
	columns := map[string]bool{}
	for i := range x.sig.t.Width {
		var column strings.Builder
		for _, r := range x.rows {
			b := byte('0')
			if r.Value != nil {
				b += byte(r.Value.Bit(i))
			}
			column.WriteByte(b)
		}
		if c := column.String(); strings.Trim(c, "0") != "" && strings.Trim(c, "1") != "" {
			columns[c] = true
		}
	}
	return len(columns) * len(x.rows)
}
