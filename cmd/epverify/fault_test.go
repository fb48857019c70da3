package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"epgen/cmd/internal/cli"
	"epgen/ep"
	"epgen/internal/tooltest"
	"epgen/sim"
)

// writePackage makes what epgen makes, for a network that simulates at once.
func writePackage(t *testing.T) string {
	t.Helper()
	net, err := ep.ParseLayers("5,M,fc3", ep.Shape{C: 2, H: 6, W: 6})
	if err != nil {
		t.Fatal(err)
	}
	cfg := ep.NewConfig(net)
	cfg.FreeSteps, cfg.NudgeSteps, cfg.Array.Size = 3, 2, 2
	out, err := cli.NewOutput("epgen", filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	d, err := sim.WriteFrom(out.Dir(), cfg, &ep.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(filepath.Dir(filepath.Dir(out.Dir())), "out")
	if err := out.Commit("0.0.0", d.Top()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// verify runs the command on a package, quietly.
func verify(t *testing.T, args ...string) (bool, error) {
	t.Helper()
	stdout, stderr := os.Stdout, os.Stderr
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	os.Stdout, os.Stderr = null, null
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	return run(append(args, "-opt", "0"))
}

// TestVerdict sees an untouched core pass, an edited one fail with its place, a
// waveform and a command that works, and golden data that is not whole refused.
func TestVerdict(t *testing.T) {
	tooltest.Need(t, "verilator", "make", "g++")
	if testing.Short() {
		t.Skip("builds simulators, which takes long")
	}
	dir := writePackage(t)
	for _, args := range [][]string{{dir}, {"-stall", "-seed", "5", "-x-seed", "3", "-runs", "3", dir}} {
		if equal, err := verify(t, args...); !equal || err != nil {
			t.Fatalf("epverify %v = %t, %v, want equal", args, equal, err)
		}
	}

	// One bit of some states of layer 1 flips between two steps.
	restore := tooltest.Plant(t, filepath.Join(dir, "rtl", "ep_state_odd.v"), "<= wdata_i", "<= wdata_i ^ 1024")
	equal, err := verify(t, dir)
	if equal || err != nil {
		t.Fatalf("epverify of an edited core = %t, %v, want different", equal, err)
	}
	checkFailure(t, dir)

	restore()
	if equal, err := verify(t, dir); !equal || err != nil {
		t.Fatalf("epverify of the core put back = %t, %v, want equal", equal, err)
	}
	write(t, dir, "rtl/ep_state_odd.v", "module ep_state_odd (\n")
	if _, err := verify(t, dir); err == nil || !strings.Contains(err.Error(), "simulator does not build: %Error: ") {
		t.Errorf("a core that is no Verilog: error %v, want that of the compiler", err)
	}
	if err := os.Truncate(filepath.Join(dir, "golden", "trace.bin"), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, dir); err == nil || !strings.Contains(err.Error(), "golden/trace.bin: SHA-256") {
		t.Errorf("truncated trace: error %v, want one that names it", err)
	}
}

// checkFailure looks at the reports of the edited core.
func checkFailure(t *testing.T, dir string) {
	t.Helper()
	r, err := sim.ReadReport(filepath.Join(dir, "report", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := r.FirstMismatch
	if r.Pass() || m == nil || m.Kind != "value" || m.Layer == nil || m.Channel == nil || m.Expected == nil || m.ExpectedReal == nil {
		t.Fatalf("report of an edited core: %s, first mismatch %+v, want one with its place", r.Result, m)
	}
	if len(r.Edited) != 1 || r.Edited[0] != "rtl/ep_state_odd.v" {
		t.Errorf("edited files %v, want rtl/ep_state_odd.v", r.Edited)
	}
	wave, err := os.ReadFile(filepath.Join(dir, "report", r.Wave))
	if err != nil || !strings.Contains(string(wave), "$enddefinitions") {
		t.Errorf("waveform %q: %v, want a VCD file", r.Wave, err)
	}
	if err := os.Remove(filepath.Join(dir, "report", "window.vcd")); err != nil {
		t.Fatal(err)
	}
	command := strings.Fields(r.Replay + " OPT=0")
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", r.Replay, err, out)
	}
	again, err := os.ReadFile(filepath.Join(dir, "report", "window.vcd"))
	if err != nil || string(again) != string(wave) {
		t.Errorf("replay leaves another waveform (%d bytes, want %d), %v", len(again), len(wave), err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report", "report.txt"))
	if err != nil || !strings.Contains(string(text), "first mismatch: cycle ") {
		t.Errorf("report.txt: %v, want the first mismatch in it", err)
	}
}
