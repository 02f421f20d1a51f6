package cluster

import (
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/sched"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// These follow a report that says it all.
var (
	errUnconverged = exit.Told("replicas differ")
	errBroken      = exit.Told("a law was broken")
)

// Examples are shown first in the help.
const Examples = `  qn sim --nodes 1000 --loss 5% --seed 7         a cluster forms on a bad network: how long, how many messages?
  qn sim --partition 1s..5s --churn 2/s --for 6s   with harm; it must be equal afterwards
  qn sim --topology cliques --writes 50/s --for 10s  news that travels by relay
  qn sim --scenario gap                          what two nodes say to each other, frame by frame
  qn sim --swarm 100000 --budget 10m             hunt for broken laws, seed by seed, on all cores
  qn sim --replay p6.s4f3a.n3                    run a failure of the swarm again
  qn sim --replay p6.s4f3a.n3 --html run.html    and look at it in a browser: frames and beliefs over time`

// Long follows the examples.
const Long = `Runs the engine's own core, every frame encoded and parsed, on a network in memory under a virtual clock. The seed decides
everything: the same seed gives the same trace hash on every machine. Nodes write their keys, join, and the run ends when
all replicas are equal, or with --until.

The swarm draws sizes, features and faults from each seed, holds every step against the laws of the protocol, then ends
all harm and demands equality. What fails is made small and printed with the line that runs it again.`

type options struct {
	x         sim.Experiment
	loss      units.Share
	duplicate units.Share
	reorder   units.Share
	corrupt   units.Share
	delay     span
	partition span
	size      units.Size
	writes    units.Rate
	churn     units.Rate
	busy      time.Duration
	interval  time.Duration
	limit     time.Duration
	until     until
	topology  string
	spread    string
	mode      string
	order     string

	swarm    int
	budget   time.Duration
	most     int
	replay   string
	frames   bool
	html     string
	scenario string

	output form.Form
	quiet  bool
}

// Configure makes cmd "qn sim": its flags, and what it does without a verb.
func Configure(cmd *cobra.Command) func(cmd *cobra.Command) error {
	o := &options{delay: span{100 * sched.Microsecond, 300 * sched.Microsecond}, size: 16}
	o.x.Workers = runtime.NumCPU()
	cmd.Example, cmd.Long = Examples, Long
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.IntVarP(&o.x.Nodes, "nodes", "n", 100, "number of nodes")
	fs.Uint64Var(&o.x.Seed, "seed", 1, "seed of everything; of a swarm: the first one")
	fs.Var(&o.loss, "loss", "share of frames that are lost")
	fs.Var(&o.delay, "delay", "time that a frame takes")
	fs.Var(&o.duplicate, "duplicate", "share of frames that arrive twice")
	fs.Var(&o.reorder, "reorder", "share of frames that are held back by up to 10 ms")
	fs.Var(&o.corrupt, "corrupt", "share of frames in which a bit turns over")
	fs.Var(&o.partition, "partition", "halves do not hear each other during this time")
	fs.Var(&o.churn, "churn", "nodes that die; each comes back blank a second later")
	fs.Var(&o.writes, "writes", "writes of all nodes together")
	fs.DurationVar(&o.busy, "for", 0, "writes and churn end here")
	fs.Var(&o.until, "until", "end of the run: converged, or a time")
	fs.DurationVar(&o.limit, "limit", 10*time.Minute, "virtual time after which it gives up")
	fs.StringVar(&o.topology, "topology", "mesh", "which paths there are: "+names(sim.Topologies))
	fs.IntVar(&o.x.Keys, "keys", 3, "keys of each node")
	fs.Var(&o.size, "size", "bytes of a value")
	fs.StringVar(&o.spread, "spread", "auto", "how writes leave: "+names(spreads))
	fs.StringVar(&o.mode, "mode", "push-pull", "direction of exchanges: "+names(modes))
	fs.StringVar(&o.order, "order", "fair", "what goes first when a frame is full: "+names(orders))
	fs.DurationVar(&o.interval, "interval", 100*time.Millisecond, "between exchanges that a node begins")
	fs.IntVar(&o.x.Fanout, "fanout", 0, "peers that a rumor goes to (default: by the number of nodes)")
	fs.IntVar(&o.x.Frame, "frame", 0, "bytes of a frame (default: the engine's)")
	fs.BoolVar(&o.x.NoDetector, "no-detector", false, "nobody watches anybody")
	fs.BoolVar(&o.x.Check, "check", false, "hold every step against the laws; slow with many nodes")
	fs.IntVar(&o.x.Workers, "workers", o.x.Workers, "goroutines; they change nothing but the time it takes")
	fs.IntVar(&o.swarm, "swarm", 0, "try so many seeds")
	fs.DurationVar(&o.budget, "budget", 10*time.Minute, "swarm: end after this time")
	fs.IntVar(&o.most, "failures", 1, "swarm: end after so many failures")
	fs.StringVar(&o.replay, "replay", "", "run a failure of the swarm again")
	fs.BoolVar(&o.frames, "frames", false, "replay: print every frame")
	fs.StringVar(&o.html, "html", "", "replay: write a page that shows the run, frames and beliefs over time, to this file")
	fs.StringVar(&o.scenario, "scenario", "", "run a scenario, by name or file, and print every frame: "+strings.Join(sim.Scenarios(), ", "))
	form.Add(cmd, &o.output)
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	return o.execute
}

var (
	spreads = []string{"auto", "mail", "rumor", "gossip", "delegated"}
	modes   = []string{"push-pull", "push", "pull"}
	orders  = []string{"fair", "depth", "breadth", "precise-newest", "precise-oldest", "precise-random"}
)

func names[T ~string](list []T) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

// choose finds a value among those that a flag may have.
func choose(flag, value string, from []string) (int, error) {
	return slices.Index(from, value), exit.OneOf("--"+flag, value, from)
}

// settle turns flags into an experiment.
func (o *options) settle() error {
	spread, err1 := choose("spread", o.spread, spreads)
	mode, err2 := choose("mode", o.mode, modes)
	order, err3 := choose("order", o.order, orders)
	topology, err4 := sim.ParseTopology(o.topology)
	if err4 != nil {
		err4 = exit.Usagef("--topology: %w", err4)
	}
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return err
		}
	}
	x := &o.x
	x.Spread, x.Mode, x.Order, x.Topology = tune.Spread(spread), tune.Mode(mode), tune.Order(order), topology
	x.Link = simnet.Link{
		Delay: simnet.Delay{Min: o.delay.from, Max: o.delay.to},
		Loss:  simnet.Probability(float64(o.loss)), Duplicate: simnet.Probability(float64(o.duplicate)),
		Reorder: simnet.Probability(float64(o.reorder)), HoldMax: 10 * sched.Millisecond,
		Corrupt: simnet.Probability(float64(o.corrupt)),
	}
	x.Split, x.Heal = o.partition.from, o.partition.to
	x.Size, x.Writes, x.Churn = int(o.size), int(o.writes), int(o.churn)
	x.For, x.Interval, x.Limit, x.Until = sched.Instant(o.busy), sched.Instant(o.interval), sched.Instant(o.limit), o.until.at
	if err := x.Problem(); err != nil {
		return exit.Usagef("%w", err)
	}
	return nil
}
