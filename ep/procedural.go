package ep

// glyphs are the digits 0..9 in 5 columns and 7 rows, bit 4 leftmost.
var glyphs = [10][7]byte{
	{0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110},
	{0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110},
	{0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111},
	{0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110},
	{0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010},
	{0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110},
	{0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110},
	{0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000},
	{0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110},
	{0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100},
}

const (
	glyphRows = 7
	glyphCols = 5
)

// ProceduralSamples draws batch pictures for net, for use without a data set: a
// digit, the label modulo 10, in a bright colour of its own on a dark sloping
// background with noise, anywhere on the map. Pixels are bytes and are
// normalised as published data are: three channels like CIFAR-10, others p/255.
// Seed, shape and number of classes determine every value.
func ProceduralSamples(net *Network, batch int, seed uint64) *FloatSamples {
	// The weights use the stream of the seed itself.
	random := NewRandom(^seed)
	norm := normalisation{}
	if net.Input.C == 3 {
		norm = cifar10Norm
	}
	s := &FloatSamples{}
	for range batch {
		label := random.Intn(net.Classes())
		picture := &images{shape: net.Input, pixels: drawDigit(net.Input, label%10, random)}
		s.Y = append(s.Y, label)
		s.X = picture.appendInput(s.X, 0, net.Input, norm)
	}
	return s
}

// drawDigit returns the bytes [C, H, W] of a picture of a digit. The digit is
// scaled by the largest integer that leaves it on the map, with room to move;
// maps smaller than the glyph show its upper left part.
func drawDigit(shape Shape, digit int, random *Random) []byte {
	const ink, ground = 160, 24 // least brightness of the digit, most of the background's slope
	scale := max(1, min(shape.H*3/4/glyphRows, shape.W*3/4/glyphCols))
	top := random.Intn(max(1, shape.H-scale*glyphRows+1))
	left := random.Intn(max(1, shape.W-scale*glyphCols+1))
	pixels := make([]byte, 0, shape.Len())
	for range shape.C {
		colour := ink + random.Intn(256-ink)
		slope := random.Intn(ground)
		for y := range shape.H {
			for x := range shape.W {
				value := slope*(y+x)/(shape.H+shape.W) + random.Intn(16)
				row, col := (y-top)/scale, (x-left)/scale
				if y >= top && x >= left && row < glyphRows && col < glyphCols &&
					glyphs[digit][row]>>(glyphCols-1-col)&1 == 1 {
					value = colour - random.Intn(32)
				}
				pixels = append(pixels, byte(value))
			}
		}
	}
	return pixels
}
