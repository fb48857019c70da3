package ep

import (
	"math"
	"math/big"
	"slices"

	"epgen/fixedpoint"
)

// event is one call of an Observer.
type event struct {
	Phase       Phase
	Step, Layer int
	State       []int32
	Index       []uint8
}

// recorder keeps every event.
type recorder struct{ events []event }

func (r *recorder) State(phase Phase, step, layer int, s []int32) {
	r.events = append(r.events, event{Phase: phase, Step: step, Layer: layer, State: append([]int32(nil), s...)})
}

func (r *recorder) Index(phase Phase, step, layer int, index []uint8) {
	r.events = append(r.events, event{Phase: phase, Step: step, Layer: layer, Index: append([]uint8(nil), index...)})
}

// reference is the fixed-point model once more, independent and naive: maps
// of arbitrary-precision integers at an exaggerated common scale, whole
// convolutions with the rows that pooling drops, one loop per sum, one division per
// rounding. It shares with the model nothing but the formats.
type reference struct {
	cfg    *Config
	number uint32
	sign   int // of the update
	par    *Params
	x      []int32
	y      []int
	rec    recorder
	star   [][][]uint8 // frozen indices by layer and sample
	given  [][]int32   // initial states by layer; nil for the constant
}

// scale is the number of fractional bits of every accumulator of reference.
const scale = 80

// value returns code * 2^(scale-frac).
func value(code int64, frac int) *big.Int {
	return new(big.Int).Lsh(big.NewInt(code), uint(scale-frac))
}

// divide returns x / 2^shift rounded, by quotient and remainder.
func divide(x *big.Int, shift int, mode fixedpoint.Rounding) *big.Int {
	unit := new(big.Int).Lsh(big.NewInt(1), uint(shift))
	q, rem := new(big.Int).DivMod(x, unit, new(big.Int)) // Euclidean: 0 <= rem < unit
	twice := rem.Lsh(rem, 1).Cmp(unit)
	odd := q.Bit(0) == 1
	up := twice > 0 || twice == 0 && (mode == fixedpoint.NearestUp || odd)
	if mode != fixedpoint.Truncate && up {
		q.Add(q, big.NewInt(1))
	}
	return q
}

func clamp(x *big.Int, lo, hi int64) int32 {
	if x.Cmp(big.NewInt(lo)) < 0 {
		return int32(lo)
	}
	if x.Cmp(big.NewInt(hi)) > 0 {
		return int32(hi)
	}
	return int32(x.Int64())
}

// conv returns W_n * below + b_n of layer n for one sample, all of Conv, scaled.
func (r *reference) conv(n int, below []int32) []*big.Int {
	l, p, f := &r.cfg.Network.Layers[n], &r.par.Layers[n], &r.cfg.Formats
	z := make([]*big.Int, l.Conv.Len())
	for o := range l.Conv.C {
		for y := range l.Conv.H {
			for x := range l.Conv.W {
				sum := new(big.Int)
				if !l.NoBias {
					sum = value(int64(p.B[o]), pick(f.LayerBias, n, f.Bias).Frac)
				}
				for i := range l.In.C {
					for a := range l.KH {
						for b := range l.KW {
							v, u := y*l.Stride+a-l.Pad, x*l.Stride+b-l.Pad
							if v < 0 || u < 0 || v >= l.In.H || u >= l.In.W {
								continue
							}
							w := int64(p.W[((o*l.In.C+i)*l.KH+a)*l.KW+b])
							s := int64(below[(i*l.In.H+v)*l.In.W+u])
							sum.Add(sum, value(w*s, pick(f.LayerWeight, n, f.Weight).Frac+r.fracBelow(n)))
						}
					}
				}
				z[(o*l.Conv.H+y)*l.Conv.W+x] = sum
			}
		}
	}
	return z
}

func (r *reference) fracBelow(n int) int {
	if n == 0 {
		return r.cfg.Formats.Input.Frac
	}
	return r.state(n - 1).Frac
}

// pick returns the format of layer n+1.
func pick(list []fixedpoint.Format, n int, all fixedpoint.Format) fixedpoint.Format {
	if list == nil {
		return all
	}
	return list[n]
}

// state returns the format of the states of layer n+1.
func (r *reference) state(n int) fixedpoint.Format {
	f := &r.cfg.Formats
	if r.cfg.Output == Linear && n == len(r.cfg.Network.Layers)-1 {
		return f.Output
	}
	return pick(f.LayerState, n, f.State)
}

// at returns the place in Conv of pooled position (c, y, x) with index k.
func at(l *Layer, c, y, x int, k uint8) int {
	return (c*l.Conv.H+2*y+int(k)/2)*l.Conv.W + 2*x + int(k)%2
}

// argmax returns the index of every pooling window.
func argmax(l *Layer, z []*big.Int) []uint8 {
	var index []uint8
	for i := range l.Out.Len() {
		c, y, x := i/(l.Out.H*l.Out.W), i/l.Out.W%l.Out.H, i%l.Out.W
		best := uint8(0)
		for k := uint8(1); k < 4; k++ {
			if z[at(l, c, y, x, k)].Cmp(z[at(l, c, y, x, best)]) > 0 {
				best = k
			}
		}
		index = append(index, best)
	}
	return index
}

// spread returns the states at the resolution of Conv, 0 where none stands; those
// of means in quarters.
func spread(l *Layer, s []int32, index []uint8) []int32 {
	if l.Pool == NoPool {
		return s
	}
	z := make([]int32, l.Conv.Len())
	for i, v := range s {
		c, y, x := i/(l.Out.H*l.Out.W), i/l.Out.W%l.Out.H, i%l.Out.W
		if l.Pool == MaxPool {
			z[at(l, c, y, x, index[i])] = v
			continue
		}
		for k := range uint8(4) {
			z[at(l, c, y, x, k)] = v
		}
	}
	return z
}

// spreadFrac is the number of fractional bits of what spread returns.
func (r *reference) spreadFrac(n int) int {
	if r.cfg.Network.Layers[n].Pool == AveragePool {
		return r.state(n).Frac + 2
	}
	return r.state(n).Frac
}

// mean returns the mean of every pooling window.
func mean(l *Layer, z []*big.Int) []*big.Int {
	var pooled []*big.Int
	for i := range l.Out.Len() {
		c, y, x := i/(l.Out.H*l.Out.W), i/l.Out.W%l.Out.H, i%l.Out.W
		sum := new(big.Int)
		for k := range uint8(4) {
			sum.Add(sum, z[at(l, c, y, x, k)])
		}
		pooled = append(pooled, divide(sum, 2, fixedpoint.Truncate)) // exact at this scale
	}
	return pooled
}

// step returns the states of all layers after one step from s, [layer][sample].
// The phase and t say which indices are used and reported.
func (r *reference) step(phase Phase, t int, s [][][]int32) [][][]int32 {
	if r.cfg.Sweep == Asynchronous {
		return r.sweep(phase, t, s)
	}
	net := &r.cfg.Network
	next := make([][][]int32, len(net.Layers))
	u := make([][][]*big.Int, len(net.Layers)) // pre-activations
	for n := range net.Layers {
		l := &net.Layers[n]
		var all []uint8
		for b := range r.cfg.Batch {
			z := r.conv(n, r.below(s, n, b))
			var index []uint8
			if l.Pool == AveragePool {
				z = mean(l, z)
			}
			if l.Pool == MaxPool {
				index = argmax(l, z)
				if r.cfg.PoolIndex == Frozen && (phase > PhaseNudge || phase == PhaseNudge && t > 0) {
					index = r.star[n][b]
				} else {
					r.star[n][b] = index
				}
				all = append(all, index...)
				z = pool(l, z, index)
			}
			u[n] = append(u[n], z)
			if n > 0 {
				r.feedBack(n, spread(l, s[n][b], index), u[n-1][b])
			}
		}
		if l.Pool == MaxPool && r.reports(phase, t, n) {
			r.rec.Index(phase, t, n+1, all)
		}
		if n > 0 {
			next[n-1] = r.activate(phase, t, n-1, s[n-1], u[n-1])
		}
	}
	last := len(net.Layers) - 1
	for b := range r.cfg.Batch {
		r.nudge(phase, b, s[last][b], u[last][b])
	}
	next[last] = r.activate(phase, t, last, s[last], u[last])
	return next
}

// nudge adds the nudge of sample b to the pre-activation u of the output s.
func (r *reference) nudge(phase Phase, b int, s []int32, u []*big.Int) {
	f := &r.cfg.Formats
	state := r.state(len(r.cfg.Network.Layers) - 1)
	strength := r.cfg.Program().Relaxations[phase].Beta
	beta := int64(r.sign) * f.Beta.FromFloat(math.Abs(strength), fixedpoint.NearestEven)
	if strength < 0 {
		beta = -beta
	}
	for k, z := range u {
		y := int64(0)
		if r.y[b] == k {
			y = min(1<<f.Target.Frac, f.Target.Max())
		}
		diff := value(int64(s[k]), state.Frac)
		diff.Sub(diff, value(y, f.Target.Frac))
		diff.Mul(diff, big.NewInt(beta)).Rsh(diff, uint(f.Beta.Frac)) // exact at this scale
		if r.cfg.Nudge == Outside && phase != PhaseFree {
			top := value(min(1<<state.Frac, state.Max()), state.Frac)
			if r.cfg.Activation == Half {
				top.Lsh(top, 1)
				diff.Lsh(diff, 1)
			}
			if z.Sign() < 0 {
				z.SetInt64(0)
			} else if z.Cmp(top) > 0 {
				z.Set(top)
			}
		}
		z.Sub(z, diff)
	}
}

// sweep is an asynchronous step. Every argmax is computed from the states at hand or
// from s*, never taken from an earlier half: where the model stores it is the model's affair.
func (r *reference) sweep(phase Phase, t int, s [][][]int32) [][][]int32 {
	net := &r.cfg.Network
	s = append([][][]int32(nil), s...)
	frozen := r.cfg.PoolIndex == Frozen && phase != PhaseFree
	if frozen && phase == PhaseNudge && t == 0 {
		for n := range net.Layers {
			for b := range r.cfg.Batch {
				if l := &net.Layers[n]; l.Pool == MaxPool {
					r.star[n][b] = argmax(l, r.conv(n, r.below(s, n, b)))
				}
			}
		}
	}
	report := func(n int) {
		var all []uint8
		for b := range r.cfg.Batch {
			all = append(all, argmax(&net.Layers[n], r.conv(n, r.below(s, n, b)))...)
		}
		r.rec.Index(phase, t, n+1, all)
	}
	early := phase == PhaseFree && t == 0 && (r.cfg.Initial > 0 || r.given != nil) // the indices of the initial states
	if early {
		for n := range net.Layers {
			if net.Layers[n].Pool == MaxPool && (n == 0 || n%2 == 1) {
				report(n)
			}
		}
	}
	index := func(n, b int, z []*big.Int) []uint8 {
		l := &net.Layers[n]
		switch {
		case l.Pool != MaxPool:
			return nil
		case frozen:
			return r.star[n][b]
		}
		r.star[n][b] = argmax(l, z) // the last one of layer 1 is that of all phases
		return r.star[n][b]
	}
	for first := range 2 {
		for n := first; n < len(net.Layers); n += 2 {
			l := &net.Layers[n]
			var all []uint8
			var u [][]*big.Int
			for b := range r.cfg.Batch {
				z := r.conv(n, r.below(s, n, b))
				if l.Pool == AveragePool {
					z = mean(l, z)
				}
				if l.Pool == MaxPool {
					at := index(n, b, z)
					all = append(all, at...)
					z = pool(l, z, at)
				}
				if n+1 < len(net.Layers) {
					above := index(n+1, b, r.conv(n+1, s[n][b]))
					r.feedBack(n+1, spread(&net.Layers[n+1], s[n+1][b], above), z)
				} else {
					r.nudge(phase, b, s[n][b], z)
				}
				u = append(u, z)
			}
			if l.Pool == MaxPool && r.reports(phase, t, n) && !(frozen && n%2 == 1) && !(early && n == 0) {
				r.rec.Index(phase, t, n+1, all)
			}
			s[n] = r.activate(phase, t, n, s[n], u)
		}
	}
	return s
}

// pool returns what stands at the given indices.
func pool(l *Layer, z []*big.Int, index []uint8) []*big.Int {
	pooled := make([]*big.Int, l.Out.Len())
	for i := range pooled {
		c, y, x := i/(l.Out.H*l.Out.W), i/l.Out.W%l.Out.H, i%l.Out.W
		pooled[i] = z[at(l, c, y, x, index[i])]
	}
	return pooled
}

func (r *reference) below(s [][][]int32, n, b int) []int32 {
	if n == 0 {
		size := r.cfg.Network.Input.Len()
		return r.x[b*size : (b+1)*size]
	}
	return s[n-1][b]
}

// reports says which computed indices are events.
func (r *reference) reports(phase Phase, t, n int) bool {
	switch {
	case n == 0:
		return phase == PhaseFree && t == 0
	case phase == PhaseFree || r.cfg.PoolIndex == Live:
		return true
	}
	return phase == PhaseNudge && t == 0
}

// feedBack adds W_n^T z to u, product by product from above.
func (r *reference) feedBack(n int, z []int32, u []*big.Int) {
	l, f := &r.cfg.Network.Layers[n], &r.cfg.Formats
	for q, v := range z {
		o, y, x := q/(l.Conv.H*l.Conv.W), q/l.Conv.W%l.Conv.H, q%l.Conv.W
		for i := range l.In.C {
			for a := range l.KH {
				for b := range l.KW {
					row, col := y*l.Stride+a-l.Pad, x*l.Stride+b-l.Pad
					if row < 0 || col < 0 || row >= l.In.H || col >= l.In.W {
						continue
					}
					w := int64(r.par.Layers[n].W[((o*l.In.C+i)*l.KH+a)*l.KW+b])
					to := u[(i*l.In.H+row)*l.In.W+col]
					to.Add(to, value(w*int64(v), pick(f.LayerWeight, n, f.Weight).Frac+r.spreadFrac(n)))
				}
			}
		}
	}
}

// activate returns and reports the new states of layer n.
func (r *reference) activate(phase Phase, t, n int, old [][]int32, u [][]*big.Int) [][]int32 {
	f := &r.cfg.Formats
	state := r.state(n)
	shift := scale - state.Frac
	top, bottom := min(1<<state.Frac, state.Max()), int64(0)
	if r.cfg.Output == Linear && n == len(r.cfg.Network.Layers)-1 {
		top, bottom = state.Max(), state.Min()
	} else if r.cfg.Activation == Half {
		shift++
	}
	var s [][]int32
	var all []int32
	for b, z := range u {
		var codes []int32
		for i, v := range z {
			code := clamp(divide(v, shift, f.StateRounding), bottom, top)
			if r.cfg.Damping > 0 {
				difference := divide(big.NewInt(int64(code-old[b][i])), r.cfg.Damping, f.StateRounding)
				code = old[b][i] + int32(difference.Int64())
			}
			codes = append(codes, code)
		}
		s, all = append(s, codes), append(all, codes...)
	}
	r.rec.State(phase, t, n+1, all)
	return s
}

// train returns the new parameters and leaves the events in rec.
func (r *reference) train() *Params {
	net := &r.cfg.Network
	s := make([][][]int32, len(net.Layers))
	r.star = make([][][]uint8, len(net.Layers))
	for n := range net.Layers {
		r.star[n] = make([][]uint8, r.cfg.Batch)
		for b := range r.cfg.Batch {
			size := net.Layers[n].Out.Len()
			initial := make([]int32, size)
			for i := range initial {
				if r.given != nil {
					initial[i] = r.given[n][b*size+i]
					continue
				}
				f := r.state(n)
				initial[i] = int32(min(f.FromFloat(r.cfg.InitialOf(n+1), fixedpoint.NearestEven), 1<<f.Frac))
			}
			s[n] = append(s[n], initial)
		}
	}
	program := r.cfg.Program()
	r.sign = 1
	if program.RandomSign {
		r.sign -= 2 * int(fixedpoint.NewRandomSeed(r.cfg.Seed).Stream(r.number, 0).At(0, 0)>>31)
	}
	var finals [][][][]int32
	for i, phase := range program.Relaxations {
		now := s
		for t := range phase.Steps {
			before := now
			now = r.step(Phase(i), t, now)
			largest := int32(0)
			for n := range now {
				for b := range now[n] {
					for k, v := range now[n][b] {
						largest = max(largest, v-before[n][b][k], before[n][b][k]-v)
					}
				}
			}
			if r.cfg.MinSteps > 0 && t+1 >= r.cfg.MinSteps && int(largest) <= r.cfg.Tolerance {
				break
			}
		}
		if i == 0 {
			s = now
		}
		finals = append(finals, now)
	}
	p := &Params{}
	for n := range net.Layers {
		if slices.Contains(r.cfg.Frozen, n+1) {
			p.Layers = append(p.Layers, r.par.Layers[n])
			continue
		}
		p.Layers = append(p.Layers, r.update(n, program, finals))
	}
	return p
}

// update returns the new parameters of layer n.
func (r *reference) update(n int, program *Program, finals [][][][]int32) LayerParams {
	l, f := &r.cfg.Network.Layers[n], &r.cfg.Formats
	gw, gb := make([]int64, l.Weights()), make([]int64, l.Out.C)
	divisor := 0.0
	for i, point := range program.Points {
		states := finals[point.Phase]
		var all []uint8
		for b := range r.cfg.Batch {
			index := r.star[n][b]
			if l.Pool == MaxPool && n > 0 && r.cfg.PoolIndex == Live {
				index = argmax(l, r.conv(n, r.below(states, n, b)))
				all = append(all, index...)
			}
			sign := int64(r.sign * point.Weight)
			r.products(l, spread(l, states[n][b], index), r.below(states, n, b), sign, gw, gb)
		}
		if all != nil {
			r.rec.Index(program.Update(), i, n+1, all)
		}
		beta := program.Relaxations[point.Phase].Beta
		code := f.Beta.FromFloat(math.Abs(beta), fixedpoint.NearestEven)
		divisor += float64(point.Weight) * math.Copysign(f.Beta.ToFloat(code), beta)
	}
	starts := max(1, r.cfg.Accumulate)
	rate := r.cfg.Rates[n] / (divisor * float64(r.cfg.Batch*starts))
	change := func(old element, g int64, format fixedpoint.Format, frac int, random uint32, limit int64) element {
		if starts > 1 {
			if g += old.sum; r.par.Accumulated != starts-1 {
				old.sum = g
				return old
			}
		}
		// rate as a mantissa of RateBits bits
		m, shift := new(big.Float).SetPrec(uint(f.RateBits)).SetFloat64(rate), 0
		mant := new(big.Float)
		exp := m.MantExp(mant)
		mant.SetMantExp(mant, f.RateBits)
		code, _ := mant.Int64()
		shift = f.RateBits - exp + frac - format.Frac - f.MasterBits
		const fine = 40 // bits more than any rate has, for the other terms
		product, mode := new(big.Int).Mul(big.NewInt(code), big.NewInt(g)), f.UpdateRounding
		product.Lsh(product, fine)
		master := old.code<<f.MasterBits + old.remainder
		lose := func(x int64, k int) {
			if k > 0 {
				product.Sub(product, new(big.Int).Lsh(big.NewInt(x), uint(shift+fine-k)))
			}
		}
		lose(master, r.cfg.DecayShift)
		lose(old.velocity, r.cfg.MomentumShift)
		kept := max(shift, r.cfg.DecayShift, r.cfg.MomentumShift)
		if kept < 32 { // random bits beyond the fraction do not count
			random = random >> (32 - kept) << (32 - kept)
		}
		shift += fine
		if mode == fixedpoint.Stochastic { // adds a fraction, and drops what remains
			fraction := new(big.Int).Mul(big.NewInt(int64(random)), new(big.Int).Lsh(big.NewInt(1), uint(shift)))
			product.Add(product, divide(fraction, 32, fixedpoint.Truncate))
			mode = fixedpoint.Truncate
		}
		delta := divide(product, shift, mode)
		one := int64(1) << f.MasterBits
		var z element
		if r.cfg.MomentumShift > 0 {
			delta.Add(delta, big.NewInt(old.velocity))
			most := big.NewInt(int64(1)<<(r.widestMaster()-1) - 1)
			if delta.Cmp(most) > 0 {
				delta = most
			}
			if least := new(big.Int).Not(most); delta.Cmp(least) < 0 {
				delta = least
			}
			z.velocity = delta.Int64()
		}
		lo, hi := format.Min()*one, format.Max()*one+one/2-min(1, one/2)
		if limit > 0 {
			lo, hi = max(lo, -limit*one), min(hi, limit*one)
		}
		delta.Add(delta, big.NewInt(master))
		switch {
		case delta.Cmp(big.NewInt(lo)) < 0:
			master = lo
		case delta.Cmp(big.NewInt(hi)) > 0:
			master = hi
		default:
			master = delta.Int64()
		}
		// The nearest weight, a tie going up.
		z.code = int64(math.Floor(float64(master)/float64(one) + 0.5))
		z.remainder = master - z.code*one
		return z
	}
	old, p := &r.par.Layers[n], LayerParams{B: []int32{}}
	seed := fixedpoint.NewRandomSeed(r.cfg.Seed)
	weights, biases := seed.Stream(r.number, uint32(2*(n+1))), seed.Stream(r.number, uint32(2*(n+1)+1))
	for o := range l.Out.C {
		for j := range l.In.C * l.KH * l.KW {
			i := o*l.In.C*l.KH*l.KW + j
			bits := weights.At(uint32(o), uint32(j))
			format := pick(f.LayerWeight, n, f.Weight)
			e := change(old.KeptW.at(i, int64(old.W[i])), gw[i], format, r.spreadFrac(n)+r.fracBelow(n), bits,
				int64(r.cfg.Clip*float64(int64(1)<<format.Frac)))
			p.W = append(p.W, int32(e.code))
			r.keep(&p.KeptW, e)
		}
	}
	for o, g := range gb[:l.Biases()] {
		e := change(old.KeptB.at(o, int64(old.B[o])), g, pick(f.LayerBias, n, f.Bias), r.state(n).Frac, biases.At(uint32(o), 0), 0)
		p.B = append(p.B, int32(e.code))
		r.keep(&p.KeptB, e)
	}
	return p
}

// widestMaster is the width of the master of any layer that learns.
func (r *reference) widestMaster() int {
	f, w := &r.cfg.Formats, 0
	for n, l := range r.cfg.Network.Layers {
		if slices.Contains(r.cfg.Frozen, n+1) {
			continue
		}
		w = max(w, pick(f.LayerWeight, n, f.Weight).Width())
		if !l.NoBias {
			w = max(w, pick(f.LayerBias, n, f.Bias).Width())
		}
	}
	return w + f.MasterBits
}

// keep appends what an update keeps of an element.
func (r *reference) keep(z *Kept, e element) {
	if r.cfg.Formats.MasterBits > 0 {
		z.Remainder = append(z.Remainder, int32(e.remainder))
	}
	if r.cfg.MomentumShift > 0 {
		z.Velocity = append(z.Velocity, e.velocity)
	}
	if r.cfg.Accumulate > 1 {
		z.Sum = append(z.Sum, e.sum)
	}
}

// products adds the contrast of one sample and phase.
func (r *reference) products(l *Layer, z, below []int32, sign int64, gw, gb []int64) {
	for q, v := range z {
		o, y, x := q/(l.Conv.H*l.Conv.W), q/l.Conv.W%l.Conv.H, q%l.Conv.W
		if l.Pool != AveragePool || y%2+x%2 == 0 { // once for each state
			gb[o] += sign * int64(v)
		}
		for i := range l.In.C {
			for a := range l.KH {
				for b := range l.KW {
					row, col := y*l.Stride+a-l.Pad, x*l.Stride+b-l.Pad
					if row >= 0 && col >= 0 && row < l.In.H && col < l.In.W {
						s := int64(below[(i*l.In.H+row)*l.In.W+col])
						gw[((o*l.In.C+i)*l.KH+a)*l.KW+b] += sign * int64(v) * s
					}
				}
			}
		}
	}
}
