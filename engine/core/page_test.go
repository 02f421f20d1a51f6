package core

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The package's page names files, packages and rows that there are.
func TestPageNamesWhatThereIs(t *testing.T) {
	page, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := os.ReadFile("tables.go")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, name := range regexp.MustCompile(`\b[a-z]+\.go\b`).FindAllString(string(page), -1) {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("the page names %s: %v", name, err)
		}
		names++
	}
	for _, name := range regexp.MustCompile(`\b(batch|engine)/[a-z]+\b`).FindAllString(string(page), -1) {
		if _, err := os.Stat("../../" + name); err != nil {
			t.Errorf("the page names %s: %v", name, err)
		}
		names++
	}
	for _, row := range []string{"codec.TypeEvent:", "(*events.Cast).Receive", "dueCast", "(*events.Cast).Append"} {
		if !strings.Contains(string(tables), row) || !strings.Contains(string(page), strings.TrimSuffix(row, ":")) {
			t.Errorf("the page or the tables lack %s", row)
		}
	}
	if names < 10 {
		t.Errorf("%d names", names)
	}
}
