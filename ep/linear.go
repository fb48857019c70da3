package ep

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// TrainLinear trains the baseline of a data set, a linear classifier
//
//	p = softmax(W x + b)      loss -log p_y
//
// from zero by stochastic gradients on the same samples as a Trainer would: mini-batches,
// rate, epochs, momentum, decay, schedule, augmentation and seed are those of cfg, whose network
// must be a single dense layer, and of opt. The score is told after every epoch, with the loss
// above.
func TrainLinear(cfg *Config, opt TrainOptions, data *Dataset, report func(epoch int, train, test Score)) error {
	net := &cfg.Network
	if len(net.Layers) != 1 || net.Layers[0].Kind != Dense {
		return fmt.Errorf("network %s, want a single dense layer such as fc10 for a linear classifier", net.Notation())
	}
	if err := firstError(opt.Validate(), data.check(net)); err != nil {
		return err
	}
	if cfg.Batch > data.Train.Len() {
		return fmt.Errorf("batch of %d samples, want at most the %d of the training part of %s",
			cfg.Batch, data.Train.Len(), data.Name)
	}
	l := linear{net: net, p: NewFloatParams(net).Layers[0], v: NewFloatParams(net).Layers[0], z: make([]float64, net.Classes())}
	g := NewFloatParams(net).Layers[0]
	var samples FloatSamples
	for epoch := range opt.Epochs {
		rate := cfg.Rates[0] * opt.Schedule.Factor(epoch, opt.Epochs)
		order := NewRandom(mixSeed(cfg.Seed, ^uint64(epoch))).permutation(data.Train.Len())
		var train Score
		for ; len(order) >= cfg.Batch; order = order[cfg.Batch:] {
			data.Train.fill(&samples, order[:cfg.Batch], net, opt.Augment, mixSeed(cfg.Seed, uint64(epoch)))
			clear(g.W)
			clear(g.B)
			train.add(l.run(&samples, &g))
			l.descend(&g, rate, opt)
		}
		var test Score
		for i := range data.Test.Len() {
			data.Test.fill(&samples, []int{i}, net, Augment{}, 0)
			test.add(l.run(&samples, nil))
		}
		report(epoch+1, train.over(data.Train.Len()/cfg.Batch*cfg.Batch), test.over(data.Test.Len()))
	}
	return nil
}

func (s *Score) add(x Score) { s.Loss, s.Accuracy = s.Loss+x.Loss, s.Accuracy+x.Accuracy }

// over returns the mean of sums over so many samples.
func (s Score) over(samples int) Score {
	n := float64(max(samples, 1))
	return Score{s.Loss / n, s.Accuracy / n}
}

// linear is a linear classifier with its velocities and outputs.
type linear struct {
	net  *Network
	p, v FloatLayerParams
	z    []float64
}

// run returns the summed loss and the number of correct samples, and adds the gradient of
// their mean loss to g, if there is one.
func (l *linear) run(s *FloatSamples, g *FloatLayerParams) Score {
	size := l.net.Input.Len()
	z := vector(l.z)
	var score Score
	for b, label := range s.Y {
		x := vector(s.X[b*size:][:size])
		copy(l.z, l.p.B)
		blas64.Gemv(blas.NoTrans, 1, l.matrix(l.p.W), x, 1, z)
		best := 0
		for k, v := range l.z {
			if v > l.z[best] {
				best = k
			}
		}
		if best == label {
			score.Accuracy++
		}
		softmax(l.z, l.z, len(l.z), 1)
		score.Loss -= math.Log(max(l.z[label], math.SmallestNonzeroFloat64))
		if g == nil {
			continue
		}
		l.z[label]--
		mean := 1 / float64(len(s.Y))
		blas64.Axpy(mean, z, vector(g.B))
		blas64.Ger(mean, z, x, l.matrix(g.W))
	}
	return score
}

// matrix returns weights as [K, C*H*W], row by row.
func (l *linear) matrix(w []float64) blas64.General {
	size := l.net.Input.Len()
	return blas64.General{Rows: len(l.z), Cols: size, Stride: size, Data: w}
}

// vector returns x as a vector of BLAS.
func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }

// descend moves the parameters; biases do not decay.
func (l *linear) descend(g *FloatLayerParams, rate float64, opt TrainOptions) {
	move := func(x, v, g []float64, decay float64) {
		for i := range x {
			v[i] = opt.Momentum*v[i] + g[i] + decay*x[i]
			x[i] -= rate * v[i]
		}
	}
	move(l.p.W, l.v.W, g.W, opt.Decay)
	move(l.p.B, l.v.B, g.B, 0)
}
