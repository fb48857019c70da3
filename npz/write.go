package npz

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Write writes the arrays to w as an NPZ file, with DType Float32, Float64 or
// Int64. It is an error, which names the array, if the length of Data is not
// that of Shape or a value is not exact in the type.
func Write(w io.Writer, arrays []Array) error {
	z := zip.NewWriter(w)
	for i := range arrays {
		a := &arrays[i]
		// A date of its own keeps the bytes the same from run to run.
		entry, err := z.CreateHeader(&zip.FileHeader{
			Name:     a.Name + ".npy",
			Method:   zip.Store,
			Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC),
		})
		if err != nil {
			return err
		}
		if err := a.write(entry); err != nil {
			return fmt.Errorf("array %s: %w", a.Name, err)
		}
	}
	return z.Close()
}

func (a *Array) write(w io.Writer) error {
	n, err := count(a.Shape)
	if err != nil {
		return err
	}
	if n != len(a.Data) {
		return fmt.Errorf("%d values, want %d for shape %v", len(a.Data), n, a.Shape)
	}
	encode, width, err := encoder(a.DType)
	if err != nil {
		return err
	}
	if _, err := w.Write(a.header()); err != nil {
		return err
	}
	buf := make([]byte, 0, 1<<16)
	for i, v := range a.Data {
		var ok bool
		if buf, ok = encode(buf, v); !ok {
			return fmt.Errorf("value %v at %d is not exact in %s", v, i, a.DType)
		}
		if len(buf)+width > cap(buf) || i == n-1 {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	return nil
}

// header returns the start of an NPY stream of version 1.0, padded with blanks
// to a multiple of 64 bytes as the format asks.
func (a *Array) header() []byte {
	extents := make([]string, len(a.Shape))
	for i, extent := range a.Shape {
		extents[i] = fmt.Sprint(extent)
	}
	shape := strings.Join(extents, ", ")
	if len(extents) == 1 {
		shape += "," // a tuple of one
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", a.DType, shape)
	const fixed = 10 // magic number, version, length
	total := (fixed + len(text) + 1 + 63) / 64 * 64
	text += strings.Repeat(" ", total-fixed-len(text)-1) + "\n"
	start := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(start[8:], uint16(len(text)))
	return append(start, text...)
}

// encoder returns the function that appends one element of type descr and
// reports whether it is exact, and the width in bytes.
func encoder(descr string) (encode func(dst []byte, v float64) ([]byte, bool), width int, err error) {
	order := binary.LittleEndian
	switch descr {
	case Float32:
		return func(dst []byte, v float64) ([]byte, bool) {
			f := float32(v)
			return order.AppendUint32(dst, math.Float32bits(f)), float64(f) == v
		}, 4, nil
	case Float64:
		return func(dst []byte, v float64) ([]byte, bool) {
			return order.AppendUint64(dst, math.Float64bits(v)), v == v
		}, 8, nil
	case Int64:
		return func(dst []byte, v float64) ([]byte, bool) {
			return order.AppendUint64(dst, uint64(int64(v))), float64(int64(v)) == v
		}, 8, nil
	}
	return nil, 0, fmt.Errorf("element type %q, want %s, %s or %s", descr, Float32, Float64, Int64)
}
