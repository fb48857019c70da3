package verilator

import _ "embed"

// VectorBench is the C++ source of the unit benches' simulation: it plays the
// vectors of package sim/unit to blocks of the design and compares. It includes
// blocks.inc, the table of ports that sim/unit generates.
//
//go:embed unit/vector_bench.cc
var VectorBench []byte
