package unit

import (
	"fmt"
	"slices"

	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/gen"
)

// inferenceOf names the designs whose inference builds are benched too: between them all that
// remains of the blocks, on square, tall and wide arrays.
var inferenceOf = []string{"single", "narrow", "means", "real", "sweep", "settle", "mixed", "tall", "wide", "chip", "given"}

// addInference adds these builds to designs.
func addInference(all map[string]design) error {
	for _, of := range inferenceOf {
		d, err := gen.New(all[of].Cfg.ForInference())
		if err != nil {
			return fmt.Errorf("inference build of design %s: %w", of, err)
		}
		all[of+"-infer"] = design{of + "-infer", d}
	}
	return readoutDesigns(all)
}

// readouts are the designs of readoutDesigns.
var readouts = []string{"readout", "readout-one", "readout-chip"}

// readoutDesigns adds inference builds with a readout to designs:
//
//	readout       2x2, two samples, asynchronous, damping, steps that may end early
//	readout-one   4x4, one layer below the readout, logits that are coarser than its products by 4 bits
//	readout-chip  2x4, weights on chip, layers with states of their own, logits of 24 bits
func readoutDesigns(all map[string]design) error {
	for _, c := range []struct {
		name, list string
		in         ep.Shape
		set        func(c *ep.Config)
	}{
		{"readout", "5,M,4,A,3,fc5", ep.Shape{C: 2, H: 9, W: 8}, func(c *ep.Config) {
			c.Array.Size, c.Batch, c.Sweep, c.Damping, c.FreeSteps, c.MinSteps, c.Tolerance = 2, 2, ep.Asynchronous, 1, 5, 2, 100
			c.Start = ep.Warm
		}},
		{"readout-one", "5,M,fc6", ep.Shape{C: 2, H: 5, W: 4}, func(c *ep.Config) {
			f := &c.Formats
			c.Array.Size, c.FreeSteps, c.Initial = 4, 3, 0.5
			f.State, f.Weight, f.Bias, f.StateRounding = fixedpoint.UQ(0, 4), fixedpoint.Q(0, 3), fixedpoint.Q(1, 4), fixedpoint.NearestUp
			f.HeadWeight, f.HeadBias, f.Logit = fixedpoint.Q(1, 4), fixedpoint.Q(2, 2), fixedpoint.Q(2, 4)
		}},
		{"readout-chip", "5,M,6,fc9", ep.Shape{C: 3, H: 8, W: 6}, func(c *ep.Config) {
			f := &c.Formats
			c.Array.Rows, c.Array.Columns, c.FreeSteps, c.Memory.Weights = 2, 4, 3, ep.OnChip
			f.LayerState, f.Logit = []fixedpoint.Format{fixedpoint.UQ(0, 8), fixedpoint.UQ(1, 6)}, fixedpoint.Q(8, 15)
		}},
	} {
		d, err := headedDesign(c.name, c.list, c.in, func(cfg *ep.Config) {
			c.set(cfg)
			*cfg = *cfg.ForInference()
		})
		if err != nil {
			return fmt.Errorf("design %s: %w", c.name, err)
		}
		all[c.name] = d
	}
	return nil
}

// inferenceBenches returns the benches of a group of blocks for these builds.
func inferenceBenches(ds map[string]design, blocks ...func(d design) *Bench) []*Bench {
	names := slices.Clone(readouts)
	for _, of := range inferenceOf {
		names = append(names, of+"-infer")
	}
	var list []*Bench
	for _, name := range names {
		for _, bench := range blocks {
			list = append(list, bench(ds[name]))
		}
	}
	return list
}
