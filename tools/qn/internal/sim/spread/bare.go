package spread

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/fuzz/broadcast"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

const (
	bareMax = 100_000
	deadMax = 0.5
)

// bare measures the ways to spread alone.
func (c *common) bare(cmd *cobra.Command, dead units.Share) error {
	if err := c.check(bareMax); err != nil {
		return err
	}
	if dead < 0 || dead > deadMax {
		return exit.Usagef("--dead %v: out of range; fix: 0 to %v", dead, units.Share(deadMax))
	}
	if !cmd.Flags().Changed("policy") {
		c.names = broadcast.Policies()
	}
	for _, name := range c.names {
		if !slices.Contains(broadcast.Policies(), name) {
			return exit.OneOf("--policy", name, broadcast.Policies())
		}
	}
	rows, err := c.bareRows(cmd.Context(), term.NewProgress(cmd.ErrOrStderr(), c.quiet), float64(dead))
	if err != nil {
		return err
	}
	return c.print(cmd.OutOrStdout(), "bare", rows, func(w io.Writer) { printBare(w, rows) })
}

func (c *common) bareRows(ctx context.Context, p *term.Progress, dead float64) (rows []broadcast.Row, err error) {
	defer p.Clear()
	for _, n := range c.nodes {
		for _, loss := range c.losses.Floats() {
			for _, name := range c.names {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				p.Show("%s, %d members", name, n)
				rows = append(rows, broadcast.Measure(broadcast.Plan{Nodes: n, Policy: name, Loss: loss, Dead: dead, Seed: c.seed}))
			}
		}
	}
	return rows, nil
}

func printBare(w io.Writer, rows []broadcast.Row) {
	fmt.Fprintf(w, "%-10s %7s %5s %5s %8s %8s %8s %10s %8s %8s %8s\n",
		"policy", "nodes", "loss", "dead", "p50 µs", "p99 µs", "last µs", "reached", "in 2 ms", "copies", "packets")
	for _, r := range rows {
		fmt.Fprintf(w, "%-10s %7d %5.2f %5.2f %8d %8d %8d %10.6f %8.5f %8.3f %8.2f\n",
			r.Policy, r.Nodes, r.Loss, r.Dead, r.P50us, r.P99us, r.Lastus, r.Reached, r.Reached2ms, 1+r.Redundancy, r.Packets)
	}
	fmt.Fprintln(w, "\npublished, for each of 10,000 members:")
	for _, f := range broadcast.Published() {
		fmt.Fprintf(w, "%-10s %5.2f payloads, %5.2f control messages (%s); beside %s\n", f.Policy, f.Payload, f.Control, f.Source, f.Measured)
	}
}
