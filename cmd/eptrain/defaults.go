package main

import (
	"math"

	"epgen/ep"
)

// trainingDefaults sets what no flag says to values to train with; those of a preset
// are meant to show one step of the hardware at work. Momentum m makes steps
// 1/(1-m) times as long in the end, which rates allow for.
func (s *settings) trainingDefaults(given map[string]bool) {
	set := func(flag string, f func()) {
		if !given[flag] {
			f()
		}
	}
	cfg := s.config
	set("head-gain", func() { cfg.Init.HeadGain = 0 })
	if hasSignals(&cfg.Network) && !s.Options.Backprop && !s.GradCheck && s.Trace == "" {
		s.signalDefaults(set)
		return
	}
	layers := len(cfg.Network.Layers)
	set("batch", func() { cfg.Batch = 16 })
	set("beta", func() { cfg.Beta = 0.4 })
	set("nudge-steps", func() { cfg.NudgeSteps = layers + 3 })
	// Tried on digits with two convolutions. Deeper networks need the slope 1/2 to settle.
	if layers <= 3 {
		set("activation", func() { cfg.Activation = ep.Unit })
		set("gain", func() { cfg.Init.Gain = 1 })
		set("bias", func() { cfg.Init.Bias = 0 })
		set("free-steps", func() { cfg.FreeSteps = 20 })
	}
	set("rates", func() {
		rate := 0.04
		for n := layers - 1; n >= 0; n-- {
			cfg.Rates[n] = s.slowed(rate)
			rate = min(3*rate, 1)
		}
	})
}

// signalDefaults are the values that a VGG-11 of 16 to 64 channels with heads on layers
// 2, 4 and 6 has learned digits with (docs/results/heads-mnist). The heads bring the
// nudge to every layer within a few steps, so that layers want equal rates and phases
// may be short; asynchronous sweeps do not oscillate where synchronous ones stall.
// Comparisons with BPTT want phases that settle, and back-propagation has none: they do
// without these values.
func (s *settings) signalDefaults(set func(flag string, f func())) {
	cfg := s.config
	set("batch", func() { cfg.Batch = 32 })
	set("beta", func() { cfg.Beta = 1 })
	set("sweep", func() { cfg.Sweep = ep.Asynchronous })
	set("free-steps", func() { cfg.FreeSteps = 20 })
	set("nudge-steps", func() { cfg.NudgeSteps = 6 })
	set("gain", func() { cfg.Init.Gain = 1.5 })
	set("bias", func() { cfg.Init.Bias = 0.3 })
	set("rates", func() {
		for n := range cfg.Rates {
			cfg.Rates[n] = s.slowed(0.1)
		}
	})
	set("head-rate", func() {
		for i := range cfg.Network.Heads {
			cfg.Network.Heads[i].Rate = 1
		}
	})
	if !s.Options.HardwareUpdate {
		set("decay", func() { s.Options.Decay = 1e-3 })
	}
}

// slowed is a rate for the momentum of the run, (1 - momentum) rate, without the dust of
// binary fractions in the last digits.
func (s *settings) slowed(rate float64) float64 {
	return math.Round((1-s.Options.Momentum)*rate*1e12) / 1e12
}

// hasSignals reports whether the network has a head on a layer other than the readout's.
func hasSignals(net *ep.Network) bool {
	for i := range net.Heads {
		if !net.Heads[i].Readout {
			return true
		}
	}
	return false
}
