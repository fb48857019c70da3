package ep

import "fmt"

// Sweep says in which order a time step renews the layers.
type Sweep int

const (
	// Synchronous computes all layers from the states of the step before.
	Synchronous Sweep = iota

	// Asynchronous renews the odd layers first, then the even ones from their
	// fresh neighbours. Layers of equal parity do not meet, so each half is
	// synchronous in itself.
	Asynchronous
)

// String returns the name that flags and files use: "synchronous" or "asynchronous".
func (s Sweep) String() string {
	if s == Asynchronous {
		return "asynchronous"
	}
	return "synchronous"
}

// UnmarshalText reads "synchronous" or "asynchronous".
func (s *Sweep) UnmarshalText(text []byte) error {
	switch string(text) {
	case "synchronous":
		*s = Synchronous
	case "asynchronous":
		*s = Asynchronous
	default:
		return fmt.Errorf("schedule %q, want synchronous or asynchronous", text)
	}
	return nil
}

// halfSweep renews every second layer, from layer first+1 on: half of an
// asynchronous step. For each layer n it computes
//
//	u^n = P_n(W_n * s^{n-1} + b_n) + W_{n+1}^T U_{n+1}(s^{n+1}; I_{n+1})
//
// in the order of the hardware: UP(n) and pooling, DOWN(n+1), activation. I_{n+1}
// is the argmax that belongs to the present s^n, and it is already there: s^n has
// not changed since the other half, whose UP(n+1) determined it. The first half of
// the very first step meets states of 0 where nothing has determined an index, and U
// of these is 0 whatever the index; for other initial states see Config.IndexesFirst.
//
// See Scellier et al. 2023, https://arxiv.org/abs/2312.15103.
func (r *relaxer[T]) halfSweep(phase Phase, step, first int) {
	r.moving = r.differs && phase != PhaseFree
	for n := first; n < len(r.layers); n += 2 {
		if n > 0 {
			r.drive(n, phase, step)
		}
		if n+1 < len(r.layers) {
			r.feedBack(n + 1)
		}
		r.settle(n, phase, step)
	}
}

// lastSettled returns the layer that a step renews last.
func (r *relaxer[T]) lastSettled() int {
	n := len(r.layers)
	if r.async && n > 1 {
		n -= n % 2
	}
	return n
}

// indices returns a copy of the pool indices of all layers.
func (r *relaxer[T]) indices() [][]uint8 {
	index := make([][]uint8, len(r.layers))
	for n := range r.layers {
		index[n] = append([]uint8(nil), r.layers[n].index...)
	}
	return index
}

// setIndices makes index the present pool indices.
func (r *relaxer[T]) setIndices(index [][]uint8) {
	for n := range r.layers {
		copy(r.layers[n].index, index[n])
	}
}
