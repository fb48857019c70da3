package ep

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// buildNetwork returns the default settings of the network that the draft
// names by preset, by list, or by [[layer]] tables.
func (d *Draft) buildNetwork(n *networkText) (*Config, error) {
	if ways := d.networkOrigins(); len(ways) > 1 {
		return nil, fmt.Errorf("%s are both given, want one way to name the network", strings.Join(ways, " and "))
	}
	input := cifar
	if n.input != "" {
		var err error
		if input, err = ParseShape(n.input); err != nil {
			return nil, fmt.Errorf("%s: %w", d.values["network.input"].origin, err)
		}
	}
	cfg, origin, err := d.startNetwork(n, input)
	if err != nil {
		return nil, fmt.Errorf("%s%w", origin, err)
	}
	return d.reshape(cfg, n, input)
}

// networkOrigins returns the places at which a network is named.
func (d *Draft) networkOrigins() []string {
	var origins []string
	for _, key := range []string{"network.preset", "network.layers"} {
		if g, ok := d.values[key]; ok {
			origins = append(origins, g.origin)
		}
	}
	if d.layers != nil {
		origins = append(origins, d.file+": [[layer]]")
	}
	return origins
}

// startNetwork builds the network before a preset meets another input shape or
// number of classes. On error, origin is the place at fault with ": ", or "".
func (d *Draft) startNetwork(n *networkText, input Shape) (cfg *Config, origin string, err error) {
	var net Network
	switch {
	case n.layers != "":
		origin = d.values["network.layers"].origin + ": "
		net, err = ParseLayers(n.layers, input)
	case d.layers != nil:
		var specs []LayerSpec
		if specs, err = parseLayerTables(d.layers); err == nil {
			net, err = BuildNetwork("custom", input, specs)
		}
		origin = d.file + ": "
	case n.preset != "":
		cfg, err = Preset(n.preset)
		return cfg, d.values["network.preset"].origin + ": ", err
	default:
		cfg, err = Preset("vgg11")
		return cfg, "", err
	}
	if err != nil {
		return nil, origin, err
	}
	return NewConfig(net), "", nil
}

// reshape gives the network the name, the input and the number of classes that
// the draft asks for.
func (d *Draft) reshape(cfg *Config, n *networkText, input Shape) (*Config, error) {
	if n.name != "" {
		cfg.Network.Name = n.name
	}
	old := &cfg.Network
	if n.input == "" {
		input = old.Input
	}
	specs, classes := old.Specs(), old.Classes()
	if g, ok := d.values["network.classes"]; ok {
		if n.classes < 1 || n.classes > MaxExtent {
			return nil, fmt.Errorf("%s: %d, want an integer 1..%d", g.origin, n.classes, MaxExtent)
		}
		if classes = n.classes; old.Readout() == nil {
			specs[len(specs)-1].Channels = classes
		}
	}
	net, err := BuildNetwork(old.Name, input, specs)
	if err == nil {
		net, err = net.WithHeads(classes, old.HeadSpecs())
	}
	if err != nil {
		return nil, fmt.Errorf("network %s on input %v: %w", old.Name, input, err)
	}
	cfg.Network = net
	return cfg, nil
}

// layerKeys are the keys of a [[layer]] table:
//
//	kind      "conv" (default) or "dense"
//	channels  output channels, or units of a dense layer
//	kernel    1, 3 (default), 5 or 7
//	padding   (kernel - 1)/2 by default
//	stride    1 (default) or 2
//	bias      true (default) or false
//	pool      "none" (default), "max" or "average": of 2x2 windows after the convolution
var layerKeys = []string{"kind", "channels", "kernel", "padding", "stride", "bias", "pool"}

// parseLayerTables reads [[layer]] tables. Errors name the table, by its number from
// 1, the key, the value found and the value wanted.
func parseLayerTables(tables []map[string]any) ([]LayerSpec, error) {
	specs := make([]LayerSpec, len(tables))
	for i, table := range tables {
		var err error
		if specs[i], err = parseLayerTable(table); err != nil {
			return nil, fmt.Errorf("[[layer]] %d: %w", i+1, err)
		}
	}
	return specs, nil
}

func parseLayerTable(table map[string]any) (LayerSpec, error) {
	kind, s := "conv", LayerSpec{Kernel: 3, Pad: -1, Stride: 1}
	targets := map[string]any{"kind": &kind, "channels": &s.Channels, "kernel": &s.Kernel, "padding": &s.Pad,
		"stride": &s.Stride, "pool": &s.Pool}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		value := table[key]
		if on, ok := value.(bool); ok {
			switch key {
			case "bias":
				s.NoBias = !on
				continue
			case "pool": // true and false for max and none
				value = NoPool.String()
				if on {
					value = MaxPool.String()
				}
			}
		}
		if key == "bias" {
			return s, fmt.Errorf("bias: %s, want true or false", show(value))
		}
		target, ok := targets[key]
		if !ok {
			return s, fmt.Errorf("unknown key %s, nearest is %s", key, Nearest(key, layerKeys))
		}
		if err := assign(target, value); err != nil {
			return s, fmt.Errorf("%s: %w", key, err)
		}
	}
	if _, ok := table["padding"]; !ok {
		s.Pad = (s.Kernel - 1) / 2
	}
	switch kind {
	case "conv":
		if s.Stride == 0 {
			return s, fmt.Errorf("stride: 0, want 1 or 2")
		}
	case "dense":
		if _, ok := table["kernel"]; ok {
			return s, fmt.Errorf("kernel: %d for a dense layer, want none", s.Kernel)
		}
		if _, ok := table["padding"]; ok {
			return s, fmt.Errorf("padding: %d for a dense layer, want none", s.Pad)
		}
		if _, ok := table["stride"]; ok {
			return s, fmt.Errorf("stride: %d for a dense layer, want none", s.Stride)
		}
		s.Kind, s.Kernel, s.Pad, s.Stride = Dense, 0, 0, 0
	default:
		return s, fmt.Errorf("kind: %q, want conv or dense", kind)
	}
	return s, nil
}
