package fixedpoint

import "math"

// Sizes of the 16-bit kernels: the sums of so many pixels and lanes are held at once.
const (
	tilePixels = 8
	tileLanes  = 32
)

// narrowKernel holds the weights of a Kernel in 16 bits, for maps of 16-bit
// codes: pairs of input channels, whose products are summed in 32 bits and
// widened to 64 before a sum could overflow.
//
//	packed[(((block*KH*KW + tap)*pairs + j)*32 + r)*2 + h] = w[32*block+r, 2j+h, tap]
type narrowKernel struct {
	fits     bool // every weight does
	pairs    int  // of input channels, the last filled up with zeros
	packed   []int16
	segments [][]segment // of each block
	zeros    []int16     // a pixel outside the map
	lo, hi   int64       // of the codes of the maps
}

// tileRuns is the number of runs that are multiplied in one go.
const tileRuns = 12

// run is what a tile meets in a segment: the codes of its pixels, and the weights.
type run struct {
	rows  [tilePixels]*int16
	w     *int16
	pairs int
}

// segment is a run of pairs of one tap.
type segment struct {
	tap, from, to int
	widen         bool // the sums are added to those of 64 bits after it
}

// SetRange declares that the elements of all maps are integers in [lo, hi]. Where they
// and all weights lie within +-(2^15 - 1) and the processor multiplies such numbers
// faster, Apply does so, with the same results. Repack keeps the declaration.
func (k *Kernel[T]) SetRange(lo, hi int64) {
	k.narrow = nil
	if fits16(lo) && fits16(hi) && hasMultiply() {
		k.narrow = &narrowKernel{lo: lo, hi: hi}
		k.narrow.fits = k.packNarrow()
	}
}

func fits16(x int64) bool { return x >= -math.MaxInt16 && x <= math.MaxInt16 }

// usesNarrow reports whether Apply works in 16 bits.
func (k *Kernel[T]) usesNarrow() bool { return k.narrow != nil && k.narrow.fits }

// packNarrow fills k.narrow. It reports false if a weight is no integer within +-(2^15 - 1).
func (k *Kernel[T]) packNarrow() bool {
	n, taps := k.narrow, k.KH*k.KW
	n.pairs = (k.Cin + 1) / 2
	blocks := (k.Cout + tileLanes - 1) / tileLanes
	n.packed = resize(n.packed, blocks*taps*n.pairs*tileLanes*2)
	clear(n.packed)
	n.zeros = make([]int16, 2*n.pairs)
	n.segments = make([][]segment, blocks)
	for o := range k.Cout {
		block, r := o/tileLanes, o%tileLanes
		first := o - o%maxLanes
		lanes := laneCount(k.Cout - first)
		for tap := range taps {
			for i := range k.Cin {
				v := k.packed[(first*taps+tap*lanes)*k.Cin+i*lanes+o-first]
				c := int16(v)
				if T(c) != v || c == math.MinInt16 {
					return false
				}
				n.packed[(((block*taps+tap)*n.pairs+i/2)*tileLanes+r)*2+i%2] = c
			}
		}
	}
	for block := range n.segments {
		n.segments[block] = n.cut(n.packed[block*taps*n.pairs*tileLanes*2:], taps)
	}
	return true
}

// cut divides the pairs of a block into segments. Between two widenings the
// sum over |weight| times the largest |code| is below 2^31 in every lane, so that
// no sum of a selection of the products can overflow. A single pair of weights and codes
// within +-(2^15-1) obeys that; SetRange and packNarrow leave out the rest.
func (n *narrowKernel) cut(w []int16, taps int) []segment {
	largest := max(n.hi, -n.lo, 1)
	limit := math.MaxInt32 / largest
	var segments []segment
	var sums [tileLanes]int64
	for tap := range taps {
		from := 0
		for j := range n.pairs {
			over := false
			for r := range tileLanes {
				over = over || sums[r]+n.weight(w, tap, j, r) > limit
			}
			if over {
				segments = closeSegment(segments, segment{tap, from, j, true})
				from, sums = j, [tileLanes]int64{}
			}
			for r := range tileLanes {
				sums[r] += n.weight(w, tap, j, r)
			}
		}
		segments = append(segments, segment{tap, from, n.pairs, false})
	}
	segments[len(segments)-1].widen = true
	return segments
}

// closeSegment appends s, which ends with a widening; if it is empty the widening
// belongs to the segment before.
func closeSegment(segments []segment, s segment) []segment {
	if s.from < s.to {
		return append(segments, s)
	}
	if len(segments) > 0 {
		segments[len(segments)-1].widen = true
	}
	return segments
}

// weight returns the sum of |weight| of a pair in lane r.
func (n *narrowKernel) weight(w []int16, tap, j, r int) int64 {
	p := w[((tap*n.pairs+j)*tileLanes+r)*2:]
	a, b := int64(p[0]), int64(p[1])
	return max(a, -a) + max(b, -b)
}

// applyNarrow is Apply in 16 bits.
func (k *Kernel[T]) applyNarrow(dst []T, s *Sparse[T]) {
	s.part[0] = part[T]{s.narrowMaps(k.narrow.pairs), dst, s.batch}
	parts := s.part[:]
	tiles := k.tiles(parts)
	tasks := len(k.narrow.segments) * tiles
	if k.Serial {
		for task := range tasks {
			k.tile(parts, task/tiles, task%tiles*tilePixels)
		}
		return
	}
	parallel(tasks, k.narrowWork(s.batch*k.OutH*k.OutW), func(task int) {
		k.tile(parts, task/tiles, task%tiles*tilePixels)
	})
}

// tiles returns the number of tiles that the pixels of all parts make.
func (k *Kernel[T]) tiles(parts []part[T]) int {
	return (len(parts)*parts[0].batch*k.OutH*k.OutW + tilePixels - 1) / tilePixels
}

// narrowWork returns the work of so many pixels in products of the kernel on float64,
// which takes about eight times as long.
func (k *Kernel[T]) narrowWork(pixels int) int { return pixels * k.Cout * k.KH * k.KW * k.Cin / 8 }

// smallMap is the number of pixels below which tiles run over the samples first: those of
// the same pixel meet the same taps, and on small maps many taps meet nothing.
// On others they run over the pixels, which lie side by side in the result.
const smallMap = 64

// spot is an output pixel: the place of its first tap on the map, the offset of
// that in the codes of its part, and the place of its first channel in the result of that.
type spot[T Number] struct {
	y, x, at, to int
	part         *part[T]
}

// spots fills in the pixels of a tile from first, counted over the samples of all
// parts, and returns those that there are.
func (k *Kernel[T]) spots(spots *[tilePixels]spot[T], parts []part[T], block, first int) []spot[T] {
	area, each := k.OutH*k.OutW, parts[0].batch
	batch := len(parts) * each
	count := min(tilePixels, batch*area-first)
	for p := range count {
		b, pixel := (first+p)/area, (first+p)%area
		if area < smallMap {
			b, pixel = (first+p)%batch, (first+p)/batch
		}
		y, x := pixel/k.OutW*k.Step()-k.PadY, pixel%k.OutW*k.Step()-k.PadX
		own := b % each
		spots[p] = spot[T]{
			y, x, ((own*k.H+y)*k.W + x) * 2 * k.narrow.pairs,
			(own*k.Cout+block*tileLanes)*area + pixel, &parts[b/each],
		}
	}
	return spots[:count]
}

// tile computes a block of channels of up to eight output pixels.
func (k *Kernel[T]) tile(parts []part[T], block, first int) {
	n := k.narrow
	w := n.packed[block*k.KH*k.KW*n.pairs*tileLanes*2:]
	var room [tilePixels]spot[T]
	spots := k.spots(&room, parts, block, first)
	var acc [tilePixels * tileLanes]int32
	var sum [tilePixels * tileLanes]int64
	var runs [tileRuns]run
	count := 0
	for _, seg := range n.segments[block] {
		if r := &runs[count]; k.rows(&r.rows, spots, seg) {
			r.w, r.pairs = &w[(seg.tap*n.pairs+seg.from)*tileLanes*2], seg.to-seg.from
			count++
		}
		if count == tileRuns || count > 0 && seg.widen {
			multiply(&acc, runs[:count])
			count = 0
		}
		if seg.widen {
			widen(&sum, &acc)
		}
	}
	area, lanes := k.OutH*k.OutW, min(tileLanes, k.Cout-block*tileLanes)
	if at := spots[0].to; area >= smallMap && len(spots) == tilePixels && spots[tilePixels-1].to == at+tilePixels-1 {
		for r := range lanes {
			z := (*[tilePixels]T)(spots[0].part.dst[at+r*area:])
			for p := range z {
				z[p] = T(sum[p*tileLanes+r])
			}
		}
		return
	}
	for p, s := range spots {
		for r, v := range sum[p*tileLanes:][:lanes] {
			s.part.dst[s.to+r*area] = T(v)
		}
	}
}

// rows points to the codes that the pixels of a tile meet in a segment, and
// reports whether any of them lies on the map.
func (k *Kernel[T]) rows(rows *[tilePixels]*int16, spots []spot[T], seg segment) bool {
	ty, tx := seg.tap/k.KW, seg.tap%k.KW
	offset := (ty*k.W+tx)*2*k.narrow.pairs + 2*seg.from
	outside, inside := &k.narrow.zeros[2*seg.from], false
	for p := range rows {
		rows[p] = outside
	}
	for p, s := range spots {
		if uint(s.y+ty) < uint(k.H) && uint(s.x+tx) < uint(k.W) {
			rows[p] = &s.part.codes[s.at+offset]
			inside = true
		}
	}
	return inside
}
