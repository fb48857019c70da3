package sim

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"epgen/ep"
)

// fakeSimulator puts a shell script in the place of the built simulator.
func fakeSimulator(t *testing.T, script string) *Simulation {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{BuildDir, "tb"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, BuildDir, "sim"), []byte("#!/bin/sh\n"+script), 0o777); err != nil {
		t.Fatal(err)
	}
	return &Simulation{Dir: dir, Settings: Settings{Seed: 1, XSeed: 1, Runs: 1}}
}

func TestRunVerdict(t *testing.T) {
	tests := []struct {
		name, script string
		equal        bool
		err          string
	}{
		{"equal", "exit 0", true, ""},
		{"different", "exit 1", false, ""},
		{"cannot run", "echo 'sim: golden/trace.bin: 3 bytes, want 4' >&2; exit 2", false, "golden/trace.bin: 3 bytes, want 4"},
		{"killed", "kill -9 $$", false, "simulator ended without a verdict: signal: killed"},
		{"strange", "exit 7", false, "simulator ended without a verdict: exit status 7"},
	}
	for _, tc := range tests {
		equal, err := fakeSimulator(t, tc.script).Run(context.Background())
		got := ""
		if err != nil {
			got = err.Error()
		}
		if equal != tc.equal || got != tc.err {
			t.Errorf("%s: Run = %t, %q, want %t, %q", tc.name, equal, got, tc.equal, tc.err)
		}
	}
}

func TestRunProgressAndArguments(t *testing.T) {
	s := fakeSimulator(t, `echo "$@" > args; echo progress 5 10 free 3; echo other`)
	s.Stall, s.Latency, s.Seed = true, 9, 4
	var where string
	s.Progress = func(done, total uint64, w string) {
		if done != 5 || total != 10 {
			t.Errorf("progress %d of %d, want 5 of 10", done, total)
		}
		where = w
	}
	if _, err := s.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := "free phase, layer 3"; where != want {
		t.Errorf("progress at %q, want %q", where, want)
	}
	args, err := os.ReadFile(filepath.Join(s.Dir, "tb", "args"))
	if err != nil {
		t.Fatal(err)
	}
	want := "--golden=../golden --progress=lines --seed=4 --stall=1 --x-seed=1 --runs=1 --infer=0 --latency=9 --report=../report/report.json\n"
	if string(args) != want {
		t.Errorf("arguments %s, want %s", args, want)
	}
}

func TestRunRemovesOldReport(t *testing.T) {
	s := fakeSimulator(t, "kill -9 $$")
	old := filepath.Join(s.Dir, "report", "report.json")
	if err := os.MkdirAll(filepath.Dir(old), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(context.Background()); err == nil {
		t.Fatal("no error of a killed simulator")
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the report of an earlier run survives a killed simulator: %v", err)
	}
}

func TestBuildWithoutTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := (&Simulation{Dir: t.TempDir()}).Build(context.Background())
	if want := "verilator not found, install the package verilator"; err == nil || err.Error() != want {
		t.Errorf("Build = %v, want %s", err, want)
	}
}

func TestFirstError(t *testing.T) {
	output := "make: Entering\n%Warning-WIDTH: a.v:1:1: x\n%Error: a.v:2:3: syntax error\nmake: *** Error 1\n"
	if got, want := firstError([]byte(output)), "%Error: a.v:2:3: syntax error"; got != want {
		t.Errorf("firstError = %q, want %q", got, want)
	}
	if got, want := firstError([]byte("one\ntwo\n\n")), "two"; got != want {
		t.Errorf("firstError = %q, want %q", got, want)
	}
}

func TestShellWord(t *testing.T) {
	for path, want := range map[string]string{
		"out/tb": "out/tb", "/a-b/c_d.1/tb": "/a-b/c_d.1/tb", "": "''",
		"my out/tb": "'my out/tb'", "it's/tb": `'it'\''s/tb'`, "$x/tb": "'$x/tb'",
	} {
		if got := shellWord(path); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", path, got, want)
		}
	}
}

func TestLatencies(t *testing.T) {
	for own, want := range map[int]int{1: len(predictedLatencies), 33: len(predictedLatencies) + 1, 9999: len(predictedLatencies) + 1} {
		cfg := testConfig(t, "4,fc3", ep.Shape{C: 1, H: 4, W: 4}, ep.Frozen)
		cfg.Memory.ReadLatency = own
		got := latencies(cfg)
		if len(got) != want || !slices.Contains(got, own) {
			t.Errorf("latencies with %d = %v, want %d of them", own, got, want)
		}
		for i := 1; i < len(got); i++ {
			if got[i] <= got[i-1] {
				t.Errorf("latencies with %d = %v, want ascending", own, got)
			}
		}
	}
}
