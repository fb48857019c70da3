package fixedpoint

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// chunkPixels is the number of output pixels whose sums are held at once: with
// 32 lanes they take 16 KB, and the weights of a tap are used so many times.
const chunkPixels = 64

// serialProducts is the work below which a kernel does not start goroutines.
const serialProducts = 1 << 16

// Kernel is a weight tensor packed for one direction of a Window: blocks of
// 32 output channels (the last of 8, 16 or 32, filled up with zeros), then taps,
// then input channels, then the lanes of the block.
//
//	packed[(o*KH*KW + tap*lanes)*Cin + i*lanes + r] = w[o+r, i, tap], o the first of the block
type Kernel[T Number] struct {
	Window
	Serial bool // Apply keeps to the calling goroutine; for callers that run in parallel themselves

	transposed bool
	packed     []T
	narrow     *narrowKernel // nil unless SetRange allows it
}

// NewKernel packs w [Cout, Cin, KH, KW] for the cross-correlation over g. It
// panics when g is not valid or w has another length.
func NewKernel[T Number](g Window, w []T) *Kernel[T] {
	return newPacked("NewKernel", g, w, false)
}

// NewTransposed packs w [Cout, Cin, KH, KW], the weights of g, for the
// transposed convolution: a Kernel over g.Transposed(). It panics as NewKernel.
func NewTransposed[T Number](g Window, w []T) *Kernel[T] {
	return newPacked("NewTransposed", g, w, true)
}

func newPacked[T Number](name string, g Window, w []T, transposed bool) *Kernel[T] {
	if err := g.Validate(); err != nil {
		panic(err.Error())
	}
	checkLen(name, len(w), g.Cout*g.Cin*g.KH*g.KW)
	k := &Kernel[T]{Window: g, transposed: transposed}
	if transposed {
		k.Window = g.Transposed()
	}
	last := (k.blocks() - 1) * maxLanes
	k.packed = make([]T, (last+laneCount(k.Cout-last))*g.KH*g.KW*k.Cin)
	k.Repack(w)
	return k
}

// Repack replaces the weights by w, in the order in which NewKernel or
// NewTransposed received them. It panics when w has another length.
func (k *Kernel[T]) Repack(w []T) {
	taps := k.KH * k.KW
	checkLen("Kernel.Repack", len(w), k.Cout*k.Cin*taps)
	parallel(k.blocks(), len(w), func(block int) {
		first := block * maxLanes
		lanes := laneCount(k.Cout - first)
		for o := first; o < min(first+lanes, k.Cout); o++ {
			for i := range k.Cin {
				at := first*taps*k.Cin + i*lanes + o - first
				if k.transposed {
					for tap, v := range w[(i*k.Cout+o)*taps:][:taps] {
						k.packed[at+(taps-1-tap)*k.Cin*lanes] = v
					}
					continue
				}
				for tap, v := range w[(o*k.Cin+i)*taps:][:taps] {
					k.packed[at+tap*k.Cin*lanes] = v
				}
			}
		}
	})
	if k.narrow != nil {
		k.narrow.fits = k.packNarrow()
	}
}

// blocks returns the number of blocks of output channels.
func (k *Kernel[T]) blocks() int { return (k.Cout + maxLanes - 1) / maxLanes }

// Apply writes the cross-correlation of the maps s [B, Cin, H, W] to dst
// [B, Cout, OutH, OutW]. Sums are exact in int64, and in float64 under the
// condition of [Number]; in real numbers their order depends on nothing but
// the window. It panics on shapes that do not match.
func (k *Kernel[T]) Apply(dst []T, s *Sparse[T]) {
	k.check(dst, s)
	if k.usesNarrow() {
		k.applyNarrow(dst, s)
		return
	}
	s.sort()
	pixels := s.batch * k.OutH * k.OutW
	chunks := (pixels + chunkPixels - 1) / chunkPixels
	tasks := k.blocks() * chunks
	// Neighbouring tasks share a block, whose weights stay in the cache.
	if k.Serial {
		for task := range tasks {
			k.chunk(dst, s, task/chunks, task%chunks*chunkPixels)
		}
		return
	}
	parallel(tasks, k.Cout*k.KH*k.KW*len(s.value), func(task int) {
		k.chunk(dst, s, task/chunks, task%chunks*chunkPixels)
	})
}

// check panics if maps or sums do not have the shapes of the window.
func (k *Kernel[T]) check(dst []T, s *Sparse[T]) {
	checkLen("Kernel.Apply", s.c*s.h*s.w, k.Cin*k.H*k.W)
	checkLen("Kernel.Apply", len(dst), s.batch*k.Cout*k.OutH*k.OutW)
}

// chunk computes a block of channels of up to chunkPixels output pixels from first,
// counted over the batch.
func (k *Kernel[T]) chunk(dst []T, s *Sparse[T], block, first int) {
	var room [chunkPixels * maxLanes]T
	channel := block * maxLanes
	lanes, area, step := laneCount(k.Cout-channel), k.OutH*k.OutW, k.Step()
	last := min(first+chunkPixels, s.batch*area)
	for tap := range k.KH * k.KW {
		w := k.packed[(channel*k.KH*k.KW+tap*lanes)*k.Cin:][:k.Cin*lanes]
		ty, tx := tap/k.KW-k.PadY, tap%k.KW-k.PadX
		b, y, x := first/area, first%area/k.OutW, first%k.OutW
		for p := range last - first {
			if v, u := y*step+ty, x*step+tx; v >= 0 && v < k.H && u >= 0 && u < k.W {
				q := (b*k.H+v)*k.W + u
				if lo, hi := s.start[q], s.start[q+1]; lo < hi {
					gather(room[p*lanes:][:lanes], w, s.channel[lo:hi], s.value[lo:hi], lanes)
				}
			}
			if x++; x == k.OutW {
				x = 0
				if y++; y == k.OutH {
					y, b = 0, b+1
				}
			}
		}
	}
	for p := 0; p < last-first; { // pixels of one sample
		b, pixel := (first+p)/area, (first+p)%area
		run := min(last-first-p, area-pixel)
		for r := range min(lanes, k.Cout-channel) {
			z := dst[(b*k.Cout+channel+r)*area+pixel:][:run]
			for i := range z {
				z[i] = room[(p+i)*lanes+r]
			}
		}
		p += run
	}
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
