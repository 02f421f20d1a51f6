package delegate

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/sched"
)

// Answered takes the acknowledgement of a parcel by a peer, or its word that it does not
// cover it. What was not sent to the peer, or is settled, is ignored.
func (t *Tree) Answered(now sched.Instant, p uint32, serial uint32, covers bool) {
	s := t.parcels.find(serial, flying)
	if s == nil || s.peer != p {
		return
	}
	switch {
	case s.accused != 0:
		question := *s
		if t.finish(s, idle); !covers {
			t.convict(now, question.accused, &question)
		}
		return
	case !covers:
		t.parts.Count.DelegationsRefused++
		t.miss(now, p)
		t.again(now, s)
		return
	}
	t.parts.Host.Peer(p).misses = 0
	s.at = now
	if t.finish(s, done); s.alone {
		return
	}
	if len(t.covers) < coversMax {
		t.covers = append(t.covers, s.serial)
	} else {
		t.covers[t.covered%coversMax] = s.serial
	}
	t.covered++
	t.audit(now, s)
}

// audit sees to it that a member of a range which its delegate says to cover is asked when that
// should be done. One in auditEach members is, so that it costs little beside what it audits.
func (t *Tree) audit(now sched.Instant, s *parcel) {
	if t.unasked += t.parts.Ring.in(s.Range).n; t.unasked < auditEach {
		return
	}
	for k := range t.audits {
		if x := &t.audits[k]; x.serial == 0 {
			t.unasked = 0
			*x = audit{s.serial, now + t.blame(now, s)}
			t.wakeAt(x.at)
			return
		}
	}
}

// ask asks a member of each range whose time has come, and tells when the next one's comes.
func (t *Tree) ask(now sched.Instant) (next sched.Instant) {
	next = sched.Never
	for k := range t.audits {
		x := &t.audits[k]
		switch {
		case x.serial == 0:
			continue
		case x.at > now:
			next = min(next, x.at)
			continue
		}
		s := t.parcels.find(x.serial, done)
		if x.serial = 0; s == nil {
			continue // its place was needed
		}
		members := t.parts.Ring.in(s.Range)
		pick := int(mix(t.parts.Place^uint64(now)) % uint64(max(1, members.n)))
		for i := range min(2, members.n) {
			spot := t.parts.Ring.spot(members, (pick+i)%members.n)
			if spot.Peer == 0 || spot.Peer == s.peer {
				continue
			}
			q := *s
			q.peer, q.accused, q.alone, q.tries = spot.Peer, s.peer, true, 0
			t.queue(now, &q)
			break
		}
	}
	return next
}

// convict takes its turn from a delegate that did not cover the range of a parcel, and lets
// others cover it. Its members tell this node what they hold, so it costs an answer each where
// they hold it all. Who has the handle of one that is gone is not blamed.
func (t *Tree) convict(now sched.Instant, p uint32, s *parcel) {
	if t.parts.Host.Peer(p).life == s.life {
		t.parts.Count.DelegationsFalse++
		t.miss(now, p)
	}
	t.add(&task{Range: s.Range, from: s.from, news: s.news, to: s.to, origin: s.origin})
}

// blame is how long after its acknowledgement a range is covered: with time-outs on the way.
func (t *Tree) blame(now sched.Instant, s *parcel) sched.Instant {
	return t.cfg.Blame + 2*t.parts.Host.Patience(s.peer, now, false)
}

// miss takes its turn from a peer.
func (t *Tree) miss(now sched.Instant, p uint32) {
	q := t.parts.Host.Peer(p)
	q.out = now + t.cfg.Out<<min(q.misses, outMax)
	q.misses = min(q.misses+1, outMax)
}

// again hands a parcel whose delegate failed to another member of the range, or to the same
// if it is for it alone.
func (t *Tree) again(now sched.Instant, s *parcel) {
	next := *s
	t.drop(s, idle)
	if next.tries >= triesMax {
		t.parts.Count.DelegationsLost++
		return
	}
	if !next.alone {
		members := t.parts.Ring.in(next.Range)
		if members.n == 0 {
			return
		}
		next.peer = t.draw(now, next.Range, members, next.peer)
		t.parts.Count.DelegationsReplaced++
	}
	if !t.queue(now, &next) && next.peer == 0 {
		t.parts.Count.DelegationsLost++
	}
}

// Lost sends again what left to a peer in frames that are known to be lost: to the same one,
// which is there, since it said so.
func (t *Tree) Lost(now sched.Instant, p uint32) {
	if t.parcels.busy == 0 {
		return
	}
	for i := 0; i < len(t.parcels.slots); i++ { // it may grow
		s := &t.parcels.slots[i]
		if s.stage != flying || s.peer != p || s.tries >= triesMax || !t.parts.Host.Missed(p, s.frame) {
			continue
		}
		next := *s
		t.drop(s, idle)
		t.queue(now, &next)
	}
}

// Expire looks which acknowledgements are overdue. The host calls it when the alarm goes.
func (t *Tree) Expire(now sched.Instant) {
	t.alarm = sched.Never
	first := t.ask(now)
	if t.parcels.busy == 0 {
		if first != sched.Never {
			t.wakeAt(first)
		}
		return
	}
	for i := 0; i < len(t.parcels.alarms); i++ { // it may grow
		if at := t.parcels.alarms[i]; at > now {
			first = min(first, at)
			continue
		}
		s := &t.parcels.slots[i]
		switch {
		case s.stage == flying && s.accused != 0: // who says nothing says nothing of others
			t.drop(s, idle)
			continue
		case s.stage == flying:
			t.miss(now, s.peer)
		case s.alone: // it could not leave yet
			t.wait(now, s, 0, true)
			continue
		default:
			s.tries++
		}
		t.again(now, s) // its alarm is set there
	}
	if first < t.alarm {
		t.alarm = max(first, now+t.slack)
		t.parts.Alarm.Set(t.alarm)
	}
}

// Gone hands what is on its way to a peer to others: it left or died.
func (t *Tree) Gone(now sched.Instant, p uint32) {
	t.answers.drop(t.parts.Host.Peer(p))
	if t.parcels.busy == 0 {
		return
	}
	for i := range t.parcels.slots {
		s := &t.parcels.slots[i]
		if s.peer != p || s.stage != queued && s.stage != flying {
			continue
		}
		if s.alone {
			t.drop(s, idle)
			continue
		}
		s.tries++ // so that this ends, though nobody can be sent to
		t.again(now, s)
	}
}

// Another notes that a handle names another member from now on, or none: what was held against the one
// before is over. It comes after Gone.
func (t *Tree) Another(p uint32) {
	q := t.parts.Host.Peer(p)
	*q = Peer{life: q.life + 1}
}

// Lacks notes that the member at a place turned out to hold an origin up to a version only.
// A delegate that said long ago that it covers that member has lied, or failed since: it
// loses its turn, and others cover the range with the next Flush.
func (t *Tree) Lacks(now sched.Instant, place uint64, o uint32, upTo uint64) {
	for _, serial := range t.covers {
		s := t.parcels.find(serial, done)
		if s == nil || s.origin != o || s.to <= upTo || !s.Has(place) || now-s.at < t.blame(now, s) {
			continue
		}
		s.stage = idle
		t.convict(now, s.peer, s)
	}
}

// ReceiveAnswers takes the body of a Covered record.
func (r *Relay) ReceiveAnswers(f *reconcile.Frame, body []byte) reconcile.Verdict {
	l, err := codec.ParseCovered(body)
	if err != nil {
		return reconcile.Malformed
	}
	if r.tree.parts.Ring == nil {
		return reconcile.Taken
	}
	r.begin()
	for serial, ok := l.Next(); ok; serial, ok = l.Next() {
		r.tree.Answered(f.Now, f.Peer, serial, l.Covers)
	}
	r.goOn(f.Now)
	return reconcile.Taken
}

// AppendAnswers appends the acknowledgements that a peer is owed. done reports, here and below,
// that nothing more of its kind is due to it.
func (r *Relay) AppendAnswers(b []byte, g *reconcile.Page) (out []byte, done bool) {
	if int(g.Peer) >= len(r.peers) || r.peers[g.Peer].owed == 0 {
		return b, true
	}
	for _, covers := range []bool{true, false} {
		start := len(b)
		b = codec.BeginCovered(b, covers)
		for len(b)+codec.CoveredBytes <= g.Limit {
			serial, ok := r.tree.Answer(g.Peer, covers)
			if !ok {
				break
			}
			b = codec.AppendSerial(b, serial)
		}
		if len(b) <= start+codec.RecordBytes+codec.CoveredHeadBytes {
			b = b[:start]
			continue
		}
		b = codec.EndRecord(b, start)
	}
	return b, !r.tree.Owes(g.Peer)
}
