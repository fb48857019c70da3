package gen

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// Version is the version of the tool, a constant of the source.
const Version = "0.1.0"

// Access says how software may use a register.
type Access string

const (
	ReadOnly   Access = "RO"
	ReadWrite  Access = "RW"
	WriteOnly  Access = "WO"  // reads zero
	WriteClear Access = "W1C" // writing one to a bit clears it
)

// Field is a named range of bits of a register.
type Field struct {
	Name   string
	Hi, Lo int
	Doc    string
}

// Register is one 32-bit register of the AXI4-Lite map. The table of
// Registers is the only description: Verilog, C header and text come from it.
type Register struct {
	Name   string
	Offset int
	Access Access
	Reset  uint32
	Doc    string
	Fields []Field
}

// counters are the 64-bit cycle counters: busy cycles, and what they went to.
// ARRAY + WAIT_FETCH + WAIT_STORE + OVERHEAD = CYCLES.
var counters = []struct{ name, doc string }{
	{"CYCLES", "cycles from start to finish"},
	{"ARRAY", "cycles in which an operation was issued"},
	{"WAIT_FETCH", "cycles spent waiting for what is read before the slabs, or for a slab"},
	{"WAIT_STORE", "cycles spent waiting for the store at the end of a run or of an update"},
	{"OVERHEAD", "all other busy cycles: pass set-up, pipeline fill and flush, errors of heads"},
	{"READ_BEATS", "beats read from external memory"},
	{"WRITE_BEATS", "beats written to external memory"},
}

// counterBase is the offset of the first counter.
const counterBase = 0x40

// Error codes of the ERROR register.
const (
	ErrNone  = 0
	ErrRead  = 1
	ErrWrite = 2
)

// Registers returns the register map.
func (d *Design) Registers() []Register {
	rs := []Register{
		{"ID", 0x00, ReadOnly, 0x45504731, "identifies the core: \"EPG1\"", nil},
		{"VERSION", 0x04, ReadOnly, versionCode(), "version of the generator, 8 bits each of major, minor, patch", nil},
		{"CONFIG", 0x08, ReadOnly, d.configHash(), "hash of the configuration that the core was generated from", nil},
		{"CONTROL", 0x0c, WriteOnly, 0, "commands; ignored while busy", d.controlFields()},
		{"STATUS", 0x10, ReadOnly, 0, "state of the core", []Field{
			{"BUSY", 0, 0, "a run is under way"},
			{"DONE", 1, 1, "the last run is complete; cleared by START"},
			{"ERROR", 2, 2, "the last run failed; cleared by START"}}},
		{"ERROR", 0x14, ReadOnly, 0, "cause of a failed run", []Field{
			{"CODE", 1, 0, "0 none, 1 read response, 2 write response"}}},
		{"BASE_LO", 0x18, ReadWrite, 0, "byte address of the memory map, low half; a multiple of 4096; writes while busy are ignored", []Field{
			{"ADDRESS", 31, 12, "bits 31 to 12; lower bits are zero"}}},
		{"BASE_HI", 0x1c, ReadWrite, 0, "byte address of the memory map, high half; writes while busy are ignored", nil},
		{"IRQ_ENABLE", 0x20, ReadWrite, 0, "interrupt enable", []Field{{"FINISH", 0, 0, "irq follows IRQ_STATUS.FINISH"}}},
		{"IRQ_STATUS", 0x24, WriteClear, 0, "interrupt status", []Field{{"FINISH", 0, 0, "a run has finished, with or without error"}}},
	}
	if d.random() {
		rs = append(rs, Register{"UPDATE_NUMBER", 0x2c, ReadWrite, 0,
			"number of the next update, by which random bits are drawn; counts by itself; writes while busy are ignored", nil})
	}
	if d.sums() {
		rs = append(rs, Register{"ACCUMULATED", 0x30, ReadWrite, 0,
			fmt.Sprintf("training steps whose contrasts the sums hold; number %d applies the update; counts by itself; writes while busy are ignored", d.Cfg.Starts()),
			[]Field{{"STEPS", 15, 0, fmt.Sprintf("0 to %d", d.Cfg.Starts()-1)}}})
	}
	rs = append(rs, Register{"PROGRESS", 0x28, ReadOnly, 0, "where the schedule stands", []Field{
		{"STATE", 3, 0, "state of the sequencer: " + strings.Join(stateNames, ", ")},
		{"PHASE", 3 + d.phaseBits(), 4, d.phaseList()},
		{"LAYER", 12, 8, d.layerCodes()},
		{"SLAB", 31, 16, "slab of the layer"}}})
	for i, c := range counters {
		at := counterBase + 8*i
		rs = append(rs,
			Register{c.name + "_LO", at, ReadOnly, 0, c.doc + ", low half; at rest while BUSY is 0", nil},
			Register{c.name + "_HI", at + 4, ReadOnly, 0, c.doc + ", high half", nil})
	}
	return append(append(rs, d.stepRegisters()...), d.rateRegisters()...)
}

// layerCodes lists the codes of what a visit walks over.
func (d *Design) layerCodes() string {
	text := "layer - 1 whose slabs are visited, or that is activated without any"
	for i := range d.Heads {
		text += fmt.Sprintf(", %d %s", d.Heads[i].N-1, d.Heads[i].Layer.Name)
	}
	return text
}

// controlFields are the bits of CONTROL.
func (d *Design) controlFields() []Field {
	list := []Field{{"START", 0, 0, "begin a training step"}}
	if d.learns() {
		list = append(list, Field{"INFER", 1, 1, "with START: free phase and results only"})
	} else {
		list[0].Doc = "begin an inference"
	}
	if d.warm() {
		list = append(list, Field{"COLD", 2, 2, "with START: from the initial states, not from the last free equilibrium"})
	}
	return list
}

func versionCode() uint32 {
	var major, minor, patch uint32
	fmt.Sscanf(Version, "%d.%d.%d", &major, &minor, &patch)
	return major<<16 | minor<<8 | patch
}

// configHash identifies what the core computes and how its memory is laid out.
func (d *Design) configHash() uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%+v", *d.Cfg)
	return h.Sum32()
}

// CHeader returns the register map and the memory map as a C header.
func (d *Design) CHeader() []byte {
	var b strings.Builder
	b.WriteString("/* Code generated by epgen. DO NOT EDIT.\n *\n * Registers and memory map of " + d.Top() + " (" + d.Cfg.Network.Name + ").\n */\n")
	b.WriteString("#ifndef EPGEN_REGS_H\n#define EPGEN_REGS_H\n\n/* Registers: byte offsets on the AXI4-Lite port. */\n")
	for _, r := range d.Registers() {
		fmt.Fprintf(&b, "#define EPGEN_%-16s 0x%03xu /* %s, reset 0x%08x: %s */\n", r.Name, r.Offset, r.Access, r.Reset, r.Doc)
		for _, f := range r.Fields {
			mask := uint64(1)<<(f.Hi-f.Lo+1) - 1
			fmt.Fprintf(&b, "#define EPGEN_%-24s 0x%08xu /* %s */\n", r.Name+"_"+f.Name, mask<<f.Lo, f.Doc)
		}
	}
	fmt.Fprintf(&b, "\n/* Values of EPGEN_ERROR. */\n#define EPGEN_ERROR_NONE  %du\n#define EPGEN_ERROR_READ  %du\n#define EPGEN_ERROR_WRITE %du\n", ErrNone, ErrRead, ErrWrite)
	b.WriteString("\n/* Memory map: byte offsets from BASE. */\n")
	for _, r := range d.Map.Regions() {
		if r.Bytes == 0 {
			continue
		}
		fmt.Fprintf(&b, "#define EPGEN_MEM_%-12s 0x%08xu\n#define EPGEN_MEM_%-12s 0x%08xu\n", r.Name, r.Offset, r.Name+"_BYTES", r.Bytes)
	}
	fmt.Fprintf(&b, "#define EPGEN_MEM_%-12s 0x%08xu\n#define EPGEN_MEM_%-12s %du\n\n#endif\n", "BYTES", d.Map.Size, "COLUMN_BYTES", d.Map.ColumnBytes)
	return []byte(b.String())
}

// RegisterText returns the register map as text.
func (d *Design) RegisterText() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "Registers of %s (%s), 32 bits each, byte offsets on the AXI4-Lite port\n\n", d.Top(), d.Cfg.Network.Name)
	fmt.Fprintf(&b, "%-8s%-16s%-5s%-12s%s\n", "offset", "name", "use", "reset", "meaning")
	for _, r := range d.Registers() {
		fmt.Fprintf(&b, "0x%03x   %-16s%-5s0x%08x  %s\n", r.Offset, r.Name, r.Access, r.Reset, r.Doc)
		for _, f := range r.Fields {
			bits := fmt.Sprintf("[%d:%d]", f.Hi, f.Lo)
			if f.Hi == f.Lo {
				bits = fmt.Sprintf("[%d]", f.Lo)
			}
			fmt.Fprintf(&b, "          %-8s%-25s%s\n", bits, f.Name, f.Doc)
		}
	}
	b.WriteString("\nUse: write BASE_LO and BASE_HI, IRQ_ENABLE, then CONTROL.START; wait for irq or\nSTATUS.BUSY = 0; check STATUS.ERROR; write 1 to IRQ_STATUS.FINISH.\n")
	return []byte(b.String())
}
