package layers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sleepers are the functions of tests that sleep in real time, and why.
var sleepers = map[string]string{
	"bench BenchmarkSetParked": "measures a loop that has gone to sleep; nothing tells that it has",
	"bench/peers idle":         "measures what processes cost that have nothing to do",
	"bench/peers idleChild":    "asks memberlist until it says so; it tells nobody",
	"fuzz/wire ask":            "asks other processes until they say so",
	"fuzz/wire passes":         "lets other processes be for a while, or asks them until they say so",
	"fuzz/wire learns1280":     "asks the kernel until it has heard of a narrow path",
}

// bubble finds the sleeps that the tests of one package do outside the bubbles of
// testing/synctest, where a sleep takes no time: it walks from the functions that the go
// command runs through all that they call by name, and stops at what a bubble runs.
type bubble struct {
	funcs map[string][]*ast.FuncDecl // methods by their bare names: one of several may be meant
	seen  map[*ast.FuncDecl]bool
	found map[string]bool
}

func (b *bubble) walk(f *ast.FuncDecl) {
	if b.seen[f] || f.Body == nil {
		return
	}
	b.seen[f] = true
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			for _, g := range b.funcs[id.Name] { // called, or handed to somebody who calls it
				if g.Recv == nil {
					b.walk(g)
				}
			}
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch name := callee(call); {
		case name == "time.Sleep":
			b.found[f.Name.Name] = true
		case b.opens(name):
			return false
		default:
			for _, g := range b.funcs[name[strings.LastIndexByte(name, '.')+1:]] {
				b.walk(g)
			}
		}
		return true
	})
}

// opens reports whether a call of the name runs its functions in a bubble: synctest.Test, or
// a function that hands its own to it, or to another one that does.
func (b *bubble) opens(name string) bool { return b.opensBut(name, nil) }

// opensBut is opens, but for functions that are being looked at.
func (b *bubble) opensBut(name string, seen []string) bool {
	if name == "synctest.Test" {
		return true
	}
	if slices.Contains(seen, name) {
		return false
	}
	seen = append(seen, name)
	for _, f := range b.funcs[name] {
		given := map[string]bool{}
		for _, p := range f.Type.Params.List {
			if _, ok := p.Type.(*ast.FuncType); ok {
				for _, id := range p.Names {
					given[id.Name] = true
				}
			}
		}
		in := false
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(given) == 0 {
				return true
			}
			hands := false
			ast.Inspect(call, func(n ast.Node) bool {
				id, ok := n.(*ast.Ident)
				hands = hands || ok && given[id.Name]
				return true
			})
			in = in || hands && b.opensBut(callee(call), seen)
			return true
		})
		if in {
			return true
		}
	}
	return false
}

// callee is what a call names: "f", or "x.f" for a function of a package and for a method.
func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
		return "." + f.Sel.Name
	}
	return ""
}

// sleeping names the functions of the tests of one folder that sleep in real time.
func sleeping(files []*ast.File) []string {
	b := bubble{funcs: map[string][]*ast.FuncDecl{}, seen: map[*ast.FuncDecl]bool{}, found: map[string]bool{}}
	for _, f := range files {
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				b.funcs[f.Name.Name] = append(b.funcs[f.Name.Name], f)
			}
		}
	}
	for name, list := range b.funcs {
		if runs := []string{"Test", "Benchmark", "Fuzz", "Example", "init"}; slices.ContainsFunc(runs, func(p string) bool { return strings.HasPrefix(name, p) }) {
			for _, f := range list {
				b.walk(f)
			}
		}
	}
	return slices.Sorted(maps.Keys(b.found))
}

// TestNoTestSleeps: a test waits for what it waits for, or lets virtual time pass. Those
// that can't are listed, with their reason.
func TestNoTestSleeps(t *testing.T) {
	root, _ := moduleRoot(t)
	folders := map[string][]*ast.File{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		dir, _ := filepath.Rel(root, filepath.Dir(path))
		folders[filepath.ToSlash(dir)] = append(folders[filepath.ToSlash(dir)], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	unused := maps.Clone(sleepers)
	for dir, files := range folders {
		for _, name := range sleeping(files) {
			if sleepers[dir+" "+name] == "" {
				t.Errorf("%s: %s sleeps in real time: wait for a condition, or use testing/synctest", dir, name)
			}
			delete(unused, dir+" "+name)
		}
	}
	for name := range unused {
		t.Errorf("%s does not sleep: take it off the list", name)
	}
}

// TestPlantedSleeps: a sleep is found wherever a test reaches it, and one in a bubble is not.
func TestPlantedSleeps(t *testing.T) {
	f := func(body string, want ...string) {
		t.Helper()
		src := "package x\n" + body
		file, err := parser.ParseFile(token.NewFileSet(), "x_test.go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := sleeping([]*ast.File{file}); !slices.Equal(got, want) {
			t.Errorf("%s:\n%q, want %q", src, got, want)
		}
	}
	f(`func TestA(t *testing.T) { time.Sleep(1) }`, "TestA")
	f(`func TestA(t *testing.T) { synctest.Test(t, func(t *testing.T) { time.Sleep(1) }) }`)
	f(`func TestA(t *testing.T) { go func() { time.Sleep(1) }(); synctest.Test(t, nil) }`, "TestA")
	f(`func TestA(t *testing.T) { synctest.Test(t, a) }; func a(t *testing.T) { time.Sleep(1) }`)
	f(`func TestA(t *testing.T) { run(t, func() { m.pause() }) }; func run(t *testing.T, f func()) { synctest.Test(t, func(t *testing.T) { f() }) }; func (m *model) pause() { time.Sleep(1) }`)
	f(`func TestA(t *testing.T) { run(t, func() { time.Sleep(1) }) }; func run(t *testing.T, f func()) { over(t, 1, f) }; func over(t *testing.T, n int, f func()) { synctest.Test(t, func(t *testing.T) { f() }) }`)
	f(`func TestA(t *testing.T) { run(t, func() { time.Sleep(1) }) }; func run(t *testing.T, f func()) { over(t, nil); f() }; func over(t *testing.T, f func()) { synctest.Test(t, func(t *testing.T) { f() }) }`, "TestA")
	f(`func TestA(t *testing.T) { run(t, func() { time.Sleep(1) }) }; func run(t *testing.T, f func()) { over(t, f) }; func over(t *testing.T, f func()) { run(t, f) }`, "TestA")
	f(`func BenchmarkA(b *testing.B) { m.pause() }; func (m *model) pause() { for { time.Sleep(1) } }`, "pause")
	f(`func TestA(t *testing.T) { each(t, pause) }; func pause() { time.Sleep(1) }`, "pause")
	f(`func TestA(t *testing.T) { each(t, func() { time.Sleep(1) }) }; func each(t *testing.T, f func()) { f(); synctest.Test(t, other) }`, "TestA")
}
