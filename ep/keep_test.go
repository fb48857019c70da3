package ep

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/fixedpoint"
)

// join returns the samples of two batches as one.
func join(batches ...*Samples) *Samples {
	z := &Samples{}
	for _, s := range batches {
		z.X, z.Y = append(z.X, s.X...), append(z.Y, s.Y...)
	}
	return z
}

// TestAccumulatedIsOneBatch checks that the contrasts of three starts make exactly the
// update of one start with all their samples, random bits and signs included.
func TestAccumulatedIsOneBatch(t *testing.T) {
	const starts = 3
	for _, set := range []func(c *Config){
		func(*Config) {},
		func(c *Config) { c.Formats.MasterBits, c.DecayShift, c.MomentumShift = 6, 5, 3 },
		func(c *Config) {
			c.Formats.UpdateRounding, c.Estimate, c.Formats.MasterBits = fixedpoint.Stochastic, RandomSign, 2
		},
	} {
		small := awkwardConfig("odd maps live")
		set(small)
		large := *small
		small.Accumulate, large.Batch = starts, starts*small.Batch
		model := func(cfg *Config) *Fixed {
			m, err := NewFixed(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		m, whole := model(small), model(&large)
		p, q := randomParams(small, 1), randomParams(small, 1)
		for update := range uint32(3) {
			var batches []*Samples
			for i := range starts {
				if p.Accumulated != i {
					t.Fatalf("contrasts of %d starts, want %d", p.Accumulated, i)
				}
				s := randomSamples(small, uint64(update)*10+uint64(i))
				batches = append(batches, s)
				out, err := m.Step(update, p, s, nil)
				if err != nil {
					t.Fatal(err)
				}
				if i < starts-1 && !cmp.Equal(out.Params.Layers[0].W, p.Layers[0].W) {
					t.Error("weights change before the last start of an update")
				}
				p = out.Params
			}
			out, err := whole.Step(update, q, join(batches...), nil)
			if err != nil {
				t.Fatal(err)
			}
			q = out.Params
			for n := range p.Layers { // the sums are 0, and in one of them only
				p.Layers[n].KeptW.Sum, p.Layers[n].KeptB.Sum = nil, nil
			}
			if diff := cmp.Diff(q, p); diff != "" {
				t.Fatalf("update %d (-one batch +starts):\n%s", update, diff)
			}
			for n := range p.Layers {
				p.Layers[n].KeptW.Sum, p.Layers[n].KeptB.Sum = make([]int64, len(p.Layers[n].W)), make([]int64, len(p.Layers[n].B))
			}
		}
	}
}

// TestUpdatesAgainstFloat runs updates of both models from the same parameters, in formats so
// fine that only the options of the update can make a difference.
func TestUpdatesAgainstFloat(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(c *Config)
	}{
		{"decay", func(c *Config) { c.DecayShift = 4 }},
		{"masters", func(c *Config) { c.Formats.MasterBits = 9 }},
		{"momentum", func(c *Config) { c.MomentumShift = 2 }},
		{"sums", func(c *Config) { c.Accumulate = 2 }},
		{"all", func(c *Config) {
			c.DecayShift, c.Formats.MasterBits, c.MomentumShift, c.Accumulate = 5, 9, 3, 2
		}},
		{"all, clipped", func(c *Config) {
			c.DecayShift, c.Formats.MasterBits, c.MomentumShift, c.Accumulate, c.Clip = 3, 4, 1, 3, 0.25
			c.Formats.UpdateRounding = fixedpoint.Stochastic
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := awkwardConfig("odd maps")
			cfg.Formats.State, cfg.Formats.Weight, cfg.Formats.Bias = fixedpoint.UQ(0, 22), fixedpoint.Q(1, 18), fixedpoint.Q(1, 18)
			cfg.Formats.RateBits = 24
			c.set(cfg)
			m, err := NewFixed(cfg)
			if err != nil {
				t.Fatal(err)
			}
			twin, err := newTwin(cfg, m.arith)
			if err != nil {
				t.Fatal(err)
			}
			p := randomParams(cfg, 3)
			q := p.Dequantize(&cfg.Formats)
			first := q.Clone()
			for start := range 8 {
				s := randomSamples(cfg, uint64(start))
				number := uint32(start / cfg.Starts())
				out, err := m.Step(number, p, s, nil)
				if err != nil {
					t.Fatal(err)
				}
				real, err := twin.Step(number, q, s.Dequantize(cfg), nil)
				if err != nil {
					t.Fatal(err)
				}
				p, q = out.Params, real.Params
			}
			got := p.Dequantize(&cfg.Formats)
			moved := 0.0
			for n := range got.Layers {
				// A few LSBs of rounding per update, and how they spread.
				if d := maxDifference(got.Layers[n].W, q.Layers[n].W); d > 0x1p-13 {
					t.Errorf("layer %d: weights differ by %g, want at most %g", n+1, d, 0x1p-13)
				}
				if d := maxDifference(got.Layers[n].B, q.Layers[n].B); d > 0x1p-13 {
					t.Errorf("layer %d: biases differ by %g, want at most %g", n+1, d, 0x1p-13)
				}
				moved = max(moved, maxDifference(first.Layers[n].W, q.Layers[n].W))
			}
			if moved < 0x1p-7 {
				t.Errorf("weights have moved by %g, which proves nothing", moved)
			}
		})
	}
}

// TestMasterKeepsSmallChanges shows what masters are for: changes below half an LSB of
// the weights are lost without them.
func TestMasterKeepsSmallChanges(t *testing.T) {
	run := func(bits int) (changed int) {
		cfg := awkwardConfig("odd maps")
		cfg.Formats.Weight, cfg.Formats.MasterBits = fixedpoint.Q(1, 6), bits
		for n := range cfg.Rates {
			cfg.Rates[n] = 0.002
		}
		m, err := NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p := randomParams(cfg, 1)
		first, s := p, randomSamples(cfg, 1)
		for range 40 {
			out, err := m.TrainStep(p, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			p = out.Params
		}
		for n := range p.Layers {
			for i, w := range p.Layers[n].W {
				if w != first.Layers[n].W[i] {
					changed++
				}
			}
		}
		return changed
	}
	if without, with := run(0), run(10); without > 0 || with == 0 {
		t.Errorf("%d weights changed without masters and %d with, want none and some", without, with)
	}
}

// TestSplit checks that weight and remainder make the master, and that its ends are
// the outermost whose weights are in their format.
func TestSplit(t *testing.T) {
	for bits := range maxMasterBits {
		cfg := &Config{Formats: Formats{MasterBits: bits}}
		f := fixedpoint.Q(0, 4)
		u := cfg.ofMaster(fixedpoint.Update{Lo: f.Min(), Hi: f.Max()}, false)
		for master := u.Lo; master <= u.Hi; master++ {
			w, r := split(master, bits)
			exact := math.Ldexp(float64(master), -bits)
			if w != int64(math.Floor(exact+0.5)) || w<<bits+r != master || w < f.Min() || w > f.Max() {
				t.Fatalf("%d bits: master %d is %d and %d", bits, master, w, r)
			}
		}
		if w, _ := split(u.Hi+1, bits); w <= f.Max() {
			t.Errorf("%d bits: master %d has weight %d, want the next beyond the format", bits, u.Hi+1, w)
		}
	}
}

// TestTrainerKeeps checks that the trainer with the hardware's update is the fixed-point
// model, and that a checkpoint has all that updates keep.
func TestTrainerKeeps(t *testing.T) {
	random := DefaultHead(1, Shape{6, 6, 6})
	random.Kind = RandomHead
	for _, cfg := range []*Config{trainConfig(), headConfig(t, DefaultHead(1, Shape{6, 6, 6})), headConfig(t, random)} {
		trainerKeeps(t, cfg)
	}
}

func trainerKeeps(t *testing.T, cfg *Config) {
	cfg.Batch, cfg.Accumulate, cfg.DecayShift, cfg.MomentumShift, cfg.Formats.MasterBits = 2, 3, 6, 2, 7
	cfg.Formats.UpdateRounding, cfg.Estimate = fixedpoint.Stochastic, RandomSign
	opt := TrainOptions{Fixed: true, HardwareUpdate: true, Epochs: 9}
	m, err := NewFixed(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tr := newTrainer(t, cfg, opt)
	p := InitParams(&cfg.Network, cfg.Init, cfg.Seed).Quantize(&cfg.Formats)
	for i := range 10 {
		if _, _, err := tr.Step(); err != nil {
			t.Fatal(err)
		}
		s := tr.samples.Quantize(cfg)
		out, err := m.Step(uint32(i/3), p, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		p = out.Params
		m.MoveMeans(p, out)
		want := p.Dequantize(&cfg.Formats)
		for n := range p.Layers {
			if !cmp.Equal(want.Layers[n].W, tr.Params.Layers[n].W) || !cmp.Equal(p.Layers[n].KeptW, tr.kept.Layers[n].KeptW) ||
				!cmp.Equal(p.Layers[n].KeptB, tr.kept.Layers[n].KeptB) {
				t.Fatalf("step %d: layer %d differs from the model's", i, n+1)
			}
		}
		for k := range p.Heads {
			x, y, kept := &want.Heads[k], &tr.Params.Heads[k], &tr.kept.Heads[k]
			if !cmp.Equal(x.W, y.W) || !cmp.Equal(x.B, y.B) || !cmp.Equal(x.Mean, y.Mean) ||
				!cmp.Equal(p.Heads[k].KeptW, kept.KeptW) || !cmp.Equal(p.Heads[k].KeptB, kept.KeptB) {
				t.Fatalf("step %d: %s differs from the model's", i, cfg.Network.Heads[k].Name)
			}
		}
	}
	var file bytes.Buffer
	if err := tr.WriteCheckpoint(&file); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "checkpoint.npz")
	if err := os.WriteFile(path, file.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	again := newTrainer(t, cfg, opt)
	if err := again.ReadCheckpoint(path); err != nil {
		t.Fatal(err)
	}
	for _, x := range []*Trainer{tr, again} {
		for range 5 {
			if _, _, err := x.Step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(tr.Params, again.Params); diff != "" {
		t.Errorf("after a checkpoint (-without +with):\n%s", diff)
	}
	if diff := cmp.Diff(tr.kept, again.kept); diff != "" {
		t.Errorf("what is kept, after a checkpoint (-without +with):\n%s", diff)
	}
	opt.HardwareUpdate = false
	if _, err := NewTrainer(cfg, opt, randomFloatParams(cfg, 4), ProceduralSet(&cfg.Network, 60, 30, 1)); err == nil {
		t.Error("a float64 master takes options of the hardware's update")
	}
}
