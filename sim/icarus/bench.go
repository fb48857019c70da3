package icarus

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"

	"epgen/ep"
	"epgen/gen"
)

//go:embed bench.v
var benchText string

// bench is the Verilog of the bench; holes are the fields of holes.
var bench = template.Must(template.New("bench.v").Parse(benchText))

// holes are the constants of a design that the bench needs.
type holes struct {
	Network     string
	Top         string
	DataWidth   int
	Beats       int // of the memory map
	Outstanding int // most read bursts under way
	Latency     int // cycles from a read address to its first beat
	Limit       int // cycles after which a run is given up
	Start       int // what CONTROL takes to begin the task of the golden data from the initial states
	Ports       []portHole
	Registers   map[string]int // byte offsets
	Taps        []tapHole
}

type portHole struct {
	Name  string
	Range string // "[63:0] " or ""
	Input bool   // of the core
}

// tapHole is a tap and its number.
type tapHole struct {
	Number int
	gen.Tap
}

// memoryTaps are the first of gen.Design.Taps: what is written to memories. Their signals are
// ports of modules, and as such can be found in a netlist.
const memoryTaps = 3

// flattened is an expression over the names of a design as its netlist has them, which is
// flat: the path of a signal below the top module has become its name.
func flattened(expression string) string {
	return belowTop.ReplaceAllString(expression, `u_top.\$1 `)
}

var belowTop = regexp.MustCompile(`\bu_top\.([\w.]+)`)

// tapPorts are the wires of these taps, by module.
func tapPorts() []string {
	var list []string
	for _, module := range []string{"ep_state_even", "ep_state_odd", "ep_index_memory"} {
		for _, port := range []string{"we_i", "waddr_i", "wdata_i"} {
			list = append(list, module+"/"+port)
		}
	}
	return list
}

// writeBench writes the bench of a design or, if flat, of its netlist, with taps.
func writeBench(w io.Writer, d *gen.Design, taps []gen.Tap, flat bool) error {
	h := holes{
		Network: d.Cfg.Network.Name, Top: d.Top(), DataWidth: d.Cfg.Memory.DataWidth,
		Beats: d.Map.Size / d.Map.BeatBytes, Outstanding: d.Cfg.Memory.Outstanding,
		Latency: d.Cfg.Memory.ReadLatency, Limit: 4*d.Estimate(d.Cfg.Memory.ReadLatency).Cycles + 10000,
		Start: 1, Registers: map[string]int{},
	}
	top, err := d.Block(d.Top())
	if err != nil {
		return err
	}
	for _, p := range top.Ports() {
		hole := portHole{Name: p.Name(), Input: p.IsInput()}
		if w := p.Type().Width; w > 1 {
			hole.Range = fmt.Sprintf("[%d:0] ", w-1)
		}
		h.Ports = append(h.Ports, hole)
	}
	for _, r := range d.Registers() {
		h.Registers[r.Name] = r.Offset
		for _, f := range r.Fields {
			if r.Name == "CONTROL" && (f.Name == "COLD" || f.Name == "INFER" && d.Cfg.Sequence.Task == ep.Infer) {
				h.Start |= 1 << f.Lo
			}
		}
	}
	for i, t := range taps {
		if flat {
			t.Enable, t.Address, t.Data = flattened(t.Enable), flattened(t.Address), flattened(t.Data)
		}
		h.Taps = append(h.Taps, tapHole{i, t})
	}
	return bench.Execute(w, h)
}

// writeImage writes a memory image for $readmemh, a beat a line, its last byte
// first.
func writeImage(w io.Writer, image []byte, beatBytes int) error {
	var b bytes.Buffer
	for at := 0; at < len(image); at += beatBytes {
		var line strings.Builder
		for i := beatBytes - 1; i >= 0; i-- {
			fmt.Fprintf(&line, "%02x", image[at+i])
		}
		fmt.Fprintln(&b, line.String())
	}
	_, err := w.Write(b.Bytes())
	return err
}
