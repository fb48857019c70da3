package ep

import (
	"fmt"
	"math"
)

// Dataset is a data set for training: pixels as bytes, which become inputs
// batch by batch.
type Dataset struct {
	Name        string
	Train, Test *Images
	Teacher     Teacher        // of the training part; nil without one
	States      *InitialStates // likewise
}

// Images is one part of a data set.
type Images struct {
	images
	norm normalisation
}

// Augment says how training images are varied, anew in each epoch.
type Augment struct {
	Flip bool // left and right are exchanged in half of the images
	Crop int  // images are shifted by up to so many pixels each way; the border continues the edge
}

// Len returns the number of images.
func (m *Images) Len() int { return len(m.labels) }

// check reports images that do not fit a network.
func (d *Dataset) check(net *Network) error {
	for _, part := range []*Images{d.Train, d.Test} {
		if part.Len() == 0 {
			continue
		}
		if err := part.checkShape(d.Name, net.Input); err != nil {
			return err
		}
		for i, label := range part.labels {
			if int(label) >= net.Classes() {
				return fmt.Errorf("%s: label %d of sample %d, want 0..%d for the classes of the network",
					part.labelPath, label, i, net.Classes()-1)
			}
		}
	}
	return nil
}

// LoadSplit returns the training and test parts of the data set in a directory,
// in the layouts that LoadDataset knows. With a limit above 0 only so many
// training images are used. A part that is missing is an error.
func LoadSplit(dir string, limit int) (*Dataset, error) {
	set, _, err := findDataset(dir, TrainingPart)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: set.name}
	if d.Train, err = set.load(dir, set.parts); err != nil {
		return nil, err
	}
	if d.Test, err = set.load(dir, set.tests); err != nil {
		return nil, err
	}
	if limit > 0 && limit < d.Train.Len() {
		d.Train.labels = d.Train.labels[:limit]
		d.Train.pixels = d.Train.pixels[:limit*d.Train.shape.Len()]
	}
	return d, nil
}

// load reads those of the named files that exist, at least one.
func (set *dataset) load(dir string, names []string) (*Images, error) {
	all := &Images{norm: set.norm}
	for _, name := range names {
		path := plainOrGzipped(dir, name)
		if path == "" {
			continue
		}
		part, err := set.read(path)
		if err != nil {
			return nil, err
		}
		if all.path == "" {
			all.path, all.labelPath, all.shape = part.path, part.labelPath, part.shape
		}
		if part.shape != all.shape {
			return nil, fmt.Errorf("%s: images are %v, want %v as in %s", path, part.shape, all.shape, all.path)
		}
		all.pixels = append(all.pixels, part.pixels...)
		all.labels = append(all.labels, part.labels...)
	}
	if all.Len() == 0 {
		return nil, fmt.Errorf("data directory %s: no samples in %s of %s, want at least one", dir, names[0], set.name)
	}
	return all, nil
}

// fill makes s the given images, augmented by a stream of random numbers for
// each image.
func (m *Images) fill(s *FloatSamples, index []int, net *Network, a Augment, seed uint64) {
	s.X, s.Y, s.States = s.X[:0], s.Y[:0], nil
	one := images{shape: m.shape, pixels: make([]byte, m.shape.Len())}
	for _, i := range index {
		src := m.pixels[i*m.shape.Len():][:m.shape.Len()]
		s.Y = append(s.Y, int(m.labels[i]))
		if a == (Augment{}) {
			copy(one.pixels, src)
		} else {
			a.apply(one.pixels, src, m.shape, NewRandom(mixSeed(seed, uint64(i))))
		}
		s.X = one.appendInput(s.X, 0, net.Input, m.norm)
	}
}

// apply writes a variation of the image src to dst.
func (a Augment) apply(dst, src []byte, shape Shape, random *Random) {
	flip := random.Intn(2) == 1 && a.Flip
	dy, dx := random.Intn(2*a.Crop+1)-a.Crop, random.Intn(2*a.Crop+1)-a.Crop
	for c := range shape.C {
		for y := range shape.H {
			row := min(max(y+dy, 0), shape.H-1)
			for x := range shape.W {
				col := x
				if flip {
					col = shape.W - 1 - x
				}
				col = min(max(col+dx, 0), shape.W-1)
				dst[(c*shape.H+y)*shape.W+x] = src[(c*shape.H+row)*shape.W+col]
			}
		}
	}
}

// ProceduralSet draws a data set for net: one picture per sample of its label
// modulo 10, turned by up to 17 degrees, scaled by 0.8 to 1.2, shifted, with
// noise. On three channels pictures are coloured shapes on a coloured ground, on
// others digits. Seed, shape and number of classes determine every byte.
func ProceduralSet(net *Network, train, test int, seed uint64) *Dataset {
	random := NewRandom(mixSeed(seed, 1))
	d := &Dataset{Name: "procedural digits"}
	draw := drawGlyph
	norm := normalisation{}
	if net.Input.C == 3 {
		d.Name, draw, norm = "procedural shapes", drawShape, cifar10Norm
	}
	part := func(count int) *Images {
		m := &Images{norm: norm}
		m.path, m.labelPath, m.shape = d.Name, d.Name, net.Input
		for range count {
			label := random.Intn(min(net.Classes(), 10))
			m.labels = append(m.labels, byte(label))
			m.pixels = append(m.pixels, render(net.Input, random, func(u, v float64) bool { return draw(label, u, v) })...)
		}
		return m
	}
	d.Train, d.Test = part(train), part(test)
	return d
}

// render draws a figure, given as a set of points of the square [-1, 1] x [-1, 1], in
// a random pose and colour.
func render(shape Shape, random *Random, inside func(u, v float64) bool) []byte {
	spread := func(x float64) float64 { return x * (2*random.Float64() - 1) }
	size := float64(min(shape.H, shape.W)) / 2 * 0.75 * (1 + spread(0.2))
	sin, cos := math.Sincos(spread(0.3))
	top := float64(shape.H-1)/2 + spread(float64(shape.H)/10)
	left := float64(shape.W-1)/2 + spread(float64(shape.W)/10)
	pixels := make([]byte, 0, shape.Len())
	for range shape.C {
		ink, ground := 150+random.Intn(80), 10+random.Intn(70)
		for y := range shape.H {
			for x := range shape.W {
				dy, dx := (float64(y)-top)/size, (float64(x)-left)/size
				value := ground
				if inside(cos*dx+sin*dy, cos*dy-sin*dx) {
					value = ink
				}
				pixels = append(pixels, byte(value+random.Intn(21)-10))
			}
		}
	}
	return pixels
}

// drawGlyph reports whether (u, v) is on the digit.
func drawGlyph(digit int, u, v float64) bool {
	row, col := int(math.Floor((v+1)/2*glyphRows)), int(math.Floor((u/0.75+1)/2*glyphCols))
	return row >= 0 && row < glyphRows && col >= 0 && col < glyphCols && glyphs[digit][row]>>(glyphCols-1-col)&1 == 1
}

// drawShape reports whether (u, v) is in figure 0..9: disc, ring, square, frame,
// triangle, cross, diagonal cross, horizontal bars, vertical bars, two discs.
func drawShape(figure int, u, v float64) bool {
	r, most := math.Hypot(u, v), max(math.Abs(u), math.Abs(v))
	switch figure {
	case 0:
		return r < 0.9
	case 1:
		return r < 0.95 && r > 0.55
	case 2:
		return most < 0.8
	case 3:
		return most < 0.9 && most > 0.5
	case 4:
		return v < 0.8 && v > -0.9 && 2*math.Abs(u) < v+1
	case 5:
		return most < 0.9 && min(math.Abs(u), math.Abs(v)) < 0.25
	case 6:
		return most < 0.9 && math.Abs(math.Abs(u)-math.Abs(v)) < 0.3
	case 7:
		return most < 0.9 && math.Mod(v+2, 0.72) < 0.36
	case 8:
		return most < 0.9 && math.Mod(u+2, 0.72) < 0.36
	}
	return math.Hypot(u-0.5, v-0.5) < 0.45 || math.Hypot(u+0.5, v+0.5) < 0.45
}

// First returns the first batch test samples as inputs of net, for looking at
// gradients: training samples that are fitted well have none.
func (d *Dataset) First(net *Network, batch int) (*FloatSamples, error) {
	if err := d.check(net); err != nil {
		return nil, err
	}
	if batch > d.Test.Len() {
		return nil, fmt.Errorf("batch of %d samples, want at most the %d of the test part of %s", batch, d.Test.Len(), d.Name)
	}
	index := make([]int, batch)
	for i := range index {
		index[i] = i
	}
	s := &FloatSamples{}
	d.Test.fill(s, index, net, Augment{}, 0)
	return s, nil
}
