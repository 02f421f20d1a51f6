package engine

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that the table of behaviours names is there, and the table is
// whole.
func TestTableOfBehaviours(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{"engine": ".", "core": "core", "attack": "../fuzz/attack"}
	sources := map[string]string{}
	for name, folder := range folders {
		files, _ := filepath.Glob(filepath.Join(folder, "*_test.go"))
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			sources[name] += string(b)
		}
	}
	rows := 0
	named := regexp.MustCompile(`(\w+)\.(Test\w+)`)
	for line := range strings.Lines(string(doc)) {
		tests := named.FindAllStringSubmatch(line, -1)
		if !strings.HasPrefix(line, "//\t") || len(tests) == 0 {
			continue
		}
		rows++
		for _, m := range tests {
			if !strings.Contains(sources[m[1]], "func "+m[2]+"(") {
				t.Errorf("there is no %s.%s", m[1], m[2])
			}
		}
	}
	if rows != 30 {
		t.Errorf("%d rows", rows)
	}
}
