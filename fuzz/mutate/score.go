package main

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
)

//go:embed survivors.txt
var survivors string

// argued are the survivors that no test can tell, with the reason.
func argued(text string) (map[string]string, error) {
	known := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, why, ok := strings.Cut(line, " // ")
		if !ok || why == "" {
			return nil, fmt.Errorf("survivors.txt:%d: no reason; fix: DIR/FILE KIND LINE // why no test can tell", i+1)
		}
		known[key] = why
	}
	return known, nil
}

// tally counts fates.
type tally [fates]int

// count notes what became of a mutant, and prints it if it was not noticed.
func (t *tally) count(m *mutant, f fate, known map[string]string) {
	why, excused := known[m.key()]
	if excused && (f == lived || f == uncovered) {
		fmt.Printf("argued %s: %s\n", m.key(), why)
		return
	}
	t[f]++
	switch f {
	case killed:
		if excused {
			fmt.Printf("killed though argued: take it out of survivors.txt: %s\n", m.key())
		}
	case lived, uncovered, endless:
		fmt.Printf("%s %s/%s:%d:%d %s %s\n", fateNames[f], m.dir, m.file, m.line, m.col, m.kind, m.source)
	}
}

// score is killed ÷ (killed + lived + not covered), and the interval in which the
// score of all lies with 95 % if these are a sample of them.
func (t *tally) score() (of, low, high float64) {
	n := float64(t[killed] + t[lived] + t[uncovered])
	if n == 0 {
		return 1, 0, 1
	}
	const z = 1.96
	p := float64(t[killed]) / n
	mid, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return p, (mid - half) / (1 + z*z/n), (mid + half) / (1 + z*z/n)
}

// surely reports a score below so many percent that is not chance: the whole interval
// lies below. Three mutants of a small change say little, however they end.
func (t *tally) surely(least float64) bool {
	_, _, high := t.score()
	return high*100 < least
}

func (t *tally) String() string {
	of, low, high := t.score()
	s := fmt.Sprintf("%.1f %% (%.1f to %.1f)", of*100, low*100, high*100)
	for f, n := range t {
		s += fmt.Sprintf(", %d %s", n, fateNames[f])
	}
	return s
}
