package ep

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"epgen/fixedpoint"
)

// preset is a named design point: a network and the settings that depend on it.
// All others are those of NewConfig.
type preset struct {
	name  string
	about string
	input Shape
	list  string // in the notation of ParseLayers
	array int
	nudge int       // T2 if that of NewConfig is not enough, else 0
	rates []float64 // of the layers; the readout has that of heads
	heads []int     // layers with a head; with any, the last layer is a readout
}

// cifar is the input of the VGG presets: 32x32 pixels in three colours.
var cifar = Shape{3, 32, 32}

// presets holds every design point, in the order in which help and tables show
// them. Rates and steps are chosen on the fixed-point model so that the default
// training step is alive, not for the best accuracy: in every layer at least 5 %
// of the states differ between s+ and s-, and of the weights that a single sample
// can reach more than half change. (A 3x3 convolution on a 2x2 map that is pooled
// to 1x1 has one active pixel per channel, which reaches 4 of 9 taps.)
var presets = []preset{
	{"tiny", "a network for first steps", Shape{1, 8, 8}, "8,M,fc4", 4, 0,
		[]float64{0.01, 0.001}, nil},
	{"small", "a network that simulates in seconds", Shape{3, 16, 16}, "16,M,32,M,fc10", 4, 0,
		[]float64{0.005, 0.005, 0.002}, nil},
	{"mnist-conv", "digits, 28x28", Shape{1, 28, 28}, "32k5p0,M,64k5p0,M,fc10", 16, 0,
		[]float64{0.008, 0.006, 0.0012}, nil},
	{"vgg5", "4 convolutions, all padded", cifar, "128,M,256,M,512,M,512,M,fc10", 16, 0,
		[]float64{0.02, 0.02, 0.02, 0.02}, []int{2}},
	{"vgg5-valid", "vgg5, last convolution without padding", cifar, "128,M,256,M,512,M,512p0,M,fc10", 16, 0,
		[]float64{0.02, 0.02, 0.02, 0.025}, []int{2}},
	{"vgg7", "6 convolutions", cifar, "128,128,M,256,256,M,512,512,M,fc10", 16, 0,
		[]float64{0.05, 0.05, 0.05, 0.05, 0.04, 0.03}, []int{2, 4}},
	{"vgg9", "8 convolutions, wide", cifar, "128,128,M,256,256,M,512,512,M,512,512,M,fc10", 16, 16,
		[]float64{0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.04, 0.03}, []int{2, 4, 6}},
	{"vgg11", "8 convolutions, 5 pools", cifar, "64,M,128,M,256,256,M,512,512,M,512,512,M,fc10", 16, 0,
		[]float64{0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.03, 0.4}, []int{2, 4, 6}},
	{"vgg12", "11 convolutions", cifar, "64,128,M,128,256,M,256,256,512,M,512,512,512,M,512,M,fc10", 16, 24,
		[]float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.08, 0.12}, []int{2, 4, 6, 8}},
}

// PresetNames returns the names that Preset knows, smallest network first.
func PresetNames() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.name
	}
	return names
}

// Preset returns the complete settings of a named network. The error for an
// unknown name gives the nearest known one and all others.
func Preset(name string) (*Config, error) {
	for _, p := range presets {
		if p.name == name {
			return p.config()
		}
	}
	return nil, fmt.Errorf("unknown preset %q, nearest is %q, want one of %s",
		name, Nearest(name, PresetNames()), strings.Join(PresetNames(), ", "))
}

func (p *preset) config() (*Config, error) {
	net, err := ParseLayers(p.list, p.input)
	if err != nil {
		return nil, fmt.Errorf("preset %s: %w", p.name, err)
	}
	net.Name = p.name
	if p.heads != nil {
		if net, err = net.WithHeadsOn(p.heads); err != nil {
			return nil, fmt.Errorf("preset %s: %w", p.name, err)
		}
	}
	cfg := NewConfig(net)
	cfg.Array.Size = p.array
	if p.nudge != 0 {
		cfg.NudgeSteps = p.nudge
	}
	if p.rates != nil {
		cfg.Rates = append([]float64(nil), p.rates...)
	}
	return cfg, nil
}

// NewConfig returns the default settings of a network: one resident sample,
// 40 free steps, 12 nudged steps or layers+3 if that is more (a nudge needs
// as many steps as there are layers to reach layer 1), frozen pool indices,
// slope 1/2, beta 1, and an array that suits the widest layer. The initial gain
// and bias keep most neurons between their limits, where they pass the nudge on.
func NewConfig(net Network) *Config {
	return &Config{
		Network:    net,
		Batch:      1,
		FreeSteps:  40,
		NudgeSteps: max(12, len(net.Layers)+3),
		Beta:       1,
		PoolIndex:  Frozen,
		Activation: Half,
		Rates:      defaultRates(net),
		Accumulate: 1,
		Formats:    DefaultFormats(),
		Array:      Array{Size: defaultArray(net)},
		Memory: Memory{
			DataWidth:   256,
			BurstBeats:  64, // 2 KB
			Outstanding: 8,
			ReadLatency: 32,
			SlabBits:    8 << 20, // two banks of the largest slab of any preset at array size 32
		},
		Init: Init{Gain: 1.5, Bias: 0.5, HeadGain: 1, Mean: 0.25},
		Seed: 1,

		Sequence: Sequence{Starts: 1, RateFactor: 1},
	}
}

// DefaultFormats returns the formats given at the fields of Formats.
func DefaultFormats() Formats {
	return Formats{
		Input:          fixedpoint.Format{Signed: true, Int: 0, Frac: 15},
		Output:         fixedpoint.Format{Signed: true, Int: 1, Frac: 15},
		Logit:          fixedpoint.Format{Signed: true, Int: 7, Frac: 8},
		State:          fixedpoint.Format{Int: 0, Frac: 15},
		Weight:         fixedpoint.Format{Signed: true, Int: 1, Frac: 14},
		Bias:           fixedpoint.Format{Signed: true, Int: 1, Frac: 14},
		Target:         fixedpoint.Format{Int: 1, Frac: 15},
		Beta:           fixedpoint.Format{Int: 4, Frac: 8},
		HeadWeight:     fixedpoint.Format{Signed: true, Int: 3, Frac: 12},
		HeadBias:       fixedpoint.Format{Signed: true, Int: 3, Frac: 12},
		Probability:    fixedpoint.Format{Int: 0, Frac: 15},
		Error:          fixedpoint.Format{Signed: true, Int: 2, Frac: 13},
		Lambda:         fixedpoint.Format{Int: 4, Frac: 8},
		RateBits:       16,
		StateRounding:  fixedpoint.DefaultRounding,
		UpdateRounding: fixedpoint.DefaultRounding,
	}
}

// defaultArray is the array size for a network: 16 where some layer has so many
// output channels, otherwise the largest power of two from 4 that some layer fills.
func defaultArray(net Network) int {
	widest := 0
	for i := range net.Layers {
		widest = max(widest, net.Layers[i].Out.C)
	}
	size := 4
	for size < 16 && 2*size <= widest {
		size *= 2
	}
	return size
}

// defaultRates doubles the rate from layer to layer away from the output, from
// 0.02, as the nudge fades about as fast on its way down; the output's, 0.003,
// is lower since the nudge meets it undiminished.
func defaultRates(net Network) []float64 {
	rates := make([]float64, len(net.Layers))
	rate := 0.003
	for i := len(rates) - 1; i >= 0; i-- {
		rates[i] = rate
		rate = max(2*rate, 0.02)
	}
	return rates
}

// WriteTable writes one line per layer of the network, its shapes and counts:
// padding, state size, weights, biases, and useful products in one direction of
// one time step (see Layer.Products), then the totals. Those of layer 1 occur
// once per sample and are left out of the total.
func (n *Network) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "layer\tkind\tkernel\tpad\tpool\tstates\tneurons\tweights\tbiases\tproducts")
	var neurons, weights, biases, products int
	for i := range n.Layers {
		l := &n.Layers[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%v\t%d\t%d\t%d\t%d\n", l.Name, l.Kind, l.ShowKernel(), l.Pad, l.ShowPool(),
			l.Out, l.Out.Len(), l.Weights(), l.Biases(), l.Products())
		neurons += l.Out.Len()
		weights += l.Weights()
		biases += l.Biases()
		if i > 0 {
			products += l.Products()
		}
	}
	fmt.Fprintf(t, "total\t\t\t\t\t\t%d\t%d\t%d\t%d\n", neurons, weights, biases, products)
	for i := range n.Heads {
		h := &n.Heads[i]
		m := &h.Map
		fmt.Fprintf(t, "%s\t%v\t%s\t-\t-\t%v\t%d\t%d\t%d\t%d\n", h.Name, h.Kind, m.ShowKernel(), m.Out, m.Out.Len(), m.Weights(), m.Out.C, m.Products())
	}
	return t.Flush()
}

// WritePresetList writes one line per preset: name, input, layers and purpose.
func WritePresetList(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, p := range presets {
		fmt.Fprintf(t, "  %s\t%v\t%s\t%s\n", p.name, p.input, p.list, p.about)
	}
	return t.Flush()
}

// WritePresets writes the table of every preset, in Markdown: the source of
// the project's page on presets.
func WritePresets(w io.Writer) error {
	for _, p := range presets {
		cfg, err := p.config()
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "## %s\n\n%s: `%s` on %v, array %dx%d\n\n```\n", p.name, p.about, p.list, p.input, p.array, p.array)
		if err := cfg.Network.WriteTable(w); err != nil {
			return err
		}
		if _, err := fmt.Fprint(w, "```\n\n"); err != nil {
			return err
		}
	}
	return nil
}
