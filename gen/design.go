package gen

import (
	"fmt"

	"epgen/ep"
)

// Design is the accelerator of one configuration: its plan, its schedule and,
// through RTL, its Verilog.
type Design struct {
	*Plan
	tables *tables
	fields opFields
	shifts shifts
}

// New derives the accelerator of a configuration.
func New(cfg *ep.Config) (*Design, error) {
	p, err := NewPlan(cfg)
	if err != nil {
		return nil, err
	}
	if e := cfg.Estimate; e == ep.SeveralPoints {
		return nil, fmt.Errorf("phases.estimate: %v, want symmetric, positive, negative or random-sign: the generator does not have it yet", e)
	}
	d := &Design{Plan: p, tables: buildTables(p)}
	d.deriveFields()
	d.deriveShifts()
	return d, nil
}
