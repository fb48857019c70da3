package ep

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLayers(t *testing.T) {
	net, err := ParseLayers(" 6k5p0, M,7, 3k1,fc10,fc2", Shape{2, 15, 12})
	if err != nil {
		t.Fatal(err)
	}
	want := []Layer{
		{"layer1", Conv, Shape{2, 15, 12}, 5, 5, 0, 1, Shape{6, 11, 8}, MaxPool, false, Shape{6, 5, 4}},
		{"layer2", Conv, Shape{6, 5, 4}, 3, 3, 1, 1, Shape{7, 5, 4}, NoPool, false, Shape{7, 5, 4}},
		{"layer3", Conv, Shape{7, 5, 4}, 1, 1, 0, 1, Shape{3, 5, 4}, NoPool, false, Shape{3, 5, 4}},
		{"layer4", Dense, Shape{3, 5, 4}, 5, 4, 0, 1, Shape{10, 1, 1}, NoPool, false, Shape{10, 1, 1}},
		{"layer5", Dense, Shape{10, 1, 1}, 1, 1, 0, 1, Shape{2, 1, 1}, NoPool, false, Shape{2, 1, 1}},
	}
	if diff := cmp.Diff(want, net.Layers); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	if got, want := net.Notation(), "6k5p0,M,7,3k1,fc10,fc2"; got != want {
		t.Errorf("notation %q, want %q", got, want)
	}
}

func TestParseLayersErrors(t *testing.T) {
	forms := "want a convolution such as 64, 32k5p0 or 64s2, M or A, or a dense layer such as fc10"
	twenty := strings.Repeat("4,", 20) + "fc2"
	tests := []struct{ list, want string }{
		{"", `layers "": token 1 "": ` + forms},
		{"8,,fc2", `layers "8,,fc2": token 2 "": ` + forms},
		{"8,m,fc2", `layers "8,m,fc2": token 2 "m": ` + forms},
		{"8k,fc2", `layers "8k,fc2": token 1 "8k": ` + forms},
		{"-8", `layers "-8": token 1 "-8": ` + forms},
		{"8.5", `layers "8.5": token 1 "8.5": ` + forms},
		{"8p1k3", `layers "8p1k3": token 1 "8p1k3": ` + forms},
		{"fc", `layers "fc": token 1 "fc": ` + forms},
		{"M,8", `layers "M,8": token 1 "M": pool without a convolution before it, want a convolution first`},
		{"8,M,M", `layers "8,M,M": token 3 "M": pool after a pool, want a convolution between them`},
		{"8,M,A", `layers "8,M,A": token 3 "A": pool after a pool, want a convolution between them`},
		{"A", `layers "A": token 1 "A": pool without a convolution before it, want a convolution first`},
		{"8s3", `layers "8s3" on input 1x8x8: layer 1: stride 3, want 1 or 2`},
		{"8s0", `layers "8s0": token 1 "8s0": stride 0, want 1 or 2`},
		{"8b1", `layers "8b1": token 1 "8b1": ` + forms},
		{"fc8s2", `layers "fc8s2": token 1 "fc8s2": ` + forms},
		{"fc8,M", `layers "fc8,M": token 2 "M": pool after a dense layer, want it after a convolution`},
		{"fc8,4", `layers "fc8,4": token 2 "4": convolution after a dense layer, want dense layers only`},
		{"70000", `layers "70000": token 1 "70000": 70000 is too large, want at most 65535`},
		{"9999999999999999999999", `layers "9999999999999999999999": token 1 "9999999999999999999999": ` +
			`9999999999999999999999 is too large, want at most 65535`},
		{"0", `layers "0" on input 1x8x8: layer 1: 0 channels, want 1..65535`},
		{"fc0", `layers "fc0" on input 1x8x8: layer 1: 0 channels, want 1..65535`},
		{"8k2", `layers "8k2" on input 1x8x8: layer 1: kernel 2, want 1, 3, 5 or 7`},
		{"8k9", `layers "8k9" on input 1x8x8: layer 1: kernel 9, want 1, 3, 5 or 7`},
		{"8p3", `layers "8p3" on input 1x8x8: layer 1: padding 3, want 0..2 for kernel 3`},
		{"8k1p1", `layers "8k1p1" on input 1x8x8: layer 1: padding 1, want 0..0 for kernel 1`},
		{"8,M,8,M,8k5p0", `layers "8,M,8,M,8k5p0" on input 1x8x8: layer 3: kernel 5 with padding 0 leaves nothing of a ` +
			`map of 2x2, want at least 5x5`},
		{"8,M,8,M,8,M,8,M,fc2", `layers "8,M,8,M,8,M,8,M,fc2" on input 1x8x8: layer 4: pool leaves nothing of a map of 1x1, ` +
			`want at least 2x2`},
		{twenty, `layers "` + twenty + `" on input 1x8x8: network has 21 layers, want 1..20`},
	}
	for _, test := range tests {
		_, err := ParseLayers(test.list, Shape{1, 8, 8})
		if got := fmt.Sprint(err); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.list, got, test.want)
		}
	}
}

// TestNotationRoundTrip tries every kernel, padding, stride and pool.
func TestNotationRoundTrip(t *testing.T) {
	for _, kernel := range []int{1, 3, 5, 7} {
		for pad := range kernel {
			for variant := range 6 {
				specs := []LayerSpec{{Conv, 4, kernel, pad, 1 + variant/3, Pool(variant % 3), variant == 4}, {Kind: Dense, Channels: 3}}
				net, err := BuildNetwork("custom", Shape{2, 9, 9}, specs)
				if err != nil {
					t.Fatal(err)
				}
				again, err := ParseLayers(net.Notation(), net.Input)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(net, again); diff != "" {
					t.Errorf("%s (-want +got):\n%s", net.Notation(), diff)
				}
			}
		}
	}
}

// TestProducts counts useful products one by one.
func TestProducts(t *testing.T) {
	for _, list := range []string{"3", "2,M", "2k5,M,2p0", "2k5p4,M", "2k7p6", "2k7p1,M", "3p2,M,fc4", "2k1,M",
		"3s2", "2k5s2,A", "2k1s2", "2k7p6s2,M", "3k5p0s2,fc2"} {
		for _, in := range []Shape{{1, 7, 7}, {2, 7, 8}, {1, 9, 7}} {
			net, err := ParseLayers(list, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range net.Layers {
				want := 0
				rows, cols := l.Used()
				for y := range rows {
					for x := range cols {
						for ky := range l.KH {
							for kx := range l.KW {
								iy, ix := y*l.Stride+ky-l.Pad, x*l.Stride+kx-l.Pad
								if iy >= 0 && iy < l.In.H && ix >= 0 && ix < l.In.W {
									want += l.In.C * l.Out.C
								}
							}
						}
					}
				}
				if got := l.Products(); got != want {
					t.Errorf("%s on %v, %s: %d products, want %d", list, in, l.Name, got, want)
				}
			}
		}
	}
}

func TestParseShape(t *testing.T) {
	if got, err := ParseShape("3x32x16"); err != nil || got != (Shape{3, 32, 16}) {
		t.Errorf("got %v, %v, want 3x32x16", got, err)
	}
	tests := []struct{ text, want string }{
		{"", `shape "", want CxHxW such as 3x32x32`},
		{"3x32x32x1", `shape "3x32x32x1", want CxHxW such as 3x32x32`},
		{"3xax2", `shape "3xax2": "a", want an integer 1..65535`},
		{"3x0x2", `shape "3x0x2": "0", want an integer 1..65535`},
	}
	for _, test := range tests {
		if _, err := ParseShape(test.text); fmt.Sprint(err) != test.want {
			t.Errorf("%s: got %v, want %s", test.text, err, test.want)
		}
	}
}

// TestPresets checks every preset, and the counts that are published for vgg11.
func TestPresets(t *testing.T) {
	for _, name := range PresetNames() {
		cfg, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Derive(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := max(12, len(cfg.Network.Layers)+3); cfg.NudgeSteps < want {
			t.Errorf("%s: %d nudged steps, want at least %d", name, cfg.NudgeSteps, want)
		}
	}
	cfg, err := Preset("vgg11")
	if err != nil {
		t.Fatal(err)
	}
	var neurons, weights, biases, products int
	for i, l := range cfg.Network.Layers {
		neurons += l.Out.Len()
		weights += l.Weights()
		biases += l.Out.C
		if i > 0 {
			products += l.Products()
		}
	}
	if h := cfg.Network.Readout(); h != nil { // the dense layer of the published network
		neurons += h.Outputs()
		weights += h.Map.Weights()
		biases += h.Map.Out.C
		products += h.Map.Products()
	}
	got := []int{neurons, weights, biases, products / 100000}
	if diff := cmp.Diff([]int{57866, 9222848, 2762, 1126}, got); diff != "" {
		t.Errorf("vgg11: neurons, weights, biases, products/1e5 (-want +got):\n%s", diff)
	}
	valid, err := Preset("vgg5-valid")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := valid.Network.Layers[3].Out, (Shape{512, 1, 1}); got != want {
		t.Errorf("vgg5-valid: last convolution %v, want %v", got, want)
	}
}

func TestWriteTable(t *testing.T) {
	net, err := ParseLayers("8,M,fc4", Shape{1, 8, 8})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := net.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	const want = `layer   kind   kernel  pad  pool  states  neurons  weights  biases  products
layer1  conv   3x3     1    2x2   8x4x4   128      72       8       3872
layer2  dense  4x4     0    -     4x1x1   4        512      4       512
total                                     132      584      12      512
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"batch", "bacth", 2}, {"x", "x", 0}}
	for _, test := range tests {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("distance of %q and %q: got %d, want %d", test.a, test.b, got, test.want)
		}
	}
	if got := Nearest("vgg10", PresetNames()); got != "vgg11" {
		t.Errorf("nearest to vgg10: got %s, want vgg11", got)
	}
}
