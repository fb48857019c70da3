package unit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"epgen/hdl"
	"epgen/verilator"
)

// Names that all blocks share.
const (
	clockName = "clk_i"
	resetName = "rst_ni"
)

// runtimeFlags names the flags that the run-time library of a bench is compiled with; all
// benches have the same.
const runtimeFlags = "unit"

// powerUpSeeds are the seeds of registers and memories at power-up.
var powerUpSeeds = []string{"1", "2"}

// simulate writes Verilog, vectors and glue of a group below dir, builds the
// simulator and runs it.
func (g *group) simulate(dir string) (map[string]Result, error) {
	for _, tool := range []struct{ command, pkg string }{{"verilator", "verilator"}, {"make", "make"}, {"g++", "g++"}} {
		if _, err := exec.LookPath(tool.command); err != nil {
			return nil, fmt.Errorf("%s not found, install the package %s", tool.command, tool.pkg)
		}
	}
	dir, err := filepath.Abs(filepath.Join(dir, g.name))
	if err != nil {
		return nil, err
	}
	runtime := verilator.RuntimeBeside(dir)
	if err := os.RemoveAll(dir); err != nil { // names of files depend on the order of the benches
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	files, err := g.files()
	if err != nil {
		return nil, err
	}
	var verilog []string
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o666); err != nil {
			return nil, err
		}
		if strings.HasSuffix(f.name, ".v") {
			verilog = append(verilog, f.name)
		}
	}
	flags := []string{
		"--cc", "--exe", "--build", "-j", "2", "-Wall", "--default-language", "1364-2005",
		"--x-assign", "unique", "--x-initial", "unique", "--top-module", "unit_top", "--prefix", "Vunit_top",
		"-CFLAGS", "-std=c++17 -I" + dir, "-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0",
		"--Mdir", "obj", "-o", filepath.Join(dir, "unit"), "vector_bench.cc"}
	if g.lenient {
		flags = append(flags, "-Wno-fatal")
	}
	if err := runtime.Lend(runtimeFlags, filepath.Join(dir, "obj")); err != nil {
		return nil, err
	}
	build := exec.Command("verilator", append(flags, verilog...)...)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil || !g.lenient && bytes.Contains(out, []byte("%Warning")) {
		return nil, fmt.Errorf("simulator of group %s does not build without a warning: %v: %s", g.name, err, firstComplaint(out))
	}
	if err := runtime.Keep(runtimeFlags, filepath.Join(dir, "obj")); err != nil {
		return nil, err
	}
	run := exec.Command(filepath.Join(dir, "unit"), powerUpSeeds...)
	run.Dir = dir
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	if err := run.Run(); err != nil {
		return nil, fmt.Errorf("simulator of group %s: %v: %s", g.name, err, strings.TrimSpace(stderr.String()))
	}
	return g.parse(stdout.String())
}

// firstComplaint picks the line that says most from the output of a build.
func firstComplaint(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "%") || strings.Contains(line, "error") {
			return strings.TrimSpace(line)
		}
	}
	return "no message"
}

type file struct {
	name string
	data []byte
}

// files returns everything that the simulator of a group is made of. Modules of
// different configurations have the same names, so each bench gets its own by a
// suffix.
func (g *group) files() ([]file, error) {
	files := []file{{"vector_bench.cc", verilator.VectorBench}}
	var ports, uses, table strings.Builder
	for i, b := range g.benches {
		m, err := b.module()
		if err != nil {
			return nil, fmt.Errorf("bench %s: %w", b.Name, err)
		}
		suffix := fmt.Sprintf("_u%d", i)
		modules, err := b.verilog(m, suffix)
		if err != nil {
			return nil, fmt.Errorf("bench %s: %w", b.Name, err)
		}
		v := newVectors(m)
		b.play(v)
		v.drain()
		vectors := fmt.Sprintf("u%d.vec", i)
		files = append(append(files, modules...), file{vectors, v.file()})
		glue(m, i, &ports, &uses)
		fmt.Fprintf(&table, "{\"%s\", \"%s\", {%s}, {%s}},\n", b.Name, vectors, cppPorts(m, i, true), cppPorts(m, i, false))
	}
	top := "`default_nettype none\n\nmodule unit_top (\n" + ports.String() + "  input wire clk_i\n);\n\n" +
		uses.String() + "  wire unused = &{1'b0, clk_i};\n\nendmodule\n\n`default_nettype wire\n"
	return append(files, file{"unit_top.v", []byte(top)}, file{"blocks.inc", []byte(table.String())}), nil
}

// verilog prints the module and those below it, with a suffix to their names.
func (b *Bench) verilog(m *hdl.Module, suffix string) ([]file, error) {
	design := hdl.NewDesign(m)
	texts, err := design.Print(nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, x := range design.Modules() {
		names = append(names, x.Name())
	}
	// A name of a module begins a line: in its declaration and where it is used.
	word := regexp.MustCompile(`(?m)^(\s*(?:module )?)(` + strings.Join(names, "|") + `)\b`)
	var files []file
	for _, name := range names {
		text := string(texts[name+".v"])
		if b.edit != nil {
			text = b.edit(name+".v", text)
		}
		files = append(files, file{name + suffix + ".v", []byte(word.ReplaceAllString(text, "${1}${2}"+suffix))})
	}
	return files, nil
}

// glue writes the ports of unit_top and the instance of bench i.
func glue(m *hdl.Module, i int, ports, uses *strings.Builder) {
	fmt.Fprintf(uses, "  %s_u%d u_%d (\n", m.Name(), i, i)
	for k, p := range m.Ports() {
		name := p.Name()
		if name != clockName {
			name = fmt.Sprintf("b%d_%s", i, name)
			direction := "output"
			if p.IsInput() {
				direction = "input"
			}
			fmt.Fprintf(ports, "  %s wire [%d:0] %s,\n", direction, p.Type().Width-1, name)
		}
		comma := ","
		if k == len(m.Ports())-1 {
			comma = ""
		}
		fmt.Fprintf(uses, "    .%s(%s)%s\n", p.Name(), name, comma)
	}
	uses.WriteString("  );\n\n")
}

// cppPorts lists ports of bench i as initialisers of Port.
func cppPorts(m *hdl.Module, i int, inputs bool) string {
	var list []string
	for _, p := range portsOf(m, inputs) {
		list = append(list, fmt.Sprintf("{\"%s\", PortBytes(m.b%d_%s), %d}", p.Name(), i, p.Name(), portBytes(p)))
	}
	return strings.Join(list, ", ")
}

// parse reads what the simulator printed. The first failure of a bench counts.
func (g *group) parse(output string) (map[string]Result, error) {
	results := map[string]Result{}
	lanes := map[string]map[string]int{}
	for _, b := range g.benches {
		lanes[b.Name] = b.lanes
	}
	for line := range strings.Lines(output) {
		var verdict string
		var r Result
		var seed uint64
		if n, _ := fmt.Sscan(line, &verdict, &r.Name, &seed); n != 3 {
			return nil, fmt.Errorf("simulator of group %s says %q, want PASS or FAIL with a block and a seed", g.name, strings.TrimSpace(line))
		}
		if old, ok := results[r.Name]; ok && old.Mismatch != nil {
			continue
		}
		if verdict == "PASS" {
			fmt.Sscan(line, &verdict, &r.Name, &seed, &r.Cycles, &r.Compared)
			if r.Compared == 0 {
				r.Err = fmt.Errorf("nothing was compared")
			}
		} else {
			m := &Mismatch{Seed: seed, Lane: -1}
			fmt.Sscan(line, &verdict, &r.Name, &seed, &m.Cycle, &m.Port, &m.Bit, &m.Want, &m.Got, &m.Mask)
			if w := lanes[r.Name][m.Port]; w > 0 {
				m.Lane = m.Bit / w
			}
			r.Mismatch = m
		}
		results[r.Name] = r
	}
	return results, nil
}
