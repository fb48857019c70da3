package ep

import (
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"
)

func TestZZTune(t *testing.T) {
	names := strings.Fields(os.Getenv("ZZ"))
	for _, name := range names {
		cfg, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if g := os.Getenv("GAIN"); g != "" {
			cfg.Init.Gain, _ = strconv.ParseFloat(g, 64)
			cfg.Init.Bias, _ = strconv.ParseFloat(os.Getenv("BIAS"), 64)
		}
		if b := os.Getenv("BETA"); b != "" {
			cfg.Beta, _ = strconv.ParseFloat(b, 64)
		}
		if b := os.Getenv("T2"); b != "" {
			cfg.NudgeSteps, _ = strconv.Atoi(b)
		}
		var best []float64
		defer func() { t.Logf("TABLE %s %.2g", name, best) }()
		for run := range 3 {
			if os.Getenv("RUN") != "" && os.Getenv("RUN") != strconv.Itoa(run) {
				continue
			}
			cfg.Seed = uint64(run + 1)
			m, err := NewFixed(cfg)
			if err != nil {
				t.Fatal(err)
			}
			p := InitParams(&cfg.Network, cfg.Init, cfg.Seed).Quantize(&cfg.Formats)
			fs := ProceduralSamples(&cfg.Network, cfg.Batch, cfg.Seed)
			if run == 2 {
				dir := ""
				switch {
				case cfg.Network.Input == cifar:
					dir = "../../shared/data/cifar10"
				case cfg.Network.Input == Shape{1, 28, 28}:
					dir = "../../shared/data/mnist"
				default:
				}
				if dir != "" {
					fs, err = LoadDataset(dir, &cfg.Network, 0, cfg.Batch)
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			s := fs.Quantize(&cfg.Formats)
			r := newFixedRun[float64](m, p, s, nil)
			e := r.relax(cfg.FreeSteps, cfg.NudgeSteps)
			var rates, zero, med []float64
			for n := range r.layers {
				c := r.contrast(n, &e)
				z := 0
				for i := range c.w {
					c.w[i] = math.Abs(c.w[i])
					if c.w[i] == 0 {
						z++
					}
				}
				sort.Float64s(c.w)
				q := c.w[max(len(c.w)*35/100, min(z+(len(c.w)-z)/10, len(c.w)*55/100+(len(c.w)*45/100)/10))]
				la := m.arith.Layers[n]
				f := math.Ldexp(2*cfg.Beta*float64(cfg.Batch), la.ContrastFrac-cfg.Formats.Weight.Frac)
				rates = append(rates, 0.5/q*f)
				med = append(med, 0.5/c.w[len(c.w)*50/100]*f)
				zero = append(zero, float64(z)/float64(len(c.w)))
			}
			r.countStates(&e)
			var differ, on, sat []float64
			for _, st := range r.stats {
				differ = append(differ, float64(st.Differing)/float64(st.States))
				on = append(on, float64(st.Free.NonZero)/float64(st.States))
				sat = append(sat, float64(st.Free.Saturated)/float64(st.States))
			}
			t.Logf("   differ %.2g on %.2g sat %.2g", differ, on, sat)
			for len(best) < len(rates) {
				best = append(best, 0)
			}
			for i, v := range rates {
				if !math.IsInf(v, 0) {
					best[i] = math.Max(best[i], 1.5*v)
				}
			}
			t.Logf("%s %d: 65%%: %.3g 50%%: %.3g zero %.2g", name, run, rates, med, zero)
		}
	}
}
