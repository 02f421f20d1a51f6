package sim

import (
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// Cut is what is left out of the plan that a seed makes. The zero value leaves
// nothing out.
type Cut struct {
	Nodes  int           // so many nodes; 0: all
	Until  sched.Instant // harm and writes end here; 0: where the plan says
	Slower int           // the mean time between writes is doubled so often
	Some   bool          // only the faults in Faults happen
	Faults []int         // ascending
	Honest bool          // nobody lies
}

// Apply is the smaller plan.
func (c *Cut) Apply(p *Plan) *Plan {
	q := *p
	if c.Nodes != 0 {
		q.Nodes = c.Nodes
	}
	if c.Until != 0 {
		q.Until = min(q.Until, c.Until)
	}
	q.Gap <<= c.Slower
	if c.Honest {
		q.Lies = LiePlan{}
	}
	q.Faults, q.Rough = nil, nil
	for i, f := range p.Faults {
		if c.Some && !slices.Contains(c.Faults, i) || f.At >= q.Until {
			continue
		}
		f.For = min(f.For, q.Until-f.At)
		q.Faults, q.Rough = append(q.Faults, f), append(q.Rough, i)
	}
	return &q
}

// Shrink looks for a small part of a plan that breaks the same law, for at most
// the given time. It tells what to leave out, and how that went.
func Shrink(failed *Outcome, budget time.Duration) (Cut, *Outcome) {
	s := &shrinker{
		plan: NewPlan(failed.Plan.Seed), law: failed.Violation.Law, best: failed,
		end: time.Now().Add(budget),
	}
	for before := -1; s.tried != before && time.Now().Before(s.end); {
		before = s.tried
		better := s.shorter()
		better = s.honest() || better
		better = s.faults() || better
		better = s.nodes() || better
		better = s.writes() || better
		if !better {
			break
		}
	}
	return s.cut, s.best
}

type shrinker struct {
	plan  *Plan
	law   string
	cut   Cut
	best  *Outcome
	end   time.Time
	tried int
}

// try keeps a cut if it breaks the law still.
func (s *shrinker) try(c Cut) bool {
	if time.Now().After(s.end) {
		return false
	}
	s.tried++
	out := Try(c.Apply(s.plan))
	if out.Violation == nil || out.Violation.Law != s.law {
		return false
	}
	s.cut, s.best = c, out
	return true
}

// shorter ends harm when the law broke, or earlier.
func (s *shrinker) shorter() (better bool) {
	until := s.best.Plan.Until
	if at := s.best.Violation.At; at < until && at > 0 {
		until = at + sched.Millisecond
	}
	for _, part := range []sched.Instant{4, 6, 7, 8} {
		c := s.cut
		c.Until = until * part / 8
		if c.Until < s.best.Plan.Until && s.try(c) {
			return true
		}
	}
	return false
}

// honest leaves out the lies.
func (s *shrinker) honest() bool {
	c := s.cut
	c.Honest = true
	return s.best.Plan.Lies.Kinds != 0 && s.try(c)
}

// faults leaves out runs of faults, first long ones (Zeller and Hildebrandt
// 2002, ddmin).
func (s *shrinker) faults() (better bool) {
	keep := slices.Clone(s.best.Plan.Rough)
	for size := len(keep); size > 0; size = size / 2 {
		for at := 0; at < len(keep); {
			c := s.cut
			c.Some = true
			c.Faults = slices.Delete(slices.Clone(keep), at, min(at+size, len(keep)))
			if s.try(c) {
				keep, better = c.Faults, true
			} else {
				at += size
			}
		}
	}
	return better
}

func (s *shrinker) nodes() (better bool) {
	for n := 2; n < s.best.Plan.Nodes; n++ {
		c := s.cut
		if c.Nodes = n; s.try(c) {
			return true
		}
	}
	return false
}

func (s *shrinker) writes() (better bool) {
	for _, more := range []int{6, 3, 1} {
		c := s.cut
		if c.Slower += more; c.Slower < 20 && s.try(c) {
			return true
		}
	}
	return false
}
