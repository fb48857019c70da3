// Package lint reads Verilog-2005 with three tools, none of which may say a word.
package lint

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
)

// Tools are the programs that read the Verilog.
var Tools = []string{"verilator", "iverilog", "yosys"}

// command returns the command line with which a tool reads the files of a design.
func command(tool, top string, files []string) []string {
	switch tool {
	case "verilator":
		return append([]string{tool, "--lint-only", "-Wall", "--language", "1364-2005", "--top-module", top}, files...)
	case "iverilog":
		return append([]string{tool, "-g2005", "-Wall", "-o", os.DevNull, "-s", top}, files...)
	case "yosys":
		return []string{tool, "-q", "-p",
			"read_verilog " + strings.Join(files, " ") + "; hierarchy -check -top " + top + "; proc; check -assert"}
	}
	panic("lint: no tool " + tool)
}

// Run lets a tool read the files of a design, named from directory dir, with further flags. The
// error is what the tool prints, or wraps [exec.ErrNotFound] where it is not installed.
func Run(ctx context.Context, dir, tool, top string, files []string, flags ...string) error {
	args := append(command(tool, top, files)[1:], flags...)
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if text := bytes.TrimSpace(out); len(text) > 0 {
		return errors.New(string(text))
	}
	return err
}
