package ep

import "math"

// Random is the generator splitmix64: a counter that advances by the odd
// constant 2^64/phi, mixed. It is defined by integer operations alone, so
// a seed gives the same numbers everywhere.
//
//	z = (state += 0x9e3779b97f4a7c15)
//	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
//	z = (z ^ z>>27) * 0x94d049bb133111eb
//	result = z ^ z>>31
//
// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
// Generators", OOPSLA 2014, https://doi.org/10.1145/2660193.2660195 and
// Vigna's variant of its constants, https://prng.di.unimi.it/splitmix64.c.
type Random struct{ state uint64 }

// NewRandom returns the generator whose state is seed.
func NewRandom(seed uint64) *Random { return &Random{seed} }

// Uint64 returns the next 64 bits.
func (r *Random) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Float64 returns the next multiple of 2^-53 in [0, 1), from the upper 53 bits.
func (r *Random) Float64() float64 { return float64(r.Uint64()>>11) * 0x1p-53 }

// Intn returns the next integer in [0, n) for n >= 1, by remainder: its bias,
// below n*2^-64, does not matter for drawing pictures.
func (r *Random) Intn(n int) int { return int(r.Uint64() % uint64(n)) }

// permutation returns the numbers below n in random order (Fisher and Yates).
func (r *Random) permutation(n int) []int {
	order := make([]int, n)
	for i := range order {
		j := r.Intn(i + 1)
		order[i], order[j] = order[j], i
	}
	return order
}

// InitParams returns the parameters that the tool starts from:
//
//	W[i] = (2u - 1) * Gain/sqrt(fan_in),  fan_in = Cin*KH*KW      b[i] = Bias
//
// and after the layers likewise the maps of the heads, with HeadGain, bias 0 and
// the mean of centred features Mean,
//
// with u the next Random.Float64, layer after layer in the order [Cout, Cin, KH,
// KW]. The factor 2u - 1 is exact, so each weight has one rounding.
func InitParams(net *Network, init Init, seed uint64) *FloatParams {
	random := NewRandom(seed)
	p := NewFloatParams(net)
	for i := range net.Layers {
		l := &net.Layers[i]
		bound := init.Gain / math.Sqrt(float64(l.In.C*l.KH*l.KW))
		for j := range p.Layers[i].W {
			p.Layers[i].W[j] = (2*random.Float64() - 1) * bound
		}
		for j := range p.Layers[i].B {
			p.Layers[i].B[j] = init.Bias
		}
	}
	for i := range net.Heads {
		h := &net.Heads[i]
		gain := init.HeadGain
		if !h.Kind.Trains() {
			gain = max(gain, 1) // a fixed map of 0 would say nothing
		}
		bound := gain / math.Sqrt(float64(h.Map.In.C*h.Map.KH*h.Map.KW))
		for j := range p.Heads[i].W {
			p.Heads[i].W[j] = (2*random.Float64() - 1) * bound
		}
		if h.Center {
			for j := range p.Heads[i].Mean {
				p.Heads[i].Mean[j] = init.Mean
			}
		}
	}
	return p
}
