package engine_test

import (
	"os"
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
