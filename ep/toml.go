package ep

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"epgen/fixedpoint"
)

// Draft collects settings from files and flags; what is set later wins.
// Resolve turns it into a configuration. The zero value is empty.
type Draft struct {
	values map[string]given
	layers []map[string]any // [[layer]] tables
	heads  []map[string]any // [[head]] tables
	file   string           // where they come from
}

// given is a value of a setting with the words by which messages name its place.
type given struct {
	value  any
	origin string
}

// layerTables is the key of the tables that describe one layer each.
const layerTables = "layer"

func (d *Draft) set(key string, value any, origin string) {
	if d.values == nil {
		d.values = map[string]given{}
	}
	d.values[key] = given{value, origin}
}

// ReadTOML adds the settings of a configuration file. Paths in it are relative
// to its directory. Errors name the file, the key, the value found and the
// value wanted; for an unknown key the nearest valid one.
func (d *Draft) ReadTOML(path string) error {
	text, err := readAll(path)
	if err != nil {
		return err
	}
	var tree map[string]any
	if _, err := toml.Decode(string(text), &tree); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return fmt.Errorf("%s: line %d: %s, want TOML", path, syntax.Position.Line, syntax.Message)
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	if tables, ok := tree[layerTables]; ok {
		if d.layers, ok = tables.([]map[string]any); !ok {
			return fmt.Errorf("%s: %s: %s, want tables [[layer]]", path, layerTables, show(tables))
		}
		d.file = path
		delete(tree, layerTables)
	}
	if tables, ok := tree[headTables]; ok {
		if d.heads, ok = tables.([]map[string]any); !ok {
			return fmt.Errorf("%s: %s: %s, want tables [[head]]", path, headTables, show(tables))
		}
		d.file = path
		delete(tree, headTables)
	}
	flat := map[string]any{}
	flatten(flat, "", tree)
	for _, key := range slices.Sorted(maps.Keys(flat)) {
		if err := d.setFromFile(path, key, flat[key]); err != nil {
			return err
		}
	}
	return nil
}

// flatten stores the values of nested tables under their keys joined by dots.
func flatten(dst map[string]any, prefix string, tree map[string]any) {
	for name, value := range tree {
		if table, ok := value.(map[string]any); ok && !isSetting(prefix+name) {
			flatten(dst, prefix+name+".", table)
			continue
		}
		dst[prefix+name] = value
	}
}

func isSetting(key string) bool { return findSetting(key) != nil }

func (d *Draft) setFromFile(path, key string, value any) error {
	s := findSetting(key)
	if s == nil {
		return fmt.Errorf("%s: unknown key %s, nearest is %s", path, key, Nearest(key, Keys()))
	}
	// Wrong types are reported here, where the file is known to be at fault.
	if err := assign(s.target(&resolution{}), value); err != nil {
		return fmt.Errorf("%s: %s: %w", path, key, err)
	}
	switch key {
	case "weights", "input", "data", "phases.initial-states":
		if name := value.(string); name != "" && name != RandomStates && !filepath.IsAbs(name) {
			value = filepath.Join(filepath.Dir(path), name)
		}
	}
	d.set(key, value, path+": "+key)
	return nil
}

// Keys returns all keys of a configuration file, but for those in [[layer]].
func Keys() []string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.key
	}
	return keys
}

// SetFlag sets a key from the text of the flag called name, in place of what a
// file said. A flag that names a network replaces the whole [network] section,
// one that names samples replaces the other way to name them.
func (d *Draft) SetFlag(key, name, text string) error {
	origin := "flag -" + name
	value, err := parseFlag(findSetting(key).target(&resolution{}), text)
	if err == nil {
		err = assign(findSetting(key).target(&resolution{}), value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", origin, err)
	}
	switch key {
	case "network.preset":
		d.dropNetwork()
		delete(d.values, "network.input")
	case "network.layers":
		d.dropNetwork()
	case "heads.layers":
		d.heads = nil
	case "data":
		delete(d.values, "input")
	case "input":
		delete(d.values, "data")
	}
	d.set(key, value, origin)
	return nil
}

func (d *Draft) dropNetwork() {
	d.layers, d.heads = nil, nil
	for _, key := range []string{"network.preset", "network.layers", "network.name", "network.classes"} {
		delete(d.values, key)
	}
}

// Resolve builds the network, gives every setting its value - the one in the
// draft, else that of the preset or NewConfig - and validates the whole.
// Without any network it is the preset vgg11.
func (d *Draft) Resolve() (*Config, *Sources, error) {
	var r resolution
	ofNetwork := func(key string) bool { return strings.HasPrefix(key, "network.") || strings.HasPrefix(key, "heads.") }
	if err := d.apply(&r, ofNetwork); err != nil {
		return nil, nil, err
	}
	cfg, err := d.buildNetwork(&r.net)
	if err != nil {
		return nil, nil, err
	}
	if err := d.addHeads(cfg, &r); err != nil {
		return nil, nil, err
	}
	r.config = *cfg
	if err := d.apply(&r, func(key string) bool { return !ofNetwork(key) }); err != nil {
		return nil, nil, err
	}
	if err := checkStatesSource(r.sources.States); err != nil {
		return nil, nil, d.place(err)
	}
	r.config.GivenStates = r.sources.States != ""
	if r.config.Build == Inference {
		if g := d.values["sequence.task"]; strings.HasPrefix(g.origin, "flag") && r.config.Sequence.Task == Train { // in a file it is shed
			return nil, nil, fmt.Errorf("%s: train with build inference, want infer", g.origin)
		}
		r.config = *r.config.ForInference()
	}
	if r.sources.Input != "" && r.sources.Data != "" {
		return nil, nil, fmt.Errorf("%s and %s are both given, want one of them",
			d.values["input"].origin, d.values["data"].origin)
	}
	if r.sources.First < 0 {
		return nil, nil, fmt.Errorf("%s: %d, want an integer of at least 0", d.values["first-sample"].origin, r.sources.First)
	}
	if err := r.config.Validate(); err != nil {
		return nil, nil, d.place(err)
	}
	return &r.config, &r.sources, nil
}

// place names the file or flag that a setting comes from.
func (d *Draft) place(err error) error {
	var bad *SettingError
	if errors.As(err, &bad) {
		if g, ok := d.values[bad.Key]; ok {
			return fmt.Errorf("%s: %s", g.origin, bad.Reason)
		}
	}
	return err
}

func (d *Draft) apply(r *resolution, which func(key string) bool) error {
	for i := range settings {
		s := &settings[i]
		g, ok := d.values[s.key]
		if !ok || !which(s.key) {
			continue
		}
		if err := assign(s.target(r), g.value); err != nil {
			return fmt.Errorf("%s: %w", g.origin, err)
		}
	}
	return nil
}

// WriteTOML writes the resolved configuration with a comment at every key, such
// that reading it gives cfg again. Weights, samples and initial states that belong to it are
// those of src, paths relative to the file; empty ones are left out.
func WriteTOML(w io.Writer, cfg *Config, src Sources) error {
	net := &cfg.Network
	r := resolution{
		config:  *cfg,
		sources: src,
		net:     networkText{name: net.Name, layers: net.Notation(), input: net.Input.String(), loss: net.Loss()},
	}
	var b strings.Builder
	section := ""
	for i := range settings {
		s := &settings[i]
		switch s.key {
		case "data", "data-part", "first-sample", "network.preset", "network.classes":
			continue // replaced by the samples and by the layers
		}
		text := tomlValue(s.target(&r))
		if text == `""` || text == "[]" {
			continue
		}
		if strings.HasPrefix(s.key, "heads.") || headOnly[s.key] && len(net.Heads) == 0 {
			continue // the tables say all
		}
		if cfg.Build == Inference && trainingOnly[s.key] {
			continue
		}
		name := s.key
		if in, rest, ok := strings.Cut(s.key, "."); ok {
			name = rest
			if in != section {
				fmt.Fprintf(&b, "[%s]\n\n", in)
				section = in
			}
		}
		fmt.Fprintf(&b, "# %s\n%s = %s\n\n", s.doc, name, text)
	}
	if _, err := io.WriteString(w, strings.TrimSuffix(b.String(), "\n")); err != nil {
		return err
	}
	return writeHeads(w, cfg)
}

// tomlValue returns the TOML text of what a target holds.
func tomlValue(target any) string {
	switch t := target.(type) {
	case *int:
		return fmt.Sprint(*t)
	case *uint64:
		return fmt.Sprint(*t)
	case *bool:
		return fmt.Sprint(*t)
	case *float64:
		return formatFloat(*t)
	case *[]float64:
		parts := make([]string, len(*t))
		for i, v := range *t {
			parts[i] = formatFloat(v)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *[]fixedpoint.Format:
		parts := make([]string, len(*t))
		for i, f := range *t {
			parts[i] = fmt.Sprintf("%q", f)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *[]int:
		return strings.ReplaceAll(fmt.Sprint(*t), " ", ", ")
	case *string:
		return fmt.Sprintf("%q", *t)
	case fmt.Stringer:
		return fmt.Sprintf("%q", t.String())
	}
	panic("ep: setting of an unknown type")
}
