package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tree returns the names of all files and directories under dir.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	names := []string{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantTree(t *testing.T, dir string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), tree(t, dir)); diff != "" {
		t.Errorf("contents of %s (-want +got):\n%s", dir, diff)
	}
}

func begin(t *testing.T, dir string) *Output {
	t.Helper()
	o, err := NewOutput("test", dir)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func put(t *testing.T, o *Output, name, text string) {
	t.Helper()
	if err := o.WriteFile(name, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestOutputCommit(t *testing.T) {
	t.Chdir(t.TempDir())
	for i := range 2 { // the second time it replaces the first
		o := begin(t, "a/b/out")
		put(t, o, fmt.Sprintf("rtl/top%d.v", i), "abc")
		put(t, o, "report/estimate.json", "{}")
		if err := o.Commit("1.0", "core"); err != nil {
			t.Fatal(err)
		}
		o.Close()
		v := fmt.Sprintf("a/b/out/rtl/top%d.v", i)
		wantTree(t, ".", "a", "a/b", "a/b/out", "a/b/out/manifest.json", "a/b/out/report", "a/b/out/report/estimate.json",
			"a/b/out/rtl", v)
	}
	got, err := os.ReadFile("a/b/out/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "tool": "epgen",
  "version": "1.0",
  "top": "core",
  "files": {
    "rtl/top1.v": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
  }
}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	m, err := ReadManifest("a/b/out")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := m.JSON(); err != nil || !bytes.Equal(text, got) {
		t.Errorf("manifest read and written is %s, %v, want %s", text, err, got)
	}
}

func TestOutputClose(t *testing.T) {
	t.Chdir(t.TempDir())
	o := begin(t, "a/b/out")
	put(t, o, "x/y", "abc")
	o.Close()
	o.Close()
	wantTree(t, ".")
	if err := o.Commit("1.0", "core"); err == nil {
		t.Error("commit after close succeeded")
	}
}

// TestOutputKeepsOld checks that the old package stays until the new one is complete.
func TestOutputKeepsOld(t *testing.T) {
	t.Chdir(t.TempDir())
	o := begin(t, "out")
	put(t, o, "old", "1")
	if err := o.Commit("1.0", "core"); err != nil {
		t.Fatal(err)
	}
	o = begin(t, "out")
	put(t, o, "new", "1")
	if _, err := os.Stat("out/old"); err != nil {
		t.Error(err)
	}
	o.Close()
	wantTree(t, ".", "out", "out/manifest.json", "out/old")
}

func TestOutputRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"foreign/notes": "x", "other/manifest.json": `{"tool":"other"}`} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("file", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	before := tree(t, ".")
	contents := "has contents but no manifest.json of epgen, want a new directory or one that epgen wrote"
	tests := []struct{ dir, want string }{
		{"foreign", "output directory foreign: " + contents},
		{"other/", "output directory other/: " + contents},
		{"file", "output directory file: is a file, want a new directory or one that epgen wrote"},
		{"file/out", "output directory file/out: is a file, want a new directory or one that epgen wrote"},
		{".", "output directory .: " + contents},
	}
	for _, test := range tests {
		_, err := NewOutput("test", test.dir)
		if got := fmt.Sprint(err); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
	wantTree(t, ".", before...)
	t.Chdir(t.TempDir())
	_, err := NewOutput("test", ".")
	if got, want := fmt.Sprint(err), "output directory .: holds the current directory, want another"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestOutputAppears covers a directory that someone fills while we work.
func TestOutputAppears(t *testing.T) {
	t.Chdir(t.TempDir())
	o := begin(t, "out")
	defer o.Close()
	if err := os.Mkdir("out", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("out/mine", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := o.Commit("1.0", "core"); err == nil {
		t.Error("commit over a foreign directory succeeded")
	}
	if _, err := os.Stat("out/mine"); err != nil {
		t.Error(err)
	}
}

// TestOutputFullDisk writes to the device that is always full.
func TestOutputFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full on this system")
	}
	t.Chdir(t.TempDir())
	o := begin(t, "out")
	defer o.Close()
	if err := os.Symlink("/dev/full", filepath.Join(o.Dir(), "x.v")); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(o.WriteFile("x.v", []byte("abc")))
	if want := "out/x.v: no space left on device"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestOutputInterrupt runs this test binary as a command and interrupts it.
func TestOutputInterrupt(t *testing.T) {
	if dir := os.Getenv("EPGEN_TEST_INTERRUPT"); dir != "" {
		o := begin(t, dir)
		put(t, o, "x", "abc")
		fmt.Println("ready")
		time.Sleep(time.Minute)
		return
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestOutputInterrupt$")
	cmd.Env = append(os.Environ(), "EPGEN_TEST_INTERRUPT="+filepath.Join(dir, "a", "out"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != ExitFailed {
		t.Errorf("exit status %d, want %d", code, ExitFailed)
	}
	if got, want := stderr.String(), "test: interrupted, nothing written\n"; got != want {
		t.Errorf("standard error %q, want %q", got, want)
	}
	wantTree(t, dir)
}

// TestProgressLines covers work without a terminal, on a clock of its own.
func TestProgressLines(t *testing.T) {
	var b strings.Builder
	p := NewProgress(&b)
	now := time.Unix(0, 0)
	p.now = func() time.Time { return now }
	s := p.Stage("golden trace", 8)
	for range 8 {
		now = now.Add(3 * time.Second)
		s.Add(1)
	}
	s.Done()
	p.Stage("rtl", 0).Done()
	const want = "golden trace: 4 of 8 (50 %)\ngolden trace: 8 of 8 (100 %)\ngolden trace: 24.0 s\nrtl: 0.0 s\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
