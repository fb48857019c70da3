package icarus

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"epgen/internal/tooltest"
	"epgen/sim/synth"
)

// TestGates simulates the netlists of a network, with generic gates that are exchanged for
// others, of which half must show, as not every gate matters in every step; and, with
// EPGEN_ALL, with a fault of the Verilog below cells of iCE40.
func TestGates(t *testing.T) {
	if testing.Short() {
		t.Skip("runs yosys")
	}
	tooltest.Need(t, "iverilog", "yosys")
	dir := small(t)
	p := open(t, dir)
	run := func(what string) []string {
		r, err := p.Run(t.Context(), Run{})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return r.Differences
	}
	if err := p.BuildGates(t.Context(), synth.Generic); err != nil {
		t.Fatal(err)
	}
	if found := run("gates"); len(found) > 0 {
		t.Fatalf("gates: %q, want no difference", found)
	}
	path := filepath.Join(dir, "build", "synth", "generic.v")
	netlist, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const faults = 4
	gates, seen := bytes.Count(netlist, []byte(" & ")), 0
	for i := range faults {
		changed := exchange(netlist, (2*i+1)*gates/(2*faults))
		if err := os.WriteFile(path, changed, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := p.BuildNetlist(t.Context(), path, synth.Generic); err != nil {
			t.Fatal(err)
		}
		if len(run("faulty gate")) > 0 {
			seen++
		}
	}
	if t.Logf("%d of %d faults seen, %d gates", seen, faults, gates); seen < faults/2 {
		t.Errorf("%d of %d faults seen, want at least half", seen, faults)
	}

	if os.Getenv("EPGEN_ALL") == "" {
		return
	}
	lane := filepath.Join(dir, "rtl", "ep_update_lane.v")
	tooltest.Plant(t, lane, "WEIGHT_MAX = ", "WEIGHT_MAX = -")
	if err := p.BuildGates(t.Context(), synth.ICE40); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(run("faulty cells"), "\n"); !strings.Contains(all, "memory differs") {
		t.Errorf("fault below the cells: differences %q, want of memory", all)
	}
}

// exchange makes an OR of the n-th AND of a netlist.
func exchange(netlist []byte, n int) []byte {
	at := 0
	for range n {
		at += bytes.Index(netlist[at:], []byte(" & ")) + 3
	}
	changed := bytes.Clone(netlist)
	at += bytes.Index(changed[at:], []byte(" & "))
	changed[at+1] = '|'
	return changed
}
