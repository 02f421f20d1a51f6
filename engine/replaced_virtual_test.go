package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// TestAllKeysAreReplacedBehindACut: a member that writes up to its limit replaces all its keys while
// one of three is cut off, and writes and deletes the old ones once more. So the one that was away
// has no room but what keys take that were deleted, and that nobody remembers. However long the cut
// was, and whichever limit it is, that member holds what it should within 2.5 s of the end of the cut,
// and within 5 s where it had been given up.
func TestAllKeysAreReplacedBehindACut(t *testing.T) {
	ways := []struct {
		name string
		set  func(c *engine.Config)
	}{
		{"usual", func(*engine.Config) {}},
		{"gossip", func(c *engine.Config) { c.Tune.Spread = tune.SpreadGossip }},
		{"precise-oldest", func(c *engine.Config) { c.Tune.Order = tune.OrderPreciseOldest }},
		{"precise-newest", func(c *engine.Config) { c.Tune.Order = tune.OrderPreciseNewest }},
	}
	limits := []struct {
		name  string
		value int
		long  bool
		set   func(l *engine.Limits)
	}{
		{"64 keys", 1, false, func(l *engine.Limits) { l.Keys = 64 }},
		{"bytes", 200, false, func(l *engine.Limits) { l.ValueBytes = 32 << 10 }},
		{"keys of a member", 1, false, func(l *engine.Limits) { l.KeysPerOrigin = 100 }},
		{"bytes of a member", 200, false, func(l *engine.Limits) { l.BytesPerOrigin = 20_000 }},
		{"1024 keys", 1, true, func(l *engine.Limits) { l.Keys = 1024 }},
	}
	for _, way := range ways {
		for _, limit := range limits {
			for _, away := range []time.Duration{time.Second, 5 * time.Minute, 2 * time.Hour} {
				if testing.Short() && (limit.long || away > time.Hour) {
					continue
				}
				t.Run(fmt.Sprint(way.name, "/", limit.name, "/", away), func(t *testing.T) {
					o := enginetest.Options{Config: func(_ int, c *engine.Config) {
						limit.set(&c.Limits)
						way.set(c)
					}}
					virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
						replacedBehindACut(t, c, strings.Repeat("v", limit.value), away)
					})
				})
			}
		}
	}
}

// replacedBehindACut fills the first of three members, and has it replace all while the last one is away.
func replacedBehindACut(t *testing.T, c *enginetest.Cluster, value string, away time.Duration) {
	e, r := c.Engines[0], c.Engines[2]
	// write goes on until it is accepted, or there is no room for it for a second.
	write := func(f func() (engine.Version, error)) bool {
		for end := time.Now().Add(time.Second); ; pause(time.Millisecond) {
			switch _, err := f(); {
			case err == nil:
				return true
			case errors.Is(err, engine.ErrFull) && time.Now().After(end):
				return false
			case !errors.Is(err, engine.ErrFull) && !errors.Is(err, engine.ErrBackpressure):
				t.Fatal(err)
			}
		}
	}
	put := func(k string) bool {
		return write(func() (engine.Version, error) { return e.Set(k, []byte(value)) })
	}
	remove := func(k string) bool { return write(func() (engine.Version, error) { return e.Delete(k) }) }

	live := 0
	for put(fmt.Sprint("old-", live)) {
		live++
	}
	fill := live - 1
	if len(value) > 1 {
		fill = live * 3 / 4 // what is remembered of deleted keys takes bytes, too
	}
	c.WaitConverged()
	c.Partition([]int{0, 1}, []int{2})
	ok := true
	for i := range live {
		ok = ok && remove(fmt.Sprint("old-", i))
	}
	for i := range fill {
		ok = ok && put(fmt.Sprint("new-", i))
	}
	for i := range live {
		k := fmt.Sprint("old-", i)
		ok = ok && put(k) && remove(k)
	}
	if !ok {
		t.Fatal("there is no room for what takes the place of what was deleted")
	}
	pause(away)
	c.Heal()
	within := 2500 * time.Millisecond
	if away > time.Minute { // it had been given up, and is found again first
		within = 5 * time.Second
	}
	fresh, old := 0, 0
	for healed := time.Now(); time.Since(healed) < within; pause(20 * time.Millisecond) {
		fresh, old = 0, 0
		for k := range r.Range(e.Name()) {
			switch {
			case strings.HasPrefix(string(k), "new-"):
				fresh++
			case strings.HasPrefix(string(k), "old-"):
				old++
			}
		}
		if fresh == fill && old == 0 {
			t.Logf("%d keys after %v", fresh, time.Since(healed))
			return
		}
	}
	t.Errorf("it has %d of %d keys, and %d that were deleted; holes %d", fresh, fill, old, r.Stats().Holes)
}
