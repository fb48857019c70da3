package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"epgen/cmd/internal/cli"
)

// checkPackage compares a package with its manifest and returns what differs
// but may be simulated all the same: edited or added files of rtl/, edited
// texts. A file that is missing, or golden data or a bench that is not the one
// that epgen wrote, is an error: a comparison with it would prove nothing.
func checkPackage(dir string) (edited []string, err error) {
	m, err := cli.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	for name, want := range m.Files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		got, err := cli.HashFile(path)
		if os.IsNotExist(err) {
			return nil, fmt.Errorf("%s: missing, want the file that epgen wrote", path)
		}
		if err != nil {
			return nil, err
		}
		if got == want {
			continue
		}
		if strings.HasPrefix(name, "golden/") || strings.HasPrefix(name, "tb/") {
			return nil, fmt.Errorf("%s: SHA-256 %.12s..., want %.12s... as in %s", path, got, want, cli.ManifestName)
		}
		edited = append(edited, name)
	}
	added, err := addedFiles(dir, m)
	slices.Sort(edited)
	return append(edited, added...), err
}

// addedFiles returns files of rtl/ that the manifest does not know. The bench
// would compile what lies in tb/, so nothing may be added there.
func addedFiles(dir string, m *cli.Manifest) ([]string, error) {
	var added []string
	for _, part := range []string{"rtl", "tb"} {
		entries, err := os.ReadDir(filepath.Join(dir, part))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			name := part + "/" + e.Name()
			if _, ok := m.Files[name]; ok {
				continue
			}
			if part == "tb" {
				return nil, fmt.Errorf("%s: not in %s, want only what epgen wrote", filepath.Join(dir, name), cli.ManifestName)
			}
			added = append(added, name)
		}
	}
	return added, nil
}
