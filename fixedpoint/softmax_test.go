package fixedpoint

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigExp returns exp(x) for x <= 0 with 200 bits: the Taylor series of exp(x/2^k),
// squared k times.
func bigExp(x *big.Float) *big.Float {
	const prec, halvings = 256, 16
	if f, _ := x.Float64(); f < -300 {
		return new(big.Float).SetPrec(prec)
	}
	y := new(big.Float).SetPrec(prec).SetMantExp(x, -halvings)
	sum, term := big.NewFloat(1).SetPrec(prec), big.NewFloat(1).SetPrec(prec)
	for i := 1; i < 40; i++ {
		term.Mul(term, y)
		term.Quo(term, new(big.Float).SetInt64(int64(i)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

// exactSoftmax returns softmax(z 2^-frac / T).
func exactSoftmax(z []int64, frac int, temperature float64) []float64 {
	top := z[0]
	for _, v := range z {
		top = max(top, v)
	}
	sum := new(big.Float).SetPrec(256)
	var e []*big.Float
	for _, v := range z {
		x := new(big.Float).SetPrec(256).SetInt64(v - top)
		x.SetMantExp(x, -frac)
		x.Quo(x, big.NewFloat(temperature))
		e = append(e, bigExp(x))
		sum.Add(sum, e[len(e)-1])
	}
	p := make([]float64, len(z))
	for j := range p {
		p[j], _ = new(big.Float).Quo(e[j], sum).Float64()
	}
	return p
}

func checkSoftmax(t *testing.T, s *Softmax, z []int64, worst *float64) {
	t.Helper()
	p := make([]int64, len(z))
	s.Apply(p, z)
	bound := s.ErrorBound(len(z))
	if s.Max < 1<<s.Format.Frac {
		bound += s.Format.LSB()
	}
	for j, want := range exactSoftmax(z, s.LogitFrac, s.Temperature) {
		d := math.Abs(s.Format.ToFloat(p[j]) - want)
		*worst = max(*worst, d/bound)
		if d > bound || p[j] < 0 || p[j] > s.Max {
			t.Fatalf("T %g, %v, logits %v * 2^-%d: p[%d] = %d, exactly %.9f, want within %g",
				s.Temperature, s.Format, z, s.LogitFrac, j, p[j], want, bound)
		}
	}
}

// TestSoftmaxExhaustive compares small units with math/big for every pair and every
// triple of logits of few bits.
func TestSoftmaxExhaustive(t *testing.T) {
	for _, temperature := range []float64{1, 1.5, 4} {
		for _, c := range []struct{ frac, address, table, prob int }{{3, 3, 5, 4}, {2, 4, 8, 8}, {5, 3, 6, 6}} {
			s, err := newSoftmax(c.frac, temperature, UQ(1, c.prob), c.address, c.table)
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for a := int64(-64); a < 64; a++ {
				checkSoftmax(t, s, []int64{a, 3}, &worst)
			}
			for a := int64(-12); a < 12; a++ {
				for b := int64(-12); b < 12; b++ {
					checkSoftmax(t, s, []int64{a, b, 0}, &worst)
				}
			}
		}
	}
}

// TestSoftmaxDense compares the real unit with math/big: all differences on a dense
// grid, and random logits of 2 to 100 classes.
func TestSoftmaxDense(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, temperature := range []float64{1, 2, 3, 10} {
		for _, format := range []Format{UQ(0, 15), UQ(1, 15), UQ(0, 8), UQ(1, 20)} {
			s, err := NewSoftmax(27, temperature, format)
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for d := int64(0); d < 18<<27; d += 1<<20 + 12345 {
				checkSoftmax(t, s, []int64{5 << 27, 5<<27 - int64(float64(d)*temperature)}, &worst)
			}
			for _, k := range []int{2, 3, 10, 100} {
				for range 20 {
					z := make([]int64, k)
					for j := range z {
						z[j] = int64(rng.NormFloat64() * 4 * float64(int64(1)<<27))
					}
					z[rng.IntN(k)] = z[0] // equal ones
					checkSoftmax(t, s, z, &worst)
				}
			}
			if worst < 0.05 {
				t.Errorf("T %g, %v: the largest error is %.3f of the bound, want a bound that says something", temperature, format, worst)
			}
			checkSoftmax(t, s, []int64{math.MinInt64 / 4, math.MaxInt64 / 4, 0}, &worst)
		}
	}
}

// TestSoftmaxSum checks that probabilities of equal logits are equal and sum to about 1,
// and that a division rounds to even.
func TestSoftmaxSum(t *testing.T) {
	s, err := NewSoftmax(20, 1, UQ(1, 4))
	if err != nil {
		t.Fatal(err)
	}
	for k := 1; k <= 40; k++ {
		p := make([]int64, k)
		s.Apply(p, make([]int64, k))
		want := int64(math.RoundToEven(16 / float64(k)))
		for j, got := range p {
			if got != want {
				t.Fatalf("%d equal logits: p[%d] = %d/16, want %d/16", k, j, got, want)
			}
		}
	}
}

func ExampleSoftmax() {
	s, _ := NewSoftmax(8, 1, UQ(1, 15))
	p := make([]int64, 3)
	s.Apply(p, []int64{256, 0, -256}) // logits 1, 0, -1
	for _, c := range p {
		fmt.Printf("%.4f ", s.Format.ToFloat(c))
	}
	fmt.Printf("within %.1g\n", s.ErrorBound(3))
	// Output: 0.6653 0.2447 0.0900 within 0.001
}
