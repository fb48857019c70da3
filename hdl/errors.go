package hdl

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
)

// Error is one problem of a design and the line of Go that caused it.
type Error struct {
	File   string // base name of the Go file that called into this package
	Line   int
	Module string // Verilog module, empty when the problem was found in an expression
	Msg    string
}

// Error formats the problem as file:line: module: message.
func (e *Error) Error() string {
	if e.Module == "" {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
	}
	return fmt.Sprintf("%s:%d: module %s: %s", e.File, e.Line, e.Module, e.Msg)
}

// Errors is a list of problems in the order of their modules and lines.
type Errors []*Error

// Error lists all problems, one per line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// pos is a place in the Go program that builds a design.
type pos struct {
	file string
	line int
}

// thisPackage is the prefix of the names of all functions of this package.
var thisPackage = func() string {
	pc, _, _, _ := runtime.Caller(0)
	name := runtime.FuncForPC(pc).Name() // epgen/hdl.init.func1 or epgen/hdl.glob..func1
	slash := strings.LastIndexByte(name, '/')
	return name[:slash+1+strings.IndexByte(name[slash+1:], '.')+1]
}()

// callerPos is the innermost stack frame outside this package.
func callerPos() pos {
	var pcs [32]uintptr
	n := runtime.Callers(2, pcs[:])
	frames := runtime.CallersFrames(pcs[:n])
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, thisPackage) {
			return pos{filepath.Base(f.File), f.Line}
		}
		if !more {
			return pos{"?", 0}
		}
	}
}

func errorAt(format string, args ...any) *Error {
	return callerPos().errorf(format, args...)
}

func (p pos) errorf(format string, args ...any) *Error {
	return &Error{File: p.file, Line: p.line, Msg: fmt.Sprintf(format, args...)}
}

// diagnostics collects the errors of one module, each once.
type diagnostics struct {
	module string
	list   Errors
	seen   map[Error]bool
}

func (d *diagnostics) add(e *Error) {
	if e == nil {
		return
	}
	c := *e
	c.Module = d.module
	if d.seen == nil {
		d.seen = map[Error]bool{}
	}
	if !d.seen[c] {
		d.seen[c] = true
		d.list = append(d.list, &c)
	}
}

func (d *diagnostics) errorf(p pos, format string, args ...any) {
	d.add(p.errorf(format, args...))
}

// sorted orders the errors by file, line and text.
func (d *diagnostics) sorted() Errors {
	sort.SliceStable(d.list, func(i, j int) bool {
		a, b := d.list[i], d.list[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Msg < b.Msg
	})
	return d.list
}
