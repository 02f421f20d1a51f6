package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// program is a program of tests that are known one by one: what each takes, and at which
// mutants it comes by and would compute something else. A test that computes the same
// can't tell a mutant and is not asked (Just, Ernst and Fraser 2014); the cheap are asked
// first.
type program struct {
	bin, dir string
	flags    []string
	patience time.Duration // what each run may take at least, on a busy machine
	kept     kept
	tests    []known
}

// known is a test that passes while no mutant lives.
type known struct {
	parent, name string // a part of a test has its test as parent
	took         time.Duration
	seen         []byte // by number of a mutant: reached it, and behind those: told it
}

const (
	livingMutant = "LIVING_MUTANT" // the number of the one that lives; 0 or none: none
	seenMutants  = "SEEN_MUTANTS"  // the file that a program marks what it sees in; none: it does not
)

// survey runs each test alone while no mutant lives, and keeps what it took and saw of n.
// What is kept of it from another run is believed.
func (p *program) survey(ctx context.Context, tests []known, n int) error {
	file := p.bin + ".seen"
	defer os.Remove(file)
	for _, t := range tests {
		if p.kept.load(&t, n) {
			p.tests = append(p.tests, t)
			continue
		}
		if err := os.WriteFile(file, make([]byte, 2*(n+1)), 0o644); err != nil {
			return err
		}
		start := time.Now()
		f, out := p.run(ctx, p.bin, trial{limit: 10 * time.Minute, tests: pattern(t), env: seenMutants + "=" + file})
		if err := ctx.Err(); err != nil {
			return err
		}
		if f != lived {
			fmt.Printf("%s fails without a mutant and is not asked:\n%s\n", pattern(t), out)
			continue
		}
		seen, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		t.took, t.seen = time.Since(start), seen
		if err := p.kept.store(&t); err != nil {
			return err
		}
		p.tests = append(p.tests, t)
	}
	if len(p.tests) == 0 {
		return fmt.Errorf("%s: no test passes without a mutant", p.dir)
	}
	slices.SortStableFunc(p.tests, func(a, b known) int {
		if c := strings.Compare(a.parent, b.parent); c != 0 {
			return c
		}
		return int(a.took - b.took)
	})
	return nil
}

// ask runs the tests that could tell a mutant until one does. Of a mutant without a number
// each could, in a program of its own.
func (p *program) ask(ctx context.Context, bin string, id int) fate {
	some := p.tests
	if id != 0 {
		some = slices.DeleteFunc(slices.Clone(some), func(t known) bool { return t.seen[len(t.seen)/2+id] == 0 })
	}
	for most := firstGroup; len(some) > 0; most *= 2 {
		n, took := 1, some[0].took
		for n < len(some) && some[n].parent == some[0].parent && took+some[n].took <= most {
			took += some[n].took
			n++
		}
		f, _ := p.run(ctx, bin, trial{id: id, limit: max(p.patience, 4*took), tests: pattern(some[:n]...)})
		if f != lived {
			return f
		}
		some = some[n:]
	}
	return lived
}

// firstGroup is what the tests take together that are asked first; each group that follows
// may take twice as much.
const firstGroup = 500 * time.Millisecond

// reaches tells whether a test comes by a mutant.
func (p *program) reaches(id int) bool {
	return slices.ContainsFunc(p.tests, func(t known) bool { return t.seen[id] != 0 })
}

// trial is a run of a program: which mutant lives, for how long, and what is asked.
type trial struct {
	id    int
	limit time.Duration
	tests string
	env   string
}

// run runs tests in their package's directory. A program that asks for memory without end
// is ended, as it would take the machine with it.
func (p *program) run(ctx context.Context, bin string, t trial) (fate, []byte) {
	args := []string{"-c", `ulimit -v 16000000; exec "$0" "$@"`, bin, "-test.failfast", "-test.timeout", t.limit.Round(time.Second).String(), "-test.run", t.tests}
	cmd := exec.CommandContext(ctx, "/bin/sh", append(args, p.flags...)...)
	cmd.Dir, cmd.WaitDelay = p.dir, time.Second
	cmd.Env = append(os.Environ(), livingMutant+"="+strconv.Itoa(t.id), t.env)
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return lived, out
	case bytes.Contains(out, []byte("panic: test timed out")):
		return endless, out
	}
	return killed, out
}

// pattern matches some tests of one parent.
func pattern(some ...known) string {
	names := make([]string, len(some))
	for i := range some {
		names[i] = regexp.QuoteMeta(some[i].name)
	}
	p := "^(" + strings.Join(names, "|") + ")$"
	if some[0].parent != "" {
		return "^" + some[0].parent + "$/" + p
	}
	return p
}

// list names the tests of a program.
func (p *program) list(ctx context.Context) (tests []known, err error) {
	cmd := exec.CommandContext(ctx, p.bin, "-test.list", "^(Test|Fuzz|Example)")
	cmd.Dir = p.dir
	out, err := cmd.Output()
	for name := range strings.FieldsSeq(string(out)) {
		tests = append(tests, known{name: name})
	}
	return tests, err
}

var passed = regexp.MustCompile(`(?m)^ +--- PASS: (\w+)/(\S+) `)

// parts names the parts of some tests, which it runs for that.
func (p *program) parts(ctx context.Context, tests string) (parts []known, err error) {
	cmd := exec.CommandContext(ctx, p.bin, "-test.v", "-test.run", tests)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %s fails without a mutant: %w\n%s", p.dir, tests, err, out)
	}
	for _, m := range passed.FindAllStringSubmatch(string(out), -1) {
		parts = append(parts, known{parent: m[1], name: m[2]})
	}
	return parts, nil
}
