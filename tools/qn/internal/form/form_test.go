package form

import (
	"io"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	table := func(w io.Writer) error { _, err := io.WriteString(w, "a  b\n"); return err }
	f := func(form Form, v any, want string) {
		t.Helper()
		var b strings.Builder
		if err := form.Print(&b, v, table); err != nil || b.String() != want {
			t.Errorf("%s: %v, %q; want %q", form, err, b.String(), want)
		}
	}
	type row struct {
		A string `json:"a"`
	}
	f(Table, nil, "a  b\n")
	f(JSON, row{"<"}, "{\n  \"a\": \"<\"\n}\n")
	f(NDJSON, row{"x"}, "{\"a\":\"x\"}\n")
	f(NDJSON, []row{{"x"}, {"y"}}, "{\"a\":\"x\"}\n{\"a\":\"y\"}\n")
	f(NDJSON, []row{}, "")
	f(JSON, []row{}, "[]\n")
}
