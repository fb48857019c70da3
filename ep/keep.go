package ep

import (
	"fmt"

	"epgen/fixedpoint"
)

// Updates may keep numbers of their own beside each weight and bias: what rounding has
// left of the master, the velocity of the momentum, and the contrasts of the starts
// since the last update. They live where the parameters do, are zero in the
// beginning, and obey one rule for weights and biases alike:
//
//	sum'     = sum + contrast                                      exact
//	change   = round(m * sum' * 2^-k - master * 2^-decay - velocity * 2^-friction)
//	velocity'= clamp(velocity + change)
//	master'  = clamp(master + velocity'), with momentum; else clamp(master + change)
//
// where master = weight * 2^bits + remainder; a start that does not complete an update
// changes the sum alone, one that does leaves it at 0. The new weight is the nearest
// to the new master, a tie going up:
//
//	weight'    = floor((master' + 2^(bits-1)) * 2^-bits)
//	remainder' = master' - weight' * 2^bits                        -2^(bits-1) .. 2^(bits-1)-1
type Kept struct {
	Remainder []int32
	Velocity  []int64 // in LSBs of the master
	Sum       []int64 // of contrasts
}

// Keeps are the signed bits of what updates keep, 0 of what they do not.
type Keeps struct{ Remainder, Velocity, Sum int }

// Any reports whether they keep anything.
func (k Keeps) Any() bool { return k != Keeps{} }

// Starts returns how many training steps one update sums the contrasts of.
func (c *Config) Starts() int { return max(1, c.Accumulate) }

// Limits of the options of updates.
const (
	maxMasterBits = 16
	maxAccumulate = 65535 // a register of 16 bits
)

// checkKept checks the options of updates.
func (c *Config) checkKept() error {
	for _, k := range []struct {
		key string
		v   int
	}{
		{"formats.master-bits", c.Formats.MasterBits}, {"learning.decay-shift", c.DecayShift}, {"learning.momentum-shift", c.MomentumShift},
	} {
		most := fixedpoint.MaxDescent
		if k.key == "formats.master-bits" {
			most = maxMasterBits
		}
		if err := checkRange(k.key, k.v, 0, most); err != nil {
			return err
		}
	}
	return checkRange("learning.accumulate", c.Accumulate, 1, maxAccumulate)
}

// keptBits returns what the updates of all layers and heads keep.
func (c *Config) keptBits(a *Arith) (k Keeps) {
	k.Remainder = c.Formats.MasterBits
	tensor := func(f fixedpoint.Format, contrast fixedpoint.Interval) {
		if c.MomentumShift > 0 {
			k.Velocity = max(k.Velocity, k.Remainder+f.Width())
		}
		if n := c.Starts(); n > 1 {
			k.Sum = max(k.Sum, contrast.SumUpTo(n).SignedWidth())
		}
	}
	for i := range a.Layers {
		if la := &a.Layers[i]; c.Trains(i + 1) {
			tensor(la.Weight, la.Contrast)
			if !c.Network.Layers[i].NoBias {
				tensor(la.Bias, la.BiasContrast)
			}
		}
	}
	for i := range a.Heads {
		tensor(c.Formats.HeadWeight, a.Heads[i].Contrast)
		tensor(c.Formats.HeadBias, a.Heads[i].BiasContrast)
	}
	return k
}

// masterUpdate is [fixedpoint.NewUpdate] for the master of a format: r is what a contrast
// is multiplied by in LSBs of the format.
func (c *Config) masterUpdate(r float64, f fixedpoint.Format) (fixedpoint.Update, error) {
	bits := c.Formats.MasterBits
	u, err := fixedpoint.NewUpdate(r*float64(int64(1)<<bits), c.Formats.RateBits, c.Formats.UpdateRounding, f)
	if err != nil {
		return u, err
	}
	return u, c.descent(u, Keeps{}).Validate()
}

// ofMaster takes the ends of an update from weights to masters: the outermost whose
// nearest weights are those, or, clipped, those very numbers.
func (c *Config) ofMaster(u fixedpoint.Update, clipped bool) fixedpoint.Update {
	bits := c.Formats.MasterBits
	u.Lo <<= bits
	u.Hi <<= bits
	if bits > 0 && !clipped {
		u.Hi += int64(1)<<(bits-1) - 1
	}
	return u
}

// descent is an update of a tensor with the options of the configuration.
func (c *Config) descent(u fixedpoint.Update, k Keeps) fixedpoint.Descent {
	d := fixedpoint.Descent{Update: u, Decay: c.DecayShift, Friction: c.MomentumShift}
	d.VelocityMin, d.VelocityMax = k.VelocityRange()
	return d
}

// VelocityRange returns the ends at which velocities saturate, those of their word: as wide
// as the widest master.
func (k Keeps) VelocityRange() (lo, hi int64) {
	if k.Velocity == 0 {
		return 0, 0
	}
	limit := int64(1) << (k.Velocity - 1)
	return -limit, limit - 1
}

// split returns the nearest weight of a master, and what remains.
func split(master int64, bits int) (weight, remainder int64) {
	if bits == 0 {
		return master, 0
	}
	weight = (master + int64(1)<<(bits-1)) >> bits
	return weight, master - weight<<bits
}

// element is a weight or bias with what updates keep of it.
type element struct{ code, remainder, velocity, sum int64 }

// step returns element i after a start with the given contrast, and whether the new
// master had to be saturated.
func (u *tensorUpdate) step(i int, e element, contrast int64) (element, bool) {
	if u.starts > 1 {
		contrast += e.sum
		if e.sum = contrast; !u.last {
			return e, false
		}
		e.sum = 0
	}
	var random uint32
	if u.Mode == fixedpoint.Stochastic {
		random = u.random.At(uint32(i/u.columns), uint32(i%u.columns))
	}
	master, v, saturated := u.Step(contrast, e.code<<u.bits+e.remainder, e.velocity, random)
	e.code, e.remainder = split(master, u.bits)
	e.velocity = v
	if u.Friction == 0 {
		e.velocity = 0
	}
	return e, saturated
}

// newKept returns what updates keep of so many elements, all zero.
func (k Keeps) newKept(n int) (z Kept) {
	if n == 0 {
		return z
	}
	if k.Remainder > 0 {
		z.Remainder = make([]int32, n)
	}
	if k.Velocity > 0 {
		z.Velocity = make([]int64, n)
	}
	if k.Sum > 0 {
		z.Sum = make([]int64, n)
	}
	return z
}

// orZero is a copy of z that has all that k names.
func (k Keeps) orZero(z Kept, n int) Kept {
	c := k.newKept(n)
	copy(c.Remainder, z.Remainder)
	copy(c.Velocity, z.Velocity)
	copy(c.Sum, z.Sum)
	return c
}

// at returns the numbers of element i beside its code.
func (z *Kept) at(i int, code int64) element {
	e := element{code: code}
	if z.Remainder != nil {
		e.remainder = int64(z.Remainder[i])
	}
	if z.Velocity != nil {
		e.velocity = z.Velocity[i]
	}
	if z.Sum != nil {
		e.sum = z.Sum[i]
	}
	return e
}

// set stores the numbers of element i beside its code.
func (z *Kept) set(i int, e element) {
	if z.Remainder != nil {
		z.Remainder[i] = int32(e.remainder)
	}
	if z.Velocity != nil {
		z.Velocity[i] = e.velocity
	}
	if z.Sum != nil {
		z.Sum[i] = e.sum
	}
}

// check reports numbers of another count, or beyond their bits.
func (k Keeps) check(name string, z *Kept, n int) error {
	wide := make([]int64, len(z.Remainder))
	for i, v := range z.Remainder {
		wide[i] = int64(v)
	}
	for _, a := range []struct {
		what string
		v    []int64
		bits int
	}{{"remainder", wide, k.Remainder}, {"velocity", z.Velocity, k.Velocity}, {"sum", z.Sum, k.Sum}} {
		if len(a.v) == 0 {
			continue
		}
		if len(a.v) != n || a.bits == 0 {
			return fmt.Errorf("ep: %s of %s: %d values, want %d", a.what, name, len(a.v), n*min(a.bits, 1))
		}
		for i, v := range a.v {
			if limit := int64(1) << (a.bits - 1); v < -limit || v >= limit {
				return fmt.Errorf("ep: %s of %s: %d at %d, want a number of %d bits", a.what, name, v, i, a.bits)
			}
		}
	}
	return nil
}
