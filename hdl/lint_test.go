package hdl_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// lint writes the files and demands that Verilator, Icarus and Yosys accept them without a word.
func lint(t *testing.T, top string, files map[string][]byte, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, name := range sortedNames(files) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	list := strings.Join(paths, " ")
	verilator := []string{"verilator", "--lint-only", "-Wall", "--language", "1364-2005", "--top-module", top}
	tools := [][]string{
		append(append(verilator, flags...), paths...),
		append([]string{"iverilog", "-g2005", "-Wall", "-o", os.DevNull, "-s", top}, paths...),
		{"yosys", "-q", "-p", "read_verilog " + list + "; hierarchy -check -top " + top + "; proc; check -assert"},
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool[0]); err != nil {
			t.Logf("%s is not installed; not checked with it", tool[0])
			continue
		}
		out, err := exec.Command(tool[0], tool[1:]...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", tool[0], err, out)
		}
	}
}
