package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// mutant is one change of one place.
type mutant struct {
	dir, file string // the package's directory, and the file's name in it
	kind      string
	line, col int
	source    string // the line, trimmed
	covered   bool   // a test runs the line, as far as coverage shows: not for constants and cases
	core      bool   // whole nodes of the simulator have it
	id        int    // in a schema; 0: it is in none
}

// change is what a kind of mutation makes of an operator.
var change = map[string]map[string]string{
	"ARITHMETIC_BASE":       {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"},
	"CONDITIONALS_BOUNDARY": {"<": "<=", "<=": "<", ">": ">=", ">=": ">"},
	"CONDITIONALS_NEGATION": {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"},
	"INCREMENT_DECREMENT":   {"++": "--", "--": "++"},
	"INVERT_NEGATIVES":      {"-": "+"},
}

// report is the part of what gremlins writes that is needed.
type report struct {
	Files []struct {
		Name      string `json:"file_name"`
		Mutations []struct {
			Type, Status string
			Line, Column int
		}
	}
}

// find lists the places in a package that can be changed, in the order of the source.
func find(dir string) ([]mutant, error) {
	out, err := os.CreateTemp("", "mutate-*.json")
	if err != nil {
		return nil, err
	}
	out.Close()
	defer os.Remove(out.Name())
	cmd := exec.Command("go", "tool", "-modfile=tools/tools.mod", "gremlins", "unleash", "--dry-run", "-o", out.Name(), "./"+dir)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("gremlins: %w\n%s", err, text)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		return nil, err
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	var all []mutant
	for _, f := range r.Files {
		if filepath.Base(f.Name) != f.Name {
			continue // of a package below
		}
		for _, m := range f.Mutations {
			all = append(all, mutant{dir: dir, file: f.Name, kind: m.Type, line: m.Line, col: m.Column, covered: m.Status == "RUNNABLE"})
		}
	}
	return all, readLines(all)
}

// readLines reads the lines of the mutants.
func readLines(all []mutant) error {
	for i := range all {
		m := &all[i]
		text, err := os.ReadFile(filepath.Join(m.dir, m.file))
		if err != nil {
			return err
		}
		m.source = strings.TrimSpace(string(bytes.Split(text, []byte("\n"))[m.line-1]))
	}
	return nil
}

// apply makes the changed source.
func (m *mutant) apply() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(m.dir, m.file))
	if err != nil {
		return nil, err
	}
	at := 0
	for range m.line - 1 {
		at += bytes.IndexByte(text[at:], '\n') + 1
	}
	at += m.col - 1
	for n := 2; n > 0; n-- {
		if at+n > len(text) {
			continue
		}
		if to, ok := change[m.kind][string(text[at:at+n])]; ok {
			return append(append(append([]byte(nil), text[:at]...), to...), text[at+n:]...), nil
		}
	}
	return nil, fmt.Errorf("%s/%s:%d:%d: no operator of kind %s", m.dir, m.file, m.line, m.col, m.kind)
}

// key names a mutant in survivors.txt.
func (m *mutant) key() string { return fmt.Sprintf("%s/%s %s %s", m.dir, m.file, m.kind, m.source) }
