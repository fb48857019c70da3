package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"epgen/internal/tooltest"
	"epgen/sim"
)

// TestResets resets a network in every state of the sequencer in every phase; then it plants
// a reset that does nothing in one of them, which no other session can see.
func TestResets(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a simulator, twice")
	}
	tooltest.Need(t, "verilator")
	n := &networks[slices.IndexFunc(networks, func(n network) bool { return n.name == "array-1" })]
	dir := filepath.Join(t.TempDir(), n.name)
	if err := n.write(dir); err != nil {
		t.Fatal(err)
	}
	run := func(s session) bool {
		simulation := &sim.Simulation{Dir: dir, Jobs: 2, Settings: s.Settings, Extra: s.extra}
		if err := simulation.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		equal, err := simulation.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return equal
	}
	if !run(resetSession) {
		t.Fatal(firstMismatch(dir))
	}
	r, err := sim.ReadReport(filepath.Join(dir, "report", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, phase := range []string{"free", "plus", "minus", "update", "result"} {
		for _, state := range []string{"SETUP", "START", "RUN", "FLUSH", "NEXT"} {
			if place := phase + " " + state; !slices.Contains(r.Resets, place) {
				t.Errorf("no reset in %s, only in %v", place, r.Resets)
			}
		}
	}

	tooltest.Plant(t, filepath.Join(dir, "rtl", "ep_sequencer.v"), "if (!rst_ni) begin\n      state_q",
		"if (!rst_ni && !(state_q == NEXT && phase_q == PHASE_UPDATE)) begin\n      state_q")
	if !run(sessions[0]) {
		t.Errorf("the fault shows without a reset: %v", firstMismatch(dir))
	}
	if run(resetSession) {
		t.Error("the fault does not show")
	} else if err := firstMismatch(dir); !strings.Contains(err.Error(), "reset") {
		t.Logf("seen as: %v", err)
	}
}
