package gen

import (
	"fmt"
	"slices"

	"epgen/ep"
)

// Heads are further layers to the array: their map goes up from the averaged states of
// a layer to the logits, and down from the errors to the nudge, and their weights are
// slabs like any other. What is their own is the averaging (pool), the softmax that makes
// errors of logits (soft), and a memory of nudges that the activation adds.
//
// Averages lie in the even bank and errors in the odd one, which is why the number of a
// head among the layers is odd. All heads work one after the other, in the same words.

// checkHeads reports heads that the generator does not have.
func checkHeads(cfg *ep.Config) error {
	net := &cfg.Network
	if !cfg.Program().Learns() { // heads work in nudged phases
		return nil
	}
	refuse := func(key, format string, args ...any) error {
		return &ep.SettingError{Key: key, Reason: fmt.Sprintf(format, args...) + ": the generator has no other yet"}
	}
	if len(net.Heads) == 0 {
		return nil
	}
	if out := net.Output(); net.Readout() == nil && out.H*out.W > 1 {
		return refuse("network.layers", "a head beside an output of %v, want an output of 1x1", out)
	}
	var distils *ep.Head
	for i := range net.Heads {
		h := &net.Heads[i]
		if h.Kind == ep.LogitHead {
			if distils != nil && (distils.Temperature != h.Temperature || distils.Mix != h.Mix) {
				return refuse("head", "%s of kind logits with temperature %v and mix %v, want %v and %v as %s", h.Name,
					h.Temperature, h.Mix, distils.Temperature, distils.Mix, distils.Name)
			}
			distils = h
		}
	}
	return nil
}

// headArith is the arithmetic of a head in the terms of a layer, for what layers and
// heads share: array, alignment, contrast and update.
func headArith(f *ep.Formats, a *ep.HeadArith) *ep.LayerArith {
	return &ep.LayerArith{
		In: a.State, State: a.State, Weight: f.HeadWeight, Bias: f.HeadBias, AccFrac: a.LogitFrac,
		Up: a.Products, Down: a.Back, Drive: a.Logit, Acc: a.Logit, UpShift: a.UpShift, BiasShift: a.BiasShift,
		ContrastFrac: a.ContrastFrac, Contrast: a.Contrast, BiasContrast: a.BiasContrast,
		WeightUpdate: a.WeightUpdate, BiasUpdate: a.BiasUpdate,
	}
}

// placeHeads makes a layer of each head, and gives all of them the same words for
// averages, errors, logits and nudges.
func (p *Plan) placeHeads() {
	net := &p.Cfg.Network
	if len(net.Heads) == 0 || !p.learns() {
		return
	}
	number := len(net.Layers) + 1
	if Bank(number) == 0 {
		number++
	}
	features, errors := 0, 0
	for i := range net.Heads {
		m := &net.Heads[i].Map
		in, out := p.blockMap(m.In), p.blockMap(m.Out)
		in.StateBase, out.StateBase = p.RegionWords[0], p.RegionWords[1]
		p.Heads = append(p.Heads, LayerPlan{
			Layer: m, Arith: headArith(&p.Cfg.Formats, &p.Arith.Heads[i]), N: number + 2*i, In: in, Out: out,
			Taps: m.KH * m.KW, Slabs: ceilDiv(m.Out.C, p.Rows), InBlocks: ceilDiv(m.In.C, p.Columns), Head: &net.Heads[i], HeadArith: &p.Arith.Heads[i],
		})
		p.Heads[i].Tiles = p.Heads[i].InBlocks * p.Heads[i].Taps
		if net.Heads[i].Center {
			p.Centered = true
		}
		if p.Heads[i].taught() {
			p.Heads[i].TargetBase = p.TargetWords
			p.TargetWords += p.Cfg.Batch * out.SampleWords
		}
		p.Heads[i].MeanBase = p.MeanWords
		p.MeanWords += in.SampleWords
		features, errors = max(features, p.Cfg.Batch*in.SampleWords), max(errors, p.Cfg.Batch*out.SampleWords)
		p.SlabWords = max(p.SlabWords, p.Heads[i].Tiles)
	}
	p.RegionWords[0] += features
	p.RegionWords[1] += errors
	p.BackWords, p.LogitWords = features, errors
}

// at returns the plan of a layer or head by its number.
func (p *Plan) at(n int) *LayerPlan {
	if n <= len(p.Layers) {
		return &p.Layers[n-1]
	}
	return &p.Heads[(n-p.Heads[0].N)/2]
}

// numbered reports whether there is a layer or head of a number: those of heads are odd.
func (p *Plan) numbered(n int) bool {
	return n <= len(p.Layers) || len(p.Heads) > 0 && n >= p.Heads[0].N && (n-p.Heads[0].N)%2 == 0
}

// largestNumber is that of the last head or layer.
func (p *Plan) largestNumber() int {
	if k := len(p.Heads); k > 0 {
		return p.Heads[k-1].N
	}
	return len(p.Layers)
}

// slabs returns all layers and heads, in the order of their weights in memory.
func (p *Plan) slabs() []*LayerPlan {
	var all []*LayerPlan
	for i := range p.Layers {
		all = append(all, &p.Layers[i])
	}
	for i := range p.Heads {
		all = append(all, &p.Heads[i])
	}
	return all
}

// headOn returns the head that reads layer n, or nil.
func (p *Plan) headOn(n int) *LayerPlan {
	for i := range p.Heads {
		if p.Heads[i].Head.Layer == n {
			return &p.Heads[i]
		}
	}
	return nil
}

// withKind returns the first head whose errors come from a softmax, or one whose do not; nil
// if there is none.
func (p *Plan) withKind(soft bool) *LayerPlan {
	for i := range p.Heads {
		if (p.Heads[i].HeadArith.Softmax != nil) == soft {
			return &p.Heads[i]
		}
	}
	return nil
}

// mixedHeads reports that the errors of some heads come from a softmax and those of others do not.
func (p *Plan) mixedHeads() bool { return p.withKind(true) != nil && p.withKind(false) != nil }

// labelledHeads reports heads that need labels: all kinds but features.
func (p *Plan) labelledHeads() bool {
	return slices.ContainsFunc(p.Heads, func(h LayerPlan) bool { return h.Head.Kind != ep.FeatureHead })
}

// someTargets reports that targets of a teacher may be those of a linear head, but that not
// every head has such.
func (p *Plan) someTargets() bool {
	return p.withKind(false) != nil && p.TargetWords > 0 && p.labelledHeads()
}

// taught reports a head that a teacher gives targets.
func (l *LayerPlan) taught() bool { return l.Head.Kind == ep.FeatureHead || l.distils() }

// distils reports a head that learns a teacher's logits.
func (l *LayerPlan) distils() bool { return l.Head.Kind == ep.LogitHead }

// distilling returns the first such head, or nil.
func (p *Plan) distilling() *LayerPlan {
	for i := range p.Heads {
		if p.Heads[i].distils() {
			return &p.Heads[i]
		}
	}
	return nil
}

// linear reports a head whose errors are differences of targets and logits.
func (l *LayerPlan) linear() bool { return l.HeadArith.Softmax == nil }

// hasHeads reports whether there are any.
func (p *Plan) hasHeads() bool { return len(p.Heads) > 0 }

// labelMap is the map that a label names a neuron of: that of the logits, or of the last
// layer's states.
func (p *Plan) labelMap() BlockMap {
	if soft := p.withKind(true); soft != nil {
		return soft.Out
	}
	return p.Layers[len(p.Layers)-1].Out
}

// Slabs returns all layers and heads, in the order of their weights in memory.
func (p *Plan) Slabs() []*LayerPlan { return p.slabs() }

// HeadOn returns the head that reads layer n, or nil.
func (p *Plan) HeadOn(n int) *LayerPlan { return p.headOn(n) }

// At returns the plan of a layer or head by its number.
func (p *Plan) At(n int) *LayerPlan { return p.at(n) }

// withHeads puts the visits of the heads into those of a nudged step: behind whatever
// completes the accumulators of a layer and before its activation,
//
//	average its states, up of the head, errors of the logits
//	down of the head, activation of the layer
func (p *Plan) withHeads(step []Visit) []Visit {
	var list []Visit
	for _, v := range step {
		h := p.headOn(v.Act)
		if h == nil {
			list = append(list, v)
			continue
		}
		layer := v.Act
		if v.Layer > 0 {
			v.Act = 0
			list = append(list, v)
		}
		list = append(list,
			Visit{Layer: h.N, Up: true, Pool: layer, Soft: true, Fresh: true},
			Visit{Layer: h.N, Down: true, Act: layer, Fresh: true})
	}
	return list
}

// headUpdates lists the visits of a head in the update: errors at all points of the
// contrast, or at the free equilibrium, then the contrast.
func (p *Plan) headUpdates() []Visit {
	var list []Visit
	for i := range p.Heads {
		h := &p.Heads[i]
		free := h.Head.FreeState
		for point := range p.Evaluations(h) {
			list = append(list, Visit{Layer: h.N, Up: true, Pool: h.Head.Layer, Soft: true, Fresh: true, Point: point, Free: free})
		}
		list = append(list, Visit{Layer: h.N, Update: true, Free: free})
	}
	return list
}

// Evaluations is how often the update evaluates a head: at every point of the contrast, or
// once, at the free equilibrium.
func (p *Plan) Evaluations(h *LayerPlan) int {
	if h.Head.FreeState {
		return 1
	}
	return len(p.Program.Points)
}

// freeHeads reports heads that learn at the free equilibrium.
func (p *Plan) freeHeads() bool {
	return slices.ContainsFunc(p.Heads, func(h LayerPlan) bool { return h.Head.FreeState })
}

// layerBits is the width of the number of a layer or head, counted from 0.
func (p *Plan) layerBits() int { return addrBits(p.largestNumber()) }

// targetBits is the width of a target on chip, 0 without heads that are taught.
func (p *Plan) targetBits() int {
	if p.TargetWords == 0 {
		return 0
	}
	return p.Cfg.Formats.Error.Width()
}
