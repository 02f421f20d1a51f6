package detect

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/fuzz/detect"
	"github.com/quidnunc/quidnunc/sched"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

const lifeguardExamples = `  qn sim paper lifeguard                    1, 4, 16 and 32 slow nodes of 100, nine cycles each, each mechanism off and on
  qn sim paper lifeguard --slow 4 --run 10s  a quick look
  qn sim paper lifeguard -o json`

const lifeguardLong = `The interval experiment of Lifeguard (Dadgar, Phillips, Currey 2017): slow nodes are blocked, run for a while, and so on, all
at the same times. While they run each datagram takes them --cost, and they look at their timers before the next. Counted
are beliefs of single nodes about nodes that were never slow: false deaths anywhere, and those at healthy nodes.`

// PaperCommand makes "qn sim paper lifeguard".
func PaperCommand() *cobra.Command {
	g := detect.DefaultGrid()
	o := options{}
	var run, cost time.Duration
	cmd := &cobra.Command{
		Use:     "lifeguard",
		Short:   "What slow nodes make of healthy ones, with each mechanism off and on",
		Example: lifeguardExamples,
		Long:    lifeguardLong,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g.Run, g.Cost = sched.Instant(run), sched.Instant(cost)
			return o.lifeguard(cmd, g)
		},
	}
	fs := cmd.Flags()
	fs.IntVarP(&g.Nodes, "nodes", "n", g.Nodes, "number of nodes")
	fs.IntSliceVar(&g.Counts, "slow", g.Counts, "numbers of slow nodes")
	fs.DurationVar(&run, "run", time.Duration(g.Run), "virtual time of each cell")
	fs.DurationVar(&cost, "cost", time.Duration(g.Cost), "time that a slow node takes for each datagram")
	fs.Uint64Var(&g.Seed, "seed", g.Seed, "seed: the same seed gives the same figures")
	form.Add(cmd, &o.output)
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	return cmd
}

func (o *options) lifeguard(cmd *cobra.Command, g detect.Grid) error {
	if g.Nodes < 2 || g.Nodes > detect.NodesMax || g.Run <= 0 || g.Cost < 0 {
		return exit.Usagef("--nodes %d or a duration is out of range; fix: --nodes 100 --run 30s", g.Nodes)
	}
	for _, c := range g.Counts {
		if c < 1 || c >= g.Nodes {
			return exit.Usagef("--slow %d: out of range; fix: 1 to one less than the nodes", c)
		}
	}
	p := term.NewProgress(cmd.ErrOrStderr(), o.quiet)
	g.Advance = func(done float64) error {
		p.Show("simulated %.0f%%", 100*done)
		return cmd.Context().Err()
	}
	rows, err := detect.Lifeguard(g)
	p.Clear()
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	return o.output.Print(w, rows, form.Plain(func(w io.Writer) { printLifeguard(w, g, rows) }))
}

func printLifeguard(w io.Writer, g detect.Grid, rows []detect.Row) {
	fmt.Fprintf(w, "%d nodes, %d cycles of block and gap; false deaths of healthy nodes anywhere (at healthy nodes)\n\n", g.Nodes, len(g.Blocks)*len(g.Gaps))
	fmt.Fprintf(w, "%-20s", "mechanisms")
	for _, c := range g.Counts {
		fmt.Fprintf(w, " %15s", fmt.Sprintf("%d slow", c))
	}
	fmt.Fprintf(w, " %12s %10s\n", "suspicions", "messages")
	for _, r := range rows {
		fmt.Fprintf(w, "%-20s", r.Mechanisms)
		for _, c := range r.ByCount {
			fmt.Fprintf(w, " %15s", fmt.Sprintf("%d (%d)", c.FalseDead, c.FalseDeadWell))
		}
		fmt.Fprintf(w, " %12d %10d\n", r.Total.FalseSuspect, r.Total.Messages)
	}
}
