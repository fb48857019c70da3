// Package fixedpoint is the arithmetic of the toolkit: number formats,
// rounding, saturation, the interval calculus from which every width follows,
// and the integer tensor kernels of a convergent network.
//
// # Conventions
//
// A code c in a format with F fractional bits denotes the real number c*2^-F.
// QN.M does not count the sign bit: the signed format QN.M has 1+N+M bits, the
// unsigned format UQN.M has N+M. Products and sums of codes are exact; the only
// roundings are those of [Requant] and [Update]. In the kernels x is an
// operand, w a weight, z a result or an error, and dst is overwritten.
//
// # Worked example
//
// A neuron sums 9 products of a weight in Q1.14 with a state in UQ0.15, adds a
// bias in Q1.14 and becomes a state again:
//
//	weight   Q1.14   [-32768, 32767]
//	state    UQ0.15  [0, 32767]
//	product          [-1073709056, 1073676289]        29 fractional bits
//	sum of 9         [-9663381504, 9663086601]        35 bits, any partial sum too
//	bias << 15       [-1073741824, 1073709056]        29 fractional bits
//	acc              [-10737123328, 10736795657]      35 bits
//	state' = clamp(round(acc * 2^-14), 0, 32767)      15 fractional bits
//
// so that the accumulator is a 35-bit register and the activation a shift by
// 14. The test TestWorkedExample computes these numbers.
package fixedpoint
