package ep

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/fixedpoint"
	"epgen/npz"
)

// TestRandom compares with the published first outputs of splitmix64 for seed
// 1234567, https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64.
func TestRandom(t *testing.T) {
	r := NewRandom(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431} {
		if got := r.Uint64(); got != want {
			t.Errorf("number %d: got %d, want %d", i, got, want)
		}
	}
}

func TestInitParams(t *testing.T) {
	net := testNet(t, "16,M,fc10", Shape{3, 8, 8})
	p := InitParams(net, Init{Gain: 1.8, Bias: 0.3}, 1)
	if err := p.Check(net); err != nil {
		t.Fatal(err)
	}
	for i, l := range net.Layers {
		bound := 1.8 / math.Sqrt(float64(l.In.C*l.KH*l.KW))
		sum, most := 0.0, 0.0
		for _, w := range p.Layers[i].W {
			sum += w
			most = max(most, math.Abs(w))
		}
		// The mean of n uniform numbers deviates by bound/sqrt(3n).
		n := float64(len(p.Layers[i].W))
		if limit := 4 * bound / math.Sqrt(3*n); most > bound || most < 0.95*bound || math.Abs(sum/n) > limit {
			t.Errorf("%s: largest %v, mean %v, want just under %v, within %v", l.Name, most, sum/n, bound, limit)
		}
		for _, b := range p.Layers[i].B {
			if b != 0.3 {
				t.Errorf("%s: bias %v, want 0.3", l.Name, b)
			}
		}
	}
	if !cmp.Equal(p, InitParams(net, Init{Gain: 1.8, Bias: 0.3}, 1)) {
		t.Error("the same seed gives other weights")
	}
	if cmp.Equal(p, InitParams(net, Init{Gain: 1.8, Bias: 0.3}, 2)) {
		t.Error("another seed gives the same weights")
	}
}

// TestWeightsRoundTrip checks that codes, their extremes among them, survive
// the file, for formats that need either floating-point type.
func TestWeightsRoundTrip(t *testing.T) {
	net := testNet(t, "5,M,4b0,fc3", Shape{2, 6, 6})
	for _, weight := range []fixedpoint.Format{fixedpoint.Q(1, 14), fixedpoint.Q(0, 24), fixedpoint.Q(0, 25), fixedpoint.Q(3, 28)} {
		f := DefaultFormats()
		f.Weight = weight
		p := InitParams(net, Init{Gain: 1, Bias: 0.3}, 3).Quantize(&f)
		p.Layers[0].W[0], p.Layers[0].W[1] = int32(weight.Min()), int32(weight.Max())
		var a, b bytes.Buffer
		for _, w := range []*bytes.Buffer{&a, &b} {
			if err := WriteWeights(w, p, net, &f); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%v: two files differ", weight)
		}
		q, err := LoadWeights(writeFile(t, t.TempDir(), "w.npz", a.Bytes()), net)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, q.Quantize(&f)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", weight, diff)
		}
	}
}

func TestSamplesRoundTrip(t *testing.T) {
	net := testNet(t, "fc10", cifar)
	f := DefaultFormats()
	s := ProceduralSamples(net, 3, 1).Quantize(&Config{Formats: f})
	var b bytes.Buffer
	if err := WriteSamples(&b, s, net, &f); err != nil {
		t.Fatal(err)
	}
	r, err := LoadSamples(writeFile(t, t.TempDir(), "s.npz", b.Bytes()), net, 3)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, r.Quantize(&Config{Formats: f})); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

func archive(t *testing.T, arrays []npz.Array) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := npz.Write(&b, arrays); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func array(name, dtype string, shape ...int) npz.Array {
	n := 1
	for _, extent := range shape {
		n *= extent
	}
	return npz.Array{Name: name, DType: dtype, Shape: shape, Data: make([]float64, n)}
}

func TestWeightErrors(t *testing.T) {
	w1, b1 := array("layer1.weight", "<f4", 2, 1, 3, 3), array("layer1.bias", "<f4", 2)
	w2, b2 := array("layer2.weight", "<f8", 3, 32), array("layer2.bias", "<f8", 3)
	infinite := array("layer2.bias", "<f8", 3)
	infinite.Data[1] = math.Inf(-1)
	tests := []struct {
		name   string
		arrays []npz.Array
		want   string
	}{
		{"missing", []npz.Array{w1, w2, b2}, "FILE: array layer1.bias is missing, want shape [2]"},
		{"extra", []npz.Array{w1, b1, w2, b2, array("layer3.bias", "<f4", 2)},
			"FILE: unknown array layer3.bias, nearest is layer1.bias, want weights and biases of 2 layers"},
		{"kernel", []npz.Array{array("layer1.weight", "<f4", 2, 1, 5, 5), b1, w2, b2},
			"FILE: array layer1.weight: shape [2 1 5 5], want [2 1 3 3]"},
		{"dense", []npz.Array{w1, b1, array("layer2.weight", "<f4", 3, 2), b2},
			"FILE: array layer2.weight: shape [3 2], want [3 2 4 4] or [3 32]"},
		{"type", []npz.Array{w1, array("layer1.bias", "<i8", 2), w2, b2},
			"FILE: array layer1.bias: element type <i8, want <f4 or <f8"},
		{"inf", []npz.Array{w1, b1, w2, infinite}, "FILE: array layer2.bias: -Inf at 1, want finite numbers"},
	}
	net := testNet(t, "2,M,fc3", Shape{1, 8, 8})
	for _, test := range tests {
		path := writeFile(t, t.TempDir(), "w.npz", archive(t, test.arrays))
		_, err := LoadWeights(path, net)
		if got := strings.ReplaceAll(fmt.Sprint(err), path, "FILE"); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
	whole := archive(t, []npz.Array{w1, b1, w2, b2})
	path := writeFile(t, t.TempDir(), "w.npz", whole)
	if _, err := LoadWeights(path, net); err != nil {
		t.Errorf("sound file: %v", err)
	}
	const surplus = "FILE: unknown array layer1.bias, nearest is layer2.bias, want weights and biases of 2 layers"
	_, err := LoadWeights(path, testNet(t, "2b0,M,fc3", Shape{1, 8, 8}))
	if got := strings.ReplaceAll(fmt.Sprint(err), path, "FILE"); got != surplus {
		t.Errorf("bias of a layer without:\n got %s\nwant %s", got, surplus)
	}
	for cut := range len(whole) {
		if _, err := LoadWeights(writeFile(t, t.TempDir(), "w.npz", whole[:cut]), net); err == nil {
			t.Fatalf("cut to %d of %d bytes: no error", cut, len(whole))
		}
	}
}

func TestSampleErrors(t *testing.T) {
	x := array("x", "<f4", 2, 1, 2, 2)
	label := func(v float64) npz.Array {
		return npz.Array{Name: "y", DType: "<f8", Shape: []int{2}, Data: []float64{1, v}}
	}
	tests := []struct {
		name   string
		arrays []npz.Array
		want   string
	}{
		{"batch", []npz.Array{array("x", "<f4", 1, 1, 2, 2), label(0)}, "FILE: array x: shape [1 1 2 2], want [2 1 2 2]"},
		{"no labels", []npz.Array{x}, "FILE: array y is missing, want 2 labels"},
		{"labels", []npz.Array{x, array("y", "<i8", 3)}, "FILE: array y: shape [3], want [2]"},
		{"class", []npz.Array{x, label(4)}, "FILE: array y: label 4 of sample 1, want an integer 0..3"},
		{"negative", []npz.Array{x, label(-1)}, "FILE: array y: label -1 of sample 1, want an integer 0..3"},
		{"fraction", []npz.Array{x, label(0.5)}, "FILE: array y: label 0.5 of sample 1, want an integer 0..3"},
		{"extra", []npz.Array{x, label(0), array("z", "<f4", 1)}, "FILE: unknown array z, want x and y only"},
	}
	net := testNet(t, "fc4", Shape{1, 2, 2})
	for _, test := range tests {
		path := writeFile(t, t.TempDir(), "s.npz", archive(t, test.arrays))
		_, err := LoadSamples(path, net, 2)
		if got := strings.ReplaceAll(fmt.Sprint(err), path, "FILE"); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestSaturated(t *testing.T) {
	x := []float64{-1, 1, 0.5, 1 + 0x1p-15, -1 - 0x1p-15, -1.001, 1.001, -7}
	if got, want := Saturated(x, fixedpoint.Q(0, 15)), 4; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

// TestTensors looks at names, lengths and formats of the parameters of layers with formats of
// their own, of a centred head and of a readout.
func TestTensors(t *testing.T) {
	head := DefaultHead(1, Shape{6, 6, 6})
	head.Center = true
	cfg := headConfig(t, head)
	f := &cfg.Formats
	f.LayerWeight = []fixedpoint.Format{fixedpoint.Q(0, 7), fixedpoint.Q(1, 6)}
	f.LayerBias = []fixedpoint.Format{fixedpoint.Q(0, 9), fixedpoint.Q(1, 8)}
	var got []string
	InitParams(&cfg.Network, cfg.Init, cfg.Seed).Tensors(&cfg.Network, f, func(name string, values []float64, format fixedpoint.Format) {
		got = append(got, fmt.Sprintf("%s %d %v", name, len(values), format))
	})
	want := []string{
		"layer1.weight 54 Q0.7", "layer1.bias 6 Q0.9", "layer2.weight 432 Q1.6", "layer2.bias 8 Q1.8",
		"head1.weight 216 " + f.HeadWeight.String(), "head1.bias 4 " + f.HeadBias.String(), "head1.mean 54 " + f.State.String(),
		"readout.weight 288 " + f.HeadWeight.String(), "readout.bias 4 " + f.HeadBias.String(), "readout.mean 72 " + f.State.String(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tensors (-want +got):\n%s", diff)
	}
}
