package gen

import (
	"math/bits"

	"epgen/hdl"
)

// What both AXI4 ports have in common: beats, the columns in them, and bursts of them.

// beatsPerColumn and columnsPerBeat: one of them is 1.
func (d *Design) beatsPerColumn() int { return max(1, d.Map.ColumnBytes/d.Map.BeatBytes) }
func (d *Design) columnsPerBeat() int { return max(1, d.Map.BeatBytes/d.Map.ColumnBytes) }

// burst is the longest burst in beats, the power of two at or below the
// configured limit: no burst crosses a multiple of it, and so none crosses a
// 4 KB boundary.
func (d *Design) burst() int {
	n := min(d.Cfg.Memory.BurstBeats, 4096/d.Map.BeatBytes)
	return 1 << (bits.Len(uint(n)) - 1)
}

// beatAddrBits is the width of an address in beats within the memory map.
func (d *Design) beatAddrBits() int { return bits.Len(uint(d.Map.Size / d.Map.BeatBytes)) }

// burstAttributes drives what all bursts of an address channel have in common:
// full beats, INCR, normal non-cacheable bufferable memory, unprivileged secure
// data (ARM IHI 0022, A3.4 and A4).
func (d *Design) burstAttributes(s *hdl.Scope, output func(string, hdl.Type, ...string) *hdl.Signal, channel string) {
	constant := func(name string, width int, v int64, doc string) {
		s.Assign(output(channel+name, hdl.U(width), doc), hdl.Const(hdl.U(width), v))
	}
	constant("size", 3, int64(bits.Len(uint(d.Map.BeatBytes))-1), itoa(d.Map.BeatBytes)+" bytes a beat")
	constant("burst", 2, 1, "INCR")
	constant("cache", 4, 3, "normal, non-cacheable, bufferable")
	constant("prot", 3, 0, "unprivileged, secure, data")
}

// byteAddress is the byte offset of a beat, 64 bits.
func (d *Design) byteAddress(beat hdl.Value) hdl.Value {
	return hdl.Ext(hdl.Shl(beat, bits.Len(uint(d.Map.BeatBytes))-1), 64)
}

// burstLength is the number of beats of the next burst: up to the next multiple
// of n, or what is left.
func burstLength(s *hdl.Scope, addr, left hdl.Value, n int) *hdl.Signal {
	w := widest(n)
	lg := bits.Len(uint(n)) - 1
	room := hdl.Value(hdl.Const(hdl.U(w), int64(n)))
	if lg > 0 {
		low := hdl.Ext(hdl.Slice(addr, min(lg, addr.Type().Width)-1, 0), w)
		room = hdl.SubMod(room, low)
	}
	roomW := s.WireIs("room", room, "beats to the next multiple of "+itoa(n))
	cw := max(w, left.Type().Width)
	return s.WireIs("burst", hdl.Mux(hdl.Lt(hdl.Ext(left, cw), hdl.Ext(roomW, cw)), fit(left, w), roomW))
}

// beatsMinusOne is the AxLEN of a burst.
func beatsMinusOne(burst hdl.Value) hdl.Value {
	return fit(hdl.SubMod(burst, hdl.Const(burst.Type(), 1)), 8)
}
