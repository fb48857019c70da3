package ep

import "fmt"

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
	return z
}
