package ep

import (
	"fmt"
	"io"
	"math"

	"epgen/npz"
)

// WriteTrace runs a training step of p on s and writes everything in it that
// other code can be compared with, as an NPZ file:
//
//	free.state<n>                          [T1, B, C, H, W], or [T1, B, K] for a dense layer
//	plus.state<n>, minus.state<n>          [T2, ...]; entry t is the state after step t+1
//	grad.layer<n>.weight, .bias            the symmetric estimate, mean over the batch, to be descended
//	bptt.layer<n>.weight, .bias            BPTT in float64, truncated to the last T2 steps of the free phase
//	grad.head<n>.*, grad.readout.*         of the heads' own losses, and bptt.* likewise
//	logits                                 [B, K], the output or that of the readout at the free equilibrium
//
// In fixed point states and estimates are the real values of the codes.
func WriteTrace(w io.Writer, cfg *Config, fixed bool, p *FloatParams, s *FloatSamples) error {
	tr := newTracer(cfg)
	var gradient, exact *FloatParams
	var err error
	if fixed {
		gradient, exact, err = tr.fixed(p, s)
	} else {
		gradient, exact, err = tr.float(p, s)
	}
	if err != nil {
		return err
	}
	net := &cfg.Network
	arrays := tr.arrays()
	arrays = append(arrays, floatArrays("grad.", net, gradient)...)
	arrays = append(arrays, floatArrays("bptt.", net, exact)...)
	classes := net.Classes()
	if net.Readout() != nil {
		arrays = append(arrays, npz.Array{Name: "logits", DType: npz.Float64, Shape: []int{cfg.Batch, classes}, Data: tr.logits})
		return npz.Write(w, arrays)
	}
	free := tr.states[PhaseFree][len(net.Layers)-1]
	arrays = append(arrays, npz.Array{
		Name: "logits", DType: npz.Float64, Shape: []int{cfg.Batch, classes}, Data: free[len(free)-cfg.Batch*classes:],
	})
	return npz.Write(w, arrays)
}

// tracer collects the states of the relaxation phases, by phase and layer.
type tracer struct {
	cfg    *Config
	states [][][]float64
	logits []float64 // of the readout at s*
}

func newTracer(cfg *Config) *tracer {
	tr := &tracer{cfg: cfg}
	for range cfg.Program().Relaxations {
		tr.states = append(tr.states, make([][]float64, len(cfg.Network.Layers)))
	}
	return tr
}

func (tr *tracer) State(phase Phase, _, layer int, s []float64) {
	z := &tr.states[phase][layer-1]
	*z = append(*z, s...)
}

func (tr *tracer) Index(Phase, int, int, []uint8) {}

// codeTracer is a tracer of codes.
type codeTracer struct {
	*tracer
	lsb []float64
}

func (tr *codeTracer) State(phase Phase, _, layer int, s []int32) {
	z, lsb := &tr.states[phase][layer-1], tr.lsb[layer-1]
	if phase == PhaseFree || !tr.cfg.Differs() {
		for _, c := range s {
			*z = append(*z, float64(c)*lsb)
		}
		return
	}
	free := tr.states[PhaseFree][layer-1]
	star := free[len(free)-len(s):]
	lsb = math.Ldexp(lsb, -tr.cfg.DifferenceShiftOf(layer))
	for i, c := range s {
		*z = append(*z, star[i]+float64(c)*lsb)
	}
}

func (tr *tracer) float(p *FloatParams, s *FloatSamples) (gradient, exact *FloatParams, err error) {
	m, err := NewFloat(tr.cfg)
	if err != nil {
		return nil, nil, err
	}
	out, err := m.TrainStep(p, s, tr)
	if err != nil {
		return nil, nil, err
	}
	tr.logits = out.Logits
	exact, err = m.BPTT(p, s, tr.cfg.NudgeSteps, nil)
	return out.Gradient, exact, err
}

func (tr *tracer) fixed(p *FloatParams, s *FloatSamples) (gradient, exact *FloatParams, err error) {
	m, err := NewFixed(tr.cfg)
	if err != nil {
		return nil, nil, err
	}
	f := &tr.cfg.Formats
	codes, input := p.Quantize(f), s.Quantize(tr.cfg)
	if _, err := m.TrainStep(codes, input, &codeTracer{tr, stateLSBs(tr.cfg)}); err != nil {
		return nil, nil, err
	}
	e, _, err := newEngine(tr.cfg, true)
	if err != nil {
		return nil, nil, err
	}
	e.setParams(p)
	e.relax(s, true, tr.cfg.sign(0))
	gradient = NewFloatParams(&tr.cfg.Network)
	scale := -1 / (m.arith.Spread * float64(tr.cfg.Batch))
	for n := range gradient.Layers {
		e.contrast(n)
		e.gradient(gradient.Layers[n].W, gradient.Layers[n].B, scale)
	}
	for i := range gradient.Heads {
		h := &tr.cfg.Network.Heads[i]
		e.headContrast(i)
		e.headGradient(gradient.Heads[i].W, gradient.Heads[i].B, -h.scale()/(2*float64(tr.cfg.Batch)))
	}
	if tr.cfg.Network.Readout() != nil {
		tr.logits = make([]float64, tr.cfg.Batch*tr.cfg.Network.Classes())
		e.output(tr.logits)
	}
	twin, err := newTwin(tr.cfg, m.arith)
	if err != nil {
		return nil, nil, err
	}
	exact, err = twin.BPTT(codes.Dequantize(f), input.Dequantize(tr.cfg), tr.cfg.NudgeSteps, nil)
	return gradient, exact, err
}

// arrays returns the states with their shapes.
func (tr *tracer) arrays() []npz.Array {
	var arrays []npz.Array
	for phase, states := range tr.states {
		for n, data := range states {
			l := &tr.cfg.Network.Layers[n]
			shape := []int{len(data) / (tr.cfg.Batch * l.Out.Len()), tr.cfg.Batch, l.Out.C}
			if l.Kind == Conv {
				shape = append(shape, l.Out.H, l.Out.W)
			}
			arrays = append(arrays, npz.Array{
				Name: fmt.Sprintf("%s.state%d", tr.cfg.Program().Name(Phase(phase)), n+1), DType: npz.Float64, Shape: shape, Data: data,
			})
		}
	}
	return arrays
}

// LoadTraceSamples reads all samples of an NPZ file of x [B, C, H, W] and y [B];
// B becomes the batch of cfg.
func LoadTraceSamples(path string, cfg *Config) (*FloatSamples, error) {
	arrays, err := npz.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for i := range arrays {
		if arrays[i].Name == "y" && len(arrays[i].Shape) == 1 && arrays[i].Shape[0] <= math.MaxInt32 {
			cfg.Batch = arrays[i].Shape[0]
		}
	}
	if err := checkRange("phases.batch", cfg.Batch, 1, maxBatch); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return LoadSamples(path, &cfg.Network, cfg.Batch)
}
