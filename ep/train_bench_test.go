package ep

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"epgen/fixedpoint"
)

// BenchmarkVGG11Step is one free time step of VGG-11 after the first, UP and DOWN of
// layers 2 to 9, in both arithmetics at batches 1 and 8. Products are those
// with a pixel on the map, zeros of the states and of unpooling included. The share of the
// peak is that of the same instruction between registers, measured in the same run and
// on as many processors and both by their time, so that other programs on the machine count in neither.
// The speed-up is that over one processor, by the clock. Workers start once for several
// steps, as in training.
func BenchmarkVGG11Step(b *testing.B) {
	for _, fixed := range []bool{false, true} {
		for _, batch := range []int{1, 8} {
			alone := 0.0
			for processors := 1; processors <= runtime.NumCPU(); processors *= 2 {
				b.Run(fmt.Sprintf("fixed=%v/batch=%d/processors=%d", fixed, batch, processors), func(b *testing.B) {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors)) // -cpu comes too late for b.Loop
					rate := benchmarkVGG11Step(b, fixed, batch)
					if processors == 1 {
						alone = rate
					} else if alone > 0 {
						b.ReportMetric(rate/alone, "speed-up")
					}
				})
			}
		}
	}
}

// benchmarkVGG11Step returns billions of products per second, by the clock.
func benchmarkVGG11Step(b *testing.B, fixed bool, batch int) float64 {
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
	workers := e.(*machine[float64]).workers
	e.relax(s, false, 1)
	step := func(times int) {
		var wg sync.WaitGroup
		for _, r := range workers {
			wg.Go(func() {
				for range times {
					r.step(PhaseFree, 10)
				}
			})
		}
		wg.Wait()
	}
	const steps = 8
	step(steps) // states are alive
	products := 0
	for n := range cfg.Network.Layers[1:] {
		products += 2 * batch * cfg.Network.Layers[n+1].Window().Products()
	}
	before := processorSeconds(b)
	for b.Loop() {
		step(steps)
	}
	done := float64(steps*products) * float64(b.N) / 1e9
	perProcessor := done / (processorSeconds(b) - before)
	rate := done / b.Elapsed().Seconds()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps*b.N), "ns/step")
	b.ReportMetric(rate, "GMAC/s")
	b.ReportMetric(perProcessor, "GMAC/cpu-s")
	if yardsticks := fixedpoint.Yardsticks(); len(yardsticks) > 0 {
		y := yardsticks[0]
		if fixed {
			y = yardsticks[len(yardsticks)-1]
		}
		const rounds = 1 << 26
		processors := runtime.GOMAXPROCS(0)
		var wg sync.WaitGroup
		before = processorSeconds(b)
		for range processors {
			wg.Go(func() { y.Run(rounds) })
		}
		wg.Wait()
		peak := float64(processors*y.Products) * rounds / 1e9 / (processorSeconds(b) - before)
		b.ReportMetric(100*perProcessor/peak, "%_of_"+y.Name)
	}
	return rate
}

// processorSeconds returns the time that processors have spent on this process.
func processorSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkTrainBatch is a training step of two narrow networks on 16 samples, that of the
// digits and one for CIFAR, and shows that it does not allocate in proportion to its
// time steps.
func BenchmarkTrainBatch(b *testing.B) {
	digits, err := Preset("mnist-conv")
	if err != nil {
		b.Fatal(err)
	}
	digits.FreeSteps, digits.NudgeSteps, digits.Activation, digits.Init = 20, 6, Unit, Init{Gain: 1}
	images := testConfig(chain(Shape{3, 32, 32}, layerSpec{16, 3, 1, MaxPool, 1, false}, layerSpec{32, 3, 1, MaxPool, 1, false},
		layerSpec{64, 3, 1, MaxPool, 1, false}, layerSpec{64, 3, 1, MaxPool, 1, false}, layerSpec{channels: 10}))
	images.FreeSteps, images.NudgeSteps = 40, 10
	for _, c := range []struct {
		name  string
		cfg   *Config
		fixed bool
	}{{"digits/float64", digits, false}, {"digits/fixed", digits, true}, {"images/float64", images, false}, {"images/fixed", images, true}} {
		b.Run(c.name, func(b *testing.B) {
			c.cfg.Batch = 16
			set := ProceduralSet(&c.cfg.Network, 16, 1, 1)
			p := InitParams(&c.cfg.Network, c.cfg.Init, 1)
			t, err := NewTrainer(c.cfg, TrainOptions{Fixed: c.fixed, Epochs: 1, Momentum: 0.9}, p, set)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			before := processorSeconds(b)
			for b.Loop() {
				t.Batch = 0
				if _, _, err := t.Step(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(16*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
			b.ReportMetric(16*float64(b.N)/(processorSeconds(b)-before), "samples/cpu-s")
		})
	}
}

// BenchmarkTrainVGG11 is a training step of VGG-11 on eight samples at the default schedule, with the
// heap that trainer and data occupy after it. It is the same after any number of steps.
func BenchmarkTrainVGG11(b *testing.B) {
	for _, fixed := range []bool{false, true} {
		b.Run(fmt.Sprintf("fixed=%v", fixed), func(b *testing.B) {
			cfg, err := Preset("vgg11")
			if err != nil {
				b.Fatal(err)
			}
			cfg.Batch = 8
			set := ProceduralSet(&cfg.Network, 8, 1, 1)
			t, err := NewTrainer(cfg, TrainOptions{Fixed: fixed, Epochs: 1, Momentum: 0.9}, InitParams(&cfg.Network, cfg.Init, 1), set)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				t.Batch = 0
				if _, _, err := t.Step(); err != nil {
					b.Fatal(err)
				}
			}
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB_heap")
			b.ReportMetric(8*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
			runtime.KeepAlive(t)
		})
	}
}
