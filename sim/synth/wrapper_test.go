package synth

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"epgen/ep"
	"epgen/gen"
	"epgen/internal/tooltest"
)

// TestWrapper has Icarus Verilog elaborate a core in its wrapper: every port is there, with
// the width that it has.
func TestWrapper(t *testing.T) {
	tooltest.Need(t, "iverilog")
	for _, width := range []int{32, 64} {
		net, err := ep.ParseLayers("3,M,fc2", ep.Shape{C: 2, H: 4, W: 4})
		if err != nil {
			t.Fatal(err)
		}
		cfg := ep.NewConfig(net)
		cfg.Array.Size, cfg.Memory.DataWidth = 2, width
		d, err := gen.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := writeRTL(d, dir); err != nil {
			t.Fatal(err)
		}
		text, err := wrapper(d)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, pinsModule+".v")
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		sources, err := filepath.Glob(filepath.Join(dir, "rtl", "*.v"))
		if err != nil {
			t.Fatal(err)
		}
		args := append([]string{"-g2005", "-Wall", "-t", "null", "-s", pinsModule, path}, sources...)
		out, err := exec.Command("iverilog", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "timescale") {
				t.Errorf("port of %d bits: %s", width, line)
			}
		}
	}
}
