package synth

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/gen"
	"epgen/internal/tooltest"
)

// heldOut are designs on which the constants of the estimate of LUTs and flip-flops were not
// fitted; those of the fit are in docs/rationale/estimate.md.
var heldOut = []struct {
	name, list string
	input      ep.Shape
	set        func(*ep.Config)
	long       bool
}{
	{"narrow", "5,A,6,M,fc4", ep.Shape{C: 2, H: 8, W: 8}, func(c *ep.Config) {
		c.Array.Size, c.Memory.DataWidth = 2, 32
		c.Formats.Input, c.Formats.State = fixedpoint.Format{Signed: true, Frac: 7}, fixedpoint.Format{Frac: 7}
		c.Formats.Weight, c.Formats.Bias = fixedpoint.Format{Signed: true, Frac: 7}, fixedpoint.Format{Signed: true, Int: 1, Frac: 6}
	}, false},
	{"tall, damped, settling", "6,A,8,M,fc7", ep.Shape{C: 4, H: 10, W: 10}, func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.Memory.DataWidth = 4, 2, 32
		c.Damping, c.MinSteps, c.Tolerance = 1, 2, 30
	}, true},
	{"asynchronous, stochastic", "7,10s2,M,9,fc6", ep.Shape{C: 3, H: 14, W: 18}, func(c *ep.Config) {
		c.Array.Size, c.Memory.DataWidth, c.Sweep = 4, 128, ep.Asynchronous
		c.Estimate, c.Formats.UpdateRounding = ep.RandomSign, fixedpoint.Stochastic
	}, true},
	{"heads", "5,M,6,fc4", ep.Shape{C: 2, H: 8, W: 8}, func(c *ep.Config) {
		c.Array.Size, c.Memory.DataWidth = 2, 32
		withHeads(c, true, func(s *ep.HeadSpec) {})
	}, false},
	{"distilling heads", "9,M,7,fc5", ep.Shape{C: 3, H: 8, W: 8}, func(c *ep.Config) {
		c.Array.Size, c.Memory.DataWidth = 4, 64
		withHeads(c, true, func(s *ep.HeadSpec) {
			s.Kind, s.Outputs = ep.FeatureHead, 5
			if s.Readout {
				s.Kind = ep.LogitHead
			} else {
				s.Lambda = 0.5
			}
		})
	}, true},
	{"heads without a softmax, tall", "9,M,7,fc5", ep.Shape{C: 3, H: 8, W: 8}, func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.Memory.DataWidth, c.PoolIndex = 4, 2, 64, ep.Live
		withHeads(c, false, func(s *ep.HeadSpec) { s.Kind = ep.SquaredHead })
	}, true},
}

// withHeads gives a network heads on every layer but the last, or, with a readout, which becomes
// of the last layer, one on the first layer and the readout.
func withHeads(c *ep.Config, readout bool, change func(s *ep.HeadSpec)) {
	net, classes := c.Network, c.Network.Output().Len()
	var err error
	if readout {
		if net, err = net.WithHeadsOn([]int{1}); err != nil {
			panic(err) // a constant
		}
		c.Rates = c.Rates[:len(net.Layers)]
	}
	specs := net.HeadSpecs()
	for layer := 1; layer < len(net.Layers) && !readout; layer++ {
		specs = append(specs, ep.DefaultHead(layer, net.Layers[layer-1].Out))
	}
	for i := range specs {
		change(&specs[i])
	}
	if c.Network, err = net.WithHeads(classes, specs); err != nil {
		panic(err)
	}
}

// TestResourcesAgainstYosys holds the estimate of LUTs and flip-flops against a synthesis by
// Yosys: within 15 %, on designs that were not fitted.
func TestResourcesAgainstYosys(t *testing.T) {
	if testing.Short() {
		t.Skip("runs yosys")
	}
	tooltest.Need(t, "yosys")
	for _, c := range heldOut {
		if c.long && os.Getenv("EPGEN_ALL") == "" {
			continue
		}
		net, err := ep.ParseLayers(c.list, c.input)
		if err != nil {
			t.Fatal(err)
		}
		cfg := ep.NewConfig(net)
		cfg.FreeSteps, cfg.NudgeSteps = 3, 2
		c.set(cfg)
		d, err := gen.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "package")
		if err := writeRTL(d, dir); err != nil {
			t.Fatal(err)
		}
		for _, r := range d.Estimate(cfg.Memory.ReadLatency).Resources {
			got, err := Count(t.Context(), dir, d.Top(), Flow(r.Family))
			if err != nil {
				t.Fatal(err)
			}
			lut, ff := float64(r.LUT)/float64(got.LUT), float64(r.FF)/float64(got.FF)
			t.Logf("%s, %s: %d LUTs of %d (%.3f), %d flip-flops of %d (%.3f)", c.name, r.Family, r.LUT, got.LUT, lut, r.FF, got.FF, ff)
			if math.Abs(lut-1) > 0.15 || math.Abs(ff-1) > 0.15 {
				t.Errorf("%s, %s: ratios %.3f and %.3f to Yosys, want within 15 %%", c.name, r.Family, lut, ff)
			}
		}
	}
}

// writeRTL writes the Verilog of a design below dir.
func writeRTL(d *gen.Design, dir string) error {
	files, err := d.RTL("test")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "rtl"), 0o777); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), text, 0o666); err != nil {
			return err
		}
	}
	return nil
}
