package synth

import (
	"fmt"
	"strings"

	"epgen/gen"
	"epgen/hdl"
)

// pinsModule is the top module for place and route. The memory port and the registers of a core
// have more signals than a small FPGA has pins, so its inputs come from a shift register and its
// outputs end in one parity, a pin each; the shift register and the parity are beside the core,
// and a path between them and the core is no path of the core.
const pinsModule = "epgen_pins"

// wrapper is the Verilog of pinsModule.
func wrapper(d *gen.Design) ([]byte, error) {
	top, err := d.Block(d.Top())
	if err != nil {
		return nil, err
	}
	var inputs, outputs []*hdl.Signal
	in, out := 0, 0
	for _, p := range top.Ports() {
		switch w := p.Type().Width; {
		case p.Name() == "aclk" || p.Name() == "aresetn":
		case p.IsInput():
			inputs, in = append(inputs, p), in+w
		default:
			outputs, out = append(outputs, p), out+w
		}
	}
	groups := (out + 3) / 4
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("// Core %s between four pins, for place and route: inputs from a shift register, outputs to a parity.", d.Top())
	line("")
	line("`default_nettype none")
	line("")
	line("module %s (", pinsModule)
	line("  input  wire clk_i,")
	line("  input  wire rst_ni,")
	line("  input  wire serial_i,  // first bit of the shift register")
	line("  output reg  parity_o   // of all outputs of the core, two cycles ago")
	line(");")
	line("  reg [%d:0] inputs_q;", in-1)
	line("  wire [%d:0] outputs;", out-1)
	line("  wire [%d:0] groups;  // outputs by fours, each a table before its flip-flop", 4*groups-1)
	line("  reg [%d:0] groups_q;", groups-1)
	line("  integer i;")
	line("")
	line("  always @(posedge clk_i) begin")
	line("    inputs_q <= {inputs_q[%d:0], serial_i};", in-2)
	line("    for (i = 0; i < %d; i = i + 1) begin", groups)
	line("      groups_q[i] <= ^groups[4*i +: 4];")
	line("    end")
	line("    parity_o <= ^groups_q;")
	line("  end")
	line("")
	if 4*groups > out {
		line("  assign groups = {%d'd0, outputs};", 4*groups-out)
	} else {
		line("  assign groups = outputs;")
	}
	line("")
	line("  %s u_core (", d.Top())
	line("    .aclk (clk_i),")
	b.WriteString("    .aresetn (rst_ni)")
	connect := func(list []*hdl.Signal, bus string) {
		at := 0
		for _, p := range list {
			w := p.Type().Width
			fmt.Fprintf(&b, ",\n    .%s (%s[%d:%d])", p.Name(), bus, at+w-1, at)
			at += w
		}
	}
	connect(inputs, "inputs_q")
	connect(outputs, "outputs")
	line("\n  );")
	line("endmodule")
	line("")
	line("`default_nettype wire")
	return []byte(b.String()), nil
}
