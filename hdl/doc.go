/*
Package hdl builds Verilog from typed Go values.

A Value is an expression with a width and a signedness; a Module holds ports, declarations and
statements; a Design is a hierarchy of modules that is checked, printed and counted as a whole.

	m := hdl.NewModule("mac")
	m.Clock("clk_i")
	m.Reset("rst_ni")
	a := m.Input("a_i", hdl.S(16), "Q0.15")
	b := m.Input("b_i", hdl.S(16), "Q0.15")
	acc := m.OutputReg("acc_o", hdl.S(36), "Q5.30")
	product := m.WireIs("product", hdl.Mul(a, b), "Q1.30")
	m.AlwaysReset(func(b *hdl.Block) {
		b.Set(acc, hdl.Const(hdl.S(36), 0))
	}, func(b *hdl.Block) {
		b.Set(acc, hdl.AddMod(acc, hdl.Ext(product, 36)))
	})
	files, err := hdl.NewDesign(m).Print(nil)

The example of NewDesign shows what this prints.

# Types

Verilog lets operands of any widths and signs meet and then decides what they mean; a signed value
beside an unsigned one of equal width silently becomes unsigned, and no lint says so. Here every
operation states the types it takes and the type it returns. Let wa and wb be the widths of a and b:

	Add(a, b)                 equal signedness          max(wa, wb) + 1 bits, exact
	Sub(a, b), Neg(a)         signed                    max(wa, wb) + 1, wa + 1 bits, exact
	Mul(a, b)                 equal signedness          wa + wb bits, exact
	AddMod, SubMod            identical types           the same type, modulo 2^w
	Eq Ne Lt Le Gt Ge         identical types           U(1)
	And Or Xor Inv            identical types           the same type
	All Any Not               U(1)                      U(1)
	Mux(c, a, b)              c U(1), a b identical     the same type
	Shl(a, n), Shr(a, n)      any                       wa + n, wa - n bits, exact, floor
	ShlDyn, ShrDyn            amount unsigned           a's type, modulo 2^w, floor
	Slice Bit Cat Repl ...    any                       unsigned
	Ext(a, w), Trunc(a, w)    any                       w bits, a's signedness
	AsS(a), AsU(a)            any                       the same bits, read otherwise

Nothing is converted implicitly: assignments and port connections take identical types too.

# Errors

A mistake does not stop the program that builds a design. It is recorded with the file and line
of the Go code that made it, and Design.Check and Design.Print return all of them as Errors. They
cover types, names, drivers (none, two), bits that nothing reads, latches, combinational loops
through instances, unconnected ports and recursion.

# Output

The text is plain Verilog, IEEE 1364-2005. It goes through three jobs: legalise (lower.go, temps.go,
legalise.go) gives every expression a form that means in Verilog what it means here, with wires for
what needs a name; text.go and emit.go make it look well: parentheses, alignment, wrapping, blank
lines; print.go walks it. Between the first two, check.go proves the module sound as a netlist.
Verilator -Wall, Icarus -Wall and Yosys accept the text without a warning.
*/
package hdl
