package docs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"epgen/ep"
	"epgen/gen"
	"epgen/sim"
)

// blocks makes the generated parts of the pages by name.
var blocks = map[string]func() (string, error){
	"configuration": configuration,
	"layer-cycles":  layerCycles,
	"make":          makeTargets,
	"memories":      memories,
	"neuron":        func() (string, error) { return fence(workedNeuron) },
	"precision":     func() (string, error) { return fence(precision) },
	"presets":       func() (string, error) { return plain(ep.WritePresets) },
	"presets-short": presetsShort,
	"quantities":    quantities,
	"registers":     registers,
	"summary":       summary,
	"utilisation":   utilisation,
}

// plain returns what write writes.
func plain(write func(io.Writer) error) (string, error) {
	var b bytes.Buffer
	err := write(&b)
	return b.String(), err
}

// fence returns what write writes, as a block of code.
func fence(write func(io.Writer) error) (string, error) {
	text, err := plain(write)
	return "```\n" + strings.TrimRight(text, "\n") + "\n```\n", err
}

// design returns the accelerator of a preset with some samples on chip.
func design(preset string, batch int) (*gen.Design, error) {
	cfg, err := ep.Preset(preset)
	if err != nil {
		return nil, err
	}
	cfg.Batch = batch
	return gen.New(cfg)
}

// precision is the table of the study of formats as eptrain has written it.
func precision(w io.Writer) error {
	text, err := os.ReadFile(filepath.Join("results", "precision", "precision.txt"))
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// presetsShort is a table of one line per preset.
func presetsShort() (string, error) {
	return plain(func(w io.Writer) error {
		fmt.Fprintln(w, "| preset | input | layers | weights | products | array | T1, T2 |")
		fmt.Fprintln(w, "|---|---|---|--:|--:|---|---|")
		for _, name := range ep.PresetNames() {
			cfg, err := ep.Preset(name)
			if err != nil {
				return err
			}
			weights, products := 0, 0
			for i := range cfg.Network.Layers {
				l := &cfg.Network.Layers[i]
				weights += l.Weights()
				if i > 0 {
					products += l.Products()
				}
			}
			fmt.Fprintf(w, "| `%s` | %v | `%s` | %s | %s | %dx%d | %d, %d |\n", name, cfg.Network.Input,
				cfg.Network.Notation(), thousands(weights), thousands(products), cfg.Array.Size, cfg.Array.Size,
				cfg.FreeSteps, cfg.NudgeSteps)
		}
		return nil
	})
}

// thousands prints a count with separators.
func thousands(v int) string {
	s := fmt.Sprint(v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// targetLine matches a documented target of the Makefile.
var targetLine = regexp.MustCompile(`(?m)^([a-z0-9-]+):.*## (.*)$`)

// makeTargets is the table of the targets that the Makefile documents.
func makeTargets() (string, error) {
	text, err := os.ReadFile(filepath.Join("..", "Makefile"))
	if err != nil {
		return "", err
	}
	b := "| target | |\n|---|---|\n"
	for _, m := range targetLine.FindAllStringSubmatch(string(text), -1) {
		b += fmt.Sprintf("| `make %s` | %s |\n", m[1], m[2])
	}
	return b, nil
}

// summary is what epgen prints for the smallest preset, but for the times.
func summary() (string, error) {
	d, err := design("tiny", 1)
	if err != nil {
		return "", err
	}
	return fence(func(w io.Writer) error {
		fmt.Fprintln(w, "$ go run ./cmd/epgen --layers tiny -o out")
		fmt.Fprintf(w, "tiny: input %v, batch %d, %d free and 2 x %d nudged steps, %v indices\n\n",
			d.Cfg.Network.Input, d.Cfg.Batch, d.Cfg.FreeSteps, d.Cfg.NudgeSteps, d.Cfg.PoolIndex)
		if err := sim.WriteLayers(w, d.Plan); err != nil {
			return err
		}
		fmt.Fprintln(w)
		return sim.WriteFigures(w, d)
	})
}

// configuration is the resolved configuration of the smallest preset.
func configuration() (string, error) {
	cfg, err := ep.Preset("tiny")
	if err != nil {
		return "", err
	}
	return fence(func(w io.Writer) error {
		return ep.WriteTOML(w, cfg, sim.PackageSources(cfg))
	})
}

// registers is sw/registers.txt of the smallest preset.
func registers() (string, error) {
	d, err := design("tiny", 1)
	if err != nil {
		return "", err
	}
	return fence(func(w io.Writer) error {
		_, err := w.Write(d.RegisterText())
		return err
	})
}

// quantities lists the formats and proved ranges of the smallest preset.
func quantities() (string, error) {
	d, err := design("tiny", 1)
	if err != nil {
		return "", err
	}
	b := "| layer | quantity | format | bits | lowest | highest |\n|---|---|---|--:|--:|--:|\n"
	for _, q := range sim.Quantities(d.Plan) {
		b += fmt.Sprintf("| %s | %s | %s | %d | %.6g | %.6g |\n", q.Layer, q.Name, q.Format, q.Bits, q.Low, q.High)
	}
	return b, nil
}
