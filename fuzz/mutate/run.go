package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// fate tries a mutant as one of a schema, if it is in that, or alone.
func (m *mutant) fate(s *schema, limit time.Duration) (f fate, err error) {
	if s != nil && m.id != 0 {
		f = s.try(m)
	} else if f, err = try(m, limit); err != nil {
		return f, err
	}
	if f == lived && !m.covered {
		f = uncovered
	}
	return f, nil
}

// try runs the tests of the mutant's package over it alone, for at most the given time.
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
	f := test(over, limit, "./"+m.dir)
	if f == lived && m.core {
		f = test(over, wideMost, "-run", wideTests, "./"+wideDir)
	}
	return f, nil
}

// These are asked when the package's own tests have nothing to say, of what a node is
// made of: whole nodes do what they did before, frame by frame.
const (
	wideDir   = "fuzz/sim"
	wideTests = "TraceHash|Scenarios"
	wideMost  = 3 * time.Minute
)

// test runs tests over a mutant.
func test(overlay string, limit time.Duration, what ...string) fate {
	args := append([]string{"test", "-overlay", overlay, "-count=1", "-failfast", "-timeout", limit.String()}, what...)
	return judge(exec.Command("go", args...).CombinedOutput())
}

// judge says what tests made of a mutant by how their program ended.
func judge(out []byte, err error) fate {
	switch {
	case err == nil:
		return lived
	case bytes.Contains(out, []byte("[build failed]")):
		return broken
	case bytes.Contains(out, []byte("panic: test timed out")):
		return endless
	}
	return killed
}

// inCore are the packages that a core of the simulator is made of.
func inCore() (map[string]bool, error) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}}", "./engine/core").Output()
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for path := range strings.FieldsSeq(string(out)) {
		if dir, ok := strings.CutPrefix(path, "github.com/quidnunc/quidnunc/"); ok {
			all[dir] = true
		}
	}
	return all, nil
}

// sound runs the tests of a package as it is, and says how long mutants may take.
func sound(dir string) (limit time.Duration, out []byte, err error) {
	start := time.Now()
	out, err = exec.Command("go", "test", "-count=1", "./"+dir).CombinedOutput()
	return max(20*time.Second, 3*time.Since(start)).Round(time.Second), out, err
}
