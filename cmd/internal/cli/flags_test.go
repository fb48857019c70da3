package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/ep"
)

func TestResolvePreset(t *testing.T) {
	cfg, src, err := Resolve([]string{"--layers", "vgg11", "-o", "out/"})
	if err != nil {
		t.Fatal(err)
	}
	want, err := ep.Preset("vgg11")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&Sources{Out: "out/"}, src); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

// TestResolvePrecedence has the same setting in preset, file and flag.
func TestResolvePrecedence(t *testing.T) {
	t.Chdir(t.TempDir())
	const file = `
input = "s.npz"
seed = 4
[network]
preset = "tiny"
classes = 3
[phases]
beta = 0.5
batch = 2
`
	if err := os.Mkdir("dir", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("dir/net.toml", []byte(file), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ args, want string }{
		{"", "tiny 8,M,fc3 1x8x8 seed 4 beta 0.5 batch 2 array 4 input dir/s.npz data "},
		{"-beta 2 --seed=9", "tiny 8,M,fc3 1x8x8 seed 9 beta 2 batch 2 array 4 input dir/s.npz data "},
		{"-data d -classes 5", "tiny 8,M,fc5 1x8x8 seed 4 beta 0.5 batch 2 array 4 input  data d"},
		{"-input x.npz -array 2", "tiny 8,M,fc3 1x8x8 seed 4 beta 0.5 batch 2 array 2 input x.npz data "},
		{"-layers small", "small 16,M,32,M,fc10 3x16x16 seed 4 beta 0.5 batch 2 array 4 input dir/s.npz data "},
		{"-layers small -input-shape 1x12x12",
			"small 16,M,32,M,fc10 1x12x12 seed 4 beta 0.5 batch 2 array 4 input dir/s.npz data "},
		{"-layers 5,fc2", "custom 5,fc2 3x32x32 seed 4 beta 0.5 batch 2 array 4 input dir/s.npz data "},
		{"-layers fc2 -input-shape 1x2x3", "custom fc2 1x2x3 seed 4 beta 0.5 batch 2 array 4 input dir/s.npz data "},
	}
	for _, test := range tests {
		args := append([]string{"-config", "dir/net.toml", "-o", "out"}, strings.Fields(test.args)...)
		cfg, src, err := Resolve(args)
		if err != nil {
			t.Errorf("%s: %v", test.args, err)
			continue
		}
		net := &cfg.Network
		got := fmt.Sprintf("%s %s %v seed %d beta %v batch %d array %d input %s data %s", net.Name, net.Notation(), net.Input,
			cfg.Seed, cfg.Beta, cfg.Batch, cfg.Array.Size, src.Input, src.Data)
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.args, got, test.want)
		}
	}
	// -layers takes the file too.
	if cfg, _, err := Resolve([]string{"-layers", "dir/net.toml", "-o", "out"}); err != nil || cfg.Beta != 0.5 {
		t.Errorf("-layers dir/net.toml: got %v, %v, want beta 0.5", cfg, err)
	}
}

// TestResolveEveryFlag gives each flag a value unlike the default.
func TestResolveEveryFlag(t *testing.T) {
	base, err := ep.Preset("small")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"input-shape": "1x16x16", "classes": "7", "batch": "2", "free-steps": "3", "nudge-steps": "4", "beta": "0.125",
		"pool-index": "live", "sweep": "asynchronous", "damping": "2", "nudge": "outside", "output": "linear", "host-rates": "true", "rate-factor": "0.5", "frozen": "1", "clip": "0.5", "accumulate": "3", "decay-shift": "9", "momentum-shift": "3", "master-bits": "6", "min-steps": "2", "tolerance": "3", "initial-state": "0.5", "initial-states": "random", "start": "warm", "estimate": "negative",
		"betas": "1,-1", "beta-weights": "2,-2",
		"activation": "unit", "rates": "1,2,3", "weights": "w.npz", "data": "d", "first-sample": "5", "input-format": "UQ0.8", "state-format": "UQ0.8", "weight-format": "Q1.9", "bias-format": "Q1.9", "update-rounding": "truncate", "data-part": "test", "starts": "3", "task": "infer",
		"layer-state": "UQ0.8,UQ0.9,UQ0.7", "layer-weight": "Q0.8,Q1.9,Q0.7", "layer-bias": "Q0.8,Q1.9,Q0.7", "layer-initial": "0,0.5,1", "difference-bits": "8", "difference-shift": "3",
		"input": "x.npz", "seed": "6", "gain": "0.5", "bias": "0.25", "array": "8", "memory-width": "32",
		"array-rows": "4", "array-columns": "8", "weight-memory": "on-chip", "outstanding": "3", "logit-format": "Q4.9", "state-rounding": "truncate",
		"burst-beats": "9", "read-latency": "10", "slab-bits": "4000000",
		"loss": "ce", "build": "inference", "heads": "1", "head-kind": "mse", "lambda": "0.5", "head-rate": "0.25", "center": "false", "head-gain": "0.75",
	}
	for _, f := range SettingFlags {
		base, args := base, []string{"-layers", "small", "-o", "out"}
		if strings.HasPrefix(f.Key, "heads.") && f.Name != "heads" {
			args = append(args, "-heads", "2")
			if base, _, err = Resolve(args); err != nil {
				t.Fatal(err)
			}
		}
		switch f.Name { // these go together
		case "betas":
			args = append(args, "-estimate", "points", "-beta-weights", values["beta-weights"])
		case "rate-factor":
			args = append(args, "-host-rates", "true")
		case "difference-bits":
			args = append(args, "-difference-shift", values["difference-shift"])
		case "difference-shift":
			args = append(args, "-difference-bits", values["difference-bits"])
		case "beta-weights":
			args = append(args, "-estimate", "points", "-betas", values["betas"])
		}
		cfg, src, err := Resolve(append(args, "-"+f.Name, values[f.Name]))
		if err != nil {
			t.Errorf("-%s: %v", f.Name, err)
			continue
		}
		if cmp.Equal(base, cfg) && cmp.Equal(&Sources{Out: "out"}, src) {
			t.Errorf("-%s %s changes nothing", f.Name, values[f.Name])
		}
	}
}

func TestResolveErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("bad.toml", []byte("[phases]\nbetta = 1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ args, want string }{
		{"", "flag -o is missing, want the output directory"},
		{"-o out extra", `unexpected argument "extra", want flags only`},
		{"-o out -nudge-step 3", "unknown flag -nudge-step, nearest is -nudge-steps (see epgen -help)"},
		{"-o", "flag -o: nothing, want a value"},
		{"-o out -loss l1", `flag -loss: "l1", want mse or ce`},
		{"-o out -layers 4,M,fc3 -heads 2", `flag -heads: "2", want none, all, or layers 1..1 separated by commas`},
		{"-o out -layers vgg13", `flag -layers: unknown preset "vgg13", nearest is "vgg11", want one of tiny, small, mnist-conv, ` +
			`vgg5, vgg5-valid, vgg7, vgg9, vgg11, vgg12, a list such as 64,M,fc10, or a file ending in .toml`},
		{"-o out -layers 64,X", `flag -layers: layers "64,X": token 2 "X": want a convolution such as 64, 32k5p0 or 64s2, M or A, ` +
			`or a dense layer such as fc10`},
		{"-o out -layers none.toml", "none.toml: no such file or directory"},
		{"-o out -config bad.toml", "bad.toml: unknown key phases.betta, nearest is phases.beta"},
		{"-o out -config bad.toml -layers b.toml", "flags -config and -layers both name a file, bad.toml and b.toml, want one of them"},
		{"-o out -data d -input x.npz", "flags -data and -input are both given, want one of them"},
		{"-o out -batch two", `flag -batch: "two", want an integer`},
		{"-o out -batch 0", `flag -batch: 0, want an integer 1..256`},
		{"-o out -beta 0", `flag -beta: 0, want a finite number above 0`},
		{"-o out -beta x", `flag -beta: "x", want a number`},
		{"-o out -seed -1", `flag -seed: -1, want an integer of at least 0`},
		{"-o out -pool-index warm", `flag -pool-index: "warm", want "frozen" or "live"`},
		{"-o out -array 33", `flag -array: 33, want an integer 1..32`},
		{"-o out -memory-width 16", `flag -memory-width: 16, want one of 32 64 128 256 512`},
		{"-o out -input-shape 3", `flag -input-shape: shape "3", want CxHxW such as 3x32x32`},
		{"-o out -input-shape 3x8x8", `network vgg11 on input 3x8x8: layer 6: pool leaves nothing of a map of 1x1, want at least 2x2`},
		{"-o out -classes 0", `flag -classes: 0, want an integer 1..65535`},
		{"-o out -rates 1,2", `flag -rates: 2 values, want 8, one for each layer`},
		{"-o out -rates 1,a", `flag -rates: "1,a", want a list of numbers`},
		{"-o out -first-sample -3", `flag -first-sample: -3, want an integer of at least 0`},
	}
	for _, test := range tests {
		_, _, err := Resolve(strings.Fields(test.args))
		if got := fmt.Sprint(err); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.args, got, test.want)
		}
	}
	for _, name := range []string{"-h", "--help"} {
		if _, _, err := Resolve([]string{name}); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: got %v, want flag.ErrHelp", name, err)
		}
	}
}

// TestUsage checks that the help names every flag and every preset.
func TestUsage(t *testing.T) {
	var b strings.Builder
	if err := Usage(&b); err != nil {
		t.Fatal(err)
	}
	fs, _ := newFlags()
	fs.VisitAll(func(f *flag.Flag) {
		if !strings.Contains(b.String(), "  -"+f.Name+" ") {
			t.Errorf("help without flag -%s", f.Name)
		}
	})
	for _, name := range ep.PresetNames() {
		if !strings.Contains(b.String(), "  "+name+" ") {
			t.Errorf("help without preset %s", name)
		}
	}
}

func TestLine(t *testing.T) {
	got := Line("epgen", errors.New("first\nsecond \tthird"))
	if want := "epgen: first second third"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
