package ep

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/fixedpoint"
)

// writeFile writes a file of a test and returns its path.
func writeFile(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func resolveTOML(t *testing.T, text string) (*Config, *Sources, string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	writeFile(t, dir, "net.toml", []byte(text))
	var d Draft
	if err := d.ReadTOML("net.toml"); err != nil {
		return nil, nil, err.Error()
	}
	cfg, src, err := d.Resolve()
	if err != nil {
		return nil, nil, err.Error()
	}
	return cfg, src, ""
}

func TestTOMLEveryKey(t *testing.T) {
	const text = `
weights = "golden/weights.npz"
input = "golden/samples.npz"
seed = 7
[network]
name = "mine"
input = "2x9x11"
layers = "5k5p0,M,3p2,fc6"
[phases]
batch = 3
free-steps = 20
nudge-steps = 9
beta = 0.25
pool-index = "live"
damping = 3
min-steps = 4
tolerance = 5
start = "warm"
output = "linear"
nudge = "outside"
estimate = "points"
betas = [0.5, -1]
beta-weights = [3, -3]
schedule = "asynchronous"
activation = "unit"
[learning]
rates = [0.5, 1, 2e-3]
frozen = [3]
host-rates = true
accumulate = 6
decay-shift = 11
momentum-shift = 3
clip = 1.5
[formats]
input = "UQ1.7"
state = "UQ0.8"
output = "Q2.8"
logit = "Q6.9"
weight = "Q2.9"
bias = "Q1.10"
target = "UQ1.8"
beta = "UQ2.6"
head-weight = "Q4.10"
head-bias = "Q5.9"
probability = "UQ0.12"
error = "Q3.11"
lambda = "UQ3.5"
master-bits = 5
rate-bits = 12
state-rounding = "truncate"
update-rounding = "nearest-up"
[array]
size = 2
rows = 4
columns = 1
[memory]
data-width = 64
burst-beats = 16
outstanding = 4
read-latency = 5
weights = "on-chip"
slab-bits = 65536
[init]
gain = 1
bias = -0.5
head-gain = 2
mean = 0.5
[sequence]
starts = 4
task = "infer"
`
	got, src, problem := resolveTOML(t, text)
	if problem != "" {
		t.Fatal(problem)
	}
	net, err := ParseLayers("5k5p0,M,3p2,fc6", Shape{2, 9, 11})
	if err != nil {
		t.Fatal(err)
	}
	net.Name = "mine"
	want := &Config{
		Network: net, Batch: 3, FreeSteps: 20, NudgeSteps: 9, Beta: 0.25, PoolIndex: Live, Estimate: SeveralPoints, Damping: 3, MinSteps: 4, Tolerance: 5, Start: Warm, Output: Linear, Nudge: Outside, Betas: []float64{0.5, -1}, BetaWeights: []int{3, -3}, Sweep: Asynchronous, Activation: Unit,
		Rates: []float64{0.5, 1, 2e-3}, Frozen: []int{3}, HostRates: true, Clip: 1.5,
		Accumulate: 6, DecayShift: 11, MomentumShift: 3,
		Formats: Formats{
			Input: fixedpoint.UQ(1, 7), State: fixedpoint.UQ(0, 8), Output: fixedpoint.Q(2, 8), Logit: fixedpoint.Q(6, 9), Weight: fixedpoint.Q(2, 9), Bias: fixedpoint.Q(1, 10),
			Target: fixedpoint.UQ(1, 8), Beta: fixedpoint.UQ(2, 6), RateBits: 12, MasterBits: 5,
			HeadWeight: fixedpoint.Q(4, 10), HeadBias: fixedpoint.Q(5, 9), Probability: fixedpoint.UQ(0, 12),
			Error: fixedpoint.Q(3, 11), Lambda: fixedpoint.UQ(3, 5),
			StateRounding: fixedpoint.Truncate, UpdateRounding: fixedpoint.NearestUp,
		},
		Array:  Array{2, 4, 1},
		Memory: Memory{64, 16, 4, 5, 65536, OnChip},
		Init:   Init{Gain: 1, Bias: -0.5, HeadGain: 2, Mean: 0.5},
		Seed:   7,

		Sequence: Sequence{Starts: 4, Task: Infer, RateFactor: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	wantSources := &Sources{Weights: "golden/weights.npz", Input: "golden/samples.npz"}
	if diff := cmp.Diff(wantSources, src); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

// TestWriteTOML writes the configuration of every preset and an unusual one,
// reads it back, and writes it again.
func TestWriteTOML(t *testing.T) {
	odd, err := Preset("small")
	if err != nil {
		t.Fatal(err)
	}
	odd.PoolIndex, odd.Activation, odd.Beta, odd.Seed = Live, Unit, 1e-3, 1<<63-1
	odd.Formats.StateRounding = fixedpoint.Truncate
	odd.Rates, odd.GivenStates = []float64{1.0 / 3, 0, 1e21}, true
	configs := []*Config{odd}
	for _, name := range PresetNames() {
		cfg, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		configs = append(configs, cfg)
	}
	for _, cfg := range configs {
		var first, second bytes.Buffer
		src := Sources{Weights: "golden/weights.npz", Input: "golden/samples.npz"}
		if cfg.GivenStates {
			src.States = "golden/states.npz"
		}
		if err := WriteTOML(&first, cfg, src); err != nil {
			t.Fatal(err)
		}
		got, again, problem := resolveTOML(t, first.String())
		if problem != "" {
			t.Fatalf("%s: %s in\n%s", cfg.Network.Name, problem, first.String())
		}
		if diff := cmp.Diff(cfg, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", cfg.Network.Name, diff)
		}
		if err := WriteTOML(&second, got, *again); err != nil {
			t.Fatal(err)
		}
		if first.String() != second.String() {
			t.Errorf("%s: second writing differs:\n%s", cfg.Network.Name, cmp.Diff(first.String(), second.String()))
		}
	}
}

func TestTOMLNetworks(t *testing.T) {
	const tables = `
[network]
input = "1x12x12"
[[layer]]
channels = 6
kernel = 5
pool = true
[[layer]]
channels = 4
padding = 0
[[layer]]
kind = "dense"
channels = 3
`
	tests := []struct{ text, name, notation, input string }{
		{"[network]\ninput = \"1x12x12\"\n[[layer]]\nchannels = 6\nstride = 2\npool = \"average\"", "custom", "6s2,A", "1x12x12"},
		{tables, "custom", "6k5,M,4p0,fc3", "1x12x12"},
		{"", "vgg11", "64,M,128,M,256,256,M,512,512,M,512,512,M,fc10", "3x32x32"},
		{"network.preset = \"tiny\"", "tiny", "8,M,fc4", "1x8x8"},
		{"network.preset = \"tiny\"\nnetwork.input = \"2x6x6\"\nnetwork.classes = 7", "tiny", "8,M,fc7", "2x6x6"},
		{"network.layers = \"4,fc2\"", "custom", "4,fc2", "3x32x32"},
		{"[network]\nlayers = \"4,fc2\"\nname = \"n\"", "n", "4,fc2", "3x32x32"},
	}
	for _, test := range tests {
		cfg, _, problem := resolveTOML(t, test.text)
		if problem != "" {
			t.Errorf("%s: %s", test.text, problem)
			continue
		}
		net := &cfg.Network
		got := fmt.Sprintln(net.Name, net.Notation(), net.Input)
		if want := fmt.Sprintln(test.name, test.notation, test.input); got != want {
			t.Errorf("%s: got %swant %s", test.text, got, want)
		}
	}
}

func TestTOMLErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"[phases]\nfree-stepz = 3", "net.toml: unknown key phases.free-stepz, nearest is phases.free-steps"},
		{"sed = 3", "net.toml: unknown key sed, nearest is seed"},
		{"a = ", "net.toml: line 1: unexpected EOF; expected value, want TOML"},
		{"[phases]\nbatch = \"two\"", `net.toml: phases.batch: "two", want an integer`},
		{"[phases]\nbatch = 1.5", `net.toml: phases.batch: 1.5, want an integer`},
		{"[phases]\nbatch = 0", `net.toml: phases.batch: 0, want an integer 1..256`},
		{"[phases]\nbeta = -1", `net.toml: phases.beta: -1, want a finite number above 0`},
		{"[phases]\nbeta = nan", `net.toml: phases.beta: NaN, want a finite number above 0`},
		{"[phases]\npool-index = \"cold\"", `net.toml: phases.pool-index: "cold", want "frozen" or "live"`},
		{"[phases]\ndamping = 9", `net.toml: phases.damping: 9, want an integer 0..8`},
		{"[phases]\ninitial-states = \"random\"\ninitial-state = 0.5", `net.toml: phases.initial-state: 0.5 with phases.initial-states, want 0`},
		{"[network]\nlayers = \"4,fc2\"\n[phases]\ninitial-states = \"s.npz\"\nlayer-initial = [0.5, 0]", `net.toml: phases.layer-initial: [0.5 0] with phases.initial-states, want none`},
		{"[phases]\ninitial-states = \"drawn\"", `net.toml: phases.initial-states: "drawn", want a file ending in .npz, or random`},
		{"[phases]\ndamping = 1\ninitial-state = 0.5", `net.toml: phases.initial-state: 0.5 with damping 1, want 0 or damping 0`},
		{"[phases]\ninitial-state = 1.5", `net.toml: phases.initial-state: 1.5, want a number 0..1`},
		{"[phases]\nlayer-initial = [0.5]", `net.toml: phases.layer-initial: 1 numbers, want 8, one for each layer, or none`},
		{"[network]\nlayers = \"4,fc2\"\n[phases]\nlayer-initial = [0.5, -1]", `net.toml: phases.layer-initial: layer 2: -1, want a number 0..1`},
		{"[formats]\nlayer-state = [\"UQ0.8\"]", `net.toml: formats.layer-state: 1 formats, want 8, one for each layer, or none`},
		{"[formats]\nlayer-state = \"UQ0.8\"", `net.toml: formats.layer-state: "UQ0.8", want a list of formats such as ["UQ0.8", "UQ0.15"]`},
		{"[network]\nlayers = \"4,fc2\"\n[formats]\nlayer-weight = [\"Q0.8\", \"UQ0.8\"]",
			`net.toml: formats.layer-weight: layer 2: UQ0.8 is unsigned, want a signed format QN.M`},
		{"[network]\nlayers = \"4,fc2\"\n[formats]\nlayer-bias = [\"Q0.8\", \"Q20.20\"]",
			`net.toml: formats.layer-bias: layer 2: Q20.20 has 41 bits, want 1..32`},
		{"[sequence]\nrate-factor = 0.5", `net.toml: sequence.rate-factor: 0.5 with learning.host-rates false, want 1`},
		{"[learning]\nfrozen = [2]", `net.toml: learning.frozen: [2], want layers 1 to 8 to learn without a gap`},
		{"[learning]\nfrozen = [1, 1]", `net.toml: learning.frozen: 1, want different layers 1..8`},
		{"[learning]\nclip = -1", `net.toml: learning.clip: -1, want a finite number of at least 0`},
		{"[phases]\nmin-steps = 13", `net.toml: phases.min-steps: 13, want an integer 2..12`},
		{"[phases]\nstart = \"hot\"", `net.toml: phases.start: "hot", want "cold" or "warm"`},
		{"[phases]\nbetas = [1, 2]", `net.toml: phases.betas: given with estimate symmetric, want estimate points`},
		{"[network]\nlayers = \"4,fc2\"\n[phases]\nestimate = \"points\"\nbetas = [1, 2]\nbeta-weights = [1, -2]", `net.toml: phases.beta-weights: a sum of -1, want 0`},
		{"[phases]\nschedule = \"cosine\"", `net.toml: phases.schedule: "cosine", want "synchronous" or "asynchronous"`},
		{"[phases]\nactivation = 1", `net.toml: phases.activation: 1, want "half" or "unit"`},
		{"[phases]\nnudge-steps = 70000", `net.toml: phases.nudge-steps: 70000, want an integer 1..65535`},
		{"seed = -1", `net.toml: seed: -1, want an integer of at least 0`},
		{"seed = [1]", `net.toml: seed: [1], want an integer of at least 0`},
		{"[seed]\nx = 1", `net.toml: seed: a table, want an integer of at least 0`},
		{"[learning]\nrates = [1, 2]", `net.toml: learning.rates: 2 values, want 8, one for each layer`},
		{"[learning]\nrates = [1, \"a\"]", `net.toml: learning.rates: [1 a], want a list of numbers`},
		{"[network]\npreset = \"tiny\"\n[learning]\nrates = [1, -2]",
			`net.toml: learning.rates: -2 for layer 2, want a finite number of at least 0`},
		{"[formats]\nweight = \"1.14\"", `net.toml: formats.weight: "1.14", want a format of 1 to 32 bits such as "Q1.14" or "UQ0.15"`},
		{"[formats]\nweight = \"UQ1.14\"", `net.toml: formats.weight: UQ1.14 is unsigned, want a signed format QN.M`},
		{"[formats]\nstate = \"Q0.15\"", `net.toml: formats.state: Q0.15 is signed, want an unsigned format UQN.M`},
		{"[formats]\nweight = \"Q20.20\"", `net.toml: formats.weight: Q20.20 has 41 bits, want 1..32`},
		{"[formats]\nrate-bits = 1", `net.toml: formats.rate-bits: 1, want an integer 2..32`},
		{"[formats]\nstate-rounding = \"up\"",
			`net.toml: formats.state-rounding: "up", want "nearest-even", "nearest-up", "truncate" or "stochastic"`},
		{"[array]\nsize = 33", `net.toml: array.size: 33, want an integer 1..32`},
		{"[array]\nrows = 12\ncolumns = 8", `net.toml: array.rows: 12x8, want sides of which the longer is a multiple of the shorter`},
		{"[memory]\ndata-width = 100", `net.toml: memory.data-width: 100, want one of 32 64 128 256 512`},
		{"[memory]\nburst-beats = 256",
			`net.toml: memory.burst-beats: 256 beats of 256 bits are 8192 bytes, want at most 4096 bytes (128 beats)`},
		{"[memory]\nslab-bits = 1000", `net.toml: memory.slab-bits: 1000, want at least 2359296 for two slabs of layer 6 ` +
			`(or a smaller array than 16x16)`},
		{"[network]\npreset = \"vgg6\"", `net.toml: network.preset: unknown preset "vgg6", nearest is "vgg5", want one of ` +
			`tiny, small, mnist-conv, vgg5, vgg5-valid, vgg7, vgg9, vgg11, vgg12`},
		{"[network]\nlayers = \"8,N,fc4\"", `net.toml: network.layers: layers "8,N,fc4": token 2 "N": want a convolution ` +
			`such as 64, 32k5p0 or 64s2, M or A, or a dense layer such as fc10`},
		{"[network]\ninput = \"3x32\"", `net.toml: network.input: shape "3x32", want CxHxW such as 3x32x32`},
		{"[network]\nclasses = 0", `net.toml: network.classes: 0, want an integer 1..65535`},
		{"[network]\nname = \"a b\"", `net.toml: network.name: "a b", want 1 to 64 letters, digits, '-', '_' or '.'`},
		{"[network]\npreset = \"tiny\"\nlayers = \"fc3\"", `net.toml: network.preset and net.toml: network.layers ` +
			`are both given, want one way to name the network`},
		{"layer = 3", `net.toml: layer: 3, want tables [[layer]]`},
		{"[[layer]]\nchannels = 3\nstride = 3", `net.toml: layer 1: stride 3, want 1 or 2`},
		{"[[layer]]\nchannels = 3\nstride = 0", `net.toml: [[layer]] 1: stride: 0, want 1 or 2`},
		{"[[layer]]\nchannels = 3\nbreadth = 2", `net.toml: [[layer]] 1: unknown key breadth, nearest is bias`},
		{"[[layer]]\nchannels = \"3\"", `net.toml: [[layer]] 1: channels: "3", want an integer`},
		{"[[layer]]\nchannels = 3\npool = 1", `net.toml: [[layer]] 1: pool: 1, want "none", "max" or "average"`},
		{"[[layer]]\nkernel = 3", `net.toml: layer 1: 0 channels, want 1..65535`},
		{"[[layer]]\nkind = \"fc\"\nchannels = 3", `net.toml: [[layer]] 1: kind: "fc", want conv or dense`},
		{"[[layer]]\nkind = \"dense\"\nchannels = 3\nkernel = 3", `net.toml: [[layer]] 1: kernel: 3 for a dense layer, want none`},
		{"input = \"a\"\ndata = \"b\"", `net.toml: input and net.toml: data are both given, want one of them`},
		{"first-sample = -2", `net.toml: first-sample: -2, want an integer of at least 0`},
	}
	for _, test := range tests {
		_, _, got := resolveTOML(t, test.text)
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.text, got, test.want)
		}
	}
}

func TestTOMLMissingFile(t *testing.T) {
	t.Chdir(t.TempDir())
	var d Draft
	got := fmt.Sprint(d.ReadTOML("none.toml"))
	if want := "none.toml: no such file or directory"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
