package lint_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"epgen/internal/lint"
)

// TestRun reads a sound module and for each tool one to which it objects.
func TestRun(t *testing.T) {
	faults := map[string]string{
		"":          "module m(input a, output b);\nassign b = a;\nendmodule\n",
		"verilator": "module m(input a, output b);\nwire spare = a;\nassign b = a;\nendmodule\n",
		"iverilog":  "module n(input [1:0] a);\nendmodule\nmodule m(input a, output b);\nn n(a);\nassign b = a;\nendmodule\n",
		"yosys":     "module m(input a, output b);\nwire c;\nassign c = b;\nassign b = a & c;\nendmodule\n",
	}
	for _, tool := range lint.Tools {
		for _, fault := range []string{"", tool} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "m.v"), []byte(faults[fault]), 0o666); err != nil {
				t.Fatal(err)
			}
			err := lint.Run(t.Context(), dir, tool, "m", []string{"m.v"})
			if errors.Is(err, exec.ErrNotFound) {
				t.Logf("%s is not installed: not run", tool)
			} else if (err != nil) != (fault != "") {
				t.Errorf("%s, fault of %q: %v", tool, fault, err)
			}
		}
	}
	if err := lint.Run(t.Context(), t.TempDir(), "verilator", "m", []string{"none.v"}); err == nil {
		t.Error("a missing file is accepted")
	}
}
