package enginetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine"
)

// Options say how a cluster is made. The zero value is the default.
type Options struct {
	// Config changes the configuration of member i before it starts. It finds
	// the Local profile with name "node-i".
	Config func(i int, c *engine.Config)
	// Transport carries the traffic in place of loopback sockets.
	Transport batch.Poller
	// Timeout bounds Wait methods and the forming of the cluster. Default 30 s.
	Timeout time.Duration
	// Apart leaves the members unjoined.
	Apart bool
	// Seed decides which datagrams Loss takes.
	Seed uint64
}

// Cluster is a number of members on one reactor.
type Cluster struct {
	// Engines are the members. A member that was killed stays in its place,
	// closed, until Restart.
	Engines []*engine.Engine

	t       testing.TB
	opts    Options
	net     *network
	reactor *engine.Reactor
	down    []bool
}

// NewCluster starts n members, joins them all to the first, and waits until
// every one knows all others. It fails the test on any error.
func NewCluster(t testing.TB, n int, opts Options) *Cluster {
	t.Helper()
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	c := &Cluster{t: t, opts: opts, Engines: make([]*engine.Engine, n), down: make([]bool, n)}
	c.net = newNetwork(opts.Transport, opts.Seed)
	c.reactor = engine.NewReactor(engine.ReactorOptions{Transport: c.net, LockThread: c.net.lock})
	t.Cleanup(c.close)
	for i := range n {
		c.start(i)
	}
	if opts.Apart {
		return c
	}
	for i := 1; i < n; i++ {
		c.Join(i, 0)
	}
	c.WaitConverged()
	return c
}

func (c *Cluster) start(i int) {
	c.t.Helper()
	cfg := engine.Local()
	cfg.Name = fmt.Sprintf("node-%d", i)
	if c.opts.Config != nil {
		c.opts.Config(i, &cfg)
	}
	cfg.Reactor, cfg.Transport = c.reactor, nil
	e, err := engine.Start(context.Background(), cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Engines[i], c.down[i] = e, false
	c.net.place(e.Addr(), i)
}

// Add starts one more member, joins it to those that run, and returns its number.
func (c *Cluster) Add() (i int) {
	c.t.Helper()
	i = len(c.Engines)
	c.Engines, c.down = append(c.Engines, nil), append(c.down, true)
	c.Restart(i)
	return i
}

// AddApart starts one more member that joins nobody yet, and returns its number.
func (c *Cluster) AddApart() (i int) {
	c.t.Helper()
	i = len(c.Engines)
	c.Engines, c.down = append(c.Engines, nil), append(c.down, true)
	c.start(i)
	return i
}

// Join lets member i join members to. One answer is enough. On a bad network it
// tries again until Options.Timeout.
func (c *Cluster) Join(i int, to ...int) {
	c.t.Helper()
	ctx, cancel := c.context()
	defer cancel()
	seeds := make([]string, len(to))
	for k, m := range to {
		seeds[k] = c.Engines[m].Addr().String()
	}
	for {
		_, err := c.Engines[i].Join(ctx, seeds...)
		if err == nil {
			return
		}
		if ctx.Err() != nil || !errors.Is(err, engine.ErrNoAnswer) {
			c.t.Fatal(err)
		}
	}
}

// Partition cuts the network between groups of members. Members in no group
// form one together. It replaces the cuts made before.
func (c *Cluster) Partition(groups ...[]int) { c.net.partition(groups) }

// Cut loses what member from sends to member to; the other direction works.
func (c *Cluster) Cut(from, to int) { c.net.cutOneWay(from, to) }

// Heal takes all cuts back, those of Partition too.
func (c *Cluster) Heal() { c.net.heal() }

// Loss makes every datagram disappear with probability p.
func (c *Cluster) Loss(p float64) { c.net.setLoss(p) }

// Delay makes every datagram arrive so much later than it would.
func (c *Cluster) Delay(d time.Duration) { c.net.setDelay(d) }

// Freeze makes member i silent until Thaw: what it sends is lost, and what is sent to it waits. It
// runs on meanwhile, and finds the others as silent as they find it.
func (c *Cluster) Freeze(i int) { c.net.freeze(i) }

// Thaw ends Freeze: what has waited arrives.
func (c *Cluster) Thaw(i int) { c.net.thaw(i) }

// Kill ends member i without a word to the others.
func (c *Cluster) Kill(i int) {
	c.net.mute(c.Engines[i].Addr())
	c.Engines[i].Close()
	c.down[i] = true
}

// Stop closes member i: it says that it leaves.
func (c *Cluster) Stop(i int) {
	c.Engines[i].Close()
	c.down[i] = true
}

// Restart starts member i anew, under its name but at a new address, with
// nothing of its state, and joins it to those that run: were it only one, and
// that one died at once, nobody would know of it.
func (c *Cluster) Restart(i int) {
	c.t.Helper()
	c.start(i)
	var running []int
	for m := range c.Engines {
		if m != i && !c.down[m] {
			running = append(running, m)
		}
	}
	if len(running) > 0 {
		c.Join(i, running...)
	}
}

// WaitConverged waits until all running members know each other and hold the
// same state. It fails the test after Options.Timeout.
func (c *Cluster) WaitConverged() {
	c.t.Helper()
	ctx, cancel := c.context()
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		why := c.difference()
		if why == "" {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			c.t.Fatalf("enginetest: not converged after %v: %s", c.opts.Timeout, why)
		}
	}
}

// difference says in what the running members differ; "" when in nothing.
func (c *Cluster) difference() string {
	running := 0
	for i := range c.Engines {
		if !c.down[i] {
			running++
		}
	}
	var first *engine.Stats
	for i, e := range c.Engines {
		if c.down[i] {
			continue
		}
		s := e.Stats()
		if s.Alive != running {
			return fmt.Sprintf("%s has %d of %d members alive%s", e.Name(), s.Alive, running, others(e))
		}
		if s.Staged > 0 {
			return fmt.Sprintf("%s has %d writes staged", e.Name(), s.Staged)
		}
		if s.Flow.Unpublished > 0 {
			return fmt.Sprintf("%s has %d entries that are not published yet", e.Name(), s.Flow.Unpublished)
		}
		if first == nil {
			first = &s
		} else if s.Fingerprint != first.Fingerprint {
			return fmt.Sprintf("%s holds another state", e.Name())
		}
	}
	return ""
}

// others lists the members that do not count as alive at e.
func others(e *engine.Engine) (list string) {
	for m := range e.Members() {
		if m.State != engine.StateAlive {
			list += fmt.Sprintf("; %s at %v is %v", m.Name, m.Addr, m.State)
		}
	}
	return list
}

func (c *Cluster) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), c.opts.Timeout)
}

func (c *Cluster) close() {
	var all sync.WaitGroup
	for _, e := range c.Engines {
		if e != nil {
			all.Go(func() { e.Close() })
		}
	}
	all.Wait()
	c.reactor.Close()
	c.net.Close()
}
