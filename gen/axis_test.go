package gen

import "testing"

// pair is a position of the map below and of the convolution that a tap joins.
type pair struct{ i, o, k int }

// brute lists all pairs of one axis by trying every position and tap.
func brute(a axis) map[pair]bool {
	all := map[pair]bool{}
	for o := range a.used {
		for k := range a.kernel {
			if i := o*a.stride - a.pad + k; i >= 0 && i < a.in {
				all[pair{i, o, k}] = true
			}
		}
	}
	return all
}

// walk lists the pairs that the spans of a kind visit, as the walker steps:
// taps ascend with the input in up, descend with the output in down.
func walk(a axis, k Kind) map[pair]int {
	seen := map[pair]int{}
	conv := func(s span) int { // first convolution position of a span
		o := s.O / a.so
		if a.pooled {
			return 2*o + b2i(s.Odd)
		}
		return o
	}
	for at, s := range a.spans(k) {
		if s.Void {
			continue
		}
		for n := range s.N {
			switch k {
			case Up:
				seen[pair{s.I/a.si + n, at, s.K/a.sk + n}]++
			case Down:
				seen[pair{at, conv(s) + n, s.K/a.sk - n*a.stride}]++
			case Update:
				seen[pair{s.I/a.si + n*a.stride, conv(s) + n, at}]++
			}
		}
	}
	return seen
}

// TestSpans checks that every kind of pass visits each pair of positions that
// a tap joins exactly once, and no other.
func TestSpans(t *testing.T) {
	for in := 1; in <= 9; in++ {
		for kernel := 1; kernel <= 5; kernel += 2 {
			for pad := range kernel {
				for variant := range 4 {
					pooled, stride := variant%2 == 1, 1+variant/2
					conv := (in+2*pad-kernel)/stride + 1
					if in+2*pad < kernel || pooled && conv < 2 {
						continue
					}
					a := axis{in, conv, conv, kernel, pad, stride, pooled, 3, 5, 7, 0, 0, 0}
					if pooled {
						a.used, a.out = conv/2*2, conv/2
					}
					want := brute(a)
					for _, k := range []Kind{Up, Down, Update} {
						got := walk(a, k)
						for p, n := range got {
							if n != 1 || !want[p] {
								t.Fatalf("%+v %v: visits %+v %d times, want %v", a, k, p, n, want[p])
							}
						}
						if len(got) != len(want) {
							t.Fatalf("%+v %v: visits %d pairs, want %d", a, k, len(got), len(want))
						}
					}
				}
			}
		}
	}
}

// TestVoidSpans checks that an item without a tap is still visited, so that its
// accumulator is written.
func TestVoidSpans(t *testing.T) {
	a := axis{in: 5, used: 2, out: 1, kernel: 3, stride: 1, pooled: true, si: 1, so: 1, sk: 1}
	s := a.down()
	if len(s) != 5 || !s[4].Void || s[4].N != 1 || s[4].I != 4 {
		t.Errorf("down of the last of 5 inputs = %+v, want a void step at input 4", s[4])
	}
	taps := 0
	for _, x := range s[:4] {
		taps += x.N
	}
	if taps != 6 {
		t.Errorf("the first four inputs have %d taps, want 6", taps)
	}
}
