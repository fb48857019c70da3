package ep

import "fmt"

// Program is the order of a training step, or in an inference build of an inference, as data:
// what relaxes, and of which final states the contrast is made. Model, sequencer, cycle model, schedule and bench
// derive from it, and nothing else says how many phases there are.
type Program struct {
	Relaxations []Relaxation // by Phase; the first is the free phase
	Points      []Point      // of the contrast, in the order in which it is summed
	RandomSign  bool         // every beta and every weight changes sign with the sign drawn for the update
}

// Relaxation is a phase in which the states relax. The free phase begins at the
// initial state; all others begin at s*, its end. Each leaves its final states
// in a copy of its own, which has the number of the phase.
type Relaxation struct {
	Name  string
	Steps int
	Beta  float64 // strength of the nudge with its sign; 0 in the free phase
}

// Point is one term of the contrast: sum over points of Weight dPhi/dtheta at
// the final states of a phase. The weights sum to 0.
type Point struct {
	Phase  Phase
	Weight int
}

// Program returns the program of a configuration.
func (c *Config) Program() *Program {
	p := &Program{Relaxations: []Relaxation{{"free", c.FreeSteps, 0}}}
	if c.Build == Inference {
		return p
	}
	nudge := func(name string, beta float64) {
		p.Relaxations = append(p.Relaxations, Relaxation{name, c.NudgeSteps, beta})
	}
	switch c.Estimate {
	case Symmetric:
		nudge("plus", c.Beta)
		nudge("minus", -c.Beta)
		p.Points = []Point{{PhaseNudge, 1}, {PhaseNudge + 1, -1}}
	case Positive:
		nudge("plus", c.Beta)
		p.Points = []Point{{PhaseNudge, 1}, {PhaseFree, -1}}
	case Negative:
		nudge("minus", -c.Beta)
		p.Points = []Point{{PhaseFree, 1}, {PhaseNudge, -1}}
	case RandomSign:
		nudge("nudged", c.Beta)
		p.Points = []Point{{PhaseNudge, 1}, {PhaseFree, -1}}
		p.RandomSign = true
	case SeveralPoints:
		for i, beta := range c.Betas {
			nudge(fmt.Sprintf("nudge%d", i+1), beta)
			p.Points = append(p.Points, Point{PhaseNudge + Phase(i), c.BetaWeights[i]})
		}
	}
	return p
}

// DeterminesIndex reports whether a time step determines the pool index of layer n by
// comparison. Layer 1 does so once, its input being constant. Frozen indices are kept
// once they are those of s*: that is after the first nudged step, or, asynchronous, for
// even layers after the last free one, since they come after the odd layers
// below, which are s* then.
func (c *Config) DeterminesIndex(phase Phase, step, n int) bool {
	return determinesIndex(c.PoolIndex == Live, c.Sweep == Asynchronous, phase, step, n)
}

func determinesIndex(live, async bool, phase Phase, step, n int) bool {
	switch {
	case n == 1:
		return phase == PhaseFree && step == 0
	case live || phase == PhaseFree:
		return true
	}
	return phase == PhaseNudge && step == 0 && !(async && n%2 == 0)
}

// Learns reports whether an update follows the relaxations. A program that does not learn
// is the free phase alone.
func (p *Program) Learns() bool { return len(p.Points) > 0 }

// Update returns the phase of the update, which follows the relaxations.
func (p *Program) Update() Phase { return Phase(len(p.Relaxations)) }

// Name returns the name of a phase: that of a relaxation, or "update".
func (p *Program) Name(phase Phase) string {
	if phase < p.Update() {
		return p.Relaxations[phase].Name
	}
	return "update"
}

// Spread returns sum over points of Weight * beta, by which the contrast is divided to
// estimate the gradient; beta gives the strength of each phase.
func (p *Program) Spread(beta func(phase Phase) float64) float64 {
	sum := 0.0
	for _, k := range p.Points {
		sum += float64(k.Weight) * beta(k.Phase)
	}
	return sum
}

// Steps returns the number of time steps of all relaxations.
func (p *Program) Steps() int {
	n := 0
	for _, r := range p.Relaxations {
		n += r.Steps
	}
	return n
}
