package gen

import "epgen/ep"

// MemoryMap is the layout of external memory, as byte offsets from the base
// address that the host writes to BASE_LO and BASE_HI.
//
// Memory holds columns. A column is P elements of ElementBits, and zeros up to a power of
// two of them, little-endian, lane 0 lowest; its first bits are the value in two's complement, sign
// extended. Every region starts on a beat of the memory port.
//
//	labels    of designs that learn, B columns; lane 0 is the label of sample b, see LabelCode:
//	          the class itself where the output layer is a vector and P a power of two
//	input     columns (b, blk, y, x) of the samples
//	states    of designs whose initial states are given, first of even layers and then, from a
//	          whole beat on, of odd ones, layer after layer: columns (b, blk, y, x)
//	targets   of designs with heads that are taught, head after head: columns (b, blk, y, x)
//	          of what the teacher gives
//	means     of designs with centred heads, head after head: columns (blk, y, x) of what
//	          is subtracted from the averages of the states, 0 for heads that are not centred
//	weights   layer after layer, slab after slab: the bias column if any, then for each
//	          tile t = blk*Taps + ky*KW + kx the columns c, lane r being
//	          W[slab*Rows+r, blk*Columns+c, ky, kx], or, if the array is wide, the
//	          rows r, lane c being the same; zeros for channels that do not exist; then,
//	          from a whole beat on, what updates keep of each, see KeptFields
//	results   columns (b, blk, y, x) of the output states of the free phase; of an inference
//	          build with a readout of its logits
type MemoryMap struct {
	ColumnBytes int // a power of two
	BeatBytes   int
	Labels      Region // empty where nothing learns
	Input       Region
	States      [2]Region // of even layers and of odd ones; empty unless they are given
	Targets     Region    // empty without heads that are taught
	Means       Region    // empty without centred heads
	Weights     Region
	Results     Region
	Size        int // bytes of the whole map
}

// NamedRegion is a region with its name in upper case.
type NamedRegion struct {
	Name string
	Region
}

// Regions lists all regions in the order of memory, empty ones too.
func (m *MemoryMap) Regions() []NamedRegion {
	return []NamedRegion{{"LABELS", m.Labels}, {"INPUT", m.Input}, {"STATES_EVEN", m.States[0]}, {"STATES_ODD", m.States[1]},
		{"TARGETS", m.Targets}, {"MEANS", m.Means}, {"WEIGHTS", m.Weights}, {"RESULTS", m.Results}}
}

// labels is the number of labels that the core takes: those of the samples, or none where
// nothing learns.
func (p *Plan) labels() int { return p.Cfg.Batch * b2i(p.learns()) }

// Updated returns the part of Weights that an update writes: the layers that learn, and heads;
// nothing where nothing learns.
func (p *Plan) Updated() Region {
	list := p.Visits.Update
	if !p.learns() {
		return Region{}
	}
	first, last := p.at(list[0].Layer), p.at(list[len(list)-1].Layer)
	return Region{first.Offset, last.Offset + last.Slabs*last.SlabBytes - first.Offset}
}

// Region is a range of bytes of the memory map.
type Region struct{ Offset, Bytes int }

func (p *Plan) placeMemory() {
	cfg := p.Cfg
	f := cfg.Formats
	need := max(p.targetBits(), p.WeightBits, f.Input.Width(), p.LaneBits)
	if p.labels() > 0 {
		need = max(need, p.labelBits())
	}
	if p.someBiases() {
		need = max(need, p.BiasBits)
	}
	for p.ElementBits = 8; p.ElementBits < need; {
		p.ElementBits *= 2
	}
	m := &p.Map
	m.ColumnBytes = p.columnLanes() * p.ElementBits / 8
	m.BeatBytes = cfg.Memory.DataWidth / 8
	next := 0
	region := func(columns int) Region {
		r := Region{next, m.beats(columns) * m.BeatBytes}
		next += r.Bytes
		return r
	}
	if p.labels() > 0 {
		m.Labels = region(p.labels())
	}
	m.Input = region(p.inputWords())
	for bank, words := range p.GivenWords {
		if words > 0 {
			m.States[bank] = region(words)
		}
	}
	if p.TargetWords > 0 {
		m.Targets = region(p.TargetWords)
	}
	if p.Centered {
		m.Means = region(p.MeanWords)
	}
	m.Weights.Offset = next
	for _, l := range p.slabs() {
		l.SlabColumns = l.BiasColumns() + l.Tiles*p.Lines
		l.SlabBeats = m.beats(l.SlabColumns)
		l.KeptColumns = p.keptColumns(l)
		l.KeptBeats = m.beats(l.KeptColumns)
		l.SlabBytes = (l.SlabBeats + l.KeptBeats) * m.BeatBytes
		l.Offset = next
		next += l.Slabs * l.SlabBytes
	}
	m.Weights.Bytes = next - m.Weights.Offset
	m.Results = region(cfg.Batch * p.Last().Out.SampleWords)
	m.Size = next
}

// beats returns the beats that hold a number of columns.
func (m *MemoryMap) beats(columns int) int {
	return (columns*m.ColumnBytes + m.BeatBytes - 1) / m.BeatBytes
}

// PackMemory returns the initial image of external memory: labels, samples and
// weights in place, zeros elsewhere.
func (p *Plan) PackMemory(w *ep.Params, s *ep.Samples) []byte {
	img := make([]byte, p.Map.Size)
	p.PackSamples(img, s)
	p.PackWeights(img, w)
	return img
}

// PackSamples writes labels, samples and what they bring with them into an image of memory.
func (p *Plan) PackSamples(img []byte, s *ep.Samples) {
	for b := range p.labels() {
		p.put(img, p.Map.Labels.Offset, b, 0, int64(p.LabelCode(s.Y[b])))
	}
	p.packMap(img, p.Map.Input.Offset, p.Input, s.X)
	for i, states := range s.States {
		l := &p.Layers[i]
		p.packMap(img, p.Map.States[Bank(l.N)].Offset+l.Out.StateBase*p.Map.ColumnBytes, l.Out, states)
	}
	for i := range p.Heads {
		if h := &p.Heads[i]; h.taught() {
			p.packMap(img, p.Map.Targets.Offset+h.TargetBase*p.Map.ColumnBytes, h.Out, s.Teacher[i])
		}
	}
}

// LabelCode is the label of class y, which counts the neurons of the output
// layer in the order [C,H,W], as hardware knows it: the lane and the word of
// that neuron, word*2^l + lane, l bits for a lane. Where the output is a vector and P a
// power of two, it is y itself.
func (p *Plan) LabelCode(y int) int {
	m := p.labelMap()
	c, pix := y/m.HW, y%m.HW
	return (c/p.P*m.HW+pix)<<p.laneBits() + c%p.P
}

// labelBits is the width of a label code.
func (p *Plan) labelBits() int {
	return addrBits(p.labelMap().SampleWords << p.laneBits())
}

// PackWeights writes the weights and biases into an image of memory.
func (p *Plan) PackWeights(img []byte, w *ep.Params) {
	if p.Centered {
		p.packMeans(img, w)
	}
	for i, l := range p.slabs() {
		var weights, biases []int32
		var kept [2]ep.Kept
		if i < len(w.Layers) {
			q := &w.Layers[i]
			weights, biases, kept = q.W, q.B, [2]ep.Kept{q.KeptW, q.KeptB}
		} else {
			h := &w.Heads[i-len(w.Layers)]
			weights, biases, kept = h.W, h.B, [2]ep.Kept{h.KeptW, h.KeptB}
		}
		p.eachWeight(l, func(column, lane, weight, bias int) {
			if bias >= 0 {
				p.put(img, l.Offset, column, lane, int64(biases[bias]))
				p.packKept(img, l, column, lane, &kept[1], bias)
			} else {
				p.put(img, l.Offset, column, lane, int64(weights[weight]))
				p.packKept(img, l, column, lane, &kept[0], weight)
			}
		})
	}
}

// PackResults writes the output states of the free phase, [B,C,H,W], or the logits, [B,K], into
// an image of memory.
func (p *Plan) PackResults(img []byte, states []int32) {
	p.packMap(img, p.Map.Results.Offset, p.Last().Out, states)
}

// eachWeight calls f for every bias (bias >= 0) and weight (bias < 0) of a
// layer with its column, counted from the layer's first, and lane. A slab's
// padding to whole beats counts as columns.
func (p *Plan) eachWeight(l *LayerPlan, f func(column, lane, weight, bias int)) {
	stride := l.SlabBytes / p.Map.ColumnBytes
	for co := range l.Out.Shape.C {
		slab, r := co/p.Rows*stride, co%p.Rows
		if !l.NoBias {
			f(slab, r, -1, co)
		}
		for ci := range l.In.Shape.C {
			blk, c := ci/p.Columns, ci%p.Columns
			line, lane := c, r
			if !p.tall() {
				line, lane = r, c
			}
			for tap := range l.Taps {
				f(slab+l.BiasColumns()+(blk*l.Taps+tap)*p.Lines+line, lane, (co*l.In.Shape.C+ci)*l.Taps+tap, -1)
			}
		}
	}
}

// packMeans writes the running means of the heads.
func (p *Plan) packMeans(img []byte, w *ep.Params) {
	for i := range p.Heads {
		h := &p.Heads[i]
		for c := range h.In.Shape.C {
			for pix := range h.In.HW {
				p.put(img, p.Map.Means.Offset, h.MeanBase+c/p.P*h.In.HW+pix, c%p.P, int64(w.Heads[i].Mean[c*h.In.HW+pix]))
			}
		}
	}
}

func (p *Plan) packMap(img []byte, offset int, m BlockMap, v []int32) {
	for b := range p.Cfg.Batch {
		for c := range m.Shape.C {
			for pix := range m.HW {
				word := b*m.SampleWords + c/p.P*m.HW + pix
				p.put(img, offset, word, c%p.P, int64(v[(b*m.Shape.C+c)*m.HW+pix]))
			}
		}
	}
}

// put stores one element, little-endian.
func (p *Plan) put(img []byte, offset, column, lane int, v int64) {
	at := offset + column*p.Map.ColumnBytes + lane*p.ElementBits/8
	for i := range p.ElementBits / 8 {
		img[at+i] = byte(v >> (8 * i))
	}
}
