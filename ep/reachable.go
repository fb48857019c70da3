package ep

// Reachable counts the weights of a layer that a contrast can change at all:
// those with a tap that joins an active position of their output channel to the
// map below, in some sample. Without pooling and with means every position is active;
// with a max pool, only the argmax of each window, as given by the pool indices
// [B,C,H,W] of the phases. A 3x3 convolution on a 2x2 map that is pooled to 1x1, for one, has
// one active position per channel and sample, which 4 of the 9 taps join to the
// map.
func (l *Layer) Reachable(batch int, indices ...[]uint8) int {
	active := l.Out
	if !l.HasIndex() {
		active.H, active.W = l.Used()
		indices = [][]uint8{make([]uint8, batch*active.Len())}
	}
	taps := make([][]bool, l.Out.C)
	for c := range taps {
		taps[c] = make([]bool, l.KH*l.KW)
	}
	area := active.H * active.W
	for _, index := range indices {
		for i, k := range index {
			y, x := i%area/active.W, i%active.W
			if l.HasIndex() {
				y, x = 2*y+int(k>>1), 2*x+int(k&1)
			}
			l.markTaps(taps[i/area%l.Out.C], y, x)
		}
	}
	n := 0
	for _, channel := range taps {
		for _, hit := range channel {
			if hit {
				n += l.In.C
			}
		}
	}
	return n
}

// markTaps marks the taps that join position (y, x) of the convolution to the
// map below.
func (l *Layer) markTaps(taps []bool, y, x int) {
	y, x = y*l.Stride, x*l.Stride
	for a := max(0, l.Pad-y); a < min(l.KH, l.In.H+l.Pad-y); a++ {
		for b := max(0, l.Pad-x); b < min(l.KW, l.In.W+l.Pad-x); b++ {
			taps[a*l.KW+b] = true
		}
	}
}
