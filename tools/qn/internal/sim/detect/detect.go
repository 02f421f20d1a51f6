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
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

const examples = `  qn sim detect --nodes 1000                crash 20 of 1,000 nodes, one after another
  qn sim detect --nodes 10000 -o json       the same for a script; about 2.2 GiB of memory
  qn sim detect --grace 300ms               as fast as it was when pauses of half a second killed
  qn sim detect --closed                    the hosts of the dead say that the port is closed
  qn sim detect --scenario half             half of all die at once
  qn sim detect --scenario partition --cut 60s --nodes 1000
  qn sim detect --scenario soak --rounds 10000000 --loss 5% --pause 300ms   no crash: what is suspected wrongly?`

const long = `The detector alone (no state is replicated, which is why 10,000 nodes fit), virtual time, links of 50 to 150 µs. Times are
from the crash until a survivor believed it, over all pairs of crash and survivor.

Exit code 3 says that a living node was believed dead, or a dead one alive at the end.`

type options struct {
	cfg      detect.Config
	loss     units.Share
	scenario string
	output   form.Form
	quiet    bool
	every    time.Duration
	run      time.Duration
	pause    time.Duration
	pauseGap time.Duration
	cut      time.Duration
	parts    int
	oneWay   bool
	rounds   uint64
	grace    time.Duration
}

// Command makes "qn sim detect".
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:     "detect",
		Short:   "How fast crashes are found, and what is suspected wrongly",
		Example: examples,
		Long:    long,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.execute(cmd) },
	}
	fs := cmd.Flags()
	fs.IntVarP(&o.cfg.Nodes, "nodes", "n", 100, "number of nodes")
	fs.StringVar(&o.scenario, "scenario", "crash", "crash, half, partition or soak")
	fs.IntVar(&o.cfg.Crashes, "crashes", 20, "crash: nodes that crash, at most half of all")
	fs.DurationVar(&o.every, "every", 250*time.Millisecond, "crash: time between crashes")
	fs.StringVar(&o.cfg.Profile, "profile", "lan", "times of the detector: lan, wan or local")
	fs.DurationVar(&o.grace, "grace", 0, "from suspect to dead (default: the profile's)")
	fs.BoolVar(&o.cfg.Closed, "closed", false, "the hosts of crashed nodes say that the port is closed")
	fs.Var(&o.loss, "loss", "share of datagrams that are lost")
	fs.DurationVar(&o.pause, "pause", 0, "living nodes stall for this long")
	fs.DurationVar(&o.pauseGap, "pause-every", 10*time.Second, "each node once in this time on average")
	fs.DurationVar(&o.run, "duration", 10*time.Second, "soak: virtual time")
	fs.Uint64Var(&o.rounds, "rounds", 0, "soak: rounds of probes of one target by one observer, instead of --duration")
	fs.DurationVar(&o.cut, "cut", 10*time.Second, "partition: its length")
	fs.IntVar(&o.parts, "parts", 2, "partition: number of parts")
	fs.BoolVar(&o.oneWay, "one-way", false, "partition: frames pass in one direction")
	fs.Uint64Var(&o.cfg.Seed, "seed", 1, "seed: the same seed gives the same figures")
	form.Add(cmd, &o.output)
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	return cmd
}

func (o *options) check() error {
	c := &o.cfg
	switch {
	case c.Nodes < 2 || c.Nodes > detect.NodesMax:
		return exit.Usagef("--nodes %d: out of range; fix: 2 to %d", c.Nodes, detect.NodesMax)
	case o.pause < 0 || o.pauseGap <= 0 || o.every <= 0 || o.run <= 0 || o.cut <= 0:
		return exit.Usagef("a duration is not positive; fix: for example --duration 10s")
	case o.parts < 2 || o.parts > c.Nodes:
		return exit.Usagef("--parts %d: out of range; fix: 2 to the number of nodes", o.parts)
	}
	if err := exit.OneOf("--profile", c.Profile, []string{"lan", "wan", "local"}); err != nil {
		return err
	}
	mc, err := detect.Profile(c.Profile)
	if err != nil {
		return err
	}
	switch o.scenario {
	case "crash":
		c.Crashes = min(c.Crashes, c.Nodes/2)
		if c.Crashes < 1 {
			return exit.Usagef("--crashes %d: nothing to find; fix: 1 or more, or --scenario soak", c.Crashes)
		}
	case "soak":
		c.Crashes = 0
		if c.Run = sched.Instant(o.run); o.rounds > 0 {
			pairs := uint64(c.Nodes * min(c.Nodes-1, 8))
			c.Run = sched.Instant((o.rounds+pairs-1)/pairs) * mc.Period
		}
	case "half", "partition":
	default:
		return exit.OneOf("--scenario", o.scenario, []string{"crash", "half", "partition", "soak"})
	}
	if o.grace < 0 || o.grace > 0 && sched.Instant(o.grace) < mc.TimeoutMin {
		return exit.Usagef("--grace %v: too short to refute; fix: %v or more", o.grace, time.Duration(mc.TimeoutMin))
	}
	c.Grace = sched.Instant(o.grace)
	c.Every, c.Network.Loss = sched.Instant(o.every), float64(o.loss)
	if o.pause > 0 {
		c.Pause, c.PauseEvery = sched.Instant(o.pause), sched.Instant(o.pauseGap)
	}
	c.Defaults()
	return nil
}

func (o *options) execute(cmd *cobra.Command) error {
	if err := o.check(); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	switch o.scenario {
	case "half":
		return o.half(w)
	case "partition":
		return o.partition(w)
	}
	p := term.NewProgress(cmd.ErrOrStderr(), o.quiet)
	o.cfg.Progress = func(done float64) error {
		p.Show("simulated %.0f%%", 100*done)
		return cmd.Context().Err()
	}
	r, err := detect.Run(o.cfg)
	p.Clear()
	if err != nil {
		return err
	}
	if err := o.output.Print(w, r, form.Plain(func(w io.Writer) { printRun(w, r) })); err != nil {
		return err
	}
	if r.FalseDead > 0 || r.Missed > 0 {
		return exit.Nof("%d living nodes were believed dead, %d survivors missed a death (--seed %d repeats it)", r.FalseDead, r.Missed, r.Seed)
	}
	return nil
}

func printRun(w io.Writer, r detect.Result) {
	fmt.Fprintf(w, "%d nodes, %s profile, %d crashes, %.3g%% loss, %.1f virtual seconds\n\n", r.Nodes, r.Profile, r.Crashes, r.LossPercent, r.VirtualSeconds)
	if r.Crashes > 0 {
		fmt.Fprintf(w, "%-22s %8s %8s %8s\n", "", "p50", "p99", "max")
		row := func(name string, v ...float64) {
			fmt.Fprintf(w, "%-22s", name)
			for _, x := range v {
				fmt.Fprintf(w, " %5.0f ms", x)
			}
			fmt.Fprintln(w)
		}
		row("first suspicion", r.SuspectFirstP50Ms, r.SuspectFirstP99Ms)
		row("suspected by each", r.SuspectP50Ms, r.SuspectP99Ms, r.SuspectMaxMs)
		row("dead for each", r.DeadP50Ms, r.DeadP99Ms, r.DeadMaxMs)
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "wrongly suspected     %d\nwrongly dead          %d\nmissed deaths         %d\nprobe rounds          %d\n",
		r.FalseSuspect, r.FalseDead, r.Missed, r.ProbeRounds)
	fmt.Fprintf(w, "probes and answers    %s/s a node, payload\nall traffic           %s/s a node, with UDP and IPv4 headers\n",
		units.Bytes(r.ProbeBytesPerNodePerS), units.Bytes(r.WireBytesPerNodePerS))
}

const giveUp = 60 * sched.Second

type halfResult struct {
	Nodes     int    `json:"nodes"`
	Died      int    `json:"died"`
	Seed      uint64 `json:"seed"`
	AgreedMs  int64  `json:"agreed_ms"`
	FalseDead int    `json:"false_dead"`
	Done      bool   `json:"done"`
}

func (o *options) half(w io.Writer) error {
	c := &o.cfg
	m, err := detect.MassDeath(*c, c.Nodes/2, giveUp)
	if err != nil {
		return err
	}
	r := halfResult{c.Nodes, c.Nodes / 2, c.Seed, int64(m.Took / sched.Millisecond), m.FalseDead, m.Done}
	err = o.output.Print(w, r, form.Plain(func(w io.Writer) {
		fmt.Fprintf(w, "%d of %d nodes died at once: all survivors agreed after %d ms; %d survivors were believed dead\n", r.Died, r.Nodes, r.AgreedMs, r.FalseDead)
	}))
	if err == nil && (!r.Done || r.FalseDead > 0) {
		err = exit.Nof("the survivors did not agree, or condemned one of them (--seed %d repeats it)", c.Seed)
	}
	return err
}

type partitionResult struct {
	Nodes     int    `json:"nodes"`
	Parts     int    `json:"parts"`
	Seed      uint64 `json:"seed"`
	CutMs     int64  `json:"cut_ms"`
	ApartMs   int64  `json:"apart_ms"`
	ContactMs int64  `json:"contact_ms"`
	HealedMs  int64  `json:"healed_ms"`
	FalseDead int    `json:"false_dead"`
	Done      bool   `json:"done"`
}

func (o *options) partition(w io.Writer) error {
	c := &o.cfg
	h, err := detect.Partition(c.Nodes, o.parts, c.Seed, c.Profile, sched.Instant(o.cut), giveUp, o.oneWay)
	if err != nil {
		return err
	}
	const ms = sched.Millisecond
	r := partitionResult{
		c.Nodes, o.parts, c.Seed, o.cut.Milliseconds(), int64(h.Cut / ms), int64(h.Contact / ms), int64(h.Healed / ms), h.FalseDead, h.Done,
	}
	err = o.output.Print(w, r, form.Plain(func(w io.Writer) {
		fmt.Fprintf(w, "%d nodes cut into %d parts for %v: each part saw the others dead after %d ms\n", r.Nodes, r.Parts, o.cut, r.ApartMs)
		fmt.Fprintf(w, "after the cut: first contact %d ms, one cluster again %d ms; %d wrong deaths within a part\n", r.ContactMs, r.HealedMs, r.FalseDead)
	}))
	if err == nil && (!r.Done || r.FalseDead > 0) {
		err = exit.Nof("the parts did not merge cleanly (--seed %d repeats it)", c.Seed)
	}
	return err
}
