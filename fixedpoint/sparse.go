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

	start   []int32 // [B*H*W + 1]
	channel []int32
	value   []T

	// The elements in the order of the maps, from which the lists are made.
	pixel  []int32
	found  []T
	first  []int32 // [B*C + 1]: how many lie before each plane
	sorted bool

	codes []int16
}

// Set makes s list the dense maps src [batch, c, h, w], which must not change before
// the last Apply.
func (s *Sparse[T]) Set(src []T, batch, c, h, w int) {
	checkLen("Sparse.Set", len(src), batch*c*h*w)
	s.batch, s.c, s.h, s.w, s.src, s.index, s.sorted = batch, c, h, w, src, nil, false
}

// SetUnpooled makes s list what Unpool would write: src [batch, c, h/2, w/2] at
// the places index gives in maps [batch, c, h, w]. Neither may change before the
// last Apply.
func (s *Sparse[T]) SetUnpooled(src []T, index []uint8, batch, c, h, w int) {
	checkLen("Sparse.SetUnpooled", len(src), batch*c*(h/2)*(w/2))
	checkLen("Sparse.SetUnpooled", len(index), len(src))
	s.batch, s.c, s.h, s.w, s.src, s.index, s.sorted = batch, c, h, w, src, index, false
}

// find collects the non-zero elements.
func (s *Sparse[T]) find() {
	s.pixel, s.found = resize(s.pixel, len(s.src)), resize(s.found, len(s.src))
	s.first = resize(s.first, s.batch*s.c+1)
	n, area := 0, s.h*s.w
	for plane := range s.batch * s.c {
		s.first[plane] = int32(n)
		if s.index != nil {
			n = s.findUnpooled(plane, n)
			continue
		}
		q := int32(plane / s.c * area)
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

// findUnpooled collects the non-zero elements of a plane of pooled maps, from number n.
func (s *Sparse[T]) findUnpooled(plane, n int) int {
	oh, ow := s.h/2, s.w/2
	for y := range oh {
		row := (plane*oh + y) * ow
		q := plane/s.c*s.h*s.w + 2*y*s.w
		for x, v := range s.src[row:][:ow] {
			if v != 0 {
				k := int(s.index[row+x])
				s.pixel[n], s.found[n] = int32(q+k>>1*s.w+2*x+k&1), v
				n++
			}
		}
	}
	return n
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
	if s.index != nil || s.c%2 == 1 { // what no element of src overwrites
		clear(s.codes)
	}
	oh, ow := s.h/2, s.w/2
	for plane := range s.batch * s.c {
		z := s.codes[plane/s.c*area*stride+plane%s.c:]
		if s.index == nil {
			for i, v := range s.src[plane*area:][:area] {
				z[i*stride] = int16(v)
			}
			continue
		}
		for y := range oh {
			row := (plane*oh + y) * ow
			index := s.index[row:][:ow]
			for x, v := range s.src[row:][:ow] {
				k := int(index[x])
				z[((2*y+k>>1)*s.w+2*x+k&1)*stride] = int16(v)
			}
		}
	}
	return s.codes
}
