package checkpoint

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	pause     = 100 * sched.Millisecond  // between two looks; a log that rests for so long is asked for
	rest      = 250 * sched.Millisecond  // or for this, if it moved on by more than rideFew: it may go on
	late      = 4500 * sched.Millisecond // one that moves on and on is asked for after this, less the time of a round
	rideGap   = 500 * sched.Millisecond  // between two that ride to a peer
	rideLate  = 4 * sched.Second         // or this, while the log moves on: it is asked for when it rests
	rideFew   = 8                        // new versions, and fewer: the log hardly moves
	rideMany  = 512                      // and more: summed up now, so that a log that rests takes one step
	answerGap = 200 * sched.Millisecond  // and two that answer it, if nothing was written in between
	askGap    = 800 * sched.Millisecond  // questions are not further apart, but on a long path: a lost one costs no more
	looksMost = 512                      // origins that a look is at
	asksMost  = 16                       // and of them, those that are asked for, at once
	askRate   = 20                       // questions a second, once so many were asked at once
	askRound  = 4                        // seconds in which all that wait are asked for, if there are more
	askLag    = 5 * sched.Millisecond    // a loop whose turns take longer asks for fewer, in proportion
	triesMost = 8                        // questions, until the log moves on
	doubtMost = sched.Second * 60        // between two times that a log is gone through for a sum
	wordsMost = 4 << 10                  // of a log that are summed up at once: some 600 small entries
)

// Host is the node around the checkpoints.
type Host interface {
	// Author is the peer that writes an origin, 0 for none.
	Author(o state.Origin) uint32
	// Takes reports whether the peer may be sent to, RTT is its round trip, ID its origin.
	Takes(p uint32) bool
	RTT(p uint32) *sched.RTT
	ID(p uint32) codec.OriginID
	// Boot is the first generation of a peer's process.
	Boot(p uint32) uint64
	// Debt is what is owed to a peer in acknowledgements: the next frame may ask for one.
	Debt(p uint32) *mail.Debt
}

// Mender goes through the log of an origin, first what is above a version, and makes it
// what the owner holds: interval.Mender. whole: its sums are right, its entries are not.
type Mender interface {
	Doubt(now sched.Instant, o state.Origin, from uint64, whole bool)
}

// Why says what is wrong with an origin.
type Why uint8

// The reasons.
const (
	NotWritten Why = iota // what is told of the version is not what its owner wrote
	NotTheirs             // a signature in its owner's name is not under the key that is known as theirs
	Unsigned              // no signature of it comes
	KeysFull              // there is no room to keep whose key signed it
)

// Witness hears what came of it.
type Witness interface {
	// Contradicted tells what is wrong with a version of an origin. It was brought by
	// somebody; 0: by nobody else than the owner.
	Contradicted(o state.Origin, by codec.OriginID, version uint64, why Why)
}

// Parts are what checkpoints share with the node around them.
type Parts struct {
	Host    Host
	Store   *state.Store
	Own     state.Origin
	Mender  Mender
	Witness Witness
	Board   *due.Board
	Due     uint32         // on the board: an acknowledgement, which carries the question
	Timer   sched.Timer    // wakes Step
	Lag     *sched.Instant // of the loop
	Off     bool           // nothing is said or compared
	Precise bool           // logs have holes: sums are compared where all is the same as at the owner
	Count   *Counters
	Active  int // peers of whom is kept what they were told; 0: as many as is usual
	Signing
}

// Signing is what of checkpoints is signed. It needs a shell that takes jobs: NextJob.
type Signing struct {
	Signs    bool // the own ones
	Verifies bool // and others are held against the signatures of theirs
	Required bool // members that never sign are told of
}

// Counters are what came of checkpoints.
type Counters struct {
	CheckpointsSent   uint64
	CheckpointsAsked  uint64 // authors that were asked for one
	CheckpointsEqual  uint64 // what was held against one was the same
	CheckpointsDiffer uint64 // and was not
	Contradicted      uint64 // parts of logs that were not what their owners hold
	CheckpointsForged uint64 // that somebody said of another one's log
	CheckpointsMade   uint64 // signatures of the own log
	CheckpointsSigned uint64 // what was held against a signature was the same
	SignaturesForged  uint64 // were not under the key that is known as their owner's
	SignaturesUnbound uint64 // came when there was no room to keep whose key that is, and say nothing
}

// Checkpoints are those of one node: what it says, and what it holds against those of
// others. The zero value is not ready: call Init.
type Checkpoints struct {
	parts   Parts
	origins []origin
	waiting []state.Origin // those that were not compared since they moved
	next    int            // where the next look begins
	budget  sched.Pacer    // of questions
	late    sched.Instant  // see the constant
	said    active.Parts[said]
	tickets []active.Ticket // for it, by peer
	story   story
	sign    signState
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
	fresh   bool   // its author said nothing of it yet
}

// OriginBytes is what an origin takes at most, PeerBytes what a peer does.
const (
	OriginBytes = 56 + 4 + 48 // 48: where signatures are verified
	PeerBytes   = 8
	ActiveBytes = 48 + active.PartBytes // and what one takes in addition that was told something lately
)

// ActiveFootprint is that of so many peers, most of them at once; 0: as many as is usual.
func ActiveFootprint(most, peers int) int { return active.Footprint(most, peers, ActiveBytes) }

// said is what a peer was told last.
type said struct {
	id       codec.OriginID // the life of its that was told
	at       sched.Instant
	version  uint64
	signed   uint64 // the version of the last signature
	signedAt sched.Instant
	wants    bool // a signature, when there is one
}

// Init makes them ready.
func (k *Checkpoints) Init(parts *Parts) {
	*k = Checkpoints{parts: *parts}
	k.budget.Init(0, askRate, asksMost)
	k.said.Init(parts.Active)
	if parts.Verifies {
		k.sign.slots = make([]slot, slotsMost)
	}
}

// Reset forgets what is known of an origin: its handle names another one, or a new one.
func (k *Checkpoints) Reset(o state.Origin) {
	for int(o) >= len(k.origins) {
		k.origins = append(k.origins, origin{})
		k.waiting = append(k.waiting, 0)[:len(k.waiting)] // there is room for all
	}
	waits := k.origins[o].waits
	k.origins[o] = origin{waits: waits, fresh: true}
	if !k.parts.Verifies {
		return
	}
	for int(o) >= len(k.sign.pens) {
		k.sign.pens = append(k.sign.pens, pen{})
	}
	k.sign.pens[o] = pen{}
}

// Moved notes that an origin changed, or that somebody said that it goes on.
func (k *Checkpoints) Moved(now sched.Instant, o state.Origin) {
	x := &k.origins[o]
	if x.moved = now; x.waits {
		return
	}
	x.waits, x.since, x.tries = true, now, 0
	if k.parts.Verifies {
		k.sign.pens[o].mayAsk(now)
	}
	k.waiting = append(k.waiting, o)
	k.parts.Timer.SetOnce(now + pause)
}

// Step asks for the checkpoints of those that were not compared. Each question costs a frame there and
// one back, so all logs together are asked for at a rate: askRate, or as fast as it takes to ask for
// all that wait in askRound seconds. A loop that is late asks at askRate, since questions do not become
// fewer with what it gets done.
func (k *Checkpoints) Step(now sched.Instant) {
	round := sched.Instant(len(k.waiting)/askRound) * askLag / max(askLag, *k.parts.Lag)
	rate := min(max(askRate, int(round)), asksMost*int(sched.Second/pause))
	k.budget.SetRate(now, uint64(rate))
	if k.late = late; len(k.waiting) > asksMost {
		k.late = max(rest, late-sched.Instant(len(k.waiting))*sched.Second/sched.Instant(rate))
	}
	asks := min(asksMost, k.budget.Available(now))
	for range min(len(k.waiting), looksMost) {
		if k.next >= len(k.waiting) {
			k.next = 0
		}
		o := k.waiting[k.next]
		x := &k.origins[o]
		if now-x.moved < pause && now-x.since < k.late && !k.parts.Verifies { // most, and of those nothing else is looked at
			k.next++
			continue
		}
		if !k.open(o, x) {
			x.waits = false
			last := len(k.waiting) - 1
			k.waiting[k.next] = k.waiting[last]
			k.waiting = k.waiting[:last]
			continue
		}
		if asks == 0 {
			break // the next look goes on here
		}
		k.next++
		if p := k.parts.Host.Author(o); k.parts.Host.Takes(p) && k.asks(now, p, o) {
			asks--
			k.budget.Spend(now, 1)
			k.parts.Host.Debt(p).Ask()
			k.parts.Board.Want(p, k.parts.Due)
			k.parts.Count.CheckpointsAsked++
		}
	}
	if len(k.waiting) > 0 || k.sign.wanted {
		k.parts.Timer.Set(now + pause)
	}
}

// open tells whether a log is to be compared, and somebody may say with what.
func (k *Checkpoints) open(o state.Origin, x *origin) bool {
	return k.parts.Store.ID(o) != 0 && k.parts.Host.Author(o) != 0 && (k.unequal(o, x) || k.unsigned(o))
}

// unequal tells whether a log is to be held against its owner's sum.
func (k *Checkpoints) unequal(o state.Origin, x *origin) bool {
	s := k.parts.Store
	return (x.equal != s.Max(o) || !s.Level(o)) && x.tries < triesMost
}

// asks tells whether peer p is asked for the checkpoint of its log now, and notes that.
func (k *Checkpoints) asks(now sched.Instant, p uint32, o state.Origin) bool {
	x := &k.origins[o]
	if k.unequal(o, x) {
		due := k.due(now, p, o)
		if due {
			x.asked = now
			x.tries++
		}
		return due
	}
	due := k.signDue(now, p, o)
	if due {
		k.askSigned(now, o)
	}
	return due
}

// due tells whether it is time to ask peer p for the checkpoint of its log.
func (k *Checkpoints) due(now sched.Instant, p uint32, o state.Origin) bool {
	x, rests := &k.origins[o], sched.Instant(pause)
	if k.parts.Store.Max(o)-x.equal > rideFew {
		rests = rest
	}
	if now-x.moved < rests && now-x.since < k.late {
		return false // its own frames bring it
	}
	return x.asked == 0 || now-x.asked >= max(min(sched.Instant(answerGap)<<x.tries, askGap), k.parts.Host.RTT(p).RTO(answerGap, doubtMost))
}

// Ride appends the checkpoint of the own log to a frame that brings a peer level.
func (k *Checkpoints) Ride(b []byte, g *reconcile.Page) []byte {
	x := k.told(g.Peer)
	news := k.parts.Store.Max(k.parts.Own) - x.version
	gap := sched.Instant(rideGap)
	if news > rideFew && news < rideMany {
		gap = rideLate
	}
	if k.parts.Precise || news == 0 || g.Now-x.at < gap && x.at != 0 {
		return b
	}
	return k.append(b, g)
}

// Answer appends it to a frame that tells a peer who asked how far the own log goes.
func (k *Checkpoints) Answer(b []byte, g *reconcile.Page) []byte {
	x, gap := k.told(g.Peer), sched.Instant(answerGap)
	if x.version != k.parts.Store.Max(k.parts.Own) {
		gap = pause // who looked just before the last write asks once more
	}
	if x.at == 0 || g.Now-x.at >= gap {
		b = k.append(b, g)
	}
	return k.appendSigned(b, g)
}

// told is what a peer was told, nothing where that is not known any more.
func (k *Checkpoints) told(p uint32) said {
	if int(p) < len(k.tickets) {
		if x := k.said.Look(k.tickets[p]); x != nil && x.id == k.parts.Host.ID(p) {
			return *x
		}
	}
	return said{}
}

// tell is for what a peer is told now.
func (k *Checkpoints) tell(now sched.Instant, p uint32) *said {
	for int(p) >= len(k.tickets) {
		k.tickets = append(k.tickets, active.Ticket{})
	}
	x, fresh := k.said.Take(now, &k.tickets[p])
	if id := k.parts.Host.ID(p); fresh || x.id != id {
		*x = said{id: id}
	}
	return x
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
	to := k.tell(g.Now, g.Peer)
	to.at, to.version = g.Now, top
	k.parts.Count.CheckpointsSent++
	return codec.AppendCheckpoint(b, &codec.Checkpoint{ID: s.ID(own), Version: top, Sum: sum})
}

// Said is the version at which a peer was told last what the own log sums up to; 0: it was not, in
// its present life and as far as is known.
func (k *Checkpoints) Said(p uint32) uint64 { return k.told(p).version }

// Receive takes the body of a Checkpoint record.
func (k *Checkpoints) Receive(f *reconcile.Frame, body []byte) reconcile.Verdict {
	var c codec.Checkpoint
	if codec.ParseCheckpoint(body, &c) != nil {
		return reconcile.Malformed
	}
	s := k.parts.Store
	o := k.owned(f, c.ID, c.Version)
	if o == 0 || !f.Fresh || c.Version != s.Max(o) || k.parts.Precise && (!f.Printed || f.Print != s.KeyPrint()) {
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
		k.differs(f.Now, o, x, x.equal, false)
	}
	return reconcile.Taken
}

// differs sees to it that a log is gone through from a version on, unless that helped nothing a
// moment ago.
func (k *Checkpoints) differs(now sched.Instant, o state.Origin, x *origin, from uint64, whole bool) {
	if x.doubts > 0 && now-x.doubted < min(sched.Instant(answerGap)<<x.doubts, doubtMost) {
		return
	}
	x.doubted = now
	x.doubts = min(x.doubts+1, 9)
	k.parts.Mender.Doubt(now, o, from, whole)
}

// Compared tells whether all that is here of an origin was what its owner held.
func (k *Checkpoints) Compared(o state.Origin) bool {
	return k.origins[o].equal == k.parts.Store.Max(o)
}
