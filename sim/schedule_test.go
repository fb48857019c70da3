package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/ep"
	"epgen/gen"
)

// testConfig returns a small network with a short schedule.
func testConfig(t testing.TB, list string, in ep.Shape, index ep.PoolIndex) *ep.Config {
	t.Helper()
	net, err := ep.ParseLayers(list, in)
	if err != nil {
		t.Fatal(err)
	}
	cfg := ep.NewConfig(net)
	cfg.FreeSteps, cfg.NudgeSteps, cfg.PoolIndex = 2, 1, index
	cfg.Array.Size = 4
	return cfg
}

func testDesign(t testing.TB, cfg *ep.Config) *gen.Design {
	t.Helper()
	d, err := gen.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// names prints sets as "phase step layer.copy".
func names(sets []Set) string {
	var list []string
	for _, s := range sets {
		list = append(list, fmt.Sprintf("%d %d %d.%d", s.stage, s.Step, s.Layer, s.Copy))
	}
	return strings.Join(list, ", ")
}

func TestSchedule(t *testing.T) {
	// Two pooled convolutions and a dense layer: T1 = 2, T2 = 1.
	const bank0 = "0 0 0.0, 1 0 2.0, 1 1 2.0, 2 0 2.1, 3 0 2.2"
	const bank1 = "1 0 1.0, 1 0 3.0, 1 1 1.0, 1 1 3.0, 2 0 1.1, 2 0 3.1, 3 0 1.2, 3 0 3.2"
	tests := []struct {
		index ep.PoolIndex
		want  string
	}{
		{ep.Frozen, "1 0 1.0, 1 0 2.0, 1 1 2.0, 2 0 2.0"},
		{ep.Live, "1 0 1.0, 1 0 2.0, 1 1 2.0, 2 0 2.0, 3 0 2.0, 4 0 2.0, 4 1 2.1"},
	}
	for _, tc := range tests {
		d := testDesign(t, testConfig(t, "5,M,6,M,fc3", ep.Shape{C: 2, H: 8, W: 8}, tc.index))
		sets := Schedule(d.Plan)
		for m, want := range []string{bank0, bank1, tc.want} {
			if diff := cmp.Diff(want, names(sets[m])); diff != "" {
				t.Errorf("%v, memory %d (-want +got):\n%s", tc.index, m, diff)
			}
		}
	}
}

// TestAsynchronousSchedule checks the order of odd and even layers, which indices freeze
// when, and where live ones go.
func TestAsynchronousSchedule(t *testing.T) {
	const bank0 = "0 0 0.0, 1 0 2.0, 1 1 2.0, 2 0 2.1, 3 0 2.2"
	const bank1 = "1 0 1.0, 1 0 3.0, 1 1 1.0, 1 1 3.0, 2 0 1.1, 2 0 3.1, 3 0 1.2, 3 0 3.2"
	tests := []struct {
		index ep.PoolIndex
		want  string
	}{
		{ep.Frozen, "1 0 1.0, 1 0 3.0, 1 0 2.0, 1 1 3.0, 1 1 2.0, 2 0 3.0"},
		{ep.Live, "1 0 1.0, 1 0 3.0, 1 0 2.0, 1 1 3.0, 1 1 2.0, 2 0 3.1, 2 0 2.1, 3 0 3.1, 3 0 2.1, 4 0 2.0, 4 1 2.1, 4 0 3.0, 4 1 3.1"},
	}
	for _, tc := range tests {
		cfg := testConfig(t, "5,M,6,M,3,M", ep.Shape{C: 2, H: 8, W: 8}, tc.index)
		cfg.Sweep = ep.Asynchronous
		sets := Schedule(testDesign(t, cfg).Plan)
		for m, want := range []string{bank0, bank1, tc.want} {
			if diff := cmp.Diff(want, names(sets[m])); diff != "" {
				t.Errorf("%v, memory %d (-want +got):\n%s", tc.index, m, diff)
			}
		}
	}
}

func TestCompared(t *testing.T) {
	d := testDesign(t, testConfig(t, "5,M,fc3", ep.Shape{C: 2, H: 4, W: 4}, ep.Frozen))
	input := 2 * 4 * 4
	states := (2 + 2) * (5*2*2 + 3)
	index := 5 * 2 * 2
	weights := 5*2*9 + 5 + 3*5*4 + 3
	want := input + states + index + weights + 3
	if got := Compared(d.Plan); got != want {
		t.Errorf("Compared = %d, want %d", got, want)
	}
}
