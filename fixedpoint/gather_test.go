package fixedpoint

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// TestGatherExtensions compares every extension that the machine has with
// portable code, bit by bit, on integers and on real numbers of all sizes.
func TestGatherExtensions(t *testing.T) {
	defer func(x extension) { simd = x }(simd)
	best := detected()
	rng := rand.New(rand.NewPCG(5, 0))
	for x := portable; x <= best; x++ {
		simd = x
		for _, lanes := range []int{8, 16, 32} {
			for _, n := range []int{0, 1, 2, 3, 17, 100} {
				stride := lanes + rng.IntN(3)
				w, acc := make([]float64, 20*stride+lanes), make([]float64, lanes)
				for i := range w {
					w[i] = math.Ldexp(rng.Float64()-0.5, rng.IntN(60))
				}
				for i := range acc {
					acc[i] = rng.NormFloat64()
				}
				index, value := make([]int32, n), make([]float64, n)
				for j := range index {
					index[j], value[j] = int32(rng.IntN(20)), rng.NormFloat64()
				}
				want := append([]float64(nil), acc...)
				for j := range index {
					for r := range want {
						p := w[stride*int(index[j])+r] * value[j]
						want[r] += p
					}
				}
				gather(acc, w, index, value, stride)
				for r := range want {
					if math.Float64bits(acc[r]) != math.Float64bits(want[r]) {
						t.Errorf("extension %d, %d lanes, %d values: sum %d is %g, want %g", x, lanes, n, r, acc[r], want[r])
					}
				}
			}
		}
	}
}

// TestKernelExtensions compares whole kernels on real numbers with one goroutine
// and portable code.
func TestKernelExtensions(t *testing.T) {
	defer func(x extension) { simd = x }(simd)
	g := Window{Cin: 19, H: 9, W: 11, Cout: 43, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 9, OutW: 11}
	rng := rand.New(rand.NewPCG(6, 0))
	const batch = 3
	w, s := make([]float64, g.Cout*g.Cin*9), make([]float64, batch*g.Cin*g.H*g.W)
	for i := range w {
		w[i] = rng.NormFloat64()
	}
	for i := range s {
		s[i] = max(rng.NormFloat64(), 0)
	}
	var list Sparse[float64]
	list.Set(s, batch, g.Cin, g.H, g.W)
	run := func(x extension, serial bool) (up, contrast []float64) {
		simd = x
		up, contrast = make([]float64, batch*g.Cout*g.OutH*g.OutW), make([]float64, len(w))
		k := NewKernel(g, w)
		k.Serial = serial
		k.Apply(up, &list)
		NewOuter[float64](g).Add(contrast, up, nil, s, batch, 1)
		return up, contrast
	}
	up, contrast := run(portable, true)
	for x := portable; x <= detected(); x++ {
		for _, serial := range []bool{false, true} {
			u, c := run(x, serial)
			for i := range up {
				if u[i] != up[i] {
					t.Fatalf("extension %d, serial %v: output %d is %g, want %g", x, serial, i, u[i], up[i])
				}
			}
			for i := range contrast {
				if c[i] != contrast[i] {
					t.Fatalf("extension %d, serial %v: contrast %d is %g, want %g", x, serial, i, c[i], contrast[i])
				}
			}
		}
	}
}

// TestRepack checks that new weights replace the old ones in both directions.
func TestRepack(t *testing.T) {
	g := windows[1]
	rng := rand.New(rand.NewPCG(7, 0))
	old, w := randomCodes(rng, g.Cout*g.Cin*g.KH*g.KW), randomCodes(rng, g.Cout*g.Cin*g.KH*g.KW)
	for _, build := range []func(Window, []int64) *Kernel[int64]{NewKernel[int64], NewTransposed[int64]} {
		got, want := build(g, old), build(g, w)
		got.Repack(w)
		for i, v := range want.packed {
			if got.packed[i] != v {
				t.Fatalf("packed weight %d is %d, want %d", i, got.packed[i], v)
			}
		}
	}
}

// BenchmarkPeak is the yardstick of the kernels: their multiply-adds between
// registers, on one and on two processors.
func BenchmarkPeak(b *testing.B) {
	const rounds = 1 << 20
	for _, y := range Yardsticks() {
		for processors := 1; processors <= 2; processors++ {
			b.Run(fmt.Sprintf("%s/%d", y.Name, processors), func(b *testing.B) {
				for b.Loop() {
					var wg sync.WaitGroup
					for range processors {
						wg.Go(func() { y.Run(rounds) })
					}
					wg.Wait()
				}
				b.ReportMetric(float64(processors*y.Products*rounds)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		}
	}
}
