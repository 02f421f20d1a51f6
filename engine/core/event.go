package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/engine/state"
)

// EventKind says what an [Event] reports.
type EventKind uint8

// The events.
const (
	// Advanced: the replica of an origin now reaches To; every live key with a
	// version in (From, To] is readable. Advances coalesce: one event an origin
	// waits at most, so they can't overflow.
	Advanced        EventKind = iota + 1
	MemberJoined              // an origin became known
	MemberReachable           // it answered for the first time, or again
	MemberQuiet               // it owes acknowledgements and is no longer mailed
	MemberSuspected           // a quorum of its observers misses it
	MemberDied                // and it did not refute in time
	MemberForgotten           // it was dead or gone for long: its state is dropped
	MemberLeft                // it said that it leaves
	MemberReplaced            // a newer generation of the same name took its place
	MemberMoved               // its address changed
	Renewed                   // this node took a new generation
	NameConflict              // a live rival uses this node's name; To is 1 where it wins
	Superseded                // and wins: this node stops writing
	Restored                  // and is gone: this node takes a generation above it and writes again
	KeyUnknown                // frames come sealed with a key that we do not hold; once a source and minute
	Declared                  // a member changed what it says of itself (package declare) with a version in (From, To]
	Refused                   // the one at Addr does not take us: From is its codec.RefusalReason, To the detail
	Refuses                   // we do not take the one at Addr: likewise
	Ponged                    // the answer to Ping number From, after To nanoseconds
	PathNarrow                // frames above codec.FrameBytesFloor do not reach a member
	PathLong                  // a round trip of To nanoseconds is more than Detector.TimeoutMax; told once
	Contradicted              // version From of an origin is not its owner's word, To is the checkpoint.Why; Peer brought it, 0: nobody else did
	EventsLost                // more happened than the queue holds: read the members again
)

// Event is one thing that the shell may want to tell its user.
type Event struct {
	Kind       EventKind
	Origin     state.Origin
	Peer       uint32
	From, To   uint64 // Advanced, Declared, Ponged
	Generation uint64
	Addr       netip.AddrPort
	Key        uint8 // KeyUnknown
}

// NextEvent takes the next event, advances first. It reports false when there
// is none. A shell drains it after each burst of calls.
func (c *Core) NextEvent(ev *Event) bool {
	for o, ok := c.queue.Next(); ok; o, ok = c.queue.Next() {
		if x := &c.origins[o]; x.known { // not removed in the meantime
			to := c.differ.Reached(o)
			*ev = Event{Kind: Advanced, Origin: o, Peer: x.peer, From: c.queue.Tell(o, to), To: to}
			return true
		}
	}
	if c.queue.Pop(ev) {
		return true
	}
	if c.queue.Lost() { // one event stands for all that found no room
		*ev = Event{Kind: EventsLost}
		return true
	}
	return false
}

func (c *Core) notify(k EventKind, p uint32) {
	ev := Event{Kind: k, Peer: p}
	if p != 0 {
		q := &c.peers[p]
		ev.Origin, ev.Addr = q.origin, q.at.Addr
		if q.origin != 0 {
			ev.Generation = c.store.Gen(q.origin)
		}
	}
	c.queue.Push(ev)
}
