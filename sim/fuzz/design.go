package fuzz

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"epgen/ep"
	"epgen/gen"
)

// Settings are the values of keys that a design does not leave at their defaults.
type Settings map[string]string

// base are the settings of a design in which nothing is drawn: a network that
// simulates in no time.
var base = Settings{
	"network.input": "1x3x3", "network.layers": "fc2", "network.name": "fuzz",
	"phases.free-steps": "3", "phases.nudge-steps": "2",
	"array.size": "2", "memory.data-width": "64", "memory.read-latency": "8",
}

// Limits of what is simulated: designs above are drawn again.
const (
	maxProducts = 1_000_000
	maxWeights  = 20_000
)

// differenceShift is the key of a list of numbers by layer.
const differenceShift = "formats.difference-shift"

// maxAttempts is how often a seed draws before it is given up.
const maxAttempts = 1000

// build is the option of the build. It is drawn last, for a design that is valid as a
// training build: an inference build sheds most of what makes a draw invalid, and if
// both were drawn together nearly all valid draws would be inference builds.
var build = Option{"build", among("training", "training", "training", "inference")}

// Draw returns the settings of a seed: the first draw that is a valid configuration
// of small size.
func Draw(seed uint64) (Settings, error) {
	for attempt := range uint64(maxAttempts) {
		s := Settings{}
		for _, o := range Options {
			s.draw(o, seed, attempt)
		}
		if !s.sound() {
			continue
		}
		if s.draw(build, seed, 0); s.sound() {
			return s, nil
		}
	}
	return nil, fmt.Errorf("seed %d: no valid configuration in %d draws", seed, maxAttempts)
}

// draw gives an option the value of its stream of a seed; "" leaves the default.
func (s Settings) draw(o Option, seed, attempt uint64) {
	h := fnv.New64a()
	h.Write([]byte(o.Key))
	if v := o.Draw(rand.New(rand.NewPCG(seed, h.Sum64()^attempt<<32))); v != "" {
		s[o.Key] = v
	}
}

// errTooLarge is the error of designs whose simulation would take long, errPanic of
// those that the generator cannot cope with.
var (
	errTooLarge = errors.New("too large to be simulated")
	errPanic    = errors.New("panic")
)

// sound reports a configuration that the generator must build. One that is not says
// what it wants; any other error is the generator's, and is left to Check.
func (s Settings) sound() bool {
	_, err := s.design()
	return err == nil || errors.Is(err, errPanic) || !errors.Is(err, errTooLarge) && !strings.Contains(err.Error(), "want ")
}

// config resolves the settings.
func (s Settings) config() (*ep.Config, error) {
	var draft ep.Draft
	all := maps.Clone(base)
	maps.Copy(all, s)
	all.fitLists()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if slices.Contains(ownKeys, key) {
			continue
		}
		if err := draft.SetFlag(key, key, all[key]); err != nil {
			return nil, err
		}
	}
	// Naming the layers forgets the name of the network.
	if err := draft.SetFlag("network.name", "network.name", base["network.name"]); err != nil {
		return nil, err
	}
	cfg, _, err := draft.Resolve()
	if err == nil {
		err = s.addHeads(cfg)
	}
	if err == nil && cfg.Build == ep.Inference { // which sheds them
		cfg = cfg.ForInference()
	}
	return cfg, err
}

// fitLists gives lists of values by layer as many as there are layers: those drawn, over again.
// Without differences there are no shifts of them.
func (s Settings) fitLists() {
	layers := 0
	for _, token := range strings.Split(s["network.layers"], ",") {
		if token != "M" && token != "A" {
			layers++
		}
	}
	for _, o := range Options {
		if o.Key == differenceShift && slices.Contains([]string{"", "0"}, s["formats.difference-bits"]) {
			delete(s, o.Key)
		}
		if text, ok := s[o.Key]; ok && (strings.Contains(o.Key, ".layer-") || o.Key == differenceShift) {
			values := strings.Split(text, ",")
			list := make([]string, layers)
			for i := range list {
				list[i] = values[i%len(values)]
			}
			s[o.Key] = strings.Join(list, ",")
		}
	}
}

// design derives the accelerator; it is an error if its simulation would take long.
func (s Settings) design() (_ *gen.Design, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	weights := 0
	for i := range cfg.Network.Layers {
		weights += cfg.Network.Layers[i].Weights()
	}
	if weights > maxWeights {
		return nil, errTooLarge
	}
	d, err := gen.New(cfg)
	if err != nil {
		return nil, err
	}
	if d.Plan.UsefulProducts() > maxProducts {
		return nil, errTooLarge
	}
	return d, nil
}

// String lists the settings as arguments of epgen, sorted.
func (s Settings) String() string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(s)) {
		list = append(list, key+"="+s[key])
	}
	return strings.Join(list, " ")
}

// Parse reads what String writes.
func Parse(text string) (Settings, error) {
	s := Settings{}
	for _, word := range strings.Fields(text) {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("setting %q, want KEY=VALUE", word)
		}
		s[key] = value
	}
	return s, nil
}

// Kept returns the settings of designs that failed once, by name: the files of a
// directory, whose lines after '#' are comments.
func Kept(dir string) (map[string]Settings, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	kept := map[string]Settings{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var lines []string
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "#")
			lines = append(lines, line)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		if kept[name], err = Parse(strings.Join(lines, " ")); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return kept, nil
}
