package gen

import "slices"

// The update of a weight or bias is a pipeline behind the drain, which the options of
// updates lengthen: sums of contrasts and terms besides the contrast in front of the
// rounding, velocity and master behind it. Here are its cycles and its fixed-point formats;
// the pipeline itself is ep_update_lane.

// laneStages is the number of cycles that the options of updates add to the update lanes, in
// front of the rounding and behind it.
func (d *Design) laneStages() (before, after int) {
	cfg := d.Cfg
	return b2i(d.sums()) + b2i(cfg.DecayShift+cfg.MomentumShift > 0), b2i(cfg.MomentumShift > 0) + b2i(cfg.Formats.MasterBits > 0)
}

// columnLate is the number of cycles from a column of the drain to that of the store.
func (d *Design) columnLate() int {
	before, after := d.laneStages()
	return columnLate + before + after
}

// UpdateLatency is that of the update lanes in cycles, and of their random bits: the place of
// an element comes so many cycles behind its contrast.
func (d *Design) UpdateLatency() (value, place int) {
	before, _ := d.laneStages()
	return d.columnLate() - 1, before - 1
}

// Linger is the number of cycles that a pass of the update lasts, and the drain is not idle,
// behind the last column, so that the mode holds until its words have left.
func (d *Design) Linger() int {
	before, after := d.laneStages()
	n := before + after
	if d.keeps() {
		n += d.KeptWords() + 1
	}
	return n
}

// StoreLimit is the number of columns held by the store from which the drain waits: a
// column of it may become one for each word.
func (d *Design) StoreLimit() int { return storeDepth - max(0, d.KeptWords()-1) }

// fixedMaps reports heads of random maps, which do not learn, where parameters decay.
func (d *Design) fixedMaps() bool {
	return d.Cfg.DecayShift > 0 && slices.ContainsFunc(d.Heads, func(h LayerPlan) bool { return !h.Head.Kind.Trains() })
}

// changeFraction is the number of fractional bits of the exact change.
func (d *Design) changeFraction() int {
	return max(d.shifts.rate.max(), d.Cfg.DecayShift, d.Cfg.MomentumShift)
}

// rateLift are the shifts that align products to the fraction of the change.
func (d *Design) rateLift() choices {
	var out choices
	for _, v := range d.shifts.rate.values {
		out.values = append(out.values, d.changeFraction()-v)
	}
	return out
}

// masterBits is the width of a master, or of a weight or bias where there are none.
func (d *Design) masterBits() int { return d.parameterBits() + d.Cfg.Formats.MasterBits }
