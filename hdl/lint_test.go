package hdl_test

import (
	"os"
	"path/filepath"
	"testing"

	"epgen/internal/tooltest"
)

// checkLint writes the files and demands that Verilator, Icarus and Yosys accept them without a word.
func checkLint(t *testing.T, top string, files map[string][]byte, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	names := sortedNames(files)
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tooltest.Lint(t, dir, top, names, flags...)
}
