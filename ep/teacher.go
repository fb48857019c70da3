package ep

// Teacher knows the targets of heads of kind features and logits.
type Teacher interface {
	// Targets writes those of the samples s, which are the training images index, by
	// head in the order of the network: features [B, D], probabilities softmax(zt/T)
	// [B, K]. Heads that are not taught get nil.
	Targets(s *FloatSamples, index []int) [][]float64
}
