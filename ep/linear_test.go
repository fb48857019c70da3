package ep

import (
	"math"
	"testing"
)

// TestLinearGradient compares the gradient with central differences of the loss.
func TestLinearGradient(t *testing.T) {
	cfg := testConfig(chain(Shape{2, 3, 3}, layerSpec{channels: 4}))
	net := &cfg.Network
	s := ProceduralSamples(net, 3, 5)
	p := InitParams(net, Init{Gain: 1}, 6)
	l := linear{net: net, p: p.Layers[0], z: make([]float64, 4)}
	g := NewFloatParams(net).Layers[0]
	l.run(s, &g)
	const h = 1e-5
	check := func(name string, x, g []float64) {
		for i := range x {
			old := x[i]
			x[i] = old + h
			up := l.run(s, nil).Loss
			x[i] = old - h
			down := l.run(s, nil).Loss
			x[i] = old
			if want := (up - down) / (2 * h * 3); math.Abs(g[i]-want) > 1e-8 {
				t.Errorf("%s %d: gradient %g, want %g", name, i, g[i], want)
			}
		}
	}
	check("weight", l.p.W, g.W)
	check("bias", l.p.B, g.B)
}

// TestTrainLinear learns a procedural set to above 90 %, and refuses deeper networks.
func TestTrainLinear(t *testing.T) {
	cfg := testConfig(chain(Shape{1, 12, 12}, layerSpec{channels: 10}))
	cfg.Batch, cfg.Rates = 10, []float64{0.05}
	set := ProceduralSet(&cfg.Network, 1000, 200, 1)
	var last Score
	opt := TrainOptions{Epochs: 10, Momentum: 0.9, Schedule: Cosine}
	if err := TrainLinear(cfg, opt, set, func(_ int, train, _ Score) { last = train }); err != nil {
		t.Fatal(err)
	}
	if last.Accuracy < 0.9 {
		t.Errorf("accuracy %v after 10 epochs, want at least 0.9", last.Accuracy)
	}
	deep := testConfig(chain(Shape{1, 12, 12}, layerSpec{channels: 4}, layerSpec{channels: 10}))
	if err := TrainLinear(deep, opt, set, nil); err == nil {
		t.Error("two layers are accepted")
	}
}
