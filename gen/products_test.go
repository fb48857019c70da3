package gen

import (
	"testing"

	"epgen/ep"
)

// TestUsefulProducts counts by hand, without and with a readout, which takes the place of the last
// layer. Both are in the utilisation that is estimated.
func TestUsefulProducts(t *testing.T) {
	in := ep.Shape{C: 2, H: 4, W: 4}
	// Layer 1: 100 of the 16*9 taps lie on a padded 4x4 map. Layer 2: 3*5*4.
	const conv, dense = 5 * 2 * 100, 3 * 20
	for _, test := range []struct {
		readout bool
		want    int
	}{
		{false, 2 * ((1+2)*conv + ((3+2*2)*2+2)*dense)},
		{true, 2 * ((1+2)*conv + (2*2*2+2+2)*dense)}, // nudged steps; logits and contrast at two points
	} {
		cfg := testConfig(t, "5,M,fc3", in, func(c *ep.Config) { c.Batch, c.FreeSteps, c.NudgeSteps = 2, 3, 2 })
		if test.readout {
			net, err := cfg.Network.WithReadout()
			if err != nil {
				t.Fatal(err)
			}
			cfg.Network, cfg.Rates = net, cfg.Rates[:1]
			if cfg.Network, err = net.WithHeads(3, net.HeadSpecs()); err != nil {
				t.Fatal(err)
			}
		}
		d, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.UsefulProducts(); got != test.want {
			t.Errorf("readout %v: %d products, want %d", test.readout, got, test.want)
		}
		e := d.Estimate(8)
		if got, want := e.MACUtilization, float64(test.want)/float64(d.Rows*d.Columns*e.Cycles); got != want {
			t.Errorf("readout %v: utilisation %v, want %v", test.readout, got, want)
		}
	}
}
