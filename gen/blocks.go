package gen

import (
	"fmt"

	"epgen/fixedpoint"
	"epgen/hdl"
)

// Blocks for benches of their own: what the unit benches need beside the plan.

// Block returns a module of the accelerator by name, for example "ep_lane".
// Every call builds it anew. The error for an unknown name lists all of them.
func (d *Design) Block(name string) (*hdl.Module, error) {
	var names []string
	for _, m := range d.hdl().Modules() {
		if m.Name() == name {
			return m, nil
		}
		names = append(names, m.Name())
	}
	return nil, fmt.Errorf("gen: no block %q, want one of %v", name, names)
}

// WalkerBlock returns ep_walker with its axis tables, as the top module
// connects them, under the name ep_walker_tables. Its ports are the walker's
// other ports.
func (d *Design) WalkerBlock() *hdl.Module {
	m := hdl.NewModule("ep_walker_tables")
	m.Doc("The walker with its tables of rows and columns.")
	m.Clock("clk_i")
	m.Reset("rst_ni")
	walker := d.walker()
	u := m.Instance(walker, "u_walker")
	tables := []struct {
		axis string
		rom  *hdl.Module
	}{
		{"row", d.axisROM("ep_row_rom", "row", d.tables.rows, d.tables.rowDoc)},
		{"column", d.axisROM("ep_column_rom", "column", d.tables.cols, d.tables.colDoc)},
	}
	for _, t := range tables {
		index, entry := t.axis+"_index", t.axis+"_entry"
		indexWire := m.Wire(index, t.rom.Port(index+"_i").Type())
		entryWire := m.Wire(entry, t.rom.Port(entry+"_o").Type())
		table := m.Instance(t.rom, "u_"+t.axis+"_rom")
		u.OutTo(index+"_o", indexWire)
		table.In(index+"_i", indexWire)
		table.OutTo(entry+"_o", entryWire)
		u.In(entry+"_i", entryWire)
	}
	for _, p := range walker.Ports() {
		switch name := p.Name(); name {
		case "clk_i", "rst_ni", "row_index_o", "column_index_o", "row_entry_i", "column_entry_i":
		default:
			if p.IsInput() {
				u.In(name, m.Input(name, p.Type()))
			} else {
				u.OutTo(name, m.Output(name, p.Type()))
			}
		}
	}
	return m
}

// RoundingBlock returns a combinational module that applies the generator's
// rounding logic to a signed input v_i of the given width: output
// <mode>_<k>_o, with '_' for '-' in the name of the mode, is round(v * 2^-k).
func RoundingBlock(width int, shifts []int) *hdl.Module {
	m := hdl.NewModule("ep_rounding")
	m.Doc("Every rounding mode at several shifts.")
	v := m.Input("v_i", hdl.S(width))
	for _, mode := range []fixedpoint.Rounding{fixedpoint.NearestEven, fixedpoint.NearestUp, fixedpoint.Truncate} {
		for _, k := range shifts {
			name := RoundingPort(mode, k)
			z := roundShift(&m.Scope, name, v, k, mode)
			m.Assign(m.Output(name+"_o", z.Type()), z)
		}
	}
	return m
}

// RoundingPort is the name, without its suffix, of an output of RoundingBlock.
func RoundingPort(mode fixedpoint.Rounding, k int) string {
	name := map[fixedpoint.Rounding]string{
		fixedpoint.NearestEven: "nearest_even", fixedpoint.NearestUp: "nearest_up", fixedpoint.Truncate: "truncate",
	}[mode]
	return fmt.Sprintf("%s_%d", name, k)
}

// Descriptor returns the fields of the descriptor ROM for a pass over layer n,
// by the names of the walker's and the sequencer's ports without suffix, as far
// as the pass reads them. Fields of no bits are among them.
func (d *Design) Descriptor(n int, k Kind) map[string]uint64 {
	q := &d.tables.passes[n-1][k]
	fields := map[string]uint64{}
	for name, v := range d.values(q) {
		fields[name] = uint64(v)
	}
	return fields
}

// BitField is a named range of bits of a ROM word.
type BitField struct {
	Name   string
	Hi, Lo int
}

// SpanFields returns the layout of an entry of the axis tables.
func (d *Design) SpanFields() []BitField {
	var out []BitField
	lo := 0
	for _, f := range d.spanRecord() {
		out = append(out, BitField{f.name, lo + f.bits - 1, lo})
		lo += f.bits
	}
	return out
}

// PoolChoice returns the value of pool_shift_i that chooses cells of 2^shift states.
func (d *Design) PoolChoice(shift int) int { return d.shifts.pool.of(shift) }
