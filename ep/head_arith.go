package ep

import "epgen/fixedpoint"

// HeadArith is the arithmetic of one head.
type HeadArith struct {
	WeightUpdate, BiasUpdate, MeanUpdate fixedpoint.Update
}

// headUpdate are the updates of the parameters of a head.
type headUpdate struct{ weights, biases, mean tensorUpdate }

// headUpdates returns those of head i in the update of the given number. Its tensors
// are numbered after those of the layers. Means are never rounded stochastically.
func (a *Arith) headUpdates(net *Network, i int, number uint32) headUpdate {
	ha, m, n := &a.Heads[i], &net.Heads[i].Map, len(net.Layers)+i
	return headUpdate{
		weights: tensorUpdate{ha.WeightUpdate, m.In.C * m.KH * m.KW, a.Random.Stream(number, WeightTensor(n))},
		biases:  tensorUpdate{ha.BiasUpdate, 1, a.Random.Stream(number, BiasTensor(n))},
		mean:    tensorUpdate{Update: ha.MeanUpdate, columns: 1},
	}
}
