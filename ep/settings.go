package ep

import (
	"encoding"
	"fmt"
	"strconv"
	"strings"

	"epgen/fixedpoint"
)

// resolution is what settings write into: the network as text until it is
// built, then the configuration that it implies.
type resolution struct {
	net     networkText
	heads   headsText
	config  Config
	sources Sources
}

// networkText is the [network] section.
type networkText struct {
	preset, layers, name, input, loss string
	classes                           int
}

// setting is one key of a configuration file; the table settings is the one
// description that reader, writer and messages share.
type setting struct {
	key    string // section and name, joined by a dot
	doc    string // written above the key
	target func(r *resolution) any
}

// settings in the order in which they are written. Those of a section follow each other.
var settings = []setting{
	{"weights", "NPZ file of weights, relative to this file; without it they are drawn by init and seed",
		func(r *resolution) any { return &r.sources.Weights }},
	{"input", "NPZ file of samples, x [B, C, H, W] and y [B], relative to this file",
		func(r *resolution) any { return &r.sources.Input }},
	{"data", "directory of MNIST or CIFAR files, relative to this file",
		func(r *resolution) any { return &r.sources.Data }},
	{"data-part", "files of data that samples come from: train, or test; train means test where there are no others",
		func(r *resolution) any { return &r.sources.Part }},
	{"first-sample", "number of the first sample taken from data",
		func(r *resolution) any { return &r.sources.First }},
	{"seed", "seed of everything random",
		func(r *resolution) any { return &r.config.Seed }},
	{"build", "what the core is for: training, or inference, which sheds all settings of training",
		func(r *resolution) any { return &r.config.Build }},

	{"network.preset", "name of a preset, which also brings its settings",
		func(r *resolution) any { return &r.net.preset }},
	{"network.name", "name shown in reports",
		func(r *resolution) any { return &r.net.name }},
	{"network.input", "shape of a sample, CxHxW",
		func(r *resolution) any { return &r.net.input }},
	{"network.layers", "convolutions CHANNELS[kKERNEL][pPADDING][sSTRIDE][b0] (kernel 3, padding keeps the map; b0: no biases), M max and A average pool 2x2, fcUNITS",
		func(r *resolution) any { return &r.net.layers }},
	{"network.classes", "outputs of the last layer, instead of those that preset or layers say",
		func(r *resolution) any { return &r.net.classes }},

	{"network.loss", "mse, the squared error of the last layer, or ce, which makes it a softmax readout outside the dynamics",
		func(r *resolution) any { return &r.net.loss }},

	{"heads.layers", "layers with a head, an intermediate loss: none, all, or numbers separated by commas",
		func(r *resolution) any { return &r.heads.layers }},
	{"heads.kind", "loss of the heads: ce, random (ce behind a fixed map), mse, features or logits (of a teacher)",
		func(r *resolution) any { return &r.heads.spec.Kind }},
	{"heads.grid", "cells per side over which a head averages states",
		func(r *resolution) any { return &r.heads.spec.Grid }},
	{"heads.lambda", "strength of the signals of the heads",
		func(r *resolution) any { return &r.heads.spec.Lambda }},
	{"heads.lambda-schedule", "of lambda over training: constant, cosine or step",
		func(r *resolution) any { return &r.heads.spec.LambdaSchedule }},
	{"heads.rate", "learning rate of heads and readout",
		func(r *resolution) any { return &r.heads.spec.Rate }},
	{"heads.center", "subtract a running mean of the features",
		func(r *resolution) any { return &r.heads.spec.Center }},
	{"heads.free-state", "heads learn at the free equilibrium instead of the two nudged states",
		func(r *resolution) any { return &r.heads.spec.FreeState }},
	{"heads.temperature", "temperature of a distillation of logits",
		func(r *resolution) any { return &r.heads.spec.Temperature }},
	{"heads.mix", "share of the teacher in a distillation of logits, 0..1",
		func(r *resolution) any { return &r.heads.spec.Mix }},

	{"phases.batch", "samples resident on chip, B",
		func(r *resolution) any { return &r.config.Batch }},
	{"phases.free-steps", "time steps of the free phase, T1",
		func(r *resolution) any { return &r.config.FreeSteps }},
	{"phases.nudge-steps", "time steps of each nudged phase, T2; fewer than layers + 3 may not reach layer 1",
		func(r *resolution) any { return &r.config.NudgeSteps }},
	{"phases.beta", "strength of the nudge",
		func(r *resolution) any { return &r.config.Beta }},
	{"phases.damping", "k: in a time step a state moves by 2^-k of the way to its activation",
		func(r *resolution) any { return &r.config.Damping }},
	{"phases.min-steps", "fewest time steps of a phase, which then ends as soon as its states have settled; 0: it has all of them",
		func(r *resolution) any { return &r.config.MinSteps }},
	{"phases.tolerance", "largest change of any state in the last step of a phase that ends early, in LSBs",
		func(r *resolution) any { return &r.config.Tolerance }},
	{"phases.initial-state", "state of every neuron before the first time step",
		func(r *resolution) any { return &r.config.Initial }},
	{"phases.layer-initial", "the same by layer, a list of numbers; empty: phases.initial-state",
		func(r *resolution) any { return &r.config.LayerInitial }},
	{"phases.initial-states", "those of every sample: NPZ file of state1 [N, C, H, W], state2, ..., relative to this file, or random, drawn by seed; empty: phases.initial-state",
		func(r *resolution) any { return &r.sources.States }},
	{"phases.start", "states before the first time step: cold, the initial ones, or warm, the free equilibrium of the step before",
		func(r *resolution) any { return &r.config.Start }},
	{"phases.estimate", "states compared: symmetric (s+, s-), positive (s+, s*), negative (s*, s-), random-sign (one of these two), points",
		func(r *resolution) any { return &r.config.Estimate }},
	{"phases.betas", "strengths of the nudge of an estimate from several points, with signs",
		func(r *resolution) any { return &r.config.Betas }},
	{"phases.beta-weights", "integer weights of these points, of sum 0, such as [8, -8, -1, 1] for [b, -b, 2b, -2b]",
		func(r *resolution) any { return &r.config.BetaWeights }},
	{"phases.pool-index", "argmax used while nudged and in the update: frozen (of the free equilibrium) or live",
		func(r *resolution) any { return &r.config.PoolIndex }},
	{"phases.schedule", "order of the layers in a time step: synchronous, or asynchronous, odd layers and then even ones",
		func(r *resolution) any { return &r.config.Sweep }},
	{"phases.nudge", "of the squared error: inside the activation of the output, or outside, s' = sigma(u) - beta (s - y)",
		func(r *resolution) any { return &r.config.Nudge }},
	{"phases.output", "activation of the last layer: clamped, as the others, or linear",
		func(r *resolution) any { return &r.config.Output }},
	{"phases.activation", "hard sigmoid: half, clamp(u/2, 0, 1), or unit, clamp(u, 0, 1)",
		func(r *resolution) any { return &r.config.Activation }},

	{"learning.rates", "learning rate of each layer",
		func(r *resolution) any { return &r.config.Rates }},
	{"learning.host-rates", "registers hold the mantissas of the rates, which software may change between batches",
		func(r *resolution) any { return &r.config.HostRates }},
	{"learning.frozen", "numbers of the layers that are not updated; the others follow one another",
		func(r *resolution) any { return &r.config.Frozen }},
	{"learning.clip", "largest |weight| that an update leaves; 0: only the format limits it",
		func(r *resolution) any { return &r.config.Clip }},
	{"learning.accumulate", "training steps whose contrasts one update sums: a batch of as many times phases.batch samples",
		func(r *resolution) any { return &r.config.Accumulate }},
	{"learning.decay-shift", "k: an update takes 2^-k of each weight and bias away; 0: no decay",
		func(r *resolution) any { return &r.config.DecayShift }},
	{"learning.momentum-shift", "k: the momentum is 1 - 2^-k; 0: no momentum",
		func(r *resolution) any { return &r.config.MomentumShift }},

	{"formats.input", "samples; QN.M is signed with 1+N+M bits, UQN.M unsigned with N+M",
		func(r *resolution) any { return &r.config.Formats.Input }},
	{"formats.state", "neurons, unsigned",
		func(r *resolution) any { return &r.config.Formats.State }},
	{"formats.layer-state", "the same by layer, a list of formats; empty: all layers have formats.state",
		func(r *resolution) any { return &r.config.Formats.LayerState }},
	{"formats.output", "neurons of a linear output layer, signed",
		func(r *resolution) any { return &r.config.Formats.Output }},
	{"formats.weight", "weights, signed",
		func(r *resolution) any { return &r.config.Formats.Weight }},
	{"formats.layer-weight", "the same by layer; empty: formats.weight",
		func(r *resolution) any { return &r.config.Formats.LayerWeight }},
	{"formats.bias", "biases, signed",
		func(r *resolution) any { return &r.config.Formats.Bias }},
	{"formats.layer-bias", "the same by layer; empty: formats.bias",
		func(r *resolution) any { return &r.config.Formats.LayerBias }},
	{"formats.target", "one-hot targets, unsigned",
		func(r *resolution) any { return &r.config.Formats.Target }},
	{"formats.beta", "strength of the nudge, unsigned",
		func(r *resolution) any { return &r.config.Formats.Beta }},
	{"formats.head-weight", "maps of heads, signed",
		func(r *resolution) any { return &r.config.Formats.HeadWeight }},
	{"formats.head-bias", "biases of heads, signed",
		func(r *resolution) any { return &r.config.Formats.HeadBias }},
	{"formats.probability", "softmax and its one-hot targets, unsigned",
		func(r *resolution) any { return &r.config.Formats.Probability }},
	{"formats.error", "errors of heads of kind mse, features and logits, and what a teacher gives, signed",
		func(r *resolution) any { return &r.config.Formats.Error }},
	{"formats.lambda", "beta * lambda of a head, unsigned",
		func(r *resolution) any { return &r.config.Formats.Lambda }},
	{"formats.logit", "logits that an inference build with a readout delivers, signed",
		func(r *resolution) any { return &r.config.Formats.Logit }},
	{"formats.rate-bits", "bits of the mantissa of rate / (2 beta batch)",
		func(r *resolution) any { return &r.config.Formats.RateBits }},
	{"formats.master-bits", "fractional bits of the masters, which updates change, beyond those of the weights and biases that compute; 0: no masters",
		func(r *resolution) any { return &r.config.Formats.MasterBits }},
	{"formats.difference-bits", "nudged phases hold states as differences from the free equilibrium, codes of so many bits with the sign; 0: as states",
		func(r *resolution) any { return &r.config.Formats.DifferenceBits }},
	{"formats.difference-shift", "fractional bits of the differences beyond those of the states: a list of one number, or one for each layer",
		func(r *resolution) any { return &r.config.Formats.DifferenceShift }},
	{"formats.state-rounding", "rounding of states: nearest-even, nearest-up or truncate",
		func(r *resolution) any { return &r.config.Formats.StateRounding }},
	{"formats.update-rounding", "rounding of the update of weights: as of states, or stochastic",
		func(r *resolution) any { return &r.config.Formats.UpdateRounding }},

	{"array.size", "rows and columns of the multiplier array, 1 to 32",
		func(r *resolution) any { return &r.config.Array.Size }},
	{"array.rows", "its rows, output channels of a layer, if not array.size; 0: array.size; the longer side is a multiple of the shorter",
		func(r *resolution) any { return &r.config.Array.Rows }},
	{"array.columns", "its columns, input channels; 0: array.size",
		func(r *resolution) any { return &r.config.Array.Columns }},

	{"memory.data-width", "bits of the AXI4 data bus: 32, 64, 128, 256 or 512",
		func(r *resolution) any { return &r.config.Memory.DataWidth }},
	{"memory.burst-beats", "longest burst in beats, at most 4096 bytes",
		func(r *resolution) any { return &r.config.Memory.BurstBeats }},
	{"memory.outstanding", "read bursts in flight",
		func(r *resolution) any { return &r.config.Memory.Outstanding }},
	{"memory.read-latency", "cycles from an accepted read address to its first data, for the estimate",
		func(r *resolution) any { return &r.config.Memory.ReadLatency }},
	{"memory.weights", "external: fetched slab by slab in every time step; on-chip: once, after the start",
		func(r *resolution) any { return &r.config.Memory.Weights }},
	{"memory.slab-bits", "on-chip budget for two slabs of weights, or for all of them, in bits",
		func(r *resolution) any { return &r.config.Memory.SlabBits }},

	{"init.gain", "weights are drawn uniformly from +-gain/sqrt(fan_in)",
		func(r *resolution) any { return &r.config.Init.Gain }},
	{"init.bias", "initial value of every bias",
		func(r *resolution) any { return &r.config.Init.Bias }},
	{"init.head-gain", "the same for the maps of heads and readout, whose biases are 0",
		func(r *resolution) any { return &r.config.Init.HeadGain }},
	{"init.mean", "initial value of the running means of centred heads",
		func(r *resolution) any { return &r.config.Init.Mean }},

	{"sequence.starts", "consecutive starts of the core that golden data covers, on consecutive batches of the samples",
		func(r *resolution) any { return &r.config.Sequence.Starts }},
	{"sequence.rate-factor", "by which software multiplies the rates from start to start, with learning.host-rates",
		func(r *resolution) any { return &r.config.Sequence.RateFactor }},
	{"sequence.task", "what each start does: train, a training step, or infer, the free phase and its results",
		func(r *resolution) any { return &r.config.Sequence.Task }},
}

// findSetting returns the entry of a key, or nil.
func findSetting(key string) *setting {
	for i := range settings {
		if settings[i].key == key {
			return &settings[i]
		}
	}
	return nil
}

// wanted says what values a target takes.
func wanted(target any) string {
	switch target.(type) {
	case *int:
		return "an integer"
	case *uint64:
		return "an integer of at least 0"
	case *bool:
		return "true or false"
	case *HeadKind:
		return `"ce", "random", "mse", "features" or "logits"`
	case *Schedule:
		return `"constant", "cosine" or "step"`
	case *float64:
		return "a number"
	case *[]float64:
		return "a list of numbers"
	case *[]fixedpoint.Format:
		return `a list of formats such as ["UQ0.8", "UQ0.15"]`
	case *fixedpoint.Format:
		return `a format of 1 to 32 bits such as "Q1.14" or "UQ0.15"`
	case *fixedpoint.Rounding:
		return `"nearest-even", "nearest-up", "truncate" or "stochastic"`
	case *PoolIndex:
		return `"frozen" or "live"`
	case *Estimate:
		return `"symmetric", "positive", "negative", "random-sign" or "points"`
	case *[]int:
		return "a list of integers"
	case *NudgePlace:
		return `"inside" or "outside"`
	case *OutputKind:
		return `"clamped" or "linear"`
	case *Start:
		return `"cold" or "warm"`
	case *Sweep:
		return `"synchronous" or "asynchronous"`
	case *WeightStore:
		return `"external" or "on-chip"`
	case *Pool:
		return `"none", "max" or "average"`
	case *Task:
		return `"train" or "infer"`
	case *Build:
		return `"training" or "inference"`
	case *Activation:
		return `"half" or "unit"`
	}
	return "a text in quotes"
}

// assign stores a value as TOML decodes it in a target. The error says the
// value found and what was wanted.
func assign(target, value any) error {
	ok := false
	switch t := target.(type) {
	case *string:
		*t, ok = value.(string)
	case *bool:
		*t, ok = value.(bool)
	case *int:
		var v int64
		v, ok = value.(int64)
		*t = int(v)
	case *uint64:
		var v int64
		v, ok = value.(int64)
		ok = ok && v >= 0
		*t = uint64(v)
	case *float64:
		*t, ok = number(value)
	case *[]float64:
		*t, ok = numbers(value)
	case *[]int:
		*t, ok = integers(value)
	case *[]fixedpoint.Format:
		*t, ok = formatList(value)
	case encoding.TextUnmarshaler:
		var v string
		v, ok = value.(string)
		ok = ok && t.UnmarshalText([]byte(v)) == nil
	}
	if !ok {
		return fmt.Errorf("%s, want %s", show(value), wanted(target))
	}
	return nil
}

// number accepts 1 for 1.0.
func number(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

func numbers(value any) ([]float64, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	z := make([]float64, len(list))
	for i, v := range list {
		if z[i], ok = number(v); !ok {
			return nil, false
		}
	}
	return z, true
}

func formatList(value any) ([]fixedpoint.Format, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	var z []fixedpoint.Format
	for _, v := range list {
		text, ok := v.(string)
		f, err := fixedpoint.ParseFormat(text)
		if !ok || err != nil {
			return nil, false
		}
		z = append(z, f)
	}
	return z, true
}

func integers(value any) ([]int, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	var z []int
	for _, v := range list {
		i, ok := v.(int64)
		if !ok {
			return nil, false
		}
		z = append(z, int(i))
	}
	return z, true
}

// parseFlag turns the text of a flag into the value that a file would give.
func parseFlag(target any, text string) (any, error) {
	var value any
	var err error
	switch target.(type) {
	case *int, *uint64:
		value, err = strconv.ParseInt(text, 0, 64)
	case *bool:
		value, err = strconv.ParseBool(text)
	case *float64:
		value, err = strconv.ParseFloat(text, 64)
	case *[]float64:
		var list []any
		for _, part := range strings.Split(text, ",") {
			var v float64
			if v, err = strconv.ParseFloat(strings.TrimSpace(part), 64); err != nil {
				break
			}
			list = append(list, v)
		}
		value = list
	case *[]int:
		var list []any
		for _, part := range strings.Split(text, ",") {
			var v int64
			if v, err = strconv.ParseInt(strings.TrimSpace(part), 0, 64); err != nil {
				break
			}
			list = append(list, v)
		}
		value = list
	case *[]fixedpoint.Format:
		list := []any{}
		for _, part := range strings.Split(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		value = list
	default:
		value = text
	}
	if err != nil {
		return nil, fmt.Errorf("%q, want %s", text, wanted(target))
	}
	return value, nil
}

// show words a value in messages.
func show(value any) string {
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case float64:
		return formatFloat(v)
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "a list of tables"
	}
	return fmt.Sprint(value)
}

// formatFloat returns the shortest text that reads back as v, with a point or
// an exponent, so that TOML takes it for a float.
func formatFloat(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".eIN") {
		text += ".0"
	}
	return text
}
