package sim

import (
	"fmt"
	"math"
	"math/big"

	"epgen/fixedpoint"
	"epgen/gen"
)

// Quantity is one number of the arithmetic with its format and its proved
// range, as real numbers.
type Quantity struct {
	Layer  string  `json:"layer"`
	Name   string  `json:"name"`
	Format string  `json:"format"` // Q or UQ notation
	Bits   int     `json:"bits"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Doc    string  `json:"doc"`
}

// Quantities lists every format and every proved range of a design, layer by
// layer in the order of the arithmetic.
func Quantities(p *gen.Plan) []Quantity {
	var list []Quantity
	for i := range p.Layers {
		a := p.Layers[i].Arith
		given := func(name string, f fixedpoint.Format, doc string) {
			list = append(list, Quantity{
				Layer: p.Layers[i].Name, Name: name, Format: f.String(), Bits: f.Width(),
				Low: f.ToFloat(f.Min()), High: f.ToFloat(f.Max()), Doc: doc,
			})
		}
		derived := func(name string, x fixedpoint.Interval, frac int, doc string) {
			list = append(list, Quantity{
				Layer: p.Layers[i].Name, Name: name, Format: signedFormat(x, frac), Bits: x.SignedWidth(),
				Low: scaled(x.Lo(), frac), High: scaled(x.Hi(), frac), Doc: doc,
			})
		}
		given("below", a.In, "states of the layer below, or the input")
		given("weight", a.Weight, "weights")
		if !p.Layers[i].NoBias {
			given("bias", a.Bias, "biases")
		}
		if p.Reads() && i == p.Relaxing() {
			given("logit", a.State, "logits, as they leave the core")
		} else {
			given("state", a.State, "states")
		}
		derived("up", a.Up, a.AccFrac-a.UpShift, "sum of weight * state below")
		switch {
		case i+1 < p.Relaxing():
			derived("down", a.Down, a.AccFrac-a.DownShift, "sum of weight above * unpooled state above")
		case p.Program.Learns():
			derived("nudge", a.Nudge, a.AccFrac-a.NudgeShift, "beta * (state - target)")
		}
		derived("accumulator", a.Acc, a.AccFrac, "pre-activation, everything aligned and added")
		if x := a.Difference; x != nil {
			derived("difference", x.Range, x.Frac, "of a state in nudged phases from the free one")
			derived("change", x.Acc, x.AccFrac, "of the pre-activation in nudged phases")
			derived("reference", fixedpoint.NewInterval(x.Reference.Lo, x.Reference.Hi), x.Frac, "pre-activation of the last free step")
		}
		if !p.Program.Learns() {
			continue
		}
		derived("contrast", a.Contrast, a.ContrastFrac, "sum of s+ s+ - s- s- of one weight")
		if !p.Layers[i].NoBias {
			derived("bias contrast", a.BiasContrast, a.BiasContrastFrac, "sum of s+ - s- of one bias")
		}
	}
	return list
}

// signedFormat names the narrowest signed format of some fractional bits that
// holds an interval.
func signedFormat(x fixedpoint.Interval, frac int) string {
	return fmt.Sprintf("Q%d.%d", x.SignedWidth()-1-frac, frac)
}

func scaled(v *big.Int, frac int) float64 {
	f, _ := v.Float64()
	return math.Ldexp(f, -frac)
}
