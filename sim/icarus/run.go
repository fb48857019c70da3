package icarus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/golang/glog"

	"epgen/gen"
	"epgen/sim"
	"epgen/sim/synth"
)

// Package is a package of epgen with what Icarus Verilog needs to simulate it.
type Package struct {
	Design *gen.Design
	dir    string
	golden *sim.Golden
	flat   bool // what was built is a netlist
}

// taps are what the bench watches.
func (p *Package) taps() []gen.Tap {
	if p.flat {
		return p.Design.Taps()[:memoryTaps]
	}
	return p.Design.Taps()
}

// Open reads the configuration and the golden data of the package in dir.
func Open(dir string) (*Package, error) {
	d, err := sim.ReadDesign(dir)
	if err != nil {
		return nil, err
	}
	g, err := sim.ReadGolden(filepath.Join(dir, "golden"), d.Plan, 0)
	if err != nil {
		return nil, err
	}
	return &Package{Design: d, dir: dir, golden: g}, nil
}

// path is below build/icarus of the package, which belongs to no manifest.
func (p *Package) path(name string) string {
	return filepath.Join(p.dir, sim.BuildDir, "icarus", name)
}

// Build writes the bench and compiles it with the Verilog of the package as it is
// on disk.
func (p *Package) Build(ctx context.Context) error {
	sources, err := filepath.Glob(filepath.Join(p.dir, "rtl", "*.v"))
	if err != nil {
		return err
	}
	output, err := p.compile(ctx, false, append([]string{"-g2005", "-Wall"}, sources...))
	if err != nil {
		return err
	}
	for line := range strings.Lines(output) {
		if strings.Contains(line, string(filepath.Separator)+"rtl"+string(filepath.Separator)) && !strings.Contains(line, "timescale") {
			return fmt.Errorf("iverilog: %s", strings.TrimSpace(line))
		}
	}
	return nil
}

// BuildGates has Yosys make a netlist of the Verilog as it is on disk and compiles the same
// bench with that.
func (p *Package) BuildGates(ctx context.Context, f synth.Flow) error {
	netlist, err := synth.Netlist(ctx, p.dir, p.Design.Top(), f, tapPorts())
	if err != nil {
		return err
	}
	return p.BuildNetlist(ctx, netlist, f)
}

// BuildNetlist compiles the bench with a netlist that a flow has made.
func (p *Package) BuildNetlist(ctx context.Context, netlist string, f synth.Flow) error {
	cells, options, err := synth.Cells(f)
	if err != nil {
		return err
	}
	args := append(options, netlist)
	if cells != "" {
		args = append(args, cells)
	}
	_, err = p.compile(ctx, true, args)
	return err
}

// compile writes the bench with its images and compiles it with what the arguments name.
func (p *Package) compile(ctx context.Context, flat bool, args []string) (output string, err error) {
	if err := os.MkdirAll(p.path(""), 0o777); err != nil {
		return "", err
	}
	p.flat = flat
	beat := p.Design.Map.BeatBytes
	for name, write := range map[string]func(io.Writer) error{
		"bench.v":    func(w io.Writer) error { return writeBench(w, p.Design, p.taps(), flat) },
		"before.hex": func(w io.Writer) error { return writeImage(w, p.golden.Before, beat) },
		"after.hex":  func(w io.Writer) error { return writeImage(w, p.golden.After, beat) },
	} {
		if err := writeFile(p.path(name), write); err != nil {
			return "", err
		}
	}
	return command(ctx, "", "iverilog", append([]string{"-s", "icarus_bench", "-o", p.path("sim.vvp"), p.path("bench.v")}, args...)...)
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// command runs a program and returns what it says.
func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	glog.V(1).Infof("run: %s", cmd)
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%s not found, install the package %s", name, name)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(output)))
	}
	return string(output), nil
}

// Run says how the memory behaves.
type Run struct {
	Stall bool
	Seed  int
}

// Result of a run: nothing differs if Differences is empty.
type Result struct {
	Compared    int // values on chip, in both starts
	Beats       int // of memory, after each start
	Cycles      string
	Differences []string
}

// Run simulates two starts and compares. The error says why it could not.
func (p *Package) Run(ctx context.Context, run Run) (*Result, error) {
	stall := 0
	if run.Stall {
		stall = 1
	}
	output, err := command(ctx, p.path(""), "vvp", "-n", "sim.vvp", "+before=before.hex", "+after=after.hex",
		"+taps=taps.txt", fmt.Sprintf("+stall=%d", stall), fmt.Sprintf("+seed=%d", max(1, run.Seed)))
	if err != nil {
		return nil, err
	}
	r := &Result{Beats: p.Design.Map.Size / p.Design.Map.BeatBytes}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	last := lines[len(lines)-1]
	switch {
	case strings.HasPrefix(last, "PASS"):
	case strings.HasPrefix(last, "FAIL"):
		r.Differences = append(r.Differences, lines...)
	default:
		return nil, fmt.Errorf("icarus: no verdict: %s", last)
	}
	for _, line := range lines {
		if cycles, ok := strings.CutPrefix(line, "cycles "); ok {
			r.Cycles = cycles
		}
	}
	taps, err := os.Open(p.path("taps.txt"))
	if err != nil {
		return nil, err
	}
	defer taps.Close()
	compared, differences, err := compareTaps(taps, p.Design, p.taps(), p.golden)
	if err != nil {
		return nil, err
	}
	r.Compared = compared
	r.Differences = append(r.Differences, differences...)
	return r, nil
}
