package gen

import "epgen/hdl"

// to goes to a state.
func (u *headUnit) to(b *hdl.Block, s int) { b.Set(u.state, u.st[s]) }

// clearJob goes to the first class of the first sample.
func (u *headUnit) clearJob(b *hdl.Block) {
	if u.distil != nil {
		b.Set(u.warm, bit(false))
	}
	for _, r := range []*hdl.Signal{u.sweep, u.sample, u.base, u.word, u.lane} {
		if r != nil {
			b.Set(r, zeroOf(r))
		}
	}
}

// begin starts a job.
func (u *headUnit) begin(b *hdl.Block) {
	b.If(u.start, func(b *hdl.Block) {
		u.to(b, headRead)
		u.clearJob(b)
		u.firstSweep(b)
	})
}

// advance goes to the next class, or to what follows the last of a word.
func (u *headUnit) advance(b *hdl.Block, wordDone func(b *hdl.Block)) {
	b.If(u.lastLane, func(b *hdl.Block) {
		b.Set(u.lane, zeroOf(u.lane))
		wordDone(b)
	}).Else(func(b *hdl.Block) {
		b.Set(u.lane, inc(u.lane))
		u.to(b, headLane)
	})
}

// written goes on behind the errors of a word: to the next word, the next sample, or the end.
func (u *headUnit) written(b *hdl.Block) {
	u.to(b, headRead)
	b.If(hdl.Not(u.lastWord), func(b *hdl.Block) { b.Set(u.word, inc(u.word)) }).
		Else(func(b *hdl.Block) {
			b.Set(u.word, zeroOf(u.word))
			if u.sweep != nil {
				b.Set(u.sweep, zeroOf(u.sweep))
			}
			u.firstSweep(b)
			b.If(u.lastSample, func(b *hdl.Block) { u.to(b, headIdle) }).Else(func(b *hdl.Block) {
				w := u.base.Type()
				words := hdl.Value(hdl.Const(w, int64(u.d.Heads[0].Out.SampleWords)&(1<<w.Width-1)))
				if u.targets != nil {
					words = inc(fit(u.lastWordIn, w.Width))
				}
				b.Set(u.base, hdl.AddMod(u.base, words))
				b.Set(u.sample, inc(u.sample))
			})
		})
}

// directControl builds the states where no head has a softmax: one sweep, two cycles for each
// class.
func (u *headUnit) directControl() {
	u.Group("States: each class passes LANE and ERROR")
	u.AlwaysReset(func(b *hdl.Block) {
		u.to(b, headIdle)
		u.clearJob(b)
	}, func(b *hdl.Block) {
		b.Case(u.state, func(c *hdl.Case) {
			c.When(u.begin, u.st[headIdle])
			c.When(func(b *hdl.Block) { u.to(b, headCapture) }, u.st[headRead])
			c.When(func(b *hdl.Block) { u.to(b, headLane) }, u.st[headCapture])
			c.When(func(b *hdl.Block) { u.to(b, headError) }, u.st[headLane])
			c.When(func(b *hdl.Block) {
				u.advance(b, func(b *hdl.Block) { u.to(b, headWrite) })
			}, u.st[headError])
			c.Default(u.written) // WRITE
		})
		b.If(u.abort, func(b *hdl.Block) { u.to(b, headIdle) })
	})
}

// control builds the states of heads with a softmax, and its sums and quotients.
func (u *headUnit) control() {
	sw := u.sum.Type().Width
	u.divisor = u.sum
	if u.distil != nil {
		u.divisor = u.WireIs("divisor", hdl.Mux(u.warm, u.warmSum, u.sum))
	}
	u.Group("States: each class passes LANE to PRODUCT; then it is added or divided")
	trial := u.WireIs("trial", hdl.Ext(u.rem, sw+1), "remainder before the bit")
	double := u.WireIs("trial_next", hdl.Cat(hdl.Slice(u.rem, sw-1, 0), bit(false)))
	first := u.WireIs("first_bit", hdl.EqConst(u.bit, int64(u.sm.Format.Frac)))
	dividend := u.WireIs("dividend", hdl.Mux(first, trial, double))
	subtract := u.WireIs("subtract", hdl.Ge(dividend, hdl.Ext(u.divisor, sw+1)))
	u.AlwaysReset(func(b *hdl.Block) {
		u.to(b, headIdle)
		u.clearJob(b)
	}, func(b *hdl.Block) {
		b.Case(u.state, u.softmaxStates)
		b.If(u.abort, func(b *hdl.Block) { u.to(b, headIdle) })
	})
	u.Group("Largest logit, sum, serial division")
	firstClass := u.WireIs("first_class", hdl.All(hdl.EqConst(u.word, 0), hdl.EqConst(u.lane, 0)))
	u.Always(func(b *hdl.Block) {
		u.sumUp(b, firstClass)
		u.divide(b, dividend, subtract)
	})
}

// softmaxStates adds what follows each state.
func (u *headUnit) softmaxStates(c *hdl.Case) {
	c.When(u.begin, u.st[headIdle])
	for _, s := range []int{headRead, headCapture} {
		c.When(func(b *hdl.Block) { u.to(b, s+1) }, u.st[s])
	}
	c.When(func(b *hdl.Block) {
		chain := b.If(hdl.EqConst(u.sweep, 0), func(b *hdl.Block) { u.advance(b, u.nextWord) })
		if u.linear != nil {
			chain = chain.ElseIf(u.linear, func(b *hdl.Block) { u.to(b, headError) })
		}
		chain.Else(func(b *hdl.Block) { u.to(b, headIndex) })
	}, u.st[headLane])
	for _, s := range []int{headIndex, headTable} {
		c.When(func(b *hdl.Block) { u.to(b, s+1) }, u.st[s])
	}
	c.When(func(b *hdl.Block) {
		b.If(u.lastSweep, func(b *hdl.Block) { u.to(b, headDivide) }).Else(func(b *hdl.Block) { u.to(b, headSum) })
	}, u.st[headProduct])
	c.When(func(b *hdl.Block) { u.again(b, func(b *hdl.Block) { u.advance(b, u.nextWord) }) }, u.st[headSum])
	c.When(func(b *hdl.Block) {
		b.If(hdl.EqConst(u.bit, 0), func(b *hdl.Block) {
			u.to(b, headError)
			if u.distil != nil {
				b.If(u.warm, func(b *hdl.Block) { u.to(b, headMix) })
			}
		})
	}, u.st[headDivide])
	if u.distil != nil {
		c.When(func(b *hdl.Block) { u.to(b, headError) }, u.st[headMix])
	}
	c.When(func(b *hdl.Block) {
		u.again(b, func(b *hdl.Block) { u.advance(b, func(b *hdl.Block) { u.to(b, headWrite) }) })
	}, u.st[headError])
	c.Default(u.written) // WRITE
}

// nextWord goes to the next word of the sweep, or to the next sweep.
func (u *headUnit) nextWord(b *hdl.Block) {
	u.to(b, headRead)
	b.If(u.lastWord, func(b *hdl.Block) {
		b.Set(u.word, zeroOf(u.word))
		b.Set(u.sweep, inc(u.sweep))
	}).Else(func(b *hdl.Block) { b.Set(u.word, inc(u.word)) })
}

// again takes a class of a head of logits through once more, warm.
func (u *headUnit) again(b *hdl.Block, then func(b *hdl.Block)) {
	if u.distil == nil {
		then(b)
		return
	}
	b.If(hdl.All(u.distil, hdl.Not(u.warm)), func(b *hdl.Block) {
		b.Set(u.warm, bit(true))
		u.to(b, headLane)
	}).Else(func(b *hdl.Block) {
		b.Set(u.warm, bit(false))
		then(b)
	})
}

// sumUp keeps the largest logit of the first sweep, and the sums of the second.
func (u *headUnit) sumUp(b *hdl.Block, firstClass hdl.Value) {
	sw := u.sum.Type().Width
	b.If(hdl.All(u.is(headLane), hdl.EqConst(u.sweep, 0), hdl.Any(firstClass, hdl.Gt(u.logit, u.top))),
		func(b *hdl.Block) { b.Set(u.top, u.logit) })
	clears, adds := hdl.All(u.is(headLane), hdl.EqConst(u.sweep, 1), firstClass), hdl.Value(u.is(headSum))
	if u.distil != nil {
		clears, adds = hdl.All(clears, hdl.Not(u.warm)), hdl.All(adds, hdl.Not(u.warm))
		b.If(clears, func(b *hdl.Block) { b.Set(u.warmSum, zeroOf(u.sum)) }).
			ElseIf(hdl.All(u.is(headSum), u.warm), func(b *hdl.Block) { b.Set(u.warmSum, hdl.AddMod(u.warmSum, fit(u.e, sw))) })
	}
	b.If(clears, func(b *hdl.Block) { b.Set(u.sum, zeroOf(u.sum)) }).
		ElseIf(adds, func(b *hdl.Block) { b.Set(u.sum, hdl.AddMod(u.sum, fit(u.e, sw))) })
}

// divide takes one bit of the quotient a cycle; the product of the tables is the first
// remainder.
func (u *headUnit) divide(b *hdl.Block, dividend, subtract *hdl.Signal) {
	sw := u.sum.Type().Width
	b.If(u.is(headDivide), func(b *hdl.Block) {
		b.Set(u.rem, hdl.Trunc(hdl.Mux(subtract, hdl.SubMod(dividend, hdl.Ext(u.divisor, sw+1)), dividend), sw))
		b.Set(u.quotient, hdl.Trunc(hdl.Cat(u.quotient, subtract), u.quotient.Type().Width))
		b.Set(u.bit, hdl.SubMod(u.bit, hdl.Const(u.bit.Type(), 1)))
	}).ElseIf(u.is(headProduct), func(b *hdl.Block) {
		b.Set(u.rem, u.product)
		b.Set(u.bit, hdl.Const(u.bit.Type(), int64(u.sm.Format.Frac)))
	})
}

// firstSweep is the last one for a linear head.
func (u *headUnit) firstSweep(b *hdl.Block) {
	if u.linear != nil && u.sweep != nil {
		b.If(u.linear, func(b *hdl.Block) { b.Set(u.sweep, hdl.Const(u.sweep.Type(), 2)) })
	}
}
