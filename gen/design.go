package gen

import "epgen/ep"

// Design is the accelerator of one configuration: its plan, its schedule and,
// through RTL, its Verilog.
type Design struct {
	*Plan
	tables *tables
	fields opFields
	moves  moves
	shifts shifts
}

// New derives the accelerator of a configuration.
func New(cfg *ep.Config) (*Design, error) {
	p, err := NewPlan(cfg)
	if err != nil {
		return nil, err
	}
	d := &Design{Plan: p, tables: buildTables(p)}
	d.deriveFields()
	d.deriveShifts()
	return d, d.checkRates()
}
