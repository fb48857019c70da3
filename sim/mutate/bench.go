package mutate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"epgen/ep"
	"epgen/sim"
)

// Trial is one simulation that a mutant must pass to survive.
type Trial struct {
	Name string
	sim.Settings
	FailRead, FailWrite int // number of the R beat or B response that is an error; -1: none
	WriteGap            int // cycles without WREADY after a W beat
}

// Trials are made in this order until one fails: undisturbed memory shows most
// mutants, and the prediction of cycles holds there.
var Trials = []Trial{
	{"ready", sim.Settings{Seed: 1, XSeed: 1, Runs: 1}, -1, -1, 0},
	{"again, after reset", sim.Settings{Seed: 2, XSeed: 2, Runs: 3, Latency: 1}, -1, -1, 0},
	{"stalls", sim.Settings{Seed: 3, XSeed: 3, Runs: 3, Stall: true}, -1, -1, 0},
	{"inference", sim.Settings{Seed: 4, XSeed: 4, Runs: 3, Infer: true}, -1, -1, 0},
	{"inference, stalls", sim.Settings{Seed: 5, XSeed: 5, Runs: 2, Infer: true, Stall: true}, -1, -1, 0},
	{"read error", sim.Settings{Seed: 6, XSeed: 6, Runs: 2}, 40, -1, 0},
	{"read error, stalls", sim.Settings{Seed: 7, XSeed: 7, Runs: 2, Stall: true}, 7, -1, 0},
	{"write error", sim.Settings{Seed: 8, XSeed: 8, Runs: 2}, -1, 1, 0},
	{"write error, stalls", sim.Settings{Seed: 9, XSeed: 9, Runs: 2, Stall: true}, -1, 0, 0},
	{"early read error", sim.Settings{Seed: 11, XSeed: 11, Runs: 2}, 12, -1, 0},
	{"late read error", sim.Settings{Seed: 12, XSeed: 12, Runs: 2}, 333, -1, 0},
	{"later write error", sim.Settings{Seed: 13, XSeed: 13, Runs: 2}, -1, 2, 0},
	{"other stalls", sim.Settings{Seed: 10, XSeed: 10, Runs: 8, Stall: true, Latency: 3}, -1, -1, 0},
	{"slow writes", sim.Settings{Seed: 14, XSeed: 14, Runs: 3, Stall: true}, -1, -1, 90},
	{"slow writes, write error", sim.Settings{Seed: 15, XSeed: 15, Runs: 3, Stall: true}, -1, 1, 90},
}

// arguments of the simulator, as sim.Simulation gives them.
func (t *Trial) arguments() []string {
	flag := map[bool]int{true: 1}
	args := []string{
		"--golden=../golden", "--report=../report/report.json",
		fmt.Sprintf("--seed=%d", t.Seed), fmt.Sprintf("--stall=%d", flag[t.Stall]),
		fmt.Sprintf("--x-seed=%d", t.XSeed), fmt.Sprintf("--runs=%d", t.Runs),
		fmt.Sprintf("--infer=%d", flag[t.Infer]),
	}
	for _, o := range []struct {
		name  string
		value int
		given bool
	}{
		{"latency", t.Latency, t.Latency > 0},
		{"write-gap", t.WriteGap, t.WriteGap > 0},
		{"fail-read", t.FailRead, t.FailRead >= 0},
		{"fail-write", t.FailWrite, t.FailWrite >= 0},
	} {
		if o.given {
			args = append(args, fmt.Sprintf("--%s=%d", o.name, o.value))
		}
	}
	return args
}

// Bench builds and simulates variants of one design. Only the model of a
// variant is compiled: the objects of the harness are those of the design.
type Bench struct {
	name    string
	cfg     *ep.Config
	dir     string // a package, built
	rtl     map[string][]byte
	vtop    []byte    // Vtb_top.h, on which the objects of the harness depend
	changed string    // the file of rtl/ that is not as it was
	sound   *sync.Map // names of the block benches that pass on the design itself
	// compiler has the options that model and precompiled header share.
	compiler []string
}

// simulationLimit, in seconds of processor time, is far above what any trial of a small design
// takes on any machine, however busy; only a simulator that hangs gets there.
const simulationLimit = "120"

// VerilatorFlags are those of the harness's Makefile but for building.
var VerilatorFlags = strings.Fields("--cc -O3 -Wall -Wno-fatal --assert --x-assign unique --x-initial unique " +
	"--default-language 1364-2005 --top-module tb_top")

// NewBench writes the package of a design to dir and builds its simulation.
func NewBench(ctx context.Context, name, dir string, cfg *ep.Config) (*Bench, error) {
	if err := WritePackage(dir, cfg); err != nil {
		return nil, err
	}
	s := sim.Simulation{Dir: dir, Jobs: 1, Opt: 2} // the harness is compiled once and runs in every trial
	if err := s.Build(ctx); err != nil {
		return nil, err
	}
	b := &Bench{name: name, cfg: cfg, dir: dir, sound: &sync.Map{}}
	var err error
	if b.rtl, err = readRTL(dir); err == nil {
		b.vtop, err = os.ReadFile(filepath.Join(dir, sim.BuildDir, "obj", "Vtb_top.h"))
	}
	if err == nil {
		err = b.precompile(ctx)
	}
	return b, err
}

// commonHeader, below build/, includes what every model includes: reading it takes
// longer than compiling a small model.
const commonHeader = "common.h"

func (b *Bench) precompile(ctx context.Context) error {
	root, err := verilatorRoot(ctx)
	if err != nil {
		return err
	}
	include := filepath.Join(root, "include")
	b.compiler = []string{"-std=c++17", "-O1", "-w", "-faligned-new", "-DVL_USER_FATAL",
		"-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0",
		"-I" + include, "-I" + filepath.Join(include, "vltstd")}
	header := b.path(sim.BuildDir, commonHeader)
	if err := os.WriteFile(header, []byte("#include \"verilated.h\"\n"), 0o666); err != nil {
		return err
	}
	args := append(b.compiler[:len(b.compiler):len(b.compiler)], "-x", "c++-header", header, "-o", header+".gch")
	return b.command(ctx, "g++", args...)
}

// Clone copies the bench to another directory, so that both can work at once.
func (b *Bench) Clone(dir string) (*Bench, error) {
	if err := os.CopyFS(dir, os.DirFS(b.dir)); err != nil {
		return nil, err
	}
	c := *b
	c.dir = dir
	return &c, nil
}

// ErrInvalid is the error of Build for Verilog that does not compile.
var ErrInvalid = errors.New("does not build")

// Build builds the design with a mutant in it; nil is the design itself.
func (b *Bench) Build(ctx context.Context, m *Mutant) error {
	if err := b.restore(); err != nil {
		return err
	}
	if m != nil {
		text, err := m.apply(b.rtl[m.File])
		if err != nil {
			return err
		}
		b.changed = m.File
		if err := os.WriteFile(b.path("rtl", m.File), text, 0o666); err != nil {
			return err
		}
	}
	model := b.path(sim.BuildDir, "model")
	if err := os.RemoveAll(model); err != nil {
		return err
	}
	args := append(VerilatorFlags[:len(VerilatorFlags):len(VerilatorFlags)],
		"--Mdir", model, "-F", b.path("rtl", "files.f"), b.path("tb", "tb_top.v"))
	if err := b.command(ctx, "verilator", args...); err != nil {
		return err
	}
	header, err := os.ReadFile(filepath.Join(model, "Vtb_top.h"))
	if err != nil {
		return err
	}
	if !bytes.Equal(header, b.vtop) {
		return fmt.Errorf("%w: the interface of the model changed", ErrInvalid)
	}
	return b.compile(ctx, model)
}

// compile makes one object of the model and links it to the harness.
func (b *Bench) compile(ctx context.Context, model string) error {
	files, err := filepath.Glob(filepath.Join(model, "*.cpp"))
	if err != nil {
		return err
	}
	var all strings.Builder
	for _, f := range files {
		fmt.Fprintf(&all, "#include %q\n", f)
	}
	unit := filepath.Join(model, "all.cc")
	if err := os.WriteFile(unit, []byte(all.String()), 0o666); err != nil {
		return err
	}
	object := filepath.Join(model, "all.o")
	args := append(b.compiler[:len(b.compiler):len(b.compiler)],
		"-include", b.path(sim.BuildDir, commonHeader), "-c", unit, "-o", object)
	if err := b.command(ctx, "g++", args...); err != nil {
		return err
	}
	obj := b.path(sim.BuildDir, "obj")
	args = []string{"-o", b.path(sim.BuildDir, "sim"), object}
	for _, name := range []string{"harness.o", "verilated.o", "verilated_threads.o"} {
		args = append(args, filepath.Join(obj, name))
	}
	return b.command(ctx, "g++", append(args, "-pthread", "-latomic")...)
}

func (b *Bench) path(elements ...string) string {
	return filepath.Join(append([]string{b.dir}, elements...)...)
}

// restore puts the file of the last mutant back.
func (b *Bench) restore() error {
	if b.changed == "" {
		return nil
	}
	err := os.WriteFile(b.path("rtl", b.changed), b.rtl[b.changed], 0o666)
	b.changed = ""
	return err
}

// command runs a compiler; its complaint is ErrInvalid.
func (b *Bench) command(ctx context.Context, name string, args ...string) error {
	output, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		for text := range strings.Lines(string(output)) {
			if strings.Contains(text, "rror") {
				return fmt.Errorf("%w: %s", ErrInvalid, strings.TrimSpace(text))
			}
		}
		return ErrInvalid
	}
	return err
}

func verilatorRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "verilator", "--getenv", "VERILATOR_ROOT").Output()
	if err != nil {
		return "", fmt.Errorf("verilator --getenv VERILATOR_ROOT: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Try makes one trial of what was built last and returns its report. Without a
// verdict the error says how the simulator ended.
func (b *Bench) Try(ctx context.Context, t *Trial) (*sim.Report, error) {
	if err := os.MkdirAll(b.path("report"), 0o777); err != nil {
		return nil, err
	}
	path := b.path("report", "report.json")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	program, err := filepath.Abs(b.path(sim.BuildDir, "sim"))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", "ulimit -t " + simulationLimit + ` && exec "$0" "$@"`, program},
		t.arguments()...)...)
	cmd.Dir = b.path("tb")
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		return nil, fmt.Errorf("no verdict: %w: %s", err, strings.TrimSpace(string(output)))
	}
	r, readErr := sim.ReadReport(path)
	if readErr == nil && r.Pass() != (err == nil) {
		return nil, fmt.Errorf("exit status and report.json (%s) disagree", r.Result)
	}
	return r, readErr
}
