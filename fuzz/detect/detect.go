package detect

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// Config is one measurement: a cluster in which nodes crash, one after another, while the network
// loses datagrams and living nodes stall.
type Config struct {
	Nodes      int
	Seed       uint64
	Profile    string        // lan (default), wan or local
	Grace      sched.Instant // from suspect to dead; 0: the profile's
	Closed     bool          // the host of a crashed node says that its port is closed; else it is merely silent
	Chat       int           // MassDeath: frames that each node sends to others every 10 ms, beside its detector's
	Network    Network
	Crashes    int           // in all; 0 only watches for mistakes
	Every      sched.Instant // time between crashes
	Run        sched.Instant // time watched if nothing crashes
	PauseEvery sched.Instant // each living node stalls once in this time on average; 0: never
	Pause      sched.Instant // for this long
	Without    member.Mechanism
	Progress   func(done float64) error // asked between steps, an error ends the run; may be nil
}

// Defaults fills in what is not set.
func (c *Config) Defaults() {
	if c.Profile == "" {
		c.Profile = "lan"
	}
	if c.Network.Delay == 0 {
		c.Network.Delay, c.Network.Jitter = 50*sched.Microsecond, 100*sched.Microsecond
	}
	if c.Every == 0 {
		c.Every = 250 * ms
	}
	if c.Run == 0 {
		c.Run = 10 * sched.Second
	}
}

// Result is what a run has shown. Times are from the crash until a survivor believed it, over all
// pairs of crash and survivor; First is until the first survivor did.
type Result struct {
	Nodes                 int     `json:"nodes"`
	Seed                  uint64  `json:"seed"`
	Profile               string  `json:"profile"`
	LossPercent           float64 `json:"loss_percent"`
	Crashes               int     `json:"crashes"`
	SuspectP50Ms          float64 `json:"suspect_p50_ms"`
	SuspectP99Ms          float64 `json:"suspect_p99_ms"`
	SuspectMaxMs          float64 `json:"suspect_max_ms"`
	SuspectFirstP50Ms     float64 `json:"suspect_first_p50_ms"`
	SuspectFirstP99Ms     float64 `json:"suspect_first_p99_ms"`
	DeadP50Ms             float64 `json:"dead_p50_ms"`
	DeadP99Ms             float64 `json:"dead_p99_ms"`
	DeadMaxMs             float64 `json:"dead_max_ms"`
	Missed                int     `json:"missed"`        // pairs of crash and survivor without a death
	FalseSuspect          int     `json:"false_suspect"` // living incarnations that anybody suspected
	FalseDead             int     `json:"false_dead"`    // living incarnations that anybody believed dead
	ProbeBytesPerNodePerS float64 `json:"probe_bytes_per_node_per_s"`
	BytesPerNodePerS      float64 `json:"bytes_per_node_per_s"`      // all that a node sends, UDP payload, on average
	WireBytesPerNodePerS  float64 `json:"wire_bytes_per_node_per_s"` // with IPv4 and UDP headers
	ProbeRounds           uint64  `json:"probe_rounds"`              // one observer, one target
	VirtualSeconds        float64 `json:"virtual_s"`
	Events                uint64  `json:"events"`
}

// NodesMax bounds a simulation.
const NodesMax = 20000

var errNodes = fmt.Errorf("detect: nodes must be 2 to %d", NodesMax)

// Profile gives the detector's times by name.
func Profile(name string) (member.Config, error) {
	switch name {
	case "", "lan":
		return member.LAN(), nil
	case "wan":
		return member.WAN(), nil
	case "local":
		return member.Local(), nil
	}
	return member.Config{}, fmt.Errorf("detect: profile %q: it is lan, wan or local", name)
}

// times gives the detector's times.
func (c *Config) times() (member.Config, error) {
	mc, err := Profile(c.Profile)
	if c.Grace != 0 {
		mc.Grace = c.Grace
		mc.ClosedGrace = min(mc.ClosedGrace, c.Grace)
	}
	mc.Without = c.Without
	return mc, err
}

// Run simulates cfg.
func Run(cfg Config) (Result, error) {
	cfg.Defaults()
	if cfg.Nodes < 2 || cfg.Nodes > NodesMax {
		return Result{}, errNodes
	}
	if cfg.Crashes > cfg.Nodes/2 {
		return Result{}, errors.New("detect: at most half of the nodes may crash")
	}
	mc, err := cfg.times()
	if err != nil {
		return Result{}, err
	}
	r := run{cfg: cfg, member: mc, falseSuspect: map[life]bool{}, falseDead: map[life]bool{}, first: map[uint32]bool{}}
	if err := r.do(); err != nil {
		return Result{}, err
	}
	return r.result(), nil
}

// life is one incarnation of a node.
type life struct{ node, incarnation uint32 }

type run struct {
	cfg                     Config
	member                  member.Config
	w                       *world
	suspect, dead, earliest []float64
	first                   map[uint32]bool
	falseSuspect, falseDead map[life]bool
}

func (r *run) do() error {
	n := r.cfg.Nodes
	r.w = start(n, r.cfg.Seed, r.member, smallLimits(n, 1024+n/16), r.cfg.Network)
	r.w.closed, r.w.change = r.cfg.Closed, r.note
	r.spend(5 * r.member.Period)
	order := r.w.shuffled()
	for i := range r.cfg.Crashes {
		r.w.crash(order[i])
		r.spend(r.cfg.Every - r.cfg.Every/4 + sched.Instant(r.w.rand.Uint64n(uint64(r.cfg.Every/2))))
		if err := r.progress(float64(i+1) / float64(r.cfg.Crashes)); err != nil {
			return err
		}
	}
	if r.cfg.Crashes == 0 {
		for i := range 100 {
			r.spend(r.cfg.Run / 100)
			if err := r.progress(float64(i+1) / 100); err != nil {
				return err
			}
		}
	}
	r.spend(2*r.member.Grace + 3*r.member.Period)
	return nil
}

func (r *run) progress(done float64) error {
	if r.cfg.Progress == nil {
		return nil
	}
	return r.cfg.Progress(done)
}

// spend lets time go on, with stalls.
func (r *run) spend(d sched.Instant) {
	if r.cfg.PauseEvery == 0 {
		r.w.run(d)
		return
	}
	for d > 0 {
		gap := sched.Instant(-math.Log(1-float64(r.w.rand.Uint64()>>11)/(1<<53)) *
			float64(r.cfg.PauseEvery) / float64(r.cfg.Nodes))
		gap = min(gap, d)
		r.w.run(gap)
		d -= gap
		h := 1 + r.w.rand.Uint32n(uint32(r.cfg.Nodes))
		if x := &r.w.hosts[h]; !x.down && r.w.now >= x.asleep {
			r.w.stall(h, r.cfg.Pause)
		}
	}
}

// note takes in what the node at believes from now on.
func (r *run) note(at uint32, c *member.Change) {
	x := &r.w.hosts[c.Member]
	took := float64(r.w.now-x.downAt) / ms
	suspected := c.To == member.Suspect || c.To == member.Closed
	switch {
	case suspected && c.From == member.Suspect: // that was noted
	case suspected && x.down:
		r.suspect = append(r.suspect, took)
		if !r.first[c.Member] {
			r.first[c.Member] = true
			r.earliest = append(r.earliest, took)
		}
	case c.To == member.Dead && x.down:
		r.dead = append(r.dead, took)
	case suspected:
		r.falseSuspect[life{c.Member, c.Incarnation}] = true
	case c.To == member.Dead:
		r.falseDead[life{c.Member, c.Incarnation}] = true
	}
}

func (r *run) result() Result {
	w := r.w
	seconds := float64(w.now-sched.Second) / sched.Second
	res := Result{
		Nodes: r.cfg.Nodes, Seed: r.cfg.Seed, Profile: r.cfg.Profile, LossPercent: 100 * r.cfg.Network.Loss,
		Crashes: r.cfg.Crashes, FalseSuspect: len(r.falseSuspect), FalseDead: len(r.falseDead),
		VirtualSeconds: seconds, Events: w.events,
		Missed: r.cfg.Crashes*(r.cfg.Nodes-r.cfg.Crashes) - r.settled(),
	}
	res.SuspectP50Ms, res.SuspectP99Ms, res.SuspectMaxMs = quantiles(r.suspect)
	res.SuspectFirstP50Ms, res.SuspectFirstP99Ms, _ = quantiles(r.earliest)
	res.DeadP50Ms, res.DeadP99Ms, res.DeadMaxMs = quantiles(r.dead)
	var probe, all, frames float64
	for h := range w.hosts[1:] {
		x := &w.hosts[h+1]
		for k := range x.sent {
			all += float64(x.bytes[k])
			frames += float64(x.sent[k])
		}
		probe += float64(x.bytes[kindProbe] + x.bytes[kindAck])
		res.ProbeRounds += x.table.Counters().Rounds
	}
	per := seconds * float64(r.cfg.Nodes)
	res.ProbeBytesPerNodePerS, res.BytesPerNodePerS = probe/per, all/per
	res.WireBytesPerNodePerS = (all + udpBytes*frames) / per
	return res
}

// settled counts the pairs of crashed node and survivor that believes it dead.
func (r *run) settled() (pairs int) {
	for h := range r.w.hosts {
		if h == 0 || !r.w.hosts[h].down {
			continue
		}
		for o := range r.w.hosts {
			if x := &r.w.hosts[o]; o > 0 && !x.down && x.table.Status(uint32(h)) == member.Dead {
				pairs++
			}
		}
	}
	return pairs
}

func quantiles(v []float64) (p50, p99, most float64) {
	if len(v) == 0 {
		return 0, 0, 0
	}
	slices.Sort(v)
	at := func(q float64) float64 { return v[min(int(q*float64(len(v))), len(v)-1)] }
	return at(0.50), at(0.99), v[len(v)-1]
}
