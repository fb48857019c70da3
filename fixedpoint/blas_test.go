package fixedpoint

import (
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// blasConv is the textbook way to the cross-correlation in float64: the maps under each
// output pixel are copied to a column, and one multiplication of matrices by gonum's BLAS does the rest.
type blasConv struct {
	Window
	columns, z []float64 // [Cin*KH*KW, B*OutH*OutW], [Cout, B*OutH*OutW]
}

func (c *blasConv) apply(w, s []float64, batch int) {
	pixels := batch * c.OutH * c.OutW
	depth := c.Cin * c.KH * c.KW
	c.columns, c.z = resize(c.columns, depth*pixels), resize(c.z, c.Cout*pixels)
	row := 0
	for i := range c.Cin {
		for a := range c.KH {
			for b := range c.KW {
				z := c.columns[row*pixels:][:pixels]
				row++
				p := 0
				for n := range batch {
					for y := range c.OutH {
						for x := range c.OutW {
							v, u := c.Step()*y+a-c.PadY, c.Step()*x+b-c.PadX
							z[p] = 0
							if v >= 0 && v < c.H && u >= 0 && u < c.W {
								z[p] = s[((n*c.Cin+i)*c.H+v)*c.W+u]
							}
							p++
						}
					}
				}
			}
		}
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1,
		blas64.General{Rows: c.Cout, Cols: depth, Stride: depth, Data: w},
		blas64.General{Rows: depth, Cols: pixels, Stride: pixels, Data: c.columns}, 0,
		blas64.General{Rows: c.Cout, Cols: pixels, Stride: pixels, Data: c.z})
}

// TestKernelAgainstBLAS compares the float64 kernels with gonum's BLAS. The orders of summation
// differ: n terms of magnitude at most 1 may differ by n^2 roundings of 2^-53.
func TestKernelAgainstBLAS(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 0))
	for _, g := range windows {
		const batch = 3
		w, s := make([]float64, g.Cout*g.Cin*g.KH*g.KW), make([]float64, batch*g.Cin*g.H*g.W)
		for i := range w {
			w[i] = 2*rng.Float64() - 1
		}
		for i := range s {
			s[i] = max(0, 2*rng.Float64()-1)
		}
		c := blasConv{Window: g}
		c.apply(w, s, batch)
		var list Sparse[float64]
		list.Set(s, batch, g.Cin, g.H, g.W)
		got := make([]float64, batch*g.Cout*g.OutH*g.OutW)
		NewKernel(g, w).Apply(got, &list)
		area, terms := g.OutH*g.OutW, float64(g.Cin*g.KH*g.KW)
		for i, v := range got {
			n, o, p := i/(g.Cout*area), i/area%g.Cout, i%area
			if want := c.z[(o*batch+n)*area+p]; math.Abs(v-want) > terms*terms*0x1p-53 {
				t.Fatalf("%+v: sample %d, channel %d, pixel %d: %v, BLAS has %v", g, n, o, p, v, want)
			}
		}
	}
}

// BenchmarkFloat64Convolution is the middle layer of VGG-11 on dense maps, by the kernels and by
// gonum's BLAS.
func BenchmarkFloat64Convolution(b *testing.B) {
	g := benchmarkWindow
	rng := rand.New(rand.NewPCG(22, 0))
	for _, batch := range []int{1, 8} {
		w, s := make([]float64, g.Cout*g.Cin*g.KH*g.KW), make([]float64, batch*g.Cin*g.H*g.W)
		for i := range w {
			w[i] = 2*rng.Float64() - 1
		}
		for i := range s {
			s[i] = rng.Float64()
		}
		measure := func(b *testing.B, f func()) {
			var before, after syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				f()
			}
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
				b.Fatal(err)
			}
			done := float64(batch*g.Products()) * float64(b.N)
			b.ReportMetric(done/b.Elapsed().Seconds()/1e9, "GMAC/s")
			b.ReportMetric(done/float64(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano()), "GMAC/cpu-s")
		}
		b.Run(fmt.Sprintf("kernel/batch%d", batch), func(b *testing.B) {
			k, dst := NewKernel(g, w), make([]float64, batch*g.Cout*g.OutH*g.OutW)
			var list Sparse[float64]
			measure(b, func() {
				list.Set(s, batch, g.Cin, g.H, g.W)
				k.Apply(dst, &list)
			})
		})
		b.Run(fmt.Sprintf("blas/batch%d", batch), func(b *testing.B) {
			c := blasConv{Window: g}
			measure(b, func() { c.apply(w, s, batch) })
		})
	}
}
