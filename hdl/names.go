package hdl

import (
	"fmt"
	"regexp"
	"strings"
)

// keywords are the reserved words of IEEE 1364-2005, annex B, and those of IEEE 1800 that tools
// reserve in every mode or that a file renamed to .sv would trip over.
var keywords = func() map[string]bool {
	const words = `
always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign
default defparam design disable edge else end endcase endconfig endfunction endgenerate endmodule
endprimitive endspecify endtable endtask event for force forever fork function generate genvar
highz0 highz1 if ifnone incdir include initial inout input instance integer join large liblist
library localparam macromodule medium module nand negedge nmos nor noshowcancelled not notif0
notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup pulsestyle_onevent
pulsestyle_ondetect rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task
time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand
weak0 weak1 while wire wor xnor xor
alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte
chandle checker class clocking const constraint context continue cover covergroup coverpoint cross
dist do endchecker endclass endclocking endgroup endinterface endpackage endprogram endproperty
endsequence enum eventually expect export extends extern final first_match foreach forkjoin global
iff ignore_bins illegal_bins implements implies import inside int interconnect interface intersect
join_any join_none let local logic longint matches modport nettype new nexttime null package packed
priority program property protected pure rand randc randcase randsequence ref reject_on restrict
return sequence shortint shortreal soft solve static string strong struct super sync_accept_on
sync_reject_on tagged this throughout timeprecision timeunit type typedef union unique unique0
until until_with untyped var virtual void wait_order weak wildcard with within`
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}()

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// badName says why name cannot be a Verilog identifier, or returns "".
func badName(name string) string {
	switch {
	case name == "":
		return "empty"
	case !identifier.MatchString(name):
		return "want a letter or underscore, then letters, digits and underscores"
	case keywords[name]:
		return "is a reserved word of Verilog"
	}
	return ""
}

// describe names a value in a message.
func describe(v Value) string {
	switch x := v.(type) {
	case *Signal:
		return x.name
	case *constant:
		return fmt.Sprintf("constant %v", x.v)
	case *expr:
		switch x.op {
		case opRef:
			return x.sig.name
		case opMemory:
			return "a word of " + x.mem.name
		case opSlice, opIdxSlice, opDynBit, opDynSlice:
			return "a slice of " + describe(x.args[0])
		case opCast, opExt:
			return describe(x.args[0])
		}
	}
	return "an expression"
}
