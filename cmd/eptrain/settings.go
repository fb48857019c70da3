package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"epgen/ep"
)

// settings are what a run is determined by, but for the network's configuration,
// which is config.toml in the run's directory.
type settings struct {
	Options      ep.TrainOptions
	Data         string // directory; the procedural set if empty
	TrainSamples int    // used of Data, or drawn
	Teacher      string // NPZ file of targets, or directory of a run; none if empty

	Out       string `json:"-"`
	Resume    bool   `json:"-"`
	GradCheck bool   `json:"-"`
	Precision bool   `json:"-"`
	Evaluate  bool   `json:"-"`
	Linear    bool   `json:"-"`
	Compare   string `json:"-"`
	Trace     string `json:"-"`
	Teach     string `json:"-"`

	config  *ep.Config
	sources *ep.Sources
}

// networkFlags are the flags that stand for a key of the configuration file, as
// those of epgen of the same names.
var networkFlags = []struct{ name, key, value, usage string }{
	{"input-shape", "network.input", "CxHxW", "shape of a sample, if not that of the preset (lists: 3x32x32)"},
	{"classes", "network.classes", "K", "outputs of the last layer, if not those of the preset or list"},
	{"loss", "network.loss", "KIND", "mse, the squared error of the last layer, or ce, which makes it a softmax readout"},
	{"heads", "heads.layers", "LIST", "layers with a head, an intermediate loss: none, all, or such as 2,4,6"},
	{"head-kind", "heads.kind", "KIND", "of the heads: ce, random, mse, features or logits"},
	{"lambda", "heads.lambda", "X", "strength of the signals of the heads"},
	{"head-rate", "heads.rate", "X", "learning rate of heads and readout"},
	{"center", "heads.center", "BOOL", "true: heads subtract a running mean of the features"},
	{"batch", "phases.batch", "B", "samples of a mini-batch"},
	{"free-steps", "phases.free-steps", "T1", "time steps of the free phase"},
	{"nudge-steps", "phases.nudge-steps", "T2", "time steps of each nudged phase"},
	{"beta", "phases.beta", "X", "strength of the nudge"},
	{"pool-index", "phases.pool-index", "MODE", "argmax while nudged: frozen (of the free equilibrium) or live"},
	{"sweep", "phases.schedule", "ORDER", "of the layers in a step: synchronous, or asynchronous, odd ones and then even ones"},
	{"damping", "phases.damping", "K", "a state moves by 2^-K of the way to its activation in a time step"},
	{"min-steps", "phases.min-steps", "N", "a phase may end early, after N time steps or more, when its states have settled"},
	{"tolerance", "phases.tolerance", "LSB", "largest change of a state in its last step then"},
	{"initial-state", "phases.initial-state", "X", "state of every neuron before the first time step"},
	{"start", "phases.start", "FROM", "first states: cold, the initial state, or warm, the free equilibrium of the step before"},
	{"estimate", "phases.estimate", "KIND", "states compared: symmetric, positive, negative, random-sign or points"},
	{"betas", "phases.betas", "LIST", "strengths of the nudge of -estimate points"},
	{"beta-weights", "phases.beta-weights", "LIST", "integer weights of these points"},
	{"activation", "phases.activation", "SLOPE", "hard sigmoid: half, clamp(u/2, 0, 1), or unit, clamp(u, 0, 1)"},
	{"rates", "learning.rates", "LIST", "learning rate of each layer, separated by commas"},
	{"weights", "weights", "F.npz", "initial weights layer1.weight [Cout, Cin, KH, KW], layer1.bias [Cout], ..."},
	{"data", "data", "DIR", "directory of MNIST or CIFAR files, gzipped or not; a procedural set without it"},
	{"input", "input", "F.npz", "samples x [B, C, H, W] and y [B] of -gradcheck, -precision and -trace; the first test samples without it"},
	{"state-format", "formats.state", "UQN.M", "format of the states"},
	{"weight-format", "formats.weight", "QN.M", "format of the weights"},
	{"bias-format", "formats.bias", "QN.M", "format of the biases"},
	{"update-rounding", "formats.update-rounding", "MODE", "of the hardware's update: nearest-even, nearest-up, truncate or stochastic"},
	{"seed", "seed", "N", "seed of weights, order and augmentation"},
	{"gain", "init.gain", "X", "weights are drawn from +-X/sqrt(fan_in)"},
	{"bias", "init.bias", "X", "initial value of every bias"},
	{"head-gain", "init.head-gain", "X", "the same as -gain for the maps of heads and readout"},
}

// trainFlags are the flags of training itself.
var trainFlags = []struct{ name, value, usage string }{
	{"layers", "NET", "a preset, a list such as 64,M,128,M,fc10, or a file ending in .toml"},
	{"config", "F.toml", "configuration file, the same as epgen's; flags override it"},
	{"o", "DIR", "directory of the run; new or empty"},
	{"resume", "DIR", "goes on with a run; of the other flags only -epochs counts"},
	{"arith", "KIND", "arithmetic of the phases: float64, or fixed, that of the hardware"},
	{"algorithm", "KIND", "ep, equilibrium propagation, or bp, back-propagation in the same layers without feedback: a teacher"},
	{"update", "KIND", "float, a float64 master with momentum, or hardware, its exact update of codes"},
	{"epochs", "N", "passes over the training samples"},
	{"momentum", "X", "of the float update"},
	{"decay", "X", "weight decay of the float update"},
	{"schedule", "KIND", "of the rates: constant, cosine, or step (a tenth after 1/2 and after 3/4)"},
	{"flip", "", "exchanges left and right in half of the training images"},
	{"crop", "N", "shifts training images by up to N pixels each way"},
	{"train-samples", "N", "training samples used, or drawn (4000) without -data"},
	{"evaluate", "", "prints loss and accuracy of -weights on the test samples"},
	{"gradcheck", "", "compares the gradient estimate of one batch with BPTT, per layer; plot with -o"},
	{"precision", "", "trains in many formats and compares accuracy and gradients, see docs/precision.md; of given -weights without training"},
	{"compare", "LIST", "prints the accuracies of runs, directories separated by commas; common plots with -o"},
	{"linear", "", "trains a linear softmax classifier instead, without EP, as a baseline; -layers fcK"},
	{"teacher", "PATH", "of heads of kind features or logits: an NPZ file that -teach wrote, or the directory of a run"},
	{"teach", "F.npz", "writes states and logits of -weights for all training images, from which -teacher learns"},
	{"trace", "F.npz", "writes states, estimate and BPTT of one batch"},
}

const usageText = `eptrain trains a network by equilibrium propagation.

  eptrain -layers 16,M,32,M,fc10 -input-shape 1x28x28 -o run        digits that it draws itself
  eptrain -layers mnist-conv -data mnist -arith fixed -o run        in the arithmetic of the hardware
  eptrain -resume run                                              goes on where it stopped
  eptrain -layers vgg5 -gradcheck -beta 0.001                       against BPTT
  epgen -config run/config.toml -weights run/best.npz -o hardware   the trained network in hardware

Flags, with one dash or two:

`

const defaultsText = `
Without a configuration file: batch 16, beta 0.4, rate 0.04 (1 - momentum) for the last layer
and three times as much for each one below, up to 1 (1 - momentum); with up to three layers also slope 1,
gain 1, bias 0 and 20 free steps.
`

// usage writes the help text.
func usage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(usageText)
	line := func(name, value, usage string) {
		fmt.Fprintf(&b, "  %-22s %s\n", "-"+name+" "+value, usage)
	}
	for _, f := range trainFlags {
		line(f.name, f.value, f.usage)
	}
	for _, f := range networkFlags {
		line(f.name, f.value, f.usage)
	}
	b.WriteString(defaultsText)
	b.WriteString("\nPresets:\n\n")
	if err := ep.WritePresetList(&b); err != nil {
		return err
	}
	b.WriteString("\nExit status: 0 done, 2 not possible (one line on standard error says why).\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// parse turns arguments into settings. For -help the error is flag.ErrHelp.
func parse(args []string) (*settings, error) {
	fs := flag.NewFlagSet("eptrain", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	s := &settings{}
	arith, update := fs.String("arith", "float64", ""), fs.String("update", "float", "")
	algorithm := fs.String("algorithm", "ep", "")
	layers, config, resume := fs.String("layers", "", ""), fs.String("config", "", ""), fs.String("resume", "", "")
	fs.StringVar(&s.Out, "o", "", "")
	fs.IntVar(&s.Options.Epochs, "epochs", 10, "")
	fs.Float64Var(&s.Options.Momentum, "momentum", 0.9, "")
	fs.Float64Var(&s.Options.Decay, "decay", 0, "")
	fs.TextVar(&s.Options.Schedule, "schedule", ep.Cosine, "")
	fs.BoolVar(&s.Options.Augment.Flip, "flip", false, "")
	fs.IntVar(&s.Options.Augment.Crop, "crop", 0, "")
	fs.IntVar(&s.TrainSamples, "train-samples", 0, "")
	fs.BoolVar(&s.GradCheck, "gradcheck", false, "")
	fs.BoolVar(&s.Precision, "precision", false, "")
	fs.BoolVar(&s.Evaluate, "evaluate", false, "")
	fs.BoolVar(&s.Linear, "linear", false, "")
	fs.StringVar(&s.Compare, "compare", "", "")
	fs.StringVar(&s.Trace, "trace", "", "")
	fs.StringVar(&s.Teacher, "teacher", "", "")
	fs.StringVar(&s.Teach, "teach", "", "")
	text := map[string]*string{}
	for _, f := range networkFlags {
		text[f.name] = fs.String(f.name, "", "")
	}
	if err := fs.Parse(args); err != nil {
		return nil, flagError(fs, err)
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q, want flags only", fs.Arg(0))
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if given["resume"] {
		return resumed(*resume, given, s.Options.Epochs)
	}
	if err := s.choose(*arith, *update, given); err != nil {
		return nil, err
	}
	if *algorithm != "ep" && *algorithm != "bp" {
		return nil, fmt.Errorf("flag -algorithm: %q, want ep or bp", *algorithm)
	}
	s.Options.Backprop = *algorithm == "bp"
	draft, err := readNetwork(*layers, *config)
	if err != nil {
		return nil, err
	}
	for _, f := range networkFlags {
		if given[f.name] {
			if err := draft.SetFlag(f.key, f.name, *text[f.name]); err != nil {
				return nil, err
			}
		}
	}
	if s.config, s.sources, err = draft.Resolve(); err != nil {
		return nil, err
	}
	if s.Precision && !given["momentum"] {
		s.Options.Momentum = 0
	}
	if *config == "" && !strings.HasSuffix(*layers, ".toml") {
		trainingDefaults(s.config, given, s.Options.Momentum)
	}
	s.Data = s.sources.Data
	s.Options.Calibrate = s.sources.Weights == ""
	return s, s.check()
}

// trainingDefaults sets what no flag says to values to train with; those of a preset
// are meant to show one step of the hardware at work. They were tried on
// digits with two convolutions. Deeper networks need the slope 1/2 to settle.
// Momentum m makes steps 1/(1-m) times as long in the end, which rates allow for.
func trainingDefaults(cfg *ep.Config, given map[string]bool, momentum float64) {
	layers := len(cfg.Network.Layers)
	shallow := layers <= 3
	set := func(flag string, f func()) {
		if !given[flag] {
			f()
		}
	}
	set("batch", func() { cfg.Batch = 16 })
	set("beta", func() { cfg.Beta = 0.4 })
	set("nudge-steps", func() { cfg.NudgeSteps = layers + 3 })
	if shallow {
		set("activation", func() { cfg.Activation = ep.Unit })
		set("gain", func() { cfg.Init.Gain = 1 })
		set("bias", func() { cfg.Init.Bias = 0 })
		set("free-steps", func() { cfg.FreeSteps = 20 })
	}
	set("head-gain", func() { cfg.Init.HeadGain = 0 })
	set("rates", func() {
		rate := 0.04
		for n := layers - 1; n >= 0; n-- {
			cfg.Rates[n] = rate * (1 - momentum)
			rate = min(3*rate, 1)
		}
	})
}

// choose sets the arithmetic by the words of the flags.
func (s *settings) choose(arith, update string, given map[string]bool) error {
	switch arith {
	case "float64":
	case "fixed":
		s.Options.Fixed = true
	default:
		return fmt.Errorf("flag -arith: %q, want float64 or fixed", arith)
	}
	switch update {
	case "float":
	case "hardware":
		s.Options.HardwareUpdate = true
		if !given["momentum"] {
			s.Options.Momentum = 0
		}
	default:
		return fmt.Errorf("flag -update: %q, want float or hardware", update)
	}
	return nil
}

func (s *settings) arithmetic() string {
	if s.Options.Fixed {
		return "fixed point"
	}
	return "float64"
}

func (s *settings) check() error {
	if err := s.Options.Validate(); err != nil {
		return fmt.Errorf("flag -%w", err)
	}
	if s.TrainSamples < 0 {
		return fmt.Errorf("flag -train-samples: %d, want an integer of at least 0", s.TrainSamples)
	}
	var modes []string
	for name, on := range map[string]bool{
		"-evaluate": s.Evaluate, "-linear": s.Linear, "-compare": s.Compare != "", "-gradcheck": s.GradCheck, "-precision": s.Precision, "-trace": s.Trace != "",
		"-teach": s.Teach != "",
	} {
		if on {
			modes = append(modes, name)
		}
	}
	slices.Sort(modes)
	switch {
	case len(modes) > 1:
		return fmt.Errorf("flags %s are given, want one of them", strings.Join(modes, " and "))
	case len(modes) == 0 && s.Out == "":
		return errors.New("flag -o is missing, want the directory of the run")
	}
	return nil
}

// readNetwork returns a draft of what -config and -layers say.
func readNetwork(layers, config string) (*ep.Draft, error) {
	draft := &ep.Draft{}
	isFile := strings.HasSuffix(layers, ".toml")
	if isFile && config != "" {
		return nil, fmt.Errorf("flags -config and -layers both name a file, %s and %s, want one of them", config, layers)
	}
	for _, path := range []string{config, layers} {
		if strings.HasSuffix(path, ".toml") || path != "" && path == config {
			if err := draft.ReadTOML(path); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case isFile || layers == "":
		return draft, nil
	case ep.IsList(layers):
		return draft, draft.SetFlag("network.layers", "layers", layers)
	}
	if _, err := ep.Preset(layers); err != nil {
		return nil, fmt.Errorf("flag -layers: %w, a list such as 64,M,fc10, or a file ending in .toml", err)
	}
	return draft, draft.SetFlag("network.preset", "layers", layers)
}

// flagError rewords an error of package flag.
func flagError(fs *flag.FlagSet, err error) error {
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		var names []string
		fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("unknown flag -%s, nearest is -%s (see eptrain -help)", name, ep.Nearest(name, names))
	}
	return err
}

// resumed returns the settings of a run that was begun before.
func resumed(dir string, given map[string]bool, epochs int) (*settings, error) {
	for name := range given {
		if name != "resume" && name != "epochs" {
			return nil, fmt.Errorf("flags -resume and -%s are both given, want -resume with no other flag but -epochs", name)
		}
	}
	path := filepath.Join(dir, settingsName)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w, want a directory that eptrain wrote", path, errors.Unwrap(err))
	}
	s := &settings{Out: dir, Resume: true}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if given["epochs"] {
		s.Options.Epochs = epochs
	}
	var draft ep.Draft
	if err := draft.ReadTOML(filepath.Join(dir, configName)); err != nil {
		return nil, err
	}
	if s.config, s.sources, err = draft.Resolve(); err != nil {
		return nil, err
	}
	return s, s.check()
}

// testSamples and trainSamples are the sizes of the procedural set.
const testSamples, trainSamples = 1000, 4000

// load returns the configuration, the data and the initial parameters.
func (s *settings) load() (*ep.Config, *ep.Dataset, *ep.FloatParams, error) {
	p, err := ep.LoadParams(s.config, s.sources)
	if err != nil {
		return nil, nil, nil, err
	}
	var data *ep.Dataset
	if s.Data != "" {
		if data, err = ep.LoadSplit(s.Data, s.TrainSamples); err != nil {
			return nil, nil, nil, err
		}
	} else {
		count := s.TrainSamples
		if count == 0 {
			count = trainSamples
		}
		data = ep.ProceduralSet(&s.config.Network, count, testSamples, s.config.Seed)
	}
	return s.config, data, p, s.hireTeacher(data)
}

// samples returns the batch that -gradcheck, -precision and -trace look at: that of
// -input, or the first test samples.
func (s *settings) samples(cfg *ep.Config, data *ep.Dataset) (*ep.FloatSamples, error) {
	var samples *ep.FloatSamples
	var err error
	if s.sources.Input != "" {
		samples, err = ep.LoadTraceSamples(s.sources.Input, cfg)
	} else {
		samples, err = data.First(&cfg.Network, cfg.Batch)
	}
	if err != nil || data.Teacher == nil {
		return samples, err
	}
	if strings.HasSuffix(s.Teacher, ".npz") {
		return nil, fmt.Errorf("flag -teacher: %s has targets of training images, want the directory of a run for these samples", s.Teacher)
	}
	samples.Teacher = data.Teacher.Targets(samples, nil)
	return samples, nil
}
