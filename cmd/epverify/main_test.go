package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/cmd/internal/cli"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// testPackage is a directory with a manifest and a file of every kind.
func testPackage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.toml", "rtl/a.v", "rtl/files.f", "tb/main.cc", "golden/trace.bin"} {
		write(t, dir, name, "text of "+name)
	}
	m, err := cli.NewManifest(dir, "1.2.3", "top")
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.JSON()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, cli.ManifestName, string(text))
	return dir
}

func TestCheckPackage(t *testing.T) {
	tests := []struct {
		name   string
		change func(dir string)
		edited []string
		err    string // after the directory
	}{
		{"untouched", func(string) {}, nil, ""},
		{"edited rtl", func(d string) { write(t, d, "rtl/a.v", "x") }, []string{"rtl/a.v"}, ""},
		{"edited config", func(d string) { write(t, d, "config.toml", "x") }, []string{"config.toml"}, ""},
		{"added rtl", func(d string) { write(t, d, "rtl/b.v", "x") }, []string{"rtl/b.v"}, ""},
		{"report is free", func(d string) { write(t, d, "report/report.json", "x") }, nil, ""},
		{"missing rtl", func(d string) { os.Remove(filepath.Join(d, "rtl/a.v")) }, nil, "/rtl/a.v: missing, want the file that epgen wrote"},
		{"missing golden", func(d string) { os.Remove(filepath.Join(d, "golden/trace.bin")) }, nil, "/golden/trace.bin: missing, want the file that epgen wrote"},
		{"edited golden", func(d string) { write(t, d, "golden/trace.bin", "x") }, nil,
			"/golden/trace.bin: SHA-256 2d711642b726..., want 73fe97852681... as in manifest.json"},
		{"edited tb", func(d string) { write(t, d, "tb/main.cc", "x") }, nil,
			"/tb/main.cc: SHA-256 2d711642b726..., want f5d28f003911... as in manifest.json"},
		{"added tb", func(d string) { write(t, d, "tb/more.cc", "x") }, nil, "/tb/more.cc: not in manifest.json, want only what epgen wrote"},
		{"no manifest", func(d string) { os.Remove(filepath.Join(d, "manifest.json")) }, nil, "/manifest.json: no such file or directory, want the manifest of a package of epgen"},
	}
	for _, tc := range tests {
		dir := testPackage(t)
		tc.change(dir)
		edited, err := checkPackage(dir)
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), dir)
		}
		if got != tc.err {
			t.Errorf("%s: error %q, want %q", tc.name, got, tc.err)
		}
		if diff := cmp.Diff(tc.edited, edited); err == nil && diff != "" {
			t.Errorf("%s: edited (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-seed", "7", "out", "--stall", "-latency=9", "-runs", "2"})
	if err != nil {
		t.Fatal(err)
	}
	if o.Dir != "out" || o.Seed != 7 || !o.Stall || o.Latency != 9 || o.Runs != 2 || o.XSeed != 1 || o.Opt != 2 || !o.wave {
		t.Errorf("parse = %+v, want the flags before and after the directory", o)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "0 directories given, want one package of epgen (see epverify -help)"},
		{[]string{"a", "b"}, "2 directories given, want one package of epgen (see epverify -help)"},
		{[]string{"-runs", "0", "a"}, "flag -runs: 0, want 1..1000"},
		{[]string{"-x-seed", "0", "a"}, "flag -x-seed: 0, want 1..2147483647"},
		{[]string{"-opt", "4", "a"}, "flag -opt: 4, want 0..3"},
		{[]string{"-bogus", "a"}, "unknown flag -bogus (see epverify -help)"},
	} {
		if _, err := parse(tc.args); err == nil || err.Error() != tc.want {
			t.Errorf("parse(%q) error %v, want %s", tc.args, err, tc.want)
		}
	}
}
