package gen

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/internal/tooltest"
)

// TestEstimateAgainstYosys compares multipliers, memory bits and register bits of the
// estimate with what Yosys finds in the Verilog, before it maps anything: the first two
// exactly, registers within 2 % since it drops bits that are constant.
func TestEstimateAgainstYosys(t *testing.T) {
	if testing.Short() {
		t.Skip("runs yosys")
	}
	tooltest.Need(t, "yosys")
	for _, c := range []struct {
		name, list string
		set        func(*ep.Config)
	}{
		{"square", "6,M,5,fc3", func(c *ep.Config) { c.Array.Size = 4 }},
		{"tall", "5b0,A,6s2b0,fc3b0", func(c *ep.Config) { c.Array.Rows, c.Array.Columns, c.Batch = 8, 2, 2 }},
		{"odd", "5,M,4,fc3", func(c *ep.Config) { c.Array.Rows, c.Array.Columns, c.PoolIndex = 3, 9, ep.Live }},
		{"on chip", "5,M,7k5,M,fc3", func(c *ep.Config) {
			c.Array.Size, c.PoolIndex, c.Memory.Weights = 2, ep.Live, ep.OnChip
		}},
		{"heads", "5,M,6,fc4", func(c *ep.Config) {
			c.Array.Rows, c.Array.Columns = 4, 2
			net, err := c.Network.WithHeadsOn(nil)
			if err != nil {
				t.Fatal(err)
			}
			features, readout := ep.DefaultHead(1, ep.Shape{C: 5, H: 6, W: 5}), net.HeadSpecs()[0]
			features.Kind, features.Outputs, features.Lambda, features.Grid, readout.Kind = ep.FeatureHead, 3, 0.7, 0, ep.LogitHead
			readout.Temperature, readout.Mix = 3, 0.7 // likewise
			if c.Network, err = net.WithHeads(4, []ep.HeadSpec{features, readout}); err != nil {
				t.Fatal(err)
			}
			c.Rates = c.Rates[:2]
			// Logits of 32 bits: Yosys would make a multiplier of the index of a lane of another width.
			c.Formats.HeadWeight = fixedpoint.Q(0, 8)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			net, err := ep.ParseLayers(c.list, ep.Shape{C: 3, H: 12, W: 11})
			if err != nil {
				t.Fatal(err)
			}
			cfg := ep.NewConfig(net)
			cfg.FreeSteps, cfg.NudgeSteps, cfg.Memory.DataWidth = 3, 2, 64
			cfg.Beta = 0.7 // a power of two would make shifts of the multipliers by beta
			c.set(cfg)
			d, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			got := yosysCount(t, d)
			e := d.Estimate(cfg.Memory.ReadLatency)
			multipliers := 0
			for _, m := range e.Multipliers {
				multipliers += m.Count
			}
			if got.multipliers != multipliers || got.memoryBits != e.MemoryBits {
				t.Errorf("estimate has %d multipliers and %d memory bits, yosys %d and %d",
					multipliers, e.MemoryBits, got.multipliers, got.memoryBits)
			}
			if off := 100 * (e.RegisterBits - got.registerBits); off < -2*e.RegisterBits || off > 2*e.RegisterBits {
				t.Errorf("estimate has %d register bits, yosys %d", e.RegisterBits, got.registerBits)
			}
		})
	}
}

type yosysCounts struct{ multipliers, memoryBits, registerBits int }

var (
	yosysMemory = regexp.MustCompile(`Number of memory bits:\s+([0-9]+)`)
	yosysCell   = regexp.MustCompile(`\$([a-z]+)_([0-9]+)\s+([0-9]+)`)
)

// yosysCount lets Yosys read, elaborate and flatten a design and counts its cells.
func yosysCount(t *testing.T, d *Design) yosysCounts {
	t.Helper()
	files, err := d.RTL("test")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var names []string
	for name, text := range files {
		if path := filepath.Join(dir, filepath.Base(name)); strings.HasSuffix(name, ".v") {
			names = append(names, path)
			if err := os.WriteFile(path, text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	script := "read_verilog " + strings.Join(names, " ") + "; hierarchy -check -top " + d.Top() +
		"; proc -norom; flatten; opt -fast; peepopt; opt_clean; stat -width"
	out, err := exec.Command("yosys", "-p", script).CombinedOutput()
	if err != nil {
		t.Fatalf("yosys: %v\n%.500s", err, out)
	}
	text := string(out)
	text = text[strings.LastIndex(text, "Number of wires"):]
	var n yosysCounts
	if m := yosysMemory.FindStringSubmatch(text); m != nil {
		n.memoryBits, _ = strconv.Atoi(m[1])
	}
	for _, m := range yosysCell.FindAllStringSubmatch(text, -1) {
		width, _ := strconv.Atoi(m[2])
		count, _ := strconv.Atoi(m[3])
		switch {
		case m[1] == "mul":
			n.multipliers += count
		case strings.Contains(m[1], "dff"):
			n.registerBits += width * count
		}
	}
	return n
}
