package ep

// Phase is the number of a part of a training step, in the order they run: a
// relaxation of the Program, or its Update.
type Phase int

const (
	PhaseFree  Phase = iota // beta = 0, from the initial state: T1 steps to s*
	PhaseNudge              // the first of the nudged phases, from s*
)

// Observer receives what a training step does, in the order in which
// hardware writes it. Within a synchronous step, layers ascending, that is the index of
// layer n, then the state of layer n-1, and last the state of the output; within an
// asynchronous one, for layers 1, 3, 5, ... and then 2, 4, 6, ..., the index and the
// state of layer n. Layers are numbered from 1 and steps from 0. Slices belong to
// the model and are valid only during the call.
type Observer[T int32 | float64] interface {
	// State receives s^n after the step, [B, C, H, W]: codes in Formats.State or
	// real numbers. In nudged phases that hold differences from s* the codes are those of the
	// differences; the real numbers are the whole states. Of an inference build with a readout the
	// codes of its logits follow, as step 0 of layer N+1 in the phase Program.Readout.
	State(phase Phase, step, layer int, s []T)

	// Index receives the argmax of a pooled layer, 2*dy+dx of each window in [B,
	// C, H, W], each time that it is determined:
	//
	//	layer 1      once, in step 0 of the free phase (its input never changes)
	//	free         every step
	//	nudged       frozen: step 0 of the first nudged phase, the argmax of s*, of
	//	             asynchronous layers the odd ones only; live: every step; none with
	//	             differences
	//	update       live, from layer 2: those at each point of the contrast, numbered as steps
	Index(phase Phase, step, layer int, index []uint8)
}

// Sink observes the fixed-point model.
type Sink = Observer[int32]

// FloatSink observes the float64 model.
type FloatSink = Observer[float64]
