package reconcile

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Counters are what comparisons sent and received, whatever they compare by.
type Counters struct {
	EntriesSent     uint64
	DigestsSent     uint64
	DigestsReceived uint64
	PullsSent       uint64
	PullsServed     uint64
	Agreements      uint64 // fingerprints that were equal
}

// Parts are what a comparison shares with the node around it, whatever it compares by.
type Parts struct {
	View    View
	Filler  *Filler
	Board   *due.Board
	Due     Due
	Budgets Budgets
	Rand    *sched.Rand
	Count   *Counters
	Busy    *uint64 // counts what was given up for want of room
}

// Due are what a comparison may make due at a peer, as bits of the host's own: its
// Append is called for each.
type Due struct {
	Digest uint32 // windows of a digest
	Runs   uint32 // an answer to a digest or a pull list
	Ask    uint32 // a pull list
	Turn   uint32 // another message of the comparison
}

// Budgets are what exchanges with peers may move, and did.
type Budgets interface {
	// Lacks notes that the peer was found to lack so many entries more.
	Lacks(now sched.Instant, p uint32, entries int)
	// Sent notes entries that the exchange with a peer moved.
	Sent(now sched.Instant, p uint32, entries int)
	// Left is how many entries the exchange may still move; negative: any number.
	Left(now sched.Instant, p uint32) int
}

// Frame is the frame that a record came in.
type Frame struct {
	Now     sched.Instant
	Number  uint64       // of all frames received
	Peer    uint32       // the sender
	Author  state.Origin // what the sender writes; 0: nothing is known of it
	Fresh   bool         // it is newer than all before it from this peer: no replay
	Ack     uint32       // the last frame to the peer that it had seen
	Printed bool         // it carries the sender's fingerprint:
	Print   uint64
	Full    codec.FullAts // what its sender has no room for, said before in the frame

	Records
}

// Begin turns to another frame; what is read into Records stays there, but the last run is
// nobody's.
func (f *Frame) Begin(now sched.Instant, number uint64, peer uint32) {
	f.Now, f.Number, f.Peer, f.Author, f.Fresh, f.Printed, f.Full = now, number, peer, 0, false, false, codec.FullAts{}
	f.Run.ID = 0
}

// Page is the frame that is being composed for a peer.
type Page struct {
	codec.Header
	Now   sched.Instant
	Limit int // bytes that it may have
	Begun int // bytes before its first record that was due
	Peer  uint32
	Kinds codec.Kind // the last kind of entries that the peer knows

	Introduced bool // it began with the introduction of the node itself
}

// Empty reports that no record is in the frame yet: what does not fit into b then
// will not fit into the next frame either.
func (g *Page) Empty(b []byte) bool { return len(b) <= g.Begun }

// Verdict says what became of a record.
type Verdict uint8

// The verdicts.
const (
	Taken     Verdict = iota
	Malformed         // its body is none of its type
	OtherMode         // it belongs to the other way to compare, which its sender uses
	Outdone           // it was taken: somebody holds more of our own origin than we wrote
	Forged            // no member can have made it
	Unknown           // it is of an origin that was never introduced
)

// AskedBy is what a digest asks for in an exchange of kind k that its sender
// began.
func AskedBy(k codec.SyncKind) codec.DigestFlags {
	switch k {
	case codec.SyncPush:
		return codec.DigestOffer
	case codec.SyncPull:
		return codec.DigestWantRuns
	default:
		return codec.DigestOffer | codec.DigestWantRuns
	}
}

// AnsweredBy is what a digest asks for that answers a Sync of kind k: the other
// one began, so push and pull change sides.
func AnsweredBy(k codec.SyncKind) codec.DigestFlags {
	switch k {
	case codec.SyncPush:
		k = codec.SyncPull
	case codec.SyncPull:
		k = codec.SyncPush
	}
	return AskedBy(k)
}
