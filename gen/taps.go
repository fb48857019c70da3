package gen

import (
	"fmt"
	"strings"
)

// Tap is where the bench sees a value on its way: the write port of a memory, or the place
// where a unit of the heads has just computed it. Expressions are over hierarchical
// names from the instance u_top of the top module, so the design carries nothing for
// its bench.
type Tap struct {
	Name          string // of the tap, as in tap_state0_data
	Title         string // of what is written, for people
	Signal        string // path of the data
	Enable        string // Verilog expressions: a word is there,
	Address, Data string // its number and its lanes
	AddressBits   int
	Lanes         int // of a word
	Parts         int // words that make one of P lanes
	Bits          int // of a lane
	Signed        bool
}

// Taps returns the taps of a design. The first three are those of the memories; those of
// heads follow, in the order logits, probabilities, nudges, and probabilities at the
// temperature of a teacher.
func (d *Design) Taps() []Tap {
	const top = "u_top.u_datapath."
	memory := func(name, title, instance string, depth, lanes, parts, bits int, signed bool) Tap {
		return Tap{
			Name: name, Title: title, Signal: top + instance + ".wdata_i", Enable: top + instance + ".we_i",
			Address: top + instance + ".waddr_i", Data: top + instance + ".wdata_i",
			AddressBits: addrBits(depth), Lanes: lanes, Parts: parts, Bits: bits, Signed: signed,
		}
	}
	taps := []Tap{
		memory("state0", "state bank 0", "u_state_even", d.StateWords[0], d.P, 1, d.LaneBits, true),
		memory("state1", "state bank 1", "u_state_odd", d.StateWords[1], d.P, 1, d.LaneBits, true),
		memory("index", "index memory", "u_index", d.indexDepth(), d.IndexLanes(), d.IndexParts(), 2, false),
	}
	if d.hasHeads() {
		taps = append(taps, d.headTaps(top)...)
	}
	return taps
}

// headTaps are those of the heads: a word of logits as the last sweep begins with it, each
// probability when its class is done, and the nudge of each neuron beside its accumulator.
func (d *Design) headTaps(top string) []Tap {
	head := top + "u_head."
	conditions := func(list ...string) string { return strings.Join(list, " && ") }
	in := func(state int) string { return fmt.Sprintf("%sstate_q == 4'd%d", head, state) }
	first := fmt.Sprintf("%slane_q == %d'd0", head, addrBits(d.P))
	divided := func(warm string) string {
		list := []string{in(headError)}
		if d.mixedHeads() {
			list = append(list, "!"+head+"direct_i")
		}
		if warm != "" {
			list = append(list, warm)
		}
		return conditions(list...)
	}
	cold, warm := "", head+"warm_q"
	logits := conditions(in(headLane), first)
	if d.withKind(true) != nil {
		logits = conditions(logits, head+"last_sweep")
	}
	if d.distilling() != nil {
		cold = "!" + warm
		logits = conditions(logits, cold)
	}
	class := fmt.Sprintf("%s * 32'd%d + %s", pad(head+"word_address", d.logitAddrBits(), 32), d.P, pad(head+"lane_q", addrBits(d.P), 32))
	probability := Tap{ // of no head
		Name: "probability", Title: "probabilities", Signal: head + "errors_q", Enable: "1'b0", Address: "32'd0", Data: "1'b0",
		AddressBits: 32, Lanes: 1, Parts: d.P, Bits: 1,
	}
	p := 0
	if soft := d.withKind(true); soft != nil {
		p = widest(int(soft.HeadArith.Softmax.Max))
		probability = Tap{
			Name: "probability", Title: "probabilities", Signal: head + "probability", Enable: divided(cold), Address: class,
			Data: head + "probability", AddressBits: 32, Lanes: 1, Parts: d.P, Bits: p,
		}
	}
	var nudges []string
	for r := d.P - 1; r >= 0; r-- {
		nudges = append(nudges, fmt.Sprintf("%sgen_lane[%d].u_lane.head_aligned", top, r))
	}
	taps := []Tap{
		{
			Name: "logit", Title: "logits", Signal: top + "logits", Enable: logits, Address: head + "word_address",
			Data: top + "logits", AddressBits: d.logitAddrBits(), Lanes: d.P, Parts: 1, Bits: d.LogitBits(), Signed: true,
		},
		probability,
		{
			Name: "nudge", Title: "nudges", Signal: top + "gen_lane[*].u_lane.head_aligned",
			Enable: conditions(top+fmt.Sprintf("valid_q%d", nudgeStage), top+"act_i", top+"head_nudge_i"), Address: fmt.Sprintf("%swaddr_q%d", top, nudgeStage),
			Data: "{" + strings.Join(nudges, ", ") + "}", AddressBits: d.fields.addr, Lanes: d.P, Parts: 1, Bits: d.AccBits, Signed: true,
		},
	}
	if d.distilling() != nil {
		taps = append(taps, Tap{
			Name: "warm", Title: "probabilities of the teacher's temperature", Signal: head + "probability", Enable: divided(warm), Address: class,
			Data: head + "probability", AddressBits: 32, Lanes: 1, Parts: d.P, Bits: p,
		})
	}
	return taps
}

// nudgeStage is the stage of an activation in which the aligned nudge of a head lies
// beside the accumulator.
const nudgeStage = 4

// ports returns the declarations of a tap as ports of the bench, and their
// assignments.
func (t *Tap) ports() (decl []string, assign []string) {
	address := t.Address
	if t.AddressBits < 32 {
		address = pad(address, t.AddressBits, 32)
	}
	for _, p := range []struct {
		what, value string
		width       int
	}{{"we", t.Enable, 1}, {"addr", address, 32}, {"data", t.Data, t.Lanes * t.Bits}} {
		name := "tap_" + t.Name + "_" + p.what
		decl = append(decl, "  output wire "+rangeOf(p.width)+name)
		assign = append(assign, fmt.Sprintf("  assign %s = %s;", name, p.value))
	}
	return decl, assign
}

// rangeOf is the range of a signal, with a blank behind it.
func rangeOf(width int) string {
	if width == 1 {
		return ""
	}
	return fmt.Sprintf("[%d:0] ", width-1)
}
