package cli

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/load"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

const loadExamples = `  qn load                                    16 nodes, 1,000 writes/s, 10 s, then compare all replicas
  qn load --nodes 64 --rate 5k -o json       a larger run, for a script
  qn load --loss 20% --order depth           one datagram in five lost at the receiver
  qn load --spread rumor --rumor push,feedback,counter,k=2   as the papers monger rumors
  qn load --nodes 32 --find-max              the highest rate that this machine sustains
  qn load --scenario pingpong                how long one write takes to one other node
  qn load --scenario heavy-writer            20 writers, one at fifty times the others' rate, twice what a node takes
  qn load --scenario stalled-receiver        one of 32 nodes stops for ten seconds: what the others notice
  qn load --scenario kill                    32 processes: kill -9 one, ten times; stop one for 200 ms, ten times
  qn load --scenario kill --netns --loss 10%  the same in a network namespace that loses datagrams by nftables`

const loadLong = `Starts the nodes in this process, on real UDP sockets of the loopback interface, and writes at a constant total rate
without waiting for anything (open loop). Times count from the moment at which a write was meant to start, so a stall is
never hidden. A write is visible on a node in the first turn in which that node holds it and everything its writer wrote
before; "all" is all nodes but the writer. At the end every replica is compared with what was written, key by key.

--find-max calls a rate sustained if 99 % of it was accepted, the replicas became equal, news fell behind by at most 1 %
of the time, and at most 5 % of the writes were overtaken by newer ones of their key. Rates are those of a fixed grid,
4.4 % apart, wherever the search begins: it goes up after a run that held and down after one that failed, until it turns
between neighbours; then a run of the full duration has to hold. Runs that failed while others had more than 0.15 of a
processor are marked as spoiled and run again. Each step says what processors were left.`

type loadFlags struct {
	output     form.Form
	quiet      bool
	noProgress bool
	cpuProfile string
	memProfile string
}

func newLoad() *cobra.Command {
	o, f := load.Defaults(), loadFlags{}
	cmd := &cobra.Command{
		Use:     "load",
		Short:   "Run a cluster under load on this machine and measure how news spreads",
		Example: loadExamples,
		Long:    loadLong,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runLoad(cmd, &o, &f)
		},
	}
	addLoadFlags(cmd, &o)
	form.Add(cmd, &f.output)
	fs := cmd.Flags()
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "no progress")
	fs.BoolVar(&f.noProgress, "no-progress", false, "no progress")
	fs.StringVar(&f.cpuProfile, "cpuprofile", "", "write a CPU profile of the measured phase to this file")
	fs.StringVar(&f.memProfile, "memprofile", "", "write an allocation profile to this file at the end")
	for _, hidden := range []string{"cpuprofile", "memprofile"} {
		_ = fs.MarkHidden(hidden) // fails only for an unknown flag
	}
	return cmd
}

func addLoadFlags(cmd *cobra.Command, o *load.Options) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.IntVarP(&o.Nodes, "nodes", "n", o.Nodes, "engines in this process")
	fs.VarP(&o.Rate, "rate", "r", "writes per second, all nodes together (1000, 10k, 2.5k/s)")
	fs.Var(&o.Size, "size", "bytes of a value (64, 1KiB)")
	fs.IntVar(&o.Keys, "keys", o.Keys, "keys of each node, written in turns (200 with --find-max, fewer above 100 nodes)")
	fs.DurationVarP(&o.Duration, "duration", "d", o.Duration, "measured time")
	fs.DurationVar(&o.Warmup, "warmup", o.Warmup, "time under load before measuring")
	fs.DurationVar(&o.Drain, "drain", o.Drain, "longest wait for equal replicas afterwards")
	fs.Uint64Var(&o.Seed, "seed", o.Seed, "seed of every choice; the same seed writes the same keys")
	fs.StringVar(&o.Mode, "mode", o.Mode, "comparison: push, pull or push-pull")
	fs.StringVar(&o.Order, "order", o.Order, "what goes first when a frame is full: depth, breadth, fair, precise-newest, precise-oldest, precise-random")
	fs.DurationVar(&o.Interval, "interval", 0, "period of the comparison (default: the engine's)")
	fs.IntVar(&o.Fanout, "fanout", 0, "peers that a rumor is sent to in a cycle (default: by cluster size)")
	fs.StringVar(&o.Spread, "spread", o.Spread, "how a write leaves its author: auto, mail, rumor, delegated or gossip")
	fs.StringVar(&o.Rumor, "rumor", o.Rumor, "how rumors are mongered: words of "+load.RumorHelp+" (default: the engine's)")
	fs.StringVar(&o.Diff, "diff", o.Diff, "how a comparison finds what differs: auto, vector, sketch, recent, peel, activity, updates or ranges")
	fs.DurationVar(&o.Repair, "repair", 0, "period of ring repair (default: never)")
	fs.Var(&o.Loss, "loss", "share of datagrams dropped at the receiver (0.2, 20%)")
	fs.StringVar(&o.Key, "key", "", "seal all traffic with this key: 32 or 64 hexadecimal digits (others see the command line: prefer --key-file)")
	fs.StringVar(&o.KeyFile, "key-file", "", "seal all traffic with the keys of this file")
	fs.BoolVar(&o.Insecure, "insecure", false, "in clear, as it is on loopback without a key")
	fs.IntVar(&o.Reactors, "reactors", o.Reactors, "loops that the nodes share (default: one a processor; in a scenario one)")
	fs.Lookup("reactors").DefValue = "0" // not shown: it depends
	fs.BoolVar(&o.FindMax, "find-max", false, "search for the highest sustained rate, starting at --rate")
	fs.StringVar(&o.Flow, "flow", o.Flow, "flow control: on, report (measure and show, hold nothing back) or off")
	fs.StringVar(&o.Throttle, "throttle", o.Throttle, "writes above the allowed rate: coalesce or refuse")
	fs.Var(&o.ReceiveRate, "receive-rate", "bytes a second that a node takes from all others (64KiB; default: any)")
	fs.StringVar(&o.Scenario, "scenario", "", "another experiment: pingpong, kill, heavy-writer or stalled-receiver")
	fs.IntVar(&o.Pairs, "pairs", o.Pairs, "pairs of runs of stalled-receiver, with and without")
	fs.IntVar(&o.Kills, "kills", o.Kills, "scenario kill: how often a process is killed")
	fs.IntVar(&o.Pauses, "pauses", o.Pauses, "scenario kill: how often a process is stopped for a while")
	fs.DurationVar(&o.PauseFor, "pause", o.PauseFor, "scenario kill: for how long")
	fs.StringVar(&o.Profile, "profile", o.Profile, "scenario kill: times of the failure detector: lan, wan or local")
	fs.BoolVar(&o.Netns, "netns", false, "scenario kill: in a network namespace, --loss by nftables (needs root, ip and nft)")
}

func runLoad(cmd *cobra.Command, o *load.Options, f *loadFlags) error {
	if o.FindMax && !cmd.Flags().Changed("keys") {
		o.Keys = load.KeysFindMax
	}
	if o.Large() {
		o.SetLarge(!cmd.Flags().Changed("keys"), !cmd.Flags().Changed("rate"))
	}
	if !o.FindMax && !cmd.Flags().Changed("keys") {
		o.SetMany()
	}
	if !cmd.Flags().Changed("reactors") {
		o.SetReactors()
	}
	if o.Scenario == "kill" && !cmd.Flags().Changed("nodes") {
		o.Nodes = load.NodesKill
	}
	if err := o.Validate(); err != nil {
		return usage(err)
	}
	profile, err := newProfiles(f.cpuProfile, f.memProfile)
	if err != nil {
		return err
	}
	o.Around = profile.around
	progress := term.NewProgress(cmd.ErrOrStderr(), f.quiet || f.noProgress)
	result, err := load.Run(cmd.Context(), o, progress)
	if stopping := profile.stop(); err == nil {
		err = stopping
	}
	if err != nil {
		return err
	}
	return conclude(cmd.OutOrStdout(), f.output, result)
}

// usage gives a wrong option the code of wrong usage; a file that can't be read keeps its own.
func usage(err error) error {
	var flag *load.FlagError
	if errors.As(err, &flag) {
		return exit.Usagef("%w", err)
	}
	return err
}

// errUnconverged follows a report that says in what replicas differ.
var errUnconverged = exit.Told("replicas differ")

// conclude prints the result, whatever it is, and then says whether it is a good one.
func conclude(w io.Writer, output form.Form, result load.Result) error {
	err := output.Print(w, result, result.WriteTable)
	if err == nil && !result.Passed() {
		return errUnconverged
	}
	return err
}
