package load

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// Options say what to run. The zero value is not useful: start from Defaults.
type Options struct {
	Nodes    int           // engines in this process
	Rate     units.Rate    // writes per second, all nodes together
	Size     units.Size    // bytes of each value
	Keys     int           // keys of each node; it overwrites them in turns
	Duration time.Duration // measured phase
	Warmup   time.Duration // same load before it, not measured
	Drain    time.Duration // how long to wait for the replicas to become equal afterwards
	Seed     uint64        // chooses nodes, keys, losses and the engines' own dice
	Mode     string        // push, pull, push-pull
	Order    string        // depth, breadth, fair, precise-newest, precise-oldest, precise-random
	Interval time.Duration // period of the comparison; 0 = the engine's default
	Diff     string        // how a comparison finds what differs
	Rumor    string        // how rumors are mongered, as parseRumor reads it
	Repair   time.Duration // period of ring repair; 0 = never
	Fanout   int           // peers that a write is pushed to; 0 = the engine's default
	Spread   string        // how a write leaves its author: auto, mail, rumor, delegated or gossip
	Loss     units.Share   // datagrams dropped at the receiver
	Key      string        // seals all traffic, as engine.ParseSecret reads it
	KeyFile  string        // or the keys of this file
	Insecure bool          // in clear, said aloud
	Reactors int           // loops that the nodes share
	FindMax  bool          // search for the highest sustained rate
	Scenario string        // another experiment than the plain load
	Kills    int           // scenario kill: processes killed, one after the other
	Pauses   int           // scenario kill: processes stopped for PauseFor
	PauseFor time.Duration // scenario kill
	Profile  string        // scenario kill: lan, wan, local
	Netns    bool          // scenario kill: lose datagrams by nftables in a network namespace

	Flow        string     // flow control: on, report or off
	Throttle    string     // writes above the allowed rate: coalesce or refuse
	ReceiveRate units.Size // bytes a second that a node takes from all others; 0 = any
	Pairs       int        // of runs, with and without, in the scenarios that compare

	heavy   int            // node 0 writes as much as so many others; 0 = one
	stopper *stopper       // the last node runs on a loop of its own that this can stop; it writes nothing and does not count
	watch   func(*engines) // called when all nodes know each other

	rumor tune.RumorPolicy // what Rumor says, once validated
	seal  []engine.Secret  // what Key or KeyFile hold, once validated

	// Around is called at the start and at the end of the measured phase, for profiles; nil is
	// fine.
	Around func(begin bool)
}

// Scenarios lists what Scenario may be, beside empty.
var Scenarios = []string{"pingpong", "kill", "heavy-writer", "stalled-receiver"}

// Defaults is the main job: 16 nodes, 1,000 writes a second, ten seconds.
func Defaults() Options {
	return Options{
		Nodes: 16, Rate: 1000, Size: 64, Keys: 100,
		Duration: 10 * time.Second, Warmup: time.Second, Drain: 30 * time.Second,
		Kills: 10, Pauses: 10, PauseFor: 200 * time.Millisecond, Profile: "lan",
		Seed: 1, Mode: "push-pull", Order: "fair", Spread: "auto", Diff: "auto", Reactors: 1,
		Flow: "on", Throttle: "coalesce", Pairs: 10,
	}
}

// KeysFindMax is the default of Keys for a search. Nodes write their keys in turns: at 100,000
// writes/s into 32 nodes a key then lives 64 ms, several times what news takes while the machine
// keeps up. More keys make every delivery a cache miss when all replicas share one machine, which
// no real cluster does.
const KeysFindMax = 200

// Bounds of the options. They protect the machine from a typing error; none of them is a limit of
// the engine.
const (
	nodesMax = 1024
	keysMax  = 1_000_000
	cellsMax = 50_000_000 // keys held by all replicas together

	largeBytesMax = 1 << 30 // of large values held by all replicas together
	windowsMin    = 100 * time.Millisecond
	windowsMax    = 24 * time.Hour
)

// FlagError says which flag is wrong, its value, why, and what to write instead.
type FlagError struct {
	Flag, Value, Why, Fix string
}

// Error is one line: flag, value, cause, fix.
func (e *FlagError) Error() string {
	return fmt.Sprintf("--%s %s: %s; fix: %s", e.Flag, e.Value, e.Why, e.Fix)
}

func flagError(flag string, value any, why, fix string, args ...any) error {
	return &FlagError{Flag: flag, Value: fmt.Sprint(value), Why: why, Fix: fmt.Sprintf(fix, args...)}
}

// Validate reports the first option that can't work.
func (o *Options) Validate() error {
	if err := o.validateSizes(); err != nil {
		return err
	}
	if err := o.validateTimes(); err != nil {
		return err
	}
	if err := o.validateKeys(); err != nil {
		return err
	}
	return o.validateNames()
}

// validateKeys reads the keys. It never prints one.
func (o *Options) validateKeys() error {
	switch {
	case o.Key != "" && o.KeyFile != "":
		return flagError("key-file", o.KeyFile, "set together with --key", "drop --key")
	case o.Key+o.KeyFile != "" && o.Insecure:
		return flagError("insecure", true, "set together with a key", "drop one of the two")
	case o.Key != "":
		k, err := engine.ParseSecret(o.Key)
		if err != nil {
			return flagError("key", "(not shown)", strings.TrimPrefix(err.Error(), "engine: "), "--key $(qn keys gen)")
		}
		o.seal = []engine.Secret{k}
	case o.KeyFile != "":
		keys, err := engine.ReadSecretFile(o.KeyFile)
		var bad *engine.ConfigError
		if errors.As(err, &bad) {
			return flagError("key-file", o.KeyFile, bad.Problem, "%s", bad.Fix)
		}
		if err != nil {
			return err
		}
		o.seal = keys
	}
	return nil
}

func (o *Options) validateSizes() error {
	switch {
	case o.Nodes < 2 || o.Nodes > nodesMax:
		return flagError("nodes", o.Nodes, "a run has 2 to 1024 nodes", "--nodes %d", min(max(o.Nodes, 2), nodesMax))
	case o.Rate < 1:
		return flagError("rate", o.Rate, "at least one write a second is needed", "--rate 1000")
	case o.Keys < 1 || o.Keys > keysMax:
		return flagError("keys", o.Keys, "each node has 1 to 1,000,000 keys", "--keys %d", min(max(o.Keys, 1), keysMax))
	case o.Nodes*o.Nodes*o.Keys > cellsMax:
		return flagError("keys", o.Keys, fmt.Sprintf("%d nodes would hold %s entries together, above %s", o.Nodes,
			units.Count(uint64(o.Nodes*o.Nodes*o.Keys)), units.Count(cellsMax)), "--keys %d", max(1, cellsMax/(o.Nodes*o.Nodes)))
	case o.Size < 1 || o.Size > batch.StreamBodyMax:
		return flagError("size", o.Size, "a value has 1 byte to 16 MiB", "--size %d", min(max(int(o.Size), 1), batch.StreamBodyMax))
	case o.Large() && o.largeBytes() > largeBytesMax:
		return flagError("keys", o.Keys, fmt.Sprintf("%d nodes would hold %d MiB of values together, above %d MiB", o.Nodes, o.largeBytes()>>20, largeBytesMax>>20),
			"--keys %d", max(1, largeBytesMax/(o.Nodes*o.Nodes*int(o.Size))))
	case o.Reactors < 1 || o.Reactors > o.Nodes:
		return flagError("reactors", o.Reactors, "from one loop for all nodes to one for each", "--reactors %d", min(max(o.Reactors, 1), o.Nodes))
	case o.Fanout < 0 || o.Fanout > 64:
		return flagError("fanout", o.Fanout, "a write goes to 1 to 64 peers at once (0: the engine's default)", "--fanout 3")
	case o.Loss < 0 || o.Loss > 0.9:
		return flagError("loss", o.Loss, "above 0.9 nothing arrives", "--loss 0.2")
	}
	return nil
}

// Large tells whether the values fit no entry beside the longest of the keys, and go by streams.
func (o *Options) Large() bool { return int(o.Size) > engine.EntryBytesMax-len(keyName(o.Keys-1)) }

// largeBytes is what all replicas hold of large values together.
func (o *Options) largeBytes() int { return o.Nodes * o.Nodes * o.Keys * int(o.Size) }

// manyCells is how many keys all replicas of a run hold together by default: each is written and
// delivered once before anything is measured.
const manyCells = 1 << 20

// SetMany makes the default of keys fit many nodes.
func (o *Options) SetMany() { o.Keys = min(o.Keys, max(1, manyCells/(o.Nodes*o.Nodes))) }

// SetReactors gives a plain load as many loops as engines have that name none.
func (o *Options) SetReactors() {
	if o.Scenario == "" {
		o.Reactors = max(1, min(runtime.GOMAXPROCS(0), o.Nodes))
	}
}

// SetLarge makes the defaults of keys and rate fit large values: about 64 MiB in each replica at
// most, and 16 MiB a second written, all nodes together.
func (o *Options) SetLarge(keys, rate bool) {
	if keys {
		o.Keys = min(o.Keys, max(1, min(64<<20, largeBytesMax/o.Nodes)/(o.Nodes*int(o.Size))))
	}
	if rate {
		o.Rate = max(1, units.Rate(16<<20/int(o.Size)))
	}
}

func (o *Options) validateTimes() error {
	switch {
	case o.Duration < windowsMin || o.Duration > windowsMax:
		return flagError("duration", o.Duration, "percentiles need 100ms to 24h", "--duration 10s")
	case o.Warmup < 0 || o.Warmup > windowsMax:
		return flagError("warmup", o.Warmup, "the warm-up lasts 0s to 24h", "--warmup 1s")
	case o.Drain < 0 || o.Drain > windowsMax:
		return flagError("drain", o.Drain, "the wait at the end lasts 0s to 24h", "--drain 30s")
	case o.Kills < 0 || o.Kills > 1000 || o.Pauses < 0 || o.Pauses > 1000:
		return flagError("kills", o.Kills, "a run has 0 to 1000 kills, and as many pauses", "--kills 10 --pauses 10")
	case o.PauseFor < 0 || o.PauseFor > time.Minute:
		return flagError("pause", o.PauseFor, "a process is stopped for 0s to 1m", "--pause 200ms")
	case o.Repair < 0 || o.Repair > 0 && o.Repair < 10*cmp.Or(o.Interval, 100*time.Millisecond):
		return flagError("repair", o.Repair, "ring repair has a period of at least ten intervals (0s: never)", "--repair %v", 10*cmp.Or(o.Interval, 100*time.Millisecond))
	case o.Interval != 0 && (o.Interval < time.Millisecond || o.Interval > time.Minute):
		return flagError("interval", o.Interval, "nodes compare every 1ms to 1m (0: the engine's default)", "--interval 200ms")
	}
	return nil
}

func (o *Options) validateNames() error {
	if err := o.validateFlow(); err != nil {
		return err
	}
	if o.Scenario != "" {
		if err := oneOf("scenario", o.Scenario, Scenarios...); err != nil {
			return err
		}
	}
	if o.Scenario != "" && o.FindMax {
		return flagError("find-max", true, "searches with the plain load only", "drop --scenario %s", o.Scenario)
	}
	if err := oneOf("mode", o.Mode, "push-pull", "push", "pull"); err != nil {
		return err
	}
	if err := oneOf("order", o.Order, "fair", "depth", "breadth", "precise-newest", "precise-oldest", "precise-random"); err != nil {
		return err
	}
	if err := oneOf("profile", o.Profile, "lan", "wan", "local"); err != nil {
		return err
	}
	if err := oneOf("diff", o.Diff, "auto", "vector", "sketch", "recent", "peel", "activity", "updates", "ranges"); err != nil {
		return err
	}
	if err := oneOf("spread", o.Spread, "auto", "mail", "rumor", "gossip", "delegated"); err != nil {
		return err
	}
	rumors, err := parseRumor(o.Rumor)
	o.rumor = rumors
	return err
}

func (o *Options) validateFlow() error {
	if o.Pairs < 1 || o.Pairs > 1000 {
		return flagError("pairs", o.Pairs, "a comparison has 1 to 1,000 pairs of runs", "--pairs 10")
	}
	if o.ReceiveRate < 0 || o.ReceiveRate > 1<<30 {
		return flagError("receive-rate", o.ReceiveRate, "from 0 (any) to 1 GiB a second", "--receive-rate 0")
	}
	if err := oneOf("flow", o.Flow, "on", "report", "off"); err != nil {
		return err
	}
	return oneOf("throttle", o.Throttle, "coalesce", "refuse")
}
