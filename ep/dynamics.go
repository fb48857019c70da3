package ep

import (
	"fmt"

	"epgen/fixedpoint"
)

// Start says from which states the free phase of a training step begins.
type Start int

const (
	Cold Start = iota // Config.Initial, every time
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
		if err := checkRange("phases.min-steps", c.MinSteps, 2, min(c.FreeSteps, c.NudgeSteps)); err != nil {
			return err
		}
	}
	if err := checkRange("phases.tolerance", c.Tolerance, 0, int(stateMax(c.Formats.State))); err != nil {
		return err
	}
	if !(c.Initial >= 0 && c.Initial <= 1) {
		return badSetting("phases.initial-state", "%v, want a number 0..1", c.Initial)
	}
	if c.Damping > 0 && c.Initial > 0 {
		return badSetting("phases.initial-state", "%v with damping %d, want 0 or damping 0", c.Initial, c.Damping)
	}
	return nil
}

// IndexesFirst returns the layers whose pool index is determined before the first
// sweep, at the initial states: even layers with an index, if the sweeps are
// asynchronous and do not begin at states 0, of which U would be 0 anyway. Each is
// determined again in the sweep, after the layer below has moved.
func (c *Config) IndexesFirst() []int {
	if c.Sweep != Asynchronous || c.Initial == 0 && c.Start == Cold {
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

// begin makes the initial states the present ones: from, or, if that is nil, the constant.
func (r *relaxer[T]) begin(from [][]T) {
	for n := range r.layers {
		if from != nil {
			copy(r.layers[n].s, from[n])
			continue
		}
		for i := range r.layers[n].s {
			r.layers[n].s[i] = r.initial
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

// newDamper returns the rounding of a damped step.
func newDamper(cfg *Config) fixedpoint.Requant {
	top := stateMax(cfg.Formats.State)
	if cfg.Output == Linear { // from one end of the format to the other
		top = cfg.Formats.Output.Max() - cfg.Formats.Output.Min()
	}
	return fixedpoint.Requant{Shift: cfg.Damping, Mode: cfg.Formats.StateRounding, Lo: -top, Hi: top}
}
