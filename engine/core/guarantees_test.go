package core

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestGuaranteesNameTests: each test that the page of guarantees names exists.
func TestGuaranteesNameTests(t *testing.T) {
	page, err := os.ReadFile("guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z/]+)\\.(Test[A-Za-z0-9]+)`").FindAllSubmatch(page, -1)
	if len(named) < 40 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, name := range regexp.MustCompile("`Test[A-Za-z0-9]+`").FindAll(page, -1) {
		t.Errorf("%s is named without its package", name)
	}
	for _, m := range named {
		files, err := filepath.Glob(filepath.Join("../..", string(m[1]), "*_test.go"))
		found := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			found = found || err == nil && regexp.MustCompile(`(?m)^func `+string(m[2])+`\(t \*testing\.T\)`).Match(text)
		}
		if err != nil || !found {
			t.Errorf("package %s has no test %s", m[1], m[2])
		}
	}
}
