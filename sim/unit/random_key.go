package unit

// randomKeyBench checks ep_random_key against the streams of package fixedpoint: the keys of
// every kind of tensor six cycles after its number, and the sign of the nudge, which is
// the highest bit of tensor 0, two cycles later.
func randomKeyBench(d design) *Bench {
	return d.bench("ep_random_key", func(v *Vectors) {
		s := newSource(23)
		tensors := int64(1) << v.Bits("tensor_i")
		for i := range 300 {
			number := uint32(i)
			if i > 100 {
				number = uint32(s.Uint64())
			}
			tensor := s.Int64N(tensors)
			if i%3 == 0 {
				tensor = 0
			}
			v.Set("update_number_i", int64(number))
			v.Set("tensor_i", tensor)
			stream := d.Arith.Random.Stream(number, uint32(tensor))
			if v.Has("key_o") {
				v.WantAfter(6, "key_o", int64(stream.Outer))
				v.WantAfter(6, "inner_o", int64(stream.Inner))
			}
			if v.Has("sign_o") && tensor == 0 {
				v.WantAfter(8, "sign_o", int64(stream.At(0, 0)>>31))
			}
			v.Idle(10)
		}
	}, nil)
}
