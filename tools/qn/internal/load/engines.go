package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/tools/qn/internal/lossy"
)

var clockBase = time.Now()

// clock is the one clock of a run: monotonic nanoseconds, read alike by the generator and by what
// the loops report.
func clock() int64 { return int64(time.Since(clockBase)) }

// engines is a cluster of real engines on loopback sockets that share a few reactors.
type engines struct {
	nodes    []*engine.Engine
	names    []string
	reactors []*engine.Reactor
	pollers  []batch.Poller // ours to close: only those that lose datagrams
	lossy    []*lossy.Poller
	stats    []engine.Stats
	doubts   atomic.Uint64 // times that a member was taken for unreachable
	idle     batch.Idle
	observe  func(node int, a engine.Advance) // called by the loops
}

// clusterName keeps the run apart from anything else on this machine.
const clusterName = "qn-load"

func startEngines(ctx context.Context, o *Options, track *tracker) (cluster, error) {
	procs(o.Reactors)
	c := &engines{observe: func(node int, a engine.Advance) {
		track.observe(node, int64(a.Now), a.Handle, a.Origin, a.To)
	}}
	if err := c.start(ctx, o); err != nil {
		return nil, err
	}
	return c, nil
}

// procs gives each reactor and the generator a processor of Go's own, also where there are fewer
// cores: the kernel then shares the cores, in slices far shorter than the 10 ms after which Go's
// scheduler takes one away.
func procs(reactors int) {
	if want := reactors + 2; runtime.GOMAXPROCS(0) < want {
		runtime.GOMAXPROCS(want)
	}
}

// start makes reactors and nodes and joins them. After an error nothing is left running.
func (c *engines) start(ctx context.Context, o *Options) (err error) {
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	c.stats = make([]engine.Stats, o.Nodes)
	for i := range o.Reactors {
		c.addReactor(o, uint64(i))
	}
	if o.stopper != nil {
		c.addStopper(o.stopper)
	}
	for i := range o.Nodes {
		cfg, err := c.config(o, i)
		if err != nil {
			return err
		}
		report := func(a engine.Advance) { c.observe(i, a) }
		if cfg.Trace = (&engine.Trace{Advanced: report}); o.Large() {
			cfg.Trace = &engine.Trace{Completed: report}
		}
		e, err := engine.Start(ctx, cfg)
		if err != nil {
			return fmt.Errorf("starting node %d of %d: %w", i+1, o.Nodes, err)
		}
		c.nodes, c.names = append(c.nodes, e), append(c.names, cfg.Name)
	}
	return c.join(ctx)
}

// addReactor makes a loop on sockets of its own, with the loss between the two if there is to be
// one.
func (c *engines) addReactor(o *Options, n uint64) {
	if o.Loss == 0 {
		c.reactors = append(c.reactors, engine.NewReactor(engine.ReactorOptions{Idle: c.idle}))
		return
	}
	p, lock := engine.Sockets(c.idle)
	l := lossy.New(p, float64(o.Loss), o.Seed+n)
	c.pollers, c.lossy = append(c.pollers, p), append(c.lossy, l)
	c.reactors = append(c.reactors, engine.NewReactor(engine.ReactorOptions{Transport: l, LockThread: lock}))
}

func (c *engines) config(o *Options, i int) (cfg engine.Config, err error) {
	cfg = engine.LAN()
	cfg.Name, cfg.Cluster, cfg.Bind = "node-"+strconv.Itoa(i), clusterName, "127.0.0.1:0"
	cfg.Seed = o.Seed*1_000_003 + uint64(i) + 1
	cfg.Reactor = c.reactors[i%o.Reactors]
	if o.stopper != nil && i == o.Nodes-1 {
		cfg.Reactor = c.reactors[o.Reactors]
	}
	if cfg.Tune.Flow, err = tune.ParseFlow(o.Flow); err != nil {
		return cfg, err
	}
	if cfg.Throttle, err = engine.ParseThrottle(o.Throttle); err != nil {
		return cfg, err
	}
	cfg.ReceiveRate = int(o.ReceiveRate)
	cfg.Limits.Origins = max(cfg.Limits.Origins, 2*o.Nodes)
	cfg.Limits.Keys = max(cfg.Limits.Keys, 2*o.Nodes*(o.Keys+4))
	cfg.Limits.ValueBytes = max(cfg.Limits.ValueBytes, 4*o.Nodes*o.Keys*(int(o.Size)+32))
	if o.Large() {
		cfg.Streams = stream.New(stream.Options{PortsTried: 1 << 10})
		cfg.Limits.ValueBytes = max(32<<20, 4*o.Nodes*o.Keys*128)
		cfg.Limits.LargeBytes = int(o.Size)
		cfg.Limits.ContentBytes = 4*o.Nodes*o.Keys*int(o.Size) + 64<<20 // what was overwritten stays for ten seconds, if there is room
	}
	cfg.OnEvent = func(e engine.Event) {
		if e.Kind == engine.EventUnreachable {
			c.doubts.Add(1)
		}
	}
	cfg.Secrets, cfg.Tune.Rumor, cfg.RepairInterval = o.seal, o.rumor, o.Repair
	if cfg.Tune.Diff, err = tune.ParseDiff(o.Diff); err != nil {
		return cfg, err
	}
	cfg.LeaveTimeout = -1 // all end together: nobody is left to be told
	if o.Interval > 0 {
		cfg.Interval = o.Interval
	}
	if cfg.Tune.Spread, err = tune.ParseSpread(o.Spread); err != nil {
		return cfg, err
	}
	if o.Fanout > 0 {
		cfg.Tune.Fanout = o.Fanout
	}
	if cfg.Tune.Mode, err = tune.ParseMode(o.Mode); err != nil {
		return cfg, err
	}
	cfg.Tune.Order, err = tune.ParseOrder(o.Order)
	return cfg, err
}

// join makes every node ask the first one; they learn of each other from it. An answer that was
// lost is no failure: nodes ask again for as long as they run, and formed says whether that was
// enough.
func (c *engines) join(ctx context.Context) error {
	failed := make([]error, len(c.nodes))
	seed := c.nodes[0].Addr().String()
	var all sync.WaitGroup
	for i, e := range c.nodes[1:] {
		all.Go(func() {
			var silent *engine.JoinError
			if _, err := e.Join(ctx, seed); !errors.As(err, &silent) {
				failed[i] = err
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

func (c *engines) set(node int, key string, value []byte) (uint64, error) {
	v, err := c.nodes[node].Set(key, value)
	return v.Seq, err
}

func (c *engines) ids() (ids []uint64) {
	for _, e := range c.nodes {
		ids = append(ids, e.ID())
	}
	return ids
}

// formed waits until each node knows all. They are asked in turn, since each answer is a list of
// all members that its loop makes: asking all at once would be most of what the loops do meanwhile.
func (c *engines) formed(ctx context.Context) error {
	for i, e := range c.nodes {
		for {
			known := 0
			for m := range e.Members() {
				if m.State == engine.StateAlive {
					known++
				}
			}
			if known == len(c.nodes) {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("node %d of %d knows %d: %w", i+1, len(c.nodes), known, context.Cause(ctx))
			}
			time.Sleep(pollSpan)
		}
	}
	return nil
}

// totals asks all nodes at once, so that they answer in the same few turns.
func (c *engines) totals(t *Totals) {
	var all sync.WaitGroup
	for i, e := range c.nodes {
		all.Go(func() { c.stats[i] = e.Stats() })
	}
	all.Wait()
	*t = Totals{Drops: map[string]uint64{"lost_on_purpose": 0}}
	t.Doubts = c.doubts.Load()
	for i := range c.stats {
		t.add(&c.stats[i])
	}
	t.Flow.read(c.stats)
	for _, l := range c.lossy {
		t.Drops["lost_on_purpose"] += l.Dropped()
	}
}

func (t *Totals) add(s *engine.Stats) {
	t.FramesSent += s.FramesSent
	t.FramesReceived += s.FramesReceived
	t.BytesSent += s.BytesSent
	t.EntriesReceived += s.EntriesNew + s.EntriesOld
	t.EntriesNew += s.EntriesNew
	t.RunFramesSent += s.RunFrames
	t.RunBytesSent += s.RunBytes
	t.PullsReceived += s.PullsServed
	for reason, n := range s.Drops {
		t.Drops[reason] += n
	}
	for kind, n := range s.SendErrors {
		t.Drops["send_"+kind] += n
	}
}

func (c *engines) origin(node, owner int, visit func(key string, value []byte, version uint64)) {
	for key, e := range c.nodes[node].Range(c.names[owner]) {
		visit(string(key), e.Value, e.Meta.Version.Seq)
	}
}

func (c *engines) frameBytes() int { return engine.LAN().FrameBytes }

func (c *engines) receiveBuffer() int64 {
	return int64(c.nodes[0].Stats().Socket.ReceiveBufferBytes)
}

func (c *engines) close() error {
	var failed []error
	for _, e := range c.nodes {
		failed = append(failed, e.Close())
	}
	for _, r := range c.reactors {
		failed = append(failed, r.Close())
	}
	for _, p := range c.pollers {
		failed = append(failed, p.Close())
	}
	return errors.Join(failed...)
}
