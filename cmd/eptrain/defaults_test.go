package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/ep"
)

// values are what trainingDefaults chooses, but for the rates of layers.
type values struct {
	Batch, FreeSteps, NudgeSteps int
	Beta, Gain, Bias, HeadGain   float64
	Sweep                        ep.Sweep
	HeadRate                     float64
	Decay                        float64
}

func valuesOf(c *ep.Config, decay float64) values {
	return values{c.Batch, c.FreeSteps, c.NudgeSteps, c.Beta, c.Init.Gain, c.Init.Bias, c.Init.HeadGain, c.Sweep, c.Network.Heads[0].Rate, decay}
}

// TestSignalDefaults checks that a network with intermediate signals trains, when no flag
// says otherwise, by the configuration that the page on digits with heads reports, but neither
// for comparisons with BPTT nor by back-propagation.
func TestSignalDefaults(t *testing.T) {
	const net = "-layers 16,M,32,M,32,64,M,64,64,M,64,64,M,fc10 -input-shape 1x32x32 -loss ce -heads 2,4,6 "
	draft := &ep.Draft{}
	if err := draft.ReadTOML(filepath.Join("..", "..", "docs", "results", "heads-mnist", "fixed.toml")); err != nil {
		t.Fatal(err)
	}
	page, _, err := draft.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	learned := valuesOf(page, 1e-3)
	mine := learned
	mine.Beta, mine.Sweep, mine.Decay, mine.HeadRate = 2, ep.Synchronous, 0, 0.2
	settling := values{Batch: 16, FreeSteps: 40, NudgeSteps: 11, Beta: 0.4, Gain: 1.5, Bias: 0.5, HeadRate: 0.5}
	for flags, want := range map[string]values{
		"-o run": learned,
		"-o run -beta 2 -sweep synchronous -decay 0 -head-rate 0.2": mine,
		"-gradcheck":           settling,
		"-algorithm bp -o run": settling,
	} {
		s, err := parse(strings.Fields(net + " " + flags))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, valuesOf(s.config, s.Options.Decay)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", flags, diff)
		}
		if diff := cmp.Diff(page.Rates, s.config.Rates); diff != "" && want != settling {
			t.Errorf("%s: rates (-want +got):\n%s", flags, diff)
		}
	}
}
