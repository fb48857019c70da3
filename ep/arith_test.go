package ep

import (
	"testing"

	"epgen/fixedpoint"
)

// TestFeedbackTerms counts, for small layers, the products that the feedback
// to one neuron can have with states other than 0.
func TestFeedbackTerms(t *testing.T) {
	for kernel := 1; kernel <= 6; kernel++ {
		for size := kernel; size <= 9; size++ {
			for pad := 0; pad < kernel; pad++ {
				for variant := range 6 {
					pool, stride := Pool(variant%3), 1+variant/3
					net := chain(Shape{1, size, size}, layerSpec{1, kernel, pad, pool, stride, false})
					l := &net.Layers[0]
					if l.Out.H < 1 {
						continue
					}
					h, _ := l.Used()
					most := 0 // of one axis; rows and columns are alike
					for v := range size {
						places := map[int]bool{}
						for a := range kernel {
							if y := v - a + pad; y >= 0 && y%stride == 0 && y/stride < h {
								y /= stride
								if pool == MaxPool {
									y /= 2
								}
								places[y] = true
							}
						}
						most = max(most, len(places))
					}
					if got := feedbackTerms(l); got < most*most {
						t.Errorf("kernel %d, pad %d, stride %d, map %d, pool %v: bound %d, but %d can occur",
							kernel, pad, stride, size, pool, got, most*most)
					}
				}
			}
		}
	}
}

// TestDeriveDefault pins the arithmetic of the default formats.
func TestDeriveDefault(t *testing.T) {
	cfg := testConfig(chain(Shape{1, 4, 4}, layerSpec{2, 3, 1, MaxPool, 1, false}, layerSpec{channels: 2}))
	a, err := Derive(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if a.Betas[PhaseNudge] != 128 || a.Spread != 1 || a.TargetOne != 32768 || a.OperandMin != 16 {
		t.Errorf("beta code %d, target %d, operands of %d bits, want 128, 32768, 16", a.Betas[PhaseNudge], a.TargetOne, a.OperandMin)
	}
	w, s, x := fixedpoint.NewInterval(-32768, 32767), fixedpoint.NewInterval(0, 32767), fixedpoint.NewInterval(-32768, 32767)
	first, last := &a.Layers[0], &a.Layers[1]
	for _, c := range []struct {
		name      string
		got, want fixedpoint.Interval
	}{
		{"up 1", first.Up, w.Mul(x).SumUpTo(9)},
		{"down 1", first.Down, w.Mul(s).SumUpTo(2)},
		{"acc 1", first.Acc, w.Mul(x).SumUpTo(9).Add(w.Shl(15)).Add(w.Mul(s).SumUpTo(2))},
		{"nudge 2", last.Nudge, fixedpoint.NewInterval(-32768*128, 32767*128)},
		{"acc 2", last.Acc, w.Mul(s).SumUpTo(8).Add(w.Shl(15)).Add(fixedpoint.NewInterval(-32768*128*64, 32768*128*64))},
		{"contrast 1", first.Contrast, fixedpoint.NewInterval(-4*32767*(32768+32767), 4*32767*(32768+32767))},
		{"bias contrast 2", last.BiasContrast, fixedpoint.NewInterval(-32767, 32767)},
	} {
		if !c.got.Equal(c.want) {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
	if first.AccFrac != 29 || first.Act.Shift != 15 || first.BiasShift != 15 || last.NudgeShift != 6 || first.ContrastFrac != 30 {
		t.Errorf("got accumulator fraction %d, activation shift %d, bias shift %d, nudge shift %d, contrast fraction %d; want 29, 15, 15, 6, 30",
			first.AccFrac, first.Act.Shift, first.BiasShift, last.NudgeShift, first.ContrastFrac)
	}
	// lr/(2 beta B) = 0.5/(2*0.5) = 2^-1, from 30 fractional bits to 14: 2^-17.
	if got := first.WeightUpdate.Constant(); got != 0x1p-17 {
		t.Errorf("weight update constant %g, want 2^-17", got)
	}
	if got := last.BiasUpdate.Constant(); got != 0x1p-2 {
		t.Errorf("bias update constant %g, want 2^-2", got)
	}
}

// TestDerivePresets derives every preset.
func TestDerivePresets(t *testing.T) {
	for _, name := range PresetNames() {
		cfg, err := Preset(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := Derive(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
