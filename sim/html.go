package sim

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// page is report.html: one file without references to any other.
var page = template.Must(template.New("report").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Design}}: {{.Verdict}}</title>
<style>
body { font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 90em; padding: 1.5em 2em 4em; color: #222; }
h1 { font-size: 1.6em; margin: 0 0 .6em; }
h2 { font-size: 1.25em; margin: 2.2em 0 0; padding-top: .4em; border-top: 2px solid #ccc; }
h3 { font-size: 1em; margin: 1.4em 0 .3em; }
a { color: #2b5b9e; } nav a { margin-right: 1.2em; }
code, .mono { font-family: ui-monospace, monospace; font-size: .95em; }
.verdict { color: #fff; padding: .1em .5em; border-radius: .2em; }
.pass { background: #0a7a2f; } .fail { background: #b00020; }
.cards { display: flex; flex-wrap: wrap; gap: 1em; margin: 0 0 1.2em; padding: 0; list-style: none; }
.cards li { border: 1px solid #ccc; border-radius: .3em; padding: .4em 1em; }
.cards b { display: block; font-size: 1.35em; font-variant-numeric: tabular-nums; }
.box { border-left: .4em solid #b00020; background: #fdf1f2; padding: .6em 1.2em; margin: 1em 0; overflow-x: auto; }
.box.note { border-color: #c98a00; background: #fdf7e8; }
.box h3 { margin: 0 0 .3em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15em .8em; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #888; vertical-align: bottom; white-space: normal; max-width: 9em; } td { border-bottom: 1px solid #e2e2e2; }
.t { text-align: left; } td.wrap { white-space: normal; }
.facts th { border: 0; text-align: left; vertical-align: top; padding-left: 0; } .facts td { border: 0; text-align: left; white-space: normal; }
.tables { display: flex; flex-wrap: wrap; gap: 0 3.5em; } .tables > div { max-width: 100%; }
.scroll { overflow-x: auto; }
.bar { display: inline-block; height: .7em; background: #4a7ebb; vertical-align: baseline; margin-right: .5em; }
.stack { display: flex; height: 1.4em; max-width: 60em; margin: .4em 0; }
.legend span { margin-right: 1.5em; } .legend i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; }
</style>
</head>
<body>
<h1>{{.Design}} <span class="verdict {{.Result}}">{{.Verdict}}</span></h1>
<ul class="cards">
{{range .Cards}}<li><b>{{.Value}}</b>{{.Label}}</li>
{{end}}</ul>
{{with .First}}<div class="box"><h3>First mismatch: {{.Message}}</h3>
<table class="facts">
{{range .Facts}}<tr><th>{{.Label}}</th><td class="mono">{{.Value}}</td></tr>
{{end}}</table></div>
{{end}}{{if .Notes}}<div class="box note">{{range .Notes}}<div>{{.}}</div>
{{end}}</div>
{{end}}<nav>{{if .Alive}}<a href="#alive">How alive is the step?</a>{{end}}{{range .Sections}} <a href="#{{.ID}}">{{.Title}}</a>{{end}}</nav>
{{if .Causes}}<h2>Where the cycles go</h2>
<div class="stack">{{range .Causes}}<div style="width:{{.Width}}%;background:{{.Color}}" title="{{.Name}}"></div>{{end}}</div>
<p class="legend">{{range .Causes}}<span><i style="background:{{.Color}}"></i>{{.Name}} {{.Share}}</span>{{end}}</p>
{{end}}{{if .Alive}}<h2 id="alive">How alive is the step?</h2>
<div class="scroll"><table>
<tr><th class="t">layer</th><th class="t">neurons that differ between s+ and s-</th><th class="t">weights that changed</th><th>in reach</th></tr>
{{range .Alive}}<tr><td class="t">{{.Name}}</td>
<td class="t"><span class="bar" style="width:{{.DifferingPx}}px"></span>{{.Differing}}</td>
<td class="t"><span class="bar" style="width:{{.ChangedPx}}px"></span>{{.Changed}}</td><td>{{.Reachable}}</td></tr>
{{end}}</table></div>
{{end}}{{range .Sections}}<h2 id="{{.ID}}">{{.Title}}</h2>
<div class="tables">
{{range .Tables}}<div><h3>{{.Title}}</h3>
<div class="scroll"><table>
<tr>{{range .Head}}<th{{if .Text}} class="t"{{end}}>{{.Cell}}</th>{{end}}</tr>
{{range .Rows}}<tr>{{range .}}<td{{if .Text}} class="t"{{end}}>{{.Cell}}</td>{{end}}</tr>
{{end}}</table></div></div>
{{end}}</div>
{{end}}</body>
</html>
`))

// pageCell is a cell, in a column of words or of numbers.
type pageCell struct {
	Cell string
	Text bool
}

type pageTable struct {
	Title string
	Head  []pageCell
	Rows  [][]pageCell
}

type pageSection struct {
	ID, Title string
	Tables    []pageTable
}

type pageFact struct{ Label, Value string }

type pageMismatch struct {
	Message string
	Facts   []pageFact
}

// pageCause is a part of the cycles.
type pageCause struct{ Name, Share, Width, Color string }

// aliveRow has the lengths of two bars in pixels, 200 for everything.
type aliveRow struct {
	Name                          string
	Differing, Changed, Reachable string
	DifferingPx, ChangedPx        int
}

// WriteHTML renders a report as one self-contained page. est may be nil.
func WriteHTML(w io.Writer, r *Report, est *EstimateFile) error {
	data := struct {
		Design, Result, Verdict string
		Cards                   []pageFact
		First                   *pageMismatch
		Notes                   []string
		Causes                  []pageCause
		Alive                   []aliveRow
		Sections                []pageSection
	}{
		Design: r.Design, Result: r.Result, Verdict: strings.ToUpper(r.Result),
		Cards: r.cards(), First: r.firstMismatch(), Causes: r.causes(),
	}
	for _, f := range r.Edited {
		data.Notes = append(data.Notes, f+" is not as epgen wrote it")
	}
	data.Notes = append(data.Notes, r.Warnings...)
	for _, l := range r.Layers {
		if !r.trains() {
			break
		}
		data.Alive = append(data.Alive, aliveRow{
			Name: l.Name, Differing: percent(l.Differing), Changed: percent(l.WeightsChanged), Reachable: percent(l.Model.WeightsReachable),
			DifferingPx: int(200 * l.Differing), ChangedPx: int(200 * l.WeightsChanged),
		})
	}
	result := pageSection{ID: "simulation", Title: "Simulation"}
	prediction := pageSection{ID: "prediction", Title: "Prediction of the generator"}
	formats := pageSection{ID: "formats", Title: "Number formats"}
	for _, t := range r.tables(est) {
		if len(t.rows) == 0 {
			continue
		}
		section := &result
		switch {
		case t.title == quantityTitle:
			section = &formats
		case strings.HasPrefix(t.title, predictionTitle):
			section = &prediction
		}
		section.Tables = append(section.Tables, t.page())
	}
	for _, s := range []pageSection{result, prediction, formats} {
		if len(s.Tables) > 0 {
			data.Sections = append(data.Sections, s)
		}
	}
	return page.Execute(w, data)
}

// cards are the figures that everybody looks at.
func (r *Report) cards() []pageFact {
	list := []pageFact{
		{"values compared", thousands(r.Compared) + " of " + thousands(r.ComparedPredicted)},
		{"mismatches", thousands(r.Mismatches)},
		{"cycles simulated", thousands(r.Cycles.Simulated)},
	}
	if p := r.Cycles.Predicted; p != nil {
		list = append(list, pageFact{"cycles predicted", thousands(*p)})
	}
	return append(list,
		pageFact{"of the multipliers do useful work", percent(r.Utilization)},
		pageFact{"simulated", fmt.Sprintf("%.0f MMAC/s", r.MMACPerSecond)})
}

// firstMismatch lists what is known of the first mismatch, or returns nil.
func (r *Report) firstMismatch() *pageMismatch {
	m := r.FirstMismatch
	if m == nil {
		return nil
	}
	p := &pageMismatch{Message: m.Message}
	add := func(label, value string) {
		if value != "" {
			p.Facts = append(p.Facts, pageFact{label, value})
		}
	}
	add("where", m.Place())
	if m.Expected != nil {
		add("expected", m.ExpectedHex+realText(m.ExpectedReal))
		add("got", m.GotHex+realText(m.GotReal))
	}
	add("signal", m.Signal)
	if r.Wave != "" {
		add("waveform", "report/"+r.Wave)
	}
	add("replay", r.Replay)
	return p
}

// causes splits the cycles of the last run by what they were spent on.
func (r *Report) causes() []pageCause {
	if len(r.Runs) == 0 {
		return nil
	}
	counters := r.Runs[len(r.Runs)-1].Counters
	all := counters["cycles"]
	if all == 0 {
		return nil
	}
	var list []pageCause
	for _, c := range []struct{ name, counter, color string }{
		{"array working", "array", "#3a7d44"}, {"waiting for slabs", "wait_fetch", "#c98a00"},
		{"waiting for the store", "wait_store", "#b0562c"}, {"set-up, fill and flush", "overhead", "#9aa5b1"},
	} {
		share := float64(counters[c.counter]) / float64(all)
		list = append(list, pageCause{c.name, percent(share), fmt.Sprintf("%.2f", 100*share), c.color})
	}
	return list
}

var numeric = regexp.MustCompile(`^(-|[-+]?[0-9][0-9,]*(\.[0-9]+)?(e[-+]?[0-9]+)?( %)?)$`)

// page marks the columns that hold words: the first, and all with a cell that
// is not a number.
func (t *table) page() pageTable {
	isText := func(column int) bool {
		for _, row := range t.rows {
			if column < len(row) && !numeric.MatchString(row[column]) {
				return true
			}
		}
		return column == 0
	}
	p := pageTable{Title: t.title}
	for i, h := range t.head {
		p.Head = append(p.Head, pageCell{h, isText(i)})
	}
	for _, row := range t.rows {
		var cells []pageCell
		for i, c := range row {
			cells = append(cells, pageCell{c, isText(i)})
		}
		p.Rows = append(p.Rows, cells)
	}
	return p
}

// WriteAll writes report.json, report.txt and report.html to dir, and the text,
// or the JSON instead, to w.
func (r *Report) WriteAll(dir string, w io.Writer, asJSON bool) error {
	est, err := ReadEstimate(filepath.Join(dir, "estimate.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var page, text bytes.Buffer
	if err := WriteHTML(&page, r, est); err != nil {
		return err
	}
	if err := WriteText(&text, r, est); err != nil {
		return err
	}
	object, err := r.JSON()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"report.json": object, "report.txt": text.Bytes(), "report.html": page.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			return err
		}
	}
	if asJSON {
		text = *bytes.NewBuffer(object)
	}
	_, err = w.Write(text.Bytes())
	return err
}
