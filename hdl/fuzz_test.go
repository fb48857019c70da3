package hdl_test

import (
	"fmt"
	"math/big"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "epgen/hdl"
	"epgen/internal/tooltest"
)

// term is a random expression and what it means: eval computes it from the inputs, exactly.
type term struct {
	v    Value
	eval func(in []*big.Int) *big.Int
}

func wrapTo(t Type, v *big.Int) *big.Int {
	mod := new(big.Int).Lsh(big.NewInt(1), uint(t.Width))
	z := new(big.Int).Mod(v, mod)
	if t.Signed && z.Bit(t.Width-1) == 1 {
		z.Sub(z, mod)
	}
	return z
}

func bits(a term, in []*big.Int) *big.Int { return wrapTo(U(a.v.Type().Width), a.eval(in)) }

func boolean(b bool) *big.Int {
	if b {
		return big.NewInt(1)
	}
	return new(big.Int)
}

// fuzzer makes terms over the leaves.
type fuzzer struct {
	r      *rand.Rand
	leaves []term
}

func (f *fuzzer) leaf() term { return f.leaves[f.r.Intn(len(f.leaves))] }

// second makes the second operand of an operation whose first one is no constant.
func (f *fuzzer) second(depth int) term {
	if depth > 0 || f.r.Intn(3) > 0 {
		return f.term(depth)
	}
	t := Type{1 + f.r.Intn(9), f.r.Intn(2) == 0}
	v := wrapTo(t, big.NewInt(f.r.Int63n(1024)))
	return term{Const(t, v.Int64()), func([]*big.Int) *big.Int { return v }}
}

// of makes a term of exactly type t.
func (f *fuzzer) of(t Type, depth int) term { return f.shape(f.second(depth), t) }

// variable is of, but never a constant.
func (f *fuzzer) variable(t Type, depth int) term { return f.shape(f.term(depth), t) }

func (f *fuzzer) shape(a term, t Type) term {
	if a.v.Type().Width != t.Width {
		if a.v.Type().Width > t.Width {
			a = f.trunc(a, t.Width)
		} else {
			b := a
			a = term{Ext(b.v, t.Width), b.eval}
		}
	}
	return f.cast(a, t.Signed)
}

func (f *fuzzer) cast(a term, signed bool) term {
	t := Type{a.v.Type().Width, signed}
	eval := func(in []*big.Int) *big.Int { return wrapTo(t, a.eval(in)) }
	if signed {
		return term{AsS(a.v), eval}
	}
	return term{AsU(a.v), eval}
}

func (f *fuzzer) trunc(a term, w int) term {
	z := Trunc(a.v, w)
	return term{z, func(in []*big.Int) *big.Int { return wrapTo(z.Type(), a.eval(in)) }}
}

// term makes a random expression of at most 48 bits.
func (f *fuzzer) term(depth int) term {
	if depth <= 0 {
		return f.leaf()
	}
	a := f.term(depth - 1)
	ta := a.v.Type()
	if ta.Width > 24 {
		return f.trunc(a, 1+f.r.Intn(20))
	}
	kind := f.r.Intn(26)
	two := func(b term, v Value, g func(x, y *big.Int) *big.Int) term {
		t := v.Type()
		return term{v, func(in []*big.Int) *big.Int { return wrapTo(t, g(a.eval(in), b.eval(in))) }}
	}
	one := func(v Value, g func(x *big.Int) *big.Int) term {
		t := v.Type()
		return term{v, func(in []*big.Int) *big.Int { return wrapTo(t, g(a.eval(in))) }}
	}
	add := func(x, y *big.Int) *big.Int { return new(big.Int).Add(x, y) }
	sub := func(x, y *big.Int) *big.Int { return new(big.Int).Sub(x, y) }
	mul := func(x, y *big.Int) *big.Int { return new(big.Int).Mul(x, y) }
	other := func() term { return f.cast(f.second(f.r.Intn(depth)), ta.Signed) }
	same := func() term { return f.of(ta, f.r.Intn(depth)) }
	switch kind {
	case 0, 1:
		b := other()
		return two(b, Add(a.v, b.v), add)
	case 2:
		a = f.cast(a, true)
		b := f.cast(f.second(f.r.Intn(depth)), true)
		return two(b, Sub(a.v, b.v), sub)
	case 3, 4:
		b := other()
		return two(b, Mul(a.v, b.v), mul)
	case 5:
		a = f.cast(a, true)
		return one(Neg(a.v), func(x *big.Int) *big.Int { return new(big.Int).Neg(x) })
	case 6:
		b := same()
		return two(b, AddMod(a.v, b.v), add)
	case 7:
		b := same()
		return two(b, SubMod(a.v, b.v), sub)
	case 8, 9:
		b := same()
		if b.v == a.v {
			return a // lint folds a comparison of a signal with itself
		}
		k := f.r.Intn(6)
		v := []func(a, b Value) Value{Eq, Ne, Lt, Le, Gt, Ge}[k](a.v, b.v)
		return two(b, v, func(x, y *big.Int) *big.Int {
			c := x.Cmp(y)
			return boolean([]bool{c == 0, c != 0, c < 0, c <= 0, c > 0, c >= 0}[k])
		})
	case 10:
		b := same()
		k := f.r.Intn(3)
		v := []func(a Value, b ...Value) Value{And, Or, Xor}[k](a.v, b.v)
		return two(b, v, []func(x, y *big.Int) *big.Int{
			func(x, y *big.Int) *big.Int { return new(big.Int).And(x, y) },
			func(x, y *big.Int) *big.Int { return new(big.Int).Or(x, y) },
			func(x, y *big.Int) *big.Int { return new(big.Int).Xor(x, y) },
		}[k])
	case 11:
		return one(Inv(a.v), func(x *big.Int) *big.Int { return new(big.Int).Not(x) })
	case 12:
		p, q := f.variable(U(1), depth-1), f.variable(U(1), depth-1)
		if f.r.Intn(2) == 0 {
			return term{All(p.v, Not(q.v)), func(in []*big.Int) *big.Int {
				return boolean(p.eval(in).Sign() > 0 && q.eval(in).Sign() == 0)
			}}
		}
		return term{Any(p.v, Not(q.v)), func(in []*big.Int) *big.Int {
			return boolean(p.eval(in).Sign() > 0 || q.eval(in).Sign() == 0)
		}}
	case 13:
		w := ta.Width
		k := f.r.Intn(3)
		v := []func(Value) Value{RedAnd, RedOr, RedXor}[k](a.v)
		return one(v, func(x *big.Int) *big.Int {
			n := 0
			for i := 0; i < w; i++ {
				n += int(wrapTo(U(w), x).Bit(i))
			}
			return boolean([]bool{n == w, n > 0, n%2 == 1}[k])
		})
	case 14, 15:
		b, c := same(), f.variable(U(1), depth-1)
		v := Mux(c.v, a.v, b.v)
		return term{v, func(in []*big.Int) *big.Int {
			if c.eval(in).Sign() > 0 {
				return a.eval(in)
			}
			return b.eval(in)
		}}
	case 16:
		n := f.r.Intn(5)
		return one(Shl(a.v, n), func(x *big.Int) *big.Int { return new(big.Int).Lsh(x, uint(n)) })
	case 17:
		n := f.r.Intn(ta.Width)
		return one(Shr(a.v, n), func(x *big.Int) *big.Int { return new(big.Int).Rsh(x, uint(n)) })
	case 18:
		b := f.of(U(1+f.r.Intn(4)), depth-1)
		if f.r.Intn(2) == 0 {
			return two(b, ShlDyn(a.v, b.v), func(x, y *big.Int) *big.Int { return new(big.Int).Lsh(x, uint(y.Uint64())) })
		}
		return two(b, ShrDyn(a.v, b.v), func(x, y *big.Int) *big.Int { return new(big.Int).Rsh(x, uint(y.Uint64())) })
	case 19:
		lo := f.r.Intn(ta.Width)
		hi := lo + f.r.Intn(ta.Width-lo)
		return one(Slice(a.v, hi, lo), func(x *big.Int) *big.Int {
			return new(big.Int).Rsh(wrapTo(U(ta.Width), x), uint(lo))
		})
	case 20:
		// Indices stay within the operand, beyond which Verilog reads unknown bits.
		b := f.of(U(2), depth-1)
		a = f.variable(Type{8, ta.Signed}, depth-1)
		if f.r.Intn(2) == 0 {
			return two(b, DynBit(a.v, b.v), func(x, y *big.Int) *big.Int {
				return new(big.Int).Rsh(wrapTo(U(8), x), uint(y.Uint64()))
			})
		}
		return two(b, DynSlice(a.v, b.v, 2), func(x, y *big.Int) *big.Int {
			return new(big.Int).Rsh(wrapTo(U(8), x), uint(2*y.Uint64()))
		})
	case 21:
		b := f.term(f.r.Intn(depth))
		v := Cat(a.v, b.v)
		w := b.v.Type().Width
		return term{v, func(in []*big.Int) *big.Int {
			z := new(big.Int).Lsh(bits(a, in), uint(w))
			return z.Or(z, bits(b, in))
		}}
	case 22:
		v := Repl(2, a.v)
		return term{v, func(in []*big.Int) *big.Int {
			z := new(big.Int).Lsh(bits(a, in), uint(ta.Width))
			return z.Or(z, bits(a, in))
		}}
	case 23:
		return term{Ext(a.v, ta.Width+f.r.Intn(6)), a.eval}
	case 24:
		return f.trunc(a, 1+f.r.Intn(ta.Width))
	default:
		return f.cast(a, !ta.Signed)
	}
}

const (
	fuzzTerms   = 80
	fuzzVectors = 40
)

// TestExpressions compares random expressions, printed and run by Icarus, with exact arithmetic,
// and demands that all tools accept their text without a warning. Half of the expressions stand
// in a combinational block over its own variables, where no wire can name their parts.
func TestExpressions(t *testing.T) {
	tooltest.Need(t, "iverilog")
	seeds := int64(6)
	if testing.Short() {
		seeds = 1
	}
	if n := os.Getenv("HDL_FUZZ_SEEDS"); n != "" {
		fmt.Sscan(n, &seeds)
	}
	for seed := int64(1); seed <= seeds; seed++ {
		fuzzOnce(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func fuzzOnce(t *testing.T, seed int64) {
	r := rand.New(rand.NewSource(seed))
	types := []Type{U(1), U(3), U(8), U(13), S(1), S(4), S(8), S(16), S(11), U(16)}
	m := NewModule("fuzz")
	f := &fuzzer{r: r}
	var ins []*Signal
	var vars []term
	for i, ty := range types {
		sig := m.Input(fmt.Sprintf("i%d", i), ty)
		ins = append(ins, sig)
		eval := func(in []*big.Int) *big.Int { return in[i] }
		f.leaves = append(f.leaves, term{sig, eval})
		vars = append(vars, term{m.Reg(fmt.Sprintf("v%d", i), ty), eval})
	}
	var terms []term
	var outs []*Signal
	for i := 0; i < fuzzTerms/2; i++ {
		a := f.term(1 + r.Intn(4))
		out := m.Output(fmt.Sprintf("o%d", len(terms)), a.v.Type())
		m.Assign(out, a.v)
		terms, outs = append(terms, a), append(outs, out)
	}
	g := &fuzzer{r: r, leaves: vars}
	m.Comb(func(b *Block) {
		for i, v := range vars {
			b.Set(v.v, ins[i])
		}
		for i := 0; i < fuzzTerms/2; i++ {
			a := g.term(1 + r.Intn(4))
			if NeedsName(m, a.v) {
				continue // a slice or extension of something that no wire can hold
			}
			out := m.OutputReg(fmt.Sprintf("o%d", len(terms)), a.v.Type())
			b.Set(out, a.v)
			terms, outs = append(terms, a), append(outs, out)
		}
	})
	for _, s := range ins {
		m.Unused(s)
	}
	for _, v := range vars {
		m.Unused(v.v)
	}
	files, err := NewDesign(m).Print(nil)
	if err != nil {
		t.Fatal(err)
	}
	// Verilator folds what random expressions happen to make constant, and then misses its operands.
	checkLint(t, "fuzz", files, "-Wno-UNUSEDSIGNAL", "-Wno-UNSIGNED", "-Wno-CMPCONST")
	vectors := make([][]*big.Int, fuzzVectors)
	for i := range vectors {
		for _, ty := range types {
			v := big.NewInt(r.Int63())
			switch r.Intn(5) {
			case 0:
				v = new(big.Int).Lsh(big.NewInt(1), uint(ty.Width-1))
			case 1:
				v = big.NewInt(-1)
			case 2:
				v = new(big.Int)
			}
			vectors[i] = append(vectors[i], wrapTo(ty, v))
		}
	}
	got := simulate(t, files["fuzz.v"], ins, outs, vectors)
	for i, in := range vectors {
		for k, a := range terms {
			want := fmt.Sprintf("%x", bits(a, in))
			if g := strings.TrimLeft(got[i][k], "0"); g != strings.TrimLeft(want, "0") {
				t.Errorf("vector %v: %s = %s, want %s\n%s", in, outs[k].Name(), got[i][k], want,
					linesWith(string(files["fuzz.v"]), outs[k].Name()))
				return
			}
		}
	}
}

func linesWith(text, name string) string {
	var b strings.Builder
	for _, l := range strings.Split(text, "\n") {
		if strings.Contains(l, name+" ") || strings.Contains(l, name+"_") {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

// simulate runs the module in Icarus on the vectors and returns the outputs in hexadecimal.
func simulate(t *testing.T, module []byte, ins, outs []*Signal, vectors [][]*big.Int) [][]string {
	t.Helper()
	var b strings.Builder
	b.WriteString("module bench;\n")
	var conns, format, args []string
	for _, s := range ins {
		fmt.Fprintf(&b, "  reg [%d:0] %s;\n", s.Type().Width-1, s.Name())
		conns = append(conns, fmt.Sprintf(".%s(%s)", s.Name(), s.Name()))
	}
	for _, s := range outs {
		fmt.Fprintf(&b, "  wire [%d:0] %s;\n", s.Type().Width-1, s.Name())
		conns = append(conns, fmt.Sprintf(".%s(%s)", s.Name(), s.Name()))
		format = append(format, "%h")
		args = append(args, s.Name())
	}
	fmt.Fprintf(&b, "  fuzz dut (%s);\n  initial begin\n", strings.Join(conns, ", "))
	for _, in := range vectors {
		for i, s := range ins {
			w := s.Type().Width
			fmt.Fprintf(&b, "    %s = %d'h%x;\n", s.Name(), w, wrapTo(U(w), in[i]))
		}
		fmt.Fprintf(&b, "    #1 $display(\"%s\", %s);\n", strings.Join(format, " "), strings.Join(args, ", "))
	}
	b.WriteString("  end\nendmodule\n")
	dir := t.TempDir()
	for name, text := range map[string][]byte{"fuzz.v": module, "bench.v": []byte(b.String())} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	exe := filepath.Join(dir, "bench.vvp")
	if out, err := exec.Command("iverilog", "-g2005", "-o", exe, filepath.Join(dir, "fuzz.v"), filepath.Join(dir, "bench.v")).CombinedOutput(); err != nil {
		t.Fatalf("iverilog: %v\n%s", err, out)
	}
	out, err := exec.Command("vvp", "-n", exe).CombinedOutput()
	if err != nil {
		t.Fatalf("vvp: %v\n%s", err, out)
	}
	var got [][]string
	for _, l := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		got = append(got, strings.Fields(l))
	}
	if len(got) != len(vectors) {
		t.Fatalf("%d lines of output, want %d", len(got), len(vectors))
	}
	return got
}
