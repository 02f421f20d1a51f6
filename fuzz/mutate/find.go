package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// find lists the places in a package that can be changed, in the order of the source.
func find(dir string) ([]mutant, error) {
	p, err := load(dir)
	if err != nil {
		return nil, err
	}
	var all []mutant
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		text, err := os.ReadFile(filepath.Join(p.path, name))
		if err != nil {
			return nil, err
		}
		lines := strings.Split(string(text), "\n")
		for _, m := range findIn(p.fset, p.files[name], p.types) {
			m.dir, m.file, m.source = dir, name, strings.TrimSpace(lines[m.line-1])
			all = append(all, m)
		}
	}
	return all, nil
}

// findIn lists the places of a file.
func findIn(fset *token.FileSet, file *ast.File, known map[ast.Expr]types.TypeAndValue) (all []mutant) {
	add := func(at token.Pos, kinds ...string) {
		for _, kind := range kinds {
			p := fset.Position(at)
			all = append(all, mutant{kind: kind, line: p.Line, col: p.Column})
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.BinaryExpr:
			add(x.OpPos, kindsOf(x.Op, isNumber(known[x].Type))...)
		case *ast.UnaryExpr:
			if x.Op == token.SUB {
				add(x.OpPos, "INVERT_NEGATIVES")
			}
		case *ast.IncDecStmt:
			add(x.TokPos, "INCREMENT_DECREMENT")
		}
		return true
	})
	slices.SortStableFunc(all, func(a, b mutant) int { return 1000*(a.line-b.line) + a.col - b.col })
	return all
}

// kindsOf are the kinds of mutation of an operator between two operands.
func kindsOf(op token.Token, number bool) (kinds []string) {
	for _, kind := range [...]string{"ARITHMETIC_BASE", "CONDITIONALS_BOUNDARY", "CONDITIONALS_NEGATION"} {
		if change[kind][op.String()] != "" && (number || kind != "ARITHMETIC_BASE") {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func isNumber(t types.Type) bool {
	b, ok := underlying(t).(*types.Basic)
	return ok && b.Info()&(types.IsInteger|types.IsFloat) != 0
}

// apply makes the source with this change alone.
func (m *mutant) apply() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(m.dir, m.file))
	if err != nil {
		return nil, err
	}
	at := 0
	for range m.line - 1 {
		at += strings.IndexByte(string(text[at:]), '\n') + 1
	}
	at += m.col - 1
	for n := 2; n > 0; n-- {
		if at+n > len(text) {
			continue
		}
		if to, ok := change[m.kind][string(text[at:at+n])]; ok {
			return slices.Concat(text[:at], []byte(to), text[at+n:]), nil
		}
	}
	return nil, fmt.Errorf("%s/%s:%d:%d: no operator of kind %s", m.dir, m.file, m.line, m.col, m.kind)
}
