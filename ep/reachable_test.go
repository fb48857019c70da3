package ep

import "testing"

func TestReachable(t *testing.T) {
	layer := func(list string, in Shape) *Layer {
		net, err := ParseLayers(list, in)
		if err != nil {
			t.Fatal(err)
		}
		return &net.Layers[0]
	}
	for _, c := range []struct {
		name    string
		layer   *Layer
		batch   int
		indices [][]uint8
		want    int
	}{
		{"no pool, 2x2 map", layer("3", Shape{2, 2, 2}), 1, nil, 3 * 2 * 9},
		{"1x1 map", layer("3", Shape{2, 1, 1}), 1, nil, 3 * 2 * 1},
		{"pooled to 1x1", layer("3,M", Shape{2, 2, 2}), 1, [][]uint8{{0, 1, 3}}, 3 * 2 * 4},
		{"both phases, opposite corners", layer("1,M", Shape{2, 2, 2}), 1, [][]uint8{{0}, {3}}, 2 * (4 + 4 - 1)},
		{"two samples", layer("1,M", Shape{1, 2, 2}), 2, [][]uint8{{0, 1}}, 6},
		{"dense", layer("fc3", Shape{2, 2, 2}), 1, nil, 24},
	} {
		if got := c.layer.Reachable(c.batch, c.indices...); got != c.want {
			t.Errorf("%s: %d reachable weights, want %d", c.name, got, c.want)
		}
	}
}
