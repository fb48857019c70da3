package gen

import (
	"math/big"
	"math/bits"
	"strconv"

	"epgen/hdl"
)

// addrBits returns the width of an address or counter with n values.
func addrBits(n int) int { return max(1, bits.Len(uint(n-1))) }

// inc returns v+1 in the type of v.
func inc(v hdl.Value) hdl.Value { return hdl.AddMod(v, hdl.Const(v.Type(), 1)) }

// zeroOf returns 0 in the type of v.
func zeroOf(v hdl.Value) hdl.Value { return hdl.Const(v.Type(), 0) }

// bit returns a one-bit constant.
func bit(b bool) hdl.Value {
	if b {
		return hdl.Const(hdl.U(1), 1)
	}
	return hdl.Const(hdl.U(1), 0)
}

// field is one named part of a ROM word.
type field struct {
	name string
	bits int
	doc  string
}

// record is a ROM word made of fields, first field lowest.
type record []field

func (r record) width() int {
	w := 0
	for _, f := range r {
		w += f.bits
	}
	return w
}

// wanted leaves out the fields of no bits.
func (r record) wanted() record {
	var out record
	for _, f := range r {
		if f.bits > 0 {
			out = append(out, f)
		}
	}
	return out
}

// pack assembles one word; the values follow the fields.
func (r record) pack(values ...int) *big.Int {
	word, shift := new(big.Int), uint(0)
	for i, f := range r {
		if v := values[i]; v < 0 || bits.Len(uint(v)) > f.bits {
			panic("gen: " + f.name + " does not fit its ROM field")
		}
		word.Or(word, new(big.Int).Lsh(big.NewInt(int64(values[i])), shift))
		shift += uint(f.bits)
	}
	return word
}

// row is a ROM row of a record, printed field by field.
func (r record) row(doc string, values ...int) hdl.ROMRow {
	row := hdl.ROMRow{Value: r.pack(values...), Doc: doc}
	for _, f := range r {
		row.Fields = append(row.Fields, hdl.ROMField{Name: f.name, Width: f.bits})
	}
	return row
}

// named is row with the values by name; fields that have none are zero.
func (r record) named(doc string, values map[string]int) hdl.ROMRow {
	list := make([]int, len(r))
	for i, f := range r {
		list[i] = values[f.name]
	}
	return r.row(doc, list...)
}

// slice returns a field of a ROM word.
func (r record) slice(word hdl.Value, name string) hdl.Value {
	lo := 0
	for _, f := range r {
		if f.name == name {
			return hdl.Slice(word, lo+f.bits-1, lo)
		}
		lo += f.bits
	}
	panic("gen: no ROM field " + name)
}

// widest returns the bits that hold the largest of some non-negative values.
func widest(values ...int) int {
	w := 1
	for _, v := range values {
		w = max(w, bits.Len(uint(v)))
	}
	return w
}

// utoa, itoa and ftoa print numbers in comments.
func utoa(v uint64) string  { return strconv.FormatUint(v, 10) }
func itoa(v int) string     { return strconv.Itoa(v) }
func ftoa(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }
