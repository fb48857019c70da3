package gen

import (
	"fmt"
	"strings"

	"epgen/hdl"
)

// Top returns the name of the top module.
func (d *Design) Top() string { return "epgen_top" }

// top builds epgen_top: the units and the wires between them.
func (d *Design) top() *hdl.Module {
	m := hdl.NewModule(d.Top())
	run := fmt.Sprintf("After CONTROL.START the core runs a whole training step by itself: it fetches labels,\n"+
		"samples and weights from external memory, relaxes %d free and %d x %d nudged steps,\n"+
		"updates every weight and bias in place and writes the output states of the free phase.",
		d.Cfg.FreeSteps, d.Copies()-1, d.Cfg.NudgeSteps)
	if !d.learns() {
		run = fmt.Sprintf("After CONTROL.START the core runs a whole inference by itself: it fetches samples and\n"+
			"weights from external memory, relaxes %d steps and writes %s.", d.Cfg.FreeSteps, d.resultDoc())
	}
	readout := ""
	if d.reads() {
		readout = " and a readout"
	}
	m.Doc("Equilibrium Propagation accelerator for network %s: layers %d%s, samples on chip %d,\n"+
		"%dx%d multipliers.\n\n%s\n\n"+
		"Ports: AXI4-Lite registers (s_axil_*), AXI4 memory master (m_axi_*, INCR bursts that\n"+
		"never cross 4 KB), level-high interrupt, one clock, synchronous active-low reset.",
		d.Cfg.Network.Name, d.relaxing(), readout, d.Cfg.Batch, d.Rows, d.Columns, run)
	m.Group("Clock and synchronous reset")
	m.Clock("aclk")
	m.Reset("aresetn")
	w := &wiring{Module: m, wires: map[string]hdl.Value{}}
	units := []unit{
		{d.regfile(), "u_registers", "Registers"},
		{d.sequencer(), "u_sequencer", "Schedule"},
		{d.walker(), "u_walker", "Operations of a pass"},
		{d.axisROM("ep_row_rom", "row", d.tables.rows, d.tables.rowDoc), "u_row_rom", ""},
		{d.axisROM("ep_column_rom", "column", d.tables.cols, d.tables.colDoc), "u_column_rom", ""},
	}
	if d.random() {
		units = append(units, unit{d.randomKey(), "u_random_key", "Random bits"})
	}
	units = append(units, []unit{
		{d.fetch(), "u_fetch", "External memory, reading"},
		{d.datapath(), "u_datapath", "States, " + d.afterStates()},
		{d.store(), "u_store", "External memory, writing"},
	}...)
	m.Group("AXI4-Lite subordinate, AXI4 manager, interrupt")
	for _, u := range units {
		w.declare(u)
	}
	m.Group("Conditions")
	w.conditions(d.learns())
	for _, u := range units {
		w.connect(u)
	}
	return m
}

// unit is an instance in the top module.
type unit struct {
	mod         *hdl.Module
	name, title string
}

// wiring connects ports by name: x_o of one unit to x_i of the others. Bus
// ports, without a suffix, go through to the top module.
type wiring struct {
	*hdl.Module
	wires map[string]hdl.Value
}

// wire returns the name of the wire of a port, and whether it is a port of the
// top module too.
func wire(p *hdl.Signal) (name string, bus bool) {
	name = p.Name()
	if p.IsInput() {
		name = strings.TrimSuffix(name, "_i")
	} else {
		name = strings.TrimSuffix(name, "_o")
	}
	return name, name == p.Name()
}

// isClock reports the ports that hdl connects by itself.
func isClock(p *hdl.Signal) bool { return p.Name() == "clk_i" || p.Name() == "rst_ni" }

// declare adds a wire for every output, and a port of the top module for every
// bus port.
func (w *wiring) declare(u unit) {
	for _, p := range u.mod.Ports() {
		name, bus := wire(p)
		switch {
		case isClock(p):
		case bus && p.IsInput():
			w.wires[name] = w.Input(name, p.Type())
		case bus:
			w.wires[name] = w.Output(name, p.Type())
		case !p.IsInput():
			w.wires[name] = w.Wire(name, p.Type())
		}
	}
}

// conditions are the few gates between units.
func (w *wiring) conditions(learns bool) {
	x := func(name string) hdl.Value { return w.wires[name] }
	is := func(name string, v hdl.Value, doc string) { w.wires[name] = w.WireIs(name, v, doc) }
	ready := hdl.Any(hdl.Not(x("result")), x("store_ready"))
	if learns {
		ready = hdl.Mux(x("update"), hdl.Any(hdl.Not(x("op_first")), x("tile_ok")), ready)
	}
	is("op_ready", ready, "no unit holds the operation back")
	is("issue", x("op_valid"), "for the counters")
	is("read_beat", hdl.All(x("m_axi_rvalid"), x("m_axi_rready")), "for the counters")
	is("write_beat", hdl.All(x("m_axi_wvalid"), x("m_axi_wready")), "for the counters")
	is("wait_store_any", hdl.Any(x("wait_store"), x("stalled")), "for the counters")
}

// connect places a unit and connects all its ports.
func (w *wiring) connect(u unit) {
	if u.title != "" {
		w.Group(u.title)
	}
	inst := w.Instance(u.mod, u.name)
	for _, p := range u.mod.Ports() {
		name, _ := wire(p)
		switch v, ok := w.wires[name]; {
		case isClock(p):
		case !ok:
			panic("gen: nothing drives " + u.name + "." + p.Name())
		case p.IsInput():
			inst.In(p.Name(), v)
		default:
			inst.OutTo(p.Name(), v)
		}
	}
}
