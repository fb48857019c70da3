package mutate

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/gen"
	"epgen/sim"
	"epgen/verilator"
)

const sample = `module m (
  input wire clk_i  // 1'b0 is not code
);
  // a + b
  wire [3:0] sum = a_q + 4'd3;
  wire unused_ok = &{1'b0,
      spare[2:0]};
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      a_q <= 4'd0;
    end else if (valid_i && !stop) begin
      a_q <= $signed({{2{b[1]}}, b}) * c;
    end
  end
  always @* begin
    case (at)
      2'd0: row = 8'h0f;  // one
      default: row = 8'h00;
    endcase
    case (state_q)
      IDLE: begin
        x_q2[1] <= x_q < 4'd9 ? x_q1 : y[3:1];
      end
      RUN: begin
      end
    endcase
  end
  sub u_sub (
    .rst_ni (rst_ni),
    .a_i    (left),
    .b_i    (right)
  );
endmodule
`

// changes returns all that a class makes of the sample, for some random choices.
func changes(class Class) []string {
	s := parse("m.v", []byte(sample))
	var list []string
	for i := range s.lines {
		l := &s.lines[i]
		for seed := range uint64(20) {
			for _, e := range operators[class](s, l, rand.New(rand.NewPCG(seed, 0))) {
				list = append(list, strings.TrimSpace(l.text[:e.lo]+e.text+l.text[e.hi:]))
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestOperators(t *testing.T) {
	for _, tc := range []struct {
		class Class
		want  []string
	}{
		{Constant, []string{"wire [3:0] sum = a_q + 4'd2;", "wire [3:0] sum = a_q + 4'd4;"}},
		{Limit, []string{"x_q2[1] <= x_q < 4'd10 ? x_q1 : y[3:1];", "x_q2[1] <= x_q < 4'd8 ? x_q1 : y[3:1];"}},
		{Operator, []string{
			"end else if (valid_i && stop) begin", "end else if (valid_i || !stop) begin", "if (rst_ni) begin",
			"wire [3:0] sum = a_q - 4'd3;"}},
		{Comparison, []string{"x_q2[1] <= x_q <= 4'd9 ? x_q1 : y[3:1];"}},
		{Handshake, []string{"end else if (1'b0 && !stop) begin", "end else if (1'b1 && !stop) begin"}},
		{Reset, []string{".rst_ni (1'b1),", "a_q <= 4'd1;", "a_q <= 4'd15;", "if (1'b0) begin"}},
		{Sign, []string{"a_q <= $signed({{2{1'b0}}, b}) * c;", "a_q <= $unsigned({{2{b[1]}}, b}) * c;"}},
		{Condition, []string{
			"end else if (!(valid_i && !stop)) begin", "end else if (1'b0) begin", "end else if (1'b1) begin"}},
		{Label, []string{"IDLE: begin", "RUN: begin"}},
		{Port, []string{".a_i    (right),", ".b_i    (left)"}},
		{Delay, []string{
			"x_q2[1] <= x_q < 4'd9 ? x_q : y[3:1];", "x_q2[1] <= x_q < 4'd9 ? x_q2 : y[3:1];",
			"x_q2[1] <= x_q1 < 4'd9 ? x_q1 : y[3:1];"}},
	} {
		got := changes(tc.class)
		slices.Sort(tc.want)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.class, diff)
		}
	}
	for _, line := range changes(Table) {
		if !strings.HasPrefix(line, "2'd0: row = 8'h") && !strings.HasPrefix(line, "default: row = 8'h") {
			t.Errorf("%s: %q is no row", Table, line)
		}
	}
}

func TestClamps(t *testing.T) {
	for code, want := range map[string]bool{
		"z <= (v > MAX) ? MAX : v;":                                           true,
		"z <= (v < MIN) ? $signed(MIN[3:0]) :":                                true, // goes on with what is not below
		"    (v > MAX) ? $signed(MAX[3:0]) : $signed(v[3:0]);":                true,
		"z <= (v < MIN) ? MIN : (v > MAX) ? MAX : v;":                         true,
		"wire [6:0] burst = ({1'b0, left_q} < room) ? {1'b0, left_q} : room;": true,
		"wire [3:0] burst = (left_q < {4'd0, room}) ? left_q[3:0] : room;":    true,
		"z <= (v > 24'd65535) ? 16'd65535 : v[15:0];":                         true,
		"z <= (v > 24'd65535) ? 16'd65534 : v[15:0];":                         false,
		"z <= (v > MAX) ? MIN : v;":                                           false,
		"z <= (v > MAX) ? MAX : w;":                                           false,
		"z <= v > MAX;":                                                       false,
	} {
		at := strings.IndexAny(code[4:], "<>") + 3
		if strings.Contains(code, "burst") {
			at = strings.Index(code, " < ")
		}
		if got := clamps(code, at); got != want {
			t.Errorf("clamps(%q, %d) = %t, want %t", code, at, got, want)
		}
	}
}

// readDesign returns the design of a name.
func readDesign(t *testing.T, name string) *gen.Design {
	t.Helper()
	cfg, err := ReadDesign(name, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := gen.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// designsRTL generates the Verilog of every design.
func designsRTL(t *testing.T) map[string]map[string][]byte {
	t.Helper()
	all := map[string]map[string][]byte{}
	for _, name := range DesignNames() {
		rtl, err := readDesign(t, name).RTL(sim.Command)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = map[string][]byte{}
		for path, text := range rtl {
			all[name][strings.TrimPrefix(path, "rtl/")] = text
		}
	}
	return all
}

func TestQueue(t *testing.T) {
	rtl := designsRTL(t)
	p, q, other := NewQueue(1, rtl), NewQueue(1, rtl), NewQueue(2, rtl)
	files, classes, designs := map[string]int{}, map[Class]int{}, map[string]int{}
	same := 0
	for range 400 { // the rarest class has places in two modules only
		m := p.Next()
		if again := q.Next(); m != again {
			t.Fatalf("two queues of one seed: %v and %v", &m, &again)
		}
		if m == other.Next() {
			same++
		}
		files[m.File]++
		classes[m.Class]++
		designs[m.Design]++
		text, err := m.apply(rtl[m.Design][m.File])
		if err != nil {
			t.Fatal(err)
		}
		before, after, _ := strings.Cut(m.Before, "//")
		changed, comment, _ := strings.Cut(m.After, "//")
		if strings.TrimSpace(before) == strings.TrimSpace(changed) || comment != after {
			t.Errorf("%v: no change of the code alone", &m)
		}
		if bytes.Equal(text, rtl[m.Design][m.File]) {
			t.Errorf("%v: no change", &m)
		}
	}
	if same > 40 {
		t.Errorf("seeds 1 and 2 share %d mutants", same)
	}
	for name := range rtl["frozen"] {
		if strings.HasSuffix(name, ".v") && files[name] == 0 {
			t.Errorf("no mutant of %s", name)
		}
	}
	if len(classes) != len(Classes) || len(designs) != len(DesignNames()) {
		t.Errorf("classes %v, designs %v, want all of both", classes, designs)
	}
}

// TestFlags holds the flags of mutants to those of epverify.
func TestFlags(t *testing.T) {
	files, err := verilator.Files()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(strings.ReplaceAll(string(files["Makefile"]), "\\\n", " ")), " ")
	for _, f := range []string{"--cc", "-O3", "-Wall", "-Wno-fatal", "--assert", "--x-assign unique",
		"--x-initial unique", "--default-language 1364-2005", "--top-module tb_top"} {
		if !strings.Contains(text, " "+f+" ") || !strings.Contains(strings.Join(VerilatorFlags, " "), f) {
			t.Errorf("flag %s is not in both builds", f)
		}
	}
}

func TestSummary(t *testing.T) {
	place := &sim.Mismatch{Signal: "tb_top.x", Kind: "value", Message: "differs"}
	outcomes := []Outcome{{Reason: "does not build"}, {Valid: true, Reason: "passes every trial",
		Mutant: Mutant{Design: "frozen", File: "ep_lane.v", Line: 3, Class: Limit, Before: " a", After: " b"}}}
	for range 19 {
		outcomes = append(outcomes, Outcome{Valid: true, Trial: "ready", Place: place})
	}
	outcomes[2].Trial, outcomes[3].Trial = BlockTrial, BlockTrial
	s := Summarize(outcomes)
	if s != (Summary{19, 2, 1, 1}) || !s.Enough() || s.String() != "19 caught (17 in the whole design, 2 by the bench of the block), 1 survived of 20" {
		t.Errorf("summary %+v %q", s, s)
	}
	if (Summary{Caught: 94, Survived: 6}).Enough() {
		t.Error("94 of 100 is enough, want 95")
	}
	outcomes[5].Place = nil
	if s = Summarize(outcomes); s.Survived != 2 {
		t.Errorf("a failure without a place counts as caught: %+v", s)
	}
	var b strings.Builder
	if err := WriteReport(&b, outcomes); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "survivor: frozen rtl/ep_lane.v:3, limit\n  - a\n  + b\n  passes every trial: ") ||
		!strings.HasSuffix(b.String(), "\n18 caught (16 in the whole design, 2 by the bench of the block), 2 survived of 20\n") {
		t.Errorf("report lacks the survivor or the summary:\n%s", &b)
	}
}

// TestExplain makes sure that reasons are no blanket excuse.
func TestExplain(t *testing.T) {
	upper := Mutant{Design: "live", File: "ep_registers.v", Class: Index, Before: "value = cycles_q[63:32];", After: "value = cycles_q[62:31];"}
	if got := Explain(&upper); !strings.HasPrefix(got, "the upper half of a counter") {
		t.Errorf("Explain(%v) = %q, want that nothing counts so far", &upper, got)
	}
	for _, m := range []Mutant{
		{Design: "live", File: "ep_row_rom.v", Class: Table, Before: "5'd7: entry = 26'd3;  // layer2 down 3"},
		{Design: "live", File: "ep_mac_array.v", Class: Condition, Before: "if (valid_q1) begin", After: "if (1'b0) begin"},
		{Design: "frozen", File: "ep_registers.v", Class: Reset, Before: "done_q <= 1'b0;", After: "done_q <= 1'b1;"},
	} {
		if got, want := Explain(&m), "no reason known: the bench may have a gap"; got != want {
			t.Errorf("Explain(%v) = %q, want %q", &m, got, want)
		}
	}
}
