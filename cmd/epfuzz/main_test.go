package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"extra", `unexpected argument "extra", want flags only`},
		{"-n -1", "flag -n: -1, want at least 0"},
		{"-design batch", `flag -design: setting "batch", want KEY=VALUE`},
	} {
		_, err := run(strings.Fields(c.args), &bytes.Buffer{})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.args, err, c.want)
		}
	}
	var out bytes.Buffer
	if passed, err := run([]string{"-n", "0", "-kept", t.TempDir()}, &out); err != nil || !passed || !strings.HasSuffix(out.String(), "0 passed, 0 failed\n") {
		t.Errorf("no designs: %v %v %q, want success", passed, err, out.String())
	}
}
