package fixedpoint

import "unsafe"

// extension is a vector extension of the processor, chosen at run time. It
// changes the speed of kernels and nothing else: every lane is a sum of its own,
// and products and sums are rounded in the same order as in portable code.
type extension int

const (
	portable extension = iota
	avx2
	avx512
)

// Yardstick is a loop of the multiply-adds of a kernel between registers, to compare
// kernels with: Run performs n times so many products.
type Yardstick struct {
	Name     string
	Run      func(n int)
	Products int
}

// maxLanes is the largest number of sums that are kept in registers.
const maxLanes = 32

// laneCount returns how many sums, 8, 16 or 32, to keep in registers where
// count are left to compute.
func laneCount(count int) int {
	switch {
	case count > 16:
		return 32
	case count > 8:
		return 16
	}
	return 8
}

// gather adds to each of len(acc) sums, 8, 16 or 32, the products of the listed
// values with its column of the rows of w:
//
//	acc[r] += sum_j w[stride*index[j] + r] * value[j]
//
// in the order of j.
func gather[T Number](acc, w []T, index []int32, value []T, stride int) {
	if T(1)/2 == 0 { // int64
		gatherPortable(acc, w, index, value, stride)
		return
	}
	gatherFloat64(floats(&acc), floats(&w), index, floats(&value), stride)
}

// floats returns a slice of T, which must be float64, as what it is. A type
// switch would move it to the heap.
func floats[T Number](x *[]T) []float64 { return *(*[]float64)(unsafe.Pointer(x)) }

// gatherPortable is gather in Go, eight sums at a time.
func gatherPortable[T Number](acc, w []T, index []int32, value []T, stride int) {
	for r := 0; r < len(acc); r += 8 {
		gather8(acc[r:r+8], w[r:], index, value, stride)
	}
}

func gather8[T Number](acc, w []T, index []int32, value []T, stride int) {
	a := (*[8]T)(acc)
	a0, a1, a2, a3, a4, a5, a6, a7 := a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
	value = value[:len(index)]
	for j, c := range index {
		v := value[j]
		p := (*[8]T)(w[int(c)*stride:])
		a0 += p[0] * v
		a1 += p[1] * v
		a2 += p[2] * v
		a3 += p[3] * v
		a4 += p[4] * v
		a5 += p[5] * v
		a6 += p[6] * v
		a7 += p[7] * v
	}
	*a = [8]T{a0, a1, a2, a3, a4, a5, a6, a7}
}
