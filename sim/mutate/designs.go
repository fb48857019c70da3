package mutate

import (
	"embed"
	"fmt"
	"io/fs"
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

// WritePackage writes the package of a configuration, with weights and samples
// drawn from its seed, to dir.
func WritePackage(dir string, cfg *ep.Config) error {
	d, err := gen.New(cfg)
	if err != nil {
		return err
	}
	var none ep.Sources
	w, err := ep.LoadParams(cfg, &none)
	if err != nil {
		return err
	}
	x, err := ep.LoadInputs(cfg, &none)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	_, err = sim.WritePackage(dir, d, w.Quantize(&cfg.Formats), x.Quantize(&cfg.Formats), nil)
	return err
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
