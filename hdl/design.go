package hdl

// Design is a hierarchy of modules.
type Design struct {
	Top     *Module
	modules []*Module // callees before callers, top last
	lowered []lowered
	err     error
	done    bool
}

// NewDesign collects the modules that top uses, directly or not.
func NewDesign(top *Module) *Design {
	d := &Design{Top: top}
	seen := map[*Module]bool{}
	var visit func(m *Module)
	visit = func(m *Module) {
		if seen[m] {
			return
		}
		seen[m] = true
		for _, inst := range m.instances {
			visit(inst.sub)
		}
		d.modules = append(d.modules, m)
	}
	visit(top)
	return d
}

// Modules returns the modules, each after those it uses, so the top comes last.
func (d *Design) Modules() []*Module { return d.modules }

// Check reports all problems of the design as Errors, or returns nil.
func (d *Design) Check() error {
	_, err := d.lower()
	return err
}

// lowered is a module with its legalised items.
type lowered struct {
	m     *Module
	items []item
}

// lower legalises and checks all modules, once.
func (d *Design) lower() ([]lowered, error) {
	if d.done {
		return d.lowered, d.err
	}
	d.done = true
	d.checkNames()
	d.checkRecursion()
	through := map[*Module]portDeps{}
	for _, m := range d.modules {
		items := legalise(m)
		// What legalisation left out would only cause further complaints.
		if len(m.diag.list) == 0 {
			through[m] = check(m, items, through)
		}
		d.lowered = append(d.lowered, lowered{m, items})
	}
	var errs Errors
	for _, m := range d.modules {
		errs = append(errs, m.diag.sorted()...)
	}
	if len(errs) > 0 {
		d.err = errs
	}
	return d.lowered, d.err
}

// checkNames reports different modules of one name, which would share a file.
func (d *Design) checkNames() {
	seen := map[string]*Module{}
	for _, m := range d.modules {
		if old := seen[m.name]; old != nil {
			m.diag.errorf(m.pos, "another module of this name is made at %s:%d", old.pos.file, old.pos.line)
		}
		seen[m.name] = m
	}
}

// checkRecursion reports modules that contain themselves.
func (d *Design) checkRecursion() {
	const (
		active = 1
		done   = 2
	)
	state := map[*Module]int{}
	var visit func(m *Module)
	visit = func(m *Module) {
		state[m] = active
		for _, inst := range m.instances {
			switch state[inst.sub] {
			case active:
				m.diag.errorf(inst.pos, "instance %s makes module %s contain itself", inst.name, inst.sub.name)
			case 0:
				visit(inst.sub)
			}
		}
		state[m] = done
	}
	visit(d.Top)
}

// Print checks the design and returns its files: name.v for each module, with the lines of header
// at the top.
func (d *Design) Print(header []string) (map[string][]byte, error) {
	lows, err := d.lower()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, l := range lows {
		files[l.m.name+".v"] = printModule(l.m, l.items, header)
	}
	return files, nil
}
