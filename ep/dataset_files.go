package ep

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
)

// readIDX reads a file of images in the IDX format and the file of labels that
// belongs to it by name.
//
//	images  uint32 0x00000803, count, rows, columns; bytes [count, rows, columns]
//	labels  uint32 0x00000801, count;                bytes [count]
//
// all big endian. Format: http://yann.lecun.com/exdb/mnist/
func readIDX(path string) (*images, error) {
	extents, pixels, err := readIDXFile(path, 3)
	if err != nil {
		return nil, err
	}
	dir, base := filepath.Split(strings.TrimSuffix(path, ".gz"))
	name := strings.Replace(base, "images-idx3", "labels-idx1", 1)
	labelPath := plainOrGzipped(dir, name)
	if labelPath == "" {
		return nil, fmt.Errorf("%s: not found, want the labels of %s", filepath.Join(dir, name), base)
	}
	counts, labels, err := readIDXFile(labelPath, 1)
	if err != nil {
		return nil, err
	}
	if counts[0] != extents[0] {
		return nil, fmt.Errorf("%s: %d labels, want %d as there are images", labelPath, counts[0], extents[0])
	}
	return &images{
		path: path, labelPath: labelPath,
		shape: Shape{1, extents[1], extents[2]}, pixels: pixels, labels: labels,
	}, nil
}

// readIDXFile returns the extents and the bytes of an IDX file of unsigned
// bytes in the given number of dimensions.
func readIDXFile(path string, dimensions int) ([]int, []byte, error) {
	data, err := readAll(path)
	if err != nil {
		return nil, nil, err
	}
	head := 4 + 4*dimensions
	if len(data) < head {
		return nil, nil, fmt.Errorf("%s: %d bytes, want a header of %d", path, len(data), head)
	}
	const unsignedByte = 0x08
	if got, want := binary.BigEndian.Uint32(data), uint32(unsignedByte<<8|dimensions); got != want {
		return nil, nil, fmt.Errorf("%s: magic number 0x%08x, want 0x%08x", path, got, want)
	}
	extents, size := make([]int, dimensions), 1
	for i := range extents {
		extents[i] = int(binary.BigEndian.Uint32(data[4+4*i:]))
		// The product cannot overflow while it stays near the size of the file.
		if size *= extents[i]; size > len(data) {
			break
		}
	}
	if got := len(data) - head; got != size {
		return nil, nil, fmt.Errorf("%s: %d bytes after the header, want %s", path, got, wantedSize(data, dimensions))
	}
	return extents, data[head:], nil
}

// wantedSize words the number of bytes that an IDX header announces.
func wantedSize(data []byte, dimensions int) string {
	factors := make([]string, dimensions)
	for i := range factors {
		factors[i] = fmt.Sprint(binary.BigEndian.Uint32(data[4+4*i:]))
	}
	return strings.Join(factors, "*")
}

// readCIFAR reads a file of CIFAR records: labelBytes labels, of which the last
// (the fine one, for CIFAR-100) counts, then 3x32x32 bytes. Format:
// https://www.cs.toronto.edu/~kriz/cifar.html
func readCIFAR(path string, labelBytes, classes int) (*images, error) {
	data, err := readAll(path)
	if err != nil {
		return nil, err
	}
	m := &images{path: path, labelPath: path, shape: Shape{3, 32, 32}}
	record := labelBytes + m.shape.Len()
	if len(data) == 0 || len(data)%record != 0 {
		return nil, fmt.Errorf("%s: %d bytes, want a multiple of %d, the size of a record", path, len(data), record)
	}
	for i := 0; i < len(data); i += record {
		label := data[i+labelBytes-1]
		if int(label) >= classes {
			return nil, fmt.Errorf("%s: label %d of record %d, want 0..%d", path, label, i/record, classes-1)
		}
		m.labels = append(m.labels, label)
		m.pixels = append(m.pixels, data[i+labelBytes:i+record]...)
	}
	return m, nil
}
