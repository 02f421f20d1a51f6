package layers

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// moduleRoot walks up from the test's folder to go.mod.
func moduleRoot(t *testing.T) (root, module string) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			line, _, _ := strings.Cut(string(mod), "\n")
			return dir, strings.TrimSpace(strings.TrimPrefix(line, "module "))
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

func TestLayers(t *testing.T) {
	root, module := moduleRoot(t)
	breaches, err := Module(root, module)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaches {
		t.Error(b)
	}
}

// The table permits what is used, and no more.
func TestPermissionsAreUsed(t *testing.T) {
	root, module := moduleRoot(t)
	idle, err := Idle(root, module)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range idle {
		t.Error(b)
	}
	imports := []string{"", "codec", "codec/seal", "time"}
	if got := idleIn("codec/seal", imports); len(got) != 4 || !strings.Contains(got[0], "codec/seal may import crypto/aes") {
		t.Errorf("four idle permissions are told as %q", got)
	}
	if got := idleIn("sched", nil); len(got) != 1 || !strings.Contains(got[0], "no such package") {
		t.Errorf("a row without a package is told as %q", got)
	}
}

// No row of a leaf may be widened to the house or above it.
func TestLeavesLookDown(t *testing.T) {
	for _, b := range climbs(rules) {
		t.Error(b)
	}
	rows := map[string]rule{
		houseDir:      {project: []string{"engine/link", "engine/mail", "engine/flow"}},
		"engine/link": {project: []string{"sched", houseDir}},
		"engine/mail": {project: []string{"engine/link"}},
		"engine/flow": {project: []string{"engine/..."}},
		"engine":      {project: []string{houseDir}},
	}
	want := []string{
		"engine/flow is a leaf: its row can't have engine", "engine/flow is a leaf: its row can't have engine/core",
		"engine/link is a leaf: its row can't have engine/core",
	}
	if got := climbs(rows); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A leaf calls up through an interface of its own, or compares; it keeps no other function.
func TestLeavesKeepNoFunctions(t *testing.T) {
	_, module := moduleRoot(t)
	const src = `package planted

import _ "github.com/quidnunc/quidnunc/engine/core"

// Path calls its host without saying what it asks of it.
type Path struct {
	lost func(peer uint32)
}

type host interface{ Lost(peer uint32) } // so it may

type ordered struct {
	order func(a, b *Path) int // and so
}
`
	want := []string{"engine/link must not import engine/core", "engine/link is a leaf and keeps a function"}
	got, err := file(module, "engine/link", "planted.go", []byte(src))
	if err != nil || len(got) != len(want) {
		t.Fatalf("%q %v, want %q", got, err, want)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	if got, err := file(module, "engine", "planted.go", []byte(src)); err != nil || len(got) != 0 {
		t.Errorf("what is no leaf may: %q %v", got, err)
	}
}

// Each file in testdata says where it pretends to stand and what must be said
// of it, so that the test above is known to be able to fail:
//
//	//layers:package engine/flow
//	//layers:want engine/flow is pure and must not import time
//
// A file without a want line must pass.
func TestPlantedBreaches(t *testing.T) {
	_, module := moduleRoot(t)
	files, err := filepath.Glob("testdata/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no planted files: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) { planted(t, module, name) })
	}
}

func planted(t *testing.T, module, name string) {
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var dir string
	var wants []string
	for line := range strings.Lines(string(src)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "//layers:package "); ok {
			dir = rest
		}
		if rest, ok := strings.CutPrefix(line, "//layers:want "); ok {
			wants = append(wants, rest)
		}
	}
	breaches, err := file(module, dir, name, src)
	if err != nil {
		t.Fatal(err)
	}
	if len(breaches) != len(wants) {
		t.Errorf("%d breaches, want %d", len(breaches), len(wants))
	}
	for i, b := range breaches {
		if i >= len(wants) || !strings.Contains(b, wants[i]) {
			t.Errorf("breach %d: %s; wanted %q", i, b, wants)
		}
	}
}

// The walk itself finds a breach in a tree, and skips what it says it skips.
func TestWalk(t *testing.T) {
	root := t.TempDir()
	write := func(path, src string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(src), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const bad = "package x\n\nimport _ \"time\"\n"
	write("go.mod", "module example.org/m\n")
	write("sched/a.go", bad)
	write("sched/a_test.go", bad)
	write("sched/testdata/a.go", bad)
	write("sched/nested/go.mod", "module example.org/m/sched/nested\n")
	write("sched/nested/a.go", bad)
	write("gossip/a.go", bad)
	write("gossip/b.go", bad)
	got, err := Module(root, "example.org/m")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !strings.Contains(got[0], "gossip has no row") || !strings.Contains(got[1], "sched is pure") {
		t.Errorf("breaches: %q", got)
	}
}
