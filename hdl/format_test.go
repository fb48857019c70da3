package hdl_test

import (
	"math/big"
	"strings"
	"testing"

	. "epgen/hdl"

	"github.com/google/go-cmp/cmp"
)

// body prints a module and returns what lies between the port list and endmodule.
func body(t *testing.T, m *Module) string {
	t.Helper()
	files, err := NewDesign(m).Print(nil)
	if err != nil {
		t.Fatalf("module %s: %v", m.Name(), err)
	}
	checkLint(t, m.Name(), files)
	text := string(files[m.Name()+".v"])
	_, text, _ = strings.Cut(text, ");\n")
	text, _, _ = strings.Cut(text, "endmodule")
	return strings.TrimSpace(text)
}

// TestExpressionText fixes the text of one expression of each kind.
func TestExpressionText(t *testing.T) {
	m := NewModule("names")
	a, b, c := m.Input("a", S(16)), m.Input("b", S(16)), m.Input("c", S(12))
	u, v, e := m.Input("u", U(8)), m.Input("v", U(8)), m.Input("e", U(1))
	tests := []struct {
		v    Value
		want string
	}{
		{Add(a, b), "a + b"},
		{Add(a, c), "a + $signed({{4{c[11]}}, c})"},
		{Add(u, Const(U(1), 1)), "u + 8'd1"},
		{Add(a, Const(S(16), -3)), "a - 16'sd3"},
		{Sub(a, Const(S(8), -3)), "a + 16'sd3"},
		{AddMod(a, Const(S(16), -32768)), "a + (-16'sd32768)"},
		{Add(Add(a, b), c), "$signed({a[15], a}) + $signed({b[15], b}) + $signed({{5{c[11]}}, c})"},
		{Mul(a, c), "a * c"},
		{Add(Mul(a, b), Mul(b, a)), "a * b + b * a"},
		{Mul(a, AsS(Ext(u, 9))), "a * $signed({1'b0, u})"},
		{Mul(a, Const(S(8), -5)), "a * -24'sd5"},
		{Neg(a), "-a"},
		{Neg(Mul(a, b)), "-(a * b)"},
		{AddMod(a, Trunc(Neg(b), 16)), "a + (-b)"},
		{Mux(e, a, Const(S(16), -128)), "e ? a : -16'sd128"},
		{Mux(Lt(u, v), a, b), "(u < v) ? a : b"},
		{Ext(a, 20), "{{4{a[15]}}, a}"},
		{Ext(u, 9), "{1'b0, u}"},
		{Ext(e, 3), "{2'd0, e}"},
		{Shl(a, 3), "{a, 3'd0}"},
		{Ext(Shl(a, 3), 20), "{a[15], a, 3'd0}"},
		{Shr(a, 3), "a[15:3]"},
		{Add(Shr(a, 4), c), "$signed(a[15:4]) + c"},
		{ShrDyn(a, Slice(u, 3, 0)), "a >>> u[3:0]"},
		{ShrDyn(u, v), "u >> v"},
		{Trunc(Add(a, b), 16), "a + b"},
		{Trunc(Add(u, v), 4), "u[3:0] + v[3:0]"},
		{Slice(Slice(a, 12, 3), 4, 2), "a[7:5]"},
		{Bit(Cat(u, v), 9), "u[1]"},
		{DynBit(u, Slice(v, 1, 0)), "u[{1'b0, v[1:0]}]"},
		{DynSlice(a, Slice(u, 1, 0), 4), "a[4 * u[1:0] +: 4]"},
		{Cat(u, Repl(3, e), AsU(c)), "{u, {3{e}}, c}"},
		{Lt(AsU(a), AsU(b)), "$unsigned(a) < $unsigned(b)"},
		{Eq(AsU(a), AsU(b)), "a == b"},
		{LtConst(a, -7), "a < -16'sd7"},
		{All(e, Any(Bit(u, 0), Not(e))), "e && (u[0] || !e)"},
		{Any(e, All(Bit(u, 0), Eq(u, v))), "e || (u[0] && u == v)"},
		{Not(RedOr(u)), "!(|u)"},
		{And(u, Inv(v)), "u & ~v"},
		{Or(And(u, v), v), "(u & v) | v"},
		{Xor(Ext(RedXor(u), 8), v), "{7'd0, ^u} ^ v"},
		{Hex(U(16), 0xbeef), "16'hbeef"},
		{Hex(S(8), 0x80), "8'sh80"},
		{ConstBig(U(68), new(big.Int).Lsh(big.NewInt(5), 64)), "68'h50000000000000000"},
		{GeConst(u, 0), "1'b1"},
		{Lt(Add(a, b), Ext(c, 17)), "a + b < $signed({{5{c[11]}}, c})"},
	}
	for i, tt := range tests {
		y := m.Output("y"+string(rune('a'+i/26))+string(rune('a'+i%26)), tt.v.Type())
		m.Assign(y, tt.v)
	}
	var got, want []string
	for _, l := range strings.Split(body(t, m), "\n") {
		_, l, _ = strings.Cut(l, "= ")
		got = append(got, strings.TrimSuffix(l, ";"))
	}
	for _, tt := range tests {
		want = append(want, tt.want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestLayout fixes one concern of the layout at a time.
func TestLayout(t *testing.T) {
	tests := []struct {
		name  string
		build func(m *Module, a, b *Signal)
		want  string
	}{
		{"alignment", func(m *Module, a, b *Signal) {
			x := m.WireIs("x", Add(a, b), "sum")
			r := m.Reg("long_q", U(1))
			s := m.WireIs("s", AsS(x))
			m.Always(func(b *Block) { b.Set(r, Bit(s, 8)) })
			m.Unused(s, r)
		}, `wire [8:0]        x = a + b;  // sum
  reg               long_q;
  wire signed [8:0] s = x;

  always @(posedge clk_i) begin
    long_q <= s[8];
  end

  wire unused_ok = &{1'b0, s, long_q};`},
		{"docs", func(m *Module, a, b *Signal) {
			x := m.WireIs("x", a, strings.Repeat("a comment that is far too long for the line ", 3))
			m.Unused(x, b)
		}, `// a comment that is far too long for the line a comment that is far too long for the line a
  // comment that is far too long for the line
  wire [7:0] x         = a;
  wire       unused_ok = &{1'b0, x, b};`},
		{"wrapping", func(m *Module, a, b *Signal) {
			terms := []Value{Eq(a, b)}
			for i := int64(1); i < 8; i++ {
				terms = append(terms, All(EqConst(a, i), EqConst(b, 100+i)))
			}
			m.Unused(m.WireIs("match", Any(terms[0], terms[1:]...)))
		}, `wire match     = a == b || (a == 8'd1 && b == 8'd101) || (a == 8'd2 && b == 8'd102) ||
      (a == 8'd3 && b == 8'd103) || (a == 8'd4 && b == 8'd104) || (a == 8'd5 && b == 8'd105) ||
      (a == 8'd6 && b == 8'd106) || (a == 8'd7 && b == 8'd107);
  wire unused_ok = &{1'b0, match};`},
		{"groups", func(m *Module, a, b *Signal) {
			m.Group("First")
			x := m.WireIs("x", a)
			m.Group("Second")
			m.Comment("About y.")
			y := m.WireIs("y", b)
			m.Blank()
			m.Blank()
			m.Unused(x, y)
		}, `// First
  wire [7:0] x = a;

  // Second
  // About y.
  wire [7:0] y = b;

  wire unused_ok = &{1'b0, x, y};`},
		{"temporaries", func(m *Module, a, b *Signal) {
			m.Unused(m.WireIs("mean_q", Slice(Add(a, b), 8, 1)))
			m.Unused(Cat(Mul(a, b), a))
		}, `wire [8:0]  mean_sum        = a + b;
  wire        unused_mean_sum = &{1'b0, mean_sum[0]};
  wire [7:0]  mean_q          = mean_sum[8:1];
  wire        unused_ok       = &{1'b0, mean_q};
  wire [15:0] a_product       = a * b;
  wire        unused_ok2      = &{1'b0, a_product, a};`},
		{"loops", func(m *Module, a, b *Signal) {
			m.For("gen_row", "i", 2, func(g *Gen, i Index) {
				g.For("gen_col", "j", 2, func(g *Gen, j Index) {
					at := i.Times(2).PlusIdx(j)
					g.Unused(AddMod(IndexSlice(a, at, 2), IndexConst(U(2), at)))
				})
			})
			m.Unused(b)
		}, `genvar i, j;

  generate
    for (i = 0; i < 2; i = i + 1) begin : gen_row
      for (j = 0; j < 2; j = j + 1) begin : gen_col
        localparam [1:0] I_INDEX = 2*i + j;

        wire unused_ok = &{1'b0, a[4*i + 2*j +: 2] + I_INDEX};
      end
    end
  endgenerate

  wire unused_ok2 = &{1'b0, b};`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := NewModule("layout")
			if tt.name == "alignment" {
				m.Clock("clk_i")
			}
			tt.build(m, m.Input("a", U(8)), m.Input("b", U(8)))
			if diff := cmp.Diff(tt.want, body(t, m)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
