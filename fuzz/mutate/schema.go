package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// livingMutant is the variable that says which mutant of a schema lives; 0 or none: none.
const livingMutant = "LIVING_MUTANT"

// schema is one test program that has all mutants of a package that can be told apart when
// it runs: it is built once and not once for each (Untch, Offutt and Harrold 1993). What
// has to be known before, such as a constant, is no part of it.
type schema struct {
	dir   string
	work  string        // what it is made of
	bin   string        // the tests of the package
	wide  string        // whole nodes; "": no node has it
	limit time.Duration // of a run
}

// newSchema weaves mutants into a package and numbers those that are in. It returns nil if
// the tests do not pass such a package while no mutant lives.
func newSchema(dir string, some []mutant) (*schema, error) {
	work, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return nil, err
	}
	s := &schema{dir: dir, work: work, bin: filepath.Join(work, "own.test")}
	for i := range some {
		some[i].id = i + 1
	}
	for range 8 {
		if err := s.weave(some); err != nil {
			s.close()
			return nil, err
		}
		out, err := s.build(s.bin, dir)
		if err == nil {
			return s.ready(some)
		}
		if !drop(some, string(out)) {
			break // it is not a mutant that does not compile
		}
	}
	s.close()
	return nil, nil
}

// ready builds what is needed besides, and runs the tests with no mutant alive.
func (s *schema) ready(some []mutant) (*schema, error) {
	start := time.Now()
	if f := runTests(s.bin, s.dir, 0, 10*time.Minute); f != lived {
		s.close()
		return nil, nil
	}
	s.limit = max(10*time.Second, 4*time.Since(start)).Round(time.Second)
	if len(some) > 0 && some[0].core {
		s.wide = filepath.Join(s.work, "wide.test")
		if out, err := s.build(s.wide, wideDir); err != nil {
			s.close()
			return nil, fmt.Errorf("%w\n%s", err, out)
		}
	}
	return s, nil
}

func (s *schema) close() { os.RemoveAll(s.work) }

func (s *schema) build(bin, dir string) ([]byte, error) {
	return exec.Command("go", "test", "-c", "-vet=off", "-gcflags=-e", "-overlay", s.overlay(), "-o", bin, "./"+dir).CombinedOutput()
}

func (s *schema) overlay() string { return filepath.Join(s.work, "overlay.json") }

// try runs the tests while one mutant lives.
func (s *schema) try(m *mutant) fate {
	f := runTests(s.bin, s.dir, m.id, s.limit)
	if f == lived && s.wide != "" {
		f = runTests(s.wide, wideDir, m.id, wideMost, "-test.run", wideTests)
	}
	return f
}

// runTests runs a test program in its package's directory while one mutant lives.
func runTests(bin, dir string, id int, limit time.Duration, also ...string) fate {
	cmd := exec.Command(bin, append([]string{"-test.failfast", "-test.timeout", limit.String()}, also...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), livingMutant+"="+strconv.Itoa(id))
	return judge(cmd.CombinedOutput())
}

// weave writes the files of the package anew. What could not be woven loses its number.
func (s *schema) weave(some []mutant) error {
	p, err := load(s.dir)
	if err != nil {
		return err
	}
	replace, in := map[string]string{}, map[*mutant]bool{}
	put := func(name string, text []byte) error {
		replace[filepath.Join(p.path, name)] = filepath.Join(s.work, name)
		return os.WriteFile(filepath.Join(s.work, name), text, 0o644)
	}
	for name, file := range p.files {
		text, err := os.ReadFile(filepath.Join(p.path, name))
		if err != nil {
			return err
		}
		w := weaver{fset: p.fset, types: p.types, here: byPlace(some, name)}
		if err := put(name, w.weave(text, file)); err != nil {
			return err
		}
		for _, m := range w.kept {
			in[m] = true
		}
	}
	for i := range some {
		if !in[&some[i]] {
			some[i].id = 0
		}
	}
	if err := put("zz_mutated.go", []byte(helperSource(p.name))); err != nil {
		return err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(s.overlay(), text, 0o644)
}

// byPlace finds the mutants of a file that have a number by where their operator is.
func byPlace(some []mutant, file string) map[place][]*mutant {
	here := map[place][]*mutant{}
	for i := range some {
		if m := &some[i]; m.file == file && m.id != 0 {
			at := place{m.line, m.col}
			here[at] = append(here[at], m)
		}
	}
	return here
}

var complaint = regexp.MustCompile(`(?m)^(?:\./)?(\S+\.go):(\d+):\d+: `)

// drop takes the numbers of those mutants on whose lines the compiler complains. It
// reports whether there were any.
func drop(some []mutant, said string) (any bool) {
	for _, c := range complaint.FindAllStringSubmatch(said, -1) {
		line, _ := strconv.Atoi(c[2]) // the expression has digits only
		for i := range some {
			if m := &some[i]; m.id != 0 && m.file == filepath.Base(c[1]) && m.line == line {
				m.id, any = 0, true
			}
		}
	}
	return any
}
