package mutate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"epgen/sim"
)

// Outcome is what became of a mutant.
type Outcome struct {
	Mutant
	Trial  string        // that caught it, "" if none
	Place  *sim.Mismatch // the first mismatch
	Reason string        // why it is not caught, or not valid
	Valid  bool          // it builds
}

// Caught reports whether a simulation failed and named a place.
func (o *Outcome) Caught() bool { return o.Valid && o.Trial != "" && o.Place != nil }

// Campaign tests the verdict with a number of mutants.
type Campaign struct {
	Count   int
	Seed    uint64
	Jobs    int      // simulations at a time
	Designs []string // of DesignNames
	Dir     string   // where to work

	// Done, if not nil, is told of every outcome, in any order.
	Done func(Outcome)
}

// Run prepares the designs, on which every trial must pass, and tests Count
// valid mutants. The outcomes, invalid ones among them, are in the order of the
// queue and do not depend on Jobs.
func (c *Campaign) Run(ctx context.Context) ([]Outcome, error) {
	benches, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	rtl := map[string]map[string][]byte{}
	for name, b := range benches[0] {
		rtl[name] = b.rtl
	}
	return c.test(ctx, benches, NewQueue(c.Seed, rtl))
}

// prepare returns the benches of every worker, by design.
func (c *Campaign) prepare(ctx context.Context) ([]map[string]*Bench, error) {
	benches := make([]map[string]*Bench, max(1, c.Jobs))
	for i := range benches {
		benches[i] = map[string]*Bench{}
	}
	errs := make([]error, len(c.Designs))
	var mu sync.Mutex
	limit := make(chan struct{}, max(1, c.Jobs))
	var wg sync.WaitGroup
	for k, name := range c.Designs {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			list, err := c.prepareDesign(ctx, name)
			errs[k] = err
			mu.Lock()
			defer mu.Unlock()
			for i, b := range list {
				benches[i][name] = b
			}
		})
	}
	wg.Wait()
	return benches, errors.Join(errs...)
}

// prepareDesign builds a design once, checks that it passes every trial, and
// copies it for the other workers.
func (c *Campaign) prepareDesign(ctx context.Context, name string) ([]*Bench, error) {
	cfg, err := ReadDesign(name, c.Dir)
	if err != nil {
		return nil, err
	}
	first, err := NewBench(ctx, name, filepath.Join(c.Dir, name+"-0"), cfg)
	if err != nil {
		return nil, fmt.Errorf("design %s: %w", name, err)
	}
	if err := first.Build(ctx, nil); err != nil {
		return nil, fmt.Errorf("design %s: %w", name, err)
	}
	for i := range Trials {
		r, err := first.Try(ctx, &Trials[i])
		if err == nil && !r.Pass() {
			err = fmt.Errorf("fails, want a pass: %s", describe(r.FirstMismatch))
		}
		if err != nil {
			return nil, fmt.Errorf("design %s without a mutant, trial %s: %w", name, Trials[i].Name, err)
		}
	}
	list := []*Bench{first}
	for i := 1; i < max(1, c.Jobs); i++ {
		b, err := first.Clone(filepath.Join(c.Dir, fmt.Sprintf("%s-%d", name, i)))
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

// test takes mutants from the queue until Count of them were valid. A mutant
// is drawn only when those under way cannot be enough, so that always the same
// ones are tested.
func (c *Campaign) test(ctx context.Context, benches []map[string]*Bench, q *Queue) ([]Outcome, error) {
	var (
		mu       sync.Mutex
		changed  = sync.NewCond(&mu)
		outcomes []Outcome
		open     = c.Count // mutants still to be drawn, if all under way are valid
		running  int
		failed   error
		wg       sync.WaitGroup
	)
	// take returns the place of the next outcome, or -1 at the end.
	take := func() (int, Mutant) {
		mu.Lock()
		defer mu.Unlock()
		for open == 0 && running > 0 && failed == nil {
			changed.Wait()
		}
		if open == 0 || failed != nil {
			return -1, Mutant{}
		}
		open--
		running++
		m := q.Next()
		outcomes = append(outcomes, Outcome{Mutant: m})
		return len(outcomes) - 1, m
	}
	for _, mine := range benches {
		wg.Go(func() {
			for {
				i, m := take()
				if i < 0 {
					return
				}
				o, err := judge(ctx, mine[m.Design], m)
				mu.Lock()
				outcomes[i] = o
				running--
				if err != nil && failed == nil {
					failed = err
				}
				if !o.Valid {
					open++
				}
				if c.Done != nil && err == nil {
					c.Done(o)
				}
				changed.Broadcast()
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return outcomes, failed
}

// judge builds one mutant and makes trials until one fails, at last that of the block
// alone. A simulation that ends without a verdict does not count as caught.
func judge(ctx context.Context, b *Bench, m Mutant) (Outcome, error) {
	o := Outcome{Mutant: m}
	if err := b.Build(ctx, &m); err != nil {
		if !errors.Is(err, ErrInvalid) {
			return o, err
		}
		o.Reason = err.Error()
		return o, nil
	}
	o.Valid = true
	for i := range Trials {
		t := &Trials[i]
		r, err := b.Try(ctx, t)
		if ctx.Err() != nil {
			return o, context.Cause(ctx)
		}
		if err != nil {
			o.Reason = fmt.Sprintf("trial %s: %v", t.Name, err)
			return o, nil
		}
		if r.Pass() {
			continue
		}
		if o.Trial = t.Name; r.FirstMismatch == nil || r.FirstMismatch.Signal == "" {
			o.Reason = fmt.Sprintf("trial %s fails but names no place", t.Name)
			return o, nil
		}
		o.Place = r.FirstMismatch
		return o, nil
	}
	place, err := b.TryBlock(&m)
	switch {
	case ctx.Err() != nil:
		return o, context.Cause(ctx)
	case err != nil:
		o.Reason = fmt.Sprintf("trial %s: %v", BlockTrial, err)
	case place != nil:
		o.Trial, o.Place = BlockTrial, place
	default:
		o.Reason = "passes every trial"
	}
	return o, nil
}

// describe says what a mismatch is and where.
func describe(m *sim.Mismatch) string {
	if m == nil {
		return "no place named"
	}
	return m.Place() + ": " + m.Message + " (" + m.Signal + ")"
}
