package main

import (
	"testing"

	"epgen/gen"
)

// TestGateNetworks holds the networks against what they promise: small arrays, narrow formats,
// few cycles.
func TestGateNetworks(t *testing.T) {
	if len(gateNetworks) < 4 {
		t.Errorf("%d networks, want at least 4", len(gateNetworks))
	}
	for i := range gateNetworks {
		n := &gateNetworks[i]
		cfg, err := n.config()
		if err != nil {
			t.Fatal(err)
		}
		d, err := gen.New(cfg)
		if err != nil {
			t.Errorf("%s: %v", n.name, err)
			continue
		}
		f := &cfg.Formats
		widest := max(f.Input.Width(), f.State.Width(), f.Weight.Width(), f.Bias.Width())
		if d.Rows > 2 || d.Columns > 2 || widest > 8 {
			t.Errorf("%s: array %dx%d, formats up to %d bits; want 2x2 and 8 at most", n.name, d.Rows, d.Columns, widest)
		}
		if cycles := d.Estimate(cfg.Memory.ReadLatency).Cycles; cycles > gateCycles {
			t.Errorf("%s: %d cycles, want at most %d", n.name, cycles, gateCycles)
		}
	}
}
