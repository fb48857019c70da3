package fixedpoint

// Sparse lists the non-zero elements of B maps [C, H, W], pixel by pixel. Many
// states are 0, and an unpooled map is 0 in three places of four; the
// kernels spend no product on them.
//
// Pixel q = (b*H + y)*W + x holds the channels channel[start[q]:start[q+1]],
// ascending, with their values. The lists are made when a kernel asks for them; those of
// 16 bits take the maps as codes instead. The zero value is empty and grows on use.
type Sparse[T Number] struct {
	batch, c, h, w int
	src            []T     // the maps
	index          []uint8 // nil, or the places of src, pooled, in the maps
	layout         layout

	start   []int32 // [B*H*W + 1]
	channel []int32
	value   []T

	// The elements in the order of the maps, from which the lists are made.
	pixel  []int32
	found  []T
	first  []int32 // [B*C + 1]: how many lie before each plane
	sorted bool

	codes []int16
	part  [1]part[T] // of a caller alone
}

// Set makes s list the dense maps src [batch, c, h, w], which must not change before
// the last Apply.
func (s *Sparse[T]) Set(src []T, batch, c, h, w int) {
	checkLen("Sparse.Set", len(src), batch*c*h*w)
	s.batch, s.c, s.h, s.w, s.src, s.index, s.sorted = batch, c, h, w, src, nil, false
	s.layout = layout{1, 1, h, w}
}

// SetOutputs makes s list outputs of g as they act on the map below it, dilated
// to the stride: what the kernel of NewTransposed takes. src is [batch, Cout, OutH, OutW],
// or pooled by 2x2 (floor). Of a max pool the index gives the place of each value in its
// window; without an index a pooled value stands at all four, as that of an average
// does. Neither may change before the last Apply.
func (s *Sparse[T]) SetOutputs(src []T, index []uint8, batch int, g Window) {
	s.layout = layout{1, g.Step(), g.OutH, g.OutW}
	if index != nil || len(src) != batch*g.Cout*g.OutH*g.OutW {
		s.layout = layout{4, g.Step(), g.OutH / 2, g.OutW / 2}
	}
	checkLen("Sparse.SetOutputs", len(src), batch*g.Cout*s.layout.h*s.layout.w)
	if index != nil {
		s.layout.places = 1
		checkLen("Sparse.SetOutputs", len(index), len(src))
	}
	s.batch, s.c, s.src, s.index, s.sorted = batch, g.Cout, src, index, false
	s.h, s.w = g.Dilated()
}

// layout says where the elements of src, planes of h x w, stand in the maps.
type layout struct {
	places int // of each element: 1, or all 4 of a window
	step   int // of the grid of places
	h, w   int
}

// plain reports whether src is the maps themselves.
func (s *Sparse[T]) plain() bool { return s.index == nil && s.layout.places == 1 && s.layout.step == 1 }

// each calls f for every element of a plane that is not 0, and each of its places, with
// the pixel in its map.
func (s *Sparse[T]) each(plane int, f func(pixel int, v T)) {
	l := &s.layout
	row, down := l.step, l.step*s.w
	for y := range l.h {
		at := (plane*l.h + y) * l.w
		for x, v := range s.src[at:][:l.w] {
			switch {
			case v == 0:
			case s.index != nil:
				k := int(s.index[at+x])
				f((2*y+k>>1)*down+(2*x+k&1)*row, v)
			case l.places == 1:
				f(y*down+x*row, v)
			default:
				p := 2*y*down + 2*x*row
				f(p, v)
				f(p+row, v)
				f(p+down, v)
				f(p+down+row, v)
			}
		}
	}
}

// find collects the non-zero elements.
func (s *Sparse[T]) find() {
	most := len(s.src) * s.layout.places
	s.pixel, s.found = resize(s.pixel, most), resize(s.found, most)
	s.first = resize(s.first, s.batch*s.c+1)
	n, area := 0, s.h*s.w
	for plane := range s.batch * s.c {
		s.first[plane] = int32(n)
		q := int32(plane / s.c * area)
		if !s.plain() {
			s.each(plane, func(pixel int, v T) {
				s.pixel[n], s.found[n] = q+int32(pixel), v
				n++
			})
			continue
		}
		for i, v := range s.src[plane*area:][:area] {
			if v != 0 {
				s.pixel[n], s.found[n] = q+int32(i), v
				n++
			}
		}
	}
	s.first[s.batch*s.c] = int32(n)
	s.pixel, s.found = s.pixel[:n], s.found[:n]
}

// resize returns x with n elements, of any value.
func resize[E any](x []E, n int) []E {
	if cap(x) < n {
		return make([]E, n)
	}
	return x[:n]
}

// sort makes the lists: count per pixel, sum up, then place. Channels ascend
// since the elements do.
func (s *Sparse[T]) sort() {
	if s.sorted {
		return
	}
	s.sorted = true
	s.find()
	s.start = resize(s.start, s.batch*s.h*s.w+1)
	clear(s.start)
	most := cap(s.found) // so that more elements later need no more room
	s.channel, s.value = resize(s.channel, most)[:len(s.found)], resize(s.value, most)[:len(s.found)]
	for _, q := range s.pixel {
		s.start[q+1]++
	}
	for q := 1; q < len(s.start); q++ {
		s.start[q] += s.start[q-1]
	}
	for plane := range s.batch * s.c {
		c := int32(plane % s.c)
		for i := s.first[plane]; i < s.first[plane+1]; i++ {
			q := s.pixel[i]
			at := s.start[q]
			s.channel[at], s.value[at] = c, s.found[i]
			s.start[q]++
		}
	}
	copy(s.start[1:], s.start) // the starts had advanced to the next pixel's
	s.start[0] = 0
}

// narrowMaps returns the maps as 16-bit codes, channels last, filled up to pairs:
// [B*H*W, 2*pairs].
func (s *Sparse[T]) narrowMaps(pairs int) []int16 {
	area, stride := s.h*s.w, 2*pairs
	s.codes = resize(s.codes, s.batch*area*stride)
	if !s.plain() || s.c%2 == 1 { // what no element of src overwrites
		clear(s.codes)
	}
	for plane := range s.batch * s.c {
		z := s.codes[plane/s.c*area*stride+plane%s.c:]
		if s.plain() {
			for i, v := range s.src[plane*area:][:area] {
				z[i*stride] = int16(v)
			}
			continue
		}
		s.each(plane, func(pixel int, v T) { z[pixel*stride] = int16(v) })
	}
	return s.codes
}
