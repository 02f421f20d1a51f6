package engine

import (
	"fmt"
	"strings"
)

// nameTable holds the names of an enumeration, by value.
type nameTable[E ~uint8] struct {
	kind  string // the type
	what  string // in the words of an error
	names []string
}

// name is that of a value, or the type and the number of one that has none.
func (t *nameTable[E]) name(e E) string {
	if int(e) < len(t.names) {
		return t.names[e]
	}
	return fmt.Sprintf("%s(%d)", t.kind, uint8(e))
}

// parse finds the value of a name. The error lists all names.
func (t *nameTable[E]) parse(s string) (E, error) {
	for i, n := range t.names {
		if n == s {
			return E(i), nil
		}
	}
	last := len(t.names) - 1
	return 0, fmt.Errorf("engine: %s %q: want %s or %s", t.what, s, strings.Join(t.names[:last], ", "), t.names[last])
}

// text is the name as encoding.TextMarshaler gives it: only of values that have one.
func (t *nameTable[E]) text(e E) ([]byte, error) {
	if int(e) >= len(t.names) {
		return nil, fmt.Errorf("engine: %s %s: want %s", t.what, t.name(e), strings.Join(t.names, ", "))
	}
	return []byte(t.names[e]), nil
}
