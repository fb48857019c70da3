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
	fixedpoint.Descent
	columns int
	random  fixedpoint.RandomStream
	bits    int  // fractional bits of the master beyond those of the codes
	starts  int  // whose contrasts one update sums
	last    bool // this is the last of them
}

// layerUpdates returns the updates of weights and biases of layer n+1 in the
// update of the given number, which the contrasts of so many starts precede.
func (a *Arith) layerUpdates(cfg *Config, n int, number uint32, accumulated int) (weights, biases tensorUpdate) {
	la, l := &a.Layers[n], &cfg.Network.Layers[n]
	weights = tensorUpdate{
		Descent: cfg.descent(la.WeightUpdate, a.Keeps), columns: l.In.C * l.KH * l.KW, random: a.Random.Stream(number, WeightTensor(n)),
		bits: cfg.Formats.MasterBits, starts: cfg.Starts(), last: accumulated == cfg.Starts()-1,
	}
	biases = weights
	biases.Descent, biases.columns, biases.random = cfg.descent(la.BiasUpdate, a.Keeps), 1, a.Random.Stream(number, BiasTensor(n))
	return weights, biases
}

// updateCodes returns the new codes, how many differ from the old and how many sums
// had to be saturated. What is kept of them is changed in place.
func updateCodes[T fixedpoint.Number](u tensorUpdate, old []int32, kept *Kept, contrast []T) (z []int32, changed, saturated int) {
	z = make([]int32, len(old))
	for i, w := range old {
		e, clamped := u.step(i, kept.at(i, int64(w)), int64(contrast[i]))
		if clamped {
			saturated++
		}
		if e.code != int64(w) {
			changed++
		}
		z[i] = int32(e.code)
		kept.set(i, e)
	}
	return z, changed, saturated
}

// newTensorUpdate is the update of a tensor of which nothing is kept.
func newTensorUpdate(u fixedpoint.Update, columns int, random fixedpoint.RandomStream) tensorUpdate {
	return tensorUpdate{Descent: fixedpoint.Descent{Update: u}, columns: columns, random: random, starts: 1, last: true}
}
