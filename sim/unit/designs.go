package unit

import (
	"fmt"
	"maps"
	"sync"

	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/gen"
	"epgen/hdl"
)

// design is a small accelerator whose blocks are benched.
type design struct {
	name string
	*gen.Design
}

// designs are chosen for what they make of the blocks:
//
//	single  one lane, one layer, 4-bit numbers, truncation: all values can be tried;
//	        a beat of memory holds four columns
//	narrow  2x2, two samples, live indices, odd maps of which a pool drops a row,
//	        layers with alignment shifts of their own; a beat holds two columns;
//	        a longest burst that is no power of two
//	even    2x2, 16 bits, ties up, padding 0, states of 0.3 at first; a beat holds one column
//	means   2x2, strides of 2 under and over average pools, frozen indices of a max pool,
//	        layers with and without biases; a beat holds four columns
//	bare    2x2, no biases at all, live indices; a beat holds two columns
//	real    4x4, 16 bits, two samples, frozen indices, channels that do not divide
//	        the array, 3x3 taps on a 1x1 map; a column takes two beats
//	heads   4x4, two samples, heads of three areas with lambdas that differ, nine classes
//	narrow-heads  one lane, three samples, states that reach 1.0, probabilities of 5 bits
//	tall    4x2, narrow numbers: a word holds two blocks of the layer below
//	chip    2x2, weights on chip, layers with and without biases
//	wide    2x8: a word holds four slabs; channels that end within one
//	five    5x5: sums of odd numbers of terms, words of three lanes more in memory
//	third   6x2: three blocks of the layer below in a word
//	ninth   3x9: three slabs in a word
//	sweep   2x2, asynchronous, live indices in every layer, layers of several slabs,
//	        damping, warm starts, one nudged phase
//	given   2x2, asynchronous, initial states from memory, warm starts, damping; given-chip  likewise,
//	        synchronous, one layer in each bank, all starts cold, weights on chip
//	mixed   2x2, layers with formats and initial states of their own, a linear output
//	settle  2x2, phases of four steps that may end after two, stochastic rounding
//	keeps, sums, decays, masters  see keptDesigns
//	points  2x2, a contrast of four points with weights, linear output
//	outside 2x2, random sign, stochastic rounding, a nudge outside the activation
//	headed-points  2x2, three points with weights, and a head
//	headed-wide    2x4, the same
//	moving  2x2, two samples, nudged phases that hold differences with shifts of their own, and may end early
//	moving-one  one layer, a random sign, one nudged phase that holds differences, damping
//	headed-early  2x2, asynchronous, live indices, heads one of which learns at the free equilibrium,
//	        phases that may end early, sums of contrasts over two starts
//	headed-chip   2x2, two samples, weights on chip, heads of features and logits
//	taught  2x2, two samples, heads that distil features and logits
//	direct  2x2, two samples, heads of features and of squared errors, no softmax; features  those alone
//	single-infer and so on  the inference builds of some of these
//	readout, readout-one, readout-chip  see readoutDesigns
var designs = sync.OnceValues(func() (map[string]design, error) {
	narrow := ep.DefaultFormats() // those of heads, which these designs have not
	narrow.Input, narrow.State, narrow.Weight, narrow.Bias = fixedpoint.Q(0, 5), fixedpoint.UQ(0, 3), fixedpoint.Q(0, 3), fixedpoint.Q(1, 4)
	narrow.Target, narrow.Beta, narrow.RateBits = fixedpoint.UQ(1, 2), fixedpoint.UQ(1, 2), 3
	single := narrow
	single.Input, single.Target = fixedpoint.Q(0, 3), fixedpoint.UQ(1, 4)
	single.StateRounding, single.UpdateRounding = fixedpoint.Truncate, fixedpoint.Truncate
	real := ep.DefaultFormats()
	even := real
	even.Weight, even.Bias = fixedpoint.Q(2, 13), fixedpoint.Q(1, 20)
	even.StateRounding, even.UpdateRounding = fixedpoint.NearestUp, fixedpoint.NearestUp
	all := map[string]design{}
	for _, c := range []struct {
		name    string
		list    string
		in      ep.Shape
		size    int
		batch   int
		index   ep.PoolIndex
		act     ep.Activation
		formats ep.Formats
		beta    float64
		rate    float64
		memory  ep.Memory
		steps   [2]int
		sweep   ep.Sweep
	}{
		{"single", "fc3", ep.Shape{C: 2, H: 2, W: 1}, 1, 1, ep.Frozen, ep.Unit, single, 0.75, 1, ep.Memory{DataWidth: 32, BurstBeats: 2, Outstanding: 2}, [2]int{3, 2}, ep.Synchronous},
		{"narrow", "5k5p2,M,3k3p2,4k1p0,M,fc3", ep.Shape{C: 3, H: 6, W: 5}, 2, 2, ep.Live, ep.Half, narrow, 0.75, 2, ep.Memory{DataWidth: 32, BurstBeats: 10, Outstanding: 3}, [2]int{2, 3}, ep.Synchronous},
		{"even", "4k3p0,2k3p0,M", ep.Shape{C: 2, H: 6, W: 6}, 2, 1, ep.Live, ep.Half, even, 0.5, 0.1, ep.Memory{DataWidth: 64, BurstBeats: 16, Outstanding: 1}, [2]int{3, 2}, ep.Synchronous},
		{"means", "3k3p1s2,A,3k5p3s2b0,2k1p0s2b0,4,M,fc3", ep.Shape{C: 3, H: 13, W: 16}, 2, 2, ep.Frozen, ep.Half, real, 0.5, 0.1, ep.Memory{DataWidth: 128, BurstBeats: 16, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"bare", "3b0,M,3b0,M,fc3b0", ep.Shape{C: 2, H: 5, W: 4}, 2, 1, ep.Live, ep.Half, narrow, 0.75, 2, ep.Memory{DataWidth: 32, BurstBeats: 4, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"real", "6,M,5,M,4,fc9", ep.Shape{C: 3, H: 5, W: 4}, 4, 2, ep.Frozen, ep.Half, real, 1, 4, ep.Memory{DataWidth: 32, BurstBeats: 16, Outstanding: 4}, [2]int{2, 3}, ep.Synchronous},
		{"tall", "5,M,3b0,fc3", ep.Shape{C: 3, H: 5, W: 4}, 4, 2, ep.Live, ep.Half, narrow, 0.75, 2, ep.Memory{DataWidth: 32, BurstBeats: 4, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"chip", "3,M,3b0,fc5", ep.Shape{C: 3, H: 5, W: 4}, 2, 1, ep.Live, ep.Half, narrow, 0.75, 2, ep.Memory{DataWidth: 32, BurstBeats: 4, Outstanding: 2, Weights: ep.OnChip}, [2]int{2, 2}, ep.Synchronous},
		{"wide", "3,M,9,M,4,fc5", ep.Shape{C: 9, H: 5, W: 4}, 8, 1, ep.Frozen, ep.Half, real, 1, 4, ep.Memory{DataWidth: 64, BurstBeats: 16, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"five", "7,M,3b0,fc6", ep.Shape{C: 3, H: 5, W: 4}, 5, 2, ep.Live, ep.Half, narrow, 0.75, 2, ep.Memory{DataWidth: 32, BurstBeats: 4, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"third", "7,M,3b0,fc5", ep.Shape{C: 5, H: 5, W: 4}, 6, 2, ep.Live, ep.Half, narrow, 0.75, 2, ep.Memory{DataWidth: 128, BurstBeats: 4, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"ninth", "7,M,11,M,4,fc5", ep.Shape{C: 10, H: 5, W: 4}, 9, 1, ep.Frozen, ep.Half, real, 1, 4, ep.Memory{DataWidth: 64, BurstBeats: 16, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"sweep", "5,M,4,M,3,M,fc3", ep.Shape{C: 2, H: 9, W: 8}, 2, 1, ep.Live, ep.Half, real, 1, 4, ep.Memory{DataWidth: 64, BurstBeats: 8, Outstanding: 2}, [2]int{3, 2}, ep.Asynchronous},
		{"given", "5,M,4,M,3,M,fc3", ep.Shape{C: 2, H: 9, W: 8}, 2, 2, ep.Frozen, ep.Half, narrow, 1, 4, ep.Memory{DataWidth: 32, BurstBeats: 8, Outstanding: 2}, [2]int{3, 2}, ep.Asynchronous},
		{"given-chip", "5,M,fc3", ep.Shape{C: 2, H: 6, W: 5}, 2, 1, ep.Frozen, ep.Half, real, 1, 4, ep.Memory{DataWidth: 128, BurstBeats: 8, Outstanding: 2, Weights: ep.OnChip}, [2]int{2, 2}, ep.Synchronous},
		{"mixed", "5,M,4,M,fc3", ep.Shape{C: 2, H: 6, W: 5}, 2, 1, ep.Frozen, ep.Half, real, 1, 4, ep.Memory{DataWidth: 64, BurstBeats: 8, Outstanding: 2}, [2]int{3, 2}, ep.Synchronous},
		{"points", "5,M,fc3", ep.Shape{C: 2, H: 5, W: 4}, 2, 1, ep.Live, ep.Half, real, 1, 4, ep.Memory{DataWidth: 64, BurstBeats: 8, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"outside", "5,M,fc3", ep.Shape{C: 2, H: 5, W: 4}, 2, 1, ep.Frozen, ep.Half, real, 1, 4, ep.Memory{DataWidth: 64, BurstBeats: 8, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"moving", "5,M,4,A,fc3", ep.Shape{C: 2, H: 8, W: 9}, 2, 2, ep.Frozen, ep.Half, real, 1, 4, ep.Memory{DataWidth: 64, BurstBeats: 8, Outstanding: 2}, [2]int{3, 3}, ep.Asynchronous},
		{"moving-one", "5,M", ep.Shape{C: 2, H: 5, W: 4}, 2, 1, ep.Frozen, ep.Unit, narrow, 1, 4, ep.Memory{DataWidth: 64, BurstBeats: 8, Outstanding: 2}, [2]int{2, 2}, ep.Synchronous},
		{"settle", "5,M,fc3", ep.Shape{C: 2, H: 5, W: 4}, 2, 1, ep.Frozen, ep.Half, real, 1, 4, ep.Memory{DataWidth: 64, BurstBeats: 8, Outstanding: 2}, [2]int{4, 4}, ep.Synchronous},
	} {
		net, err := ep.ParseLayers(c.list, c.in)
		if err != nil {
			return nil, fmt.Errorf("design %s: %w", c.name, err)
		}
		cfg := ep.NewConfig(net)
		if c.name == "tall" {
			cfg.Array.Columns = 2
		}
		switch c.name {
		case "third":
			cfg.Array.Columns = 2
		case "ninth":
			cfg.Array.Rows = 3
		}
		if c.name == "wide" {
			cfg.Array.Rows = 2
		}
		cfg.Array.Size, cfg.Batch, cfg.PoolIndex, cfg.Activation = c.size, c.batch, c.index, c.act
		cfg.FreeSteps, cfg.NudgeSteps, cfg.Sweep = c.steps[0], c.steps[1], c.sweep
		cfg.Formats, cfg.Beta = c.formats, c.beta
		switch c.name {
		case "even":
			cfg.Initial = 0.3
		case "given":
			cfg.GivenStates, cfg.Start, cfg.Damping = true, ep.Warm, 1
		case "given-chip":
			cfg.GivenStates = true
		case "mixed":
			f := &cfg.Formats
			f.LayerState = []fixedpoint.Format{fixedpoint.UQ(0, 6), fixedpoint.UQ(1, 9), fixedpoint.UQ(0, 4)}
			f.LayerWeight = []fixedpoint.Format{fixedpoint.Q(1, 5), fixedpoint.Q(0, 9), fixedpoint.Q(1, 3)}
			f.LayerBias = []fixedpoint.Format{fixedpoint.Q(1, 12), fixedpoint.Q(1, 4), fixedpoint.Q(0, 7)}
			cfg.Output, f.Output, cfg.LayerInitial = ep.Linear, fixedpoint.Q(1, 7), []float64{0.5, 0, 1}
		case "moving":
			cfg.Formats.LayerState = []fixedpoint.Format{fixedpoint.UQ(0, 8), fixedpoint.UQ(0, 6), fixedpoint.UQ(1, 9)}
			cfg.Formats.DifferenceBits, cfg.Formats.DifferenceShift, cfg.MinSteps, cfg.Tolerance = 8, []int{6, 3, 5}, 2, 1
		case "moving-one":
			cfg.Formats.DifferenceBits, cfg.Formats.DifferenceShift, cfg.Estimate, cfg.Damping = 5, []int{4}, ep.RandomSign, 1
		case "settle":
			cfg.MinSteps, cfg.Tolerance = 2, 1000
			cfg.Formats.UpdateRounding = fixedpoint.Stochastic
		case "points":
			cfg.Estimate, cfg.Betas, cfg.BetaWeights = ep.SeveralPoints, []float64{0.5, -0.5, 1, -1}, []int{8, -8, -1, 1}
			cfg.Output = ep.Linear
		case "outside":
			cfg.Estimate, cfg.Seed, cfg.Nudge, cfg.Formats.UpdateRounding = ep.RandomSign, 7, ep.Outside, fixedpoint.Stochastic
		case "sweep":
			cfg.Damping, cfg.Start, cfg.Estimate = 2, ep.Warm, ep.Negative
		}
		for i := range cfg.Rates {
			cfg.Rates[i] = c.rate / float64(int(1)<<i)
		}
		c.memory.ReadLatency, c.memory.SlabBits = 8, cfg.Memory.SlabBits
		cfg.Memory = c.memory
		d, err := gen.New(cfg)
		if err != nil {
			return nil, fmt.Errorf("design %s: %w", c.name, err)
		}
		all[c.name] = design{c.name, d}
	}
	// kinds gives the heads of a design theirs, without the readout if there are fewer.
	kinds := func(c *ep.Config, list ...ep.HeadKind) {
		specs, classes := c.Network.HeadSpecs(), c.Network.Classes()
		if len(list) < len(specs) {
			specs, classes = specs[:len(list)], c.Network.Output().Len()
		}
		for i := range specs {
			specs[i].Kind, specs[i].Temperature, specs[i].Mix = list[i], 3, 0.7
			if list[i] == ep.FeatureHead {
				specs[i].Outputs, specs[i].Grid = 3, 2
			}
		}
		net, err := c.Network.WithHeads(classes, specs)
		if err != nil {
			panic(err) // a constant
		}
		c.Network = net
	}
	for _, c := range []struct {
		name, list string
		in         ep.Shape
		set        func(c *ep.Config)
	}{
		{"heads", "6,M,5,M,4,fc9", ep.Shape{C: 3, H: 8, W: 8}, func(c *ep.Config) { c.Array.Size, c.Batch = 4, 2 }},
		{"narrow-heads", "3,M,4,fc3", ep.Shape{C: 2, H: 8, W: 4}, func(c *ep.Config) {
			c.Array.Size, c.Batch, c.Sweep = 1, 3, ep.Asynchronous
			f := &c.Formats
			f.State, f.Weight, f.Bias = fixedpoint.UQ(1, 5), fixedpoint.Q(1, 4), fixedpoint.Q(1, 4)
			f.HeadWeight, f.HeadBias, f.Probability = fixedpoint.Q(2, 3), fixedpoint.Q(3, 2), fixedpoint.UQ(1, 4)
			f.StateRounding = fixedpoint.NearestUp
		}},
		{"headed-points", "4,M,3,fc3", ep.Shape{C: 2, H: 4, W: 4}, func(c *ep.Config) {
			c.Array.Size = 2
			c.Estimate, c.Betas, c.BetaWeights = ep.SeveralPoints, []float64{1, 0.5, -0.5}, []int{1, 2, -3}
		}},
		{"headed-wide", "4,M,3,fc3", ep.Shape{C: 2, H: 4, W: 4}, func(c *ep.Config) {
			c.Array.Rows, c.Array.Columns = 2, 4
			c.Estimate, c.Betas, c.BetaWeights = ep.SeveralPoints, []float64{1, 0.5, -0.5}, []int{1, 2, -3}
		}},
		{"headed-early", "4,M,3,fc3", ep.Shape{C: 2, H: 4, W: 4}, func(c *ep.Config) {
			c.Array.Size, c.FreeSteps, c.NudgeSteps, c.Sweep, c.PoolIndex = 2, 4, 3, ep.Asynchronous, ep.Live
			c.MinSteps, c.Tolerance, c.Accumulate = 2, 1000, 2
			c.Network.Heads[0].FreeState = true
		}},
		{"headed-chip", "4,M,3,fc5", ep.Shape{C: 2, H: 8, W: 8}, func(c *ep.Config) {
			c.Array.Size, c.Batch, c.Memory.Weights = 2, 2, ep.OnChip
			kinds(c, ep.FeatureHead, ep.LogitHead)
		}},
		{"taught", "4,M,3,fc5", ep.Shape{C: 2, H: 8, W: 8}, func(c *ep.Config) {
			c.Array.Size, c.Batch = 2, 2
			kinds(c, ep.FeatureHead, ep.LogitHead)
		}},
		{"direct", "4,M,3,fc5,fc2", ep.Shape{C: 2, H: 8, W: 8}, func(c *ep.Config) {
			c.Array.Size, c.Batch = 2, 2
			kinds(c, ep.FeatureHead, ep.SquaredHead)
		}},
		{"features", "4,M,fc5,fc2", ep.Shape{C: 2, H: 8, W: 8}, func(c *ep.Config) {
			c.Array.Size = 2
			kinds(c, ep.FeatureHead)
		}},
	} {
		d, err := headedDesign(c.name, c.list, c.in, c.set)
		if err != nil {
			return nil, fmt.Errorf("design %s: %w", c.name, err)
		}
		all[c.name] = d
	}
	kept, err := keptDesigns(narrow)
	if err != nil {
		return nil, fmt.Errorf("designs whose updates keep numbers: %w", err)
	}
	maps.Copy(all, kept)
	return all, addInference(all)
})

// bench makes the bench of a block of a design.
func (d design) bench(block string, play func(v *Vectors), lanes map[string]int) *Bench {
	return &Bench{
		Name: block + "/" + d.name, play: play, lanes: lanes,
		module: func() (*hdl.Module, error) { return d.Block(block) },
	}
}

// layerPasses calls f for every pass that the schedule makes over a layer or a head, but for
// the errors of a head, which is none of the walker's.
func (d design) layerPasses(f func(l *gen.LayerPlan, k gen.Kind)) {
	for i := range d.Layers {
		l := &d.Layers[i]
		for _, k := range []gen.Kind{gen.Up, gen.Down, gen.Update, gen.Bias, gen.Act, gen.Pool} {
			if (k == gen.Update || k == gen.Bias) && !d.Program.Learns() {
				continue
			}
			if (k != gen.Down || l.N > 1 && l.N <= d.Relaxing()) && (k != gen.Bias || !l.NoBias) && (k != gen.Pool || d.headOn(l) != nil) {
				f(l, k)
			}
		}
	}
	for i := range d.Heads {
		for _, k := range []gen.Kind{gen.Up, gen.Down, gen.Update, gen.Bias} {
			f(&d.Heads[i], k)
		}
	}
}

// numbered returns the layer or head of a number.
func (d design) numbered(n int) *gen.LayerPlan {
	for _, list := range [][]gen.LayerPlan{d.Layers, d.Heads} {
		for i := range list {
			if list[i].N == n {
				return &list[i]
			}
		}
	}
	panic(fmt.Sprintf("unit: no layer or head %d", n))
}

// headOn returns the head on a layer, or nil.
func (d design) headOn(l *gen.LayerPlan) *gen.LayerPlan {
	for i := range d.Heads {
		if h := &d.Heads[i]; h.Head.Layer == l.N {
			return h
		}
	}
	return nil
}

// longest is the longest burst in beats: the power of two at or below the limit,
// so that bursts that end on its multiples never cross 4 KB.
func (d design) longest() int {
	n := 1
	for 2*n <= min(d.Cfg.Memory.BurstBeats, 4096/d.Map.BeatBytes) {
		n *= 2
	}
	return n
}
