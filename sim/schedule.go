package sim

import (
	"slices"

	"epgen/ep"
	"epgen/gen"
)

// Memory is a tapped memory of the core.
type Memory uint8

const (
	State0      Memory = iota // states of even layers and the input
	State1                    // states of odd layers
	Index                     // pool indices
	NumMemories = 3
)

// stage is a phase as the golden format counts them: the transfer of the input
// comes before the phases of the model.
type stage uint8

const (
	stageInput stage = iota
	stageFree
)

func stageOf(p ep.Phase) stage { return stage(p) + stageFree }

// Set is one complete set of words that the core writes to one memory: the
// input, or the states or pool indices of a layer in one time step.
type Set struct {
	Memory Memory
	stage  stage
	Copy   int // of the states, see gen.Plan.CopyBase, or of the pool indices
	Step   int
	Layer  int // 0 is the input
	Base   int // word of sample 0, block 0, pixel 0
	Values int // B*C*H*W
}

// Schedule returns the sets that each memory receives in a training step, in
// order.
func Schedule(p *gen.Plan) [NumMemories][]Set {
	var s scheduler
	s.plan = p
	s.input()
	for i, r := range p.Program.Relaxations {
		for t := range r.Steps {
			s.step(i, t)
		}
	}
	s.update()
	return s.sets
}

type scheduler struct {
	plan *gen.Plan
	sets [NumMemories][]Set
}

func (s *scheduler) input() {
	s.sets[State0] = append(s.sets[State0], Set{
		Memory: State0, stage: stageInput, Values: s.plan.Cfg.Batch * s.plan.Input.Shape.Len(),
	})
}

// step appends the sets of one time step.
func (s *scheduler) step(phase, t int) {
	p := s.plan
	for _, v := range p.Visits.Run(phase == gen.CopyFree && t == 0) {
		if v.Up && p.Cfg.DeterminesIndex(ep.Phase(phase), t, v.Layer) {
			s.index(stageOf(ep.Phase(phase)), t, v.Layer, p.IndexCopy(phase, v.Layer))
		}
		if v.Act == 0 {
			continue
		}
		memory := Memory(gen.Bank(v.Act))
		s.sets[memory] = append(s.sets[memory], Set{
			Memory: memory, stage: stageOf(ep.Phase(phase)), Copy: phase, Step: t, Layer: v.Act,
			Base:   p.StateAddr(v.Act, phase, 0, 0, 0),
			Values: s.values(v.Act),
		})
	}
}

// update appends the indices at the points of the contrast, which live pooling
// determines anew.
func (s *scheduler) update() {
	if s.plan.Cfg.PoolIndex != ep.Live {
		return
	}
	for _, v := range s.plan.Visits.Update {
		if v.Layer == 1 {
			continue
		}
		for k := range s.plan.Program.Points {
			s.index(stageOf(s.plan.Program.Update()), k, v.Layer, k)
		}
	}
}

func (s *scheduler) index(phase stage, t, n, copy int) {
	l := &s.plan.Layers[n-1]
	if !l.HasIndex() {
		return
	}
	s.sets[Index] = append(s.sets[Index], Set{
		Memory: Index, stage: phase, Copy: copy, Step: t, Layer: n,
		Base:   copy*s.plan.IndexWords + l.IndexBase,
		Values: s.values(n),
	})
}

func (s *scheduler) values(n int) int { return s.plan.Cfg.Batch * s.plan.Layers[n-1].Out.Shape.Len() }

// Compared returns the number of values that a training step compares: neurons
// and pool indices of every set, the input, every weight and bias, the results.
func Compared(p *gen.Plan) int {
	n := 0
	for _, sets := range Schedule(p) {
		for _, s := range sets {
			n += s.Values
		}
	}
	for i := range p.Layers {
		n += p.Layers[i].Weights() + p.Layers[i].Biases()
	}
	return n + p.Cfg.Batch*p.Layers[len(p.Layers)-1].Out.Shape.Len()
}

// Inferred returns the number of values that an inference compares: those of
// the input, the free phase and the results.
func Inferred(p *gen.Plan) int {
	n := 0
	for _, sets := range Schedule(p) {
		for _, s := range sets {
			if s.stage <= stageFree {
				n += s.Values
			}
		}
	}
	return n + p.Cfg.Batch*p.Layers[len(p.Layers)-1].Out.Shape.Len()
}

// InferProducts returns the useful products of an inference, see
// UsefulProducts.
func InferProducts(p *gen.Plan) int {
	n := 0
	for i := range p.Layers {
		if i == 0 {
			n += p.Layers[i].Products()
		} else {
			n += 2 * p.Cfg.FreeSteps * p.Layers[i].Products()
		}
	}
	return p.Cfg.Batch * n
}

// UsefulProducts returns the useful products of a training step, see
// ep.Layer.Products: both directions of every time step (those of layer 1 once
// per sample, upwards only), the update at every point of the contrast, and
// for live indices one more UP at each point of every
// pooled layer, and one before a first sweep that needs the indices.
func UsefulProducts(p *gen.Plan) int {
	steps, points, first := p.Program.Steps(), len(p.Program.Points), p.Cfg.IndexesFirst()
	n := 0
	for i := range p.Layers {
		l := &p.Layers[i]
		up, down := steps, steps
		if i == 0 {
			up, down = 1, 0
		} else if l.HasIndex() && p.Cfg.PoolIndex == ep.Live {
			up += points
		}
		if slices.Contains(first, l.N) {
			up++
		}
		n += (up + down + points) * l.Products()
	}
	return p.Cfg.Batch * n
}
