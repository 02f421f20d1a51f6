package spread

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/fuzz/spread"
	"github.com/quidnunc/quidnunc/sched"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// Commands makes the three commands.
func Commands() []*cobra.Command {
	return []*cobra.Command{policyCommand(), compareCommand(), frozenCommand()}
}

// common flags.
type common struct {
	nodes  []int
	losses units.Shares
	names  []string
	seed   uint64
	output form.Form
	out    string
	quiet  bool
}

func (c *common) add(cmd *cobra.Command, nodes []int, losses units.Shares, what string, all []string) {
	fs := cmd.Flags()
	fs.IntSliceVarP(&c.nodes, "nodes", "n", nodes, "numbers of members")
	c.losses = losses
	fs.Var(&c.losses, "loss", "shares of datagrams that are lost, 0 to 50%")
	fs.StringSliceVar(&c.names, what, all, "which to measure")
	fs.Uint64Var(&c.seed, "seed", 1, "seed: the same seed gives the same figures")
	form.Add(cmd, &c.output)
	fs.StringVar(&c.out, "out", "", "directory for JSON, PNG and SVG files; none are written without it")
	fs.BoolVarP(&c.quiet, "quiet", "q", false, "no progress")
}

const (
	nodesMax  = 4096
	lossMax   = 0.5
	freezeMax = time.Hour
	rateMax   = 100_000 // above it the virtual network holds more frames than memory
)

// check checks the flags, for at most so many members.
func (c *common) check(most int) error {
	for _, n := range c.nodes {
		if n < 2 || n > most {
			return exit.Usagef("--nodes %d: out of range; fix: 2 to %d", n, most)
		}
	}
	for _, l := range c.losses {
		if l < 0 || l > lossMax {
			return exit.Usagef("--loss %v: out of range; fix: 0 to %v", l, units.Share(lossMax))
		}
	}
	if c.out == "" {
		return nil
	}
	return os.MkdirAll(c.out, 0o755)
}

// print writes the rows in the wanted form, and to the directory if there is one.
func (c *common) print(w io.Writer, name string, rows any, table func(io.Writer)) error {
	if c.out != "" {
		f, err := os.Create(filepath.Join(c.out, name+".json"))
		if err != nil {
			return err
		}
		if err := errors.Join(form.Indented(f, rows), f.Close()); err != nil {
			return err
		}
	}
	return c.output.Print(w, rows, form.Plain(table))
}

const policyLong = `Members on a virtual network with delays of 0.1 to 0.3 ms, the core that engines run, 100 ms between comparisons. Writes
are made at random members at an even rate; every replica's learning of every write is timed. Frames and bytes are all that is
sent (acknowledgements and comparisons too), for each delivery. Virtual time knows no cost of a frame: "load" is the share of a
core that a member would spend on its frames at 2.5 µs each, "burst" what the last copy of a mailed write waits at its author.

Memory and time grow with the square of the members: 256 take seconds, 1,000 some minutes and 2 GB for each policy.

With --bare there is no engine around the way to spread, a hop takes 35 µs and a datagram 2 µs of its member's loop, in and
out, so that up to 100,000 members fit: delegated broadcast beside models of mail, rumors, Plumtree and flooding, and what was
published of them. "copies" are what a member received of a write, "packets" all datagrams, for each delivery.`

func policyCommand() *cobra.Command {
	var c common
	rate := units.Rate(1000)
	var span time.Duration
	var bare bool
	var dead units.Share
	var all []string
	for _, p := range spread.Policies() {
		all = append(all, p.Name)
	}
	cmd := &cobra.Command{
		Use:   "spread",
		Short: "Latency, redundancy and datagrams of the ways to spread",
		Long:  policyLong,
		Example: `  qn sim spread                                     the table behind the default policy, small clusters
  qn sim spread --nodes 8,16,32,64,128,256 --out curves
  qn sim spread --nodes 1000 --policy mail,blind-8 --loss 0,0.1
  qn sim spread --bare --nodes 1000,10000 --policy delegated,plumtree --loss 0,1%,5% --dead 10%`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if bare {
				return c.bare(cmd, dead)
			}
			if err := c.check(nodesMax); err != nil {
				return err
			}
			if dead != 0 {
				return exit.Usagef("--dead %v: with engines members are stopped otherwise; fix: add --bare, or see qn sim frozen", dead)
			}
			if rate > rateMax || span <= 0 {
				return exit.Usagef("--rate %v, --span %v: out of range; fix: up to %v, and a span of more than 0s", rate, span, units.Rate(rateMax))
			}
			rows, err := c.policies(cmd, int(rate), span)
			if err != nil {
				return err
			}
			if err := c.plotPolicies(rows); err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			return c.print(w, "spread", rows, func(w io.Writer) { printRows(w, rows) })
		},
	}
	c.add(cmd, []int{16, 64}, units.Shares{0, 0.01, 0.05, 0.1, 0.2}, "policy", all)
	cmd.Flags().Var(&rate, "rate", "writes in the cluster")
	cmd.Flags().DurationVar(&span, "span", time.Second, "virtual time of writing for each loss")
	cmd.Flags().BoolVar(&bare, "bare", false, "the way to spread alone, without an engine, and up to 100,000 members; --rate and --span are not used")
	cmd.Flags().Var(&dead, "dead", "with --bare: share of members that are dead, and nobody knows, 0 to 50%")
	return cmd
}

func (c *common) policies(cmd *cobra.Command, rate int, span time.Duration) (rows []spread.Row, err error) {
	p := term.NewProgress(cmd.ErrOrStderr(), c.quiet)
	defer p.Clear()
	for _, name := range c.names {
		policy, ok := policyOf(name)
		if !ok {
			return nil, exit.OneOf("--policy", name, policyNames())
		}
		for _, n := range c.nodes {
			if err := cmd.Context().Err(); err != nil {
				return nil, err
			}
			p.Show("%s, %d members", name, n)
			r, err := spread.Measure(&spread.Plan{
				Nodes: n, Policy: policy, Losses: c.losses.Floats(), Rate: rate, Span: sched.Instant(span), Seed: c.seed,
			})
			if err != nil {
				return nil, err
			}
			rows = append(rows, r...)
		}
	}
	return rows, nil
}

func policyNames() (names []string) {
	for _, p := range spread.Policies() {
		names = append(names, p.Name)
	}
	return names
}

func policyOf(name string) (spread.Policy, bool) {
	for _, p := range spread.Policies() {
		if p.Name == name {
			return p, true
		}
	}
	return spread.Policy{}, false
}

func printRows(w io.Writer, rows []spread.Row) {
	fmt.Fprintf(w, "%-11s %6s %5s %9s %9s %9s %9s %7s %7s %7s %8s %6s\n",
		"policy", "nodes", "loss", "p50 µs", "p99 µs", "last µs", "burst µs", "copies", "frames", "bytes", "frames/s", "load")
	for _, r := range rows {
		fmt.Fprintf(w, "%-11s %6d %5.2f %9d %9d %9d %9d %7.2f %7.2f %7.0f %8.0f %6.3f\n",
			r.Policy, r.Nodes, r.Loss, r.P50us, r.P99us, r.Lastus, r.Burst, r.Redundancy, r.Frames, r.Bytes, r.PerNode, r.Load)
	}
}

const compareLong = `Members that only compare, every 100 ms, with one other at a time. "writes" are made at as many random members at once; 0 is
a cut into halves in which every member wrote. Rounds are intervals until all were equal; bytes, frames, sketches and
comparisons that came down to the whole version vector are for each member, meanwhile.`

func compareCommand() *cobra.Command {
	var c common
	var writes []int
	var all []string
	for _, d := range spread.Diffs() {
		all = append(all, d.Name)
	}
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Rounds and bytes of the ways to find what differs",
		Long:  compareLong,
		Example: `  qn sim compare                           200 members, few differences and a healed cut
  qn sim compare --nodes 1000 --diff vector,auto
  qn sim compare --loss 0,0.1 -o json      the same with a tenth of all datagrams lost, for a script`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.check(nodesMax); err != nil {
				return err
			}
			rows, err := c.diffs(cmd, writes)
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			return c.print(w, "compare", rows, func(w io.Writer) { printDiffs(w, rows) })
		},
	}
	c.add(cmd, []int{32, 200}, units.Shares{0}, "diff", all)
	cmd.Flags().IntSliceVar(&writes, "writes", []int{1, 5, 20, 0}, "numbers of members that write; 0 cuts the cluster first")
	return cmd
}

func (c *common) diffs(cmd *cobra.Command, writes []int) (rows []spread.DiffRow, err error) {
	p := term.NewProgress(cmd.ErrOrStderr(), c.quiet)
	defer p.Clear()
	for _, name := range c.names {
		var diff *spread.Diff
		for _, d := range spread.Diffs() {
			if d.Name == name {
				diff = &d
			}
		}
		if diff == nil {
			return nil, exit.OneOf("--diff", name, diffNames())
		}
		for _, n := range c.nodes {
			if err := cmd.Context().Err(); err != nil {
				return nil, err
			}
			p.Show("%s, %d members", name, n)
			r, err := spread.MeasureDiff(&spread.DiffPlan{Nodes: n, Diff: *diff, Writes: writes, Losses: c.losses.Floats(), Seed: c.seed})
			if err != nil {
				return nil, err
			}
			rows = append(rows, r...)
		}
	}
	return rows, nil
}

func diffNames() (names []string) {
	for _, d := range spread.Diffs() {
		names = append(names, d.Name)
	}
	return names
}

func printDiffs(w io.Writer, rows []spread.DiffRow) {
	fmt.Fprintf(w, "%-9s %6s %7s %5s %7s %9s %7s %7s %8s %8s %8s\n",
		"diff", "nodes", "writes", "loss", "rounds", "bytes", "frames", "copies", "vectors", "sketches", "decoded")
	for _, r := range rows {
		what := fmt.Sprint(r.Writes)
		if r.Writes == 0 {
			what = "halves"
		}
		fmt.Fprintf(w, "%-9s %6d %7s %5.2f %7.1f %9.0f %7.1f %7.2f %8.2f %8.2f %8.2f\n",
			r.Diff, r.Nodes, what, r.Loss, r.Rounds, r.Bytes, r.Frames, r.Redundant, r.Fallbacks, r.Sketches, r.Decoded)
	}
}

func frozenCommand() *cobra.Command {
	var c common
	rate := units.Rate(1000)
	var freeze time.Duration
	cmd := &cobra.Command{
		Use:   "frozen",
		Short: "What a member that stops for seconds does to the others",
		Example: `  qn sim frozen                            8 and 32 members, one stops for five seconds
  qn sim frozen --nodes 128 --rate 5000    a larger cluster that writes more
  qn sim frozen --for 20s -o json          longer than the detector's patience, for a script`,
		Long: `One member stops in the middle of everything, as on SIGSTOP, and goes on later. Times of the others before and meanwhile; the
time that the member took until it held all that was written before it woke; memory of the whole cluster.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.check(nodesMax); err != nil {
				return err
			}
			if freeze <= 0 || freeze > freezeMax || rate > rateMax {
				return exit.Usagef("--for %v, --rate %v: out of range; fix: more than 0s and up to %v, and up to %v", freeze, rate, freezeMax, units.Rate(rateMax))
			}
			var rows []spread.Frozen
			for _, n := range c.nodes {
				f, err := spread.MeasureFrozen(&spread.FrozenPlan{Nodes: n, Rate: int(rate), Freeze: sched.Instant(freeze), Seed: c.seed})
				if err != nil {
					return err
				}
				rows = append(rows, f)
			}
			w := cmd.OutOrStdout()
			return c.print(w, "frozen", rows, func(w io.Writer) { printFrozen(w, rows) })
		},
	}
	fs := cmd.Flags()
	fs.IntSliceVarP(&c.nodes, "nodes", "n", []int{8, 32}, "numbers of members")
	fs.Uint64Var(&c.seed, "seed", 1, "seed: the same seed gives the same figures")
	form.Add(cmd, &c.output)
	fs.Var(&rate, "rate", "writes in the cluster")
	fs.DurationVar(&freeze, "for", 5*time.Second, "how long it stops")
	return cmd
}

func printFrozen(w io.Writer, rows []spread.Frozen) {
	fmt.Fprintf(w, "%6s %12s %12s %12s %12s %9s %12s %12s\n",
		"nodes", "p99 before", "p99 while", "last before", "last while", "level", "heap before", "heap while")
	for _, f := range rows {
		fmt.Fprintf(w, "%6d %9d µs %9d µs %9d µs %9d µs %6d ms %9d kB %9d kB\n",
			f.Nodes, f.CalmP99, f.P99, f.CalmLast, f.Last, f.LevelMs, f.HeapBefore>>10, f.HeapAfter>>10)
	}
}
