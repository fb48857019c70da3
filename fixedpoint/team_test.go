package fixedpoint

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTeam compares what members compute together with what each computes alone: on a map
// small enough to meet on, in both directions, twice in a row.
func TestTeam(t *testing.T) {
	if !hasMultiply() {
		t.Skip("no 16-bit kernel on this machine")
	}
	g := Window{Cin: 70, H: 4, W: 5, Cout: 90, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: 4, OutW: 5}
	for members := 2; members <= 4; members++ {
		for _, batch := range []int{4, 5} {
			t.Run(fmt.Sprintf("members%d/batch%d", members, batch), func(t *testing.T) {
				testTeam(t, rand.New(rand.NewPCG(9, 0)), g, members, batch)
			})
		}
	}
}

func testTeam(t *testing.T, rng *rand.Rand, g Window, members, batch int) {
	draw := func(n, size int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(rng.IntN(2*size+1) - size)
		}
		return x
	}
	w := draw(g.Cout*g.Cin*g.KH*g.KW, 500)
	kernels := []*Kernel[float64]{NewKernel(g, w), NewTransposed(g, w)}
	team := NewTeam[float64](members)
	const rounds = 2
	got := make([][][]float64, members) // [member][application]
	want := make([][][]float64, members)
	lists := make([][]Sparse[float64], members)
	for m := range members {
		for range rounds {
			for _, k := range kernels {
				k.Serial = true
				k.SetRange(-32767, 32767)
				if !k.together(batch) {
					t.Fatal("members do not meet at this kernel")
				}
				var s Sparse[float64]
				s.Set(draw(batch*k.Cin*k.H*k.W, 32767), batch, k.Cin, k.H, k.W)
				z := make([]float64, batch*k.Cout*k.OutH*k.OutW)
				k.Apply(z, &s)
				lists[m], want[m] = append(lists[m], s), append(want[m], z)
				got[m] = append(got[m], make([]float64, len(z)))
			}
		}
	}
	var wg sync.WaitGroup
	for m := range members {
		wg.Go(func() {
			for i := range rounds * len(kernels) {
				kernels[i%len(kernels)].ApplyTogether(team, m, got[m][i], &lists[m][i])
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alone and together (-alone +together):\n%.400s", diff)
	}
}

// TestTogether checks where members meet: on small maps with work enough, in 16 bits.
func TestTogether(t *testing.T) {
	if !hasMultiply() {
		t.Skip("no 16-bit kernel on this machine")
	}
	for _, c := range []struct {
		channels, side int
		narrow, want   bool
	}{{128, 4, true, true}, {128, 4, false, false}, {128, 8, true, false}, {8, 4, true, false}} {
		g := Window{Cin: c.channels, H: c.side, W: c.side, Cout: c.channels, KH: 3, KW: 3, PadY: 1, PadX: 1, OutH: c.side, OutW: c.side}
		k := NewKernel(g, make([]float64, g.Cout*g.Cin*9))
		if c.narrow {
			k.SetRange(0, 100)
		}
		if got := k.together(4); got != c.want {
			t.Errorf("%d channels on %dx%d, 16 bits %v: together %v, want %v", c.channels, c.side, c.side, c.narrow, got, c.want)
		}
	}
}
