package member

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// TestVisitsDoNotEcho: members that hold each other dead see signs of life in each
// other's probes. However often the dead speak, they are visited as often as ReviveMin
// allows; a visit whose answer comes late is known still; an answer makes room.
func TestVisitsDoNotEcho(t *testing.T) {
	x, now := alone(t, 20)
	for h := uint32(2); h <= 20; h++ {
		x.set(*now, h, 0, Dead, 3)
	}
	visits := map[uint32]codec.Probe{}
	drain := func() (sent int) {
		var s Send
		for x.Next(*now, &s) {
			if s.Kind == SendProbe && x.Status(s.To) == Dead {
				visits[s.To] = s.Probe
				sent++
			}
		}
		return sent
	}
	drain()
	begin, sent := *now, 0
	*now += 2 * x.cfg.ReviveMin // what was asked before is over
	for clear(visits); *now < begin+3*x.cfg.ReviveMin-ms; *now += ms {
		for h := uint32(2); h <= 20; h++ {
			var ack codec.ProbeAck
			p := codec.Probe{Target: testID(1), Nonce: uint32(*now), Status: Alive}
			if !x.OnProbe(*now, h, &p, &ack) {
				t.Fatal("not answered")
			}
			sent += drain()
		}
	}
	if most := len(x.revive.asked); sent == 0 || sent > most || len(visits) != sent {
		t.Fatalf("%d visits to %d members, want one each, %d at most", sent, len(visits), most)
	}
	for h, p := range visits { // all answers are late, and at once
		x.OnAck(*now, h, &codec.ProbeAck{Nonce: p.Nonce, Incarnation: 1})
		if x.Status(h) != Alive {
			t.Errorf("the answer of member %d does not count", h)
		}
	}
	was := sent
	for h := uint32(2); h <= 20; h++ {
		if x.Status(h) == Dead {
			x.reviveSoon(*now, h)
			sent += drain()
		}
	}
	if sent == was {
		t.Error("answers make no room for other visits")
	}
}

// TestWhoAnswersIsVisited: a member that is dead here and answers is visited at once, so that it can
// refute: again at once if it answers elsewhere, since the visit under way goes to the old address,
// and else once in ReviveMin.
func TestWhoAnswersIsVisited(t *testing.T) {
	var d Detector
	x, now := alone(t, 4)
	d.Table, d.on = *x, true
	visited := func(h uint32, moved bool) (n int) {
		d.Answers(*now, h, moved)
		var s Send
		for d.Table.Next(*now, &s) {
			if s.Kind == SendProbe && s.To == h && s.Probe.Status == Dead {
				n++
			}
		}
		return n
	}
	d.set(*now, 2, 0, Dead, 3)
	for _, was := range []struct {
		moved bool
		want  int
	}{{false, 1}, {false, 0}, {true, 1}, {false, 0}, {true, 1}} {
		if n := visited(2, was.moved); n != was.want {
			t.Errorf("moved %v: %d visits, want %d", was.moved, n, was.want)
		}
	}
	if n := visited(3, true); n != 0 {
		t.Errorf("%d visits to one that is alive", n)
	}
	*now += d.cfg.ReviveMin
	if n := visited(2, false); n != 1 {
		t.Errorf("%d visits after a while", n)
	}
}

// TestWhoIsSpokenOfIsVisited: one that is buried here and that a member speaks of is visited at once,
// and again once ReviveMin is over, however often and by however many it is spoken of. Of very many
// that are spoken of at once none is forgotten. One that left is not visited.
func TestWhoIsSpokenOfIsVisited(t *testing.T) {
	const n = 60
	x, now := alone(t, n+1)
	var d Detector
	d.Table, d.on = *x, true
	visits := map[codec.OriginID]int{}
	drain := func() {
		var s Send
		for d.Table.Next(*now, &s) {
			if s.Kind == SendGrave {
				if s.Probe.Status != Buried || s.Probe.Target != s.ID {
					t.Fatalf("%+v", s)
				}
				visits[s.ID]++
			}
		}
	}
	for h := uint32(3); h <= n; h++ {
		d.set(*now, h, 0, Dead, 2)
	}
	d.Left(*now, n+1, testID(n+1))
	for h := uint32(3); h <= n+1; h++ {
		d.bury(*now, d.standings[h].fact)
		d.Bury(*now, testID(h), netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(h)))
		d.Unwatch(*now, h)
	}
	drain()
	d.revive.at = sched.Never // as if its turns were long after
	for round := 1; round <= 3; round++ {
		clear(visits)
		for range 5 {
			for h := uint32(3); h <= n+1; h++ {
				d.Named(*now, 2, testID(h))
			}
			drain()
		}
		for h := uint32(3); h <= n; h++ {
			if visits[testID(h)] != 1 {
				t.Errorf("round %d: member %d is visited %d times", round, h, visits[testID(h)])
			}
		}
		if visits[testID(n+1)] != 0 {
			t.Error("one that left is visited")
		}
		*now += d.cfg.ReviveMin
		d.revive.at = sched.Never
	}
}
