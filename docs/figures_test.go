package docs

import (
	"fmt"

	"epgen/gen"
)

// batches are the numbers of resident samples that the tables compare.
var batches = []int{1, 4}

// estimates returns the predictions for VGG-11 by number of resident samples.
func estimates() (map[int]*gen.Estimate, error) {
	list := map[int]*gen.Estimate{}
	for _, batch := range batches {
		d, err := design("vgg11", batch)
		if err != nil {
			return nil, err
		}
		list[batch] = d.Estimate(d.Cfg.Memory.ReadLatency)
	}
	return list, nil
}

// utilisation says where the cycles of a training step of VGG-11 go.
func utilisation() (string, error) {
	list, err := estimates()
	if err != nil {
		return "", err
	}
	b := "| VGG-11, 16x16, 256-bit port | B = 1 | B = 4 |\n|---|--:|--:|\n"
	row := func(name string, value func(*gen.Estimate) string) {
		b += "| " + name
		for _, batch := range batches {
			b += " | " + value(list[batch])
		}
		b += " |\n"
	}
	count := func(name string, value func(*gen.Estimate) int) {
		row(name, func(e *gen.Estimate) string { return thousands(value(e)) })
	}
	share := func(name string, value func(*gen.Estimate) int) {
		row(name, func(e *gen.Estimate) string { return percent(float64(value(e)) / float64(e.Cycles)) })
	}
	row("utilisation of relaxation, layer 1 apart", func(e *gen.Estimate) string { return percent(e.RelaxUtilization) })
	row("utilisation of the update, layer 1 apart", func(e *gen.Estimate) string { return percent(e.UpdateUtilization) })
	row("utilisation of the whole training step", func(e *gen.Estimate) string { return percent(e.MACUtilization) })
	count("cycles of a training step", func(e *gen.Estimate) int { return e.Cycles })
	share("an operation is issued (ARRAY)", func(e *gen.Estimate) int { return e.ArrayCycles })
	share("of these, activation: no products", act)
	share("waiting for labels, samples, slabs (WAIT_FETCH)", func(e *gen.Estimate) int { return e.WaitFetchCycles })
	share("waiting for drain and store (WAIT_STORE)", func(e *gen.Estimate) int { return e.WaitStoreCycles })
	share("set-up, fill and flush of passes (OVERHEAD)", func(e *gen.Estimate) int { return e.OverheadCycles })
	return b, nil
}

// act returns the cycles of the activation of all layers.
func act(e *gen.Estimate) int {
	n := 0
	for i := range e.Layers {
		n += e.Layers[i].Act
	}
	return n
}

// layerCycles shows for each layer of VGG-11 how busy it keeps the array, and the
// bandwidth that it needs for that.
func layerCycles() (string, error) {
	list, err := estimates()
	if err != nil {
		return "", err
	}
	b := "| layer | weights per step, bytes | relax | update | wait | bytes per cycle | relax | update | wait | bytes per cycle |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
	for i := range list[1].Layers {
		b += fmt.Sprintf("| %s | %s", list[1].Layers[i].Name, thousands(list[1].Layers[i].BytesPerStep))
		for _, batch := range batches {
			l := &list[batch].Layers[i]
			b += fmt.Sprintf(" | %s | %s | %s | %.1f", percent(l.RelaxUtilization), percent(l.UpdateUtilization),
				percent(float64(l.WaitFetch)/float64(list[batch].Cycles)), l.BytesPerCycle)
		}
		b += " |\n"
	}
	return b, nil
}

// memories lists the memories of VGG-11 with one resident sample.
func memories() (string, error) {
	d, err := design("vgg11", 1)
	if err != nil {
		return "", err
	}
	total := d.Estimate(1).Hardware
	b := "| memory | words x bits | count | bits |\n|---|--:|--:|--:|\n"
	for _, m := range total.Memories {
		b += fmt.Sprintf("| `%s.%s` | %s x %d | %d | %s |\n", m.Module, m.Name, thousands(m.Depth), m.Width, m.Count,
			thousands(m.Depth*m.Width*m.Count))
	}
	return b + fmt.Sprintf("| all | | | %s |\n", thousands(total.MemoryBits)), nil
}
