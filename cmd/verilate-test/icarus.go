package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"epgen/sim/icarus"
)

// icarusJobs lists the networks, each simulated in Icarus Verilog.
func icarusJobs() []job {
	var list []job
	for i := range networks {
		n := &networks[i]
		list = append(list, job{name: n.name, slow: n.slow, run: func(ctx context.Context, dir string) result {
			return n.testInIcarus(ctx, filepath.Join(dir, n.name))
		}})
	}
	return list
}

// icarusRuns are made of each network: memory that is always ready, and stalls.
var icarusRuns = []struct {
	name string
	icarus.Run
}{{"ready", icarus.Run{}}, {"stalls", icarus.Run{Stall: true, Seed: 5}}}

// testInIcarus generates a network and simulates two starts of it, twice.
func (n *network) testInIcarus(ctx context.Context, dir string) result {
	var r result
	err := n.write(dir)
	if errors.Is(err, errNoData) {
		r.lines = append(r.lines, fmt.Sprintf("skip  %-17s %v", n.name, err))
		return r
	}
	for _, run := range icarusRuns {
		start := time.Now()
		var found *icarus.Result
		if err == nil {
			found, err = simulate(ctx, dir, run.Run)
		}
		line := fmt.Sprintf("%-17s %-6s %6.1f s", n.name, run.name, time.Since(start).Seconds())
		r.note(line, found, err)
	}
	return r
}

func simulate(ctx context.Context, dir string, run icarus.Run) (*icarus.Result, error) {
	p, err := icarus.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := p.Build(ctx); err != nil {
		return nil, err
	}
	return p.Run(ctx, run)
}

// note adds a run in Icarus Verilog to the result: what was found, or why it could not run.
func (r *result) note(line string, found *icarus.Result, err error) {
	switch {
	case err != nil:
		r.failed++
		r.lines = append(r.lines, "FAIL  "+line+"  "+err.Error())
	case len(found.Differences) > 0:
		r.failed++
		r.lines = append(r.lines, "FAIL  "+line+"  "+found.Differences[0])
	default:
		r.passed++
		r.lines = append(r.lines, fmt.Sprintf("ok    %s  %s cycles, %d values on chip, %d beats of memory, twice", line, found.Cycles, found.Compared/2, found.Beats))
	}
}
