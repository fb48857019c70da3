package unit

import (
	"epgen/ep"
	"epgen/gen"
)

// This file enumerates, by plain loops over the network, what the walker and
// its tables are to visit. It shares nothing with package gen but the sizes and
// first addresses of the plan.

// position is one step along an axis of a layer: a position of the convolution,
// a tap, and the row or column of the map below that they meet.
type position struct{ conv, tap, in int }

// axis is one dimension of a layer.
type axis struct {
	in, used, out, kernel, pad, stride int
	pooled                             bool
}

func axes(l *gen.LayerPlan) (rows, cols axis) {
	h, w := l.Used()
	rows = axis{l.Layer.In.H, h, l.Layer.Out.H, l.KH, l.Pad, l.Stride, l.Pooled()}
	cols = axis{l.Layer.In.W, w, l.Layer.Out.W, l.KW, l.Pad, l.Stride, l.Pooled()}
	return rows, cols
}

// positions lists the steps of an item of a pass in their order: the taps of
// position item of the convolution (up), the positions that input item feeds
// (down), the positions that tap item meets (update), all states (bias, act).
func (a axis) positions(k gen.Kind, item int) []position {
	var out []position
	add := func(conv, tap int) {
		if in := conv*a.stride - a.pad + tap; in >= 0 && in < a.in {
			out = append(out, position{conv, tap, in})
		}
	}
	switch k {
	case gen.Up:
		for tap := range a.kernel {
			add(item, tap)
		}
	case gen.Down:
		for conv := range a.used {
			if tap := item + a.pad - conv*a.stride; tap >= 0 && tap < a.kernel {
				out = append(out, position{conv, tap, item})
			}
		}
	case gen.Update:
		for conv := range a.used {
			add(conv, item)
		}
	default:
		for state := range a.out {
			out = append(out, position{conv: state})
		}
	}
	return out
}

// items returns how many items a pass has along the axis.
func (a axis) items(k gen.Kind) int {
	switch k {
	case gen.Up:
		return a.used
	case gen.Down:
		return a.in
	case gen.Update:
		return a.kernel
	}
	return 1
}

// state is the state that a position of the convolution belongs to.
func (a axis) state(conv int) int {
	if a.pooled {
		return conv / 2
	}
	return conv
}

// operation is what the walker is to issue; -1 marks what does not matter.
type operation struct {
	i, o, tile, pos, sample int
	part                    int // of the word below, where it holds several blocks
	void, first, last       int
	minus                   int
	square                  int  // begins the products of two differences
	end                     bool // last of the pass
}

// operations enumerates a pass over one slab of a layer.
func (d design) operations(l *gen.LayerPlan, k gen.Kind, slab int) []operation {
	e := &enumeration{design: d, l: l, k: k, slab: slab}
	e.rows, e.cols = axes(l)
	switch k {
	case gen.Up:
		e.up()
	case gen.Down:
		e.down()
	case gen.Update:
		for blk := range l.InBlocks {
			for ky := range l.KH {
				for kx := range l.KW {
					e.contrast(blk, ky, kx)
				}
			}
		}
	case gen.Bias:
		e.contrast(0, 0, 0)
	case gen.Act, gen.Pool:
		if h := d.headOn(l); h != nil {
			e.cells(h)
			break
		}
		for b := range d.Cfg.Batch {
			for blk := range l.Out.Blocks {
				for pix := range l.Out.HW {
					e.add(operation{i: -1, o: b*l.Out.SampleWords + blk*l.Out.HW + pix, tile: -1, pos: -1, part: -1,
						sample: b, void: 0, first: -1, last: -1, minus: 0})
				}
			}
		}
	}
	e.ops[len(e.ops)-1].end = true
	return e.ops
}

// cells visits the states of one cell of the grid of a head after the other. What the head has
// of a cell lies at i in its input, and, for Pool, at tile in that of a sample.
func (e *enumeration) cells(h *gen.LayerPlan) {
	height, width := e.l.Layer.Out.H/h.Layer.In.H, e.l.Layer.Out.W/h.Layer.In.W
	for b := range e.Cfg.Batch {
		for blk := range e.l.Out.Blocks {
			for cy := range h.Layer.In.H {
				for cx := range h.Layer.In.W {
					from, cell := len(e.ops), blk*h.In.HW+cy*h.Layer.In.W+cx
					for y := range height {
						for x := range width {
							pix := (cy*height+y)*e.l.Layer.Out.W + cx*width + x
							e.add(operation{i: b*h.In.SampleWords + cell, o: b*e.l.Out.SampleWords + blk*e.l.Out.HW + pix, tile: -1, pos: -1,
								part: -1, sample: b})
						}
					}
					e.mark(from)
				}
			}
		}
	}
}

type enumeration struct {
	design
	l          *gen.LayerPlan
	k          gen.Kind
	slab       int
	rows, cols axis
	ops        []operation
}

func (e *enumeration) add(op operation) { e.ops = append(e.ops, op) }

func (e *enumeration) below(b, blk, y, x int) int {
	return b*e.l.In.SampleWords + blk*e.Columns/e.P*e.l.In.HW + y*e.l.Layer.In.W + x
}

func (e *enumeration) here(b, y, x int) int {
	return b*e.l.Out.SampleWords + e.slab*e.Rows/e.P*e.l.Out.HW + y*e.l.Layer.Out.W + x
}

// part is the place of a block in its word.
func (e *enumeration) part(blk int) int { return blk % (e.P / e.Columns) }

// half is the place of a position in its pool window, {dy, dx}.
func half(y, x position) int { return y.conv%2*2 + x.conv%2 }

func (e *enumeration) up() {
	window := 1
	if e.l.Pooled() {
		window = 2
	}
	for b := range e.Cfg.Batch {
		for y := range e.l.Layer.Out.H {
			for x := range e.l.Layer.Out.W {
				for w := range window * window {
					e.upSum(b, y, x, w, y*window+w/2, x*window+w%2)
				}
			}
		}
	}
}

// upSum is the sum of one position of the convolution.
func (e *enumeration) upSum(b, y, x, w, cy, cx int) {
	from := len(e.ops)
	for blk := range e.l.InBlocks {
		e.rectangle(cy, cx, func(py, px position, void bool) {
			op := operation{i: e.below(b, blk, py.in, px.in), o: e.here(b, y, x), part: e.part(blk),
				tile: blk*e.l.Taps + py.tap*e.l.KW + px.tap, pos: w, sample: b}
			if void {
				op.i, op.tile, op.void = -1, -1, 1
			}
			e.add(op)
		})
	}
	e.mark(from)
}

func (e *enumeration) down() {
	for b := range e.Cfg.Batch {
		for blk := range e.l.InBlocks {
			for y := range e.l.Layer.In.H {
				for x := range e.l.Layer.In.W {
					from := len(e.ops)
					e.rectangle(y, x, func(py, px position, void bool) {
						op := operation{i: e.below(b, blk, y, x), part: e.part(blk), o: e.here(b, e.rows.state(py.conv), e.cols.state(px.conv)),
							tile: blk*e.l.Taps + py.tap*e.l.KW + px.tap, pos: half(py, px), sample: b}
						e.add(e.pooled(op, void))
					})
					e.mark(from)
				}
			}
		}
	}
}

// contrast is the contrast of one tile, or of the biases.
func (e *enumeration) contrast(blk, ky, kx int) {
	from := len(e.ops)
	terms := e.Program.Terms(e.l.N)
	if e.k == gen.Bias { // beside no state below
		terms = e.Program.Terms(1)
	}
	for minus, term := range terms {
		squares := term.Kind == ep.BothMove && terms[minus-1].Kind != ep.BothMove
		for b := range e.Cfg.Batch {
			at := len(e.ops)
			e.rectangle(ky, kx, func(py, px position, void bool) {
				op := operation{i: e.below(b, blk, py.in, px.in), part: e.part(blk), o: e.here(b, e.rows.state(py.conv), e.cols.state(px.conv)),
					tile: -1, pos: half(py, px), sample: b, minus: minus}
				if e.k == gen.Bias {
					op.i, op.o, op.pos, op.part = -1, e.here(b, py.conv, px.conv), -1, -1
				}
				e.add(e.pooled(op, void))
			})
			if squares && b == 0 {
				e.ops[at].square = 1
			}
		}
	}
	e.mark(from)
}

// pooled drops what does not matter of an operation that reads states of the
// layer: the position without a pool, and without a product the operands.
func (e *enumeration) pooled(op operation, void bool) operation {
	if !e.l.Pooled() {
		op.pos = -1
	}
	if void {
		op.o, op.tile, op.pos, op.void = -1, -1, -1, 1
		if e.k != gen.Down {
			op.i = -1
		}
	}
	return op
}

// rectangle visits the steps of an item, rows outside. An axis without steps
// counts as one that multiplies nothing.
func (e *enumeration) rectangle(itemY, itemX int, visit func(y, x position, void bool)) {
	ys, xs := e.rows.positions(e.k, itemY), e.cols.positions(e.k, itemX)
	void := len(ys) == 0 || len(xs) == 0
	if len(ys) == 0 {
		ys = []position{{}}
	}
	if len(xs) == 0 {
		xs = []position{{}}
	}
	for _, y := range ys {
		for _, x := range xs {
			visit(y, x, void)
		}
	}
}

// mark sets the first and the last operation of a sum.
func (e *enumeration) mark(from int) {
	e.ops[from].first = 1
	e.ops[len(e.ops)-1].last = 1
}
