package cli

import (
	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/fleet"
)

// newNode is one member in a process of its own, for scenarios that kill it. It
// is started by the tool itself.
func newNode() *cobra.Command {
	var o fleet.NodeOptions
	cmd := &cobra.Command{
		Use:    "node",
		Short:  "Be one member of a scenario: commands on the input, events on the output",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return fleet.Node(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Name, "name", "", "name of the member")
	fs.StringVar(&o.Cluster, "cluster", "qn", "name of the cluster")
	fs.StringVar(&o.Bind, "bind", "127.0.0.1:0", "address to listen on")
	fs.StringVar(&o.Profile, "profile", "lan", "lan, wan or local")
	fs.Var(&o.Loss, "loss", "share of datagrams dropped at the receiver")
	fs.Uint64Var(&o.Seed, "seed", 1, "seed of the losses")
	return cmd
}
