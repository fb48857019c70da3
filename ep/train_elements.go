package ep

import (
	"math"

	"epgen/fixedpoint"
)

// elements says how real numbers become elements T and back.
type elements[T fixedpoint.Number] struct {
	input        func(x float64) T
	weight, bias func(n int) func(x float64) T // of layer n+1
	biasScale    func(n int) T
	one          T                             // target of the labelled class
	top          []T                           // largest state, by layer
	state        []float64                     // unit of a state, by layer
	given        func(n int) func(x float64) T // initial state of layer n+1
	contrasts    func(n int) (w, b float64)    // units of a contrast
	headElements[T]
	integers bool // states are codes 0 .. top
}

// newEngine returns the engine of cfg in float64 or, with fixed, in its formats.
func newEngine(cfg *Config, fixed bool) (engine, *Arith, error) {
	one := *cfg
	one.Batch = shardSize(cfg)
	zero := NewFloatParams(&cfg.Network)
	blank := &FloatSamples{X: make([]float64, one.Batch*cfg.Network.Input.Len()), Y: make([]int, one.Batch)}
	blank.States = one.blankStates()
	for i := range cfg.Network.Heads {
		blank.Teacher = append(blank.Teacher, make([]float64, one.Batch*cfg.Network.Heads[i].Outputs()))
	}
	if !fixed {
		f, err := NewFloat(&one)
		if err != nil {
			return nil, nil, err
		}
		m := newMachine(cfg, realElements(f), func() *relaxer[float64] {
			r, err := f.relaxer(zero, blank)
			if err != nil {
				panic(err) // the shapes are those of cfg
			}
			return r
		})
		return m, nil, nil
	}
	f, err := NewFixed(cfg)
	if err != nil {
		return nil, nil, err
	}
	p, s := zero.Quantize(&cfg.Formats), blank.Quantize(cfg)
	f.cfg = &one // the ranges of f hold for the whole batch, its relaxers for a shard
	if f.arith.exactInFloat64() {
		return newMachine(cfg, codeElements[float64](cfg, f.arith), codeRelaxer[float64](f, p, s)), f.arith, nil
	}
	return newMachine(cfg, codeElements[int64](cfg, f.arith), codeRelaxer[int64](f, p, s)), f.arith, nil
}

func realElements(f *Float) elements[float64] {
	same := func(x float64) float64 { return x }
	all := func(int) func(x float64) float64 { return same }
	units := make([]float64, len(f.top))
	for n := range units {
		units[n] = 1
	}
	return elements[float64]{
		input: same, weight: all, bias: all,
		biasScale: func(n int) float64 { return f.cfg.Network.Layers[n].poolScale() },
		one:       f.one, top: f.top, state: units, given: all,
		contrasts: func(n int) (w, b float64) { return f.cfg.Network.Layers[n].poolScale(), 1 },
		headElements: headElements[float64]{
			headWeight: same, headBias: same, errorOf: same, meanOf: func(_ int, x float64) float64 { return x },
			headUnit:  func(int) (w, b float64) { return 1, 1 },
			logitUnit: func(int) float64 { return 1 },
		},
	}
}

func codeElements[T fixedpoint.Number](cfg *Config, a *Arith) elements[T] {
	f := cfg.Formats
	code := func(format fixedpoint.Format) func(float64) T {
		return func(x float64) T { return T(format.FromFloat(x, fixedpoint.DefaultRounding)) }
	}
	var top []T
	for n := range a.Layers {
		top = append(top, T(a.Layers[n].Act.Hi))
	}
	align := max(a.Layers[len(top)-1].BiasContrastFrac, f.Target.Frac) // of the output, whole or a difference
	return elements[T]{
		input:     code(f.Input),
		weight:    func(n int) func(float64) T { return code(a.Layers[n].Weight) },
		bias:      func(n int) func(float64) T { return code(a.Layers[n].Bias) },
		biasScale: func(n int) T { return T(int64(1) << a.Layers[n].BiasShift) },
		one:       T(a.TargetOne << (align - f.Target.Frac)),
		top:       top, state: stateLSBs(cfg), integers: true,
		given: func(n int) func(float64) T {
			nearest := code(a.Layers[n].State)
			return func(x float64) T { return min(nearest(x), top[n]) }
		},
		contrasts: func(n int) (w, b float64) {
			return math.Ldexp(1, -a.Layers[n].ContrastFrac), math.Ldexp(1, -a.Layers[n].BiasContrastFrac)
		},
		headElements: codeHeadElements(cfg, a, code),
	}
}

// codeRelaxer returns a constructor of fixed-point relaxers without statistics.
func codeRelaxer[T fixedpoint.Number](f *Fixed, p *Params, s *Samples) func() *relaxer[T] {
	return func() *relaxer[T] {
		r := newFixedRun[T](f, p, s, nil).relaxer
		exact := f.arith.exactInFloat64()
		r.activate = func(_ Phase, n int, u, s []T) {
			act := f.arith.Layers[n].Act
			if d := f.arith.Layers[n].Difference; d != nil {
				reference := r.layers[n].change.reference
				if r.moving {
					for i, v := range u {
						code, _ := d.move(int64(reference[i]), int64(v))
						s[i] = T(f.arith.damp(int64(s[i]), code))
					}
					return
				}
				for i, v := range u {
					reference[i] = T(d.Reference.Apply(int64(v)))
				}
			}
			if f.arith.Damper.Shift > 0 {
				for i, v := range u {
					s[i] = T(f.arith.damp(int64(s[i]), act.Apply(int64(v))))
				}
				return
			}
			if exact && act.Mode == fixedpoint.NearestEven {
				activateExact(act, u, s)
				return
			}
			for i, v := range u {
				s[i] = T(act.Apply(int64(v)))
			}
		}
		r.onState = func(Phase, int, int, []T) {}
		r.onIndex = func(Phase, int, int, []uint8) {}
		return r
	}
}

// activateExact is Requant.Apply to nearest-even, faster, for accumulators below
// 2^53: the scaling by a power of two is exact in float64.
func activateExact[T fixedpoint.Number](act fixedpoint.Requant, u, s []T) {
	scale, lo, hi := math.Ldexp(1, -act.Shift), float64(act.Lo), float64(act.Hi)
	for i, v := range u {
		s[i] = T(min(max(math.RoundToEven(float64(v)*scale), lo), hi))
	}
}
