package hdl_test

import (
	"testing"

	. "epgen/hdl"
)

// array is a 32x32 array of multipliers, fed from wide words, with sums along its rows.
func array() *Module {
	const n = 32
	m := NewModule("array")
	m.Clock("clk_i")
	w := m.Input("w_i", U(16*n*n))
	x := m.Input("x_i", U(16*n))
	y := m.Output("y_o", U(37*n))
	m.For("gen_row", "r", n, func(g *Gen, r Index) {
		var prod *Signal
		g.For("gen_lane", "c", n, func(g *Gen, c Index) {
			a := g.WireIs("a", AsS(IndexSlice(w, r.Times(n).PlusIdx(c), 16)))
			b := g.WireIs("b", AsS(IndexSlice(x, c, 16)))
			prod = g.Reg("prod_q", S(32))
			g.Always(func(blk *Block) { blk.Set(prod, Mul(a, b)) })
		})
		sum := Value(g.Ref(prod, Idx(0)))
		for i := 1; i < n; i++ {
			sum = g.WireIs("sum"+string(rune('a'+i%26))+string(rune('a'+i/26)), Trunc(Add(g.Ref(prod, Idx(i)), Ext(sum, 37)), 37))
		}
		g.Assign(IndexSlice(y, r, 37), AsU(sum))
	})
	return m
}

// TestArray checks a design with thousands of unrolled nets.
func TestArray(t *testing.T) {
	files, err := NewDesign(array()).Print(nil)
	if err != nil {
		t.Fatal(err)
	}
	checkLint(t, "array", files)
}

func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		if err := NewDesign(array()).Check(); err != nil {
			b.Fatal(err)
		}
	}
}
