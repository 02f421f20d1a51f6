package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// News leaves at once, in one of two ways.
//
// Mail: the author sends to every reachable peer, from that peer's cursor, so
// that what one peer gets is contiguous. An acknowledgement that is missed
// moves the cursor back; nothing is queued.
//
// Rumor: the author and everybody who learns something spread it to a few peers
// a cycle, from their own max before the news, as the policy says (package rumor).
// Anti-entropy repairs the residue.
//
// When news leaves, mail.Flush decides; it waits for company up to FlushMax.

// OpKind is what a local write does.
type OpKind uint8

// The local writes.
const (
	Set OpKind = iota + 1
	Delete
)

// Op is one local write whose version was taken in order by the shell.
type Op struct {
	Kind    OpKind
	Version uint64 // afterwards: under which it is kept, lower for a key that waits to be published
	Key     []byte
	Value   []byte
	TTL     uint32     // milliseconds; 0: none
	Stamp   int64      // when it was written, by the shell's wall clock; 0: none
	Is      codec.Kind // what the value is; 0: a user's bytes
}

// Status says what became of a write.
type Status uint8

// The outcomes of Write.
const (
	Written  Status = iota
	Silenced        // a live rival owns the name
	NoRoom          // a limit of the store
	TooLong         // a user event above the limits
	Busy            // Broadcast: too many wait to be sent: try again after a turn
	Disorder        // the version is not above the last, or there is no key: the caller's fault
)

// Write applies one local write and makes it due everywhere.
func (c *Core) Write(now sched.Instant, op *Op) Status {
	c.enter(now)
	if c.me.Silenced {
		c.counters.WritesRefused++
		return Silenced
	}
	if op.Version <= max(c.store.Max(c.self), c.flow.Written()) || op.Version > codec.VersionMax || len(op.Key) == 0 {
		return Disorder
	}
	e := &c.rec.Entry
	*e = codec.Entry{Version: op.Version, Key: op.Key, Value: op.Value, TTL: op.TTL}
	if op.Kind == Delete {
		e.Flags, e.Value = codec.EntryTombstone, nil
	}
	if op.TTL != 0 {
		e.Flags |= codec.EntryTTL
	}
	if op.Is != 0 {
		e.Flags, e.Kind = e.Flags|codec.EntryKinded, op.Is
	}
	c.stamp(e, op)
	if codec.System(op.Key) {
		c.declare(op)
	}
	if op.Kind == Delete && !c.store.Lives(c.self, op.Key) {
		c.counters.Writes++ // a version that says nothing: what is not here needs no tombstone
		c.publish(op)
		return Written
	}
	status := state.Old
	if c.flow.Behind() && !c.differ.Scattered() { // a key that waits keeps its turn
		status = c.store.Amend(c.self, e)
	}
	if status == state.Old {
		status = c.store.Apply(c.self, e)
	}
	if status != state.OK {
		c.counters.WritesRefused++
		return NoRoom
	}
	c.counters.Writes++
	kept := e.Version
	c.publish(op)
	op.Version = kept
	return Written
}

// spread is the way that news takes now.
func (c *Core) spread() Spread {
	if c.cfg.Spread == Auto {
		if c.roster.Reach() <= c.cfg.MailMax {
			return Mail
		}
		return Rumor
	}
	return c.cfg.Spread
}

// relays reports whether news of others is passed on: in rumor mode always, in
// mail mode only while we reach less than half of the members, so that the
// authors probably do not reach everybody either.
func (c *Core) relays() bool {
	switch c.spread() {
	case Gossip:
		return false
	case Rumor:
		return true
	default:
		return c.roster.Partial()
	}
}

func (c *Core) fanout() int {
	if c.cfg.Fanout > 0 {
		return c.cfg.Fanout
	}
	n, k := c.roster.Reach(), int32(3)
	for n > 32 { // ln n, about
		n >>= 1
		k++
	}
	k = min(k, 8)
	return int(c.paths.Copies(k))
}

// news notes that an origin moved on from `from`, brought by peer p.
func (c *Core) news(o state.Origin, from uint64, p uint32) {
	if c.cfg.Spread == Gossip {
		return
	}
	if o == c.self && c.spread() == Mail {
		c.flush.Own()
	} else {
		if o != c.self && !c.relays() {
			return
		}
		c.rumors.Learn(o, from, p, c.counters.FramesReceived)
	}
	if c.flush.Arm(c.now, c.cfg.Rumor.Blind) {
		c.flushNow()
	}
}

// flushNow makes what waits due at its peers. If the last flush is still being
// sent, relayed news waits for the next.
func (c *Core) flushNow() {
	n := 0
	if c.flush.Begin() {
		for p := 1; p < len(c.peers); p++ {
			n += c.startMail(uint32(p))
		}
	}
	n += c.rumors.Cycle()
	c.flush.Rest(c.now, c.rumors.Waiting(), c.rumors.Hot())
	c.flush.Sent(c.now, n, c.paths.Lag)
}

// startMail makes our writes due at one peer.
func (c *Core) startMail(p uint32) int {
	q := &c.peers[p]
	if !q.Open() || c.spread() != Mail || q.mail.At() >= c.store.Max(c.self) {
		return 0
	}
	c.due.Want(p, dueMail)
	c.expect(p)
	return 1
}

// resendAfter is how long mail to a peer may wait for its acknowledgement.
func (c *Core) resendAfter(q *peer) sched.Instant {
	return c.paths.ResendAfter(&q.link, c.now, q.mail.Doubled())
}

// lost notes that a frame to the peer was lost, and goes back to what it has.
func (c *Core) lost(p uint32) {
	q := &c.peers[p]
	if q.mail.MayRewind() {
		c.rewind(q)
		c.startMail(p)
	}
}

// rewind moves the cursor back to what the peer has. What was sent before is
// history: whether it arrived does not matter any more.
func (c *Core) rewind(q *peer) {
	q.mail.Rewind()
	q.link.Forgive()
	c.counters.Rewinds++
}

// expect begins to wait for the acknowledgement of what the peer is sent now.
func (c *Core) expect(p uint32) {
	q := &c.peers[p]
	if t := peerTimer(p, timerResend); !c.wheel.Armed(t) {
		q.mail.Expect(c.store.Max(c.self))
		c.wheel.Set(t, c.now+c.resendAfter(q))
	}
}

// resend looks whether the peer acknowledged what it was sent.
func (c *Core) resend(p uint32) {
	q := &c.peers[p]
	if !q.Proven() || q.Left() {
		q.mail.Stop()
		return
	}
	next, late := q.mail.Overdue(c.store.Max(c.self), c.now-q.link.Heard())
	if late {
		q.link.Late()
	}
	switch {
	case next == mail.Rest:
	case next == mail.Quiet:
		c.silent(p)
	case next == mail.Wait, c.due.Held(p)&dueMail != 0: // most of it has not even left
		c.expect(p)
	default:
		if q.mail.Flying() {
			c.rewind(q)
		}
		c.startMail(p)
	}
}

// onHave takes the acknowledgement of our writes.
func (c *Core) onHave(p uint32, body []byte) bool {
	h, err := codec.ParseHave(body)
	if err != nil {
		return false
	}
	own := c.store.Max(c.self)
	if h.Max > own || h.Floor > c.store.Floor(c.self) {
		c.rename(c.me.Behind(c.now))
		return true
	}
	q := &c.peers[p]
	if !c.received.Fresh && h.Max < q.mail.Acked() {
		return true // overtaken by a later one
	}
	switch q.mail.Have(h.Max, own) {
	case mail.All:
		c.wheel.Cancel(peerTimer(p, timerResend))
	case mail.Less:
		c.startMail(p)
	}
	return true
}

// owe notes that the peer's own writes should be acknowledged to it.
func (c *Core) owe(p uint32) {
	q := &c.peers[p]
	if q.debt.Owe() {
		c.wheel.Set(peerTimer(p, timerAck), c.now+c.cfg.AckDelay)
	}
}

// composeMail appends our writes after the peer's cursor.
func (c *Core) composeMail(b []byte, limit int, p uint32) []byte {
	q := &c.peers[p]
	own := c.store.Max(c.self)
	out, to := c.ownRun(b, limit, q.mail.At())
	if out == nil {
		if q.mail.At() >= own || c.page.Empty(b) {
			c.due.Done(p, dueMail)
		}
		return b
	}
	q.mail.Mailed(to)
	if to >= own {
		c.due.Done(p, dueMail)
	}
	c.counters.MailSent++
	return out
}
