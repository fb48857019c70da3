package gen

import "epgen/hdl"

// labels builds the memory of the labels and the one-hot target of a word of
// output states, in stage 2. A label is {word, lane}; the word is counted from
// the first sample.
func (p *datapath) labels() *hdl.Signal {
	d := p.d
	words := d.labelMap().SampleWords
	lg := d.laneBits()
	addr := hdl.U(d.fields.addr)
	p.Group("Labels")
	we := p.Input("label_we_i", hdl.U(1))
	at := p.Input("label_addr_i", hdl.U(d.fields.sample))
	data := p.Input("label_data_i", hdl.U(d.labelBits()), "{word, lane} of the neuron in its sample")
	offset := p.Reg("label_offset_q", addr, "first word of the next sample")
	firstSample := p.WireIs("first_label", hdl.EqConst(at, 0))
	base := p.WireIs("label_base", hdl.Mux(firstSample, zeroOf(offset), offset))
	word := hdl.Value(base)
	if w := d.labelBits() - lg; w > 0 {
		word = hdl.AddMod(base, hdl.Ext(hdl.Slice(data, d.labelBits()-1, lg), d.fields.addr))
	}
	labels := p.Memory("label_mem", hdl.U(d.fields.addr+lg), d.Cfg.Batch)
	label := p.Reg("label_q1", labels.Word())
	p.label = label
	var at1 *hdl.Signal
	if d.nudgesOutput() {
		at1 = p.Reg("label_word_q1", addr, "word of the operation, stage 1")
	}
	entry := word
	if lg > 0 {
		entry = hdl.Cat(word, hdl.Slice(data, lg-1, 0))
	}
	p.Always(func(b *hdl.Block) {
		b.If(we, func(b *hdl.Block) {
			b.Set(offset, hdl.AddMod(base, hdl.Const(addr, int64(words))))
		})
	})
	p.Always(func(b *hdl.Block) {
		b.If(we, func(b *hdl.Block) { b.Set(labels.At(at), entry) })
		read, sample := hdl.All(p.op["valid"], p.mode["act"]), p.op["sample"]
		if d.labelledHeads() {
			read, sample = hdl.Any(read, p.headRead), hdl.Mux(p.headRead, p.headSample, sample)
		}
		b.If(read, func(b *hdl.Block) {
			b.Set(label, labels.At(sample))
			if at1 != nil {
				b.Set(at1, p.op["o"])
			}
		})
	})
	if !d.nudgesOutput() {
		return nil
	}
	target := p.Reg("target_q2", hdl.U(d.P), "one-hot lane of the label, stage 2")
	hit := p.WireIs("label_hit", hdl.Eq(hdl.Slice(label, d.fields.addr+lg-1, lg), at1))
	p.Always(func(b *hdl.Block) {
		one := hdl.Value(hdl.Const(target.Type(), 1))
		if lg > 0 {
			one = hdl.ShlDyn(one, hdl.Slice(label, lg-1, 0))
		}
		b.Set(target, hdl.Mux(hit, one, zeroOf(target)))
	})
	return target
}
