package sim

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/gen"
)

// recorder keeps the sets of each memory as a model delivers them.
type recorder struct {
	got [NumMemories][][]int64
}

func (r *recorder) State(_ ep.Phase, _, layer int, s []int32) {
	m := gen.Bank(layer)
	r.got[m] = append(r.got[m], wide(s))
}

func (r *recorder) Head(_ ep.Phase, _, _ int, v *ep.HeadValues) {
	for m, s := range map[Memory][]int64{
		State0: wide(v.Features), State1: wide(v.Signal), Logit: append([]int64(nil), v.Logits...),
		Probability: wide(v.Probability), Warm: wide(v.Warm), Nudge: v.Nudge,
	} {
		if s != nil {
			r.got[m] = append(r.got[m], s)
		}
	}
}

// wide returns codes as int64, nil for none.
func wide(s []int32) []int64 {
	var z []int64
	for _, v := range s {
		z = append(z, int64(v))
	}
	return z
}

func (r *recorder) Index(_ ep.Phase, _, _ int, index []uint8) {
	var s []int64
	for _, v := range index {
		s = append(s, int64(v))
	}
	r.got[Index] = append(r.got[Index], s)
}

func loadAll(t testing.TB, cfg *ep.Config) (*ep.Params, *ep.Samples) {
	t.Helper()
	w, err := ep.LoadParams(cfg, &ep.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := ep.LoadInputs(cfg, &ep.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	return w.Quantize(&cfg.Formats), s.Quantize(cfg)
}

// TestGoldenTrace reads a trace back by its documented layout and compares it
// with what the model delivers.
func TestGoldenTrace(t *testing.T) {
	for i, index := range []ep.PoolIndex{ep.Frozen, ep.Live, ep.Live} {
		cfg := testConfig(t, "5,M,6k5p1,M,fc3", ep.Shape{C: 3, H: 9, W: 10}, index)
		cfg.Batch = 2
		if i == 2 {
			cfg.Formats.HeadWeight = fixedpoint.Format{Signed: true, Int: 3, Frac: 12}
			headed(t, cfg)
		}
		d := testDesign(t, cfg)
		w, s := loadAll(t, cfg)
		dir := t.TempDir()
		steps := 0
		if _, _, err := WriteGolden(dir, d.Plan, w, s, func(done, all int) {
			if steps++; done != steps || all != 4 {
				t.Errorf("progress %d of %d, want %d of 4", done, all, steps)
			}
		}); err != nil {
			t.Fatal(err)
		}
		model, err := ep.NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var rec recorder
		rec.got[State0] = append(rec.got[State0], wide(s.X))
		out, err := model.TrainStep(w, s, &rec)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := readGolden(filepath.Join(dir, TraceFile), kindTrace, 0, Fingerprint(d.Plan))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rec.got, traceValues(payload)); diff != "" {
			t.Errorf("%v: trace (-model +file):\n%s", index, diff)
		}
		checkNotes(t, d, out, payload)
	}
}

// traceValues decodes the values of all events.
func traceValues(payload []byte) (got [NumMemories][][]int64) {
	le := binary.LittleEndian
	for i := range int(le.Uint32(payload)) {
		e := payload[8+i*eventBytes:]
		width, offset := int(e[3]), int(le.Uint64(e[16:]))
		var values []int64
		for k := range int(le.Uint64(e[24:])) {
			v := int64(0)
			for b := width - 1; b >= 0; b-- {
				v = v<<8 | int64(payload[offset+k*width+b])
			}
			if width > 1 {
				v = v << (64 - 8*width) >> (64 - 8*width)
			}
			values = append(values, v)
		}
		got[e[0]] = append(got[e[0]], values)
	}
	return got
}

func checkNotes(t *testing.T, d *gen.Design, out *ep.Outcome, payload []byte) {
	t.Helper()
	le := binary.LittleEndian
	start := 8 + int(le.Uint32(payload))*eventBytes
	lines := strings.Split(string(payload[start:start+int(le.Uint32(payload[4:]))]), "\n")
	if got, want := len(lines)-1, len(d.Slabs())+1; got != want {
		t.Fatalf("%d notes, want %d", got, want)
	}
	for i := range d.Layers {
		var note ModelLayer
		if err := json.Unmarshal([]byte(lines[i+1]), &note); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(LayerNote(d.Plan, out, i), note); diff != "" {
			t.Errorf("note of layer %d (-want +got):\n%s", i+1, diff)
		}
	}
}

func TestGoldenMemory(t *testing.T) {
	cfg := testConfig(t, "5,M,fc3", ep.Shape{C: 2, H: 4, W: 4}, ep.Frozen)
	d := testDesign(t, cfg)
	w, s := loadAll(t, cfg)
	dir := t.TempDir()
	out, _, err := WriteGolden(dir, d.Plan, w, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	before, err := readGolden(filepath.Join(dir, BeforeFile), kindBefore, 0, Fingerprint(d.Plan))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.PackMemory(w, s), before); diff != "" {
		t.Errorf("memory before (-want +got):\n%s", diff)
	}
	want := d.PackMemory(out.Params, s)
	d.PackResults(want, out.Output)
	after, err := readGolden(filepath.Join(dir, AfterFile), kindAfter, 0, Fingerprint(d.Plan))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("memory after (-want +got):\n%s", diff)
	}
	if cmp.Equal(before, after) {
		t.Error("memory does not change: the test proves nothing")
	}
}

// TestGoldenSequence checks the images of a sequence: each start finds what the one before
// has left, with its own labels and samples, and training steps continue from the new weights.
func TestGoldenSequence(t *testing.T) {
	for _, task := range []ep.Task{ep.Train, ep.Infer} {
		cfg := testConfig(t, "5,M,fc3", ep.Shape{C: 2, H: 4, W: 4}, ep.Frozen)
		cfg.Batch, cfg.Sequence = 2, ep.Sequence{Starts: 3, Task: task, RateFactor: 1}
		d := testDesign(t, cfg)
		w, s := loadAll(t, cfg)
		dir := t.TempDir()
		if _, _, err := WriteGolden(dir, d.Plan, w, s, nil); err != nil {
			t.Fatal(err)
		}
		model, err := ep.NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		img := d.PackMemory(w, s.Slice(0, 2))
		for start, sub := range []string{"", "2", "3"} {
			batch := s.Slice(2*start, 2)
			d.PackSamples(img, batch)
			compare := func(name string, kind goldenKind) {
				t.Helper()
				got, err := readGolden(filepath.Join(dir, sub, name), kind, start, Fingerprint(d.Plan))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(img, got); diff != "" {
					t.Errorf("%v, start %d, %s (-want +got):\n%s", task, start, name, diff)
				}
			}
			compare(BeforeFile, kindBefore)
			out, err := model.Step(uint32(start), w, batch, nil)
			if err != nil {
				t.Fatal(err)
			}
			if task == ep.Train {
				w = out.Params
				d.PackWeights(img, w)
			}
			d.PackResults(img, out.Output)
			compare(AfterFile, kindAfter)
		}
	}
}

func TestReadGoldenErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "g.bin")
	payload := []byte{1, 2, 3, 4, 5}
	if err := writeGolden(path, kindAfter, 0, 7, payload); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readGolden(path, kindAfter, 0, 7); err != nil || !cmp.Equal(got, payload) {
		t.Fatalf("readGolden = %v, %v, want %v", got, err, payload)
	}
	damaged := append([]byte(nil), good...)
	damaged[34] ^= 1
	if err := writeGolden(path, kindAfter, 1, 7, payload); err != nil {
		t.Fatal(err)
	}
	start, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name        string
		text        []byte
		kind        goldenKind
		fingerprint uint64
		want        string
	}{
		{"truncated", good[:40], kindAfter, 7, "40 bytes, want 41"},
		{"damaged", damaged, kindAfter, 7, "checksum"},
		{"kind", good, kindTrace, 7, "kind 2, want 3"},
		{"start", start, kindAfter, 7, "start 1, want 0"},
		{"design", good, kindAfter, 8, "made for design 0x7, want 0x8"},
		{"empty", nil, kindAfter, 7, "not a golden file"},
	}
	for _, tc := range tests {
		if err := os.WriteFile(path, tc.text, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := readGolden(path, tc.kind, 0, tc.fingerprint)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: error %v, want %s: ...%s", tc.name, err, path, tc.want)
		}
	}
}
