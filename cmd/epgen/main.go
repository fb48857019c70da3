// Epgen writes a complete hardware package for one training step of
// Equilibrium Propagation: Verilog, simulation, golden traces, register map,
// estimate. See epgen -help.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"epgen/cmd/internal/cli"
	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/gen"
	"epgen/sim"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		cli.Fail("epgen", err)
	}
}

// run writes the package and prints the summary to w.
func run(args []string, w io.Writer) error {
	if slices.Contains(args, "-version") || slices.Contains(args, "--version") {
		fmt.Fprintln(w, "epgen", gen.Version)
		return nil
	}
	cfg, src, err := cli.Resolve(args)
	if err != nil {
		return err
	}
	d, err := gen.New(cfg)
	if err != nil {
		return err
	}
	params, samples, err := load(cfg, &src.Sources)
	if err != nil {
		return err
	}
	out, err := cli.NewOutput("epgen", src.Out)
	if err != nil {
		return err
	}
	defer out.Close()
	written, err := writePackage(out, d, params, samples)
	if err != nil {
		return err
	}
	if err := out.Commit(gen.Version, d.Top()); err != nil {
		return err
	}
	return summary(w, d, src.Out, written.RTLTime)
}

// load returns the codes of weights and samples, with a warning for values
// that their formats do not hold.
func load(cfg *ep.Config, src *ep.Sources) (*ep.Params, *ep.Samples, error) {
	w, err := ep.LoadParams(cfg, src)
	if err != nil {
		return nil, nil, err
	}
	x, err := ep.LoadInputs(cfg, src)
	if err != nil {
		return nil, nil, err
	}
	f := &cfg.Formats
	warn := func(name string, values []float64, format fixedpoint.Format) {
		if n := ep.Saturated(values, format); n > 0 {
			fmt.Fprintf(os.Stderr, "epgen: warning: %s: %d of %d values are outside %v and saturate\n", name, n, len(values), format)
		}
	}
	w.Tensors(&cfg.Network, f, warn)
	warn("samples", x.X, f.Input)
	return w.Quantize(f), x.Quantize(cfg), nil
}

// writePackage fills the output directory. The time steps of the model are
// what takes long.
func writePackage(out *cli.Output, d *gen.Design, w *ep.Params, s *ep.Samples) (*sim.Written, error) {
	cfg := d.Cfg
	stage := cli.NewProgress(os.Stderr).Stage("golden trace", cfg.Program().Steps())
	written, err := sim.WritePackage(out.Dir(), d, w, s, func(int, int) { stage.Add(1) })
	if err != nil {
		// The hidden directory it was written to means nothing to the user.
		return nil, errors.New(strings.ReplaceAll(err.Error(), out.Dir()+string(filepath.Separator), ""))
	}
	stage.Done()
	return written, nil
}

func summary(w io.Writer, d *gen.Design, dir string, rtlTime time.Duration) error {
	cfg := d.Cfg
	nudged := len(cfg.Program().Relaxations) - 1
	steps := fmt.Sprintf("%d free and %d x %d nudged steps, %v indices", cfg.FreeSteps, nudged, cfg.NudgeSteps, cfg.PoolIndex)
	if cfg.Build == ep.Inference {
		steps = fmt.Sprintf("inference alone, %d steps", cfg.FreeSteps)
	}
	fmt.Fprintf(w, "%s: input %v, batch %d, %s\n\n", cfg.Network.Name, cfg.Network.Input, cfg.Batch, steps)
	if err := sim.WriteLayers(w, d.Plan); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := sim.WriteFigures(w, d); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nRTL written in %.2f s; package in %s\nnext: epverify %s\n", rtlTime.Seconds(), dir, dir)
	return err
}
