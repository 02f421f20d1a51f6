package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/sched"
)

// laptop is a host that may be suspended, and a program on it that may be stopped. The timers of a
// suspended host stand still: what it waits for takes as long as it would have.
type laptop struct {
	batch.Poller
	slept atomic.Int64
	full  atomic.Bool // its sockets take nothing

	mu    sync.Mutex
	stops chan struct{} // closed when it goes on; nil while it does
	conn  *laptopConn
}

type laptopConn struct {
	batch.Conn
	host *laptop
}

func (c *laptopConn) Send(ms []batch.Msg) (int, error) {
	if c.host.full.Load() {
		return 0, batch.ErrAgain
	}
	return c.Conn.Send(ms)
}

func (l *laptop) Listen(bind netip.AddrPort, o batch.Options) (batch.Conn, error) {
	c, err := l.Poller.Listen(bind, o)
	l.conn = &laptopConn{c, l}
	return l.conn, err
}

func (l *laptop) Now() sched.Instant { return l.Poller.Now() + sched.Instant(l.slept.Load()) }

func (l *laptop) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	if deadline != sched.Never {
		deadline -= sched.Instant(l.slept.Load())
	}
	n, err := l.Poller.Wait(deadline, ready)
	for i := range ready[:n] {
		ready[i] = l.conn
	}
	l.mu.Lock()
	stops := l.stops
	l.mu.Unlock()
	if stops != nil {
		<-stops
	}
	return n, err
}

// stop stops the program for a while.
func (l *laptop) stop(span time.Duration) {
	stops := make(chan struct{})
	set := func(c chan struct{}) {
		l.mu.Lock()
		l.stops = c
		l.mu.Unlock()
	}
	set(stops)
	pause(span)
	set(nil)
	close(stops)
}

// laptops runs f with members that know each other, each on a host of its own.
func laptops(t *testing.T, n int, f func(t *testing.T, hosts []*laptop, members []*engine.Engine)) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.NewNetwork(uint64(n), simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 300 * sched.Microsecond}})
		hosts, members := make([]*laptop, n), make([]*engine.Engine, n)
		for i := range n {
			hosts[i] = &laptop{Poller: net.Poller()}
			r := engine.NewReactor(engine.ReactorOptions{Transport: hosts[i]})
			t.Cleanup(func() { r.Close() })
			members[i] = startOne(t, fmt.Sprint("node-", i), func(c *engine.Config) {
				c.Reactor = r
			})
			if i > 0 {
				if _, err := members[i].Join(t.Context(), members[0].Addr().String()); err != nil {
					t.Fatal(err)
				}
			}
		}
		converged(t, members)
		pause(time.Second)
		f(t, hosts, members)
	})
}

func converged(t *testing.T, members []*engine.Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, e := range members {
		if err := e.WaitConverged(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// has tells whether a member shows a key of the first one.
func has(e *engine.Engine, key string) bool {
	_, _, ok := e.Get("node-0", key)
	for k := range e.Range("node-0") {
		if string(k) == key && !ok {
			return true
		}
	}
	return ok
}

// TestSuspendIsTimeThatPassed: hosts sleep for three hours while the clocks of their timers stand
// still. What had less to live is shown by nobody when they wake up, before any loop has turned:
// not by its owner, nor by replicas, whichever of them slept; its leases have ended, and watchers
// are told soon.
func TestSuspendIsTimeThatPassed(t *testing.T) {
	for _, who := range []string{"all", "the owner", "a replica"} {
		t.Run(who, func(t *testing.T) {
			laptops(t, 3, func(t *testing.T, hosts []*laptop, members []*engine.Engine) {
				owner := members[0]
				lease, err := owner.Grant(time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				for _, err := range []error{
					second(lease.Set("leased", nil)), second(owner.SetTTL("short", nil, 2*time.Hour)),
					second(owner.SetTTL("long", nil, 4*time.Hour)), second(owner.Set("ever", nil)),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
				converged(t, members)
				slept := map[string][]int{"all": {0, 1, 2}, "the owner": {0}, "a replica": {2}}[who]
				ended := make(chan string, 9)
				for _, i := range slept {
					go func() {
						for u, err := range members[i].WatchWith(t.Context(), engine.WatchOptions{Member: "node-0"}) {
							if err == nil && u.Deleted {
								ended <- u.Key
							}
						}
					}()
				}
				synctest.Wait()
				for _, i := range slept {
					hosts[i].slept.Add(int64(3 * time.Hour))
				}
				for _, i := range slept {
					e := members[i]
					if has(e, "leased") || has(e, "short") || !has(e, "long") || !has(e, "ever") {
						t.Errorf("node %d shows leased, short, long, ever: %v, %v, %v, %v", i, has(e, "leased"), has(e, "short"), has(e, "long"), has(e, "ever"))
					}
					if _, m, _ := e.Get("node-0", "long"); m.Age < 3*time.Hour {
						t.Errorf("node %d: %v old after three hours", i, m.Age)
					}
				}
				if who != "a replica" && (!errors.Is(second(lease.Renew()), engine.ErrLease) || lease.Left() != 0) {
					t.Error("the lease lives on")
				}
				pause(time.Second)
				for range slept {
					if a, b := <-ended, <-ended; a == b {
						t.Errorf("%q is told twice", a)
					}
				}
				if who != "a replica" { // who deletes what has ended, everywhere
					for i, e := range members {
						if has(e, "leased") || has(e, "short") {
							t.Errorf("node %d shows what its owner has ended", i)
						}
					}
				}
				if _, err := owner.SetTTL("new", nil, time.Minute); err != nil {
					t.Fatal(err)
				}
				pause(time.Second)
				for i, e := range members {
					if !has(e, "new") {
						t.Errorf("node %d does not have what was written since", i)
					}
				}
			})
		})
	}
}

// endsOnTime writes a key that lives for two seconds, has something happen that brings it to the
// replica late, ends the owner as soon as it is there, and looks when the replica hides it.
func endsOnTime(t *testing.T, late func(hosts []*laptop, write func())) {
	const life = 2 * time.Second
	laptops(t, 2, func(t *testing.T, hosts []*laptop, members []*engine.Engine) {
		var born time.Time
		late(hosts, func() {
			born = time.Now()
			if _, err := members[0].SetTTL("k", nil, life); err != nil {
				t.Fatal(err)
			}
		})
		for !has(members[1], "k") {
			if pause(time.Millisecond); time.Since(born) > life {
				t.Skip("it did not come at all")
			}
		}
		came := time.Since(born)
		hosts[0].full.Store(true) // its owner says nothing more
		pause(time.Until(born.Add(life - 300*time.Millisecond)))
		if !has(members[1], "k") {
			t.Errorf("it came after %v and is hidden too early", came)
		}
		pause(time.Until(born.Add(life + 10*time.Millisecond)))
		if has(members[1], "k") {
			t.Errorf("it came after %v and is there after its end", came)
		}
	})
}

// TestAgeCountsWhatWaits: an entry ages wherever it waits on its way: with its owner until it is
// published, in a frame that a full socket does not take, and in the socket of a program that is
// stopped.
func TestAgeCountsWhatWaits(t *testing.T) {
	for name, late := range map[string]func(hosts []*laptop, write func()){
		"nothing": func(_ []*laptop, write func()) { write() },
		"before it is published": func(hosts []*laptop, write func()) {
			go hosts[0].stop(1500 * time.Millisecond)
			pause(500 * time.Millisecond)
			write()
		},
		"a full socket": func(hosts []*laptop, write func()) {
			hosts[0].full.Store(true)
			write()
			pause(time.Second)
			hosts[0].full.Store(false)
		},
		"a stopped reader": func(hosts []*laptop, write func()) {
			go hosts[1].stop(1500 * time.Millisecond)
			pause(20 * time.Millisecond) // it may have come at any time of the stop, so it counts as if at once
			write()
		},
	} {
		t.Run(name, func(t *testing.T) { endsOnTime(t, late) })
	}
}
