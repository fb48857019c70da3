// Package icarus simulates a package of epgen in Icarus Verilog, a second
// simulator that shares nothing with the first: an interpreter with four-valued
// logic, and a bench in Verilog without a line of C++.
//
// The bench has a memory behind the AXI4 port, loaded from the golden image
// before the start, writes the registers that begin a training step, waits for
// the interrupt and compares every byte of memory with the golden image after
// it. A second start follows on the dirty core. Beside that it writes every word
// that the core writes to its state and index memories to a file, which Compare
// holds against those that the golden trace has, set by set.
//
// What is compared must be known: an x anywhere in it is a difference.
//
//	d, err := icarus.Open("out")       // the design of a package
//	err = d.Build(ctx)                 // out/build/icarus/sim.vvp
//	r, err := d.Run(ctx, icarus.Run{}) // r.Differences lists what differs
package icarus
