package ep

import (
	"fmt"
	"math"
	"math/rand/v2"

	"epgen/fixedpoint"
)

// layerSpec is one layer of a test network: convolutions with a square kernel,
// dense layers with kernel 0.
type layerSpec struct {
	channels, kernel, pad int
	pool                  Pool
	stride                int // 0 counts as 1
	noBias                bool
}

// chain builds a network from specs.
func chain(input Shape, specs ...layerSpec) Network {
	net := Network{Name: "custom", Input: input}
	below := input
	for i, s := range specs {
		l := Layer{Name: fmt.Sprintf("layer%d", i+1), In: below, KH: s.kernel, KW: s.kernel, Pad: s.pad, Stride: max(1, s.stride), Pool: s.pool, NoBias: s.noBias}
		if s.kernel == 0 {
			l.Kind, l.KH, l.KW = Dense, below.H, below.W
		}
		l.Conv = Shape{s.channels, (below.H+2*l.Pad-l.KH)/l.Stride + 1, (below.W+2*l.Pad-l.KW)/l.Stride + 1}
		l.Out = l.Conv
		if s.pool != NoPool {
			l.Out.H, l.Out.W = l.Conv.H/2, l.Conv.W/2
		}
		net.Layers = append(net.Layers, l)
		below = l.Out
	}
	return net
}

// testConfig returns a configuration with the default formats, short phases
// and rate 0.5 for every layer.
func testConfig(net Network) *Config {
	cfg := &Config{
		Network: net, Batch: 1, FreeSteps: 8, NudgeSteps: 5, Beta: 0.5,
		Formats: Formats{
			Input: fixedpoint.Q(0, 15), State: fixedpoint.UQ(0, 15),
			Weight: fixedpoint.Q(1, 14), Bias: fixedpoint.Q(1, 14),
			Target: fixedpoint.UQ(1, 15), Beta: fixedpoint.UQ(4, 8), RateBits: 16,
			HeadWeight: fixedpoint.Q(3, 12), HeadBias: fixedpoint.Q(3, 12), Probability: fixedpoint.UQ(0, 15),
			Error: fixedpoint.Q(2, 13), Lambda: fixedpoint.UQ(4, 8),
		},
		Init: Init{Gain: 1.8, Bias: 0.3}, Accumulate: 1,
	}
	for range net.Layers {
		cfg.Rates = append(cfg.Rates, 0.5)
	}
	return cfg
}

// randomFloatParams draws weights uniform in +-Gain/sqrt(fan_in) and biases
// around Bias.
func randomFloatParams(cfg *Config, seed uint64) *FloatParams {
	rng := rand.New(rand.NewPCG(seed, 0))
	p := NewFloatParams(&cfg.Network)
	for n := range p.Layers {
		l := &cfg.Network.Layers[n]
		bound := cfg.Init.Gain / math.Sqrt(float64(l.In.C*l.KH*l.KW))
		for i := range p.Layers[n].W {
			p.Layers[n].W[i] = bound * (2*rng.Float64() - 1)
		}
		for i := range p.Layers[n].B {
			p.Layers[n].B[i] = cfg.Init.Bias * (0.5 + rng.Float64())
		}
	}
	return p
}

// randomFloatSamples draws inputs uniform in +-0.9 and labels.
func randomFloatSamples(cfg *Config, seed uint64) *FloatSamples {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := &FloatSamples{X: make([]float64, cfg.Batch*cfg.Network.Input.Len())}
	for i := range s.X {
		s.X[i] = 0.9 * (2*rng.Float64() - 1)
	}
	for range cfg.Batch {
		s.Y = append(s.Y, rng.IntN(cfg.Network.Classes()))
	}
	if err := s.AddStates(RandomStates, cfg); err != nil {
		panic(err) // there is no file
	}
	return s
}

func randomParams(cfg *Config, seed uint64) *Params {
	return randomFloatParams(cfg, seed).Quantize(&cfg.Formats)
}

func randomSamples(cfg *Config, seed uint64) *Samples {
	return randomFloatSamples(cfg, seed).Quantize(cfg)
}
