package ep

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const headNetwork = "[network]\nlayers = \"4,M,6,M,8,fc5\"\ninput = \"2x16x16\"\n"

// TestHeadTables reads heads of every kind, writes them and reads them back.
func TestHeadTables(t *testing.T) {
	text := headNetwork + `loss = "ce"
[heads]
rate = 0.25
[[head]]
layer = 3
kind = "features"
features = 7
grid = 4
[[head]]
layer = 1
kind = "logits"
lambda = 0.5
lambda-schedule = "cosine"
temperature = 3
mix = 0.75
free-state = true
[[head]]
layer = "readout"
rate = 0.125
center = false
`
	text = strings.ReplaceAll(text, `kind = "features"`+"\n", `kind = "features"`+"\ndense = true\n")
	text = strings.Replace(text, "[[head]]\nlayer = 3", "[[head]]\nlayer = 2\n\n[[head]]\nlayer = 3", 1)
	// A readout reads the last layer; it shares it with no head.
	_, _, problem := resolveTOML(t, text)
	if want := "head3: layer: 3 is the last"; !strings.Contains(problem, want) {
		t.Errorf("problem %q, want %q", problem, want)
	}
	text = strings.Replace(text, "[[head]]\nlayer = 2\n\n[[head]]\nlayer = 3", "[[head]]\nlayer = 2", 1)
	got, _, problem := resolveTOML(t, text)
	if problem != "" {
		t.Fatal(problem)
	}
	want := []HeadSpec{
		{Layer: 1, Kind: LogitHead, Grid: 2, Lambda: 0.5, LambdaSchedule: Cosine, Rate: 0.25, Center: true, FreeState: true,
			Temperature: 3, Mix: 0.75},
		{Layer: 2, Kind: FeatureHead, Grid: 4, Outputs: 7, Dense: true, Lambda: 1, Rate: 0.25, Center: true, Temperature: 2, Mix: 0.5},
		{Layer: 3, Readout: true, Lambda: 1, Rate: 0.125, Temperature: 2, Mix: 0.5},
	}
	if diff := cmp.Diff(want, got.Network.HeadSpecs()); diff != "" {
		t.Errorf("heads (-want +got):\n%s", diff)
	}
	if got.Network.Classes() != 5 || len(got.Network.Layers) != 3 || len(got.Rates) != 3 {
		t.Errorf("%d classes, %d layers, %d rates, want 5, 3, 3", got.Network.Classes(), len(got.Network.Layers), len(got.Rates))
	}
	var b bytes.Buffer
	if err := WriteTOML(&b, got, Sources{}); err != nil {
		t.Fatal(err)
	}
	again, _, problem := resolveTOML(t, b.String())
	if problem != "" {
		t.Fatal(problem)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("read back (-want +got):\n%s\n%s", diff, b.String())
	}
}

func TestHeadErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"loss = \"l1\"\n", `network.loss: "l1", want mse or ce`},
		{"[heads]\nlayers = \"4\"\n", `heads.layers: "4", want none, all, or layers 1..3`},
		{"[heads]\nlayers = \"1,1\"\n", "names layer 1 twice"},
		{"[[head]]\nlayer = 9\n", "[[head]] 1: layer: 9, want 1..4"},
		{"[[head]]\nlayer = \"readout\"\n", `[[head]] 1: layer: "readout", want a number 1..4, or "readout" with loss ce`},
		{"[[head]]\nlayer = 1\ngrids = 2\n", "[[head]] 1: unknown key grids, nearest is grid"},
		{"[[head]]\nlayer = 1\ngrid = 3\n", "head1: grid: 3 on maps of 8x8, want one of [1 2 4 8], or 0, the full map"},
		{"[[head]]\nlayer = 1\n[[head]]\nlayer = 1\n", "head1: layer: 1 has a head already"},
		{"[[head]]\nlayer = 1\nkind = \"features\"\n", "head1: features: 0, want the number of the teacher's channels"},
		{"[[head]]\nlayer = 1\nkind = \"soft\"\n", `[[head]] 1: kind: "soft", want "ce"`},
		{"[[head]]\nlayer = 1\nlambda = -1\n", "head1: lambda: -1, want a finite number of at least 0"},
		{"[[head]]\nlayer = 1\nkind = \"logits\"\nmix = 2\n", "head1: mix: 2, want a number 0..1"},
		{"[[head]]\nlayer = 1\nkind = \"logits\"\ntemperature = 0.5\n", "head1: temperature: 0.5, want a number 1..64"},
	} {
		_, _, problem := resolveTOML(t, headNetwork+c.text)
		if !strings.Contains(problem, c.want) {
			t.Errorf("%q: problem %q, want %q", c.text, problem, c.want)
		}
	}
}

// headConfig is trainConfig with a readout and a head of each given kind on layer 1.
func headConfig(t *testing.T, heads ...HeadSpec) *Config {
	t.Helper()
	cfg := trainConfig()
	cfg.Network = withHeads(t, cfg.Network, true, heads...)
	cfg.Rates = cfg.Rates[:len(cfg.Network.Layers)]
	cfg.Init.HeadGain, cfg.Init.Mean = 1, 0.25
	return cfg
}

// TestTrainerWithHeads compares a plain step with Float.TrainStep.
func TestTrainerWithHeads(t *testing.T) {
	for _, free := range []bool{false, true} {
		head := DefaultHead(1, Shape{6, 6, 6})
		head.FreeState = free
		cfg := headConfig(t, head)
		tr := newTrainer(t, cfg, TrainOptions{Epochs: 1})
		want, err := newFloat(t, cfg).TrainStep(InitParams(&cfg.Network, cfg.Init, cfg.Seed), batchOf(t, tr), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := tr.Step(); err != nil {
			t.Fatal(err)
		}
		for i := range want.Params.Heads { // the trainer moves the means
			want.Params.Heads[i].Mean = tr.Params.Heads[i].Mean
		}
		if d := farthest(want.Params, tr.Params); d > 1e-12 {
			t.Errorf("free state %v: parameters differ by %g, want at most 1e-12", free, d)
		}
		m := tr.EndEpoch()
		if len(m.Heads) != 2 || m.Heads[1].Name != "readout" || m.Heads[0].Update == 0 || m.Heads[0].Loss == 0 {
			t.Errorf("metrics of heads %+v, want those of head1 and readout", m.Heads)
		}
	}
}

// farthest is the largest difference of two parameters.
func farthest(p, q *FloatParams) float64 {
	d := 0.0
	for n := range p.Layers {
		d = max(d, maxDifference(p.Layers[n].W, q.Layers[n].W), maxDifference(p.Layers[n].B, q.Layers[n].B))
	}
	for n := range p.Heads {
		d = max(d, maxDifference(p.Heads[n].W, q.Heads[n].W), maxDifference(p.Heads[n].B, q.Heads[n].B),
			maxDifference(p.Heads[n].Mean, q.Heads[n].Mean))
	}
	return d
}

// TestHeadFiles writes weights and checkpoints of a network with heads and reads them.
func TestHeadFiles(t *testing.T) {
	cfg := headConfig(t, DefaultHead(1, Shape{6, 6, 6}))
	tr := newTrainer(t, cfg, TrainOptions{Epochs: 2, Calibrate: true, Momentum: 0.5})
	for range 2 {
		if _, _, err := tr.Step(); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	write := func(name string, f func(b *bytes.Buffer) error) string {
		var b bytes.Buffer
		path := filepath.Join(dir, name)
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	weights := write("w.npz", func(b *bytes.Buffer) error { return tr.WriteWeights(b) })
	p, err := LoadWeights(weights, &cfg.Network)
	if err != nil {
		t.Fatal(err)
	}
	if d := farthest(p, tr.Params); d != 0 {
		t.Errorf("weights read back differ by %g, want 0", d)
	}
	checkpoint := write("c.npz", func(b *bytes.Buffer) error { return tr.WriteCheckpoint(b) })
	other := newTrainer(t, cfg, TrainOptions{Epochs: 2, Calibrate: true, Momentum: 0.5})
	if err := other.ReadCheckpoint(checkpoint); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, x := range []*Trainer{tr, other} {
			if _, _, err := x.Step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if d := farthest(other.Params, tr.Params); d != 0 {
		t.Errorf("resumed training differs by %g, want 0", d)
	}
	plain := trainConfig()
	if _, err := LoadWeights(weights, &plain.Network); err == nil || !strings.Contains(err.Error(), "layer3.weight is missing") {
		t.Errorf("weights of another network: error %v, want that layer3.weight is missing", err)
	}
}
