package fuzz

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"os"
)

// Campaign checks designs.
type Campaign struct {
	Seed  uint64 // of the first design; those of the others follow
	Count int
	Jobs  int    // designs at a time
	Dir   string // where packages are made; each is removed when it has passed
	Kept  map[string]Settings

	// ShrinkFor bounds the making smaller of one failing design; 0 does without.
	ShrinkFor time.Duration

	// Done is told of every design, in any order.
	Done func(r Result)
}

// thoroughEvery says that every so many designs are read by all three tools.
const thoroughEvery = 8

// Result is the outcome of one design.
type Result struct {
	Name     string // "seed 7", or the name of a kept design
	Settings Settings
	Failure  *Failure
	Smaller  Settings // that fails too, if there was a failure
	Seconds  float64
}

// Run checks the kept designs, then those of the seeds, and returns how many
// failed. It is an error if a design could not be checked.
func (c *Campaign) Run(ctx context.Context) (failed int, err error) {
	type job struct {
		name     string
		settings func() (Settings, error)
		thorough bool
	}
	var list []job
	for name, s := range c.Kept {
		list = append(list, job{name, func() (Settings, error) { return s, nil }, true})
	}
	for i := range uint64(c.Count) {
		seed := c.Seed + i
		list = append(list, job{fmt.Sprint("seed ", seed), func() (Settings, error) { return Draw(seed) }, seed%thoroughEvery == 0})
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan job)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for worker := range max(1, c.Jobs) {
		wg.Go(func() {
			for j := range jobs {
				s, err := j.settings()
				var r Result
				if err == nil {
					r, err = c.one(ctx, s, filepath.Join(c.Dir, fmt.Sprint("job", worker)), j.thorough)
				}
				if err != nil {
					cancel(err)
					continue
				}
				r.Name = j.name
				mu.Lock()
				if r.Failure != nil {
					failed++
				}
				c.Done(r)
				mu.Unlock()
			}
		})
	}
	for _, j := range list {
		if ctx.Err() != nil {
			break
		}
		jobs <- j
	}
	close(jobs)
	wg.Wait()
	return failed, context.Cause(ctx)
}

// one checks a design and makes it smaller if it fails.
func (c *Campaign) one(ctx context.Context, s Settings, dir string, thorough bool) (Result, error) {
	start := time.Now()
	r := Result{Settings: s}
	check := func(s Settings) error {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		return Check(ctx, s, dir, thorough)
	}
	err := check(s)
	if errors.As(err, &r.Failure) {
		err = nil
		if c.ShrinkFor > 0 {
			r.Smaller = Shrink(s, func(t Settings) bool {
				var f *Failure
				return time.Since(start) < c.ShrinkFor && errors.As(check(t), &f)
			})
		}
	}
	r.Seconds = time.Since(start).Seconds()
	return r, errors.Join(err, os.RemoveAll(dir))
}
