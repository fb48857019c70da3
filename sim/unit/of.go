package unit

import (
	"fmt"
	"strings"

	"epgen/gen"
)

// Of returns the benches of the blocks of any design, by the name of the block. Some have
// none: the datapath and the top, whose work is seen in the whole design alone.
func Of(name string, accelerator *gen.Design) map[string][]*Bench {
	d := design{name, accelerator}
	benches := map[string][]*Bench{}
	var all []*Bench
	add := func(list ...*Bench) {
		for _, b := range list {
			if _, err := d.Block(b.block()); err == nil {
				benches[b.block()] = append(benches[b.block()], b)
				all = append(all, b)
			}
		}
	}
	add(memoryBenches(d)...)
	if d.Arith.Keeps.Any() || d.Cfg.DecayShift > 0 {
		add(keptLaneBench(d))
	} else {
		add(updateBench(d, false))
	}
	add(arrayBench(d), operandsBench(d), randomKeyBench(d), drainBench(d), keptBench(d),
		walkerBench(d), tableBench(d, true), tableBench(d, false), laneBench(d), storeBench(d),
		registersBench(d), lateRegistersBench(d), headBench(d), averageBench(d), sequencerBench(d), fetchBench(d))
	inGroup("design-"+name, all...)
	return benches
}

// block is the name of the block.
func (b *Bench) block() string {
	block, _, _ := strings.Cut(b.Name, "/")
	return block
}

// Against plays the bench to a changed block and, if that is not known to pass, beside it in
// the same simulator to the block as it is. change returns the new text of one of the block's
// files.
func (b *Bench) Against(dir string, sound bool, change func(file, text string) (string, error)) (Result, error) {
	var failed error
	whole, changed := *b, *b
	changed.Name += "/changed"
	changed.edit = func(file, text string) string {
		after, err := change(file, text)
		if err != nil && failed == nil {
			failed = err
		}
		if b.edit != nil {
			after = b.edit(file, after)
		}
		return after
	}
	g := &group{name: "against", benches: []*Bench{&changed}, lenient: true}
	if !sound {
		g.benches = append(g.benches, &whole)
	}
	results, err := g.simulate(dir)
	if failed != nil {
		err = failed
	}
	if err != nil {
		return Result{}, err
	}
	if r := results[whole.Name]; !sound && !r.Passed() {
		return Result{}, fmt.Errorf("bench of the unchanged block: %v", r)
	}
	return results[changed.Name], nil
}
