package load

import (
	"context"
	"os"

	"github.com/quidnunc/quidnunc/tools/qn/internal/fleet"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

// NodesKill is the default of Nodes for the scenario kill.
const NodesKill = 32

// kill runs every node in a process of its own. A machine that can't lose
// datagrams in a namespace gives a result that says why.
func kill(ctx context.Context, o *Options, progress *term.Progress) (Result, error) {
	opt := fleet.Options{Nodes: o.Nodes, Profile: o.Profile, Loss: float64(o.Loss), Seed: o.Seed, Stderr: os.Stderr}
	by := ""
	if o.Loss > 0 {
		by = "receiver"
	}
	if o.Netns {
		space, err := fleet.NewNamespace(float64(o.Loss))
		if err != nil {
			return &fleet.Kill{
				Schema: "qn.kill/1", Nodes: o.Nodes, Profile: o.Profile, Loss: float64(o.Loss), LossBy: "nftables", Seed: o.Seed,
				Skipped: err.Error(),
			}, nil
		}
		defer space.Close()
		opt.Loss, opt.Command, by = 0, space.Command, "nftables"
	}
	k, err := fleet.Kills(ctx, opt, o.Kills, o.Pauses, o.PauseFor, progress)
	if err != nil {
		return nil, err
	}
	k.Loss, k.LossBy = float64(o.Loss), by
	return k, nil
}
