package sim

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"epgen/ep"
	"epgen/gen"
	"epgen/internal/tooltest"
	"epgen/verilator"
)

// replay is the harness with a core that replays the golden data, faults
// included, so that every check of the harness can be seen to fail.
type replay struct {
	t    *testing.T
	dir  string
	sim  *Simulation
	taps []string // lines of taps.memh
	mem  []string // lines of after.memh
}

func newReplay(t *testing.T) *replay {
	t.Helper()
	tooltest.Need(t, "verilator", "make", "g++")
	if testing.Short() {
		t.Skip("builds a simulator, which takes long")
	}
	cfg := testConfig(t, "5,M,6,M,fc3", ep.Shape{C: 2, H: 8, W: 8}, ep.Live)
	d := testDesign(t, cfg)
	w, s := loadAll(t, cfg)
	r := &replay{t: t, dir: t.TempDir()}
	r.sim = &Simulation{Dir: r.dir, Settings: Settings{Seed: 1, XSeed: 1, Runs: 1}, Opt: 0}
	golden := filepath.Join(r.dir, "golden")
	if err := os.Mkdir(golden, 0o777); err != nil {
		t.Fatal(err)
	}
	_, steps, err := WriteGolden(golden, d.Plan, w, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.record(d)
	files, err := verilator.Files()
	if err != nil {
		t.Fatal(err)
	}
	files["design.h"] = withoutPrediction(Header(d, steps, "sim.test"), len(r.taps))
	files["tb_top.v"] = r.core(d)
	for name, text := range files {
		r.write("tb/"+name, text)
	}
	r.write("rtl/files.f", nil)
	if err := r.sim.Build(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *replay) write(name string, text []byte) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, text, 0o666)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// withoutPrediction gives the predictions, which the replaying core does not
// keep to, a latency that is never asked for, and cycles that it surely takes.
func withoutPrediction(header []byte, cycles int) []byte {
	rows := regexp.MustCompile(`(?m)^        \{[0-9]+, [0-9]+(, [0-9]+, [0-9]+, [0-9]+, [0-9]+\},)$`)
	return rows.ReplaceAll(header, fmt.Appendf(nil, "        {0, %d$1", cycles))
}

// record turns the golden data into what the core replays.
func (r *replay) record(d *gen.Design) {
	r.t.Helper()
	print := Fingerprint(d.Plan)
	trace, err := readGolden(filepath.Join(r.dir, "golden", TraceFile), kindTrace, 0, print)
	if err != nil {
		r.t.Fatal(err)
	}
	after, err := readGolden(filepath.Join(r.dir, "golden", AfterFile), kindAfter, 0, print)
	if err != nil {
		r.t.Fatal(err)
	}
	values := traceValues(trace)
	for m, sets := range Schedule(d.Plan) {
		for i, set := range sets {
			r.taps = append(r.taps, tapLines(d.Plan, set, values[m][i])...)
		}
	}
	for beat := range slices.Chunk(after, d.Map.BeatBytes) {
		beat = slices.Clone(beat)
		slices.Reverse(beat)
		r.mem = append(r.mem, hex.EncodeToString(beat))
	}
}

// tapLines returns the words of a set as lines of hexadecimal digits: memory,
// address, lanes.
func tapLines(p *gen.Plan, set Set, values []int64) []string {
	m := p.Input
	if set.Layer > 0 {
		m = p.Layers[set.Layer-1].Out
	}
	width := p.LaneBits
	if set.Memory == Index {
		width = 2
	}
	var lines []string
	for word := range p.Cfg.Batch * m.SampleWords {
		b, blk, pix := word/m.SampleWords, word%m.SampleWords/m.HW, word%m.HW
		lanes := make([]byte, p.P*p.LaneBits/8)
		for lane := range p.P {
			c := blk*p.P + lane
			if c >= m.Shape.C {
				continue
			}
			v := values[(b*m.Shape.C+c)*m.HW+pix]
			for k := range width {
				lanes[(lane*width+k)/8] |= byte(v>>k&1) << ((lane*width + k) % 8)
			}
		}
		slices.Reverse(lanes)
		lines = append(lines, fmt.Sprintf("%x%08x%x", set.Memory, set.Base+word, lanes))
	}
	return lines
}

// core returns the replaying core for a design.
func (r *replay) core(d *gen.Design) []byte {
	r.t.Helper()
	text, err := os.ReadFile("testdata/replay.v")
	if err != nil {
		r.t.Fatal(err)
	}
	beat := d.Map.BeatBytes
	values := map[string]string{
		"OUTSTANDING": fmt.Sprint(d.Cfg.Memory.Outstanding),
		"P":           fmt.Sprint(d.P), "LANE": fmt.Sprint(d.LaneBits), "DW": fmt.Sprint(8 * beat),
		"TAPS": fmt.Sprint(len(r.taps)), "FIRST": fmt.Sprint(d.Map.Weights.Offset / beat),
		"READS": fmt.Sprint((d.Map.Weights.Offset + d.Map.Weights.Bytes) / beat), "BEATS": fmt.Sprint(d.Map.Size / beat),
		"RESULT": fmt.Sprint(d.PhaseResult()),
		"SIZE":   fmt.Sprintf("3'd%d", bits.Len(uint(beat))-1),
	}
	for _, reg := range d.Registers() {
		values[reg.Name] = fmt.Sprintf("12'h%03x", reg.Offset)
		if reg.Access == gen.ReadOnly && reg.Reset != 0 {
			values["CONSTANTS"] += fmt.Sprintf("%s: s_axil_rdata <= 32'h%x;\n        ", values[reg.Name], reg.Reset)
		}
	}
	for name, v := range values {
		text = bytes.ReplaceAll(text, []byte("@"+name+"@"), []byte(v))
	}
	return text
}

// run simulates with a fault and recorded data as given.
func (r *replay) run(fault int, taps, mem []string) (equal bool, report *Report) {
	r.t.Helper()
	r.write("rtl/fault.memh", []byte(fmt.Sprintf("%x\n", fault)))
	r.write("rtl/taps.memh", []byte(strings.Join(taps, "\n")+"\n"))
	r.write("rtl/after.memh", []byte(strings.Join(mem, "\n")+"\n"))
	equal, err := r.sim.Run(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	report, err = ReadReport(filepath.Join(r.dir, "report", "report.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	if report.Pass() != equal {
		r.t.Fatalf("exit status says equal: %t, report.json says %s", equal, report.Result)
	}
	return equal, report
}

// TestHarness sees every check of the harness pass and fail.
func TestHarness(t *testing.T) {
	r := newReplay(t)
	r.passes()
	r.protocol()
	r.sessions()
	r.values()
	r.damage()
}

// passes: undisturbed, with stalls and several runs, nothing is reported.
func (r *replay) passes() {
	for _, s := range []Settings{
		{Seed: 1, XSeed: 1, Runs: 1}, {Seed: 1, XSeed: 2, Runs: 3, Latency: 1},
		{Seed: 3, XSeed: 1, Runs: 4, Stall: true}, {Seed: 4, XSeed: 9, Runs: 3, Stall: true, Latency: 50},
	} {
		r.sim.Settings = s
		equal, report := r.run(0, r.taps, r.mem)
		if !equal || report.Compared != report.ComparedPredicted || len(report.Runs) != s.Runs {
			r.t.Errorf("%+v: equal %t, %d of %d compared, %d runs, first mismatch %+v; want everything equal",
				s, equal, report.Compared, report.ComparedPredicted, len(report.Runs), report.FirstMismatch)
		}
	}
	r.sim.Settings = Settings{Seed: 1, XSeed: 1, Runs: 1}
}

// protocol: faults of the replaying core, with the words that must name them.
func (r *replay) protocol() {
	for _, tc := range []struct {
		fault int
		stall bool
		want  string
	}{
		{1, false, "want at most 64 beats"},
		{2, true, "ARVALID dropped before ARREADY"},
		{3, false, "WLAST is 0 in beat 1 of 1"},
		{4, false, "outside the memory map"},
		{5, false, "burst type 0, want 1 (INCR)"},
		{6, false, "size 0, want"},
		{7, false, "not aligned"},
		{9, false, "watchdog: "},
		{10, false, "watchdog: "},
		{11, false, "must not be written"},
		{12, true, "AR changed while waiting for ARREADY"},
		{13, false, "read of bytes never initialised"},
		{14, false, "only some bytes of it are written"},
		{15, false, "surplus write"},
		{16, false, "AXI4-Lite read of register"},
		{17, false, "error response 2, want 0"},
		{18, false, "CYCLES differs from the cycles of the clock"},
		{19, false, "differs from CYCLES"},
		{20, false, "B of memory waits for the core's BREADY"},
		{21, false, "never written"},
		{22, false, "STATUS after irq"},
		{23, false, "VALID high during reset"},
		{24, false, "cache 2, want 3"},
		{25, true, "AWREADY waits for WVALID"},
		{26, true, "WREADY waits for AWVALID"},
		{27, true, "RVALID dropped before RREADY"},
		{28, true, "RDATA or RRESP changed while waiting for RREADY"},
		{30, false, "answer during reset"},
		{33, false, "register BASE_LO"},
		{35, false, "error response 1, want 0"},
		{38, false, "cache 15, want 3"},
		{39, true, "AR changed while waiting for ARREADY"},
		{40, false, "prot 2, want 0"},
		{41, false, "outside the memory map"},
		{42, false, "the design calls $finish"},
		{43, false, "the design calls $stop"},
		{46, false, "PROGRESS after irq"},
		{47, false, "9 read bursts under way, want at most 8"},
	} {
		r.sim.Stall, r.sim.Seed = tc.stall, 1
		if strings.Contains(tc.want, "during reset") {
			r.sim.Seed = 2 // the reset of even seeds is long enough to look into
		}
		equal, report := r.run(tc.fault, r.taps, r.mem)
		if equal || report.FirstMismatch == nil || !strings.Contains(report.FirstMismatch.Message, tc.want) {
			r.t.Errorf("fault %d: equal %t, %+v, want a mismatch with %q", tc.fault, equal, report.FirstMismatch, tc.want)
		}
	}
	r.sim.Stall, r.sim.Seed = false, 1
}

// sessions: faults that only some settings show. Error responses that are
// reported as they should be are no mismatch.
func (r *replay) sessions() {
	for _, tc := range []struct {
		fault int
		Settings
		extra string
		want  string // of the first mismatch; none if empty
	}{
		{0, Settings{Seed: 1, XSeed: 1, Runs: 2}, "--fail-read=9", ""},
		{0, Settings{Seed: 2, XSeed: 1, Runs: 3, Stall: true}, "--fail-read=9", ""},
		{0, Settings{Seed: 3, XSeed: 1, Runs: 2, Stall: true}, "--fail-write=0", ""},
		{0, Settings{Seed: 1, XSeed: 1, Runs: 1}, "--fail-read=999999", "--fail-read=999999: no error was injected"},
		{0, Settings{Seed: 1, XSeed: 1, Runs: 2}, "--fail-write=999999", "--fail-write=999999: no error was injected"},
		{36, Settings{Seed: 1, XSeed: 1, Runs: 1}, "--fail-read=9", "ERROR after irq"},
		{36, Settings{Seed: 1, XSeed: 1, Runs: 1}, "--fail-write=0", "ERROR after irq"},
		{37, Settings{Seed: 1, XSeed: 1, Runs: 1}, "--fail-read=9", "STATUS after irq"},
		{44, Settings{Seed: 1, XSeed: 1, Runs: 1}, "--fail-read=9", ""},
		{44, Settings{Seed: 1, XSeed: 1, Runs: 1}, "--fail-with=decerr --fail-read=9", "STATUS after irq"},
		{44, Settings{Seed: 1, XSeed: 1, Runs: 1}, "--fail-with=decerr --fail-write=0", "STATUS after irq"},
		{45, Settings{Seed: 1, XSeed: 1, Runs: 2}, "--fail-read=9", "STATUS after irq"},
		{29, Settings{Seed: 3, XSeed: 1, Runs: 4, Stall: true}, "", "BVALID dropped before BREADY"},
		{31, Settings{Seed: 1, XSeed: 1, Runs: 4, Stall: true}, "", "read bursts under way"},
		{32, Settings{Seed: 1, XSeed: 1, Runs: 4, Stall: true}, "", "BASE_LO, written while the core works"},
		{34, Settings{Seed: 1, XSeed: 1, Runs: 2}, "", "irq while it is disabled"},
	} {
		r.sim.Settings, r.sim.Extra = tc.Settings, strings.Fields(tc.extra)
		equal, report := r.run(tc.fault, r.taps, r.mem)
		got := ""
		if report.FirstMismatch != nil {
			got = report.FirstMismatch.Message
		}
		if equal != (tc.want == "") || !strings.Contains(got, tc.want) {
			r.t.Errorf("fault %d, %+v, %s: equal %t, %q, want %q", tc.fault, tc.Settings, tc.extra, equal, got, tc.want)
		}
	}
	r.sim.Settings, r.sim.Extra = Settings{Seed: 1, XSeed: 1, Runs: 1}, nil
}

// values: differences of the data, with their exact place.
func (r *replay) values() {
	edit := func(lines []string, i int, f func(string) string) []string {
		lines = slices.Clone(lines)
		lines[i] = f(lines[i])
		return lines
	}
	flip := func(line string) string {
		last := line[len(line)-1]
		return line[:len(line)-1] + string("0123456789abcdef"[strings.IndexByte("0123456789abcdef", last)^1])
	}
	// Bank 0: 64 words of input, then 2 blocks of 4 pixels for each step.
	const second = 64 + 8 + 5
	for _, tc := range []struct {
		name      string
		taps, mem []string
		want      string
	}{
		{"lane", edit(r.taps, second, flip), r.mem, "phase free, step 1, layer 2, sample 0, channel 4, y 0, x 1"},
		{"missing", slices.Delete(slices.Clone(r.taps), second, second+1), r.mem, "phase free, step 1, layer 2"},
		{"twice", slices.Insert(slices.Clone(r.taps), second, r.taps[second]), r.mem, "phase free, step 1, layer 2"},
		{"address", edit(r.taps, second, func(l string) string { return l[:5] + "ffff" + l[9:] }), r.mem, "phase free, step 1, layer 2"},
		{"last missing", r.taps[:len(r.taps)-1], r.mem, "phase update, step 1, layer 2, sample 0, channel 4, y 1, x 1"},
		{"weight", r.taps, edit(r.mem, len(r.mem)-4, flip), "phase update"},
	} {
		// The core replays a fixed number of words; one of memory f goes nowhere.
		tc.taps = append(slices.Clone(tc.taps), "f"+r.taps[0][1:])[:len(r.taps)]
		equal, report := r.run(0, tc.taps, tc.mem)
		if equal || report.FirstMismatch == nil || !strings.Contains(report.FirstMismatch.Place(), tc.want) {
			r.t.Errorf("%s: equal %t, %+v, want a mismatch at %q", tc.name, equal, report.FirstMismatch, tc.want)
		}
	}
}

// damage: golden files that are not whole are refused by name.
func (r *replay) damage() {
	for _, name := range []string{TraceFile, BeforeFile, AfterFile} {
		path := filepath.Join(r.dir, "golden", name)
		good, err := os.ReadFile(path)
		if err != nil {
			r.t.Fatal(err)
		}
		bad := slices.Clone(good)
		bad[len(bad)/2] ^= 4
		for text, want := range map[string][]byte{
			"the file is truncated": good[:len(good)-9], "the file is damaged": bad,
			"not a golden file": append([]byte("x"), good...), "cannot be mapped": {},
		} {
			r.write("golden/"+name, want)
			_, err := r.sim.Run(context.Background())
			if err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "golden/"+name+": ") {
				r.t.Errorf("%s: error %v, want one with the file and %q", name, err, text)
			}
		}
		r.write("golden/"+name, good)
	}
}
