package ep

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"epgen/npz"
)

// RandomStates is the value of phases.initial-states that has the initial states drawn.
const RandomStates = "random"

// checkStatesSource reports a value of phases.initial-states that is neither a file nor RandomStates.
func checkStatesSource(value string) error {
	if value == "" || value == RandomStates || strings.HasSuffix(value, ".npz") {
		return nil
	}
	return badSetting("phases.initial-states", "%q, want a file ending in .npz, or %s", value, RandomStates)
}

// checkGiven reports a constant initial state beside given ones.
func (c *Config) checkGiven() error {
	if !c.GivenStates {
		return nil
	}
	if c.Initial != 0 {
		return badSetting("phases.initial-state", "%v with phases.initial-states, want 0", c.Initial)
	}
	if len(c.LayerInitial) > 0 {
		return badSetting("phases.layer-initial", "%v with phases.initial-states, want none", c.LayerInitial)
	}
	return nil
}

// InitialStates are those of a number of samples in which their free phases begin.
type InitialStates struct {
	cfg    *Config
	values [][]float64 // by layer, [N, C, H, W]; nil if they are drawn
}

// LoadInitialStates returns the initial states of count samples. They lie in an NPZ file,
//
//	state<n>  [count, C, H, W]; for a layer of one position also [count, C]
//
// of a floating-point type, one array for each layer n from 1: numbers 0..1, of a linear
// output those between the ends of its format. Anything else is an error that names file,
// array, value found and value wanted. For RandomStates, or no path at all, they are drawn,
// see [InitialStates.Of].
func LoadInitialStates(path string, cfg *Config, count int) (*InitialStates, error) {
	s := &InitialStates{cfg: cfg}
	if path == "" || path == RandomStates {
		return s, nil
	}
	arrays, err := npz.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var wanted []string
	for n := range cfg.Network.Layers {
		out, name := cfg.Network.Layers[n].Out, stateName(n+1)
		shapes := [][]int{{count, out.C, out.H, out.W}}
		if out.H*out.W == 1 {
			shapes = append(shapes, []int{count, out.C})
		}
		values := make([]float64, count*out.Len())
		if err := fetch(values, arrays, path, name, shapes); err != nil {
			return nil, err
		}
		lo, hi := cfg.stateRange(n + 1)
		for i, v := range values {
			if v < lo || v > hi {
				return nil, fmt.Errorf("%s: array %s: %v at %d, want numbers %v..%v", path, name, v, i, lo, hi)
			}
		}
		s.values, wanted = append(s.values, values), append(wanted, name)
	}
	for _, a := range arrays {
		if !slices.Contains(wanted, a.Name) {
			return nil, fmt.Errorf("%s: unknown array %s, nearest is %s, want the states of %d layers",
				path, a.Name, Nearest(a.Name, wanted), len(wanted))
		}
	}
	return s, nil
}

func stateName(n int) string { return fmt.Sprintf("state%d", n) }

// stateRange returns the ends of the states of layer n, from 1, as real numbers.
func (c *Config) stateRange(n int) (lo, hi float64) {
	if !c.linear(n - 1) {
		return 0, 1
	}
	f := c.Formats.Output
	return f.ToFloat(f.Min()), f.ToFloat(f.Max())
}

// Of returns the states of the samples with the given numbers, from 0: [layer][B, C, H, W].
// Drawn ones are uniform in 0..1, of a linear output in -1..1 as far as its format goes, and a
// function of seed and number.
func (s *InitialStates) Of(index []int) [][]float64 {
	states := make([][]float64, len(s.cfg.Network.Layers))
	for _, i := range index {
		random := NewRandom(mixSeed(mixSeed(s.cfg.Seed, 3), uint64(i)))
		for n := range states {
			size := s.cfg.Network.Layers[n].Out.Len()
			if s.values != nil {
				states[n] = append(states[n], s.values[n][i*size:][:size]...)
				continue
			}
			lo, hi := s.cfg.stateRange(n + 1)
			lo, hi = max(lo, -1), min(hi, 1)
			for range size {
				states[n] = append(states[n], lo+(hi-lo)*random.Float64())
			}
		}
	}
	return states
}

// AddStates gives samples their initial states, if cfg has them given: those of
// [LoadInitialStates], in the order of the samples.
func (s *FloatSamples) AddStates(path string, cfg *Config) error {
	if !cfg.GivenStates {
		return nil
	}
	states, err := LoadInitialStates(path, cfg, len(s.Y))
	if err != nil {
		return err
	}
	index := make([]int, len(s.Y))
	for i := range index {
		index[i] = i
	}
	s.States = states.Of(index)
	return nil
}

// blankStates returns initial states of 0 for a batch, or nil if none are given.
func (c *Config) blankStates() [][]float64 {
	if !c.GivenStates {
		return nil
	}
	var states [][]float64
	for n := range c.Network.Layers {
		states = append(states, make([]float64, c.Batch*c.Network.Layers[n].Out.Len()))
	}
	return states
}

// WriteStates writes states of count samples, [layer][count, C, H, W], in the layout that
// LoadInitialStates reads, exactly.
func WriteStates(w io.Writer, states [][]int32, cfg *Config) error {
	var arrays []npz.Array
	for n, s := range states {
		out, f := cfg.Network.Layers[n].Out, cfg.StateFormat(n+1)
		arrays = append(arrays, npz.Array{
			Name: stateName(n + 1), DType: floatType(f), Shape: []int{len(s) / out.Len(), out.C, out.H, out.W}, Data: dequantize(s, f),
		})
	}
	return npz.Write(w, arrays)
}

// quantizeStates returns the nearest codes of initial states, within the range of the states.
func (c *Config) quantizeStates(states [][]float64) [][]int32 {
	var codes [][]int32
	for n, s := range states {
		q, top := quantize(s, c.StateFormat(n+1)), c.states(n).Hi().Int64()
		for i, v := range q {
			q[i] = int32(min(int64(v), top))
		}
		codes = append(codes, q)
	}
	return codes
}

// dequantizeStates returns the real values of states, exactly.
func (c *Config) dequantizeStates(codes [][]int32) [][]float64 {
	var states [][]float64
	for n, s := range codes {
		states = append(states, dequantize(s, c.StateFormat(n+1)))
	}
	return states
}

// checkStates reports initial states of codes that do not fit the configuration.
func (c *Config) checkStates(states [][]int32) error {
	return checkStatesIn(c, states, "code", func(n int) (lo, hi int32) {
		l, h, _ := c.states(n).Int64()
		return int32(l), int32(h)
	})
}

// checkFloatStates is checkStates for real numbers.
func (c *Config) checkFloatStates(states [][]float64) error {
	return checkStatesIn(c, states, "value", func(n int) (lo, hi float64) { return c.stateRange(n + 1) })
}

// checkStatesIn reports states that are missing, of another size or outside the range of their
// layer, which is counted from 0.
func checkStatesIn[T int32 | float64](c *Config, states [][]T, what string, limits func(n int) (lo, hi T)) error {
	if err := c.countStates(len(states)); err != nil {
		return err
	}
	for n, s := range states {
		if got, want := len(s), c.Batch*c.Network.Layers[n].Out.Len(); got != want {
			return fmt.Errorf("ep: %s: %d values, want %d", stateName(n+1), got, want)
		}
		lo, hi := limits(n)
		for i, v := range s {
			if !(v >= lo && v <= hi) { // nor NaN
				return fmt.Errorf("ep: %s: %s %v at %d, want %v..%v", stateName(n+1), what, v, i, lo, hi)
			}
		}
	}
	return nil
}

// countStates reports initial states that are missing, or that nothing asks for.
func (c *Config) countStates(layers int) error {
	want := 0
	if c.GivenStates {
		want = len(c.Network.Layers)
	}
	if layers != want {
		return fmt.Errorf("ep: initial states of %d layers, want %d", layers, want)
	}
	return nil
}
