package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// TestMembersBehindATranslator: a member behind a translator of addresses advertises the port that is
// mapped to it. What it sends of its own accord comes from another port, and what is sent to the mapped one
// seems to it to come from elsewhere, as of two containers that use one port: its probes and answers count
// all the same, sealed or in clear, nobody is suspected, and one to three greetings a second of each are enough to
// know that it has not moved. When it is killed all know as soon as of another; when the mapping ends, or
// lets only pass what it sends, it is found where it sends from, by whom it sent from there.
func TestMembersBehindATranslator(t *testing.T) {
	for _, end := range []string{"", "killed", "unmapped", "one way"} {
		t.Run(end, func(t *testing.T) {
			both(t, func(t *testing.T, sealed func(int, *Config)) { translated(t, end, sealed) })
		})
	}
}

func translated(t *testing.T, end string, sealed func(int, *Config)) {
	const hidden, alias = 1, 1000 // who is behind it, and how many ports on others seem to be from there
	outside := netip.MustParseAddr("10.9.0.1")
	mapped, leaves := netip.AddrPortFrom(outside, 9001), netip.AddrPortFrom(outside, 50001)
	port := func(a netip.AddrPort, by int) netip.AddrPort {
		return netip.AddrPortFrom(a.Addr(), uint16(int(a.Port())+by))
	}
	w := newNet(t, 5, 97, func(i int, c *Config) {
		if sealed != nil {
			sealed(i, c)
		}
		if i == hidden {
			c.Advertise = mapped
		}
	})
	w.move(hidden, addrOf(hidden)) // inside
	open := true
	w.translate = func(from *node, to netip.AddrPort) (source, target netip.AddrPort) {
		switch {
		case to == mapped && !open:
			return from.addr, netip.AddrPort{}
		case to == mapped:
			return port(from.addr, alias), addrOf(hidden)
		case to == leaves:
			return from.addr, addrOf(hidden)
		case from.i == hidden && w.at[to] == nil && !open && end == "unmapped":
			return mapped, netip.AddrPort{}
		case from.i == hidden && w.at[to] == nil:
			return mapped, port(to, -alias)
		case from.i == hidden:
			return leaves, to
		}
		return from.addr, to
	}
	w.joinAll()
	w.set(hidden, string(declare.AddrKey), string(declare.AppendAddr(nil, mapped)))
	w.converge(5 * sched.Second)
	w.run(5 * sched.Second)
	at := map[netip.AddrPort]int{}
	for i := range w.nodes {
		if i != hidden {
			at[w.nodes[i].core.peers[w.peer(i, hidden)].at.Addr]++
		}
	}
	if at[mapped] == 0 {
		t.Fatalf("nobody knows it where it says that it is: %v", at)
	}
	type count struct{ missed, suspicions, replays, claims, rates uint64 }
	counts := func(d *node) count {
		x, drops := d.core.live.Counters(), &d.core.counters.Drops
		return count{x.RoundsMissed, x.Suspicions, drops[DropReplay], drops[DropClaim], drops[DropRate]}
	}
	var before [5]count
	for i, d := range w.nodes {
		before[i] = counts(d)
	}
	const seconds = 20
	for range seconds {
		w.set(hidden, "k", "v")
		w.run(sched.Second)
	}
	for i, d := range w.nodes {
		n, b := counts(d), before[i]
		if n.missed != b.missed || n.suspicions != b.suspicions || n.replays != b.replays || n.rates != b.rates {
			t.Errorf("node %d: before %+v, after %+v", i, b, n)
		}
		if most := uint64(3 * seconds * (len(w.nodes) - 1)); n.claims-b.claims > most {
			t.Errorf("node %d: %d claims in %d s", i, n.claims-b.claims, seconds)
		}
	}
	switch end {
	case "killed":
		w.nodes[hidden].down = true
		took := w.until("it is dead", 6*sched.Second, func() bool {
			for i := range w.nodes {
				if i != hidden && w.statusOf(i, hidden) != member.Dead {
					return false
				}
			}
			return true
		})
		t.Logf("dead after %d ms", took/sched.Millisecond)
	case "unmapped", "one way":
		var heard []int
		for i, d := range w.nodes {
			if i != hidden && d.core.peers[w.peer(i, hidden)].at.Too(leaves) {
				heard = append(heard, i)
			}
		}
		if len(heard) == 0 {
			t.Fatal("it sends from the mapped port alone")
		}
		open = false
		took := w.until("it is where it sends from", 5*sched.Second, func() bool {
			for _, i := range heard {
				if w.nodes[i].core.peers[w.peer(i, hidden)].at.Addr != leaves {
					return false
				}
			}
			return true
		})
		t.Logf("found after %d ms", took/sched.Millisecond)
		for i := range w.nodes {
			if i != hidden && w.statusOf(i, hidden) == member.Dead {
				t.Errorf("node %d: it is dead", i)
			}
		}
	}
	w.set(0, "k", "end")
	w.converge(5 * sched.Second)
}

// TestTranslatorsThatChangeInService: two members are behind one address, and reach each other by it. The
// ports from which they seem to send change every four seconds, while they answer from those that are mapped
// to them: nobody is suspected. Where no port is mapped they are found anew each time. Nobody dies, and what
// everybody writes is everywhere within a second.
func TestTranslatorsThatChangeInService(t *testing.T) {
	for _, mapped := range []bool{true, false} {
		t.Run(fmt.Sprint("mapped ", mapped), func(t *testing.T) {
			both(t, func(t *testing.T, sealed func(int, *Config)) { changing(t, mapped, sealed) })
		})
	}
}

func changing(t *testing.T, mapped bool, sealed func(int, *Config)) {
	const first, last, alias, base, changes = 1, 2, 1000, 20000, 6
	outside := netip.MustParseAddr("10.9.0.1")
	turn := 0
	fixed := func(i int) netip.AddrPort { return netip.AddrPortFrom(outside, uint16(9000+i)) }
	leaves := func(i int) netip.AddrPort { return netip.AddrPortFrom(outside, uint16(base+10*turn+i)) }
	hidden := func(i int) bool { return i >= first && i <= last }
	w := newNet(t, 5, 98, func(i int, c *Config) {
		if sealed(i, c); mapped && hidden(i) {
			c.Advertise = fixed(i)
		}
	})
	w.move(first, addrOf(first))
	w.move(last, addrOf(last))
	inside := func(to netip.AddrPort) (i int, byMap bool) {
		for i := first; i <= last; i++ {
			if to == leaves(i) || to == fixed(i) {
				return i, to == fixed(i)
			}
		}
		return 0, false
	}
	w.translate = func(from *node, to netip.AddrPort) (source, target netip.AddrPort) {
		source = from.addr
		if hidden(from.i) {
			source = leaves(from.i)
		}
		back := netip.AddrPortFrom(to.Addr(), to.Port()-alias)
		if i, _ := inside(back); hidden(from.i) && (i != 0 || w.at[back] != nil) { // an answer to what came by the map
			source, to = fixed(from.i), back
		}
		switch i, byMap := inside(to); {
		case i == 0 && to.Addr() == outside, byMap && !mapped:
			return source, netip.AddrPort{}
		case byMap && source != fixed(from.i):
			return netip.AddrPortFrom(source.Addr(), source.Port()+alias), addrOf(i)
		case i != 0:
			return source, addrOf(i)
		}
		return source, to
	}
	w.joinAll()
	if mapped {
		for i := first; i <= last; i++ {
			w.set(i, string(declare.AddrKey), string(declare.AppendAddr(nil, fixed(i))))
		}
	}
	w.converge(5 * sched.Second)
	w.run(5 * sched.Second)
	w.forgetEvents()
	suspicions := func() (n uint64) {
		for _, d := range w.nodes {
			n += d.core.live.Counters().Suspicions
		}
		return n
	}
	before, worst := suspicions(), sched.Instant(0)
	for turn = 1; turn <= changes; turn++ {
		for range 4 {
			for i := range w.nodes {
				w.set(i, "k", fmt.Sprint(turn))
			}
			worst = max(worst, w.converge(sched.Second))
			w.run(sched.Second)
		}
	}
	turn = changes
	w.nobodyDied()
	n := suspicions() - before
	if mapped && n > 0 {
		t.Errorf("%d suspicions of those who answer where they are mapped", n)
	}
	t.Logf("%d suspicions in %d changes, all is everywhere after at most %d ms", n, changes, worst/sched.Millisecond)
}
