package main

import (
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"epgen/ep"
)

// curve is a line of a plot; without x its abscissae are 1, 2, ...
type curve struct {
	name string
	x, y []float64
}

// plots draws the curves of the run: accuracy and loss, and per layer the
// quantities of ep.LayerActivity.
func (r *runState) plots() error {
	if len(r.metrics) == 0 {
		return nil
	}
	over := func(f func(m *ep.Metrics) float64) []float64 {
		y := make([]float64, len(r.metrics))
		for i := range r.metrics {
			y[i] = f(&r.metrics[i])
		}
		return y
	}
	err := draw(r.s.Out, "accuracy", "epoch", "accuracy", false, []curve{
		{name: "training", y: over(func(m *ep.Metrics) float64 { return m.Accuracy })},
		{name: "test", y: over(func(m *ep.Metrics) float64 { return m.TestAccuracy })},
	})
	if err != nil {
		return err
	}
	err = draw(r.s.Out, "loss", "epoch", r.lossLabel(), false, []curve{
		{name: "training", y: over(func(m *ep.Metrics) float64 { return m.Loss })},
		{name: "test", y: over(func(m *ep.Metrics) float64 { return m.TestLoss })},
	})
	if err != nil {
		return err
	}
	for _, q := range []struct {
		name, label string
		log         bool
		of          func(a *ep.LayerActivity) float64
	}{
		{"state", "mean |s*|", false, func(a *ep.LayerActivity) float64 { return a.State }},
		{"response", "mean |s+ - s-|", true, func(a *ep.LayerActivity) float64 { return a.Response }},
		{"update", "mean |change of a weight|", true, func(a *ep.LayerActivity) float64 { return a.Update }},
		{"residual", "largest change in the last free step", true, func(a *ep.LayerActivity) float64 { return a.Residual }},
		{"limited", "share of saturated states", false, func(a *ep.LayerActivity) float64 { return a.Limited }},
	} {
		var curves []curve
		for n := range r.metrics[0].Layers {
			curves = append(curves, curve{
				name: r.metrics[0].Layers[n].Name, y: over(func(m *ep.Metrics) float64 { return q.of(&m.Layers[n]) }),
			})
		}
		if err := draw(r.s.Out, q.name, "epoch", q.label, q.log, curves); err != nil {
			return err
		}
	}
	return nil
}

// plotCheck draws the agreement of estimates with BPTT over the layers.
func plotCheck(dir string, c *ep.GradientCheck) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var symmetric, oneSided, signs curve
	symmetric.name, oneSided.name, signs.name = "cosine, symmetric", "cosine, one-sided", "equal signs"
	for _, l := range c.Layers {
		symmetric.y = append(symmetric.y, l.Weight.Cosine)
		oneSided.y = append(oneSided.y, l.OneSided.Cosine)
		signs.y = append(signs.y, l.Weight.Sign)
	}
	return draw(dir, "gradcheck", "layer", "agreement with BPTT", false, []curve{symmetric, oneSided, signs})
}

// draw writes a plot as PNG and SVG. A logarithmic one leaves out values that are
// not positive.
func draw(dir, name, x, y string, log bool, curves []curve) error {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Add(plotter.NewGrid())
	drawn := false
	for i, c := range curves {
		var points plotter.XYs
		for j, v := range c.y {
			x := float64(j + 1)
			if c.x != nil {
				x = c.x[j]
			}
			if v > 0 || !log {
				points = append(points, plotter.XY{X: x, Y: v})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, dots.Color, dots.Shape = plotutil.Color(i), plotutil.Color(i), plotutil.Shape(i)
		p.Add(line, dots)
		p.Legend.Add(c.name, line, dots)
		drawn = true
	}
	p.Legend.Top = !endsHigh(curves, p.Y.Min, p.Y.Max)
	if log && drawn {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		if p.Y.Min == p.Y.Max { // a single value has no range
			p.Y.Min, p.Y.Max = p.Y.Min/2, p.Y.Max*2
		}
	}
	for _, format := range []string{"png", "svg"} {
		to, err := p.WriterTo(16*vg.Centimeter, 10*vg.Centimeter, format)
		if err != nil {
			return err
		}
		err = writeAtomic(filepath.Join(dir, name+"."+format), func(w io.Writer) error {
			_, err := to.WriteTo(w)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// endsHigh reports whether most curves end in the upper half of the range: the legend,
// which is on the right, then goes below them.
func endsHigh(curves []curve, lo, hi float64) bool {
	high := 0
	for _, c := range curves {
		if n := len(c.y); n > 0 && c.y[n-1] > (lo+hi)/2 {
			high++
		}
	}
	return 2*high > len(curves)
}

// lossLabel names what the loss of the run is.
func (r *runState) lossLabel() string {
	if r.s.config.Network.Readout() != nil {
		return "cross-entropy"
	}
	return "mean squared error / 2"
}
