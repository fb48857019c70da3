package sim

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"epgen/ep"
	"epgen/gen"
)

// Names of the golden files, in the directory golden/ of a package. The first three are those
// of the first start; the others have theirs in the directories 2, 3, ... below.
const (
	BeforeFile  = "before.bin"  // external memory before the start
	AfterFile   = "after.bin"   // and after the end
	TraceFile   = "trace.bin"   // what the state and index memories receive
	WeightsFile = "weights.npz" // the weights, for people and for epgen
	SamplesFile = "samples.npz" // the samples
	StatesFile  = "states.npz"  // their initial states, if these are given
	// the free equilibria of all samples, which may be the initial states of another package
	EquilibriumFile = "equilibrium.npz"
	LossesFile      = "losses.json" // the mean loss of each start at the free equilibrium, where there are several
)

// eventBytes is the size of one entry of the event table of a trace:
//
//	u8 memory, u8 phase (0 input, 1 free, ...), u8 copy, u8 bytes per value,
//	u32 step, u32 layer, u32 base, u64 offset of the values, u64 values
const eventBytes = 32

// notesBytes is the room for the model's statistics, which are known only
// after the values have been written.
func notesBytes(layers int) int { return 1024 * (layers + 1) }

// startDir returns the directory of the golden files of a start, from 0.
func startDir(dir string, start int) string {
	if start == 0 {
		return dir
	}
	return filepath.Join(dir, fmt.Sprint(start+1))
}

// WriteGolden runs the fixed-point model for the sequence of the configuration and writes the
// golden files to dir, the traces while they are made. It returns the outcome of the last
// start, and the time steps of the relaxations of every start. progress, which may be nil, is told how many of the time steps of a start are done.
func WriteGolden(dir string, p *gen.Plan, w *ep.Params, s *ep.Samples, progress func(done, steps int)) (*ep.Outcome, [][]int, error) {
	model, err := ep.NewFixed(p.Cfg)
	if err != nil {
		return nil, nil, err
	}
	if len(s.Y) != p.Cfg.Samples() {
		return nil, nil, fmt.Errorf("sim: %d samples, want %d for %d starts", len(s.Y), p.Cfg.Samples(), p.Cfg.Sequence.Starts)
	}
	present, img := w, p.PackMemory(w, s.Slice(0, p.Cfg.Batch))
	var out *ep.Outcome
	var from [][]int32
	var steps [][]int
	var losses []float64
	equilibria := make([][]int32, p.Relaxing())
	base := model
	for start := range p.Cfg.Sequence.Starts {
		if p.Cfg.HostRates {
			model = base.WithRates(base.Arith().RateMantissas(p.Cfg.Sequence.StartFactor(start)))
		}
		batch := s.Slice(start*p.Cfg.Batch, p.Cfg.Batch)
		p.PackSamples(img, batch)
		if out, err = writeStart(startDir(dir, start), start, p, model, from, present, batch, img, progress); err != nil {
			return nil, nil, err
		}
		for i, states := range out.Free {
			equilibria[i] = append(equilibria[i], states...)
		}
		steps = append(steps, out.Steps)
		losses = append(losses, model.Loss(out, batch))
		if p.Cfg.Sequence.Task == ep.Train {
			present = out.Params
		}
		if p.Cfg.Start == ep.Warm {
			from = out.Free
		}
	}
	if len(losses) > 1 {
		text, err := json.Marshal(losses)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, LossesFile), append(text, '\n'), 0o666)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return out, steps, writeArrays(dir, p.Cfg, w, s, equilibria)
}

// writeStart writes the golden files of one start to dir. The image of external memory is that
// before the start, and becomes that after it.
func writeStart(dir string, start int, p *gen.Plan, model *ep.Fixed, from [][]int32, w *ep.Params, s *ep.Samples, img []byte,
	progress func(done, steps int)) (*ep.Outcome, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	print := Fingerprint(p)
	if from != nil {
		p = p.Continued()
	}
	if err := writeGolden(filepath.Join(dir, BeforeFile), kindBefore, start, print, img); err != nil {
		return nil, err
	}
	lengths := p
	if p.Cfg.MinSteps > 0 { // how long the phases are is known when they are over
		out, err := model.StepFrom(uint32(start/p.Cfg.Starts()), from, w, s, nil)
		if err != nil {
			return nil, err
		}
		lengths = p.WithSteps(out.Steps)
	}
	t, err := createTrace(filepath.Join(dir, TraceFile), start, print, lengths, s, progress)
	if err != nil {
		return nil, err
	}
	out, err := model.StepFrom(uint32(start/p.Cfg.Starts()), from, w, s, t)
	if err == nil {
		err = t.finish(p, out)
	}
	if e := t.file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	if p.Cfg.Sequence.Task == ep.Train {
		p.PackWeights(img, out.Params)
	}
	p.PackResults(img, out.Output)
	return out, writeGolden(filepath.Join(dir, AfterFile), kindAfter, start, print, img)
}

// PackageSources are the sources that the resolved configuration of a package refers to.
func PackageSources(cfg *ep.Config) ep.Sources {
	src := ep.Sources{Weights: "golden/" + WeightsFile, Input: "golden/" + SamplesFile}
	if cfg.GivenStates {
		src.States = "golden/" + StatesFile
	}
	return src
}

// writeArrays writes the weights, samples and initial states that the resolved configuration
// refers to, and the free equilibria.
func writeArrays(dir string, cfg *ep.Config, w *ep.Params, s *ep.Samples, equilibria [][]int32) error {
	write := func(name string, f func(io.Writer) error) error {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		return errors.Join(f(file), file.Close())
	}
	err := write(WeightsFile, func(o io.Writer) error {
		return ep.WriteWeights(o, w, &cfg.Network, &cfg.Formats)
	})
	if err != nil {
		return err
	}
	if err := write(SamplesFile, func(o io.Writer) error {
		return ep.WriteSamples(o, s, &cfg.Network, &cfg.Formats)
	}); err != nil {
		return err
	}
	if cfg.GivenStates {
		if err := write(StatesFile, func(o io.Writer) error { return ep.WriteStates(o, s.States, cfg) }); err != nil {
			return err
		}
	}
	return write(EquilibriumFile, func(o io.Writer) error { return ep.WriteStates(o, equilibria, cfg) })
}

// traceWriter is the ep.Sink that writes a trace. The model must deliver
// exactly the sets of Schedule, each memory's in order.
type traceWriter struct {
	file     *os.File
	plan     *gen.Plan
	sets     [NumMemories][]Set
	offsets  [NumMemories][]int // of the values, in the payload
	widths   [NumMemories]int   // bytes per value
	next     [NumMemories]int
	layers   int
	last     int // layer that a step renews last
	notesAt  int // in the payload
	labelsAt int // likewise
	steps    int
	done     int
	progress func(done, steps int)
	scratch  []byte
	err      error // the first
}

// newTrace returns a trace of a plan without a file.
func newTrace(p *gen.Plan) *traceWriter {
	t := &traceWriter{
		plan: p, sets: Schedule(p), layers: len(p.Slabs()), last: p.Visits.Step[len(p.Visits.Step)-1].Act,
		steps: p.Program.Steps(), widths: [NumMemories]int{Index: 1},
	}
	for m, bits := range map[Memory]int{
		State0: p.LaneBits, State1: p.LaneBits, Logit: p.LogitBits(), Probability: p.LaneBits, Nudge: p.AccBits, Warm: p.LaneBits,
	} {
		switch {
		case bits <= 16:
			t.widths[m] = 2
		case bits <= 32:
			t.widths[m] = 4
		default:
			t.widths[m] = 8
		}
	}
	return t
}

// createTrace writes the header, the event table and the input, and makes the
// file as long as it will be.
func createTrace(path string, start int, print uint64, p *gen.Plan, s *ep.Samples, progress func(done, steps int)) (*traceWriter, error) {
	t := newTrace(p)
	t.progress = progress
	table, size := t.table()
	var err error
	if t.file, err = os.Create(path); err != nil {
		return nil, err
	}
	head := append(appendHeader(nil, kindTrace, start, print, size), table...)
	if _, err = t.file.Write(head); err == nil {
		err = t.file.Truncate(int64(goldenHeader + size + 4))
	}
	if err != nil {
		t.file.Close()
		return nil, err
	}
	t.put(State0, stageInput, 0, 0, encode(t, t.widths[State0], s.X))
	if p.ReadsStates() {
		for i, states := range s.States {
			m := Memory(gen.Bank(i + 1))
			t.put(m, stageInput, 0, i+1, encode(t, t.widths[m], states))
		}
	}
	return t, t.labels(s.Y)
}

// labels writes the codes of the labels, which the core may not need.
func (t *traceWriter) labels(labels []int) error {
	var codes []byte
	for _, y := range labels {
		codes = binary.LittleEndian.AppendUint32(codes, uint32(t.plan.LabelCode(y)))
	}
	_, err := t.file.WriteAt(codes, int64(goldenHeader+t.labelsAt))
	return err
}

// table returns the event table with its two counts, places the notes, the labels and
// the values behind it, and returns the size of the payload.
func (t *traceWriter) table() (table []byte, size int) {
	events := 0
	for _, sets := range t.sets {
		events += len(sets)
	}
	le := binary.LittleEndian
	table = le.AppendUint32(nil, uint32(events))
	table = le.AppendUint32(table, uint32(notesBytes(t.layers)))
	t.notesAt = len(table) + events*eventBytes
	t.labelsAt = t.notesAt + notesBytes(t.layers)
	size = t.labelsAt + 4*t.plan.Cfg.Batch
	for m, sets := range t.sets {
		for _, s := range sets {
			table = append(table, byte(s.Memory), byte(s.stage), byte(s.Copy), byte(t.widths[m]))
			table = le.AppendUint32(table, uint32(s.Step))
			table = le.AppendUint32(table, uint32(s.Layer))
			table = le.AppendUint32(table, uint32(s.Base))
			table = le.AppendUint64(table, uint64(size))
			table = le.AppendUint64(table, uint64(s.Values))
			t.offsets[m] = append(t.offsets[m], size)
			size += s.Values * t.widths[m]
		}
	}
	return table, size
}

// encode returns codes as little-endian values of 2, 4 or 8 bytes, in scratch.
func encode[T int32 | int64](t *traceWriter, width int, codes []T) []byte {
	b := t.scratch[:0]
	for _, v := range codes {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))[:len(b)+width]
	}
	t.scratch = b
	return b
}

// State implements ep.Sink.
func (t *traceWriter) State(phase ep.Phase, step, layer int, s []int32) {
	m := Memory(gen.Bank(layer))
	t.put(m, stageOf(phase), step, layer, encode(t, t.widths[m], s))
	if layer == t.last {
		t.done++
		if t.progress != nil {
			t.progress(t.done, t.steps)
		}
	}
}

// Index implements ep.Sink.
func (t *traceWriter) Index(phase ep.Phase, step, layer int, index []uint8) {
	t.put(Index, stageOf(phase), step, layer, index)
}

// Head implements ep.HeadSink.
func (t *traceWriter) Head(phase ep.Phase, step, head int, v *ep.HeadValues) {
	h := &t.plan.Heads[head]
	narrow := func(m Memory, kind int, codes []int32) {
		if codes != nil {
			t.put(m, stageOf(phase), step, headMap(t.plan, h, kind), encode(t, t.widths[m], codes))
		}
	}
	wide := func(m Memory, kind int, codes []int64) {
		if codes != nil {
			t.put(m, stageOf(phase), step, headMap(t.plan, h, kind), encode(t, t.widths[m], codes))
		}
	}
	narrow(State0, mapAverages, v.Features)
	wide(Logit, mapLogits, v.Logits)
	narrow(Probability, mapProbabilities, v.Probability)
	narrow(Warm, mapWarm, v.Warm)
	narrow(State1, mapErrors, v.Signal)
	wide(Nudge, mapNudges, v.Nudge)
}

// put writes the values of the next set of a memory, which must be the one
// that is scheduled.
func (t *traceWriter) put(m Memory, phase stage, step, layer int, values []byte) {
	if t.err != nil {
		return
	}
	i := t.next[m]
	if i == len(t.sets[m]) {
		t.err = fmt.Errorf("sim: model goes on after the %d sets of memory %d", i, m)
		return
	}
	s := t.sets[m][i]
	if s.stage != phase || s.Step != step || s.Layer != layer || s.Values*t.widths[m] != len(values) {
		t.err = fmt.Errorf("sim: model delivers phase %d step %d layer %d (%d bytes) to memory %d, want phase %d step %d layer %d (%d bytes)",
			phase, step, layer, len(values), m, s.stage, s.Step, s.Layer, s.Values*t.widths[m])
		return
	}
	t.next[m]++
	_, t.err = t.file.WriteAt(values, int64(goldenHeader+t.offsets[m][i]))
}

// finish writes the notes and the checksum, after checking that the model
// delivered every set.
func (t *traceWriter) finish(p *gen.Plan, out *ep.Outcome) error {
	if t.err != nil {
		return t.err
	}
	for m, sets := range t.sets {
		if t.next[m] != len(sets) {
			return fmt.Errorf("sim: model delivered %d sets to memory %d, want %d", t.next[m], m, len(sets))
		}
	}
	notes, err := t.notes(p, out)
	if err != nil {
		return err
	}
	if _, err := t.file.WriteAt(notes, int64(goldenHeader+t.notesAt)); err != nil {
		return err
	}
	end, err := t.file.Seek(-4, io.SeekEnd)
	if err != nil {
		return err
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.NewSectionReader(t.file, 0, end)); err != nil {
		return err
	}
	_, err = t.file.WriteAt(binary.LittleEndian.AppendUint32(nil, sum.Sum32()), end)
	return err
}

// notes returns the statistics of the model as one line of JSON for the network
// and one per layer, padded with blanks to their fixed size.
func (t *traceWriter) notes(p *gen.Plan, out *ep.Outcome) ([]byte, error) {
	room := notesBytes(0)
	var notes []byte
	for i := -1; i < t.layers; i++ {
		var note any = NetworkNote(p, out)
		switch {
		case i >= len(p.Layers):
			note = HeadNote(p, out, i-len(p.Layers))
		case i >= 0:
			note = LayerNote(p, out, i)
		}
		line, err := json.Marshal(note)
		if err != nil {
			return nil, err
		}
		if len(line) >= room {
			return nil, fmt.Errorf("sim: note of %d bytes, want fewer than %d", len(line), room)
		}
		for len(line) < room-1 {
			line = append(line, ' ')
		}
		notes = append(append(notes, line...), '\n')
	}
	return notes, nil
}
