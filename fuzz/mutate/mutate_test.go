package main

import (
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const source = `package p

const half = 1 / 2

func f(a, b int) bool {
	a++
	return a+b >= -b
}
`

// TestApply: each kind changes its operator and nothing else.
func TestApply(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	f := func(kind string, line, col int, was, is string) {
		t.Helper()
		m := mutant{dir: dir, file: "p.go", kind: kind, line: line, col: col}
		got, err := m.apply()
		if want := strings.Replace(source, was, is, 1); err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s", kind, err, got)
		}
	}
	f("ARITHMETIC_BASE", 3, 16, "1 / 2", "1 * 2")
	f("INCREMENT_DECREMENT", 6, 3, "a++", "a--")
	f("ARITHMETIC_BASE", 7, 10, "a+b", "a-b")
	f("CONDITIONALS_BOUNDARY", 7, 13, ">=", ">")
	f("CONDITIONALS_NEGATION", 7, 13, ">=", "<")
	f("INVERT_NEGATIVES", 7, 16, "-b", "+b")
	if m := (mutant{dir: dir, file: "p.go", kind: "INCREMENT_DECREMENT", line: 7, col: 10}); true {
		if _, err := m.apply(); err == nil {
			t.Error("a place without its operator was changed")
		}
	}
}

func TestScore(t *testing.T) {
	x := tally{killed: 8, lived: 1, uncovered: 1, endless: 90, broken: 90}
	of, low, high := x.score()
	if of != 0.8 || math.Abs(low-0.490) > 0.001 || math.Abs(high-0.943) > 0.001 { // Wilson's interval of 8 in 10
		t.Errorf("%v in [%v, %v]", of, low, high)
	}
}

// TestFewMutantsProveNothing: one survivor of one is no verdict, forty of fifty are.
func TestFewMutantsProveNothing(t *testing.T) {
	for _, c := range []struct {
		killed, lived int
		want          bool
	}{{0, 0, false}, {0, 1, false}, {1, 2, false}, {10, 40, true}, {35, 15, false}, {150, 100, true}} {
		var x tally
		x[killed], x[lived] = c.killed, c.lived
		if got := x.surely(70); got != c.want {
			t.Errorf("%d of %d: %v", c.killed, c.killed+c.lived, got)
		}
	}
}

func TestChangedLines(t *testing.T) {
	got := changedLines("--- a/x/a.go\n+++ b/x/a.go\n@@ -1,2 +3,2 @@ func\n-a\n+b\n@@ -9 +10 @@\n@@ -20,2 +20,0 @@\n+++ b/y.go\n@@ -0,0 +1 @@\n")
	if a := slices.Sorted(maps.Keys(got["x/a.go"])); !slices.Equal(a, []int{3, 4, 10}) || !got["y.go"][1] {
		t.Errorf("%v", got)
	}
}

// TestSurvivorsAreArgued: each has a reason, and its line is in the source.
func TestSurvivorsAreArgued(t *testing.T) {
	known, err := argued(survivors)
	if err != nil {
		t.Fatal(err)
	}
	for key := range known {
		file, rest, _ := strings.Cut(key, " ")
		kind, line, _ := strings.Cut(rest, " ")
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil || change[kind] == nil || !strings.Contains(string(text), line) {
			t.Errorf("%q: there is no such line any more, or no such kind: %v", key, err)
		}
	}
	if _, err := argued("a/b.go KIND line\n"); err == nil {
		t.Error("a survivor without a reason passes")
	}
}
