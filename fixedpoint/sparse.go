package fixedpoint

// Sparse lists the non-zero elements of B maps [C, H, W], pixel by pixel. Many
// states are 0, and an unpooled map is 0 in three places of four; the
// kernels spend no product on them.
//
// Pixel q = (b*H + y)*W + x holds the channels channel[start[q]:start[q+1]],
// ascending, with their values. The zero value is empty and grows on use.
type Sparse[T Number] struct {
	batch, c, h, w int

	start   []int32 // [B*H*W + 1]
	channel []int32
	value   []T

	// The elements in the order of the maps, from which the lists are made when a
	// kernel asks for them.
	pixel  []int32
	found  []T
	first  []int32 // [B*C + 1]: how many lie before each plane
	sorted bool

	codes []int16 // for kernels of 16 bits
}

// Set makes s list the dense maps src [batch, c, h, w].
func (s *Sparse[T]) Set(src []T, batch, c, h, w int) {
	checkLen("Sparse.Set", len(src), batch*c*h*w)
	s.begin(len(src), batch, c, h, w)
	area, n := h*w, 0
	for plane := range batch * c {
		s.first[plane] = int32(n)
		q := int32(plane / c * area)
		for i, v := range src[plane*area:][:area] {
			if v != 0 {
				s.pixel[n], s.found[n] = q+int32(i), v
				n++
			}
		}
	}
	s.end(n)
}

// SetUnpooled makes s list what Unpool would write: src [batch, c, h/2, w/2] at
// the places index gives in maps [batch, c, h, w].
func (s *Sparse[T]) SetUnpooled(src []T, index []uint8, batch, c, h, w int) {
	oh, ow := h/2, w/2
	checkLen("Sparse.SetUnpooled", len(src), batch*c*oh*ow)
	checkLen("Sparse.SetUnpooled", len(index), len(src))
	s.begin(len(src), batch, c, h, w)
	n := 0
	for plane := range batch * c {
		s.first[plane] = int32(n)
		for y := range oh {
			row := (plane*oh + y) * ow
			q := plane/c*h*w + 2*y*w
			for x, v := range src[row:][:ow] {
				if v != 0 {
					k := int(index[row+x])
					s.pixel[n], s.found[n] = int32(q+k>>1*w+2*x+k&1), v
					n++
				}
			}
		}
	}
	s.end(n)
}

// begin makes room for maps with at most most non-zero elements.
func (s *Sparse[T]) begin(most, batch, c, h, w int) {
	s.batch, s.c, s.h, s.w = batch, c, h, w
	s.sorted = false
	s.pixel, s.found = resize(s.pixel, most), resize(s.found, most)
	s.first = resize(s.first, batch*c+1)
}

// resize returns x with n elements, of any value.
func resize[E any](x []E, n int) []E {
	if cap(x) < n {
		return make([]E, n)
	}
	return x[:n]
}

// end notes that n elements were found.
func (s *Sparse[T]) end(n int) {
	s.first[s.batch*s.c] = int32(n)
	s.pixel, s.found = s.pixel[:n], s.found[:n]
}

// sort makes the lists: count per pixel, sum up, then place. Channels ascend
// since the elements do.
func (s *Sparse[T]) sort() {
	if s.sorted {
		return
	}
	s.sorted = true
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
