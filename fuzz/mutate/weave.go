package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
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

// helpers are the names of the functions that stand for operators.
var helpers = map[token.Token]string{
	token.ADD: "Add", token.SUB: "Sub", token.MUL: "Mul", token.QUO: "Quo", token.REM: "Rem",
	token.LSS: "Less", token.LEQ: "AtMost", token.GTR: "More", token.GEQ: "AtLeast",
	token.INC: "Inc", token.DEC: "Dec",
}

// weave returns the text with the mutants in it.
func (w *weaver) weave(text []byte, file *ast.File) []byte {
	w.edits = w.edits[:0]
	var path []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
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
		if m := w.mutants(x.OpPos, "INVERT_NEGATIVES"); len(m) == 1 && w.numeric(x) {
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

func (w *weaver) binary(x *ast.BinaryExpr, after bool) {
	if w.types[x].Value != nil { // a constant stays one
		return
	}
	before, behind := "", ""
	swap := w.mutants(x.OpPos, "ARITHMETIC_BASE", "INVERT_NEGATIVES")
	if len(swap) > 0 && w.numeric(x) {
		before, behind = fmt.Sprintf("mutated%s%s(%d, %d, ", helpers[x.Op], w.of(x), swap[0].id, swap[len(swap)-1].id), ")"
		w.keep(swap, after)
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

// mutants are those of some kinds whose operator stands at a place.
func (w *weaver) mutants(at token.Pos, kinds ...string) (some []*mutant) {
	p := w.fset.Position(at)
	for _, m := range w.here[place{p.Line, p.Column}] {
		if slices.Contains(kinds, m.kind) {
			some = append(some, m)
		}
	}
	return some
}

// numeric tells whether an expression is a number that is not known before the program runs.
func (w *weaver) numeric(x ast.Expr) bool {
	t := w.types[x]
	b, ok := underlying(t.Type).(*types.Basic)
	return ok && t.Value == nil && b.Info()&(types.IsInteger|types.IsFloat) != 0
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

func underlying(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	return t.Underlying()
}

// helperSource is what a woven package gets besides: which mutant lives, and the operators.
func helperSource(name string) string {
	var b strings.Builder
	b.WriteString(strings.Replace(helperHead, "PACKAGE", name, 1))
	for _, h := range [...]struct{ name, is, mutant string }{
		{"Add", "+", "-"}, {"Sub", "-", "+"}, {"Mul", "*", "/"}, {"Quo", "/", "*"},
	} {
		fmt.Fprintf(&b, helperArithmetic, h.name, "mutable", h.mutant, h.is)
	}
	fmt.Fprintf(&b, helperArithmetic, "Rem", "mutableWhole", "*", "%")
	for _, h := range [...]struct{ name, is, mutant string }{
		{"Less", "<", "<="}, {"AtMost", "<=", "<"}, {"More", ">", ">="}, {"AtLeast", ">=", ">"},
	} {
		fmt.Fprintf(&b, helperOrder, h.name, h.mutant, h.is)
	}
	fmt.Fprintf(&b, helperStep, "Inc", "--", "++")
	fmt.Fprintf(&b, helperStep, "Dec", "++", "--")
	return b.String()
}

const (
	helperHead = `package PACKAGE

import (
	"cmp"
	"os"
	"strconv"
)

type mutableWhole interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

type mutable interface {
	mutableWhole | ~float32 | ~float64
}

var mutatedOne, _ = strconv.Atoi(os.Getenv("` + livingMutant + `"))

func mutated(id int) bool { return id == mutatedOne }

func mutatedNeg[T mutable](id int, a T) T {
	if id == mutatedOne {
		return a
	}
	return -a
}
`
	helperArithmetic = `
func mutated%s[T %s](id, also int, a, b T) T {
	if id == mutatedOne || also == mutatedOne {
		return a %s b
	}
	return a %s b
}
`
	helperOrder = `
func mutated%s[T cmp.Ordered](id int, a, b T) bool {
	if id == mutatedOne {
		return a %s b
	}
	return a %s b
}
`
	helperStep = `
func mutated%s[T mutable](id int, a *T) {
	if id == mutatedOne {
		*a%s
		return
	}
	*a%s
}
`
)
