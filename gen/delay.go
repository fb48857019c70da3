package gen

import (
	"fmt"

	"epgen/hdl"
)

// delay adds a shift register behind a signal and returns its stages:
// name_q1 is one cycle old, name_q2 two.
func delay(s *hdl.Scope, name string, v hdl.Value, n int) []hdl.Value {
	stages, regs := delayRegs(s, name, v, n)
	s.Always(func(b *hdl.Block) { shift(b, v, regs) })
	return stages
}

// delayReset is delay for valid bits: all stages are zero after reset.
func delayReset(s *hdl.Scope, name string, v hdl.Value, n int) []hdl.Value {
	stages, regs := delayRegs(s, name, v, n)
	s.AlwaysReset(func(b *hdl.Block) {
		for _, r := range regs {
			b.Set(r, zeroOf(r))
		}
	}, func(b *hdl.Block) { shift(b, v, regs) })
	return stages
}

func delayRegs(s *hdl.Scope, name string, v hdl.Value, n int) (stages []hdl.Value, regs []*hdl.Signal) {
	for i := range n {
		r := s.Reg(fmt.Sprintf("%s_q%d", name, i+1), v.Type())
		regs, stages = append(regs, r), append(stages, r)
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
