package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"epgen/ep"
	"epgen/fixedpoint"
)

// effectNets are the VGG presets with an eighth to a sixteenth of their channels.
var effectNets = []struct {
	name, list string
	heads      []int
}{
	{"vgg5", "8,M,16,M,32,M,32,M,fc10", []int{2}},
	{"vgg7", "8,8,M,16,16,M,32,32,M,fc10", []int{2, 4}},
	{"vgg9", "8,8,M,16,16,M,32,32,M,32,32,M,fc10", []int{2, 4, 6}},
	{"vgg11", "4,M,8,M,16,16,M,32,32,M,32,32,M,fc10", []int{2, 4, 6}},
	{"vgg12", "4,8,M,8,16,M,16,16,32,M,32,32,32,M,32,M,fc10", []int{2, 4, 6, 8}},
}

// effectBits are the fractional bits of the states in fixed point.
var effectBits = []int{8, 10, 12, 16}

// effect measures what heads do to the signal that reaches each layer: in narrow VGGs
// with a readout, with and without heads at the same settings, on one batch,
//
//	mean |s+ - s-| per neuron and mean |change of a weight| per parameter, in float64
//	cosine of the estimate to BPTT of the objective, in float64 and in fixed point
//
// Source of the measures: Lin, Bal and Sengupta, https://arxiv.org/abs/2508.15989.
func effect(s *settings, w io.Writer) error {
	if s.Out == "" {
		return fmt.Errorf("flag -o is missing, want the directory of table and plots")
	}
	if err := os.MkdirAll(s.Out, 0o777); err != nil {
		return err
	}
	var text strings.Builder
	var response []curve
	text.WriteString(effectHead)
	for _, n := range effectNets {
		for _, heads := range [][]int{nil, n.heads} {
			lines, curves, err := effectOf(s, n.name, n.list, heads)
			if err != nil {
				return err
			}
			name := n.name + " without heads"
			if heads != nil {
				name = n.name + " with heads"
			}
			curves[0].name = name
			response = append(response, curves[0])
			fmt.Fprintf(&text, "\n## %s\n\n`%s`, heads on layers %v\n\n%s", name, n.list, heads, lines)
			if n.name == "vgg11" {
				file := map[bool]string{false: "vgg11-without", true: "vgg11-with"}[heads != nil]
				if err := draw(s.Out, file, "layer", "cosine to BPTT", false, curves[1:]); err != nil {
					return err
				}
			}
		}
	}
	if err := draw(s.Out, "response", "layer", "mean |s+ - s-|", true, response); err != nil {
		return err
	}
	if err := writeAtomic(filepath.Join(s.Out, "README.md"), func(f io.Writer) error {
		_, err := io.WriteString(f, text.String())
		return err
	}); err != nil {
		return err
	}
	_, err := io.WriteString(w, text.String())
	return err
}

const effectHead = `# What intermediate error signals do

Narrow VGGs with random weights on the first test samples, cross-entropy readout, frozen indices,
synchronous, beta 1, gain 1.5, bias 0.5, lambda 1, the same rate 0.01 for all layers: one training
step with heads and one without. Cosines are those of the weights' estimate to BPTT of the
objective with or without heads; "-" is a gradient of 0. Written by ` + "`eptrain -effect`" + `.
`

// effectOf measures one network. Curves are the response and the cosines.
func effectOf(s *settings, name, list string, heads []int) (string, []curve, error) {
	net, err := ep.ParseLayers(list, ep.Shape{C: 3, H: 32, W: 32})
	if err != nil {
		return "", nil, err
	}
	if net, err = net.WithHeadsOn(heads); err != nil {
		return "", nil, err
	}
	net.Name = name
	cfg := ep.NewConfig(net)
	cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps, cfg.Seed = 4, 100, len(net.Layers)+5, s.config.Seed
	for i := range cfg.Rates {
		cfg.Rates[i] = 0.01
	}
	data := ep.ProceduralSet(&cfg.Network, 1, cfg.Batch, cfg.Seed)
	if s.Data != "" {
		if data, err = ep.LoadSplit(s.Data, 1); err != nil {
			return "", nil, err
		}
	}
	samples, err := data.First(&cfg.Network, cfg.Batch)
	if err != nil {
		return "", nil, err
	}
	p := ep.InitParams(&cfg.Network, cfg.Init, cfg.Seed)
	m, err := ep.NewFloat(cfg)
	if err != nil {
		return "", nil, err
	}
	out, err := m.TrainStep(p, samples, nil)
	if err != nil {
		return "", nil, err
	}
	plus, minus := out.Finals[1], out.Finals[2]
	checks := []*ep.GradientCheck{}
	labels := []string{"float64"}
	c, err := m.CheckGradient(p, samples)
	if err != nil {
		return "", nil, err
	}
	checks = append(checks, c)
	for _, bits := range effectBits {
		f := *cfg
		f.Formats.State = fixedpoint.UQ(0, bits)
		model, err := ep.NewFixed(&f)
		if err != nil {
			return "", nil, err
		}
		c, err := model.CheckGradient(p.Quantize(&f.Formats), samples.Quantize(&f))
		if err != nil {
			return "", nil, err
		}
		checks = append(checks, c)
		labels = append(labels, fmt.Sprintf("%d bits", bits))
	}
	curves := make([]curve, 1+len(checks))
	var b strings.Builder
	fmt.Fprintf(&b, "| layer | mean \\|s+ - s-\\| | mean \\|dw\\| | %s |\n|---|--:|--:|%s\n", strings.Join(labels, " | "), strings.Repeat("--:|", len(labels)))
	for n := range net.Layers {
		r := meanDistance(plus[n], minus[n])
		fmt.Fprintf(&b, "| %d | %.2g | %.2g |", n+1, r, meanDistance(out.Params.Layers[n].W, p.Layers[n].W))
		curves[0].y = append(curves[0].y, r)
		for i, c := range checks {
			a := c.Layers[n].Weight
			if a.Norm == 0 {
				b.WriteString(" - |")
				continue
			}
			fmt.Fprintf(&b, " %.3f |", a.Cosine)
			curves[1+i].name = labels[i]
			curves[1+i].x, curves[1+i].y = append(curves[1+i].x, float64(n+1)), append(curves[1+i].y, a.Cosine)
		}
		b.WriteString("\n")
	}
	return b.String(), curves, nil
}

// meanDistance is the mean of |x - y|.
func meanDistance(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += math.Abs(x[i] - y[i])
	}
	return sum / float64(len(x))
}
