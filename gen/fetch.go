package gen

import "epgen/hdl"

// States of the fetch unit.
const (
	fetchIdle = iota
	fetchLabels
	fetchInput
	fetchWait
	fetchSlab
	fetchHold  // only with a monitor
	fetchMeans // only with centred heads
	fetchTargets
	fetchKept // only where updates keep something
	fetchEven // only where initial states are given: those of even layers
	fetchOdd  // and of odd ones
)

// fetch is ep_fetch under construction.
type fetch struct {
	*hdl.Module
	d                                 *Design
	start, infer, abort, base         hdl.Value
	state, addr, left, columns        *hdl.Signal
	visit, slab, step, fillBank, full *hdl.Signal
	rdata, take                       hdl.Value   // a beat, which is taken
	ready                             *hdl.Signal // for a beat
	column, columnValid, lastColumn   *hdl.Signal
	outstanding, errorQ, first        *hdl.Signal
	slabWord, request, burstLen       *hdl.Signal
	counted, arValid                  *hdl.Signal
	rec                               record
	states                            []hdl.Value // nil where the unit does not have one
	lastSlab                          hdl.Value   // of the visit
	lastStep                          hdl.Value   // without a monitor
	repeat                            hdl.Value   // the visit that begins a time step
	certain, relaxed                  hdl.Value   // with a monitor
	nudged                            hdl.Value   // with a monitor and heads
	cold                              hdl.Value   // where not every start reads initial states
	kept                              fetchKeptWiring
}

// fetch builds ep_fetch: the AXI4 read master that brings labels, samples and
// slabs, each slab as soon as half of the slab buffer is free.
func (d *Design) fetch() *hdl.Module {
	f := &fetch{Module: hdl.NewModule("ep_fetch"), d: d}
	f.Doc("AXI4 read master: "+d.inputsDoc()+", then "+d.fetchDoc()+
		"No burst crosses a multiple of %d beats, and so\n"+
		"none crosses 4 KB; up to %d are in flight. After abort_i the bursts already requested\n"+
		"are taken and forgotten.",
		d.burst(), d.Cfg.Memory.Outstanding)
	f.ports()
	f.registers()
	f.requests()
	f.responses()
	f.gather()
	f.destinations()
	if d.onChip() {
		f.loadAll()
	} else {
		f.jobs()
	}
	return f.Module
}

func (f *fetch) ports() {
	one := hdl.U(1)
	f.Group("Clock and synchronous reset")
	f.Clock("clk_i")
	f.Reset("rst_ni")
	f.Group("Control")
	f.start = f.Input("start_i", one, "begin "+f.d.taskOf())
	if !f.d.onChip() && f.d.learns() {
		f.infer = f.Input("infer_run_i", one, "free phase only")
	}
	if f.d.coldStarts() {
		f.cold = f.Input("cold_run_i", one, "the run begins at the given states")
	}
	f.abort = f.Input("abort_i", one, "request nothing more")
	f.base = f.Input("base_i", hdl.U(64), "byte address of the memory map, a multiple of 4096")
}

// registers declares where the unit stands.
func (f *fetch) registers() {
	d, one := f.d, hdl.U(1)
	rec, rows := d.fetchRecord()
	f.rec = rec
	f.Group("Jobs: what is fetched next")
	f.declareStates()
	f.addr = f.Reg("addr_q", hdl.U(d.beatAddrBits()), "next beat to request")
	f.left = f.Reg("left_q", hdl.U(rec[0].bits), "beats to request")
	f.columns = f.Reg("columns_q", hdl.U(rec[1].bits), "columns to come")
	f.visit = f.Reg("visit_q", hdl.U(addrBits(len(rows))))
	f.slab = f.Reg("slab_q", hdl.U(rec[2].bits))
	switch {
	case d.onChip():
	case d.monitored():
		f.step = f.Reg("step_q", hdl.U(2), "time steps whose slabs are fetched, modulo 4")
	default:
		f.step = f.Reg("step_q", hdl.U(addrBits(d.fetchSteps(!d.learns()))), "time steps whose slabs are fetched")
	}
	if !d.onChip() {
		f.fillBank = f.Reg("fill_bank_q", one, "half of the slab buffer being filled")
		f.full = f.Reg("full_q", hdl.U(2), "halves that hold a slab")
	}
	f.slabWord = f.ROM("visit_rom", f.visit, hdl.U(rec.width()), rows)
	f.lastColumn = f.Wire("last_column", one, "the job's last column arrives")
	f.errorQ = f.Reg("error_q", one, "a read was answered with an error")
}

// declareStates declares the state and the codes of the states that the unit has.
func (f *fetch) declareStates() {
	d := f.d
	state := hdl.U(3)
	if d.keeps() && d.Centered || d.given() {
		state = hdl.U(4)
	}
	f.state = f.Reg("state_q", state)
	absent := map[int]bool{
		fetchLabels:  d.labels() == 0,
		fetchHold:    !d.monitored() || d.onChip(),
		fetchMeans:   !d.Centered,
		fetchTargets: d.TargetWords == 0,
	}
	for i, name := range []string{"IDLE", "LABELS", "INPUT", "WAIT", "SLAB", "HOLD", "MEANS", "TARGETS"} {
		if absent[i] {
			f.states = append(f.states, nil)
			continue
		}
		f.states = append(f.states, f.Localparam(name, state, int64(i)))
	}
	if d.keeps() {
		code := fetchKept
		if !d.Centered { // the code of MEANS is free
			code = fetchMeans
		}
		f.states = append(f.states, f.Localparam("KEPT", state, int64(code)))
		f.kept.again = f.Reg("again_q", hdl.U(1), "the words are fetched for the second walk")
	} else {
		f.states = append(f.states, nil)
	}
	for bank, name := range []string{"EVEN", "ODD"} {
		if d.GivenWords[bank] == 0 {
			f.states = append(f.states, nil)
			continue
		}
		f.states = append(f.states, f.Localparam(name, state, int64(fetchEven+bank)))
	}
}
