package unit

import (
	"epgen/ep"
	"epgen/gen"
)

// moves checks the activations of nudged phases that hold differences: a free activation leaves
// its pre-activation, and one of a change of it gives the difference of the activated two.
func (p *lanePlay) moves() {
	if !p.v.Has("moving_i") {
		return
	}
	x, up, act := p.la.Difference, p.Descriptor(p.n, gen.Up), p.Descriptor(p.n, gen.Act)
	choose := func(moving bool) {
		p.v.SetIf("moving_i", moving)
		for name, fields := range map[string]map[string]uint64{"up_shift": up, "act_shift": act} {
			value := fields[name]
			other, ok := fields["moving_"+name]
			if ok && moving && !(p.n == 1 && name == "up_shift") { // layer 1 has no such sums
				value = other
			}
			p.v.SetPresent(name+"_i", int64(value))
		}
		p.v.SetPresent("reach_i", int64(act["reach"]))
	}
	shift := p.la.UpShift
	if p.n > 1 {
		shift = x.UpShift
	}
	for range 200 {
		choose(false)
		sum, bias, acc := p.interesting()
		addr, word := p.IntN(p.AccWords), p.IntN(p.ReferenceWords())
		p.up(addr, sum, bias)
		p.v.SetAfter(5, "reference_we_i", 1)
		p.v.SetAfter(5, "reference_waddr_i", int64(word))
		p.v.SetAfter(6, "reference_we_i", 0)
		p.act(addr, acc)
		choose(true)
		change := p.change(x, x.Reference.Apply(acc), shift)
		p.up(addr, change, 0)
		p.v.Set("reference_raddr_i", int64(word))
		p.moveAct(addr, change<<shift, x.Reference.Apply(acc))
	}
	choose(false)
}

// change draws a sum whose change of the pre-activation leads from the reference to the
// neighbourhood of an end of the activation, or of a tie, where it can be had.
func (p *lanePlay) change(x *ep.DifferenceArith, reference int64, shift int) int64 {
	lo, hi, _ := x.Up.Int64()
	if p.n == 1 { // which has no such sums; its accumulators come from down, or from the nudge
		lo, hi, _ = x.Down.Shl(x.DownShift).Shr(shift + 1).Int64()
		if p.n == len(p.Layers) {
			lo, hi = 0, 0
		}
	}
	target := p.among(x.Lo, x.Hi) + p.among(-2, 2) - reference
	if p.chance(3) {
		top := x.Range.Hi().Int64()
		target = p.among(-top-2, top+2)
	}
	acc := target << x.Act.Shift
	if x.Act.Shift > 0 && p.chance(2) {
		acc += 1 << (x.Act.Shift - 1)
	}
	if sum := acc >> shift; sum >= lo && sum <= hi {
		return sum
	}
	return p.among(max(lo, -1<<12), min(hi, 1<<12))
}

// moveAct activates an accumulator that holds a change acc, beside p*.
func (p *lanePlay) moveAct(addr int, acc, reference int64) {
	x, v := p.la.Difference, p.v
	top := x.Range.Hi().Int64()
	undriven := p.chance(8)
	v.SetIf("undriven_i", undriven)
	if undriven {
		acc = 0
	}
	v.Set("acc_re_i", 1)
	v.Set("acc_raddr_i", int64(addr))
	p.tick()
	old, target, nudge, minus := p.among(-top, top), p.chance(2), false, p.chance(2)
	if p.n == len(p.Layers) {
		nudge = p.chance(2)
	}
	v.SetPresent("act_valid_i", 1)
	p.strength = p.IntN(len(p.Arith.Strengths()))
	v.SetPresent("strength_i", int64(p.strength))
	v.Set("state_i", old)
	v.SetIf("target_i", target)
	v.SetIf("nudge_i", nudge)
	if v.Has("nudge_minus_i") {
		v.SetIf("nudge_minus_i", minus)
	} else {
		minus = p.Program.Relaxations[1].Beta < 0
	}
	clamp := func(u int64) int64 { return min(max(u, x.Lo), x.Hi) }
	if nudge {
		f := p.Cfg.Formats
		frac := max(x.Frac, f.Target.Frac)
		e := (clamp(reference) + old) << (frac - x.Frac)
		if target {
			e -= p.Arith.TargetOne << (frac - f.Target.Frac)
		}
		if e = e * p.Arith.Strengths()[p.strength] << x.NudgeShift; minus {
			e = -e
		}
		acc -= e
	}
	want := min(max(clamp(reference+x.Act.Apply(acc))-clamp(reference), -top), top)
	after := p.stages()
	if v.Has("zero_i") {
		v.Set("zero_i", 0)
		want = old + p.Arith.Damper.Apply(want-old)
	}
	v.WantAfter(after, "state_o", want)
	if v.Has("moved_o") {
		tolerance := int64(p.Cfg.Tolerance)
		v.WantAfter(after, "moved_o", b2i(want-old > tolerance || old-want > tolerance))
	}
	p.tick()
	v.Idle(after - 1)
	v.Set("undriven_i", 0)
	p.noise()
	v.Tick()
}
