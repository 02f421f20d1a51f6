// Package golden holds a package to what it did before, call by call. A script of
// calls is drawn from a seed, what they answer and leave behind is said, and the sum
// of each few steps stands in testdata beside the test. It is no law: it says that
// something changed, not that it is wrong. So it stands beside tests of laws, where
// arithmetic and bounds are many and each is held by few.
//
//	func TestScript(t *testing.T) {
//		golden.Run(t, 4000, func(s *golden.Script) {
//			var b Budget
//			for s.Next() {
//				s.Say(b.Allow(now, Class(s.Rand.Uint32n(6))), b)
//			}
//		})
//	}
//
// Where the change is meant, go test -golden.update writes the file anew; a reviewer
// sees where it begins. With -golden.steps FROM the calls from there on are printed.
package golden

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

var (
	update = flag.Bool("golden.update", false, "write what happens into testdata")
	from   = flag.Int("golden.steps", -1, "print what is said from this step on, for a hundred steps")
)

const (
	blocks  = 64  // lines of a file, about
	printed = 100 // steps
)

// Script is one run.
type Script struct {
	Rand  sched.Rand // what the script draws from
	t     testing.TB
	steps int
	at    int
	block int
	said  strings.Builder
	lines []string
}

// Run makes the calls of one script and compares what was said with the file that has
// the test's name.
func Run(t testing.TB, steps int, do func(s *Script)) {
	t.Helper()
	s := &Script{t: t, steps: steps, at: -1, block: max(1, steps/blocks)}
	s.Rand.Seed(1)
	do(s)
	s.end()
	path := filepath.Join("testdata", strings.ReplaceAll(t.Name(), "/", "_")+".txt")
	got := strings.Join(s.lines, "")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; fix: go test -run '^%s$' -golden.update", err, t.Name())
	}
	if at, ok := differ(string(want), got); ok {
		t.Errorf("something else happens than before, first in the steps of the line %q; look with -golden.steps, and if that is meant: -golden.update", at)
	}
}

// differ gives the first line of got that want does not have there.
func differ(want, got string) (string, bool) {
	w := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(w) || w[i] != line {
			return line, true
		}
	}
	return "", want != got
}

// Next begins a step; false after the last one.
func (s *Script) Next() bool {
	s.at++
	if s.at > 0 && s.at%s.block == 0 {
		s.end()
	}
	return s.at < s.steps
}

// Say notes what a call answered, or what is so now.
func (s *Script) Say(what ...any) {
	fmt.Fprintln(&s.said, what...)
	if *from >= 0 && s.at >= *from && s.at < *from+printed {
		s.t.Logf("step %d: %s", s.at, fmt.Sprintln(what...))
	}
}

// Chance is true once in n.
func (s *Script) Chance(n uint32) bool { return s.Rand.Uint32n(n) == 0 }

// UpTo is a number from 0 to n, its size drawn first, so that small ones are as many as
// large ones.
func (s *Script) UpTo(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	v := s.Rand.Uint64() >> s.Rand.Uint32n(64)
	if n == 1<<64-1 {
		return v
	}
	return v % (n + 1)
}

// end ends a block.
func (s *Script) end() {
	if s.said.Len() == 0 {
		return
	}
	h := fnv.New64a()
	h.Write([]byte(s.said.String()))
	s.lines = append(s.lines, fmt.Sprintf("to %d %016x\n", s.at, h.Sum64()))
	s.said.Reset()
}
