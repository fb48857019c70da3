package hdl

import "math/big"

// kind says how a signal is declared and what may drive it.
type kind int

const (
	kindInput kind = iota
	kindOutput
	kindOutputReg
	kindWire
	kindReg
	kindLocalparam
)

var kindNames = [...]string{"input", "output", "output reg", "wire", "reg", "localparam"}

func (k kind) String() string { return kindNames[k] }

// isReg reports whether always blocks drive the signal, rather than Assign or an instance.
func (k kind) isReg() bool { return k == kindOutputReg || k == kindReg }

// Signal is a named net, variable or localparam of a module. As a Value it reads the name.
type Signal struct {
	name  string
	t     Type
	kind  kind
	doc   string
	scope *Scope
	pos   pos
	temp  bool // made by legalisation
	is    bool // WireIs or localparam: driven where it is declared

	number *big.Int // of a localparam
}

// Name is the name in the Verilog text.
func (s *Signal) Name() string { return s.name }

// Type is the declared type.
func (s *Signal) Type() Type { return s.t }

// IsInput reports whether the signal is an input port.
func (s *Signal) IsInput() bool { return s.kind == kindInput }

func (s *Signal) value() {}

// Memory is an array of depth words. It is written and read in clocked blocks only, so that
// synthesis finds a block or distributed RAM; its contents have no reset.
type Memory struct {
	name  string
	word  Type
	depth int
	doc   string
	scope *Scope
	pos   pos
}

// Name is the name in the Verilog text.
func (m *Memory) Name() string { return m.name }

// Word is the type of one word.
func (m *Memory) Word() Type { return m.word }

// Depth is the number of words.
func (m *Memory) Depth() int { return m.depth }

// AddrType is the type of addresses: unsigned, ceil(log2 depth) bits, at least 1.
func (m *Memory) AddrType() Type { return U(AddrWidth(m.depth)) }

// At is the word at addr, to read in a clocked block or to assign there. addr has type AddrType.
func (m *Memory) At(addr Value) Value {
	e := newExpr("At", opMemory, m.word, addr)
	e.mem = m
	if t := typeOf(addr); t != m.AddrType() {
		e.fail("At: address of memory %s (%d words) is %v, want %v", m.name, m.depth, t, m.AddrType())
	}
	return e
}

// SliceAt is the bits [hi:lo] of the word at addr, to read or to write in part.
func (m *Memory) SliceAt(addr Value, hi, lo int) Value { return Slice(m.At(addr), hi, lo) }

// LaneAt is lane i of w bits of the word at addr, to read or to write in part.
func (m *Memory) LaneAt(addr Value, i Index, w int) Value { return IndexSlice(m.At(addr), i, w) }
