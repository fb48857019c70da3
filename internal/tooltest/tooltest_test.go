package tooltest

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPlant plants a fault and puts the file back.
func TestPlant(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.v")
	const good = "a <= b;\nc <= b;\n"
	if err := os.WriteFile(path, []byte(good), 0o666); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	restore := Plant(t, path, "<= b", "<= !b")
	if got, want := read(), "a <= !b;\nc <= !b;\n"; got != want {
		t.Errorf("planted %q, want %q", got, want)
	}
	if restore(); read() != good {
		t.Errorf("put back %q, want %q", read(), good)
	}
}

// TestNeed skips for want of a program, and only then.
func TestNeed(t *testing.T) {
	for program, want := range map[string]bool{"go": false, "no such program": true} {
		skipped := true
		t.Run(program, func(t *testing.T) {
			defer func() { skipped = t.Skipped() }()
			Need(t, program)
		})
		if skipped != want {
			t.Errorf("skipped for want of %s: %t, want %t", program, skipped, want)
		}
	}
}
