package unit

// memoryBenches are those of the memories of a design.
func memoryBenches(d design) []*Bench {
	return []*Bench{
		memoryBench(d, "ep_state_even", d.StateWords[0], d.P, d.LaneBits),
		memoryBench(d, "ep_state_odd", d.StateWords[1], d.P, d.LaneBits),
		memoryBench(d, "ep_index_memory", max(min(2, d.IndexParts()), d.IndexWords*d.IndexCopies)*d.IndexParts(), d.IndexLanes(), 2),
		slabBench(d),
	}
}

// memoryBench checks a memory of one write and one read port: every word is
// written and read, then both ports work at random, often on the same word. A
// read sees what was written in earlier cycles.
func memoryBench(d design, block string, depth, lanes, laneBits int) *Bench {
	return d.bench(block, func(v *Vectors) {
		s := newSource(7)
		words := make([][]int64, depth)
		write := func(addr int) {
			word := make([]int64, lanes)
			for i := range word {
				word[i] = int64(s.Uint64() >> 1)
				v.SetLane("wdata_i", i, laneBits, word[i])
			}
			v.Set("we_i", 1)
			v.Set("waddr_i", int64(addr))
			words[addr] = word
		}
		cycle := func(read, addr int) {
			old := []int64(nil)
			if addr >= 0 {
				old = words[addr]
				write(addr)
			} else {
				s.fill(v, "wdata_i", "waddr_i")
				v.Set("we_i", 0)
			}
			if s.fill(v, "raddr_i"); read >= 0 {
				v.Set("raddr_i", int64(read))
				want := words[read]
				if read == addr {
					want = old
				}
				for i := range want {
					v.WantLaneAfter(1, "rdata_o", i, laneBits, want[i])
				}
			}
			v.Tick()
		}
		for a := range depth {
			cycle(-1, a)
		}
		for a := range depth {
			cycle(a, -1)
		}
		for range 400 {
			addr, read := s.IntN(depth), s.IntN(depth)
			if s.chance(3) {
				read = addr
			}
			if s.chance(4) {
				addr = -1
			}
			if s.chance(4) {
				read = -1
			}
			cycle(read, addr)
		}
	}, map[string]int{"rdata_o": laneBits})
}

// slabBench checks ep_slab_buffer: columns in, tiles out.
func slabBench(d design) *Bench {
	ww := d.WeightBits
	return d.bench("ep_slab_buffer", func(v *Vectors) {
		s := newSource(8)
		depth := d.SlabDepth()
		tiles := make([][]int64, depth) // weights by column and row; columns never written are unknown
		known := make([]int, depth)     // bits of the columns that were
		cycle := func(read, addr, columns int) {
			v.Set("re_i", 0)
			if s.fill(v, "raddr_i"); read >= 0 {
				v.Set("re_i", 1)
				v.Set("raddr_i", int64(read))
				for c := range d.Lines {
					for r := range d.P {
						if known[read]>>c&1 == 1 {
							v.WantLaneAfter(1, "tile_o", c*d.P+r, ww, tiles[read][c*d.P+r])
						}
					}
				}
			}
			v.Set("we_i", int64(columns))
			s.fill(v, "wdata_i")
			v.Set("waddr_i", int64(addr))
			if tiles[addr] == nil {
				tiles[addr] = make([]int64, d.P*d.Lines)
			}
			for r := range d.P {
				w := s.signed(ww)
				v.SetLane("wdata_i", r, ww, w)
				for c := range d.Lines {
					if columns>>c&1 == 1 {
						tiles[addr][c*d.P+r] = w
					}
				}
			}
			known[addr] |= columns
			v.Tick()
		}
		for a := range depth {
			for c := range d.Lines {
				cycle(a, a, 1<<c)
			}
		}
		for a := range depth {
			cycle(a, s.IntN(depth), 0)
		}
		for range 400 {
			addr, read := s.IntN(depth), s.IntN(depth)
			if s.chance(3) {
				read = addr
			}
			if s.chance(4) {
				read = -1
			}
			cycle(read, addr, s.IntN(1<<d.Lines))
		}
	}, map[string]int{"tile_o": ww})
}
