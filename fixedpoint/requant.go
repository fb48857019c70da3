package fixedpoint

import "fmt"

// Requant takes an accumulator to a narrower code:
//
//	z = clamp(round(x * 2^-Shift), Lo, Hi)
//
// It is one rounding. The activation of a neuron is a Requant whose clamp is
// the hard sigmoid's and whose shift holds its slope. Shift lies in 0..62 and
// Lo <= Hi; the zero value maps everything to 0.
type Requant struct {
	Shift  int
	Mode   Rounding
	Lo, Hi int64
}

// Validate reports a shift, a clamp or a rounding outside the allowed range.
func (r Requant) Validate() error {
	if r.Shift < 0 || r.Shift > 62 {
		return fmt.Errorf("fixedpoint: requantisation shift %d, want 0..62", r.Shift)
	}
	if r.Lo > r.Hi {
		return fmt.Errorf("fixedpoint: requantisation clamp [%d, %d], want low end first", r.Lo, r.Hi)
	}
	if r.Mode == Stochastic {
		return fmt.Errorf("fixedpoint: requantisation with %v rounding, want another", r.Mode)
	}
	return nil
}

// Apply returns clamp(round(x * 2^-Shift), Lo, Hi).
func (r Requant) Apply(x int64) int64 {
	return min(max(r.Mode.Shift(x, r.Shift), r.Lo), r.Hi)
}

// ApplyTie is Apply; tie reports that x*2^-Shift lay exactly between two codes
// of the unclamped range [Lo, Hi], so that the mode decided the result.
func (r Requant) ApplyTie(x int64) (z int64, tie bool) {
	q, tie := r.Mode.shiftTie(x, r.Shift)
	z = min(max(q, r.Lo), r.Hi)
	return z, tie && z == q
}

// Interval returns the range of Apply over x.
func (r Requant) Interval(x Interval) Interval {
	return x.Round(r.Shift, r.Mode).Clamp(r.Lo, r.Hi)
}
