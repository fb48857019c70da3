// Epicarus simulates packages of epgen in Icarus Verilog and compares. See
// epicarus -help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"epgen/cmd/internal/cli"
	"epgen/sim/icarus"
	"epgen/sim/synth"
)

const usage = `epicarus simulates packages of epgen in Icarus Verilog, with a bench in Verilog alone,
and compares every byte of memory and every word written on chip with the golden data.

  epicarus out            two starts, the second on the dirty core
  epicarus -stall a b c   several packages, with random gaps on the memory port
  epicarus -gates ice40 out   the netlist that Yosys makes of it: generic gates, or cells of iCE40

Flags, with one dash or two:
`

const usageTail = `
The last line is "N passed, N failed". Exit status: 0 all equal, 1 something differs,
2 could not run (one line on standard error says why).
`

func main() {
	equal, err := run(os.Args[1:], os.Stdout)
	cli.Finish("epicarus", equal, err)
}

func run(args []string, w io.Writer) (equal bool, err error) {
	var r icarus.Run
	cmd := cli.NewCommand("epicarus", usage, usageTail)
	fs := cmd.Flags
	fs.BoolVar(&r.Stall, "stall", false, "random latencies and gaps on the memory port")
	fs.IntVar(&r.Seed, "seed", 1, "seed of the stalls")
	gates := fs.String("gates", "", "simulate a netlist: generic or ice40")
	dirs, err := cmd.ParseOperands(args, w)
	if err != nil {
		return false, err
	}
	if len(dirs) == 0 {
		return false, errors.New("no directory given, want packages of epgen (see epicarus -help)")
	}
	flow := synth.Flow(*gates)
	if flow != "" && flow != synth.Generic && flow != synth.ICE40 {
		return false, fmt.Errorf("-gates %q, want generic or ice40", *gates)
	}
	ctx, stop := cli.Interruptible()
	defer stop()
	passed, failed := 0, 0
	for _, dir := range dirs {
		result, err := simulate(ctx, dir, flow, r)
		if ctx.Err() != nil {
			return false, errors.New("interrupted")
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", dir, err)
		}
		if len(result.Differences) == 0 {
			passed++
			fmt.Fprintf(w, "%s: PASS, %d values on chip and %d beats of memory in each of two starts, %s cycles\n",
				dir, result.Compared/2, result.Beats, result.Cycles)
			continue
		}
		failed++
		fmt.Fprintf(w, "%s: FAIL\n", dir)
		for _, line := range result.Differences {
			fmt.Fprintln(w, "  "+line)
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed)
	return failed == 0, nil
}

func simulate(ctx context.Context, dir string, flow synth.Flow, r icarus.Run) (*icarus.Result, error) {
	p, err := icarus.Open(dir)
	if err != nil {
		return nil, err
	}
	if flow == "" {
		err = p.Build(ctx)
	} else {
		err = p.BuildGates(ctx, flow)
	}
	if err != nil {
		return nil, err
	}
	return p.Run(ctx, r)
}
