package fuzz

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/ep"
	"epgen/internal/tooltest"
)

// TestGenerates draws designs and generates their Verilog, which the checks of
// package hdl read; nothing is simulated.
func TestGenerates(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		s, err := Draw(seed)
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.design()
		if err == nil {
			_, err = d.RTL("epgen")
		}
		if err != nil {
			t.Errorf("seed %d: %v\n%v", seed, err, s)
		}
	}
}

// TestEveryOption checks that over a hundred seeds every option takes several values in training
// builds, which are most: inference builds shed many.
func TestEveryOption(t *testing.T) {
	values := map[string]map[string]bool{}
	inferences := 0
	for seed := range uint64(100) {
		s, err := Draw(seed)
		if err != nil {
			t.Fatal(err)
		}
		if s[build.Key] == "inference" {
			inferences++
			continue
		}
		for _, o := range Options {
			if values[o.Key] == nil {
				values[o.Key] = map[string]bool{}
			}
			values[o.Key][s[o.Key]] = true // "" is the default
		}
	}
	if inferences < 10 || inferences > 40 {
		t.Errorf("%d of 100 designs are inference builds, want about 25", inferences)
	}
	for _, o := range Options {
		if len(values[o.Key]) < 2 {
			t.Errorf("%s takes %d values, want several", o.Key, len(values[o.Key]))
		}
	}
}

// TestSettings checks that what String writes is read back.
func TestSettings(t *testing.T) {
	s, err := Draw(3)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(s.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := Parse("network.layers"); err == nil {
		t.Error("a setting without a value is accepted")
	}
}

// TestShrink makes designs smaller that fail for one reason each.
func TestShrink(t *testing.T) {
	for _, c := range []struct {
		fails func(cfg *ep.Config) bool
		want  string
	}{
		{func(cfg *ep.Config) bool { return cfg.Network.Layers[0].Stride == 2 }, "network.layers=1k1p0s2"},
		{func(cfg *ep.Config) bool { return len(cfg.Network.Layers) > 1 && cfg.Batch > 1 }, "network.layers=fc1,fc1 phases.batch=2"},
		{func(*ep.Config) bool { return true }, ""},
	} {
		fails := func(s Settings) bool {
			cfg, err := s.config()
			return err == nil && c.fails(cfg)
		}
		for seed := uint64(0); ; seed++ {
			s, err := Draw(seed)
			if err != nil {
				t.Fatal(err)
			}
			if !fails(s) {
				continue
			}
			small := Shrink(s, fails)
			if !fails(small) || len(small) > len(s) {
				t.Errorf("%v became %v", s, small)
			}
			for _, simpler := range Simpler(small) {
				if fails(simpler) {
					t.Errorf("%v can still become %v", small, simpler)
				}
			}
			break
		}
	}
}

// TestKept simulates the designs that failed once.
func TestKept(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates")
	}
	tooltest.Need(t, "verilator", "iverilog", "yosys")
	kept, err := Kept("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range kept {
		t.Run(name, func(t *testing.T) {
			if err := Check(context.Background(), s, t.TempDir(), true); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCheckFails edits generated Verilog and golden data to see that each stage notices.
func TestCheckFails(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates")
	}
	tooltest.Need(t, "verilator")
	dir := t.TempDir()
	s := Settings{"network.layers": "3,M,fc2", "network.input": "1x4x4"}
	if _, err := writePackage(s, dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "rtl", "ep_lane.v")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(sound), "endmodule", "wire spare = 1'b0;\nendmodule", 1)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	var f *Failure
	if err := checkLint(context.Background(), dir, false); !errors.As(err, &f) || f.Stage != "verilator" {
		t.Errorf("an unused wire: %v, want a failure of verilator", err)
	}
	if err := Check(context.Background(), Settings{"network.layers": "fc0"}, t.TempDir(), false); !errors.As(err, &f) || f.Stage != "generate" {
		t.Errorf("no units: %v, want a failure of generate", err)
	}
}
