package gen

// A pass over one slab visits, for each of its items, a rectangle of steps.
// In UP and DOWN the rectangle holds the taps that meet the map; in UPDATE the
// output pixels that a tap meets. Both are separable, so two small tables, one
// of rows and one of columns, hold where each rectangle starts and how far it
// reaches. Taps that meet only padding appear nowhere and cost no cycle.

// span is one entry of an axis table: one side of a rectangle.
type span struct {
	N    int  // steps, at least 1
	Void bool // nothing to visit: a single step whose product is forced to zero
	I    int  // first address contribution in the map below (layer n-1)
	O    int  // first address contribution in the map of layer n
	Odd  bool // the first convolution position is odd (second half of a pool window)
	K    int  // first tap contribution
}

// axis describes one dimension of a layer: sizes in pixels and the address
// contributions of one step.
type axis struct {
	in, used   int // map below; convolution positions that some state uses
	out        int // states
	kernel     int
	pad        int
	stride     int
	pooled     bool
	si, so, sk int // address steps: map below, map of layer n, taps
	cells      int // cells of the grid of a head, 0 without one
	sc, sm     int // their address step, and that of their running means, 0 without any
}

func (l *LayerPlan) rows() axis {
	used, _ := l.Used()
	return axis{l.Layer.In.H, used, l.Layer.Out.H, l.KH, l.Pad, l.Stride, l.Pooled(), l.Layer.In.W, l.Layer.Out.W, l.KW, 0, 0, 0}
}

func (l *LayerPlan) cols() axis {
	_, used := l.Used()
	return axis{l.Layer.In.W, used, l.Layer.Out.W, l.KW, l.Pad, l.Stride, l.Pooled(), 1, 1, 1, 0, 0, 0}
}

// void is the entry of a rectangle without a tap.
func void(i, o int) span { return span{N: 1, Void: true, I: i, O: o} }

// state returns the address contribution of convolution position o.
func (a axis) state(o int) int {
	if a.pooled {
		o /= 2
	}
	return o * a.so
}

// up lists the taps of each used convolution position o: input i = stride*o - pad + k.
func (a axis) up() []span {
	t := make([]span, a.used)
	for o := range t {
		tap0 := o*a.stride - a.pad // input under tap 0
		lo, hi := max(0, tap0), min(a.in-1, tap0+a.kernel-1)
		if lo > hi {
			t[o] = void(0, a.state(o))
			continue
		}
		t[o] = span{N: hi - lo + 1, I: lo * a.si, O: a.state(o), K: (lo - tap0) * a.sk}
	}
	return t
}

// down lists, for each input position i, the convolution positions
// o = (i + pad - k) / stride that it feeds, ascending, so taps descend by the
// stride. A stride of 2 leaves the taps of one parity; positions that none feeds
// are void.
func (a axis) down() []span {
	t := make([]span, a.in)
	for i := range t {
		lo, hi := a.from(i+a.pad-a.kernel+1), min(a.used-1, (i+a.pad)/a.stride)
		if lo > hi {
			t[i] = void(i*a.si, 0)
			continue
		}
		t[i] = span{N: hi - lo + 1, I: i * a.si, O: a.state(lo), Odd: a.pooled && lo&1 == 1, K: (i + a.pad - lo*a.stride) * a.sk}
	}
	return t
}

// update lists, for each tap k, the convolution positions o whose input
// i = stride*o - pad + k exists.
func (a axis) update() []span {
	t := make([]span, a.kernel)
	for k := range t {
		lo, hi := a.from(a.pad-k), -1
		if last := a.in - 1 + a.pad - k; last >= 0 {
			hi = min(a.used-1, last/a.stride)
		}
		if lo > hi {
			t[k] = void(0, 0)
			continue
		}
		t[k] = span{N: hi - lo + 1, I: (lo*a.stride + k - a.pad) * a.si, O: a.state(lo), Odd: a.pooled && lo&1 == 1}
	}
	return t
}

// from returns the first convolution position o with stride*o >= v.
func (a axis) from(v int) int { return (max(0, v) + a.stride - 1) / a.stride }

// whole visits every state of the axis once: those of one cell of the grid of a head after
// the other, where the layer has one.
func (a axis) whole() []span {
	if a.cells == 0 {
		return []span{{N: a.out}}
	}
	t := make([]span, a.cells)
	for i := range t {
		n := a.out / a.cells
		t[i] = span{N: n, I: i * a.sc, O: i * n * a.so, K: i * a.sm}
	}
	return t
}
