package fixedpoint

// Outer accumulates the local contrast of a window,
//
//	g[o,i,a,b] += sum_{n,y,x} z[n,o,y,x] * s[n,i, S*y+a-PadY, S*x+b-PadX]
//
// over the samples n of a batch. It keeps its scratch memory between calls; it is
// not safe for concurrent use.
type Outer[T Number] struct {
	Window
	padded []T // s with its zero border, channels last and filled up to whole lanes: [B, rows, columns, channels]

	start []int32 // [Cout + 1]: the non-zero z of each channel
	place []int32 // pixel of padded under tap (0,0), times its channels
	value []T
}

// NewOuter returns an accumulator over g, whose padding must not be negative.
func NewOuter[T Number](g Window) *Outer[T] { return &Outer[T]{Window: g} }

// Add accumulates sign times the outer product of z [batch, Cout, OutH, OutW]
// and s [batch, Cin, H, W] into g [Cout, Cin, KH, KW]. z may also be pooled by 2x2,
// [batch, Cout, OutH/2, OutW/2]: with an index each value stands at its place in
// the window, without one at all four. It panics on shapes that do not match.
func (u *Outer[T]) Add(g, z []T, index []uint8, s []T, batch int, sign T) {
	checkLen("Outer.Add", len(g), u.Cout*u.Cin*u.KH*u.KW)
	checkLen("Outer.Add", len(s), batch*u.Cin*u.H*u.W)
	u.pad(s, batch)
	u.list(z, index, batch, sign)
	parallel(u.Cout, u.Cin*u.KH*u.KW*len(u.value), func(o int) { u.channel(g, o) })
}

// channels returns the channels of padded: Cin filled up to whole lanes.
func (u *Outer[T]) channels() int {
	rest := u.Cin % maxLanes
	if rest == 0 {
		return u.Cin
	}
	return u.Cin - rest + laneCount(rest)
}

// extent returns the rows and columns of padded: as far as the last output's taps
// reach.
func (u *Outer[T]) extent() (rows, columns int) {
	h, w := u.Dilated()
	return h + u.KH - 1, w + u.KW - 1
}

// pad copies s to padded. The border is as wide as the taps reach, on the right
// and below as far as the last output needs.
func (u *Outer[T]) pad(s []T, batch int) {
	rows, columns := u.extent()
	channels := u.channels()
	if n := batch * rows * columns * channels; len(u.padded) != n {
		u.padded = make([]T, n) // the border stays 0; the rest is overwritten by every call
	}
	for b := range batch {
		for i := range u.Cin {
			for y := range min(u.H, rows-u.PadY) {
				src := s[((b*u.Cin+i)*u.H+y)*u.W:][:min(u.W, columns-u.PadX)]
				at := ((b*rows+y+u.PadY)*columns+u.PadX)*channels + i
				for x, v := range src {
					u.padded[at+x*channels] = v
				}
			}
		}
	}
}

// list collects the non-zero z of each output channel with the place in padded
// that they meet at tap (0,0).
func (u *Outer[T]) list(z []T, index []uint8, batch int, sign T) {
	h, w := u.OutH, u.OutW
	pooled := index != nil || len(z) != batch*u.Cout*h*w
	if pooled {
		h, w = h/2, w/2
	}
	if index != nil {
		checkLen("Outer.Add", len(index), len(z))
	}
	checkLen("Outer.Add", len(z), batch*u.Cout*h*w)
	rows, columns := u.extent()
	step, channels := u.Step(), u.channels()
	u.start, u.place, u.value = append(u.start[:0], 0), u.place[:0], u.value[:0]
	for o := range u.Cout {
		for b := range batch {
			put := func(y, x int, v T) {
				u.place = append(u.place, int32(((b*rows+y*step)*columns+x*step)*channels))
				u.value = append(u.value, sign*v)
			}
			for p := range h * w {
				i := (b*u.Cout+o)*h*w + p
				y, x := p/w, p%w
				switch {
				case z[i] == 0:
				case !pooled:
					put(y, x, z[i])
				case index != nil:
					put(2*y+int(index[i]>>1), 2*x+int(index[i]&1), z[i])
				default:
					for k := range 4 {
						put(2*y+k>>1, 2*x+k&1, z[i])
					}
				}
			}
		}
		u.start = append(u.start, int32(len(u.value)))
	}
}

// channel accumulates all weights of output channel o.
func (u *Outer[T]) channel(g []T, o int) {
	place, value := u.place[u.start[o]:u.start[o+1]], u.value[u.start[o]:u.start[o+1]]
	_, columns := u.extent()
	channels, taps := u.channels(), u.KH*u.KW
	var room [maxLanes]T
	for tap := range taps {
		offset := (tap/u.KW*columns + tap%u.KW) * channels
		for i := 0; i < u.Cin; i += maxLanes {
			acc := room[:laneCount(u.Cin-i)]
			clear(acc)
			gather(acc, u.padded[offset+i:], place, value, 1)
			at := (o*u.Cin+i)*taps + tap
			for r := range min(len(acc), u.Cin-i) {
				g[at+r*taps] += acc[r]
			}
		}
	}
}
