package sim

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ptr[T any](v T) *T { return &v }

// sample is a failed run with everything filled in.
func sample() *Report {
	return &Report{
		Design: "tiny", Result: "fail", Compared: 1234567, ComparedPredicted: 2000000, Mismatches: 1,
		FirstMismatch: &Mismatch{
			Kind: "value", Message: "state differs", Phase: ptr("plus"), Step: ptr(3), Layer: ptr(2), Sample: ptr(0),
			Channel: ptr(7), Y: ptr(1), X: ptr(2), Cycle: 4711, Expected: ptr(int64(16)), Got: ptr(int64(17)),
			ExpectedHex: "0x0010", GotHex: "0x0011", ExpectedReal: ptr(0.0625), GotReal: ptr(0.06640625),
			Signal: "tb_top.core.state[15:0]",
		},
		Cycles:      Cycles{Predicted: ptr(uint64(10000)), Simulated: 10000},
		Utilization: 0.5, MMACPerSecond: 61.4, Seconds: 2.5,
		Phases: []PhaseReport{{Name: "free", Steps: 4, Cycles: 9999, Compared: 100, Mismatches: 1}},
		Layers: []LayerReport{{Name: "layer1", Shape: "8x4x4", Neurons: 128, Differing: 0.25, Weights: 72, WeightsChanged: 0.75, Model: ModelLayer{WeightsReachable: 1}}},
		Edited: []string{"rtl/a.v"}, Replay: "make -C out/tb wave SEED=1", Wave: "window.vcd",
	}
}

func TestWriteText(t *testing.T) {
	var b bytes.Buffer
	if err := WriteText(&b, sample(), nil); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(b.String(), "\n\n")
	want := `tiny: FAIL
1,234,567 values compared of 2,000,000, 1 mismatches
10,000 cycles simulated, 10,000 predicted
50.0 % of the multipliers do useful work; simulated at 61 MMAC/s in 2.5 s
edited: rtl/a.v differs from the manifest
first mismatch: cycle 4711, phase plus, step 3, layer 2, sample 0, channel 7, y 1, x 2
  state differs
  expected 0x0010 = 0.0625, got 0x0011 = 0.06640625
  signal tb_top.core.state[15:0]
waveform: report/window.vcd
replay: make -C out/tb wave SEED=1`
	if diff := cmp.Diff(want, head); diff != "" {
		t.Errorf("head of the text (-want +got):\n%s", diff)
	}
	for _, want := range []string{
		"  layer   shape  neurons  nonzero  saturated  differing  weights  reachable  changed  biases changed  mismatches\n" +
			"  layer1  8x4x4  128      0.0 %    0.0 %      25.0 %     72       100.0 %    75.0 %   0.0 %           0\n",
		"  free   4      9,999   100       1\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("text lacks\n%s\nin\n%s", want, b.String())
		}
	}
}

func TestWriteHTML(t *testing.T) {
	est, err := parseEstimate([]byte(`{"cycles": 12345, "phases": [{"name": "free", "cycles": 7}], "quantities": []}`))
	if err != nil {
		t.Fatal(err)
	}
	r := sample()
	r.FirstMismatch.Message = "a < b"
	var b bytes.Buffer
	if err := WriteHTML(&b, r, est); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<span class="verdict fail">FAIL</span>`, "a &lt; b", "<h3>Prediction: phases</h3>", "<td>12,345</td>", "width:50px", "width:150px",
		`<td class="mono">0x0011 = 0.06640625</td>`, `<td class="t">free</td>`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("page lacks %s", want)
		}
	}
	// Self-contained: nothing is fetched.
	for _, forbidden := range []string{"http:", "https:", "src=", "<link", "@import"} {
		if strings.Contains(b.String(), forbidden) {
			t.Errorf("page contains %s", forbidden)
		}
	}
}

func TestReportJSONRoundTrip(t *testing.T) {
	text, err := sample().JSON()
	if err != nil {
		t.Fatal(err)
	}
	got := new(Report)
	if err := json.Unmarshal(text, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Errorf("round trip (-want +got):\n%s", diff)
	}
}

// limitedStates are those of a layer that has a share of its differences at an end of their
// range in one nudged phase, and states that saturate in the free one.
func limitedStates(share float64) StatesReport {
	return StatesReport{DifferenceLimit: 0.125, Phases: map[string]Shares{
		"free": {Saturated: 1}, "plus": {Saturated: share / 2}, "minus": {Saturated: share},
	}}
}

func TestDeadLayers(t *testing.T) {
	r := &Report{Result: "pass", Layers: []LayerReport{
		{Name: "layer1", Differing: 0.05, WeightsChanged: 0.5, Model: ModelLayer{WeightsReachable: 1}},
		{Name: "layer2", Differing: 0.049, WeightsChanged: 1, Model: ModelLayer{WeightsReachable: 1}},
		{Name: "layer3", Differing: 1, WeightsChanged: 0.25, Model: ModelLayer{WeightsReachable: 0.75}},
		{Name: "layer4", Differing: 1, WeightsChanged: 0.25, Model: ModelLayer{WeightsReachable: 0.5}},
		{Name: "layer5", Differing: 1, WeightsChanged: 1, States: limitedStates(0.05)},
		{Name: "layer6", Differing: 1, WeightsChanged: 1, States: limitedStates(0.06)},
	}}
	want := []string{
		"layer2 is dead: 4.9 % of its neurons differ between s+ and s-, want at least 5 %",
		"layer3 hardly learns: 25.0 % of its weights change, want at least 50 % of the 75.0 % that the step reaches",
		"layer6 is limited: 6.0 % of its differences are at an end of their range, 0.125; want at most 5 %, with a smaller formats.difference-shift",
	}
	if diff := cmp.Diff(want, r.DeadLayers()); diff != "" {
		t.Errorf("DeadLayers (-want +got):\n%s", diff)
	}
	r.Runs = []RunReport{{Infer: true}}
	if got := r.DeadLayers(); got != nil {
		t.Errorf("DeadLayers of an inference = %v, want none", got)
	}
	r.Runs, r.Result = nil, "fail"
	if got := r.DeadLayers(); got != nil {
		t.Errorf("DeadLayers of a failed run = %v, want none", got)
	}
}

func TestEstimateTables(t *testing.T) {
	e, err := parseEstimate([]byte(`{"cycles": 1000, "share": 0.25, "nested": {"a_b": 2}, "rows": [{"x": 1, "name": "n"}],
		"quantities": [{"layer": "layer1", "name": "state", "format": "UQ0.15"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := [][][]string{
		{{"cycles", "1,000"}, {"share", "0.25"}, {"nested a b", "2"}},
		{{"1", "n"}},
	}
	var got [][][]string
	for _, table := range e.tables {
		got = append(got, table.rows)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if len(e.Quantities) != 1 || e.Quantities[0].Format != "UQ0.15" {
		t.Errorf("quantities %+v, want the one given", e.Quantities)
	}
}

func TestThousands(t *testing.T) {
	for v, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999", 1234567: "1,234,567"} {
		if got := thousands(v); got != want {
			t.Errorf("thousands(%d) = %q, want %q", v, got, want)
		}
	}
}
