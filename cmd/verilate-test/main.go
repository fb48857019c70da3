// Verilate-test runs the unit benches of every block; then it generates small
// accelerators of awkward shapes and simulates each under stalls, several read
// latencies, error responses, dirty starts and resets in mid-run, comparing
// every bit with the fixed-point model. The last line is "N passed, N failed";
// the exit status is 1 if anything failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"epgen/cmd/internal/cli"
	"epgen/ep"
	"epgen/sim"
	"epgen/sim/unit"
	"epgen/verilator"
)

const usage = `verilate-test simulates benches of every block and whole small networks under Verilator,
and compares every bit with the models.

  verilate-test                  all
  verilate-test -run softmax     those whose name contains softmax
  verilate-test -icarus          the networks in Icarus Verilog
  verilate-test -stalls 100 -run padded

EPGEN_DATA names a directory with mnist and cifar10, for the networks that take real samples.

Flags, with one dash or two:

`

const usageTail = `
The last line is "N passed, N failed". Exit status: 0 all passed, 1 something failed,
2 could not run (one line on standard error says why).
`

func main() {
	failed, err := run(os.Args[1:])
	cli.Finish("verilate-test", failed == 0, err)
}

// result is the outcome of one job: a unit bench or a network.
type result struct {
	passed, failed int
	lines          []string
}

func run(args []string) (failed int, err error) {
	cmd := cli.NewCommand("verilate-test", usage, usageTail)
	flags := cmd.Flags
	only := flags.String("run", "", "only benches and networks whose name contains this")
	stalls := flags.Int("stalls", 0, "of each network only so many patterns of stalls, each with a reset in mid-run")
	jobs := flags.Int("jobs", 2, "simulations at a time")
	inIcarus := flags.Bool("icarus", false, "the networks in Icarus Verilog, with a bench in Verilog alone")
	gates := flags.Bool("gates", false, "small networks as netlists of gates and of iCE40 cells, in Icarus Verilog")
	keep := flags.String("keep", "", "directory to keep the packages in (default: a temporary one, removed)")
	if err := cmd.Parse(args, os.Stdout); err != nil {
		return 0, err
	}
	if *stalls > 0 {
		sessions = stallSessions(*stalls)
	}
	dir := *keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "verilate-test-*"); err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
	}
	ctx, stop := cli.Interruptible()
	defer stop()
	start := time.Now()
	list := allJobs()
	switch {
	case *gates:
		list = gateJobs()
	case *inIcarus:
		list = icarusJobs()
	}
	passed, failed := runAll(ctx, list, dir, *only, *jobs)
	if ctx.Err() != nil {
		return 0, errors.New("interrupted")
	}
	fmt.Printf("%.0f s\n%d passed, %d failed\n", time.Since(start).Seconds(), passed, failed)
	return failed, nil
}

// job is a unit bench or a network.
type job struct {
	name string
	slow bool // run only if named in full
	run  func(ctx context.Context, dir string) result
}

// allJobs lists the unit benches, then the networks.
func allJobs() []job {
	var list []job
	for _, b := range unit.All() {
		list = append(list, job{"unit " + b.Name, false, func(_ context.Context, dir string) result { return runBench(b, dir) }})
	}
	for i := range networks {
		n := &networks[i]
		list = append(list, job{n.name, n.slow, func(ctx context.Context, dir string) result {
			return n.test(ctx, filepath.Join(dir, n.name))
		}})
	}
	return list
}

// runAll does the jobs, some at a time, and prints their results in the order
// of the list.
func runAll(ctx context.Context, list []job, dir, only string, jobs int) (passed, failed int) {
	var results []chan result
	slots := make(chan struct{}, max(1, jobs))
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, j := range list {
		if !strings.Contains(j.name, only) || j.slow && j.name != only {
			continue
		}
		c := make(chan result, 1)
		results = append(results, c)
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			c <- j.run(ctx, dir)
		})
	}
	for _, c := range results {
		r := <-c
		for _, l := range r.lines {
			fmt.Println(l)
		}
		passed += r.passed
		failed += r.failed
	}
	return passed, failed
}

// runBench runs a unit bench; the benches of a group share one simulator.
func runBench(b *unit.Bench, dir string) result {
	r := b.Run(filepath.Join(dir, "unit"))
	out := result{lines: []string{r.String()}}
	if r.Passed() {
		out.passed = 1
	} else {
		out.failed = 1
	}
	return out
}

// test generates and builds one network and runs all sessions.
func (n *network) test(ctx context.Context, dir string) result {
	var r result
	start := time.Now()
	note := func(ok bool, what string, err error) {
		word := "ok  "
		if ok {
			r.passed++
		} else {
			r.failed++
			word = "FAIL"
		}
		line := fmt.Sprintf("%s  %-14s %-25s %5.1f s", word, n.name, what, time.Since(start).Seconds())
		if err != nil {
			line += "  " + err.Error()
		}
		r.lines = append(r.lines, line)
		start = time.Now()
	}
	simulation, err := n.build(ctx, dir)
	if errors.Is(err, errNoData) {
		r.lines = append(r.lines, fmt.Sprintf("skip  %-14s %v", n.name, err))
		return r
	}
	note(err == nil, "build", err)
	if err != nil {
		return r
	}
	list := sessions
	if n.resets {
		list = append(slices.Clip(list), resetSession)
	}
	for _, s := range list {
		simulation.Settings, simulation.Extra = s.Settings, s.extra
		equal, err := simulation.Run(ctx)
		if err == nil && !equal {
			err = firstMismatch(dir)
		}
		note(equal, s.name, err)
		if equal && s.name == resetSession.name {
			r.lines = append(r.lines, resetPlaces(dir))
		}
	}
	return r
}

// errNoData says that real samples are not there.
var errNoData = errors.New("no data")

// build writes the package of a network to dir and builds its simulator.
func (n *network) build(ctx context.Context, dir string) (*sim.Simulation, error) {
	if err := n.write(dir); err != nil {
		return nil, err
	}
	s := &sim.Simulation{
		Dir: dir, Jobs: 1, Opt: 0,
		Runtime: verilator.RuntimeBeside(dir),
	}
	return s, s.Build(ctx)
}

// write writes the package of a network to dir.
func (n *network) write(dir string) error {
	cfg, err := n.config()
	if err != nil {
		return err
	}
	var src ep.Sources
	if n.data != "" {
		src.Data = dataDir(n.data)
		if _, err := os.Stat(src.Data); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s does not exist; set EPGEN_DATA", errNoData, src.Data)
		}
	}
	_, err = sim.WriteFrom(dir, cfg, &src)
	return err
}

// resetPlaces says where the resets of the last run fell.
func resetPlaces(dir string) string {
	r, err := sim.ReadReport(filepath.Join(dir, "report", "report.json"))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("      %d resets: %s", len(r.Resets), strings.Join(r.Resets, ", "))
}

// firstMismatch returns the first mismatch of the last run as an error.
func firstMismatch(dir string) error {
	r, err := sim.ReadReport(filepath.Join(dir, "report", "report.json"))
	if err != nil {
		return err
	}
	if r.FirstMismatch == nil {
		return fmt.Errorf("%d values compared, want %d", r.Compared, r.ComparedPredicted)
	}
	return fmt.Errorf("%s: %s", r.FirstMismatch.Place(), r.FirstMismatch.Message)
}
