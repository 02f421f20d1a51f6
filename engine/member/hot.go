package member

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// hotFact is a fact that is being spread. Facts that were sent less often go first (SWIM §4.1).
type hotFact struct {
	fact uint32
	sent uint16
}

const hotBytes = 8

// spreads is how often each fact is sent: Lambda·⌈log2(n+1)⌉.
func (t *Table) spreads() uint16 {
	return uint16(min(t.cfg.Lambda*bits.Len(uint(t.ring.Len())), 255))
}

// heat makes a fact hot, or fresh again. When there are too many, the one sent most gives way:
// whoever missed it learns it by comparing fingerprints.
func (t *Table) heat(now sched.Instant, i uint32) {
	t.pushAt = min(t.pushAt, max(now, t.pushedAt+t.slowed(now, t.cfg.PushGap)))
	f := &t.facts[i]
	if f.hot != 0 {
		t.hot[f.hot-1].sent = 0
		return
	}
	if len(t.hot) == cap(t.hot) {
		worst := 0
		for j := range t.hot {
			if t.hot[j].sent > t.hot[worst].sent {
				worst = j
			}
		}
		t.counters.FactsEvicted++
		t.cool(t.hot[worst].fact)
	}
	t.hot = append(t.hot, hotFact{fact: i})
	f.hot = uint16(len(t.hot))
}

// cool takes a fact out of the hot ones.
func (t *Table) cool(i uint32) {
	place := t.facts[i].hot
	if place == 0 {
		return
	}
	last := t.hot[len(t.hot)-1]
	t.hot[place-1] = last
	t.facts[last.fact].hot = place
	t.hot = t.hot[:len(t.hot)-1]
	t.facts[i].hot = 0
	if len(t.hot) == 0 {
		t.pushAt = sched.Never
	}
}

// known counts a fact that came back as one send: the others have it (feedback and counter, Demers
// et al. 1987, §1.4).
func (t *Table) known(i uint32) {
	if place := t.facts[i].hot; place != 0 {
		h := &t.hot[place-1]
		if h.sent++; h.sent >= t.spreads() {
			t.cool(i)
		}
	}
}

// AppendFacts appends hot facts, the body of a record 13, in at most room bytes, and counts them as
// sent: for any frame to a member that has room left. Nothing is appended when nothing is hot.
func (t *Table) AppendFacts(dst []byte, room int) []byte {
	want := room / codec.FactBytes
	if want <= 0 || len(t.hot) == 0 {
		return dst
	}
	level := t.level(want)
	atLevel := want
	for _, h := range t.hot {
		if h.sent < level {
			atLevel--
		}
	}
	limit := t.spreads()
	for j := len(t.hot) - 1; j >= 0 && want > 0; j-- {
		h := &t.hot[j]
		if h.sent > level || h.sent == level && atLevel == 0 {
			continue
		}
		if h.sent == level {
			atLevel--
		}
		want--
		f := &t.facts[h.fact]
		dst = codec.AppendFact(dst, codec.Fact{ID: t.ring.ID(f.member), Incarnation: f.incarnation, Status: f.status})
		t.counters.FactsSent++
		if h.sent++; h.sent >= limit {
			t.cool(h.fact)
		}
	}
	return dst
}

// level is the smallest number of sends such that at least want facts, or all, were sent that often
// or less.
func (t *Table) level(want int) uint16 {
	var counts [256]uint16
	for _, h := range t.hot {
		counts[h.sent&255]++
	}
	sum := 0
	for n, c := range counts {
		if sum += int(c); sum >= want {
			return uint16(n)
		}
	}
	return 255
}

// burst starts a burst of hot facts when one is due.
func (t *Table) burst(now sched.Instant) {
	if len(t.hot) > 0 && now >= t.pushAt {
		t.pushLeft, t.pushedAt, t.pushAt = t.cfg.Fanout, now, now+t.slowed(now, t.cfg.PushEvery)
	}
}

// anyone picks a random live member other than this node, 0 if none was found.
func (t *Table) anyone() uint32 {
	n := t.ring.Len()
	for range 16 {
		if h := t.ring.at(0, int(t.rand.Uint32n(uint32(n)))); h != t.self && t.live(h) && !t.standings[h].shut {
			return h
		}
	}
	at, left := int(t.rand.Uint32n(uint32(n))), n
	return t.nextLive(side{0, 1}, &at, &left, []uint32{t.self})
}
