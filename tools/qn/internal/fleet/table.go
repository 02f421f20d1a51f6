package fleet

import (
	"io"
	"slices"

	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

// WriteTable prints one line a subject.
func (k *Kill) WriteTable(w io.Writer) error {
	p := form.NewPrinter(w)
	p.Line("kill", "%d processes on loopback, profile %s, loss %g%s, seed %d", k.Nodes, k.Profile, k.Loss, by(k.LossBy), k.Seed)
	if k.Skipped != "" {
		p.Line("skipped", "%s", k.Skipped)
		return p.Err()
	}
	p.Line("", "%-22s%9s%9s%9s", "", "min", "p50", "max")
	row := func(name string, ms []float64) {
		if len(ms) > 0 {
			s := slices.Sorted(slices.Values(ms))
			p.Line("", "%-22s%7.0fms%7.0fms%7.0fms", name, s[0], s[len(s)/2], s[len(s)-1])
		}
	}
	row("first one knows", k.DetectFirstMs)
	row("all know", k.DetectAllMs)
	row("all reach the next", k.BackMs)
	p.Line("result", "%d kills, %d not heard of in time; %d pauses of %gms, %d taken for dead; of those that ran: %d suspected, %d taken for dead",
		k.Kills, k.Missed, k.Pauses, k.PauseMs, k.PausedDead, k.FalseSuspect, k.FalseDead)
	return p.Err()
}

func by(means string) string {
	if means == "" {
		return ""
	}
	return " by " + means
}
