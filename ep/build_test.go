package ep

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/fixedpoint"
	"epgen/npz"
)

// trainingCases are networks with much that only training needs, each with another kind of
// dynamics.
func trainingCases(t *testing.T) map[string]*Config {
	t.Helper()
	all := map[string]*Config{}
	add := func(name, list string, in Shape, set func(c *Config)) {
		net, err := ParseLayers(list, in)
		if err != nil {
			t.Fatal(err)
		}
		c := NewConfig(net)
		c.FreeSteps, c.NudgeSteps, c.Batch = 9, 4, 2
		set(c)
		all[name] = c
	}
	add("synchronous", "5,M,6,A,fc3", Shape{2, 9, 8}, func(c *Config) {
		c.Estimate, c.Frozen, c.Clip, c.HostRates = Negative, []int{1}, 0.5, true
		c.Formats.MasterBits, c.MomentumShift, c.DecayShift, c.Accumulate = 4, 3, 7, 2
		c.Formats.Target, c.Formats.Beta = fixedpoint.UQ(1, 20), fixedpoint.UQ(4, 12) // widen the output's accumulator
	})
	add("asynchronous", "5,M,7,M,6,fc3", Shape{2, 9, 8}, func(c *Config) {
		c.Sweep, c.PoolIndex, c.Initial, c.Formats.UpdateRounding, c.Estimate = Asynchronous, Live, 0.4, fixedpoint.Stochastic, RandomSign
	})
	add("settling", "5,M,6b0,fc3", Shape{2, 8, 8}, func(c *Config) {
		c.FreeSteps, c.MinSteps, c.Tolerance, c.Damping, c.NudgeSteps = 30, 3, 90, 1, 5
		c.Estimate, c.Betas, c.BetaWeights = SeveralPoints, []float64{1, -1}, []int{1, -1}
	})
	add("linear", "5,A,6,fc3", Shape{2, 9, 8}, func(c *Config) {
		c.Output, c.Formats.LayerState = Linear, []fixedpoint.Format{fixedpoint.UQ(0, 9), fixedpoint.UQ(1, 5), fixedpoint.UQ(0, 4)}
	})
	add("heads", "4,M,6,5,fc7", Shape{2, 8, 8}, func(c *Config) {
		net, err := c.Network.WithReadout()
		if err != nil {
			t.Fatal(err)
		}
		specs := net.HeadSpecs()
		for _, layer := range []int{1, 2} {
			specs = append(specs, DefaultHead(layer, net.Layers[layer-1].Out))
		}
		if net, err = net.WithHeads(net.Classes(), specs); err != nil {
			t.Fatal(err)
		}
		c.Network, c.Rates = net, c.Rates[:3]
		c.Formats.Lambda = fixedpoint.UQ(4, 20)
	})
	return all
}

// TestForInference checks that nothing of training remains.
func TestForInference(t *testing.T) {
	for name, c := range trainingCases(t) {
		if err := c.Validate(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		z := c.ForInference()
		if err := z.Validate(); err != nil {
			t.Errorf("%s: inference build: %v", name, err)
		}
		if diff := cmp.Diff(z, z.ForInference()); diff != "" {
			t.Errorf("%s: inference build of the inference build (-once +twice):\n%s", name, diff)
		}
		if p := z.Program(); len(p.Relaxations) != 1 || p.Learns() {
			t.Errorf("%s: program %+v, want the free phase alone", name, p)
		}
		plain := NewConfig(c.Network)
		for key, target := range map[string]func(*Config) any{
			"nudge-steps": func(c *Config) any { return c.NudgeSteps }, "estimate": func(c *Config) any { return c.Estimate },
			"rates": func(c *Config) any { return c.Rates }, "masters": func(c *Config) any { return c.Formats.MasterBits },
			"target": func(c *Config) any { return c.Formats.Target }, "indices": func(c *Config) any { return c.PoolIndex },
		} {
			if got, want := target(z), target(plain); !cmp.Equal(got, want) {
				t.Errorf("%s: %s %v, want %v", name, key, got, want)
			}
		}
		c.Build = Inference
		if err := c.Validate(); err == nil {
			t.Errorf("%s: settings of training in an inference build, want an error", name)
		}
	}
	for key := range trainingOnly {
		if findSetting(key) == nil {
			t.Errorf("no setting %s", key)
		}
	}
}

// TestInferenceStates checks that both builds relax alike: the free states, how long it takes,
// the logits, and what the sinks see.
func TestInferenceStates(t *testing.T) {
	for name, c := range trainingCases(t) {
		w := InitParams(&c.Network, c.Init, c.Seed).Quantize(&c.Formats)
		for i := range w.Heads { // see TestFoldedMeans
			clear(w.Heads[i].Mean)
		}
		s := ProceduralSamples(&c.Network, c.Batch, 3).Quantize(c)
		run := func(c *Config, w *Params) (*Outcome, *stateRecorder) {
			m, err := NewFixed(c)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var rec stateRecorder
			out, err := m.TrainStep(w, s, &rec)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return out, &rec
		}
		training, seen := run(c, w)
		z := c.ForInference()
		shed := &Params{Layers: w.Layers}
		if n := len(w.Heads); n > 0 {
			shed.Heads = w.Heads[n-1:]
		}
		inference, alone := run(z, shed)
		for _, d := range []struct {
			what      string
			got, want any
		}{
			{"free states", inference.Free, training.Free}, {"outputs", inference.Output, delivered(t, z, training)},
			{"logits", inference.Logits, training.Logits}, {"steps", inference.Steps, training.Steps[:1]},
			{"trace", alone.free, seen.free}, {"weights", inference.Params, shed},
		} {
			if diff := cmp.Diff(d.want, d.got); diff != "" {
				t.Errorf("%s: %s (-training +inference):\n%s", name, d.what, diff)
			}
		}
		if want := len(z.Network.Heads); alone.other != want { // the logits
			t.Errorf("%s: %d sets of other phases, want %d", name, alone.other, want)
		}
		f, err := NewFloat(z)
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.TrainStep(shed.Dequantize(&z.Formats), s.Dequantize(z), nil)
		if err != nil {
			t.Fatal(err)
		}
		last := len(z.Network.Layers)
		format, reals := z.StateFormat(last), out.Finals[0][last-1]
		if out.Logits != nil {
			format, reals = z.Formats.Logit, out.Logits
		}
		for i, v := range inference.Output {
			if got, want := format.ToFloat(int64(v)), reals[i]; got-want > 0.1 || want-got > 0.1 {
				t.Errorf("%s: output %d: %v in fixed point, %v in float64", name, i, got, want)
			}
		}
	}
}

// delivered is what an inference build z makes of the outcome of a training step: its outputs,
// or the nearest codes of its logits.
func delivered(t *testing.T, z *Config, training *Outcome) []int32 {
	t.Helper()
	if training.Logits == nil {
		return training.Output
	}
	a, err := Derive(z)
	if err != nil {
		t.Fatal(err)
	}
	unit := lsb(a.Heads[0].LogitFrac)
	var codes []int32
	for _, v := range training.Logits {
		codes = append(codes, int32(z.Formats.Logit.FromFloat(float64(v)*unit, z.Formats.StateRounding)))
	}
	return codes
}

// TestDelivery checks that logits saturate at the ends of their format, and that one with more
// fractional bits than the products is refined exactly.
func TestDelivery(t *testing.T) {
	c := trainingCases(t)["heads"].ForInference()
	w := InitParams(&c.Network, c.Init, c.Seed).Quantize(&c.Formats)
	s := ProceduralSamples(&c.Network, c.Batch, 3).Quantize(c)
	w.Heads[0].B[0], w.Heads[0].B[1] = int32(c.Formats.HeadBias.Min()), int32(c.Formats.HeadBias.Max())
	run := func(logit fixedpoint.Format) *Outcome {
		z := *c
		z.Formats.Logit = logit
		m, err := NewFixed(&z)
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.TrainStep(w, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	narrow := run(fixedpoint.Q(1, 4))
	if got := narrow.Output[:2]; !cmp.Equal(got, []int32{-32, 31}) {
		t.Errorf("codes of -8 and 8 in Q1.4: %v, want -32 and 31", got)
	}
	if st := narrow.Layers[len(narrow.Layers)-1]; st.Name != "readout" || st.Phases[0].Saturated < 2*c.Batch {
		t.Errorf("statistics %+v, want those of the readout, two logits of each sample saturated", st)
	}
	fine := run(fixedpoint.Q(2, 28)) // products have 27 fractional bits
	coarse := run(fixedpoint.Q(4, 8))
	for i, z := range coarse.Logits {
		if fine.Logits[i] != 2*z {
			t.Errorf("logit %d: %d with 28 fractional bits, %d with 27", i, fine.Logits[i], z)
		}
	}
}

// writeWeights writes a file of weights and returns its path.
func writeWeights(t *testing.T, c *Config, w *Params) string {
	t.Helper()
	var file bytes.Buffer
	if err := WriteWeights(&file, w, &c.Network, &c.Formats); err != nil {
		t.Fatal(err)
	}
	return writeFile(t, t.TempDir(), "w.npz", file.Bytes())
}

// TestFoldedMeans checks that the means of a trained readout are in the biases of its inference
// build: its logits are those of the training build but for one rounding of a bias.
func TestFoldedMeans(t *testing.T) {
	c := trainingCases(t)["heads"]
	w := InitParams(&c.Network, c.Init, c.Seed).Quantize(&c.Formats)
	for i := range w.Heads[2].Mean {
		w.Heads[2].Mean[i] = int32(i * 997 % 32768)
	}
	path := writeWeights(t, c, w)
	z := c.ForInference()
	real, err := LoadParams(z, &Sources{Weights: path})
	if err != nil {
		t.Fatal(err)
	}
	s := ProceduralSamples(&c.Network, c.Batch, 3).Quantize(c)
	logits := func(c *Config, w *Params) []int64 {
		m, err := NewFixed(c)
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.TrainStep(w, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out.Logits
	}
	want, got := logits(c, w), logits(z, real.Quantize(&z.Formats))
	bias := int64(1) << (27 - c.Formats.HeadBias.Frac) // LSBs of a logit in one of a bias
	moved := false
	for i := range want {
		if d := got[i] - want[i]; d > bias/2 || d < -bias/2 {
			t.Errorf("logit %d: %d, want %d within %d", i, got[i], want[i], bias/2)
		}
		moved = moved || got[i] != want[i]
	}
	if !moved {
		t.Error("no bias is rounded: the means are too simple")
	}
	for i := range w.Heads[2].W {
		w.Heads[2].W[i] = int32(c.Formats.HeadWeight.Min())
	}
	if _, err := LoadParams(z, &Sources{Weights: writeWeights(t, c, w)}); err == nil {
		t.Error("a bias outside its format is accepted")
	}
}

// stateRecorder keeps what the free phase delivers.
type stateRecorder struct {
	free  [][]int32
	other int
}

func (r *stateRecorder) State(phase Phase, _, _ int, s []int32) {
	if phase != PhaseFree {
		r.other++
		return
	}
	r.free = append(r.free, append([]int32(nil), s...))
}

func (r *stateRecorder) Index(phase Phase, _, _ int, index []uint8) {
	if phase != PhaseFree {
		r.other++
		return
	}
	var s []int32
	for _, v := range index {
		s = append(s, int32(v))
	}
	r.free = append(r.free, s)
}

// TestInferenceTOML checks that the configuration of a training run and one word make the
// inference build, whatever the settings of training are, and that what is written reads
// back.
func TestInferenceTOML(t *testing.T) {
	const text = `
build = "inference"
[network]
input = "2x8x8"
layers = "4,M,6,M,fc7"
loss = "ce"
[heads]
layers = "1"
[phases]
estimate = "points"
betas = [1.0]
free-steps = 5
[learning]
rates = [0.1]
momentum-shift = 3
[formats]
master-bits = 3
update-rounding = "stochastic"
[sequence]
task = "train"
`
	cfg, _, problem := resolveTOML(t, text)
	if problem != "" {
		t.Fatal(problem)
	}
	if len(cfg.Network.Heads) != 1 || cfg.MomentumShift != 0 || cfg.Sequence.Task != Infer || cfg.FreeSteps != 5 {
		t.Errorf("configuration %+v, want the readout alone, no momentum, inferences, 5 steps", cfg)
	}
	var d Draft
	for _, f := range [][2]string{{"build", "inference"}, {"sequence.task", "train"}} {
		if err := d.SetFlag(f[0], f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := d.Resolve(); err == nil || err.Error() != "flag -sequence.task: train with build inference, want infer" {
		t.Errorf("flags that ask for training steps of an inference build: %v", err)
	}
	var b bytes.Buffer
	if err := WriteTOML(&b, cfg, Sources{}); err != nil {
		t.Fatal(err)
	}
	for key := range trainingOnly {
		if _, name, _ := bytes.Cut([]byte(key), []byte(".")); bytes.Contains(b.Bytes(), append([]byte("\n"), append(name, " = "...)...)) {
			t.Errorf("%s in\n%s", key, b.Bytes())
		}
	}
	again, _, problem := resolveTOML(t, b.String())
	if problem != "" {
		t.Fatal(problem)
	}
	if diff := cmp.Diff(cfg, again); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// TestInferenceArrays checks that files of training serve: arrays of heads are left out.
func TestInferenceArrays(t *testing.T) {
	c := trainingCases(t)["heads"]
	w := InitParams(&c.Network, c.Init, c.Seed).Quantize(&c.Formats)
	clear(w.Heads[2].Mean)
	path := writeWeights(t, c, w)
	z := c.ForInference()
	got, err := LoadParams(z, &Sources{Weights: path})
	if err != nil {
		t.Fatal(err)
	}
	want := &Params{Layers: w.Layers, Heads: w.Heads[2:]}
	if diff := cmp.Diff(want, got.Quantize(&z.Formats)); diff != "" {
		t.Errorf("weights (-want +got):\n%s", diff)
	}
	arrays, err := npz.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	arrays = append(arrays, npz.Array{Name: "layer9.weight", DType: npz.Float32, Shape: []int{1}, Data: []float64{1}})
	var file bytes.Buffer
	if err := npz.Write(&file, arrays); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadParams(z, &Sources{Weights: writeFile(t, t.TempDir(), "w.npz", file.Bytes())}); err == nil {
		t.Error("an array of no head is accepted")
	}
}
