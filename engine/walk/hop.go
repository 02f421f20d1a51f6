package walk

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// hop is one repair of a successor.
type hop struct {
	id       codec.OriginID // the successor
	at       codec.OriginID // the window that is compared begins here
	counted  codec.OriginID // origins below it are in the counts
	started  sched.Instant
	asked    sched.Instant
	next     sched.Instant // when to ask again
	reported sched.Instant
	gained   sched.Instant // when an answer last brought the hop on
	least    uint64        // entries that this window was found to lack, at least; 0: no answer yet
	answer   uint64        // hash of the last one
	rounds   uint32        // answers for this window
	copied   uint32
	patched  uint32
	entries  uint64
	tries    uint8
	stalls   uint8
}

// final is the report that a walk has ended, until its starter confirms it.
type final struct {
	token codec.Token
	next  sched.Instant
	tries uint8
}

// Step does what is due in the walks that are here.
func (r *Repair) Step(now sched.Instant) {
	next := sched.Never
	for i := range r.hops {
		next = min(next, r.stepHop(now, i))
	}
	if f := &r.final; f.token.Walk != 0 {
		if now >= f.next {
			r.reportFinal(now)
		}
		if f.token.Walk != 0 {
			next = min(next, f.next)
		}
	}
	if next != sched.Never {
		r.timer.Set(next)
	}
}

// stepHop asks the successor again when it is time, and goes on with the next
// member when it does not answer. It returns when it is to be called again.
func (r *Repair) stepHop(now sched.Instant, i int) sched.Instant {
	h := &r.hops[i]
	for {
		id := r.walker.Repairs(i, r.live())
		if id == 0 {
			*h = hop{}
			return sched.Never
		}
		if h.id != id {
			*h = hop{id: id, started: now, next: now, reported: now, gained: now}
		}
		if p := r.host.Find(id); p != 0 && h.tries <= triesMax {
			if now >= h.next {
				r.ask(now, i, p)
			}
			return h.next
		}
		*h = hop{}
		if !r.walker.Missed(i, r.live()) {
			return sched.Never
		}
		t, _ := r.walker.Passing(i)
		r.report(now, &t)
	}
}

// ask sends the successor of walk i what it is to answer.
func (r *Repair) ask(now sched.Instant, i int, p uint32) {
	h := &r.hops[i]
	t, passing := r.walker.Passing(i)
	switch {
	case passing:
		t.Kind = codec.TokenPass
		r.send(p, &t)
		h.tries++
	default:
		t.Kind, t.At = codec.TokenOpen, h.at
		r.send(p, &t) // behind the runs that are on their way
		if !r.vectors.Answering(p) {
			h.tries++
		}
	}
	wait := r.host.RTT(p).RTO(rtoMin, rtoMax) << max(h.tries, 1) / 2
	h.asked, h.next = now, now+min(wait, waitMax)
	if !passing && now-h.reported > reportEvery {
		h.reported = now
		t.Copied, t.Patched, t.Entries = t.Copied+h.copied, t.Patched+h.patched, t.Entries+h.entries
		r.report(now, &t)
	}
}

// report tells the starter how far its walk is.
func (r *Repair) report(now sched.Instant, t *codec.Token) {
	news := *t
	news.Kind = codec.TokenReport
	if t.Starter == r.self {
		r.walker.News(&news, now)
	} else if p := r.host.Find(t.Starter); p != 0 {
		r.send(p, &news)
	}
}

// reportFinal tells the starter that its walk has ended, again and again until it
// confirms.
func (r *Repair) reportFinal(now sched.Instant) {
	f := &r.final
	p := r.host.Find(f.token.Starter)
	if p == 0 || f.tries > triesMax {
		*f = final{}
		return
	}
	r.report(now, &f.token)
	f.next = now + r.host.RTT(p).RTO(rtoMin, rtoMax)<<f.tries
	f.tries++
}
