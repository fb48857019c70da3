package ep

import (
	"math"
	"slices"

	"epgen/fixedpoint"
)

// HeadActivity describes a head over an epoch.
type HeadActivity struct {
	Name     string  `json:"name"`
	Loss     float64 `json:"loss"`     // at s*, mean over the samples, without lambda; of classes the cross-entropy or squared error
	Accuracy float64 `json:"accuracy"` // at s*; 0 for features
	Update   float64 `json:"update"`   // mean |change of a weight|
}

// headElements says how real numbers of heads become elements T and back.
type headElements[T fixedpoint.Number] struct {
	headWeight, headBias, errorOf func(x float64) T
	meanOf                        func(i int, x float64) T   // of head i
	headUnit                      func(i int) (w, b float64) // units of a contrast
	logitUnit                     func(i int) float64
	headRange                     func(i int) (features, signal fixedpoint.Interval) // of codes
}

func (s *epochSum) addHead(i int, a HeadActivity) {
	z := &s.heads[i]
	z.Loss += a.Loss
	z.Accuracy += a.Accuracy
	z.Update += a.Update
}

// scaleLambdas replaces the heads of cfg by copies with the lambdas of the epoch and
// reports whether they differ from those of the epoch before. A lambda below half
// of what its format resolves at the weakest beta is 0.
func (t *Trainer) scaleLambdas(cfg *Config) bool {
	heads, changed := slices.Clone(cfg.Network.Heads), false
	for i := range heads {
		s := heads[i].LambdaSchedule
		if s == Constant {
			continue
		}
		heads[i].Lambda *= s.Factor(t.Epoch, t.opt.Epochs)
		if t.opt.Fixed && heads[i].Lambda*t.weakest*heads[i].scale() < cfg.Formats.Lambda.LSB() {
			heads[i].Lambda = 0
		}
		changed = true
	}
	cfg.Network.Heads = heads
	return changed
}

// calibrate sets the running means to those of the present samples.
func (t *Trainer) calibrate() {
	t.engine.relax(&t.samples, false, 1)
	for i := range t.Params.Heads {
		if t.cfg.Network.Heads[i].Center {
			t.moveMean(i, 1)
		}
	}
	t.engine.setParams(t.Params)
}

// moveMean takes the running mean of a head a share of the way to that of the batch.
func (t *Trainer) moveMean(i int, share float64) {
	mean := t.Params.Heads[i].Mean
	change := make([]float64, len(mean))
	t.engine.headMean(i, change)
	for k, d := range change {
		mean[k] = min(max(mean[k]+share*d, 0), 1)
	}
}

// trainHead applies the local gradient of a head and moves its running mean. The momentum and
// the decay of a float64 master are those of layers alone.
func (t *Trainer) trainHead(i int) HeadActivity {
	h, p := &t.cfg.Network.Heads[i], &t.Params.Heads[i]
	var a HeadActivity
	loss, correct := t.scoreHead(i)
	a.Loss, a.Accuracy = loss, float64(correct)
	old := t.old[:len(p.W)]
	copy(old, p.W)
	if t.opt.HardwareUpdate {
		u := t.arith.headUpdates(t.cfg, i, t.Updates(), t.starts()%t.cfg.Starts())
		t.engine.headContrast(i)
		t.engine.headCodes(p, &t.kept.Heads[i], u.weights, u.biases, &t.cfg.Formats)
		if h.Center {
			t.engine.meanCodes(i, p, u.mean, &t.cfg.Formats)
		}
	} else {
		t.moveHead(i, h, p)
	}
	for k, w := range p.W {
		a.Update += math.Abs(w - old[k])
	}
	a.Update /= float64(len(p.W))
	return a
}

// moveHead is the update of a float64 master.
func (t *Trainer) moveHead(i int, h *Head, p *FloatHeadParams) {
	if h.Kind.Trains() && h.Rate > 0 {
		w, b := t.gradient.W[:len(p.W)], t.gradient.B[:len(p.B)]
		t.engine.headContrast(i)
		t.engine.headGradient(w, b, -h.scale()/float64(t.points*len(t.samples.Y)))
		rate := h.Rate * t.opt.Schedule.Factor(t.Epoch, t.opt.Epochs)
		step := func(x, g []float64, of func(f *Formats) fixedpoint.Format) {
			lo, hi := t.limits(func(f *Formats) (float64, float64) {
				return of(f).ToFloat(of(f).Min()), of(f).ToFloat(of(f).Max())
			})
			for k := range x {
				x[k] = min(max(x[k]-rate*g[k], lo), hi)
			}
		}
		step(p.W, w, func(f *Formats) fixedpoint.Format { return f.HeadWeight })
		step(p.B, b, func(f *Formats) fixedpoint.Format { return f.HeadBias })
	}
	if h.Center {
		t.moveMean(i, MeanRate)
	}
}

// scoreHead returns the summed loss of a head at s*, without lambda, and, for heads
// of classes, the number of correct predictions. That of a head of logits is the
// cross-entropy: there is no teacher for test samples.
func (t *Trainer) scoreHead(i int) (loss float64, correct int) {
	h := &t.cfg.Network.Heads[i]
	d := h.Outputs()
	z := t.gradient.W[:len(t.samples.Y)*d]
	t.engine.headLogits(i, z)
	plain := *h
	if h.Kind == LogitHead {
		plain.Kind = CrossEntropy
	}
	for b, label := range t.samples.Y {
		row := z[b*d:][:d]
		var teacher []float64
		if h.Kind == FeatureHead {
			if len(t.samples.Teacher) == 0 {
				return 0, 0
			}
			teacher = t.samples.Teacher[i][b*d:][:d]
		}
		loss += plain.loss(row, label, teacher)
		if !h.Kind.classifies() {
			continue
		}
		best := 0
		for k, v := range row {
			if v > row[best] {
				best = k
			}
		}
		if best == label {
			correct++
		}
	}
	return loss, correct
}
