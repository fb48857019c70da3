package gen

import "fmt"

// Kind is one of the things that the array does with a layer.
type Kind int

const (
	Up     Kind = iota // out[co] += W[co,ci] * s[ci]: pre-activations of layer n
	Down               // out[ci] += W[co,ci] * z[co]: feedback to layer n-1
	Update             // G[co,ci] += +-z[co] * s[ci]: contrast of the weights
	Bias               // G[co]    += +-s[co]: contrast of the biases
	Act                // s' = clamp(round(acc)): activation; also the copying of results
	Pool               // h = mean of the states of a cell, for a head
	Soft               // e = y - softmax(z), by a unit of its own
	numKinds
)

var kindNames = [numKinds]string{"up", "down", "update", "bias", "act", "pool", "soft"}

func (k Kind) String() string { return kindNames[k] }

// Pass is what the walker needs to know to visit one slab of a layer (Up, Down,
// Update, Bias) or its whole map of states (Act). One ROM word holds one Pass.
//
// Loops, outermost first, each with its own address steps:
//
//	Up      b, y, x, window position, blk, rectangle of taps
//	Down    b, blk, y, x, rectangle of taps
//	Update  blk, y, x (the tap), phase, b, rectangle of pixels
//	Bias    phase, b, rectangle of pixels
//	Act     b, blk, rectangle of pixels; with a head b, blk, y, x (the cell), its pixels
//	Pool    b, blk, y, x (the cell), its pixels
type Pass struct {
	Kind  Kind
	Layer int // n

	RowBase, ColBase int // first entry in the tables of rows and columns
	LastBlk          int
	LastY, LastX     int
	Window           bool // Up of a pooled layer: four positions per state
	Unpool           bool // Down, Update of a pooled layer: four positions share a state
	Mean             bool // of an average pool: the positions count alike, none is the argmax

	IBase, OBase     int // first word in a copy of the banks of layers n-1 and n
	IBlk, IB         int // address steps in the map below
	OBlk, OB, OSlab  int // address steps in the map of layer n
	IRow, ORow       int // from one row to the next
	KBlk, KRow       int // steps in the slab: block, row of taps
	Step             int // from one pixel below (Update), from one tap (Down), to the next
	AccRead, AccBase int // accumulators: read from (the drive, in the first slab of Down(2)), write to
	AccNext          int // read from in later slabs
	IndexBase        int
}

// tables are the axis tables of a design: all entries, and where those of each
// pass begin. Layers of equal geometry share entries.
type tables struct {
	rows, cols []span
	rowDoc     []string // one line for the first entry of a run, "" for the others
	colDoc     []string
	passes     [][numKinds]Pass // by layer
}

// buildTables derives all passes of a plan.
func buildTables(p *Plan) *tables {
	t := &tables{}
	seen := [2]map[string]int{{}, {}}
	for n := 1; n <= p.largestNumber(); n++ {
		var ps [numKinds]Pass
		if !p.numbered(n) {
			t.passes = append(t.passes, ps)
			continue
		}
		l := p.at(n)
		for k := range numKinds {
			ps[k] = p.pass(l, k)
			if !p.used(l.N, k) {
				continue
			}
			r, c := p.axes(l)
			ps[k].RowBase = intern(&t.rows, &t.rowDoc, seen[0], r.spans(k), l, k)
			ps[k].ColBase = intern(&t.cols, &t.colDoc, seen[1], c.spans(k), l, k)
		}
		t.passes = append(t.passes, ps)
	}
	return t
}

// used reports whether a layer or head has passes of a kind: layer 1 and a readout behind the
// free phase have no feedback to give, a head is not activated, without biases there is no contrast of them, and where
// nothing learns there is none at all.
func (p *Plan) used(n int, k Kind) bool {
	switch k {
	case Down:
		return n > 1 && !(p.reads() && n > p.relaxing())
	case Update:
		return p.learns()
	case Bias:
		return !p.at(n).NoBias && p.learns()
	case Act:
		return p.at(n).Head == nil
	case Pool:
		return p.at(n).Head == nil && p.headOn(n) != nil
	case Soft:
		return p.at(n).Head != nil
	}
	return true
}

// axes returns both axes of a layer, with the cells of its head.
func (p *Plan) axes(l *LayerPlan) (rows, cols axis) {
	rows, cols = l.rows(), l.cols()
	if h := p.headOn(l.N); l.Head == nil && h != nil {
		rows.cells, rows.sc = h.Layer.In.H, h.Layer.In.W
		cols.cells, cols.sc = h.Layer.In.W, 1
		if p.Centered {
			rows.sm, cols.sm = rows.sc, cols.sc
		}
	}
	return rows, cols
}

// spans returns the table of one kind of pass.
func (a axis) spans(k Kind) []span {
	switch k {
	case Up:
		return a.up()
	case Down:
		return a.down()
	case Update:
		return a.update()
	case Bias:
		return []span{{N: a.out}}
	default:
		return a.whole()
	}
}

// intern appends a run of entries to a table unless the same run is there.
func intern(table *[]span, doc *[]string, seen map[string]int, run []span, l *LayerPlan, k Kind) int {
	key := fmt.Sprint(run)
	if at, ok := seen[key]; ok {
		return at
	}
	at := len(*table)
	seen[key] = at
	pooled := ""
	if l.Pooled() && k != Bias && k != Act {
		pooled = ", pooled"
	}
	for i, s := range run {
		*table = append(*table, s)
		*doc = append(*doc, fmt.Sprintf("%s %v %d%s", l.Name, k, i, pooled))
	}
	return at
}

// pass returns the loops and addresses of one kind of pass over a layer.
func (p *Plan) pass(l *LayerPlan, k Kind) Pass {
	ps := Pass{
		Kind: k, Layer: l.N,
		IBase: l.In.StateBase, OBase: l.Out.StateBase,
		IBlk: l.In.HW, IB: l.In.SampleWords,
		OB: l.Out.SampleWords, OSlab: l.Out.HW,
		IRow: l.Layer.In.W, ORow: l.Layer.Out.W,
		KBlk: l.Taps, KRow: l.KW, Step: 1,
		AccRead: l.AccBase, AccBase: l.AccBase, AccNext: l.AccBase,
		IndexBase: l.IndexBase,
	}
	switch k {
	case Up:
		ps.LastBlk, ps.LastY, ps.LastX, ps.Window = l.InBlocks-1, l.Layer.Out.H-1, l.Layer.Out.W-1, l.Pooled()
		ps.Mean = l.Averages()
		if l.N == 1 {
			ps.AccBase = DriveBase
		}
	case Down:
		ps.LastBlk, ps.LastY, ps.LastX, ps.Unpool = l.InBlocks-1, l.Layer.In.H-1, l.Layer.In.W-1, l.Pooled()
		ps.KRow, ps.Step, ps.Mean = l.KW*l.Stride, l.Stride, l.Averages()
		if l.Head != nil { // the memory of nudges
			ps.AccRead, ps.AccBase, ps.AccNext = 0, 0, 0
		} else if l.N > 1 {
			below := &p.Layers[l.N-2]
			ps.AccRead, ps.AccBase, ps.AccNext = below.AccBase, below.AccBase, below.AccBase
			if l.N == 2 {
				ps.AccRead = DriveBase
			}
		}
	case Update:
		ps.LastBlk, ps.LastY, ps.LastX, ps.Unpool = l.InBlocks-1, l.KH-1, l.KW-1, l.Pooled()
		ps.IRow, ps.Step, ps.Mean = l.Layer.In.W*l.Stride, l.Stride, l.Averages()
	case Pool, Act:
		ps.LastBlk, ps.OBlk, ps.OSlab = l.Out.Blocks-1, l.Out.HW, 0
		if l.N == 1 && p.relaxing() == 1 {
			ps.AccRead = DriveBase
		}
		ps.AccNext = ps.AccRead
		if h := p.headOn(l.N); h != nil {
			ps.LastY, ps.LastX = h.Layer.In.H-1, h.Layer.In.W-1
			ps.IBlk, ps.IB, ps.KBlk = h.In.HW, h.In.SampleWords, h.In.HW
			if k == Pool {
				ps.AccBase = h.In.StateBase
			}
		}
	case Soft:
		ps.AccBase = 0
	}
	return ps
}
