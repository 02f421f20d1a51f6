package checkpoint

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	pause     = 100 * sched.Millisecond // between two looks; a log that rests for so long is asked for
	late      = 500 * sched.Millisecond // one that moves on and on is asked for after this
	rideGap   = 500 * sched.Millisecond // between two that ride to a peer
	answerGap = 200 * sched.Millisecond // and two that answer it
	askGap    = 800 * sched.Millisecond // questions are not further apart, but on a long path: a lost one costs no more
	looksMost = 512                     // origins that a look is at
	asksMost  = 16                      // and of them, those that are asked for
	triesMost = 8                       // questions, until the log moves on
	doubtMost = sched.Second * 60       // between two times that a log is gone through for a sum
	wordsMost = 4 << 10                 // of a log that are summed up at once: some 600 small entries
)

// Host is the node around the checkpoints.
type Host interface {
	// Author is the peer that writes an origin, 0 for none.
	Author(o state.Origin) uint32
	// Takes reports whether the peer may be sent to, RTT is its round trip, ID its origin.
	Takes(p uint32) bool
	RTT(p uint32) *sched.RTT
	ID(p uint32) codec.OriginID
	// Debt is what is owed to a peer in acknowledgements: the next frame may ask for one.
	Debt(p uint32) *mail.Debt
}

// Mender goes through the log of an origin, first what is above a version, and makes it
// what the owner holds: interval.Mender.
type Mender interface {
	Doubt(now sched.Instant, o state.Origin, from uint64)
}

// Witness hears what came of it.
type Witness interface {
	// Contradicted tells that a version of an origin was not what its owner wrote. It was
	// brought by somebody; 0: by nobody else than the owner.
	Contradicted(o state.Origin, by codec.OriginID, version uint64)
}

// Parts are what checkpoints share with the node around them.
type Parts struct {
	Host    Host
	Store   *state.Store
	Own     state.Origin
	Mender  Mender
	Witness Witness
	Board   *due.Board
	Due     uint32      // on the board: an acknowledgement, which carries the question
	Timer   sched.Timer // wakes Step
	Off     bool        // nothing is said or compared
	Count   *Counters
}

// Counters are what came of checkpoints.
type Counters struct {
	CheckpointsSent   uint64
	CheckpointsAsked  uint64 // authors that were asked for one
	CheckpointsEqual  uint64 // what was held against one was the same
	CheckpointsDiffer uint64 // and was not
	Contradicted      uint64 // parts of logs that were not what their owners hold
}

// Checkpoints are those of one node: what it says, and what it holds against those of
// others. The zero value is not ready: call Init.
type Checkpoints struct {
	parts   Parts
	origins []origin
	waiting []state.Origin // those that were not compared since they moved
	next    int            // where the next look begins
	said    []said
	story   story
}

// origin is what is kept of one of them.
type origin struct {
	equal   uint64        // the last version at which it was what its owner held
	moved   sched.Instant // last
	since   sched.Instant // it was not compared
	asked   sched.Instant
	doubted sched.Instant
	odd     uint64 // a version that was not what the owner holds, and nobody brought; 0: none
	tries   uint8  // questions since
	doubts  uint8  // sums that differed since one did not
	waits   bool   // it is in the list
	named   bool   // somebody was, since the last sum that was the same
}

// OriginBytes is what an origin takes, PeerBytes what a peer does.
const (
	OriginBytes = 56 + 4
	PeerBytes   = 16
)

// said is what a peer was told last.
type said struct {
	at      sched.Instant
	version uint64
}

// Init makes them ready.
func (k *Checkpoints) Init(parts *Parts) { *k = Checkpoints{parts: *parts} }

// Reset forgets what is known of an origin: its handle names another one, or a new one.
func (k *Checkpoints) Reset(o state.Origin) {
	for int(o) >= len(k.origins) {
		k.origins = append(k.origins, origin{})
		k.waiting = append(k.waiting, 0)[:len(k.waiting)] // there is room for all
	}
	waits := k.origins[o].waits
	k.origins[o] = origin{waits: waits}
}

// moved notes that an origin changed, or that somebody said that it goes on.
func (k *Checkpoints) moved(now sched.Instant, o state.Origin) {
	x := &k.origins[o]
	if x.moved = now; x.waits {
		return
	}
	x.waits, x.since, x.tries = true, now, 0
	k.waiting = append(k.waiting, o)
	k.parts.Timer.SetOnce(now + pause)
}

// Step asks for the checkpoints of those that were not compared.
func (k *Checkpoints) Step(now sched.Instant) {
	asks := asksMost
	for range min(len(k.waiting), looksMost) {
		if k.next >= len(k.waiting) {
			k.next = 0
		}
		o := k.waiting[k.next]
		x := &k.origins[o]
		if !k.open(o, x) {
			x.waits = false
			last := len(k.waiting) - 1
			k.waiting[k.next] = k.waiting[last]
			k.waiting = k.waiting[:last]
			continue
		}
		k.next++
		if p := k.parts.Host.Author(o); asks > 0 && k.parts.Host.Takes(p) && k.due(now, p, x) {
			asks--
			k.ask(now, p, x)
		}
	}
	if len(k.waiting) > 0 {
		k.parts.Timer.Set(now + pause)
	}
}

// open tells whether a log is to be compared, and somebody may say with what.
func (k *Checkpoints) open(o state.Origin, x *origin) bool {
	s := k.parts.Store
	return s.ID(o) != 0 && k.parts.Host.Author(o) != 0 && (x.equal != s.Max(o) || !s.Level(o)) && x.tries < triesMost
}

// due tells whether it is time to ask peer p for the checkpoint of its log.
func (k *Checkpoints) due(now sched.Instant, p uint32, x *origin) bool {
	if now-x.moved < pause && now-x.since < late {
		return false // its own frames bring it
	}
	return x.asked == 0 || now-x.asked >= max(min(sched.Instant(answerGap)<<x.tries, askGap), k.parts.Host.RTT(p).RTO(answerGap, doubtMost))
}

func (k *Checkpoints) ask(now sched.Instant, p uint32, x *origin) {
	x.asked = now
	x.tries++
	k.parts.Host.Debt(p).Ask()
	k.parts.Board.Want(p, k.parts.Due)
	k.parts.Count.CheckpointsAsked++
}

// Ride appends the checkpoint of the own log to a frame that brings a peer level.
func (k *Checkpoints) Ride(b []byte, g *reconcile.Page) []byte {
	if x := k.to(g.Peer); g.Now-x.at < rideGap && x.at != 0 || x.version == k.parts.Store.Max(k.parts.Own) {
		return b
	}
	return k.append(b, g)
}

// Answer appends it to a frame that tells a peer who asked how far the own log goes.
func (k *Checkpoints) Answer(b []byte, g *reconcile.Page) []byte {
	if x := k.to(g.Peer); g.Now-x.at < answerGap && x.at != 0 {
		return b
	}
	return k.append(b, g)
}

// to is what a peer was told.
func (k *Checkpoints) to(p uint32) *said {
	for int(p) >= len(k.said) {
		k.said = append(k.said, said{})
	}
	return &k.said[p]
}

func (k *Checkpoints) append(b []byte, g *reconcile.Page) []byte {
	s, own := k.parts.Store, k.parts.Own
	top := s.Max(own)
	if k.parts.Off || top == 0 || !s.Level(own) || len(b)+codec.CheckpointBytesMax > g.Limit {
		return b
	}
	sum, done := s.Sum(own, &state.Budget{Words: wordsMost})
	if !done {
		return b
	}
	*k.to(g.Peer) = said{at: g.Now, version: top}
	k.parts.Count.CheckpointsSent++
	return codec.AppendCheckpoint(b, &codec.Checkpoint{ID: s.ID(own), Version: top, Sum: sum})
}

// Receive takes the body of a Checkpoint record.
func (k *Checkpoints) Receive(f *reconcile.Frame, body []byte) reconcile.Verdict {
	var c codec.Checkpoint
	if codec.ParseCheckpoint(body, &c) != nil {
		return reconcile.Malformed
	}
	s := k.parts.Store
	o := s.Find(c.ID)
	if k.parts.Off || o == 0 || !f.Fresh || k.parts.Host.Author(o) != f.Peer || c.Version != s.Max(o) {
		return reconcile.Taken // it is of no use here, now
	}
	s.Ends(o)
	if s.Dirty(o) || !s.Level(o) {
		return reconcile.Taken
	}
	sum, done := s.Sum(o, &state.Budget{Words: wordsMost})
	switch x := &k.origins[o]; {
	case !done: // it goes on with the next one
		x.tries = 0
	case sum == c.Sum:
		k.parts.Count.CheckpointsEqual++
		x.equal, x.since, x.tries, x.doubts = c.Version, f.Now, 0, 0
		k.settled(f.Now, o, x)
	default:
		k.parts.Count.CheckpointsDiffer++
		k.differs(f.Now, o, x)
	}
	return reconcile.Taken
}

// differs sees to it that a log is gone through, unless that helped nothing a moment ago.
func (k *Checkpoints) differs(now sched.Instant, o state.Origin, x *origin) {
	if x.doubts > 0 && now-x.doubted < min(sched.Instant(answerGap)<<x.doubts, doubtMost) {
		return
	}
	x.doubted = now
	x.doubts = min(x.doubts+1, 9)
	k.parts.Mender.Doubt(now, o, x.equal)
}

// Compared tells whether all that is here of an origin was what its owner held.
func (k *Checkpoints) Compared(o state.Origin) bool {
	return k.origins[o].equal == k.parts.Store.Max(o)
}
