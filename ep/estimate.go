package ep

import (
	"fmt"

	"epgen/fixedpoint"
)

// Estimate says at which strengths of the nudge the states are compared. All
// estimates have the form
//
//	g = -1/(B sum_k c_k beta_k) sum_k c_k dPhi/dtheta(s at beta_k)      sum_k c_k = 0
//
// Source: Laborieux et al. 2021, https://doi.org/10.3389/fnins.2021.633674; for several
// points Laborieux and Zenke 2022, https://arxiv.org/abs/2209.00530.
type Estimate int

const (
	Symmetric     Estimate = iota // s+ and s-: the error falls as beta^2
	Positive                      // s+ and s*: the error falls as beta
	Negative                      // s* and s-
	RandomSign                    // s* and s+ or s-, by a sign drawn for each update
	SeveralPoints                 // Config.Betas with Config.BetaWeights
)

var estimateNames = [...]string{"symmetric", "positive", "negative", "random-sign", "points"}

// String returns the name that flags and files use.
func (e Estimate) String() string {
	if e < 0 || int(e) >= len(estimateNames) {
		return fmt.Sprintf("Estimate(%d)", int(e))
	}
	return estimateNames[e]
}

// UnmarshalText reads a name as String writes it.
func (e *Estimate) UnmarshalText(text []byte) error {
	for i, name := range estimateNames {
		if string(text) == name {
			*e = Estimate(i)
			return nil
		}
	}
	return fmt.Errorf("estimate %q, want symmetric, positive, negative, random-sign or points", text)
}

// Limits of an estimate from several points: phases have numbers of four bits, and z
// times a weight is an operand of the array.
const (
	maxPoints      = 8
	maxPointWeight = 64
)

// checkEstimate checks the strengths and weights of several points.
func (c *Config) checkEstimate() error {
	if c.Estimate != SeveralPoints {
		if len(c.Betas) > 0 || len(c.BetaWeights) > 0 {
			return badSetting("phases.betas", "given with estimate %v, want estimate points", c.Estimate)
		}
		return nil
	}
	if n := len(c.Betas); n < 2 || n > maxPoints {
		return badSetting("phases.betas", "%d values, want 2..%d", n, maxPoints)
	}
	if got, want := len(c.BetaWeights), len(c.Betas); got != want {
		return badSetting("phases.beta-weights", "%d values, want %d, one for each of phases.betas", got, want)
	}
	sum, spread := 0, 0.0
	for i, beta := range c.Betas {
		if err := checkFinite("phases.betas", beta); err != nil {
			return err
		}
		if beta == 0 {
			return badSetting("phases.betas", "0 as number %d, want other strengths than that of the free phase", i+1)
		}
		w := c.BetaWeights[i]
		if w == 0 || w < -maxPointWeight || w > maxPointWeight {
			return badSetting("phases.beta-weights", "%d as number %d, want an integer -%d..%d other than 0", w, i+1, maxPointWeight, maxPointWeight)
		}
		sum += w
		spread += float64(w) * beta
	}
	if sum != 0 {
		return badSetting("phases.beta-weights", "a sum of %d, want 0", sum)
	}
	if !(spread > 0) {
		return badSetting("phases.beta-weights", "a sum of weight times beta of %v, want above 0", spread)
	}
	return nil
}

// sign returns the sign of all nudges in the update of a number, +1 or -1: 1 but for
// RandomSign, where it is a pure function of seed and number.
func (c *Config) sign(number uint32) int {
	if c.Estimate != RandomSign {
		return 1
	}
	return randomSign(fixedpoint.NewRandomSeed(c.Seed), number)
}
