//go:build !amd64

package fixedpoint

// simd is the widest extension that kernels use.
var simd = portable

func gatherFloat64(acc, w []float64, index []int32, value []float64, stride int) {
	gatherPortable(acc, w, index, value, stride)
}

// Yardsticks returns none: there is no instruction to measure.
func Yardsticks() []Yardstick { return nil }

// hasMultiply reports that multiply must not be called.
func hasMultiply() bool { return false }

func multiply(*[tilePixels * tileLanes]int32, []run) {
	panic("fixedpoint: no 16-bit kernel on this machine")
}

func widen(*[tilePixels * tileLanes]int64, *[tilePixels * tileLanes]int32) {
	panic("fixedpoint: no 16-bit kernel on this machine")
}
