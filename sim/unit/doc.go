// Package unit benches every block of the accelerator alone under Verilator.
//
// A bench makes vectors: for every cycle the inputs of a block and what its
// outputs must be, with a mask of the bits that matter. What they must be comes
// from package fixedpoint, from plain loops over the network, or from a cycle
// by cycle account of the block's contract written here; never from the Verilog
// or the tree that it is printed from. At small widths benches go through all
// values, at real ones through seeded random values with limits, limits -+ 1,
// 0 and -+1 among them.
//
// The benches of a group share one simulator, in which all blocks run side by
// side, twice: nothing may depend on the values at power-up.
//
//	for _, b := range unit.All() {
//		fmt.Println(b.Run(dir))
//	}
package unit
