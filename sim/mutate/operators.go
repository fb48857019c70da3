package mutate

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// Class says what a mutant changes.
type Class string

const (
	Constant   Class = "constant"   // a number +-1
	Limit      Class = "limit"      // a number that something is compared with +-1
	Table      Class = "table"      // one bit of a row of a ROM
	Operator   Class = "operator"   // + for -, && for ||, & for |, ! dropped
	Comparison Class = "comparison" // == for !=, < for <=, > for >=
	Index      Class = "index"      // bit or part select shifted
	Handshake  Class = "handshake"  // valid, ready and the like stuck at 0 or 1
	Reset      Class = "reset"      // value after reset or start, or no reset at all
	Sign       Class = "sign"       // sign lost in an extension or comparison
	Condition  Class = "condition"  // branch or enable negated or stuck
	Label      Class = "label"      // label of a case
	Port       Class = "port"       // connection of an input exchanged
	Delay      Class = "delay"      // pipeline stage before or after
)

// Classes in the order of reports.
var Classes = []Class{Constant, Limit, Table, Operator, Comparison, Index, Handshake, Reset,
	Sign, Condition, Label, Port, Delay}

// edit replaces code[lo:hi].
type edit struct {
	lo, hi int
	text   string
}

// operator finds the edits of its class in a line. Where a change has many
// forms, such as the bits of a number, rng chooses one.
type operator func(s *source, l *line, rng *rand.Rand) []edit

var operators = map[Class]operator{
	Constant: func(_ *source, l *line, rng *rand.Rand) []edit {
		if l.inReset || l.inStart || l.inROM {
			return nil
		}
		return literals(l, rng, false)
	},
	Limit: func(_ *source, l *line, rng *rand.Rand) []edit {
		if l.inReset || l.inStart || l.inROM {
			return nil
		}
		return literals(l, rng, true)
	},
	Table: tableBits,
	Operator: replacing(map[string]string{
		"+": "-", "-": "+", "&&": "||", "||": "&&", "&": "|", "|": "&", "!": "", "~": "",
	}),
	Comparison: replacing(map[string]string{
		"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">",
	}),
	Index:     selects,
	Handshake: stuckSignals,
	Reset:     resets,
	Sign:      signs,
	Condition: conditions,
	Label:     labels,
	Port:      ports,
	Delay:     stages,
}

var (
	sized        = regexp.MustCompile(`\b(\d+)'(s?)([bdh])([0-9a-fA-F]+)\b`)
	compared     = regexp.MustCompile(`(==|!=|<=|<|>=|>) (\(\w+ \? )?-?$`)
	symbol       = regexp.MustCompile(`&&|\|\||==|!=|<=|>=| [-+<>] |[!~&|]`)
	bracket      = regexp.MustCompile(`\[([^\[\]]*)\]`)
	number       = regexp.MustCompile(`\b\d+\b`)
	handshaked   = regexp.MustCompile(`\b\w*(valid|ready|take|full|idle|busy|done|request|pop|sent|counted|fire|finish|issue|announced|reserve|release|loaded|settled|abort|error)\w*\b`)
	extension    = regexp.MustCompile(`\{\d+\{(\w+(?:\[\d+\])+)\}\}`)
	formGenerate = regexp.MustCompile(`^\s*for \((\w+) = 0; \w+ < \d+; `)
	caseLabel    = regexp.MustCompile(`^\s*([A-Z][A-Z_0-9]*|\d+'[dbh]\w+):(?: begin$| +\w+ <?= )`)
	ifLine       = regexp.MustCompile(`\bif \((.*)\) begin$`)
	choice       = regexp.MustCompile(`(\w+(?:\[\d+\])?) \? `)
	// operand ends before an operand, operandBefore begins behind one, of an
	// operator to which the sign matters.
	operand       = regexp.MustCompile(` (\*|<|>|<=|>=) $`)
	operandBefore = regexp.MustCompile(`^ (\*|<|>|<=|>=) `)
	staged        = regexp.MustCompile(`\b(\w+_q)(\d*)\b`)
)

// literals changes sized numbers by one. limits chooses between those that
// something is compared with and all others.
func literals(l *line, rng *rand.Rand, limits bool) (edits []edit) {
	if l.from < 0 {
		return nil
	}
	for _, m := range sized.FindAllStringSubmatchIndex(l.code, -1) {
		isLimit := compared.MatchString(l.code[:m[0]])
		if m[0] < l.from || isLimit != limits || m[0] < labelEnd(l.code) {
			continue
		}
		edits = append(edits, edit{m[0], m[1], nextLiteral(l.code[m[0]:m[1]], rng.IntN(2) == 0)})
	}
	return edits
}

// labelEnd is where the label of a case ends in a line, or 0.
func labelEnd(code string) int {
	if m := caseLabel.FindStringSubmatchIndex(code); m != nil {
		return m[3]
	}
	return 0
}

// nextLiteral returns a sized number plus or minus one, modulo its width.
func nextLiteral(text string, up bool) string {
	m := sized.FindStringSubmatch(text)
	v := value(m)
	if up {
		v.Add(v, big.NewInt(1))
	} else {
		v.Sub(v, big.NewInt(1))
	}
	return literal(m, v)
}

func value(m []string) *big.Int {
	base := map[string]int{"b": 2, "d": 10, "h": 16}[m[3]]
	v, _ := new(big.Int).SetString(m[4], base)
	return v
}

// literal prints v with the width, sign and base of a matched number.
func literal(m []string, v *big.Int) string {
	var width int
	fmt.Sscan(m[1], &width)
	mask := new(big.Int).Lsh(big.NewInt(1), uint(width))
	mask.Sub(mask, big.NewInt(1))
	v.And(v, mask)
	digits := map[string]string{"b": v.Text(2), "d": v.Text(10), "h": v.Text(16)}[m[3]]
	return m[1] + "'" + m[2] + m[3] + digits
}

// tableBits flips one bit of a value of a table row, one that a circuit looks at.
func tableBits(_ *source, l *line, rng *rand.Rand) []edit {
	if !l.inROM || strings.Contains(l.code, "default:") { // no pass has the index of the default
		return nil
	}
	var all [][]int
	for i, m := range sized.FindAllStringSubmatchIndex(l.code[l.from:], -1) {
		if i >= len(l.unread) || !l.unread[i] {
			all = append(all, m)
		}
	}
	if all == nil {
		return nil
	}
	m := all[rng.IntN(len(all))]
	lo, hi := l.from+m[0], l.from+m[1]
	parts := sized.FindStringSubmatch(l.code[lo:hi])
	var width int
	fmt.Sscan(parts[1], &width)
	v := value(parts)
	bit := rng.IntN(width)
	v.SetBit(v, bit, v.Bit(bit)^1)
	return []edit{{lo, hi, literal(parts, v)}}
}

// replacing returns the operator that exchanges symbols.
func replacing(table map[string]string) operator {
	return func(_ *source, l *line, _ *rand.Rand) (edits []edit) {
		if l.inROM || l.from < 0 {
			return nil
		}
		for _, m := range symbol.FindAllStringIndex(l.code, -1) {
			old := strings.TrimSpace(l.code[m[0]:m[1]])
			if formGenerate.MatchString(l.code) && old == "<" {
				continue // one lane more has no bits: its selects lie outside of every vector
			}
			if (old == "<" || old == ">") && clamps(l.code, m[0]) {
				continue
			}
			if text, ok := table[old]; ok && m[0] >= l.from-1 {
				lo := m[0] + strings.Index(l.code[m[0]:m[1]], old)
				edits = append(edits, edit{lo, lo + len(old), text})
			}
		}
		return edits
	}
}

// zeroExtension is a value with zeros above it.
var zeroExtension = regexp.MustCompile(`^\{\d+'[bd]0, (\w+)\}$`)

// literalWidth is the width of a number, which says nothing of its value.
var literalWidth = regexp.MustCompile(`^\d+'`)

// clamps reports whether the comparison at an offset chooses between its own
// sides, as in (v > MAX) ? MAX : v. Where both are equal both choices have the
// same value, so that >= is no change. The second choice may follow in the next
// line, or be another clamp of the same value.
func clamps(code string, at int) bool {
	open := strings.LastIndex(code[:at], "(")
	if open < 0 {
		return false
	}
	end := closing(code, open+1)
	sides := strings.Fields(code[at:])
	if end <= at || !strings.HasPrefix(code[end:], " ? ") || len(sides) < 2 {
		return false
	}
	left, right := code[open+1:at], strings.TrimSpace(code[at+len(sides[0])+1:end-1])
	first, second, _ := strings.Cut(code[end+len(" ? "):], " :")
	left, right = zeroExtension.ReplaceAllString(left, "$1"), zeroExtension.ReplaceAllString(right, "$1")
	bare := func(text string) string { return literalWidth.ReplaceAllString(text, "'") }
	own := func(text string) bool {
		text = strings.TrimPrefix(strings.TrimRight(text, ";)"), "$signed(")
		text = zeroExtension.ReplaceAllString(text, "$1")
		text, _, _ = strings.Cut(text, "[")
		return bare(text) == bare(left) || bare(text) == bare(right)
	}
	second = strings.TrimSpace(second)
	return own(first) && (second == "" || own(second) || strings.HasPrefix(second, "("+left+" "))
}

// selects shifts bit and part selects by one place, targets of assignments
// included, and exchanges the variables of computed ones.
func selects(_ *source, l *line, rng *rand.Rand) (edits []edit) {
	if l.from < 0 || formDeclared.MatchString(l.code) && l.from == 0 {
		return nil
	}
	for _, m := range bracket.FindAllStringSubmatchIndex(l.code, -1) {
		if formDeclared.MatchString(l.code) && m[0] < l.from {
			continue // a range, not a select
		}
		body := l.code[m[2]:m[3]]
		text := body
		delta := 1 - 2*rng.IntN(2)
		if hi, lo, ok := strings.Cut(body, ":"); ok && !strings.Contains(body, "+:") {
			text = shifted(hi, delta) + ":" + shifted(lo, delta)
			if strings.Contains(text, "-") {
				text = shifted(hi, 1) + ":" + shifted(lo, 1)
			}
		} else if computed, width, ok := strings.Cut(body, " +:"); ok && strings.ContainsAny(computed, "rckg") {
			text = swapVariables(computed, rng) + " +:" + width
		} else if number.MatchString(body) {
			text = shifted(body, delta)
			if strings.HasPrefix(text, "-") {
				text = shifted(body, 1)
			}
		}
		if text != body {
			edits = append(edits, edit{m[2], m[3], text})
		}
	}
	return edits
}

// shifted adds delta to the last number of an expression.
func shifted(text string, delta int) string {
	all := number.FindAllStringIndex(text, -1)
	if len(all) == 0 {
		return text
	}
	m := all[len(all)-1]
	var v int
	fmt.Sscan(text[m[0]:m[1]], &v)
	return fmt.Sprintf("%s%d%s", text[:m[0]], v+delta, text[m[1]:])
}

var variable = regexp.MustCompile(`\b[rck]\b`)

// swapVariables exchanges r and c, or adds one to r, c or k.
func swapVariables(text string, rng *rand.Rand) string {
	if strings.Contains(text, "*r") && strings.Contains(text, "*c") && rng.IntN(2) == 0 {
		return strings.NewReplacer("*r", "*c", "*c", "*r").Replace(text)
	}
	m := variable.FindStringIndex(text)
	if m == nil {
		return text
	}
	return text[:m[0]] + "(" + text[m[0]:m[1]] + " ^ 1)" + text[m[1]:]
}

// stuckSignals replaces a signal of a handshake or of the control by a constant.
func stuckSignals(_ *source, l *line, rng *rand.Rand) (edits []edit) {
	if l.from < 0 || l.inROM {
		return nil
	}
	for _, m := range handshaked.FindAllStringIndex(l.code, -1) {
		if m[0] < l.from || strings.HasPrefix(l.code[m[1]:], "[") || strings.HasPrefix(l.code[m[1]:], " (") {
			continue
		}
		edits = append(edits, edit{m[0], m[1], fmt.Sprintf("1'b%d", rng.IntN(2))})
	}
	return edits
}

// resets changes the value with which a register begins, where start does not
// set the same value again, or takes reset away.
func resets(_ *source, l *line, rng *rand.Rand) []edit {
	if l.inReset || l.inStart {
		if l.again {
			return nil
		}
		if m := sized.FindStringIndex(l.code); m != nil {
			return []edit{{m[0], m[1], nextLiteral(l.code[m[0]:m[1]], rng.IntN(2) == 0)}}
		}
		return nil
	}
	if m := formReset.FindStringSubmatchIndex(l.code); m != nil {
		return []edit{{m[4] - 1, m[5], "1'b0"}}
	}
	if strings.Contains(l.code, ".rst_ni ") {
		open, end, _ := connection(l.code)
		return []edit{{open, end, "1'b1"}}
	}
	return nil
}

// cutProduct is the product of a positive constant and a part of a vector from bit 0.
var cutProduct = regexp.MustCompile(`^\s*(\w+)\s+<= [A-Z]\w* \* \$signed\(\w+\[(\d+):0\]\);$`)

// signs loses the sign of an extension, or of an operand of a product or of a
// comparison, where alone it matters: widths are equal everywhere else. A product that is
// cut to the width of its operand has the same bits with either sign.
func signs(s *source, l *line, _ *rand.Rand) (edits []edit) {
	if l.from < 0 {
		return nil
	}
	for _, m := range extension.FindAllStringSubmatchIndex(l.code, -1) {
		if m[2] >= l.from {
			edits = append(edits, edit{m[2], m[3], "1'b0"})
		}
	}
	for at := l.from; ; {
		i := strings.Index(l.code[at:], "$signed(")
		if i < 0 {
			break
		}
		lo := at + i
		at = lo + len("$signed(")
		if m := cutProduct.FindStringSubmatch(l.code); m != nil {
			high, declared := s.high[m[1]]
			if part, err := strconv.Atoi(m[2]); err == nil && declared && high <= part {
				continue
			}
		}
		if operand.MatchString(l.code[l.from:lo]) || operandBefore.MatchString(l.code[closing(l.code, at):]) {
			edits = append(edits, edit{lo, at - 1, "$unsigned"})
		}
	}
	return edits
}

// closing returns the offset behind the parenthesis that closes the one before at.
func closing(code string, at int) int {
	depth := 1
	for ; at < len(code) && depth > 0; at++ {
		switch code[at] {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	return at
}

// conditions negates a branch or an enable, or makes it stuck.
func conditions(_ *source, l *line, rng *rand.Rand) (edits []edit) {
	if formReset.MatchString(l.code) || l.inROM || l.from < 0 {
		return nil
	}
	if m := ifLine.FindStringSubmatchIndex(l.code); m != nil {
		text := []string{"!(" + l.code[m[2]:m[3]] + ")", "1'b0", "1'b1"}[rng.IntN(3)]
		return []edit{{m[2], m[3], text}}
	}
	for _, m := range choice.FindAllStringSubmatchIndex(l.code, -1) {
		if m[2] >= l.from && (m[2] == 0 || l.code[m[2]-1] != '\'') {
			edits = append(edits, edit{m[2], m[3], "!" + l.code[m[2]:m[3]]})
		}
	}
	return edits
}

// labels exchanges the label of a case for another of the same file.
func labels(s *source, l *line, rng *rand.Rand) []edit {
	m := caseLabel.FindStringSubmatchIndex(l.code)
	if m == nil || l.inROM {
		return nil
	}
	here := l.code[m[2]:m[3]]
	if sized.MatchString(here) {
		return []edit{{m[2], m[3], nextLiteral(here, rng.IntN(2) == 0)}}
	}
	var others []string
	for i := range s.lines {
		if o := caseLabel.FindStringSubmatch(s.lines[i].code); o != nil && o[1] != here && !s.lines[i].inROM {
			others = append(others, o[1])
		}
	}
	if len(others) == 0 {
		return nil
	}
	return []edit{{m[2], m[3], others[rng.IntN(len(others))]}}
}

// ports connects an input to what belongs to one of its neighbours.
func ports(_ *source, l *line, rng *rand.Rand) []edit {
	if len(l.connected) == 0 {
		return nil
	}
	open, end, here := connection(l.code)
	text := l.connected[rng.IntN(len(l.connected))]
	if text == here {
		return nil
	}
	return []edit{{open, end, text}}
}

// stages takes a register from the pipeline stage before or after.
func stages(s *source, l *line, rng *rand.Rand) (edits []edit) {
	if l.from < 0 {
		return nil
	}
	for _, m := range staged.FindAllStringSubmatchIndex(l.code, -1) {
		if m[0] < l.from {
			continue
		}
		base, n := l.code[m[2]:m[3]], 0
		fmt.Sscan(l.code[m[4]:m[5]], &n)
		var others []string
		for _, k := range []int{n - 1, n + 1} {
			name := base
			if k > 0 {
				name = fmt.Sprint(base, k)
			}
			if k >= 0 && s.names[name] && name != l.code[m[0]:m[1]] {
				others = append(others, name)
			}
		}
		if len(others) > 0 {
			edits = append(edits, edit{m[0], m[1], others[rng.IntN(len(others))]})
		}
	}
	return edits
}
