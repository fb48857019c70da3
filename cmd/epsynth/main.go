// Epsynth has Yosys synthesise packages of epgen, and nextpnr place and route them. See
// epsynth -help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"epgen/cmd/internal/cli"
	"epgen/sim"
	"epgen/sim/synth"
)

const usage = `epsynth has Yosys synthesise packages of epgen for Xilinx UltraScale+ (xcup) and Lattice ECP5
(ecp5) and reports LUT, FF, DSP and BRAM beside the estimate of the generator; or it has nextpnr
place and route them for iCE40 UP5K and reports the clock, the critical path and what is used.

  epsynth out                  both families
  epsynth -family ecp5 a b     several packages, one family
  epsynth -pnr out             place and route

Flags, with one dash or two:
`

const usageTail = `
The reports are written to report/synth.txt and report/synth.json, or report/pnr.txt and
report/pnr.json, of each package. Exit status: 0 done, 2 could not run (one line on standard
error says why).
`

func main() { cli.Finish("epsynth", true, run(os.Args[1:], os.Stdout)) }

func run(args []string, w io.Writer) error {
	cmd := cli.NewCommand("epsynth", usage, usageTail)
	list := cmd.Flags.String("family", "xcup,ecp5", "families, separated by commas")
	pnr := cmd.Flags.Bool("pnr", false, "place and route for iCE40 UP5K")
	seed := cmd.Flags.Int("seed", 1, "seed of the placement")
	dirs, err := cmd.ParseOperands(args, w)
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		return errors.New("no directory given, want packages of epgen (see epsynth -help)")
	}
	var flows []synth.Flow
	for _, name := range strings.Split(*list, ",") {
		f := synth.Flow(name)
		if f != synth.Xcup && f != synth.ECP5 {
			return fmt.Errorf("-family %q, want xcup or ecp5", name)
		}
		flows = append(flows, f)
	}
	ctx, stop := cli.Interruptible()
	defer stop()
	for _, dir := range dirs {
		if err := one(ctx, w, dir, flows, *pnr, *seed); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

// one reports one package.
func one(ctx context.Context, w io.Writer, dir string, flows []synth.Flow, pnr bool, seed int) error {
	d, err := sim.ReadDesign(dir)
	if err != nil {
		return err
	}
	if pnr {
		r, err := synth.PlaceAndRoute(ctx, dir, d, seed)
		if err != nil {
			return err
		}
		return r.Write(w, dir)
	}
	r, err := synth.Synthesise(ctx, dir, d, flows)
	if err != nil {
		return err
	}
	return r.Write(w, dir)
}
