package sim

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/internal/tooltest"
)

// headed gives a network with layers to spare a readout and two heads, one of labels and one
// that distils logits.
func headed(t testing.TB, cfg *ep.Config) {
	t.Helper()
	net, err := cfg.Network.WithReadout()
	if err != nil {
		t.Fatal(err)
	}
	specs := net.HeadSpecs()
	for layer := 1; layer < len(net.Layers); layer++ {
		s := ep.DefaultHead(layer, net.Layers[layer-1].Out)
		s.Lambda = 0.5
		if layer == 1 {
			s.Kind, s.Temperature = ep.LogitHead, 3 // a power of two has the tables of temperature 1
		}
		specs = append(specs, s)
	}
	if net, err = net.WithHeads(net.Classes(), specs); err != nil {
		t.Fatal(err)
	}
	cfg.Network, cfg.Rates = net, cfg.Rates[:len(net.Layers)]
}

// TestHeadFaults plants a fault in each unit of the heads and sees it located at the tap
// behind that unit: of the right head, in the first nudged step.
func TestHeadFaults(t *testing.T) {
	checkHeadReport(t, plantHeadFaults(t, func(c *ep.Config) { c.Array.Size = 2 }, []headFault{
		{"centring", "ep_datapath", `= h - mu;`, `= h;`, "head1", "average differs", ""},
		{"head bias", "ep_datapath", `\.bias_i( +)\(slab_bias`, `.bias_i$1(waddr_q7 >= BASE ? 16'd0 : slab_bias`, "head1", "logit differs", ""},
		{"softmax table", "ep_head", `( fine_rom) = 18'd131072;`, `$1 = 18'd131000;`, "head1", "probability differs", ""},
		{"table of the teacher's temperature", "ep_head", `(warm_fine_rom) = 18'd131072;`, `$1 = 18'd131000;`, "head1", "warm probability differs", ""},
		{"error subtraction", "ep_head", ` - (error_word\d)`, ` + $1`, "readout", "error differs", ""},
		{"mixture", "ep_head", `OWN \* own_error \+`, `OWN * own_error -`, "head1", "error differs", ""},
		{"lambda shift", "ep_lane", `(head_aligned +=)([^;]+);`, `$1 ($2) <<< 1;`, "head1", "nudge differs", ""},
		{"upsampling index", "ep_datapath", `(back_raddr +=) act_i \? cell_q1 :`, `$1 act_i ? cell_q1 ^ 1 :`, "head1", "nudge differs", ""},
	}))
}

// TestHeadFaultsUnequal does so for what arrays of unequal sides add: parts of a word of
// nudges, the cells of the blocks of a layer, parts of a word of logits and of errors.
func TestHeadFaultsUnequal(t *testing.T) {
	plantHeadFaults(t, func(c *ep.Config) { c.Array.Rows, c.Array.Columns = 4, 2 }, []headFault{
		{"lanes without a channel", "ep_datapath", `\|\| \(head_i && down_i && back_first_i\)`, ``, "", "lane without a channel is not 0", ""},
		{"part of the nudges", "ep_datapath", `(back_lane_we =) \(own_part \| clear_part\)`, `$1 4'hf`, "head1", "nudge differs", ""},
		{"blocks of averages", "ep_walker", `\|\| !\(up_i \|\| down_i \|\| update_i\)`, ``, "head1", "state bank 0: word written twice", ""},
	})
	plantHeadFaults(t, func(c *ep.Config) { c.Array.Rows, c.Array.Columns = 2, 4 }, []headFault{
		{"part of the logits", "ep_datapath", `slab_part_i == 1'b1`, `slab_part_i == (waddr_q7 >= BASE ? 1'b0 : 1'b1)`, "head1", "logit differs", ""},
	})
}

// TestHeadFaultsKept does so for what updates keep of heads.
func TestHeadFaultsKept(t *testing.T) {
	plantHeadFaults(t, func(c *ep.Config) {
		c.Array.Size, c.Network.Heads[0].Kind = 2, ep.RandomHead
		c.Formats.MasterBits, c.DecayShift, c.MomentumShift = 5, 4, 2
	}, []headFault{
		{"decay of a random map", "ep_update_lane", `fixed_i \?`, `1'b0 ?`, "head1", "bias at memory offset", "update"},
		{"signs of the second walk", "ep_datapath", `(\.minus_i +)\(op_minus_q2 && !head_i\)`, `$1(op_minus_q2 && (keep_i || !head_i))`, "readout", "remainder at memory offset", "update"},
	})
}

// TestHeadFaultsFormats does so for states of several formats.
func TestHeadFaultsFormats(t *testing.T) {
	plantHeadFaults(t, func(c *ep.Config) {
		c.Array.Size, c.Formats.LayerState = 2, []fixedpoint.Format{fixedpoint.UQ(0, 12), fixedpoint.UQ(0, 15)}
	}, []headFault{
		{"alignment of logits", "ep_datapath", `(\.up_shift_i +)\(up_shift_i\)`, `$1(waddr_q7 >= BASE ? 1 - up_shift_i : up_shift_i)`, "head1", "logit differs", ""},
		{"width of states", "ep_datapath", `(\.state_i +)\(lane\[14:0\]\)`, `$1({4'd0, lane[10:0]})`, "head1", "average differs", ""},
	})
}

// TestHeadFaultsDirect does so where no head has a softmax.
func TestHeadFaultsDirect(t *testing.T) {
	plantHeadFaults(t, func(c *ep.Config) {
		net, err := ep.ParseLayers("5,M,6,M,fc3", ep.Shape{C: 3, H: 16, W: 16})
		if err != nil {
			t.Fatal(err)
		}
		features, squared := ep.DefaultHead(1, net.Layers[0].Out), ep.DefaultHead(2, net.Layers[1].Out)
		features.Kind, features.Outputs, squared.Kind = ep.FeatureHead, 3, ep.SquaredHead
		if c.Network, err = net.WithHeads(3, []ep.HeadSpec{features, squared}); err != nil {
			t.Fatal(err)
		}
		c.Array.Size, c.Rates = 2, append(c.Rates, 0.1)
	}, []headFault{
		{"target of a teacher", "ep_head", `taught_i \? given :`, `taught_i ? -given :`, "head1", "error differs", ""},
		{"target of a label", "ep_head", `labelled \? TARGET :`, `labelled ? TARGET + (TARGET >>> 3) :`, "head2", "error differs", ""},
	})
}

// TestReadoutFaults does so for the readout of an inference build: the upper end of its logits,
// the damping that they have not, and the layer that is not clamped.
func TestReadoutFaults(t *testing.T) {
	r := plantHeadFaults(t, func(c *ep.Config) {
		c.Array.Size, c.Damping, c.Formats.Logit = 2, 1, fixedpoint.Q(1, 10)
		*c = *c.ForInference()
	}, []headFault{
		{"upper end", "ep_lane", `unclamped_i \? OUTPUT_MAX`, `unclamped_i ? 1`, "readout", "logit differs", "readout"},
		{"damping", "ep_lane", `unclamped_i \? activated_q`, `1'b0 ? activated_q`, "readout", "logit differs", "readout"},
		{"layer", "ep_sequencer", `(unclamped_o <= kind_q == PASS_ACT && visit_act_layer ==) 2'd2`, `$1 2'd3`, "readout", "logit differs", "readout"},
	})
	if len(r.Heads) != 1 || r.Heads[0].Name != "readout" || len(r.Heads[0].Values) != 1 || r.Heads[0].Values[0].What != "logit" {
		t.Errorf("heads %+v in the report, want the logits of the readout", r.Heads)
	}
	if r.Runs[0].Correct < 0 {
		t.Error("no prediction in the report")
	}
}

// headFault changes a file of the Verilog, and is seen in a value of a head, or, where it
// names none, of a layer. BASE stands for the first accumulator of the logits.
type headFault struct {
	name, file, from, to string
	head, message        string
	phase                string // "" is plus
}

// plantHeadFaults plants them one after the other in a small network with heads on which
// set was called, and returns the report without any.
func plantHeadFaults(t *testing.T, set func(c *ep.Config), faults []headFault) *Report {
	t.Helper()
	tooltest.Need(t, "verilator", "make", "g++")
	if testing.Short() {
		t.Skip("builds simulators, which takes long")
	}
	cfg := testConfig(t, "5,M,6,M,fc3", ep.Shape{C: 3, H: 16, W: 16}, ep.Frozen)
	cfg.Formats.HeadWeight = fixedpoint.Format{Signed: true, Int: 3, Frac: 12}
	headed(t, cfg)
	set(cfg)
	d := testDesign(t, cfg)
	w, s := loadAll(t, cfg)
	for i := range w.Heads {
		for k := range w.Heads[i].B {
			w.Heads[i].B[k] = int32(500 + 300*k)
		}
	}
	dir := t.TempDir()
	if _, err := WritePackage(dir, d, w, s, nil); err != nil {
		t.Fatal(err)
	}
	sim := &Simulation{Dir: dir, Settings: Settings{Seed: 1, XSeed: 1, Runs: 1}}
	run := func() *Report {
		t.Helper()
		if err := sim.Build(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := sim.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		r, err := ReadReport(filepath.Join(dir, "report", "report.json"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	good := run()
	if !good.Pass() {
		t.Fatalf("untouched: %s, %+v", good.Result, good.FirstMismatch)
	}
	base := d.LogitWords // of a design without heads, which has none
	if len(d.Heads) > 0 {
		base = d.Heads[0].AccBase
	}
	for _, tc := range faults {
		path := filepath.Join(dir, "rtl", tc.file+".v")
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := regexp.MustCompile(tc.from).ReplaceAllString(string(old), strings.ReplaceAll(tc.to, "BASE", fmt.Sprint(base)))
		if bad == string(old) {
			t.Errorf("%s: %s has no %q", tc.name, path, tc.from)
			continue
		}
		if err := os.WriteFile(path, []byte(bad), 0o666); err != nil {
			t.Fatal(err)
		}
		m := run().FirstMismatch
		phase := cmp.Or(tc.phase, "plus")
		if m == nil || (m.Head == nil) != (tc.head == "") || m.Head != nil && *m.Head != tc.head || !strings.HasPrefix(m.Message, tc.message) ||
			*m.Phase != phase || *m.Step != 0 {
			t.Errorf("%s: first mismatch %+v, want %q of %q in step 0 of phase %s", tc.name, m, tc.message, tc.head, phase)
		}
		if err := os.WriteFile(path, old, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return good
}

// checkHeadReport expects every kind of value of every head in the report.
func checkHeadReport(t *testing.T, r *Report) {
	t.Helper()
	want := map[string]string{
		"head1":   "error average logit probability nudge warm probability",
		"readout": "error average logit probability nudge",
	}
	if len(r.Heads) != len(want) {
		t.Fatalf("%d heads in the report, want %d", len(r.Heads), len(want))
	}
	for _, h := range r.Heads {
		var names []string
		for _, v := range h.Values {
			if v.Compared > 0 {
				names = append(names, v.What)
			}
		}
		if got := strings.Join(names, " "); got != want[h.Name] {
			t.Errorf("%s: compared %s, want %s", h.Name, got, want[h.Name])
		}
	}
}
