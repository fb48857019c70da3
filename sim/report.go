package sim

import (
	"encoding/json"
	"fmt"
	"os"

	"epgen/ep"
)

// Report is report.json: the harness writes it, epverify adds Edited, Replay
// and Wave.
type Report struct {
	Design            string            `json:"design"`
	Build             string            `json:"build"`  // training or inference
	Result            string            `json:"result"` // pass or fail
	Compared          int64             `json:"compared"`
	ComparedPredicted int64             `json:"compared_predicted"`
	Mismatches        int64             `json:"mismatches"`
	FirstMismatch     *Mismatch         `json:"first_mismatch"`
	Further           []Mismatch        `json:"further_mismatches"`
	Cycles            Cycles            `json:"cycles"`
	Utilization       float64           `json:"mac_utilization"`
	MMACPerSecond     float64           `json:"mmac_per_second"`
	Seconds           float64           `json:"seconds"`
	Settings          Settings          `json:"settings"`
	Runs              []RunReport       `json:"runs"`
	Phases            []PhaseReport     `json:"phases"`
	Layers            []LayerReport     `json:"layers"`
	Heads             []HeadReport      `json:"heads"`
	Memory            TrafficReport     `json:"memory"`
	Sequencer         map[string]uint64 `json:"sequencer"`        // cycles per state in the last run
	Resets            []string          `json:"resets,omitempty"` // "phase STATE", with --resets=1
	Model             ModelNetwork      `json:"model"`

	Edited   []string `json:"edited,omitempty"`   // files of rtl/ that differ from the manifest
	Warnings []string `json:"warnings,omitempty"` // what makes a pass less than convincing
	Replay   string   `json:"replay,omitempty"`   // command that shows the first mismatch again
	Wave     string   `json:"wave,omitempty"`     // waveform around it, beside this file
}

// Mismatch is a difference, and its place. Nil fields do not apply.
type Mismatch struct {
	Kind         string   `json:"kind"`
	Message      string   `json:"message"`
	Phase        *string  `json:"phase"`
	Step         *int     `json:"step"`
	Layer        *int     `json:"layer"`
	Head         *string  `json:"head"` // its name, where Layer is behind the layers
	Sample       *int     `json:"sample"`
	Channel      *int     `json:"channel"`
	InputChannel *int     `json:"input_channel"`
	Y            *int     `json:"y"`
	X            *int     `json:"x"`
	Cycle        uint64   `json:"cycle"`
	Expected     *int64   `json:"expected"`
	Got          *int64   `json:"got"`
	ExpectedHex  string   `json:"expected_hex,omitempty"`
	GotHex       string   `json:"got_hex,omitempty"`
	ExpectedReal *float64 `json:"expected_real,omitempty"`
	GotReal      *float64 `json:"got_real,omitempty"`
	Signal       string   `json:"signal"`
}

// Cycles of the last run; Predicted is nil if memory stalls.
type Cycles struct {
	Predicted *uint64 `json:"predicted"`
	Simulated uint64  `json:"simulated"`
}

// Settings of the simulation.
type Settings struct {
	Seed    uint64 `json:"seed"`
	Stall   bool   `json:"stall"`
	Latency int    `json:"latency"`
	XSeed   int    `json:"x_seed"`
	Runs    int    `json:"runs"`
	Infer   bool   `json:"infer"` // every second run, from the first, infers only
}

// RunReport is one training step or inference.
type RunReport struct {
	Start     int               `json:"start"`   // of the sequence, from 0
	Correct   int               `json:"correct"` // samples whose largest result is at their label
	Samples   int               `json:"samples"`
	Infer     bool              `json:"infer"`
	Cycles    uint64            `json:"cycles"`
	Predicted *uint64           `json:"predicted"`
	Measured  uint64            `json:"measured"`
	Seconds   float64           `json:"seconds"`
	Counters  map[string]uint64 `json:"counters"`
}

// PhaseReport is one phase; cycles are those of the last run.
type PhaseReport struct {
	Name       string `json:"name"`
	Steps      int    `json:"steps"`
	Cycles     uint64 `json:"cycles"`
	Compared   uint64 `json:"compared"`
	Mismatches uint64 `json:"mismatches"`
}

// Shares of the neurons of a layer at the end of a phase.
type Shares struct {
	Nonzero   float64 `json:"nonzero"`
	Saturated float64 `json:"saturated"`
}

// StatesReport describes the states that the hardware wrote.
type StatesReport struct {
	Phases map[string]Shares `json:"phases"` // by name of the relaxation
	Min    float64           `json:"min"`
	Max    float64           `json:"max"`

	// Where nudged phases hold differences from s*: their extremes, and the largest that the format holds.
	DifferenceMin   float64 `json:"difference_min,omitempty"`
	DifferenceMax   float64 `json:"difference_max,omitempty"`
	DifferenceLimit float64 `json:"difference_limit,omitempty"`
}

// limited returns the largest share of the differences at an end of their range, over the
// nudged phases; 0 for whole states.
func (s *StatesReport) limited() float64 {
	share := 0.0
	for name, phase := range s.Phases {
		if s.DifferenceLimit > 0 && name != "free" {
			share = max(share, phase.Saturated)
		}
	}
	return share
}

// HeadReport is what was compared of one head in all runs, besides its new weights.
type HeadReport struct {
	Name   string       `json:"name"`
	Values []HeadValues `json:"values"`
}

// HeadValues are the values of a kind: averages, logits, probabilities, errors or nudges.
type HeadValues struct {
	What       string `json:"what"` // "logit" and so on
	Compared   uint64 `json:"compared"`
	Mismatches uint64 `json:"mismatches"`
}

// LayerReport is one layer. Shares are of neurons and weights as the hardware
// wrote them in the last run; of a sequence neurons of the last start, and weights that
// any start has changed.
type LayerReport struct {
	Name           string       `json:"name"`
	Shape          string       `json:"shape"`
	Neurons        int          `json:"neurons"`
	Nonzero        float64      `json:"nonzero"`   // in s*
	Saturated      float64      `json:"saturated"` // in s*
	Differing      float64      `json:"differing"` // between s+ and s-
	States         StatesReport `json:"states"`
	Weights        int          `json:"weights"`
	WeightsChanged float64      `json:"weights_changed"`
	BiasesChanged  float64      `json:"biases_changed"`
	Mismatches     uint64       `json:"mismatches"`
	Model          ModelLayer   `json:"model"`
}

// TrafficReport counts what went over the memory port in all runs.
type TrafficReport struct {
	ReadBytes   uint64 `json:"read_bytes"`
	ReadBursts  uint64 `json:"read_bursts"`
	WriteBytes  uint64 `json:"write_bytes"`
	WriteBursts uint64 `json:"write_bursts"`
	Starved     uint64 `json:"read_waits_for_memory"` // cycles
	Held        uint64 `json:"read_waits_for_core"`   // cycles
}

// Pass reports whether everything was equal.
func (r *Report) Pass() bool { return r.Result == "pass" }

// ReadReport reads report.json.
func ReadReport(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// JSON returns the text of report.json.
func (r *Report) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}

// A step under test is alive if in every layer at least these shares of neurons
// differ between s+ and s-, and of the weights that it can reach change:
// comparing zeros proves nothing. See ep.Layer.Reachable.
const (
	AliveDiffering = 0.05
	AliveChanged   = 0.5

	LimitedDifferences = 0.05 // share of differences from s* that may be at an end of their range
)

// trains reports a core that knows training steps, not inferences alone.
func (r *Report) trains() bool { return r.Build != ep.Inference.String() }

// lastInfers reports whether the last start was an inference.
func (r *Report) lastInfers() bool { return len(r.Runs) > 0 && r.Runs[len(r.Runs)-1].Infer }

// DeadLayers says in words which layers are not alive, or hold too few bits to be it. A run that did not get
// to the end, or an inference, says nothing about them.
func (r *Report) DeadLayers() []string {
	if !r.Pass() || r.lastInfers() {
		return nil
	}
	var list []string
	for _, l := range r.Layers {
		if l.Differing < AliveDiffering {
			list = append(list, fmt.Sprintf("%s is dead: %.1f %% of its neurons differ between s+ and s-, want at least %.0f %%",
				l.Name, 100*l.Differing, 100*AliveDiffering))
		}
		if reach := l.Model.WeightsReachable; l.WeightsChanged < AliveChanged*reach {
			list = append(list, fmt.Sprintf("%s hardly learns: %.1f %% of its weights change, want at least %.0f %% of the %.1f %% that the step reaches",
				l.Name, 100*l.WeightsChanged, 100*AliveChanged, 100*reach))
		}
		if share := l.States.limited(); share > LimitedDifferences {
			list = append(list, fmt.Sprintf("%s is limited: %.1f %% of its differences are at an end of their range, %.3g; want at most %.0f %%, with a smaller formats.difference-shift",
				l.Name, 100*share, l.States.DifferenceLimit, 100*LimitedDifferences))
		}
	}
	return list
}

// Place returns the words for the place of a mismatch, outermost first.
func (m *Mismatch) Place() string {
	s := ""
	add := func(name string, v *int) {
		if v != nil {
			s += fmt.Sprintf(", %s %d", name, *v)
		}
	}
	if m.Phase != nil {
		s += ", phase " + *m.Phase
	}
	add("step", m.Step)
	if m.Head != nil {
		s += ", " + *m.Head
	} else {
		add("layer", m.Layer)
	}
	add("sample", m.Sample)
	add("channel", m.Channel)
	add("input channel", m.InputChannel)
	add("y", m.Y)
	add("x", m.X)
	return fmt.Sprintf("cycle %d%s", m.Cycle, s)
}
