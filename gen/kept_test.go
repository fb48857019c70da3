package gen

import (
	"strings"
	"testing"

	"epgen/ep"
)

// TestKeptRefused checks the combinations that are refused, in one line each.
func TestKeptRefused(t *testing.T) {
	for _, c := range []struct {
		want string
		set  func(c *ep.Config)
	}{
		{"memory.weights: on-chip, want external", func(c *ep.Config) { c.Formats.MasterBits, c.Memory.Weights = 4, ep.OnChip }},
		{"memory.weights: on-chip, want external", func(c *ep.Config) { c.Accumulate, c.Memory.Weights = 2, ep.OnChip }},
		{"learning.accumulate: 0, want an integer 1..65535", func(c *ep.Config) { c.Accumulate = 0 }},
		{"formats.master-bits: 17, want an integer 0..16", func(c *ep.Config) { c.Formats.MasterBits = 17 }},
		{"learning.decay-shift: 25, want an integer 0..24", func(c *ep.Config) { c.DecayShift = 25 }},
		{"", func(c *ep.Config) { c.DecayShift, c.Memory.Weights = 5, ep.OnChip }},
	} {
		net, err := ep.ParseLayers("4,M,fc3", ep.Shape{C: 2, H: 4, W: 4})
		if err != nil {
			t.Fatal(err)
		}
		cfg := ep.NewConfig(net)
		c.set(cfg)
		_, err = NewPlan(cfg)
		switch {
		case c.want == "" && err != nil:
			t.Error(err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}
