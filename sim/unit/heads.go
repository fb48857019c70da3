package unit

import (
	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/gen"
)

// headedDesign is a design with a head on each of two layers and a readout.
func headedDesign(name, list string, in ep.Shape, set func(c *ep.Config)) (design, error) {
	net, err := ep.ParseLayers(list, in)
	if err != nil {
		return design{}, err
	}
	if net, err = net.WithReadout(); err != nil {
		return design{}, err
	}
	specs := net.HeadSpecs()
	for layer := 1; layer < len(net.Layers); layer++ {
		s := ep.DefaultHead(layer, net.Layers[layer-1].Out)
		s.Lambda = 1 / float64(2*layer-1)
		if layer == 1 {
			s.Kind = ep.SquaredHead
		}
		specs = append(specs, s)
	}
	if net, err = net.WithHeads(net.Classes(), specs); err != nil {
		return design{}, err
	}
	cfg := ep.NewConfig(net)
	cfg.Memory.DataWidth = 64
	set(cfg)
	d, err := gen.New(cfg)
	return design{name, d}, err
}

// headBench checks ep_head: the order of its reads and writes cycle by cycle, and
// every error against the softmax of the model, for logits of all sizes, equal ones and
// the ends of their range.
func headBench(d design) *Bench {
	return d.bench("ep_head", func(v *Vectors) {
		s := newSource(21)
		v.Set("start_i", 0)
		v.Set("abort_i", 0)
		v.SetPresent("direct_i", 0)
		v.SetPresent("label_word_i", 0)
		v.SetPresent("label_lane_i", 0)
		v.Reset()
		v.Want("read_o", 0)
		v.Want("write_o", 0)
		v.Want("done_o", 0)
		v.Idle(2)
		for job := range 40 {
			h := &d.Heads[job%len(d.Heads)]
			stop := -1
			if job%8 == 7 { // an abort in mid-job
				stop = v.Cycle() + 3 + s.IntN(60)
			}
			playHeadJob(v, d, s, h, stop, func() []int64 { return drawLogits(s, h, d.P, job) })
		}
		for i := range d.Heads {
			h := &d.Heads[i]
			for _, sm := range []*fixedpoint.Softmax{h.HeadArith.Softmax, h.HeadArith.Warm} {
				if sm == nil {
					continue
				}
				for t := newTableWalk(h, sm); len(t.indexes) > 0; {
					playHeadJob(v, d, s, h, -1, func() []int64 { return t.logits(s) })
				}
			}
		}
	}, nil)
}

// playHeadJob plays a job over the samples of a batch, whose logits draw returns.
func playHeadJob(v *Vectors, d design, s source, h *gen.LayerPlan, stop int, draw func() []int64) {
	v.SetPresent("direct_i", b2i(h.HeadArith.Softmax == nil))
	v.SetPresent("taught_i", b2i(h.Head.Kind == ep.FeatureHead))
	v.SetPresent("distil_i", b2i(h.Head.Kind == ep.LogitHead))
	v.SetPresent("last_word_i", int64(h.Out.SampleWords-1))
	p := &headJob{v: v, d: d, h: h, source: s, bits: v.Bits("logits_i") / d.P, stop: stop}
	v.Set("start_i", 1)
	v.Tick()
	v.Set("start_i", 0)
	for b := range d.Cfg.Batch {
		if !p.sample(b, draw(), s.IntN(h.Outputs())) {
			break
		}
	}
	v.Want("read_o", 0)
	v.Want("write_o", 0)
	v.Want("done_o", 0)
	v.Idle(1 + s.IntN(3))
}

// tableWalk meets the entries of both tables of a softmax one after the other: those of the
// fine one with the first of the coarse one, whose weights are near 1, and the other way
// round as far as a weight shows in a probability. A wrong bit of little weight shows in
// some of several sums only.
type tableWalk struct {
	h       *gen.LayerPlan
	sm      *fixedpoint.Softmax
	indexes []int64 // to come
}

func newTableWalk(h *gen.LayerPlan, sm *fixedpoint.Softmax) *tableWalk {
	t := &tableWalk{h: h, sm: sm}
	for round := range 3 {
		for k := range int64(1) << sm.AddressBits {
			t.indexes = append(t.indexes, k)
		}
		for k, e := range sm.Coarse {
			if k > 0 && round == 0 || k > 0 && e>>max(0, sm.TableBits-sm.Format.Frac-1) > 0 {
				t.indexes = append(t.indexes, int64(k)<<sm.AddressBits)
			}
		}
	}
	return t
}

// logits returns those of a sample: the largest at a random class, the others below it by the
// next indexes, now and then by none to vary the sum.
func (t *tableWalk) logits(s source) []int64 {
	lo, hi, _ := t.h.HeadArith.Logit.Int64()
	z := make([]int64, t.h.Outputs())
	top := min(hi, lo+1<<(2*t.sm.AddressBits+t.sm.Shift))
	largest := s.IntN(len(z))
	for j := range z {
		switch {
		case j == largest:
			z[j] = top
		case len(t.indexes) == 0 || len(z) > 2 && s.chance(3):
			z[j] = top - s.Int64N(1+(top-lo)/8)
		default:
			z[j] = max(lo, top-t.indexes[0]<<t.sm.Shift)
			t.indexes = t.indexes[1:]
		}
	}
	return z
}

// drawLogits draws the logits of a sample within their proved range.
func drawLogits(s source, h *gen.LayerPlan, lanes, job int) []int64 {
	lo, hi, _ := h.HeadArith.Logit.Int64()
	z := make([]int64, h.Outputs())
	if h.Head.Kind == ep.FeatureHead { // all lanes of its words
		z = make([]int64, h.Out.SampleWords*lanes)
	}
	unit := int64(1) << h.HeadArith.LogitFrac
	for j := range z {
		switch job % 5 {
		case 0: // of ordinary size
			z[j] = s.Int64N(8*unit) - 4*unit
		case 1: // anywhere
			z[j] = lo + s.Int64N(hi-lo)
		case 2: // close to each other
			z[j] = s.Int64N(1 + unit/256)
		case 3: // equal, or at an end
			z[j] = []int64{0, 0, lo, hi}[s.IntN(4)]
		default:
			z[j] = s.Int64N(32*unit) - 16*unit
		}
		z[j] = min(max(z[j], lo), hi)
	}
	return z
}

// headJob plays a job of ep_head.
type headJob struct {
	v *Vectors
	d design
	h *gen.LayerPlan
	source
	bits int // of a logit
	stop int // cycle of an abort, -1 for none
}

// tick ends a cycle; it reports false after an abort.
func (p *headJob) tick() bool {
	if p.v.Cycle() == p.stop {
		p.v.Set("abort_i", 1)
		p.v.Tick()
		p.v.Set("abort_i", 0)
		return false
	}
	p.v.Tick()
	return true
}

// sample plays the three sweeps over the logits of sample b.
func (p *headJob) sample(b int, z []int64, label int) bool {
	v, d, h := p.v, p.d, p.h
	sm := h.HeadArith.Softmax
	first := 0
	if sm == nil {
		first = 2
	}
	targets := p.drawTargets(len(z))
	errors := p.errors(z, targets, label)
	for sweep := first; sweep < 3; sweep++ {
		for word := range h.Out.SampleWords {
			at := int64(b*h.Out.SampleWords + word)
			v.Want("read_o", 1)
			v.Want("word_o", at)
			if v.Has("sample_o") {
				v.Want("sample_o", int64(b))
			}
			v.Want("write_o", 0)
			if !p.tick() {
				return false
			}
			v.SetPresent("label_word_i", int64(b*h.Out.SampleWords+label/d.P))
			v.SetPresent("label_lane_i", int64(label%d.P))
			v.Want("read_o", 0)
			v.Want("capture_o", 1)
			if !p.tick() {
				return false
			}
			lanes := min(d.P, len(z)-word*d.P)
			for r := range d.P {
				value := int64(-1)
				if r < lanes {
					value = z[word*d.P+r]
				}
				v.SetLane("logits_i", r, p.bits, value)
				if v.Has("targets_i") && r < lanes {
					v.SetLane("targets_i", r, d.Cfg.Formats.Error.Width(), targets[word*d.P+r])
				}
			}
			cycles := 2 * lanes
			switch {
			case h.Head.Kind == ep.LogitHead: // both sums, both quotients, and the mixture
				quotient := sm.Format.Frac + 1
				cycles = []int{1, 10, 4 + quotient + 1 + 4 + quotient + 2}[sweep] * lanes
			case sm != nil:
				cycles = []int{1, 5, 5 + sm.Format.Frac + 1}[sweep] * lanes
			}
			for range cycles {
				v.Want("capture_o", 0)
				v.Want("write_o", 0)
				v.Want("done_o", 0)
				if !p.tick() {
					return false
				}
			}
			if sweep < 2 {
				continue
			}
			v.Want("write_o", 1)
			v.Want("word_o", at)
			v.WantIf("done_o", b == d.Cfg.Batch-1 && word == h.Out.SampleWords-1)
			for r := range d.P {
				e := int64(0)
				if r < lanes {
					e = errors[word*d.P+r]
				}
				v.WantLaneAfter(0, "errors_o", r, d.LaneBits, e)
			}
			if !p.tick() {
				return false
			}
		}
	}
	return true
}

// drawTargets draws what a teacher gives for a sample.
func (p *headJob) drawTargets(n int) []int64 {
	f := p.d.Cfg.Formats.Error
	t := make([]int64, n)
	for j := range t {
		t[j] = p.among(f.Min(), f.Max())
		if p.h.Head.Kind == ep.LogitHead { // a probability
			t[j] = p.among(0, min(f.Max(), 1<<f.Frac))
		}
	}
	return t
}

// errors computes those of a sample's logits by the formulas of the kind.
func (p *headJob) errors(z, targets []int64, label int) []int64 {
	a := p.h.HeadArith
	e, warm := make([]int64, len(z)), make([]int64, len(z))
	y := func(j int) int64 {
		if j == label {
			return a.Target
		}
		return 0
	}
	if a.Softmax != nil {
		a.Softmax.Apply(e, z)
	}
	if a.Warm != nil {
		a.Warm.Apply(warm, z)
	}
	for j, x := range z {
		switch p.h.Head.Kind {
		case ep.SquaredHead:
			e[j] = a.Error.Apply(y(j)<<a.TargetShift - x)
		case ep.FeatureHead:
			e[j] = a.Error.Apply(targets[j]<<a.TargetShift - x)
		case ep.LogitHead:
			taught := targets[j]<<a.TeachShift - warm[j]<<a.WarmShift
			e[j] = a.Error.Apply(a.Own*(y(j)-e[j])<<a.WarmShift + a.Taught*taught)
		default:
			e[j] = y(j) - e[j]
		}
	}
	return e
}

// averageBench checks ep_average: sums of cells of every area, the largest among them,
// back to back and with gaps.
func averageBench(d design) *Bench {
	return d.bench("ep_average", func(v *Vectors) {
		s := newSource(22)
		top := d.Heads[0].HeadArith.Pool.Hi
		v.Set("valid_i", 0)
		v.Set("first_i", 0)
		v.Set("last_i", 0)
		for i := range d.Heads {
			pool := d.Heads[i].HeadArith.Pool
			if v.Has("pool_shift_i") {
				v.Idle(3)
				v.Set("pool_shift_i", int64(d.PoolChoice(pool.Shift)))
			}
			for range 400 {
				area, sum := 1<<pool.Shift, int64(0)
				kind := s.IntN(4)
				for k := range area {
					x := s.Int64N(top + 1)
					switch kind {
					case 0:
						x = top
					case 1:
						x = s.Int64N(2)
					}
					sum += x
					v.Set("valid_i", 1)
					v.SetIf("first_i", k == 0)
					v.SetIf("last_i", k == area-1)
					v.Set("state_i", x)
					if k == area-1 {
						v.WantAfter(2, "h_o", pool.Apply(sum))
					}
					v.Tick()
					if s.chance(4) {
						v.Set("valid_i", 0)
						v.Set("state_i", s.Int64N(top+1))
						v.Idle(1 + s.IntN(2))
					}
				}
			}
			v.Set("valid_i", 0)
		}
		v.Idle(4)
	}, nil)
}
