package unit

import (
	"fmt"

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
	return nil
}

// inferenceBenches returns the benches of a group of blocks for these builds.
func inferenceBenches(ds map[string]design, blocks ...func(d design) *Bench) []*Bench {
	var list []*Bench
	for _, of := range inferenceOf {
		for _, bench := range blocks {
			list = append(list, bench(ds[of+"-infer"]))
		}
	}
	return list
}
