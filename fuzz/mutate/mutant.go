package main

import "fmt"

// mutant is one change of one place.
type mutant struct {
	dir, file string // the package's directory, and the file's name in it
	kind      string
	line, col int
	source    string // the line, trimmed
	id        int    // in a schema; 0: it is in none
}

// change is what a kind of mutation makes of an operator. The kinds and their names are
// those that Gremlins has by default, each place of a kind once.
var change = map[string]map[string]string{
	"ARITHMETIC_BASE":       {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"},
	"CONDITIONALS_BOUNDARY": {"<": "<=", "<=": "<", ">": ">=", ">=": ">"},
	"CONDITIONALS_NEGATION": {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"},
	"INCREMENT_DECREMENT":   {"++": "--", "--": "++"},
	"INVERT_NEGATIVES":      {"-": "+"},
}

// key names a mutant in survivors.txt.
func (m *mutant) key() string { return fmt.Sprintf("%s/%s %s %s", m.dir, m.file, m.kind, m.source) }

// fate is what became of a mutant.
type fate uint8

const (
	killed fate = iota
	lived
	uncovered
	endless
	broken // it does not compile
	fates
)

var fateNames = [fates]string{"killed", "lived", "not covered", "timed out", "not a program"}
