package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

const leaseKeys = 1000

// grant begins a lease of e and writes keys that live by it.
func grant(t *testing.T, e *engine.Engine, ttl time.Duration, keys int) *engine.Lease {
	t.Helper()
	l, err := e.Grant(ttl)
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		for {
			_, err := l.Set(fmt.Sprint("session-", i), make([]byte, 100))
			if err == nil {
				break
			}
			if !errors.Is(err, engine.ErrBackpressure) {
				t.Fatal(err)
			}
			pause(time.Millisecond)
		}
	}
	return l
}

// shows is how many of a member's keys a replica shows, by Get and by Range.
func shows(t *testing.T, e *engine.Engine, member string) (n int) {
	t.Helper()
	for range e.Range(member) {
		n++
	}
	got := 0
	for i := range leaseKeys {
		if _, _, ok := e.Get(member, fmt.Sprint("session-", i)); ok {
			got++
		}
	}
	if n != got {
		t.Errorf("%s: Range shows %d keys, Get %d", e.Name(), n, got)
	}
	return n
}

// TestLeaseKeepsManyKeysForOneEntry: a renewal keeps a thousand keys, which keep their versions,
// for one small entry to each member; when the owner is killed all are hidden everywhere at the end
// of the lease, to within 10 ms, and whoever joins then is never shown one.
func TestLeaseKeepsManyKeysForOneEntry(t *testing.T) {
	virtual(t, 4, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		const life = 10 * time.Second
		e := c.Engines[3]
		l := grant(t, e, life, leaseKeys)
		c.WaitConverged()
		_, first, _ := c.Engines[0].Get(e.Name(), "session-7")
		renew := func() {
			if _, err := l.Renew(); err != nil {
				t.Fatal(err)
			}
		}
		pause(life / 2) // what joining left behind settles
		renew()
		pause(life / 4)
		before := e.Stats()
		extra := int64(0)
		for range 8 { // a renewal, and as much time without one
			began := e.Stats()
			renew()
			pause(life / 4)
			told := e.Stats()
			pause(life / 4)
			extra += int64(told.BytesSent-began.BytesSent) - int64(e.Stats().BytesSent-told.BytesSent)
		}
		after := e.Stats()
		// With the frame, its answer and what comparisons cost more while two replicas differ.
		each := extra / (8 * 3)
		t.Logf("%d bytes for each renewal and member, beyond what idle members send", each)
		if each > 512 || after.EntriesSent-before.EntriesSent > 8*3*5/4 { // some are sent twice
			t.Errorf("a renewal sends %d bytes to each member, eight of them %d entries; the keys are 100,000", each, after.EntriesSent-before.EntriesSent)
		}
		renew()
		renewed := time.Now()
		pause(time.Second)
		for _, x := range c.Engines {
			_, m, ok := x.Get(e.Name(), "session-7")
			if !ok || m.Version != first.Version || m.Lease != l.ID() || m.TTL != life || m.Age < 990*time.Millisecond || m.Age > 1010*time.Millisecond {
				t.Errorf("%s: %+v %v, first %+v", x.Name(), m, ok, first)
			}
		}
		c.Kill(3)
		pause(time.Until(renewed.Add(life - 10*time.Millisecond)))
		for _, x := range c.Engines[:3] {
			if n := shows(t, x, e.Name()); n != leaseKeys {
				t.Errorf("%s shows %d keys shortly before the end", x.Name(), n)
			}
		}
		pause(20 * time.Millisecond)
		for _, x := range c.Engines[:3] {
			if n := shows(t, x, e.Name()); n != 0 {
				t.Errorf("%s shows %d keys after the end", x.Name(), n)
			}
		}
		c.Kill(2)
		c.Restart(2)
		for range 50 {
			pause(20 * time.Millisecond)
			if n := shows(t, c.Engines[2], e.Name()); n != 0 {
				t.Fatalf("who joined after the end is shown %d keys", n)
			}
		}
	})
}

// TestLeaseRevoked: all keys are hidden everywhere as soon as the revocation is there, watchers are
// told of each once, and nothing is left of them; the lease takes no more writes.
func TestLeaseRevoked(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		l := grant(t, e, time.Hour, leaseKeys)
		set(t, e, "stays", "v")
		other, err := e.Grant(time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Set("session-0", []byte("moved")); err != nil { // to another lease
			t.Fatal(err)
		}
		set(t, e, "session-1", "for ever")
		c.WaitConverged()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		gone := map[string]int{}
		told := make(chan int, 1)
		go func() {
			for u, err := range c.Engines[2].WatchWith(ctx, engine.WatchOptions{Member: e.Name()}) {
				if err != nil {
					break
				}
				if u.Deleted {
					gone[u.Key]++
				}
			}
			told <- len(gone)
		}()
		pause(time.Second)
		v, err := l.Revoke()
		if err != nil {
			t.Fatal(err)
		}
		if err := e.WaitVersion(ctx, v); err != nil {
			t.Fatal(err)
		}
		for _, x := range c.Engines {
			n := 0
			for range x.Range(e.Name()) {
				n++
			}
			if n != 3 {
				t.Errorf("%s shows %d keys, want 3", x.Name(), n)
			}
		}
		for what, err := range map[string]error{
			"Set": second(l.Set("session-2", nil)), "Renew": second(l.Renew()), "Revoke": second(l.Revoke()),
		} {
			if !errors.Is(err, engine.ErrLease) {
				t.Errorf("%s after the end: %v", what, err)
			}
		}
		pause(10 * time.Second)
		c.WaitConverged()
		for _, x := range c.Engines {
			if keys := x.Stats().Keys; keys > 3*12 {
				t.Errorf("%s holds %d keys", x.Name(), keys)
			}
		}
		cancel()
		if n := <-told; n != leaseKeys-2 {
			t.Errorf("a watcher was told of %d ends", n)
		}
		for key, n := range gone {
			if n != 1 {
				t.Errorf("%s ended %d times", key, n)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestLeaseOwnReads: the owner sees at once what it renewed, revoked or let end, also while that is
// staged.
func TestLeaseOwnReads(t *testing.T) {
	virtual(t, 1, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		if _, err := e.Grant(-1); !errors.Is(err, engine.ErrTTL) {
			t.Errorf("%v", err)
		}
		l := grant(t, e, time.Second, 3)
		there := func() (n int) {
			for i := range 3 {
				if _, m, ok := e.Get(e.Name(), fmt.Sprint("session-", i)); ok {
					n++
					if m.Lease != l.ID() || m.TTL != time.Second || m.Age > m.TTL {
						t.Errorf("%+v", m)
					}
				}
			}
			return n
		}
		for range 5 {
			if there() != 3 {
				t.Fatal("not there while it is renewed")
			}
			pause(900 * time.Millisecond)
			if _, err := l.Renew(); err != nil {
				t.Fatal(err)
			}
		}
		if list := e.Leases(); len(list) != 1 || list[0] != l || l.Left() != time.Second {
			t.Errorf("%v, %v left", list, l.Left())
		}
		pause(999 * time.Millisecond)
		if there() != 3 {
			t.Error("not there a millisecond before the end")
		}
		pause(time.Millisecond)
		if there() != 0 || l.Left() != 0 || len(e.Leases()) != 0 {
			t.Error("there at the end")
		}
		if _, err := l.Renew(); !errors.Is(err, engine.ErrLease) {
			t.Errorf("renewed after the end: %v", err)
		}
		if _, err := l.Set("k", nil); !errors.Is(err, engine.ErrLease) {
			t.Errorf("written after the end: %v", err)
		}
	})
}

// TestTheEndOfALeaseCostsFewBytes: its owner deletes the keys of a lease that ended, a few in each
// turn. Each is sent once to each member, and takes a few bytes beside its like. Links that shuffle
// frames would have some sent twice, until the paths know about it: these keep the order.
func TestTheEndOfALeaseCostsFewBytes(t *testing.T) {
	link := simnet.Link{Delay: simnet.Delay{Min: 200 * sched.Microsecond, Max: 200 * sched.Microsecond}}
	virtualOver(t, link, 4, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		l := grant(t, e, time.Hour, leaseKeys)
		c.WaitConverged()
		pause(10 * time.Second)
		before := e.Stats()
		if _, err := l.Revoke(); err != nil {
			t.Fatal(err)
		}
		pause(100 * time.Millisecond)
		after := e.Stats()
		entries, bytes := after.EntriesSent-before.EntriesSent, after.BytesSent-before.BytesSent
		t.Logf("%d entries and %d bytes to 3 members for %d keys", entries, bytes, leaseKeys)
		if entries > 3*leaseKeys*21/20 || bytes > 3*leaseKeys*8 {
			t.Errorf("%d entries and %d bytes", entries, bytes)
		}
	})
}
