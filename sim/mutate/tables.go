package mutate

import (
	"regexp"
	"slices"
	"strings"

	"epgen/gen"
)

// Tables are printed as case statements. Above the rows a comment has the names
// of the fields of a word; a word of many fields goes over several lines:
//
//	// {k, o, i, odd, void, last}
//	5'd0:    entry = {5'd3, 7'd0, 7'd0, 1'b0, 1'b0, 3'd1};  // layer1 up 0
//
//	//  {k_row, k_blk,
//	//   o_row}
//	4'd0: pass_rom =  // layer1 up
//	    {5'd3,  5'd9,
//	     7'd0};
var (
	formFields   = regexp.MustCompile(`^\s*// *\{?([a-z_]+(?:, *[a-z_]+)*)(,|\})$`)
	formRow      = regexp.MustCompile(`^\s*\d+'[dbh]\w+: +\w+ =(.*)$`)
	rowKind      = regexp.MustCompile(`// (?:layer\d+|head\d+|readout) (up|down|update|bias|act|pool|soft)( \d+)?(, pooled)?$`)
	formWordPart = regexp.MustCompile(`^\s*\{?(\d+'[dbh]\w+(, *)?)+(,|\};)$`)
)

// spanReads lists the fields of an axis table entry that a kind of pass reads.
// Entries of bias serve act too.
var spanReads = map[string][]string{
	"up":     {"k", "o", "i", "void", "last"},
	"down":   {"k", "o", "i", "odd", "void", "last"},
	"update": {"o", "i", "odd", "void", "last"},
	"bias":   {"o", "void", "last"},
}

// reads returns the fields that a pass of a kind reads, of an entry of an axis
// table or of a descriptor; ok is false if nothing is known of them.
func reads(kind string, names []string) (fields []string, ok bool) {
	if !slices.Contains(names, "row_base") {
		fields, ok = spanReads[kind]
		return fields, ok
	}
	for k := gen.Up; k <= gen.Soft; k++ {
		if k.String() != kind {
			continue
		}
		fields = gen.PassReads[k]
		if slices.Contains(names, "head") { // the design has heads
			fields = append(slices.Clone(fields), gen.HeadReads(k, names)...)
		}
		return fields, true
	}
	return nil, false
}

// tables marks the parts of table rows that no circuit looks at. The generator
// fills them with zeros, and a change there is no fault, like one of a comment.
func (s *source) tables() {
	var names []string
	open := false // the comment with the names goes on
	for i := 0; i < len(s.lines); i++ {
		text := s.lines[i].text
		if m := formFields.FindStringSubmatch(text); m != nil {
			if !open {
				names = nil
			}
			names = append(names, splitFields(m[1])...)
			open = m[2] == ","
			continue
		}
		m := formRow.FindStringSubmatch(s.lines[i].code)
		if m == nil {
			continue
		}
		kind, pooled := "", false
		if k := rowKind.FindStringSubmatch(text); k != nil {
			kind, pooled = k[1], k[3] != ""
		}
		first := i
		if m[1] == "" { // the word begins in the next line
			s.lines[i].from = -1
			for first++; i+1 < len(s.lines) && formWordPart.MatchString(s.lines[i+1].code); i++ {
				s.lines[i+1].inROM, s.lines[i+1].from = true, 0
			}
		}
		s.markRow(s.lines[first:i+1], kind, pooled, names)
	}
}

func splitFields(text string) []string {
	var out []string
	for _, f := range strings.Split(text, ",") {
		out = append(out, strings.TrimSpace(f))
	}
	return out
}

// markRow finds what is not read of a word that stands in some lines.
func (s *source) markRow(lines []line, kind string, pooled bool, names []string) {
	read, known := reads(kind, names)
	values := map[string]string{}
	n := 0
	each := func(f func(l *line, name, text string)) {
		n = 0
		for i := range lines {
			l := &lines[i]
			for _, m := range sized.FindAllString(l.code[max(0, l.from):], -1) {
				name := ""
				if n < len(names) {
					name = names[n]
				}
				f(l, name, m)
				n++
			}
		}
	}
	each(func(_ *line, name, text string) { values[name] = text })
	if !known || n != len(names) {
		return
	}
	zero := func(name string) bool {
		return strings.HasSuffix(values[name], "d0") || strings.HasSuffix(values[name], "b0")
	}
	each(func(l *line, name, _ string) {
		unread := !slices.Contains(read, name)
		switch name {
		case "i_blk", "o_blk", "k_blk": // added between blocks
			unread = unread || zero("last_blk")
		case "index_base": // of the windows of a pool
			unread = unread || zero("window") && zero("unpool")
		case "odd": // tells the halves of a window
			unread = unread || !pooled
		}
		l.unread = append(l.unread, unread)
	})
}
