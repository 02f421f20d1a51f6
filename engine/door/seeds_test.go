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
			s.Contact(now, h, &r, &q)
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
