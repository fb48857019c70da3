package ep

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWarmStart compares a trainer whose starts are warm with steps of the models from
// the equilibria of the steps before, in both arithmetics, schedules and with damping.
func TestWarmStart(t *testing.T) {
	for i, sweep := range []Sweep{Synchronous, Asynchronous, Synchronous} {
		cfg := trainConfig()
		cfg.Start, cfg.Sweep, cfg.Damping = Warm, sweep, int(sweep)
		if i == 2 { // phases end early
			cfg.FreeSteps, cfg.NudgeSteps, cfg.MinSteps, cfg.Tolerance = 40, 20, 3, 100
		}
		f := &cfg.Formats
		tr := newTrainer(t, cfg, TrainOptions{Fixed: true, HardwareUpdate: true, Epochs: 1})
		model, err := NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		params := InitParams(&cfg.Network, cfg.Init, cfg.Seed).Quantize(f)
		var from [][]int32
		cold := 0
		for number := range uint32(3) {
			if _, _, err := tr.Step(); err != nil {
				t.Fatal(err)
			}
			s := tr.samples.Quantize(cfg)
			out, err := model.StepFrom(number, from, params, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			if other, err := model.Step(number, params, s, nil); err != nil {
				t.Fatal(err)
			} else if cmp.Diff(other.Free, out.Free) != "" {
				cold++
			}
			if early := out.Steps[0] < cfg.FreeSteps; early != (i == 2) {
				t.Errorf("%d: %d steps of %d", i, out.Steps, cfg.FreeSteps)
			}
			from, params = out.Free, out.Params
			if diff := cmp.Diff(params, tr.Params.Quantize(f)); diff != "" {
				t.Fatalf("%v, step %d (-model +trainer):\n%.400s", sweep, number, diff)
			}
		}
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
