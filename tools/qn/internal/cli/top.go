package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

func newTop() *cobra.Command {
	var a agentFlags
	var every time.Duration
	var rounds int
	cmd := a.command("top", "Show rates and members, live", `  qn top                                     once a second, until interrupted
  qn top --every 5s --rounds 3               three pictures
  qn top -o ndjson                           the numbers, for a script`, func(cmd *cobra.Command, _ []string) error {
		switch {
		case every < 100*time.Millisecond:
			return exit.Usagef("--every %v: too often; fix: at least --every 100ms", every)
		case rounds < 0:
			return exit.Usagef("--rounds %d: out of range; fix: --rounds 3, or 0 for until interrupted", rounds)
		}
		return runTop(cmd, &a, every, rounds)
	})
	cmd.Flags().DurationVar(&every, "every", time.Second, "time between pictures")
	cmd.Flags().IntVar(&rounds, "rounds", 0, "pictures (default: until interrupted)")
	return cmd
}

func runTop(cmd *cobra.Command, a *agentFlags, every time.Duration, rounds int) error {
	w := cmd.OutOrStdout()
	before, err := get[api.Sample](cmd.Context(), a, "/v1/stats")
	if err != nil {
		return err
	}
	again := time.NewTicker(every)
	defer again.Stop()
	for n := 1; rounds == 0 || n <= rounds; n++ {
		select {
		case <-again.C:
		case <-cmd.Context().Done():
			return nil
		}
		now, err := get[api.Sample](cmd.Context(), a, "/v1/stats")
		if err != nil {
			return err
		}
		if a.output != form.Table {
			if err := form.NDJSON.Print(w, now, nil); err != nil {
				return err
			}
			continue
		}
		members, err := get[[]api.Member](cmd.Context(), a, "/v1/members")
		if err != nil {
			return err
		}
		if term.Interactive(w) {
			fmt.Fprint(w, "\x1b[H\x1b[2J")
		}
		if err := printTop(w, &before, &now, members); err != nil {
			return err
		}
		before = now
	}
	return nil
}

func printTop(w io.Writer, a, b *api.Sample, members []api.Member) error {
	seconds := b.At.Sub(a.At).Seconds()
	rate := func(x, y uint64) string { return units.Count(uint64(float64(y-x)/seconds + 0.5)) }
	fmt.Fprintf(w, "%s  %d alive, %d suspect, %d dead  %s keys\n", b.At.Local().Format("15:04:05"),
		b.Members["alive"], b.Members["suspect"], b.Members["dead"], units.Count(uint64(b.Keys)))
	fmt.Fprintf(w, "writes %s/s  news %s/s  known again %s/s  loop lag %s  deferred %s\n", rate(a.Writes, b.Writes), rate(a.New, b.New),
		rate(a.Known, b.Known), units.Span(int64(b.Lag*1e9)), units.Bytes(float64(b.Defer)))
	fmt.Fprintf(w, "in %s frames/s, %s/s  out %s frames/s, %s/s\n", rate(a.FramesR, b.FramesR), units.Bytes(float64(b.BytesR-a.BytesR)/seconds),
		rate(a.FramesS, b.FramesS), units.Bytes(float64(b.BytesS-a.BytesS)/seconds))
	drops := "drops"
	for _, reason := range slices.Sorted(maps.Keys(b.Drops)) {
		drops += fmt.Sprintf("  %s %s", reason, units.Count(b.Drops[reason]))
	}
	if len(b.Drops) == 0 {
		drops += "  none"
	}
	fmt.Fprintln(w, drops)
	return printMembers(w, members)
}
