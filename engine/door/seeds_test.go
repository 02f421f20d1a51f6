package door

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

type nobody struct{}

func (nobody) Reaches(uint32) bool { return false }
func (nobody) Reach() int          { return 0 }

// Seeds that nobody answers at cost a bounded rate, however many there are; each is
// greeted at once, and again in its turn.
func TestSeedsHaveABudgetAndTurns(t *testing.T) {
	const n, span = 300, 120 * sched.Second
	var s Seeds
	var q Replies
	var rand sched.Rand
	for i := range n {
		s.Add(0, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 7946), n)
	}
	greeted, total := map[netip.AddrPort]int{}, 0
	for now := sched.Instant(0); now < span; {
		next := s.Contact(now, nobody{}, &rand, &q)
		var r Reply
		for q.Pop(&r) {
			greeted[r.To]++
			total++
		}
		if now < 200*sched.Millisecond && next > 200*sched.Millisecond && len(greeted) != n {
			t.Fatalf("%d of %d seeds were greeted at once", len(greeted), n)
		}
		now = max(next, now+1)
	}
	if most := int(seedBurst + seedRate*span/sched.Second); total > most {
		t.Errorf("%d greetings in two minutes, at most %d", total, most)
	}
	least, most := total, 0
	for _, k := range greeted {
		least, most = min(least, k), max(most, k)
	}
	if least*3 < most*2 {
		t.Errorf("one seed was greeted %d times, another %d times", most, least)
	}
}

type somebody struct{ nobody }

func (somebody) Reach() int { return 1 }

// TestHeardOf: where somebody was said to be is greeted by who reaches nobody, one
// address a second in turn, and not otherwise; the newest are kept.
func TestHeardOf(t *testing.T) {
	var s Seeds
	var q Replies
	var r sched.Rand
	for i := range heardMax + 5 {
		s.Heard(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 7))
	}
	greeted := func(h Host, from, to sched.Instant) map[netip.AddrPort]int {
		all := map[netip.AddrPort]int{}
		for now := from; now < to; now += sched.Second / 4 {
			if next := s.Contact(now, h, &r, &q); next <= now {
				t.Fatalf("at %d it is to be asked again at %d", now, next)
			}
			for x := new(Reply); q.Pop(x); {
				all[x.To]++
			}
		}
		return all
	}
	if all := greeted(somebody{}, sched.Second, 100*sched.Second); len(all) != 0 {
		t.Errorf("greeted %v", all)
	}
	all := greeted(nobody{}, 200*sched.Second, (200+2*heardMax)*sched.Second)
	if len(all) != heardMax {
		t.Errorf("%d of %d addresses", len(all), heardMax)
	}
	for a, n := range all {
		if n != 2 || a.Addr().As4()[3] < 5 {
			t.Errorf("%v: %d times", a, n)
		}
	}
}

// TestSeedsAreRemoved: a seed that is removed is not greeted any more, the others are; one that was
// never there removes nothing.
func TestSeedsAreRemoved(t *testing.T) {
	var s Seeds
	var q Replies
	var r sched.Rand
	for i := range 3 {
		if !s.Add(0, source(i), 3) {
			t.Fatal("no room")
		}
	}
	if s.Add(0, source(3), 3) || !s.Add(0, source(2), 3) {
		t.Error("there is room for a fourth, or none for one that is there")
	}
	s.Remove(source(3))
	if s.Remove(source(0)); s.Len() != 2 || s.Peer(source(0)) != 0 {
		t.Fatalf("%d are left", s.Len())
	}
	s.Answered(source(1), 7)
	if s.Peer(source(1)) != 7 || s.Peer(source(2)) != 0 {
		t.Error("it is not known who answers")
	}
	if s.Forget(7); s.Peer(source(1)) != 0 {
		t.Error("a peer that is gone answers still")
	}
	s.Contact(1, nobody{}, &r, &q)
	greeted := map[netip.AddrPort]bool{}
	for x := new(Reply); q.Pop(x); {
		greeted[x.To] = true
	}
	if len(greeted) != 2 || greeted[source(0)] {
		t.Errorf("greeted: %v", greeted)
	}
}

// reached is a host that reaches one peer.
type reached struct{ nobody }

func (reached) Reaches(peer uint32) bool { return peer == 7 }

// TestSeedsInTouchRest: a seed where somebody answers whom we reach is looked at again after the
// longest time, and greeted at once when told to; one of nobody doubles its time up to that.
func TestSeedsInTouchRest(t *testing.T) {
	var s Seeds
	var q Replies
	var r sched.Rand
	r.Seed(1)
	s.Add(0, source(1), 3)
	s.Answered(source(1), 7)
	if next := s.Contact(5, reached{}, &r, &q); next != 5+BackoffMax || q.Pop(new(Reply)) {
		t.Errorf("a seed in touch is greeted, or looked at again at %d", next)
	}
	s.Forget(7)
	if s.Contact(6, reached{}, &r, &q); q.Pop(new(Reply)) {
		t.Error("it is greeted before its time")
	}
	s.Again(6)
	now, last := sched.Instant(6), sched.Instant(0)
	for try := range 12 {
		next := s.Contact(now, nobody{}, &r, &q)
		if !q.Pop(new(Reply)) {
			t.Fatalf("try %d: it is not greeted", try)
		}
		last = next - now
		if want := Backoff(HelloFirst, uint8(try), BackoffMax); last < want/2 || last > want+want/2 {
			t.Errorf("try %d: the next is %d later, about %d", try, last, want)
		}
		now = next
	}
}
