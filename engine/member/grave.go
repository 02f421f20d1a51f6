package member

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/sched"
)

// Graves are package names' (names.Graves): they keep the buried from coming back, and let two
// halves of a long partition find each other again.

// bury moves a dead or gone member to the graves: it leaves the fingerprint.
func (t *Table) bury(now sched.Instant, i uint32) { t.buryBy(now, i, t.self) }

// buryBy is bury where somebody else said so.
func (t *Table) buryBy(now sched.Instant, i, by uint32) {
	f := &t.facts[i]
	if f.status == Buried {
		return
	}
	fate := names.Died
	if f.status == Left {
		fate = names.Departed
	}
	t.set(now, f.member, f.incarnation, Buried, by)
	t.counters.Buried++
	t.graves.Lay(now, t.ring.ID(f.member), f.incarnation, fate)
}

// lies notes where one that is buried was, which is known later than the burial: there may have been
// no visit to plan before. It returns the place of the grave, -1 if there is none.
func (t *Table) lies(now sched.Instant, id codec.OriginID, addr netip.AddrPort) (place int) {
	if place = t.graves.At(id, addr); place >= 0 {
		t.revive.at = min(t.revive.at, now+t.cfg.ReviveMax)
	}
	return place
}

// burialAt is when the next burial is due.
func (t *Table) burialAt() sched.Instant {
	at := sched.Instant(sched.Never)
	if i := t.lists[Dead].head; i != 0 {
		at = min(at, t.facts[i].since.After(t.cfg.DeadAge))
	}
	if i := t.lists[Left].head; i != 0 && t.facts[i].member != t.self {
		at = min(at, t.facts[i].since.After(t.cfg.LeftAge))
	}
	return at
}

func (t *Table) buryOld(now sched.Instant) {
	for now >= t.burialAt() {
		if i := t.lists[Dead].head; i != 0 && now-t.facts[i].since >= t.cfg.DeadAge {
			t.bury(now, i)
			continue
		}
		t.bury(now, t.lists[Left].head)
	}
}

// BuryNow buries a member that is dead or left before its time. False: it is neither.
func (t *Table) BuryNow(now sched.Instant, h uint32) bool {
	if !t.parted(h) || h == t.self {
		return false
	}
	t.bury(now, t.standings[h].fact)
	return true
}

// BuryOldest buries who is dead for longest, else who left for longest, before their time: their
// place is needed. It returns the member, which the caller forgets (Remove); 0 if nobody is dead or
// left.
func (t *Table) BuryOldest(now sched.Instant) (h uint32) {
	i := t.lists[Dead].head
	if i == 0 {
		i = t.lists[Left].head
	}
	if i != 0 && t.facts[i].member == t.self {
		i = t.facts[i].next
	}
	if i == 0 {
		return 0
	}
	h = t.facts[i].member
	t.bury(now, i)
	return h
}

// revival probes the dead: one random dead or buried member at a time, the more rarely the longer
// nobody has died.
type revival struct {
	at     sched.Instant // next visit; Never: nobody is dead
	queue  [8]uint32     // members to probe now
	queued int
	graves [16]int // places of graves whose members to probe now
	called int
	asked  [8]asked
}

// asked is a visit that waits for its answer; the zero value is a free place.
type asked struct {
	peer, nonce uint32
	at          sched.Instant
}

func (r *revival) forget(h uint32) {
	for i := range r.asked {
		if r.asked[i].peer == h {
			r.asked[i] = asked{}
		}
	}
	for i := 0; i < r.queued; i++ {
		if r.queue[i] == h {
			r.queued--
			r.queue[i] = r.queue[r.queued]
			i--
		}
	}
}

// answered tells, once, whether an answer is one to a visit.
func (r *revival) answered(from, nonce uint32) bool {
	for i := range r.asked {
		if a := &r.asked[i]; a.peer == from && a.nonce == nonce {
			*a = asked{}
			return true
		}
	}
	return false
}

// under counts the visits that wait for their answer, for at most as long as given,
// and tells whether one of them is to h.
func (r *revival) under(now, wait sched.Instant, h uint32) (visits int, toIt bool) {
	for i := range r.asked {
		if a := &r.asked[i]; a.peer != 0 && now-a.at < wait {
			visits++
			toIt = toIt || a.peer == h
		}
	}
	return visits, toIt
}

// place is that of a new visit: a free one, else the oldest.
func (r *revival) place() *asked {
	p := &r.asked[0]
	for i := range r.asked {
		if a := &r.asked[i]; a.at < p.at {
			p = a
		}
	}
	return p
}

// call queues a probe of the one in a grave. False: there is no room for one more now.
func (r *revival) call(place int) bool {
	if r.called == len(r.graves) {
		return false
	}
	r.graves[r.called] = place
	r.called++
	return true
}

// spokenOf visits one that is buried here, and that a member speaks of: it may be back, and hear from
// those alone who have not buried it; of very many that are back at once each would take long to talk
// to one of the few that have. There is one such visit to a grave in ReviveMin, whoever speaks of it.
func (t *Table) spokenOf(now sched.Instant, id codec.OriginID) {
	if t.revive.called < len(t.revive.graves) && !t.leaving {
		if place := t.graves.Call(now, id, t.cfg.ReviveMin); place >= 0 {
			t.revive.call(place)
		}
	}
}

// reviveSoon queues a probe of a member that gave a sign of life though it is dead, or left as
// somebody said: the probe says so, and it refutes. Two that hold each other dead see a sign of
// life in each other's probes: so there is one visit to a member at a time, ReviveMin long, and
// what waits for an answer keeps its place.
func (t *Table) reviveSoon(now sched.Instant, h uint32) {
	r := &t.revive
	if !t.parted(h) || t.leaving || contains(r.queue[:r.queued], h) {
		return
	}
	switch visits, toIt := r.under(now, t.cfg.ReviveMin, h); {
	case toIt:
	case r.queued+visits >= len(r.queue):
		t.counters.FullQueue++
	default:
		r.queue[r.queued] = h
		r.queued++
	}
}

// visit picks one of the dead when it is time. The time to the next visit is a sixteenth of the
// time since the last death, within [ReviveMin, ReviveMax]: a cut of a minute is found healed
// within four seconds even by a pair of nodes, and long dead ones cost next to nothing.
func (t *Table) visit(now sched.Instant) {
	r := &t.revive
	if now < r.at {
		return
	}
	dead := t.lists[Dead].len
	graves, last := t.graves.Sought()
	if dead+graves == 0 || t.leaving {
		r.at = sched.Never
		return
	}
	if dead > 0 {
		last = max(last, t.facts[t.lists[Dead].tail].since)
	}
	gap := min(max((now-last)/16, t.cfg.ReviveMin), t.cfg.ReviveMax)
	r.at = now + gap - gap/8 + sched.Instant(t.rand.Uint64n(uint64(gap/4)))
	if pick := int(t.rand.Uint32n(uint32(dead + graves))); pick < dead {
		t.reviveSoon(now, t.someDead(pick))
	} else {
		r.call(t.graves.Seek(pick - dead))
	}
}

// someDead finds a random dead member: by a few random looks, then by a short walk.
func (t *Table) someDead(pick int) uint32 {
	for range 16 {
		if f := &t.facts[1+t.rand.Uint32n(t.used)]; f.member != 0 && f.status == Dead {
			return f.member
		}
	}
	i := t.lists[Dead].head
	for range min(pick, 64) {
		i = t.facts[i].next
	}
	return t.facts[i].member
}

// nextRevival gives a queued visit.
func (t *Table) nextRevival(now sched.Instant, s *Send) bool {
	r := &t.revive
	if r.queued+r.called == 0 {
		return false
	}
	nonce := uint32(t.rand.Uint64())
	for r.queued > 0 {
		r.queued--
		h := r.queue[r.queued]
		if !t.parted(h) {
			continue
		}
		*r.place() = asked{h, nonce, now}
		s.Kind, s.To, s.ID, s.Probe = SendProbe, h, t.ring.ID(h), t.belief(h, nonce)
		t.counters.ProbesSent++
		return true
	}
	if r.called > 0 {
		r.called--
		place := r.graves[r.called]
		id, incarnation, _ := t.graves.Member(now, place)
		s.Kind, s.Grave, s.ID = SendGrave, place, id
		s.Probe = codec.Probe{Target: id, Nonce: nonce, Incarnation: incarnation, Status: Buried, Health: t.health}
		t.counters.ProbesSent++
		return true
	}
	return false
}
