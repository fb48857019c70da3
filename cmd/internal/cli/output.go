package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Output is a directory that appears whole or not at all: files are written to
// a hidden sibling, which Commit renames into place and Close removes.
//
//	out, err := cli.NewOutput("epgen", dir)
//	if err != nil { ... }
//	defer out.Close()
//	... out.WriteFile("rtl/top.v", text) ...
//	return out.Commit(version, top)
//
// An existing directory is replaced only if it is empty or a package of epgen.
// An interrupt removes the sibling and ends the program with status 2.
type Output struct {
	name   string   // as the user wrote it, for messages
	dir    string   // absolute path of the result
	scrap  string   // hidden sibling, holds all that is temporary
	made   []string // parents created here, innermost first
	signal chan os.Signal

	mu        sync.Mutex // guards against an interrupt during Commit and Close
	closed    bool
	committed bool
}

// NewOutput prepares the replacement of dir. It is an error if dir is a file,
// or a directory that has contents but no manifest of epgen.
func NewOutput(command, dir string) (*Output, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("output directory %s: %w", dir, err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	if err := checkOurs(dir, abs); err != nil {
		return nil, err
	}
	if cwd, err := os.Getwd(); err == nil && (cwd == abs || strings.HasPrefix(cwd, abs+string(filepath.Separator))) {
		return nil, fmt.Errorf("output directory %s: holds the current directory, want another", dir)
	}
	o := &Output{name: filepath.Clean(dir), dir: abs, signal: make(chan os.Signal, 1)}
	if err := o.makeScrap(); err != nil {
		o.removeParents()
		return nil, fmt.Errorf("output directory %s: %w", dir, OSCause(err))
	}
	signal.Notify(o.signal, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-o.signal; ok {
			if o.Close(); o.committed {
				return // too late to stop anything
			}
			fmt.Fprintln(os.Stderr, Line(command, errors.New("interrupted, nothing written")))
			os.Exit(ExitFailed)
		}
	}()
	return o, nil
}

// checkOurs reports a path that must not be replaced.
func checkOurs(name, path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("output directory %s: is a file, want a new directory or one that epgen wrote", name)
	}
	if err != nil {
		return fmt.Errorf("output directory %s: %w", name, OSCause(err))
	}
	if _, err := ReadManifest(path); err != nil {
		return fmt.Errorf("output directory %s: has contents but no %s of epgen, want a new directory or one that epgen wrote",
			name, ManifestName)
	}
	return nil
}

// makeScrap creates the parents of the result and the hidden sibling with the
// directory to fill, which gets the usual permissions unlike a temporary one.
func (o *Output) makeScrap() error {
	parent := filepath.Dir(o.dir)
	for p := parent; ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		o.made = append(o.made, p)
	}
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	var err error
	if o.scrap, err = os.MkdirTemp(parent, "."+filepath.Base(o.dir)+"-*"); err != nil {
		return err
	}
	return os.Mkdir(o.Dir(), 0o777)
}

// Dir returns the directory to fill.
func (o *Output) Dir() string { return filepath.Join(o.scrap, "new") }

// WriteFile writes a file of the package; name has slashes and may need
// directories.
func (o *Output) WriteFile(name string, data []byte) error {
	w, err := o.Create(name)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}

// Create opens a file of the package for buffered writing. Errors of writing,
// such as a full disk, may come as late as Close; they name the file.
func (o *Output) Create(name string) (io.WriteCloser, error) {
	path := filepath.Join(o.Dir(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, o.explain(name, err)
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, o.explain(name, err)
	}
	return &outputFile{o, name, f, bufio.NewWriterSize(f, 1<<20)}, nil
}

// explain words an error about a file of the package by its final path.
func (o *Output) explain(name string, err error) error {
	return fmt.Errorf("%s: %w", filepath.Join(o.name, name), OSCause(err))
}

type outputFile struct {
	o    *Output
	name string
	f    *os.File
	b    *bufio.Writer
}

func (w *outputFile) Write(p []byte) (int, error) {
	n, err := w.b.Write(p)
	if err != nil {
		err = w.o.explain(w.name, err)
	}
	return n, err
}

func (w *outputFile) Close() error {
	err := w.b.Flush()
	if e := w.f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return w.o.explain(w.name, err)
	}
	return nil
}

// Commit writes the manifest and puts the new directory in place of the old one.
func (o *Output) Commit(version, top string) error {
	m, err := NewManifest(o.Dir(), version, top)
	if err != nil {
		return fmt.Errorf("%s: %w", o.name, OSCause(err))
	}
	text, err := m.JSON()
	if err != nil {
		return err
	}
	if err := o.WriteFile(ManifestName, text); err != nil {
		return err
	}
	// What appeared there in the meantime is not ours to remove either.
	if err := checkOurs(o.name, o.dir); err != nil {
		return err
	}
	o.mu.Lock()
	err = o.swap()
	o.committed = err == nil
	o.mu.Unlock()
	if err != nil {
		return fmt.Errorf("output directory %s: %w", o.name, OSCause(err))
	}
	o.Close()
	return nil
}

// swap exchanges the directories, or leaves the old one as it was.
func (o *Output) swap() error {
	if o.closed {
		return errors.New("closed before it was complete")
	}
	old := filepath.Join(o.scrap, "old")
	err := os.Rename(o.dir, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	moved := err == nil
	if err := os.Rename(o.Dir(), o.dir); err != nil {
		if moved {
			return errors.Join(err, os.Rename(old, o.dir))
		}
		return err
	}
	return nil
}

// Close removes everything temporary; after Commit, or a second time, it does
// nothing.
func (o *Output) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.closed = true
	signal.Stop(o.signal)
	close(o.signal) // ends the goroutine of NewOutput
	// A file that is being written at this moment may stop the first attempt.
	for range 3 {
		if os.RemoveAll(o.scrap) == nil {
			break
		}
	}
	if !o.committed {
		o.removeParents()
	}
}

func (o *Output) removeParents() {
	for _, p := range o.made {
		_ = os.Remove(p) // fails, rightly, if someone else uses it now
	}
}

// OSCause strips operation and path from errors of package os.
func OSCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
