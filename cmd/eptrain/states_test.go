package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"epgen/npz"
)

// writeStates writes initial states of count samples for the network of smallRun.
func writeStates(t *testing.T, path string, count int) {
	t.Helper()
	states := func(name string, shape ...int) npz.Array {
		a := npz.Array{Name: name, DType: npz.Float64, Shape: shape}
		size := 1
		for _, n := range shape {
			size *= n
		}
		for i := range size {
			a.Data = append(a.Data, math.Abs(math.Sin(float64(i))))
		}
		return a
	}
	var b bytes.Buffer
	if err := npz.Write(&b, []npz.Array{states("state1", count, 4, 4, 4), states("state2", count, 3)}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestInitialStates trains from given states, which a run resumes with, and looks at the gradient
// of samples with states of their own.
func TestInitialStates(t *testing.T) {
	t.Chdir(t.TempDir())
	writeStates(t, "train.npz", 60)
	writeStates(t, "batch.npz", 6)
	args := append(smallRun[:len(smallRun):len(smallRun)], "-free-steps", "2", "-schedule", "constant")
	with := func(more ...string) []string { return append(args[:len(args):len(args)], more...) }
	weights := map[string][]byte{}
	for name, states := range map[string]string{"none": "", "random": "random", "file": "train.npz"} {
		whole, parts := name, name+"-parts"
		mustRun(t, with("-initial-states", states, "-arith", "fixed", "-o", whole)...)
		mustRun(t, with("-initial-states", states, "-arith", "fixed", "-o", parts, "-epochs", "1")...)
		mustRun(t, "-resume", parts, "-epochs", "2")
		weights[name] = mustRead(t, whole, "last.npz")
		if !bytes.Equal(weights[name], mustRead(t, parts, "last.npz")) {
			t.Errorf("%s: weights differ after resuming", name)
		}
	}
	if bytes.Equal(weights["none"], weights["file"]) || bytes.Equal(weights["none"], weights["random"]) || bytes.Equal(weights["random"], weights["file"]) {
		t.Error("initial states make no difference")
	}
	if want, _ := filepath.Abs("train.npz"); !strings.Contains(string(mustRead(t, "file", configName)), want) {
		t.Errorf("%s does not name %s", configName, want)
	}
	plain := mustRun(t, with("-gradcheck")...)
	if given := mustRun(t, with("-gradcheck", "-initial-states", "batch.npz")...); given == plain {
		t.Error("-gradcheck: initial states make no difference")
	}
	mustRun(t, with("-trace", "trace.npz", "-initial-states", "batch.npz")...)
	for _, c := range []struct {
		args []string
		want string
	}{
		{with("-o", "c", "-initial-states", "batch.npz"), "batch.npz: array state1: shape [6 4 4 4], want [60 4 4 4]"},
		{with("-gradcheck", "-initial-states", "train.npz"), "train.npz: array state1: shape [60 4 4 4], want [6 4 4 4]"},
		{with("-o", "c", "-initial-states", "none.npz"), "none.npz: no such file"},
		{with("-o", "c", "-initial-states", "train"), `flag -initial-states: "train", want a file ending in .npz, or random`},
		{with("-precision", "-initial-states", "train.npz"), "flags -initial-states train.npz and -precision are given, want random"},
	} {
		if err := run(c.args, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", strings.Join(c.args, " "), err, c.want)
		}
	}
	if _, err := os.Stat("c"); err == nil {
		t.Error("a run that could not begin has a directory")
	}
}
