package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// tried is a package with a mutant for each fate, as its tests are.
const tried = `package p

var rounds = 3

func Sum(a, b int) int { return a + b }

func Missed(a, b int) int { return a - b }

func Same(a, b int) bool { return a < b }

func Never(a, b int) int { return a * b }

func Ends() {
	for left := rounds; left != 0; {
		left--
	}
}

func More() int { return 2 + 1 }
`

const tests = `package p

import "testing"

func TestSum(t *testing.T) {
	for a := range 3 {
		t.Run("part", func(t *testing.T) {
			if Sum(a, 2) != 2+a {
				t.Error("no sum")
			}
		})
	}
}

func TestOthers(t *testing.T) { Missed(1, 2); Same(1, 2) }

func TestEnds(t *testing.T) { Ends() }

func TestMore(t *testing.T) {
	if More() != 3 {
		t.Error("not more")
	}
}
`

// lay goes into a module that has the package.
func lay(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("GOWORK", "off")
	for name, text := range map[string]string{
		"go.mod":              "module github.com/quidnunc/quidnunc\n\ngo 1.26\n",
		"engine/core/core.go": "package core\n",
		"p/p.go":              tried,
		"p/p_test.go":         tests,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFates: the tests of a package are asked of its mutants, and what they say counts.
func TestFates(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	lay(t)
	all, err := find("p")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s, err := newSchema(ctx, &options{}, "p", all)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.own.patience = time.Second
	want := map[string]fate{
		"ARITHMETIC_BASE 5": killed, "ARITHMETIC_BASE 7": lived,
		"CONDITIONALS_BOUNDARY 9": lived, "CONDITIONALS_NEGATION 9": lived,
		"ARITHMETIC_BASE 11": uncovered, "CONDITIONALS_NEGATION 14": lived,
		"INCREMENT_DECREMENT 15": endless, "ARITHMETIC_BASE 19": killed,
	}
	for i := range all {
		m := &all[i]
		is, known := want[fmt.Sprint(m.kind, " ", m.line)]
		if got, err := s.fate(ctx, m); err != nil || !known || got != is {
			t.Errorf("%s in line %d, %q: %s, want %s: %v", m.kind, m.line, m.source, fateNames[got], fateNames[is], err)
		}
	}
}

// TestWhatIsKnownIsKept: a second run believes what the first one has seen, of each test that it
// came to, and asks the others. A program that differs is another one, and takes the place.
func TestWhatIsKnownIsKept(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	lay(t)
	o := &options{keep: t.TempDir()}
	survey := func() map[string]known {
		t.Helper()
		all, err := find("p")
		if err != nil {
			t.Fatal(err)
		}
		s, err := newSchema(t.Context(), o, "p", all)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		m := map[string]known{}
		for _, x := range s.own.tests {
			m[x.name] = x
		}
		return m
	}
	same := func(a, b known) bool { return a.took == b.took && string(a.seen) == string(b.seen) }
	kept := func() []string { l, _ := filepath.Glob(filepath.Join(o.keep, "*", "*", "*")); return l }
	first := survey()
	if len(first) != 4 || len(kept()) != 4 {
		t.Fatalf("%d tests, %d are kept", len(first), len(kept()))
	}
	os.Remove(kept()[0])
	again, differ := survey(), 0
	for name, x := range first {
		if !same(x, again[name]) {
			differ++
		}
	}
	if differ != 1 || len(kept()) != 4 {
		t.Errorf("%d of 4 were asked again, one was not known; %d are kept", differ, len(kept()))
	}
	if err := os.WriteFile("p/more_test.go", []byte("package p\n\nimport \"testing\"\n\nfunc TestNo(t *testing.T) {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, x := range survey() {
		if same(x, again[name]) {
			t.Errorf("%s is believed of another program", name)
		}
	}
	if n := len(kept()); n != 5 {
		t.Errorf("%d are kept of one program with 5 tests", n)
	}
}
