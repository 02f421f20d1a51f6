package cluster

import (
	"fmt"
	"io"
	"strings"

	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// writeReport prints the curve and a line for each subject.
func writeReport(w io.Writer, r *sim.Report) error {
	p := form.NewPrinter(w)
	_, _ = io.WriteString(p, curve(r.Curve)) // Err tells
	p.Line("cluster", "%d nodes, %s, seed %d", r.Nodes, r.Topology, r.Seed)
	p.Line("time", "%s of virtual time, %d rounds; half of all pairs up to date after %s, 99 %% after %s, all after %s",
		ms(r.VirtualMs), r.Rounds, ms(r.P50Ms), ms(r.P99Ms), ms(r.P100Ms))
	p.Line("net", "%s messages, %s, %s lost; %s/s a node", units.Count(r.Messages), units.Bytes(float64(r.Bytes)),
		units.Count(r.Lost), units.Bytes(r.BytesPerS))
	p.Line("entries", "%s local writes, %s received as news, %s received again", units.Count(r.Writes), units.Count(r.Entries), units.Count(r.Repeated))
	p.Line("here", "took %s, %s messages a second", ms(r.WallMs), units.Count(uint64(r.MessagesPer)))
	p.Line("trace", "%s", r.TraceHash)
	switch {
	case r.Violation != "":
		p.Line("result", "BROKEN: %s", r.Violation)
	case !r.Converged:
		p.Line("result", "NOT CONVERGED: %s", r.Difference)
	default:
		p.Line("result", "converged: all replicas are equal")
	}
	return p.Err()
}

// writeReplay prints a run of a plan.
func writeReplay(w io.Writer, r *replayed) error {
	p := form.NewPrinter(w)
	_, _ = io.WriteString(p, r.Plan) // Err tells
	if r.Law != "" {
		p.Line(r.Law, "%s (at %s)", r.Text, ms(r.VirtualMs))
	} else {
		p.Line("result", "no law was broken; equal %s after all harm ended", ms(r.VirtualMs))
	}
	p.Line("trace", "%s, %s messages", r.TraceHash, units.Count(r.Messages))
	if !r.Same {
		p.Line("note", "this is not the run that was recorded: the code has changed since, and with it what the seed does")
	}
	if r.Page != "" {
		p.Line("page", "%s", r.Page)
	}
	p.Line("again", "go run ./tools/qn sim --replay %s", r.Replay)
	return p.Err()
}

func writeSwarm(w io.Writer, h *hunted) error {
	p := form.NewPrinter(w)
	p.Line("swarm", "%d seeds from %d, %d failures, in %s", h.Runs, h.FirstSeed, h.Failures, ms(h.WallMs))
	p.Line("did", "%.1f node-hours of virtual time, %s messages; equal at most %d rounds after all harm ended",
		h.NodeHours, units.Count(h.Messages), h.RoundsMax)
	return p.Err()
}

// curve draws how far the replicas were over time.
func curve(points []sim.Point) string {
	const width, height = 64, 8
	if len(points) < 2 {
		return ""
	}
	end := points[len(points)-1].Ms
	var columns [width]float64
	at := 0
	for x := range columns {
		for at+1 < len(points) && points[at+1].Ms <= end*float64(x+1)/width {
			at++
		}
		columns[x] = points[at].Covered
	}
	marks := []rune(" ▁▂▃▄▅▆▇█")
	var b strings.Builder
	for row := height - 1; row >= 0; row-- {
		label := "      "
		switch row {
		case height - 1:
			label = "100 % "
		case 0:
			label = "  0 % "
		}
		b.WriteString(label)
		for _, c := range columns {
			fill := c*height - float64(row)
			b.WriteRune(marks[int(min(max(fill, 0), 1)*8)])
		}
		b.WriteByte('\n')
	}
	last := ms(end)
	fmt.Fprintf(&b, "      0%s%s\n", strings.Repeat(" ", max(1, width-1-len([]rune(last)))), last)
	return b.String()
}

func ms(v float64) string {
	if v < 0 {
		return "never"
	}
	return units.Span(int64(v * 1e6))
}
