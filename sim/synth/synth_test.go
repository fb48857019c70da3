package synth

import (
	"math"
	"slices"
	"testing"
)

func TestDesignName(t *testing.T) {
	for name, want := range map[string]string{
		"u_core.u_datapath.gen_lane[1].u_lane.argmax_o_SB_LUT4_I3_O[27]": "u_datapath.gen_lane[1].u_lane.argmax_o",
		"u_core.u_walker.row_q[3]":                                       "u_walker.row_q[3]",
		"u_core.u_lane.result_q_SB_DFFE_Q_D$CARRY":                       "u_lane.result_q",
		"parity_o": "parity_o",
	} {
		if got := designName(name); got != want {
			t.Errorf("designName(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestReadPlaced reads the beginning of a report of nextpnr.
func TestReadPlaced(t *testing.T) {
	p, err := readPlaced([]byte(`{"fmax": {"clk_i": {"achieved": 27.2, "constraint": 12}},
		"utilization": {"ICESTORM_LC": {"available": 5280, "used": 4704}, "ICESTORM_PLL": {"available": 1, "used": 0}},
		"critical_paths": [
		{"from": "<async>", "to": "posedge clk_i", "path": [{"delay": 9, "type": "routing", "net": "rst_ni"}]},
		{"from": "posedge clk_i", "to": "posedge clk_i", "path": [
			{"delay": 1.4, "to": {"cell": "u_core.u_a.x_q_SB_DFFE_Q_D_LC"}, "type": "clk-to-q"},
			{"delay": 2.4, "net": "u_core.u_a.x_q[1]", "type": "routing"},
			{"delay": 0.3, "to": {"cell": "u_core.u_a.y_SB_LUT4_O_LC"}, "type": "logic"},
			{"delay": 0.3, "net": "u_core.u_a.y_SB_LUT4_O_I3[2]", "type": "routing"},
			{"delay": 0.1, "to": {"cell": "u_core.u_a.z_q_LC"}, "type": "setup"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.Fmax != 27.2 || len(p.Used) != 1 || p.Used[0] != (Filled{"ICESTORM_LC", 4704, 5280}) {
		t.Errorf("%+v", p)
	}
	var names []string
	sum := 0.0
	for _, h := range p.Path {
		names = append(names, h.Name)
		sum += h.Delay
	}
	want := []string{"u_a.x_q[1]", "u_a.y", "u_a.z_q"}
	if !slices.Equal(names, want) || p.Path[1].Cells != 1 {
		t.Errorf("path %+v, want through %v", p.Path, want)
	}
	if last := p.Path[len(p.Path)-1].At; math.Abs(last-4.5) > 1e-9 || math.Abs(sum-last) > 1e-9 {
		t.Errorf("path of %g ns, parts of %g, want 4.5", last, sum)
	}
	if _, err := readPlaced([]byte(`{}`)); err == nil {
		t.Error("no clock: no error")
	}
}

// TestCountCells adds up cells; one that is not known is an error, lest it count as nothing.
func TestCountCells(t *testing.T) {
	u, err := countCells([]byte("\n" + `{"design": {"num_cells_by_type": {"LUT4": 3, "LUT6": 2, "FDRE": 7, "MUXF7": 9, "DSP48E2": 1,
		"RAMB18E2": 3, "RAM32M16": 1, "CCU2C": 1, "SB_DFFESR": 4}}}`))
	if want := (Use{LUT: 7, FF: 11, DSP: 1, BRAM: 1.5, RAMLUT: 8}); err != nil || u != want {
		t.Errorf("%+v, %v, want %+v", u, err, want)
	}
	for _, text := range []string{"", "{}", `{"design": {"num_cells_by_type": {"$_DLATCH_P_": 1}}}`} {
		if _, err := countCells([]byte(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
