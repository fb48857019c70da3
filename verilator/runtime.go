package verilator

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Runtime keeps the objects of Verilator's run-time library in a directory. They do not
// depend on the model, and to compile them takes half of the time in which the simulator of a
// small core builds. A nil Runtime keeps nothing.
type Runtime struct{ Dir string }

// RuntimeBeside is that which the builds of all packages in the directory of one share.
func RuntimeBeside(dir string) *Runtime {
	return &Runtime{Dir: filepath.Join(filepath.Dir(dir), "runtime")}
}

// runtimeObjects are the objects, as Verilator names them in its build directory.
var runtimeObjects = []string{"verilated.o", "verilated_threads.o"}

// Lend puts the objects into the build directory obj of a model, where make finds them, if
// there are any that were compiled with the same flags. They are dated an hour ahead: in
// Verilator's rules they depend on the makefile of the model, which is about to be written.
func (r *Runtime) Lend(flags, obj string) error {
	if r == nil {
		return nil
	}
	return copyNew(r.place(flags), obj, time.Now().Add(time.Hour))
}

// Keep takes the objects of a build directory, for the next model.
func (r *Runtime) Keep(flags, obj string) error {
	if r == nil {
		return nil
	}
	return copyNew(obj, r.place(flags), time.Now())
}

// place is where objects of these flags lie, apart from those of another Verilator, as the
// directory may outlast it.
func (r *Runtime) place(flags string) string { return filepath.Join(r.Dir, release(), flags) }

// release names the installed Verilator by what it says of its version.
var release = sync.OnceValue(func() string {
	text, err := exec.Command("verilator", "--version").Output()
	if err != nil { // there will be no objects either
		return "none"
	}
	return strings.Join(strings.FieldsFunc(string(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }), "-")
})

// copyNew copies the objects of a directory that are not in another yet, and dates them. Each
// appears there complete or not at all, as others may look for it.
func copyNew(from, to string, date time.Time) error {
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	for _, name := range runtimeObjects {
		if _, err := os.Stat(filepath.Join(to, name)); err == nil {
			continue
		}
		object, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) { // not compiled yet
			continue
		}
		if err != nil {
			return err
		}
		if err := writeWhole(filepath.Join(to, name), object, date); err != nil {
			return err
		}
	}
	return nil
}

func writeWhole(path string, data []byte, date time.Time) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close(), os.Chtimes(f.Name(), date, date)); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
