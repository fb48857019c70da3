package gen

import (
	"fmt"
	"strings"

	"epgen/hdl"
)

// Rates that software may change between batches: a register for the mantissa of each
// layer and head, with the shift of the configuration.

// rateBase is the offset of the register of layer 1.
const rateBase = 0x100

// RateRegister returns the offset of the register of the rate of layer n; those of heads
// follow.
func RateRegister(n int) int { return rateBase + 4*(n-1) }

// checkRates reports layers whose weights and biases do not share a mantissa.
func (d *Design) checkRates() error {
	if !d.Cfg.HostRates {
		return nil
	}
	for _, l := range d.slabs() {
		if w, b := l.Arith.WeightUpdate.Mantissa, l.Arith.BiasUpdate.Mantissa; !l.NoBias && w != b {
			return fmt.Errorf("learning.host-rates: mantissas %d of weights and %d of biases in %s, want the same (other formats or rates)", w, b, l.Name)
		}
	}
	return nil
}

// rateRegisters are those of all layers.
func (d *Design) rateRegisters() []Register {
	if !d.Cfg.HostRates {
		return nil
	}
	var rs []Register
	for i, l := range d.slabs() {
		u, name, of := l.Arith.WeightUpdate, itoa(l.N), "layer "+itoa(l.N)
		if l.Head != nil {
			name, of = strings.ToUpper(l.Name), l.Name
		}
		rs = append(rs, Register{"RATE_" + name, RateRegister(i + 1), ReadWrite, uint32(u.Mantissa),
			fmt.Sprintf("mantissa of the rate of %s, times 2^-%d; writes while busy are ignored", of, u.Shift), nil})
	}
	return rs
}

// layerRate is the mantissa of the layer that the pass updates, from the registers.
func (q *sequencer) layerRate() hdl.Value {
	bits := q.d.Cfg.Formats.RateBits
	q.Group("Rates, from the registers")
	rates := q.Input("rates_i", hdl.U(bits*len(q.d.slabs())), "mantissas, that of layer 1 lowest")
	if len(q.d.slabs()) == 1 {
		return rates
	}
	return hdl.DynSlice(rates, q.slot(), bits)
}
