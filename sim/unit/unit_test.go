package unit

import (
	"errors"
	"testing"

	"epgen/internal/tooltest"
)

func TestBlocks(t *testing.T) {
	tooltest.Need(t, "verilator")
	dir := t.TempDir()
	for _, b := range All() {
		r := b.Run(dir)
		if r.Passed() {
			t.Log(r)
		} else {
			t.Error(r)
		}
	}
}

// TestResultText checks what a user reads of each outcome.
func TestResultText(t *testing.T) {
	for _, c := range []struct {
		r    Result
		want string
	}{
		{Result{Name: "ep_lane/real", Cycles: 12, Compared: 7}, "PASS unit/ep_lane/real: 12 cycles, 7 values"},
		{Result{Name: "ep_lane/real", Err: errors.New("verilator not found, install the package verilator")},
			"FAIL unit/ep_lane/real: verilator not found, install the package verilator"},
		{Result{Name: "ep_mac_array/real", Mismatch: &Mismatch{Seed: 2, Cycle: 9, Port: "acc_o", Lane: 1, Bit: 37, Want: "0a", Got: "0b", Mask: "ff"}},
			"FAIL unit/ep_mac_array/real: cycle 9: acc_o lane 1: expected 0a, got 0b (bits that matter ff; power-up seed 2)"},
	} {
		if got := c.r.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
