package cli

import (
	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/sim/cluster"
	"github.com/quidnunc/quidnunc/tools/qn/internal/sim/detect"
	"github.com/quidnunc/quidnunc/tools/qn/internal/sim/paper"
	"github.com/quidnunc/quidnunc/tools/qn/internal/sim/spread"
)

// newSim is the parent of all that runs in virtual time.
func newSim() *cobra.Command {
	sim := &cobra.Command{
		Use:   "sim",
		Short: "Simulate clusters, and repeat the papers' experiments",
		Args:  cobra.ArbitraryArgs,
	}
	run := cluster.Configure(sim)
	sim.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownVerb(cmd, args[0])
		}
		return run(cmd)
	}
	papers := &cobra.Command{
		Use:   "paper",
		Short: "The experiments of the papers, beside their published figures",
		Args:  cobra.ArbitraryArgs,
		RunE:  parentOnly,
	}
	add(papers, append(paper.Commands(), detect.PaperCommand())...)
	sim.AddCommand(papers)
	add(sim, append(spread.Commands(), detect.Command())...)
	return sim
}

// add makes commands that take no argument children of parent.
func add(parent *cobra.Command, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.Args = noArgs
		parent.AddCommand(cmd)
	}
}
