package sim

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"os"

	"epgen/gen"
)

// A golden file is, all little-endian,
//
//	0   8 bytes  "EPGOLDEN"
//	8   u32      version, 1
//	12  u16      kind: 1 memory before, 2 memory after, 3 trace
//	14  u16      number of the start, from 0
//	16  u64      fingerprint of the design
//	24  u64      bytes of the payload
//	32           payload
//	    u32      CRC-32 (IEEE) of everything before
//
// so that a file that was cut short, damaged or taken from another design is
// recognised as such.
const (
	goldenMagic   = "EPGOLDEN"
	goldenVersion = 1
	goldenHeader  = 32
)

type goldenKind uint32

const (
	kindBefore goldenKind = 1 + iota
	kindAfter
	kindTrace
)

func appendHeader(dst []byte, kind goldenKind, start int, fingerprint uint64, payload int) []byte {
	le := binary.LittleEndian
	dst = append(dst, goldenMagic...)
	dst = le.AppendUint32(dst, goldenVersion)
	dst = le.AppendUint16(dst, uint16(kind))
	dst = le.AppendUint16(dst, uint16(start))
	dst = le.AppendUint64(dst, fingerprint)
	return le.AppendUint64(dst, uint64(payload))
}

// writeGolden writes a whole golden file.
func writeGolden(path string, kind goldenKind, start int, fingerprint uint64, payload []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	sum := crc32.NewIEEE()
	w := io.MultiWriter(f, sum)
	_, err = w.Write(appendHeader(nil, kind, start, fingerprint, len(payload)))
	if err == nil {
		_, err = w.Write(payload)
	}
	if err == nil {
		_, err = f.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// readGolden returns the payload of a golden file. The harness has its own
// reader; this one serves the tests and tools.
func readGolden(path string, kind goldenKind, start int, fingerprint uint64) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if len(text) < goldenHeader+4 || string(text[:8]) != goldenMagic {
		return nil, fmt.Errorf("%s: not a golden file of epgen", path)
	}
	if got, want := len(text), goldenHeader+int(le.Uint64(text[24:]))+4; got != want {
		return nil, fmt.Errorf("%s: %d bytes, want %d", path, got, want)
	}
	body, tail := text[:len(text)-4], text[len(text)-4:]
	if got, want := crc32.ChecksumIEEE(body), le.Uint32(tail); got != want {
		return nil, fmt.Errorf("%s: checksum %#08x, want %#08x", path, got, want)
	}
	if got := goldenKind(le.Uint16(text[12:])); got != kind {
		return nil, fmt.Errorf("%s: kind %d, want %d", path, got, kind)
	}
	if got := int(le.Uint16(text[14:])); got != start {
		return nil, fmt.Errorf("%s: start %d, want %d", path, got, start)
	}
	if got := le.Uint64(text[16:]); got != fingerprint {
		return nil, fmt.Errorf("%s: made for design %#x, want %#x", path, got, fingerprint)
	}
	return body[goldenHeader:], nil
}

// Fingerprint identifies a design by its memory map and its schedule, so that
// golden data is never compared with another design.
func Fingerprint(p *gen.Plan) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %d %+v\n", p.P, p.LaneBits, p.ElementBits, p.Map)
	for _, sets := range Schedule(p) {
		fmt.Fprintf(h, "%+v\n", sets)
	}
	for _, l := range p.Slabs() {
		fmt.Fprintf(h, "%v %d %d %d\n", l.Out, l.Taps, l.Offset, l.SlabBytes)
	}
	return h.Sum64()
}
