package ep

import "epgen/fixedpoint"

// Formats are the number formats a user may choose. Everything else
// (accumulators, contrast, shifts) is derived from them by Derive.
type Formats struct {
	Input  fixedpoint.Format // samples; default Q0.15
	State  fixedpoint.Format // neurons; default UQ0.15
	Weight fixedpoint.Format // default Q1.14
	Bias   fixedpoint.Format // default Q1.14
	Target fixedpoint.Format // one-hot targets; default UQ1.15
	Beta   fixedpoint.Format // nudging strength; default UQ4.8

	// One format for each layer, instead of State, Weight and Bias; nil: all layers alike.
	LayerState, LayerWeight, LayerBias []fixedpoint.Format

	HeadWeight  fixedpoint.Format // maps of heads; default Q3.12
	HeadBias    fixedpoint.Format // default Q3.12
	Probability fixedpoint.Format // of a softmax, and the one-hot targets it meets; default UQ0.15
	Error       fixedpoint.Format // errors of heads that a softmax does not bound, and teachers; default Q2.13
	Lambda      fixedpoint.Format // beta * lambda (over D for features) of a head; default UQ4.8

	RateBits   int // bits of the mantissa of lr/(2 beta B); default 16
	MasterBits int // fractional bits of the masters of weights and biases beyond those of their formats; default 0: there are none

	Output fixedpoint.Format // of a linear output layer; default Q1.15
	Logit  fixedpoint.Format // of the logits that an inference build delivers; default Q7.8

	// Nudged phases hold the states as differences from s*, codes of so many bits with the sign; 0: as states.
	DifferenceBits int
	// Fractional bits of the differences beyond those of the states of their layer: one number for all
	// layers, or one for each.
	DifferenceShift []int

	StateRounding  fixedpoint.Rounding // default NearestEven
	UpdateRounding fixedpoint.Rounding // default NearestEven; Stochastic by bits that follow from the seed
}

// ofLayer returns the format of layer n, from 1: that of the list, if there is one.
func ofLayer(list []fixedpoint.Format, n int, all fixedpoint.Format) fixedpoint.Format {
	if n <= len(list) {
		return list[n-1]
	}
	return all
}

// StateOf returns the format of the states of layer n, from 1; that of a linear output
// is Output, see [Config.StateFormat].
func (f *Formats) StateOf(n int) fixedpoint.Format { return ofLayer(f.LayerState, n, f.State) }

// WeightOf returns the format of the weights of layer n, from 1.
func (f *Formats) WeightOf(n int) fixedpoint.Format { return ofLayer(f.LayerWeight, n, f.Weight) }

// BiasOf returns the format of the biases of layer n, from 1.
func (f *Formats) BiasOf(n int) fixedpoint.Format { return ofLayer(f.LayerBias, n, f.Bias) }

// widest returns the format with most bits of the layers 1 to n.
func widest(n int, of func(n int) fixedpoint.Format) fixedpoint.Format {
	z := of(1)
	for i := 2; i <= n; i++ {
		if f := of(i); f.Width() > z.Width() {
			z = f
		}
	}
	return z
}

// WeightBits returns the bits in which hardware keeps a weight: those of the widest layer
// or head.
func (c *Config) WeightBits() int {
	bits := widest(len(c.Network.Layers), c.Formats.WeightOf).Width()
	if len(c.Network.Heads) > 0 {
		bits = max(bits, c.Formats.HeadWeight.Width())
	}
	return bits
}

// BiasBits returns those of a bias.
func (c *Config) BiasBits() int {
	bits := widest(len(c.Network.Layers), c.Formats.BiasOf).Width()
	if len(c.Network.Heads) > 0 {
		bits = max(bits, c.Formats.HeadBias.Width())
	}
	return bits
}

// StateBits returns those of a state that is not of a linear output.
func (c *Config) StateBits() int {
	return widest(len(c.Network.Layers), c.Formats.StateOf).Width()
}

// checkFormats checks each format alone: codes are held in 32 bits, states
// and targets are never negative, weights and biases may be.
func (c *Config) checkFormats() error {
	f := &c.Formats
	if err := checkWidth("formats.input", f.Input, 32); err != nil {
		return err
	}
	for _, x := range []struct {
		key    string
		format fixedpoint.Format
		signed bool
		most   int // bits
	}{
		{"formats.state", f.State, false, 31},
		{"formats.weight", f.Weight, true, 32},
		{"formats.bias", f.Bias, true, 32},
		{"formats.target", f.Target, false, 31},
		{"formats.beta", f.Beta, false, 31},
		{"formats.head-weight", f.HeadWeight, true, 32},
		{"formats.head-bias", f.HeadBias, true, 32},
		{"formats.probability", f.Probability, false, 24},
		{"formats.error", f.Error, true, 32},
		{"formats.lambda", f.Lambda, false, 31},
		{"formats.logit", f.Logit, true, 31},
	} {
		if err := checkFormat(x.key, x.format, x.signed, x.most); err != nil {
			return err
		}
	}
	return firstError(
		c.checkLayerFormats("formats.layer-state", f.LayerState, false, 31),
		c.checkLayerFormats("formats.layer-weight", f.LayerWeight, true, 32),
		c.checkLayerFormats("formats.layer-bias", f.LayerBias, true, 32),
		checkRange("formats.rate-bits", f.RateBits, 2, 32),
		checkStateRounding(f.StateRounding),
		c.checkDifferences(),
	)
}

func checkFormat(key string, f fixedpoint.Format, signed bool, most int) error {
	return firstError(checkSign(key, f, signed), checkWidth(key, f, most))
}

// checkLayerFormats checks a list of formats, one for each layer, if there is one.
func (c *Config) checkLayerFormats(key string, list []fixedpoint.Format, signed bool, most int) error {
	if got, want := len(list), len(c.Network.Layers); got != 0 && got != want {
		return badSetting(key, "%d formats, want %d, one for each layer, or none", got, want)
	}
	for i, f := range list {
		if err := ofTheLayer(i+1, checkFormat(key, f, signed, most)); err != nil {
			return err
		}
	}
	return nil
}

// ofTheLayer adds the number of the layer, from 1, to what is wrong with a value of a list.
func ofTheLayer(n int, err error) error {
	if e, ok := err.(*SettingError); ok {
		return badSetting(e.Key, "layer %d: %s", n, e.Reason)
	}
	return err
}
