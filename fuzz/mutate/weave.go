package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// weaver writes a file anew so that it has many mutants in it, each behind its number.
// Lines stay where they are.
type weaver struct {
	fset  *token.FileSet
	types map[ast.Expr]types.TypeAndValue
	here  map[place][]*mutant // by their operator
	edits []edit
	kept  []*mutant // that are woven in
}

// place is where an operator stands in a file.
type place struct{ line, col int }

// edit puts text in the place of so many bytes.
type edit struct {
	at, len int
	rank    int // at one place: what ends there, what begins there, what goes
	text    string
}

const (
	rankEnd = iota
	rankBegin
	rankReplace
)

// weave returns the text with the mutants in it.
func (w *weaver) weave(text []byte, file *ast.File) []byte {
	w.edits = w.edits[:0]
	var path []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
			return false
		}
		if n == nil {
			w.visit(path[len(path)-1], true)
			path = path[:len(path)-1]
			return true
		}
		path = append(path, n)
		w.visit(n, false)
		return true
	})
	slices.SortStableFunc(w.edits, func(a, b edit) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return a.rank - b.rank
	})
	var out bytes.Buffer
	at := 0
	for _, e := range w.edits {
		out.Write(text[at:e.at])
		out.WriteString(e.text)
		at = e.at + e.len
	}
	out.Write(text[at:])
	return out.Bytes()
}

// visit edits what stands around a node: before its parts are visited, and after them.
func (w *weaver) visit(n ast.Node, after bool) {
	switch x := n.(type) {
	case *ast.BinaryExpr:
		w.binary(x, after)
	case *ast.UnaryExpr:
		if m := w.mutants(x.OpPos, "INVERT_NEGATIVES"); len(m) == 1 && isNumber(w.types[x].Type) {
			w.around(x, fmt.Sprintf("mutatedNeg%s(%d, ", w.of(x), m[0].id), ")", after)
			w.replace(x.OpPos, 1, "", after)
			w.keep(m, after)
		}
	case *ast.IncDecStmt:
		if m := w.mutants(x.TokPos, "INCREMENT_DECREMENT"); len(m) == 1 && !w.inMap(x.X) {
			w.around(x, fmt.Sprintf("mutated%s(%d, &", helpers[x.Tok], m[0].id), "", after)
			w.replace(x.TokPos, 2, ")", after)
			w.keep(m, after)
		}
	}
}

// binary weaves an operator between two operands. What is constant is computed when the
// program runs; where it may not be, the compiler complains.
func (w *weaver) binary(x *ast.BinaryExpr, after bool) {
	before, behind := "", ""
	if m := w.mutants(x.OpPos, "ARITHMETIC_BASE"); len(m) == 1 {
		before, behind = fmt.Sprintf("mutated%s%s(%d, ", helpers[x.Op], w.of(x), m[0].id), ")"
		w.keep(m, after)
	}
	if m := w.mutants(x.OpPos, "CONDITIONALS_BOUNDARY"); len(m) == 1 {
		before, behind = fmt.Sprintf("mutated%s%s(%d, ", helpers[x.Op], w.of(x.X), m[0].id), ")"
		w.keep(m, after)
	}
	if before != "" {
		w.replace(x.OpPos, len(x.Op.String()), ",", after)
	}
	if m := w.mutants(x.OpPos, "CONDITIONALS_NEGATION"); len(m) == 1 {
		before, behind = "(("+before, fmt.Sprintf("%s) != mutated(%d))", behind, m[0].id)
		w.keep(m, after)
	}
	w.around(x, before, behind, after)
}

func (w *weaver) around(n ast.Node, before, behind string, after bool) {
	if after {
		w.edits = append(w.edits, edit{at: w.fset.Position(n.End()).Offset, rank: rankEnd, text: behind})
	} else {
		w.edits = append(w.edits, edit{at: w.fset.Position(n.Pos()).Offset, rank: rankBegin, text: before})
	}
}

func (w *weaver) replace(at token.Pos, bytes int, text string, after bool) {
	if !after {
		w.edits = append(w.edits, edit{at: w.fset.Position(at).Offset, len: bytes, rank: rankReplace, text: text})
	}
}

func (w *weaver) keep(m []*mutant, after bool) {
	if !after {
		w.kept = append(w.kept, m...)
	}
}

// mutants are those of a kind whose operator stands at a place: one, or none.
func (w *weaver) mutants(at token.Pos, kind string) (some []*mutant) {
	p := w.fset.Position(at)
	for _, m := range w.here[place{p.Line, p.Column}] {
		if m.kind == kind {
			some = append(some, m)
		}
	}
	return some
}

func (w *weaver) inMap(x ast.Expr) bool {
	i, ok := x.(*ast.IndexExpr)
	if !ok {
		return false
	}
	_, ok = underlying(w.types[i.X].Type).(*types.Map)
	return ok
}

// of says the type that a helper works on, where its arguments may not: a shift has none.
func (w *weaver) of(x ast.Expr) string {
	if b, ok := w.types[x].Type.(*types.Basic); ok && b.Info()&types.IsUntyped == 0 {
		return "[" + b.Name() + "]"
	}
	return ""
}
