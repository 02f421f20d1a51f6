package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// fate is what became of a mutant.
type fate uint8

const (
	killed fate = iota
	lived
	uncovered
	endless
	broken // it does not compile
	fates
)

var fateNames = [fates]string{"killed", "lived", "not covered", "timed out", "not a program"}

// try runs the tests of the mutant's package over it, for at most the given time.
func try(m *mutant, limit time.Duration) (fate, error) {
	text, err := m.apply()
	if err != nil {
		return 0, err
	}
	work, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	from, err := filepath.Abs(filepath.Join(m.dir, m.file))
	if err != nil {
		return 0, err
	}
	to, over := filepath.Join(work, m.file), filepath.Join(work, "overlay.json")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {from: to}})
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(to, text, 0o644); err != nil {
		return 0, err
	}
	if err := os.WriteFile(over, overlay, 0o644); err != nil {
		return 0, err
	}
	out, err := exec.Command("go", "test", "-overlay", over, "-count=1", "-failfast", "-timeout", limit.String(), "./"+m.dir).CombinedOutput()
	switch {
	case err == nil && m.covered:
		return lived, nil
	case err == nil:
		return uncovered, nil
	case bytes.Contains(out, []byte("[build failed]")):
		return broken, nil
	case bytes.Contains(out, []byte("panic: test timed out")):
		return endless, nil
	}
	return killed, nil
}

// sound runs the tests of a package as it is, and says how long mutants may take.
func sound(dir string) (limit time.Duration, out []byte, err error) {
	start := time.Now()
	out, err = exec.Command("go", "test", "-count=1", "./"+dir).CombinedOutput()
	return max(20*time.Second, 10*time.Since(start)).Round(time.Second), out, err
}
