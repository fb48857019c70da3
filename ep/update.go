package ep

import "epgen/fixedpoint"

// WeightTensor returns the number of the weights of layer n+1 by which stochastic
// rounding draws its bits: 2, 4, 6 and so on.
func WeightTensor(n int) uint32 { return uint32(2*n + 2) }

// BiasTensor returns that of the biases of layer n+1: 3, 5, 7 and so on.
func BiasTensor(n int) uint32 { return uint32(2*n + 3) }

// signTensor is the number by which the sign of the nudge is drawn.
const signTensor = 0

// randomSign returns +1 or -1 by the highest bit of element 0 of that stream.
func randomSign(seed fixedpoint.RandomSeed, number uint32) int {
	if seed.Stream(number, signTensor).At(0, 0)>>31 == 1 {
		return -1
	}
	return 1
}

// tensorUpdate is the update of a tensor [Cout, ...] whose rows have so many columns.
type tensorUpdate struct {
	fixedpoint.Update
	columns int
	random  fixedpoint.RandomStream
}

// layerUpdates returns the updates of weights and biases of layer n+1 in the
// update of the given number.
func (a *Arith) layerUpdates(l *Layer, n int, number uint32) (weights, biases tensorUpdate) {
	la := &a.Layers[n]
	weights = tensorUpdate{la.WeightUpdate, l.In.C * l.KH * l.KW, a.Random.Stream(number, WeightTensor(n))}
	biases = tensorUpdate{la.BiasUpdate, 1, a.Random.Stream(number, BiasTensor(n))}
	return weights, biases
}

// delta returns the rounded change of element i in PyTorch's order.
func (u *tensorUpdate) delta(i int, contrast int64) int64 {
	if u.Mode != fixedpoint.Stochastic {
		return u.Delta(contrast)
	}
	return u.DeltaRandom(contrast, u.random.At(uint32(i/u.columns), uint32(i%u.columns)))
}

// apply returns the new code of element i.
func (u *tensorUpdate) apply(i int, old, contrast int64) int64 {
	return min(max(old+u.delta(i, contrast), u.Lo), u.Hi)
}

// updateCodes returns the new codes, how many differ from the old and how many sums
// had to be saturated.
func updateCodes[T fixedpoint.Number](u tensorUpdate, old []int32, contrast []T) (z []int32, changed, saturated int) {
	z = make([]int32, len(old))
	for i, w := range old {
		sum := int64(w) + u.delta(i, int64(contrast[i]))
		v := min(max(sum, u.Lo), u.Hi)
		if v != sum {
			saturated++
		}
		if v != int64(w) {
			changed++
		}
		z[i] = int32(v)
	}
	return z, changed, saturated
}
