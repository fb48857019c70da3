package ep

import (
	"fmt"
	"math"
	"regexp"

	"epgen/fixedpoint"
)

// PoolIndex says which argmax the nudged phases and the update use.
type PoolIndex int

const (
	Frozen PoolIndex = iota // the argmax of the free equilibrium
	Live                    // recomputed every step; the update uses those of each phase's final state
)

// Activation is the slope of the hard sigmoid.
type Activation int

const (
	Half Activation = iota // clamp(u/2, 0, 1)
	Unit                   // clamp(u, 0, 1)
)

// Array is the multiplier array: Rows output channels by Columns input channels of a
// layer, 1 to 32 of each, the longer side a multiple of the shorter. Where one is 0 it
// is Size.
type Array struct{ Size, Rows, Columns int }

// Shape returns rows and columns.
func (a Array) Shape() (rows, columns int) {
	rows, columns = a.Rows, a.Columns
	if rows == 0 {
		rows = a.Size
	}
	if columns == 0 {
		columns = a.Size
	}
	return rows, columns
}

// maxSide bounds the sides of an array.
const maxSide = 32

// checkSides reports sides of which neither is a multiple of the other: words of states are as
// long as the longer one, and a block of channels along the shorter is a part of one word.
func (a Array) checkSides() error {
	rows, columns := a.Shape()
	if long, short := max(rows, columns), min(rows, columns); long%short != 0 {
		return badSetting("array.rows", "%dx%d, want sides of which the longer is a multiple of the shorter", rows, columns)
	}
	return nil
}

// Memory is the external memory port and the on-chip budget.
type Memory struct {
	DataWidth   int // AXI data bits: 32, 64, 128, 256 or 512
	BurstBeats  int // longest burst in beats, 1..256
	Outstanding int // read bursts in flight, 1..32
	ReadLatency int // cycles from AR handshake to first R beat that the estimate assumes
	SlabBits    int // budget of the slab buffer (both banks, or all weights) in bits
	Weights     WeightStore
}

// WeightStore says where weights lie while the core works.
type WeightStore int

const (
	External WeightStore = iota // fetched slab by slab in every time step
	OnChip                      // fetched once, after the start
)

// String returns the name that flags and files use: "external" or "on-chip".
func (w WeightStore) String() string {
	if w == OnChip {
		return "on-chip"
	}
	return "external"
}

// UnmarshalText reads "external" or "on-chip".
func (w *WeightStore) UnmarshalText(text []byte) error {
	switch string(text) {
	case "external":
		*w = External
	case "on-chip":
		*w = OnChip
	default:
		return fmt.Errorf("weights %q, want external or on-chip", text)
	}
	return nil
}

// Init is the initialisation of weights made by the tool itself: weights
// uniform in +-Gain/sqrt(fan_in), biases the constant Bias. The maps of heads have
// a gain of their own, biases 0, and start from a constant running mean.
type Init struct{ Gain, Bias, HeadGain, Mean float64 }

// Config is everything that determines a generated package, resolved: no
// field is left for a later default.
type Config struct {
	Network    Network
	Build      Build
	Batch      int // B resident samples
	FreeSteps  int // T1
	NudgeSteps int // T2
	Beta       float64
	PoolIndex  PoolIndex
	Sweep      Sweep   // order in which a time step renews the layers
	Damping    int     // k: states move by 2^-k of the way in a time step
	MinSteps   int     // fewest time steps of a phase that may end early; 0 if none may
	Tolerance  int     // largest change of a state in the step after which it ends, in codes
	Initial    float64 // state of every neuron at a cold start
	// That of each layer, instead of Initial; nil: all alike.
	LayerInitial []float64
	GivenStates  bool // samples bring their initial states with them, see LoadInitialStates
	Start        Start
	Output       OutputKind // activation of the last layer
	Nudge        NudgePlace // of the squared error
	Estimate     Estimate
	Betas        []float64 // of several points
	BetaWeights  []int
	Activation   Activation
	Rates        []float64 // learning rate of each layer, weights and bias alike; len = layers
	HostRates    bool      // registers hold the rates, which software may change
	Frozen       []int     // layers that are not updated
	Clip         float64   // largest |weight| that an update leaves; 0: only the format limits it

	Accumulate    int // training steps whose contrasts one update sums
	DecayShift    int // k: an update takes 2^-k of a weight away; 0: nothing
	MomentumShift int // k: the momentum is 1 - 2^-k; 0: none

	Formats  Formats
	Array    Array
	Memory   Memory
	Init     Init
	Seed     uint64
	Sequence Sequence // of the golden data
}

// String returns the name that flags and files use: "frozen" or "live".
func (p PoolIndex) String() string {
	if p == Live {
		return "live"
	}
	return "frozen"
}

// UnmarshalText reads "frozen" or "live".
func (p *PoolIndex) UnmarshalText(text []byte) error {
	switch string(text) {
	case "frozen":
		*p = Frozen
	case "live":
		*p = Live
	default:
		return fmt.Errorf("pool index %q, want frozen or live", text)
	}
	return nil
}

// String returns the name that flags and files use: "half" or "unit".
func (a Activation) String() string {
	if a == Unit {
		return "unit"
	}
	return "half"
}

// UnmarshalText reads "half" or "unit".
func (a *Activation) UnmarshalText(text []byte) error {
	switch string(text) {
	case "half":
		*a = Half
	case "unit":
		*a = Unit
	default:
		return fmt.Errorf("activation %q, want half or unit", text)
	}
	return nil
}

// Validate reports the first setting outside its range, by its key in
// configuration files, with the value found and the value wanted. What depends
// on formats together (accumulators, shifts) is checked by Derive.
func (c *Config) Validate() error {
	return firstError(
		c.checkBuild(),
		c.checkNetwork(),
		c.checkPhases(),
		c.checkFormats(),
		checkRange("phases.tolerance", c.Tolerance, 0, int(maxState(c))),
		c.checkHardware(),
	)
}

// networkName keeps names fit for headers, reports and paths.
var networkName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// checkNetwork rebuilds the layers, so that a hand-made network cannot
// contradict itself.
func (c *Config) checkNetwork() error {
	if !networkName.MatchString(c.Network.Name) {
		return badSetting("network.name", "%q, want 1 to 64 letters, digits, '-', '_' or '.'", c.Network.Name)
	}
	net, err := BuildNetwork(c.Network.Name, c.Network.Input, c.Network.Specs())
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if net, err = net.WithHeads(c.Network.Classes(), c.Network.HeadSpecs()); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	for i, want := range net.Heads {
		if got := c.Network.Heads[i]; got != want {
			return fmt.Errorf("network: %s is %+v, want %+v", want.Name, got, want)
		}
	}
	for i, want := range net.Layers {
		if got := c.Network.Layers[i]; got != want {
			return fmt.Errorf("network: layer %d is %+v, want %+v", i+1, got, want)
		}
	}
	return nil
}

func (c *Config) checkPhases() error {
	if c.Seed > math.MaxInt64 { // TOML's integers end there
		return badSetting("seed", "%d, want an integer 0..%d", c.Seed, math.MaxInt64)
	}
	if err := firstError(
		checkRange("phases.batch", c.Batch, 1, maxBatch),
		checkRange("phases.free-steps", c.FreeSteps, 1, maxSteps),
		checkRange("phases.nudge-steps", c.NudgeSteps, 1, maxSteps),
		checkPositive("phases.beta", c.Beta),
		checkRange("sequence.starts", c.Sequence.Starts, 1, maxSteps),
		c.Sequence.checkRates(c.HostRates),
		c.checkEstimate(),
		c.checkDynamics(),
		c.checkOutput(),
		checkPositive("init.gain", c.Init.Gain),
		checkFinite("init.bias", c.Init.Bias),
		checkShare("init.mean", c.Init.Mean),
		checkNotNegative("init.head-gain", c.Init.HeadGain),
	); err != nil {
		return err
	}
	if got, want := len(c.Rates), len(c.Network.Layers); got != want {
		return badSetting("learning.rates", "%d values, want %d, one for each layer", got, want)
	}
	if err := c.checkUpdate(); err != nil {
		return err
	}
	for i, r := range c.Rates {
		if !(r >= 0) || math.IsInf(r, 0) {
			return badSetting("learning.rates", "%v for layer %d, want a finite number of at least 0", r, i+1)
		}
	}
	return nil
}

func (c *Config) checkHardware() error {
	m := &c.Memory
	if err := firstError(
		checkRange("array.size", c.Array.Size, 1, maxSide),
		checkRange("array.rows", c.Array.Rows, 0, maxSide),
		checkRange("array.columns", c.Array.Columns, 0, maxSide),
		c.Array.checkSides(),
		checkChoice("memory.data-width", m.DataWidth, 32, 64, 128, 256, 512),
		checkRange("memory.burst-beats", m.BurstBeats, 1, 256),
		checkRange("memory.outstanding", m.Outstanding, 1, 32),
		checkRange("memory.read-latency", m.ReadLatency, 1, maxSteps),
		checkRange("memory.slab-bits", m.SlabBits, 1, math.MaxInt32),
	); err != nil {
		return err
	}
	// AXI4 forbids bursts across 4 KB.
	if bytes := m.BurstBeats * m.DataWidth / 8; bytes > 4096 {
		return badSetting("memory.burst-beats", "%d beats of %d bits are %d bytes, want at most 4096 bytes (%d beats)",
			m.BurstBeats, m.DataWidth, bytes, 4096*8/m.DataWidth)
	}
	return c.checkSlab()
}

// checkSlab checks that two banks of the largest slab, or all slabs, fit the budget: the
// weights of as many output channels as the array has rows, input channels rounded up
// to whole blocks.
func (c *Config) checkSlab() error {
	rows, columns := c.Array.Shape()
	largest, at, all := 0, 0, 0
	for i := range c.Network.Layers {
		l := &c.Network.Layers[i]
		blocks := (l.In.C + columns - 1) / columns
		slabs := (l.Out.C + rows - 1) / rows
		all += slabs * rows * columns * blocks * l.KH * l.KW * c.WeightBits()
		if bits := 2 * rows * columns * blocks * l.KH * l.KW * c.WeightBits(); bits > largest {
			largest, at = bits, i+1
		}
	}
	if c.Memory.Weights == OnChip {
		if all > c.Memory.SlabBits {
			return badSetting("memory.slab-bits", "%d, want at least %d for all weights on chip (or memory.weights external)", c.Memory.SlabBits, all)
		}
		return nil
	}
	if largest > c.Memory.SlabBits {
		return badSetting("memory.slab-bits", "%d, want at least %d for two slabs of layer %d (or a smaller array than %dx%d)",
			c.Memory.SlabBits, largest, at, rows, columns)
	}
	return nil
}

// SettingError is a setting outside its range. Its text is "KEY: REASON".
type SettingError struct {
	Key    string // as in configuration files, for example "phases.beta"
	Reason string // value found and value wanted
}

func (e *SettingError) Error() string { return e.Key + ": " + e.Reason }

func badSetting(key, format string, args ...any) error {
	return &SettingError{key, fmt.Sprintf(format, args...)}
}

// Limits of settings. Step counters are registers of 16 bits.
const (
	maxSteps = 65535
	maxBatch = 256
)

// firstError returns the first error of several checks.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkRange(key string, v, lo, hi int) error {
	if v < lo || v > hi {
		return badSetting(key, "%d, want an integer %d..%d", v, lo, hi)
	}
	return nil
}

func checkChoice(key string, v int, values ...int) error {
	for _, w := range values {
		if v == w {
			return nil
		}
	}
	list := fmt.Sprint(values)
	return badSetting(key, "%d, want one of %s", v, list[1:len(list)-1])
}

func checkFinite(key string, v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return badSetting(key, "%v, want a finite number", v)
	}
	return nil
}

func checkPositive(key string, v float64) error {
	if !(v > 0) || math.IsInf(v, 0) {
		return badSetting(key, "%v, want a finite number above 0", v)
	}
	return nil
}

func checkNotNegative(key string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 0) {
		return badSetting(key, "%v, want a finite number of at least 0", v)
	}
	return nil
}

func checkShare(key string, v float64) error {
	if !(v >= 0 && v <= 1) {
		return badSetting(key, "%v, want a number 0..1", v)
	}
	return nil
}

func checkWidth(key string, f fixedpoint.Format, most int) error {
	if f.Int < 0 || f.Frac < 0 {
		return badSetting(key, "%v, want integer and fractional bits of at least 0", f)
	}
	if w := f.Width(); w < 1 || w > most {
		return badSetting(key, "%v has %d bits, want 1..%d", f, w, most)
	}
	return nil
}

// checkStateRounding refuses random bits for states: a relaxation would not settle.
func checkStateRounding(mode fixedpoint.Rounding) error {
	if mode == fixedpoint.Stochastic {
		return badSetting("formats.state-rounding", "%v, want nearest-even, nearest-up or truncate", mode)
	}
	return nil
}

func checkSign(key string, f fixedpoint.Format, signed bool) error {
	if f.Signed == signed {
		return nil
	}
	if signed {
		return badSetting(key, "%v is unsigned, want a signed format QN.M", f)
	}
	return badSetting(key, "%v is signed, want an unsigned format UQN.M", f)
}
