package main

import (
	"fmt"
	"os"
	"path/filepath"

	"epgen/ep"
	"epgen/fixedpoint"
	"epgen/sim"
)

// network is one generated accelerator of awkward shape.
type network struct {
	name  string
	list  string // in the notation of ep.ParseLayers
	input ep.Shape
	set   func(*ep.Config) // what differs from the defaults; may be nil
	data  string           // subdirectory of the data sets, for real samples
	slow  bool             // to build: run only if named in full
	// a reset in every state of the sequencer in every phase too, each with a run behind it
	resets bool
}

// format is QInt.Frac if signed, else UQInt.Frac.
func format(signed bool, integer, frac int) fixedpoint.Format {
	return fixedpoint.Format{Signed: signed, Int: integer, Frac: frac}
}

// networks covers, between them: channel counts that do not divide the array,
// odd maps, maps of one pixel, a single layer with and without pool, dense nets,
// strides, average pools before, behind and without max pools, batches, both pool indices, both slopes, both schedules, all starts and
// ends of phases, kernels of 1 to 7 with every kind
// of padding, arrays of 1 to 16, ports of 32 to 512 bits, elements of 8, 16 and
// 32 bits, every rounding mode.
var networks = []network{
	{name: "one-dense", list: "fc7", input: ep.Shape{C: 3, H: 5, W: 4}, set: func(c *ep.Config) {
		c.Batch = 3
	}},
	{name: "one-pooled", list: "6,M", input: ep.Shape{C: 2, H: 7, W: 9}, set: func(c *ep.Config) {
		c.PoolIndex = ep.Live
	}},
	{name: "odd-maps", list: "5,M,7,M,fc3", input: ep.Shape{C: 3, H: 9, W: 11}},
	{name: "odd-maps-live", list: "5,M,7,M,6,fc3", input: ep.Shape{C: 3, H: 9, W: 11}, set: func(c *ep.Config) {
		c.PoolIndex, c.Batch, c.Activation = ep.Live, 2, ep.Unit
	}},
	{name: "one-pixel", list: "6,9k1,fc5", input: ep.Shape{C: 5, H: 1, W: 1}},
	{name: "dense", list: "fc20,fc13,fc5", input: ep.Shape{C: 1, H: 6, W: 7}, set: func(c *ep.Config) {
		c.Batch, c.Array.Size, c.Nudge = 4, 8, ep.Outside
	}},
	{name: "kernels", list: "8k5p0,M,6k5p4,5k7p3,fc3", input: ep.Shape{C: 1, H: 11, W: 10}, set: func(c *ep.Config) {
		c.PoolIndex, c.Memory.DataWidth = ep.Live, 64
	}},
	{name: "no-padding", list: "6p0,7p0,M,4p2,fc2", input: ep.Shape{C: 2, H: 9, W: 8}, set: func(c *ep.Config) {
		c.Array.Size, c.Memory.BurstBeats, c.Memory.Outstanding = 2, 1, 1
	}},
	{name: "array-1", resets: true, list: "3,M,2,fc2", input: ep.Shape{C: 2, H: 6, W: 6}, set: func(c *ep.Config) {
		c.Array.Size, c.Memory.DataWidth, c.Batch = 1, 32, 2
	}},
	{name: "array-16", list: "20,M,18,fc10", input: ep.Shape{C: 3, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Array.Size, c.Memory.DataWidth = 16, 512
	}},
	{name: "stride", list: "5k5p1s2,6s2,M,4k1s2,fc3", input: ep.Shape{C: 3, H: 17, W: 19}, set: func(c *ep.Config) {
		c.Array.Size, c.Batch = 2, 2
	}},
	{name: "average", list: "5,A,6k3p2s2,A,7,M,fc3", input: ep.Shape{C: 2, H: 13, W: 18}, set: func(c *ep.Config) {
		c.PoolIndex, c.Formats.Bias = ep.Live, format(true, 1, 29)
	}},
	{name: "average-output", list: "3k7p6s2,A", input: ep.Shape{C: 1, H: 9, W: 5}, set: func(c *ep.Config) {
		c.Array.Size, c.Memory.DataWidth, c.Batch = 2, 256, 3
	}},
	{name: "no-bias", list: "5b0,M,6k1b0,fc3b0", input: ep.Shape{C: 3, H: 6, W: 7}, set: func(c *ep.Config) {
		c.Memory.DataWidth, c.PoolIndex = 256, ep.Live
	}},
	{name: "some-biases", list: "5,M,6b0,M,fc7b0,fc3", input: ep.Shape{C: 3, H: 9, W: 6}, set: func(c *ep.Config) {
		c.Array.Size, c.PoolIndex = 2, ep.Live
	}},
	{name: "20-layers", list: "3,4,M,3k1,4,3k1,2s2,3,4k1,3,2k1,3,4,3k1,2,fc5,fc4,fc6,fc5,fc4,fc3", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Array.Size, c.FreeSteps, c.NudgeSteps = 2, 3, 2
	}},
	{name: "tall", list: "9,M,6b0,M,5,fc7", input: ep.Shape{C: 5, H: 8, W: 9}, set: func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.PoolIndex, c.Batch = 8, 2, ep.Live, 2
		c.Formats.UpdateRounding = fixedpoint.Stochastic
	}},
	{name: "wide", list: "6,M,9,A,3b0,fc5", input: ep.Shape{C: 11, H: 8, W: 9}, set: func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.Batch = 2, 8, 2
	}},
	{name: "wide-live", list: "5,M,6,M,fc3", input: ep.Shape{C: 3, H: 9, W: 8}, set: func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.PoolIndex, c.Sweep = 1, 4, ep.Live, ep.Asynchronous
	}},
	{name: "on-chip", list: "5,M,6b0,M,fc7,fc3", input: ep.Shape{C: 3, H: 9, W: 6}, set: func(c *ep.Config) {
		c.Array.Size, c.PoolIndex, c.Memory.Weights, c.Batch = 2, ep.Live, ep.OnChip, 2
	}},
	{name: "on-chip-wide", resets: true, list: "5b0,M,6b0,fc3b0", input: ep.Shape{C: 3, H: 9, W: 6}, set: func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.Memory.Weights, c.Memory.DataWidth = 1, 2, ep.OnChip, 512
		c.Sweep = ep.Asynchronous
	}},
	{name: "8-bit", list: "6,M,7,fc4", input: ep.Shape{C: 3, H: 6, W: 7}, set: func(c *ep.Config) {
		c.Formats.Input, c.Formats.State = format(true, 0, 7), format(false, 0, 7)
		c.Formats.Weight, c.Formats.Bias = format(true, 0, 7), format(true, 1, 6)
		c.Formats.Target, c.Formats.Beta = format(false, 1, 7), format(false, 2, 3)
		c.Formats.StateRounding, c.Formats.UpdateRounding = fixedpoint.NearestUp, fixedpoint.Truncate
	}},
	{name: "24-bit", list: "6,M,7,fc4", input: ep.Shape{C: 3, H: 6, W: 7}, set: func(c *ep.Config) {
		c.Formats.Input, c.Formats.State = format(true, 2, 17), format(false, 0, 21)
		c.Formats.Weight, c.Formats.Bias = format(true, 2, 20), format(true, 1, 14)
		c.Formats.RateBits, c.PoolIndex = 11, ep.Live
	}},
	{name: "12-bit", list: "9,M,5,fc3", input: ep.Shape{C: 2, H: 8, W: 6}, set: func(c *ep.Config) {
		c.Formats.Input, c.Formats.State = format(true, 1, 9), format(false, 0, 10)
		c.Formats.Weight, c.Formats.Bias = format(true, 2, 9), format(true, 3, 8)
		c.Formats.StateRounding, c.Batch = fixedpoint.Truncate, 2
	}},
	{name: "mixed-formats", list: "5,M,7,M,6,fc3", input: ep.Shape{C: 3, H: 9, W: 8}, set: func(c *ep.Config) {
		f := &c.Formats
		f.LayerState = []fixedpoint.Format{format(false, 0, 4), format(false, 0, 16), format(false, 0, 7), format(false, 0, 12)}
		f.LayerWeight = []fixedpoint.Format{format(true, 1, 16), format(true, 0, 3), format(true, 1, 6), format(true, 2, 9)}
		f.LayerBias = []fixedpoint.Format{format(true, 1, 6), format(true, 1, 14), format(true, 0, 11), format(true, 3, 4)}
		c.Sweep, c.PoolIndex, c.LayerInitial, c.Array.Size, c.Clip = ep.Asynchronous, ep.Live, []float64{0.5, 0.3, 1, 0}, 2, 0.8
	}},
	{name: "mixed-linear", list: "5,A,6b0,M,fc3", input: ep.Shape{C: 2, H: 9, W: 8}, set: func(c *ep.Config) {
		f := &c.Formats
		f.LayerState = []fixedpoint.Format{format(false, 0, 9), format(false, 1, 5), format(false, 0, 4)}
		f.LayerWeight = []fixedpoint.Format{format(true, 0, 7), format(true, 1, 12), format(true, 0, 5)}
		c.Output, f.Output, c.Damping, c.Memory.Weights = ep.Linear, format(true, 2, 6), 1, ep.OnChip
		c.MinSteps, c.Tolerance, c.FreeSteps, c.NudgeSteps, f.UpdateRounding = 3, 2, 20, 9, fixedpoint.Stochastic
		c.Array.Size, c.Sequence.Starts = 2, 2
	}},
	{name: "array-5", list: "7,M,6,fc8", input: ep.Shape{C: 3, H: 8, W: 7}, set: func(c *ep.Config) {
		c.Array.Size, c.Batch, c.Memory.DataWidth, c.Sequence.Starts = 5, 2, 32, 2
		c.Formats.UpdateRounding, c.Formats.MasterBits, c.MomentumShift = fixedpoint.Stochastic, 5, 2
	}},
	{name: "array-6x2", list: "7,M,9,M,fc5", input: ep.Shape{C: 5, H: 9, W: 8}, set: func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.PoolIndex, c.Memory.DataWidth = 6, 2, ep.Live, 256
		c.Formats.UpdateRounding = fixedpoint.Stochastic
	}},
	{name: "array-3x9", list: "7,M,8b0,fc11", input: ep.Shape{C: 4, H: 8, W: 7}, set: func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.Memory.Weights, c.Sweep = 3, 9, ep.OnChip, ep.Asynchronous
	}},
	{name: "ten-steps", list: "6,M,fc3", input: ep.Shape{C: 2, H: 7, W: 6}, set: func(c *ep.Config) {
		c.Batch, c.Sequence.Starts = 2, 10
	}},
	{name: "asynchronous", list: "5,M,7,6,M,fc3", input: ep.Shape{C: 3, H: 9, W: 8}, set: func(c *ep.Config) {
		c.Sweep, c.Batch, c.Initial, c.Estimate, c.Frozen = ep.Asynchronous, 2, 0.4, ep.Positive, []int{1, 4}
	}},
	{name: "asynchronous-live", resets: true, list: "5,M,7,M,6,M", input: ep.Shape{C: 2, H: 10, W: 9}, set: func(c *ep.Config) {
		c.Sweep, c.PoolIndex, c.Array.Size, c.Memory.DataWidth = ep.Asynchronous, ep.Live, 2, 32
	}},
	{name: "damped", list: "5,M,6,fc3", input: ep.Shape{C: 2, H: 8, W: 7}, set: func(c *ep.Config) {
		c.Damping, c.FreeSteps, c.Estimate, c.Array.Size, c.Clip = 1, 6, ep.Negative, 2, 0.3
		c.Formats.StateRounding = fixedpoint.NearestUp
	}},
	{name: "warm", list: "5,M,6,M,fc3", input: ep.Shape{C: 2, H: 8, W: 9}, set: func(c *ep.Config) {
		c.Start, c.Sweep, c.Batch, c.Array.Size, c.Sequence.Starts = ep.Warm, ep.Asynchronous, 2, 2, 3
		c.Damping = 2
	}},
	{name: "given", resets: true, list: "5,M,6,A,fc3", input: ep.Shape{C: 2, H: 8, W: 9}, set: func(c *ep.Config) {
		c.GivenStates, c.Batch, c.Array.Rows, c.Array.Columns, c.Sequence.Starts = true, 2, 4, 2, 2
		c.Output, c.Formats.Output, c.Damping, c.Memory.DataWidth = ep.Linear, format(true, 1, 9), 1, 128
		c.Formats.LayerState = []fixedpoint.Format{format(false, 0, 9), format(false, 1, 5), format(false, 0, 7)}
	}},
	{name: "given-warm", list: "4,M,5,6,M,fc3", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.GivenStates, c.Start, c.Sequence.Starts, c.Batch, c.Sweep = true, ep.Warm, 3, 2, ep.Asynchronous
		c.Array.Size, c.Memory.DataWidth, c.PoolIndex = 2, 32, ep.Live
		c.FreeSteps, c.MinSteps, c.Tolerance = 9, 2, 60
		heads(c, true, func(s *ep.HeadSpec) {
			if s.Layer == 2 {
				s.Kind, s.Outputs, s.Grid = ep.FeatureHead, 3, 2
			}
		})
	}},
	{name: "given-inference", list: "fc7", input: ep.Shape{C: 3, H: 5, W: 4}, set: func(c *ep.Config) {
		c.GivenStates, c.Start, c.Sequence.Starts, c.Batch, c.Memory.Weights = true, ep.Warm, 3, 3, ep.OnChip
		c.Array.Size, c.Damping = 2, 2
		*c = *c.ForInference()
	}},
	{name: "random", list: "5,M,7,fc3", input: ep.Shape{C: 3, H: 7, W: 6}, set: func(c *ep.Config) {
		c.Formats.UpdateRounding, c.Estimate, c.Seed, c.Sequence.Starts = fixedpoint.Stochastic, ep.RandomSign, 3, 4
		c.Batch = 2
	}},
	{name: "random-32", list: "5,M,7,fc3", input: ep.Shape{C: 3, H: 7, W: 6}, set: func(c *ep.Config) { // the same numbers
		c.Formats.UpdateRounding, c.Estimate, c.Seed, c.Sequence.Starts = fixedpoint.Stochastic, ep.RandomSign, 3, 4
		c.Array.Size, c.Batch, c.Memory.DataWidth = 32, 2, 512
	}, slow: true},
	{name: "random-live", list: "5,M,9,M,fc3", input: ep.Shape{C: 5, H: 9, W: 8}, set: func(c *ep.Config) {
		c.Formats.UpdateRounding, c.Estimate, c.PoolIndex, c.Sequence.Starts = fixedpoint.Stochastic, ep.RandomSign, ep.Live, 2
		c.Formats.Weight, c.Formats.Bias, c.Memory.DataWidth = format(true, 1, 9), format(true, 1, 11), 256
	}},
	{name: "points", list: "5,M,7,fc3", input: ep.Shape{C: 3, H: 7, W: 6}, set: func(c *ep.Config) {
		c.Estimate, c.Betas, c.BetaWeights = ep.SeveralPoints, []float64{0.5, -0.5, 1, -1}, []int{8, -8, -1, 1}
		c.Array.Size, c.Batch, c.PoolIndex = 2, 2, ep.Live
		c.HostRates, c.Sequence.Starts, c.Sequence.RateFactor = true, 3, 0.3
		c.Formats.State, c.Formats.Weight = format(false, 0, 4), format(true, 0, 3) // the narrowest
	}},
	{name: "points-asynchronous", list: "5,M,7,M,6,fc3", input: ep.Shape{C: 3, H: 7, W: 6}, set: func(c *ep.Config) {
		c.Estimate, c.Betas, c.BetaWeights = ep.SeveralPoints, []float64{1, 0.5, -0.5}, []int{1, 2, -3}
		c.Sweep, c.PoolIndex = ep.Asynchronous, ep.Live
		c.Formats.State, c.Formats.Weight = format(false, 0, 16), format(true, 1, 16) // the widest of the usual
	}},
	{name: "differences", list: "3,M,4,A,fc3", input: ep.Shape{C: 2, H: 7, W: 6}, set: func(c *ep.Config) {
		c.Batch, c.Array.Size, c.NudgeSteps, c.FreeSteps = 2, 2, 6, 6
		c.Formats.State, c.Formats.DifferenceBits, c.Formats.DifferenceShift = format(false, 0, 8), 9, []int{6, 3, 1}
		c.Formats.MasterBits, c.MomentumShift, c.DecayShift, c.Accumulate, c.Sequence.Starts = 8, 3, 6, 2, 2
	}},
	{name: "differences-asynchronous", list: "5,M,7,6,fc3", input: ep.Shape{C: 3, H: 8, W: 7}, set: func(c *ep.Config) {
		c.Sweep, c.Start, c.Sequence.Starts, c.Array.Rows, c.Array.Columns = ep.Asynchronous, ep.Warm, 2, 2, 4
		c.Damping, c.Estimate, c.Formats.UpdateRounding = 1, ep.RandomSign, fixedpoint.NearestUp
		c.Formats.LayerState = []fixedpoint.Format{format(false, 0, 8), format(false, 0, 6), format(false, 1, 7), format(false, 0, 9)}
		c.Formats.DifferenceBits, c.Formats.DifferenceShift = 12, []int{8, 9, 4, 2}
	}},
	{name: "differences-settling", list: "6,M", input: ep.Shape{C: 2, H: 7, W: 9}, set: func(c *ep.Config) {
		c.Estimate, c.Formats.DifferenceBits, c.Formats.DifferenceShift = ep.Positive, 6, []int{3}
		c.FreeSteps, c.NudgeSteps, c.MinSteps, c.Tolerance, c.Output, c.Array.Size = 6, 9, 2, 1, ep.Linear, 4
		c.Formats.State, c.Memory.Weights = format(false, 0, 8), ep.OnChip
	}},
	{name: "linear", list: "5,M,6,fc3", input: ep.Shape{C: 2, H: 7, W: 6}, set: func(c *ep.Config) {
		c.Output, c.Array.Size, c.Batch, c.Damping = ep.Linear, 2, 2, 1
		c.Init.Bias = -0.2
	}},
	{name: "linear-single", list: "fc5", input: ep.Shape{C: 2, H: 3, W: 3}, set: func(c *ep.Config) {
		c.Output, c.Formats.Output, c.MinSteps, c.Tolerance = ep.Linear, format(true, 0, 15), 2, 30
		c.FreeSteps, c.NudgeSteps = 9, 9
	}},
	{name: "settling", list: "5,M,6,M,fc3", input: ep.Shape{C: 2, H: 8, W: 9}, set: func(c *ep.Config) {
		c.FreeSteps, c.NudgeSteps, c.MinSteps, c.Tolerance, c.Batch, c.Array.Size, c.Sequence.Starts = 25, 12, 3, 60, 2, 2, 2
	}},
	{name: "settling-damped", list: "5,M,6,7,M,fc3", input: ep.Shape{C: 2, H: 8, W: 9}, set: func(c *ep.Config) {
		c.FreeSteps, c.NudgeSteps, c.MinSteps, c.Tolerance, c.Damping = 40, 9, 2, 90, 1
		c.Sweep, c.Memory.DataWidth = ep.Asynchronous, 32
	}},
	{name: "settling-single", resets: true, list: "fc7", input: ep.Shape{C: 3, H: 5, W: 4}, set: func(c *ep.Config) {
		c.FreeSteps, c.NudgeSteps, c.MinSteps, c.Tolerance, c.Batch, c.Estimate = 9, 9, 2, 500, 3, ep.Positive
	}},
	{name: "heads", list: "4,M,6,5,fc7", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Batch, c.Sweep, c.PoolIndex = 3, ep.Asynchronous, ep.Live
		heads(c, false, func(s *ep.HeadSpec) {
			switch s.Layer {
			case 1:
				s.Lambda, s.Grid = 0.3, 4
			case 2:
				s.Kind = ep.SquaredHead
			case 3:
				s.Kind, s.Grid = ep.RandomHead, 1
			}
		})
	}},
	{name: "readout-100", list: "4,M,5,M,fc100", input: ep.Shape{C: 2, H: 9, W: 8}, set: func(c *ep.Config) {
		c.Batch, c.Array.Size, c.Damping, c.Sequence.Starts = 2, 8, 1, 2
		c.Formats.Probability, c.Formats.Lambda = format(false, 1, 10), format(false, 4, 4)
		heads(c, true, func(s *ep.HeadSpec) { s.Lambda = 0.5 })
	}},
	{name: "readout-single", list: "4,A,fc3", input: ep.Shape{C: 2, H: 6, W: 6}, set: func(c *ep.Config) {
		c.Batch, c.Array.Rows, c.Array.Columns, c.Sequence.Starts, c.Formats.MasterBits = 2, 4, 2, 2, 6
		heads(c, true, nil)
	}},
	{name: "readout-single-settling", resets: true, list: "fc9,fc4", input: ep.Shape{C: 3, H: 4, W: 3}, set: func(c *ep.Config) {
		c.FreeSteps, c.NudgeSteps, c.MinSteps, c.Tolerance, c.Damping, c.Batch = 12, 9, 2, 900, 1, 3
		c.Start, c.Sequence.Starts = ep.Warm, 2
		heads(c, true, nil)
	}},
	{name: "taught", list: "4,M,6,M,5,fc7", input: ep.Shape{C: 2, H: 16, W: 16}, set: func(c *ep.Config) {
		c.Batch, c.Sequence.Starts, c.Memory.DataWidth = 2, 2, 64
		heads(c, true, func(s *ep.HeadSpec) {
			s.Kind, s.Outputs, s.Grid, s.Lambda = ep.FeatureHead, 5, 4, 2
			if s.Layer == 2 {
				s.Outputs, s.Grid, s.Dense, s.Lambda = 9, 2, true, 1
			}
		})
	}},
	{name: "distilled", list: "3,M,5,fc7", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Batch = 2
		heads(c, true, func(s *ep.HeadSpec) { s.Kind, s.Temperature, s.Mix = ep.LogitHead, 3, .7 })
	}},
	{name: "readout-2", resets: true, list: "3,M,4k1,3,fc2", input: ep.Shape{C: 1, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Array.Size, c.Memory.DataWidth = 1, 32
		c.Formats.State, c.Formats.Weight, c.Formats.Bias = format(false, 0, 7), format(true, 0, 7), format(true, 1, 6)
		c.Formats.HeadWeight, c.Formats.HeadBias, c.Formats.Probability = format(true, 3, 7), format(true, 3, 2), format(false, 0, 7)
		c.Formats.StateRounding = fixedpoint.NearestUp
		heads(c, true, func(s *ep.HeadSpec) {
			s.Center = false
			if s.Layer == 2 {
				s.Kind = ep.SquaredHead
			}
		})
	}},
	{name: "heads-one-sided", list: "4b0,M,5,fc3", input: ep.Shape{C: 3, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Estimate, c.Batch, c.Array.Size, c.Frozen, c.Clip = ep.Positive, 2, 2, []int{1}, 0.3
		c.HostRates, c.Sequence.Starts, c.Sequence.RateFactor = true, 2, 0.6
		c.Formats.UpdateRounding = fixedpoint.Stochastic
		heads(c, true, func(s *ep.HeadSpec) { s.FreeState, s.Grid = s.Layer == 1, 2 })
	}},
	{name: "heads-points", list: "4,M,5,fc3b0", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Estimate, c.Betas, c.BetaWeights = ep.SeveralPoints, []float64{0.5, -0.5, 1, -1}, []int{8, -8, -1, 1}
		c.Memory.Weights, c.Nudge, c.PoolIndex, c.Sweep = ep.OnChip, ep.Outside, ep.Live, ep.Asynchronous
		heads(c, false, func(s *ep.HeadSpec) {
			s.Lambda, s.FreeState = 0.75, s.Layer == 1
			if s.Layer == 2 {
				s.Kind, s.Outputs, s.Grid, s.Dense = ep.FeatureHead, 3, 2, true
			}
		})
	}},
	{name: "heads-tall", list: "6,M,9,5,fc9", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.Batch, c.PoolIndex, c.Memory.Weights = 6, 2, 2, ep.Live, ep.OnChip
		c.Formats.UpdateRounding = fixedpoint.Stochastic
		heads(c, true, func(s *ep.HeadSpec) {
			if s.Layer == 2 {
				s.Kind, s.Outputs, s.Grid, s.FreeState = ep.FeatureHead, 7, 2, true
			}
		})
	}},
	{name: "heads-wide", list: "9,M,5b0,fc7", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Array.Rows, c.Array.Columns, c.Batch, c.Memory.DataWidth = 2, 4, 2, 32
		c.Estimate, c.Betas, c.BetaWeights = ep.SeveralPoints, []float64{1, 0.5, -0.5}, []int{1, 2, -3}
		c.Formats.LayerState = []fixedpoint.Format{format(false, 0, 12), format(false, 1, 5), format(false, 0, 16)}
		heads(c, false, func(s *ep.HeadSpec) { s.Kind, s.Lambda = []ep.HeadKind{ep.LogitHead, ep.SquaredHead}[s.Layer-1], 0.75 })
	}},
	{name: "heads-keep", list: "5,M,6,4,fc3", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Accumulate, c.Sequence.Starts, c.Batch, c.Memory.DataWidth = 2, 5, 2, 64
		c.Formats.MasterBits, c.DecayShift, c.MomentumShift, c.Formats.UpdateRounding = 7, 5, 2, fixedpoint.Stochastic
		c.Array.Rows, c.Array.Columns = 4, 2
		heads(c, true, func(s *ep.HeadSpec) {
			s.Kind, s.Outputs, s.FreeState = []ep.HeadKind{ep.FeatureHead, ep.RandomHead, ep.LogitHead}[s.Layer-1], 3, s.Layer == 2
		})
	}},
	{name: "heads-direct", list: "4,M,6,fc5", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.Array.Size, c.Batch, c.Sweep, c.Memory.Weights, c.Sequence.Starts = 2, 2, ep.Asynchronous, ep.OnChip, 2
		heads(c, false, func(s *ep.HeadSpec) {
			s.Kind, s.Outputs = []ep.HeadKind{ep.FeatureHead, ep.SquaredHead}[s.Layer-1], 3
		})
	}},
	{name: "heads-settling", list: "4,M,5,M,6,fc3", input: ep.Shape{C: 2, H: 8, W: 8}, set: func(c *ep.Config) {
		c.FreeSteps, c.NudgeSteps, c.MinSteps, c.Tolerance, c.Array.Size = 20, 9, 3, 150, 2
		c.Estimate, c.Start, c.Sequence.Starts = ep.Negative, ep.Warm, 2
		heads(c, true, func(s *ep.HeadSpec) { s.FreeState = s.Layer == 2 })
	}},
	{name: "heads-random", list: "4,A,5,M,fc3", input: ep.Shape{C: 2, H: 9, W: 9}, set: func(c *ep.Config) {
		c.Estimate, c.Seed, c.Sequence.Starts, c.Output = ep.RandomSign, 3, 3, ep.Linear
		c.Formats.UpdateRounding, c.PoolIndex, c.Array.Size = fixedpoint.Stochastic, ep.Live, 3
		heads(c, false, func(s *ep.HeadSpec) { s.Grid = s.Layer % 2 * 2 })
	}},
	{name: "sums", list: "5,M,6,fc3", input: ep.Shape{C: 2, H: 8, W: 7}, set: func(c *ep.Config) {
		c.Accumulate, c.Sequence.Starts, c.Array.Size, c.Memory.DataWidth = 3, 5, 2, 64
		c.Formats.UpdateRounding, c.Estimate, c.Seed = fixedpoint.Stochastic, ep.RandomSign, 3
		c.Formats.MasterBits, c.DecayShift, c.MomentumShift = 9, 5, 2
	}},
	{name: "masters", list: "5,M,6b0,M,fc7,fc3", input: ep.Shape{C: 3, H: 9, W: 6}, set: func(c *ep.Config) {
		c.Formats.MasterBits, c.DecayShift, c.Clip, c.Frozen, c.PoolIndex = 5, 7, 0.4, []int{1}, ep.Live
		c.Sequence.Starts, c.HostRates, c.Sequence.RateFactor, c.Array.Size, c.Memory.DataWidth = 3, true, 0.5, 3, 512
	}},
	{name: "momentum", list: "5b0,M,9,fc5", input: ep.Shape{C: 5, H: 7, W: 6}, set: func(c *ep.Config) {
		c.MomentumShift, c.Sequence.Starts, c.Array.Rows, c.Array.Columns = 3, 4, 2, 8
		c.Formats.Bias, c.Memory.DataWidth, c.Batch = format(true, 1, 9), 32, 2
	}},
	{name: "sums-8-bit", list: "6,M,fc4", input: ep.Shape{C: 3, H: 6, W: 7}, set: func(c *ep.Config) {
		c.Formats.Input, c.Formats.State = format(true, 0, 7), format(false, 0, 7)
		c.Formats.Weight, c.Formats.Bias = format(true, 0, 7), format(true, 1, 6)
		c.Formats.Target, c.Formats.Beta = format(false, 1, 7), format(false, 2, 3)
		c.Accumulate, c.Sequence.Starts, c.MinSteps, c.Tolerance, c.Sweep = 2, 4, 2, 3, ep.Asynchronous
	}},
	{name: "decay", list: "5,M,6,fc3", input: ep.Shape{C: 2, H: 8, W: 7}, set: func(c *ep.Config) {
		c.DecayShift, c.Formats.UpdateRounding, c.Array.Size, c.Memory.Weights = 6, fixedpoint.Stochastic, 2, ep.OnChip
	}},
	{name: "inference", resets: true, list: "5,M,6,M,fc5", input: ep.Shape{C: 2, H: 9, W: 8}, set: func(c *ep.Config) {
		c.Sweep, c.Start, c.Batch, c.Array.Size, c.Sequence.Starts = ep.Asynchronous, ep.Warm, 2, 2, 3
		c.FreeSteps, c.MinSteps, c.Tolerance, c.Memory.Weights = 20, 3, 60, ep.OnChip
		// shed
		c.Estimate, c.PoolIndex, c.HostRates, c.Frozen, c.Clip = ep.RandomSign, ep.Live, true, []int{1}, 0.5
		c.Formats.UpdateRounding, c.DecayShift = fixedpoint.Stochastic, 4
		*c = *c.ForInference()
	}},
	{name: "inference-readout", resets: true, list: "5k5,A,7b0,M,fc6", input: ep.Shape{C: 3, H: 9, W: 10}, set: func(c *ep.Config) {
		heads(c, true, nil) // of which the readout stays
		c.Array.Size, c.Memory.DataWidth, c.FreeSteps, c.Damping = 4, 32, 6, 1
		c.Batch, c.Sequence.Starts = 2, 2
		*c = *c.ForInference()
	}},
	{name: "inference-logits", list: "6,A,5,M,fc9", input: ep.Shape{C: 3, H: 9, W: 8}, set: func(c *ep.Config) {
		withReadout(c)
		c.Array.Rows, c.Array.Columns, c.Sweep, c.Start = 2, 4, ep.Asynchronous, ep.Warm
		c.FreeSteps, c.MinSteps, c.Tolerance, c.Sequence.Starts = 20, 3, 200, 3
		f := &c.Formats
		f.LayerState, f.StateRounding, f.Logit = []fixedpoint.Format{format(false, 0, 8), format(false, 1, 6)}, fixedpoint.Truncate, format(true, 1, 18)
		*c = *c.ForInference()
	}},
	{name: "inference-one", list: "7,M,fc6", input: ep.Shape{C: 2, H: 6, W: 8}, set: func(c *ep.Config) {
		withReadout(c) // on the only layer that relaxes
		c.Array.Size, c.FreeSteps, c.Memory.Weights, c.Batch, c.Formats.Logit = 4, 3, ep.OnChip, 2, format(true, 2, 5)
		*c = *c.ForInference()
	}},
	{name: "mnist", list: "8k5p0,M,12k5p0,M,fc10", input: ep.Shape{C: 1, H: 28, W: 28}, data: "mnist"},
	{name: "cifar10", list: "8,M,12,M,fc10", input: ep.Shape{C: 3, H: 32, W: 32}, data: "cifar10", set: func(c *ep.Config) {
		c.Array.Size = 8
	}},
}

// withReadout makes a readout of the last layer.
func withReadout(c *ep.Config) {
	net, err := c.Network.WithReadout()
	if err != nil {
		panic(err) // a constant
	}
	c.Network, c.Rates = net, c.Rates[:len(net.Layers)]
}

// heads puts a head on every layer, or all but the readout's, and changes each.
func heads(c *ep.Config, readout bool, change func(s *ep.HeadSpec)) {
	net, classes := c.Network, c.Network.Classes()
	var specs []ep.HeadSpec
	if readout {
		var err error
		if net, err = net.WithReadout(); err != nil {
			panic(err)
		}
		c.Rates, specs = c.Rates[:len(net.Layers)], net.HeadSpecs()
	}
	for layer := 1; layer < len(net.Layers); layer++ {
		s := ep.DefaultHead(layer, net.Layers[layer-1].Out)
		if change != nil {
			change(&s)
		}
		specs = append(specs, s)
	}
	var err error
	if c.Network, err = net.WithHeads(classes, specs); err != nil {
		panic(err)
	}
}

// config returns the configuration of a network: small array, short schedule,
// beats of 128 bits unless it says otherwise.
func (n *network) config() (*ep.Config, error) {
	net, err := ep.ParseLayers(n.list, n.input)
	if err != nil {
		return nil, err
	}
	net.Name = n.name
	c := ep.NewConfig(net)
	c.FreeSteps, c.NudgeSteps = 4, 3
	c.Array.Size, c.Memory.DataWidth, c.Memory.ReadLatency = 4, 128, 20
	if n.set != nil {
		n.set(c)
	}
	return c, nil
}

// dataDir returns the directory of a data set: below $EPGEN_DATA, or below the
// directory shared/data beside the repository.
func dataDir(name string) string {
	root := os.Getenv("EPGEN_DATA")
	if root == "" {
		root = filepath.Join("..", "shared", "data")
	}
	return filepath.Join(root, name)
}

// session is one call of the simulator for a network.
type session struct {
	name string
	sim.Settings
	extra []string
}

// sessions are run for every network. The second of several runs starts
// from a dirty core and is polled without irq, the third follows a reset in
// mid-run. After an error the core is started again: at once if the seed is
// odd, else some hundred cycles later.
var sessions = []session{
	{name: "ready", Settings: sim.Settings{Seed: 1, XSeed: 1, Runs: 2}},
	{name: "latency 1", Settings: sim.Settings{Seed: 1, XSeed: 2, Runs: 1, Latency: 1}},
	{name: "latency 96", Settings: sim.Settings{Seed: 1, XSeed: 3, Runs: 1, Latency: 96}},
	{name: "stalls", Settings: sim.Settings{Seed: 11, XSeed: 4, Runs: 4, Stall: true}},
	{name: "inference between stalls", Settings: sim.Settings{Seed: 12, XSeed: 5, Runs: 3, Stall: true, Infer: true}},
	{name: "read error", Settings: sim.Settings{Seed: 13, XSeed: 6, Runs: 2}, extra: []string{"--fail-read=7"}},
	{name: "read error, stalls", Settings: sim.Settings{Seed: 14, XSeed: 7, Runs: 2, Stall: true}, extra: []string{"--fail-read=3", "--fail-with=decerr"}},
	{name: "write error", Settings: sim.Settings{Seed: 15, XSeed: 8, Runs: 2}, extra: []string{"--fail-write=0", "--fail-with=decerr"}},
	{name: "write error, stalls", Settings: sim.Settings{Seed: 16, XSeed: 9, Runs: 2, Stall: true}, extra: []string{"--fail-write=0"}},
}

// resetSession is one more of the networks that want it.
var resetSession = session{
	name: "resets in every state", Settings: sim.Settings{Seed: 17, XSeed: 10, Runs: 1}, extra: []string{"--resets=1"},
}

// stallSessions are n patterns of stalls. The third of four runs is cut short by a reset at
// a random time, whatever phase that falls into; the fourth must give the bits of the first.
func stallSessions(n int) []session {
	var list []session
	for i := range n {
		list = append(list, session{
			name: fmt.Sprintf("stalls %d", i+1), Settings: sim.Settings{Seed: uint64(1000 + i), XSeed: i + 1, Runs: 4, Stall: true},
		})
	}
	return list
}
