package synth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Use is what a design takes of a family of FPGAs. Bits of memory that become distributed RAM
// take LUTs of their own, which are not among LUT.
type Use struct {
	LUT    int     `json:"lut"`     // tables of logic; for ECP5 two for each carry cell, which takes the place of two
	FF     int     `json:"ff"`      // flip-flops
	DSP    int     `json:"dsp"`     // multiplier blocks
	BRAM   float64 `json:"bram"`    // block RAMs: of 36 kbit (Xilinx), 18 kbit (ECP5), 4 kbit (iCE40)
	RAMLUT int     `json:"ram_lut"` // LUTs as distributed RAM and shift registers
}

// cell is the share of one cell of a family.
var cells = map[string]Use{
	// Xilinx
	"FDRE": {FF: 1}, "FDSE": {FF: 1}, "FDCE": {FF: 1}, "FDPE": {FF: 1},
	"DSP48E2": {DSP: 1}, "RAMB36E2": {BRAM: 1}, "RAMB18E2": {BRAM: .5},
	"RAM32M": {RAMLUT: 4}, "RAM64M": {RAMLUT: 4}, "RAM32M16": {RAMLUT: 8}, "RAM64M8": {RAMLUT: 8},
	"RAM32X1D": {RAMLUT: 2}, "RAM64X1D": {RAMLUT: 2}, "RAM128X1D": {RAMLUT: 4}, "RAM256X1D": {RAMLUT: 8}, "RAM64X8SW": {RAMLUT: 8},
	"RAM32X1S": {RAMLUT: 1}, "RAM64X1S": {RAMLUT: 1}, "RAM128X1S": {RAMLUT: 2}, "RAM256X1S": {RAMLUT: 4}, "RAM512X1S": {RAMLUT: 8},
	"SRL16E": {RAMLUT: 1}, "SRLC16E": {RAMLUT: 1}, "SRLC32E": {RAMLUT: 1},
	// ECP5
	"CCU2C": {LUT: 2}, "TRELLIS_FF": {FF: 1}, "MULT18X18D": {DSP: 1}, "DP16KD": {BRAM: 1}, "PDPW16KD": {BRAM: 1},
	"TRELLIS_DPR16X4": {RAMLUT: 4},
	// iCE40
	"SB_LUT4": {LUT: 1}, "SB_MAC16": {DSP: 1}, "SB_RAM40_4K": {BRAM: 1},
}

// free are cells that take none of these: dedicated carry logic and multiplexers, buffers of
// pins and clocks, inverters that a table or a flip-flop behind them takes in.
var free = []string{"CARRY", "MUXF", "PFUMX", "L6MUX21", "IBUF", "OBUF", "BUFG", "INV", "GSR", "SB_CARRY"}

// share is the share of a cell, by its type.
func share(cell string) (Use, error) {
	if u, ok := cells[cell]; ok {
		return u, nil
	}
	if n, ok := strings.CutPrefix(cell, "LUT"); ok {
		if _, err := strconv.Atoi(n); err == nil {
			return Use{LUT: 1}, nil
		}
	}
	if strings.HasPrefix(cell, "SB_DFF") {
		return Use{FF: 1}, nil
	}
	for _, f := range free {
		if strings.HasPrefix(cell, f) {
			return Use{}, nil
		}
	}
	return Use{}, fmt.Errorf("synth: cell %s, of which it is not known what it takes", cell)
}

// Count has Yosys synthesise a package for a family and counts its cells.
func Count(ctx context.Context, dir, top string, f Flow) (Use, error) {
	path := buildPath(dir, string(f)+".json")
	if err := yosys(ctx, dir, f, append(f.commands(top), "tee -q -o "+filepath.Base(path)+" stat -json")); err != nil {
		return Use{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Use{}, err
	}
	u, err := countCells(text)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return u, err
}

// countCells adds up the cells of what stat -json prints.
func countCells(text []byte) (Use, error) {
	var stat struct {
		Design struct {
			Cells map[string]int `json:"num_cells_by_type"`
		} `json:"design"`
	}
	start := bytes.IndexByte(text, '{')
	if start < 0 {
		return Use{}, fmt.Errorf("synth: no statistics")
	}
	if err := json.Unmarshal(text[start:], &stat); err != nil {
		return Use{}, err
	}
	if len(stat.Design.Cells) == 0 {
		return Use{}, fmt.Errorf("synth: no cells")
	}
	var all Use
	for cell, n := range stat.Design.Cells {
		u, err := share(cell)
		if err != nil {
			return Use{}, err
		}
		all.LUT += n * u.LUT
		all.FF += n * u.FF
		all.DSP += n * u.DSP
		all.BRAM += float64(n) * u.BRAM
		all.RAMLUT += n * u.RAMLUT
	}
	return all, nil
}
