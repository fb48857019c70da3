package unit

import (
	"epgen/ep"
	"epgen/gen"
)

// head checks what a lane does for a head: its logits, and the nudge of the layer that it is on.
func (p *lanePlay) head(h *gen.LayerPlan) {
	p.v.SetPresent("up_shift_i", int64(p.Descriptor(h.N, gen.Up)["up_shift"]))
	p.v.SetPresent("bias_shift_i", int64(p.Descriptor(h.N, gen.Up)["bias_shift"]))
	p.v.SetPresent("down_shift_i", int64(p.Descriptor(h.N, gen.Down)["down_shift"]))
	for range 100 {
		p.capture(h)
	}
	layer := h.Head.Layer
	p.la = p.Layers[layer-1].Arith
	lo, hi, _ := h.HeadArith.Back.Int64()
	half := int64(1) << (p.v.Bits("sum_i") - 1)
	lo, hi = max(lo, -half), min(hi, half-1)
	for range 200 {
		p.layer(layer)
		sum, bias, acc := p.interesting()
		addr, cell := p.IntN(p.AccWords), p.IntN(p.BackWords)
		p.up(addr, sum, bias)
		back := p.among(lo, hi)
		p.feed(h, cell, back, true)
		if p.chance(2) { // more slabs add to it
			more := p.among(lo, hi)
			if sum := back + more; sum >= lo && sum <= hi {
				back = sum
				p.feed(h, cell, more, false)
			}
		}
		p.layer(layer)
		p.nudgedAct(h, addr, cell, acc, back)
	}
}

// capture checks that a logit is the accumulator read in the cycle before.
func (p *lanePlay) capture(h *gen.LayerPlan) {
	a, lane := h.HeadArith, h.Arith
	lo, hi, _ := a.Products.Int64()
	bias := p.among(lane.Bias.Min(), lane.Bias.Max())
	sum := p.among(lo, hi)
	addr := p.IntN(p.AccWords)
	p.v.Set("head_i", 1)
	p.up(addr, sum, bias)
	p.v.Set("acc_re_i", 1)
	p.v.Set("acc_raddr_i", int64(addr))
	p.tick()
	p.v.Set("capture_i", 1)
	p.tick()
	p.v.Set("capture_i", 0)
	logit := sum<<a.UpShift + bias<<a.BiasShift
	for range 1 + p.IntN(3) { // until the next
		p.v.Want("logit_o", logit)
		p.tick()
	}
	p.v.Set("head_i", 0)
}

// feed plays the sum of a down over a head, into the nudge of a cell.
func (p *lanePlay) feed(h *gen.LayerPlan, cell int, sum int64, first bool) {
	p.v.SetPresent("down_shift_i", int64(p.Descriptor(h.N, gen.Down)["down_shift"]))
	p.v.Set("head_i", 1)
	p.v.Set("down_i", 1)
	p.v.SetIf("back_first_i", first)
	p.sum(sum, p.noiseBias())
	p.v.Set("back_re_i", 1)
	p.v.Set("back_raddr_i", int64(cell))
	p.tick()
	p.v.Set("back_re_i", 0)
	p.tick()
	p.v.Set("back_we_i", 1)
	p.v.Set("back_waddr_i", int64(cell))
	p.tick()
	p.v.Set("back_we_i", 0)
	p.v.Set("down_i", 0)
	p.v.Set("head_i", 0)
}

// nudgedAct activates an accumulator beside the nudge of its cell.
func (p *lanePlay) nudgedAct(h *gen.LayerPlan, addr, cell int, acc, back int64) {
	fields, codes := p.Descriptor(p.n, gen.Act), h.HeadArith.NudgeCodes
	phase := ep.PhaseNudge + ep.Phase(p.IntN(len(codes)-int(ep.PhaseNudge)))
	choice, ok := fields["head_code"]
	if !ok {
		choice = fields["head_code_"+string('0'+rune(phase))]
	}
	p.v.SetPresent("head_code_i", int64(choice))
	p.v.SetPresent("head_shift_i", int64(fields["head_shift"]))
	p.v.Set("back_re_i", 1)
	p.v.Set("back_raddr_i", int64(cell))
	p.pulled, p.back = true, back*codes[phase]<<h.HeadArith.NudgeShift
	p.act(addr, acc)
	p.pulled = false
}
