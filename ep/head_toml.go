package ep

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// headTables is the key of the tables that describe one head each.
const headTables = "head"

// headsText is the [heads] section: which layers have a head, and what all heads
// have in common that their own tables do not say.
type headsText struct {
	layers string // "none", "all", or numbers separated by commas
	spec   HeadSpec
}

// headOnly are settings that mean nothing without a head.
var headOnly = map[string]bool{
	"formats.head-weight": true, "formats.head-bias": true, "formats.probability": true, "formats.error": true,
	"formats.lambda": true, "formats.logit": true, "init.head-gain": true, "init.mean": true,
}

// headKeys are the keys of a [[head]] table:
//
//	layer            number of the layer whose states it reads, from 1, or "readout"
//	kind             "ce" (default), "random", "mse", "features" or "logits"
//	grid             cells per side over which states are averaged; 0 is the full map
//	features         channels of the teacher's features
//	teacher-layer    number of the layer of the teacher that "features" come from; 0 is the same as layer
//	dense            true for one vector of features, otherwise a 1x1 convolution on the grid
//	lambda           strength of the signal beside the loss of the network
//	lambda-schedule  "constant", "cosine" or "step": of lambda over training
//	rate             learning rate of the map
//	center           true: a running mean of the features is subtracted
//	free-state       true: the map learns at s* instead of s+ and s-
//	temperature      T of "logits"
//	mix              a of "logits": the share of the teacher, 0..1
var headKeys = []string{"layer", "kind", "grid", "features", "teacher-layer", "dense", "lambda", "lambda-schedule", "rate", "center",
	"free-state", "temperature", "mix"}

// target returns where a key of headKeys but layer is stored.
func (s *HeadSpec) target(key string) any {
	switch key {
	case "kind":
		return &s.Kind
	case "grid":
		return &s.Grid
	case "features":
		return &s.Outputs
	case "teacher-layer":
		return &s.TeacherLayer
	case "dense":
		return &s.Dense
	case "lambda":
		return &s.Lambda
	case "lambda-schedule":
		return &s.LambdaSchedule
	case "rate":
		return &s.Rate
	case "center":
		return &s.Center
	case "free-state":
		return &s.FreeState
	case "temperature":
		return &s.Temperature
	case "mix":
		return &s.Mix
	}
	return nil
}

// commonHeadKeys are those of [heads].
var commonHeadKeys = []string{"kind", "grid", "lambda", "lambda-schedule", "rate", "center", "free-state", "temperature", "mix"}

// addHeads gives the network of cfg its readout and heads: those of [[head]] tables
// or of heads.layers, otherwise those that it has.
func (d *Draft) addHeads(cfg *Config, r *resolution) error {
	net := &cfg.Network
	if d.values["network.loss"].value != nil {
		if err := d.setLoss(cfg, r.net.loss); err != nil {
			return err
		}
	}
	specs := net.HeadSpecs()
	g, listed := d.values["heads.layers"]
	switch {
	case listed && d.heads != nil:
		return fmt.Errorf("%s and %s: [[head]] are both given, want one way to name the heads", g.origin, d.file)
	case listed:
		layers, err := parseHeadLayers(r.heads.layers, len(net.Layers), net.Readout() != nil)
		if err != nil {
			return fmt.Errorf("%s: %w", g.origin, err)
		}
		specs = d.onlyReadout(specs)
		for _, k := range layers {
			specs = append(specs, DefaultHead(k, net.Layers[k-1].Out))
		}
	case d.heads != nil:
		specs = d.onlyReadout(specs)
	}
	d.applyCommon(specs, false)
	if d.heads != nil {
		var err error
		if specs, err = d.readHeads(net, specs); err != nil {
			return fmt.Errorf("%s: %w", d.file, err)
		}
	}
	d.applyCommon(specs, true)
	built, err := net.WithHeads(net.Classes(), specs)
	if err != nil {
		return d.headError(err)
	}
	cfg.Network = built
	return nil
}

// headError names the place that said something of the heads.
func (d *Draft) headError(err error) error {
	if d.heads != nil {
		return fmt.Errorf("%s: %w", d.file, err)
	}
	for _, key := range append([]string{"layers"}, commonHeadKeys...) {
		if g, ok := d.values["heads."+key]; ok {
			return fmt.Errorf("%s: %w", g.origin, err)
		}
	}
	return err
}

// setLoss makes the last layer a readout, or the readout a layer.
func (d *Draft) setLoss(cfg *Config, loss string) error {
	origin := d.values["network.loss"].origin
	net := &cfg.Network
	switch {
	case loss != "mse" && loss != "ce":
		return fmt.Errorf("%s: %q, want mse or ce", origin, loss)
	case loss == "ce" && net.Readout() == nil:
		with, err := net.WithReadout()
		if err != nil {
			return fmt.Errorf("%s: %w", origin, err)
		}
		with, err = with.WithHeads(with.Classes(), append(net.HeadSpecs(), with.HeadSpecs()...))
		if err != nil {
			return fmt.Errorf("%s: %w", origin, err)
		}
		cfg.Network, cfg.Rates = with, cfg.Rates[:len(with.Layers)]
	case loss == "mse" && net.Readout() != nil:
		specs := append(net.Specs(), LayerSpec{Kind: Dense, Channels: net.Classes()})
		heads := net.HeadSpecs()
		plain, err := BuildNetwork(net.Name, net.Input, specs)
		if err == nil {
			plain, err = plain.WithHeads(net.Classes(), heads[:len(heads)-1])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", origin, err)
		}
		cfg.Network, cfg.Rates = plain, append(slices.Clone(cfg.Rates), 0.003)
	}
	return nil
}

func (d *Draft) onlyReadout(specs []HeadSpec) []HeadSpec {
	return slices.DeleteFunc(specs, func(s HeadSpec) bool { return !s.Readout })
}

// applyCommon stores the values of [heads] in specs: those of flags, which override
// the tables, or those of a file, which do not. Grid, kind and lambda are not the
// readout's.
func (d *Draft) applyCommon(specs []HeadSpec, flags bool) {
	for _, key := range commonHeadKeys {
		g, ok := d.values["heads."+key]
		if !ok || strings.HasPrefix(g.origin, "flag") != flags {
			continue
		}
		for i := range specs {
			s := &specs[i]
			if s.Readout && (key == "grid" || key == "kind" || strings.HasPrefix(key, "lambda")) {
				continue
			}
			_ = assign(s.target(key), g.value) // it was assigned to common before
		}
	}
}

// readHeads reads the [[head]] tables. Errors name the table, by its number from 1,
// the key, the value found and the value wanted.
func (d *Draft) readHeads(net *Network, specs []HeadSpec) ([]HeadSpec, error) {
	for i, table := range d.heads {
		s, err := d.readHead(net, table)
		if err != nil {
			return nil, fmt.Errorf("[[head]] %d: %w", i+1, err)
		}
		if s.Readout {
			specs = slices.DeleteFunc(specs, func(s HeadSpec) bool { return s.Readout })
		}
		specs = append(specs, s)
	}
	return specs, nil
}

func (d *Draft) readHead(net *Network, table map[string]any) (HeadSpec, error) {
	last := len(net.Layers)
	var s HeadSpec
	switch layer := table["layer"].(type) {
	case string:
		if layer != "readout" || net.Readout() == nil {
			return s, fmt.Errorf(`layer: %q, want a number 1..%d, or "readout" with loss ce`, layer, last)
		}
		s = DefaultReadout(last)
	case int64:
		if layer < 1 || layer > int64(last) {
			return s, fmt.Errorf("layer: %d, want 1..%d, a layer of the network", layer, last)
		}
		s = DefaultHead(int(layer), net.Layers[layer-1].Out)
	default:
		return s, fmt.Errorf(`layer: %s, want a number 1..%d, or "readout" with loss ce`, show(layer), last)
	}
	one := []HeadSpec{s}
	d.applyCommon(one, false)
	s = one[0]
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if key == "layer" {
			continue
		}
		target := s.target(key)
		if target == nil {
			return s, fmt.Errorf("unknown key %s, nearest is %s", key, Nearest(key, headKeys))
		}
		if err := assign(target, table[key]); err != nil {
			return s, fmt.Errorf("%s: %w", key, err)
		}
	}
	return s, nil
}

// parseHeadLayers reads "none", "all" - every layer but one that has the loss of the
// network - or numbers separated by commas.
func parseHeadLayers(text string, layers int, readout bool) ([]int, error) {
	var list []int
	switch text {
	case "none":
		return nil, nil
	case "all":
		for k := 1; k < layers; k++ {
			list = append(list, k)
		}
		return list, nil
	}
	if layers == 1 {
		return nil, fmt.Errorf("%q, want none or all: heads are on layers below the last, and there is one layer", text)
	}
	for _, part := range strings.Split(text, ",") {
		k, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || k < 1 || k >= layers {
			return nil, fmt.Errorf("%q, want none, all, or layers 1..%d separated by commas", text, layers-1)
		}
		if slices.Contains(list, k) {
			return nil, fmt.Errorf("%q names layer %d twice, want one head per layer", text, k)
		}
		list = append(list, k)
	}
	return list, nil
}

// writeHeads writes the [[head]] tables of the network of cfg. Of the readout of an inference
// build they say no more than where it is.
func writeHeads(w io.Writer, cfg *Config) error {
	var b strings.Builder
	net := &cfg.Network
	for i := range net.Heads {
		h := net.Heads[i].HeadSpec
		layer := strconv.Itoa(h.Layer)
		if h.Readout {
			layer = `"readout"`
		}
		fmt.Fprintf(&b, "\n[[%s]]\nlayer = %s\n", headTables, layer)
		for _, key := range headKeys[1:] {
			switch {
			case cfg.Build == Inference,
				(key == "features" || key == "dense" || key == "teacher-layer") && h.Kind != FeatureHead,
				(key == "temperature" || key == "mix") && h.Kind != LogitHead,
				h.Readout && (key == "grid" || strings.HasPrefix(key, "lambda")):
				continue
			}
			fmt.Fprintf(&b, "%s = %s\n", key, tomlValue(h.target(key)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
