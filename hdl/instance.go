package hdl

import "strings"

// Instance is one use of a module inside another.
type Instance struct {
	sub   *Module
	name  string
	scope *Scope
	conns map[string]Value
	pos   pos
}

// instItem is an instance. It moves behind whatever is declared until its last port is connected,
// so that it follows the wires of its ports.
type instItem struct{ inst *Instance }

func (*instItem) item() {}

// Instance places sub in the scope. Clock and reset connect by themselves to this module's;
// every other port must be connected by In, Out, OutAs or OutTo.
func (s *Scope) Instance(sub *Module, name string) *Instance {
	inst := &Instance{sub: sub, name: name, scope: s, conns: map[string]Value{}, pos: callerPos()}
	if sub == nil {
		s.mod.diag.errorf(inst.pos, "Instance %s: module is nil", name)
		inst.sub = NewModule("missing")
		return inst
	}
	s.claim(name, inst.pos, false)
	if sub.clk != nil && s.mod.clk != nil {
		inst.conns[sub.clk.name] = s.mod.clk
	}
	if sub.rst != nil && s.mod.rst != nil {
		inst.conns[sub.rst.name] = s.mod.rst
	}
	s.add(&instItem{inst})
	s.mod.instances = append(s.mod.instances, inst)
	return inst
}

// port finds a port of the wanted direction, or reports its absence.
func (n *Instance) port(fn, name string, output bool) *Signal {
	diag := &n.scope.mod.diag
	sig := n.sub.Port(name)
	switch {
	case sig == nil:
		diag.errorf(callerPos(), "%s: module %s has no port %q", fn, n.sub.name, name)
	case (sig.kind != kindInput) != output:
		diag.errorf(callerPos(), "%s: port %s of module %s is an %v", fn, name, n.sub.name, sig.kind)
		return nil
	}
	return sig
}

func (n *Instance) connect(fn string, sig *Signal, v Value) {
	diag := &n.scope.mod.diag
	if isNil(v) {
		diag.errorf(callerPos(), "%s: port %s.%s: value is nil", fn, n.name, sig.name)
		return
	}
	if v.Type() != sig.t {
		diag.errorf(callerPos(), "%s: port %s.%s is %v, value is %v, want identical types", fn, n.name, sig.name, sig.t, v.Type())
		return
	}
	if old, dup := n.conns[sig.name]; dup && sig != n.sub.clk && sig != n.sub.rst && old != nil {
		diag.errorf(callerPos(), "%s: port %s.%s is connected twice", fn, n.name, sig.name)
	}
	n.conns[sig.name] = v
	n.moveLast()
}

// moveLast makes the instance the last item of its scope.
func (n *Instance) moveLast() {
	items := n.scope.items
	for i, it := range items {
		if ii, ok := it.(*instItem); ok && ii.inst == n {
			copy(items[i:], items[i+1:])
			items[len(items)-1] = it
			return
		}
	}
}

// In connects an input port to a value of its type.
func (n *Instance) In(port string, v Value) {
	if sig := n.port("In", port, false); sig != nil {
		n.connect("In", sig, v)
	}
}

// Out declares a wire for an output port and returns it. It is named after instance and port:
// u_mac and acc_o give mac_acc.
func (n *Instance) Out(port string) *Signal {
	name := strings.TrimPrefix(n.name, "u_") + "_" + strings.TrimSuffix(port, "_o")
	return n.OutAs(port, name)
}

// OutAs is Out with the wire's name given.
func (n *Instance) OutAs(port, wire string, doc ...string) *Signal {
	sig := n.port("OutAs", port, true)
	if sig == nil {
		return &Signal{name: wire, t: U(1), kind: kindWire, scope: n.scope, pos: callerPos()}
	}
	w := n.scope.declare(kindWire, wire, sig.t, doc)
	n.scope.add(&declItem{sig: w, pos: w.pos})
	n.connect("OutAs", sig, w)
	return w
}

// OutTo connects an output port to an existing wire, or a slice of one.
func (n *Instance) OutTo(port string, lv LValue) {
	if sig := n.port("OutTo", port, true); sig != nil {
		n.connect("OutTo", sig, lv)
	}
}
