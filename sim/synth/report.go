package synth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"epgen/gen"
)

// Report holds what Yosys finds in a package against what the generator expects.
type Report struct {
	Design      string         `json:"design"`
	Multipliers int            `json:"multipliers"` // of the Verilog
	MemoryBits  int            `json:"memory_bits"`
	Families    []FamilyReport `json:"families"`
}

// FamilyReport is the part of one family. Ratios are estimate to Yosys.
type FamilyReport struct {
	Family   Flow    `json:"family"`
	Yosys    Use     `json:"yosys"`
	LUT      int     `json:"estimated_lut"`
	FF       int     `json:"estimated_ff"`
	LUTRatio float64 `json:"lut_ratio"`
	FFRatio  float64 `json:"ff_ratio"`
}

// Synthesise has Yosys synthesise a package for some families.
func Synthesise(ctx context.Context, dir string, d *gen.Design, flows []Flow) (*Report, error) {
	e := d.Estimate(d.Cfg.Memory.ReadLatency)
	r := &Report{Design: d.Cfg.Network.Name, MemoryBits: e.MemoryBits}
	for _, m := range e.Multipliers {
		r.Multipliers += m.Count
	}
	for _, f := range flows {
		use, err := Count(ctx, dir, d.Top(), f)
		if err != nil {
			return nil, err
		}
		part := FamilyReport{Family: f, Yosys: use}
		for _, x := range e.Resources {
			if x.Family == string(f) {
				part.LUT, part.FF = x.LUT, x.FF
			}
		}
		part.LUTRatio, part.FFRatio = float64(part.LUT)/float64(use.LUT), float64(part.FF)/float64(use.FF)
		r.Families = append(r.Families, part)
	}
	return r, nil
}

// Write prints a report and writes it to report/synth.txt and report/synth.json of a package.
func (r *Report) Write(w io.Writer, dir string) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s: %d multipliers, %d bits of memory\n\n", r.Design, r.Multipliers, r.MemoryBits)
	tw := tabwriter.NewWriter(&text, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "\tLUT\testimate\tratio\tFF\testimate\tratio\tDSP\tBRAM\tLUTs as RAM\t")
	for _, f := range r.Families {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%.2f\t%d\t%d\t%.2f\t%d\t%g\t%d\t\n", f.Family, f.Yosys.LUT, f.LUT, f.LUTRatio,
			f.Yosys.FF, f.FF, f.FFRatio, f.Yosys.DSP, f.Yosys.BRAM, f.Yosys.RAMLUT)
	}
	tw.Flush()
	return writeReport(w, dir, "synth", text.Bytes(), r)
}

// writeReport prints a text and writes it, and its data as JSON, to the reports of a package.
func writeReport(w io.Writer, dir, name string, text []byte, data any) error {
	if _, err := w.Write(text); err != nil {
		return err
	}
	list, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "report"), 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "report", name+".txt"), text, 0o666); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "report", name+".json"), append(list, '\n'), 0o666)
}
