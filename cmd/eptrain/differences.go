package main

import (
	"fmt"
	"io"
	"strings"

	"epgen/ep"
)

// adviseShifts says how far the differences of nudged phases reach, if these hold any, and the
// shifts that make the most of their bits.
func adviseShifts(w io.Writer, cfg *ep.Config, p *ep.FloatParams, samples *ep.FloatSamples) error {
	if !cfg.Differs() {
		return nil
	}
	bits := cfg.Formats.DifferenceBits
	reach, shifts, err := ep.DifferenceShifts(cfg, bits, p, samples)
	if err != nil {
		return err
	}
	var far, list []string
	for n := range shifts {
		far, list = append(far, fmt.Sprintf("%.2g", reach[n])), append(list, fmt.Sprint(shifts[n]))
	}
	_, err = fmt.Fprintf(w, "nudged phases lead away from the free states by at most %s: -difference-shift %s makes the most of %d bits\n",
		strings.Join(far, ", "), strings.Join(list, ","), bits)
	return err
}
