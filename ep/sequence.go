package ep

import (
	"fmt"
	"math"
	"slices"
)

// Task is what each start of a sequence does.
type Task int

const (
	Train Task = iota // a whole training step; the next start has its weights
	Infer             // the free phase and its results
)

// String returns the name that flags and files use: "train" or "infer".
func (t Task) String() string {
	if t == Infer {
		return "infer"
	}
	return "train"
}

// UnmarshalText reads "train" or "infer".
func (t *Task) UnmarshalText(text []byte) error {
	switch string(text) {
	case "train":
		*t = Train
	case "infer":
		*t = Infer
	default:
		return fmt.Errorf("task %q, want train or infer", text)
	}
	return nil
}

// Sequence says what the golden data of a package covers: consecutive starts of the
// accelerator on consecutive batches, between which software replaces
// labels and samples and nothing else. It is no property of the hardware.
type Sequence struct {
	Starts int // at least 1
	Task   Task

	RateFactor float64 // by which software multiplies the rates from start to start, if it may; above 0 and at most 1
}

// Samples returns how many samples the sequence of the configuration takes.
func (c *Config) Samples() int { return c.Sequence.Starts * c.Batch }

// Slice returns samples first .. first+count-1; they share memory with s.
func (s *Samples) Slice(first, count int) *Samples {
	cut := func(x []int32) []int32 {
		size := len(x) / len(s.Y)
		return x[first*size : (first+count)*size]
	}
	z := &Samples{X: cut(s.X), Y: s.Y[first : first+count]}
	for _, t := range s.Teacher {
		z.Teacher = append(z.Teacher, cut(t))
	}
	for _, t := range s.States {
		z.States = append(z.States, cut(t))
	}
	return z
}

func (s *Sequence) checkRates(host bool) error {
	switch {
	case !(s.RateFactor > 0 && s.RateFactor <= 1):
		return badSetting("sequence.rate-factor", "%v, want a number above 0 and at most 1", s.RateFactor)
	case s.RateFactor != 1 && !host:
		return badSetting("sequence.rate-factor", "%v with learning.host-rates false, want 1", s.RateFactor)
	}
	return nil
}

// RateMantissas returns the mantissas of the rates of all layers and then heads times a factor of at most 1,
// rounded to nearest-even: what software writes to the rate registers. The shifts, and so
// the precision, remain.
func (a *Arith) RateMantissas(factor float64) []uint64 {
	var list []uint64
	for i := range a.Layers {
		list = append(list, scaleMantissa(a.Layers[i].WeightUpdate.Mantissa, factor))
	}
	for i := range a.Heads {
		list = append(list, scaleMantissa(a.Heads[i].WeightUpdate.Mantissa, factor))
	}
	return list
}

func scaleMantissa(m uint64, factor float64) uint64 {
	return uint64(math.RoundToEven(float64(m) * factor))
}

// withRates returns the arithmetic with other mantissas, of weights and biases alike.
func (a *Arith) withRates(mantissas []uint64) *Arith {
	z := *a
	z.Layers, z.Heads = slices.Clone(a.Layers), slices.Clone(a.Heads)
	for i, m := range mantissas {
		if k := i - len(z.Layers); k >= 0 {
			z.Heads[k].WeightUpdate.Mantissa, z.Heads[k].BiasUpdate.Mantissa = m, m
			continue
		}
		z.Layers[i].WeightUpdate.Mantissa, z.Layers[i].BiasUpdate.Mantissa = m, m
	}
	return &z
}

// WithRates returns the model with other mantissas of the rates, by layer and head.
func (m *Fixed) WithRates(mantissas []uint64) *Fixed {
	return &Fixed{cfg: m.cfg, arith: m.arith.withRates(mantissas)}
}

// StartFactor returns what the rates of a start of the sequence, from 0, are multiplied by.
func (s *Sequence) StartFactor(start int) float64 { return math.Pow(s.RateFactor, float64(start)) }
