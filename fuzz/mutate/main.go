package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// options are what a run was asked for.
type options struct {
	sample  int
	seed    uint64
	changed string
	budget  time.Duration
	workers int
	short   bool
	least   float64
	keep    string
}

func main() {
	var o options
	flag.IntVar(&o.sample, "sample", 0, "mutants of each package, drawn by the seed; 0: all")
	flag.Uint64Var(&o.seed, "seed", 1, "of the sample")
	flag.StringVar(&o.changed, "changed", "", "only lines that differ from this commit")
	flag.DurationVar(&o.budget, "budget", 24*time.Hour, "end after that, whatever is under way")
	flag.IntVar(&o.workers, "workers", 1, "mutants at one time")
	flag.BoolVar(&o.short, "short", false, "ask the package's own tests as with go test -short")
	flag.Float64Var(&o.least, "least", 0, "exit with 1 if a score is below so many percent; with -changed: if that of all together surely is")
	flag.StringVar(&o.keep, "keep", keepDir(), "where what is known of tests is kept for the next run; empty: nowhere")
	flag.Parse()
	bad, err := run(&o, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if bad {
		os.Exit(1)
	}
}

// run tries the packages one after the other. It reports whether a score is too low.
func run(o *options, patterns []string) (bad bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), o.budget)
	defer cancel()
	known, err := argued(survivors)
	if err != nil {
		return false, err
	}
	dirs, err := packages(patterns)
	if err != nil {
		return false, err
	}
	var sum tally
	for _, dir := range dirs {
		all, err := places(o, dir)
		if err != nil {
			return false, err
		}
		if len(all) == 0 {
			continue
		}
		t, err := of(ctx, o, all, known)
		if err != nil {
			return false, err
		}
		score, _, _ := t.score()
		bad = bad || score*100 < o.least
		for f, n := range t {
			sum[f] += n
		}
		fmt.Printf("%s: %v of %d\n", dir, t, len(all))
	}
	if o.changed != "" {
		fmt.Printf("lines that differ from %s: %v\n", o.changed, &sum)
		bad = sum.surely(o.least)
	}
	return bad, nil
}

// keepDir is where surveys are kept if nobody says.
func keepDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "quidnunc", "mutate")
}

// places are the mutants of a package that are asked for.
func places(o *options, dir string) ([]mutant, error) {
	if o.changed == "" {
		return find(dir)
	}
	out, err := exec.Command("git", "diff", "--unified=0", "--no-color", o.changed, "--", dir+"/*.go", ":!*_test.go").Output()
	if err != nil {
		return nil, fmt.Errorf("git diff %s: %w; fix: name a commit that is here", o.changed, err)
	}
	lines := changedLines(string(out))
	if len(lines) == 0 {
		return nil, nil
	}
	all, err := find(dir)
	return slices.DeleteFunc(all, func(m mutant) bool { return !lines[m.dir+"/"+m.file][m.line] }), err
}

// of tries mutants of one package and prints what survives.
func of(ctx context.Context, o *options, all []mutant, known map[string]string) (*tally, error) {
	var t tally
	dir := all[0].dir
	s, err := newSchema(ctx, o, dir, all)
	if ctx.Err() != nil {
		fmt.Printf("%s: the budget ended before its tests were known\n", dir)
		return &t, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	defer s.close()
	some := draw(o, all)
	var mu sync.Mutex
	var fail error
	var group sync.WaitGroup
	next := make(chan *mutant)
	for range max(1, o.workers) {
		group.Go(func() {
			for m := range next {
				f, err := s.fate(ctx, m)
				mu.Lock()
				if err != nil {
					fail = err
				} else if ctx.Err() == nil {
					t.count(m, f, known)
				}
				mu.Unlock()
			}
		})
	}
	for i := range some {
		if ctx.Err() != nil {
			fmt.Printf("%s: the budget ended after %d of %d\n", dir, i, len(some))
			break
		}
		next <- &some[i]
	}
	close(next)
	group.Wait()
	if ctx.Err() != nil {
		fail = nil // of what was ended
	}
	return &t, fail
}

// draw is the seeded sample of all, or all.
func draw(o *options, all []mutant) []mutant {
	some := slices.Clone(all)
	if o.sample > 0 && o.sample < len(some) {
		r := rand.New(rand.NewPCG(o.seed, 0))
		r.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		some = some[:o.sample]
	}
	return some
}

// packages are the directories of the packages that match, from here.
func packages(patterns []string) ([]string, error) {
	out, err := exec.Command("go", append([]string{"list", "-f", "{{.ImportPath}} {{.Module.Path}}"}, patterns...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", strings.Join(patterns, " "), err)
	}
	var dirs []string
	for line := range strings.Lines(string(out)) {
		path, module, _ := strings.Cut(strings.TrimSpace(line), " ")
		dirs = append(dirs, strings.TrimPrefix(path, module+"/"))
	}
	return dirs, nil
}

// changedLines reads a diff without context: by file, the numbers of the lines that are new.
func changedLines(diff string) map[string]map[int]bool {
	lines, file := map[string]map[int]bool{}, ""
	for l := range strings.Lines(diff) {
		if name, ok := strings.CutPrefix(l, "+++ b/"); ok {
			file = strings.TrimSpace(name)
			lines[file] = map[int]bool{}
			continue
		}
		if !strings.HasPrefix(l, "@@ ") {
			continue
		}
		_, to, _ := strings.Cut(l, " +")
		to, _, _ = strings.Cut(to, " ")
		first, many, some := strings.Cut(to, ",")
		from, _ := strconv.Atoi(first) // git wrote it
		n := 1
		if some {
			n, _ = strconv.Atoi(many)
		}
		for i := range n {
			lines[file][from+i] = true
		}
	}
	return lines
}
