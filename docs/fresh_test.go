// Package docs keeps the generated parts of the documentation fresh.
//
// A page marks them
//
//	<!-- begin NAME -->
//	...
//	<!-- end NAME -->
//
// and the function called NAME in blocks makes what stands between. The test
// fails when a page says something else; -update rewrites the page.
package docs

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the generated parts of the documentation")

// marker matches one generated part: its name, and what stands between.
var marker = regexp.MustCompile(`(?s)<!-- begin ([a-z0-9-]+) -->\n.*?<!-- end ([a-z0-9-]+) -->\n`)

// TestFresh regenerates every marked part of every page.
func TestFresh(t *testing.T) {
	used := map[string]bool{}
	for _, page := range pages(t) {
		old, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		fresh := marker.ReplaceAllStringFunc(string(old), func(part string) string {
			name := marker.FindStringSubmatch(part)
			if name[1] != name[2] {
				t.Fatalf("%s: begin %s is followed by end %s", page, name[1], name[2])
			}
			block, ok := blocks[name[1]]
			if !ok {
				t.Fatalf("%s: nothing generates %q", page, name[1])
			}
			used[name[1]] = true
			text, err := block()
			if err != nil {
				t.Fatalf("%s: %s: %v", page, name[1], err)
			}
			return "<!-- begin " + name[1] + " -->\n" + text + "<!-- end " + name[1] + " -->\n"
		})
		diff := cmp.Diff(string(old), fresh)
		switch {
		case diff == "":
		case *update:
			if err := os.WriteFile(page, []byte(fresh), 0o666); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s is stale; make generate rewrites it (-page +fresh):\n%s", page, diff)
		}
	}
	for name := range blocks {
		if !used[name] {
			t.Errorf("no page shows %q", name)
		}
	}
}

// pages returns the paths of the README and of every page below docs.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{filepath.Join("..", "README.md")}
	for _, pattern := range []string{"*.md", filepath.Join("rationale", "*.md")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}

// link matches a relative link of Markdown, without its anchor.
var link = regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`)

// TestLinks checks that every relative link leads to a file or directory.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: link to %s, want a file", page, m[1])
			}
		}
	}
}
