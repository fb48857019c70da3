package ep

import "math"

// DifferenceShifts returns, by layer, how far nudged phases lead away from the free equilibrium
// in float64, and the Formats.DifferenceShift with which differences of so many bits reach twice as
// far at least, as a reserve for other samples and later weights: what remains of the bits is
// resolution. Parameters and samples are those of a typical batch.
func DifferenceShifts(cfg *Config, bits int, p *FloatParams, s *FloatSamples) (reach []float64, shifts []int, err error) {
	c := *cfg // differences show the response alone, without what s* lacks of an equilibrium
	c.Formats.DifferenceBits, c.Formats.DifferenceShift = bits, []int{0}
	if err := c.checkDifferences(); err != nil {
		return nil, nil, err
	}
	m, err := NewFloat(&c)
	if err != nil {
		return nil, nil, err
	}
	out, err := m.TrainStep(p, s, nil)
	if err != nil {
		return nil, nil, err
	}
	top, _ := c.Formats.differences().Hi().Float64()
	for n := range c.Network.Layers {
		far := 0.0
		for _, states := range out.Finals[PhaseNudge:] {
			far = max(far, maxDifference(states[n], out.Finals[PhaseFree][n]))
		}
		k := 0
		for k < maxDifferenceShift && math.Ldexp(2*far, c.StateFormat(n+1).Frac+k+1) <= top {
			k++
		}
		reach, shifts = append(reach, far), append(shifts, k)
	}
	return reach, shifts, nil
}
