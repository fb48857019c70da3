package npz

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// ReadFile returns all arrays of an NPZ file in the order of its entries. An
// error names the file and, once it is known, the array.
func ReadFile(path string) ([]Array, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		if err == zip.ErrFormat {
			return nil, fmt.Errorf("%s: not a zip file or cut short, want an NPZ file", path)
		}
		return nil, fmt.Errorf("%s: %w", path, cause(err))
	}
	defer z.Close()
	var arrays []Array
	seen := map[string]bool{}
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			return nil, fmt.Errorf("%s: entry %q, want names ending in .npy", path, f.Name)
		}
		if seen[name] {
			return nil, fmt.Errorf("%s: array %s occurs twice, want it once", path, name)
		}
		seen[name] = true
		a, err := readEntry(f)
		if err != nil {
			return nil, fmt.Errorf("%s: array %s: %w", path, name, err)
		}
		a.Name = name
		arrays = append(arrays, a)
	}
	return arrays, nil
}

// cause strips the operation and the path, which the message names already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func readEntry(f *zip.File) (Array, error) {
	r, err := f.Open()
	if err != nil {
		return Array{}, err
	}
	defer r.Close()
	b := bufio.NewReaderSize(r, 1<<16)
	a, err := readArray(b, f.UncompressedSize64)
	if err != nil {
		return Array{}, err
	}
	// Reading to the end also checks the CRC.
	if rest, err := io.Copy(io.Discard, b); err != nil {
		return Array{}, err
	} else if rest != 0 {
		return Array{}, fmt.Errorf("%d bytes after the last element, want none", rest)
	}
	return a, nil
}

// readArray reads one NPY stream of at most size bytes.
func readArray(r io.Reader, size uint64) (Array, error) {
	h, err := readHeader(r)
	if err != nil {
		return Array{}, err
	}
	decode, width, err := decoder(h.descr)
	if err != nil {
		return Array{}, err
	}
	n, err := count(h.shape)
	if err != nil {
		return Array{}, err
	}
	if uint64(n)*uint64(width) > size {
		return Array{}, fmt.Errorf("%d bytes in all, want %d for shape %v of %s", size, n*width, h.shape, h.descr)
	}
	a := Array{DType: h.descr, Shape: h.shape, Data: make([]float64, n)}
	buf := make([]byte, (1<<16)/width*width)
	for done := 0; done < n; {
		chunk := min(n-done, len(buf)/width)
		if _, err := io.ReadFull(r, buf[:chunk*width]); err != nil {
			return Array{}, fmt.Errorf("data cut short in element %d of %d: %w", done, n, err)
		}
		decode(a.Data[done:done+chunk], buf)
		done += chunk
	}
	if h.fortran {
		a.Data = rowMajor(a.Data, a.Shape)
	}
	return a, nil
}

type header struct {
	descr   string
	fortran bool
	shape   []int
}

var headerForm = regexp.MustCompile(`^\{\s*'descr':\s*'([^']*)',\s*'fortran_order':\s*(True|False),` +
	`\s*'shape':\s*\(([0-9, ]*)\),?\s*\}\s*$`)

func readHeader(r io.Reader) (header, error) {
	var start [8]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:6]) != "\x93NUMPY" {
		return header{}, fmt.Errorf("starts with %q, want the magic number of NPY", start[:6])
	}
	var length uint32
	var err error
	switch major := start[6]; major {
	case 1: // 16 bits of length, 32 in later versions
		var short uint16
		err = binary.Read(r, binary.LittleEndian, &short)
		length = uint32(short)
	case 2, 3:
		err = binary.Read(r, binary.LittleEndian, &length)
	default:
		return header{}, fmt.Errorf("NPY version %d, want 1, 2 or 3", major)
	}
	if err != nil {
		return header{}, fmt.Errorf("header cut short: %w", err)
	}
	if length > 1<<16 {
		return header{}, fmt.Errorf("header of %d bytes, want at most %d", length, 1<<16)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return header{}, fmt.Errorf("header cut short: %w", err)
	}
	m := headerForm.FindSubmatch(text)
	if m == nil {
		return header{}, fmt.Errorf("header %q, want descr, fortran_order and shape of a plain array", text)
	}
	h := header{descr: string(m[1]), fortran: string(m[2]) == "True", shape: []int{}}
	for _, part := range strings.Split(string(m[3]), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		extent, err := strconv.Atoi(part)
		if err != nil {
			return header{}, fmt.Errorf("shape (%s), want integers", m[3])
		}
		h.shape = append(h.shape, extent)
	}
	return h, nil
}

// decoder returns the conversion of packed elements of type descr and their
// width in bytes.
func decoder(descr string) (decode func(dst []float64, src []byte), width int, err error) {
	unsupported := fmt.Errorf("element type %q, want real or integer numbers such as <f4, <f8 or <i8", descr)
	if len(descr) != 3 {
		return nil, 0, unsupported
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch descr[0] {
	case '<', '|':
	case '>':
		order = binary.BigEndian
	default:
		return nil, 0, unsupported
	}
	element := map[string]func([]byte) float64{
		"f4": func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) },
		"f8": func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) },
		"i1": func(b []byte) float64 { return float64(int8(b[0])) },
		"i2": func(b []byte) float64 { return float64(int16(order.Uint16(b))) },
		"i4": func(b []byte) float64 { return float64(int32(order.Uint32(b))) },
		"i8": func(b []byte) float64 { return float64(int64(order.Uint64(b))) },
		"u1": func(b []byte) float64 { return float64(b[0]) },
		"u2": func(b []byte) float64 { return float64(order.Uint16(b)) },
		"u4": func(b []byte) float64 { return float64(order.Uint32(b)) },
		"u8": func(b []byte) float64 { return float64(order.Uint64(b)) },
	}[descr[1:]]
	if element == nil {
		return nil, 0, unsupported
	}
	width = int(descr[2] - '0')
	return func(dst []float64, src []byte) {
		for i := range dst {
			dst[i] = element(src[i*width:])
		}
	}, width, nil
}

// rowMajor returns column-major data in row-major order.
func rowMajor(x []float64, shape []int) []float64 {
	z := make([]float64, len(x))
	index := make([]int, len(shape))
	for i := range z {
		from, stride := 0, 1
		for d, extent := range shape {
			from += index[d] * stride
			stride *= extent
		}
		z[i] = x[from]
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return z
}
