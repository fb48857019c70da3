package sim

import (
	"bytes"
	"errors"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// page is report.html: one file without references to any other.
var page = template.Must(template.New("report").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{.Design}}: {{.Result}}</title>
<style>
body { font: 14px/1.5 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
.pass { color: #0a7a2f; } .fail { color: #b00020; }
table { border-collapse: collapse; } th, td { padding: .2em .8em; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #888; } td { border-bottom: 1px solid #ddd; }
th:first-child, td:first-child, td:last-child.text { text-align: left; }
.scroll { overflow-x: auto; } pre { background: #f4f4f4; padding: .8em; overflow-x: auto; }
.bar { display: inline-block; height: .7em; background: #4a7ebb; vertical-align: middle; }
</style>
</head>
<body>
<h1>{{.Design}}: <span class="{{.Result}}">{{.Verdict}}</span></h1>
<p>{{.Summary}}</p>
<pre>{{range .Headlines}}{{.}}
{{end}}</pre>
<h2>How alive is the step?</h2>
<div class="scroll"><table>
<tr><th>layer</th><th>differing between s+ and s-</th><th>weights changed</th></tr>
{{range .Alive}}<tr><td>{{.Name}}</td>
<td><span class="bar" style="width:{{.DifferingPx}}px"></span> {{.Differing}}</td>
<td><span class="bar" style="width:{{.ChangedPx}}px"></span> {{.Changed}}</td></tr>
{{end}}</table></div>
{{range .Tables}}<h2>{{.Title}}</h2>
<div class="scroll"><table>
<tr>{{range .Head}}<th>{{.}}</th>{{end}}</tr>
{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</table></div>
{{end}}</body>
</html>
`))

type pageTable struct {
	Title string
	Head  []string
	Rows  [][]string
}

// aliveRow has the lengths of two bars in pixels, 200 for everything.
type aliveRow struct {
	Name                   string
	Differing, Changed     string
	DifferingPx, ChangedPx int
}

// WriteHTML renders a report as one self-contained page. est may be nil.
func WriteHTML(w io.Writer, r *Report, est *EstimateFile) error {
	data := struct {
		Design, Result, Verdict, Summary string
		Headlines                        []string
		Alive                            []aliveRow
		Tables                           []pageTable
	}{
		Design: r.Design, Result: r.Result, Verdict: strings.ToUpper(r.Result),
		Summary: thousands(r.Compared) + " values compared of " + thousands(r.ComparedPredicted) +
			", " + thousands(r.Mismatches) + " mismatches",
		Headlines: r.headlines(),
	}
	for _, l := range r.Layers {
		data.Alive = append(data.Alive, aliveRow{
			Name: l.Name, Differing: percent(l.Differing), Changed: percent(l.WeightsChanged),
			DifferingPx: int(200 * l.Differing), ChangedPx: int(200 * l.WeightsChanged),
		})
	}
	for _, t := range r.tables(est) {
		if len(t.rows) > 0 {
			data.Tables = append(data.Tables, pageTable{t.title, t.head, t.rows})
		}
	}
	return page.Execute(w, data)
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
