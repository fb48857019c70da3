package gen

import (
	"slices"

	"epgen/ep"
)

// UsefulProducts returns the useful products of a training step, see ep.Layer.Products: both
// directions of every time step (those of layer 1 once per sample, upwards only), the update at
// every point of the contrast, for live indices one more UP at each point of every pooled layer,
// and one before a first sweep that needs the indices; of heads both directions of every nudged
// step, and in the update their logits and contrasts.
func (p *Plan) UsefulProducts() int {
	steps, points, first := p.Program.Steps(), len(p.Program.Points), p.Cfg.IndexesFirst()
	n := 0
	for i := range p.Layers {
		l := &p.Layers[i]
		up, down, points := steps, steps, len(p.Program.Terms(l.N))
		if !p.Cfg.Trains(l.N) {
			points = 0
		}
		if i == 0 || i >= p.relaxing() {
			up, down = 1, 0
		} else if l.HasIndex() && p.Cfg.PoolIndex == ep.Live { // none where there are no points
			up += points
		}
		if slices.Contains(first, l.N) {
			up++
		}
		n += (up + down + points) * l.Products()
	}
	for i := range p.Heads { // both ways in every nudged step; in the update upwards where it is evaluated, and the contrast
		h := &p.Heads[i]
		n += (2*(steps-p.Program.Relaxations[CopyFree].Steps) + p.Evaluations(h) + points) * h.Products()
	}
	return p.Cfg.Batch * n
}

// InferProducts returns the useful products of an inference, see UsefulProducts.
func (p *Plan) InferProducts() int {
	steps, first, n := p.Program.Relaxations[CopyFree].Steps, p.Cfg.IndexesFirst(), 0
	for i := range p.Layers {
		walks := 2 * steps
		if i == 0 || i >= p.relaxing() {
			walks = 1
		}
		if slices.Contains(first, i+1) {
			walks++
		}
		n += walks * p.Layers[i].Products()
	}
	return p.Cfg.Batch * n
}
