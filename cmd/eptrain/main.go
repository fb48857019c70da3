// Eptrain trains and evaluates the networks that epgen generates hardware
// for, by equilibrium propagation in float64 or in the arithmetic of the
// hardware, and compares its gradients with BPTT. See eptrain -help.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"epgen/cmd/internal/cli"
	"epgen/ep"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		if err = usage(os.Stdout); err == nil {
			return
		}
	}
	if err != nil {
		cli.Fail("eptrain", err)
	}
}

// run does what the arguments ask for; results go to w, progress to standard error.
func run(args []string, w io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	switch {
	case s.Trace != "":
		return trace(s)
	case s.Teach != "":
		return teach(s)
	case s.GradCheck:
		return gradCheck(s, w)
	case s.Effect:
		return effect(s, w)
	case s.Precision:
		return precision(s, w)
	case s.Evaluate:
		return evaluate(s, w)
	case s.Compare != "":
		return compare(s, w)
	case s.Linear:
		return linear(s, w)
	}
	return train(s, w)
}

// train trains from the beginning or from a checkpoint until all epochs are over
// or the user interrupts.
func train(s *settings, w io.Writer) error {
	r, err := start(s)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)
	if err := r.loop(w, stop); err != nil {
		return err
	}
	if err := r.plots(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "best test accuracy %.2f %%; weights, metrics and plots in %s\n", 100*r.best(), s.Out)
	return err
}

// trainer loads what a trainer needs and makes it.
func (s *settings) trainer() (*ep.Trainer, *ep.Dataset, error) {
	cfg, data, p, err := s.load()
	if err != nil {
		return nil, nil, err
	}
	t, err := ep.NewTrainer(cfg, s.Options, p, data)
	return t, data, err
}

// start loads what a run needs and opens its directory.
func start(s *settings) (*runState, error) {
	t, _, err := s.trainer()
	if err != nil {
		return nil, err
	}
	return openRun(s, s.config, t)
}

// gradCheck compares the estimates of one batch with BPTT and prints the table.
func gradCheck(s *settings, w io.Writer) error {
	cfg, data, p, err := s.load()
	if err != nil {
		return err
	}
	samples, err := s.samples(cfg, data)
	if err != nil {
		return err
	}
	var c *ep.GradientCheck
	if s.Options.Fixed {
		m, e := ep.NewFixed(cfg)
		if e != nil {
			return e
		}
		c, err = m.CheckGradient(p.Quantize(&cfg.Formats), samples.Quantize(cfg))
	} else {
		m, e := ep.NewFloat(cfg)
		if e != nil {
			return e
		}
		c, err = m.CheckGradient(p, samples)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "estimate against BPTT: %s, beta %v, %d free and %d nudged steps, %v indices, %d samples\n\n",
		s.arithmetic(), cfg.Beta, cfg.FreeSteps, cfg.NudgeSteps, cfg.PoolIndex, cfg.Batch)
	if err := c.WriteTable(w); err != nil {
		return err
	}
	if err := adviseShifts(w, cfg, p, samples); err != nil || s.Out == "" {
		return err
	}
	return plotCheck(s.Out, c)
}

// evaluate prints loss and accuracy of the given weights on the test samples.
func evaluate(s *settings, w io.Writer) error {
	t, data, err := s.trainer()
	if err != nil {
		return err
	}
	score := t.Evaluate(nil)
	_, err = fmt.Fprintf(w, "%s, %s: loss %.4f, accuracy %.2f %% of %d test samples\n",
		data.Name, s.arithmetic(), score.Loss, 100*score.Accuracy, data.Test.Len())
	return err
}

// linear trains the linear classifier that results are measured against.
func linear(s *settings, w io.Writer) error {
	cfg, data, _, err := s.load()
	if err != nil {
		return err
	}
	best := 0.0
	err = ep.TrainLinear(cfg, s.Options, data, func(epoch int, train, test ep.Score) {
		best = max(best, test.Accuracy)
		fmt.Fprintf(w, "epoch %d: loss %.4f, accuracy %.2f %%, test loss %.4f, test accuracy %.2f %%\n",
			epoch, train.Loss, 100*train.Accuracy, test.Loss, 100*test.Accuracy)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s, linear classifier: best test accuracy %.2f %%\n", data.Name, 100*best)
	return err
}

// trace writes the trace of one batch.
func trace(s *settings) error {
	cfg, data, p, err := s.load()
	if err != nil {
		return err
	}
	samples, err := s.samples(cfg, data)
	if err != nil {
		return err
	}
	return writeAtomic(s.Trace, func(w io.Writer) error { return ep.WriteTrace(w, cfg, s.Options.Fixed, p, samples) })
}
