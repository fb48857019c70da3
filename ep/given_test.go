package ep

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/fixedpoint"
	"epgen/npz"
)

// givenConfig has a linear output and layers with formats of their own.
func givenConfig() *Config {
	cfg := trainConfig()
	cfg.GivenStates = true
	cfg.Output, cfg.Formats.Output = Linear, fixedpoint.Q(1, 9)
	cfg.Formats.LayerState = []fixedpoint.Format{fixedpoint.UQ(0, 6), fixedpoint.UQ(1, 9), fixedpoint.UQ(0, 15)}
	return cfg
}

// TestInitialStatesRoundTrip writes states at the ends of every format and between, and reads
// them back as numbers and as codes.
func TestInitialStatesRoundTrip(t *testing.T) {
	cfg := givenConfig()
	var want [][]int32
	for n := range cfg.Network.Layers {
		lo, hi, _ := cfg.states(n).Int64()
		codes := make([]int32, cfg.Batch*cfg.Network.Layers[n].Out.Len())
		for i := range codes {
			codes[i] = int32(lo + int64(i)%(hi-lo+1))
		}
		codes[0] = int32(hi)
		want = append(want, codes)
	}
	var b bytes.Buffer
	if err := WriteStates(&b, want, cfg); err != nil {
		t.Fatal(err)
	}
	s := &FloatSamples{Y: make([]int, cfg.Batch)}
	if err := s.AddStates(writeFile(t, t.TempDir(), "s.npz", b.Bytes()), cfg); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, s.Quantize(cfg).States); diff != "" {
		t.Errorf("states (-want +got):\n%.600s", diff)
	}
	s.States[0][0], s.States[0][1], s.States[2][0] = 1, 2.5/64, math.Nextafter(0.5, 1)
	got := s.Quantize(cfg).States
	for i, want := range []int32{63, 2} { // 1.0 saturates, a tie is even
		if got[0][i] != want {
			t.Errorf("state %v: code %d, want %d", s.States[0][i], got[0][i], want)
		}
	}
	if got, want := got[2][0], int32(256); got != want {
		t.Errorf("state %v: code %d, want %d", s.States[2][0], got, want)
	}
}

func TestInitialStatesErrors(t *testing.T) {
	cfg := testConfig(*testNet(t, "2,M,fc3", Shape{1, 4, 4}))
	cfg.GivenStates = true
	linear := *cfg
	linear.Output, linear.Formats.Output = Linear, fixedpoint.Q(1, 3)
	set := func(a npz.Array, v float64) npz.Array {
		a.Data[3] = v
		return a
	}
	first, second := func() npz.Array { return array("state1", "<f4", 5, 2, 2, 2) }, func() npz.Array { return array("state2", "<f8", 5, 3) }
	tests := []struct {
		name   string
		cfg    *Config
		arrays []npz.Array
		want   string
	}{
		{"missing", cfg, []npz.Array{first()}, "FILE: array state2 is missing, want shape [5 3 1 1]"},
		{"extra", cfg, []npz.Array{first(), second(), array("state3", "<f4", 5, 3)}, "FILE: unknown array state3, nearest is state1, want the states of 2 layers"},
		{"samples", cfg, []npz.Array{array("state1", "<f4", 4, 2, 2, 2), second()}, "FILE: array state1: shape [4 2 2 2], want [5 2 2 2]"},
		{"flat map", cfg, []npz.Array{array("state1", "<f4", 5, 8), second()}, "FILE: array state1: shape [5 8], want [5 2 2 2]"},
		{"units", cfg, []npz.Array{first(), array("state2", "<f4", 5, 4)}, "FILE: array state2: shape [5 4], want [5 3 1 1] or [5 3]"},
		{"integers", cfg, []npz.Array{array("state1", "<i8", 5, 2, 2, 2), second()}, "FILE: array state1: element type <i8, want <f4 or <f8"},
		{"infinite", cfg, []npz.Array{first(), set(second(), math.Inf(1))}, "FILE: array state2: +Inf at 3, want finite numbers"},
		{"above", cfg, []npz.Array{first(), set(second(), 1.25)}, "FILE: array state2: 1.25 at 3, want numbers 0..1"},
		{"below", cfg, []npz.Array{set(first(), -0.125), second()}, "FILE: array state1: -0.125 at 3, want numbers 0..1"},
		{"linear, hidden", &linear, []npz.Array{set(first(), -0.125), second()}, "FILE: array state1: -0.125 at 3, want numbers 0..1"},
		{"linear, above", &linear, []npz.Array{first(), set(second(), 1.9)}, "FILE: array state2: 1.9 at 3, want numbers -2..1.875"},
		{"linear, negative", &linear, []npz.Array{first(), set(second(), -2)}, "<nil>"},
		{"sound", cfg, []npz.Array{first(), set(second(), 1)}, "<nil>"},
	}
	for _, test := range tests {
		path := writeFile(t, t.TempDir(), "s.npz", archive(t, test.arrays))
		_, err := LoadInitialStates(path, test.cfg, 5)
		if got := strings.ReplaceAll(fmt.Sprint(err), path, "FILE"); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
	if _, err := LoadInitialStates("none.npz", cfg, 5); err == nil || !strings.Contains(err.Error(), "none.npz") {
		t.Errorf("no file: %v, want its name", err)
	}
}

// TestGivenStates compares a trainer whose free phases begin at given states with steps of the
// models from these: the first of a warm start, all of cold ones.
func TestGivenStates(t *testing.T) {
	for i, set := range []func(c *Config){
		func(c *Config) {},
		func(c *Config) { c.Sweep, c.Damping = Asynchronous, 1 },
		func(c *Config) { c.Start, c.PoolIndex = Warm, Live },
		func(c *Config) { c.MinSteps, c.Tolerance, c.FreeSteps, c.NudgeSteps = 3, 100, 40, 20 },
	} {
		cfg := givenConfig()
		cfg.FreeSteps = 3 // where they end depends on where they begin
		set(cfg)
		data := ProceduralSet(&cfg.Network, 60, 30, 1)
		if _, err := NewTrainer(cfg, TrainOptions{Epochs: 1}, InitParams(&cfg.Network, cfg.Init, cfg.Seed), data); err == nil {
			t.Errorf("%d: a trainer without its initial states", i)
		}
		var err error
		if data.States, err = LoadInitialStates(RandomStates, cfg, data.Train.Len()); err != nil {
			t.Fatal(err)
		}
		tr, err := NewTrainer(cfg, TrainOptions{Fixed: true, HardwareUpdate: true, Epochs: 1}, InitParams(&cfg.Network, cfg.Init, cfg.Seed), data)
		if err != nil {
			t.Fatal(err)
		}
		constant := *cfg
		constant.GivenStates = false
		followTrainer(t, fmt.Sprint(i), tr, cfg, func(number uint32, from [][]int32, params *Params, s *Samples, out *Outcome) {
			s.States = nil
			plain := mustStep(t, &constant, number, from, params, s)
			if other := cmp.Diff(plain.Free, out.Free) != ""; other != (from == nil) && i < 3 {
				t.Errorf("%d, step %d: ends elsewhere than from 0: %v, want %v", i, number, other, from == nil)
			}
		})
		if tr.Evaluate(nil) == (Score{}) { // from 0: there are no states of test samples
			t.Errorf("%d: no score", i)
		}
	}
}

// TestStartAtEquilibrium gives both models the free equilibria of one run as the initial states of
// another, which goes on where the first has ended.
func TestStartAtEquilibrium(t *testing.T) {
	cfg := testConfig(*testNet(t, "4,M,5,fc3", Shape{2, 6, 6}))
	cfg.FreeSteps, cfg.Batch, cfg.Init.Gain = 30, 2, 0.7
	p, s := randomParams(cfg, 1), randomSamples(cfg, 1)
	out := mustStep(t, cfg, 0, nil, p, s)
	longer := *cfg
	longer.FreeSteps += 2
	whole := mustStep(t, &longer, 0, nil, p, s)
	again := *cfg
	again.GivenStates, again.FreeSteps = true, 2
	s.States = out.Free
	next := mustStep(t, &again, 0, nil, p, s)
	if diff := cmp.Diff(whole.Free, next.Free); diff != "" {
		t.Errorf("fixed point (-one run +two runs):\n%.400s", diff)
	}
	float, err := newFloat(t, &again).TrainStep(p.Dequantize(&cfg.Formats), s.Dequantize(&again), nil)
	if err != nil {
		t.Fatal(err)
	}
	if most := 2 * cfg.Formats.State.LSB(); float.Residual > most {
		t.Errorf("float64: a state moves by %g, want at most %g", float.Residual, most)
	}
	model, err := NewFixed(&again)
	if err != nil {
		t.Fatal(err)
	}
	s.States[1][3] = -1
	if _, err := model.TrainStep(p, s, nil); fmt.Sprint(err) != "ep: state2: code -1 at 3, want 0..32767" {
		t.Errorf("a negative state: %v", err)
	}
	s.States = s.States[:2]
	if _, err := model.TrainStep(p, s, nil); fmt.Sprint(err) != "ep: initial states of 2 layers, want 3" {
		t.Errorf("two of three layers: %v", err)
	}
}
