package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// TestRefusalsAreTold: whoever is not taken in hears why, from an answer that is no
// longer than what it sent, and both sides tell of it once. It has the refuser as no
// member, so nobody is a member on one side alone; and it asks seldom from then on.
func TestRefusalsAreTold(t *testing.T) {
	const year = 366 * 24 * 3600 * sched.Second
	keyed := func(id uint8) func(c *Config) {
		return func(c *Config) { c.Keys = ringOf(string(c.Cluster), id) }
	}
	none := func(*Config) {}
	for _, x := range []struct {
		name            string
		all, last, like func(c *Config)
		want            codec.RefusalReason
	}{
		{"full", func(c *Config) { c.Limits.State = DefaultLimits().State; c.Limits.State.Origins = 3 }, none, none, codec.RefusedFull},
		{"full of peers", func(c *Config) { c.Limits.Peers = 2 }, none, none, codec.RefusedFull},
		{"clock", none, func(c *Config) { c.Generation = uint64(2 * year) }, none, codec.RefusedClock},
		{"mode", none, func(c *Config) { c.Order = tune.OrderPreciseNewest }, none, codec.RefusedMode},
		{"banned", func(c *Config) {
			c.Admit = func(name []byte, from netip.AddrPort) bool { return string(name) != "node-3" && from != addrOf(3) }
		}, none, none, codec.RefusedBanned},
		{"cluster", none, func(c *Config) { c.Cluster = []byte("other") }, none, codec.RefusedCluster},
		{"version", none, none, none, codec.RefusedVersion},
		{"no key", keyed(1), none, nil, codec.RefusedKey},
		{"another key", keyed(1), keyed(2), nil, codec.RefusedKey},
		{"a key too many", none, keyed(1), nil, codec.RefusedKey},
	} {
		for _, sealed := range []bool{false, true} {
			if sealed && x.like == nil {
				continue
			}
			t.Run(fmt.Sprintf("%s/sealed=%v", x.name, sealed), func(t *testing.T) {
				w := newNet(t, 4, 61, func(i int, c *Config) {
					if i == 3 {
						x.last(c)
					} else {
						x.all(c)
					}
					if sealed {
						c.Keys = ringOf(string(c.Cluster), 1)
					}
				})
				refused(t, w, x.want)
			})
		}
	}
}

// refused lets three nodes meet, and a fourth join them in vain.
func refused(t *testing.T, w *net, want codec.RefusalReason) {
	t.Helper()
	joiner, asked, frames := w.nodes[3], 0, 0
	w.carried = func(from *node, to netip.AddrPort, b []byte) {
		switch {
		case from == joiner:
			asked, frames = len(b), frames+1
			if want == codec.RefusedVersion {
				b[1]++
			}
		case to == joiner.addr && len(b) > asked:
			t.Errorf("%d bytes answer %d", len(b), asked)
		}
	}
	for _, d := range w.nodes[1:] {
		d.core.Join(w.now, w.nodes[0].addr)
		w.pump(d)
		w.run(sched.Second)
	}
	w.run(10 * sched.Second)
	why, ok := joiner.core.Parts().Door.Seeds.Why(w.nodes[0].addr)
	if !ok || why.Reason != want {
		t.Fatalf("told %v, %d, not %d", ok, why.Reason, want)
	}
	for _, n := range []struct {
		d    *node
		kind EventKind
	}{{joiner, Refused}, {w.nodes[0], Refuses}} {
		told := 0
		for _, e := range n.d.events {
			if e.Kind == n.kind && e.From == uint64(want) || e.Kind == KeyUnknown && n.kind == Refuses {
				told++
			}
		}
		if told != 1 {
			t.Errorf("node %d tells %d times", n.d.i, told)
		}
	}
	if joiner.core.roster.Reach() != 0 || w.nodes[0].core.roster.Reach() != 2 {
		t.Errorf("the joiner reaches %d, the seed %d", joiner.core.roster.Reach(), w.nodes[0].core.roster.Reach())
	}
	frames = 0
	if w.run(60 * sched.Second); frames > 30 {
		t.Errorf("%d frames in a minute", frames)
	}
}

// TestRefusalsOfOthersAreForged: a refusal that echoes no greeting of ours to that
// address, a moment ago, changes nothing and is not told.
func TestRefusalsOfOthersAreForged(t *testing.T) {
	w := newNet(t, 2, 62, nil)
	d := w.nodes[1]
	d.core.Join(w.now, addrOf(7))
	w.pump(d)
	for i := range 256 {
		r := codec.Refusal{Reason: codec.RefusedFull, Detail: 7}
		r.Echo[0], r.Echo[1] = byte(i), 1
		d.core.Receive(w.now, addrOf(7), codec.AppendRefusalDatagram(nil, &r, d.core.page.Cluster, 77))
		h := codec.Header{Cluster: d.core.page.Cluster, Sender: 77}
		d.core.Receive(w.now, addrOf(7), codec.AppendChecksum(codec.AppendRefusal(codec.AppendHeader(nil, &h), &r), 0))
	}
	w.pump(d)
	if _, ok := d.core.Parts().Door.Seeds.Why(addrOf(7)); ok || has(d, Refused) || d.core.counters.Drops[DropForged] < 256 {
		t.Errorf("believed: %v; dropped %v", ok, d.core.counters.Drops[DropForged])
	}
}

// TestTheBuriedAreTold: whoever comes back as a life that was buried hears it, from an
// answer that is no longer than what it sent, takes another one at once and is in; both
// sides tell of it once.
func TestTheBuriedAreTold(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		cfg := func(_ int, c *Config) {
			if sealed {
				c.Keys = ringOf(string(c.Cluster), 1)
			}
		}
		w := newNet(t, 4, 95, cfg)
		w.joinAll()
		w.converge(5 * sched.Second)
		w.nodes[3].down = true
		at := &w.nodes[0].core
		p := w.peerOf(0, 3)
		w.until("forgotten", 10*sched.Second, func() bool { return at.Forget(w.now, p) })
		w.pump(w.nodes[0])
		w.run(2 * sched.Second)
		w.forgetEvents()
		d := w.start(3, 1, cfg) // it has lost its disk, and its clock
		asked := 0
		w.carried = func(from *node, to netip.AddrPort, b []byte) {
			switch {
			case from == d:
				asked = len(b)
			case to == d.addr && d.core.counters.Renewals == 0 && len(b) > asked:
				t.Errorf("%d bytes answer %d", len(b), asked)
			}
		}
		w.set(3, "k", "v")
		d.core.Join(w.now, addrOf(0))
		w.pump(d)
		took := w.converge(sched.Second)
		t.Logf("in after %d ms", took/sched.Millisecond)
		for n, kind := range map[*node]EventKind{d: Refused, w.nodes[0]: Refuses} {
			told := 0
			for _, e := range n.events {
				if e.Kind == kind && e.From == uint64(codec.RefusedBuried) && (n == d || e.To == 1) {
					told++
				}
			}
			if told != 1 {
				t.Errorf("node %d tells %d times: %v", n.i, told, n.events)
			}
		}
		if n := d.core.counters.Renewals; n != 1 || d.core.me.Gen < 2 {
			t.Errorf("%d renewals, generation %d", n, d.core.me.Gen)
		}
	}
}
