// Epverify builds and runs the simulation of a package made by epgen, compares
// every bit with the golden data and writes the reports. See epverify -help.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"epgen/cmd/internal/cli"
	"epgen/sim"
)

const usage = `epverify simulates a package of epgen under Verilator and compares it, bit for
bit, with the fixed-point model: every neuron of every time step, every pool
index, every new weight.

  epverify out                       one training step, memory always ready
  epverify -stall -seed 7 out        random memory latency and back-pressure
  epverify -runs 3 out               again without reset, and after a reset in between
  epverify -latency 100 out          another read latency

It judges the Verilog as it is in out/rtl: edited files are named and simulated.
A changed or missing file of out/golden or out/tb is an error. The reports are
out/report/report.json, report.txt and report.html; the simulator is built in
out/build and built again only if something has changed.

Flags, with one dash or two:

`

const usageTail = `
Exit status: 0 equal, 1 different, 2 could not run (one line on standard error
says why).
`

func main() {
	equal, err := run(os.Args[1:])
	cli.Finish("epverify", equal, err)
}

// options are what the flags say.
type options struct {
	sim.Simulation
	wave, json bool
}

func parse(args []string) (*options, error) {
	o := &options{Simulation: sim.Simulation{Settings: sim.Settings{Seed: 1, XSeed: 1, Runs: 1}}}
	cmd := cli.NewCommand("epverify", usage, usageTail)
	fs := cmd.Flags
	fs.Uint64Var(&o.Seed, "seed", 1, "seed of the stalls")
	fs.BoolVar(&o.Stall, "stall", false, "random memory latency and gaps on every channel")
	fs.IntVar(&o.Latency, "latency", 0, "cycles from AR to the first R beat (default that of the design)")
	fs.IntVar(&o.XSeed, "x-seed", 1, "seed of registers and memories at power-up, 1 or more")
	fs.IntVar(&o.Runs, "runs", 1, "training steps: the second starts without reset, the third after one in mid-run")
	fs.BoolVar(&o.Infer, "infer", false, "every second run, from the first, is an inference: free phase and results")
	fs.IntVar(&o.Jobs, "jobs", 0, "compiler jobs (default the number of processors)")
	fs.IntVar(&o.Opt, "opt", 2, "C++ optimisation of the simulator, 0..3: 0 compiles fast, 2 runs fast")
	noWave := fs.Bool("no-wave", false, "no waveform of a mismatch, which needs a second build")
	fs.BoolVar(&o.json, "json", false, "print report.json instead of report.txt")
	cli.LogFlags(fs)
	dirs, err := cmd.ParseOperands(args, os.Stdout)
	if err != nil {
		return nil, err
	}
	o.wave = !*noWave
	if len(dirs) != 1 {
		return nil, fmt.Errorf("%d directories given, want one package of epgen (see epverify -help)", len(dirs))
	}
	o.Dir = dirs[0]
	return o, o.check()
}

// check reports flags out of range.
func (o *options) check() error {
	for _, f := range []struct {
		name            string
		value, low, top int
	}{
		{"latency", o.Latency, 0, 100000}, {"x-seed", o.XSeed, 1, 1<<31 - 1}, {"runs", o.Runs, 1, 1000},
		{"jobs", o.Jobs, 0, 1024}, {"opt", o.Opt, 0, 3},
	} {
		if f.value < f.low || f.value > f.top {
			return fmt.Errorf("flag -%s: %d, want %d..%d", f.name, f.value, f.low, f.top)
		}
	}
	return nil
}

func run(args []string) (equal bool, err error) {
	o, err := parse(args)
	if err != nil {
		return false, err
	}
	edited, err := checkPackage(o.Dir)
	if err != nil {
		return false, err
	}
	for _, name := range edited {
		fmt.Fprintf(os.Stderr, "epverify: note: %s is not as epgen wrote it; it is simulated as it is\n", name)
	}
	ctx, stop := cli.Interruptible()
	defer stop()
	progress := cli.NewProgress(os.Stderr)
	stage := progress.Stage("build", 0)
	if err := o.Build(ctx); err != nil {
		return false, err
	}
	stage.Done()
	if equal, err = simulate(ctx, o, progress); err != nil {
		return false, err
	}
	return equal, report(ctx, o, edited, progress)
}

// simulate runs the simulation with a bar in per mille of the expected cycles.
func simulate(ctx context.Context, o *options, progress *cli.Progress) (bool, error) {
	const parts = 1000
	stage := progress.Stage("simulation", parts)
	shown := 0
	o.Progress = func(done, total uint64, _ string) {
		now := int(min(parts, done*parts/max(1, total)))
		if now > shown {
			stage.Add(now - shown)
			shown = now
		}
	}
	equal, err := o.Run(ctx)
	if err != nil {
		return false, err
	}
	stage.Done()
	return equal, nil
}

// report completes report.json and renders it.
func report(ctx context.Context, o *options, edited []string, progress *cli.Progress) error {
	dir := filepath.Join(o.Dir, "report")
	r, err := sim.ReadReport(filepath.Join(dir, "report.json"))
	if err != nil {
		return err
	}
	r.Edited = edited
	r.Warnings = r.DeadLayers()
	if m := r.FirstMismatch; m != nil {
		r.Replay = o.WaveCommand(m.Cycle)
		if o.wave {
			stage := progress.Stage("waveform", 0)
			// The verdict stands without the waveform.
			if r.Wave, err = o.Wave(ctx, m.Cycle); err != nil {
				r.Warnings = append(r.Warnings, "no waveform: "+err.Error())
			}
			stage.Done()
		}
	}
	return r.WriteAll(dir, os.Stdout, o.json)
}
