// Epmutate tests the verdict of the simulation: it changes one line of generated
// Verilog at a time and counts how many changes are noticed. See epmutate -help.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"epgen/cmd/internal/cli"
	"epgen/sim/mutate"
)

const usage = `epmutate draws one-line changes of the generated Verilog, over all modules of some
small designs, simulates each as epverify does until a simulation fails, and lists
the changes that no simulation noticed.

  epmutate                       100 mutants of seed 1
  epmutate -n 20 -seed 7 -v      twenty others, with a line for each
  epmutate -config live          of one design only

Flags, with one dash or two:

`

const usageTail = `
Exit status: 0 at least 95 of 100 caught, 1 fewer, 2 could not run (one line on
standard error says why).
`

func main() {
	enough, err := run(os.Args[1:], os.Stdout)
	cli.Finish("epmutate", enough, err)
}

// options are what the flags say.
type options struct {
	mutate.Campaign
	report  string
	keep    string
	verbose bool
}

func parse(args []string, w io.Writer) (*options, error) {
	var o options
	cmd := cli.NewCommand("epmutate", usage, usageTail)
	fs := cmd.Flags
	fs.IntVar(&o.Count, "n", 100, "number of mutants")
	fs.Uint64Var(&o.Seed, "seed", 1, "seed of the draw")
	fs.IntVar(&o.Jobs, "j", runtime.NumCPU(), "simulations at a time")
	configs := fs.String("config", "", "designs to mutate, separated by commas (default "+strings.Join(mutate.DesignNames(), ",")+")")
	fs.StringVar(&o.report, "report", "", "file for a line about every mutant and the report")
	fs.StringVar(&o.keep, "dir", "", "where to build; kept (default a temporary directory)")
	fs.BoolVar(&o.verbose, "v", false, "print a line about every mutant, as soon as it is judged")
	if err := cmd.Parse(args, w); err != nil {
		return nil, err
	}
	if o.Designs = mutate.DesignNames(); *configs != "" {
		o.Designs = strings.Split(*configs, ",")
	}
	return &o, o.check()
}

func (o *options) check() error {
	if o.Count < 1 {
		return fmt.Errorf("flag -n: %d, want at least 1", o.Count)
	}
	if o.Jobs < 1 {
		return fmt.Errorf("flag -j: %d, want at least 1", o.Jobs)
	}
	return nil
}

func run(args []string, w io.Writer) (enough bool, err error) {
	o, err := parse(args, w)
	if err != nil {
		return false, err
	}
	if o.Dir = o.keep; o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "epmutate-*"); err != nil {
			return false, err
		}
		defer os.RemoveAll(o.Dir)
	} else if err := os.MkdirAll(o.Dir, 0o777); err != nil {
		return false, err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return false, err
	}
	ctx, stop := cli.Interruptible()
	defer stop()
	outcomes, err := test(ctx, o, w)
	if ctx.Err() != nil {
		return false, errors.New("interrupted")
	}
	if err != nil {
		return false, err
	}
	if err := mutate.WriteReport(w, outcomes); err != nil {
		return false, err
	}
	return mutate.Summarize(outcomes).Enough(), writeFile(o.report, outcomes)
}

// test runs the campaign with a bar and, if asked for, with a line to w about every mutant.
func test(ctx context.Context, o *options, w io.Writer) ([]mutate.Outcome, error) {
	stage := cli.NewProgress(os.Stderr).Stage("mutants", o.Count)
	o.Done = func(m mutate.Outcome) {
		if m.Valid {
			stage.Add(1)
		}
		if o.verbose {
			mutate.WriteLog(w, []mutate.Outcome{m}) // errors of w show at the report
		}
	}
	outcomes, err := o.Run(ctx)
	if err == nil {
		stage.Done()
	}
	return outcomes, err
}

// writeFile writes the log and the report to a file, if one is named.
func writeFile(path string, outcomes []mutate.Outcome) (err error) {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	b := bufio.NewWriter(f)
	if err := mutate.WriteLog(b, outcomes); err != nil {
		return err
	}
	fmt.Fprintln(b)
	if err := mutate.WriteReport(b, outcomes); err != nil {
		return err
	}
	return b.Flush()
}
