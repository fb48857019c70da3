package unit

import (
	"fmt"

	"epgen/gen"
	"epgen/hdl"
)

// walkerBench checks ep_walker with its tables: the operations of every pass
// over every slab against an enumeration by nested loops, with op_ready_i at
// random. The first operation is ready three cycles after the start, then one
// is issued in every cycle with op_ready_i.
func walkerBench(d design) *Bench {
	return &Bench{
		Name:   "ep_walker/" + d.name,
		module: func() (*hdl.Module, error) { return d.WalkerBlock(), nil },
		play: func(v *Vectors) {
			s := newSource(9)
			for _, name := range []string{"walk_start_i", "abort_i", "op_ready_i"} {
				v.Set(name, 0)
			}
			v.Reset()
			d.layerPasses(func(l *gen.LayerPlan, k gen.Kind) {
				slabs := l.Slabs
				if k == gen.Act || k == gen.Pool {
					slabs = 1
				}
				for slab := range slabs {
					ops := d.operations(l, k, slab)
					playPass(v, s, d, l, k, slab, ops)
					playPass(v, s, d, l, k, slab, ops[:s.IntN(min(len(ops), 20))])
				}
			})
		},
	}
}

// playPass plays the first operations of a pass; unless they are all, an abort
// follows.
func playPass(v *Vectors, s source, d design, l *gen.LayerPlan, k gen.Kind, slab int, ops []operation) {
	for name, value := range d.Descriptor(l.N, k) {
		if v.Has(name + "_i") {
			v.Set(name+"_i", int64(value))
		}
	}
	v.Set("slab_o_i", int64(slab*d.Rows/d.P*l.Out.HW))
	v.Set("walk_start_i", 1)
	s.fill(v, v.Existing("up_i", "down_i", "update_i", "op_ready_i")...) // the mode comes with the next cycle
	v.Want("op_valid_o", 0)
	v.Tick()
	v.Set("walk_start_i", 0)
	v.SetIf("up_i", k == gen.Up)
	v.SetIf("down_i", k == gen.Down)
	v.SetPresent("update_i", b2i(k == gen.Update || k == gen.Bias))
	for range 2 {
		s.fill(v, "op_ready_i")
		v.Want("op_valid_o", 0)
		v.Want("walk_done_o", 0)
		v.Tick()
	}
	stalls := 1 + s.IntN(4) // of 1, the array is always ready
	for _, op := range ops {
		for stalls > 1 && s.chance(stalls) {
			v.Set("op_ready_i", 0)
			v.Want("op_valid_o", 0)
			v.Want("stalled_o", 1)
			v.Want("walk_done_o", 0)
			if op.first >= 0 {
				v.Want("op_first_o", int64(op.first)) // which may decide about op_ready_i
			}
			v.Tick()
		}
		v.Set("op_ready_i", 1)
		v.Want("op_valid_o", 1)
		v.Want("stalled_o", 0)
		v.WantIf("walk_done_o", op.end)
		for _, f := range []struct {
			name  string
			value int
		}{{"i", op.i}, {"o", op.o}, {"tile", op.tile}, {"pos", op.pos}, {"void", op.void},
			{"first", op.first}, {"last", op.last}, {"minus", op.minus}, {"sample", op.sample}, {"part", op.part}, {"square", op.square}} {
			if f.value >= 0 && v.Has("op_"+f.name+"_o") {
				v.Want("op_"+f.name+"_o", int64(f.value))
			}
		}
		v.Tick()
	}
	if len(ops) == 0 || !ops[len(ops)-1].end {
		v.Set("abort_i", 1)
		v.Set("op_ready_i", 0)
		v.Tick()
	}
	for range 8 {
		s.fill(v, "op_ready_i")
		v.Want("op_valid_o", 0)
		v.Want("stalled_o", 0)
		v.Want("walk_done_o", 0)
		v.Tick()
	}
	v.Set("abort_i", 0)
}

// tableBench checks the entries of a table of rows or columns for every item of
// every pass.
func tableBench(d design, rows bool) *Bench {
	block, axisName, base := "ep_column_rom", "column", "col_base"
	if rows {
		block, axisName, base = "ep_row_rom", "row", "row_base"
	}
	return d.bench(block, func(v *Vectors) {
		d.layerPasses(func(l *gen.LayerPlan, k gen.Kind) {
			a, strideIn, strideOut, strideTap := entryAxis(l, rows)
			if h := d.headOn(l); h != nil && (k == gen.Act || k == gen.Pool) {
				wantCells(v, d, axisName, int64(d.Descriptor(l.N, k)[base]), a, strideOut, h, rows)
				return
			}
			for item := range a.items(k) {
				v.Set(axisName+"_index_i", int64(d.Descriptor(l.N, k)[base])+int64(item))
				var want map[string]int
				switch steps := a.positions(k, item); {
				case k == gen.Bias || k == gen.Act:
					want = map[string]int{"last": a.out - 1, "void": 0, "i": 0, "o": 0}
				case len(steps) == 0:
					want = map[string]int{"last": 0, "void": 1}
				default:
					first := steps[0]
					want = map[string]int{"last": len(steps) - 1, "void": 0, "i": first.in * strideIn, "o": a.state(first.conv) * strideOut}
					if k != gen.Update {
						want["k"] = first.tap * strideTap
					}
					if k != gen.Up {
						want["odd"] = 0
						if a.pooled {
							want["odd"] = first.conv % 2
						}
					}
				}
				wantEntry(v, d, axisName+"_entry_o", want)
				v.Tick()
			}
		})
	}, nil)
}

// wantCells expects the entries of the cells of a head.
func wantCells(v *Vectors, d design, axisName string, base int64, a axis, strideOut int, h *gen.LayerPlan, rows bool) {
	cells, stride := h.Layer.In.W, 1
	if rows {
		cells, stride = h.Layer.In.H, h.Layer.In.W
	}
	for c := range cells {
		v.Set(axisName+"_index_i", base+int64(c))
		wantEntry(v, d, axisName+"_entry_o", map[string]int{"last": a.out/cells - 1, "void": 0, "i": c * stride, "o": c * a.out / cells * strideOut})
		v.Tick()
	}
}

func entryAxis(l *gen.LayerPlan, rows bool) (a axis, in, out, tap int) {
	y, x := axes(l)
	if rows {
		return y, l.Layer.In.W, l.Layer.Out.W, l.KW
	}
	return x, 1, 1, 1
}

// wantEntry expects fields of a table entry.
func wantEntry(v *Vectors, d design, port string, want map[string]int) {
	for _, f := range d.SpanFields() {
		if x, ok := want[f.Name]; ok {
			v.WantBitsAfter(0, port, f.Lo, f.Hi-f.Lo+1, int64(x))
			delete(want, f.Name)
		}
	}
	if len(want) > 0 {
		panic(fmt.Sprintf("unit: table entries have no fields %v", want))
	}
}
