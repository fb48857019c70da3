package main

import (
	"errors"
	"flag"
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "no directory given"},
		{[]string{"-family", "spartan", "out"}, `-family "spartan", want xcup or ecp5`},
		{[]string{"-family", "ice40", "out"}, `-family "ice40", want xcup or ecp5`},
		{[]string{"no-such-directory"}, "no-such-directory: "},
		{[]string{"-wrong"}, "unknown flag -wrong"},
	} {
		err := run(tc.args, &strings.Builder{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: %v, want %s", tc.args, err, tc.want)
		}
	}
	var help strings.Builder
	if err := run([]string{"-help"}, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "-pnr") {
		t.Errorf("-help: %v, %s", err, help.String())
	}
}
