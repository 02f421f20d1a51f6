package cluster

import (
	"fmt"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// span is "5ms" or "1ms..20ms" on the command line.
type span struct{ from, to sched.Instant }

func (s *span) String() string {
	if s.from == s.to {
		return time.Duration(s.from).String()
	}
	return time.Duration(s.from).String() + ".." + time.Duration(s.to).String()
}

func (s *span) Type() string { return "span" }

func (s *span) Set(text string) error {
	first, last, both := strings.Cut(text, "..")
	if !both {
		last = first
	}
	from, err1 := time.ParseDuration(first)
	to, err2 := time.ParseDuration(last)
	if err1 != nil || err2 != nil || from < 0 || to < from {
		return fmt.Errorf("%q is not a span; write for example 5ms or 10s..20s", text)
	}
	s.from, s.to = sched.Instant(from), sched.Instant(to)
	return nil
}

// until is "converged" or a duration.
type until struct{ at sched.Instant }

func (u *until) String() string {
	if u.at == 0 {
		return "converged"
	}
	return time.Duration(u.at).String()
}

func (u *until) Type() string { return "when" }

func (u *until) Set(text string) error {
	if text == "converged" {
		u.at = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no end; write for example converged or 30s", text)
	}
	u.at = sched.Instant(d)
	return nil
}
