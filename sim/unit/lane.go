package unit

import (
	"epgen/ep"
	"epgen/gen"
)

// laneBench checks ep_lane: what follows the sum of a row. Accumulators are
// seen through the activation, so sums are chosen to put pre-activations next
// to ties and limits.
func laneBench(d design) *Bench {
	return d.bench("ep_lane", func(v *Vectors) {
		p := &lanePlay{design: d, source: newSource(4), v: v}
		p.noise()
		for i := range d.Layers {
			p.la = d.Layers[i].Arith
			p.layer(d.Layers[i].N)
			for range 300 {
				p.drive()
			}
			p.clear()
			if p.v.Has("index_i") {
				p.pool(false)
			}
			p.pool(true)
			if p.v.Has("mean_i") {
				p.mean()
			}
			p.feedback()
			p.moves()
		}
		for i := range d.Heads {
			p.head(&d.Heads[i])
		}
		if d.AccBits <= 14 && !d.Cfg.Differs() {
			p.everyAccumulator()
		}
	}, nil)
}

type lanePlay struct {
	design
	source
	v        *Vectors
	la       *ep.LayerArith
	n        int
	strength int // which of several |beta|

	pulled bool  // the head of the layer nudges it
	back   int64 // by this, in accumulators
}

// layer selects the constants of layer n.
func (p *lanePlay) layer(n int) {
	p.n = n
	up, act := p.Descriptor(n, gen.Up), p.Descriptor(n, gen.Act)
	p.v.SetPresent("up_shift_i", int64(up["up_shift"]))
	p.v.SetPresent("bias_shift_i", int64(up["bias_shift"]))
	p.v.SetPresent("act_shift_i", int64(act["act_shift"]))
	p.v.SetPresent("reach_i", int64(act["reach"]))
	p.v.SetPresent("top_i", int64(act["top"]))
	p.v.SetPresent("unclamped_i", b2i((p.Cfg.Output == ep.Linear || p.Reads()) && n == len(p.Layers)))
	if n < p.Relaxing() { // down over layer n+1 adds to layer n
		p.v.SetPresent("down_shift_i", int64(p.Descriptor(n+1, gen.Down)["down_shift"]))
	}
}

// noise drives data at random and nothing valid.
func (p *lanePlay) noise() {
	p.fill(p.v, "sum_i", "pos_i", "acc_raddr_i", "acc_waddr_i")
	p.fill(p.v, p.v.Existing("state_i", "target_i", "index_i", "free_index_i")...)
	p.anyBias()
	for _, name := range []string{"head_i", "head_nudge_i", "back_first_i", "back_re_i", "back_we_i", "capture_i"} {
		p.v.SetPresent(name, 0)
	}
	if p.v.Has("mean_i") {
		p.v.Set("mean_i", 0)
	}
	p.v.SetPresent("acc_clear_i", 0)
	p.v.SetPresent("act_valid_i", 0)
	for _, name := range []string{"moving_i", "undriven_i", "reference_we_i"} {
		p.v.SetPresent(name, 0)
	}
	p.fill(p.v, p.v.Existing("reference_raddr_i", "reference_waddr_i")...)
	for _, name := range []string{"sum_valid_i", "acc_re_i", "acc_we_i", "up_i", "down_i", "window_i"} {
		p.v.Set(name, 0)
	}
}

// anyBias drives a random bias, where the design has any.
func (p *lanePlay) anyBias() { p.v.SetPresent("bias_i", p.noiseBias()) }

func (p *lanePlay) noiseBias() int64 {
	if !p.v.Has("bias_i") {
		return 0
	}
	return p.signed(p.v.Bits("bias_i"))
}

// tick ends the cycle; the next begins with noise, but the mode stays.
func (p *lanePlay) tick() {
	p.v.Tick()
	p.fill(p.v, "sum_i", "pos_i", "acc_raddr_i", "acc_waddr_i")
	p.fill(p.v, p.v.Existing("state_i", "target_i", "index_i")...)
	p.anyBias()
	p.v.SetPresent("act_valid_i", 0)
	for _, name := range []string{"sum_valid_i", "acc_re_i", "acc_we_i"} {
		p.v.Set(name, 0)
	}
}

// sum plays one sum, in the cycle before its position in the pool window.
func (p *lanePlay) sum(sum, bias int64) {
	p.v.Set("sum_valid_i", 1)
	p.v.Set("sum_i", sum)
	p.v.SetPresent("bias_i", bias)
}

// write stores what has become of the sum of two cycles ago.
func (p *lanePlay) write(addr int) {
	p.v.Set("acc_we_i", 1)
	p.v.Set("acc_waddr_i", int64(addr))
}

// up plays one sum of an unpooled layer into an accumulator.
func (p *lanePlay) up(addr int, sum, bias int64) {
	p.v.Set("up_i", 1)
	p.sum(sum, bias)
	p.tick()
	p.tick()
	p.write(addr)
	p.tick()
	p.v.Set("up_i", 0)
}

// act activates an accumulator that holds acc and expects the state.
func (p *lanePlay) act(addr int, acc int64) {
	p.v.Set("acc_re_i", 1)
	p.v.Set("acc_raddr_i", int64(addr))
	p.tick()
	after := p.stages()
	p.activate(acc, after)
	p.v.Idle(after - 1) // the nudge is constant while activations are in flight
	p.noise()
	p.v.Tick()
}

// stages is the number of cycles from an accumulator and the old state to the new one:
// error, force and sum, if there is a nudge, then rounding and limits, then damping.
func (p *lanePlay) stages() int {
	n := 2
	if p.Program.Learns() {
		n += 3
	}
	if p.Cfg.Damping > 0 {
		n++
	}
	if p.Cfg.Differs() {
		n++
	}
	return n
}

// activate plays the cycle after the read of an accumulator that holds acc.
func (p *lanePlay) activate(acc int64, after int) {
	nudge, minus := 0, p.chance(2)
	if p.n == len(p.Layers) && p.v.Has("nudge_i") && !p.Cfg.Differs() { // differences are nudged by moveAct
		nudge = p.IntN(2)
	}
	state, target := p.among(p.la.Act.Lo, p.la.Act.Hi), p.IntN(2)
	p.v.SetPresent("act_valid_i", 1)
	p.strength = p.IntN(max(1, len(p.Arith.Strengths())))
	p.v.SetPresent("strength_i", int64(p.strength))
	p.v.SetPresent("state_i", state)
	p.v.SetPresent("target_i", int64(target))
	p.v.SetPresent("nudge_i", int64(nudge))
	p.v.SetPresent("head_nudge_i", b2i(p.pulled))
	switch {
	case p.v.Has("nudge_minus_i"):
		p.v.SetIf("nudge_minus_i", minus)
	case p.Program.Learns(): // all nudges have the sign of the only nudged phase
		minus = p.Program.Relaxations[1].Beta < 0
	}
	u := acc
	if nudge == 1 {
		u = p.inside(u) - p.force(state, target == 1, minus)
	}
	if p.pulled && minus {
		u -= p.back
	} else if p.pulled {
		u += p.back
	}
	want := p.la.Act.Apply(u)
	old := state
	if p.Cfg.Damping > 0 {
		if !p.Cfg.GivenStates {
			zero := p.chance(4)
			if p.v.SetIf("zero_i", zero); zero {
				old = 0
			}
		}
		if p.n <= p.Relaxing() { // logits are not damped
			want = old + p.Arith.Damper.Apply(want-old)
		}
	}
	p.v.WantAfter(after, "state_o", want)
	if p.v.Has("moved_o") {
		tolerance := int64(p.Cfg.Tolerance)
		p.v.WantAfter(after, "moved_o", b2i(want-old > tolerance || old-want > tolerance))
		p.v.WantAfter(after+1, "moved_o", 0)
	}
	p.tick()
}

// inside is what the nudge acts on: the pre-activation, or, outside the activation, what is
// within its limits.
func (p *lanePlay) inside(u int64) int64 {
	if !p.Cfg.NudgedOutside() {
		return u
	}
	lo, hi, _ := p.la.Outside.Int64()
	return min(max(u, lo), hi)
}

// force is sign * beta * (s - y), aligned to the accumulator.
func (p *lanePlay) force(state int64, target, minus bool) int64 {
	f := p.Cfg.Formats
	frac := max(p.la.State.Frac, f.Target.Frac)
	e := state << (frac - p.la.State.Frac)
	if target {
		e -= p.Arith.TargetOne << (frac - f.Target.Frac)
	}
	e = e * p.Arith.Strengths()[p.strength] << p.la.NudgeShift
	if minus {
		e = -e
	}
	return e
}

// interesting draws a sum and a bias of the layer whose accumulator lies next to
// a tie or a limit of the activation where that can be had, and returns that
// accumulator.
func (p *lanePlay) interesting() (sum, bias, acc int64) {
	lo, hi, _ := p.la.Up.Int64()
	biasFormat := p.la.Bias
	if p.v.Has("bias_i") { // a layer without takes zeros
		bias = p.among(biasFormat.Min(), biasFormat.Max())
	}
	if p.Layers[p.n-1].NoBias {
		bias = 0
	}
	k := p.la.Act.Shift
	target := p.among(p.la.Act.Lo, p.la.Act.Hi)<<k + p.among(-2, 2)
	if k > 0 && p.chance(2) {
		target += 1 << (k - 1)
	}
	sum = (target - bias<<p.la.BiasShift) >> p.la.UpShift
	if p.chance(4) || sum < lo || sum > hi {
		sum = p.among(lo, hi)
	}
	return sum, bias, sum<<p.la.UpShift + bias<<p.la.BiasShift
}

// clear checks that an accumulator can be cleared instead of written.
func (p *lanePlay) clear() {
	if !p.v.Has("acc_clear_i") {
		return
	}
	for range 20 {
		sum, bias, _ := p.interesting()
		addr := p.IntN(p.AccWords)
		p.v.Set("up_i", 1)
		p.sum(sum, bias)
		p.tick()
		p.tick()
		p.v.Set("acc_clear_i", 1)
		p.write(addr)
		p.tick()
		p.v.Set("acc_clear_i", 0)
		p.v.Set("up_i", 0)
		p.act(addr, 0)
	}
}

// drive checks alignment, bias, activation and nudge of one neuron.
func (p *lanePlay) drive() {
	sum, bias, acc := p.interesting()
	addr := p.IntN(p.AccWords)
	p.up(addr, sum, bias)
	p.act(addr, acc)
}

// pool checks windows, by comparison or by a stored index, with gaps, ties and
// order.
func (p *lanePlay) pool(live bool) {
	for range 120 {
		var sums, accs [4]int64
		bias := int64(0)
		for i := range sums {
			s, b, _ := p.interesting()
			if i == 0 {
				sums[0], bias = s, b
			} else if sums[i] = s; p.chance(2) {
				sums[i] = sums[p.IntN(i)] // a tie
			}
			accs[i] = sums[i]<<p.la.UpShift + bias<<p.la.BiasShift
		}
		winner := p.IntN(4)
		if live {
			winner = 0
			for i := range accs {
				if accs[i] > accs[winner] {
					winner = i
				}
			}
		}
		addr := p.IntN(p.AccWords)
		p.window(live, sums, bias, winner, addr)
		p.act(addr, accs[winner])
	}
}

// mean checks that a window of an average pool is summed, whatever index is
// stored.
func (p *lanePlay) mean() {
	lo, hi, _ := p.la.Up.Int64()
	for range 80 {
		p.v.Set("mean_i", 1)
		var sums [4]int64
		acc := int64(0)
		_, bias, _ := p.interesting()
		for i := range sums { // the layer's accumulator may have no room for four
			sums[i] = p.among(lo, hi) / 4
			acc += sums[i]<<p.la.UpShift + bias/4<<p.la.BiasShift
		}
		addr := p.IntN(p.AccWords)
		p.window(p.chance(2), sums, bias/4, -1, addr)
		p.act(addr, acc)
	}
}

// window plays the four positions of a pool window; an index below 0 is random, and
// none is expected.
func (p *lanePlay) window(live bool, sums [4]int64, bias int64, index, addr int) {
	p.v.Set("up_i", 1)
	p.v.Set("window_i", 1)
	p.v.SetPresent("free_index_i", b2i(live))
	pos := -1 // position of the sum of the cycle before
	for i := 0; i <= len(sums); {
		if pos >= 0 {
			p.v.Set("pos_i", int64(pos))
			if !live && index >= 0 {
				p.v.SetPresent("index_i", int64(index))
			}
		}
		pos = -1
		if i == len(sums) {
			break
		}
		if !p.chance(4) {
			p.sum(sums[i], bias)
			pos = i
			i++
		}
		p.tick()
	}
	p.tick()
	if index >= 0 {
		p.v.Want("argmax_o", int64(index))
	}
	p.write(addr)
	p.tick()
	p.v.Set("up_i", 0)
	p.v.Set("window_i", 0)
}

// feedback checks that down adds to what an accumulator holds, in a pipeline of
// sums for different accumulators.
func (p *lanePlay) feedback() {
	if p.n >= p.Relaxing() || p.AccWords < 4 {
		return
	}
	lo, hi, _ := p.la.Down.Int64()
	for range 40 {
		var acc [4]int64
		for a := range acc {
			sum, bias, value := p.interesting()
			p.up(a, sum, bias)
			acc[a] = value
		}
		p.v.Set("down_i", 1)
		for a := range len(acc) + 2 {
			if a < len(acc) {
				down := p.among(lo, hi)
				p.sum(down, p.noiseBias())
				p.v.Set("acc_re_i", 1)
				p.v.Set("acc_raddr_i", int64(a))
				acc[a] += down << p.la.DownShift
			}
			if a >= 2 {
				p.write(a - 2)
			}
			p.tick()
		}
		p.v.Set("down_i", 0)
		for a := range acc {
			p.act(a, acc[a])
		}
	}
}

// everyAccumulator goes through every sum that the output layer can have, with
// the least, the middle and the largest bias, a neuron a cycle: sum, write and
// read overlap. The activation goes through its nudges.
func (p *lanePlay) everyAccumulator() {
	lo, hi, _ := p.la.Up.Int64()
	biases := []int64{p.la.Bias.Min(), 0, p.la.Bias.Max()}
	if !p.v.Has("bias_i") {
		biases = biases[1:2]
	}
	for nudge := range 3 {
		if nudge > 0 && !p.v.Has("nudge_i") {
			break
		}
		p.v.Idle(8)
		p.v.Set("up_i", 1)
		p.v.SetPresent("nudge_i", b2i(nudge > 0))
		p.v.SetPresent("nudge_minus_i", b2i(nudge == 2))
		for _, bias := range biases {
			for sum := lo; sum <= hi; sum++ {
				p.sum(sum, bias)
				// Written two cycles later, read three, activated four.
				p.v.Set("acc_we_i", 1)
				p.v.Set("acc_waddr_i", 0)
				p.v.Set("acc_re_i", 1)
				p.v.Set("acc_raddr_i", 0)
				p.v.SetPresent("act_valid_i", 1)
				state, target := p.among(0, p.la.Act.Hi), p.chance(2)
				if p.v.Has("target_i") {
					p.v.SetAfter(4, "state_i", state)
					p.v.SetAfter(4, "target_i", b2i(target))
				}
				u := sum<<p.la.UpShift + bias<<p.la.BiasShift
				if nudge > 0 {
					u -= p.force(state, target, nudge == 2)
				}
				p.v.WantAfter(4+p.stages(), "state_o", p.la.Act.Apply(u))
				p.v.Tick()
			}
		}
	}
	p.v.Idle(9)
}
