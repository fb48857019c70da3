// Package tooltest serves tests that run simulators and synthesisers, and that plant faults in
// generated Verilog.
package tooltest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"epgen/internal/lint"
)

// Need skips the test where one of the programs is not installed.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
}

// Lint demands that no tool says a word about the files of a design, named from directory dir.
// It passes over tools that are not installed, and notes it. The flags are Verilator's.
func Lint(t testing.TB, dir, top string, files []string, flags ...string) {
	t.Helper()
	further := map[string][]string{"verilator": flags}
	for _, tool := range lint.Tools {
		err := lint.Run(t.Context(), dir, tool, top, files, further[tool]...)
		if errors.Is(err, exec.ErrNotFound) {
			t.Logf("%s is not installed: not run", tool)
		} else if err != nil {
			t.Errorf("%s: %v", tool, err)
		}
	}
}

// Plant replaces old, everywhere in a file, and returns what puts the file back. A file
// without old fails the test: the fault would be none.
func Plant(t testing.TB, path, old, new string) (restore func()) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(text), old, new)
	if changed == string(text) {
		t.Fatalf("%s no longer has %q: choose the fault anew", path, old)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(changed)
	return func() { t.Helper(); write(string(text)) }
}
