package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

// Exit codes of the commands.
const (
	ExitDifferent = 1 // a comparison found a difference
	ExitFailed    = 2 // the command could not do its work
)

// Line returns the message of an error as one line, after the name of the
// command.
func Line(command string, err error) string {
	return command + ": " + strings.Join(strings.Fields(err.Error()), " ")
}

// Finish ends a command that compares: with Fail for an error, with status 1 if
// something differs. flag.ErrHelp says that the command has helped already.
func Finish(command string, equal bool, err error) {
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		Fail(command, err)
	case !equal:
		os.Exit(ExitDifferent)
	}
}

// Fail ends the program: with one line on standard error and exit status 2, or,
// if the error is flag.ErrHelp, with the help text and status 0.
func Fail(command string, err error) {
	if errors.Is(err, flag.ErrHelp) {
		if err = Usage(os.Stdout); err == nil {
			os.Exit(0)
		}
	}
	fmt.Fprintln(os.Stderr, Line(command, err))
	os.Exit(ExitFailed)
}
