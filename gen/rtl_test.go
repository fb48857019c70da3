package gen

import (
	"os"
	"path/filepath"
	"testing"

	"epgen/ep"
)

func TestDumpRTL(t *testing.T) {
	name, dir := os.Getenv("NET"), os.Getenv("OUT")
	if dir == "" {
		t.Skip("OUT is not set")
	}
	cfg, err := ep.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	files, err := d.RTL("epgen -config config.toml")
	if err != nil {
		t.Fatal(err)
	}
	for n, b := range files {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, n)), 0o755)
		os.WriteFile(filepath.Join(dir, n), b, 0o644)
	}
}
