package ep

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// Sources say where parameters and samples come from. Empty fields mean: the
// tool's own initialisation, and its built-in picture.
type Sources struct {
	Weights string // NPZ file, see LoadWeights
	Data    string // directory of a data set, see LoadDataset
	Input   string // NPZ file of samples, see LoadSamples; Data is empty then
	States  string // of initial states: NPZ file, or RandomStates; see LoadInitialStates
	Part    Part   // of Data
	First   int    // number of the first sample taken from Data, from 0
}

// Part is a part of a data set.
type Part int

const (
	TrainingPart Part = iota // or the test files, where there are no others
	TestPart
)

// String returns the name that flags and files use: "train" or "test".
func (p Part) String() string {
	if p == TestPart {
		return "test"
	}
	return "train"
}

// UnmarshalText reads "train" or "test".
func (p *Part) UnmarshalText(text []byte) error {
	switch string(text) {
	case "train":
		*p = TrainingPart
	case "test":
		*p = TestPart
	default:
		return fmt.Errorf("part %q, want train or test", text)
	}
	return nil
}

// LoadParams returns the parameters that src names, not yet quantised.
func LoadParams(cfg *Config, src *Sources) (*FloatParams, error) {
	if src.Weights != "" {
		arrays, err := cfg.readArrays(src.Weights)
		if err != nil {
			return nil, err
		}
		if cfg.Program().Reads {
			return cfg.loadReadout(arrays, src.Weights)
		}
		return fetchWeights(arrays, src.Weights, &cfg.Network)
	}
	return InitParams(&cfg.Network, cfg.Init, cfg.Seed), nil
}

// LoadInputs returns the cfg.Samples() samples that src names, with their initial states if
// cfg has them given, not yet quantised.
func LoadInputs(cfg *Config, src *Sources) (*FloatSamples, error) {
	s, err := loadInputs(cfg, src)
	if err != nil {
		return nil, err
	}
	return s, s.AddStates(src.States, cfg)
}

func loadInputs(cfg *Config, src *Sources) (*FloatSamples, error) {
	switch {
	case src.Input != "":
		arrays, err := cfg.readArrays(src.Input)
		if err != nil {
			return nil, err
		}
		return fetchSamples(arrays, src.Input, &cfg.Network, cfg.Samples())
	case src.Data != "":
		for i := range cfg.Network.Heads {
			if h := &cfg.Network.Heads[i]; h.Kind.taught() {
				return nil, fmt.Errorf("%s of kind %v has no teacher in data %s, want samples with an array %s", h.Name, h.Kind, src.Data, h.Name)
			}
		}
		return LoadDataset(src.Data, src.Part, &cfg.Network, src.First, cfg.Samples())
	}
	s := ProceduralSamples(&cfg.Network, cfg.Samples(), cfg.Seed)
	s.teachProcedurally(&cfg.Network, cfg.Seed)
	return s, nil
}

// teachProcedurally draws what the heads of net are taught: features uniform in [0, 1],
// probabilities of random logits.
func (s *FloatSamples) teachProcedurally(net *Network, seed uint64) {
	random := NewRandom(mixSeed(seed, 2))
	for h, t := range s.taught(net) {
		for j := range t {
			t[j] = random.Float64()
		}
		if h.Kind == LogitHead {
			softmax(t, append([]float64(nil), t...), h.Outputs(), h.Temperature/8)
		}
	}
}

// taught makes room for what each head of net with a teacher is taught, [B, outputs].
func (s *FloatSamples) taught(net *Network) iter.Seq2[*Head, []float64] {
	return func(yield func(h *Head, t []float64) bool) {
		for i := range net.Heads {
			h := &net.Heads[i]
			if !h.Kind.taught() {
				continue
			}
			if s.Teacher == nil {
				s.Teacher = make([][]float64, len(net.Heads))
			}
			s.Teacher[i] = make([]float64, len(s.Y)*h.Outputs())
			if !yield(h, s.Teacher[i]) {
				return
			}
		}
	}
}

// images is a part of a data set as it lies in one file or pair of files.
type images struct {
	path      string
	labelPath string // the same but for MNIST
	shape     Shape
	pixels    []byte // [n, C, H, W]
	labels    []byte // [n]
}

// dataset is a published data set: where its files are and how its pixels
// become inputs.
type dataset struct {
	name  string
	parts []string // training files, then test files as a replacement for all of them
	tests []string
	read  func(path string) (*images, error)
	norm  normalisation
}

// normalisation maps the byte p of channel c to (p/255 - mean[c]) / scale[c];
// channels beyond the table are mapped to p/255.
type normalisation struct{ mean, scale []float64 }

func (n normalisation) value(p byte, c int) float64 {
	v := float64(p) / 255
	if c < len(n.mean) {
		v = (v - n.mean[c]) / n.scale[c]
	}
	return v
}

// The constants that the published EP results use: CIFAR-10 with three times the
// standard deviation, which keeps inputs within [-0.82, 0.92].
// Sources: https://github.com/Laborieux-Axel/Equilibrium-Propagation (main.py),
// https://github.com/rain-neuromorphics/energy-based-learning (datasets.py).
var (
	cifar10Norm = normalisation{
		mean:  []float64{0.4914, 0.4822, 0.4465},
		scale: []float64{3 * 0.2023, 3 * 0.1994, 3 * 0.2010},
	}
	cifar100Norm = normalisation{
		mean:  []float64{0.5071, 0.4867, 0.4408},
		scale: []float64{0.2675, 0.2565, 0.2761},
	}
)

var datasets = []dataset{
	{
		name:  "MNIST",
		parts: []string{"train-images-idx3-ubyte"},
		tests: []string{"t10k-images-idx3-ubyte"},
		read:  readIDX,
	},
	{
		name: "CIFAR-10",
		parts: []string{
			"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
		},
		tests: []string{"test_batch.bin"},
		read:  func(path string) (*images, error) { return readCIFAR(path, 1, 10) },
		norm:  cifar10Norm,
	},
	{
		name:  "CIFAR-100",
		parts: []string{"train.bin"},
		tests: []string{"test.bin"},
		read:  func(path string) (*images, error) { return readCIFAR(path, 2, 100) },
		norm:  cifar100Norm,
	},
}

// LoadDataset returns samples first .. first+batch-1 of a part of the data set in a
// directory, normalised for net. Files may be gzipped (.gz). It knows, by the
// published file names,
//
//	MNIST      IDX files; inputs are p/255 in [0, 1]
//	CIFAR-10   binary batches; inputs are (p/255 - mean) / (3 std)
//	CIFAR-100  binary files, fine labels; inputs are (p/255 - mean) / std
//
// Images of 28x28 are padded with zeros to 32x32 for a network that wants
// that. Any other difference of shape, a label that is not a class of net, too
// few samples and damaged files are errors that name file, value found and
// value wanted.
func LoadDataset(dir string, part Part, net *Network, first, batch int) (*FloatSamples, error) {
	set, paths, err := findDataset(dir, part)
	if err != nil {
		return nil, err
	}
	s := &FloatSamples{}
	seen := 0
	for _, path := range paths {
		images, err := set.read(path)
		if err != nil {
			return nil, err
		}
		if err := images.checkShape(set.name, net.Input); err != nil {
			return nil, err
		}
		for i, label := range images.labels {
			if number := seen + i; number < first || len(s.Y) == batch {
				continue
			}
			if int(label) >= net.Classes() {
				return nil, fmt.Errorf("%s: label %d of sample %d, want 0..%d for the classes of the network",
					images.labelPath, label, i, net.Classes()-1)
			}
			s.Y = append(s.Y, int(label))
			s.X = images.appendInput(s.X, i, net.Input, set.norm)
		}
		seen += len(images.labels)
		if len(s.Y) == batch {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s: %s has %d samples, want at least %d", dir, set.name, seen, first+batch)
}

// findDataset returns the data set whose files are in dir, and the paths of a part.
func findDataset(dir string, part Part) (*dataset, []string, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, nil, fmt.Errorf("data directory %s: %w", dir, pathCause(err))
	} else if !info.IsDir() {
		return nil, nil, fmt.Errorf("data directory %s: is a file, want a directory", dir)
	}
	for i := range datasets {
		set := &datasets[i]
		parts := [][]string{set.parts, set.tests}
		if part == TestPart {
			parts = parts[1:]
		}
		for _, names := range parts {
			var paths []string
			for _, name := range names {
				if path := plainOrGzipped(dir, name); path != "" {
					paths = append(paths, path)
				}
			}
			if len(paths) > 0 {
				return set, paths, nil
			}
		}
	}
	return nil, nil, fmt.Errorf("data directory %s: no data set found, want for example train-images-idx3-ubyte, "+
		"data_batch_1.bin or train.bin, with or without .gz", dir)
}

// plainOrGzipped returns the path of a file that exists as it is or with .gz,
// or "".
func plainOrGzipped(dir, name string) string {
	for _, n := range []string{name, name + ".gz"} {
		path := filepath.Join(dir, n)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// checkShape reports images that do not fit a network's input.
func (m *images) checkShape(name string, in Shape) error {
	digits := m.shape == Shape{1, 28, 28} && in == Shape{1, 32, 32}
	if m.shape != in && !digits {
		return fmt.Errorf("%s: %s images are %v, want %v for the input of the network", m.path, name, m.shape, in)
	}
	return nil
}

// appendInput appends the normalised pixels of image i, centred on a map of
// zeros if the input is larger.
func (m *images) appendInput(x []float64, i int, in Shape, norm normalisation) []float64 {
	h, w := m.shape.H, m.shape.W
	top, left := (in.H-h)/2, (in.W-w)/2
	image := m.pixels[i*m.shape.Len():]
	for c := range in.C {
		for row := range in.H {
			for col := range in.W {
				v := 0.0
				if y, z := row-top, col-left; y >= 0 && y < h && z >= 0 && z < w {
					v = norm.value(image[(c*h+y)*w+z], c)
				}
				x = append(x, v)
			}
		}
	}
	return x
}

// readAll returns the contents of a file, uncompressed if its name ends in .gz.
func readAll(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, pathCause(err))
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("%s: not a gzip file: %w", path, err)
		}
		r = z
	}
	data, err := io.ReadAll(r)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%s: cut short after %d bytes of contents, want a complete gzip file", path, len(data))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, pathCause(err))
	}
	return data, nil
}

// pathCause strips the operation and the path from an error of package os, for
// messages that name the path themselves.
func pathCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
