package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestTeachers trains a teacher by back-propagation, writes its targets, and trains
// students from the run and from the file.
func TestTeachers(t *testing.T) {
	dir := t.TempDir()
	teacher, file := filepath.Join(dir, "teacher"), filepath.Join(dir, "targets.npz")
	base := strings.Fields("-layers 4,M,6,fc3 -input-shape 1x8x8 -train-samples 60 -batch 6 -epochs 1 -free-steps 6 -nudge-steps 4 -loss ce")
	with := func(args ...string) []string { return append(append([]string{}, base...), args...) }
	mustRun(t, with("-algorithm", "bp", "-o", teacher)...)
	mustRun(t, with("-algorithm", "bp", "-weights", filepath.Join(teacher, "best.npz"), "-teach", file)...)
	student := with("-heads", "1", "-head-kind", "logits")
	student = student[:len(student):len(student)]
	mustRun(t, append(student, "-teacher", teacher, "-o", filepath.Join(dir, "a"))...)
	mustRun(t, append(student, "-teacher", file, "-arith", "fixed", "-o", filepath.Join(dir, "b"))...)
	mustRun(t, append(student, "-teacher", teacher, "-gradcheck")...)
	mustRun(t, "-resume", filepath.Join(dir, "a"), "-epochs", "2")
	for _, c := range []struct {
		args []string
		want string
	}{
		{append(student, "-o", filepath.Join(dir, "c")), "head1: kind logits without a teacher"},
		{append(student, "-teacher", filepath.Join(dir, "none"), "-o", filepath.Join(dir, "c")), "train.json: no such file"},
		{append(student, "-classes", "4", "-teacher", file, "-o", filepath.Join(dir, "c")), "array logits: 3 classes, want 4"},
		{append(student, "-train-samples", "61", "-teacher", file, "-o", filepath.Join(dir, "c")), "want floating-point values of 61 images or more"},
		{append(student, "-flip", "-teacher", file, "-o", filepath.Join(dir, "c")), "with -flip or -crop"},
		{with("-algorithm", "bp", "-arith", "fixed", "-o", filepath.Join(dir, "c")), "flag -algorithm: bp with arithmetic fixed"},
	} {
		if err := run(c.args, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", strings.Join(c.args, " "), err, c.want)
		}
	}
}
