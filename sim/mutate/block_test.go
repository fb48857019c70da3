package mutate

import (
	"strings"
	"sync"
	"testing"

	"epgen/sim/unit"
)

// TestBlockBenches runs the benches of the blocks of every design, which must pass for the
// trial of a block to mean something.
func TestBlockBenches(t *testing.T) {
	needSimulator(t)
	for _, name := range DesignNames() {
		dir := t.TempDir()
		for _, benches := range unit.Of(name, readDesign(t, name)) {
			for _, b := range benches {
				if r := b.Run(dir); !r.Passed() {
					t.Error(r)
				}
			}
		}
	}
}

// TestTryBlock plays the trial of a block: a fault names the port that shows it, a change of a
// comment alone passes, a block without benches has nothing to say, and a mutant of another
// text is an error.
func TestTryBlock(t *testing.T) {
	needSimulator(t)
	const design = "heads"
	b := &Bench{name: design, cfg: readDesign(t, design).Cfg, dir: t.TempDir(), rtl: designsRTL(t)[design], sound: &sync.Map{}}
	fault := func(file, old, new string) Mutant { return change(t, b, design, file, old, new) }
	wrong := fault("ep_average.v", `sum_q \+`, `sum_q -`)
	wrong.Before = "no such line"
	for _, tc := range []struct {
		name   string
		m      Mutant
		signal string // "" if it passes
		err    string
	}{
		{"rounding of averages", fault("ep_average.v", `sum_q \+`, `sum_q -`), "ep_average.h_o", ""},
		{"row of a table that no run of the design shows", fault("ep_row_rom.v", `(6'd0:    entry = .*)1\};`, `${1}2};`), "ep_row_rom.row_entry_o", ""},
		{"start of the errors", fault("ep_sequencer.v", `kind_q == PASS_SOFT;`, `kind_q != PASS_SOFT;`), "ep_sequencer.soft_start_o", ""},
		{"targets of a teacher", fault("ep_fetch.v", `counted && state_q == TARGETS`, `counted && state_q == INPUT`), "ep_fetch.target_we_o", ""},
		{"comment", fault("ep_average.v", `// selects`, `// chooses`), "", ""},
		{"no bench", fault("ep_datapath.v", `\.start_i +\(soft_start_i\)`, `.start_i (1'b0)`), "", ""},
		{"another text", wrong, "", `is not "no such line"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			place, err := b.TryBlock(&tc.m)
			switch {
			case tc.err != "":
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("error %v, want %q", err, tc.err)
				}
			case err != nil:
				t.Error(err)
			case tc.signal == "" && place != nil:
				t.Errorf("fails at %s, want a pass", describe(place))
			case tc.signal != "" && (place == nil || place.Signal != tc.signal || place.Kind != "port"):
				t.Errorf("%s, want a mismatch at %s", describe(place), tc.signal)
			}
		})
	}
}
