package ep

import "fmt"

// Pool is what a layer makes of the 2x2 windows, stride 2, of its convolution.
// An odd map loses its last row and column.
type Pool uint8

const (
	NoPool      Pool = iota // the states are those of the convolution
	MaxPool                 // the largest pre-activation of a window
	AveragePool             // the mean of the four; its transpose gives each a quarter
)

var poolNames = []string{"none", "max", "average"}

// String returns the name that files use: "none", "max" or "average".
func (p Pool) String() string { return poolNames[p] }

// UnmarshalText reads "none", "max" or "average".
func (p *Pool) UnmarshalText(text []byte) error {
	for i, name := range poolNames {
		if string(text) == name {
			*p = Pool(i)
			return nil
		}
	}
	return fmt.Errorf("pool %q, want none, max or average", text)
}

// Pooled reports whether the states are those of windows.
func (l *Layer) Pooled() bool { return l.Pool != NoPool }

// HasIndex reports whether the layer has a pool index: that of the largest
// pre-activation of each window.
func (l *Layer) HasIndex() bool { return l.Pool == MaxPool }

// Averages reports whether the states are those of means.
func (l *Layer) Averages() bool { return l.Pool == AveragePool }

// PoolFrac is the number of fractional bits that pooling adds to sums over
// windows, and its transpose to states: 2 for means, whose quarter is exact that way.
func (l *Layer) PoolFrac() int {
	if l.Averages() {
		return 2
	}
	return 0
}

// poolScale is what pooling multiplies the sum of a window by.
func (l *Layer) poolScale() float64 {
	if l.Averages() {
		return 0.25
	}
	return 1
}

// ShowKernel returns the kernel as tables show it: 3x3, or 3x3/2 with a stride of 2.
func (l *Layer) ShowKernel() string {
	if l.Stride > 1 {
		return fmt.Sprintf("%dx%d/%d", l.KH, l.KW, l.Stride)
	}
	return fmt.Sprintf("%dx%d", l.KH, l.KW)
}

// ShowPool returns the pool as tables show it: 2x2, 2x2 mean, or "-".
func (l *Layer) ShowPool() string {
	switch l.Pool {
	case MaxPool:
		return "2x2"
	case AveragePool:
		return "2x2 mean"
	}
	return "-"
}
