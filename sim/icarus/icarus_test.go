package icarus

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"epgen/ep"
	"epgen/internal/tooltest"
	"epgen/sim"
)

// small writes the package of a network that Icarus Verilog simulates in a moment, with further
// settings KEY=VALUE.
func small(t *testing.T, settings ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "small package")
	config := filepath.Join(t.TempDir(), "small.toml")
	text := "[network]\nname = \"small\"\ninput = \"2x4x5\"\nlayers = \"3,M,fc2\"\n[phases]\nfree-steps = 3\nnudge-steps = 3\n" +
		"[array]\nsize = 2\n[memory]\ndata-width = 64\n"
	if err := os.WriteFile(config, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	var draft ep.Draft
	if err := draft.ReadTOML(config); err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		if err := draft.SetFlag(key, key, value); err != nil {
			t.Fatal(err)
		}
	}
	cfg, _, err := draft.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.WriteFrom(dir, cfg, &ep.Sources{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *Package {
	t.Helper()
	p, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func simulate(t *testing.T, p *Package, r Run) *Result {
	t.Helper()
	if err := p.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	result, err := p.Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestInferences simulates one of two inferences by a core that could train, and one by a core that
// cannot: free phase, results and, of the latter, logits. A fault that saturates states, or
// logits, must show.
func TestInferences(t *testing.T) {
	tooltest.Need(t, "iverilog")
	for name, c := range map[string]struct {
		settings             []string
		file, old, new, want string
	}{
		"training build":  {[]string{"sequence.starts=2", "sequence.task=infer"}, "ep_lane.v", "STATE_MAX = ", "STATE_MAX = -", "memory 1, layer 1, step"},
		"inference build": {[]string{"build=inference", "network.loss=ce"}, "ep_lane.v", "OUTPUT_MIN = -", "OUTPUT_MIN = ", "layer 2, step"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := small(t, c.settings...)
			p := open(t, dir)
			if got := simulate(t, p, Run{Stall: true, Seed: 3}); len(got.Differences) > 0 || got.Compared == 0 {
				t.Errorf("%+v, want values compared and no difference", got)
			}
			defer tooltest.Plant(t, filepath.Join(dir, "rtl", c.file), c.old, c.new)()
			if all := strings.Join(simulate(t, p, Run{}).Differences, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("%s in place of %s: differences %q, want %q", c.new, c.old, all, c.want)
			}
		})
	}
}

// TestRun simulates a network, and again with faults of the Verilog that memory
// and taps must show.
func TestRun(t *testing.T) {
	tooltest.Need(t, "iverilog")
	dir := small(t)
	p := open(t, dir)
	values := 0
	for _, sets := range p.golden.Sets {
		for _, s := range sets {
			values += 2 * len(s.Codes)
		}
	}
	for _, r := range []Run{{}, {Stall: true, Seed: 3}} {
		got := simulate(t, p, r)
		if len(got.Differences) > 0 || got.Compared != values || got.Beats*8 != len(p.golden.After) {
			t.Errorf("%+v: %+v, want %d values on chip, %d bytes of memory and no difference", r, got, values, len(p.golden.After))
		}
	}
	for _, fault := range []struct{ file, old, new, want string }{
		{"ep_lane.v", "STATE_MAX = ", "STATE_MAX = -", "memory 1, layer 1, step"},
		{"ep_update_lane.v", "WEIGHT_MAX = ", "WEIGHT_MAX = -", "memory differs"},
		{"ep_drain.v", "assign tile_ok_o = !open_q[1];", "assign tile_ok_o = 1'b0;", "no interrupt"},
	} {
		restore := tooltest.Plant(t, filepath.Join(dir, "rtl", fault.file), fault.old, fault.new)
		got := simulate(t, p, Run{})
		if all := strings.Join(got.Differences, "\n"); !strings.Contains(all, fault.want) {
			t.Errorf("%s in place of %s: differences %q, want %q", fault.new, fault.old, all, fault.want)
		}
		restore()
	}
}

func TestCompareTaps(t *testing.T) {
	dir := small(t)
	p := open(t, dir)
	line := func(m sim.Memory, at int, data string) string {
		return strings.Join([]string{string(rune('0' + m)), hex(at), data}, " ") + "\n"
	}
	input := &p.golden.Sets[sim.State0][0]
	word := func(pixel int) string { // the two channels of a pixel of the input
		n := p.Design.Input.HW
		low, high := uint64(input.Codes[pixel]), uint64(input.Codes[n+pixel])
		bits := p.Design.LaneBits
		return hex(int(high&(1<<bits-1)<<bits | low&(1<<bits-1)))
	}
	for _, tc := range []struct{ name, text, want string }{
		{"right", line(sim.State0, 0, word(0)) + line(sim.State0, 3, word(3)), ""},
		{"twice", line(sim.State0, 0, word(0)) + line(sim.State0, 0, word(0)), "memory 0, set 0: word 0 is not due"},
		{"wrong", line(sim.State0, 0, hex(1<<p.Design.LaneBits|12345)), "memory 0, layer 0, step 0, word 0, lane 0: expected"},
		{"unknown", line(sim.State0, 0, "00xx"), "memory 0: unknown bits: address 0, data 00xx"},
		{"early", line(sim.State1, 99, "0"), "memory 1, set 0: word 99 is not due"},
		{"missing", "end\n", "memory 0: "},
	} {
		_, got, err := compareTaps(strings.NewReader(tc.text), p.Design, p.taps(), p.golden)
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(got, "\n"); tc.want == "" && all != "" || !strings.Contains(all, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, all, tc.want)
		}
	}
	if _, _, err := compareTaps(strings.NewReader("7 0 0\n"), p.Design, p.taps(), p.golden); err == nil {
		t.Error("memory 7: no error")
	}
}

func hex(v int) string { return strconv.FormatInt(int64(v), 16) }
