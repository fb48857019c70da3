package ep

import (
	"fmt"

	"epgen/fixedpoint"
)

// Start says from which states the free phase of a training step begins.
type Start int

const (
	Cold Start = iota // the initial states, every time
	Warm              // the free equilibrium of the training step before, as it is on chip
)

// String returns the name that flags and files use: "cold" or "warm".
func (s Start) String() string {
	if s == Warm {
		return "warm"
	}
	return "cold"
}

// UnmarshalText reads "cold" or "warm".
func (s *Start) UnmarshalText(text []byte) error {
	switch string(text) {
	case "cold":
		*s = Cold
	case "warm":
		*s = Warm
	default:
		return fmt.Errorf("start %q, want cold or warm", text)
	}
	return nil
}

// maxDamping bounds Config.Damping: with 2^-8 a state needs hundreds of steps.
const maxDamping = 8

// checkDynamics checks damping and initial state.
func (c *Config) checkDynamics() error {
	if err := checkRange("phases.damping", c.Damping, 0, maxDamping); err != nil {
		return err
	}
	if c.MinSteps != 0 {
		most := c.FreeSteps
		if c.Build == Training {
			most = min(most, c.NudgeSteps)
		}
		if err := checkRange("phases.min-steps", c.MinSteps, 2, most); err != nil {
			return err
		}
	}
	if err := checkShare("phases.initial-state", c.Initial); err != nil {
		return err
	}
	if got, want := len(c.LayerInitial), len(c.Network.Layers); got != 0 && got != want {
		return badSetting("phases.layer-initial", "%d numbers, want %d, one for each layer, or none", got, want)
	}
	for i, v := range c.LayerInitial {
		if err := ofTheLayer(i+1, checkShare("phases.layer-initial", v)); err != nil {
			return err
		}
	}
	if err := c.checkGiven(); err != nil {
		return err
	}
	for n := range c.Network.Layers {
		if v := c.InitialOf(n + 1); c.Damping > 0 && v > 0 { // channels that pad a word would fade from it
			return badSetting("phases.initial-state", "%v with damping %d, want 0 or damping 0", v, c.Damping)
		}
	}
	return nil
}

// IndexesFirst returns the layers whose pool index is determined before the first
// sweep, at the initial states: even layers with an index, if the sweeps are
// asynchronous and do not begin at states 0, of which U would be 0 anyway. Each is
// determined again in the sweep, after the layer below has moved.
func (c *Config) IndexesFirst() []int {
	if c.Sweep != Asynchronous || c.fromZero() && c.Start == Cold {
		return nil
	}
	var list []int
	for n := 2; n <= len(c.Network.Layers); n += 2 {
		if c.Network.Layers[n-1].HasIndex() {
			list = append(list, n)
		}
	}
	return list
}

// InitialOf returns the state of the neurons of layer n, from 1, at a cold start.
func (c *Config) InitialOf(n int) float64 {
	if n <= len(c.LayerInitial) {
		return c.LayerInitial[n-1]
	}
	return c.Initial
}

// fromZero reports that all states are 0 at a cold start.
func (c *Config) fromZero() bool {
	if c.GivenStates {
		return false
	}
	for n := range c.Network.Layers {
		if c.InitialOf(n+1) != 0 {
			return false
		}
	}
	return true
}

// begin makes the initial states the present ones: from, or, if that is nil, the constant.
func (r *relaxer[T]) begin(from [][]T) {
	for n := range r.layers {
		if from != nil {
			copy(r.layers[n].s, from[n])
			continue
		}
		for i := range r.layers[n].s {
			r.layers[n].s[i] = r.layers[n].initial
		}
	}
}

// damper is the step from the old state to the activated one, z:
//
//	s' = s + round((z - s) * 2^-k)
//
// with a rounding of its own, in fixed point; a difference below half a unit of 2^k
// codes moves nothing. With z = s nothing moves, so the equilibria are those without
// damping, or in fixed point states within 2^(k-1) codes of them.
func (a *Arith) damp(s, z int64) int64 { return s + a.Damper.Apply(z-s) }

// newDamper returns the rounding of a damped step, which leads at most from one end of
// the states to the other.
func newDamper(cfg *Config) fixedpoint.Requant {
	var way fixedpoint.Interval
	for n := range cfg.Network.Layers {
		way = way.Union(cfg.states(n).Sub(cfg.states(n)))
	}
	if cfg.Differs() {
		d := cfg.Formats.differences()
		way = way.Union(d.Sub(d))
	}
	lo, hi, _ := way.Int64()
	return fixedpoint.Requant{Shift: cfg.Damping, Mode: cfg.Formats.StateRounding, Lo: lo, Hi: hi}
}

// maxState is the largest code of a state of any layer.
func maxState(c *Config) int64 {
	var all fixedpoint.Interval
	for n := range c.Network.Layers {
		all = all.Union(c.states(n))
	}
	return all.Hi().Int64()
}
