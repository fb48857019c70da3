package main

import (
	"fmt"
	"io"
	"strings"

	"epgen/ep"
)

// networkFlags are the flags that stand for a key of the configuration file, as
// those of epgen of the same names.
var networkFlags = []struct{ name, key, value, usage string }{
	{"input-shape", "network.input", "CxHxW", "shape of a sample, if not that of the preset (lists: 3x32x32)"},
	{"classes", "network.classes", "K", "outputs of the last layer, if not those of the preset or list"},
	{"loss", "network.loss", "KIND", "mse, the squared error of the last layer, or ce, which makes it a softmax readout"},
	{"heads", "heads.layers", "LIST", "layers with a head, an intermediate loss: none, all, or such as 2,4,6"},
	{"head-kind", "heads.kind", "KIND", "of the heads: ce, random, mse, features or logits"},
	{"lambda", "heads.lambda", "X", "strength of the signals of the heads"},
	{"head-rate", "heads.rate", "X", "learning rate of heads and readout"},
	{"center", "heads.center", "BOOL", "true: heads subtract a running mean of the features"},
	{"batch", "phases.batch", "B", "samples of a mini-batch"},
	{"free-steps", "phases.free-steps", "T1", "time steps of the free phase"},
	{"nudge-steps", "phases.nudge-steps", "T2", "time steps of each nudged phase"},
	{"beta", "phases.beta", "X", "strength of the nudge"},
	{"pool-index", "phases.pool-index", "MODE", "argmax while nudged: frozen (of the free equilibrium) or live"},
	{"sweep", "phases.schedule", "ORDER", "of the layers in a step: synchronous, or asynchronous, odd ones and then even ones"},
	{"damping", "phases.damping", "K", "a state moves by 2^-K of the way to its activation in a time step"},
	{"min-steps", "phases.min-steps", "N", "a phase may end early, after N time steps or more, when its states have settled"},
	{"tolerance", "phases.tolerance", "LSB", "largest change of a state in its last step then"},
	{"initial-state", "phases.initial-state", "X", "state of every neuron before the first time step"},
	{"start", "phases.start", "FROM", "first states: cold, the initial state, or warm, the free equilibrium of the step before"},
	{"estimate", "phases.estimate", "KIND", "states compared: symmetric, positive, negative, random-sign or points"},
	{"betas", "phases.betas", "LIST", "strengths of the nudge of -estimate points"},
	{"beta-weights", "phases.beta-weights", "LIST", "integer weights of these points"},
	{"nudge", "phases.nudge", "PLACE", "of the squared error: inside the activation of the output, or outside"},
	{"output", "phases.output", "KIND", "activation of the last layer: clamped, as the others, or linear"},
	{"activation", "phases.activation", "SLOPE", "hard sigmoid: half, clamp(u/2, 0, 1), or unit, clamp(u, 0, 1)"},
	{"rates", "learning.rates", "LIST", "learning rate of each layer, separated by commas"},
	{"host-rates", "learning.host-rates", "BOOL", "true: -update hardware follows -schedule by the mantissas of its registers"},
	{"frozen", "learning.frozen", "LIST", "numbers of the layers that are not updated"},
	{"clip", "learning.clip", "X", "largest |weight| that an update leaves; 0: what the format holds"},
	{"weights", "weights", "F.npz", "initial weights layer1.weight [Cout, Cin, KH, KW], layer1.bias [Cout], ..."},
	{"data", "data", "DIR", "directory of MNIST or CIFAR files, gzipped or not; a procedural set without it"},
	{"input", "input", "F.npz", "samples x [B, C, H, W] and y [B] of -gradcheck, -precision and -trace; the first test samples without it"},
	{"input-format", "formats.input", "QN.M", "format of the samples, QN.M or UQN.M"},
	{"state-format", "formats.state", "UQN.M", "format of the states"},
	{"weight-format", "formats.weight", "QN.M", "format of the weights"},
	{"bias-format", "formats.bias", "QN.M", "format of the biases"},
	{"update-rounding", "formats.update-rounding", "MODE", "of the hardware's update: nearest-even, nearest-up, truncate or stochastic"},
	{"seed", "seed", "N", "seed of weights, order and augmentation"},
	{"gain", "init.gain", "X", "weights are drawn from +-X/sqrt(fan_in)"},
	{"bias", "init.bias", "X", "initial value of every bias"},
	{"head-gain", "init.head-gain", "X", "the same as -gain for the maps of heads and readout"},
}

// trainFlags are the flags of training itself.
var trainFlags = []struct{ name, value, usage string }{
	{"layers", "NET", "a preset, a list such as 64,M,128,M,fc10, or a file ending in .toml"},
	{"config", "F.toml", "configuration file, the same as epgen's; flags override it"},
	{"o", "DIR", "directory of the run; new or empty"},
	{"resume", "DIR", "goes on with a run; of the other flags only -epochs counts"},
	{"arith", "KIND", "arithmetic of the phases: float64, or fixed, that of the hardware"},
	{"algorithm", "KIND", "ep, equilibrium propagation, or bp, back-propagation in the same layers without feedback: a teacher"},
	{"update", "KIND", "float, a float64 master with momentum, or hardware, its exact update of codes"},
	{"epochs", "N", "passes over the training samples"},
	{"momentum", "X", "of the float update"},
	{"decay", "X", "weight decay of the float update"},
	{"schedule", "KIND", "of the rates: constant, cosine, or step (a tenth after 1/2 and after 3/4)"},
	{"flip", "", "exchanges left and right in half of the training images"},
	{"crop", "N", "shifts training images by up to N pixels each way"},
	{"train-samples", "N", "training samples used, or drawn (4000) without -data"},
	{"evaluate", "", "prints loss and accuracy of -weights on the test samples"},
	{"gradcheck", "", "compares the gradient estimate of one batch with BPTT, per layer; plot with -o"},
	{"precision", "", "trains in many formats and compares accuracy and gradients, see docs/precision.md; of given -weights without training"},
	{"compare", "LIST", "prints the accuracies of runs, directories separated by commas; common plots with -o"},
	{"effect", "", "what heads do to response, update and gradient of each layer of narrow VGGs: tables and plots in -o"},
	{"linear", "", "trains a linear softmax classifier instead, without EP, as a baseline; -layers fcK"},
	{"teacher", "PATH", "of heads of kind features or logits: an NPZ file that -teach wrote, or the directory of a run"},
	{"teach", "F.npz", "writes states and logits of -weights for all training images, from which -teacher learns"},
	{"trace", "F.npz", "writes states, estimate and BPTT of one batch"},
}

const usageText = `eptrain trains a network by equilibrium propagation.

  eptrain -layers 16,M,32,M,fc10 -input-shape 1x28x28 -o run        digits that it draws itself
  eptrain -layers mnist-conv -data mnist -arith fixed -o run        in the arithmetic of the hardware
  eptrain -resume run                                              goes on where it stopped
  eptrain -layers vgg5 -gradcheck -beta 0.001                       against BPTT
  epgen -config run/config.toml -weights run/best.npz -o hardware   the trained network in hardware

Flags, with one dash or two:

`

const defaultsText = `
Without a configuration file: batch 16, beta 0.4, rate 0.04 (1 - momentum) for the last layer
and three times as much for each one below, up to 1 (1 - momentum); with up to three layers also slope 1,
gain 1, bias 0 and 20 free steps.
`

// usage writes the help text.
func usage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(usageText)
	line := func(name, value, usage string) {
		fmt.Fprintf(&b, "  %-22s %s\n", "-"+name+" "+value, usage)
	}
	for _, f := range trainFlags {
		line(f.name, f.value, f.usage)
	}
	for _, f := range networkFlags {
		line(f.name, f.value, f.usage)
	}
	b.WriteString(defaultsText)
	b.WriteString("\nPresets:\n\n")
	if err := ep.WritePresetList(&b); err != nil {
		return err
	}
	b.WriteString("\nExit status: 0 done, 2 not possible (one line on standard error says why).\n")
	_, err := io.WriteString(w, b.String())
	return err
}
