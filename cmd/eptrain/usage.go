package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"epgen/cmd/internal/cli"
	"epgen/ep"
)

// otherWords are the flags of settings whose meaning for training needs words of its own.
var otherWords = map[string]string{
	"batch":           "samples of a mini-batch",
	"host-rates":      "true: -update hardware follows -schedule by the mantissas of its registers",
	"weights":         "initial weights layer1.weight [Cout, Cin, KH, KW], layer1.bias [Cout], ...",
	"data":            "directory of MNIST or CIFAR files, gzipped or not; a procedural set without it",
	"input":           "samples x [B, C, H, W] and y [B] of -gradcheck, -precision and -trace; the first test samples without it",
	"initial-states":  "states in which the free phases begin: F.npz of state1 [N, C, H, W], state2, ..., a row for each training image, or random; a row for each sample with -gradcheck and -trace",
	"update-rounding": "of the hardware's update: nearest-even, nearest-up, truncate or stochastic",
	"seed":            "seed of weights, order and augmentation",
}

// hardwareOnly are the flags of settings that training does not have.
var hardwareOnly = []string{"build", "rate-factor", "data-part", "first-sample", "starts", "task", "logit-format",
	"array", "array-rows", "array-columns", "memory-width", "burst-beats", "outstanding", "read-latency", "weight-memory", "slab-bits"}

// networkFlags are the flags that stand for a key of the configuration file: those of
// epgen.
var networkFlags = trainingFlags()

func trainingFlags() []cli.SettingFlag {
	var flags []cli.SettingFlag
	for _, f := range cli.SettingFlags {
		if slices.Contains(hardwareOnly, f.Name) {
			continue
		}
		if text, ok := otherWords[f.Name]; ok {
			f.Usage = text
		}
		flags = append(flags, f)
	}
	return flags
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
gain 1, bias 0 and 20 free steps. With heads on layers below the readout: batch 32, beta 1, asynchronous
sweeps, 20 free and 6 nudged ones, gain 1.5, bias 0.3, decay 0.001, rate 0.1 (1 - momentum) for all layers and
1 for heads and readout.
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
		line(f.Name, f.Value, f.Usage)
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
