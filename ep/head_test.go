package ep

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// headKinds are heads of every kind on a layer of the given number.
func headKinds(layer int) []HeadSpec {
	base := HeadSpec{Layer: layer, Grid: 2, Lambda: 0.7, Rate: 0.5, Center: true, Temperature: 2, Mix: 0.6}
	with := func(f func(s *HeadSpec)) HeadSpec {
		s := base
		f(&s)
		return s
	}
	return []HeadSpec{
		base,
		with(func(s *HeadSpec) { s.Kind = RandomHead }),
		with(func(s *HeadSpec) { s.Kind, s.Center = SquaredHead, false }),
		with(func(s *HeadSpec) { s.Kind, s.Outputs = FeatureHead, 3 }),
		with(func(s *HeadSpec) { s.Kind, s.Outputs, s.Dense = FeatureHead, 5, true }),
		with(func(s *HeadSpec) { s.Kind = LogitHead }),
	}
}

// withHeads gives a network heads; with readout its last layer becomes one.
func withHeads(t testing.TB, net Network, readout bool, heads ...HeadSpec) Network {
	t.Helper()
	classes := net.Output().Len()
	if readout {
		var err error
		if net, err = net.WithReadout(); err != nil {
			t.Fatal(err)
		}
		heads = append(heads, net.HeadSpecs()...)
	}
	net, err := net.WithHeads(classes, heads)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// randomHeads draws the maps, means and targets of the heads of cfg.
func randomHeads(cfg *Config, p *FloatParams, s *FloatSamples, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	s.Teacher = nil
	for i := range cfg.Network.Heads {
		h := &cfg.Network.Heads[i]
		for j := range p.Heads[i].W {
			p.Heads[i].W[j] = 2 * rng.NormFloat64() / math.Sqrt(float64(h.Map.In.C*h.Map.KH*h.Map.KW))
		}
		for j := range p.Heads[i].B {
			p.Heads[i].B[j] = 0.3 * rng.NormFloat64()
		}
		if h.Center {
			for j := range p.Heads[i].Mean {
				p.Heads[i].Mean[j] = 0.3 * rng.Float64()
			}
		}
		var teacher []float64
		if h.Kind.taught() {
			teacher = make([]float64, cfg.Batch*h.Outputs())
			for j := range teacher {
				teacher[j] = rng.NormFloat64()
			}
			if h.Kind == LogitHead {
				softmax(teacher, append([]float64(nil), teacher...), h.Outputs(), h.Temperature)
			}
		}
		s.Teacher = append(s.Teacher, teacher)
	}
}

// narrowVGGs are the presets with few channels.
func narrowVGGs() map[string]Network {
	nets := map[string]Network{}
	for name, list := range map[string]string{
		"vgg5":  "6,M,8,M,8,M,10,M,fc4",
		"vgg7":  "4,6,M,6,6,M,8,8,M,fc4",
		"vgg11": "4,M,5,M,6,6,M,7,7,M,8,8,M,fc4",
	} {
		net, err := ParseLayers(list, Shape{2, 32, 32})
		if err != nil {
			panic(err)
		}
		nets[name] = net
	}
	return nets
}

// TestHeadsAgainstBPTT checks that with heads of every kind the estimates of
// all layers and of the heads agree with BPTT of J = L + sum lambda_k L_k.
func TestHeadsAgainstBPTT(t *testing.T) {
	for name, net := range narrowVGGs() {
		if testing.Short() && name != "vgg5" {
			continue
		}
		for k, kind := range headKinds(2) {
			for _, readout := range []bool{false, true} {
				heads := []HeadSpec{kind}
				if len(net.Layers) > 5 {
					upper := kind
					upper.Layer, upper.Lambda = 4, 1.5
					heads = append(heads, upper)
				}
				cfg := testConfig(withHeads(t, net, readout, heads...))
				cfg.Batch, cfg.FreeSteps, cfg.NudgeSteps, cfg.Beta = 2, 400, 25, 1e-3
				cfg.Init = Init{Gain: 1.5, Bias: 0.3}
				p, s := randomFloatParams(cfg, uint64(k)), randomFloatSamples(cfg, uint64(k))
				randomHeads(cfg, p, s, uint64(k))
				c, err := newFloat(t, cfg).CheckGradient(p, s)
				if err != nil {
					t.Fatal(err)
				}
				label := fmt.Sprintf("%s, kind %v, readout %v, residual %.1g", name, kind.Kind, readout, c.Residual)
				for _, l := range c.Layers {
					if l.Weight.Norm == 0 || l.Weight.Cosine < 0.999 || l.Bias.Cosine < 0.999 {
						t.Errorf("%s: %s: |g| %.3g, cosine %.6f, of the bias %.6f, want >= 0.999",
							label, l.Name, l.Weight.Norm, l.Weight.Cosine, l.Bias.Cosine)
					}
				}
				for _, h := range c.Heads {
					if h.Weight.Norm == 0 || h.Weight.Cosine < 0.9999 || h.Bias.Cosine < 0.9999 || h.Weight.RelativeError > 0.01 {
						t.Errorf("%s: %s: %+v, want cosine >= 0.9999", label, h.Name, h.Weight)
					}
				}
			}
		}
	}
}

// TestHeadForce compares the nudge of every kind of head with differences of its
// loss by the states of its layer, and its gradient with differences by its map.
func TestHeadForce(t *testing.T) {
	net, err := ParseLayers("3,M,4,fc5", Shape{2, 8, 8})
	if err != nil {
		t.Fatal(err)
	}
	for k, kind := range headKinds(1) {
		cfg := testConfig(withHeads(t, net, false, kind))
		cfg.Batch = 2
		p, s := randomFloatParams(cfg, 3), randomFloatSamples(cfg, 3)
		randomHeads(cfg, p, s, uint64(k))
		m := newFloat(t, cfg)
		states, err := m.Free(p, s)
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.relaxer(p, s)
		if err != nil {
			t.Fatal(err)
		}
		h := r.heads[0]
		force := make([]float64, len(states[0]))
		h.evaluate(states[0], r.batch)
		h.pull(force, PhaseNudge, 1, r.batch)
		objective := func() float64 {
			v, err := m.Objective(p, s, states)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		const d = 1e-5
		difference := func(x *float64) float64 {
			old := *x
			*x = old + d
			up := objective()
			*x = old - d
			down := objective()
			*x = old
			return (up - down) / (2 * d)
		}
		for i := 0; i < len(force); i += 7 {
			if want := -m.beta[PhaseNudge] * difference(&states[0][i]); math.Abs(force[i]-want) > 1e-8 {
				t.Errorf("%v: force on state %d: %.9f, want %.9f", kind.Kind, i, force[i], want)
			}
		}
		tan, _, err := m.tangent(p, s)
		if err != nil {
			t.Fatal(err)
		}
		g := NewFloatParams(&cfg.Network)
		tan.headGradient(tan.heads[0], &g.Heads[0])
		for i := range p.Heads[0].W {
			if want := difference(&p.Heads[0].W[i]) / (kind.Lambda * 2); math.Abs(g.Heads[0].W[i]-want) > 1e-7 {
				t.Errorf("%v: gradient of weight %d: %.9f, want %.9f", kind.Kind, i, g.Heads[0].W[i], want)
			}
		}
		for i := range p.Heads[0].B {
			if want := difference(&p.Heads[0].B[i]) / (kind.Lambda * 2); math.Abs(g.Heads[0].B[i]-want) > 1e-7 {
				t.Errorf("%v: gradient of bias %d: %.9f, want %.9f", kind.Kind, i, g.Heads[0].B[i], want)
			}
		}
	}
}
