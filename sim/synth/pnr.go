package synth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"epgen/gen"
)

// Placed is what nextpnr reports of a core that it has placed and routed.
type Placed struct {
	Design  string   `json:"design"`
	Device  string   `json:"device"`
	Fmax    float64  `json:"fmax_mhz"` // of the clock of the core
	Path    []Hop    `json:"critical_path"`
	Used    []Filled `json:"utilisation"`
	Wrapper string   `json:"wrapper"` // what is around the core
}

// Hop is a part of the critical path: the cells that make a signal of the design, and the
// wires to and between them.
type Hop struct {
	Kind  string  `json:"kind"` // of its first step: clk-to-q, routing, logic; or setup
	Name  string  `json:"name"` // of the signal
	Cells int     `json:"cells"`
	Delay float64 `json:"delay_ns"`
	At    float64 `json:"at_ns"` // when it is done
}

// Filled is the use of one kind of resource.
type Filled struct {
	Kind      string `json:"kind"`
	Used      int    `json:"used"`
	Available int    `json:"available"`
}

// PlaceAndRoute has nextpnr place and route the core of a package, in a wrapper of four pins,
// for iCE40 UP5K in the package SG48.
func PlaceAndRoute(ctx context.Context, dir string, d *gen.Design, seed int) (*Placed, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	text, err := wrapper(d)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(buildPath(dir, ""), 0o777); err != nil {
		return nil, err
	}
	around, netlist, report := buildPath(dir, pinsModule+".v"), buildPath(dir, "pnr.netlist.json"), buildPath(dir, "pnr.report.json")
	if err := os.WriteFile(around, text, 0o666); err != nil {
		return nil, err
	}
	if err := yosys(ctx, dir, "pnr", []string{"read_verilog " + quote(around), "synth_ice40 -dsp -top " + pinsModule + " -json " + quote(netlist)}); err != nil {
		return nil, err
	}
	err = run(ctx, "", "nextpnr-ice40", "--up5k", "--package", "sg48", "--json", netlist, "--seed", fmt.Sprint(seed), "--freq", "12",
		"--timing-allow-fail", "--report", report, "--quiet", "--log", buildPath(dir, "pnr.nextpnr.log"))
	if err != nil {
		return nil, err
	}
	file, err := os.ReadFile(report)
	if err != nil {
		return nil, err
	}
	p, err := readPlaced(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", report, err)
	}
	p.Design, p.Device = d.Cfg.Network.Name, "iCE40 UP5K, SG48"
	p.Wrapper = "inputs of the core from a shift register, outputs to a parity, a pin each"
	return p, nil
}

// readPlaced reads the report of nextpnr.
func readPlaced(text []byte) (*Placed, error) {
	var r struct {
		Fmax map[string]struct {
			Achieved float64 `json:"achieved"`
		} `json:"fmax"`
		Utilization map[string]struct {
			Available int `json:"available"`
			Used      int `json:"used"`
		} `json:"utilization"`
		Paths []struct {
			From string `json:"from"`
			To   string `json:"to"`
			Path []struct {
				Delay float64 `json:"delay"`
				Net   string  `json:"net"`
				Type  string  `json:"type"`
				From  struct {
					Cell string `json:"cell"`
					Port string `json:"port"`
				} `json:"from"`
				To struct {
					Cell string `json:"cell"`
					Port string `json:"port"`
				} `json:"to"`
			} `json:"path"`
		} `json:"critical_paths"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	p := &Placed{}
	for _, f := range r.Fmax {
		if p.Fmax == 0 || f.Achieved < p.Fmax {
			p.Fmax = f.Achieved
		}
	}
	if p.Fmax == 0 {
		return nil, fmt.Errorf("no clock")
	}
	for kind, u := range r.Utilization {
		if u.Used > 0 {
			p.Used = append(p.Used, Filled{kind, u.Used, u.Available})
		}
	}
	slices.SortFunc(p.Used, func(a, b Filled) int { return strings.Compare(a.Kind, b.Kind) })
	for _, path := range r.Paths {
		if !strings.HasPrefix(path.From, "posedge") || !strings.HasPrefix(path.To, "posedge") {
			continue // from or to a pin
		}
		for i, hop := range path.Path {
			name := hop.Net
			if name == "" && i+1 < len(path.Path) { // a cell, called after what it drives
				name = path.Path[i+1].Net
			}
			if name == "" {
				name = hop.To.Cell
			}
			p.add(hop.Type, designName(name), hop.Delay)
		}
		break
	}
	return p, nil
}

// made matches what Yosys and nextpnr append to the names of the design.
var made = regexp.MustCompile(`_SB_(LUT4|CARRY|DFF|MAC16|RAM40_4K).*|\$(CARRY|SB_IO|nextpnr).*|_DFFLC.*|_LC$`)

// designName is the name of a net or cell in the design: the signal that a synthesiser's name
// was derived from, without the instance in the wrapper. Bits of what is derived are not those
// of the signal.
func designName(name string) string {
	name = strings.TrimPrefix(name, "u_core.")
	if at := made.FindStringIndex(name); at != nil && at[0] > 0 {
		name = name[:at[0]]
	}
	return name
}

// add adds a step to the path, to the last one if the signal is the same: a chain of carries is
// one step.
func (p *Placed) add(kind, name string, delay float64) {
	last := len(p.Path) - 1
	if last < 0 || kind == "setup" || p.Path[last].Name != name && !strings.HasPrefix(name, "$") {
		at := 0.0
		if last >= 0 {
			at = p.Path[last].At
		}
		p.Path = append(p.Path, Hop{Kind: kind, Name: name, Delay: 0, At: at})
		last++
	}
	h := &p.Path[last]
	h.Delay += delay
	h.At += delay
	h.Cells += b2i(kind == "logic" || kind == "clk-to-q")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Write prints a report and writes it to report/pnr.txt and report/pnr.json of a package.
func (p *Placed) Write(w io.Writer, dir string) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s on %s: %.1f MHz\n\n", p.Design, p.Device, p.Fmax)
	tw := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	for _, u := range p.Used {
		fmt.Fprintf(tw, "  %s\t%d of %d\t%.0f %%\n", u.Kind, u.Used, u.Available, 100*float64(u.Used)/float64(u.Available))
	}
	tw.Flush()
	fmt.Fprintf(&text, "\nAround the core: %s.\n\nCritical path:\n\n", p.Wrapper)
	tw = tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	for _, h := range p.Path {
		fmt.Fprintf(tw, "  %.2f ns\t+%.2f\t%d cells\t%s\t%s\n", h.At, h.Delay, h.Cells, h.Kind, h.Name)
	}
	tw.Flush()
	return writeReport(w, dir, "pnr", text.Bytes(), p)
}
