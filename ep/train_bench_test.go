package ep

import (
	"fmt"
	"testing"
)

// BenchmarkVGG11Step is one free time step of VGG-11 after the first, UP and DOWN of
// layers 2 to 9, in both arithmetics at batches 1 and 8. Products are those
// with a pixel on the map, zeros of the states and of unpooling included.
func BenchmarkVGG11Step(b *testing.B) {
	for _, fixed := range []bool{false, true} {
		for _, batch := range []int{1, 8} {
			b.Run(fmt.Sprintf("fixed=%v/batch=%d", fixed, batch), func(b *testing.B) {
				cfg, err := Preset("vgg11")
				if err != nil {
					b.Fatal(err)
				}
				cfg.Batch, cfg.FreeSteps = batch, 1
				e, _, err := newEngine(cfg, fixed)
				if err != nil {
					b.Fatal(err)
				}
				e.setParams(InitParams(&cfg.Network, cfg.Init, cfg.Seed))
				s := ProceduralSamples(&cfg.Network, batch, cfg.Seed)
				r := e.(*machine[float64]).workers[0]
				e.relax(s, false)
				r.run(PhaseFree, 6) // states are alive
				products := 0
				for n := range cfg.Network.Layers[1:] {
					products += 2 * batch * cfg.Network.Layers[n+1].Window().Products()
				}
				for b.Loop() {
					r.step(PhaseFree, 10)
				}
				b.ReportMetric(float64(products)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		}
	}
}

// BenchmarkTrainBatch is a training step of the digits' network on 16 samples, and
// shows that it does not allocate in proportion to its time steps.
func BenchmarkTrainBatch(b *testing.B) {
	cfg, err := Preset("mnist-conv")
	if err != nil {
		b.Fatal(err)
	}
	cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps, cfg.Activation = 16, 20, 6, Unit
	cfg.Init = Init{Gain: 1}
	for _, fixed := range []bool{false, true} {
		b.Run(fmt.Sprintf("fixed=%v", fixed), func(b *testing.B) {
			set := ProceduralSet(&cfg.Network, 16, 1, 1)
			p := InitParams(&cfg.Network, cfg.Init, 1)
			t, err := NewTrainer(cfg, TrainOptions{Fixed: fixed, Epochs: 1, Momentum: 0.9}, p, set)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				t.Batch = 0
				if _, _, err := t.Step(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(16*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
