package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// loaded is a package as the compiler sees it.
type loaded struct {
	name, path string // and the directory
	fset       *token.FileSet
	files      map[string]*ast.File // by name, without tests
	types      map[ast.Expr]types.TypeAndValue
}

// load reads a package, and what it imports from what the compiler wrote of that.
func load(dir string) (*loaded, error) {
	out, err := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Export,Name,Dir,GoFiles", "./"+dir).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", dir, err)
	}
	var own struct {
		ImportPath, Export, Name, Dir string
		GoFiles                       []string
	}
	exports := map[string]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); exports[own.ImportPath] = own.Export {
		own.GoFiles = nil
		if err := d.Decode(&own); err != nil {
			return nil, err
		}
	}
	p := &loaded{name: own.Name, path: own.Dir, fset: token.NewFileSet(), files: map[string]*ast.File{}, types: map[ast.Expr]types.TypeAndValue{}}
	var all []*ast.File
	for _, name := range own.GoFiles { // the package itself is listed last
		f, err := parser.ParseFile(p.fset, filepath.Join(own.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.files[name] = f
		all = append(all, f)
	}
	conf := types.Config{Importer: importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	_, err = conf.Check(own.ImportPath, p.fset, all, &types.Info{Types: p.types})
	return p, err
}

func underlying(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	return t.Underlying()
}
