package gen

import (
	"fmt"

	"epgen/ep"
	"epgen/fixedpoint"
)

// Plan holds every size, width and address of an accelerator, derived once
// from the configuration. The Verilog, the cycle model, the memory images, the
// harness and the reports all read them here.
//
// States, accumulators and pool indices are stored in words of P lanes: word
// (b, blk, y, x) holds channels blk*P .. blk*P+P-1 of one pixel of sample b.
// Within a layer the order is sample, block, row, column.
type Plan struct {
	Cfg     *ep.Config
	Arith   *ep.Arith
	Program *ep.Program
	Visits  schedule

	Rows, Columns int // of the array: output and input channels of a tile
	P             int // lanes of a word, the larger of the two
	Lines         int // of P lanes in a tile, the smaller of the two

	WeightBits   int // of the widest weights and biases
	BiasBits     int
	ElementBits  int // container of one weight, bias, input, label or result in external memory
	LaneBits     int // one state or input on chip, signed
	OperandBits  int // signed left operand of a multiplier: weight, or z of the contrast if any
	SumBits      int // signed sum of products of one output neuron
	AccBits      int // signed accumulator of a neuron: up + bias + down, aligned
	ContrastBits int // signed contrast accumulator of one weight; 0 where nothing learns

	Input  BlockMap    // the static input, "layer 0"
	Layers []LayerPlan // layer n is Layers[n-1]
	Heads  []LayerPlan // the maps of the heads, as further layers

	RegionWords [2]int // words of one copy of the states in bank 0 (even layers) and 1 (odd)
	GivenWords  [2]int // words of the initial states that are read, at the begin of the free copy of each bank
	StateWords  [2]int // words of each bank: input (bank 0), then a copy for each relaxation
	AccWords    int
	LogitWords  int  // accumulators of the logits of a head, part of AccWords
	BackWords   int  // nudges of a head
	MeanWords   int  // running means that are subtracted from averages, of all heads
	TargetWords int  // targets of all heads that are taught
	Centered    bool // some head subtracts one
	IndexWords  int  // words of one copy of the pool indices
	IndexCopies int  // 1 frozen; live one for each point of the contrast (those of s+ and s-)
	SlabWords   int  // tiles of the largest slab; the buffer holds two slabs

	Map MemoryMap

	continues bool // the plan is that of a start that reads no initial states, see Continued
}

// Continued returns the plan of a start that goes on from the free equilibrium of the one before,
// and reads no initial states.
func (p *Plan) Continued() *Plan {
	z := *p
	z.continues = true
	return &z
}

// ReadsStates reports that a start reads initial states.
func (p *Plan) ReadsStates() bool { return p.given() && !p.continues }

// BlockMap is a map of neurons cut into blocks of P channels.
type BlockMap struct {
	Shape       ep.Shape
	Blocks      int // ceil(C/P)
	HW          int // words of one block, H*W
	SampleWords int // Blocks*HW
	StateBase   int // first word in its bank (input) or in each copy of its bank (layers)
}

// LayerPlan is the plan of one state layer.
type LayerPlan struct {
	*ep.Layer
	Arith *ep.LayerArith
	N     int // 1-based
	In    BlockMap
	Out   BlockMap

	Taps      int // KH*KW
	Slabs     int // ceil(Cout/Rows)
	InBlocks  int // ceil(Cin/Columns)
	Tiles     int // tiles of one slab, InBlocks*Taps
	AccBase   int // first accumulator word
	IndexBase int // first index word; pooled layers only

	Head       *ep.Head      // nil for a layer
	HeadArith  *ep.HeadArith // likewise
	TargetBase int           // of a head that is taught: first word of its targets
	MeanBase   int           // of a head: first word of its means

	SlabColumns int // columns of one slab in memory: bias column if any, then Lines per tile
	SlabBeats   int // beats of one slab, the last one padded with zeros
	KeptColumns int // columns of words that updates keep, behind those of the slab; 0 of a layer that does not learn
	KeptBeats   int // beats of them, padded likewise
	SlabBytes   int // of all that
	Offset      int // byte offset of slab 0 from the base of the memory map
}

// Bank returns the state bank of layer n: odd layers and even ones are kept
// apart so that a layer and the one below can be read in the same cycle.
func Bank(n int) int { return n & 1 }

// CopyFree is the copy of the states in which the free phase works, and from which
// the nudged ones begin. The relaxation of number k has copy k.
const CopyFree = int(ep.PhaseFree)

// Copies returns the number of copies of the states.
func (p *Plan) Copies() int { return len(p.Program.Relaxations) }

// StateAddr returns the word of layer n >= 1, given its copy.
func (p *Plan) StateAddr(n, copy, b, blk, pix int) int {
	m := p.Layers[n-1].Out
	return p.CopyBase(Bank(n), copy) + m.StateBase + b*m.SampleWords + blk*m.HW + pix
}

// CopyBase returns the first word of a copy of the states in a bank.
func (p *Plan) CopyBase(bank, copy int) int {
	if p.RegionWords[bank] == 0 { // no layer is there
		return 0
	}
	base := copy * p.RegionWords[bank]
	if bank == 0 {
		base += p.inputWords()
	}
	return base
}

// IndexCopy returns the copy in which a relaxation stores the pool indices of layer n.
// Asynchronous nudged phases begin with the live indices of s*, which therefore
// stay in copy 0, and store theirs in copy 1.
func (p *Plan) IndexCopy(phase, n int) int {
	if p.movingIndex() && p.Cfg.Sweep == ep.Asynchronous && phase != CopyFree && n > 1 {
		return 1
	}
	return 0
}

func (p *Plan) inputWords() int { return p.Cfg.Batch * p.Input.SampleWords }

// NewPlan derives the plan of a configuration.
func NewPlan(cfg *ep.Config) (*Plan, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := checkHeads(cfg); err != nil {
		return nil, err
	}
	ar, err := ep.Derive(cfg)
	if err != nil {
		return nil, err
	}
	p := &Plan{Cfg: cfg, Arith: ar, Program: cfg.Program()}
	p.Rows, p.Columns = cfg.Array.Shape()
	p.P, p.Lines = max(p.Rows, p.Columns), min(p.Rows, p.Columns)
	if cfg.Formats.UpdateRounding == fixedpoint.Stochastic && !p.tall() {
		return nil, &ep.SettingError{Key: "array.rows", Reason: fmt.Sprintf("%dx%d, want at least as many rows as columns for stochastic updates", p.Rows, p.Columns)}
	}
	p.placeStates()
	p.Visits = newSchedule(p)
	p.deriveWidths()
	p.placeAccumulators()
	p.placeIndices()
	p.placeMemory()
	if err := p.checkKept(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Plan) blockMap(s ep.Shape) BlockMap {
	n := ceilDiv(s.C, p.P)
	return BlockMap{Shape: s, Blocks: n, HW: s.H * s.W, SampleWords: n * s.H * s.W}
}

// deriveWidths takes every width from the proved intervals of ep.Arith.
func (p *Plan) deriveWidths() {
	f := p.Cfg.Formats
	p.WeightBits, p.BiasBits = p.Cfg.WeightBits(), p.Cfg.BiasBits()
	p.LaneBits = max(signedWidth(f.Input.Signed, f.Input.Width()), p.Cfg.StateBits()+1)
	if p.signedLast() {
		p.LaneBits = max(p.LaneBits, p.Last().Arith.State.Width())
	}
	for _, l := range p.slabs() {
		la := l.Arith
		if l.Head != nil {
			p.LaneBits = max(p.LaneBits, l.HeadArith.Features.SignedWidth(), l.HeadArith.Signal.SignedWidth())
		}
		p.SumBits = max(p.SumBits, la.Up.SignedWidth(), la.Down.SignedWidth())
		p.AccBits = max(p.AccBits, la.Acc.SignedWidth(), la.Drive.SignedWidth())
		if x := la.Difference; x != nil {
			p.LaneBits = max(p.LaneBits, x.Range.SignedWidth())
			p.SumBits = max(p.SumBits, x.Up.SignedWidth(), x.Down.SignedWidth())
			p.AccBits = max(p.AccBits, x.Acc.SignedWidth())
		}
		if !p.learns() {
			continue
		}
		p.ContrastBits = max(p.ContrastBits, la.Contrast.SignedWidth())
		if !l.NoBias {
			p.ContrastBits = max(p.ContrastBits, la.BiasContrast.SignedWidth())
		}
	}
	// The states of a single layer that only infers meet no weight: they may be wider than its sums.
	p.SumBits = max(p.SumBits, min(p.LaneBits, p.AccBits))
	if p.OperandBits = p.WeightBits; p.learns() {
		p.OperandBits = max(p.Arith.OperandMin, p.LaneBits, p.WeightBits)
	}
}

func signedWidth(signed bool, width int) int {
	if signed {
		return width
	}
	return width + 1
}

// placeStates gives each layer its place in the copies of its bank.
func (p *Plan) placeStates() {
	net := &p.Cfg.Network
	p.Input = p.blockMap(net.Input)
	for i := range net.Layers {
		p.placeLayer(&net.Layers[i], &p.Arith.Layers[i])
	}
	if p.given() {
		p.GivenWords = p.RegionWords
	}
	p.placeReadout()
	p.placeHeads()
	for bank := range p.StateWords {
		p.StateWords[bank] = p.Copies() * p.RegionWords[bank]
		if bank == 0 {
			p.StateWords[bank] += p.inputWords()
		}
		p.StateWords[bank] = max(1, p.StateWords[bank])
	}
}

// placeLayer appends a layer above those that are there.
func (p *Plan) placeLayer(l *ep.Layer, arith *ep.LayerArith) {
	n, below, out := len(p.Layers)+1, p.Input, p.blockMap(l.Out)
	if n > 1 {
		below = p.Last().Out
	}
	bank := Bank(n)
	out.StateBase = p.RegionWords[bank]
	p.RegionWords[bank] += p.Cfg.Batch * out.SampleWords
	plan := LayerPlan{
		Layer: l, Arith: arith, N: n, In: below, Out: out,
		Taps: l.KH * l.KW, Slabs: ceilDiv(l.Out.C, p.Rows), InBlocks: ceilDiv(l.In.C, p.Columns),
	}
	plan.Tiles = plan.InBlocks * plan.Taps
	p.SlabWords = max(p.SlabWords, plan.Tiles)
	p.Layers = append(p.Layers, plan)
}

// placeAccumulators shares accumulator words between layers that are never
// alive together: UP(n) writes those of layer n while DOWN(n) completes those
// of layer n-1, so layers of equal parity share one place. The drive of
// layer 1, computed once per sample, keeps a place of its own.
func (p *Plan) placeAccumulators() {
	drive := p.Cfg.Batch * p.Layers[0].Out.SampleWords
	var size [2]int
	for i := range p.Layers {
		size[Bank(i+1)] = max(size[Bank(i+1)], p.Cfg.Batch*p.Layers[i].Out.SampleWords)
	}
	if p.relaxing() == 1 { // activated straight from the drive
		p.Layers[0].AccBase, p.AccWords = DriveBase, drive
		if p.reads() {
			p.Last().AccBase = p.AccWords
			p.AccWords += size[0]
		}
	} else {
		base := [2]int{drive + size[1], drive}
		for i := range p.Layers {
			p.Layers[i].AccBase = base[Bank(i+1)]
		}
		p.AccWords = drive + size[0] + size[1]
	}
	for i := range p.Heads {
		p.Heads[i].AccBase = p.AccWords
	}
	p.AccWords += p.LogitWords
}

// DriveBase is the first word of the drive of layer 1.
const DriveBase = 0

func (p *Plan) placeIndices() {
	for i := range p.Layers {
		l := &p.Layers[i]
		if l.HasIndex() {
			l.IndexBase = p.IndexWords
			p.IndexWords += p.Cfg.Batch * l.Out.SampleWords
		}
	}
	p.IndexCopies = 1
	if p.movingIndex() {
		p.IndexCopies = len(p.Program.Points)
	}
}
