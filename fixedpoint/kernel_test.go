package fixedpoint

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// windows are small geometries of every awkward kind.
var windows = []Window{
	{Cin: 1, H: 1, W: 1, Cout: 1, KH: 1, KW: 1, OutH: 1, OutW: 1},
	{Cin: 3, H: 5, W: 7, Cout: 9, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 5, OutW: 7},
	{Cin: 3, H: 5, W: 7, Cout: 9, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 4, OutW: 6},
	{Cin: 8, H: 6, W: 4, Cout: 16, KH: 5, KW: 5, PadY: 2, PadX: 2, OutH: 6, OutW: 4},
	{Cin: 5, H: 6, W: 6, Cout: 4, KH: 5, KW: 5, OutH: 2, OutW: 2},
	{Cin: 2, H: 1, W: 1, Cout: 3, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 1, OutW: 1},
	{Cin: 2, H: 4, W: 4, Cout: 3, KH: 3, KW: 3, PadY: 2, PadX: 2, OutH: 6, OutW: 6},
	{Cin: 3, H: 7, W: 6, Cout: 9, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 4, OutW: 3, Stride: 2},
	{Cin: 2, H: 8, W: 5, Cout: 3, KH: 5, KW: 5, OutH: 2, OutW: 1, Stride: 2},
	{Cin: 4, H: 6, W: 7, Cout: 5, KH: 1, KW: 1, OutH: 3, OutW: 4, Stride: 2},                   // taps that meet no output
	{Cin: 3, H: 9, W: 8, Cout: 2, KH: 7, KW: 7, PadY: 4, PadX: 4, OutH: 4, OutW: 4, Stride: 2}, // the last row unused
	{Cin: 17, H: 3, W: 2, Cout: 10, KH: 3, KW: 2, OutH: 1, OutW: 1},
	{Cin: 20, H: 8, W: 9, Cout: 21, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 8, OutW: 8}, // large enough to run in parallel
}

// correlateNaive is the definition, term by term.
func correlateNaive(g Window, w, s []int64, batch int) []int64 {
	z := make([]int64, batch*g.Cout*g.OutH*g.OutW)
	visit(g, batch, func(weight, below, out int) { z[out] += w[weight] * s[below] })
	return z
}

// visit calls f for every product of the window inside the map with the places
// of its weight, of the value below and of the output.
func visit(g Window, batch int, f func(weight, below, out int)) {
	for n := range batch * g.Cout * g.OutH * g.OutW * g.Cin * g.KH * g.KW {
		b, rest := n%g.KW, n/g.KW
		a, rest := rest%g.KH, rest/g.KH
		i, rest := rest%g.Cin, rest/g.Cin
		x, out := rest%g.OutW, rest
		y := rest / g.OutW % g.OutH
		o := rest / (g.OutW * g.OutH) % g.Cout
		m := rest / (g.OutW * g.OutH * g.Cout)
		v, u := y*g.Step()+a-g.PadY, x*g.Step()+b-g.PadX
		if v < 0 || v >= g.H || u < 0 || u >= g.W {
			continue
		}
		f(((o*g.Cin+i)*g.KH+a)*g.KW+b, ((m*g.Cin+i)*g.H+v)*g.W+u, out)
	}
}

// randomCodes returns n codes of up to 16 bits, a third of them 0 and some at
// the ends of the range.
func randomCodes(rng *rand.Rand, n int) []int64 {
	x := make([]int64, n)
	for i := range x {
		switch rng.IntN(6) {
		case 0, 1:
		case 2:
			x[i] = []int64{-32768, 32767, 1, -1}[rng.IntN(4)]
		default:
			x[i] = rng.Int64N(65536) - 32768
		}
	}
	return x
}

func convert[T Number](x []int64) []T {
	z := make([]T, len(x))
	for i, v := range x {
		z[i] = T(v)
	}
	return z
}

func back[T Number](x []T) []int64 {
	z := make([]int64, len(x))
	for i, v := range x {
		z[i] = int64(v)
	}
	return z
}

func TestKernels(t *testing.T) {
	for i, g := range windows {
		for batch := 1; batch <= 3; batch += 2 {
			t.Run(fmt.Sprintf("window%d/batch%d", i, batch), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, uint64(i)))
				testKernels[int64](t, rng, g, batch)
				testKernels[float64](t, rng, g, batch)
			})
		}
	}
}

// testKernels compares the three uses of a window with their definitions.
func testKernels[T Number](t *testing.T, rng *rand.Rand, g Window, batch int) {
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	w := randomCodes(rng, g.Cout*g.Cin*g.KH*g.KW)
	s := randomCodes(rng, batch*g.Cin*g.H*g.W)
	z := randomCodes(rng, batch*g.Cout*g.OutH*g.OutW)

	var list Sparse[T]
	list.Set(convert[T](s), batch, g.Cin, g.H, g.W)
	up := make([]T, len(z))
	NewKernel(g, convert[T](w)).Apply(up, &list)
	if diff := cmp.Diff(correlateNaive(g, w, s, batch), back(up)); diff != "" {
		t.Errorf("correlation over %+v (-want +got):\n%s", g, diff)
	}

	list.SetOutputs(convert[T](z), nil, batch, g)
	down := make([]T, len(s))
	NewTransposed(g, convert[T](w)).Apply(down, &list)
	want := make([]int64, len(s))
	visit(g, batch, func(weight, below, out int) { want[below] += w[weight] * z[out] })
	if diff := cmp.Diff(want, back(down)); diff != "" {
		t.Errorf("transposed convolution over %+v (-want +got):\n%s", g, diff)
	}

	outer := NewOuter[T](g)
	contrast := convert[T](w)
	outer.Add(contrast, convert[T](z), nil, convert[T](s), batch, 1)
	outer.Add(contrast, convert[T](z), nil, convert[T](s), batch, 1)
	outer.Add(contrast, convert[T](z), nil, convert[T](s), batch, -1)
	wantContrast := append([]int64(nil), w...)
	visit(g, batch, func(weight, below, out int) { wantContrast[weight] += z[out] * s[below] })
	if diff := cmp.Diff(wantContrast, back(contrast)); diff != "" {
		t.Errorf("outer product over %+v (-want +got):\n%s", g, diff)
	}
}

// TestProducts counts the useful products of a window one by one.
func TestProducts(t *testing.T) {
	for _, g := range windows {
		want := 0
		visit(g, 1, func(_, _, _ int) { want++ })
		if got := g.Products(); got != want {
			t.Errorf("%+v: %d products, want %d", g, got, want)
		}
	}
}

// TestShapePanics checks that shape mistakes are told apart.
func TestShapePanics(t *testing.T) {
	g := windows[1]
	w := make([]int64, g.Cout*g.Cin*g.KH*g.KW)
	var list Sparse[int64]
	list.Set(make([]int64, g.Cin*g.H*g.W), 1, g.Cin, g.H, g.W)
	large := g
	large.OutH++
	for _, c := range []struct {
		f    func()
		want string
	}{
		{func() { NewKernel(g, w[1:]) }, "fixedpoint: NewKernel operand has 242 elements, want 243"},
		{func() { NewTransposed(large, w) }, "fixedpoint: window output 6x7, want at most 5x7"},
		{func() { NewKernel(g, w).Apply(make([]int64, 3), &list) }, "fixedpoint: Kernel.Apply operand has 3 elements, want 315"},
		{func() { list.Set(nil, 1, 1, 1, 1) }, "fixedpoint: Sparse.Set operand has 0 elements, want 1"},
		{func() { NewInterval(1, 0) }, "fixedpoint: interval [1, 0] is empty"},
		{func() { NewInterval(-1, 0).Width(false) }, "fixedpoint: [-1, 0] has no unsigned width"},
	} {
		func() {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("panic %v, want %s", got, c.want)
				}
			}()
			c.f()
		}()
	}
}

// TestPooledForms checks that the sparse forms of an unpooled map equal the
// dense ones: of a max pool, where an index places each value, and of an average,
// where it stands at all four places.
func TestPooledForms(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	const batch = 2
	for _, g := range []Window{
		{Cin: 5, H: 4, W: 6, Cout: 11, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 4, OutW: 6},
		{Cin: 2, H: 8, W: 11, Cout: 3, KH: 5, KW: 5, PadY: 2, PadX: 2, OutH: 4, OutW: 6, Stride: 2},
	} {
		z := randomCodes(rng, batch*g.Cout*g.OutH/2*g.OutW/2)
		index := make([]uint8, len(z))
		for i := range index {
			index[i] = uint8(rng.IntN(4))
		}
		dense := make([]int64, batch*g.Cout*g.OutH*g.OutW)
		Unpool(dense, index, z, batch*g.Cout, g.OutH, g.OutW)
		testPooledForm(t, rng, g, batch, dense, z, index)
		sum, place := make([]int64, len(dense)), make([]int64, len(dense))
		for k := range uint8(4) {
			for i := range index {
				index[i] = k
			}
			Unpool(place, index, z, batch*g.Cout, g.OutH, g.OutW)
			for i, v := range place {
				sum[i] += v
			}
		}
		testPooledForm(t, rng, g, batch, sum, z, nil)
	}
}

func testPooledForm(t *testing.T, rng *rand.Rand, g Window, batch int, dense, z []int64, index []uint8) {
	w := randomCodes(rng, g.Cout*g.Cin*g.KH*g.KW)
	s := randomCodes(rng, batch*g.Cin*g.H*g.W)
	k := NewTransposed(g, w)
	var list Sparse[int64]
	want, got := make([]int64, len(s)), make([]int64, len(s))
	list.SetOutputs(dense, nil, batch, g)
	k.Apply(want, &list)
	list.SetOutputs(z, index, batch, g)
	k.Apply(got, &list)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("feedback of an unpooled map over %+v (-dense +sparse):\n%s", g, diff)
	}

	outer := NewOuter[int64](g)
	want, got = make([]int64, len(w)), make([]int64, len(w))
	outer.Add(want, dense, nil, s, batch, 1)
	outer.Add(got, z, index, s, batch, 1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contrast of an unpooled map over %+v (-dense +sparse):\n%s", g, diff)
	}
}

func TestPooling(t *testing.T) {
	// One plane of 5x5: the last row and column take no part.
	src := []int64{
		1, 2, 7, 7, 9,
		3, 0, 7, 8, 9,
		-4, -4, 0, 0, 9,
		-4, -4, 0, 0, 9,
		9, 9, 9, 9, 9,
	}
	dst, index := make([]int64, 4), make([]uint8, 4)
	MaxPool(dst, index, src, 1, 5, 5)
	if diff := cmp.Diff([]int64{3, 8, -4, 0}, dst); diff != "" {
		t.Errorf("MaxPool values (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint8{2, 3, 0, 0}, index); diff != "" {
		t.Errorf("MaxPool index, ties first in raster order (-want +got):\n%s", diff)
	}
	again := make([]int64, 4)
	Select(again, index, src, 1, 5, 5)
	if diff := cmp.Diff(dst, again); diff != "" {
		t.Errorf("Select at the argmax (-want +got):\n%s", diff)
	}
	SumPool(again, src, 1, 5, 5)
	if diff := cmp.Diff([]int64{6, 29, -16, 0}, again); diff != "" {
		t.Errorf("SumPool (-want +got):\n%s", diff)
	}
	spread := make([]int64, 25)
	Unpool(spread, []uint8{2, 3, 0, 1}, []int64{3, 8, -4, 5}, 1, 5, 5)
	want := make([]int64, 25)
	want[5], want[8], want[10], want[13] = 3, 8, -4, 5
	if diff := cmp.Diff(want, spread); diff != "" {
		t.Errorf("Unpool (-want +got):\n%s", diff)
	}
}

// benchmarkWindow is a middle layer of VGG-11: 256 to 256 channels on 8x8.
var benchmarkWindow = Window{Cin: 256, H: 8, W: 8, Cout: 256, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 8, OutW: 8}

func benchmarkApply[T Number](b *testing.B, g Window) {
	rng := rand.New(rand.NewPCG(3, 0))
	w, s := make([]T, g.Cout*g.Cin*g.KH*g.KW), make([]T, g.Cin*g.H*g.W)
	for i := range w {
		w[i] = T(rng.IntN(65536) - 32768)
	}
	for i := range s {
		s[i] = T(1 + rng.IntN(32767))
	}
	k, dst := NewKernel(g, w), make([]T, g.Cout*g.OutH*g.OutW)
	var list Sparse[T]
	list.Set(s, 1, g.Cin, g.H, g.W)
	for b.Loop() {
		k.Apply(dst, &list)
	}
	b.ReportMetric(float64(g.Products())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}

func BenchmarkKernelFloat64(b *testing.B) { benchmarkApply[float64](b, benchmarkWindow) }
func BenchmarkKernelInt64(b *testing.B)   { benchmarkApply[int64](b, benchmarkWindow) }
func BenchmarkKernelDeep(b *testing.B) {
	benchmarkApply[float64](b, Window{Cin: 512, H: 2, W: 2, Cout: 512, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 2, OutW: 2})
}

func BenchmarkOuter(b *testing.B) {
	g := benchmarkWindow
	rng := rand.New(rand.NewPCG(4, 0))
	z, s := make([]float64, g.Cout*g.OutH*g.OutW), make([]float64, g.Cin*g.H*g.W)
	for i := range z {
		z[i] = float64(1 + rng.IntN(32767))
	}
	for i := range s {
		s[i] = float64(1 + rng.IntN(32767))
	}
	u, dst := NewOuter[float64](g), make([]float64, g.Cout*g.Cin*g.KH*g.KW)
	for b.Loop() {
		u.Add(dst, z, nil, s, 1, 1)
	}
	b.ReportMetric(float64(g.Products())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}
