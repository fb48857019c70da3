package synth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/golang/glog"

	"epgen/sim"
)

// Flow is what Yosys makes of the Verilog.
type Flow string

const (
	Generic Flow = "generic" // gates of one and two inputs, multiplexers and flip-flops; memories stay memories
	ICE40   Flow = "ice40"   // cells of iCE40 UltraPlus, with block RAM and multipliers
	Xcup    Flow = "xcup"    // Xilinx UltraScale+
	ECP5    Flow = "ecp5"    // Lattice ECP5
)

// commands of Yosys between reading and writing, for a top module. All flatten the design.
func (f Flow) commands(top string) []string {
	switch f {
	case Generic:
		return []string{
			"hierarchy -check -top " + top, "proc", "flatten", "opt", "wreduce", "peepopt", "opt_clean",
			"memory -nomap", "opt -fast -full", "techmap", "opt -fast", "abc -fast -g AND,OR,XOR,MUX", "opt_clean",
		}
	case ICE40:
		return []string{"synth_ice40 -dsp -top " + top}
	case Xcup:
		return []string{"synth_xilinx -family xcup -flatten -top " + top}
	case ECP5:
		return []string{"synth_ecp5 -top " + top}
	}
	panic("synth: no flow " + string(f))
}

// Netlist writes the netlist of a package for simulation and returns its path. Wires to keep,
// each a module, a slash and a name, have their names in the netlist.
func Netlist(ctx context.Context, dir, top string, f Flow, keep []string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	path := buildPath(dir, string(f)+".v")
	var commands []string
	for _, wire := range keep {
		commands = append(commands, "setattr -set keep 1 "+wire)
	}
	commands = append(commands, f.commands(top)...)
	return path, yosys(ctx, dir, f, append(commands, "write_verilog -noattr "+quote(path)))
}

// Cells returns the file with the models of the cells that a netlist is made of, and the
// options with which Icarus Verilog reads it; none for generic gates.
func Cells(f Flow) (path string, options []string, err error) {
	if f != ICE40 {
		return "", nil, nil
	}
	path, err = exec.LookPath("yosys")
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", nil, missing("yosys", err)
	}
	path = filepath.Join(filepath.Dir(path), "..", "share", "yosys", "ice40", "cells_sim.v")
	if _, err := os.Stat(path); err != nil {
		return "", nil, fmt.Errorf("models of iCE40 cells: %w", err)
	}
	return path, []string{"-g2012", "-DNO_ICE40_DEFAULT_ASSIGNMENTS"}, nil
}

// yosys reads the Verilog of a package and runs commands, in build/synth of the package. Its
// log is <flow>.log there.
func yosys(ctx context.Context, dir string, f Flow, commands []string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	sources, err := filepath.Glob(filepath.Join(dir, "rtl", "*.v"))
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		return fmt.Errorf("%s has no rtl/*.v, want a package of epgen", dir)
	}
	if err := os.MkdirAll(buildPath(dir, ""), 0o777); err != nil {
		return err
	}
	var script strings.Builder
	for _, s := range sources {
		fmt.Fprintf(&script, "read_verilog %s\n", quote(s))
	}
	for _, c := range commands {
		fmt.Fprintln(&script, c)
	}
	file := buildPath(dir, string(f)+".ys")
	if err := os.WriteFile(file, []byte(script.String()), 0o666); err != nil {
		return err
	}
	return run(ctx, buildPath(dir, ""), "yosys", "-q", "-l", string(f)+".log", "-s", file)
}

// buildPath is below build/synth of a package.
func buildPath(dir, name string) string { return filepath.Join(dir, sim.BuildDir, "synth", name) }

// quote makes a path one word of a script of Yosys.
func quote(path string) string { return `"` + path + `"` }

// run runs a program that is silent unless it fails, in dir.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	glog.V(1).Infof("run: %s", cmd)
	output, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound):
		return missing(name, err)
	case err != nil:
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		return fmt.Errorf("%s: %w: %s", name, err, lines[len(lines)-1])
	}
	return nil
}

// missing says how to get a program.
func missing(name string, err error) error {
	return fmt.Errorf("%w; make tools installs %s", err, name)
}
