package unit

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"epgen/hdl"
)

// Vectors are the inputs of a block and its expected outputs, cycle by cycle.
// Inputs keep their values until they are set again; an output matters only in
// the cycles for which something was wanted of it. Names of ports that do not
// exist, or of the wrong direction, panic: they are mistakes in a bench.
type Vectors struct {
	ports   map[string]*vectorPort
	now     []byte // inputs of the current cycle, then want and mask of each output
	blank   []byte // the same with nothing wanted; inputs are not kept up to date
	inputs  int    // bytes of now that are inputs
	pending map[int][]expectation
	later   map[int][]stimulus
	cycle   int
	data    bytes.Buffer
}

// vectorPort is the place of a port in a record.
type vectorPort struct {
	name  string
	bits  int
	at    int // first byte; of an output, that of the expected value, the mask follows
	input bool
}

type expectation struct {
	port      *vectorPort
	lo, width int
	value     int64
}

type stimulus struct {
	name  string
	value int64
}

// newVectors makes the vectors of a block. Its clock is not among them.
func newVectors(m *hdl.Module) *Vectors {
	v := &Vectors{ports: map[string]*vectorPort{}, pending: map[int][]expectation{}, later: map[int][]stimulus{}}
	for _, in := range []bool{true, false} {
		for _, p := range portsOf(m, in) {
			v.ports[p.Name()] = &vectorPort{p.Name(), p.Type().Width, len(v.now), in}
			n := portBytes(p)
			if !in {
				n *= 2
			}
			v.now = append(v.now, make([]byte, n)...)
		}
		if in {
			v.inputs = len(v.now)
		}
	}
	v.blank = append([]byte(nil), v.now...)
	return v
}

// portsOf returns the inputs, without the clock, or the outputs of a module.
func portsOf(m *hdl.Module, inputs bool) []*hdl.Signal {
	var out []*hdl.Signal
	for _, p := range m.Ports() {
		if p.IsInput() == inputs && p.Name() != clockName {
			out = append(out, p)
		}
	}
	return out
}

func portBytes(p *hdl.Signal) int { return (p.Type().Width + 7) / 8 }

// port returns a port of the wanted direction.
func (v *Vectors) port(name string, input bool) *vectorPort {
	p := v.ports[name]
	if p == nil || p.input != input {
		panic(fmt.Sprintf("unit: no port %s of that direction", name))
	}
	return p
}

// Has reports whether the block has a port.
func (v *Vectors) Has(name string) bool { return v.ports[name] != nil }

// Existing returns the ports that the block has: some are there only if the
// design has a choice for them to make.
func (v *Vectors) Existing(names ...string) []string {
	var out []string
	for _, name := range names {
		if v.Has(name) {
			out = append(out, name)
		}
	}
	return out
}

// Bits returns the width of a port.
func (v *Vectors) Bits(name string) int { return v.ports[name].bits }

// Set drives an input of at most 64 bits with the low bits of x.
func (v *Vectors) Set(name string, x int64) {
	p := v.port(name, true)
	v.SetBits(name, 0, min(p.bits, 64), x)
}

// SetPresent is Set of a port that some designs do not have.
func (v *Vectors) SetPresent(name string, x int64) {
	if v.Has(name) {
		v.Set(name, x)
	}
}

// WantPresent is Want of such a port.
func (v *Vectors) WantPresent(name string, x int64) {
	if v.Has(name) {
		v.Want(name, x)
	}
}

// SetIf drives an input of one bit.
func (v *Vectors) SetIf(name string, x bool) { v.Set(name, b2i(x)) }

// SetLane drives lane i of an input made of lanes of w bits.
func (v *Vectors) SetLane(name string, i, w int, x int64) { v.SetBits(name, i*w, w, x) }

// SetBits drives the bits [lo, lo+w) of an input, w at most 64.
func (v *Vectors) SetBits(name string, lo, w int, x int64) {
	p := v.port(name, true)
	if lo+w > p.bits {
		panic(fmt.Sprintf("unit: bits %d to %d of %s, which has %d", lo, lo+w-1, name, p.bits))
	}
	putBits(v.now[p.at:], lo, w, uint64(x))
}

// SetAfter drives an input from a later cycle on.
func (v *Vectors) SetAfter(cycles int, name string, x int64) {
	v.later[v.cycle+cycles] = append(v.later[v.cycle+cycles], stimulus{name, x})
}

// Want expects the low bits of x at an output of at most 64 bits, in this cycle.
func (v *Vectors) Want(name string, x int64) { v.WantAfter(0, name, x) }

// WantIf expects one bit.
func (v *Vectors) WantIf(name string, x bool) { v.Want(name, b2i(x)) }

// WantAfter expects x some cycles later.
func (v *Vectors) WantAfter(cycles int, name string, x int64) {
	v.WantBitsAfter(cycles, name, 0, v.port(name, false).bits, x)
}

// WantLaneAfter expects x in lane i of an output made of lanes of w bits, some
// cycles later.
func (v *Vectors) WantLaneAfter(cycles int, name string, i, w int, x int64) {
	v.WantBitsAfter(cycles, name, i*w, w, x)
}

// WantBitsAfter expects the bits [lo, lo+w) of an output, w at most 64, some
// cycles later.
func (v *Vectors) WantBitsAfter(cycles int, name string, lo, w int, x int64) {
	p := v.port(name, false)
	if lo+w > p.bits || w > 64 {
		panic(fmt.Sprintf("unit: bits %d to %d of %s, which has %d", lo, lo+w-1, name, p.bits))
	}
	at := v.cycle + cycles
	v.pending[at] = append(v.pending[at], expectation{p, lo, w, x})
}

// Tick ends the cycle.
func (v *Vectors) Tick() {
	for _, e := range v.pending[v.cycle] {
		n := (e.port.bits + 7) / 8
		putBits(v.now[e.port.at:], e.lo, e.width, uint64(e.value))
		putBits(v.now[e.port.at+n:], e.lo, e.width, ^uint64(0))
	}
	delete(v.pending, v.cycle)
	v.data.Write(v.now)
	copy(v.now[v.inputs:], v.blank[v.inputs:])
	v.cycle++
	for _, s := range v.later[v.cycle] {
		v.Set(s.name, s.value)
	}
	delete(v.later, v.cycle)
}

// Idle lets cycles pass.
func (v *Vectors) Idle(cycles int) {
	for range cycles {
		v.Tick()
	}
}

// Reset holds the block in reset for two cycles.
func (v *Vectors) Reset() {
	v.Set(resetName, 0)
	v.Idle(2)
	v.Set(resetName, 1)
}

// Cycle returns the number of the current cycle.
func (v *Vectors) Cycle() int { return v.cycle }

// drain lets the expected outputs of later cycles arrive.
func (v *Vectors) drain() {
	for len(v.pending) > 0 {
		v.Tick()
	}
}

// file returns the vectors as the simulator reads them.
func (v *Vectors) file() []byte {
	out := append([]byte(nil), "EPGVEC01"...)
	out = binary.LittleEndian.AppendUint32(out, uint32(v.cycle))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(v.now)))
	return append(out, v.data.Bytes()...)
}

// putBits stores the low w bits of x at bit lo of a little-endian byte string.
func putBits(dst []byte, lo, w int, x uint64) {
	for w > 0 {
		i, shift := lo/8, lo%8
		n := min(8-shift, w)
		mask := byte(1<<n-1) << shift
		dst[i] = dst[i]&^mask | byte(x<<shift)&mask
		x >>= n
		lo += n
		w -= n
	}
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
