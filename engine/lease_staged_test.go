package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// aloneInMemory runs f on a member without others, whose clock is in memory.
func aloneInMemory(t *testing.T, f func(t *testing.T, e *Engine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := Local()
		c.Name, c.LeaveTimeout, c.Transport = "one", -1, simnet.NewNetwork(1, simnet.Link{}).Poller()
		e, err := Start(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f(t, e)
	})
}

// TestNoKeyStaysThatWasStagedWhenItsLeaseEnded: a write that was accepted while its lease lived is
// deleted with it, wherever the write was when that ended: staged, staged behind others, or in a
// stage that nothing leaves.
func TestNoKeyStaysThatWasStagedWhenItsLeaseEnded(t *testing.T) {
	const life = 100 * time.Millisecond
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fill := func(t *testing.T, l *Lease) {
		for _, key := range []string{"a", "b", "c"} {
			_, err := l.Set(key, []byte("value"))
			must(t, err)
		}
	}
	for _, how := range []struct {
		name string
		f    func(t *testing.T, e *Engine, l *Lease, now sched.Instant) // on the loop, between two turns
	}{
		{"revoked at once", func(t *testing.T, _ *Engine, l *Lease, _ sched.Instant) {
			fill(t, l)
			_, err := l.Revoke()
			must(t, err)
		}},
		{"revoked at once where writes wait for their rate", func(t *testing.T, e *Engine, l *Lease, _ sched.Instant) {
			for range 3 * writesPerTurn {
				if _, err := e.Set("other", nil); err != nil {
					break
				}
			}
			fill(t, l)
			_, err := l.Revoke()
			must(t, err)
		}},
		{"revoked while nothing leaves the stage", func(t *testing.T, e *Engine, l *Lease, now sched.Instant) {
			e.retryAt = now.After(400 * sched.Millisecond)
			fill(t, l)
			_, err := l.Revoke()
			must(t, err)
		}},
		{"over while nothing leaves the stage", func(t *testing.T, e *Engine, l *Lease, now sched.Instant) {
			e.retryAt = now.After(400 * sched.Millisecond)
			fill(t, l)
		}},
	} {
		t.Run(how.name, func(t *testing.T) {
			aloneInMemory(t, func(t *testing.T, e *Engine) {
				l, err := e.Grant(life)
				must(t, err)
				time.Sleep(20 * time.Millisecond)
				e.ask(func(now sched.Instant) { how.f(t, e, l, now) })
				time.Sleep(time.Second)
				e.ask(func(sched.Instant) {
					for _, key := range []string{"a", "b", "c"} {
						if e.store.Get(e.store.Owner(), []byte(key), &e.entry) && e.entry.Flags&codec.EntryTombstone == 0 {
							t.Errorf("%q is held a second after its lease ended", key)
						}
					}
				})
			})
		})
	}
}
