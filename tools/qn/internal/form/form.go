package form

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"github.com/spf13/cobra"
)

// Form is how a result is printed; it is the value of --output.
type Form string

// The forms.
const (
	Table  Form = "table"
	JSON   Form = "json"   // one indented document
	NDJSON Form = "ndjson" // a line for each element of a list, one line for anything else
)

// Flag is the name of the flag that Add makes.
const Flag = "output"

// Add gives cmd the flag, -o for short.
func Add(cmd *cobra.Command, f *Form) {
	*f = Table
	cmd.Flags().VarP(f, Flag, "o", "form of the result: table, json or ndjson")
	_ = cmd.RegisterFlagCompletionFunc(Flag, cobra.FixedCompletions([]string{"table", "json", "ndjson"}, cobra.ShellCompDirectiveNoFileComp))
}

// String is the form's name.
func (f *Form) String() string { return string(*f) }

// Set chooses a form by its name.
func (f *Form) Set(s string) error {
	switch Form(s) {
	case Table, JSON, NDJSON:
		*f = Form(s)
		return nil
	}
	return fmt.Errorf("no such form; fix: -o table, -o json or -o ndjson")
}

// Type names the kind of value in help texts.
func (f *Form) Type() string { return "form" }

// Print writes v in the form; table writes it for people.
func (f Form) Print(w io.Writer, v any, table func(io.Writer) error) error {
	switch f {
	case JSON:
		return Indented(w, v)
	case NDJSON:
		return lines(w, v)
	}
	return table(w)
}

// Indented writes v as one JSON document.
func Indented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// lines writes the elements of a list, or v itself, one line each.
func lines(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	list := reflect.ValueOf(v)
	if list.Kind() != reflect.Slice {
		return e.Encode(v)
	}
	for i := range list.Len() {
		if err := e.Encode(list.Index(i).Interface()); err != nil {
			return err
		}
	}
	return nil
}
