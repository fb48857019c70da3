package ep

import (
	"runtime"
	"sync"
	"sync/atomic"

	"epgen/fixedpoint"
)

// shardSamples is the largest number of samples that one goroutine relaxes together.
// Samples do not meet before the contrast, so it does not change any result.
const shardSamples = 8

// shardSize returns how many samples of a batch to relax together, so that every processor
// has some. The samples of a phase that may end early settle together.
func shardSize(cfg *Config) int {
	if cfg.MinSteps > 0 {
		return cfg.Batch
	}
	processors := runtime.GOMAXPROCS(0)
	return min(shardSamples, (cfg.Batch+processors-1)/processors)
}

// engine runs the phases of mini-batches in some arithmetic. Quantities cross it
// as real numbers.
type engine interface {
	// setParams takes the parameters of the following phases, quantised in fixed point.
	setParams(p *FloatParams)
	// relax runs the free phase, and the nudged ones if asked, on at most a batch of samples.
	// All nudges have the given sign.
	relax(s *FloatSamples, nudged bool, sign int)
	// freeStates writes s* of layer n+1, [B, C, H, W].
	freeStates(n int, dst []float64)
	// lastStates returns s* of the last batch of training, [layer][B, C, H, W], from which a
	// warm start goes on, or nil; setLastStates sets them.
	lastStates() [][]float64
	setLastStates(states [][]float64)
	// output writes the outputs at the end of the free phase, [B, classes].
	output(dst []float64)
	// contrast prepares that of layer n+1 for the next two methods.
	contrast(n int)
	// gradient writes scale times the contrast.
	gradient(w, b []float64, scale float64)
	// updateCodes applies the hardware's update to parameters whose values are codes of
	// the given formats, and to what is kept of them.
	updateCodes(p *FloatLayerParams, kept *LayerParams, weights, biases tensorUpdate, f *Formats)
	// measure returns statistics of layer n+1 over the batch.
	measure(n int) Activity
	headEngine
}

// machine is the engine on elements T. Its memory does not grow with the number of
// time steps: the states of the phases for a batch, one contrast, and per goroutine a
// relaxer of shardSamples samples. Relaxers share the packed weights.
type machine[T fixedpoint.Number] struct {
	elements[T]
	cfg     *Config
	program *Program
	workers []*relaxer[T]
	outer   []*fixedpoint.Outer[T] // by layer
	states  phaseStates[T]

	layer           int // of the contrast; or head
	w, b            []T // scratch for packing, then the contrast
	inputs, targets []T // [B, C, H, W] and [B, classes]; no targets with a readout
	labels          []int
	samples         int // of the last batch
	heads           []*headBatch[T]
	sign            T     // of its nudges
	last            [][]T // s* of the last batch of training, if starts are warm
	warm            bool  // it is there
	initial         [][]T // states of the batch; nil unless the samples bring some

	shard func(r *relaxer[T], first int, nudged bool) // relaxShard, or what takes its place
}

// phaseStates are the final states of the phases, [phase][layer][B, C, H, W], the pool
// indices at the points of the contrast, [point][layer][B, C, H, W], and the largest
// change of a state in the last free step, of each sample of each layer.
type phaseStates[T fixedpoint.Number] struct {
	finals   finals[T]
	index    [][][]uint8
	residual [][]T
}

func newMachine[T fixedpoint.Number](cfg *Config, e elements[T], relaxer func() *relaxer[T]) *machine[T] {
	program := cfg.Program()
	m := &machine[T]{elements: e, cfg: cfg, program: program}
	m.states.finals = make(finals[T], len(program.Relaxations))
	m.states.index = make([][][]uint8, len(program.Points))
	size := shardSize(cfg)
	shards := (cfg.Batch + size - 1) / size
	for range min(runtime.GOMAXPROCS(0), shards) {
		m.workers = append(m.workers, relaxer())
	}
	largest, widest := 0, 0
	for n := range cfg.Network.Layers {
		l := &cfg.Network.Layers[n]
		first := &m.workers[0].layers[n]
		for _, r := range m.workers {
			r.layers[n].up, r.layers[n].down = first.up, first.down
		}
		// Several shards share the processors; a single one has them all.
		first.up.Serial = shards > 1
		if first.down != nil {
			first.down.Serial = shards > 1
		}
		if m.integers && n > 0 {
			setRange(first.up, cfg.states(n-1).Union(m.changes()))
			setRange(first.down, cfg.states(n).Union(m.changes()))
		}
		m.outer = append(m.outer, fixedpoint.NewOuter[T](l.Window()))
		largest, widest = max(largest, l.Weights()), max(widest, l.Out.C)
		states, index := cfg.Batch*l.Out.Len(), cfg.Batch*len(first.index)/m.workers[0].batch
		for i := range m.states.finals {
			m.states.finals[i] = append(m.states.finals[i], make([]T, states))
		}
		for i := range m.states.index {
			m.states.index[i] = append(m.states.index[i], make([]uint8, index))
		}
		if cfg.Start == Warm {
			m.last = append(m.last, make([]T, states))
		}
		m.states.residual = append(m.states.residual, make([]T, cfg.Batch))
	}
	m.w, m.b = make([]T, largest), make([]T, widest)
	// Room for samples that fill up the last shard.
	room := shards * m.workers[0].batch
	m.inputs = make([]T, room*cfg.Network.Input.Len())
	if cfg.Network.Readout() == nil {
		m.targets = make([]T, room*cfg.Network.Classes())
	}
	m.heads = m.newHeadBatches(room)
	m.shard = m.relaxShard
	return m
}

func (m *machine[T]) setParams(p *FloatParams) {
	for n := range p.Layers {
		q, l := &p.Layers[n], &m.workers[0].layers[n]
		w, weight, bias := m.w[:len(q.W)], m.weight(n), m.bias(n)
		for i, x := range q.W {
			w[i] = weight(x)
		}
		l.up.Repack(w)
		if l.down != nil {
			l.down.Repack(w)
		}
		scale := m.biasScale(n)
		for _, r := range m.workers {
			for c, x := range q.B {
				r.layers[n].bias[c] = bias(x) * scale
			}
		}
	}
	m.setHeads(p.Heads)
}

func (m *machine[T]) relax(s *FloatSamples, nudged bool, sign int) {
	m.samples, m.sign = len(s.Y), T(sign)
	for i, x := range s.X {
		m.inputs[i] = m.input(x)
	}
	m.labels = s.Y
	if m.targets != nil {
		clear(m.targets)
		for b, label := range s.Y {
			m.targets[b*m.cfg.Network.Classes()+label] = m.one
		}
	}
	m.setTeacher(s)
	m.initial = nil
	for n, states := range s.States {
		given, code := make([]T, m.cfg.Batch*m.cfg.Network.Layers[n].Out.Len()), m.given(n)
		for i, x := range states {
			given[i] = code(x)
		}
		m.initial = append(m.initial, given)
	}
	size := m.workers[0].batch
	shards := (m.samples + size - 1) / size
	workers := m.workers[:min(len(m.workers), shards)]
	m.join(workers, shards)
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, r := range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < shards; i = int(next.Add(1)) - 1 {
				m.shard(r, i*size, nudged)
			}
		})
	}
	wg.Wait()
	if m.cfg.Start == Warm && nudged {
		m.warm = true
		for n, s := range m.states.finals[PhaseFree] {
			copy(m.last[n], s)
		}
	}
}

// join makes a team of workers that each have one shard, and so run the same steps.
func (m *machine[T]) join(workers []*relaxer[T], shards int) {
	var team *fixedpoint.Team[T]
	if len(workers) == shards && shards > 1 {
		team = fixedpoint.NewTeam[T](shards)
	}
	for rank, r := range workers {
		r.team, r.rank = team, rank
	}
}

// from returns the states in which the free phase begins: in training from warm starts those of
// the batch before, else those that the samples bring, or nil for the constant.
func (m *machine[T]) from(r *relaxer[T], first int, nudged bool) [][]T {
	all := m.initial
	if m.warm && nudged {
		all = m.last
	}
	if all == nil {
		return nil
	}
	var states [][]T
	for n := range r.layers {
		states = append(states, m.part(r, all, n, first))
	}
	return states
}

func (m *machine[T]) lastStates() [][]float64 {
	if !m.warm {
		return nil
	}
	var states [][]float64
	for n, s := range m.last {
		real := make([]float64, len(s))
		for i, v := range s {
			real[i] = float64(v) * m.state[n]
		}
		states = append(states, real)
	}
	return states
}

func (m *machine[T]) setLastStates(states [][]float64) {
	m.warm = true
	for n, s := range states {
		for i, v := range s {
			m.last[n][i] = T(v / m.state[n])
		}
	}
}

// begin gives a worker inputs and targets of the samples from first.
func (m *machine[T]) begin(r *relaxer[T], first int) {
	in, classes := m.cfg.Network.Input, m.cfg.Network.Classes()
	r.input = m.inputs[first*in.Len():][:r.batch*in.Len()]
	r.x.Set(r.input, r.batch, in.C, in.H, in.W)
	r.sign = m.sign
	if m.targets != nil {
		r.nudge.target = m.targets[first*classes:][:r.batch*classes]
	}
	m.headTargets(r, m.labels, first)
}

// relaxShard runs the phases on the samples from first.
func (m *machine[T]) relaxShard(r *relaxer[T], first int, nudged bool) {
	m.begin(r, first)
	star := m.states.finals[PhaseFree]
	r.begin(m.from(r, first, nudged))
	r.monitor.samples = min(r.batch, m.samples-first)
	for t := range m.cfg.FreeSteps {
		if t == m.cfg.FreeSteps-1 || r.monitor.least > 0 { // perhaps the last
			m.keep(r, star, first)
		}
		r.step(PhaseFree, t)
		if r.monitor.settled(t + 1) {
			break
		}
	}
	m.keepResidual(r, first)
	m.keep(r, star, first)
	m.keepHeads(r, PhaseFree, first)
	if !nudged {
		return
	}
	index := r.indices()
	for i, phase := range m.program.Relaxations {
		if i == 0 {
			continue
		}
		for n := range r.layers {
			copy(r.layers[n].s, m.part(r, star, n, first))
		}
		if r.differs {
			r.toFree(nil)
		}
		if r.live { // frozen ones are those of s* all along
			r.setIndices(index)
		}
		r.run(Phase(i), phase.Steps)
		m.keep(r, m.states.finals[i], first)
		m.keepHeads(r, Phase(i), first)
	}
	m.keepIndices(r, first)
}

// part returns the states of layer n+1 of the samples of r, from first, as far as
// they belong to the batch.
func (m *machine[T]) part(r *relaxer[T], states [][]T, n, first int) []T {
	size := r.layers[n].Out.Len()
	return states[n][first*size : min(first+r.batch, m.cfg.Batch)*size]
}

// keepHeads keeps the values of the heads at the present states.
func (m *machine[T]) keepHeads(r *relaxer[T], phase Phase, first int) {
	for i, b := range m.heads {
		b.keep(r, i, phase, first)
	}
}

func (m *machine[T]) keep(r *relaxer[T], states [][]T, first int) {
	for n := range r.layers {
		copy(m.part(r, states, n, first), r.layers[n].s)
	}
}

// keepResidual compares the states of r with those kept before the last step.
func (m *machine[T]) keepResidual(r *relaxer[T], first int) {
	for n := range r.layers {
		old, size := m.part(r, m.states.finals[PhaseFree], n, first), r.layers[n].Out.Len()
		residual := m.states.residual[n][first : first+len(old)/size]
		clear(residual)
		for i, v := range old {
			d := r.layers[n].s[i] - v
			residual[i/size] = max(residual[i/size], d, -d)
		}
	}
}

// keepIndices stores the pool indices for the contrast: those of s*, or, live,
// of each point, from one more UP.
func (m *machine[T]) keepIndices(r *relaxer[T], first int) {
	below := make([][]T, len(r.layers))
	for k, p := range m.program.Points {
		for n := range r.layers {
			l := &r.layers[n]
			below[n] = m.part(r, m.states.finals[p.Phase], n, first)
			if !l.HasIndex() {
				continue
			}
			if n > 0 && r.live {
				r.reindex(n, below)
			}
			size := l.Out.Len()
			copy(m.states.index[k][n][first*size:min(first+r.batch, m.cfg.Batch)*size], l.index)
		}
	}
}

func (m *machine[T]) freeStates(n int, dst []float64) {
	for i := range dst {
		dst[i] = float64(m.states.finals[PhaseFree][n][i]) * m.state[n]
	}
}

func (m *machine[T]) output(dst []float64) {
	if m.targets == nil {
		m.headLogits(len(m.heads)-1, dst)
		return
	}
	last := m.states.finals[PhaseFree][len(m.cfg.Network.Layers)-1]
	for i := range m.samples * m.cfg.Network.Classes() {
		dst[i] = float64(last[i]) * m.state[len(m.state)-1]
	}
}
