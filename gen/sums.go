package gen

import "epgen/hdl"

// sumsRegister is ACCUMULATED: how many training steps have added their contrasts since
// the last update.
type sumsRegister struct {
	count   *hdl.Signal
	trained hdl.Value // a training step has ended well
	apply   *hdl.Signal
}

// sumsRegister declares the register and the output that it is for.
func (d *Design) sumsRegister(m *hdl.Module, trained hdl.Value) *sumsRegister {
	r := &sumsRegister{count: m.Reg("accumulated_q", hdl.U(16), "training steps since the last update"), trained: trained}
	r.apply = m.Output("apply_o", hdl.U(1), "the next training step completes an update")
	m.Assign(r.apply, hdl.EqConst(r.count, int64(d.Cfg.Starts()-1)))
	return r
}

// next builds the register's next value.
func (r *sumsRegister) next(b *hdl.Block, written, value hdl.Value) {
	b.If(r.trained, func(b *hdl.Block) { b.Set(r.count, hdl.Mux(r.apply, zeroOf(r.count), inc(r.count))) }).
		ElseIf(written, func(b *hdl.Block) { b.Set(r.count, value) })
}

// sums reports the accumulation of contrasts over several starts.
func (d *Design) sums() bool { return d.Cfg.Starts() > 1 }
