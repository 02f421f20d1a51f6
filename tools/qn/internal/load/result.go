package load

import (
	"context"
	"io"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

// Result is what a run prints: a table for people, or its own fields as JSON.
type Result interface {
	WriteTable(w io.Writer) error
	// Passed is false if the replicas did not become equal.
	Passed() bool
}

// Passed reports whether the replicas became equal.
func (r *Report) Passed() bool { return r.Converged }

// Run does what the options ask for. They must be valid. An error means that there is no result.
func Run(ctx context.Context, o *Options, progress *term.Progress) (Result, error) {
	run := func(o *Options) (*Report, error) {
		return measure(ctx, o, startEngines, clock, progress)
	}
	if o.Scenario == "pingpong" {
		return pingpong(ctx, o, progress)
	}
	switch o.Scenario {
	case "kill":
		return kill(ctx, o, progress)
	case "heavy-writer":
		return heavyWriter(o, run)
	case "stalled-receiver":
		return stalledReceiver(ctx, o, run)
	}
	if o.FindMax {
		return findMax(o, run, time.Sleep)
	}
	return run(o)
}
