package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/apart"
	"github.com/quidnunc/quidnunc/tools/qn/internal/demo"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

const demoExamples = `  qn demo                                    24 members and a page on 127.0.0.1 that shows them
  qn demo --nodes 48 --rate 200/s            more members, more writes
  qn demo --headless --duration 20s -o json  a tour without hands: write, kill, cut, heal, lose, overload; figures at the end
  qn demo --headless --processes 8           the same with a process for each member: a kill is kill -9`

const demoLong = `Real members in this process, on UDP sockets of the loopback interface. The page shows who knows what, how each write spreads,
and what the members believe of each other, with buttons for what networks and machines do; the same by keys here, where
this is a terminal. Exit code 3 of --headless says that an update was lost, a living member was believed dead, or the
members did not become equal.`

func newDemo() *cobra.Command {
	o := demo.Command{Nodes: 24, Rate: 50, Seed: 1, Listen: "127.0.0.1:7900", Duration: 20 * time.Second}
	var output form.Form
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Show a cluster in one process: a page, faults by buttons, or a tour that measures",
		Example: demoExamples,
		Long:    demoLong,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.Check(); err != nil {
				return err
			}
			if !o.Headless {
				return demo.Show(cmd.Context(), &o, cmd.InOrStdin(), cmd.ErrOrStderr())
			}
			r, err := runTour(cmd, &o)
			if err != nil {
				return err
			}
			if err := output.Print(cmd.OutOrStdout(), r, r.WriteTable); err != nil {
				return err
			}
			if !r.Passed() {
				return exit.Told("the cluster did not keep its promises")
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.IntVarP(&o.Nodes, "nodes", "n", o.Nodes, "members in this process")
	fs.VarP(&o.Rate, "rate", "r", "writes of all members together")
	fs.Uint64Var(&o.Seed, "seed", o.Seed, "seed of what is chosen by chance")
	fs.StringVar(&o.Listen, "listen", o.Listen, "address of the page; loopback only")
	fs.BoolVar(&o.Headless, "headless", false, "no page: run the tour and print what it measured")
	fs.DurationVarP(&o.Duration, "duration", "d", o.Duration, "length of the tour")
	fs.IntVar(&o.Apart, "processes", 0, "with --headless: so many members, each a process of its own (default: one process)")
	form.Add(cmd, &output)
	return cmd
}

// runTour measures, and tells of each step on the error output.
func runTour(cmd *cobra.Command, o *demo.Command) (*demo.Report, error) {
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%6.2fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	if o.Apart > 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return apart.Tour(cmd.Context(), o.Apart, o.Seed, o.Duration, []string{self, "agent"}, say)
	}
	d, err := demo.Start(cmd.Context(), o.Options())
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Tour(cmd.Context(), o.Duration, say)
}
