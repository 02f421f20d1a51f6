package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/quidnunc/quidnunc/sched"
)

// Replay names a run in one word: the version of the plans, the seed, what is
// left out, and the hash that the run had. It looks like
//
//	p6.s4f3a.n3.t1800000.w2.f0,4.h9c0d1e2f
//
// where all but version and seed are there only if they say something.
type Replay struct {
	Seed uint64
	Cut  Cut
	Hash uint64 // 0: not known
}

// String is the word.
func (r *Replay) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "p%d.s%x", PlanVersion, r.Seed)
	if r.Cut.Nodes != 0 {
		fmt.Fprintf(&b, ".n%d", r.Cut.Nodes)
	}
	if r.Cut.Until != 0 {
		fmt.Fprintf(&b, ".t%d", r.Cut.Until)
	}
	if r.Cut.Slower != 0 {
		fmt.Fprintf(&b, ".w%d", r.Cut.Slower)
	}
	if r.Cut.Some {
		b.WriteString(".f")
		for i, f := range r.Cut.Faults {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Itoa(f))
		}
	}
	if r.Cut.Honest {
		b.WriteString(".l")
	}
	if r.Hash != 0 {
		fmt.Fprintf(&b, ".h%x", r.Hash)
	}
	return b.String()
}

// ParseReplay reads what String wrote. Its errors say what would work.
func ParseReplay(s string) (r Replay, err error) {
	parts := strings.Split(s, ".")
	version, ok := strings.CutPrefix(parts[0], "p")
	if v, err := strconv.Atoi(version); !ok || err != nil {
		return r, fmt.Errorf("%q is not a replay; fix: the word that a failing run printed, such as p%d.s4f3a, or --seed with a number", s, PlanVersion)
	} else if v != PlanVersion {
		return r, fmt.Errorf("%q is of plans of version %d, this program makes version %d; fix: run it with the program that printed it, or look for the fault anew with --swarm", s, v, PlanVersion)
	}
	for _, part := range parts[1:] {
		if part == "" || r.set(part[0], part[1:]) != nil {
			return r, fmt.Errorf("%q: the part %q can't be read; fix: copy the whole word that was printed", s, part)
		}
	}
	if n := NewPlan(r.Seed).Nodes; r.Cut.Nodes < 0 || r.Cut.Nodes == 1 || r.Cut.Nodes > n {
		return r, fmt.Errorf("%q: %d nodes; fix: the seed has %d, leave out the part .n or take 2 to %d", s, r.Cut.Nodes, n, n)
	}
	return r, nil
}

func (r *Replay) set(letter byte, text string) (err error) {
	switch letter {
	case 's':
		r.Seed, err = strconv.ParseUint(text, 16, 64)
	case 'h':
		r.Hash, err = strconv.ParseUint(text, 16, 64)
	case 'n':
		r.Cut.Nodes, err = strconv.Atoi(text)
	case 't':
		var t int64
		t, err = strconv.ParseInt(text, 10, 64)
		r.Cut.Until = sched.Instant(t)
	case 'w':
		r.Cut.Slower, err = strconv.Atoi(text)
	case 'l':
		r.Cut.Honest = true
		if text != "" {
			err = strconv.ErrSyntax
		}
	case 'f':
		r.Cut.Some = true
		for f := range strings.SplitSeq(text, ",") {
			if text == "" {
				break
			}
			i, bad := strconv.Atoi(f)
			if bad != nil {
				return bad
			}
			r.Cut.Faults = append(r.Cut.Faults, i)
		}
	default:
		err = strconv.ErrSyntax
	}
	return err
}

// Plan is what is run.
func (r *Replay) Plan() *Plan { return r.Cut.Apply(NewPlan(r.Seed)) }

// Run runs it.
func (r *Replay) Run() *Outcome { return Try(r.Plan()) }
