package fuzz

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"epgen/ep"
)

// Keys of heads that no configuration file has: heads are tables there, one for each, and
// what is drawn of them must fit layers that are drawn elsewhere.
const (
	headsKey  = "fuzz.heads"  // tokens of headToken, separated by commas
	distilKey = "fuzz.distil" // temperature and mixture of all heads of logits
)

var ownKeys = []string{headsKey, distilKey}

// headToken is a head as text, LAYER:KIND:GRID:LAMBDA:OUTPUTS:FLAGS. Layers are counted from 0,
// modulo those that may have a head, and grids modulo those that fit the map, the full map
// among them. Flags are c centred, f at the free equilibrium, d dense.
type headToken struct {
	layer, kind, grid int
	lambda            string
	outputs           int
	flags             string
}

var headKinds = []string{"ce", "random", "mse", "features", "logits"}

func (t headToken) String() string {
	return fmt.Sprintf("%d:%s:%d:%s:%d:%s", t.layer, headKinds[t.kind], t.grid, t.lambda, t.outputs, t.flags)
}

// parseHead reads what String writes.
func parseHead(text string) (headToken, error) {
	var t headToken
	part := strings.Split(text, ":")
	if len(part) != 6 {
		return t, fmt.Errorf("%s: %q, want LAYER:KIND:GRID:LAMBDA:OUTPUTS:FLAGS", headsKey, text)
	}
	t.kind = slices.Index(headKinds, part[1])
	t.lambda, t.flags = part[3], part[5]
	for i, at := range map[int]*int{0: &t.layer, 2: &t.grid, 4: &t.outputs} {
		n, err := strconv.Atoi(part[i])
		if err != nil || n < 0 {
			return t, fmt.Errorf("%s: %q in %q, want a number", headsKey, part[i], text)
		}
		*at = n
	}
	if t.kind < 0 {
		return t, fmt.Errorf("%s: kind %q, want one of %v", headsKey, part[1], headKinds)
	}
	return t, nil
}

// drawHeads draws no head or some.
func drawHeads(r *rand.Rand) string {
	var list []string
	for range []int{0, 0, 1, 1, 2, 3}[r.IntN(6)] {
		t := headToken{layer: r.IntN(4), kind: []int{0, 0, 1, 2, 3, 4}[r.IntN(6)], grid: r.IntN(4), outputs: 1 + r.IntN(6)}
		t.lambda = []string{"1", "0.5", "0.3", "2"}[r.IntN(4)]
		for i, flag := range []string{"c", "d", "f"} {
			if r.IntN(2+i/2) == 0 {
				t.flags += flag
			}
		}
		list = append(list, t.String())
	}
	return strings.Join(list, ",")
}

// addHeads gives a configuration the heads of the settings.
func (s Settings) addHeads(cfg *ep.Config) error {
	net := &cfg.Network
	specs := net.HeadSpecs()
	free := len(net.Layers) - 1
	for _, text := range strings.Split(s[headsKey], ",") {
		if text == "" || free == 0 {
			continue
		}
		t, err := parseHead(text)
		if err != nil {
			return err
		}
		layer := 1 + t.layer%free
		if slices.ContainsFunc(specs, func(h ep.HeadSpec) bool { return h.Layer == layer }) {
			continue
		}
		h := ep.DefaultHead(layer, net.Layers[layer-1].Out)
		if err := h.Kind.UnmarshalText([]byte(headKinds[t.kind])); err != nil {
			return err
		}
		if h.Lambda, err = strconv.ParseFloat(t.lambda, 64); err != nil {
			return err
		}
		grids := fittingGrids(net.Layers[layer-1].Out)
		h.Grid, h.Outputs = grids[t.grid%len(grids)], t.outputs
		h.Center, h.FreeState, h.Dense = strings.Contains(t.flags, "c"), strings.Contains(t.flags, "f"), strings.Contains(t.flags, "d")
		if _, err := fmt.Sscanf(s[distilKey], "%g,%g", &h.Temperature, &h.Mix); s[distilKey] != "" && err != nil {
			return err
		}
		if h.Kind != ep.FeatureHead {
			h.Outputs, h.Dense = 0, false
		}
		specs = append(specs, h)
	}
	with, err := net.WithHeads(net.Classes(), specs)
	cfg.Network = with
	return err
}

// fittingGrids lists the grids that cut a map into windows of a power of two, the full map
// first.
func fittingGrids(s ep.Shape) []int {
	list := []int{0}
	fits := func(n, g int) bool { return n%g == 0 && bits.OnesCount(uint(n/g)) == 1 }
	for g := 1; g <= min(s.H, s.W); g++ {
		if fits(s.H, g) && fits(s.W, g) {
			list = append(list, g)
		}
	}
	return list
}

// simplerHeads lists the heads with one less, then with a simpler one.
func simplerHeads(text string) []string {
	tokens := strings.Split(text, ",")
	var list []string
	for i := range tokens {
		list = append(list, strings.Join(slices.Delete(slices.Clone(tokens), i, i+1), ","))
	}
	for i := range tokens {
		t, err := parseHead(tokens[i])
		if err != nil {
			return list
		}
		simple := []headToken{t, t, t, t, t}
		simple[0].kind, simple[1].grid, simple[2].lambda, simple[3].flags, simple[4].outputs = 0, 0, "1", "", 1
		for _, x := range simple {
			with := slices.Clone(tokens)
			with[i] = x.String()
			list = append(list, strings.Join(with, ","))
		}
	}
	return list
}

// drawHeadParams gives the heads of a package biases other than 0, by the seed.
func drawHeadParams(cfg *ep.Config, w *ep.FloatParams) {
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x6865616473))
	for i := range w.Heads {
		for k := range w.Heads[i].B {
			w.Heads[i].B[k] = rng.Float64() - 0.5
		}
		if cfg.Network.Heads[i].Center {
			for k := range w.Heads[i].Mean {
				w.Heads[i].Mean[k] = rng.Float64()
			}
		}
	}
}
