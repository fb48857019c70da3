package gen

import (
	"strings"

	"epgen/hdl"
)

// Top returns the name of the top module.
func (d *Design) Top() string { return "epgen_top" }

// top builds epgen_top: the units and the wires between them.
func (d *Design) top() *hdl.Module {
	m := hdl.NewModule(d.Top())
	m.Doc("Equilibrium Propagation accelerator for network %s: %d layers, %d sample(s) on chip,\n"+
		"%dx%d multipliers.\n\n"+
		"After CONTROL.START the core runs a whole training step by itself: it fetches labels,\n"+
		"samples and weights from external memory, relaxes %d free and 2 x %d nudged steps,\n"+
		"updates every weight and bias in place and writes the output states of the free phase.\n\n"+
		"Ports: AXI4-Lite registers (s_axil_*), AXI4 memory master (m_axi_*, INCR bursts that\n"+
		"never cross 4 KB), level-high interrupt, one clock, synchronous active-low reset.",
		d.Cfg.Network.Name, len(d.Layers), d.Cfg.Batch, d.P, d.P, d.Cfg.FreeSteps, d.Cfg.NudgeSteps)
	m.Group("Clock and synchronous reset")
	m.Clock("aclk")
	m.Reset("aresetn")
	w := &wiring{Module: m, wires: map[string]hdl.Value{}}
	units := []unit{
		{d.regfile(), "u_registers", "", "Registers"},
		{d.sequencer(), "u_sequencer", "", "Schedule"},
		{d.walker(), "u_walker", "", "Operations of a pass"},
		{d.axisROM("ep_row_rom", "rows", d.tables.rows, d.tables.rowDoc), "u_row_rom", "row_", ""},
		{d.axisROM("ep_column_rom", "columns", d.tables.cols, d.tables.colDoc), "u_column_rom", "col_", ""},
		{d.fetch(), "u_fetch", "fetch_", "External memory, reading"},
		{d.datapath(), "u_datapath", "", "States, array, update"},
		{d.store(), "u_store", "store_", "External memory, writing"},
	}
	m.Group("AXI4-Lite subordinate, AXI4 manager, interrupt")
	for _, u := range units {
		w.declare(u)
	}
	m.Assign(m.Output("irq", hdl.U(1)), w.wires["interrupt"])
	m.Group("Conditions")
	w.conditions()
	for _, u := range units {
		w.connect(u)
	}
	return m
}

// unit is an instance in the top module; prefix tells its ports apart from
// those of other units.
type unit struct {
	mod          *hdl.Module
	name, prefix string
	title        string
}

// wiring connects ports of equal name: x_o of one unit to x_i of the others.
// Bus ports, without a suffix, go through to the top module.
type wiring struct {
	*hdl.Module
	wires map[string]hdl.Value
}

// renamed lists outputs whose readers know them by another name.
var renamed = map[string]string{
	"done": "walk_done", "row": "row_index", "col": "col_index",
	"fetch_slab_we": "slab_we", "fetch_slab_addr": "slab_addr", "fetch_slab_data": "slab_data",
	"fetch_bias_we": "bias_we", "fetch_bias_data": "bias_data",
	"fetch_label_we": "label_we", "fetch_label_addr": "label_addr", "fetch_label_data": "label_data",
	"fetch_input_we": "input_we", "fetch_input_addr": "input_addr", "fetch_input_data": "input_data",
	"fetch_full": "full", "fetch_loaded": "loaded", "op_end": "walk_done",
	"fetch_start": "start", "fetch_infer": "infer_run", "fetch_abort": "abort", "fetch_base": "base", "fetch_release": "freed", "release": "freed", "irq": "interrupt",
	"store_base": "base", "store_abort": "abort",
	"store_reserve": "reserve", "store_column_valid": "column_valid", "store_column": "column", "store_column_last": "column_last",
}

// wire returns the name of the wire of a port.
func (u *unit) wire(p *hdl.Signal) string {
	name := strings.TrimSuffix(p.Name(), "_o")
	if p.IsInput() {
		name = strings.TrimSuffix(p.Name(), "_i")
	}
	switch u.name + "." + p.Name() {
	case "u_sequencer.infer_o":
		return "infer_run"
	case "u_walker.start_i":
		return "walk_start"
	case "u_registers.wait_store_i":
		return "wait_store_any"
	}
	name = u.prefix + name
	if other, ok := renamed[name]; ok {
		return other
	}
	return name
}

// declare adds a wire for every output, and a port of the top module for every
// bus port.
func (w *wiring) declare(u unit) {
	for _, p := range u.mod.Ports() {
		name := p.Name()
		switch {
		case name == "clk_i" || name == "rst_ni":
		case strings.Contains(name, "_axi"):
			if p.IsInput() {
				w.wires[name] = w.Input(name, p.Type())
			} else {
				w.wires[name] = w.Output(name, p.Type())
			}
		case !p.IsInput():
			w.wires[u.wire(p)] = w.Wire(u.wire(p), p.Type())
		}
	}
}

// conditions are the few gates between units.
func (w *wiring) conditions() {
	x := func(name string) hdl.Value { return w.wires[name] }
	is := func(name string, v hdl.Value, doc string) { w.wires[name] = w.WireIs(name, v, doc) }
	is("op_ready", hdl.Mux(x("update"), hdl.Any(hdl.Not(x("op_first")), x("tile_ok")),
		hdl.Any(hdl.Not(x("result")), x("store_ready"))), "no unit holds the operation back")
	is("issue", x("op_valid"), "for the counters")
	is("read_beat", hdl.All(x("m_axi_rvalid"), x("m_axi_rready")), "for the counters")
	is("write_beat", hdl.All(x("m_axi_wvalid"), x("m_axi_wready")), "for the counters")
	is("wait_store_any", hdl.Any(x("wait_store"), x("stalled")), "for the counters")
	is("read_error", x("fetch_error"), "for the error code")
}

// connect places a unit and connects all its ports.
func (w *wiring) connect(u unit) {
	if u.title != "" {
		w.Group(u.title)
	}
	inst := w.Instance(u.mod, u.name)
	for _, p := range u.mod.Ports() {
		name := p.Name()
		if name == "clk_i" || name == "rst_ni" {
			continue
		}
		wire := name
		if !strings.Contains(name, "_axi") {
			wire = u.wire(p)
		}
		v, ok := w.wires[wire]
		if !ok {
			panic("gen: nothing drives " + u.name + "." + name + " (" + wire + ")")
		}
		if p.IsInput() {
			inst.In(name, v)
		} else {
			inst.OutTo(name, v)
		}
	}
}
