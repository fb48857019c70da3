package hdl

import (
	"fmt"
)

// Module is one Verilog module: ports, and a scope of declarations and statements.
type Module struct {
	Scope
	name      string
	docs      []string
	ports     []*port
	clk, rst  *Signal
	diag      diagnostics
	pos       pos
	instances []*Instance
	claims    map[string][]claim
}

// port is a port of a module; group is the title above it, where it begins a group.
type port struct {
	sig   *Signal
	group string
}

// NewModule starts a module.
func NewModule(name string) *Module {
	m := &Module{name: name, pos: callerPos(), claims: map[string][]claim{}}
	m.Scope = Scope{mod: m}
	m.diag.module = name
	if why := badName(name); why != "" {
		m.diag.errorf(m.pos, "name %q: %s", name, why)
	}
	return m
}

// Name is the name of the module and, with .v, of its file.
func (m *Module) Name() string { return m.name }

// Doc adds a paragraph to the comment that heads the module. Newlines in the text are kept.
func (m *Module) Doc(format string, args ...any) {
	m.docs = append(m.docs, fmt.Sprintf(format, args...))
}

func (m *Module) addPort(k kind, name string, t Type, doc []string) *Signal {
	sig := m.declare(k, name, t, doc)
	m.ports = append(m.ports, &port{sig, m.portGroup})
	m.portGroup = ""
	return sig
}

// Clock declares the clock input of the always blocks.
func (m *Module) Clock(name string) *Signal {
	m.clk = m.addPort(kindInput, name, U(1), []string{"clock, rising edge"})
	return m.clk
}

// Reset declares the synchronous reset input, active low.
func (m *Module) Reset(name string) *Signal {
	m.rst = m.addPort(kindInput, name, U(1), []string{"synchronous reset, active low"})
	return m.rst
}

// Input declares an input port.
func (m *Module) Input(name string, t Type, doc ...string) *Signal {
	return m.addPort(kindInput, name, t, doc)
}

// Output declares an output port that Assign or an instance drives.
func (m *Module) Output(name string, t Type, doc ...string) *Signal {
	return m.addPort(kindOutput, name, t, doc)
}

// OutputReg declares an output port that an always block drives.
func (m *Module) OutputReg(name string, t Type, doc ...string) *Signal {
	return m.addPort(kindOutputReg, name, t, doc)
}

// Ports returns the ports in the order of their declaration.
func (m *Module) Ports() []*Signal {
	var all []*Signal
	for _, p := range m.ports {
		all = append(all, p.sig)
	}
	return all
}

// Port returns the port of that name, or nil.
func (m *Module) Port(name string) *Signal {
	for _, p := range m.ports {
		if p.sig.name == name {
			return p.sig
		}
	}
	return nil
}

// addValueErrors records the errors that v and its operands carry.
func (m *Module) addValueErrors(v Value) {
	switch x := v.(type) {
	case *constant:
		m.diag.add(x.err)
	case *expr:
		m.diag.add(x.err)
		for _, a := range x.args {
			m.addValueErrors(a)
		}
	}
}
