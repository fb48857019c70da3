package hdl_test

import (
	"testing"

	. "epgen/hdl"

	"github.com/google/go-cmp/cmp"
)

func TestCensus(t *testing.T) {
	got := NewDesign(top()).Census()
	want := Census{
		Modules: []ModuleCounts{
			{Module: "lanes", Uses: 1, Counts: Counts{
				Multipliers:  []Multipliers{{16, 16, 4}},
				Adders:       []Operators{{33, 2}, {34, 1}},
				Comparators:  []Operators{{2, 4}},
				RegisterBits: 4*32 + 2*33,
				Logic:        Logic{AddBits: 2*33 + 34, EqualBits: 4 * 2},
			}},
			{Module: "mac", Uses: 1, Counts: Counts{
				Multipliers:  []Multipliers{{16, 16, 1}},
				Adders:       []Operators{{36, 1}},
				RegisterBits: 36,
				MuxBits:      36,
				Logic:        Logic{AddBits: 36, ChooseBits: 36},
			}},
			{Module: "system", Uses: 1},
		},
		Total: Counts{
			Multipliers:  []Multipliers{{16, 16, 5}},
			Adders:       []Operators{{33, 2}, {34, 1}, {36, 1}},
			Comparators:  []Operators{{2, 4}},
			RegisterBits: 4*32 + 2*33 + 36,
			MuxBits:      36,
			Logic:        Logic{AddBits: 2*33 + 34 + 36, EqualBits: 4 * 2, ChooseBits: 36},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestCensusMultiplied counts memories and partial registers through two levels of repetition.
func TestCensusMultiplied(t *testing.T) {
	sub := NewModule("bank")
	sub.Clock("clk_i")
	addr, data := sub.Input("addr_i", U(4)), sub.Input("data_i", U(8))
	mem := sub.Memory("words", U(8), 16)
	q := sub.OutputReg("q_o", U(8))
	sub.For("gen_half", "h", 2, func(g *Gen, h Index) {
		g.Always(func(b *Block) {
			b.Set(mem.LaneAt(addr, h, 4), IndexSlice(data, h, 4))
			b.Set(IndexSlice(q, h, 4), mem.LaneAt(addr, h, 4))
		})
	})
	m := NewModule("banks")
	m.Clock("clk_i")
	a := m.Input("addr_i", U(4))
	y := m.Output("y_o", U(24))
	m.For("gen_bank", "i", 3, func(g *Gen, i Index) {
		inst := g.Instance(sub, "u_bank")
		inst.In("addr_i", a)
		// A factor of 3 has two bits; 4 is a shift.
		inst.In("data_i", Trunc(Add(Mul(a, Const(U(4), 3)), Mul(a, Const(U(4), 4))), 8))
		inst.OutTo("q_o", IndexSlice(y, i, 8))
	})
	d := NewDesign(m)
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
	want := Counts{
		Multipliers:  []Multipliers{{4, 2, 3}},
		Adders:       []Operators{{8, 3}},
		RegisterBits: 24,
		Memories:     []MemoryCount{{Module: "bank", Name: "words", Width: 8, Depth: 16, Count: 3}},
		MemoryBits:   384,
		Logic:        Logic{AddBits: 24, ReadBits: 24},
	}
	if diff := cmp.Diff(want, d.Census().Total); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	files, err := d.Print(nil)
	if err != nil {
		t.Fatal(err)
	}
	checkLint(t, "banks", files)
}
