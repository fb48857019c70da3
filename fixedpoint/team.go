package fixedpoint

import (
	"runtime"
	"sync/atomic"
	"time"
)

// Team is a group of goroutines that relax different samples through the same network,
// each calling the same kernels in the same order. On small maps a kernel has most of its
// time in reading weights, and a tile of one member's samples alone is not full where
// only some of its pixels meet a tap. There the members meet: each brings its maps and
// computes some of the channels for the samples of all, so that every weight is
// read by one of them, for all samples. The sums are the same.
type Team[T Number] struct {
	parts   []part[T] // of the members, at a kernel
	meeting barrier
}

// NewTeam returns a team of so many members.
func NewTeam[T Number](members int) *Team[T] {
	return &Team[T]{parts: make([]part[T], members), meeting: barrier{members: int32(members)}}
}

// part is what one caller brings to a kernel: its maps, channels last, and where the
// sums of its samples go.
type part[T Number] struct {
	codes []int16
	dst   []T
	batch int
}

// ApplyTogether is Apply for the member of that rank. The maps of all members are of equal
// batch. Every member must call it, for the same kernels in the same order; a nil team is
// a caller alone.
func (k *Kernel[T]) ApplyTogether(t *Team[T], rank int, dst []T, s *Sparse[T]) {
	if t == nil || !k.together(s.batch) {
		k.Apply(dst, s)
		return
	}
	k.check(dst, s)
	t.parts[rank] = part[T]{s.narrowMaps(k.narrow.pairs), dst, s.batch}
	t.meeting.wait()
	tiles := k.tiles(t.parts)
	for block := rank; block < len(k.narrow.segments); block += len(t.parts) {
		for tile := range tiles {
			k.tile(t.parts, block, tile*tilePixels)
		}
	}
	t.meeting.wait()
}

// together reports whether members with so many samples each should share the kernel.
func (k *Kernel[T]) together(batch int) bool {
	area := k.OutH * k.OutW
	return k.usesNarrow() && area < smallMap && k.narrowWork(batch*area) >= serialProducts
}

// barrier is where a fixed number of goroutines wait for each other, again and again.
type barrier struct {
	members int32
	arrived atomic.Int32
	round   atomic.Int32
}

// wait returns when every member has called it as often as the caller. The others are
// expected within microseconds, so it spins first; a processor that other
// programs need is given up.
func (b *barrier) wait() {
	round := b.round.Load()
	if b.arrived.Add(1) == b.members {
		b.arrived.Store(0)
		b.round.Add(1)
		return
	}
	for spins := 0; b.round.Load() == round; spins++ {
		switch {
		case spins > 1<<14:
			time.Sleep(20 * time.Microsecond)
		case spins > 1<<10:
			runtime.Gosched()
		}
	}
}
