package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// schema is one test program that has all mutants of a package that can be told apart when
// it runs: it is built once and not once for each (Untch, Offutt and Harrold 1993). What
// has to be known before, such as a constant, is no part of it.
type schema struct {
	dir       string
	work      string   // what it is made of
	keep      string   // where surveys are kept
	own, wide *program // wide: whole nodes; nil: no node has the package
}

// These are asked when the package's own tests have nothing to say, of what a node is
// made of: whole nodes do what they did before, frame by frame.
const (
	wideDir   = "fuzz/sim"
	wideTests = "TraceHash|Scenarios"
	patience  = 10 * time.Second
)

// newSchema weaves all mutants into a package and numbers those that are in. Those that
// are drawn have no part in it: the program is the same for each sample.
func newSchema(ctx context.Context, o *options, dir string, all []mutant) (*schema, error) {
	work, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return nil, err
	}
	s := &schema{dir: dir, work: work, keep: o.keep}
	s.own = &program{bin: filepath.Join(work, "own.test"), dir: dir, patience: patience}
	if o.short {
		s.own.flags = []string{"-test.short"}
	}
	if err := s.make(ctx, all); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *schema) close() { os.RemoveAll(s.work) }

// make builds the programs and gets to know their tests.
func (s *schema) make(ctx context.Context, some []mutant) error {
	for i := range some {
		some[i].id = i + 1
	}
	for {
		if err := s.weave(some); err != nil {
			return err
		}
		out, err := s.build(ctx, s.overlay(), s.own.bin, s.dir)
		if err == nil {
			break
		}
		if ctx.Err() != nil || !drop(some, string(out)) { // it is not a mutant that does not compile
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	tests, err := s.own.list(ctx)
	if err != nil {
		return err
	}
	if s.own.kept, err = keep(s.keep, s.dir+strings.Join(s.own.flags, ""), s.own.bin); err != nil {
		return err
	}
	if err := s.own.survey(ctx, tests, len(some)); err != nil {
		return err
	}
	inside, err := inCore(ctx, s.dir)
	if err != nil || !inside {
		return err
	}
	s.wide = &program{bin: filepath.Join(s.work, "wide.test"), dir: wideDir, patience: patience}
	if out, err := s.build(ctx, s.overlay(), s.wide.bin, wideDir); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if s.wide.kept, err = keep(s.keep, wideDir+"-"+s.dir, s.wide.bin); err != nil {
		return err
	}
	parts, err := s.wide.parts(ctx, wideTests)
	if err != nil {
		return err
	}
	return s.wide.survey(ctx, parts, len(some))
}

// inCore reports whether a core of the simulator is made of a package.
func inCore(ctx context.Context, dir string) (bool, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{.ImportPath}}", "./engine/core").Output()
	return strings.Contains(string(out), "github.com/quidnunc/quidnunc/"+dir+"\n"), err
}

func (s *schema) build(ctx context.Context, overlay, bin, dir string) ([]byte, error) {
	return exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-trimpath", "-gcflags=-e", "-overlay", overlay, "-o", bin, "./"+dir).CombinedOutput()
}

func (s *schema) overlay() string { return filepath.Join(s.work, "overlay.json") }

// fate tries a mutant.
func (s *schema) fate(ctx context.Context, m *mutant) (fate, error) {
	if m.id == 0 {
		return s.alone(ctx, m)
	}
	f := s.own.ask(ctx, s.own.bin, m.id)
	if f == lived && s.wide != nil {
		f = s.wide.ask(ctx, s.wide.bin, m.id)
	}
	if f == lived && !s.own.reaches(m.id) && (s.wide == nil || !s.wide.reaches(m.id)) {
		f = uncovered
	}
	return f, nil
}

// alone tries a mutant in programs that are built for it.
func (s *schema) alone(ctx context.Context, m *mutant) (fate, error) {
	work, err := os.MkdirTemp(s.work, "")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	text, err := m.apply()
	if err != nil {
		return 0, err
	}
	over := filepath.Join(work, "overlay.json")
	if err := writeOverlay(over, map[string][]byte{filepath.Join(s.dir, m.file): text}); err != nil {
		return 0, err
	}
	f := lived
	for _, p := range [...]*program{s.own, s.wide} {
		if p == nil || f != lived {
			continue
		}
		bin := filepath.Join(work, filepath.Base(p.bin))
		if _, err := s.build(ctx, over, bin, p.dir); err != nil {
			return broken, nil
		}
		f = p.ask(ctx, bin, 0)
	}
	return f, nil
}

// weave writes the files of the package anew. What could not be woven loses its number.
func (s *schema) weave(some []mutant) error {
	p, err := load(s.dir)
	if err != nil {
		return err
	}
	files, in := map[string][]byte{}, map[*mutant]bool{}
	for name, file := range p.files {
		text, err := os.ReadFile(filepath.Join(p.path, name))
		if err != nil {
			return err
		}
		w := weaver{fset: p.fset, types: p.types, here: byPlace(some, name)}
		files[filepath.Join(s.dir, name)] = w.weave(text, file)
		for _, m := range w.kept {
			in[m] = true
		}
	}
	for i := range some {
		if !in[&some[i]] {
			some[i].id = 0
		}
	}
	files[filepath.Join(s.dir, "zz_mutated.go")] = []byte(helperSource(p.name, len(some)))
	return writeOverlay(s.overlay(), files)
}

// writeOverlay writes files beside an overlay that says what they stand for.
func writeOverlay(over string, files map[string][]byte) error {
	replace := map[string]string{}
	for name, text := range files {
		from, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		replace[from] = filepath.Join(filepath.Dir(over), filepath.Base(name))
		if err := os.WriteFile(replace[from], text, 0o644); err != nil {
			return err
		}
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(over, text, 0o644)
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
