package hdl_test

import (
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"sort"
	"testing"

	. "epgen/hdl"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata")

var header = []string{"epgen -config config.toml"}

// mac is the multiply-accumulate unit of the package example.
func mac() *Module {
	m := NewModule("mac")
	m.Doc("Signed multiply-accumulate: acc_o = sum of a_i * b_i over the cycles with valid_i.")
	m.Doc("Latency 1. The accumulator holds 16 products without overflow.")
	clk := m.Clock("clk_i")
	m.Reset("rst_ni")
	_ = clk
	m.Group("Operands, Q0.15")
	valid := m.Input("valid_i", U(1))
	first := m.Input("first_i", U(1), "starts a new sum")
	a := m.Input("a_i", S(16), "state")
	b := m.Input("b_i", S(16), "weight")
	m.Group("Result, Q5.30")
	acc := m.OutputReg("acc_o", S(36), "in [-16, 16]")

	m.Group("One product per cycle")
	product := m.WireIs("product", Mul(a, b), "Q1.30")
	base := m.WireIs("base", Mux(first, Const(S(36), 0), acc))
	m.AlwaysReset(func(b *Block) {
		b.Set(acc, Const(S(36), 0))
	}, func(b *Block) {
		b.If(valid, func(b *Block) {
			b.Set(acc, AddMod(base, Ext(product, 36)))
		})
	})
	return m
}

// lanes shows generate loops, references between their blocks, and sized loop counters.
func lanes() *Module {
	m := NewModule("lanes")
	m.Doc("Four lanes of products, summed in pairs.\n\n  lane  bits of x_i\n  0     15:0\n  3     63:48")
	m.Clock("clk_i")
	m.Reset("rst_ni")
	x := m.Input("x_i", U(64))
	w := m.Input("w_i", S(16))
	sel := m.Input("sel_i", U(2))
	load := m.Input("load_i", U(1))
	sum := m.Output("sum_o", S(34))
	hit := m.Output("hit_o", U(4))
	var prod *Signal
	m.For("gen_lane", "c", 4, func(g *Gen, c Index) {
		lane := g.WireIs("lane", AsS(IndexSlice(x, c, 16)), "Q0.15")
		prod = g.Reg("prod_q", S(32), "Q1.30")
		g.Always(func(b *Block) {
			b.If(load, func(b *Block) { b.Set(prod, Mul(lane, w)) })
		})
		g.Assign(IndexBit(hit, c), Eq(sel, IndexConst(U(2), c)))
	})
	var pair *Signal
	m.For("gen_pair", "p", 2, func(g *Gen, p Index) {
		pair = g.Reg("pair_q", S(33))
		g.AlwaysReset(func(b *Block) {
			b.Set(pair, Const(S(33), 0))
		}, func(b *Block) {
			b.Set(pair, Add(g.Ref(prod, p.Times(2)), g.Ref(prod, p.Times(2).Plus(1))))
		})
	})
	m.Assign(sum, Add(m.Ref(pair, Idx(0)), m.Ref(pair, Idx(1))))
	return m
}

// store has a memory with lane writes, a state machine, a table and swallowed bits.
func store() *Module {
	m := NewModule("store")
	m.Clock("clk_i")
	m.Reset("rst_ni")
	m.Group("Write port")
	we := m.Input("we_i", U(4), "one bit a lane")
	addr := m.Input("addr_i", U(10))
	data := m.Input("data_i", U(32))
	m.Group("Read port")
	q := m.OutputReg("q_o", U(32))
	busy := m.Output("busy_o", U(1))
	scale := m.Output("scale_o", S(12))
	index := m.Output("index_o", U(6))

	m.Group("Words of four bytes")
	mem := m.Memory("words", U(32), 1000, "state memory")
	m.For("gen_byte", "i", 4, func(g *Gen, i Index) {
		g.Always(func(b *Block) {
			b.If(IndexBit(we, i), func(b *Block) {
				b.Set(mem.LaneAt(addr, i, 8), IndexSlice(data, i, 8))
			})
		})
	})
	m.Always(func(b *Block) { b.Set(q, mem.At(addr)) })

	m.Group("Control")
	idle := m.Localparam("IDLE", U(2), 0)
	fill := m.Localparam("FILL", U(2), 1)
	drain := m.Localparam("DRAIN", U(2), 2)
	state := m.Reg("state_q", U(2))
	next := m.Reg("state_d", U(2))
	count := m.Reg("count_q", U(5))
	m.Comb(func(b *Block) {
		b.Comment("Stay unless something happens.")
		b.Set(next, state)
		b.Case(state, func(c *Case) {
			c.When(func(b *Block) {
				b.If(RedOr(we), func(b *Block) { b.Set(next, fill) })
			}, idle)
			c.When(func(b *Block) {
				b.If(EqConst(count, 17), func(b *Block) {
					b.Set(next, drain)
				}).ElseIf(Not(RedOr(we)), func(b *Block) {
					b.Set(next, idle)
				})
			}, fill)
			c.Default(func(b *Block) { b.Set(next, idle) })
		})
	})
	m.AlwaysReset(func(b *Block) {
		b.Set(state, idle)
		b.Set(count, Const(U(5), 0))
	}, func(b *Block) {
		b.Set(state, next)
		b.Set(count, AddMod(count, Const(U(5), 1)))
	})
	m.Assign(busy, Any(Ne(state, idle), All(Bit(we, 0), Bit(count, 4))))

	rows := []ROMRow{{Value: big.NewInt(100), Doc: "layer1"}, {Value: big.NewInt(-2048), Doc: "layer2"}, {Value: big.NewInt(7), Doc: "readout"}}
	m.Assign(scale, m.ROM("scale", state, S(12), rows, "2^k of each layer"))

	m.Group("Rounded mean of two bytes")
	sum := Add(Add(Slice(data, 7, 0), Slice(data, 15, 8)), Const(U(1), 1))
	m.Assign(index, Slice(sum, 8, 3))
	return m
}

func top() *Module {
	m := NewModule("system")
	m.Doc("Top level of the golden example.")
	m.Clock("aclk")
	m.Reset("aresetn")
	x := m.Input("x_i", U(64))
	w := m.Input("w_i", S(16))
	ctl := m.Input("ctl_i", U(5))
	y := m.Output("y_o", S(36))
	z := m.Output("z_o", U(4))
	l := m.Instance(lanes(), "u_lanes")
	l.In("x_i", x)
	l.In("w_i", w)
	l.In("sel_i", Slice(ctl, 1, 0))
	l.In("load_i", Bit(ctl, 2))
	sum := l.Out("sum_o")
	l.OutTo("hit_o", z)
	u := m.Instance(mac(), "u_mac")
	u.In("valid_i", Bit(ctl, 3))
	u.In("first_i", Bit(ctl, 4))
	u.In("a_i", AsS(Slice(sum, 33, 18)))
	u.In("b_i", AsS(Slice(sum, 15, 0)))
	u.OutTo("acc_o", y)
	m.Unused(Slice(sum, 17, 16))
	return m
}

func TestGolden(t *testing.T) {
	for _, m := range []*Module{top(), store()} {
		files, err := NewDesign(m).Print(header)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range sortedNames(files) {
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, files[name], 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v (run the test with -update)", err)
			}
			if diff := cmp.Diff(string(want), string(files[name])); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
		checkLint(t, m.Name(), files)
	}
}

func sortedNames(files map[string][]byte) []string {
	var names []string
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
