// Package npz reads and writes NumPy archives of numeric arrays.
//
// An NPZ file is a zip file whose entries NAME.npy each hold one array: the
// magic number "\x93NUMPY", a version, a header such as
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (64, 3, 3, 3), }
//
// and the elements. The package reads real and integer arrays of either byte
// order, compressed or not, and writes files whose bytes depend on nothing but
// the arrays: entries in the order given, uncompressed, dated 1980-01-01.
//
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// The existing Go libraries write nested Go arrays of fixed size, whereas
// shapes here are known at run time only, hence this package.
package npz

import "fmt"

// Array is a numeric array in row-major order; len(Data) is the product of
// Shape. Every supported type but 64-bit integers beyond 2^53 fits a float64 exactly.
type Array struct {
	Name  string // name of the entry without ".npy"
	DType string // as NumPy writes it, for example "<f4"
	Shape []int
	Data  []float64
}

// Element types that are written.
const (
	Float32 = "<f4"
	Float64 = "<f8"
	Int64   = "<i8"
)

// IsFloat reports whether the elements are of a floating-point type.
func (a *Array) IsFloat() bool { return len(a.DType) == 3 && a.DType[1] == 'f' }

// count returns the number of elements of a shape, or an error if it exceeds
// what a file may hold: a header must not make us allocate without bound.
func count(shape []int) (int, error) {
	const most = 1 << 31
	n := 1
	for _, extent := range shape {
		if extent < 0 || (extent > 0 && n > most/extent) {
			return 0, fmt.Errorf("shape %v, want at most %d elements", shape, most)
		}
		n *= extent
	}
	return n, nil
}
