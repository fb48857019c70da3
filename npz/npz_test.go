package npz

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.npz")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRoundTrip(t *testing.T) {
	want := []Array{
		{"a", Float64, []int{2, 3}, []float64{0.1, -1e300, math.SmallestNonzeroFloat64, math.Inf(1), 0, 7}},
		{"b.c", Float32, []int{3}, []float64{0.5, -0x1p-149, 3}},
		{"labels", Int64, []int{1, 2, 1}, []float64{-1 << 53, 9}},
		{"scalar", Float64, []int{}, []float64{4}},
		{"empty", Float64, []int{0, 4}, []float64{}},
		{"long", Float64, []int{20000}, make([]float64, 20000)},
	}
	for i := range want[5].Data {
		want[5].Data[i] = float64(i) / 3
	}
	var b bytes.Buffer
	if err := Write(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(write(t, b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arrays (-want +got):\n%s", diff)
	}
}

// entry returns a compressed zip file of one NPY entry written by hand.
func entry(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func npy(version byte, header, data string) string {
	length := string([]byte{byte(len(header)), byte(len(header) >> 8)})
	if version > 1 {
		length += "\x00\x00"
	}
	return "\x93NUMPY" + string([]byte{version, 0}) + length + header + data
}

func TestReadForms(t *testing.T) {
	tests := []struct {
		version      byte
		header, data string
		shape        []int
		want         []float64
	}{
		{1, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "\x01\xff\x00", []int{3}, []float64{1, 255, 0}},
		{2, "{'descr': '>i2', 'fortran_order': False, 'shape': (2,)}  \n", "\x01\x00\xff\xfe", []int{2}, []float64{256, -2}},
		{3, "{'descr': '<u4', 'fortran_order': False, 'shape': (), }", "\xff\xff\xff\xff", []int{}, []float64{1<<32 - 1}},
		{1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1), }", "\x3f\xc0\x00\x00", []int{1, 1}, []float64{1.5}},
		// Column-major: the first index runs fastest.
		{1, "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }", "\x00\x03\x01\x04\x02\xfb", []int{2, 3},
			[]float64{0, 1, 2, 3, 4, -5}},
	}
	for _, test := range tests {
		got, err := ReadFile(write(t, entry(t, "a.npy", npy(test.version, test.header, test.data))))
		if err != nil {
			t.Errorf("%s: %v", test.header, err)
			continue
		}
		if diff := cmp.Diff(test.shape, got[0].Shape); diff != "" {
			t.Errorf("%s: shape (-want +got):\n%s", test.header, diff)
		}
		if diff := cmp.Diff(test.want, got[0].Data); diff != "" {
			t.Errorf("%s: data (-want +got):\n%s", test.header, diff)
		}
	}
}

func TestReadErrors(t *testing.T) {
	const plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
	good := npy(1, plain, "\x00\x00\x00\x00\x00\x00\x80\x3f")
	sound := entry(t, "a.npy", good)
	var stored bytes.Buffer
	if err := Write(&stored, []Array{{"a", Float64, []int{1}, []float64{1}}}); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Replace(stored.Bytes(), []byte{0xf0, 0x3f}, []byte{0xf0, 0x3e}, 1)
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"text", []byte("no archive"), "FILE: not a zip file or cut short, want an NPZ file"},
		{"cut", sound[:len(sound)-30], "FILE: not a zip file or cut short, want an NPZ file"},
		{"flipped", flipped, "FILE: array a: zip: checksum error"},
		{"name", entry(t, "a.txt", good), `FILE: entry "a.txt", want names ending in .npy`},
		{"magic", entry(t, "a.npy", "NUMPY   "), `FILE: array a: starts with "NUMPY ", want the magic number of NPY`},
		{"version", entry(t, "a.npy", npy(9, plain, "")), "FILE: array a: NPY version 9, want 1, 2 or 3"},
		{"header", entry(t, "a.npy", npy(1, "{'descr': [('x', '<f4')]}", "")),
			`FILE: array a: header "{'descr': [('x', '<f4')]}", want descr, fortran_order and shape of a plain array`},
		{"header cut", entry(t, "a.npy", good[:30]), "FILE: array a: header cut short: unexpected EOF"},
		{"objects", entry(t, "a.npy", npy(1, strings.Replace(plain, "<f4", "|O8", 1), "")),
			`FILE: array a: element type "|O8", want real or integer numbers such as <f4, <f8 or <i8`},
		{"complex", entry(t, "a.npy", npy(1, strings.Replace(plain, "<f4", "<c8", 1), "")),
			`FILE: array a: element type "<c8", want real or integer numbers such as <f4, <f8 or <i8`},
		{"half", entry(t, "a.npy", npy(1, strings.Replace(plain, "<f4", "<f2", 1), "")),
			`FILE: array a: element type "<f2", want real or integer numbers such as <f4, <f8 or <i8`},
		{"short", entry(t, "a.npy", good[:len(good)-3]), "FILE: array a: data cut short in element 0 of 2: unexpected EOF"},
		{"long", entry(t, "a.npy", good+"!"), "FILE: array a: 1 bytes after the last element, want none"},
		{"huge", entry(t, "a.npy", npy(1, strings.Replace(plain, "(2,)", "(100000, 100000)", 1), "")),
			"FILE: array a: shape [100000 100000], want at most 2147483648 elements"},
		{"beyond", entry(t, "a.npy", npy(1, strings.Replace(plain, "(2,)", "(1000,)", 1), "")),
			"FILE: array a: 70 bytes in all, want 4000 for shape [1000] of <f4"},
	}
	for _, test := range tests {
		path := write(t, test.file)
		_, err := ReadFile(path)
		if got := strings.ReplaceAll(fmt.Sprint(err), path, "FILE"); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	tests := []struct {
		a    Array
		want string
	}{
		{Array{"a", Float64, []int{2}, []float64{1}}, "array a: 1 values, want 2 for shape [2]"},
		{Array{"a", Float32, []int{1}, []float64{0.1}}, "array a: value 0.1 at 0 is not exact in <f4"},
		{Array{"a", Int64, []int{1}, []float64{0.5}}, "array a: value 0.5 at 0 is not exact in <i8"},
		{Array{"a", "<f2", []int{1}, []float64{1}}, `array a: element type "<f2", want <f4, <f8 or <i8`},
	}
	for _, test := range tests {
		if got := fmt.Sprint(Write(&bytes.Buffer{}, []Array{test.a})); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
