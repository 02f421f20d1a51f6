package load

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// WriteTable prints the report for people: one line a subject, the name first, so that grep and awk
// work on it too.
func (r *Report) WriteTable(w io.Writer) error {
	p := form.NewPrinter(w)
	p.Line("load", "open loop, %s writes/s, %d B values, %d nodes, %d keys each, %s, %s, spread %s, diff %s, %s, loss %g, seed %s",
		units.Count(uint64(r.RateTarget)), r.SizeBytes, r.Nodes, r.Keys, r.Mode, r.Order, r.Spread, r.Diff, sealedText(r.Sealed), r.Loss, r.Seed)
	p.Line("env", "%s %s/%s  %d CPU (%s)  kernel %s  rcvbuf %s", r.Env.Go, r.Env.OS, r.Env.Arch, r.Env.Cores,
		r.Env.CPU, r.Env.Kernel, units.Size(r.Env.RcvbufBytes))
	p.Line("phases", "form %s  warmup %gs  measure %gs  drain %s", millis(r.FormMs), r.WarmupS, r.DurationS, millis(r.DrainMs))
	printLatencies(p, r)
	p.Line("net", "out %s/s/node  %.0f datagrams/s/node  fill %.0f%%  redundancy %.2fx  pulls %.2f%%  drops %s",
		units.Bytes(r.BytesPerNode), r.DatagramsPerNode, r.Fill*100, r.Redundancy, r.PullsShare*100, dropsText(r.Drops))
	p.Line("", "%s deliveries/s, %.1f%% of the writes overtaken by newer ones of their key, %s false suspicions",
		units.Count(uint64(r.Deliveries)), r.Coalesced*100, units.Count(r.Suspicions))
	printFlow(p, &r.Flow)
	p.Line("cost", "%.2f cores  %s of CPU a delivery  allocs %.4f/write %.5f/entry  GC cycles %d  observer %.2f%% of CPU",
		r.CPUCores, units.Span(int64(r.CPUNanos)), r.AllocsPerWrite, r.AllocsPerEntry, r.GCCycles, r.ObserverShare*100)
	p.Line("result", "achieved %.0f/s of %.0f/s (%.2f%%)  written %s  refused %s  %s", r.RateAchieved, r.RateTarget,
		100*r.RateAchieved/r.RateTarget, units.Count(r.Writes), units.Count(r.WritesRejected), r.verdict())
	if r.Failure != "" {
		p.Line("note", "%s", r.Failure)
	}
	return p.Err()
}

func sealedText(sealed bool) string {
	if sealed {
		return "sealed"
	}
	return "in clear"
}

func (r *Report) verdict() string {
	switch {
	case !r.Converged:
		return fmt.Sprintf("NOT CONVERGED: %s entries differ", units.Count(r.Different))
	case r.RateAchieved < 0.99*r.RateTarget:
		return "SATURATED, converged: all replicas equal key by key"
	}
	return "converged: all replicas equal key by key"
}

func printLatencies(p *form.Printer, r *Report) {
	row := func(name, p50, p99, p999, most, note string) {
		p.Line("", "%-18s%9s%9s%9s%9s  %s", name, p50, p99, p999, most, note)
	}
	spans := func(name string, q Quantiles, nanosPer float64, note string) {
		f := func(v float64) string { return units.Span(int64(v * nanosPer)) }
		row(name, f(q.P50), f(q.P99), f(q.P999), f(q.Max), note)
	}
	row("", "p50", "p99", "p99.9", "max", fmt.Sprintf("(%.3g%% of writes followed, from intended time)", r.SampleShare*100))
	spans("local write", r.LocalWriteNs, 1, "the call itself")
	spans("visible on half", r.VisibleHalf, 1e3, "")
	spans("visible on 99%", r.Visible99, 1e3, "")
	spans("visible on all", r.VisibleAll, 1e3, fmt.Sprintf("p99 of first third %s, of last %s",
		units.Span(int64(r.FirstThird*1e3)), units.Span(int64(r.LastThird*1e3))))
	spans("generator late by", r.PacerLag, 1e3, "contained in the three above")
}

func millis(ms float64) string { return units.Span(int64(ms * 1e6)) }

// dropsText is "0" or the reasons in order of weight.
func dropsText(drops map[string]uint64) string {
	var reasons []string
	total := uint64(0)
	for reason, n := range drops {
		if n > 0 {
			reasons, total = append(reasons, reason), total+n
		}
	}
	if total == 0 {
		return "0"
	}
	slices.SortFunc(reasons, func(a, b string) int {
		if drops[a] != drops[b] {
			return int(drops[b]) - int(drops[a])
		}
		return strings.Compare(a, b)
	})
	for i, reason := range reasons {
		reasons[i] = fmt.Sprintf("%s %s", reason, units.Count(drops[reason]))
	}
	return fmt.Sprintf("%s (%s)", units.Count(total), strings.Join(reasons, ", "))
}
