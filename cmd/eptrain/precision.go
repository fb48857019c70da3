package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"epgen/ep"
)

// stateBits and weightBits are the fractional bits that -precision tries, one with
// the other at its widest.
var (
	stateBits  = []int{4, 6, 8, 10, 12, 15}
	weightBits = []int{4, 6, 8, 10, 12, 14}
)

// precision prints, for formats of states and then of weights, the test accuracy and
// the cosine of each layer's estimate to BPTT on a batch of test samples. Parameters are given
// and quantised, not trained in these formats.
func precision(s *settings, w io.Writer) error {
	cfg, data, p, err := s.load()
	if err != nil {
		return err
	}
	samples, err := s.samples(cfg, data)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "state\tweight\ttest accuracy")
	for _, l := range cfg.Network.Layers {
		fmt.Fprintf(t, "\tcosine %s", l.Name)
	}
	fmt.Fprintln(t)
	study := &study{cfg: cfg, data: data, p: p, samples: samples, table: t}
	states, statesAccuracy, err := study.sweep(stateBits, func(f *ep.Formats, bits int) { f.State.Frac = bits })
	if err != nil {
		return err
	}
	weights, weightsAccuracy, err := study.sweep(weightBits, func(f *ep.Formats, bits int) { f.Weight.Frac = bits })
	if err != nil {
		return err
	}
	if err := t.Flush(); err != nil || s.Out == "" {
		return err
	}
	if err := os.MkdirAll(s.Out, 0o777); err != nil {
		return err
	}
	statesAccuracy.name, weightsAccuracy.name = "states", "weights"
	for _, plot := range []struct {
		name, x, y string
		curves     []curve
	}{
		{"precision-states", "fractional bits of states", "cosine to BPTT", states},
		{"precision-weights", "fractional bits of weights", "cosine to BPTT", weights},
		{"precision-accuracy", "fractional bits", "test accuracy", []curve{statesAccuracy, weightsAccuracy}},
	} {
		if err := draw(s.Out, plot.name, plot.x, plot.y, false, plot.curves); err != nil {
			return err
		}
	}
	return nil
}

// study is what all formats have in common.
type study struct {
	cfg     *ep.Config
	data    *ep.Dataset
	p       *ep.FloatParams
	samples *ep.FloatSamples
	table   io.Writer
}

// sweep adds a line for each number of bits and returns the cosines of each layer, and
// the accuracy, over the bits.
func (s *study) sweep(bits []int, set func(f *ep.Formats, bits int)) (layers []curve, accuracy curve, err error) {
	layers = make([]curve, len(s.cfg.Network.Layers))
	for _, b := range bits {
		cfg := *s.cfg
		set(&cfg.Formats, b)
		share, check, err := s.measure(&cfg)
		if err != nil {
			return nil, curve{}, err
		}
		accuracy.x, accuracy.y = append(accuracy.x, float64(b)), append(accuracy.y, share)
		fmt.Fprintf(s.table, "%v\t%v\t%.2f %%", cfg.Formats.State, cfg.Formats.Weight, 100*share)
		for n, l := range check.Layers {
			fmt.Fprintf(s.table, "\t%s", l.Weight.ShowCosine())
			layers[n].name = l.Name
			if l.Weight.Norm > 0 {
				layers[n].x, layers[n].y = append(layers[n].x, float64(b)), append(layers[n].y, l.Weight.Cosine)
			}
		}
		fmt.Fprintln(s.table)
	}
	return layers, accuracy, nil
}

// measure returns the test accuracy and the agreement with BPTT in the formats of cfg.
func (s *study) measure(cfg *ep.Config) (float64, *ep.GradientCheck, error) {
	m, err := ep.NewFixed(cfg)
	if err != nil {
		return 0, nil, err
	}
	f := &cfg.Formats
	check, err := m.CheckGradient(s.p.Quantize(f), s.samples.Quantize(f))
	if err != nil {
		return 0, nil, err
	}
	t, err := ep.NewTrainer(cfg, ep.TrainOptions{Fixed: true, Epochs: 1}, s.p, s.data)
	if err != nil {
		return 0, nil, err
	}
	return t.Evaluate(nil).Accuracy, check, nil
}
