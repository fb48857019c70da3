package mutate

import "regexp"

// reason is a kind of change that no simulation of these designs can show. Empty
// patterns match everything.
type reason struct {
	design, file, class, before, why string
	after                            string
}

// reasons is consulted for survivors only: it explains, it excuses nothing.
var reasons = []reason{
	{file: `ep_(row|column)_rom`, class: "table", before: `// layer1 down`,
		why: "layer 1 has no pass down, so its rows are never read"},
	{file: `ep_(row|column)_rom|ep_sequencer`, class: "table", before: `default:|layer1 down|= \d+'h0+;$`,
		why: "no pass has this index, so the row is never read"},
	{file: `ep_(row|column)_rom`, class: "table", before: `layer\d+ (update|bias)`,
		why: "the place of the taps counts in UP and DOWN only: the drain itself counts the tiles of an update"},
	{file: "ep_row_rom", class: "table", before: `// layer[12] up \d*[02468]$`,
		why: "a pooled state is written at the last position of its window, so the upper row's place in the map of the layer is not used"},
	{file: "ep_registers", class: "index", before: `\[63:32\]`,
		why: "the upper half of a counter, and the bit below it, are zero in every run of less than 2^31 cycles"},
	{file: "ep_mac_array", class: "reset", before: `if \(!rst_ni\)`,
		why: "reset lasts longer than it takes the valid bits before this stage, which are reset, to get here"},
	{file: "ep_fetch", class: "", before: `!abort_i`,
		why: "the request that slips through in the cycle in which abort rises is answered before the unit is idle"},
	{design: "frozen|narrow|padded", file: "ep_sequencer", class: "", before: `variant_q`,
		why: "variants of UP belong to the update of live indices; this design has frozen ones"},
	{design: "frozen|narrow|padded", file: "ep_sequencer", class: "", before: `index_(plus|minus)_o`,
		why: "frozen indices have one copy, so both addresses are the same"},
	{design: "live", file: "ep_lane|ep_datapath", class: "", before: `index_i|index_q|pos_i == index`,
		why: "live pooling never reads the stored index while it pools"},
	{file: "ep_store", class: "", before: `credit_q < `,
		why: "how many bursts are announced ahead is not promised; the counter holds more than the limit"},
	{file: "ep_store", class: "index", before: `pending_q\[15\]`,
		why: "the guard against 2^15 unanswered bursts is far from what these designs announce"},
	{file: "ep_sequencer", class: "reset", before: `flush_q +<=`,
		why: "RUN and ERROR set the count before FLUSH and ERROR read it"},
	{file: "ep_store", class: "reset", before: `w_left_q +<=`,
		why: "every job sets the count before the first beat, and abort overrides it"},
	{file: "ep_mac_array", class: "condition|handshake|operator", before: `if \(valid_q\d( && !update_i)?\) begin`,
		after: `1'b1|\|\|`, why: "what the stage captures without its enable is not valid, and the next one does not use it"},
}

// Explain says why nothing could show a surviving mutant, as far as known.
func Explain(m *Mutant) string {
	for _, r := range reasons {
		if matches(r.design, m.Design) && matches(r.file, m.File) && matches(r.class, string(m.Class)) &&
			matches(r.before, m.Before) && matches(r.after, m.After) {
			return r.why
		}
	}
	return "no reason known: the bench may have a gap"
}

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }
