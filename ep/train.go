package ep

import (
	"fmt"
	"math"
	"slices"
)

// TrainOptions are the settings of training that are no part of the hardware.
type TrainOptions struct {
	Fixed          bool // phases in the formats of the configuration, otherwise in float64
	HardwareUpdate bool // updates as the hardware makes them (fixed only), otherwise in a float64 master
	Epochs         int
	Momentum       float64 // 0 <= momentum < 1
	Decay          float64 // of weights, per unit of rate
	Schedule       Schedule
	Augment        Augment
	Backprop       bool // a feed-forward network trained by back-propagation instead (float64 only)
	Calibrate      bool // the running means start as those of the first mini-batch
}

// Validate reports a setting outside its range by the name of its flag.
func (o *TrainOptions) Validate() error {
	switch {
	case o.Epochs < 1 || o.Epochs > maxSteps:
		return fmt.Errorf("epochs: %d, want an integer 1..%d", o.Epochs, maxSteps)
	case !(o.Momentum >= 0 && o.Momentum < 1):
		return fmt.Errorf("momentum: %v, want a number of at least 0 and below 1", o.Momentum)
	case !(o.Decay >= 0) || math.IsInf(o.Decay, 0):
		return fmt.Errorf("decay: %v, want a finite number of at least 0", o.Decay)
	case o.Augment.Crop < 0 || o.Augment.Crop > MaxExtent:
		return fmt.Errorf("crop: %d, want an integer of at least 0", o.Augment.Crop)
	case o.Backprop && o.Fixed:
		return fmt.Errorf("algorithm: bp with arithmetic fixed, want arithmetic float64")
	case o.HardwareUpdate && !o.Fixed:
		return fmt.Errorf("update: hardware with arithmetic float64, want arithmetic fixed")
	case o.HardwareUpdate && (o.Momentum != 0 || o.Decay != 0):
		return fmt.Errorf("update: hardware with momentum %v and decay %v, want both 0", o.Momentum, o.Decay)
	}
	return nil
}

// Trainer trains a network on a data set by mini-batches of cfg.Batch samples.
// Everything it computes is a function of configuration, options, initial
// parameters and data: not of the number of processors, nor of where training
// was interrupted and resumed. It is for one goroutine.
type Trainer struct {
	Params *FloatParams // the master: what updates change
	Epoch  int          // the present one, from 0
	Batch  int          // mini-batches of the epoch that are done

	cfg    *Config
	opt    TrainOptions
	data   *Dataset
	engine engine
	arith  *Arith  // fixed only
	spread float64 // of the contrast: Program.Spread

	points  int     // of the contrast
	weakest float64 // |beta| of all phases

	velocity *FloatParams
	kept     *Params // by the hardware's updates, beside the codes
	sum      epochSum
	order    []int // of the samples in this epoch; nil until it is drawn
	samples  FloatSamples
	out      []float64         // outputs of a batch
	gradient *FloatLayerParams // room for the largest layer
	old      []float64         // likewise
}

// NewTrainer returns a trainer that starts from the given parameters, which it
// takes over. With the hardware's update they are first quantised.
func NewTrainer(cfg *Config, opt TrainOptions, p *FloatParams, data *Dataset) (*Trainer, error) {
	if err := firstError(opt.Validate(), p.Check(&cfg.Network), data.check(&cfg.Network)); err != nil {
		return nil, err
	}
	for i := range cfg.Network.Heads {
		if h := &cfg.Network.Heads[i]; h.Kind.taught() && data.Teacher == nil {
			return nil, fmt.Errorf("%s: kind %v without a teacher, want a teacher's targets", h.Name, h.Kind)
		}
	}
	if cfg.GivenStates && data.States == nil {
		return nil, fmt.Errorf("training part of %s: no initial states, want those of phases.initial-states", data.Name)
	}
	if cfg.Batch > data.Train.Len() {
		return nil, fmt.Errorf("batch of %d samples, want at most the %d of the training part of %s",
			cfg.Batch, data.Train.Len(), data.Name)
	}
	t := &Trainer{Params: p, cfg: cfg, opt: opt, data: data, velocity: NewFloatParams(&cfg.Network)}
	var err error
	if err = t.newEngine(cfg); err != nil {
		return nil, err
	}
	if err = t.checkMaster(); err != nil {
		return nil, err
	}
	t.kept = Keeps{}.newParams(&cfg.Network)
	program := cfg.Program()
	t.points, t.weakest = len(program.Points), math.Inf(1)
	for _, r := range program.Relaxations[PhaseNudge:] {
		t.weakest = min(t.weakest, math.Abs(r.Beta))
	}
	t.spread = program.Spread(func(phase Phase) float64 { return program.Relaxations[phase].Beta })
	if opt.Fixed {
		t.spread = t.arith.Spread
	}
	if opt.HardwareUpdate {
		t.Params = p.Quantize(&cfg.Formats).Dequantize(&cfg.Formats)
		t.kept = t.arith.Keeps.newParams(&cfg.Network)
	}
	t.sum = newEpochSum(&cfg.Network)
	t.samples = FloatSamples{X: make([]float64, 0, cfg.Batch*cfg.Network.Input.Len()), Y: make([]int, 0, cfg.Batch)}
	t.out = make([]float64, cfg.Batch*cfg.Network.Classes())
	largest, widest := 0, 0
	for n := range cfg.Network.Layers {
		largest = max(largest, cfg.Network.Layers[n].Weights())
		widest = max(widest, cfg.Network.Layers[n].Out.C)
	}
	for i := range cfg.Network.Heads {
		m := &cfg.Network.Heads[i].Map
		largest = max(largest, m.Weights(), m.In.Len(), cfg.Batch*m.Out.Len())
		widest = max(widest, m.Out.C)
	}
	t.gradient = &FloatLayerParams{W: make([]float64, largest), B: make([]float64, widest)}
	t.old = make([]float64, largest)
	return t, nil
}

// newEngine sets the engine for cfg, with its arithmetic.
func (t *Trainer) newEngine(cfg *Config) error {
	var err error
	if t.opt.Backprop {
		t.engine, err = newBackprop(cfg)
		return err
	}
	t.engine, t.arith, err = newEngine(cfg, t.opt.Fixed)
	return err
}

// Batches returns the number of mini-batches of an epoch; samples that do not
// fill one sit the epoch out.
func (t *Trainer) Batches() int { return t.data.Train.Len() / t.cfg.Batch }

// Updates returns the number of updates made so far, which is the number of the next.
func (t *Trainer) Updates() uint32 { return uint32(t.starts() / t.cfg.Starts()) }

// Done reports that all epochs are over.
func (t *Trainer) Done() bool { return t.Epoch >= t.opt.Epochs }

// Step trains on the next mini-batch of the epoch and returns its mean loss and
// the number of correct predictions at the free equilibrium. Parameters that are
// no longer finite are an error that names the layer.
func (t *Trainer) Step() (loss float64, correct int, err error) {
	if t.order == nil {
		if err := t.startEpoch(); err != nil {
			return 0, 0, err
		}
	}
	t.data.Train.fill(&t.samples, t.order[t.Batch*t.cfg.Batch:][:t.cfg.Batch], &t.cfg.Network, t.opt.Augment,
		mixSeed(t.cfg.Seed, uint64(t.Epoch)))
	if t.data.Teacher != nil {
		t.samples.Teacher = t.data.Teacher.Targets(&t.samples, t.order[t.Batch*t.cfg.Batch:][:t.cfg.Batch])
	}
	if t.data.States != nil {
		t.samples.States = t.data.States.Of(t.order[t.Batch*t.cfg.Batch:][:t.cfg.Batch])
	}
	t.engine.setParams(t.Params)
	if t.opt.Calibrate && t.Epoch == 0 && t.Batch == 0 {
		t.calibrate()
	}
	t.engine.relax(&t.samples, true, t.cfg.sign(t.Updates()))
	loss, correct = t.score()
	t.sum.count(loss, correct, t.cfg.Batch)
	for n := range t.Params.Layers {
		a := t.engine.measure(n)
		a.Update = t.descend(n)
		if math.IsNaN(a.Update) || math.IsInf(a.Update, 0) {
			return 0, 0, fmt.Errorf("%s.weight: not finite after epoch %d, batch %d, want finite numbers; lower the rates",
				t.cfg.Network.Layers[n].Name, t.Epoch+1, t.Batch+1)
		}
		t.sum.add(n, a)
	}
	for i := range t.Params.Heads {
		t.sum.addHead(i, t.trainHead(i))
	}
	t.Batch++
	return loss / float64(t.cfg.Batch), correct, nil
}

// startEpoch draws the order of the samples and, for the hardware's update, derives its constants for the rates of the epoch.
func (t *Trainer) startEpoch() error {
	t.order = NewRandom(mixSeed(t.cfg.Seed, ^uint64(t.Epoch))).permutation(t.data.Train.Len())
	cfg := *t.cfg
	if t.scaleLambdas(&cfg) {
		if err := t.newEngine(&cfg); err != nil {
			return err
		}
	}
	if !t.opt.HardwareUpdate {
		return nil
	}
	factor := t.opt.Schedule.Factor(t.Epoch, t.opt.Epochs)
	cfg.Rates = append([]float64(nil), cfg.Rates...)
	for n := range cfg.Rates {
		cfg.Rates[n] *= factor
	}
	cfg.Network.Heads = slices.Clone(cfg.Network.Heads)
	for i := range cfg.Network.Heads {
		cfg.Network.Heads[i].Rate *= factor
	}
	if cfg.HostRates { // as software sets them
		arith, err := Derive(t.cfg)
		if err != nil {
			return err
		}
		t.arith = arith.withRates(arith.RateMantissas(t.opt.Schedule.Factor(t.Epoch, t.opt.Epochs)))
		return nil
	}
	var err error
	t.arith, err = Derive(&cfg)
	return err
}

// mixSeed returns a seed for a stream of its own.
func mixSeed(seed, stream uint64) uint64 {
	return NewRandom(seed ^ NewRandom(stream).Uint64()).Uint64()
}

// score returns the summed loss and the number of correct predictions of the
// samples at the free equilibrium: the class of the largest output, the first
// of equal ones.
func (t *Trainer) score() (loss float64, correct int) {
	if t.cfg.Network.Readout() != nil {
		return t.scoreHead(len(t.cfg.Network.Heads) - 1)
	}
	classes := t.cfg.Network.Classes()
	t.engine.output(t.out)
	for b, label := range t.samples.Y {
		best, z := 0, t.out[b*classes:][:classes]
		for k, v := range z {
			d := v
			if k == label {
				d--
			}
			loss += d * d / 2
			if v > z[best] {
				best = k
			}
		}
		if best == label {
			correct++
		}
	}
	return loss, correct
}

// Score is a loss, the mean of 1/2 |s^N - y|^2 or, with a readout, of the cross-entropy, and the share of correct predictions.
type Score struct{ Loss, Accuracy float64 }

// Evaluate returns the score on the test part. The callback, which may be nil,
// hears of every number of samples done.
func (t *Trainer) Evaluate(progress func(samples int)) Score {
	test := t.data.Test
	if test.Len() == 0 {
		return Score{}
	}
	t.engine.setParams(t.Params)
	var index []int
	var s Score
	for first := 0; first < test.Len(); first += t.cfg.Batch {
		index = index[:0]
		for i := first; i < min(first+t.cfg.Batch, test.Len()); i++ {
			index = append(index, i)
		}
		test.fill(&t.samples, index, &t.cfg.Network, Augment{}, 0)
		t.samples.Teacher = nil
		t.engine.relax(&t.samples, false, 1)
		loss, correct := t.score()
		s.Loss += loss
		s.Accuracy += float64(correct)
		if progress != nil {
			progress(len(index))
		}
	}
	s.Loss /= float64(test.Len())
	s.Accuracy /= float64(test.Len())
	return s
}

// Death says in words why training will not go on by itself, or is empty: layers whose states are all at an end of their range, layers that no
// nudge reaches any more or that are the same for all samples of a mini-batch of the given
// size, a free phase that does not settle.
func (m *Metrics) Death(batch int) string {
	for i := range m.Layers {
		l := &m.Layers[i]
		switch {
		case l.Limited > 0.995 && l.State < 1e-3:
			return fmt.Sprintf("%s is silent: %.1f %% of its states are at an end of their range and their mean is %.2g; raise init.bias or lower the rates",
				l.Name, 100*l.Limited, l.State)
		case l.Limited > 0.995:
			return fmt.Sprintf("%s is saturated: %.1f %% of its states are at an end of their range; lower init.gain, init.bias or the rates",
				l.Name, 100*l.Limited)
		case l.Response == 0:
			return fmt.Sprintf("%s does not feel the nudge: s+ and s- are equal; raise beta, the bits of the states or the nudged steps, or add heads",
				l.Name)
		case batch > 1 && l.Spread < 1e-5:
			return fmt.Sprintf("%s is the same for all samples: its states vary by %.2g over a mini-batch; raise init.gain", l.Name, l.Spread)
		}
	}
	worst := 0.0
	for i := range m.Layers {
		worst = max(worst, m.Layers[i].Residual)
	}
	if worst > 0.9 {
		return fmt.Sprintf("the free phase does not settle: states still change by %.2g in its last step; take -sweep asynchronous, more free steps or lower rates", worst)
	}
	return ""
}

// EndEpoch ends a complete epoch and returns what happened in it.
func (t *Trainer) EndEpoch() Metrics {
	m := t.sum.metrics(&t.cfg.Network)
	t.Epoch++
	m.Epoch = t.Epoch
	m.RateFactor = t.opt.Schedule.Factor(t.Epoch-1, t.opt.Epochs)
	t.Batch, t.order, t.sum = 0, nil, newEpochSum(&t.cfg.Network)
	return m
}

// Metrics describes one epoch of training.
type Metrics struct {
	Epoch        int             `json:"epoch"` // from 1
	Loss         float64         `json:"loss"`  // during the epoch
	Accuracy     float64         `json:"accuracy"`
	TestLoss     float64         `json:"test_loss"`
	TestAccuracy float64         `json:"test_accuracy"`
	RateFactor   float64         `json:"rate_factor"`
	Seconds      float64         `json:"seconds"`
	Throughput   float64         `json:"samples_per_second"`
	Layers       []LayerActivity `json:"layers"`
	Heads        []HeadActivity  `json:"heads,omitempty"`
}

// LayerActivity is the mean of an Activity over the mini-batches of an epoch.
type LayerActivity struct {
	Name     string  `json:"name"`
	State    float64 `json:"state"`
	Response float64 `json:"response"`
	Update   float64 `json:"update"`
	Residual float64 `json:"residual"`
	Limited  float64 `json:"limited"`
	Spread   float64 `json:"spread"`
}

// epochSum adds up the metrics of an epoch.
type epochSum struct {
	loss                      float64
	correct, samples, batches int
	layers                    []Activity
	heads                     []HeadActivity
}

func newEpochSum(net *Network) epochSum {
	return epochSum{layers: make([]Activity, len(net.Layers)), heads: make([]HeadActivity, len(net.Heads))}
}

func (s *epochSum) count(loss float64, correct, samples int) {
	s.loss += loss
	s.correct += correct
	s.samples += samples
	s.batches++
}

func (s *epochSum) add(n int, a Activity) {
	z := &s.layers[n]
	z.State += a.State
	z.Response += a.Response
	z.Update += a.Update
	z.Residual += a.Residual
	z.Limited += a.Limited
	z.Spread += a.Spread
}

func (s *epochSum) metrics(net *Network) Metrics {
	samples, batches := float64(max(s.samples, 1)), float64(max(s.batches, 1))
	m := Metrics{Loss: s.loss / samples, Accuracy: float64(s.correct) / samples}
	for n, a := range s.layers {
		m.Layers = append(m.Layers, LayerActivity{
			Name: net.Layers[n].Name, State: a.State / batches, Response: a.Response / batches,
			Update: a.Update / batches, Residual: a.Residual / batches, Limited: a.Limited / batches, Spread: a.Spread / batches,
		})
	}
	for i, a := range s.heads {
		m.Heads = append(m.Heads, HeadActivity{
			Name: net.Heads[i].Name, Loss: a.Loss / samples, Accuracy: a.Accuracy / samples, Update: a.Update / batches,
		})
	}
	return m
}
