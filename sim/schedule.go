package sim

import (
	"epgen/ep"
	"epgen/gen"
)

// Memory is a tapped memory of the core, or what is tapped of its heads on the way. The
// numbers are those of gen.Design.Taps, and of the golden format.
type Memory uint8

const (
	State0      Memory = iota // states of even layers and the input; averages for heads
	State1                    // states of odd layers; errors of heads
	Index                     // pool indices
	Logit                     // logits of heads
	Probability               // of their softmax
	Nudge                     // of a head, for each neuron of its layer, before its sign
	Warm                      // probabilities at the temperature of a teacher
	NumMemories = 7
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
// input, given initial states, or the states or pool indices of a layer in one time step.
type Set struct {
	Memory Memory
	stage  stage
	Copy   int // of the states, see gen.Plan.CopyBase, or of the pool indices
	Step   int
	Layer  int // 0 is the input; what belongs to heads is numbered after the layers, see headMap
	Base   int // word of sample 0, block 0, pixel 0
	Values int // B*C*H*W
}

// Inferred reports whether an inference writes the set: one of the input, the free phase or the
// readout of an inference build.
func (s *Set) Inferred(p *gen.Plan) bool { return !p.Program.Learns() || s.stage <= stageFree }

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
	if p.Program.Learns() {
		s.update()
	}
	if p.Reads() {
		s.readout()
	}
	return s.sets
}

// Together returns how many sets of a memory, from the first on, the core writes interleaved:
// in the update the pool indices at the points of the contrast, slab by slab.
func Together(p *gen.Plan, sets []GoldenSet) int {
	update := func(s *GoldenSet) bool { return s.Memory == Index && s.stage == stageOf(p.Program.Update()) }
	n := 1
	for n < len(sets) && update(&sets[0]) && update(&sets[n]) && sets[n].Layer == sets[0].Layer {
		n++
	}
	return n
}

type scheduler struct {
	plan *gen.Plan
	sets [NumMemories][]Set
}

func (s *scheduler) input() {
	s.sets[State0] = append(s.sets[State0], Set{
		Memory: State0, stage: stageInput, Values: s.plan.Cfg.Batch * s.plan.Input.Shape.Len(),
	})
	if !s.plan.ReadsStates() {
		return
	}
	for n := 1; n <= s.plan.Relaxing(); n++ {
		m := Memory(gen.Bank(n))
		s.sets[m] = append(s.sets[m], Set{
			Memory: m, stage: stageInput, Layer: n, Base: s.plan.StateAddr(n, gen.CopyFree, 0, 0, 0), Values: s.values(n),
		})
	}
}

// step appends the sets of one time step.
func (s *scheduler) step(phase, t int) {
	p := s.plan
	for _, v := range p.Visits.Run(phase, t) {
		s.head(v, phase, t)
		if v.Up && v.Layer <= len(p.Layers) && p.Cfg.DeterminesIndex(ep.Phase(phase), t, v.Layer) {
			s.index(stageOf(ep.Phase(phase)), t, v.Layer, p.IndexCopy(phase, v.Layer))
		}
		if v.Act == 0 {
			continue
		}
		memory := Memory(gen.Bank(v.Act))
		states := Set{
			Memory: memory, stage: stageOf(ep.Phase(phase)), Copy: phase, Step: t, Layer: v.Act,
			Base:   p.StateAddr(v.Act, phase, 0, 0, 0),
			Values: s.values(v.Act),
		}
		s.sets[memory] = append(s.sets[memory], states)
		if h := p.HeadOn(v.Act); h != nil && phase != gen.CopyFree {
			states.Memory, states.Layer = Nudge, headMap(p, h, mapNudges)
			s.sets[Nudge] = append(s.sets[Nudge], states)
		}
	}
}

// readout appends the logits of an inference build, the states of the last layer.
func (s *scheduler) readout() {
	p, n := s.plan, s.plan.Last().N
	memory := Memory(gen.Bank(n))
	s.sets[memory] = append(s.sets[memory], Set{
		Memory: memory, stage: stageOf(p.Program.Readout()), Copy: gen.CopyFree, Layer: n,
		Base: p.StateAddr(n, gen.CopyFree, 0, 0, 0), Values: s.values(n),
	})
}

// update appends the indices at the points of the contrast, which live pooling
// determines anew.
func (s *scheduler) update() {
	for _, v := range s.plan.Visits.Update {
		phase := s.plan.Program.Points[v.Point].Phase
		if v.Free {
			phase = ep.PhaseFree
		}
		s.headStage(v, stageOf(s.plan.Program.Update()), int(phase), v.Point)
	}
	if s.plan.Cfg.PoolIndex != ep.Live {
		return
	}
	for _, v := range s.plan.Visits.Update {
		if v.Layer == 1 || v.Layer > len(s.plan.Layers) {
			continue
		}
		for k := range s.plan.Program.Points {
			s.index(stageOf(s.plan.Program.Update()), k, v.Layer, k)
		}
	}
}

// head appends the averages and the errors of the head of a visit.
func (s *scheduler) head(v gen.Visit, phase, t int) {
	s.headStage(v, stageOf(ep.Phase(phase)), phase, t)
}

func (s *scheduler) headStage(v gen.Visit, phase stage, copy, t int) {
	if v.Pool == 0 {
		return
	}
	p := s.plan
	h := p.At(v.Layer)
	add := func(m Memory, kind int, words gen.BlockMap, base int) {
		s.sets[m] = append(s.sets[m], Set{
			Memory: m, stage: phase, Copy: copy, Step: t, Layer: headMap(p, h, kind),
			Base: base, Values: p.Cfg.Batch * words.Shape.Len(),
		})
	}
	add(State0, mapAverages, h.In, p.CopyBase(0, copy)+h.In.StateBase)
	add(Logit, mapLogits, h.Out, 0)
	if h.HeadArith.Softmax != nil {
		add(Probability, mapProbabilities, h.Out, 0)
	}
	if h.HeadArith.Warm != nil {
		add(Warm, mapWarm, h.Out, 0)
	}
	add(State1, mapErrors, h.Out, p.CopyBase(1, copy)+h.Out.StateBase)
}

// Maps of heads in the trace, each for all heads in turn behind the input and the layers.
const (
	mapErrors = iota // numbered as the heads are among layers
	mapAverages
	mapLogits
	mapProbabilities
	mapNudges
	mapWarm
	headMaps
)

var headMapNames = [headMaps]string{"error", "average", "logit", "probability", "nudge", "warm probability"}

// headMap is the number of a map of a head among the maps of the trace.
func headMap(p *gen.Plan, h *gen.LayerPlan, kind int) int {
	return len(p.Layers) + 1 + kind*len(p.Heads) + (h.N-p.Heads[0].N)/2
}

// Block returns the words of a set: those of the input, of a layer, or of a map of a head.
func (s *Set) Block(p *gen.Plan) gen.BlockMap {
	switch n := s.Layer - len(p.Layers) - 1; {
	case s.Layer == 0:
		return p.Input
	case n < 0:
		return p.Layers[s.Layer-1].Out
	default:
		return headBlock(p, n%len(p.Heads), n/len(p.Heads))
	}
}

// headBlock returns the words of a map of head i.
func headBlock(p *gen.Plan, i, kind int) gen.BlockMap {
	switch h := &p.Heads[i]; kind {
	case mapAverages:
		return h.In
	case mapNudges:
		return p.Layers[h.Head.Layer-1].Out
	default:
		return h.Out
	}
}

func (s *scheduler) index(phase stage, t, n, copy int) {
	l := &s.plan.Layers[n-1]
	if !l.HasIndex() {
		return
	}
	s.sets[Index] = append(s.sets[Index], Set{
		Memory: Index, stage: phase, Copy: copy, Step: t, Layer: n,
		Base:   (copy*s.plan.IndexWords + l.IndexBase) * s.plan.IndexParts(),
		Values: s.values(n),
	})
}

func (s *scheduler) values(n int) int { return s.plan.Cfg.Batch * s.plan.Layers[n-1].Out.Shape.Len() }

// Compared returns the number of values that a run of the core compares: neurons
// and pool indices of every set, the input, every weight and bias that is updated, the results.
func Compared(p *gen.Plan) int {
	n := 0
	for _, sets := range Schedule(p) {
		for _, s := range sets {
			n += s.Values
		}
	}
	for _, l := range p.Slabs() {
		if !p.Program.Learns() || !p.Cfg.Trains(l.N) {
			continue
		}
		n += (l.Weights() + l.Biases()) * (1 + p.KeptWords())
	}
	return n + p.Cfg.Batch*p.Last().Out.Shape.Len()
}

// Inferred returns the number of values that an inference compares: those of
// the input, the free phase, the readout of an inference build, and the results.
func Inferred(p *gen.Plan) int {
	n := 0
	for _, sets := range Schedule(p) {
		for _, s := range sets {
			if s.Inferred(p) {
				n += s.Values
			}
		}
	}
	return n + p.Cfg.Batch*p.Last().Out.Shape.Len()
}
