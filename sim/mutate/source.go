package mutate

import (
	"regexp"
	"strconv"
	"strings"
)

// source is a Verilog file, line by line.
type source struct {
	name  string // without directory
	lines []line
	names map[string]bool // every identifier of its code
	high  map[string]int  // upper bound of each vector that it declares [high:0]
}

// line is a line with what its neighbours say about it.
type line struct {
	text      string // as printed
	code      string // without the comment
	from      int    // offset in code of what may be changed, -1 if nothing
	inReset   bool   // assigns the value after reset
	inStart   bool   // assigns the value at the start of a run, a pass or a job
	again     bool   // reset value that start assigns again, so that it determines nothing
	inROM     bool   // row of a table, or part of one
	unread    []bool // of each number of the row's word: no circuit looks at it
	port      bool   // connection of an instance
	connected []string
}

// Forms of lines, as the generator prints them.
var (
	formSkip     = regexp.MustCompile("^\\s*(`|//|module\\b|endmodule|genvar\\b|always\\b|generate|endgenerate|endcase|case\\b|begin$|end$|end else begin$|\\)|input\\b|output\\b|localparam\\b.*[^;]$|$)")
	formDeclared = regexp.MustCompile(`^\s*(wire|reg|localparam)\b[^=]*`)
	formVector   = regexp.MustCompile(`^\s*(?:output )?(?:wire|reg)\b[^=]*\[(\d+):0\] *(\w+)`)
	formAssign   = regexp.MustCompile(`^\s*assign [^=]*= `)
	formSet      = regexp.MustCompile(`^\s*\w+(\[[^\]]*\])* +<?= `)
	formROM      = regexp.MustCompile(`^\s*(\d+'[dbh]\w+|default):\s+\w+ = `)
	formPort     = regexp.MustCompile(`^\s*\.\w+ *\(`)
	formReset    = regexp.MustCompile(`^(\s*)if \(!(rst_ni|aresetn)(?: \|\| .*)?\) begin$`)
	formStart    = regexp.MustCompile(`^(\s*)(?:end else )?if \(\w*start(?:_i)?(?: \|\| \w+)?\) begin$`)
	formName     = regexp.MustCompile(`\b[a-zA-Z_]\w*\b`)
)

// parse splits a file and finds the parts of its lines that may change.
func parse(name string, text []byte) *source {
	s := &source{name: name, names: map[string]bool{}, high: map[string]int{}}
	var reset, start branch
	swallowed := false
	for _, text := range strings.Split(string(text), "\n") {
		l := line{text: text, code: text}
		if i := strings.Index(text, "//"); i >= 0 {
			l.code = strings.TrimRight(text[:i], " ")
		}
		l.inReset, l.inStart = reset.holds(l.code), start.holds(l.code)
		reset.enter(formReset, l.code)
		start.enter(formStart, l.code)
		swallowed = swallowed || strings.Contains(l.code, " unused_")
		l.from = changeable(l.code)
		if swallowed {
			l.from = -1
			swallowed = !strings.HasSuffix(l.code, ";")
		}
		l.inROM = formROM.MatchString(l.code)
		l.port = formPort.MatchString(l.code)
		if m := formVector.FindStringSubmatch(l.code); m != nil {
			s.high[m[2]], _ = strconv.Atoi(m[1])
		}
		for _, n := range formName.FindAllString(l.code, -1) {
			s.names[n] = true
		}
		s.lines = append(s.lines, l)
	}
	s.connect()
	s.override()
	s.tables()
	return s
}

// branch follows the lines of one branch of an if.
type branch struct {
	inside bool
	indent string
}

// holds reports whether a line belongs to the branch.
func (b *branch) holds(code string) bool {
	if b.inside && strings.HasPrefix(code, b.indent+"end") {
		b.inside = false
	}
	return b.inside
}

// enter notices the condition that opens the branch.
func (b *branch) enter(form *regexp.Regexp, code string) {
	if m := form.FindStringSubmatch(code); m != nil {
		b.inside, b.indent = true, m[1]
	}
}

// override marks reset values that start assigns again in the same block.
func (s *source) override() {
	for i := range s.lines {
		if !s.lines[i].inReset {
			continue
		}
		text := strings.Join(strings.Fields(s.lines[i].code), " ")
		for _, l := range s.lines[i+1:] {
			if strings.Contains(l.code, "always @") {
				break
			}
			if l.inStart && strings.Join(strings.Fields(l.code), " ") == text {
				s.lines[i].again = true
			}
		}
	}
}

// changeable returns the offset behind the target of an assignment or behind
// the name of what is declared, 0 for conditions, -1 if nothing may change.
func changeable(code string) int {
	switch {
	case formSkip.MatchString(code):
		return -1
	case formDeclared.MatchString(code):
		if i := strings.Index(code, " = "); i >= 0 {
			return i + 3
		}
		if strings.HasSuffix(code, " =") || strings.HasSuffix(code, ";") {
			return -1
		}
		return 0
	}
	for _, form := range []*regexp.Regexp{formROM, formPort, formAssign, formSet} {
		if m := form.FindStringIndex(code); m != nil {
			return m[1]
		}
	}
	return 0
}

// connect gives every connection of an input the expressions of its neighbours.
func (s *source) connect() {
	for i := range s.lines {
		if !isInput(s.lines[i].code) {
			continue
		}
		for _, j := range []int{i - 2, i - 1, i + 1, i + 2} {
			if j >= 0 && j < len(s.lines) && isInput(s.lines[j].code) {
				_, _, e := connection(s.lines[j].code)
				s.lines[i].connected = append(s.lines[i].connected, e)
			}
		}
	}
}

var formInput = regexp.MustCompile(`^\s*\.(\w+_i|m_axi_(arready|r\w+|awready|wready|b\w+)) *\(`)

func isInput(code string) bool {
	return formInput.MatchString(code) && strings.HasSuffix(strings.TrimSuffix(code, ","), ")") &&
		!strings.Contains(code, ".clk_i") && !strings.Contains(code, "_o ")
}

// connection splits `.port (expression),` around the expression.
func connection(code string) (open, end int, expression string) {
	open = strings.Index(code, "(") + 1
	end = strings.LastIndex(code, ")")
	return open, end, code[open:end]
}
