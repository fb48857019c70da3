package sim

import "epgen/gen"

// taps writes what the harness knows of the taps, in the order of their numbers.
func (h *header) taps() {
	taps := h.d.Taps()
	h.line("// Taps: memories by their write ports, and what heads compute.")
	h.line("struct TapInfo {")
	h.line("  const char* name;    // of all that is tapped there")
	h.line("  const char* signal;  // where the data comes from")
	h.line("  int lanes;           // of a word")
	h.line("  int parts;           // words that make one of kP lanes")
	h.line("  int bits;            // of a lane")
	h.line("  bool is_signed;")
	h.line("};")
	h.constant("int", "kNumTaps", len(taps), "")
	h.line("constexpr TapInfo kTaps[] = {")
	for _, t := range taps {
		h.line("    {%q, %q, %d, %d, %d, %t},", t.Title, "tb_top."+t.Signal, t.Lanes, t.Parts, t.Bits, t.Signed)
	}
	h.line("};")
	h.line("")
}

// headScale returns the fractional bits of a map of head i, and its largest code, which
// is 0 where nothing asks for it.
func headScale(p *gen.Plan, i, kind int) (frac int, top int64) {
	a, f := p.Heads[i].HeadArith, &p.Cfg.Formats
	switch kind {
	case mapErrors:
		return a.SignalFrac, a.Target
	case mapAverages:
		return a.State.Frac, a.Pool.Hi
	case mapLogits:
		return a.LogitFrac, 0
	case mapNudges:
		return p.Arith.Layers[p.Heads[i].Head.Layer-1].AccFrac, 0
	default:
		return f.Probability.Frac, f.Probability.Max()
	}
}
