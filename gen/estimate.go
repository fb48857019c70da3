package gen

// Estimate is the prediction of the generator for one training step or, in an inference build, one inference, with a
// memory whose READY is always high and whose read latency is ReadLatency:
// cycles exactly, products, bandwidth and the census of the Verilog.
type Estimate struct {
	ReadLatency int `json:"read_latency"`
	Cycles      int `json:"cycles"` // of CYCLES, from the cycle after START to the end of BUSY

	ArrayCycles     int `json:"array_cycles"`      // ARRAY
	WaitFetchCycles int `json:"wait_fetch_cycles"` // WAIT_FETCH
	WaitStoreCycles int `json:"wait_store_cycles"` // WAIT_STORE
	OverheadCycles  int `json:"overhead_cycles"`   // OVERHEAD

	RelaxUtilization  float64 `json:"relax_utilization"`  // useful products per multiplier and cycle, layer 1 apart
	UpdateUtilization float64 `json:"update_utilization"` // layer 1 apart
	MACUtilization    float64 `json:"mac_utilization"`    // all products, all cycles

	RelaxProducts  int `json:"relax_products"`  // useful products of all relaxation steps, and of the readout of an inference
	UpdateProducts int `json:"update_products"` // of the update

	Phases []PhaseEstimate `json:"phases"`
	Layers []LayerEstimate `json:"layers"`
	Heads  []LayerEstimate `json:"heads,omitempty"` // likewise: averages, errors and both directions count as relaxation

	HeadCycles int `json:"head_cycles,omitempty"` // all that heads take, waiting for their slabs included

	Hardware
}

// Hardware is what the text of the Verilog states, before any sharing or pruning
// by a synthesiser.
type Hardware struct {
	RegisterBits int             `json:"register_bits"`
	MemoryBits   int             `json:"memory_bits"`
	MuxBits      int             `json:"mux_bits"` // 2:1 multiplexers
	ROMBits      int             `json:"rom_bits"`
	Multipliers  []MultiplierUse `json:"multipliers"`
	Memories     []MemoryUse     `json:"memories"`
	Modules      []ModuleUse     `json:"modules"`

	Resources []ResourceEstimate `json:"resources"` // expected of a synthesiser
}

// MultiplierUse counts multipliers by the widths of their operands.
type MultiplierUse struct {
	ABits int `json:"a_bits"`
	BBits int `json:"b_bits"`
	Count int `json:"count"`
}

// MemoryUse counts memories of one shape.
type MemoryUse struct {
	Module string `json:"module"`
	Name   string `json:"name"`
	Width  int    `json:"width"`
	Depth  int    `json:"depth"`
	Count  int    `json:"count"`
	Bits   int    `json:"bits"` // of all of them
}

// ModuleUse is one module without its instances; figures are for one use.
type ModuleUse struct {
	Module       string `json:"module"`
	Uses         int    `json:"uses"`
	Multipliers  int    `json:"multipliers"`
	RegisterBits int    `json:"register_bits"`
	MemoryBits   int    `json:"memory_bits"`
	ROMBits      int    `json:"rom_bits"`
	MuxBits      int    `json:"mux_bits"`
	LUT          int    `json:"lut"` // expected, of the first family of Resources
}

// PhaseEstimate is the share of one phase.
type PhaseEstimate struct {
	Name   string `json:"name"`
	Steps  int    `json:"steps"`
	Cycles int    `json:"cycles"`
}

// LayerEstimate is the share of one layer, in cycles of the whole training
// step.
type LayerEstimate struct {
	Name      string `json:"name"`
	Relax     int    `json:"relax_cycles"`      // up and down
	Act       int    `json:"act_cycles"`        // activation
	Update    int    `json:"update_cycles"`     // contrast and write-back
	WaitFetch int    `json:"wait_fetch_cycles"` // until a slab was there
	WaitStore int    `json:"wait_store_cycles"` // until the drain was free

	Products          int     `json:"products"`             // useful, one direction, one step, all samples
	UnpoolZeros       int     `json:"unpool_zero_products"` // of those of a down pass, products with a zero of unpooling
	RelaxUtilization  float64 `json:"relax_utilization"`
	UpdateUtilization float64 `json:"update_utilization"`
	BytesPerStep      int     `json:"bytes_per_step"`            // weights read in one step, or in its only walk
	BytesPerCycle     float64 `json:"bytes_per_cycle_to_stream"` // bandwidth that hides the fetch behind the work
}

// Estimate predicts a run of the core.
func (d *Design) Estimate(readLatency int) *Estimate {
	e := &Estimate{ReadLatency: readLatency, Hardware: d.hardware()}
	m := &cycleModel{d: d, latency: readLatency, times: map[int]int{}, layers: make([]LayerEstimate, len(d.slabs()))}
	m.store.d = d
	m.order(!d.learns())
	m.load()
	phase := func(name string, steps int, run func()) {
		at := m.now
		if len(e.Phases) == 0 {
			at = 0 // the loading belongs to the first
		}
		run()
		e.Phases = append(e.Phases, PhaseEstimate{name, steps, m.now - at})
	}
	for i, r := range d.Program.Relaxations {
		phase(r.Name, r.Steps, func() {
			for t := range r.Steps {
				m.begin(i, t)
				m.relaxStep(i, t)
			}
		})
	}
	m.over = m.now
	if d.learns() {
		phase("update", 0, func() { m.update(); m.finishStore() })
	}
	if d.reads() {
		phase("readout", 0, func() { m.walk(d.Visits.Readout) })
	}
	phase("result", 0, m.result)
	e.Cycles = m.now
	e.ArrayCycles, e.WaitFetchCycles, e.WaitStoreCycles = m.array, m.waited, m.stalled
	e.OverheadCycles = m.now - m.array - m.waited - m.stalled
	e.Layers, e.Heads = m.layers[:len(d.Layers)], m.layers[len(d.Layers):]
	e.figures(d)
	return e
}

// figures derives utilisation and bandwidth. A useful product is an in-map tap
// of a real channel pair.
func (e *Estimate) figures(d *Design) {
	for i := range e.Heads {
		l := &e.Heads[i]
		l.Name = d.Heads[i].Name
		l.Products = d.Heads[i].Products() * d.Cfg.Batch
		l.BytesPerStep = 2 * d.Heads[i].SlabBytes * d.Heads[i].Slabs
		e.HeadCycles += l.Relax + l.Update + l.WaitFetch + l.WaitStore
	}
	lanes := float64(d.Rows * d.Columns)
	sweeps := d.Program.Steps()
	var relaxProducts, relaxCycles, updateProducts, updateCycles float64
	for i := range e.Layers {
		l, pl := &e.Layers[i], &d.Layers[i]
		l.Name = pl.Name
		l.Products = pl.Products() * d.Cfg.Batch
		if pl.HasIndex() {
			l.UnpoolZeros = l.Products * 3 / 4
		}
		relax, update := 2*l.Products*sweeps, len(d.Program.Terms(pl.N))*l.Products
		steps := i > 0 && i < d.relaxing() // others have one walk up
		if !steps {
			relax = l.Products
		}
		if !d.Cfg.Trains(pl.N) {
			update = 0
		}
		e.RelaxProducts += relax
		e.UpdateProducts += update
		l.RelaxUtilization = ratio(float64(relax), lanes*float64(l.Relax))
		l.UpdateUtilization = ratio(float64(update), lanes*float64(l.Update+l.WaitStore))
		bytes := pl.SlabBytes * pl.Slabs
		if steps {
			bytes *= d.Visits.Fetches(pl.N)
		}
		l.BytesPerStep = bytes
		perStep := l.Relax
		if steps {
			perStep /= sweeps
		}
		l.BytesPerCycle = ratio(float64(bytes), float64(perStep))
		if steps { // all cycles of a step are a layer's: work, activation, waiting
			relaxProducts += float64(relax)
			updateProducts += float64(update)
		}
	}
	first := &e.Layers[0]
	relaxations := e.Phases[:len(d.Program.Relaxations)]
	for _, p := range relaxations {
		relaxCycles += float64(p.Cycles)
	}
	relaxCycles -= float64(first.Relax)
	if d.learns() {
		updateCycles = float64(e.Phases[len(relaxations)].Cycles) - float64(first.Update+first.WaitStore)
	}
	e.RelaxUtilization = ratio(relaxProducts, lanes*relaxCycles)
	e.UpdateUtilization = ratio(updateProducts, lanes*updateCycles)
	e.MACUtilization = ratio(float64(d.UsefulProducts()), lanes*float64(e.Cycles))
}

// ratio is a/b, or 0 where there is nothing.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// hardware counts what the Verilog is made of.
func (d *Design) hardware() Hardware {
	census := d.hdl().Census()
	t := &census.Total
	h := Hardware{RegisterBits: t.RegisterBits, MemoryBits: t.MemoryBits, MuxBits: t.MuxBits, ROMBits: t.ROMBits,
		Resources: resources(t)}
	for _, m := range t.Multipliers {
		h.Multipliers = append(h.Multipliers, MultiplierUse{m.A, m.B, m.Count})
	}
	for _, m := range t.Memories {
		h.Memories = append(h.Memories, MemoryUse{m.Module, m.Name, m.Width, m.Depth, m.Count, m.Bits()})
	}
	for _, m := range census.Modules {
		use := ModuleUse{Module: m.Module, Uses: m.Uses, RegisterBits: m.RegisterBits, MemoryBits: m.MemoryBits,
			ROMBits: m.ROMBits, MuxBits: m.MuxBits, LUT: families[0].lut(&m.Logic)}
		for _, x := range m.Multipliers {
			use.Multipliers += x.Count
		}
		h.Modules = append(h.Modules, use)
	}
	return h
}
