package ep

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"epgen/npz"
)

// Build says what a core is generated for.
type Build int

const (
	Training  Build = iota // whole training steps, and inferences by a bit of the start
	Inference              // the free phase and its results alone
)

// String returns the name that flags and files use: "training" or "inference".
func (b Build) String() string {
	if b == Inference {
		return "inference"
	}
	return "training"
}

// UnmarshalText reads "training" or "inference".
func (b *Build) UnmarshalText(text []byte) error {
	switch string(text) {
	case "training":
		*b = Training
	case "inference":
		*b = Inference
	default:
		return fmt.Errorf("build %q, want training or inference", text)
	}
	return nil
}

// trainingOnly are settings that an inference build has no use for: of nudged phases, of what
// heads teach, of updates. It sheds them, whatever they are.
var trainingOnly = map[string]bool{
	"phases.nudge-steps": true, "phases.beta": true, "phases.estimate": true, "phases.betas": true, "phases.beta-weights": true,
	"phases.pool-index": true, "phases.nudge": true,

	"learning.rates": true, "learning.host-rates": true, "learning.frozen": true, "learning.clip": true, "learning.accumulate": true,
	"learning.decay-shift": true, "learning.momentum-shift": true,

	"formats.target": true, "formats.beta": true, "formats.probability": true, "formats.error": true, "formats.lambda": true,
	"formats.rate-bits": true, "formats.master-bits": true, "formats.update-rounding": true,
	"formats.difference-bits": true, "formats.difference-shift": true, "init.mean": true,

	"sequence.rate-factor": true,
}

// ForInference returns the inference build of c: the settings that only training reads have
// their defaults, the network has no heads but its readout, which subtracts no means (see
// loadReadout), and every start of the sequence is an inference. Configurations that differ in
// nothing else have the same inference build.
func (c *Config) ForInference() *Config {
	z := *c
	z.Build, z.Sequence.Task = Inference, Infer
	z.Network.Heads = nil
	if h := c.Network.Readout(); h != nil {
		readout := *h
		readout.HeadSpec = DefaultReadout(len(c.Network.Layers))
		readout.Center = false
		z.Network.Heads = []Head{readout}
	}
	own, plain := resolution{config: z}, resolution{config: *NewConfig(z.Network)}
	for i := range settings {
		if s := &settings[i]; trainingOnly[s.key] {
			reflect.ValueOf(s.target(&own)).Elem().Set(reflect.ValueOf(s.target(&plain)).Elem())
		}
	}
	return &own.config
}

// checkBuild reports an inference build with something that only training needs.
func (c *Config) checkBuild() error {
	if c.Build == Inference && !reflect.DeepEqual(c, c.ForInference()) {
		return badSetting("build", "inference with settings of training, want those of Config.ForInference")
	}
	return nil
}

// ofHead are the arrays of a head but the readout, in files of weights and of samples.
var ofHead = regexp.MustCompile(`^head[0-9]+(\.(weight|bias|mean))?$`)

// readArrays reads an NPZ file, for an inference build without the arrays of the heads that
// it sheds: weights are trained with them.
func (c *Config) readArrays(path string) ([]npz.Array, error) {
	arrays, err := npz.ReadFile(path)
	if c.Build == Inference {
		arrays = slices.DeleteFunc(arrays, func(a npz.Array) bool { return ofHead.MatchString(a.Name) })
	}
	return arrays, err
}
