package hdl

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// maxColumns is the longest line printed, where a line can be broken.
const maxColumns = 99

// emitter writes lines of Verilog. Lines made of cells wait in rows until something else comes,
// then their cells and comments are aligned. Blank lines are managed here: never two together,
// none after an opening line.
type emitter struct {
	buf    bytes.Buffer
	indent int
	rows   []row
	form   string // kind of the rows waiting; another kind starts another block
	gap    bool   // blank line wanted before the next line
	opened bool   // the last line opened a block
}

// row is a line of aligned cells with an optional comment behind or, if too long, above.
type row struct {
	cells []string
	doc   string
}

// row adds a line to the aligned block of the given form.
func (e *emitter) row(form, doc string, cells ...string) {
	if form != e.form {
		e.flush()
		e.form = form
		e.blankIfWanted()
	}
	e.rows = append(e.rows, row{cells, doc})
}

// line writes one line, wrapped if it is too long.
func (e *emitter) line(text string) {
	e.flush()
	e.blankIfWanted()
	e.write(text)
}

// blank asks for an empty line before the next line.
func (e *emitter) blank() {
	e.flush()
	e.gap = true
}

// open writes a line that begins a block, close one that ends it.
func (e *emitter) open(text string) {
	e.line(text)
	e.opened = true
	e.indent++
}

func (e *emitter) close(text string) {
	e.flush()
	e.gap = false
	e.indent--
	e.line(text)
}

// reopen ends one block and begins the next: `end else begin`.
func (e *emitter) reopen(text string) {
	e.close(text)
	e.opened = true
	e.indent++
}

// comment writes text as comment lines.
func (e *emitter) comment(text string) {
	for _, l := range fill(text, maxColumns-2*e.indent-3) {
		e.line(strings.TrimRight("// "+l, " "))
	}
}

func (e *emitter) blankIfWanted() {
	if e.gap && !e.opened && e.buf.Len() > 0 {
		e.buf.WriteByte('\n')
	}
	e.gap, e.opened = false, false
}

func (e *emitter) write(text string) {
	pad := strings.Repeat("  ", e.indent)
	for i, l := range wrap(text, maxColumns-len(pad)) {
		if i > 0 {
			l = "    " + l
		}
		e.buf.WriteString(strings.TrimRight(pad+l, " "))
		e.buf.WriteByte('\n')
	}
	e.opened = false
}

// flush aligns and writes the rows that wait.
func (e *emitter) flush() {
	rows := e.rows
	e.rows, e.form = nil, ""
	var width []int // of each column but the last of a row
	for _, r := range rows {
		for i, c := range r.cells[:max(len(r.cells)-1, 0)] {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], len(c))
		}
	}
	texts := make([]string, len(rows))
	docColumn := 0
	for i, r := range rows {
		texts[i] = joinCells(r.cells, width)
		if r.doc != "" && e.docFits(texts[i], r.doc) {
			docColumn = max(docColumn, len(texts[i]))
		}
	}
	for i, r := range rows {
		text := texts[i]
		if r.doc == "" {
			e.write(text)
			continue
		}
		column := docColumn
		if !e.docFits(strings.Repeat(" ", column), r.doc) {
			column = len(text)
		}
		if !e.docFits(text, r.doc) {
			for _, l := range fill(r.doc, maxColumns-2*e.indent-3) {
				e.write("// " + l)
			}
			e.write(text)
			continue
		}
		e.write(text + strings.Repeat(" ", max(column-len(text), 0)) + "  // " + r.doc)
	}
}

func joinCells(cells []string, width []int) string {
	var b strings.Builder
	for i, c := range cells {
		b.WriteString(c)
		if i < len(cells)-1 && width[i] > 0 {
			b.WriteString(strings.Repeat(" ", width[i]-len(c)+1))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func (e *emitter) docFits(text, doc string) bool {
	return 2*e.indent+len(text)+len("  // ")+utf8.RuneCountInString(doc) <= maxColumns
}

// fill breaks text at spaces into lines of at most width columns. Newlines stay, and so do lines
// that are indented, which are tables or formulas.
func fill(text string, width int) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimRight(l, " ")
		for len(l) > width && !strings.HasPrefix(l, " ") {
			cut := strings.LastIndexByte(l[:width+1], ' ')
			if cut <= 0 {
				break
			}
			out = append(out, l[:cut])
			l = l[cut+1:]
		}
		out = append(out, l)
	}
	return out
}

// wrap breaks a line of code at spaces behind operators and commas, at the lowest nesting that
// keeps the line within width; lines after the first are 4 columns narrower.
func wrap(text string, width int) []string {
	var out []string
	for len(text) > width {
		cut := breakAt(text, width)
		if cut <= 0 {
			break
		}
		out = append(out, text[:cut])
		text = text[cut+1:]
		if len(out) == 1 {
			width -= 4
		}
	}
	return append(out, text)
}

// breakAt finds the space in text[:width+1] to break at: the least nested one, after the weakest
// operator, and of those the last. Near the left edge anything further right is better.
func breakAt(text string, width int) int {
	best, bestRank, depth := -1, 0, 0
	for i := 0; i <= width && i < len(text); i++ {
		switch text[i] {
		case '(', '{', '[':
			depth++
		case ')', '}', ']':
			depth--
		case '/':
			if strings.HasPrefix(text[i:], "//") {
				return best
			}
		case ' ':
			rank, ok := breakRank(text[:i])
			if !ok {
				continue
			}
			rank += 8 * depth
			if best < width/3 || rank <= bestRank {
				best, bestRank = i, rank
			}
		}
	}
	return best
}

// breakRank says how well a line may end with text, 0 being best: with a comma or an operator.
func breakRank(text string) (rank int, ok bool) {
	word := text[strings.LastIndexByte(text, ' ')+1:]
	switch {
	case strings.HasSuffix(word, ","):
		return 0, true
	case word == ":":
		return 1, true
	case word == "||":
		return 2, true
	case word == "&&", word == "?":
		return 3, true
	case word == "=" || word == "<=":
		return 7, true
	}
	_, ok = precedence[word]
	return 4, ok
}
