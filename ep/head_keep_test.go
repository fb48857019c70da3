package ep

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"epgen/fixedpoint"
)

// TestAccumulatedHeadsAreOneBatch is TestAccumulatedIsOneBatch for heads of every kind.
func TestAccumulatedHeadsAreOneBatch(t *testing.T) {
	const starts = 3
	for i, small := range fixedHeadCases(t) {
		small.Network.Heads[0].FreeState = i%3 == 2
		switch i % 4 {
		case 1:
			small.Formats.MasterBits, small.DecayShift, small.MomentumShift = 6, 5, 3
		case 2:
			small.Formats.UpdateRounding, small.Formats.MasterBits = fixedpoint.Stochastic, 2
		case 3:
			small.DecayShift = 7
		}
		large := *small
		small.Accumulate, large.Batch = starts, starts*small.Batch
		var models []*Fixed
		for _, cfg := range []*Config{small, &large} {
			m, err := NewFixed(cfg)
			if err != nil {
				t.Fatal(err)
			}
			models = append(models, m)
		}
		p, _ := fixedHeadSamples(small, uint64(i))
		q := p
		for update := range uint32(2) {
			all := &Samples{Teacher: make([][]int32, len(small.Network.Heads))}
			for start := range starts {
				_, s := fixedHeadSamples(small, uint64(update)*10+uint64(start))
				out, err := models[0].Step(update, p, s, nil)
				if err != nil {
					t.Fatal(err)
				}
				if start < starts-1 && !cmp.Equal(out.Params.Heads[0].W, p.Heads[0].W) {
					t.Error("maps change before the last start of an update")
				}
				p = out.Params
				all.X, all.Y = append(all.X, s.X...), append(all.Y, s.Y...)
				for k, x := range s.Teacher {
					all.Teacher[k] = append(all.Teacher[k], x...)
				}
			}
			out, err := models[1].Step(update, q, all, nil)
			if err != nil {
				t.Fatal(err)
			}
			q = out.Params
			for k, want := range q.Heads {
				got := p.Heads[k]
				got.KeptW.Sum, got.KeptB.Sum = nil, nil // 0, and there in one of them only
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("case %d, update %d, head %d (-one batch +starts):\n%s", i, update, k, diff)
				}
			}
		}
	}
}

// TestHeadUpdatesAgainstFloat is TestUpdatesAgainstFloat for heads. A random map stays as it is.
func TestHeadUpdatesAgainstFloat(t *testing.T) {
	for i, cfg := range fixedHeadCases(t)[:12] {
		f := &cfg.Formats
		f.State, f.Weight, f.Bias = fixedpoint.UQ(0, 20), fixedpoint.Q(2, 16), fixedpoint.Q(2, 16)
		f.HeadWeight, f.HeadBias, f.RateBits, f.Probability = fixedpoint.Q(3, 16), fixedpoint.Q(3, 16), 24, fixedpoint.UQ(0, 20)
		f.Error, f.Lambda = fixedpoint.Q(4, 16), fixedpoint.UQ(4, 10)
		cfg.DecayShift, f.MasterBits, cfg.MomentumShift, cfg.Accumulate = 5, 9, 3, 2
		m, err := NewFixed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		twin, err := newTwin(cfg, m.arith)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := fixedHeadSamples(cfg, 3)
		first, q := p, p.Dequantize(f)
		for start := range 8 {
			_, s := fixedHeadSamples(cfg, uint64(start))
			number := uint32(start / cfg.Starts())
			out, err := m.Step(number, p, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			real, err := twin.Step(number, q, s.Dequantize(cfg), nil)
			if err != nil {
				t.Fatal(err)
			}
			p, q = out.Params, real.Params
		}
		got, old := p.Dequantize(f), first.Dequantize(f)
		for k := range got.Heads {
			h, x, y := &cfg.Network.Heads[k], &got.Heads[k], &q.Heads[k]
			// What the tables of the softmax leave out, and a few LSBs of rounding per update.
			const most = 0x1p-11
			if d := max(maxDifference(x.W, y.W), maxDifference(x.B, y.B)); d > most {
				t.Errorf("case %d: %s of kind %v differs by %g, want at most %g", i, h.Name, h.Kind, d, most)
			}
			moved := max(maxDifference(old.Heads[k].W, y.W), maxDifference(old.Heads[k].B, y.B))
			if !h.Kind.Trains() && moved != 0 || h.Kind.Trains() && moved < 0x1p-5 {
				t.Errorf("case %d: %s of kind %v has moved by %g", i, h.Name, h.Kind, moved)
			}
		}
	}
}
