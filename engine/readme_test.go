package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README's embed example is the body of Example, which is compiled and run.
func TestReadmeExample(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "seed()\n\n")
	body, _, ok := strings.Cut(body, "\n\n\t// Output:")
	if !ok {
		t.Fatal("Example has another shape")
	}
	body = strings.TrimPrefix(strings.ReplaceAll(body, "\n\t", "\n"), "\t")
	if n := strings.Count(body, "\n") + 1; n != 12 {
		t.Errorf("the example has %d lines, want 12", n)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(readme), "engine.Start(") && !strings.Contains(string(readme), "```go\n"+body+"\n```") {
		t.Errorf("the README quotes something else than:\n%s", body)
	}
}

// What the README names in code, beside other libraries' names in the left column of a table, is a
// name of the engine's.
func TestReadmeNamesExist(t *testing.T) {
	known := map[string]bool{"StatefulSet": true, "AES": true}
	for _, dir := range []string{".", "tune", "enginetest", "metrics"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && id.IsExported() {
					known[id.Name] = true
				}
				return true
			})
		}
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^(engine\.|eng\.)?[A-Z][A-Za-z]+(\([a-z]*\))?(\.[A-Z][A-Za-z]+)*(\(\))?$`)
	checked := 0
	for line := range strings.Lines(string(readme)) {
		if cells := strings.SplitN(line, "|", 4); len(cells) == 4 && cells[0] == "" {
			line = cells[2]
		}
		for i, code := range strings.Split(line, "`") {
			if i%2 == 0 || !name.MatchString(code) || strings.ToUpper(code) == code {
				continue
			}
			checked++
			for _, part := range regexp.MustCompile(`[A-Z][A-Za-z]+`).FindAllString(code, -1) {
				if !known[part] {
					t.Errorf("the README names %s: there is no %s", code, part)
				}
			}
		}
	}
	if checked < 40 {
		t.Errorf("%d names were found", checked)
	}
}
