package mutate

import (
	"embed"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"epgen/ep"
	"epgen/gen"
	"epgen/sim"
)

//go:embed designs/*.toml
var designFiles embed.FS

// DesignNames returns the names of the designs that are mutated: small
// networks that together meet every case that the generator knows.
func DesignNames() []string {
	entries, err := fs.ReadDir(designFiles, "designs")
	if err != nil {
		panic("mutate: " + err.Error()) // embedded, so always there
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".toml"))
	}
	slices.Sort(names)
	return names
}

// ReadDesign returns the configuration of one of DesignNames. It passes through
// a file in scratch, since configurations are files.
func ReadDesign(name, scratch string) (*ep.Config, error) {
	text, err := designFiles.ReadFile("designs/" + name + ".toml")
	if err != nil {
		return nil, fmt.Errorf("unknown design %q, want one of %s", name, strings.Join(DesignNames(), ", "))
	}
	path := filepath.Join(scratch, name+".toml")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		return nil, err
	}
	var draft ep.Draft
	if err := draft.ReadTOML(path); err != nil {
		return nil, err
	}
	cfg, _, err := draft.Resolve()
	return cfg, err
}

// WritePackage writes the package of a configuration to dir, with weights and
// samples drawn from its seed that go to the limits of their formats.
func WritePackage(dir string, cfg *ep.Config) error {
	d, err := gen.New(cfg)
	if err != nil {
		return err
	}
	w, err := ep.LoadParams(cfg, &ep.Sources{})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	params := w.Quantize(&cfg.Formats)
	stretch(params, cfg)
	drawHeads(params, cfg)
	_, err = sim.WritePackage(dir, d, params, drawSamples(cfg), nil)
	return err
}

// stretch gives the first channel of hidden layers with more than four nothing but
// the smallest weights and in layer 1 the second nothing but the largest, so that
// sums come near to the ends of their proved ranges. Above layer 1 a channel that
// is always 1 would, by its feedback, leave nothing below it alive.
func stretch(p *ep.Params, cfg *ep.Config) {
	hidden := cfg.Network.Layers[:len(cfg.Network.Layers)-1]
	for i := range hidden {
		l := &hidden[i]
		if l.Out.C <= 4 {
			continue
		}
		each := len(p.Layers[i].W) / l.Out.C
		for k := range each {
			p.Layers[i].W[k] = int32(cfg.Formats.WeightOf(i + 1).Min())
			if i == 0 {
				p.Layers[i].W[each+k] = int32(cfg.Formats.WeightOf(i + 1).Max())
			}
		}
	}
}

// drawSamples draws samples over the whole range of the format, a third of the
// values being its limits or zero.
func drawSamples(cfg *ep.Config) *ep.Samples {
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x73616d706c65))
	lo, hi := cfg.Formats.Input.Min(), cfg.Formats.Input.Max()
	s := &ep.Samples{X: make([]int32, cfg.Samples()*cfg.Network.Input.Len()), Y: make([]int, cfg.Samples())}
	for i := range s.X {
		s.X[i] = int32(lo + rng.Int64N(hi-lo+1))
		if rng.IntN(3) == 0 {
			s.X[i] = int32([]int64{lo, 0, hi}[rng.IntN(3)])
		}
	}
	for i := range s.Y {
		s.Y[i] = rng.IntN(cfg.Network.Classes())
	}
	taught := false
	for i := range cfg.Network.Heads {
		var targets []int32
		if h := &cfg.Network.Heads[i]; h.Kind == ep.FeatureHead || h.Kind == ep.LogitHead {
			taught = true
			one := int64(1) << cfg.Formats.Error.Frac
			for range cfg.Samples() * h.Outputs() {
				targets = append(targets, int32(min(rng.Int64N(one+1), cfg.Formats.Error.Max())))
			}
		}
		s.Teacher = append(s.Teacher, targets)
	}
	if !taught {
		s.Teacher = nil
	}
	return s
}

// drawHeads gives heads biases, which begin at 0, and means that differ.
func drawHeads(p *ep.Params, cfg *ep.Config) {
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x6865616473))
	for i := range p.Heads {
		for k := range p.Heads[i].B {
			p.Heads[i].B[k] = int32(rng.Int64N(cfg.Formats.HeadBias.Max()/4) - cfg.Formats.HeadBias.Max()/8)
		}
		if cfg.Network.Heads[i].Center {
			for k := range p.Heads[i].Mean {
				p.Heads[i].Mean[k] = int32(rng.Int64N(cfg.Formats.State.Max()))
			}
		}
	}
}

// readRTL returns the files of rtl/ by base name.
func readRTL(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "rtl"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, "rtl", e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}
