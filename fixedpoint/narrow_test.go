package fixedpoint

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNarrow compares the 16-bit kernels with the others on every window, in
// both directions, with weights that force a widening after every pair, after
// some, and at the end only.
func TestNarrow(t *testing.T) {
	if !hasMultiply() {
		t.Skip("no 16-bit kernel on this machine")
	}
	defer func(x extension) { simd = x }(simd)
	for x := avx2; x <= detected(); x++ {
		simd = x
		for i, g := range windows {
			for _, size := range []int64{32767, 9000, 40} {
				for batch := 1; batch <= 11; batch += 5 {
					t.Run(fmt.Sprintf("extension%d/window%d/weights%d/batch%d", x, i, size, batch), func(t *testing.T) {
						testNarrow(t, rand.New(rand.NewPCG(8, uint64(i))), g, size, batch)
					})
				}
			}
		}
	}
}

func testNarrow(t *testing.T, rng *rand.Rand, g Window, size int64, batch int) {
	draw := func(n int, size int64) []float64 {
		x := make([]float64, n)
		for i := range x {
			switch rng.IntN(4) {
			case 0:
				x[i] = float64(size)
			case 1:
				x[i] = float64(-size)
			case 2:
				x[i] = float64(rng.Int64N(2*size+1) - size)
			}
		}
		return x
	}
	w := draw(g.Cout*g.Cin*g.KH*g.KW, size)
	for _, build := range []func(Window, []float64) *Kernel[float64]{NewKernel[float64], NewTransposed[float64]} {
		k := build(g, w)
		var list Sparse[float64]
		list.Set(draw(batch*k.Cin*k.H*k.W, 32767), batch, k.Cin, k.H, k.W)
		want, got := make([]float64, batch*k.Cout*k.OutH*k.OutW), make([]float64, batch*k.Cout*k.OutH*k.OutW)
		k.Apply(want, &list)
		k.SetRange(-32767, 32767)
		if !k.usesNarrow() {
			t.Fatal("16-bit weights and codes do not use 16 bits")
		}
		k.Apply(got, &list)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-wide +narrow):\n%.400s", k.Window, diff)
		}
	}
}

// TestCut checks the bound between widenings, and that segments are as long as
// it allows.
func TestCut(t *testing.T) {
	for _, c := range []struct {
		weights []int16 // of lane 0, four pairs of one tap
		hi      int64
		want    []segment
	}{
		{[]int16{1, 1, 1, 1, 1, 1, 1, 1}, 32767, []segment{{0, 0, 4, true}}},
		{[]int16{32767, -32767, 32767, 32767, 0, 0, 1, 1}, 32767, []segment{{0, 0, 1, true}, {0, 1, 4, true}}},
		{[]int16{32767, -32767, 32767, 32767, 0, 0, 1, 1}, 16383, []segment{{0, 0, 4, true}}},
		{[]int16{32767, -32767, 4, 0, 1, 0, 0, 0}, 32767, []segment{{0, 0, 2, true}, {0, 2, 4, true}}},
	} {
		n := &narrowKernel{pairs: 4, hi: c.hi}
		w := make([]int16, 4*tileLanes*2)
		for i, v := range c.weights {
			w[i/2*tileLanes*2+i%2] = v
		}
		if diff := cmp.Diff(c.want, n.cut(w, 1), cmp.AllowUnexported(segment{})); diff != "" {
			t.Errorf("%v with codes up to %d (-want +got):\n%s", c.weights, c.hi, diff)
		}
	}
	// Over several taps: pairs*taps weights of 20 with codes up to 32767 allow 65538/20 = 3276.
	n := &narrowKernel{pairs: 1000, hi: 32767}
	w := make([]int16, 4*1000*tileLanes*2)
	for i := range w {
		w[i] = 10
	}
	want := []segment{{0, 0, 1000, false}, {1, 0, 1000, false}, {2, 0, 1000, false}, {3, 0, 276, true}, {3, 276, 1000, true}}
	if diff := cmp.Diff(want, n.cut(w, 4), cmp.AllowUnexported(segment{})); diff != "" {
		t.Errorf("four taps (-want +got):\n%s", diff)
	}
}

// TestNarrowConditions checks when 16 bits are not used, and that new weights count.
func TestNarrowConditions(t *testing.T) {
	g := windows[1]
	w := make([]float64, g.Cout*g.Cin*g.KH*g.KW)
	w[0] = 1
	k := NewKernel(g, w)
	use := func(lo, hi int64, want bool) {
		t.Helper()
		k.SetRange(lo, hi)
		if got := k.usesNarrow(); got != (want && hasMultiply()) {
			t.Errorf("codes %d..%d, weight %v: 16 bits used: %v, want %v", lo, hi, w[0], got, want)
		}
	}
	if k.usesNarrow() {
		t.Error("16 bits used without a range")
	}
	use(0, 32767, true)
	use(0, 32768, false)
	use(-32768, 0, false)
	for _, c := range []struct {
		weight float64
		want   bool
	}{{-32767, true}, {-32768, false}, {0.5, false}, {32768, false}, {3, true}} {
		k.SetRange(0, 1)
		w[0] = c.weight
		k.Repack(w)
		if got := k.usesNarrow(); got != (c.want && hasMultiply()) {
			t.Errorf("weight %v: 16 bits used: %v, want %v", c.weight, got, c.want)
		}
	}
}

// BenchmarkNarrow is BenchmarkKernelFloat64 in 16 bits, for one and for eight samples.
func BenchmarkNarrow(b *testing.B) {
	g := benchmarkWindow
	rng := rand.New(rand.NewPCG(3, 0))
	for _, batch := range []int{1, 8} {
		b.Run(fmt.Sprintf("batch%d", batch), func(b *testing.B) {
			w, s := make([]float64, g.Cout*g.Cin*g.KH*g.KW), make([]float64, batch*g.Cin*g.H*g.W)
			for i := range w {
				w[i] = float64(rng.IntN(1001) - 500)
			}
			for i := range s {
				s[i] = float64(1 + rng.IntN(32767))
			}
			k, dst := NewKernel(g, w), make([]float64, batch*g.Cout*g.OutH*g.OutW)
			k.SetRange(0, 32767)
			var list Sparse[float64]
			list.Set(s, batch, g.Cin, g.H, g.W)
			for b.Loop() {
				k.Apply(dst, &list)
			}
			b.ReportMetric(float64(batch*g.Products())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
		})
	}
}
