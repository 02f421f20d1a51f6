package layers

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// leafTests is what the tests of a leaf show at least: that it can be run alone, and
// that its hot calls need no memory.
var leafTests = regexp.MustCompile(`testing\.AllocsPerRun\(`)

// bare says what a leaf's folder lacks.
func bare(root, dir string) (list []string, err error) {
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var page, proof bool
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		test := strings.HasSuffix(name, "_test.go")
		page = page || !test && strings.Contains("\n"+string(text), "\n// Package "+filepath.Base(dir)+" ")
		proof = proof || test && leafTests.Match(text)
	}
	if !page {
		list = append(list, fmt.Sprintf("%s has no page", dir))
	}
	if !proof {
		list = append(list, fmt.Sprintf("%s has no test that counts allocations", dir))
	}
	return list, nil
}

// vocabulary are the packages of names and settings: nothing in them runs by the frame.
var vocabulary = []string{"engine/enum", "engine/tune"}

// TestLeavesStandAlone: each protocol can be read by its page, and is tested alone.
func TestLeavesStandAlone(t *testing.T) {
	root, _ := moduleRoot(t)
	for dir := range rules {
		if !rules[dir].pure || !strings.HasPrefix(dir, "engine/") || dir == houseDir || slices.Contains(vocabulary, dir) {
			continue
		}
		list, err := bare(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			t.Error(b)
		}
	}
}

// TestPlantedLeaves: a leaf that lacks something is found.
func TestPlantedLeaves(t *testing.T) {
	f := func(files map[string]string, want ...string) {
		t.Helper()
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "walk"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(root, "walk", name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := bare(root, "walk"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q %v, want %q", got, err, want)
		}
	}
	page, proof := "// Package walk walks.\npackage walk\n", "package walk\nvar n = testing.AllocsPerRun(1, nil)\n"
	f(map[string]string{"walk.go": page, "walk_test.go": proof})
	f(map[string]string{"walk.go": page, "walk_test.go": "package walk\n"}, "walk has no test that counts allocations")
	f(map[string]string{"walk.go": page, "proof.go": proof}, "walk has no test that counts allocations")
	f(map[string]string{"walk.go": "package walk\n", "walk_test.go": page + proof}, "walk has no page")
}
