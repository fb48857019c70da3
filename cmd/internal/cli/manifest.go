package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ManifestName is the file by which a directory is known as a package of epgen.
const ManifestName = "manifest.json"

// Tool is the name in manifests.
const Tool = "epgen"

// Manifest lists the contents of a package.
type Manifest struct {
	Tool    string            `json:"tool"` // Tool
	Version string            `json:"version"`
	Top     string            `json:"top"`   // name of the top module
	Files   map[string]string `json:"files"` // SHA-256 in hex by slash-separated path; not manifest.json, not report/
}

// NewManifest returns the manifest of the files that lie in dir.
func NewManifest(dir, version, top string) (*Manifest, error) {
	m := &Manifest{Tool: Tool, Version: version, Top: top, Files: map[string]string{}}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if name == ManifestName || strings.HasPrefix(name, "report/") {
			return nil
		}
		m.Files[name], err = HashFile(path)
		return err
	})
	return m, err
}

// HashFile returns the SHA-256 of a file in hex.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// JSON returns the text of the manifest file, the same for the same contents.
func (m *Manifest) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	return append(text, '\n'), err
}

// ReadManifest reads the manifest of a package. It is an error, which names the
// file, if there is none or if it is not epgen's.
func ReadManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w, want the manifest of a package of %s", path, OSCause(err), Tool)
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("%s: %w, want a manifest of %s", path, err, Tool)
	}
	if m.Tool != Tool {
		return nil, fmt.Errorf("%s: tool %q, want %q", path, m.Tool, Tool)
	}
	return &m, nil
}
