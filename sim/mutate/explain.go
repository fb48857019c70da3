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
	{file: "ep_lane", class: "sign", before: `\berror_sel\[`,
		why: "the target of a label is not negative, so its sign is always 0"},
	{file: "ep_mac_array", class: "limit", before: `contrast_q <= \(first_q\d \?`,
		why: "the sum starts at -1, one LSB of the contrast, which the rounding of this design's updates hides; the bench of the block sees it"},
	{design: "padded", file: "ep_sequencer", class: "table", before: `^ *4'd15\};`, after: `4'd14`,
		why: "the two rows differ in the place in the map below alone, which BIAS does not read"},
	{file: `ep_(row|column)_rom`, class: "table", before: `layer\d+ up`,
		why: "sums are written to fewer words than states, so an upper bit of the place in the map of the layer is not used; nor is the upper row's in a pooled layer"},
	{file: "ep_sequencer", before: `write_o +<=`,
		why: "sums are written to fewer words than states, so the upper bit of their address is not used"},
	{file: "ep_registers", class: "index|label", before: `\[63:32\]`,
		why: "the upper half of a counter, and the bit below it, are zero in every run of less than 2^31 cycles"},
	{file: "ep_mac_array", class: "condition|handshake", before: `if \((valid_i|update_i && valid_q2)\)`, after: `1'b1`,
		why: "the enable saves power: what comes in without an operation is never counted as one"},
	{file: "ep_mac_array|ep_datapath", class: "reset", before: `if \(!rst_ni|_q\d* +<=`,
		why: "what is on its way when reset comes has left the pipeline long before the next start, which forgets it"},
	{file: "ep_lane", class: "condition|handshake", before: `aligned_valid_q`, after: `1'b1`,
		why: "the sum of before is compared again, and wins over nothing but itself"},
	{file: "ep_update_lane|ep_lane", class: "constant", before: `product_q|sum_i|scaled`,
		why: "bits far below the rounding point show in exact ties only, of which this alignment meets none"},
	{design: "frozen|narrow|padded", file: "ep_sequencer", before: `variant_q`,
		why: "variants of UP belong to the update of live indices; this design has frozen ones"},
	{file: "ep_store", before: `credit_q < `,
		why: "how many bursts are announced ahead is not promised; the counter holds more than the limit"},
	{file: "ep_store", class: "index", before: `pending_q\[15\]`,
		why: "the guard against 2^15 unanswered bursts is far from what these designs announce"},
	{file: "ep_sequencer", class: "reset", before: `flush_q +<=`,
		why: "RUN and ERROR set the count before FLUSH and ERROR read it"},
	{design: "differences|frozen|live|narrow|padded|settling", file: "ep_datapath", before: `^ *\.abort_i +\(abort_i\)`, // of the drain
		why: "after an abort the store takes what it has announced from its buffer, which makes room for the columns in the drain: nothing is left at the next start"},
	{file: "ep_fetch|ep_kept", class: "constant", before: `(column|out)_q +<= \{\d+'d0, (column|out)_q`,
		why: "what is shifted in behind the last column or word is none: the count of those held says so"},
	{file: "ep_store", class: "reset", before: `w_left_q +<=`,
		why: "every job sets the count before the first beat, and abort overrides it"},
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
