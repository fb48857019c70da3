package ep

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/fixedpoint"
)

// trainConfig is a small pooled network for procedural digits of 12x12.
func trainConfig() *Config {
	cfg := testConfig(chain(Shape{1, 12, 12}, layerSpec{6, 3, 1, MaxPool, 1, false}, layerSpec{8, 3, 1, MaxPool, 1, false}, layerSpec{channels: 4}))
	cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps, cfg.Seed = 12, 15, 6, 5
	cfg.Init = Init{Gain: 1.5, Bias: 0.3}
	cfg.Rates = []float64{0.2, 0.1, 0.05}
	return cfg
}

// trainConfigs are trainConfig, the same with live indices, and one with a mean pool
// and a stride, in both schedules.
func trainConfigs() []*Config {
	var list []*Config
	for _, sweep := range []Sweep{Synchronous, Asynchronous} {
		first, live, mean := trainConfig(), trainConfig(), trainConfig()
		live.PoolIndex = Live
		mean.Network = chain(Shape{1, 12, 12}, layerSpec{6, 3, 1, AveragePool, 1, false}, layerSpec{8, 3, 1, MaxPool, 2, false}, layerSpec{channels: 4})
		for _, cfg := range []*Config{first, live, mean} {
			cfg.Sweep = sweep
			list = append(list, cfg)
		}
	}
	return list
}

func newTrainer(t *testing.T, cfg *Config, opt TrainOptions) *Trainer {
	t.Helper()
	tr, err := NewTrainer(cfg, opt, InitParams(&cfg.Network, cfg.Init, cfg.Seed), ProceduralSet(&cfg.Network, 60, 30, 1))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// batchOf returns the samples of the trainer's first mini-batch.
func batchOf(t *testing.T, tr *Trainer) *FloatSamples {
	t.Helper()
	if err := tr.startEpoch(); err != nil {
		t.Fatal(err)
	}
	var s FloatSamples
	tr.data.Train.fill(&s, tr.order[:tr.cfg.Batch], &tr.cfg.Network, tr.opt.Augment, mixSeed(tr.cfg.Seed, 0))
	return &s
}

// TestTrainerIsFloat compares plain steps with Float.TrainStep, whose whole batch
// relaxes at once: the batch of 12 makes two shards, the second half empty.
func TestTrainerIsFloat(t *testing.T) {
	for _, cfg := range trainConfigs() {
		tr := newTrainer(t, cfg, TrainOptions{Epochs: 1})
		s := batchOf(t, tr)
		want, err := newFloat(t, cfg).TrainStep(InitParams(&cfg.Network, cfg.Init, cfg.Seed), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		loss, _, err := tr.Step()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Params, tr.Params); diff != "" {
			t.Errorf("%v: parameters differ (-want +got):\n%.400s", cfg.Network.Notation(), diff)
		}
		if got := newFloat(t, cfg).Loss(want.Finals[PhaseFree][2], s.Y) / 12; math.Abs(got-loss) > 1e-12 {
			t.Errorf("%v: loss %g, want %g", cfg.Network.Notation(), loss, got)
		}
		residual := 0.0
		for _, a := range tr.sum.layers {
			residual = max(residual, a.Residual)
		}
		if residual != want.Residual {
			t.Errorf("%v: residual %g, want %g", cfg.Network.Notation(), residual, want.Residual)
		}
	}
}

// TestHardwareUpdateIsFixed runs ten steps in the exact arithmetic of the
// hardware beside Fixed.TrainStep, in both element types.
func TestHardwareUpdateIsFixed(t *testing.T) {
	for _, stateBits := range []int{15, 24} { // sums of the latter do not fit float64
		for _, cfg := range trainConfigs() {
			cfg.Formats.State.Frac = stateBits
			if cfg.PoolIndex == Live {
				cfg.Formats.UpdateRounding = fixedpoint.Stochastic
			}
			tr := newTrainer(t, cfg, TrainOptions{Fixed: true, HardwareUpdate: true, Epochs: 2})
			model, err := NewFixed(cfg)
			if err != nil {
				t.Fatal(err)
			}
			f := &cfg.Formats
			want := InitParams(&cfg.Network, cfg.Init, cfg.Seed).Quantize(f)
			for step := range 10 {
				if _, _, err := tr.Step(); err != nil {
					t.Fatal(err)
				}
				out, err := model.Step(uint32(step), want, tr.samples.Quantize(cfg), nil)
				if err != nil {
					t.Fatal(err)
				}
				want = out.Params
				if diff := cmp.Diff(want, tr.Params.Quantize(f)); diff != "" {
					t.Fatalf("%s, %v, %d bits, step %d: parameters differ (-want +got):\n%.400s", cfg.Network.Notation(), cfg.PoolIndex, stateBits, step, diff)
				}
				if tr.Batch == tr.Batches() {
					tr.EndEpoch()
				}
			}
		}
	}
}

// TestFixedFloatMaster compares a fixed-point step on a float64 master with the estimate of
// the hardware's contrast.
func TestFixedFloatMaster(t *testing.T) {
	cfg := trainConfig()
	tr := newTrainer(t, cfg, TrainOptions{Fixed: true, Epochs: 1, Momentum: 0.9, Decay: 0.01})
	init := InitParams(&cfg.Network, cfg.Init, cfg.Seed)
	real, err := newFloat(t, cfg).TrainStep(init, batchOf(t, tr), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tr.Step(); err != nil {
		t.Fatal(err)
	}
	for n := range tr.Params.Layers {
		var got, want []float64
		for i, w := range init.Layers[n].W {
			got = append(got, (w-tr.Params.Layers[n].W[i])/cfg.Rates[n])
			want = append(want, real.Gradient.Layers[n].W[i]+0.01*w)
		}
		if a := Agree(got, want); a.Cosine < 0.99 || a.RelativeError > 0.1 {
			t.Errorf("layer %d: %+v, want the estimate of float64", n+1, a)
		}
	}
}

// TestMomentum checks two updates by hand.
func TestMomentum(t *testing.T) {
	tr := &Trainer{opt: TrainOptions{Momentum: 0.5}}
	x, v := []float64{1}, []float64{0}
	tr.move(x, v, []float64{2}, 0.25, 0.5, -10, 10) // v = 2.5, x = 0.375
	tr.move(x, v, []float64{2}, 0.25, 0.5, -10, 10) // v = 1.25+2+0.1875, x = 0.375-0.859375
	if x[0] != -0.484375 || v[0] != 3.4375 {
		t.Errorf("got %v, velocity %v; want -0.484375, 3.4375", x, v)
	}
	tr.move(x, v, []float64{100}, 1, 0, -10, 10)
	if x[0] != -10 {
		t.Errorf("got %v, want the limit -10", x)
	}
}

// TestResume interrupts training within an epoch, after an epoch and twice, and
// wants the bits of an uninterrupted run.
func TestResume(t *testing.T) {
	for _, opt := range []TrainOptions{
		{Epochs: 3, Momentum: 0.9, Schedule: Cosine, Augment: Augment{Flip: true, Crop: 1}},
		{Epochs: 3, Momentum: 0.9, Decay: 1e-3, Fixed: true},
		{Epochs: 3, Schedule: Step, Fixed: true, HardwareUpdate: true},
	} {
		cfg := trainConfig()
		if opt.Schedule != Cosine {
			cfg.Start, cfg.MinSteps, cfg.Tolerance, cfg.Frozen, cfg.Clip = Warm, 4, 200, []int{1}, 0.5
			cfg.HostRates = opt.HardwareUpdate
		}
		want := runEpochs(t, newTrainer(t, cfg, opt), nil)
		for _, stops := range [][]int{{3}, {5}, {2, 9}} {
			if diff := cmp.Diff(want, runEpochs(t, newTrainer(t, cfg, opt), stops)); diff != "" {
				t.Errorf("%+v stopped after %v batches (-want +got):\n%.600s", opt, stops, diff)
			}
		}
	}
}

// runEpochs trains to the end and returns the checkpoint and the metrics. After each number of
// batches in stops it goes on with a new trainer.
func runEpochs(t *testing.T, tr *Trainer, stops []int) []string {
	t.Helper()
	var log []string
	for done := 0; !tr.Done(); {
		if _, _, err := tr.Step(); err != nil {
			t.Fatal(err)
		}
		done++
		if tr.Batch == tr.Batches() {
			log = append(log, fmt.Sprintf("%+v %+v", tr.EndEpoch(), tr.Evaluate(nil)))
		}
		if len(stops) > 0 && done == stops[0] {
			stops = stops[1:]
			path := filepath.Join(t.TempDir(), "checkpoint.npz")
			if err := os.WriteFile(path, checkpoint(t, tr), 0o666); err != nil {
				t.Fatal(err)
			}
			tr = newTrainer(t, tr.cfg, tr.opt)
			if err := tr.ReadCheckpoint(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	return append(log, string(checkpoint(t, tr)))
}

func checkpoint(t *testing.T, tr *Trainer) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tr.WriteCheckpoint(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTrainingLearns trains on procedural digits of four classes until most are
// recognised.
func TestTrainingLearns(t *testing.T) {
	if testing.Short() {
		t.Skip("training takes seconds")
	}
	for _, fixed := range []bool{false, true} {
		cfg := trainConfig()
		cfg.Rates = []float64{0.3, 0.15, 0.05}
		opt := TrainOptions{Epochs: 4, Momentum: 0.9, Fixed: fixed}
		tr, err := NewTrainer(cfg, opt, InitParams(&cfg.Network, cfg.Init, cfg.Seed), ProceduralSet(&cfg.Network, 360, 120, 1))
		if err != nil {
			t.Fatal(err)
		}
		before := tr.Evaluate(nil)
		for !tr.Done() {
			if _, _, err := tr.Step(); err != nil {
				t.Fatal(err)
			}
			if tr.Batch == tr.Batches() {
				tr.EndEpoch()
			}
		}
		after := tr.Evaluate(nil)
		t.Logf("fixed %v: %+v to %+v", fixed, before, after)
		if after.Accuracy < 0.6 {
			t.Errorf("fixed %v: accuracy %.3f from %.3f, want at least 0.6", fixed, after.Accuracy, before.Accuracy)
		}
	}
}

func TestTrainErrors(t *testing.T) {
	cfg := trainConfig()
	set := ProceduralSet(&cfg.Network, 20, 10, 1)
	for _, c := range []struct {
		opt  TrainOptions
		set  *Dataset
		want string
	}{
		{TrainOptions{}, set, "epochs: 0, want an integer 1..65535"},
		{TrainOptions{Epochs: 1, Momentum: 1}, set, "momentum: 1, want a number of at least 0 and below 1"},
		{TrainOptions{Epochs: 1, Decay: -1}, set, "decay: -1, want a finite number of at least 0"},
		{TrainOptions{Epochs: 1, HardwareUpdate: true}, set, "update: hardware with arithmetic float64, want arithmetic fixed"},
		{TrainOptions{Epochs: 1, Fixed: true, HardwareUpdate: true, Momentum: 0.5}, set,
			"update: hardware with momentum 0.5 and decay 0, want both 0"},
		{TrainOptions{Epochs: 1}, ProceduralSet(&cfg.Network, 5, 1, 1),
			"batch of 12 samples, want at most the 5 of the training part of procedural digits"},
		{TrainOptions{Epochs: 1}, ProceduralSet(&Network{Input: Shape{1, 9, 9}, Layers: cfg.Network.Layers}, 20, 5, 1),
			"procedural digits: procedural digits images are 1x9x9, want 1x12x12 for the input of the network"},
	} {
		_, err := NewTrainer(cfg, c.opt, NewFloatParams(&cfg.Network), c.set)
		if got := fmt.Sprint(err); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.opt, got, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "c.npz")
	tr := newTrainer(t, cfg, TrainOptions{Epochs: 1})
	if err := os.WriteFile(path, checkpoint(t, tr), 0o666); err != nil {
		t.Fatal(err)
	}
	other := trainConfig()
	other.Network = chain(Shape{1, 12, 12}, layerSpec{5, 3, 1, MaxPool, 1, false}, layerSpec{8, 3, 1, MaxPool, 1, false}, layerSpec{channels: 4})
	err := newTrainer(t, other, TrainOptions{Epochs: 1}).ReadCheckpoint(path)
	if got, want := fmt.Sprint(err), "array layer1.weight: shape [6 1 3 3], want [5 1 3 3]"; !strings.HasSuffix(got, want) {
		t.Errorf("checkpoint of another network:\n got %s\nwant %s", got, want)
	}
	tr.Params.Layers[1].W[3] = math.NaN()
	if _, _, err := tr.Step(); err == nil || !strings.Contains(err.Error(), "not finite after epoch 1, batch 1") {
		t.Errorf("NaN weight: got %v, want an error", err)
	}
}

// TestAugment checks the variations of a small image against their definition.
func TestAugment(t *testing.T) {
	shape := Shape{2, 3, 4}
	src := make([]byte, shape.Len())
	for i := range src {
		src[i] = byte(i)
	}
	seen := map[string]bool{}
	random := NewRandom(1)
	for range 200 {
		dst := make([]byte, len(src))
		Augment{Flip: true, Crop: 1}.apply(dst, src, shape, random)
		seen[string(dst)] = true
	}
	want := map[string]bool{}
	for i := range 18 {
		flip, dy, dx := i%2 == 1, i/2%3-1, i/6-1
		var z []byte
		for j := range src {
			c, y, x := j/12, j/4%3, j%4
			if flip {
				x = 3 - x
			}
			z = append(z, src[(c*3+min(max(y+dy, 0), 2))*4+min(max(x+dx, 0), 3)])
		}
		want[string(z)] = true
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("variations (-want +got):\n%s", diff)
	}
}

// TestProceduralSetIsVaried checks that pictures of a class differ and that the same seed repeats them.
func TestProceduralSetIsVaried(t *testing.T) {
	for _, in := range []Shape{{1, 28, 28}, {3, 32, 32}} {
		net := chain(in, layerSpec{channels: 10})
		a, b := ProceduralSet(&net, 100, 20, 3), ProceduralSet(&net, 100, 20, 3)
		if !bytes.Equal(a.Train.pixels, b.Train.pixels) || !bytes.Equal(a.Test.labels, b.Test.labels) {
			t.Errorf("%v: the same seed draws other pictures", in)
		}
		classes, pictures := map[byte]bool{}, map[string]bool{}
		for i := range a.Train.Len() {
			classes[a.Train.labels[i]] = true
			pictures[string(a.Train.pixels[i*in.Len():(i+1)*in.Len()])] = true
		}
		if len(classes) != 10 || len(pictures) != 100 {
			t.Errorf("%v: %d classes and %d pictures, want 10 and 100", in, len(classes), len(pictures))
		}
	}
}

func TestSchedule(t *testing.T) {
	for _, c := range []struct {
		s    Schedule
		at   [3]float64 // epochs 0, 5 and 8 of 10
		name string
	}{
		{Constant, [3]float64{1, 1, 1}, "constant"},
		{Cosine, [3]float64{1, 0.5, (1 + math.Cos(0.8*math.Pi)) / 2}, "cosine"},
		{Step, [3]float64{1, 0.1, 0.01}, "step"},
	} {
		for i, epoch := range []int{0, 5, 8} {
			if got := c.s.Factor(epoch, 10); math.Abs(got-c.at[i]) > 1e-15 {
				t.Errorf("%v, epoch %d: %g, want %g", c.s, epoch, got, c.at[i])
			}
		}
		var back Schedule
		if err := back.UnmarshalText([]byte(c.name)); err != nil || back != c.s || c.s.String() != c.name {
			t.Errorf("%v: read back %v, %v", c.s, back, err)
		}
	}
}

// TestActivateExact compares the activation of training with Requant.Apply, at every
// distance from a tie.
func TestActivateExact(t *testing.T) {
	act := fixedpoint.Requant{Shift: 3, Mode: fixedpoint.NearestEven, Hi: 9}
	var u []float64
	for v := -40.0; v < 120; v++ {
		u = append(u, v)
	}
	s := make([]float64, len(u))
	activateExact(act, u, s)
	for i, v := range u {
		if want := float64(act.Apply(int64(v))); s[i] != want {
			t.Errorf("activation of %v: %v, want %v", v, s[i], want)
		}
	}
}

// TestMemoryIsFlat checks that a training step allocates as much with ten times
// as many time steps.
func TestMemoryIsFlat(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		allocated := func(steps int) uint64 {
			cfg := trainConfig()
			cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps = 16, steps, steps
			tr := newTrainer(t, cfg, TrainOptions{Fixed: fixed, Epochs: 1})
			if _, _, err := tr.Step(); err != nil { // buffers grow to their size
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, _, err := tr.Step(); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		few, many := allocated(5), allocated(50)
		t.Logf("fixed %v: %d bytes with 5 steps in each phase, %d with 50", fixed, few, many)
		if many > few+20_000 {
			t.Errorf("fixed %v: %d bytes with 50 steps in each phase, want about the %d of 5", fixed, many, few)
		}
	}
}
