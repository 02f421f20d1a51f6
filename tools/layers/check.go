package layers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Module returns every breach in the module at root, whose path is module: one
// line each, with file and line.
func Module(root, module string) (breaches []string, err error) {
	err = sources(root, func(rel string, src []byte) error {
		found, err := file(module, filepath.ToSlash(filepath.Dir(rel)), rel, src)
		for _, b := range found {
			if !slices.Contains(breaches, b) { // a package without a row is one breach, not one a file
				breaches = append(breaches, b)
			}
		}
		return err
	})
	return breaches, err
}

// sources calls visit with every Go file of the module at root that is not a
// test, by its path below root.
func sources(root string, visit func(rel string, src []byte) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && skipDir(path, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return visit(rel, src)
	})
}

// skipDir is true where the go command would not look, and for nested modules.
func skipDir(path, name string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil || name == "testdata" || name == "vendor" || name[0] == '.' || name[0] == '_'
}

// file returns the breaches in one file that stands in package dir of module.
func file(module, dir, name string, src []byte) ([]string, error) {
	c := checker{module: module, dir: dir, fset: token.NewFileSet()}
	parsed, err := parser.ParseFile(c.fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var known bool
	if c.rule, known = ruleFor(dir); !known {
		return []string{"package " + dir + " has no row: add one to tools/layers/rules.go"}, nil
	}
	for _, spec := range parsed.Imports {
		c.imports(spec)
	}
	if c.rule.pure {
		ast.Inspect(parsed, c.pure)
	}
	if isLeaf(rules, dir) {
		ast.Inspect(parsed, c.leaf)
	}
	return c.breaches, nil
}

// isLeaf tells whether a package is a protocol of its own, or a part of one, that the
// house composes.
func isLeaf(rows map[string]rule, dir string) bool {
	return strings.HasPrefix(dir, "engine/") && slices.Contains(rows[houseDir].project, dir)
}

// climbs lists the leaves whose rows let them look at the house, or at what is around it.
func climbs(rows map[string]rule) (list []string) {
	for dir, r := range rows {
		for _, up := range []string{houseDir, "engine", "batch"} {
			if isLeaf(rows, dir) && covers(r.project, up) {
				list = append(list, fmt.Sprintf("%s is a leaf: its row can't have %s", dir, up))
			}
		}
	}
	slices.Sort(list)
	return list
}

// leaf is the visitor that finds how a leaf might call up: through a function that it
// keeps. It has a host for that, an interface of its own. An order is no call up.
func (c *checker) leaf(n ast.Node) bool {
	s, ok := n.(*ast.StructType)
	if !ok {
		return true
	}
	for _, f := range s.Fields.List {
		if is, ok := f.Type.(*ast.FuncType); ok && !isOrder(is) {
			c.breach(f, "%s is a leaf and keeps a function: what it asks of its host is an interface", c.dir)
		}
	}
	return true
}

// isOrder tells whether a function compares: two of one type in, an int out.
func isOrder(f *ast.FuncType) bool {
	return f.Params.NumFields() == 2 && len(f.Params.List) == 1 && f.Results.NumFields() == 1 && typeName(f.Results.List[0].Type) == "int"
}

// ruleFor finds the row of a package: its own, else that of the nearest folder
// above it that covers all below.
func ruleFor(dir string) (rule, bool) {
	if r, ok := rules[dir]; ok {
		return r, true
	}
	for up := dir; up != "."; up = filepath.ToSlash(filepath.Dir(up)) {
		if r, ok := rules[up+"/..."]; ok {
			return r, true
		}
	}
	return rule{}, false
}

type checker struct {
	module, dir string
	rule        rule
	fset        *token.FileSet
	breaches    []string
}

func (c *checker) breach(at ast.Node, format string, args ...any) {
	c.breaches = append(c.breaches, fmt.Sprintf("%s: %s", c.fset.Position(at.Pos()), fmt.Sprintf(format, args...)))
}

// imports checks one import line against the row.
func (c *checker) imports(spec *ast.ImportSpec) {
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		c.breach(spec, "import path %s: %v", spec.Path.Value, err)
		return
	}
	first, _, _ := strings.Cut(path, "/")
	switch {
	case path == c.module || strings.HasPrefix(path, c.module+"/"):
		if rel := strings.TrimPrefix(strings.TrimPrefix(path, c.module), "/"); !covers(c.rule.project, rel) {
			c.breach(spec, "%s must not import %s: imports go down only", c.dir, rel)
		}
	case strings.Contains(first, "."):
		if !slices.ContainsFunc(c.rule.modules, func(m string) bool { return m == "..." || under(path, m) }) {
			c.breach(spec, "%s must not import the third-party %s", c.dir, path)
		}
	case path == "unsafe" || path == "C":
		if !c.rule.unsafe || path == "C" {
			c.breach(spec, "%s must not import %s", c.dir, path)
		}
	case c.rule.pure && !slices.Contains(pureStd, path) && !slices.Contains(c.rule.std, path):
		c.breach(spec, "%s is pure and must not import %s", c.dir, path)
	}
}

// covers tells whether a list of paths, some ending in /..., has the path.
func covers(list []string, path string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		if top, all := strings.CutSuffix(p, "/..."); all {
			return under(path, top)
		}
		return p == path
	})
}

func under(path, top string) bool { return path == top || strings.HasPrefix(path, top+"/") }

// pure is the visitor that finds what a pure package may not contain.
func (c *checker) pure(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.breach(n, "%s is pure: no go statement", c.dir)
	case *ast.SelectStmt:
		c.breach(n, "%s is pure: no select", c.dir)
	case *ast.ChanType:
		c.breach(n, "%s is pure: no channel", c.dir)
	case *ast.MapType:
		c.breach(n, "%s is pure: no map", c.dir)
	case *ast.Ident:
		switch n.Name {
		case "float32", "float64", "complex64", "complex128":
			c.breach(n, "%s is pure: no %s", c.dir, n.Name)
		}
	case *ast.BasicLit:
		if n.Kind == token.FLOAT || n.Kind == token.IMAG {
			c.breach(n, "%s is pure: no floating point (%s)", c.dir, n.Value)
		}
	}
	return true
}
