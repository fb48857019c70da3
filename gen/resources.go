package gen

import (
	"math"

	"epgen/hdl"
)

// A design's LUTs and flip-flops are estimated from what its Verilog is made of (hdl.Logic),
// which is counted in the tree that the Verilog is printed from: a block that changes changes
// its estimate. What is fitted is, for each family, how many LUTs a bit of an operator takes on
// the average, and the share of the registers that remain flip-flops: others become part of
// block RAM, multipliers and shift registers. The designs of the fit and others that it is held
// against are in docs/rationale/estimate.md.

// ResourceEstimate is what a family of FPGAs is expected to take, by Yosys.
type ResourceEstimate struct {
	Family string `json:"family"`
	LUT    int    `json:"lut"`
	FF     int    `json:"ff"`
}

// family holds the fitted constants of a family.
type family struct {
	name string

	add, order, choose, selects float64 // LUTs a bit of the operators of hdl.Logic that take most

	ff    float64 // flip-flops a bit of a register
	reads bool    // registers that hold a word read from a memory are part of the memory
}

var families = []family{
	{name: "xcup", add: 0.98, order: 1.19, choose: 0.45, selects: 1.18, ff: 0.942, reads: true},
	{name: "ecp5", add: 2.04, order: 1.24, choose: 0.80, selects: 1.47, ff: 0.993},
}

// lut is the estimate of the LUTs of one module or of a hierarchy.
func (f *family) lut(z *hdl.Logic) int {
	return round(f.add*float64(z.AddBits) + f.order*float64(z.OrderBits) + f.choose*float64(z.ChooseBits) +
		f.selects*float64(z.SelectBits))
}

// flipFlops is the estimate of the flip-flops.
func (f *family) flipFlops(c *hdl.Counts) int {
	bits := c.RegisterBits
	if f.reads {
		bits -= c.Logic.ReadBits
	}
	return round(f.ff * float64(bits))
}

func round(v float64) int { return int(math.Round(v)) }

// resources estimates all families.
func resources(c *hdl.Counts) []ResourceEstimate {
	var list []ResourceEstimate
	for i := range families {
		f := &families[i]
		list = append(list, ResourceEstimate{f.name, f.lut(&c.Logic), f.flipFlops(c)})
	}
	return list
}
