package ep

import (
	"fmt"
	"math"

	"epgen/fixedpoint"
)

// Schedule says how the learning rates change over the epochs.
type Schedule int

const (
	Constant Schedule = iota // factor 1
	Cosine                   // (1 + cos(pi epoch/epochs)) / 2
	Step                     // divided by 10 after one half and after three quarters of the epochs
)

var scheduleNames = [...]string{"constant", "cosine", "step"}

// String returns "constant", "cosine" or "step".
func (s Schedule) String() string {
	if s < 0 || int(s) >= len(scheduleNames) {
		return fmt.Sprintf("Schedule(%d)", int(s))
	}
	return scheduleNames[s]
}

// MarshalText writes a schedule as String does.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a schedule as String writes it.
func (s *Schedule) UnmarshalText(text []byte) error {
	for i, name := range scheduleNames {
		if string(text) == name {
			*s = Schedule(i)
			return nil
		}
	}
	return fmt.Errorf("schedule %q, want constant, cosine or step", text)
}

// Factor returns what the rates are multiplied by in epoch 0 .. epochs-1.
func (s Schedule) Factor(epoch, epochs int) float64 {
	switch s {
	case Cosine:
		return (1 + math.Cos(math.Pi*float64(epoch)/float64(epochs))) / 2
	case Step:
		switch {
		case 4*epoch >= 3*epochs:
			return 0.01
		case 2*epoch >= epochs:
			return 0.1
		}
	}
	return 1
}

// descend applies the estimate of layer n+1 to the parameters and returns the
// mean |change of a weight|. With a float64 master,
//
//	v = momentum v + g + decay w      w -= rate v
//
// (no decay of biases); in fixed point the master is confined to the formats and
// its nearest codes serve the phases. Otherwise it is the hardware's update.
func (t *Trainer) descend(n int) float64 {
	if !t.cfg.Trains(n + 1) {
		return 0
	}
	p := &t.Params.Layers[n]
	copy(t.old, p.W)
	t.engine.contrast(n)
	if t.opt.HardwareUpdate {
		weights, biases := t.arith.layerUpdates(t.cfg, n, t.Updates(), t.starts()%t.cfg.Starts())
		t.engine.updateCodes(p, &t.kept.Layers[n], weights, biases, &t.cfg.Formats)
	} else {
		g, v := t.gradient, &t.velocity.Layers[n]
		w, b := g.W[:len(p.W)], g.B[:len(p.B)]
		scale := -1 / (t.spread * float64(len(t.samples.Y)))
		t.engine.gradient(w, b, scale)
		rate := t.cfg.Rates[n] * t.opt.Schedule.Factor(t.Epoch, t.opt.Epochs)
		lo, hi := t.limits(func(f *Formats) (float64, float64) {
			return ends(f.WeightOf(n + 1))
		})
		lo, hi = t.cfg.clipLimits(lo, hi)
		t.move(p.W, v.W, w, rate, t.opt.Decay, lo, hi)
		lo, hi = t.limits(func(f *Formats) (float64, float64) {
			return ends(f.BiasOf(n + 1))
		})
		t.move(p.B, v.B, b, rate, 0, lo, hi)
	}
	change := 0.0
	for i, w := range p.W {
		change += math.Abs(w - t.old[i])
	}
	return change / float64(len(p.W))
}

// limits returns the ends of a format, none in float64.
func (t *Trainer) limits(of func(f *Formats) (lo, hi float64)) (lo, hi float64) {
	if !t.opt.Fixed {
		return math.Inf(-1), math.Inf(1)
	}
	return of(&t.cfg.Formats)
}

// ends returns the range of a format.
func ends(f fixedpoint.Format) (lo, hi float64) { return f.ToFloat(f.Min()), f.ToFloat(f.Max()) }

func (t *Trainer) move(x, v, g []float64, rate, decay, lo, hi float64) {
	for i := range x {
		v[i] = t.opt.Momentum*v[i] + g[i] + decay*x[i]
		x[i] = min(max(x[i]-rate*v[i], lo), hi)
	}
}
