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
	Effect    bool   `json:"-"`
	Evaluate  bool   `json:"-"`
	Linear    bool   `json:"-"`
	Compare   string `json:"-"`
	Trace     string `json:"-"`
	Teach     string `json:"-"`

	config  *ep.Config
	sources *ep.Sources
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
	fs.BoolVar(&s.Effect, "effect", false, "")
	fs.BoolVar(&s.Evaluate, "evaluate", false, "")
	fs.BoolVar(&s.Linear, "linear", false, "")
	fs.StringVar(&s.Compare, "compare", "", "")
	fs.StringVar(&s.Trace, "trace", "", "")
	fs.StringVar(&s.Teacher, "teacher", "", "")
	fs.StringVar(&s.Teach, "teach", "", "")
	text := map[string]*string{}
	for _, f := range networkFlags {
		text[f.Name] = fs.String(f.Name, "", "")
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
		if given[f.Name] {
			if err := draft.SetFlag(f.Key, f.Name, *text[f.Name]); err != nil {
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
		s.trainingDefaults(given)
	}
	s.Data = s.sources.Data
	s.Options.Calibrate = s.sources.Weights == ""
	return s, s.check()
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
		"-evaluate": s.Evaluate, "-linear": s.Linear, "-compare": s.Compare != "", "-gradcheck": s.GradCheck, "-precision": s.Precision, "-effect": s.Effect, "-trace": s.Trace != "",
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
	case s.Precision && s.config.GivenStates && s.sources.States != ep.RandomStates:
		return fmt.Errorf("flags -initial-states %s and -precision are given, want %s: it needs states of training images and of others",
			s.sources.States, ep.RandomStates)
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
	if s.config.GivenStates && !s.GradCheck && s.Trace == "" { // these look at other samples
		if data.States, err = ep.LoadInitialStates(s.sources.States, s.config, data.Train.Len()); err != nil {
			return nil, nil, nil, err
		}
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
	if err == nil {
		err = samples.AddStates(s.sources.States, cfg)
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
