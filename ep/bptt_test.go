package ep

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

// fourConv is a network of four convolutions that settles, with few saturated
// neurons.
func fourConv() *Config {
	cfg := testConfig(chain(Shape{3, 16, 16}, layerSpec{6, 3, 1, MaxPool, 1, false}, layerSpec{8, 3, 1, MaxPool, 1, false},
		layerSpec{10, 3, 1, NoPool, 1, false}, layerSpec{12, 3, 1, MaxPool, 1, false}, layerSpec{channels: 5}))
	cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps, cfg.Beta = 4, 300, 25, 1e-3
	cfg.Init = Init{Gain: 1.2, Bias: 0.5}
	return cfg
}

// TestBPTTIsDerivative compares the gradient, over as many steps as it takes
// to converge, with central differences of the loss.
func TestBPTTIsDerivative(t *testing.T) {
	var configs []*Config
	for _, sweep := range []Sweep{Synchronous, Asynchronous} {
		unit := theoryConfig()
		unit.Activation, unit.Init = Unit, Init{Gain: 0.5, Bias: 0.3}
		for _, cfg := range []*Config{theoryConfig(), unit, meanConfig()} {
			cfg.Sweep = sweep
			configs = append(configs, cfg)
		}
	}
	for _, cfg := range configs {
		m := newFloat(t, cfg)
		p, s := randomFloatParams(cfg, 3), randomFloatSamples(cfg, 3)
		g, err := m.BPTT(p, s, 400, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []float64
		probes(p, g, func(_ *float64, g float64) { got = append(got, g) })
		if d := distance(lossGradient(t, m, p, s), got); d > 1e-7 {
			t.Errorf("%s, %v: relative error %g, want at most 1e-7", cfg.Network.Notation(), cfg.Activation, d)
		}
	}
}

// TestBPTTUnrolled compares truncated gradients with central differences of
// the loss of a network whose parameters differ in the last steps only: the
// truncation and the time of each term, not merely their sum.
func TestBPTTUnrolled(t *testing.T) {
	cfg := theoryConfig()
	m := newFloat(t, cfg)
	p, s := randomFloatParams(cfg, 5), randomFloatSamples(cfg, 5)
	star, err := m.Free(p, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{1, 2, 3, 5} {
		loss := func() float64 {
			r, err := m.relaxer(p, s)
			if err != nil {
				t.Fatal(err)
			}
			r.step(PhaseFree, 0) // the drive of layer 1
			r.restore(star)
			for k := range steps {
				r.step(PhaseFree, 1+k)
			}
			return m.Loss(r.layers[len(r.layers)-1].s, s.Y) / float64(cfg.Batch)
		}
		g, err := m.BPTT(p, s, steps, nil)
		if err != nil {
			t.Fatal(err)
		}
		probes(p, g, func(x *float64, g float64) {
			const h = 1e-5
			old := *x
			*x = old + h
			up := loss()
			*x = old - h
			down := loss()
			*x = old
			if want := (up - down) / (2 * h); math.Abs(g-want) > 1e-8 {
				t.Errorf("%d steps: derivative %.9f, want %.9f", steps, g, want)
			}
		})
	}
}

// TestGDU checks the theorem at every time step and layer: the nudged phases
// follow back-propagation through time.
//
// Source: Ernoult et al. 2019, https://arxiv.org/abs/1905.13633.
func TestGDU(t *testing.T) {
	cfg := fourConv()
	c, err := newFloat(t, cfg).CheckGradient(randomFloatParams(cfg, 1), randomFloatSamples(cfg, 1))
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := c.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &table)
	if got, want := strings.Count(table.String(), "\n"), len(c.Layers)+2; got != want {
		t.Errorf("table has %d lines, want %d", got, want)
	}
	if c.Residual > 1e-14 {
		t.Fatalf("free phase still moves by %g, want an equilibrium", c.Residual)
	}
	for _, l := range c.Layers {
		if l.Weight.Norm == 0 || l.Weight.Cosine < 0.999 || l.Bias.Cosine < 0.999 {
			t.Errorf("%s: |gradient| %g, cosine %.6f, of the bias %.6f; want above 0 and at least 0.999",
				l.Name, l.Weight.Norm, l.Weight.Cosine, l.Bias.Cosine)
		}
	}
	if len(c.Steps) != cfg.NudgeSteps {
		t.Fatalf("%d steps compared, want %d", len(c.Steps), cfg.NudgeSteps)
	}
	for n := range c.Layers {
		if state, weight := c.LeastCosine(n); state < 0.999 || weight < 0.999 {
			t.Errorf("layer %d: least cosine %.6f of states, %.6f of weights, want at least 0.999", n+1, state, weight)
		}
		checkArrival(t, c, n)
	}
}

// checkArrival checks when the error reaches layer n+1: one layer per step,
// then every second step. In between the estimate is small.
func checkArrival(t *testing.T, c *GradientCheck, n int) {
	t.Helper()
	distance, largest := len(c.Layers)-1-n, 0.0
	for _, s := range c.Steps {
		largest = max(largest, s.State[n].Norm)
	}
	for k, s := range c.Steps {
		a := s.State[n]
		reached := k >= distance && (k-distance)%2 == 0
		if got := a.Norm > 0; got != reached {
			t.Errorf("step %d, layer %d: |v| = %g, want above 0: %v", k, n+1, a.Norm, reached)
		}
		if !reached && a.EstimateNorm > 2e-3*largest {
			t.Errorf("step %d, layer %d: states move by %g, want 0 or at most 0.002 of %g", k, n+1, a.EstimateNorm, largest)
		}
	}
}

// TestEstimateErrorOrder measures how the error against BPTT falls with beta:
// as beta^2 from s+ and s-, as beta from s+ and s*.
//
// Source: Laborieux et al. 2021, https://doi.org/10.3389/fnins.2021.633674.
func TestEstimateErrorOrder(t *testing.T) {
	cfg := fourConv()
	p, s := randomFloatParams(cfg, 1), randomFloatSamples(cfg, 1)
	betas := []float64{8e-3, 4e-3, 2e-3, 1e-3}
	symmetric, oneSided := make([][]float64, len(betas)), make([][]float64, len(betas))
	for i, beta := range betas {
		cfg.Beta = beta
		c, err := newFloat(t, cfg).CheckGradient(p, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range c.Layers {
			symmetric[i] = append(symmetric[i], l.Weight.RelativeError)
			oneSided[i] = append(oneSided[i], l.OneSided.RelativeError)
		}
	}
	for n := range cfg.Network.Layers {
		two, one := slope(betas, symmetric, n), slope(betas, oneSided, n)
		t.Logf("layer %d: error falls as beta^%.3f (symmetric, %.2g at beta 1e-3), beta^%.3f (one-sided, %.2g)",
			n+1, two, symmetric[3][n], one, oneSided[3][n])
		if math.Abs(two-2) > 0.1 || math.Abs(one-1) > 0.05 {
			t.Errorf("layer %d: orders %.3f and %.3f, want about 2 and 1", n+1, two, one)
		}
	}
}

// slope returns the slope of the regression line of log error over log beta.
func slope(betas []float64, errs [][]float64, n int) float64 {
	var sx, sy, sxx, sxy float64
	for i, beta := range betas {
		x, y := math.Log(beta), math.Log(errs[i][n])
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	k := float64(len(betas))
	return (k*sxy - sx*sy) / (k*sxx - sx*sx)
}

// TestFixedCheckGradient checks the fixed-point estimate, whose states resolve 2^-15:
// with beta 0.25 every layer keeps the direction and the size of BPTT.
func TestFixedCheckGradient(t *testing.T) {
	cfg := fourConv()
	cfg.Beta = 0.25
	m, err := NewFixed(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p, s := randomParams(cfg, 1), randomSamples(cfg, 1)
	c, err := m.CheckGradient(p, s)
	if err != nil {
		t.Fatal(err)
	}
	f := &cfg.Formats
	real, err := newFloat(t, cfg).CheckGradient(p.Dequantize(f), s.Dequantize(cfg))
	if err != nil {
		t.Fatal(err)
	}
	for n, l := range c.Layers {
		t.Logf("%s: cosine %.5f, float64 %.5f", l.Name, l.Weight.Cosine, real.Layers[n].Weight.Cosine)
		if l.Weight.Cosine < 0.99 || l.Bias.Cosine < 0.99 || l.Weight.RelativeError > 0.15 {
			t.Errorf("%s: %+v, bias %+v, want cosines of at least 0.99 and an error of at most 0.15", l.Name, l.Weight, l.Bias)
		}
	}
}

func TestAgree(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		x, y []float64
		want Agreement
	}{
		{nil, nil, Agreement{1, 0, 1, 0, 0}},
		{[]float64{0, 0}, []float64{0, 0}, Agreement{1, 0, 1, 0, 0}},
		{[]float64{0, 0}, []float64{3, 4}, Agreement{0, 1, 0, 5, 0}},
		{[]float64{3, 4}, []float64{0, 0}, Agreement{0, inf, 1, 0, 5}},
		{[]float64{6, 8}, []float64{3, 4}, Agreement{1, 1, 1, 5, 10}},
		{[]float64{-3, 4}, []float64{3, 4}, Agreement{7.0 / 25, 6.0 / 5, 0.5, 5, 5}},
		{[]float64{0, 1, 5}, []float64{1, 1, 0}, Agreement{Cosine: 1 / (math.Sqrt(26) * math.Sqrt2),
			RelativeError: math.Sqrt(26) / math.Sqrt2, Sign: 0.5, Norm: math.Sqrt2, EstimateNorm: math.Sqrt(26)}},
	} {
		if got := Agree(c.x, c.y); got != c.want {
			t.Errorf("Agree(%v, %v): %+v, want %+v", c.x, c.y, got, c.want)
		}
		want := fmt.Sprintf("%.6f", c.want.Cosine)
		if c.want.Norm == 0 {
			want = "-"
		}
		if got := c.want.ShowCosine(); got != want {
			t.Errorf("Agree(%v, %v): shown as %s, want %s", c.x, c.y, got, want)
		}
	}
}
