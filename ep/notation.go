package ep

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The list notation of networks:
//
//	list  = token { "," token }
//	token = CHANNELS [ "k" KERNEL ] [ "p" PADDING ] [ "s" STRIDE ] [ "b0" ]    convolution
//	      | "M" | "A"                                                          2x2 max or average pool of the convolution before it
//	      | "fc" UNITS [ "b0" ]                                                dense layer
//
// The kernel is 3 unless given (1, 3, 5 or 7); the padding is (KERNEL-1)/2 unless
// given, which keeps the size of the map at stride 1; the stride is 1 unless given
// (1 or 2); b0 leaves out the biases. Blanks around tokens are ignored.
var (
	convToken  = regexp.MustCompile(`^([0-9]+)(?:k([0-9]+))?(?:p([0-9]+))?(?:s([0-9]+))?(b0)?$`)
	denseToken = regexp.MustCompile(`^fc([0-9]+)(b0)?$`)
)

const tokenForms = "want a convolution such as 64, 32k5p0 or 64s2, M or A, or a dense layer such as fc10"

// poolTokens are the tokens of pools.
var poolTokens = map[string]Pool{"M": MaxPool, "A": AveragePool}

// ParseLayers builds the network that a list in the usual VGG notation describes,
// on an input of shape in. For example
//
//	64,M,128,M,256,256,M,fc10      3x3 convolutions, pad 1, pooled where an M follows
//	32k5p0,M,64k5p0,M,fc10         5x5 convolutions without padding
//
// The name of the result is "custom". An error names the first bad token, its
// position (from 1) and what was wanted.
func ParseLayers(list string, in Shape) (Network, error) {
	specs, err := parseSpecs(list)
	if err != nil {
		return Network{}, err
	}
	net, err := BuildNetwork("custom", in, specs)
	if err != nil {
		return Network{}, fmt.Errorf("layers %q on input %v: %w", list, in, err)
	}
	return net, nil
}

// IsList reports whether text is meant as a list rather than as a name: it has
// a comma or is a token by itself. It may still be malformed.
func IsList(text string) bool {
	token := strings.TrimSpace(text)
	return strings.Contains(text, ",") || poolTokens[token] != NoPool || convToken.MatchString(token) || denseToken.MatchString(token)
}

func parseSpecs(list string) ([]LayerSpec, error) {
	var specs []LayerSpec
	previous := ""
	for i, token := range strings.Split(list, ",") {
		token = strings.TrimSpace(token)
		fail := func(reason string) error {
			return fmt.Errorf("layers %q: token %d %q: %s", list, i+1, token, reason)
		}
		if pool := poolTokens[token]; pool != NoPool {
			switch {
			case previous == "":
				return nil, fail("pool without a convolution before it, want a convolution first")
			case poolTokens[previous] != NoPool:
				return nil, fail("pool after a pool, want a convolution between them")
			case strings.HasPrefix(previous, "fc"):
				return nil, fail("pool after a dense layer, want it after a convolution")
			}
			specs[len(specs)-1].Pool = pool
			previous = token
			continue
		}
		spec, err := parseToken(token)
		if err != nil {
			return nil, fail(err.Error())
		}
		if spec.Kind == Conv && strings.HasPrefix(previous, "fc") {
			return nil, fail("convolution after a dense layer, want dense layers only")
		}
		specs = append(specs, spec)
		previous = token
	}
	return specs, nil
}

// parseToken parses one token other than a pool. Ranges are BuildNetwork's affair,
// but for numbers that no int holds.
func parseToken(token string) (LayerSpec, error) {
	if m := denseToken.FindStringSubmatch(token); m != nil {
		units, err := parseCount(m[1])
		return LayerSpec{Kind: Dense, Channels: units, NoBias: m[2] != ""}, err
	}
	m := convToken.FindStringSubmatch(token)
	if m == nil {
		return LayerSpec{}, fmt.Errorf("%s", tokenForms)
	}
	spec := LayerSpec{Kind: Conv, Kernel: 3, NoBias: m[5] != ""}
	var err error
	if spec.Channels, err = parseCount(m[1]); err != nil {
		return LayerSpec{}, err
	}
	if m[2] != "" {
		if spec.Kernel, err = parseCount(m[2]); err != nil {
			return LayerSpec{}, err
		}
	}
	spec.Pad = (spec.Kernel - 1) / 2
	if m[3] != "" {
		if spec.Pad, err = parseCount(m[3]); err != nil {
			return LayerSpec{}, err
		}
	}
	if m[4] != "" {
		if spec.Stride, err = parseCount(m[4]); err != nil {
			return LayerSpec{}, err
		}
		if spec.Stride == 0 {
			return LayerSpec{}, fmt.Errorf("stride 0, want 1 or 2")
		}
	}
	return spec, nil
}

func parseCount(digits string) (int, error) {
	n, err := strconv.Atoi(digits)
	if err != nil || n > MaxExtent {
		return 0, fmt.Errorf("%s is too large, want at most %d", digits, MaxExtent)
	}
	return n, nil
}

// Notation returns the network in the list notation, defaults left out:
// ParseLayers(n.Notation(), n.Input) yields the same layers, and a readout as the
// last of them.
func (n *Network) Notation() string {
	var tokens []string
	for _, s := range n.Specs() {
		if s.Kind == Dense {
			tokens = append(tokens, fmt.Sprintf("fc%d%s", s.Channels, biasSuffix(s)))
			continue
		}
		token := strconv.Itoa(s.Channels)
		if s.Kernel != 3 {
			token += fmt.Sprintf("k%d", s.Kernel)
		}
		if s.Pad != (s.Kernel-1)/2 {
			token += fmt.Sprintf("p%d", s.Pad)
		}
		if s.Stride != 1 {
			token += fmt.Sprintf("s%d", s.Stride)
		}
		tokens = append(tokens, token+biasSuffix(s))
		for name, pool := range poolTokens {
			if s.Pool == pool {
				tokens = append(tokens, name)
			}
		}
	}
	if h := n.Readout(); h != nil {
		tokens = append(tokens, fmt.Sprintf("fc%d", h.Outputs()))
	}
	return strings.Join(tokens, ",")
}

// biasSuffix is the end of a token of a layer without biases.
func biasSuffix(s LayerSpec) string {
	if s.NoBias {
		return "b0"
	}
	return ""
}
