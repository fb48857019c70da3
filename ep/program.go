package ep

import "fmt"

// Program is the order of a training step, or in an inference build of an inference, as data:
// what relaxes, and of which final states the contrast is made. Model, sequencer, cycle model, schedule and bench
// derive from it, and nothing else says how many phases there are.
type Program struct {
	Relaxations []Relaxation // by Phase; the first is the free phase
	Points      []Point      // of the contrast, in the order in which it is summed
	RandomSign  bool         // every beta and every weight changes sign with the sign drawn for the update
	Differences bool         // nudged phases hold differences from s*
	Reads       bool         // the logits of the readout follow the free phase, of an inference build
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

// TermKind says which factors of a term of the contrast are differences from s*.
type TermKind int

const (
	NoneMoves  TermKind = iota // both are whole states
	HereMoves                  // that of the layer
	BelowMoves                 // that of the layer below
	BothMove
)

// Term is a product of final states, summed over pixels and samples:
// Weight U(z)[o,y,x] v[i,S*y+a,S*x+b].
type Term struct {
	Here, Below Phase // whose z and v are
	Weight      int
	Kind        TermKind
}

// Terms returns those of the contrast of layer n, from 1, in the order in which they are
// summed. For whole states these are the points. For differences, with the factors 2^k that align their
// fractional bits, k of the layer and k' of the one below,
//
//	sum c s s' = sum c (s* + d)(s*' + d') = 2^min(k,k') sum c (2^max(0,k'-k) d s*' + 2^max(0,k-k') s* d') + sum c d d'
//
// since the weights c sum to 0. Below layer 1 is the input, which does not move.
func (p *Program) Terms(n int) []Term { return termsOf(p.Points, p.Differences, n) }

func termsOf(points []Point, differences bool, n int) []Term {
	var terms []Term
	if !differences {
		for _, k := range points {
			terms = append(terms, Term{k.Phase, k.Phase, k.Weight, NoneMoves})
		}
		return terms
	}
	for kind := HereMoves; kind <= BothMove && (n > 1 || kind == HereMoves); kind++ {
		for _, k := range points {
			here, below := k.Phase, k.Phase
			switch {
			case k.Phase == PhaseFree: // which is no distance away from s*
				continue
			case kind == HereMoves:
				below = PhaseFree
			case kind == BelowMoves:
				here = PhaseFree
			}
			terms = append(terms, Term{here, below, k.Weight, kind})
		}
	}
	return terms
}

// Program returns the program of a configuration.
func (c *Config) Program() *Program {
	p := &Program{Relaxations: []Relaxation{{"free", c.FreeSteps, 0}}, Differences: c.Differs()}
	if c.Build == Inference {
		p.Reads = c.Network.Readout() != nil
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
// below, which are s* then. Phases that hold differences keep those of the last free step.
func (c *Config) DeterminesIndex(phase Phase, step, n int) bool {
	return determinesIndex(c.PoolIndex == Live, c.Sweep == Asynchronous, c.Differs(), phase, step, n)
}

func determinesIndex(live, async, differences bool, phase Phase, step, n int) bool {
	switch {
	case n == 1:
		return phase == PhaseFree && step == 0
	case live || phase == PhaseFree:
		return true
	case differences:
		return false
	}
	return phase == PhaseNudge && step == 0 && !(async && n%2 == 0)
}

// Learns reports whether an update follows the relaxations. A program that does not learn
// is the free phase alone.
func (p *Program) Learns() bool { return len(p.Points) > 0 }

// Update returns the phase of the update, which follows the relaxations.
func (p *Program) Update() Phase { return Phase(len(p.Relaxations)) }

// Readout returns the phase of the readout of an inference build, which follows the free phase.
func (p *Program) Readout() Phase { return Phase(len(p.Relaxations)) }

// Name returns the name of a phase: that of a relaxation, "update" or "readout".
func (p *Program) Name(phase Phase) string {
	if phase < p.Update() {
		return p.Relaxations[phase].Name
	}
	if p.Reads {
		return "readout"
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
