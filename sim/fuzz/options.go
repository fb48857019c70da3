package fuzz

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Option draws the value of one key of configuration files.
type Option struct {
	Key  string
	Draw func(r *rand.Rand) string // the value as a flag has it; "" leaves the default
}

// Options is the table of what is drawn. Each key has a random stream of its
// own: a line more leaves the draws of the others as they were.
var Options = []Option{
	{"network.input", func(r *rand.Rand) string {
		return fmt.Sprintf("%dx%dx%d", 1+r.IntN(5), 1+r.IntN(11), 1+r.IntN(11))
	}},
	{"network.layers", layers},
	{"seed", func(r *rand.Rand) string { return fmt.Sprint(r.IntN(1000)) }},

	{"phases.batch", among("1", "1", "2", "3", "5")},
	{"phases.free-steps", among("3", "1", "2", "5")},
	{"phases.nudge-steps", among("2", "1", "3")},
	{"phases.beta", among("1", "0.5", "0.25", "2")},
	{"phases.damping", among("0", "0", "1", "3")},
	{"phases.initial-state", among("0", "0", "0.5")},
	{"phases.initial-states", among("", "", "random")},
	{"phases.start", among("cold", "warm")},
	{"phases.estimate", among("symmetric", "positive", "negative", "random-sign", "points", "points")},
	{"phases.betas", among("", "", "0.5,-0.5,1,-1", "1,0.5,-0.5")},
	{"phases.beta-weights", among("", "", "8,-8,-1,1", "1,2,-3")},
	{"phases.min-steps", among("0", "0", "2")},
	{"phases.tolerance", among("0", "3", "2000")},
	{"phases.pool-index", among("frozen", "live")},
	{"phases.schedule", among("synchronous", "asynchronous")},
	{"phases.nudge", among("inside", "inside", "outside")},
	{"phases.output", among("clamped", "clamped", "linear")},
	{"phases.activation", among("half", "unit")},

	{"network.loss", among("mse", "ce")},
	{headsKey, drawHeads},
	{distilKey, among("2,0.5", "1,0.25", "5,1")},

	{"learning.frozen", among("", "", "1", "2")},
	{"learning.clip", among("0", "0", "0.4")},
	{"learning.host-rates", among("false", "false", "true")},
	{"learning.accumulate", among("1", "1", "1", "2", "3")},
	{"learning.decay-shift", among("0", "0", "0", "1", "6", "20")},
	{"learning.momentum-shift", among("0", "0", "0", "1", "4")},
	{"formats.master-bits", among("0", "0", "0", "1", "6", "13")},
	{"sequence.starts", among("1", "1", "2", "3")},

	{"formats.input", among("Q0.15", "Q0.7", "Q1.9", "UQ0.8", "Q2.13")},
	{"formats.state", among("UQ0.15", "UQ0.7", "UQ0.4", "UQ0.12", "UQ1.9", "UQ0.16")},
	{"formats.output", among("Q1.15", "Q0.7", "Q2.12", "Q0.9")},
	{"formats.weight", among("Q1.14", "Q0.7", "Q2.9", "Q0.3", "Q1.16")},
	{"formats.bias", among("Q1.14", "Q1.6", "Q3.8", "Q0.20", "Q1.2")},
	{"formats.layer-state", lists("UQ0.4", "UQ0.7", "UQ0.12", "UQ1.9", "UQ0.16")},
	{"formats.layer-weight", lists("Q1.14", "Q0.7", "Q2.9", "Q0.3", "Q1.16")},
	{"formats.layer-bias", lists("Q1.14", "Q1.6", "Q3.8", "Q0.20", "Q1.2")},
	{"phases.layer-initial", lists("0", "0.3", "1", "0.7")},
	{"formats.target", among("UQ1.15", "UQ1.7", "UQ0.8", "UQ1.4")},
	{"formats.beta", among("UQ4.8", "UQ2.3", "UQ4.12")},
	{"formats.head-weight", among("Q3.12", "Q2.5", "Q1.16", "Q4.8")},
	{"formats.head-bias", among("Q3.12", "Q2.5", "Q1.20")},
	{"formats.probability", among("UQ0.15", "UQ0.7", "UQ1.10", "UQ0.4")},
	{"formats.error", among("Q2.13", "Q1.6", "Q3.9")},
	{"formats.lambda", among("UQ4.8", "UQ2.6", "UQ4.12")},
	{"formats.logit", among("Q7.8", "Q1.3", "Q2.20", "Q0.9")},
	{"formats.rate-bits", among("16", "8", "3", "24")},
	{"formats.difference-bits", among("0", "0", "0", "0", "8", "3", "12")},
	{"formats.difference-shift", among("4", "0", "7", "6,3,1", "1,5,2", "9,2")},
	{"formats.state-rounding", among("nearest-even", "nearest-up", "truncate")},
	{"formats.update-rounding", among("nearest-even", "nearest-up", "truncate", "stochastic")},

	{"array.size", among("2", "1", "4", "8", "3", "6")},
	{"array.rows", among("", "", "1", "2", "4", "8", "3", "6")},
	{"array.columns", among("", "", "1", "2", "4", "8", "3", "6")},

	{"memory.data-width", among("64", "32", "128", "256", "512")},
	{"memory.weights", among("external", "external", "on-chip")},
	{"memory.burst-beats", among("8", "1", "3", "16", "64")},
	{"memory.outstanding", among("2", "1", "4", "7")},
	{"memory.read-latency", among("8", "1", "33")},

	{"init.gain", among("1.5", "0.7", "3")},
	{"init.bias", among("0.5", "0.1", "-0.2")},
}

// among draws one of some values. The first is the simplest.
func among(values ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return values[r.IntN(len(values))] }
}

// lists draws, for one design in four, values for layer after layer; see fitLists.
func lists(values ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		if r.IntN(4) != 0 {
			return ""
		}
		list := make([]string, 1+r.IntN(6))
		for i := range list {
			list[i] = values[r.IntN(len(values))]
		}
		return strings.Join(list, ",")
	}
}

// layers draws a list: convolutions, pooled or not, then dense layers.
func layers(r *rand.Rand) string {
	var list []string
	chance := func(n int) bool { return r.IntN(n) == 0 }
	suffix := func() string {
		if chance(5) {
			return "b0"
		}
		return ""
	}
	convs, dense := r.IntN(4), r.IntN(3)
	if convs+dense == 0 {
		dense = 1
	}
	if chance(20) {
		convs += r.IntN(8)
	}
	for range convs {
		token := fmt.Sprint(1 + r.IntN(9))
		kernel := []int{3, 3, 1, 5, 7}[r.IntN(5)]
		if kernel != 3 {
			token += fmt.Sprintf("k%d", kernel)
		}
		if chance(2) {
			token += fmt.Sprintf("p%d", r.IntN(kernel))
		}
		if chance(4) {
			token += "s2"
		}
		list = append(list, token+suffix())
		switch r.IntN(5) {
		case 0, 1:
			list = append(list, "M")
		case 2:
			list = append(list, "A")
		}
	}
	for range dense {
		list = append(list, fmt.Sprintf("fc%d%s", 1+r.IntN(11), suffix()))
	}
	return strings.Join(list, ",")
}
