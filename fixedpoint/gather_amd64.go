package fixedpoint

import "golang.org/x/sys/cpu"

// simd is the widest extension that kernels use.
var simd = detectSIMD()

func detectSIMD() extension {
	switch {
	case cpu.X86.HasAVX2 && cpu.X86.HasAVX512F:
		return avx512
	case cpu.X86.HasAVX2:
		return avx2
	}
	return portable
}

// gatherFloat64 is gatherPortable for float64 sums of 8, 16 or 32.
func gatherFloat64(acc, w []float64, index []int32, value []float64, stride int) {
	if simd == portable {
		gatherPortable(acc, w, index, value, stride)
		return
	}
	if len(index) == 0 {
		return
	}
	// Calls by name: through a variable their operands would move to the heap.
	switch {
	case len(acc) == 8:
		gather8AVX2(&acc[0], &w[0], &index[0], &value[0], len(index), 8*stride)
	case len(acc) == 16:
		gather16AVX2(&acc[0], &w[0], &index[0], &value[0], len(index), 8*stride)
	case simd == avx512:
		gather32AVX512(&acc[0], &w[0], &index[0], &value[0], len(index), 8*stride)
	default:
		gather32AVX2(&acc[0], &w[0], &index[0], &value[0], len(index), 8*stride)
	}
}

//go:noescape
func gather8AVX2(acc, w *float64, index *int32, value *float64, n, stride int)

//go:noescape
func gather16AVX2(acc, w *float64, index *int32, value *float64, n, stride int)

//go:noescape
func gather32AVX2(acc, w *float64, index *int32, value *float64, n, stride int)

//go:noescape
func gather32AVX512(acc, w *float64, index *int32, value *float64, n, stride int)

func peakAVX2(n int)

func peakVNNI(n int)

func peakMADD(n int)

// Yardsticks returns those of the instructions that the machine has: that of float64
// first, and last that of the 16-bit kernels. It is empty where there is no assembly.
func Yardsticks() []Yardstick {
	var y []Yardstick
	if simd >= avx2 {
		y = append(y, Yardstick{"float64", peakAVX2, 32}, Yardstick{"int16-avx2", peakMADD, 128})
	}
	if simd == avx512 && hasVNNI {
		y = append(y, Yardstick{"int16-vnni", peakVNNI, 512})
	}
	return y
}

// hasVNNI says whether 16-bit products are summed by one instruction.
var hasVNNI = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VNNI

// hasMultiply reports whether multiply works.
func hasMultiply() bool { return simd >= avx2 }

// multiply adds the products of runs, at least one, to the sums of a tile, modulo 2^32: for the
// pairs j of each
//
//	acc[32p + r] += w[64j + 2r] * rows[p][2j] + w[64j + 2r + 1] * rows[p][2j+1]
func multiply(acc *[tilePixels * tileLanes]int32, runs []run) {
	if simd == avx512 && hasVNNI {
		multiplyVNNI(&acc[0], &runs[0], len(runs))
		return
	}
	for p := 0; p < tilePixels; p += 4 {
		for r := 0; r < tileLanes; r += 16 {
			multiplyAVX2(&acc[p*tileLanes+r], &runs[0], len(runs), 8*p, 4*r)
		}
	}
}

// widen adds the sums of a tile to those of 64 bits and clears them.
func widen(sum *[tilePixels * tileLanes]int64, acc *[tilePixels * tileLanes]int32) {
	if simd == avx512 {
		widenAVX512(&sum[0], &acc[0])
		return
	}
	widenAVX2(&sum[0], &acc[0])
}

//go:noescape
func widenAVX512(sum *int64, acc *int32)

//go:noescape
func widenAVX2(sum *int64, acc *int32)

//go:noescape
func multiplyVNNI(acc *int32, runs *run, n int)

//go:noescape
func multiplyAVX2(acc *int32, runs *run, n, rows, w int)
