package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/sim/icarus"
	"epgen/sim/synth"
)

// gateCycles is the longest training step of a network that is simulated gate by gate.
const gateCycles = 3000

// gateNetworks are small enough for the simulation of their netlists: arrays up to 2x2, formats
// up to 8 bits, training steps of at most gateCycles.
var gateNetworks = []network{
	{name: "gates", list: "3,M,fc2", input: ep.Shape{C: 2, H: 4, W: 4}, set: func(c *ep.Config) {
		narrow(c, 7)
	}},
	{name: "gates-live", list: "3s2,M,2,fc2", input: ep.Shape{C: 1, H: 8, W: 6}, set: func(c *ep.Config) {
		narrow(c, 5)
		c.PoolIndex, c.Sweep, c.Estimate = ep.Live, ep.Asynchronous, ep.Positive
		c.Array.Rows, c.Array.Columns = 2, 1
	}},
	{name: "gates-random", list: "2,A,fc3", input: ep.Shape{C: 1, H: 4, W: 4}, set: func(c *ep.Config) {
		narrow(c, 6)
		c.Formats.UpdateRounding, c.Estimate, c.Seed, c.Output = fixedpoint.Stochastic, ep.RandomSign, 3, ep.Linear
		c.Formats.Output = format(true, 1, 6)
	}},
	{name: "gates-on-chip", list: "2b0,M,fc2", input: ep.Shape{C: 1, H: 4, W: 4}, set: func(c *ep.Config) {
		narrow(c, 7)
		c.Memory.Weights, c.Damping, c.Array.Size = ep.OnChip, 1, 1
		c.MinSteps, c.Tolerance = 2, 8
	}},
	{name: "gates-heads", list: "2,M,2k1,fc2", input: ep.Shape{C: 1, H: 4, W: 4}, set: func(c *ep.Config) {
		narrow(c, 7)
		c.Formats.HeadWeight, c.Formats.HeadBias, c.Formats.Probability = format(true, 2, 5), format(true, 3, 4), format(false, 0, 7)
		heads(c, true, nil)
	}},
}

// narrow sets all formats to so many bits beside the sign, two steps a phase, a 2x2 array and a
// port of 32 bits.
func narrow(c *ep.Config, bits int) {
	c.Formats.Input, c.Formats.State = format(true, 0, bits), format(false, 0, bits)
	c.Formats.Weight, c.Formats.Bias = format(true, 0, bits), format(true, 1, bits-1)
	c.FreeSteps, c.NudgeSteps = 3, 2
	c.Array.Size, c.Memory.DataWidth, c.Memory.ReadLatency = 2, 32, 4
}

// netlists are what each network is simulated as: first its Verilog, which tells a fault of the
// network from one of the netlist.
var netlists = []synth.Flow{"", synth.Generic, synth.ICE40}

// gateJobs lists the networks, each simulated as Verilog, as gates and as cells.
func gateJobs() []job {
	var list []job
	for i := range gateNetworks {
		n := &gateNetworks[i]
		list = append(list, job{name: n.name, run: func(ctx context.Context, dir string) result {
			return n.testGates(ctx, filepath.Join(dir, n.name))
		}})
	}
	return list
}

// testGates generates a network and simulates two starts of each of its netlists, with memory
// that is always ready and with stalls.
func (n *network) testGates(ctx context.Context, dir string) result {
	var r result
	var p *icarus.Package
	err := n.write(dir)
	if err == nil {
		p, err = icarus.Open(dir)
	}
	if err == nil {
		if cycles := p.Design.Estimate(p.Design.Cfg.Memory.ReadLatency).Cycles; cycles > gateCycles {
			err = fmt.Errorf("a training step takes %d cycles, want at most %d", cycles, gateCycles)
		}
	}
	if err != nil {
		return result{failed: 1, lines: []string{fmt.Sprintf("FAIL  %-13s %v", n.name, err)}}
	}
	for _, flow := range netlists {
		name := string(flow)
		build := func() error { return p.BuildGates(ctx, flow) }
		if flow == "" {
			name, build = "verilog", func() error { return p.Build(ctx) }
		}
		start := time.Now()
		if err := build(); err != nil {
			r.failed++
			r.lines = append(r.lines, fmt.Sprintf("FAIL  %-13s %-8s build   %v", n.name, name, err))
			continue
		}
		r.lines = append(r.lines, fmt.Sprintf("      %-13s %-8s build  %5.1f s", n.name, name, time.Since(start).Seconds()))
		for _, run := range icarusRuns {
			start := time.Now()
			found, err := p.Run(ctx, run.Run)
			line := fmt.Sprintf("%-13s %-8s %-6s %5.1f s", n.name, name, run.name, time.Since(start).Seconds())
			r.note(line, found, err)
		}
	}
	return r
}
