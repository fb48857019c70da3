// Epfuzz tests the generator with random configurations. See epfuzz -help.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"epgen/cmd/internal/cli"
	"epgen/sim/fuzz"
)

const usage = `epfuzz draws configurations over all options, one per seed, generates, lints and
simulates each under stalls, and compares every bit with the fixed-point model. A
design that fails is made smaller while it fails.

  epfuzz                              20 designs from seed 1, and those that failed once
  epfuzz -n 200 -seed 1000            two hundred others
  epfuzz -n 1 -seed 17                one again
  epfuzz -design "network.layers=4,fc2 array.size=4"

Flags, with one dash or two:

`

const usageTail = `
Exit status: 0 all equal, 1 a design failed, 2 could not run (one line on standard
error says why).
`

func main() {
	passed, err := run(os.Args[1:], os.Stdout)
	cli.Finish("epfuzz", passed, err)
}

func run(args []string, w io.Writer) (passed bool, err error) {
	c := fuzz.Campaign{}
	cmd := cli.NewCommand("epfuzz", usage, usageTail)
	fs := cmd.Flags
	fs.IntVar(&c.Count, "n", 20, "number of designs")
	fs.Uint64Var(&c.Seed, "seed", 1, "seed of the first; the others follow")
	fs.IntVar(&c.Jobs, "j", runtime.NumCPU(), "designs at a time")
	fs.DurationVar(&c.ShrinkFor, "shrink", 5*time.Minute, "time to make a failing design smaller; 0: leave it")
	design := fs.String("design", "", "settings KEY=VALUE of one design, instead of seeds")
	kept := fs.String("kept", "sim/fuzz/testdata", "directory of the designs that failed once")
	fs.StringVar(&c.Dir, "dir", "", "where to build (default a temporary directory)")
	verbose := fs.Bool("v", false, "print the settings of every design")
	if err := cmd.Parse(args, w); err != nil {
		return false, err
	}
	if c.Count < 0 {
		return false, fmt.Errorf("flag -n: %d, want at least 0", c.Count)
	}
	if *design != "" {
		s, err := fuzz.Parse(*design)
		if err != nil {
			return false, fmt.Errorf("flag -design: %w", err)
		}
		c.Count, c.Kept = 0, map[string]fuzz.Settings{"design": s}
	} else if c.Kept, err = fuzz.Kept(*kept); err != nil {
		return false, err
	}
	if c.Dir == "" {
		if c.Dir, err = os.MkdirTemp("", "epfuzz-*"); err != nil {
			return false, err
		}
		defer os.RemoveAll(c.Dir)
	}
	ctx, stop := cli.Interruptible()
	defer stop()
	total, start := 0, time.Now()
	c.Done = func(r fuzz.Result) {
		total++
		report(w, &r, *verbose)
	}
	failed, err := c.Run(ctx)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(w, "%.0f s\n%d passed, %d failed\n", time.Since(start).Seconds(), total-failed, failed)
	return failed == 0, nil
}

// report prints the lines of one design.
func report(w io.Writer, r *fuzz.Result, verbose bool) {
	if r.Failure == nil {
		if verbose {
			fmt.Fprintf(w, "ok    %-10s %5.1f s  %v\n", r.Name, r.Seconds, r.Settings)
		} else {
			fmt.Fprintf(w, "ok    %-10s %5.1f s  %s on %s\n", r.Name, r.Seconds, r.Settings["network.layers"], r.Settings["network.input"])
		}
		return
	}
	fmt.Fprintf(w, "FAIL  %-10s %5.1f s  %v\n      design   %v\n", r.Name, r.Seconds, r.Failure, r.Settings)
	if r.Smaller != nil {
		fmt.Fprintf(w, "      smaller  %v\n      again    epfuzz -design %q\n", r.Smaller, r.Smaller)
	}
}
