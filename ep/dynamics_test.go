package ep

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mustStep is a training step of the fixed-point model from the given states.
func mustStep(t *testing.T, cfg *Config, number uint32, from [][]int32, params *Params, s *Samples) *Outcome {
	t.Helper()
	model, err := NewFixed(cfg)
	if err != nil {
		t.Fatal(err)
	}
	out, err := model.StepFrom(number, from, params, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// followTrainer takes three steps of a trainer that updates as the hardware does, and the same of
// the model, whose parameters must stay equal to the trainer's. Each step is shown to look: its
// number, states and parameters before it, samples and outcome.
func followTrainer(t *testing.T, name string, tr *Trainer, cfg *Config, look func(number uint32, from [][]int32, params *Params, s *Samples, out *Outcome)) {
	t.Helper()
	params := InitParams(&cfg.Network, cfg.Init, cfg.Seed).Quantize(&cfg.Formats)
	var from [][]int32
	for number := range uint32(3) {
		if _, _, err := tr.Step(); err != nil {
			t.Fatal(err)
		}
		s := tr.samples.Quantize(cfg)
		out := mustStep(t, cfg, number, from, params, s)
		look(number, from, params, s, out)
		params = out.Params
		if cfg.Start == Warm {
			from = out.Free
		}
		if diff := cmp.Diff(params, tr.Params.Quantize(&cfg.Formats)); diff != "" {
			t.Fatalf("%s, step %d (-model +trainer):\n%.400s", name, number, diff)
		}
	}
}

// TestWarmStart compares a trainer whose starts are warm with steps of the models from
// the equilibria of the steps before, in both arithmetics, schedules and with damping.
func TestWarmStart(t *testing.T) {
	for i, sweep := range []Sweep{Synchronous, Asynchronous, Synchronous} {
		cfg := trainConfig()
		cfg.Start, cfg.Sweep, cfg.Damping = Warm, sweep, int(sweep)
		if i == 2 { // phases end early
			cfg.FreeSteps, cfg.NudgeSteps, cfg.MinSteps, cfg.Tolerance = 40, 20, 3, 100
		}
		tr := newTrainer(t, cfg, TrainOptions{Fixed: true, HardwareUpdate: true, Epochs: 1})
		cold := 0
		followTrainer(t, sweep.String(), tr, cfg, func(number uint32, from [][]int32, params *Params, s *Samples, out *Outcome) {
			if other := mustStep(t, cfg, number, nil, params, s); cmp.Diff(other.Free, out.Free) != "" {
				cold++
			}
			if early := out.Steps[0] < cfg.FreeSteps; early != (i == 2) {
				t.Errorf("%d: %d steps of %d", i, out.Steps, cfg.FreeSteps)
			}
		})
		if cold != 2 {
			t.Errorf("%v: %d of 3 steps end elsewhere than from a cold start, want the last 2", sweep, cold)
		}
	}
}

// TestDampingSettles checks two layers that inhibit each other with a gain of 1.8: undamped
// they oscillate, damped by 1/2 they settle.
func TestDampingSettles(t *testing.T) {
	cfg := testConfig(chain(Shape{1, 3, 3}, layerSpec{channels: 24}, layerSpec{channels: 24}))
	cfg.Activation, cfg.FreeSteps = Unit, 400
	p, s := randomFloatParams(cfg, 1), randomFloatSamples(cfg, 1)
	for i := range p.Layers[1].W {
		p.Layers[1].W[i] = -1.8 / 24
	}
	for _, l := range p.Layers {
		for i := range l.B {
			l.B[i] = 1
		}
	}
	clear(p.Layers[0].W)
	residual := func() float64 {
		out, err := newFloat(t, cfg).TrainStep(p, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out.Residual
	}
	oscillating := residual()
	cfg.Damping = 1
	settled := residual()
	t.Logf("last change of a state: %.3g undamped, %.3g damped", oscillating, settled)
	if oscillating < 0.1 || settled > 1e-9 {
		t.Errorf("last change of a state %g undamped, %g damped; want more than 0.1 and at most 1e-9", oscillating, settled)
	}
}
