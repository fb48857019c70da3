package sim

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/golang/glog"

	"epgen/verilator"
)

// Simulation builds and runs the harness of a generated package.
type Simulation struct {
	Dir      string // the package
	Settings        // of the run; Latency 0 is that of the design
	Jobs     int    // compiler jobs; 0: as many as processors
	Opt      int    // C++ optimisation of the model, 0..3

	Runtime *verilator.Runtime // shared by packages that are built with one Verilator; nil: by none

	Extra []string // further options of the simulator, such as --fail-read=9

	// Progress is told, now and then, the cycles done and expected and where
	// the core is; may be nil.
	Progress func(done, total uint64, where string)
}

// BuildDir is where the simulator is built, below the package: it belongs to
// neither the manifest nor the report.
const BuildDir = "build"

// Window is the number of cycles before and after a mismatch that the
// waveform shows.
const Window = 100

const waveFile = "window.vcd"

// Build builds the simulator, or does nothing if all its inputs are as they
// were at the last build.
func (s *Simulation) Build(ctx context.Context) error { return s.build(ctx, "build") }

func (s *Simulation) build(ctx context.Context, target string) error {
	for _, tool := range []struct{ command, pkg string }{
		{"verilator", "verilator"}, {"make", "make"}, {"g++", "g++"},
	} {
		if _, err := exec.LookPath(tool.command); err != nil {
			return fmt.Errorf("%s not found, install the package %s", tool.command, tool.pkg)
		}
	}
	args := []string{"-C", filepath.Join(s.Dir, "tb"), target,
		fmt.Sprintf("OPT=%d", s.Opt), "BUILD=../" + BuildDir}
	if s.Jobs > 0 {
		args = append(args, fmt.Sprintf("JOBS=%d", s.Jobs))
	}
	flags, obj := fmt.Sprintf("%s-O%d", target, s.Opt), filepath.Join(s.Dir, BuildDir, objDirs[target])
	if err := s.Runtime.Lend(flags, obj); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "make", args...)
	glog.V(1).Infof("run: %s", cmd)
	output, err := cmd.CombinedOutput()
	log := filepath.Join(s.Dir, BuildDir, target+".log")
	if mkErr := os.MkdirAll(filepath.Dir(log), 0o777); mkErr == nil {
		_ = os.WriteFile(log, output, 0o666) // a courtesy; the error below has the essence
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("simulator does not build: %s (all of it in %s)", firstError(output), log)
	}
	return s.Runtime.Keep(flags, obj)
}

// objDirs are where the targets of the package's Makefile build their model, below BuildDir.
var objDirs = map[string]string{"build": "obj", "build-wave": "obj-wave"}

// firstError picks the line that says most from the output of make.
func firstError(output []byte) string {
	last := "no output"
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "%Error") || strings.Contains(line, "error:") {
			return line
		}
		if line != "" {
			last = line
		}
	}
	return last
}

// Arguments returns the make variables that repeat this run.
func (s *Simulation) Arguments() string {
	b := fmt.Sprintf("SEED=%d STALL=%d X_SEED=%d RUNS=%d", s.Seed, btoi(s.Stall), s.XSeed, s.Runs)
	if s.Infer {
		b += " INFER=1"
	}
	if s.Latency > 0 {
		b += fmt.Sprintf(" LATENCY=%d", s.Latency)
	}
	return b
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Run runs the simulator, which writes report/report.json, and reports whether
// everything was equal. It is an error if the comparison could not be made.
func (s *Simulation) Run(ctx context.Context) (equal bool, err error) {
	report := filepath.Join(s.Dir, "report")
	if err := os.MkdirAll(report, 0o777); err != nil {
		return false, err
	}
	path := filepath.Join(report, "report.json")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	status, err := s.execute(ctx, "sim", "--report=../report/report.json")
	if err != nil {
		return false, err
	}
	return status == 0, nil
}

// WaveCommand returns the command that shows the cycles around one again.
func (s *Simulation) WaveCommand(cycle uint64) string {
	from, to := window(cycle)
	return fmt.Sprintf("make -C %s wave %s WAVE_FROM=%d WAVE_TO=%d",
		shellWord(filepath.Join(s.Dir, "tb")), s.Arguments(), from, to)
}

// shellWord quotes a path if a shell would take it for anything but one word.
func shellWord(path string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("/._-+=:,@%", r) || unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

func window(cycle uint64) (from, to uint64) { return cycle - min(cycle, Window), cycle + Window }

// Wave builds the simulator with waveforms, runs it up to a cycle and leaves
// the cycles around it in report/window.vcd, whose name it returns.
func (s *Simulation) Wave(ctx context.Context, cycle uint64) (string, error) {
	if err := s.build(ctx, "build-wave"); err != nil {
		return "", err
	}
	from, to := window(cycle)
	_, err := s.execute(ctx, "sim-wave", "--wave=../report/"+waveFile,
		fmt.Sprintf("--wave-from=%d", from), fmt.Sprintf("--wave-to=%d", to))
	if err != nil {
		return "", err
	}
	return waveFile, nil
}

// execute runs one of the two simulators from the directory tb and returns its
// exit status, 0 or 1.
func (s *Simulation) execute(ctx context.Context, program string, extra ...string) (int, error) {
	binary, err := filepath.Abs(filepath.Join(s.Dir, BuildDir, program))
	if err != nil {
		return 0, err
	}
	args := []string{
		"--golden=../golden", "--progress=lines",
		fmt.Sprintf("--seed=%d", s.Seed), fmt.Sprintf("--stall=%d", btoi(s.Stall)),
		fmt.Sprintf("--x-seed=%d", s.XSeed), fmt.Sprintf("--runs=%d", s.Runs),
		fmt.Sprintf("--infer=%d", btoi(s.Infer)),
	}
	if s.Latency > 0 {
		args = append(args, fmt.Sprintf("--latency=%d", s.Latency))
	}
	args = append(append(args, s.Extra...), extra...)
	cmd := exec.CommandContext(ctx, binary, args...)
	glog.V(1).Infof("run: %s", cmd)
	cmd.Dir = filepath.Join(s.Dir, "tb")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot start the simulator: %w", err)
	}
	s.follow(stdout)
	err = cmd.Wait()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return verdict(err, stderr.String())
}

// follow passes the progress lines of the simulator on.
func (s *Simulation) follow(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var done, total uint64
		var phase string
		var layer int
		n, _ := fmt.Sscanf(lines.Text(), "progress %d %d %s %d", &done, &total, &phase, &layer)
		if n == 4 && s.Progress != nil {
			s.Progress(done, total, fmt.Sprintf("%s phase, layer %d", phase, layer))
		}
	}
}

// verdict interprets how the simulator ended: with status 0 or 1 it has
// compared, anything else is an error.
func verdict(err error, stderr string) (int, error) {
	if err == nil {
		return 0, nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, fmt.Errorf("simulator: %w", err)
	}
	if exit.ExitCode() == 1 {
		return 1, nil
	}
	if text := strings.TrimSpace(stderr); text != "" && exit.ExitCode() == 2 {
		return 0, errors.New(strings.TrimPrefix(text, "sim: "))
	}
	return 0, fmt.Errorf("simulator ended without a verdict: %s", exit.ProcessState)
}
