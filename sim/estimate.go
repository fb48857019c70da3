package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"epgen/gen"
)

// EstimateJSON returns report/estimate.json: the prediction of the generator
// and the formats and ranges of the arithmetic.
func EstimateJSON(d *gen.Design) ([]byte, error) {
	file := struct {
		*gen.Estimate
		Quantities []Quantity `json:"quantities"`
	}{d.Estimate(d.Cfg.Memory.ReadLatency), Quantities(d.Plan)}
	text, err := json.MarshalIndent(file, "", "  ")
	return append(text, '\n'), err
}

// EstimateFile is estimate.json as the reports show it: what it holds is the
// generator's affair, so every list of objects simply becomes a table.
type EstimateFile struct {
	Quantities []Quantity
	figures    estimateFigures
	tables     []*table
}

// predictionTitle begins the titles of the tables of the prediction.
const predictionTitle = "Prediction"

// estimateFigures are what the simulation can be held against.
type estimateFigures struct {
	ReadLatency int    `json:"read_latency"`
	Cycles      uint64 `json:"cycles"`
	Array       uint64 `json:"array_cycles"`
	WaitFetch   uint64 `json:"wait_fetch_cycles"`
	WaitStore   uint64 `json:"wait_store_cycles"`
	Overhead    uint64 `json:"overhead_cycles"`
}

// ReadEstimate reads estimate.json.
func ReadEstimate(path string) (*EstimateFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	e, err := parseEstimate(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

func parseEstimate(text []byte) (*EstimateFile, error) {
	var own struct{ Quantities []Quantity }
	if err := json.Unmarshal(text, &own); err != nil {
		return nil, err
	}
	e := &EstimateFile{Quantities: own.Quantities}
	if err := json.Unmarshal(text, &e.figures); err != nil {
		return nil, err
	}
	top, err := members(text)
	if err != nil {
		return nil, err
	}
	general := &table{title: predictionTitle, head: []string{"figure", "value"}}
	e.tables = append(e.tables, general)
	for _, m := range top {
		if m.key == "quantities" {
			continue
		}
		if m.value[0] != '[' {
			if err := general.addScalars(m.key, m.value); err != nil {
				return nil, err
			}
			continue
		}
		t, err := listTable(m)
		if err != nil {
			return nil, err
		}
		e.tables = append(e.tables, t)
	}
	return e, nil
}

// member is a key of a JSON object with its value, in the order of the text.
type member struct {
	key   string
	value json.RawMessage
}

func members(object []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var list []member
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("%v, want an object", key)
		}
		list = append(list, member{name, value})
	}
	return list, nil
}

// addScalars adds a value, or those of an object within, as rows.
func (t *table) addScalars(key string, value json.RawMessage) error {
	if value[0] != '{' {
		t.add(words(key), scalar(key, value))
		return nil
	}
	inner, err := members(value)
	if err != nil {
		return err
	}
	for _, m := range inner {
		if err := t.addScalars(key+" "+m.key, m.value); err != nil {
			return err
		}
	}
	return nil
}

// listTable makes a table of a list of objects; the keys of the first are its
// columns.
func listTable(list member) (*table, error) {
	var rows []json.RawMessage
	if err := json.Unmarshal(list.value, &rows); err != nil {
		return nil, err
	}
	t := &table{title: predictionTitle + ": " + words(list.key)}
	for _, row := range rows {
		if row[0] != '{' {
			t.head = []string{words(list.key)}
			t.add(scalar(list.key, row))
			continue
		}
		cells, err := members(row)
		if err != nil {
			return nil, err
		}
		var head, line []string
		for _, c := range cells {
			head = append(head, words(c.key))
			line = append(line, scalar(c.key, c.value))
		}
		if t.head == nil {
			t.head = head
		}
		t.rows = append(t.rows, line)
	}
	return t, nil
}

func words(key string) string { return strings.ReplaceAll(key, "_", " ") }

// scalar prints a JSON value for people: integers with separators, utilisations
// as shares, texts bare.
func scalar(key string, value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var integer int64
	if json.Unmarshal(value, &integer) == nil {
		return thousands(integer)
	}
	var real float64
	if json.Unmarshal(value, &real) == nil {
		if strings.HasSuffix(key, "utilization") {
			return percent(real)
		}
		return fmt.Sprintf("%.5g", real)
	}
	return string(value)
}
