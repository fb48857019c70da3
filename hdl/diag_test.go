package hdl_test

import (
	"errors"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"

	. "epgen/hdl"

	"github.com/google/go-cmp/cmp"
)

// faulty builds modules with one or few mistakes each. A comment ERROR "text" stands on every
// line that Check must report, with the whole message.
var faulty = []func() *Module{
	func() *Module {
		m, a, u := ports("operands")
		y := m.Output("y", S(9))
		m.Assign(y, Add(a, Ext(u, 8)))           // ERROR "Add: operands are S(8) and U(8), want equal signedness"
		m.Assign(y, Add(a, nil))                 // ERROR "Add: operand 2 is nil"
		m.Assign(y, Add(a, Const(S(8), 200)))    // ERROR "Const: value 200 does not fit S(8), want -128 to 127"
		m.Assign(y, Add(a, Ext(a, 4)))           // ERROR "Ext: S(8) to 4 bits, want at least 8 (Trunc narrows)"
		m.Assign(y, Add(a, Trunc(a, 9)))         // ERROR "Trunc: S(8) to 9 bits, want 1 to 8 (Ext widens)"
		m.Assign(y, Ext(AsS(Slice(a, 8, 0)), 9)) // ERROR "Slice: [8:0] of S(8), want 7 >= hi >= lo >= 0"
		return m
	},
	func() *Module {
		m, a, u := ports("operands2")
		y := m.Output("y", U(1))
		m.Assign(y, Lt(a, Ext(a, 9)))                 // ERROR "Lt: operands are S(8) and S(9), want identical types"
		m.Assign(y, All(Bit(u, 0), u))                // ERROR "All: operand 2 is U(4), want U(1)"
		m.Assign(y, Not(u))                           // ERROR "Not: operand is U(4), want U(1)"
		m.Assign(y, RedOr(Mux(u, a, a)))              // ERROR "Mux: condition is U(4), want U(1)"
		m.Assign(y, RedOr(Mux(Bit(u, 1), a, AsU(a)))) // ERROR "Mux: operands are S(8) and U(8), want identical types"
		m.Assign(y, RedOr(Sub(u, u)))                 // ERROR "Sub: operands are U(4) and U(4), want signed (SubMod wraps)"
		m.Assign(y, RedOr(Neg(u)))                    // ERROR "Neg: operand is U(4), want signed"
		m.Assign(y, DynBit(a, Ext(u, 5)))             // ERROR "DynBit: index is U(5) into S(8), want U(3) or narrower"
		m.Assign(y, Bit(u, 4))                        // ERROR "Bit: [4] of U(4), want 0 to 3"
		m.Assign(y, RedOr(DynSlice(a, u, 3)))         // ERROR "DynSlice: lanes of 3 bits of S(8), want a multiple of 3, at least 6"
		m.Assign(y, RedOr(ShrDyn(a, a)))              // ERROR "ShrDyn: amount is S(8), want unsigned"
		m.Assign(y, RedOr(Const(U(0), 0)))            // ERROR "Const: width 0, want at least 1"
		m.Assign(y, RedOr(Shr(u, 4)))                 // ERROR "Shr: distance 4, want 0 to 3"
		return m
	},
	func() *Module {
		m, a, u := ports("targets")
		y := m.Output("y", S(8))
		r := m.Reg("r", S(8))
		w := m.WireIs("w", a)
		m.Assign(y, u)              // ERROR "Assign: y is S(8), value is U(4), want identical types"
		m.Assign(a, a)              // ERROR "Assign drives input a"
		m.Assign(w, a)              // ERROR "Assign drives w, which is driven where it is declared"
		m.Assign(r, a)              // ERROR "Assign drives reg r, want a Wire or Output"
		m.Assign(Neg(a), Ext(a, 9)) // ERROR "Assign: an expression cannot be assigned, want a signal, a slice of one or a memory word"
		m.Comb(func(b *Block) {
			b.Set(y, a) // ERROR "Comb drives output y, want a Reg or OutputReg"
		})
		m.Always(func(b *Block) { // ERROR "clocked block without a clock; call Clock first"
			b.Set(r, a)
		})
		return m
	},
	func() *Module {
		m, a, u := ports("memories")
		m.Clock("clk_i")
		mem := m.Memory("mem", S(8), 10)
		y := m.OutputReg("y", S(8))
		m.Comb(func(b *Block) {
			b.Set(y, mem.At(u)) // ERROR "memory mem is read outside a clocked block"
			b.Set(mem.At(u), a) // ERROR "Comb drives memory mem, want a clocked block"
		})
		m.Assign(y, a) // ERROR "Assign drives output reg y, want a Wire or Output"
		m.Always(func(b *Block) {
			b.Set(y, mem.At(Ext(u, 5))) // ERROR "At: address of memory mem (10 words) is U(5), want U(4)"
		})
		return m
	},
	func() *Module {
		m, a, u := ports("names")
		m.Wire("a", U(1))                            // ERROR "name "a" is already used at diag_test.go:LINE(ports)"
		m.Wire("wire", U(1))                         // ERROR "name "wire": is a reserved word of Verilog"
		m.Wire("x y", U(1))                          // ERROR "name "x y": want a letter or underscore, then letters, digits and underscores"
		m.For("gen", "u", 2, func(g *Gen, i Index) { // ERROR "name "u" is already used at diag_test.go:LINE(ports)"
			m.Unused(a, u)
		})
		m.Memory("z", U(1), 0) // ERROR "memory z: 0 words of width 1, want at least 1 of each"
		return m
	},
	func() *Module {
		m, a, u := ports("drivers")
		y := m.Output("y", S(8)) // ERROR "output y[7:6] is not driven"
		m.Assign(Slice(y, 3, 0), u)
		m.Assign(Slice(y, 5, 2), u) // ERROR "y[3:2] is driven twice, here and at diag_test.go:LINE(y30)"
		w := m.Wire("w", U(1))      // ERROR "wire w is not driven"
		m.WireIs("v", a)            // ERROR "wire v is not read; use it or pass it to Unused"
		m.Unused(w)
		m.Localparam("K", U(3), 1) // ERROR "localparam K is not used"
		m.Input("idle", U(3))      // ERROR "input idle is not read; use it or pass it to Unused"
		return m
	},
	func() *Module {
		m := NewModule("bits")
		a := m.Input("a", U(8)) // ERROR "input a[4:2] is not read; use it or pass it to Unused"
		m.Assign(m.Output("y", U(5)), Cat(Slice(a, 7, 5), Slice(a, 1, 0)))
		return m
	},
	func() *Module {
		m, a, u := ports("latches")
		y := m.OutputReg("y", S(8))
		z := m.OutputReg("z", S(8))
		m.Comb(func(b *Block) { // ERROR "latch: y is not assigned on every path; assign a default first"
			b.If(Bit(u, 0), func(b *Block) { b.Set(y, a) })
			b.Case(Slice(u, 3, 1), func(c *Case) {
				c.When(func(b *Block) { b.Set(z, a) }, Const(U(3), 1))
				c.Default(func(b *Block) { b.Set(z, Inv(a)) })
			})
		})
		return m
	},
	func() *Module {
		m, a, u := ports("early")
		y := m.OutputReg("y", S(8))
		m.Comb(func(b *Block) {
			b.Set(y, And(y, a)) // ERROR "latch: y[0] is read before it is assigned"
		})
		m.Unused(u)
		return m
	},
	func() *Module {
		m, a, u := ports("cases")
		y := m.OutputReg("y", S(8))
		m.Comb(func(b *Block) {
			b.Set(y, a)
			b.Case(u, func(c *Case) { // ERROR "case label 4'd3 occurs twice"
				c.When(func(b *Block) {}, Const(U(4), 3))
				c.When(func(b *Block) {}, Const(U(4), 3))
			})
		})
		return m
	},
	func() *Module {
		m, a, u := ports("loop")
		x, y := m.Wire("x", S(8)), m.Output("y", S(8))
		m.Assign(x, And(y, a)) // ERROR "combinational loop: x -> y -> x"
		m.Assign(y, Mux(Bit(u, 0), x, a))
		m.Unused(u)
		return m
	},
	func() *Module {
		m, a, u := ports("no_loop")
		x, y, z := m.Reg("x", S(8)), m.OutputReg("y", S(8)), m.Wire("z", S(8))
		m.Assign(z, Inv(x))
		m.Comb(func(b *Block) { // y follows x through z, but x follows neither
			b.Set(x, a)
			b.If(Bit(u, 0), func(b *Block) { b.Set(x, AddMod(x, a)) })
			b.Set(y, z)
		})
		m.Localparam("K", U(4), 1) // ERROR "localparam K is not used"
		m.Unused(u)
		return m
	},
	func() *Module {
		m, a, u := ports("control_loop")
		x, y := m.Reg("x", S(8)), m.OutputReg("y", S(8))
		stop := m.WireIs("stop", Bit(y, 0)) // ERROR "combinational loop: stop -> y[0] -> stop"
		m.Comb(func(b *Block) {
			b.Set(x, a)
			b.If(stop, func(b *Block) { b.Set(x, Const(S(8), 0)) })
			b.Set(y, x)
		})
		m.Unused(u)
		return m
	},
	func() *Module {
		sub := NewModule("through")
		sub.Assign(sub.Output("q", U(4)), Inv(sub.Input("d", U(4))))
		m := NewModule("loop_through")
		inst := m.Instance(sub, "u_sub") // ERROR "combinational loop: sub_q -> sub_q"
		q := inst.Out("q")
		inst.In("d", Xor(q, m.Input("a", U(4))))
		m.Assign(m.Output("y", U(4)), q)
		return m
	},
	func() *Module {
		sub := NewModule("sub")
		sub.Assign(sub.Output("q", U(4)), sub.Input("d", U(4)))
		m := NewModule("connections")
		inst := m.Instance(sub, "u_sub") // ERROR "instance u_sub: port d of module sub is not connected"
		y := m.Output("y", U(4))
		inst.OutTo("q", y)
		inst.OutTo("q", y)           // ERROR "OutTo: port u_sub.q is connected twice"
		inst.In("d", Const(U(5), 0)) // ERROR "In: port u_sub.d is U(4), value is U(5), want identical types"
		inst.In("q", y)              // ERROR "In: port q of module sub is an output"
		inst.In("e", y)              // ERROR "In: module sub has no port "e""
		return m
	},
	func() *Module {
		m := NewModule("self")
		m.Instance(m, "u_self") // ERROR "instance u_self makes module self contain itself"
		return m
	},
	func() *Module {
		m, a, u := ports("blocks")
		var x *Signal
		m.For("gen_a", "i", 4, func(g *Gen, i Index) {
			x = g.WireIs("x", Bit(a, 0))
			g.Assign(g.Wire("k", U(1)), IndexBit(u, i.Plus(1))) // ERROR "IndexBit: bits 1 to 4 of U(4), want 0 to 3"
		})
		m.Unused(a, u, x)                                // ERROR "x is declared in generate block gen_a; want Ref"
		m.Unused(m.Ref(x, Idx(4)))                       // ERROR "Ref: index 4 of gen_a runs from 4 to 4, want 0 to 3"
		m.Unused(m.Ref(x))                               // ERROR "Ref: 0 indices for x, want 1 to 1"
		m.For("gen_b", "j", 0, func(g *Gen, j Index) {}) // ERROR "For gen_b: 0 iterations, want at least 1"
		return m
	},
	func() *Module {
		m, a, u := ports("labels")
		y := m.OutputReg("y", S(8))
		m.Comb(func(b *Block) {
			b.Set(y, a)
			b.If(a, func(b *Block) {}).Else(func(b *Block) {}) // ERROR "If: condition is S(8), want U(1)"
			b.Case(u, func(c *Case) {
				c.When(func(b *Block) {}, u)              // ERROR "When: label u is no constant"
				c.When(func(b *Block) {}, Const(U(3), 1)) // ERROR "When: label is U(3), selector is U(4), want identical types"
				c.When(func(b *Block) {})                 // ERROR "When: no labels"
				c.Default(func(b *Block) {})
				c.Default(func(b *Block) {}) // ERROR "Default: case has one already"
			})
		})
		m.ROM("t", u, U(2), []ROMRow{{Value: big.NewInt(4)}}) // ERROR "ROM t: row 0 is 4, want 0 to 3"
		return m
	},
	func() *Module {
		m, a, _ := ports("unnamed")
		y := m.OutputReg("y", U(3))
		m.Comb(func(b *Block) {
			b.Set(y, Slice(a, 2, 0))
			b.Set(y, Slice(Repl(2, y), 4, 2)) // ERROR "bits are selected from an expression, which needs a name; give it one with WireIs"
		})
		return m
	},
}

// ports starts a module with two inputs.
func ports(name string) (m *Module, a, u *Signal) {
	m = NewModule(name)
	return m, m.Input("a", S(8)), m.Input("u", U(4)) // LINE(ports)
}

var errorComment = regexp.MustCompile(`// ERROR "(.*)"$`)

func TestDiagnostics(t *testing.T) {
	source, err := os.ReadFile("diag_test.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(source), "\n")
	mark := func(sub string) int {
		for i, l := range lines {
			if strings.Contains(l, sub) {
				return i + 1
			}
		}
		t.Fatalf("no line with %q", sub)
		return 0
	}
	places := strings.NewReplacer(
		"LINE(ports)", strconv.Itoa(mark("// LINE(ports)")),
		"LINE(y30)", strconv.Itoa(mark("m.Assign(Slice(y, 3, 0), u)")),
	)
	var want []string
	for i, l := range lines {
		if m := errorComment.FindStringSubmatch(l); m != nil {
			want = append(want, fmt.Sprintf("diag_test.go:%d: %s", i+1, places.Replace(m[1])))
		}
	}
	var got []string
	for _, build := range faulty {
		m := build()
		err := NewDesign(m).Check()
		var list Errors
		if !errors.As(err, &list) {
			t.Errorf("module %s: error %v, want Errors", m.Name(), err)
		}
		for _, e := range list {
			got = append(got, fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg))
		}
	}
	sort.Strings(want)
	sort.Strings(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
