package fixedpoint

import (
	"fmt"
	"math"
	"math/bits"
)

// Softmax takes the logits z of K classes, codes with LogitFrac fractional bits, to
// probabilities p, codes in Format:
//
//	d_j = min(round((max z - z_j) * 2^-Shift), 2^(2 AddressBits) - 1)
//	E_j = Fine[d_j mod 2^AddressBits] * Coarse[d_j div 2^AddressBits]    about exp(-(max z - z_j)/T)
//	p_j = min(round(E_j / sum E * 2^M), Max)
//
// with nearest-up for d and nearest-even for p. Differences, products and sums are
// exact, so the order of the classes does not matter. The tables hold
// exp(-i 2^-IndexFrac/T) and exp(-i 2^AddressBits 2^-IndexFrac/T), rounded to TableBits
// fractional bits; differences beyond their range count as its end.
//
// In hardware it is one subtraction, two tables, one multiplication and a serial
// division of M+1 quotient bits per class.
type Softmax struct {
	LogitFrac   int
	Temperature float64
	AddressBits int // of each table
	TableBits   int // fractional bits of the entries, which are at most 1.0
	IndexFrac   int // fractional bits of d
	Shift       int // from LogitFrac to IndexFrac
	Format      Format
	Max         int64 // largest p: 1.0, or the largest code of a format that ends below 1.0

	Fine, Coarse []uint32
}

// Sizes of the tables that NewSoftmax makes: d is resolved to about 2^-12 T and covers
// differences of logits of about 16 T, exp(-16) being 2^-23.
const (
	softmaxAddressBits = 8
	softmaxTableBits   = 17
	softmaxRange       = 4 // binary logarithm of the range of (max z - z)/T
)

// NewSoftmax returns the softmax of logits with the given fractional bits at a
// temperature of at least 1, with results in an unsigned format of at most 24
// fractional bits.
func NewSoftmax(logitFrac int, temperature float64, format Format) (*Softmax, error) {
	return newSoftmax(logitFrac, temperature, format, softmaxAddressBits, softmaxTableBits)
}

func newSoftmax(logitFrac int, temperature float64, format Format, addressBits, tableBits int) (*Softmax, error) {
	if !(temperature >= 1) || temperature > 1<<20 {
		return nil, fmt.Errorf("fixedpoint: softmax at temperature %g, want 1 to 2^20", temperature)
	}
	if format.Signed || format.Frac < 1 || format.Frac > 24 {
		return nil, fmt.Errorf("fixedpoint: softmax in %v, want an unsigned format of 1 to 24 fractional bits", format)
	}
	s := &Softmax{
		LogitFrac: logitFrac, Temperature: temperature, AddressBits: addressBits, TableBits: tableBits,
		Format: format, Max: min(int64(1)<<format.Frac, format.Max()),
	}
	ceil := int(math.Ceil(math.Log2(temperature)))
	s.IndexFrac = min(2*addressBits-softmaxRange-ceil, logitFrac)
	s.Shift = logitFrac - s.IndexFrac
	entry := func(i int, frac int) uint32 {
		return uint32(math.RoundToEven(math.Ldexp(math.Exp(-math.Ldexp(float64(i), -frac)/temperature), tableBits)))
	}
	for i := range 1 << addressBits {
		s.Fine = append(s.Fine, entry(i, s.IndexFrac))
		s.Coarse = append(s.Coarse, entry(i, s.IndexFrac-addressBits))
	}
	return s, nil
}

// Weight returns E of a logit that lies difference >= 0 below the largest.
func (s *Softmax) Weight(difference int64) uint64 {
	d := int64(1)<<(2*s.AddressBits) - 1
	if q := difference >> s.Shift; q < d { // rounding cannot overflow below the limit
		d = min(NearestUp.Shift(difference, s.Shift), d)
	}
	mask := int64(1)<<s.AddressBits - 1
	return uint64(s.Fine[d&mask]) * uint64(s.Coarse[d>>s.AddressBits])
}

// Divide returns min(round(weight/sum * 2^M), Max) for 0 <= weight <= sum, sum > 0.
func (s *Softmax) Divide(weight, sum uint64) int64 {
	hi, lo := bits.Mul64(weight, 1<<s.Format.Frac)
	q, r := bits.Div64(hi, lo, sum)
	if r > sum-r || r == sum-r && q&1 == 1 {
		q++
	}
	return min(int64(q), s.Max)
}

// Apply writes the probabilities of the logits z to p. The logits' largest difference must fit an int64.
func (s *Softmax) Apply(p, z []int64) {
	top := z[0]
	for _, v := range z {
		top = max(top, v)
	}
	sum := uint64(0)
	for _, v := range z {
		sum += s.Weight(top - v)
	}
	for j, v := range z {
		p[j] = s.Divide(s.Weight(top-v), sum)
	}
}

// ErrorBound bounds |p - softmax(z/T)| for k classes in a format that holds 1.0; one
// that ends below 1.0 adds 2^-M. With E = exp(-x) e^eta + alpha,
//
//	eta    the step of d, 2^-(IndexFrac+1)/T, and the rounding of Fine, 2^-(TableBits+1) over its least entry
//	alpha  the rounding of Coarse, 2^-(TableBits+1), or what lies beyond the tables, exp(-range/T)
//
// the quotient errs by at most (e^(2 eta) - 1)/4, since p(1-p) <= 1/4, plus k alpha, since the
// sum is at least 1, plus half a unit of p.
func (s *Softmax) ErrorBound(k int) float64 {
	unit := math.Ldexp(1, -s.TableBits-1)
	least := math.Ldexp(float64(s.Fine[len(s.Fine)-1]), -s.TableBits)
	eta := math.Ldexp(1, -s.IndexFrac-1)/s.Temperature + unit/(least-unit)
	end := math.Exp(-math.Ldexp(math.Exp2(float64(2*s.AddressBits))-1, -s.IndexFrac) / s.Temperature)
	alpha := (unit + end) * math.Exp(eta)
	return (math.Exp(2*eta)-1)/4 + float64(k)*alpha + math.Ldexp(1, -s.Format.Frac-1)
}
