package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// way is one way to compare and to spread.
type way struct {
	name string
	most float64 // times the usual that a member without seats is sent: two that differ say more in each comparison
	set  func(c *engine.Config)
}

// ways are how members compare what they hold, and how news travels.
var ways = []way{
	{"usual", 2.5, func(*engine.Config) {}},
	{"rumors", 2.5, func(c *engine.Config) { c.Tune.Spread = tune.SpreadRumor }},
	{"gossip", 2.5, func(c *engine.Config) { c.Tune.Spread = tune.SpreadGossip }},
	{"delegates", 2.5, func(c *engine.Config) { c.Tune.Spread = tune.SpreadDelegated }},
	{"vectors", 2.5, func(c *engine.Config) { c.Tune.Diff = tune.DiffVector }},
	{"sketches", 2.5, func(c *engine.Config) { c.Tune.Diff = tune.DiffSketch }},
	{"recent", 2.5, func(c *engine.Config) { c.Tune.Diff = tune.DiffRecent }},
	{"peel", 2.5, func(c *engine.Config) { c.Tune.Diff = tune.DiffPeel }},
	{"activity", 2.5, func(c *engine.Config) { c.Tune.Diff = tune.DiffActivity }},
	{"updates", 2.5, func(c *engine.Config) { c.Tune.Diff = tune.DiffUpdates }},
	{"ranges", 2.5, func(c *engine.Config) { c.Tune.Diff = tune.DiffRanges }},
	{"push", 2.5, func(c *engine.Config) { c.Tune.Mode = tune.ModePush }},
	{"pull", 2.5, func(c *engine.Config) { c.Tune.Mode = tune.ModePull }},
	{"precise-oldest", 2.5, func(c *engine.Config) { c.Tune.Order = tune.OrderPreciseOldest }},
	{"precise-newest", 2.5, func(c *engine.Config) { c.Tune.Order = tune.OrderPreciseNewest }},
}

// TestWhoHasNoSeatsIsNotOffered: one member has seats for fewer than there are. Those whom it has no
// seat for are not offered to it, however members compare: what the cluster sends stays within one
// and a half times of what it is with seats for all, and what that member is sent within two and a
// half, by chance (it was a hundred times). A second
// after it forgot somebody who left, it holds all that one more member wrote.
func TestWhoHasNoSeatsIsNotOffered(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			var usual traffic
			for _, seats := range []int{8, 4} {
				o := enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
					c.Detector.LeftAge = time.Minute
					if way.set(c); i == 0 {
						c.Limits.Origins = seats
					}
				}}
				virtual(t, 5, o, func(t *testing.T, c *enginetest.Cluster) {
					is := withoutSeats(t, c, min(5, seats))
					if seats == 8 {
						usual = is
						return
					}
					t.Logf("the cluster sends %.2f times the usual, it is sent %.2f times that (%d bytes/s)", is.sent/usual.sent, is.received/usual.received, int(is.received/20))
					if is.sent > 1.5*usual.sent || is.received > way.most*usual.received {
						t.Errorf("%.0f bytes in 20 s, %.0f with seats for all; drops %v", is, usual, c.Engines[0].Stats().Drops)
					}
					aSeatComesFree(t, c)
				})
			}
		})
	}
}

// traffic is what all sent and member 0 was sent, in bytes.
type traffic struct{ sent, received float64 }

// withoutSeats lets four members write, and member 0 join them; it gives the traffic of 20 s later on
// in which all write heartbeats.
func withoutSeats(t *testing.T, c *enginetest.Cluster, members int) traffic {
	for i := 2; i < 5; i++ {
		c.Join(i, 1)
	}
	for _, e := range c.Engines[1:] {
		for k := range 2000 {
			insist(t, e, func() (engine.Version, error) { return e.Set(fmt.Sprint("key-", k), make([]byte, 100)) })
		}
	}
	c.Join(0, 1)
	beats := 0
	heartbeats(t, c, &beats, 20*time.Second)
	e := c.Engines[0]
	was := e.Stats()
	sent := heartbeats(t, c, &beats, 20*time.Second)
	is := e.Stats()
	if is.Members != members {
		t.Fatalf("%d members, drops %v", is.Members, is.Drops)
	}
	return traffic{float64(sent), float64(is.BytesReceived - was.BytesReceived)}
}

// aSeatComesFree lets one of those leave whom member 0 has a seat for.
func aSeatComesFree(t *testing.T, c *enginetest.Cluster) {
	e, in, out := c.Engines[0], 0, ""
	for i := 1; i < 5; i++ {
		if name := c.Engines[i].Name(); name == "" {
			continue
		} else if _, here := e.Member(name); here {
			in = i
		} else {
			out = name
		}
	}
	left := c.Engines[in].Name()
	c.Stop(in)
	pause(2 * time.Second)
	if err := e.Forget(left); err != nil && !errors.Is(err, engine.ErrNoMember) {
		t.Fatal(err)
	}
	pause(time.Second)
	n := 0
	for range e.Range(out) {
		n++
	}
	if n != 2001 { // the heartbeat is one
		t.Errorf("a second after %s was forgotten %d keys of %s are here; members %d, drops %v", left, n, out, e.Stats().Members, e.Stats().Drops)
	}
}
