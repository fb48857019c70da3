package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"epgen/cmd/internal/cli"
	"epgen/ep"
)

// readMetrics returns the epochs of a run.
func readMetrics(path string) ([]ep.Metrics, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, cli.OSCause(err))
	}
	var list []ep.Metrics
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m ep.Metrics
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, len(list)+1, err)
		}
		list = append(list, m)
	}
	return list, lines.Err()
}

// compare prints the accuracies of several runs, of which the flag lists the directories
// between commas, and with -o draws their test accuracies and losses in common plots.
func compare(s *settings, w io.Writer) error {
	var accuracy, loss []curve
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "run\tepochs\tbest test accuracy\tlast test accuracy\tlast training accuracy")
	for dir := range strings.SplitSeq(s.Compare, ",") {
		list, err := readMetrics(filepath.Join(dir, metricsName))
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("%s: no epochs, want at least one", filepath.Join(dir, metricsName))
		}
		name, best := filepath.Base(dir), 0.0
		a, l := curve{name: name}, curve{name: name}
		for _, m := range list {
			a.y, l.y = append(a.y, m.TestAccuracy), append(l.y, m.TestLoss)
			best = max(best, m.TestAccuracy)
		}
		accuracy, loss = append(accuracy, a), append(loss, l)
		last := list[len(list)-1]
		fmt.Fprintf(t, "%s\t%d\t%.2f %%\t%.2f %%\t%.2f %%\n", name, len(list), 100*best, 100*last.TestAccuracy, 100*last.Accuracy)
	}
	if err := t.Flush(); err != nil || s.Out == "" {
		return err
	}
	if err := os.MkdirAll(s.Out, 0o777); err != nil {
		return fmt.Errorf("directory %s: %w", s.Out, cli.OSCause(err))
	}
	if err := draw(s.Out, "test-accuracy", "epoch", "test accuracy", false, accuracy); err != nil {
		return err
	}
	return draw(s.Out, "test-loss", "epoch", "test loss", true, loss)
}
