// Package enum names the values of enumerations: one table for each type gives its String,
// its Parse and its texts, so that a name is written once and flags and JSON read alike.
package enum

import (
	"errors"
	"strconv"
	"strings"
)

// Names has the names of an enumeration, by value. A value without a name has "".
type Names[E ~uint8] struct {
	Kind  string // the type, as Go writes it
	What  string // what it is, in the words of an error
	Names []string
}

func (t *Names[E]) known(e E) bool { return int(e) < len(t.Names) && t.Names[e] != "" }

// String is the name of a value, or the type and the number of one that has none.
func (t *Names[E]) String(e E) string {
	if t.known(e) {
		return t.Names[e]
	}
	return t.Kind + "(" + strconv.Itoa(int(e)) + ")"
}

// Parse finds the value of a name. The error lists all names.
func (t *Names[E]) Parse(s string) (E, error) {
	for i, n := range t.Names {
		if n == s && n != "" {
			return E(i), nil
		}
	}
	return 0, t.bad(strconv.Quote(s))
}

// Text is the name as encoding.TextMarshaler gives it: only of values that have one.
func (t *Names[E]) Text(e E) ([]byte, error) {
	if !t.known(e) {
		return nil, t.bad(t.String(e))
	}
	return []byte(t.Names[e]), nil
}

// Set is Parse as encoding.TextUnmarshaler does it: a bad text changes nothing.
func (t *Names[E]) Set(e *E, text []byte) error {
	v, err := t.Parse(string(text))
	if err == nil {
		*e = v
	}
	return err
}

func (t *Names[E]) bad(found string) error {
	var list []string
	for _, n := range t.Names {
		if n != "" {
			list = append(list, n)
		}
	}
	last := len(list) - 1
	return errors.New("engine: " + t.What + " " + found + ": want " + strings.Join(list[:last], ", ") + " or " + list[last])
}
