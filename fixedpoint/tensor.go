package fixedpoint

import "fmt"

// Number is an element of a tensor. The integer kernels run on int64, or on
// float64 where every value and every partial sum is an integer of magnitude
// at most [MaxExactFloat]: additions and products are then exact, the
// order of summation does not matter, and the floating-point unit is the faster
// multiplier. Interval decides which, before anything runs. The same kernels
// serve models in real numbers.
type Number interface{ int64 | float64 }

// MaxExactFloat bounds the integers that float64 holds without gaps, 2^53.
const MaxExactFloat = 1 << 53

// Window is the geometry of a cross-correlation with zero padding,
//
//	z[o,y,x] = sum_{i,a,b} w[o,i,a,b] * s[i, S*y+a-PadY, S*x+b-PadX]
//
// for 0 <= y < OutH, 0 <= x < OutW. The output may be smaller than padding
// allows: rows and columns that nothing uses are not computed. A fully
// connected layer is a Window whose kernel is the whole map.
type Window struct {
	Cin, H, W  int // map below
	Cout       int
	KH, KW     int
	PadY, PadX int // may be negative in a transposed window
	OutH, OutW int
	Stride     int // S; 0 counts as 1
}

// Step returns the stride, at least 1.
func (g Window) Step() int { return max(1, g.Stride) }

// Dilated returns the extent of the outputs laid out on the pixels of the map
// below, S apart: S*(OutH-1)+1 by S*(OutW-1)+1.
func (g Window) Dilated() (h, w int) {
	return g.Step()*(g.OutH-1) + 1, g.Step()*(g.OutW-1) + 1
}

// Transposed returns the window of the transposed convolution: the feedback
//
//	d[i,u,v] = sum_{o,a,b} w[o,i,a,b] * z[o, (u-a+PadY)/S, (v-b+PadX)/S]
//
// over the taps that divide, is the cross-correlation of z, dilated to S
// pixels apart, with the kernel turned by 180 degrees, input and output channels
// exchanged, and padding KH-1-PadY and KW-1-PadX. Its own stride is 1.
func (g Window) Transposed() Window {
	h, w := g.Dilated()
	return Window{
		Cin: g.Cout, H: h, W: w,
		Cout: g.Cin, KH: g.KH, KW: g.KW,
		PadY: g.KH - 1 - g.PadY, PadX: g.KW - 1 - g.PadX,
		OutH: g.H, OutW: g.W,
	}
}

// Validate reports an extent below 1 or an output beyond the padded map.
func (g Window) Validate() error {
	if min(g.Cin, g.H, g.W, g.Cout, g.KH, g.KW, g.OutH, g.OutW) < 1 {
		return fmt.Errorf("fixedpoint: window %+v, want every extent at least 1", g)
	}
	if g.Stride < 0 {
		return fmt.Errorf("fixedpoint: window stride %d, want at least 0", g.Stride)
	}
	h, w := (g.H+2*g.PadY-g.KH+g.Step())/g.Step(), (g.W+2*g.PadX-g.KW+g.Step())/g.Step()
	if g.OutH > h || g.OutW > w {
		return fmt.Errorf("fixedpoint: window output %dx%d, want at most %dx%d", g.OutH, g.OutW, h, w)
	}
	return nil
}

// Products returns the number of products with a pixel inside the map, the
// useful ones, for one sample.
func (g Window) Products() int {
	return g.Cout * g.Cin * taps(g.OutH, g.Step(), g.KH, g.PadY, g.H) * taps(g.OutW, g.Step(), g.KW, g.PadX, g.W)
}

// taps returns the number of pairs (position, tap) of one axis inside the map.
func taps(out, stride, kernel, pad, size int) int {
	n := 0
	for y := range out {
		lo, hi := tapRange(y*stride, kernel, pad, size)
		n += max(0, hi-lo)
	}
	return n
}

// tapRange returns the taps a in [lo, hi) for which 0 <= y+a-pad < size, y being a
// pixel of the map below.
func tapRange(y, kernel, pad, size int) (lo, hi int) {
	return max(0, pad-y), min(kernel, size+pad-y)
}

// MaxPool takes planes maps of h x w to maps of h/2 x w/2 (floor), the maximum of
// each 2x2 window, and stores in index which it was: 0..3 for (dy, dx) = (0,0),
// (0,1), (1,0), (1,1). Ties go to the first in that order.
func MaxPool[T Number](dst []T, index []uint8, src []T, planes, h, w int) {
	oh, ow := h/2, w/2
	checkLen("MaxPool", len(dst), planes*oh*ow)
	checkLen("MaxPool", len(index), planes*oh*ow)
	checkLen("MaxPool", len(src), planes*h*w)
	for p := range planes {
		for y := range oh {
			top := src[(p*h+2*y)*w:][:w]
			bottom := src[(p*h+2*y+1)*w:][:w]
			z := dst[(p*oh+y)*ow:][:ow]
			k := index[(p*oh+y)*ow:][:ow]
			for x := range z {
				// Without branches, which nothing could predict.
				a, b, c, d := top[2*x], top[2*x+1], bottom[2*x], bottom[2*x+1]
				above, below := max(a, b), max(c, d)
				i, j, lower := one(b > a), 2+one(d > c), one(below > above)
				z[x], k[x] = max(above, below), i+lower*(j-i)
			}
		}
	}
}

// SumPool takes planes maps of h x w to maps of h/2 x w/2 (floor), the sum of each
// 2x2 window: of codes, the mean with two more fractional bits.
func SumPool[T Number](dst, src []T, planes, h, w int) {
	oh, ow := h/2, w/2
	checkLen("SumPool", len(dst), planes*oh*ow)
	checkLen("SumPool", len(src), planes*h*w)
	for p := range planes {
		for y := range oh {
			top := src[(p*h+2*y)*w:][:w]
			bottom := src[(p*h+2*y+1)*w:][:w]
			z := dst[(p*oh+y)*ow:][:ow]
			for x := range z {
				z[x] = top[2*x] + top[2*x+1] + bottom[2*x] + bottom[2*x+1]
			}
		}
	}
}

// one returns 1 for true.
func one(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// Select is MaxPool with the index given instead of computed.
func Select[T Number](dst []T, index []uint8, src []T, planes, h, w int) {
	oh, ow := h/2, w/2
	checkLen("Select", len(dst), planes*oh*ow)
	checkLen("Select", len(index), planes*oh*ow)
	checkLen("Select", len(src), planes*h*w)
	for p := range planes {
		for y := range oh {
			for x := range ow {
				i := (p*oh+y)*ow + x
				dst[i] = src[unpooled(p, y, x, h, w, index[i])]
			}
		}
	}
}

// Unpool is the transpose of Select: each value of src, planes maps of h/2 x
// w/2, goes to its indexed place in dst, planes maps of h x w; the rest of dst
// becomes 0.
func Unpool[T Number](dst []T, index []uint8, src []T, planes, h, w int) {
	oh, ow := h/2, w/2
	checkLen("Unpool", len(dst), planes*h*w)
	checkLen("Unpool", len(index), planes*oh*ow)
	checkLen("Unpool", len(src), planes*oh*ow)
	clear(dst)
	for p := range planes {
		for y := range oh {
			for x := range ow {
				i := (p*oh+y)*ow + x
				dst[unpooled(p, y, x, h, w, index[i])] = src[i]
			}
		}
	}
}

// unpooled returns the place in maps of h x w of window (y, x) of plane p and
// index k.
func unpooled(p, y, x, h, w int, k uint8) int {
	return (p*h+2*y+int(k>>1))*w + 2*x + int(k&1)
}

// checkLen panics when a kernel's operand has the wrong length.
func checkLen(kernel string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("fixedpoint: %s operand has %d elements, want %d", kernel, got, want))
	}
}
