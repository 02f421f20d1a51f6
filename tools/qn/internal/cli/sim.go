package cli

import (
	"errors"

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
	}
	run := cluster.Configure(sim)
	sim.Args = cobra.ArbitraryArgs
	sim.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownVerb(cmd, args[0])
		}
		err := run(cmd)
		var usage cluster.UsageError
		switch {
		case errors.As(err, &usage):
			return usageError{err}
		case errors.Is(err, cluster.ErrUnconverged):
			return errUnconverged
		}
		return err
	}
	sim.AddCommand(newPaper(), withUsage(detect.Command()))
	for _, cmd := range spread.Commands() {
		sim.AddCommand(withUsage(cmd))
	}
	return sim
}

func newPaper() *cobra.Command {
	parent := &cobra.Command{
		Use:   "paper",
		Short: "The experiments of the papers, beside their published figures",
		RunE:  parentOnly,
	}
	for _, cmd := range paper.Commands() {
		parent.AddCommand(withUsage(cmd))
	}
	parent.AddCommand(withUsage(detect.PaperCommand()))
	return parent
}

// parentOnly helps when a verb is missing or unknown.
func parentOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return unknownVerb(cmd, args[0])
}

// withUsage gives the command's mistakes in usage the exit code that they have everywhere.
func withUsage(cmd *cobra.Command) *cobra.Command {
	run := cmd.RunE
	cmd.Args = noArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		var ofPaper paper.UsageError
		var ofDetect detect.UsageError
		var ofSpread spread.UsageError
		if errors.As(err, &ofPaper) || errors.As(err, &ofDetect) || errors.As(err, &ofSpread) {
			return usageError{err}
		}
		return err
	}
	return cmd
}
