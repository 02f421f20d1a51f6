package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// Who follows Changes has in the end what the replica has: through overwrites, deletes, a new life,
// and a forgotten one.
func TestChangesAreTheReplica(t *testing.T) {
	virtual(t, 4, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		ctx, cancel := context.WithCancel(context.Background())
		dice := rand.New(rand.NewPCG(7, 7))
		view := map[string]map[string]string{}
		order := map[string]engine.Version{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for u, err := range c.Engines[0].Changes(ctx) {
				switch {
				case err != nil:
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					return
				case u.Key == "":
					delete(view, u.Member)
					continue
				}
				if u.Meta.Version.Compare(order[u.Member]) <= 0 {
					t.Errorf("%s: %v after %v", u.Member, u.Meta.Version, order[u.Member])
				}
				order[u.Member] = u.Meta.Version
				if view[u.Member] == nil {
					view[u.Member] = map[string]string{}
				}
				if view[u.Member][u.Key] = string(u.Value); u.Deleted {
					delete(view[u.Member], u.Key)
				}
			}
		}()
		for i := range 2000 {
			e := c.Engines[dice.IntN(4)]
			key := fmt.Sprint("k", dice.IntN(50))
			if dice.IntN(4) == 0 {
				e.Delete(key)
			} else {
				set(t, e, key, fmt.Sprint(i))
			}
			if i%100 == 0 {
				pause(time.Duration(dice.IntN(20)) * time.Millisecond)
			}
			if i == 1000 {
				c.Kill(2)
				c.Restart(2)
			}
		}
		c.WaitConverged()
		pause(formerLife)
		cancel()
		<-done
		for _, e := range c.Engines {
			n := 0
			for key, entry := range c.Engines[0].Range(e.Name()) {
				n++
				if got := view[e.Name()][string(key)]; got != string(entry.Value) {
					t.Errorf("%s/%s: followed %q, replica %q", e.Name(), key, got, entry.Value)
				}
			}
			if n != len(view[e.Name()]) || n == 0 {
				t.Errorf("%s: followed %d keys, replica %d", e.Name(), len(view[e.Name()]), n)
			}
		}
	})
}

func TestChangesNeedAnOrderOfVersions(t *testing.T) {
	e := startOne(t, "a", func(c *engine.Config) { c.Tune.Order = tune.OrderPreciseNewest })
	for _, err := range e.Changes(t.Context()) {
		if !errors.Is(err, engine.ErrPrecise) {
			t.Error(err)
		}
	}
}

// Who looks so late that deletes were collected in the meantime is told so, and has what the
// replica has in the end.
func TestChangesTellOfDeletesThatWereMissed(t *testing.T) {
	virtual(t, 3, enginetest.Options{Config: func(_ int, c *engine.Config) { c.Limits.Tombstones = 64 }}, func(t *testing.T, c *enginetest.Cluster) {
		ctx, cancel := context.WithCancel(context.Background())
		view := map[string]bool{}
		busy, gone := make(chan struct{}), 0
		done := make(chan struct{})
		owner := c.Engines[0].Name()
		go func() {
			defer close(done)
			for u, err := range c.Engines[1].Changes(ctx) {
				switch {
				case err != nil:
					return
				case u.Member != owner:
				case u.Key == "":
					clear(view)
					gone++
				case u.Key == "last":
					<-busy // and here it stays for a while
				default:
					if view[u.Key] = true; u.Deleted {
						delete(view, u.Key)
					}
				}
			}
		}()
		for i := range 200 {
			set(t, c.Engines[0], fmt.Sprint("k", i), "v")
		}
		set(t, c.Engines[0], "last", "v")
		c.WaitConverged()
		pause(time.Second)
		for i := range 190 {
			c.Engines[0].Delete(fmt.Sprint("k", i))
		}
		pause(time.Minute)
		close(busy)
		pause(time.Second)
		cancel()
		<-done
		if len(view) != 10 || gone == 0 {
			t.Errorf("%d keys are left of 10; told %d times that deletes were missed", len(view), gone)
		}
	})
}
