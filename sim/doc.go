// Package sim ties model and hardware together: it writes the golden data that
// the simulation is compared with, assembles generated packages, builds and
// runs their simulation, and renders the reports.
//
// The comparison itself happens in the C++ harness of package verilator, which
// needs no Go. What the two share is the golden format and design.h, both
// written here. The core's state banks and its index memory are tapped at their
// write ports; Schedule lists the sets of words that must appear there, in
// order. For a network of one dense layer, T1 = 2, T2 = 1 and one sample
//
//	bank 0   input
//	bank 1   free 0, free 1, plus 0, minus 0      (layer 1)
//	index    nothing
//
// and every set is one word per block of P channels and pixel.
package sim
