package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"epgen/internal/tooltest"
)

// build compiles a command of this module.
func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", path, "epgen/cmd/"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// TestCannotRun damages a package in ways that leave nothing to judge: exit
// status 2 and one line, never a verdict.
func TestCannotRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a simulator: not with -short")
	}
	tooltest.Need(t, "verilator")
	epgen, epverify := build(t, "epgen"), build(t, "epverify")
	whole := filepath.Join(t.TempDir(), "whole package") // a blank, which make does not like
	out, err := exec.Command(epgen, "-layers", "3,M,fc2", "-input-shape", "1x4x4", "-free-steps", "2",
		"-nudge-steps", "2", "-array", "2", "-memory-width", "64", "-o", whole).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// Built once: only the last damage gets as far as the simulator.
	if out, err := exec.Command(epverify, "-opt", "0", whole).CombinedOutput(); err != nil {
		t.Fatalf("whole package: %v: %s", err, out)
	}
	tests := []struct {
		name   string
		damage func(dir string) error
		direct bool   // the simulator itself, as `make -C tb` runs it
		here   bool   // not in a copy, whose simulator would be out of date
		want   string // in the line
	}{
		{"truncated golden file", truncate, false, false, "golden/trace.bin: SHA-256 "},
		{"truncated golden file, simulator alone", truncate, true, false, "golden/trace.bin: "},
		{"missing memory image", without("golden/before.bin"), false, false, "golden/before.bin: missing, want the file that epgen wrote"},
		{"missing memory image, simulator alone", without("golden/before.bin"), true, false, "golden/before.bin: "},
		{"missing rtl file", without("rtl/ep_lane.v"), false, false, "rtl/ep_lane.v: missing, want the file that epgen wrote"},
		{"killed simulator", killed, false, true, "simulator ended without a verdict: signal: killed"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			dir := whole
			if !tc.here {
				dir = filepath.Join(t.TempDir(), "out")
				if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.RemoveAll(filepath.Join(dir, "report")); err != nil {
				t.Fatal(err)
			}
			if err := tc.damage(dir); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(epverify, "-opt", "0", dir)
			if tc.direct {
				cmd = exec.Command(filepath.Join(dir, "build", "sim"))
				cmd.Dir = filepath.Join(dir, "tb")
			}
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("%v, want exit status 2", err)
			}
			message := complaint(stderr.String())
			if !strings.Contains(message, tc.want) || strings.Count(message, "\n") != 1 {
				t.Errorf("complaint %q, want one line with %q", message, tc.want)
			}
			if strings.Contains(stdout.String(), "PASS") || strings.Contains(stdout.String(), "FAIL") {
				t.Errorf("verdict %q, want none", stdout.String())
			}
			if _, err := os.Stat(filepath.Join(dir, "report", "report.json")); err == nil {
				t.Error("there is a report.json, want none")
			}
		})
	}
}

// complaint returns the lines of standard error that are not progress.
func complaint(stderr string) string {
	var b strings.Builder
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "epverify: ") || strings.HasPrefix(line, "sim: ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func truncate(dir string) error {
	path := filepath.Join(dir, "golden", "trace.bin")
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()/2)
}

func without(name string) func(dir string) error {
	return func(dir string) error { return os.Remove(filepath.Join(dir, filepath.FromSlash(name))) }
}

// killed puts a simulator that is killed in the place of the real one.
func killed(dir string) error {
	path := filepath.Join(dir, "build", "sim")
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, []byte("#!/bin/sh\nkill -9 $$\n"), 0o777)
}
