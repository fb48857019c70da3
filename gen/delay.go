package gen

import (
	"fmt"

	"epgen/hdl"
)

// delay carries a signal of one pipeline stage to a later one through
// registers, each named after the stage in which it holds the value: name_q3 is
// the value in stage 3. The result is indexed by stage; v is at from.
func delay(s *hdl.Scope, name string, v hdl.Value, from, to int) []hdl.Value {
	stages, regs := delayRegs(s, name, v, from, to)
	if len(regs) > 0 {
		s.Always(func(b *hdl.Block) { shift(b, v, regs) })
	}
	return stages
}

// delayReset is delay for valid bits: all stages are zero after reset.
func delayReset(s *hdl.Scope, name string, v hdl.Value, from, to int) []hdl.Value {
	stages, regs := delayRegs(s, name, v, from, to)
	s.AlwaysReset(func(b *hdl.Block) {
		for _, r := range regs {
			b.Set(r, zeroOf(r))
		}
	}, func(b *hdl.Block) { shift(b, v, regs) })
	return stages
}

func delayRegs(s *hdl.Scope, name string, v hdl.Value, from, to int) (stages []hdl.Value, regs []*hdl.Signal) {
	stages = make([]hdl.Value, to+1)
	stages[from] = v
	for i := from + 1; i <= to; i++ {
		r := s.Reg(fmt.Sprintf("%s_q%d", name, i), v.Type())
		regs, stages[i] = append(regs, r), r
	}
	return stages, regs
}

func shift(b *hdl.Block, v hdl.Value, regs []*hdl.Signal) {
	for i, r := range regs {
		if i == 0 {
			b.Set(r, v)
		} else {
			b.Set(r, regs[i-1])
		}
	}
}
