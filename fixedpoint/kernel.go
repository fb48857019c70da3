package fixedpoint

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// lanes is the number of output channels that are summed at once in registers.
// Eight independent sums hide the latency of the adder.
const lanes = 8

// serialProducts is the work below which a kernel does not start goroutines.
const serialProducts = 1 << 16

// Kernel is a weight tensor packed for one direction of a Window: blocks of
// eight output channels, then taps, then input channels, then the eight.
//
//	packed[((block*KH*KW + tap)*Cin + i)*8 + r] = w[8*block+r, i, tap]
type Kernel[T Number] struct {
	Window
	packed []T
}

// NewKernel packs w [Cout, Cin, KH, KW] for the cross-correlation over g. It
// panics when g is not valid or w has another length.
func NewKernel[T Number](g Window, w []T) *Kernel[T] {
	checkWeights("NewKernel", g, len(w))
	k := newPacked[T](g)
	taps := g.KH * g.KW
	parallel(k.blocks(), len(w), func(block int) {
		for o := block * lanes; o < min(block*lanes+lanes, g.Cout); o++ {
			for i := range g.Cin {
				for tap, v := range w[(o*g.Cin+i)*taps:][:taps] {
					k.packed[((block*taps+tap)*g.Cin+i)*lanes+o%lanes] = v
				}
			}
		}
	})
	return k
}

// NewTransposed packs w [Cout, Cin, KH, KW], the weights of g, for the
// transposed convolution: a Kernel over g.Transposed(). It panics as NewKernel.
func NewTransposed[T Number](g Window, w []T) *Kernel[T] {
	checkWeights("NewTransposed", g, len(w))
	k := newPacked[T](g.Transposed())
	taps := g.KH * g.KW
	parallel(k.blocks(), len(w), func(block int) {
		for o := range g.Cout {
			for i := block * lanes; i < min(block*lanes+lanes, g.Cin); i++ {
				for tap, v := range w[(o*g.Cin+i)*taps:][:taps] {
					k.packed[((block*taps+taps-1-tap)*g.Cout+o)*lanes+i%lanes] = v
				}
			}
		}
	})
	return k
}

func checkWeights(kernel string, g Window, weights int) {
	if err := g.Validate(); err != nil {
		panic(err.Error())
	}
	checkLen(kernel, weights, g.Cout*g.Cin*g.KH*g.KW)
}

func newPacked[T Number](g Window) *Kernel[T] {
	k := &Kernel[T]{Window: g}
	k.packed = make([]T, k.blocks()*g.KH*g.KW*g.Cin*lanes)
	return k
}

// blocks returns the number of blocks of eight output channels, the last of
// which may be filled up with zeros.
func (k *Kernel[T]) blocks() int { return (k.Cout + lanes - 1) / lanes }

// Apply writes the cross-correlation of the maps s [B, Cin, H, W] to dst
// [B, Cout, OutH, OutW]. Sums are exact in int64, and in float64 under the
// condition of [Number]; in real numbers their order depends on nothing but
// the window. It panics on shapes that do not match.
func (k *Kernel[T]) Apply(dst []T, s *Sparse[T]) {
	checkLen("Kernel.Apply", s.c*s.h*s.w, k.Cin*k.H*k.W)
	checkLen("Kernel.Apply", len(dst), s.batch*k.Cout*k.OutH*k.OutW)
	parallel(k.blocks(), s.batch*k.Cout*k.KH*k.KW*len(s.value), func(block int) {
		size := k.KH * k.KW * k.Cin * lanes
		w := k.packed[block*size:][:size]
		for b := range s.batch {
			for y := range k.OutH {
				for x := range k.OutW {
					k.pixel(dst, w, s, block, b, y, x)
				}
			}
		}
	})
}

// pixel computes eight channels of one output pixel.
func (k *Kernel[T]) pixel(dst, w []T, s *Sparse[T], block, b, y, x int) {
	var acc [lanes]T
	a0, a1 := tapRange(y, k.KH, k.PadY, k.H)
	b0, b1 := tapRange(x, k.KW, k.PadX, k.W)
	for ty := a0; ty < a1; ty++ {
		row := (b*k.H+y+ty-k.PadY)*k.W + x - k.PadX
		for tx := b0; tx < b1; tx++ {
			lo, hi := s.start[row+tx], s.start[row+tx+1]
			gather(&acc, w[(ty*k.KW+tx)*k.Cin*lanes:][:k.Cin*lanes], s.channel[lo:hi], s.value[lo:hi])
		}
	}
	plane := k.OutH * k.OutW
	at := (b*k.Cout+block*lanes)*plane + y*k.OutW + x
	for r := range min(lanes, k.Cout-block*lanes) {
		dst[at+r*plane] = acc[r]
	}
}

// gather adds to each of eight sums the products of the listed values with
// its column of w [.., 8]:
//
//	acc[r] += sum_j w[8*row[j] + r] * value[j]
func gather[T Number](acc *[lanes]T, w []T, row []int32, value []T) {
	a0, a1, a2, a3, a4, a5, a6, a7 := acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7]
	value = value[:len(row)]
	for j, c := range row {
		v := value[j]
		p := (*[lanes]T)(w[int(c)*lanes:])
		a0 += p[0] * v
		a1 += p[1] * v
		a2 += p[2] * v
		a3 += p[3] * v
		a4 += p[4] * v
		a5 += p[5] * v
		a6 += p[6] * v
		a7 += p[7] * v
	}
	*acc = [lanes]T{a0, a1, a2, a3, a4, a5, a6, a7}
}

// parallel calls f(0..n-1) on as many goroutines as there are processors, or in
// turn when the work, in products, is small. Calls must not write what others
// read or write.
func parallel(n, products int, f func(int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 || products < serialProducts {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
