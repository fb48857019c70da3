package ep

import (
	"fmt"

	"epgen/fixedpoint"
)

// OutputKind says what the activation of the last layer is.
type OutputKind int

const (
	Clamped OutputKind = iota // the hard sigmoid, as everywhere
	Linear                    // s' = u, in a signed format at whose ends it saturates
)

// String returns the name that files use: "clamped" or "linear".
func (k OutputKind) String() string {
	if k == Linear {
		return "linear"
	}
	return "clamped"
}

// UnmarshalText reads "clamped" or "linear".
func (k *OutputKind) UnmarshalText(text []byte) error {
	switch string(text) {
	case "clamped":
		*k = Clamped
	case "linear":
		*k = Linear
	default:
		return fmt.Errorf("output %q, want clamped or linear", text)
	}
	return nil
}

// checkOutput checks the format of a linear output.
func (c *Config) checkOutput() error {
	if c.Nudge == Outside && c.Network.Readout() != nil { // no layer has an error of its own
		return badSetting("phases.nudge", "outside with a readout, want inside")
	}
	if c.Output == Clamped {
		return nil
	}
	f := &c.Formats
	switch {
	case c.Network.Readout() != nil:
		return badSetting("phases.output", "linear with a readout, want clamped")
	case !f.Output.Signed:
		return badSetting("formats.output", "%v is unsigned, want a signed format QN.M", f.Output)
	}
	return checkWidth("formats.output", f.Output, 31)
}

// linear reports that layer n+1 is a linear output.
func (c *Config) linear(n int) bool {
	return c.Output == Linear && n == len(c.Network.Layers)-1
}

// states returns the range of the states of layer n+1.
func (c *Config) states(n int) fixedpoint.Interval {
	if c.linear(n) {
		return c.Formats.Output.Interval()
	}
	return fixedpoint.NewInterval(0, stateMax(c.Formats.StateOf(n+1)))
}

// StateFormat returns the format of the states of layer n, from 1.
func (c *Config) StateFormat(n int) fixedpoint.Format {
	if c.linear(n - 1) {
		return c.Formats.Output
	}
	return c.Formats.StateOf(n)
}

// NudgePlace says where the nudge of the squared error acts.
type NudgePlace int

const (
	Inside  NudgePlace = iota // s' = sigma(u - beta (s - y)), the gradient of the energy
	Outside                   // s' = sigma(u) - beta (s - y), within the range of the states
)

// String returns the name that files use: "inside" or "outside".
func (p NudgePlace) String() string {
	if p == Outside {
		return "outside"
	}
	return "inside"
}

// UnmarshalText reads "inside" or "outside".
func (p *NudgePlace) UnmarshalText(text []byte) error {
	switch string(text) {
	case "inside":
		*p = Inside
	case "outside":
		*p = Outside
	default:
		return fmt.Errorf("nudge %q, want inside or outside", text)
	}
	return nil
}

// NudgedOutside reports a nudge outside the activation; a linear output has none to be
// outside of.
func (c *Config) NudgedOutside() bool { return c.Nudge == Outside && c.Output == Clamped }
