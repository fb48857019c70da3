package gen

import (
	"testing"

	"epgen/ep"
)

// testConfig is a small network of the given list.
func testConfig(t *testing.T, list string, in ep.Shape, set func(*ep.Config)) *ep.Config {
	t.Helper()
	net, err := ep.ParseLayers(list, in)
	if err != nil {
		t.Fatal(err)
	}
	cfg := ep.NewConfig(net)
	if set != nil {
		set(cfg)
	}
	return cfg
}

// element reads one element of an image as a signed number.
func element(p *Plan, img []byte, offset, column, lane int) int64 {
	at := offset + column*p.Map.ColumnBytes + lane*p.ElementBits/8
	v := int64(0)
	for i := range p.ElementBits / 8 {
		v |= int64(img[at+i]) << (8 * i)
	}
	shift := 64 - p.ElementBits
	return v << shift >> shift
}

// TestPackMemory reads back every weight, bias and input where the documented
// layout puts it, for ports wider and narrower than a column.
func TestPackMemory(t *testing.T) {
	for _, width := range []int{32, 64, 128, 256, 512} {
		cfg := testConfig(t, "5,M,7k5p2,fc3", ep.Shape{C: 3, H: 6, W: 7}, func(c *ep.Config) {
			c.Array.Size, c.Memory.DataWidth, c.Batch = 4, width, 2
		})
		p, err := NewPlan(cfg)
		if err != nil {
			t.Fatal(err)
		}
		w, s, next := &ep.Params{}, &ep.Samples{}, int32(-300)
		fill := func(n int) []int32 {
			v := make([]int32, n)
			for i := range v {
				next++
				v[i] = next
			}
			return v
		}
		for i := range p.Layers {
			w.Layers = append(w.Layers, ep.LayerParams{W: fill(p.Layers[i].Weights()), B: fill(p.Layers[i].Out.Shape.C)})
		}
		s.X, s.Y = fill(2*cfg.Network.Input.Len()), []int{2, 1}
		img := p.PackMemory(w, s)
		for b, y := range s.Y {
			if got := element(p, img, p.Map.Labels.Offset, b, 0); got != int64(y) {
				t.Errorf("width %d: label %d = %d, want %d", width, b, got, y)
			}
		}
		for i := range p.Layers {
			l := &p.Layers[i]
			if l.Offset%p.Map.BeatBytes != 0 || l.SlabBytes%p.Map.BeatBytes != 0 {
				t.Errorf("width %d: %s at %d, slabs of %d bytes, want multiples of %d", width, l.Name, l.Offset, l.SlabBytes, p.Map.BeatBytes)
			}
			for co := range l.Out.Shape.C {
				slab := l.Offset + co/4*l.SlabBytes
				if got, want := element(p, img, slab, 0, co%4), int64(w.Layers[i].B[co]); got != want {
					t.Fatalf("width %d: %s bias %d = %d, want %d", width, l.Name, co, got, want)
				}
				for ci := range l.In.Shape.C {
					for tap := range l.Taps {
						tile := ci/4*l.Taps + tap
						got := element(p, img, slab, 1+tile*4+ci%4, co%4)
						if want := int64(w.Layers[i].W[(co*l.In.Shape.C+ci)*l.Taps+tap]); got != want {
							t.Fatalf("width %d: %s W[%d,%d] tap %d = %d, want %d", width, l.Name, co, ci, tap, got, want)
						}
					}
				}
			}
		}
		for b := range 2 {
			for c := range 3 {
				for pix := range 42 {
					got := element(p, img, p.Map.Input.Offset, b*42+pix, c)
					if want := int64(s.X[(b*3+c)*42+pix]); got != want {
						t.Fatalf("width %d: input %d,%d,%d = %d, want %d", width, b, c, pix, got, want)
					}
				}
			}
		}
	}
}

// TestLabelCode checks that the label of a neuron names its word and lane.
func TestLabelCode(t *testing.T) {
	cfg := testConfig(t, "6p0", ep.Shape{C: 1, H: 4, W: 5}, func(c *ep.Config) { c.Array.Size = 4 })
	p, err := NewPlan(cfg)
	if err != nil {
		t.Fatal(err)
	}
	// Class 29 of 6x2x3 neurons is channel 4, pixel 5: lane 0 of word 6+5.
	if got := p.LabelCode(29); got != 11*4+0 {
		t.Errorf("LabelCode(29) = %d, want %d", got, 44)
	}
	seen := map[int]bool{}
	for y := range cfg.Network.Classes() {
		seen[p.LabelCode(y)] = true
	}
	if len(seen) != 36 {
		t.Errorf("%d distinct codes, want 36", len(seen))
	}
}
