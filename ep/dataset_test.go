package ep

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dataDir returns a directory of real data, given by EPGEN_DATA or beside the
// repository, or skips the test.
func dataDir(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("EPGEN_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no data in %s; set EPGEN_DATA to the parent of mnist/ and cifar10/", dir)
	}
	return dir
}

func testNet(t *testing.T, list string, in Shape) *Network {
	t.Helper()
	net, err := ParseLayers(list, in)
	if err != nil {
		t.Fatal(err)
	}
	return &net
}

// idx returns an IDX file of bytes 0, 1, 2, ...
func idx(extents ...int) []byte {
	data := binary.BigEndian.AppendUint32(nil, uint32(0x800|len(extents)))
	size := 1
	for _, n := range extents {
		data = binary.BigEndian.AppendUint32(data, uint32(n))
		size *= n
	}
	for i := range size {
		data = append(data, byte(i))
	}
	return data
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLoadIDX(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "train-images-idx3-ubyte.gz", gzipped(t, idx(3, 2, 2)))
	writeFile(t, dir, "train-labels-idx1-ubyte", idx(3))
	got, err := LoadDataset(dir, TrainingPart, testNet(t, "fc4", Shape{1, 2, 2}), 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := &FloatSamples{
		X: []float64{4. / 255, 5. / 255, 6. / 255, 7. / 255, 8. / 255, 9. / 255, 10. / 255, 11. / 255},
		Y: []int{1, 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

// TestLoadIDXPadded checks that 28x28 digits lie in the middle of 32x32.
func TestLoadIDXPadded(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "t10k-images-idx3-ubyte", idx(1, 28, 28))
	writeFile(t, dir, "t10k-labels-idx1-ubyte", idx(1))
	got, err := LoadDataset(dir, TrainingPart, testNet(t, "fc4", Shape{1, 32, 32}), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 32 {
		for x := range 32 {
			want := 0.0
			if y >= 2 && y < 30 && x >= 2 && x < 30 {
				want = float64(byte((y-2)*28+x-2)) / 255
			}
			if v := got.X[y*32+x]; v != want {
				t.Fatalf("pixel %d, %d: got %v, want %v", y, x, v, want)
			}
		}
	}
}

func TestLoadCIFAR(t *testing.T) {
	record := make([]byte, 1+3*1024)
	record[0] = 7
	for i := range 3 * 1024 {
		record[1+i] = byte(i / 1024 * 100)
	}
	dir := t.TempDir()
	writeFile(t, dir, "data_batch_1.bin", make([]byte, len(record)))
	writeFile(t, dir, "data_batch_2.bin.gz", gzipped(t, record))
	got, err := LoadDataset(dir, TrainingPart, testNet(t, "fc10", cifar), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got.Y[0] != 7 {
		t.Errorf("label %d, want 7", got.Y[0])
	}
	for c, want := range []float64{-0.4914 / 0.6069, (100./255 - 0.4822) / 0.5982, (200./255 - 0.4465) / 0.603} {
		if v := got.X[c*1024+5]; math.Abs(v-want) > 1e-12 {
			t.Errorf("channel %d: got %v, want %v", c, v, want)
		}
	}
	writeFile(t, dir, "test_batch.bin", append([]byte{3}, record[1:]...))
	if got, err = LoadDataset(dir, TestPart, testNet(t, "fc10", cifar), 0, 1); err != nil || got.Y[0] != 3 {
		t.Errorf("test part: got %v, %v, want label 3", got, err)
	}
	fine := t.TempDir()
	writeFile(t, fine, "train.bin", append([]byte{19, 99}, make([]byte, 3*1024)...))
	if got, err = LoadDataset(fine, TrainingPart, testNet(t, "fc100", cifar), 0, 1); err != nil || got.Y[0] != 99 {
		t.Errorf("CIFAR-100: got %v, %v, want label 99", got, err)
	}
}

func TestDatasetErrors(t *testing.T) {
	cifarRecord := make([]byte, 3073)
	badLabel := append([]byte{10}, cifarRecord[1:]...)
	zipped := gzipped(t, idx(2, 2, 2))
	tests := []struct {
		name  string
		files map[string][]byte
		first int
		want  string
	}{
		{"empty", nil, 0, "data directory DIR: no data set found, want for example train-images-idx3-ubyte, " +
			"data_batch_1.bin or train.bin, with or without .gz"},
		{"labels missing", map[string][]byte{"train-images-idx3-ubyte": idx(2, 2, 2)}, 0,
			"DIR/train-labels-idx1-ubyte: not found, want the labels of train-images-idx3-ubyte"},
		{"magic", map[string][]byte{"train-images-idx3-ubyte": idx(2, 2)}, 0,
			"DIR/train-images-idx3-ubyte: magic number 0x00000802, want 0x00000803"},
		{"magic of labels", map[string][]byte{"train-images-idx3-ubyte": idx(9)}, 0,
			"DIR/train-images-idx3-ubyte: magic number 0x00000801, want 0x00000803"},
		{"header", map[string][]byte{"train-images-idx3-ubyte": idx(2, 2)[:15]}, 0,
			"DIR/train-images-idx3-ubyte: 15 bytes, want a header of 16"},
		{"short", map[string][]byte{"train-images-idx3-ubyte": idx(2, 2, 2)[:23]}, 0,
			"DIR/train-images-idx3-ubyte: 7 bytes after the header, want 2*2*2"},
		{"huge", map[string][]byte{"train-images-idx3-ubyte": []byte("\x00\x00\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")}, 0,
			"DIR/train-images-idx3-ubyte: 0 bytes after the header, want 4294967295*4294967295*4294967295"},
		{"short gzip", map[string][]byte{"train-images-idx3-ubyte.gz": zipped[:len(zipped)-9]}, 0,
			"DIR/train-images-idx3-ubyte.gz: cut short after 24 bytes of contents, want a complete gzip file"},
		{"no gzip", map[string][]byte{"train-images-idx3-ubyte.gz": idx(2, 2, 2)}, 0,
			"DIR/train-images-idx3-ubyte.gz: not a gzip file: gzip: invalid header"},
		{"counts", map[string][]byte{"train-images-idx3-ubyte": idx(2, 2, 2), "train-labels-idx1-ubyte": idx(3)}, 0,
			"DIR/train-labels-idx1-ubyte: 3 labels, want 2 as there are images"},
		{"shape", map[string][]byte{"train-images-idx3-ubyte": idx(2, 4, 2), "train-labels-idx1-ubyte": idx(2)}, 0,
			"DIR/train-images-idx3-ubyte: MNIST images are 1x4x2, want 1x2x2 for the input of the network"},
		{"too few", map[string][]byte{"train-images-idx3-ubyte": idx(2, 2, 2), "train-labels-idx1-ubyte": idx(2)}, 1,
			"DIR: MNIST has 2 samples, want at least 3"},
		{"classes", map[string][]byte{"train-images-idx3-ubyte": idx(8, 2, 2), "train-labels-idx1-ubyte": idx(8)}, 3,
			"DIR/train-labels-idx1-ubyte: label 4 of sample 4, want 0..3 for the classes of the network"},
		{"record", map[string][]byte{"test_batch.bin": cifarRecord[1:]}, 0,
			"DIR/test_batch.bin: 3072 bytes, want a multiple of 3073, the size of a record"},
		{"no record", map[string][]byte{"test_batch.bin": nil}, 0,
			"DIR/test_batch.bin: 0 bytes, want a multiple of 3073, the size of a record"},
		{"label", map[string][]byte{"data_batch_1.bin": badLabel}, 0,
			"DIR/data_batch_1.bin: label 10 of record 0, want 0..9"},
		{"channels", map[string][]byte{"data_batch_1.bin": cifarRecord}, 0,
			"DIR/data_batch_1.bin: CIFAR-10 images are 3x32x32, want 1x2x2 for the input of the network"},
	}
	net := testNet(t, "fc4", Shape{1, 2, 2})
	for _, test := range tests {
		dir := t.TempDir()
		for name, data := range test.files {
			writeFile(t, dir, name, data)
		}
		_, err := LoadDataset(dir, TrainingPart, net, test.first, 2)
		if got := strings.ReplaceAll(fmt.Sprint(err), dir, "DIR"); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
	missing := filepath.Join(t.TempDir(), "none")
	_, err := LoadDataset(missing, TrainingPart, net, 0, 1)
	if got, want := fmt.Sprint(err), "data directory "+missing+": no such file or directory"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRealData(t *testing.T) {
	t.Run("mnist", func(t *testing.T) {
		s, err := LoadDataset(dataDir(t, "mnist"), TrainingPart, testNet(t, "fc10", Shape{1, 28, 28}), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		checkSamples(t, s, 0, 1)
	})
	t.Run("cifar10", func(t *testing.T) {
		s, err := LoadDataset(dataDir(t, "cifar10"), TrainingPart, testNet(t, "fc10", cifar), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		checkSamples(t, s, -0.82, 0.92)
		cfg := NewConfig(*testNet(t, "fc10", cifar))
		if n := Saturated(s.X, cfg.Formats.Input); n != 0 {
			t.Errorf("%d of %d values saturate in %v", n, len(s.X), cfg.Formats.Input)
		}
	})
}

// checkSamples checks the range of inputs and that all ten classes occur.
func checkSamples(t *testing.T, s *FloatSamples, lo, hi float64) {
	t.Helper()
	classes := map[int]bool{}
	for _, y := range s.Y {
		classes[y] = true
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, v := range s.X {
		least, most = min(least, v), max(most, v)
	}
	if least < lo || most > hi || most-least < 0.9*(hi-lo) {
		t.Errorf("inputs in [%v, %v], want nearly all of [%v, %v]", least, most, lo, hi)
	}
	if len(classes) != 10 {
		t.Errorf("%d classes among %d samples, want 10", len(classes), len(s.Y))
	}
}

func TestProceduralSamples(t *testing.T) {
	for _, in := range []Shape{{1, 1, 1}, {1, 8, 8}, {3, 32, 32}, {5, 3, 40}} {
		net := testNet(t, "fc4", in)
		a, b := ProceduralSamples(net, 8, 5), ProceduralSamples(net, 8, 5)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%v: two drawings differ:\n%s", in, diff)
		}
		if cmp.Equal(a.X, ProceduralSamples(net, 8, 6).X) {
			t.Errorf("%v: seeds 5 and 6 draw the same", in)
		}
		if err := a.Check(net, 8); err != nil {
			t.Errorf("%v: %v", in, err)
		}
		for i, v := range a.X {
			if v < -0.82 || v > 1 {
				t.Errorf("%v: value %v at %d, want -0.82..1", in, v, i)
			}
		}
	}
}

// TestProceduralFixed pins a value, the same on every machine.
func TestProceduralFixed(t *testing.T) {
	s := ProceduralSamples(testNet(t, "fc4", Shape{1, 8, 8}), 1, 1)
	sum := 0.0
	for _, v := range s.X {
		sum += math.Round(255 * v)
	}
	if got, want := fmt.Sprint(s.Y[0], sum), "1 2586"; got != want {
		t.Errorf("label and sum of pixels: got %s, want %s", got, want)
	}
}
