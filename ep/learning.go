package ep

import (
	"math"
	"slices"

	"epgen/fixedpoint"
)

// Trains reports whether updates change layer n, from 1.
func (c *Config) Trains(n int) bool { return !slices.Contains(c.Frozen, n) }

// checkUpdate checks frozen layers and the limit of weights. The layers that learn follow one
// another, so that their new weights are one run of memory.
func (c *Config) checkUpdate() error {
	layers, first, last, learn := len(c.Network.Layers), 0, 0, 0
	for n := 1; n <= layers; n++ {
		if c.Trains(n) {
			if learn == 0 {
				first = n
			}
			last = n
			learn++
		}
	}
	for i, n := range c.Frozen {
		if n < 1 || n > layers || slices.Contains(c.Frozen[:i], n) {
			return badSetting("learning.frozen", "%d, want different layers 1..%d", n, layers)
		}
	}
	switch {
	case learn == 0:
		return badSetting("learning.frozen", "all %d layers, want at least one that learns", layers)
	case learn != last-first+1:
		return badSetting("learning.frozen", "%d, want layers %d to %d to learn without a gap", c.Frozen, first, last)
	case len(c.Network.Heads) > 0 && last != layers:
		return badSetting("learning.frozen", "%d with heads, want layers %d to %d to learn", c.Frozen, first, layers)
	case !(c.Clip >= 0) || math.IsInf(c.Clip, 0):
		return badSetting("learning.clip", "%v, want a finite number of at least 0", c.Clip)
	}
	for n := 1; n <= layers; n++ {
		if f := c.Formats.WeightOf(n); c.Clip > 0 && f.FromFloat(c.Clip, fixedpoint.Truncate) == 0 {
			return badSetting("learning.clip", "%v, want 0 or at least %v, an LSB of the weights of layer %d", c.Clip, f.LSB(), n)
		}
	}
	return c.checkKept()
}

// clip narrows the range that an update leaves weights of a format in.
func (c *Config) clip(u fixedpoint.Update, f fixedpoint.Format) fixedpoint.Update {
	if c.Clip > 0 {
		limit := f.FromFloat(c.Clip, fixedpoint.Truncate)
		u.Lo, u.Hi = max(u.Lo, -limit), min(u.Hi, limit)
	}
	return u
}

// clipLimits is clip for real numbers.
func (c *Config) clipLimits(lo, hi float64) (float64, float64) {
	if c.Clip > 0 {
		lo, hi = max(lo, -c.Clip), min(hi, c.Clip)
	}
	return lo, hi
}
