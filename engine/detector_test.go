package engine

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
)

// TestDetectorDefaultsStandInTheDocs: the table above Detector is that of the profiles.
func TestDetectorDefaultsStandInTheDocs(t *testing.T) {
	var want strings.Builder
	fmt.Fprintf(&want, "\t%-12s %-6s %-6s %s\n", "", "LAN", "WAN", "Local")
	lan, wan, local := reflect.ValueOf(LAN().Detector), reflect.ValueOf(WAN().Detector), reflect.ValueOf(Local().Detector)
	short := strings.NewReplacer("h0m0s", "h", "m0s", "m")
	for i := range lan.NumField() {
		cell := func(v reflect.Value) string { return short.Replace(fmt.Sprint(v.Field(i))) }
		fmt.Fprintf(&want, "\t%-12s %-6s %-6s %s\n", lan.Type().Field(i).Name, cell(lan), cell(wan), cell(local))
	}
	file, err := parser.ParseFile(token.NewFileSet(), "detector.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var doc string
	ast.Inspect(file, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok && d.Doc != nil {
			if s, ok := d.Specs[0].(*ast.TypeSpec); ok && s.Name.Name == "Detector" {
				doc = d.Doc.Text()
			}
		}
		return true
	})
	if !strings.Contains(doc, want.String()) {
		t.Errorf("the documentation of Detector has no table\n%s", want.String())
	}
}
