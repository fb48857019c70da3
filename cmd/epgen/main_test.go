package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/cmd/internal/cli"
	"epgen/sim"
)

// quick keeps the schedule short; the package is complete all the same.
var quick = []string{"-layers", "tiny", "-free-steps", "2", "-nudge-steps", "1"}

// tree returns the files of a directory with their texts.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func generate(t *testing.T, args ...string) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	if err := run(append(args, "-o", dir), io.Discard); err != nil {
		t.Fatal(err)
	}
	return tree(t, dir)
}

func TestPackageIsComplete(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if err := run(append(quick, "-o", dir), io.Discard); err != nil {
		t.Fatal(err)
	}
	files := tree(t, dir)
	for _, name := range []string{
		"README.md", "config.toml", "manifest.json", "rtl/epgen_top.v", "rtl/files.f",
		"tb/Makefile", "tb/design.h", "tb/tb_top.v", "tb/main.cc",
		"golden/before.bin", "golden/after.bin", "golden/trace.bin", "golden/weights.npz", "golden/samples.npz", "golden/equilibrium.npz",
		"sw/epgen_regs.h", "sw/registers.txt", "report/estimate.json",
	} {
		if files[name] == "" {
			t.Errorf("no %s", name)
		}
	}
	m, err := cli.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.Top != "epgen_top" || m.Version == "" {
		t.Errorf("manifest has top %q, version %q", m.Top, m.Version)
	}
	for name, text := range files {
		_, listed := m.Files[name]
		if want := name != cli.ManifestName && !strings.HasPrefix(name, "report/"); listed != want {
			t.Errorf("%s in the manifest: %t, want %t", name, listed, want)
		}
		if strings.Contains(text, filepath.Dir(dir)) {
			t.Errorf("%s contains the path of the output", name)
		}
	}
	for name := range strings.FieldsSeq(files["rtl/files.f"]) {
		if files["rtl/"+name] == "" {
			t.Errorf("rtl/files.f lists %s, which does not exist", name)
		}
	}
}

func TestSameBytes(t *testing.T) {
	first := generate(t, quick...)
	if diff := cmp.Diff(first, generate(t, quick...)); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	dir := t.TempDir()
	if err := run(append(quick, "-o", filepath.Join(dir, "out")), io.Discard); err != nil {
		t.Fatal(err)
	}
	again := generate(t, "-config", filepath.Join(dir, "out", "config.toml"))
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("epgen -config out/config.toml differs:\n%s", diff)
	}
}

// TestEquilibriumOfAnother begins a package at the free equilibria of one, whose file its own
// configuration then refers to.
func TestEquilibriumOfAnother(t *testing.T) {
	dir := t.TempDir()
	package1, package2 := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	for _, args := range [][]string{
		append(quick[:len(quick):len(quick)], "-o", package1),
		append(quick[:len(quick):len(quick)], "-initial-states", filepath.Join(package1, "golden", sim.EquilibriumFile), "-o", package2),
	} {
		if err := run(args, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	first, second := tree(t, package1), tree(t, package2)
	if second["golden/states.npz"] != first["golden/equilibrium.npz"] {
		t.Error("the initial states of the second are not the equilibria of the first")
	}
	if first["golden/trace.bin"] == second["golden/trace.bin"] {
		t.Error("both have the same trace")
	}
	if diff := cmp.Diff(second, generate(t, "-config", filepath.Join(package2, "config.toml"))); diff != "" {
		t.Errorf("epgen -config differs:\n%.600s", diff)
	}
}

// TestBadInput: one clear line, and nothing is written.
func TestBadInput(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string // in the message
	}{
		{[]string{"-layers", "vgg10"}, `unknown preset "vgg10", nearest is "vgg11"`},
		{[]string{"-layers", "tiny", "-bogus", "1"}, "unknown flag -bogus"},
		{[]string{"-layers", "tiny", "-weights", "nowhere.npz"}, "nowhere.npz"},
		{[]string{"-layers", "tiny", "-beta", "-1"}, "-beta"},
		{[]string{"-layers", "tiny", "-initial-states", "none.npz"}, "none.npz: no such file"},
		{[]string{"-layers", "tiny", "-initial-states", "random", "-initial-state", "0.5"}, "-initial-state: 0.5 with phases.initial-states, want 0"},
		{[]string{"-layers", "small", "-slab-bits", "64"}, "-slab-bits: 64, want at least"},
	} {
		dir := t.TempDir()
		err := run(append(tc.args, "-o", filepath.Join(dir, "out")), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: error %v, want one with %s", tc.args, err, tc.want)
		}
		if got := tree(t, dir); len(got) != 0 {
			t.Errorf("%v: wrote %d files, want none", tc.args, len(got))
		}
	}
}
