package gen

import (
	"fmt"

	"epgen/hdl"
)

// The contrast is a sum over points: final states of phases, with weights. Two points, of
// weights 1 and -1, are the rule, and are called plus and minus; further ones are numbered
// from 3.

// points is the number of points, or of the terms of differences.
func (d *Design) points() int { return len(d.terms()) }

// pointBits is the width of the number of a point, 0 where there are none.
func (d *Design) pointBits() int {
	if d.points() == 0 {
		return 0
	}
	return addrBits(max(2, d.points()))
}

// pointNames returns the endings of the names of addresses, by point; where there are no
// points, that of the only address.
func (d *Design) pointNames() []string {
	if d.points() == 0 {
		return []string{"word"}
	}
	return append([]string{"plus", "minus"}, d.furtherPoints()...)
}

// furtherPoints are the names of those behind the first two.
func (d *Design) furtherPoints() []string {
	var names []string
	for k := 2; k < d.points(); k++ {
		names = append(names, fmt.Sprintf("point%d", k+1))
	}
	return names
}

// isPoint reports that v is the number of point k.
func (d *Design) isPoint(v hdl.Value, k int) hdl.Value {
	if d.pointBits() > 1 {
		return hdl.EqConst(v, int64(k))
	}
	if k == 0 {
		return hdl.Not(v)
	}
	return v
}

// choosePoint picks the value of the point with number v.
func (d *Design) choosePoint(v hdl.Value, values []hdl.Value) hdl.Value {
	z := values[0]
	for k := 1; k < len(values); k++ {
		z = hdl.Mux(d.isPoint(v, k), values[k], z)
	}
	return z
}

// weighted is z times the weight of the point with number v, in a width that holds it.
func (d *Design) weighted(s *hdl.Scope, v, z hdl.Value, width int) hdl.Value {
	if d.points() <= 2 && !d.weights() {
		return hdl.Mux(v, hdl.SubMod(hdl.Const(hdl.S(width), 0), z), z)
	}
	var values []hdl.Value
	for k, p := range d.terms() {
		values = append(values, s.WireIs(fmt.Sprintf("times_%d", k+1), times(z, p.Weight, width), fmt.Sprintf("weight %d", p.Weight)))
	}
	return d.choosePoint(v, values)
}

// weights reports weights other than 1 and -1.
func (d *Design) weights() bool {
	for k, p := range d.terms() {
		if p.Weight != 1-2*k {
			return true
		}
	}
	return false
}

// times is v * w modulo 2^width, by shifts and additions.
func times(v hdl.Value, w, width int) hdl.Value {
	var sum hdl.Value
	n := max(w, -w)
	for bit := 0; n>>bit > 0; bit++ {
		if n>>bit&1 == 0 {
			continue
		}
		term := fit(hdl.Shl(v, bit), width)
		if sum == nil {
			sum = term
		} else {
			sum = hdl.AddMod(sum, term)
		}
	}
	if w < 0 {
		sum = hdl.SubMod(hdl.Const(hdl.S(width), 0), sum)
	}
	return sum
}

// pointDoc says what the number of a point is.
func (d *Design) pointDoc() string {
	if d.differs() {
		return "term of the contrast"
	}
	if d.pointBits() > 1 {
		return "point of the contrast"
	}
	return "phase -beta"
}

// nextPoint is the number of the point that follows.
func (d *Design) nextPoint(v, last hdl.Value) hdl.Value {
	if d.pointBits() == 1 && !d.differs() {
		return hdl.Not(v)
	}
	return hdl.Mux(last, zeroOf(v), inc(v))
}

// weightDoc says what the number of a point does to z.
func (d *Design) weightDoc() string {
	if d.differs() {
		return "term of the contrast, which weighs z"
	}
	if d.pointBits() > 1 || d.weights() {
		return "point of the contrast, which weighs z"
	}
	return "phase -beta: z is negated"
}

// indexCopy is the first word of the pool indices of a layer at point k of the contrast.
func (q *sequencer) indexCopy(index hdl.Value, k int) hdl.Value {
	return hdl.AddMod(index, hdl.Const(index.Type(), int64(k*q.d.IndexWords)))
}

// strengthBits is the width of the choice among several |beta| in the nudge of the output.
func (d *Design) strengthBits() int {
	n := len(d.Arith.Strengths())
	return addrBits(n) * b2i(n > 1 && d.nudgesOutput())
}

// strength is the place of the |beta| of the phase among all.
func (q *sequencer) strength(width int) hdl.Value {
	z := hdl.Value(hdl.Const(hdl.U(width), 0))
	for phase, code := range q.d.Arith.Betas {
		for i, s := range q.d.Arith.Strengths() {
			if i > 0 && max(code, -code) == s {
				z = hdl.Mux(q.isPhase(phase), hdl.Const(hdl.U(width), int64(i)), z)
			}
		}
	}
	return z
}

// morePoints reports that the argmax of another point is to be found.
func (q *sequencer) morePoints() hdl.Value {
	if q.d.points() == 2 {
		return hdl.EqConst(q.variant, variantPlus)
	}
	return hdl.Not(hdl.EqConst(q.variant, int64(q.d.points())))
}

// nextVariant is that of the next point.
func (q *sequencer) nextVariant() hdl.Value {
	if q.d.points() == 2 {
		return hdl.Const(q.variant.Type(), variantPlus+1)
	}
	return inc(q.variant)
}

// pointUnit is the weight of the point with number v.
func (d *Design) pointUnit(v hdl.Value, width int) hdl.Value {
	var values []hdl.Value
	for k := range max(2, d.points()) {
		w := 1 - 2*k
		if k < d.points() {
			w = d.terms()[k].Weight
		}
		if w < 0 {
			values = append(values, hdl.AsU(hdl.Const(hdl.S(width), int64(w))))
		} else {
			values = append(values, hdl.Const(hdl.U(width), int64(w)))
		}
	}
	return d.choosePoint(v, values)
}
