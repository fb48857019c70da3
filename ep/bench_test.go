package ep

import "testing"

// BenchmarkRelaxStepVGG11 is one free time step of VGG-11 at full size, after the
// first, in the fixed-point model.
func BenchmarkRelaxStepVGG11(b *testing.B) {
	cfg, err := Preset("vgg11")
	if err != nil {
		b.Fatal(err)
	}
	m, err := NewFixed(cfg)
	if err != nil {
		b.Fatal(err)
	}
	r := newFixedRun[float64](m, randomParams(cfg, 1), randomSamples(cfg, 1), nil)
	r.run(PhaseFree, 10)
	products := 0
	for n := range cfg.Network.Layers[1:] {
		products += 2 * cfg.Network.Layers[n+1].Window().Products()
	}
	for b.Loop() {
		r.step(PhaseFree, 10)
	}
	b.ReportMetric(float64(products)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}

// BenchmarkTrainStepVGG11 is a whole training step at the default schedule.
func BenchmarkTrainStepVGG11(b *testing.B) {
	cfg, err := Preset("vgg11")
	if err != nil {
		b.Fatal(err)
	}
	m, err := NewFixed(cfg)
	if err != nil {
		b.Fatal(err)
	}
	p, s := randomParams(cfg, 1), randomSamples(cfg, 1)
	for b.Loop() {
		if _, err := m.TrainStep(p, s, nil); err != nil {
			b.Fatal(err)
		}
	}
}
