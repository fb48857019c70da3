// Package synth has Yosys and nextpnr read the Verilog of a package of epgen: netlists for
// simulation at gate level, the resources that a family of FPGAs takes, and place and route.
//
//	path, err := synth.Netlist(ctx, "out", synth.ICE40)  // out/build/synth/ice40.v
//	use, err := synth.Count(ctx, "out", synth.Xcup)      // LUT, FF, DSP, BRAM
//
// What is read is rtl/ as it is on disk; what is written lies in build/synth, which belongs to
// no manifest.
package synth
