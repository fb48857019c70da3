package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"epgen/gen"
)

// Command is the frame of a command that compares: its flags, among them -version and -help.
//
//	c := cli.NewCommand("epfuzz", usage, usageTail)
//	n := c.Flags.Int("n", 20, "number of designs")
//	if err := c.Parse(args, w); err != nil {
type Command struct {
	Flags      *flag.FlagSet
	head, tail string // of the help, before and after the flags
	version    *bool
}

// NewCommand returns a command without flags of its own. Of the help, head comes before the
// flags and ends with the line that announces them; tail comes after them.
func NewCommand(name, head, tail string) *Command {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return &Command{fs, head, tail, fs.Bool("version", false, "print the version")}
}

// Parse reads flags; flags only, unless the command takes operands. It writes the help to w for
// -help, the version for -version, and returns flag.ErrHelp after either.
func (c *Command) Parse(args []string, w io.Writer) error {
	if err := c.parse(args, w); err != nil {
		return err
	}
	if c.Flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q, want flags only", c.Flags.Arg(0))
	}
	return nil
}

// ParseOperands is Parse for a command with operands, which it returns. Flags may follow them.
func (c *Command) ParseOperands(args []string, w io.Writer) (operands []string, err error) {
	for {
		if err := c.parse(args, w); err != nil {
			return nil, err
		}
		if c.Flags.NArg() == 0 {
			return operands, nil
		}
		operands = append(operands, c.Flags.Arg(0))
		args = c.Flags.Args()[1:]
	}
}

func (c *Command) parse(args []string, w io.Writer) error {
	err := c.Flags.Parse(args)
	name := c.Flags.Name()
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(w, c.head)
		c.Flags.SetOutput(w)
		c.Flags.PrintDefaults()
		fmt.Fprint(w, c.tail)
	} else if err != nil {
		if unknown, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: "); ok {
			return fmt.Errorf("unknown flag %s (see %s -help)", unknown, name)
		}
	} else if *c.version {
		fmt.Fprintln(w, name, gen.Version)
		return flag.ErrHelp
	}
	return err
}

// Interruptible returns a context that Ctrl-C and SIGTERM end, for the reason "interrupted", and
// its release.
func Interruptible() (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-signals; ok {
			cancel(errors.New("interrupted"))
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel(nil)
	}
}
