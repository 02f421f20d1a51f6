package core

import (
	"fmt"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/outbox"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/engine/settle"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// knows makes a core with sealed frames that knows so many members who answered once, with nothing
// written by anybody.
func knows(t testing.TB, n int) *Core {
	c := new(Core)
	cfg := Config{Name: []byte("self"), Generation: 1, Cluster: []byte("known"), Seed: 1, Keys: ringOf("known", 1), Salt: [16]byte{1}}
	cfg.Limits = DefaultLimits()
	cfg.Limits.Peers, cfg.Limits.State = n+8, state.Limits{Origins: n + 16, Keys: 1 << 16, ValueBytes: 1 << 20}
	c.Init(&cfg, sched.Second, 0)
	for i := range n {
		name := fmt.Appendf(nil, "n%05d", i)
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 7946)
		p := c.learn(&codec.Intro{ID: codec.MakeOriginID(c.me.Key, name, 1), Gen: 1, Since: 1, Name: name, Addr: addr}, addr)
		if p == 0 {
			t.Fatalf("member %d is not known: %v", i, c.counters.Drops)
		}
		c.guard.Meet(p, &codec.Header{Salt: [16]byte{2, byte(i), byte(i >> 8)}})
		c.prove(p, addr)
	}
	return c
}

// TestWhatAKnownMemberTakes: what a member takes that is known and not talked with, by parts, and what it
// takes of the heap.
func TestWhatAKnownMemberTakes(t *testing.T) {
	limits := func(n int) state.Limits { return state.Limits{Origins: n, Keys: 1 << 20, ValueBytes: 1 << 20} }
	detector := func(n int) int {
		l := member.DefaultLimits(n)
		l.Facts = 1 // one that is alive in its first incarnation has none
		return l.Footprint()
	}
	parts := []struct {
		name  string
		bytes int
	}{
		{"peer", peerBytes},
		{"life", protect.LifeBytes},
		{"timers", sched.WheelBytes(timersPeer, 0) - sched.WheelBytes(0, 0)},
		{"state", (limits(20_000).Footprint() - limits(10_000).Footprint()) / 10_000},
		{"origin", originBytes + settle.OriginBytes + outbox.OriginBytes + 1},
		{"checkpoints", checkpoint.OriginBytes + checkpoint.PeerBytes},
		{"detector", (detector(20_000) - detector(10_000)) / 10_000},
		{"ids, turns, what is due", 2*2*12 + 16 + 8 + 5},
	}
	sum := 0
	for _, x := range parts {
		t.Logf("%5d %s", x.bytes, x.name)
		sum += x.bytes
	}
	t.Logf("%5d in all; %d more for each that is sent something within a minute, and %d for each of %d active ones", sum, link.ActiveBytes+flow.ActiveBytes+checkpoint.ActiveBytes, protect.ActiveBytes, active.Default)
	var fields strings.Builder
	for typ, i := reflect.TypeFor[peer](), 0; i < typ.NumField(); i++ {
		fmt.Fprintf(&fields, " %s %d", typ.Field(i).Name, typ.Field(i).Type.Size())
	}
	t.Logf("peer:%s", fields.String())
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	for _, n := range []int{1000, 8192, 10_000} {
		before := heap()
		c := knows(t, n)
		took := (heap() - before) / n
		t.Logf("%6d members: %d bytes of the heap each", n, took)
		if most := 2 * sum; n > 1000 && took > most {
			t.Errorf("%d members take %d bytes of the heap each, want at most %d", n, took, most)
		}
		runtime.KeepAlive(c)
	}
}
