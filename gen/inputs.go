package gen

import (
	"strings"

	"epgen/ep"
	"epgen/hdl"
)

// inputJob is a region that the fetch unit reads before any slab, in one go.
type inputJob struct {
	state   int // of the fetch unit
	region  Region
	columns int
	cold    bool // not by a start that goes on from the last free equilibrium
}

// inputJobs lists what is read before the slabs, in order.
func (p *Plan) inputJobs() []inputJob {
	var list []inputJob
	for _, j := range []inputJob{
		{state: fetchLabels, region: p.Map.Labels, columns: p.labels()},
		{state: fetchInput, region: p.Map.Input, columns: p.inputWords()},
		{state: fetchEven, region: p.Map.States[0], columns: p.GivenWords[0], cold: true},
		{state: fetchOdd, region: p.Map.States[1], columns: p.GivenWords[1], cold: true},
		{state: fetchTargets, region: p.Map.Targets, columns: p.TargetWords},
		{state: fetchMeans, region: p.Map.Means, columns: p.MeanWords * b2i(p.Centered)},
	} {
		if j.columns > 0 {
			list = append(list, j)
		}
	}
	return list
}

// beginInput begins job i of a list, or, behind the last one, does what follows.
func (f *fetch) beginInput(b *hdl.Block, jobs []inputJob, i int, rest func(b *hdl.Block)) {
	begin := func(i int) func(b *hdl.Block) {
		if i == len(jobs) {
			return rest
		}
		return func(b *hdl.Block) {
			b.Set(f.state, f.states[jobs[i].state])
			f.load(b, jobs[i].region, jobs[i].columns)
		}
	}
	next := i
	if f.cold != nil && i > 0 && !jobs[i-1].cold {
		for next < len(jobs) && jobs[next].cold {
			next++
		}
	}
	if next == i {
		begin(i)(b)
		return
	}
	b.If(f.cold, begin(i)).Else(begin(next))
}

// inputStates builds the states of the fetch unit in which these jobs run.
func (f *fetch) inputStates(c *hdl.Case, rest func(b *hdl.Block)) {
	jobs := f.d.inputJobs()
	for i, j := range jobs {
		c.When(func(b *hdl.Block) {
			b.If(f.lastColumn, func(b *hdl.Block) { f.beginInput(b, jobs, i+1, rest) })
		}, f.states[j.state])
	}
}

// firstInput begins the first of these jobs, which every start has.
func (f *fetch) firstInput(b *hdl.Block) { f.beginInput(b, f.d.inputJobs(), 0, nil) }

// evenPort builds the write port of the even bank: samples lie at its begin, and behind them
// the states of even layers in the free phase.
func (f *fetch) evenPort(at *hdl.Signal, in func(state int) hdl.Value) {
	d := f.d
	width := addrBits(d.StateWords[0])
	we, addr := in(fetchInput), fit(at, width)
	if d.GivenWords[0] > 0 {
		behind := hdl.AddMod(addr, hdl.Const(hdl.U(width), int64(d.CopyBase(0, CopyFree))))
		addr = hdl.Mux(hdl.Eq(f.state, f.states[fetchEven]), behind, addr)
		we = hdl.Any(we, in(fetchEven))
	}
	f.Assign(f.Output("input_we_o", hdl.U(1)), we)
	f.Assign(f.Output("input_addr_o", hdl.U(width)), addr)
	f.Assign(f.Output("input_data_o", hdl.U(d.P*d.LaneBits)), d.narrowColumn(f.column, d.P, d.LaneBits))
}

// inputWordDoc says what the fetch unit writes to the even bank.
func (d *Design) inputWordDoc() string {
	if d.GivenWords[0] > 0 {
		return "one word of the samples, or of the initial states of even layers"
	}
	return "one word of the samples"
}

// given reports that initial states are read from external memory.
func (p *Plan) given() bool { return p.Cfg.GivenStates }

// stales reports that some passes of a phase read states from another place than others: the
// first ones find none where the initial state is a constant, or those of the free phase.
func (d *Design) stales() bool { return !d.given() || d.learns() }

// coldStarts reports that the fetch unit must know whether a start goes on from the last free
// equilibrium.
func (d *Design) coldStarts() bool { return d.given() && d.warm() }

// warm reports that a start may go on from the free equilibrium of the one before.
func (d *Design) warm() bool { return d.Cfg.Start == ep.Warm }

// inputsDoc names what the core reads before the weights.
func (d *Design) inputsDoc() string {
	list := []string{"samples"}
	if d.learns() {
		list = append([]string{"labels"}, list...)
	}
	if d.given() {
		list = append(list, "initial states")
	}
	if d.TargetWords > 0 {
		list = append(list, "targets")
	}
	if d.Centered {
		list = append(list, "running means")
	}
	last := len(list) - 1
	if last == 0 {
		return list[0]
	}
	return strings.Join(list[:last], ", ") + " and " + list[last]
}
