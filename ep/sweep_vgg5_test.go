package ep

import "testing"

// TestVGG5Sweeps measures on VGG-5 how many time steps each schedule takes to settle, in the
// default formats and on four pictures: until no state changes by more than one LSB. The gain of the preset is 1.8. With the indices of
// one equilibrium frozen there is a single fixed point, and both schedules must find it within
// the bound that the formats imply, see CompareEquilibria.
func TestVGG5Sweeps(t *testing.T) {
	if testing.Short() {
		t.Skip("full-size VGG-5 takes a minute")
	}
	const pictures = 4
	for _, c := range []struct{ gain, share float64 }{{1, 1.1}, {1.4, 0.8}, {1.8, 0.8}} {
		var steps [2]int // in all
		worst := 0.0
		for seed := range uint64(pictures) {
			one, apart := sweepVGG5(t, c.gain, seed+1)
			t.Logf("gain %.1f, picture %d: %d synchronous steps, %d asynchronous ones; equilibria %.0f LSB apart",
				c.gain, seed+1, one[0], one[1], apart)
			steps[0], steps[1], worst = steps[0]+one[0], steps[1]+one[1], max(worst, apart)
		}
		t.Logf("gain %.1f: means %d and %d", c.gain, steps[0]/pictures, steps[1]/pictures)
		if float64(steps[1]) > c.share*float64(steps[0]) {
			t.Errorf("gain %.1f: %d asynchronous steps, want at most %.1f of %d", c.gain, steps[1], c.share, steps[0])
		}
		if worst > 2 {
			t.Errorf("gain %.1f: equilibria %.0f LSB apart, want at most 2", c.gain, worst)
		}
	}
}

// sweepVGG5 returns the steps of both schedules until they settle on a picture, and by how many
// LSBs the equilibria with the indices of the first are apart.
func sweepVGG5(t *testing.T, gain float64, picture uint64) (steps [2]int, apart float64) {
	cfg, err := Preset("vgg5")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Init.Gain, cfg.FreeSteps, cfg.MinSteps, cfg.Tolerance = gain, 400, 2, 1
	p := InitParams(&cfg.Network, cfg.Init, 1).Quantize(&cfg.Formats)
	s := ProceduralSamples(&cfg.Network, 1, picture).Quantize(cfg)
	var runs [2]*fixedRun[float64]
	for i := range runs {
		cfg.Sweep = Sweep(i)
		m, err := NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		runs[i] = newFixedRun[float64](m, p, s, nil)
		steps[i] = runs[i].run(PhaseFree, cfg.FreeSteps)
	}
	// From the synchronous equilibrium on, with its indices, both go their way.
	star, index := runs[0].snapshot(), runs[0].indices()
	for _, r := range runs {
		r.restore(star)
		r.setIndices(index)
		clear(r.nudge.beta)
		for range 60 {
			r.step(PhaseNudge, 1)
		}
	}
	for n := range runs[0].layers {
		apart = max(apart, maxDifference(runs[0].layers[n].s, runs[1].layers[n].s))
	}
	return steps, apart
}
