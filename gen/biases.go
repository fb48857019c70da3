package gen

// BiasColumns returns the columns of biases of a slab: 1, or 0 of a layer without.
func (l *LayerPlan) BiasColumns() int { return b2i(!l.NoBias) }

// someBiases and allBiases report whether at least one layer or head, and whether every
// one, has biases. Without any the hardware of biases is left out; where layers
// differ, it looks up which have them.
func (p *Plan) someBiases() bool {
	for _, l := range p.slabs() {
		if !l.NoBias {
			return true
		}
	}
	return false
}

func (p *Plan) allBiases() bool {
	for _, l := range p.slabs() {
		if l.NoBias {
			return false
		}
	}
	return true
}

// contrastsBiases reports passes over the contrasts of biases.
func (p *Plan) contrastsBiases() bool { return p.someBiases() && p.learns() }

// mixedBiases reports layers of both kinds.
func (p *Plan) mixedBiases() bool { return p.someBiases() && !p.allBiases() }

// parameterBits is the width of a weight, or of a bias if some layer has any.
func (d *Design) parameterBits() int {
	if !d.someBiases() {
		return d.WeightBits
	}
	return max(d.WeightBits, d.BiasBits)
}
