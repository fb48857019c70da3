package verilator

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRuntime keeps the objects of one build for the next with equal flags, and neither those
// of other flags nor anything else.
func TestRuntime(t *testing.T) {
	r := &Runtime{Dir: filepath.Join(t.TempDir(), "runtime")}
	first, second := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"verilated.o": "one", "verilated_threads.o": "two", "model.o": "three"} {
		if err := os.WriteFile(filepath.Join(first, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	check := func(flags string, want map[string]string) {
		t.Helper()
		obj := filepath.Join(second, flags, "obj")
		if err := r.Lend(flags, obj); err != nil {
			t.Fatal(err)
		}
		found, err := os.ReadDir(obj)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != len(want) {
			t.Errorf("%s: %v, want %v", flags, found, want)
		}
		for name, text := range want {
			if got, err := os.ReadFile(filepath.Join(obj, name)); err != nil || string(got) != text {
				t.Errorf("%s: %s holds %q, %v, want %q", flags, name, got, err, text)
			}
		}
	}
	check("O0", nil)
	if err := r.Keep("O0", first); err != nil {
		t.Fatal(err)
	}
	check("O0", map[string]string{"verilated.o": "one", "verilated_threads.o": "two"})
	check("O2", nil)
	if err := (*Runtime)(nil).Keep("O0", first); err != nil {
		t.Error(err)
	}
}
