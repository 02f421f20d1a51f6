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

// TestFates: the tests of a package are asked of its mutants, and what they say counts.
func TestFates(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Chdir(t.TempDir())
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
	t.Setenv("GOWORK", "off")
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
