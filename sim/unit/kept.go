package unit

import (
	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/gen"
)

// keptBench checks ep_kept: words are taken until a column has all of them and rest in the
// cycle after it is taken; new ones leave one after the other. An abort forgets them.
func keptBench(d design) *Bench {
	return d.bench("ep_kept", func(v *Vectors) {
		s := newSource(21)
		n, w := d.KeptWords(), d.ElementBits
		for _, p := range []string{"abort_i", "kept_valid_i", "take_i", "load_i"} {
			v.Set(p, 0)
		}
		v.SetPresent("load_last_i", 0)
		v.Reset()
		var words [][]int64 // that have come
		leaving, last := [][]int64(nil), false
		for i := range 3000 {
			busy := 1 + i/500
			v.WantIf("full_o", len(words) == n)
			v.WantIf("kept_ready_o", len(words) < n)
			v.WantIf("word_valid_o", len(leaving) > 0)
			if len(leaving) > 0 {
				for lane, x := range leaving[0] {
					v.WantLaneAfter(0, "word_o", lane, w, x)
				}
			}
			if v.Has("word_last_o") {
				v.WantIf("word_last_o", last && len(leaving) == 1)
			}
			take := len(words) == n && s.chance(busy)
			abort := i > 2000 && s.chance(40)
			valid := s.chance(1 + i%3)
			v.SetIf("take_i", take)
			v.SetIf("abort_i", abort)
			v.SetIf("kept_valid_i", valid)
			word := s.keptWord(v, d, "kept_data_i", 0)
			if take {
				for k, column := range words {
					for lane, x := range column {
						v.WantBitsAfter(1, "old_o", (k*d.P+lane)*w, w, x)
					}
				}
			}
			load := len(leaving) < 2 && s.chance(n+2)
			v.SetIf("load_i", load)
			isLast := s.chance(2)
			if v.Has("load_last_i") {
				v.SetIf("load_last_i", isLast)
			}
			var fresh [][]int64
			for k := range n {
				fresh = append(fresh, s.keptWord(v, d, "new_i", k))
			}
			switch {
			case take || abort:
				words = nil
			case valid && len(words) < n:
				words = append(words, word)
			}
			if len(leaving) > 0 {
				leaving = leaving[1:]
			}
			if load {
				leaving, last = fresh, isLast
			}
			v.Tick()
		}
	}, nil)
}

// keptWord drives column k of a port with random words.
func (s source) keptWord(v *Vectors, d design, port string, k int) []int64 {
	var list []int64
	for lane := range d.P {
		x := s.signed(d.ElementBits)
		v.SetBits(port, (k*d.P+lane)*d.ElementBits, d.ElementBits, x)
		list = append(list, x)
	}
	return list
}

// keptLaneBench checks ep_update_lane where updates keep something, or weights decay, against
// fixedpoint.Descent, with elements on consecutive cycles and with gaps.
func keptLaneBench(d design) *Bench {
	return d.bench("ep_update_lane", func(v *Vectors) {
		s := newSource(22)
		least, most := d.Arith.Keeps.VelocityRange()
		d.tensors(func(k gen.Kind, fields map[string]uint64, u fixedpoint.Update, lo, hi int64) {
			e := keptElement{
				design: d, Descent: fixedpoint.Descent{Update: u, Decay: d.Cfg.DecayShift, Friction: d.Cfg.MomentumShift,
					VelocityMin: least, VelocityMax: most},
				contrastLo: lo, contrastHi: hi,
			}
			for _, apply := range []bool{true, false, true} {
				v.Idle(9)
				setTensor(v, k, fields)
				v.Set("rate_i", int64(fields["rate"]))
				v.SetPresent("apply_i", b2i(apply))
				e.apply = apply || !v.Has("apply_i")
				for range 250 {
					e.play(v, s)
				}
			}
		})
	}, nil)
}

// keptElement draws and plays elements of a tensor.
type keptElement struct {
	design
	fixedpoint.Descent
	contrastLo, contrastHi int64
	apply                  bool
}

func (e *keptElement) play(v *Vectors, s source) {
	bits, keeps := e.Cfg.Formats.MasterBits, e.Arith.Keeps
	latency, placeLate := e.UpdateLatency()
	if s.chance(8) {
		s.fill(v, "contrast_i", "old_i")
		v.Tick()
	}
	old := s.among(e.Lo, e.Hi)
	remainder, velocity, sum := int64(0), int64(0), int64(0)
	if bits > 0 { // that of a master
		old, remainder = nearest(old, bits)
		v.Set("remainder_i", remainder)
	}
	if keeps.Velocity > 0 {
		velocity = s.among(e.VelocityMin, e.VelocityMax)
		v.Set("velocity_i", velocity)
	}
	contrast := s.contrast(e.Update, e.contrastLo, e.contrastHi)
	if keeps.Sum > 0 {
		n := int64(e.Cfg.Starts() - 1)
		sum = s.among(n*e.contrastLo, n*e.contrastHi)
		v.Set("sum_i", sum)
	}
	v.Set("contrast_i", contrast)
	v.Set("old_i", old)
	random := uint32(0)
	if v.Has("place_i") {
		place, inner := uint32(s.Uint64()), uint32(s.Uint64())
		v.SetAfter(placeLate, "place_i", int64(place))
		v.SetAfter(placeLate, "inner_i", int64(inner))
		if placeLate == 0 {
			v.Set("place_i", int64(place))
			v.Set("inner_i", int64(inner))
		}
		random = fixedpoint.RandomStream{Outer: place, Inner: inner}.At(0, 0)
	}
	total := contrast + sum
	if e.apply {
		master, faster, _ := e.Step(total, old<<bits+remainder, velocity, random)
		if velocity = faster; e.Friction == 0 {
			velocity = 0
		}
		old, remainder, total = master, 0, 0
		if bits > 0 {
			old, remainder = nearest(master, bits)
		}
	}
	v.WantAfter(latency, "new_o", old)
	at := 0
	for _, f := range e.KeptFields() {
		x := map[string]int64{"remainder": remainder, "velocity": velocity, "sum": total}[f.Name]
		for range f.Words {
			v.WantBitsAfter(latency, "kept_o", at, e.ElementBits, x)
			x >>= e.ElementBits
			at += e.ElementBits
		}
	}
	v.Tick()
}

// nearest returns the weight nearest to a master, a tie going up, and what remains.
func nearest(master int64, bits int) (weight, remainder int64) {
	weight = (master + 1<<(bits-1)) >> bits
	return weight, master - weight<<bits
}

// keptDesigns are small accelerators whose updates keep numbers of their own:
//
//	keeps    2x2, stochastic, everything; a beat holds one column
//	sums     one lane, 4-bit weights, sums of several words alone; a beat holds four columns
//	decays   2x2, decay alone
//	masters  2x2, masters and momentum, biases of another format; a beat holds two columns
func keptDesigns(narrow ep.Formats) (map[string]design, error) {
	all := map[string]design{}
	for name, set := range map[string]func(c *ep.Config){
		"keeps": func(c *ep.Config) {
			c.Accumulate, c.DecayShift, c.MomentumShift, c.Formats.MasterBits = 3, 5, 2, 6
			c.Formats.UpdateRounding = fixedpoint.Stochastic
		},
		"sums": func(c *ep.Config) {
			c.Formats, c.Array.Size, c.Accumulate = narrow, 1, 4
		},
		"decays": func(c *ep.Config) { c.DecayShift = 3 },
		"masters": func(c *ep.Config) {
			c.Formats.MasterBits, c.MomentumShift, c.Formats.Bias, c.Memory.DataWidth = 1, 4, fixedpoint.Q(2, 9), 64
			c.Formats.UpdateRounding = fixedpoint.NearestUp
		},
	} {
		net, err := ep.ParseLayers("5,M,4b0,fc3", ep.Shape{C: 2, H: 5, W: 4})
		if err != nil {
			return nil, err
		}
		cfg := ep.NewConfig(net)
		cfg.FreeSteps, cfg.NudgeSteps = 2, 2
		cfg.Array.Size, cfg.Memory.DataWidth, cfg.Memory.BurstBeats = 2, 32, 8
		set(cfg)
		for i := range cfg.Rates {
			cfg.Rates[i] = 4 / float64(int(1)<<i)
		}
		d, err := gen.New(cfg)
		if err != nil {
			return nil, err
		}
		all[name] = design{name, d}
	}
	return all, nil
}
