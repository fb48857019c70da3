package mutate

import (
	"math/rand/v2"
	"strings"
	"testing"
)

const tableSample = `  always @* begin
    // {k, o, i, odd, void, last}
    case (row_index_i)
      2'd0:    entry = {2'd1, 2'd1, 2'd1, 1'b1, 1'b1, 2'd1};  // layer1 up 0, pooled
      2'd2:    entry = {2'd1, 2'd1, 2'd1, 1'b1, 1'b1, 2'd1};  // layer2 down 0, pooled
      2'd3:    entry = {2'd1, 2'd1, 2'd1, 1'b1, 1'b1, 2'd1};  // layer3 down 0
      2'd1:    entry = {2'd1, 2'd1, 2'd1, 1'b1, 1'b1, 2'd1};  // layer1 bias 0
      default: entry = 10'd0;
    endcase
  end
  always @* begin
    case (pass_index)
      //  {rate, acc_read, k_blk,
      //   last_blk, row_base}
      3'd4: pass_rom =  // layer1 act
          {2'd1, 2'd1,     2'd1,
           1'b1,     2'd1};
      3'd5: pass_rom =  // layer1 up
          {2'd1, 2'd1,     2'd1,
           1'b0,     2'd1};
      default: pass_rom = 9'd0;
    endcase
  end
  for (c = 0; c < 4; c = c + 1) begin : gen_column
`

// TestTables flips every bit that is drawn and looks which numbers change.
func TestTables(t *testing.T) {
	s := parse("m.v", []byte(tableSample))
	want := map[string]string{ // the numbers that may change
		"2'd0:    entry = {2'd1, 2'd1, 2'd1, 1'b1, 1'b1, 2'd1};  // layer1 up 0, pooled":   "111011",
		"2'd2:    entry = {2'd1, 2'd1, 2'd1, 1'b1, 1'b1, 2'd1};  // layer2 down 0, pooled": "111111",
		"2'd3:    entry = {2'd1, 2'd1, 2'd1, 1'b1, 1'b1, 2'd1};  // layer3 down 0":         "111011",
		"2'd1:    entry = {2'd1, 2'd1, 2'd1, 1'b1, 1'b1, 2'd1};  // layer1 bias 0":         "010011",
		"{2'd1, 2'd1,     2'd1,": "010", // of act; those of up are all unread: one block
		"1'b1,     2'd1};":       "11",
		"1'b0,     2'd1};":       "11",
	}
	seen := map[string]bool{}
	for i := range s.lines {
		l := &s.lines[i]
		text := strings.TrimSpace(l.text)
		numbers := sized.FindAllString(l.code[max(0, l.from):], -1)
		changed := make([]byte, len(numbers))
		for k := range changed {
			changed[k] = '0'
		}
		drawn := false
		for seed := range uint64(200) {
			for _, e := range tableBits(s, l, rand.New(rand.NewPCG(seed, 0))) {
				drawn = true
				after := l.code[:e.lo] + e.text + l.code[e.hi:]
				for k, n := range sized.FindAllString(after[l.from:], -1) {
					if n != numbers[k] {
						changed[k] = '1'
					}
				}
			}
		}
		if !drawn {
			continue
		}
		seen[text] = true
		if string(changed) != want[text] {
			t.Errorf("%s: numbers %s may change, want %s", text, changed, want[text])
		}
	}
	if len(seen) != len(want) {
		t.Errorf("changes in %d lines, want %d", len(seen), len(want))
	}
}

// TestGenerateBounds: one lane more than there are has no bits and is no change.
func TestGenerateBounds(t *testing.T) {
	s := parse("m.v", []byte(tableSample))
	for i := range s.lines {
		if l := &s.lines[i]; strings.Contains(l.code, "for (") {
			if e := operators[Comparison](s, l, nil); len(e) > 0 {
				t.Errorf("%q: %v, want no change of the comparison", l.code, e)
			}
		}
	}
}
