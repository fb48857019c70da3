package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Environment variables that turn the test binary into eptrain, and limit its files.
const (
	childVariable = "EPTRAIN_CHILD"
	limitVariable = "EPTRAIN_FILE_LIMIT"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	if text := os.Getenv(limitVariable); text != "" {
		limit, err := strconv.ParseUint(text, 10, 64)
		if err == nil {
			err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
	}
	main()
}

// child returns eptrain as a process of its own.
func child(t *testing.T, stderr *bytes.Buffer, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = stderr
	return cmd
}

// TestKill kills a run again and again, in the middle of whatever it does, which with
// epochs of ten mini-batches is writing files most of the time, and resumes it. In the end
// the files are those of a run that was left alone.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	args := append(append([]string(nil), smallRun...), "-epochs", "40", "-arith", "fixed")
	mustRun(t, append(args, "-o", whole)...)
	rng := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	kills := 0
	for attempt := 0; ; attempt++ {
		if attempt == 1000 {
			t.Fatal("the run does not end")
		}
		var stderr bytes.Buffer
		cmd := child(t, &stderr, "-resume", parts)
		if _, err := os.Stat(filepath.Join(parts, checkpointName)); err != nil {
			if err := os.RemoveAll(parts); err != nil { // killed before there was anything to resume
				t.Fatal(err)
			}
			cmd = child(t, &stderr, append(args, "-o", parts)...)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wait := time.Duration(20+rng.IntN(300)) * time.Millisecond * time.Duration(1+attempt/5)
		timer := time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("attempt %d: %v, %s", attempt, err, stderr.String())
		}
		kills++
	}
	t.Logf("killed %d times", kills)
	for _, name := range []string{checkpointName, "last.npz", "best.npz"} {
		if !bytes.Equal(mustRead(t, whole, name), mustRead(t, parts, name)) {
			t.Errorf("%s differs after %d kills", name, kills)
		}
	}
	if stale, err := filepath.Glob(filepath.Join(parts, ".*")); err != nil || len(stale) > 0 {
		t.Errorf("%v are left behind, %v", stale, err)
	}
}

// TestFullDisk limits the size of files, which fails as a full disk does, in the
// middle of a write: one line that names the file, exit status 2, and the old checkpoint.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	mustRun(t, append(append([]string(nil), smallRun...), "-o", out)...)
	old := mustRead(t, out, checkpointName)
	var stderr bytes.Buffer
	cmd := child(t, &stderr, "-resume", out, "-epochs", "9")
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", limitVariable, len(old)/2))
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Fatalf("got %v, %s, want exit status 2", err, stderr.String())
	}
	text := stderr.String()
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "eptrain: "+out) || !strings.Contains(text, "file too large") {
		t.Errorf("standard error is %q, want one line that names a file of %s and the reason", text, out)
	}
	if !bytes.Equal(old, mustRead(t, out, checkpointName)) {
		t.Error("the old checkpoint is gone")
	}
}
