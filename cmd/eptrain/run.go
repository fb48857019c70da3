package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"epgen/cmd/internal/cli"
	"epgen/ep"
)

// Files of a run.
const (
	settingsName   = "train.json"
	configName     = "config.toml"
	checkpointName = "checkpoint.npz"
	metricsName    = "metrics.jsonl"
)

// savePeriod is the time between checkpoints within an epoch. It does not
// change what is computed.
const savePeriod = 2 * time.Minute

// runState is a run on disk and in progress.
type runState struct {
	s       *settings
	t       *ep.Trainer
	metrics []ep.Metrics
	saved   time.Time
}

// openRun begins a run in a new or empty directory, or reads back one to resume.
func openRun(s *settings, cfg *ep.Config, t *ep.Trainer) (*runState, error) {
	r := &runState{s: s, t: t, saved: time.Now()}
	if s.Resume {
		return r, r.read()
	}
	entries, err := os.ReadDir(s.Out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("directory of the run %s: %w", s.Out, cli.OSCause(err))
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("directory of the run %s: has contents, want a new or empty one, or -resume", s.Out)
	}
	if err := os.MkdirAll(s.Out, 0o777); err != nil {
		return nil, fmt.Errorf("directory of the run %s: %w", s.Out, cli.OSCause(err))
	}
	for _, path := range []*string{&s.Data, &s.Teacher} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	states := s.sources.States
	if states != "" && states != ep.RandomStates {
		if states, err = filepath.Abs(states); err != nil {
			return nil, err
		}
	}
	err = r.write(configName, func(w io.Writer) error { return ep.WriteTOML(w, cfg, ep.Sources{States: states}) })
	if err != nil {
		return nil, err
	}
	err = r.write(settingsName, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, r.save() // initial weights may come from a file that changes
}

// read restores trainer and metrics. Metrics of epochs that ended after the
// checkpoint are dropped: those epochs run again.
func (r *runState) read() error {
	// What a run left that died while it wrote.
	if stale, err := filepath.Glob(filepath.Join(r.s.Out, ".*.*-*")); err == nil {
		for _, path := range stale {
			_ = os.Remove(path)
		}
	}
	if err := r.t.ReadCheckpoint(filepath.Join(r.s.Out, checkpointName)); err != nil {
		return err
	}
	path := filepath.Join(r.s.Out, metricsName)
	list, err := readMetrics(path)
	if errors.Is(err, fs.ErrNotExist) {
		list, err = nil, nil // written with the first epoch
	}
	if err != nil {
		return err
	}
	if len(list) < r.t.Epoch {
		return fmt.Errorf("%s: %d epochs, want the %d of %s", path, len(list), r.t.Epoch, checkpointName)
	}
	r.metrics = list[:r.t.Epoch]
	return nil
}

// best returns the highest test accuracy so far.
func (r *runState) best() float64 {
	best := 0.0
	for _, m := range r.metrics {
		best = max(best, m.TestAccuracy)
	}
	return best
}

// loop trains until all epochs are over. A signal ends it after the present
// mini-batch, with a checkpoint.
func (r *runState) loop(w io.Writer, stop <-chan os.Signal) error {
	for !r.t.Done() {
		start, bar := time.Now(), r.bar()
		first := r.t.Batch
		loss, correct := 0.0, 0
		for r.t.Batch < r.t.Batches() {
			batchLoss, batchCorrect, err := r.t.Step()
			if err != nil {
				return err
			}
			loss, correct = loss+batchLoss, correct+batchCorrect
			done := r.t.Batch - first
			bar.show(loss/float64(done), float64(correct)/float64(done*r.s.config.Batch), r.s.config.Batch)
			select {
			case <-stop:
				if err := r.save(); err != nil {
					return err
				}
				_, err := fmt.Fprintf(w, "\ninterrupted in epoch %d; eptrain -resume %s goes on\n", r.t.Epoch+1, r.s.Out)
				return err
			default:
			}
			if time.Since(r.saved) > savePeriod {
				if err := r.save(); err != nil {
					return err
				}
			}
		}
		samples := (r.t.Batch - first) * r.s.config.Batch
		seconds := time.Since(start).Seconds()
		m := r.t.EndEpoch()
		test := r.t.Evaluate(nil)
		m.TestLoss, m.TestAccuracy = test.Loss, test.Accuracy
		m.Seconds, m.Throughput = seconds, float64(samples)/seconds
		if err := r.endEpoch(m); err != nil {
			return err
		}
		bar.clear()
		_, err := fmt.Fprintf(w,
			"epoch %d: loss %.4f, accuracy %.2f %%, test loss %.4f, test accuracy %.2f %%, %.0f samples/s\n",
			m.Epoch, m.Loss, 100*m.Accuracy, m.TestLoss, 100*m.TestAccuracy, m.Throughput)
		if err != nil {
			return err
		}
		if text := m.Death(r.s.config.Batch); text != "" && !r.s.Options.Backprop {
			if _, err := fmt.Fprintf(w, "warning: %s\n", text); err != nil {
				return err
			}
		}
	}
	return nil
}

// endEpoch writes weights, metrics and, last, the checkpoint: until then the run
// resumes before the epoch's end.
func (r *runState) endEpoch(m ep.Metrics) error {
	isBest := m.TestAccuracy > r.best() || len(r.metrics) == 0
	r.metrics = append(r.metrics, m)
	if isBest {
		if err := r.write("best.npz", r.t.WriteWeights); err != nil {
			return err
		}
	}
	if err := r.write("last.npz", r.t.WriteWeights); err != nil {
		return err
	}
	err := r.write(metricsName, func(w io.Writer) error {
		e := json.NewEncoder(w)
		for _, m := range r.metrics {
			if err := e.Encode(m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.save()
}

func (r *runState) save() error {
	r.saved = time.Now()
	return r.write(checkpointName, r.t.WriteCheckpoint)
}

func (r *runState) write(name string, f func(w io.Writer) error) error {
	return writeAtomic(filepath.Join(r.s.Out, name), f)
}

// writeAtomic replaces a file by what f writes, or leaves it as it was: the
// contents are on the disk under another name before they take this one.
func writeAtomic(path string, f func(w io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("%s: %w", path, cli.OSCause(err))
	}
	defer os.Remove(file.Name()) // fails, rightly, once it is renamed
	b := bufio.NewWriterSize(file, 1<<20)
	err = f(b)
	for _, finish := range []func() error{b.Flush, func() error { return file.Chmod(0o666 &^ umask) }, file.Sync} {
		if err == nil {
			err = finish()
		}
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, cli.OSCause(err))
	}
	return nil
}

// umask is the usual one; a temporary file would be readable by its owner alone.
const umask = 0o022

// epochBar shows the progress of an epoch on a terminal.
type epochBar struct{ bar *progressbar.ProgressBar }

func (r *runState) bar() epochBar {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return epochBar{}
	}
	b := progressbar.NewOptions(r.t.Batches()*r.s.config.Batch,
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetWidth(20),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("samples"),
		progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetDescription(fmt.Sprintf("epoch %d", r.t.Epoch+1)),
	)
	_ = b.Set(r.t.Batch * r.s.config.Batch)
	return epochBar{b}
}

// show counts samples as done. A bar that cannot be drawn is no reason to stop.
func (b epochBar) show(loss, accuracy float64, samples int) {
	if b.bar == nil {
		return
	}
	b.bar.Describe(fmt.Sprintf("loss %.4f, accuracy %.1f %%", loss, 100*accuracy))
	_ = b.bar.Add(samples)
}

func (b epochBar) clear() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}
