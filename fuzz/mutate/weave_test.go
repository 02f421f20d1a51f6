package main

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"
)

const unwoven = `package p

const half = 4 / 2

type number int

var seen map[string]int

func f(a, b int, c number, s string, shift uint64) bool {
	a++
	seen[s]--
	c = -c - 1
	x := shift + 1<<a
	_ = s + s
	return a+b >= -b && s < "t" || x == half && half != 3
}
`

// TestWeave: each operator that only runs becomes a choice, what the compiler has to know
// stays, and lines stay where they are.
func TestWeave(t *testing.T) {
	all := []mutant{
		{kind: "ARITHMETIC_BASE", line: 3, col: 16, id: 1},
		{kind: "INCREMENT_DECREMENT", line: 10, col: 3, id: 2},
		{kind: "INCREMENT_DECREMENT", line: 11, col: 9, id: 3},
		{kind: "INVERT_NEGATIVES", line: 12, col: 6, id: 4},
		{kind: "ARITHMETIC_BASE", line: 12, col: 9, id: 5},
		{kind: "INVERT_NEGATIVES", line: 12, col: 9, id: 6},
		{kind: "ARITHMETIC_BASE", line: 13, col: 13, id: 7},
		{kind: "ARITHMETIC_BASE", line: 14, col: 8, id: 8},
		{kind: "ARITHMETIC_BASE", line: 15, col: 10, id: 9},
		{kind: "CONDITIONALS_BOUNDARY", line: 15, col: 13, id: 10},
		{kind: "CONDITIONALS_NEGATION", line: 15, col: 13, id: 11},
		{kind: "CONDITIONALS_BOUNDARY", line: 15, col: 24, id: 12},
		{kind: "CONDITIONALS_NEGATION", line: 15, col: 35, id: 13},
		{kind: "CONDITIONALS_NEGATION", line: 15, col: 51, id: 14},
	}
	want := []string{
		2: "const half = 4 / 2",
		9: "\tmutatedInc(2, &a)",
		// keys of a map have no address
		10: "\tseen[s]--",
		11: "\tc = mutatedSub(5, 6, mutatedNeg(4, c) , 1)",
		12: "\tx := mutatedAdd[uint64](7, 7, shift , 1<<a)",
		13: "\t_ = s + s",
		14: "\treturn ((mutatedAtLeast[int](10, mutatedAdd[int](9, 9, a,b) , -b)) != mutated(11)) && " +
			"mutatedLess[string](12, s , \"t\") || ((x == half) != mutated(13)) && half != 3",
	}
	got, kept := woven(t, all)
	lines := strings.Split(got, "\n")
	for i, w := range want {
		if w != "" && lines[i] != w {
			t.Errorf("line %d:\n%s, want\n%s", i+1, lines[i], w)
		}
	}
	if kept != len(all)-4 || strings.Count(got, "\n") != strings.Count(unwoven, "\n") {
		t.Errorf("%d mutants are in:\n%s", kept, got)
	}
}

// woven weaves mutants into the text above.
func woven(t *testing.T, all []mutant) (text string, kept int) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", unwoven, 0)
	if err != nil {
		t.Fatal(err)
	}
	info := types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	conf := types.Config{Importer: importer.Default()}
	if _, err := conf.Check("p", fset, []*ast.File{file}, &info); err != nil {
		t.Fatal(err)
	}
	w := weaver{fset: fset, types: info.Types, here: byPlace(all, "")}
	return string(w.weave([]byte(unwoven), file)), len(w.kept)
}

// TestDropped: a mutant on whose line the compiler complains is built alone.
func TestDropped(t *testing.T) {
	some := []mutant{{file: "a.go", line: 3, id: 1}, {file: "a.go", line: 4, id: 2}, {file: "b.go", line: 3, id: 3}}
	if !drop(some, "# x\nengine/x/a.go:3:7: cannot infer T\n") || some[0].id != 0 || some[1].id != 2 || some[2].id != 3 {
		t.Errorf("%+v", some)
	}
	if drop(some, "engine/x/a.go:3:7: again\n./c_test.go:4:1: of a test\n") {
		t.Errorf("nothing was left to drop: %+v", some)
	}
}

// TestHelpers: what a woven package gets besides is a program.
func TestHelpers(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "zz_mutated.go", helperSource("p"), 0)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			have[strings.TrimPrefix(f.Name.Name, "mutated")] = true
		}
	}
	for op, name := range helpers {
		if !have[name] {
			t.Errorf("%v has no helper %s", op, name)
		}
	}
}
