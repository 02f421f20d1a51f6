package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// recorder collects events and lines of a log.
type recorder struct {
	mu     sync.Mutex
	events []engine.Event
	log    bytes.Buffer
}

func (r *recorder) attach(c *engine.Config) {
	c.OnEvent = func(ev engine.Event) {
		r.mu.Lock()
		r.events = append(r.events, ev)
		r.mu.Unlock()
	}
	c.Logger = slog.New(slog.NewTextHandler(lockedWriter{&r.mu, &r.log}, nil))
}

func (r *recorder) of(kind engine.EventKind, name string) (found []engine.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range r.events {
		if ev.Kind == kind && (name == "" || ev.Member.Name == name) {
			found = append(found, ev)
		}
	}
	return found
}

func (r *recorder) logged(parts ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.Lines(r.log.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return true
		}
	}
	return false
}

// One change of what a member says of itself is one event, whatever is repeated
// on the way; a change to what it says already is none.
func TestBehaviour04OneUpdateEventForOneChange(t *testing.T) {
	var r recorder
	virtual(t, 4, enginetest.Options{Config: func(i int, c *engine.Config) {
		c.Zone = "z"
		if i == 0 {
			r.attach(c)
		}
	}}, func(t *testing.T, c *enginetest.Cluster) {
		pause(2 * time.Second)
		before := len(r.of(engine.EventUpdated, ""))
		c.Loss(0.2)
		for range 3 { // twice it is nothing new
			if err := c.Engines[2].SetTags(map[string]string{"a": "1", "b": "2", "c": "3"}); err != nil {
				t.Fatal(err)
			}
			pause(2 * time.Second)
		}
		c.Loss(0)
		pause(time.Minute)
		got := r.of(engine.EventUpdated, "node-2")
		if all := len(r.of(engine.EventUpdated, "")) - before; len(got) == 0 || all != 1 {
			t.Fatalf("%d events, of node-2: %+v", all, got)
		}
		if m := got[len(got)-1].Member; len(m.Tags) != 3 || m.Zone != "z" || m.State != engine.StateAlive {
			t.Errorf("%+v", m)
		}
	})
}

// Two live processes with one name: the one in service keeps it, the newcomer's Join
// fails, and both are told of the other's address.
func TestBehaviour05ConflictIsToldOnBothSides(t *testing.T) {
	var r recorder
	c := enginetest.NewCluster(t, 2, enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 1 {
			r.attach(c)
		}
	}})
	old := c.Engines[1]
	younger := startOne(t, "node-1", nil)
	n, err := younger.Join(t.Context(), c.Engines[0].Addr().String(), old.Addr().String())
	var why *engine.RefusedError
	if n != 0 || !errors.Is(err, engine.ErrNameConflict) || !errors.As(err, &why) || why.Here != younger.Addr() || why.There != old.Addr() {
		t.Errorf("Join of the newcomer: %d, %v", n, err)
	}
	eventually(t, "the one in service is told", func() bool { return len(r.of(engine.EventNameConflict, "node-1")) > 0 })
	ev := r.of(engine.EventNameConflict, "node-1")[0]
	if ev.Here != old.Addr() || ev.Member.Addr != younger.Addr() || ev.Lost {
		t.Errorf("the one in service was told %+v", ev)
	}
	here, there := fmt.Sprint("here=", old.Addr()), fmt.Sprint("there=", younger.Addr())
	eventually(t, "it logs that", func() bool { return r.logged("another process uses this name", here, there) })
	if _, err := old.Set("k", nil); err != nil {
		t.Errorf("the one in service: %v", err)
	}
	began := time.Now() // who was refused can still go, in time and without a word
	if err := younger.Close(); err != nil || time.Since(began) > 3*time.Second {
		t.Errorf("closing the newcomer: %v after %v", err, time.Since(began))
	}
	if s := memberAt(c.Engines[0], "node-1"); s.State != engine.StateAlive {
		t.Errorf("the newcomer's end took the one in service along: %+v", s)
	}
}

func TestBehaviour12OversizeIsRefusedAtOnce(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{})
	e := c.Engines[0]
	var se *engine.SizeError
	if _, err := e.Set("k", make([]byte, engine.EntryBytesMax)); !errors.Is(err, engine.ErrTooLarge) || !errors.As(err, &se) {
		t.Errorf("Set: %v", err)
	}
	if _, err := e.Broadcast("topic", make([]byte, engine.BroadcastBytesMax)); !errors.Is(err, engine.ErrTooLarge) {
		t.Errorf("Broadcast: %v", err)
	}
	if err := e.SetTags(map[string]string{"t": strings.Repeat("v", engine.TagValueBytesMax+1)}); !errors.Is(err, engine.ErrConfig) {
		t.Errorf("SetTags: %v", err)
	}
	// The largest of each is taken, and arrives.
	set(t, e, "k", strings.Repeat("v", engine.EntryBytesMax-1))
	tags := map[string]string{strings.Repeat("n", engine.TagNameBytesMax): strings.Repeat("v", engine.TagValueBytesMax)}
	if err := e.SetTags(tags); err != nil {
		t.Error(err)
	}
	c.WaitConverged()
	eventually(t, "the largest tag arrives", func() bool { return len(memberAt(c.Engines[1], "node-0").Tags) == 1 })
	if s := e.Stats(); s.WritesRejected != 1 {
		t.Errorf("%d rejected", s.WritesRejected)
	}
}

// Leave and Close are bounded, may be said again and at once by several, and
// give an error and no panic afterwards.
func TestBehaviour25LeaveIsBoundedAndIdempotent(t *testing.T) {
	virtual(t, 4, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		c.Partition([]int{2}) // nobody hears it
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := c.Engines[2].Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("cut off: %v", err)
				}
			})
		}
		all.Wait()
		if d := time.Since(began); d > 310*time.Millisecond {
			t.Errorf("cut off: took %v", d)
		}
		if m := memberAt(c.Engines[2], "node-2"); m.State != engine.StateLeft {
			t.Errorf("to itself it is %v", m.State)
		}
		c.Heal() // it said so in time: the others hear it when they can
		pause(2 * time.Second)
		for _, i := range []int{0, 1, 3} {
			if s := stateOf(c.Engines[i], "node-2"); s != engine.StateLeft {
				t.Errorf("to %d it is %v", i, s)
			}
		}
		began = time.Now()
		for range 3 {
			all.Go(func() { c.Engines[3].Close() })
		}
		all.Wait()
		if d := time.Since(began); d > 150*time.Millisecond {
			t.Errorf("Close took %v", d)
		}
		if err := c.Engines[3].Leave(t.Context()); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Leave after Close: %v", err)
		}
		pause(time.Second)
		if s := stateOf(c.Engines[0], "node-3"); s != engine.StateLeft {
			t.Errorf("after Close it is %v", s)
		}
	})
}

// The word of a leave is told again until it is heard: on a network that loses
// every third datagram nobody takes the one that left for dead.
func TestBehaviour25LeaveIsToldAgain(t *testing.T) {
	var r recorder
	virtual(t, 12, enginetest.Options{Config: func(i int, c *engine.Config) {
		c.LeaveTimeout = 500 * time.Millisecond
		if i == 0 {
			r.attach(c)
		}
	}}, func(t *testing.T, c *enginetest.Cluster) {
		c.Loss(0.3)
		for i := 4; i < 12; i++ {
			began := time.Now()
			c.Stop(i)
			if d := time.Since(began); d > 510*time.Millisecond {
				t.Errorf("Close took %v", d)
			}
			pause(500 * time.Millisecond)
			for k := range 4 {
				if s := stateOf(c.Engines[k], fmt.Sprint("node-", i)); s != engine.StateLeft {
					t.Errorf("to %d, %d is %v after half a second", k, i, s)
				}
			}
		}
		pause(10 * time.Second)
		for i := 4; i < 12; i++ {
			if dead := r.of(engine.EventDead, fmt.Sprint("node-", i)); len(dead) > 0 {
				t.Errorf("taken for dead: %+v", dead)
			}
		}
		if s := c.Engines[0].Stats().Detector; s.Probes == 0 || s.Missed == 0 || s.Health > 8 {
			t.Errorf("%+v", s)
		}
	})
}

// Many seeds, of which half do not answer, are asked at once; the count of those
// that did is the result, and what did not is in the log.
func TestBehaviour26JoinAsksAllSeedsAtOnce(t *testing.T) {
	virtual(t, 20, enginetest.Options{Apart: true}, func(t *testing.T, c *enginetest.Cluster) {
		seeds := []string{c.Engines[0].Addr().String()} // ourselves
		for i := 1; i < 20; i++ {
			seeds = append(seeds, c.Engines[i].Addr().String(), fmt.Sprint("127.0.0.1:", i))
		}
		began := time.Now()
		n, err := c.Engines[0].Join(t.Context(), seeds...)
		if d := time.Since(began); n != 19 || err != nil || d > 1200*time.Millisecond {
			t.Errorf("%d, %v after %v", n, err, d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		began = time.Now()
		n, err = c.Engines[1].Join(ctx, "127.0.0.1:1", "127.0.0.1:2")
		var je *engine.JoinError
		if d := time.Since(began); n != 0 || !errors.As(err, &je) || len(je.Seeds) != 2 || d > 110*time.Millisecond {
			t.Errorf("cancelled: %d, %v after %v", n, err, d)
		}
		for _, s := range je.Seeds {
			if !strings.Contains(err.Error(), s.Seed) || !errors.Is(s, engine.ErrNoAnswer) {
				t.Errorf("%v does not name %v", err, s)
			}
		}
	})
}

// changingDNS can be rewritten while it is asked.
type changingDNS struct {
	mu    sync.Mutex
	hosts map[string][]string
	srv   map[string][]*net.SRV
	asked int
}

func (d *changingDNS) set(host string, ips ...string) {
	d.mu.Lock()
	d.hosts[host] = ips
	d.mu.Unlock()
}

func (d *changingDNS) LookupNetIP(_ context.Context, _, host string) (out []netip.Addr, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if len(d.hosts[host]) == 0 {
		return nil, errNoDNS
	}
	for _, ip := range d.hosts[host] {
		out = append(out, netip.MustParseAddr(ip))
	}
	return out, nil
}

func (d *changingDNS) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.srv[name]) == 0 {
		return "", nil, errNoDNS
	}
	return name, d.srv[name], nil
}

// A name is looked up again until it stands for somebody: first it does not
// resolve, then to nobody, then to a member, by several addresses and by SRV.
// Addresses that it no longer stands for are given up.
func TestBehaviour27NamesAreLookedUpAgain(t *testing.T) {
	dns := &changingDNS{hosts: map[string][]string{}, srv: map[string][]*net.SRV{}}
	var r recorder
	virtual(t, 3, enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
		if i == 0 {
			r.attach(c)
			c.Resolver = dns
			c.Seeds = []string{"web.example:7946", "dns+srv://_gossip._udp.web.example"}
		}
	}}, func(t *testing.T, c *enginetest.Cluster) {
		pause(5 * time.Second)
		if !r.logged("seeds do not resolve", "web.example:7946", "_gossip._udp.web.example", "no DNS here") {
			t.Error("not logged")
		}
		dns.set("web.example", "127.0.0.9", "::9")
		pause(time.Minute)
		if n := c.Engines[0].SeedCount(); n != 2 {
			t.Errorf("%d seeds, of 2 addresses", n)
		}
		dns.set("web.example", "127.0.0.10")
		pause(time.Minute)
		if n := c.Engines[0].SeedCount(); n != 1 {
			t.Errorf("%d seeds after the name moved", n)
		}
		dns.set("web.example")
		pause(time.Minute)
		if n := c.Engines[0].SeedCount(); n != 1 {
			t.Errorf("%d seeds while the name does not resolve", n)
		}
		dns.mu.Lock()
		one, two := c.Engines[1].Addr(), c.Engines[2].Addr()
		dns.hosts["one"], dns.hosts["two"] = []string{"127.0.0.77", one.Addr().String()}, []string{two.Addr().String()}
		dns.srv["_gossip._udp.web.example"] = []*net.SRV{
			{Target: "one.", Port: one.Port()}, {Target: "two.", Port: two.Port()}, {Target: "gone.", Port: 1},
		}
		dns.mu.Unlock()
		pause(31 * time.Second)
		for _, e := range c.Engines {
			if s := e.Stats(); s.Alive != 3 {
				t.Errorf("%s has %d of 3 alive", e.Name(), s.Alive)
			}
		}
		t.Logf("%d lookups", dns.asked)
	})
}

// Both loopback families, and one member that listens on all interfaces and so
// serves both: those who can't reach each other still hold each other's state.
func TestBehaviour27BothFamilies(t *testing.T) {
	if c, err := net.ListenPacket("udp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 loopback here:", err)
	} else {
		c.Close()
	}
	six := func(bind string) *engine.Engine {
		return startOne(t, bind, func(c *engine.Config) { c.Bind, c.Insecure = bind, true })
	}
	a, b := six("[::1]:0"), startOne(t, "b", func(c *engine.Config) { c.Bind = "[::1]:0" })
	if n, err := b.Join(t.Context(), a.Addr().String()); n != 1 || err != nil {
		t.Fatalf("IPv6: %d, %v", n, err)
	}
	both, four := six(":0"), six("127.0.0.1:0")
	port := fmt.Sprint(both.Addr().Port())
	if n, err := a.Join(t.Context(), "[::1]:"+port); n != 1 || err != nil {
		t.Fatalf("IPv6 to all: %d, %v", n, err)
	}
	if n, err := four.Join(t.Context(), "127.0.0.1:"+port); n != 1 || err != nil {
		t.Fatalf("IPv4 to all: %d, %v", n, err)
	}
	if n, err := both.Join(t.Context(), "127.0.0.1:"+port, "[::1]:"+port); n != 0 || err != nil {
		t.Errorf("joining oneself by both families: %d, %v", n, err)
	}
	set(t, four, "k", "from four")
	set(t, b, "k", "from six")
	eventually(t, "news crosses the families", func() bool {
		x, _, _ := b.Get("127.0.0.1:0", "k")
		y, _, _ := four.Get("b", "k")
		return string(x) == "from four" && string(y) == "from six"
	})
}

// A callback that hangs loses its own events, counted, and a reader that does
// not read its own; the member lives on, and so do the others.
func TestBehaviour29SlowSubscriberHoldsNobodyUp(t *testing.T) {
	var hang chan struct{}
	virtual(t, 4, enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 0 {
			hang = make(chan struct{})
			c.OnEvent = func(engine.Event) { <-hang }
		}
	}}, func(t *testing.T, c *enginetest.Cluster) {
		defer close(hang)
		for i := range 3000 {
			if err := c.Engines[1].SetTags(map[string]string{"n": fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
			pause(5 * time.Millisecond)
		}
		c.WaitConverged()
		s := c.Engines[0].Stats()
		if s.EventsLost < 1000 {
			t.Errorf("%d events lost", s.EventsLost)
		}
		for i, e := range c.Engines {
			if s := e.Stats(); s.Alive != 4 {
				t.Errorf("member %d has %d alive", i, s.Alive)
			}
		}
	})
}

// Members of one snapshot can be read, kept and walked by anybody at any time,
// while members come, go and change; any method may be called from a callback;
// a cluster that reconciles in another way is refused by a typed error; and the
// socket is free when Close returns, which may be called as often as one likes.
func TestBehaviour30APIIsSafe(t *testing.T) {
	var e *engine.Engine
	started := make(chan struct{})
	calls := make(chan engine.EventKind, 1000)
	e = startOne(t, "a", func(c *engine.Config) {
		c.OnEvent = func(ev engine.Event) {
			<-started
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			e.Set("k", nil)
			e.SetTags(map[string]string{"seen": ev.Member.Name})
			e.Stats()
			e.Explain(ev.Member.Name)
			e.Ping(ctx, ev.Member.Name)
			e.Join(ctx, "127.0.0.1:9")
			e.WaitConverged(ctx)
			for range e.Members() {
			}
			for range e.Range("a") {
			}
			for range e.Events(ctx) {
				break
			}
			select {
			case calls <- ev.Kind:
			default:
			}
		}
	})
	close(started)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for m := range e.Members() {
					_ = fmt.Sprint(m.Name, m.Addr, m.Zone, len(m.Tags), m.Tags["seen"], m.RTT, m.Phi, m.Since, m.By)
				}
			}
		})
	}
	for i := range 3 {
		b := startOne(t, fmt.Sprint("b", i), func(c *engine.Config) { c.Tags = map[string]string{"seen": "nobody"} })
		if _, err := b.Join(t.Context(), e.Addr().String()); err != nil {
			t.Fatal(err)
		}
		b.SetTags(map[string]string{"seen": "me"})
		eventually(t, "callbacks call back", func() bool { return len(calls) > i })
		b.Close()
	}
	close(stop)
	readers.Wait()

	other := startOne(t, "other", func(c *engine.Config) { c.Tune.Order = tune.OrderPreciseNewest })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if n, err := other.Join(ctx, e.Addr().String()); n != 0 || !errors.Is(err, engine.ErrJoin) || !errors.Is(err, engine.ErrMode) {
		t.Errorf("another way to reconcile: %d, %v", n, err)
	}

	addr := e.Addr().String()
	for range 3 {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	again := startOne(t, "a", func(c *engine.Config) { c.Bind = addr })
	if again.Addr().String() != addr {
		t.Errorf("bound to %v", again.Addr())
	}
}
