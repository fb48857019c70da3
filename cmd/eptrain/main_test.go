package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"epgen/npz"
)

// smallRun are the flags of a run of a second.
var smallRun = strings.Fields("-layers 4,M,fc3 -input-shape 1x8x8 -train-samples 60 -batch 6 -epochs 2 " +
	"-free-steps 6 -nudge-steps 4 -crop 1")

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(args, &out); err != nil {
		t.Fatalf("eptrain %s: %v", strings.Join(args, " "), err)
	}
	return out.String()
}

func mustRead(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRunAndResume checks the files of a run, and that one which ends after an
// epoch and is resumed has the same weights.
func TestRunAndResume(t *testing.T) {
	for _, arith := range []string{"float64", "fixed"} {
		dir := t.TempDir()
		whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
		args := append(smallRun, "-arith", arith, "-schedule", "constant")
		if out := mustRun(t, append(args, "-o", whole)...); strings.Count(out, "test accuracy") != 3 {
			t.Errorf("%s: output\n%s\nwant a line for each of two epochs and a summary", arith, out)
		}
		mustRun(t, append(args, "-o", parts, "-epochs", "1")...)
		mustRun(t, "-resume", parts, "-epochs", "2")
		for _, name := range []string{"last.npz", "best.npz", checkpointName, configName} {
			if !bytes.Equal(mustRead(t, whole, name), mustRead(t, parts, name)) {
				t.Errorf("%s: %s differs after resuming", arith, name)
			}
		}
		// The best weights have the accuracy that the run reports.
		out := mustRun(t, append(args, "-evaluate", "-weights", filepath.Join(whole, "best.npz"))...)
		r, err := reopen(whole)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("accuracy %.2f %% of 1000 test samples", 100*r.best()); !strings.Contains(out, want) {
			t.Errorf("%s: evaluated\n%s\nwant %s", arith, out, want)
		}
		if got := strings.Count(string(mustRead(t, parts, metricsName)), "\n"); got != 2 {
			t.Errorf("%s: %d lines of metrics, want 2", arith, got)
		}
		out = mustRun(t, "-compare", whole+","+parts, "-o", filepath.Join(dir, "compare"))
		if strings.Count(out, fmt.Sprintf("%.2f %%", 100*r.best())) < 2 {
			t.Errorf("%s: compared\n%s\nwant the accuracy of two equal runs", arith, out)
		}
		mustRead(t, dir, "compare", "test-accuracy.svg")
		for _, name := range []string{"accuracy", "loss", "state", "response", "update", "residual", "limited"} {
			for format, magic := range map[string]string{"png": "\x89PNG", "svg": "<?xml"} {
				if !bytes.HasPrefix(mustRead(t, whole, name+"."+format), []byte(magic)) {
					t.Errorf("%s.%s does not begin with %q", name, format, magic)
				}
			}
		}
	}
}

func reopen(dir string) (*runState, error) {
	s, err := parse([]string{"-resume", dir})
	if err != nil {
		return nil, err
	}
	return start(s)
}

// TestInterrupt interrupts within an epoch and resumes.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	mustRun(t, append(smallRun, "-o", whole)...)
	s, err := parse(append(smallRun, "-o", parts))
	if err != nil {
		t.Fatal(err)
	}
	r := begin(t, s)
	stop := make(chan os.Signal, 1)
	stop <- os.Interrupt
	if err := r.loop(io.Discard, stop); err != nil {
		t.Fatal(err)
	}
	if r.t.Batch != 1 || r.t.Epoch != 0 {
		t.Fatalf("stopped after batch %d of epoch %d, want 1 of 0", r.t.Batch, r.t.Epoch)
	}
	// What a run leaves that dies while it writes.
	if err := os.WriteFile(filepath.Join(parts, ".checkpoint.npz-123"), []byte("PK\x03"), 0o666); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "-resume", parts)
	if !bytes.Equal(mustRead(t, whole, checkpointName), mustRead(t, parts, checkpointName)) {
		t.Errorf("%s differs after an interrupt", checkpointName)
	}
}

func begin(t *testing.T, s *settings) *runState {
	t.Helper()
	r, err := start(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPeriodicSave checks that a run which dies between epochs resumes from the
// last periodic checkpoint to the same bits.
func TestPeriodicSave(t *testing.T) {
	dir := t.TempDir()
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	mustRun(t, append(smallRun, "-o", whole)...)
	s, err := parse(append(smallRun, "-o", parts))
	if err != nil {
		t.Fatal(err)
	}
	r := begin(t, s)
	for range 3 {
		if _, _, err := r.t.Step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	if time.Since(r.saved) > time.Minute {
		t.Errorf("saved at %v, want now", r.saved)
	}
	mustRun(t, "-resume", parts)
	if !bytes.Equal(mustRead(t, whole, checkpointName), mustRead(t, parts, checkpointName)) {
		t.Errorf("%s differs", checkpointName)
	}
}

// TestAtomic checks that a failed write leaves the old file and nothing else.
func TestAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	err := writeAtomic(path, func(w io.Writer) error {
		if _, err := w.Write([]byte("new")); err != nil {
			return err
		}
		return fmt.Errorf("disk full")
	})
	if want := path + ": disk full"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || string(mustRead(t, path)) != "old" {
		t.Errorf("%d files, %q, want the old one alone", len(entries), mustRead(t, path))
	}
}

func TestGradCheckAndTrace(t *testing.T) {
	dir := t.TempDir()
	args := strings.Fields("-layers 4,M,fc3 -input-shape 1x8x8 -train-samples 10 -batch 4 -free-steps 60 -beta 0.1")
	for _, arith := range []string{"float64", "fixed"} {
		out := mustRun(t, append(args, "-gradcheck", "-arith", arith, "-o", filepath.Join(dir, "check"))...)
		if !strings.Contains(out, "layer2") {
			t.Errorf("%s: no table in\n%s", arith, out)
		}
		path := filepath.Join(dir, arith+".npz")
		mustRun(t, append(args, "-trace", path, "-arith", arith)...)
		if arrays, err := npz.ReadFile(path); err != nil || len(arrays) != 15 {
			t.Errorf("%s: trace of %d arrays, %v, want 15", arith, len(arrays), err)
		}
	}
	mustRead(t, dir, "check", "gradcheck.svg")
}

// TestPrecision runs the study on a tiny network, stops it half way, and checks that a second
// call goes on and makes the same table, and that given weights are not trained.
func TestPrecision(t *testing.T) {
	dir := t.TempDir()
	args := append(strings.Fields("-layers 4,M,fc3 -input-shape 1x8x8 -train-samples 16 -batch 4 -free-steps 8 -nudge-steps 4 "+
		"-epochs 1 -precision -o"), dir)
	whole := mustRun(t, args...)
	want := len(stateBits) + 3*len(weightBits) + 3 + len(differenceStates) + len(fewDifferences) + 1
	if got := strings.Count(whole, "UQ0."); got != want {
		t.Errorf("%d variants in\n%s\nwant %d", got, whole, want)
	}
	for _, name := range []string{"precision.txt", "precision-accuracy.svg", "precision-states.png", "precision-weights.png"} {
		mustRead(t, dir, name)
	}
	path := filepath.Join(dir, armsName)
	lines := bytes.SplitAfter(mustRead(t, path), []byte("\n"))
	if err := os.WriteFile(path, bytes.Join(lines[:want/2], nil), 0o666); err != nil {
		t.Fatal(err)
	}
	if again := mustRun(t, args...); again != whole {
		t.Errorf("continued:\n%s\nwant\n%s", again, whole)
	}
	if err := os.WriteFile(path, []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := run(args, io.Discard); err == nil || !strings.Contains(err.Error(), armsName+": line 1") {
		t.Errorf("damaged file: got %v, want its line", err)
	}
	err := run(append(args, "-momentum", "0.9"), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "want both 0") {
		t.Errorf("momentum: got %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("full/x", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"", "flag -o is missing, want the directory of the run"},
		{"-o r x", `unexpected argument "x", want flags only`},
		{"-o r -lr 1", "unknown flag -lr, nearest is -o (see eptrain -help)"},
		{"-o r -arith float", `flag -arith: "float", want float64 or fixed`},
		{"-o r -update exact", `flag -update: "exact", want float or hardware`},
		{"-o r -loss l1", `flag -loss: "l1", want mse or ce`},
		{"-o r -epochs 0", "flag -epochs: 0, want an integer 1..65535"},
		{"-o r -momentum 2", "flag -momentum: 2, want a number of at least 0 and below 1"},
		{"-o r -update hardware", "flag -update: hardware with arithmetic float64, want arithmetic fixed"},
		{"-o r -layers nine", `unknown preset "nine"`},
		{"-o full -layers tiny", "directory of the run full: has contents, want a new or empty one, or -resume"},
		{"-resume r -batch 3", "flags -resume and -batch are both given, want -resume with no other flag but -epochs"},
		{"-resume r", "r/train.json: no such file or directory, want a directory that eptrain wrote"},
		{"-o r -layers tiny -data none", "data directory none: no such file or directory"},
		{"-trace t.npz -gradcheck", "flags -gradcheck and -trace are given, want one of them"},
	} {
		err := run(strings.Fields(c.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.args, err, c.want)
		}
	}
}

// TestUsage checks that the help names every flag.
func TestUsage(t *testing.T) {
	var b bytes.Buffer
	if err := usage(&b); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"layers", "resume", "gradcheck", "trace", "schedule", "decay", "pool-index", "data"} {
		if !strings.Contains(b.String(), "  -"+name+" ") {
			t.Errorf("help does not name -%s", name)
		}
	}
}
