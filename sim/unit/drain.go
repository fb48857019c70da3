package unit

// drainBench checks ep_drain: at most two tiles open, columns in order whenever
// the store is ready, a tile taken as soon as the one before has left.
func drainBench(d design) *Bench {
	return d.bench("ep_drain", func(v *Vectors) {
		s := newSource(6)
		v.Set("open_i", 0)
		v.Set("start_i", 0)
		v.Set("abort_i", 0)
		v.Set("complete_i", 0)
		v.Reset()
		for slab := range 12 {
			bias := slab%3 == 0 && v.Has("bias_i")
			v.SetPresent("bias_i", b2i(bias))
			v.SetIf("start_i", true)
			v.Want("idle_o", 1)
			v.Set("ready_i", 1)
			v.Tick()
			v.Set("start_i", 0)
			tiles, columns := 1, 1
			if !bias {
				tiles, columns = min(9, 1<<v.Bits("tile_o")), d.Lines
			}
			playDrain(v, s, tiles, columns, d.Linger(), 1+slab%4, tiles)
			if slab%4 == 3 {
				v.Set("start_i", 1)
				v.Tick()
				v.Set("start_i", 0)
				playDrain(v, s, tiles, columns, d.Linger(), 3, s.IntN(tiles))
				abortDrain(v)
			}
		}
	}, nil)
}

// abortDrain forgets the tiles that are open.
func abortDrain(v *Vectors) {
	v.Set("abort_i", 1)
	v.Tick()
	v.Set("abort_i", 0)
	v.Set("ready_i", 1)
	for range 4 {
		v.Want("idle_o", 1)
		v.Want("tile_ok_o", 1)
		v.Want("take_o", 0)
		v.Want("column_o", 0)
		v.Tick()
	}
}

// playDrain lets a slab of tiles pass, up to the end of tile number end. busy
// says how seldom the store is ready, linger how long a column is on its way.
func playDrain(v *Vectors, s source, tiles, columns, linger, busy, end int) {
	opened, completed, taken, finished := 0, 0, 0, 0 // tiles so far
	column := 0                                      // of the tile being drained
	due := -1                                        // cycle in which the open tile may be complete
	busyUntil := -1                                  // the last column is on its way
	for finished < end || end < tiles && opened == finished {
		ready := s.chance(busy)
		v.SetIf("ready_i", ready)
		mayOpen := opened-finished < 2
		v.WantIf("tile_ok_o", mayOpen)
		v.WantIf("idle_o", opened == finished && v.Cycle() > busyUntil)

		complete := opened > completed && v.Cycle() >= due && s.chance(2)
		v.SetIf("complete_i", complete)
		open := mayOpen && opened < tiles && opened == completed && !complete && s.chance(2)
		v.SetIf("open_i", open)

		fire := taken > finished && ready
		v.WantIf("column_o", fire)
		last := fire && column == columns-1
		if fire {
			busyUntil = v.Cycle() + linger
			v.Want("col_o", int64(column))
			if v.Has("last_o") {
				v.WantIf("last_o", column == columns-1 && opened-finished == 1)
			}
		}
		if complete {
			completed++
		}
		take := completed > taken && (taken == finished || last)
		v.WantIf("take_o", take)
		if take {
			v.Want("tile_o", int64(taken))
		}
		switch {
		case last:
			finished, column = finished+1, 0
		case fire:
			column++
		}
		if take {
			taken++
		}
		if open {
			opened++
			due = v.Cycle() + 3 + s.IntN(6)
		}
		v.Tick()
	}
	v.Set("open_i", 0)
	v.Set("complete_i", 0)
	for range linger + 1 {
		v.WantIf("idle_o", opened == finished && v.Cycle() > busyUntil)
		if opened != finished {
			break
		}
		v.Tick()
	}
}
