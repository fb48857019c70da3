package gen

import (
	"epgen/fixedpoint"
	"epgen/hdl"
)

// roundShift adds logic for round(v * 2^-k) and returns the quotient, one bit
// wider than v >> k so that rounding up cannot overflow. It is the hardware of
// fixedpoint.Rounding.
func roundShift(s *hdl.Scope, name string, v hdl.Value, k int, mode fixedpoint.Rounding) hdl.Value {
	if k == 0 {
		return hdl.Ext(v, v.Type().Width+1)
	}
	if k >= v.Type().Width { // keep at least the sign above the fraction
		v = s.WireIs(name+"_wide", hdl.Ext(v, k+1))
	}
	quotient := s.WireIs(name+"_floor", hdl.Shr(v, k))
	var up hdl.Value
	switch mode {
	case fixedpoint.Truncate:
		s.Unused(hdl.Slice(v, k-1, 0))
		return hdl.Ext(quotient, quotient.Type().Width+1)
	case fixedpoint.NearestUp:
		if k > 1 {
			s.Unused(hdl.Slice(v, k-2, 0))
		}
		up = hdl.Bit(v, k-1)
	case fixedpoint.NearestEven:
		sticky := hdl.Bit(quotient, 0)
		if k > 1 {
			sticky = hdl.Any(sticky, hdl.RedOr(hdl.Slice(v, k-2, 0)))
		}
		up = hdl.All(hdl.Bit(v, k-1), sticky)
	default:
		panic("gen: rounding " + mode.String() + " has no hardware")
	}
	roundUp := s.WireIs(name+"_up", up, mode.String())
	w := quotient.Type().Width + 1
	return hdl.AddMod(hdl.Ext(quotient, w), hdl.AsS(hdl.Ext(roundUp, w)))
}

// roundUp is roundShift to the nearest, ties up, of a number without a sign.
func roundUp(s *hdl.Scope, name string, v hdl.Value, k int) hdl.Value {
	if k == 0 {
		return v
	}
	if k >= v.Type().Width {
		v = s.WireIs(name+"_wide", hdl.Ext(v, k+1))
	}
	if k > 1 {
		s.Unused(hdl.Slice(v, k-2, 0))
	}
	quotient := s.WireIs(name+"_floor", hdl.Slice(v, v.Type().Width-1, k))
	up := s.WireIs(name+"_up", hdl.Bit(v, k-1), fixedpoint.NearestUp.String())
	w := quotient.Type().Width + 1
	return s.WireIs(name+"_rounded", hdl.AddMod(hdl.Ext(quotient, w), hdl.Ext(up, w)))
}

// clamp adds logic that saturates v to [lo, hi] and returns it as the type t,
// which holds both. The bounds are at least as wide as v.
func clamp(v, lo, hi hdl.Value, t hdl.Type) hdl.Value {
	return hdl.Mux(hdl.Lt(hdl.Ext(v, lo.Type().Width), lo), fit(lo, t.Width), clampAbove(v, hi, t))
}

// clampFromZero is clamp with the lower bound 0: the sign decides.
func clampFromZero(v, hi hdl.Value, t hdl.Type) hdl.Value {
	return hdl.Mux(hdl.Bit(v, v.Type().Width-1), hdl.Const(t, 0), clampAbove(v, hi, t))
}

// clampAbove is min(v, hi) as the type t.
func clampAbove(v, hi hdl.Value, t hdl.Type) hdl.Value {
	v = hdl.Ext(v, hi.Type().Width)
	return hdl.Mux(hdl.Gt(v, hi), fit(hi, t.Width), fit(v, t.Width))
}

// choices are the distinct values of a per-layer constant. Hardware that needs
// one of them carries its number; a single value needs no hardware.
type choices struct{ values []int }

// choose collects distinct values in order of appearance.
func choose(values ...int) choices {
	var c choices
	for _, v := range values {
		if c.of(v) < 0 {
			c.values = append(c.values, v)
		}
	}
	return c
}

// of returns the number of a value, or -1.
func (c choices) of(v int) int {
	for i, x := range c.values {
		if x == v {
			return i
		}
	}
	return -1
}

func (c choices) max() int {
	m := c.values[0]
	for _, v := range c.values {
		m = max(m, v)
	}
	return m
}

// bits is the width of a choice's number, 0 where there is nothing to choose.
func (c choices) bits() int {
	if len(c.values) == 1 {
		return 0
	}
	return addrBits(len(c.values))
}

// shiftLeft returns v * 2^value, the value being chosen by sel, in width w; sel
// is nil where there is no choice. All results must fit w, which the interval
// calculus of ep.Derive has proved.
func (c choices) shiftLeft(v, sel hdl.Value, w int) hdl.Value {
	at := func(k int) hdl.Value { return fit(hdl.Shl(v, k), w) }
	out := at(c.values[len(c.values)-1])
	for i := len(c.values) - 2; i >= 0; i-- {
		out = hdl.Mux(hdl.EqConst(sel, int64(i)), at(c.values[i]), out)
	}
	return out
}

// fit extends or truncates to w bits; truncation drops copies of the sign.
func fit(v hdl.Value, w int) hdl.Value {
	if v.Type().Width > w {
		return hdl.Trunc(v, w)
	}
	return hdl.Ext(v, w)
}

// fromMax returns, for each value, how far it is below the largest.
func (c choices) fromMax() choices {
	var out choices
	for _, v := range c.values {
		out.values = append(out.values, c.max()-v)
	}
	return out
}
