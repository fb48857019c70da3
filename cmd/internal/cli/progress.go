package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// quiet is the time between lines of progress where there is no terminal.
const quiet = 10 * time.Second

// Progress shows long work stage by stage: a bar on a terminal, plain lines
// elsewhere. It is for one goroutine.
type Progress struct {
	w    io.Writer
	bars bool
	now  func() time.Time
}

// NewProgress returns a Progress that writes to w.
func NewProgress(w io.Writer) *Progress {
	f, ok := w.(*os.File)
	return &Progress{w: w, bars: ok && term.IsTerminal(int(f.Fd())), now: time.Now}
}

// Stage is a piece of work of a known number of steps.
type Stage struct {
	p           *Progress
	name        string
	total, done int
	start, last time.Time
	bar         *progressbar.ProgressBar // nil without a terminal
}

// Stage begins a stage of total steps, or of unknown length if total is 0.
func (p *Progress) Stage(name string, total int) *Stage {
	now := p.now()
	s := &Stage{p: p, name: name, total: total, start: now, last: now}
	if p.bars && total > 0 {
		s.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetDescription(name),
			progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	return s
}

// Add counts n steps as done.
func (s *Stage) Add(n int) {
	s.done += n
	if s.bar != nil {
		// A bar that cannot be drawn is no reason to stop the work.
		_ = s.bar.Add(n)
		return
	}
	if now := s.p.now(); s.total > 0 && now.Sub(s.last) >= quiet {
		fmt.Fprintf(s.p.w, "%s: %d of %d (%d %%)\n", s.name, s.done, s.total, 100*s.done/s.total)
		s.last = now
	}
}

// Done ends the stage with a line that gives its duration.
func (s *Stage) Done() {
	if s.bar != nil {
		_ = s.bar.Finish()
	}
	fmt.Fprintf(s.p.w, "%s: %.1f s\n", s.name, s.p.now().Sub(s.start).Seconds())
}
