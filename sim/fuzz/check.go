package fuzz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"epgen/ep"
	"epgen/gen"
	"epgen/internal/lint"
	"epgen/sim"
	"epgen/verilator"
)

// Failure is what is wrong with a design.
type Failure struct {
	Stage   string // generate, verilator, icarus, yosys, build, or the name of a session
	Message string // one line
}

func (f *Failure) Error() string { return f.Stage + ": " + f.Message }

// sessions are the simulations of every design: undisturbed, where cycles are
// predicted; under stalls, from a dirty core and after a reset in mid-run; inferences
// in between.
var sessions = []struct {
	name string
	sim.Settings
	extra []string
}{
	{"ready", sim.Settings{Seed: 1, XSeed: 1, Runs: 2}, nil},
	{"stalls", sim.Settings{Seed: 2, XSeed: 2, Runs: 3, Stall: true}, nil},
	{"inference, stalls", sim.Settings{Seed: 3, XSeed: 3, Runs: 2, Stall: true, Infer: true}, nil},
	{"read error, stalls", sim.Settings{Seed: 4, XSeed: 4, Runs: 2, Stall: true}, []string{"--fail-read=2"}},
}

// Check generates, lints and simulates a design in dir, which it creates. With
// thorough, Icarus Verilog and Yosys read it too. A *Failure is the design's; another
// error means that it could not be checked.
func Check(ctx context.Context, s Settings, dir string, thorough bool) error {
	d, err := writePackage(s, dir)
	if err != nil {
		return err
	}
	if err := checkLint(ctx, dir, thorough); err != nil {
		return err
	}
	simulation := &sim.Simulation{
		Dir: dir, Jobs: 1, Opt: optimisation(d),
		Runtime: verilator.RuntimeBeside(dir),
	}
	if err := simulation.Build(ctx); err != nil {
		return stop(ctx, &Failure{"build", line(err.Error())})
	}
	for _, session := range sessions {
		simulation.Settings, simulation.Extra = session.Settings, session.extra
		equal, err := simulation.Run(ctx)
		if err != nil {
			return stop(ctx, &Failure{session.name, line(err.Error())})
		}
		if !equal {
			return &Failure{session.name, mismatch(dir)}
		}
	}
	return nil
}

// stop returns the reason for which the context is over, else the failure.
func stop(ctx context.Context, f *Failure) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return f
}

// line joins the lines of a message.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }

// writePackage generates the design. Errors and panics of the generator are failures.
func writePackage(s Settings, dir string) (d *gen.Design, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Failure{"generate", line(fmt.Sprint(errPanic, ": ", r))}
		}
	}()
	fail := func(err error) (*gen.Design, error) { return nil, &Failure{"generate", line(err.Error())} }
	if d, err = s.design(); err != nil {
		return fail(err)
	}
	var none ep.Sources
	w, err := ep.LoadParams(d.Cfg, &none)
	if err != nil {
		return fail(err)
	}
	drawHeadParams(d.Cfg, w)
	x, err := ep.LoadInputs(d.Cfg, &none)
	if err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	f := &d.Cfg.Formats
	if _, err := sim.WritePackage(dir, d, w.Quantize(f), x.Quantize(d.Cfg), nil); err != nil {
		return fail(err)
	}
	return d, nil
}

// optimisation is that of the C++ compiler: none, for most designs simulate in less time than it
// would take, or, above so many multipliers times cycles, some.
func optimisation(d *gen.Design) int {
	const much = 1_000_000
	if d.Rows*d.Columns*d.Estimate(d.Cfg.Memory.ReadLatency).Cycles*d.Cfg.Sequence.Starts > much {
		return 1
	}
	return 0
}

// checkLint reads the Verilog with Verilator or, thorough, all three tools: not a line may come.
func checkLint(ctx context.Context, dir string, thorough bool) error {
	rtl := filepath.Join(dir, "rtl")
	list, err := os.ReadFile(filepath.Join(rtl, "files.f"))
	if err != nil {
		return err
	}
	for _, tool := range lint.Tools {
		if tool != "verilator" && !thorough {
			continue
		}
		err := lint.Run(ctx, rtl, tool, "epgen_top", strings.Fields(string(list)))
		if errors.Is(err, exec.ErrNotFound) {
			return fmt.Errorf("%s not found", tool)
		}
		if err != nil {
			return stop(ctx, &Failure{tool, line(fmt.Sprintf("%.300s", err))})
		}
	}
	return nil
}

// mismatch words the first mismatch of the last run.
func mismatch(dir string) string {
	r, err := sim.ReadReport(filepath.Join(dir, "report", "report.json"))
	if err != nil {
		return line(err.Error())
	}
	if r.FirstMismatch == nil {
		return fmt.Sprintf("%d values compared, want %d", r.Compared, r.ComparedPredicted)
	}
	return line(r.FirstMismatch.Place() + ": " + r.FirstMismatch.Message)
}
