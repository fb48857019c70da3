// Package cli is what the commands share: flags and their precedence, output
// directories that appear whole or not at all, progress, and exit codes.
//
// A command is a main that calls a run function and hands its error to Fail:
//
//	func main() {
//		if err := run(os.Args[1:]); err != nil {
//			cli.Fail("epgen", err)
//		}
//	}
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"epgen/ep"
)

// Sources say where weights and samples come from and where the package goes.
type Sources struct {
	ep.Sources
	Out string // output directory
}

// SettingFlag is a flag that stands for a key of the configuration file.
type SettingFlag struct{ Name, Key, Value, Usage string }

// SettingFlags are all such flags.
var SettingFlags = []SettingFlag{
	{"build", "build", "KIND", "what the core is for: training, or inference, which sheds all that it does not need"},
	{"input-shape", "network.input", "CxHxW", "shape of a sample, if not that of the preset (lists: 3x32x32)"},
	{"classes", "network.classes", "K", "outputs of the last layer, if not those of the preset or list"},
	{"loss", "network.loss", "KIND", "mse, the squared error of the last layer, or ce, which makes it a softmax readout"},
	{"heads", "heads.layers", "LIST", "layers with a head, an intermediate loss: none, all, or such as 2,4,6"},
	{"head-kind", "heads.kind", "KIND", "of the heads: ce, random, mse, features or logits"},
	{"lambda", "heads.lambda", "X", "strength of the signals of the heads"},
	{"head-rate", "heads.rate", "X", "learning rate of heads and readout"},
	{"center", "heads.center", "BOOL", "true: heads subtract a running mean of the features"},
	{"batch", "phases.batch", "B", "samples resident on chip"},
	{"free-steps", "phases.free-steps", "T1", "time steps of the free phase"},
	{"nudge-steps", "phases.nudge-steps", "T2", "time steps of each nudged phase"},
	{"beta", "phases.beta", "X", "strength of the nudge"},
	{"pool-index", "phases.pool-index", "MODE", "argmax while nudged: frozen (of the free equilibrium) or live"},
	{"sweep", "phases.schedule", "ORDER", "of the layers in a step: synchronous, or asynchronous, odd ones and then even ones"},
	{"damping", "phases.damping", "K", "a state moves by 2^-K of the way to its activation in a time step"},
	{"min-steps", "phases.min-steps", "N", "a phase may end early, after N time steps or more, when its states have settled"},
	{"tolerance", "phases.tolerance", "LSB", "largest change of a state in its last step then"},
	{"initial-state", "phases.initial-state", "X", "state of every neuron before the first time step"},
	{"initial-states", "phases.initial-states", "F.npz", "those of each sample, state1 [N, C, H, W], state2, ...; or random"},
	{"start", "phases.start", "FROM", "first states: cold, the initial ones, or warm, the free equilibrium of the step before"},
	{"estimate", "phases.estimate", "KIND", "states compared: symmetric, positive, negative, random-sign or points"},
	{"betas", "phases.betas", "LIST", "strengths of the nudge of -estimate points"},
	{"beta-weights", "phases.beta-weights", "LIST", "integer weights of these points"},
	{"nudge", "phases.nudge", "PLACE", "of the squared error: inside the activation of the output, or outside"},
	{"output", "phases.output", "KIND", "activation of the last layer: clamped, as the others, or linear"},
	{"activation", "phases.activation", "SLOPE", "hard sigmoid: half, clamp(u/2, 0, 1), or unit, clamp(u, 0, 1)"},
	{"rates", "learning.rates", "LIST", "learning rate of each layer, separated by commas"},
	{"host-rates", "learning.host-rates", "BOOL", "true: registers hold the rates, which software may change"},
	{"rate-factor", "sequence.rate-factor", "X", "by which software multiplies the rates from start to start"},
	{"frozen", "learning.frozen", "LIST", "numbers of the layers that are not updated"},
	{"clip", "learning.clip", "X", "largest |weight| that an update leaves; 0: what the format holds"},
	{"accumulate", "learning.accumulate", "N", "training steps whose contrasts one update sums"},
	{"decay-shift", "learning.decay-shift", "K", "an update takes 2^-K of each weight away; 0: nothing"},
	{"momentum-shift", "learning.momentum-shift", "K", "momentum 1 - 2^-K of the update; 0: none"},
	{"master-bits", "formats.master-bits", "N", "further fractional bits of the weights that updates change"},
	{"weights", "weights", "F.npz", "weights layer1.weight [Cout, Cin, KH, KW], layer1.bias [Cout], ..."},
	{"data", "data", "DIR", "directory of MNIST or CIFAR files, gzipped or not"},
	{"data-part", "data-part", "PART", "files of -data: train (the test files where there are no others) or test"},
	{"first-sample", "first-sample", "N", "number of the first sample taken from -data"},
	{"input", "input", "F.npz", "samples x [B, C, H, W], already normalised, and labels y [B]"},
	{"input-format", "formats.input", "QN.M", "format of the samples, QN.M or UQN.M"},
	{"state-format", "formats.state", "UQN.M", "format of the states"},
	{"weight-format", "formats.weight", "QN.M", "format of the weights"},
	{"bias-format", "formats.bias", "QN.M", "format of the biases"},
	{"logit-format", "formats.logit", "QN.M", "format of the logits that an inference build with a readout delivers"},
	{"layer-state", "formats.layer-state", "LIST", "format of the states of each layer, separated by commas"},
	{"layer-weight", "formats.layer-weight", "LIST", "the same of the weights"},
	{"layer-bias", "formats.layer-bias", "LIST", "the same of the biases"},
	{"difference-bits", "formats.difference-bits", "D", "nudged phases hold differences from the free equilibrium, of D bits; 0: states"},
	{"difference-shift", "formats.difference-shift", "LIST", "their further fractional bits, one number or one for each layer"},
	{"layer-initial", "phases.layer-initial", "LIST", "state of each layer before the first time step, 0..1"},
	{"state-rounding", "formats.state-rounding", "MODE", "of the states: nearest-even, nearest-up or truncate"},
	{"update-rounding", "formats.update-rounding", "MODE", "of the update: nearest-even, nearest-up, truncate or stochastic"},
	{"starts", "sequence.starts", "N", "golden data for N consecutive starts on consecutive batches of samples"},
	{"task", "sequence.task", "KIND", "what each start does: train, a training step, or infer, the free phase"},
	{"seed", "seed", "N", "seed of weights and built-in picture"},
	{"gain", "init.gain", "X", "weights are drawn from +-X/sqrt(fan_in)"},
	{"bias", "init.bias", "X", "initial value of every bias"},
	{"head-gain", "init.head-gain", "X", "the same as -gain for the maps of heads and readout"},
	{"array", "array.size", "N", "rows and columns of the multiplier array, 1 to 32"},
	{"array-rows", "array.rows", "N", "its rows, output channels, where they are not those of -array"},
	{"array-columns", "array.columns", "N", "its columns, input channels, where they are not those of -array"},
	{"memory-width", "memory.data-width", "BITS", "width of the AXI4 data bus: 32, 64, 128, 256 or 512"},
	{"burst-beats", "memory.burst-beats", "N", "longest burst in beats"},
	{"outstanding", "memory.outstanding", "N", "read bursts in flight"},
	{"read-latency", "memory.read-latency", "N", "cycles to the first data of a read, for the estimate"},
	{"weight-memory", "memory.weights", "PLACE", "external: weights are fetched in every time step; on-chip: once, after the start"},
	{"slab-bits", "memory.slab-bits", "N", "on-chip budget for two slabs of weights, or for all of them, in bits"},
}

const usageHead = `epgen writes a hardware package for one training step of Equilibrium Propagation:
Verilog, test bench, golden traces and reports.

  epgen -layers vgg11 -o out                             a preset
  epgen -layers 32k5p0,M,64k5p0,M,fc10 -input-shape 1x28x28 -data mnist -o out
  epgen -config out/config.toml -beta 0.5 -o again       a file; flags override it

Flags, with one dash or two:

`

const usageTail = `
A list has convolutions CHANNELS[kKERNEL][pPADDING][sSTRIDE][b0] (kernel 3, padding that
keeps the map; b0: no biases), M for a 2x2 max pool, A for an average pool and fcUNITS for
a dense layer. The configuration file has keys for these and a few more; out/config.toml
shows those that the design uses.

Exit status: 0 done, 2 not possible (one line on standard error says why).
`

// Resolve turns the arguments of epgen into a validated configuration: flags
// override the configuration file, which overrides the preset. It reads the
// configuration file and nothing else. Errors name the flag, or the file and
// key, the value found and the value wanted. For -help it is flag.ErrHelp.
func Resolve(args []string) (*ep.Config, *Sources, error) {
	fs, text := newFlags()
	if err := fs.Parse(args); err != nil {
		return nil, nil, flagError(fs, err)
	}
	if fs.NArg() > 0 {
		return nil, nil, fmt.Errorf("unexpected argument %q, want flags only", fs.Arg(0))
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if *text["o"] == "" {
		return nil, nil, errors.New("flag -o is missing, want the output directory")
	}
	if given["data"] && given["input"] {
		return nil, nil, errors.New("flags -data and -input are both given, want one of them")
	}
	var draft ep.Draft
	if err := readNetwork(&draft, given, *text["config"], *text["layers"]); err != nil {
		return nil, nil, err
	}
	// The network came first: it replaces what a file said of the network.
	for _, f := range SettingFlags {
		if !given[f.Name] {
			continue
		}
		if err := draft.SetFlag(f.Key, f.Name, *text[f.Name]); err != nil {
			return nil, nil, err
		}
	}
	cfg, src, err := draft.Resolve()
	if err != nil {
		return nil, nil, err
	}
	return cfg, &Sources{*src, *text["o"]}, nil
}

// readNetwork puts what -config and -layers say into the draft.
func readNetwork(draft *ep.Draft, given map[string]bool, config, layers string) error {
	isFile := strings.HasSuffix(layers, ".toml")
	if isFile && given["config"] {
		return fmt.Errorf("flags -config and -layers both name a file, %s and %s, want one of them", config, layers)
	}
	if given["config"] {
		if err := draft.ReadTOML(config); err != nil {
			return err
		}
	}
	switch {
	case !given["layers"]:
		return nil
	case isFile:
		return draft.ReadTOML(layers)
	case ep.IsList(layers):
		return draft.SetFlag("network.layers", "layers", layers)
	}
	if _, err := ep.Preset(layers); err != nil {
		return fmt.Errorf("flag -layers: %w, a list such as 64,M,fc10, or a file ending in .toml", err)
	}
	return draft.SetFlag("network.preset", "layers", layers)
}

// newFlags returns epgen's flags and where their texts are stored, by name. Usage
// has the words about them.
func newFlags() (*flag.FlagSet, map[string]*string) {
	fs := flag.NewFlagSet("epgen", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	text := map[string]*string{
		"layers": fs.String("layers", "", ""),
		"config": fs.String("config", "", ""),
		"o":      fs.String("o", "", ""),
	}
	for _, f := range SettingFlags {
		text[f.Name] = fs.String(f.Name, "", "")
	}
	LogFlags(fs)
	return fs, text
}

// flagError rewords an error of package flag.
func flagError(fs *flag.FlagSet, err error) error {
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		var names []string
		fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("unknown flag -%s, nearest is -%s (see epgen -help)", name, ep.Nearest(name, names))
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
		return fmt.Errorf("flag -%s: nothing, want a value", name)
	}
	return err
}

// Usage writes the help text of epgen: examples, flags, presets, exit status.
func Usage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(usageHead)
	line := func(name, value, usage string) {
		fmt.Fprintf(&b, "  %-22s %s\n", "-"+name+" "+value, usage)
	}
	line("layers", "NET", "a preset, a list such as 64,M,128,M,fc10, or a file ending in .toml")
	line("config", "F.toml", "configuration file: every setting; flags override it")
	line("o", "DIR", "output directory, replaced only if epgen wrote it")
	for _, f := range SettingFlags {
		line(f.Name, f.Value, f.Usage)
	}
	line("v", "N", "level of the log on standard error")
	b.WriteString("\nPresets:\n\n")
	if err := ep.WritePresetList(&b); err != nil {
		return err
	}
	b.WriteString(usageTail)
	_, err := io.WriteString(w, b.String())
	return err
}
