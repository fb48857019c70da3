package mutate

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"epgen/internal/tooltest"

	"github.com/google/go-cmp/cmp"
)

// place is what a report must say about a chosen mutant.
type place struct {
	Trial, Kind, Phase string
	Layer              int
	Signal             string // the last name of the path
}

// chosen are mutants that every version of the generator must be able to make:
// old is text that occurs once in the file, as a regular expression.
var chosen = []struct {
	name, file, old, new string
	want                 place
}{
	{"rounding constant", "ep_lane.v", `(wire +scaled_up += )\w+\[\d+\] &&`, `${1}1'b0 &&`,
		place{"ready", "value", "free", 1, "wdata_i"}},
	{"shift", "ep_lane.v", `(\{+bias_i\[\d+\]\}\}), bias_i, (\d+)'d0\}`, `$1, bias_i >>> 1, $2'd0}`,
		place{"ready", "value", "free", 1, "wdata_i"}},
	{"saturation bound", "ep_lane.v", `(STATE_MAX = \d+'sd)127;`, `${1}126;`,
		place{"ready", "value", "free", 1, "wdata_i"}},
	{"index order", "ep_operands.v", `(index_i\[2\*r \+: 2\]) != pos_i`, `$1 != {pos_i[0], pos_i[1]}`,
		place{"ready", "value", "free", 1, "wdata_i"}},
	{"address", "ep_datapath.v", `(even_addr_q\d* +<= i_even_i \? below : here);`, `$1 ^ 1'b1;`,
		place{"ready", "value", "free", 3, "wdata_i"}},
	{"counter limit", "ep_sequencer.v", `(last_step +=[^;]*\? \d+'d)3 :`, `${1}2 :`,
		place{"ready", "address", "free", 1, "wdata_i"}},
	{"stall handling", "ep_fetch.v", `m_axi_arvalid <= request \|\| [^;]*;`, `m_axi_arvalid <= request;`,
		place{"stalls", "protocol", "", -1, "m_axi"}},
	{"weight write-back", "ep_update_lane.v", `(wire signed \[\d+:0\] sum += delta_q) \+`, `$1 -`,
		place{"ready", "value", "update", 1, "m_axi_wdata"}},
	{"argmax tie", "ep_lane.v", `aligned_q > result_q`, `aligned_q >= result_q`,
		place{"ready", "value", "free", 2, "wdata_i"}},
	{"sign of the minus phase", "ep_operands.v", `minus_i \? \d+'sd0 - (\w+) : \w+`, `$1`,
		place{"ready", "value", "update", 1, "m_axi_wdata"}},
	{"nudge of the minus phase", "ep_lane.v", `end else if \(nudge_minus_i\) begin`, `end else if (1'b0) begin`,
		place{"ready", "value", "minus", 4, "wdata_i"}},
	{"burst length", "ep_fetch.v", `(wire \[\d+:0\] burst += )[^;]*;`, `${1}{1'b0, left_q};`,
		place{"ready", "protocol", "", -1, "m_axi"}},
}

// change returns the mutant that replaces old, which must occur once.
func change(t *testing.T, b *Bench, design, file, old, new string) Mutant {
	t.Helper()
	text, ok := b.rtl[file]
	if !ok {
		t.Fatalf("the generator no longer writes %s", file)
	}
	re := regexp.MustCompile(old)
	all := re.FindAllIndex(text, -1)
	if len(all) != 1 {
		t.Fatalf("%s: %d matches of %q, want 1: has the generator changed?", file, len(all), old)
	}
	changed := re.ReplaceAll(text, []byte(new))
	line := bytes.Count(text[:all[0][0]], []byte("\n"))
	before, after := strings.Split(string(text), "\n"), strings.Split(string(changed), "\n")
	if len(before) != len(after) {
		t.Fatalf("%s: %q spans lines, want a change of one line", file, old)
	}
	return Mutant{Design: design, File: file, Line: line + 1, Before: before[line], After: after[line]}
}

// needSimulator skips a test where the tools are missing.
func needSimulator(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds simulators: not with -short")
	}
	tooltest.Need(t, "verilator", "make", "g++")
}

func newBench(t *testing.T, design string) *Bench {
	t.Helper()
	cfg, err := ReadDesign(design, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBench(t.Context(), design, filepath.Join(t.TempDir(), design), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestChosenMutants(t *testing.T) {
	needSimulator(t)
	const design = "frozen"
	b := newBench(t, design)
	for _, tc := range chosen {
		t.Run(tc.name, func(t *testing.T) {
			m := change(t, b, design, tc.file, tc.old, tc.new)
			o, err := judge(t.Context(), b, m)
			if err != nil {
				t.Fatal(err)
			}
			if !o.Caught() {
				t.Fatalf("%v: not caught: %s", &m, o.Reason)
			}
			got := place{Trial: o.Trial, Kind: o.Place.Kind, Layer: -1}
			got.Signal = o.Place.Signal[strings.LastIndex(o.Place.Signal, ".")+1:]
			if end := strings.IndexAny(got.Signal, "[,"); end >= 0 {
				got.Signal = got.Signal[:end]
			}
			if o.Place.Phase != nil {
				got.Phase = *o.Place.Phase
			}
			if o.Place.Layer != nil {
				got.Layer = *o.Place.Layer
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%v: %s\nplace (-want +got):\n%s", &m, describe(o.Place), diff)
			}
		})
	}
}
