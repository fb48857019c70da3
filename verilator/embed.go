// Package verilator holds the C++ harness that simulates a generated core
// under Verilator and compares it with the golden data. Its files are copied
// into every generated package, beside a design.h made by package sim, so that
// `make -C out/tb` builds and runs on a machine without Go. They lie in the
// directory harness because the go command takes no C++ beside Go sources.
//
// Who does what:
//
//	main.cc            options, verdict, exit status
//	bench.*            one training step after another: registers, irq, reset
//	sim_ctrl.*         model, clock, reset, waveform window
//	axi_memory.*       external memory as AXI4 subordinate, protocol checks
//	memory.*           its pages
//	axi_lite.*         register accesses
//	golden.*           golden files
//	tap_checker.*      state and index memories against the trace
//	memory_checker.*   external memory against the golden image
//	monitor.*          progress, watchdog
//	report.*, json.*   report.json
//	verdict.*          mismatches
//	bits.h, rng.h      bit fields, seeded gaps
package verilator

import (
	"embed"
	"io/fs"
)

//go:embed harness
var harness embed.FS

// Files returns the sources of the harness and its Makefile, by file name.
func Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(harness, "harness", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[entry.Name()], err = harness.ReadFile(path)
		return err
	})
	return files, err
}
