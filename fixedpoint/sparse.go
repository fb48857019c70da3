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
}

// Set makes s list the dense maps src [batch, c, h, w].
func (s *Sparse[T]) Set(src []T, batch, c, h, w int) {
	checkLen("Sparse.Set", len(src), batch*c*h*w)
	s.begin(batch, c, h, w)
	s.fill(src, func(i int) int { return i })
}

// SetUnpooled makes s list what Unpool would write: src [batch, c, h/2, w/2] at
// the places index gives in maps [batch, c, h, w].
func (s *Sparse[T]) SetUnpooled(src []T, index []uint8, batch, c, h, w int) {
	oh, ow := h/2, w/2
	checkLen("Sparse.SetUnpooled", len(src), batch*c*oh*ow)
	checkLen("Sparse.SetUnpooled", len(index), len(src))
	s.begin(batch, c, h, w)
	s.fill(src, func(i int) int {
		x, y, p := i%ow, i/ow%oh, i/(ow*oh)
		return unpooled(p, y, x, h, w, index[i])
	})
}

func (s *Sparse[T]) begin(batch, c, h, w int) {
	s.batch, s.c, s.h, s.w = batch, c, h, w
	if n := batch*h*w + 1; cap(s.start) < n {
		s.start = make([]int32, n)
	} else {
		s.start = s.start[:n]
		clear(s.start)
	}
}

// fill lists src, whose element i lies at place(i) of the dense maps: count per
// pixel, sum up, then enter. Channels ascend since i does.
func (s *Sparse[T]) fill(src []T, place func(int) int) {
	area := s.h * s.w
	pixel := func(i int) (q, channel int) {
		at := place(i)
		plane := at / area
		return plane/s.c*area + at%area, plane % s.c
	}
	n := 0
	for i, v := range src {
		if v != 0 {
			q, _ := pixel(i)
			s.start[q+1]++
			n++
		}
	}
	for q := 1; q < len(s.start); q++ {
		s.start[q] += s.start[q-1]
	}
	if cap(s.channel) < n {
		s.channel, s.value = make([]int32, len(src)), make([]T, len(src))
	}
	s.channel, s.value = s.channel[:n], s.value[:n]
	for i, v := range src {
		if v != 0 {
			q, c := pixel(i)
			at := s.start[q]
			s.channel[at], s.value[at] = int32(c), v
			s.start[q]++
		}
	}
	copy(s.start[1:], s.start) // the starts had advanced to the next pixel's
	s.start[0] = 0
}
