package member

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Two members that watch each other would each probe and each answer, where half of that shows as
// much. So of such a pair one leads, by the identifiers. Its probes tell which answer of the other
// came last, and how long ago: whoever gets that knows that frames pass in both directions, and the
// round trip. Their own round rests meanwhile, until a sixteenth of a period after the leader's
// next probe should have come: what the leader does not send, or does not confirm, is looked for at
// once, with as many probes as ever. A leader that asks again within a round has not got the
// answer, which is looked into without waiting for the next round.
//
// An echo is taken once, and only of the last answer. Its nonce is as hard to guess as that of an
// answer. One that comes late counts for nothing, and none improves the own health: it says that
// the other's round went well.

// pair is what is known of the probes between this node and a member that it watches.
type pair struct {
	mutual bool // it probes this node too
	came   bool // an answer of it did:
	nonce  uint32
	cameAt sched.Instant
	left   bool // an answer to it did:
	asked  bool // and was asked for again
	gave   uint32
	gaveAt sched.Instant
}

// arrived notes an answer of the member.
func (p *pair) arrived(now sched.Instant, nonce uint32) { p.came, p.nonce, p.cameAt = true, nonce, now }

// answered notes an answer to the member.
func (p *pair) answered(now sched.Instant, nonce uint32) {
	p.mutual, p.left, p.gave, p.gaveAt = true, true, nonce, now
}

// confirmed takes a probe of the member. True: our last answer had come there, after this round
// trip.
func (p *pair) confirmed(now sched.Instant, probe *codec.Probe) (rtt sched.Instant, ok bool) {
	if !p.left || !probe.Echoes || probe.Echo != p.gave {
		return 0, false
	}
	return max(0, now-p.gaveAt-sched.Instant(probe.Held)*sched.Microsecond), true
}

// leads tells whether this node's rounds serve a member that watches it too. Exactly one of two
// leads.
func (t *Table) leads(h uint32) bool {
	a, b := t.ring.ID(t.self), t.ring.ID(h)
	return (a < b) == (bits.OnesCount64(uint64(a^b))&1 == 0)
}

// echo lets a probe confirm the member's last answer, if the member's rounds may rest for it.
func (t *Table) echo(now sched.Instant, w *watch, p *codec.Probe) {
	if e := &w.pair; e.mutual && e.came && t.leads(w.peer) && t.cfg.has(Echoes) {
		p.Echoes, p.Echo, p.Held = true, e.nonce, uint32(min((now-e.cameAt)/sched.Microsecond, 1<<32-1))
	}
}

// probed takes a probe of a member, which is about to be answered.
func (t *Table) probed(now sched.Instant, from uint32, p *codec.Probe) {
	i := t.watchOf(from)
	if i < 0 || t.watches[i].scout {
		return
	}
	w := &t.watches[i]
	rtt, ok := w.pair.confirmed(now, p)
	if ok && rtt <= t.timeout(w) && t.Status(from) == Alive && !t.leads(from) && t.cfg.has(Echoes) {
		w.theirs, w.pair.asked = p.Health, false
		t.timed(now, w, rtt)
		t.rest(now, i)
		w.round = now
		period := t.period(now)
		t.due(i, now+period+period/16)
		t.trust(now, i)
	}
	if again := p.Nonce - w.pair.gave; w.pair.left && again > 0 && again < Tries && t.idle(i) && !w.pair.asked {
		w.pair.asked = true
		t.due(i, min(t.dues[i], now))
	}
	w.pair.answered(now, p.Nonce)
}
