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
	var room [2 * half]byte
	return a+b >= -b && s < "t" || x == half && len(room)-1 != 3
}
`

// TestWeave: each operator that only runs becomes a choice, what the compiler has to know
// stays, and lines stay where they are.
func TestWeave(t *testing.T) {
	want := []string{
		2: "const half = 4 / 2",
		9: "\tmutatedInc(2, &a)",
		// keys of a map have no address
		10: "\tseen[s]--",
		11: "\tc = mutatedSub(5, mutatedNeg(4, c) , 1)",
		12: "\tx := mutatedAdd[uint64](6, shift , 1<<a)",
		13: "\t_ = s + s",
		14: "\tvar room [mutatedMul(7, 2 , half)]byte", // the compiler complains, and it is dropped
		15: "\treturn ((mutatedAtLeast[int](9, mutatedAdd[int](8, a,b) , mutatedNeg[int](11, b))) != mutated(10)) && " +
			"((mutatedLess[string](12, s , \"t\")) != mutated(13)) || ((x == half) != mutated(14)) && " +
			"((mutatedSub[int](15, len(room),1) != 3) != mutated(16))",
	}
	all := numbered(t)
	got, kept := woven(t, all)
	lines := strings.Split(got, "\n")
	for i, w := range want {
		if w != "" && lines[i] != w {
			t.Errorf("line %d:\n%s, want\n%s", i+1, lines[i], w)
		}
	}
	if kept != len(all)-2 || strings.Count(got, "\n") != strings.Count(unwoven, "\n") {
		t.Errorf("%d mutants are in:\n%s", kept, got)
	}
}

// numbered are the places of the text above.
func numbered(t *testing.T) []mutant {
	fset, file, known := parsed(t)
	all := findIn(fset, file, known)
	for i := range all {
		all[i].id = i + 1
	}
	return all
}

// woven weaves mutants into the text above.
func woven(t *testing.T, all []mutant) (text string, kept int) {
	fset, file, known := parsed(t)
	w := weaver{fset: fset, types: known, here: byPlace(all, "")}
	return string(w.weave([]byte(unwoven), file)), len(w.kept)
}

func parsed(t *testing.T) (*token.FileSet, *ast.File, map[ast.Expr]types.TypeAndValue) {
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
	return fset, file, info.Types
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
	file, err := parser.ParseFile(fset, "zz_mutated.go", helperSource("p", 3), 0)
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
