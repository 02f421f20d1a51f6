package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/events"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// News leaves at once, in one of three ways; that over delegates is in package delegate.
//
// Mail: the author sends to every reachable peer, from that peer's cursor, so that what one
// peer gets is contiguous. An acknowledgement that is missed moves the cursor back.
//
// Rumor: the author and everybody who learns something spread it to a few peers a cycle, from
// their own max before the news (package rumor).
// When news leaves, mail.Flush decides, after FlushMax at the latest; package mail mails it.

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
	Age     uint32     // how much of that has passed already
	Stamp   int64      // when it was written, by the shell's wall clock; 0: none
	Is      codec.Kind // what the value is; 0: a user's bytes
	Lease   uint32     // that it lives by; 0: none
	Class   tune.Class // how urgent it is
	Batch   uint8      // how many writes of the same batch are left, this one among them; 0: it is none of a batch
}

// entry is what the write says, without its stamp.
func (op *Op) entry() codec.Entry {
	e := codec.Entry{Version: op.Version, Key: op.Key, Value: op.Value, TTL: op.TTL, Age: op.Age}
	if op.Kind == Delete {
		e.Flags, e.Value = codec.EntryTombstone, nil
	}
	if op.TTL != 0 {
		e.Flags |= codec.EntryTTL
	}
	if op.Is != 0 {
		e.Flags, e.Kind = e.Flags|codec.EntryKinded, op.Is
	}
	if op.Lease != 0 {
		e.Flags, e.Lease = e.Flags|codec.EntryLeased, op.Lease
	}
	if op.Batch > 1 {
		e.Flags, e.Rest = e.Flags|codec.EntryMore, op.Batch-1
	}
	return e
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
	if op.Version <= max(c.store.Max(c.store.Owner()), c.flow.Written()) || op.Version > codec.VersionMax || len(op.Key) == 0 {
		return Disorder
	}
	e := op.entry()
	c.me.Stamp(c.now, &e, op.Stamp, c.differ.Scattered())
	if codec.System(op.Key) {
		c.declare(op)
	}
	if op.Kind == Delete && c.store.Denies(&e) {
		c.counters.Writes++ // a version that says nothing, but for a young life
		c.publish(op)
		return Written
	}
	status := state.Old
	if c.flow.Behind() && op.Batch == 0 && !c.differ.Scattered() { // a key that waits keeps its turn
		status = c.store.Amend(c.store.Owner(), &e)
	}
	if status == state.Old {
		status = c.store.Apply(c.store.Owner(), &e)
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

// initNews makes ready what news travels by.
func (c *Core) initNews() {
	cfg := &c.cfg
	c.rumors.Init(cfg.Rumor, max(fanoutMax, cfg.Fanout), &rumor.Parts{
		Host: rumorHost{&c.peers, &c.origins, &c.roster, &c.mail}, Store: c.store, Filler: &c.filler, Rand: &c.rand,
		Board: &c.due, Due: rumor.Due{Windows: dueRumor, Contact: dueContact, Answers: dueAnswers}, Cycles: &c.mail,
		Count: &c.counters.rumorCounters, Shared: &c.counters.exchangeCounters, Busy: &c.counters.Drops[DropBusy],
	})
	c.mail.Init(&mail.Config{
		Spread: cfg.Spread, MailMax: cfg.Experiment.MailMax, Fanout: cfg.Fanout, Blind: cfg.Rumor.Blind,
		AckDelay: cfg.Experiment.AckDelay, FlushMax: cfg.Experiment.FlushMax, Settle: cfg.Experiment.Settle, Seed: c.me.Key[0],
	}, &mail.Parts{
		Host: mailHost{&c.peers}, Clock: &c.me, Roster: &c.roster, Store: c.store, Own: c.store.Owner(), Paths: &c.paths,
		Filler: &c.filler, Rumors: &c.rumors, Needs: &c.rumors, Parcels: dueParcel, Answers: dueCovered, Alarm: c.wheel.Timer(timerDelegates), Word: &c.word, Scattered: c.differ.Scattered(),
		Board: &c.due, Due: dueMail, Flush: c.wheel.Timer(timerFlush),
		Resend: timersOf(&c.wheel, timerResend), Ack: timersOf(&c.wheel, timerAck),
		Count: &c.counters.mailCounters, Shared: &c.counters.exchangeCounters,
	})
	c.events.Init(events.Limits{Origins: c.store.Limits().Handles(), Kept: cfg.Limits.Broadcasts}, &events.Parts{
		Host: eventHost{&c.peers, &c.roster, &c.mail}, Store: c.store, Own: c.store.Owner(), Board: &c.due, Due: dueCast,
		Count: &c.counters.eventCounters,
	})
}

// mailHost is what mail sees of the node.
type mailHost struct{ *peerList }

func (h mailHost) Cursor(p uint32) *mail.Cursor { return &(*h.peerList)[p].mail }
func (h mailHost) Boot(p uint32) uint64         { return (*h.peerList)[p].at.Since }
func (h mailHost) Debt(p uint32) *mail.Debt     { return &(*h.peerList)[p].debt }
func (h mailHost) Origin(p uint32) state.Origin { return (*h.peerList)[p].origin }
func (h mailHost) Life(p uint32) roster.Life    { return (*h.peerList)[p].Life }
