package walk

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// WalksMax is how many walks a node takes part in at a time.
const WalksMax = 4

// MissesMax is how many members in a row one hop skips before the walk is given up.
const MissesMax = 64

// Took says what became of a token that arrived.
type Took uint8

// What becomes of a token.
const (
	Taken    Took = iota // it is here now: confirm, then repair the successor
	Repeated             // it was here before: confirm again, do nothing
	Busy                 // too many walks: do not confirm, the sender tries again
	Finished             // it was the last hop: confirm, and tell the starter
)

// Walker is a node's part in ring repair: which tokens are here, whom it repairs,
// and how its own walk goes on. The node with a token repairs its successor (what
// it has and the successor has not) and passes the token on when the successor is
// level, so that a walk of Hops(n) makes n replicas equal. A successor that does
// not answer is skipped.
type Walker struct {
	self codec.OriginID
	held [WalksMax]held
	past [2 * WalksMax]pass // tokens that were here
	last int                // where past goes on
	own  own
}

type held struct {
	token  codec.Token
	peer   codec.OriginID // the successor under repair; 0: to be chosen
	misses uint32         // members skipped in this hop
	passed bool           // repaired; waiting for the successor's confirmation
}

// pass names one hop of one walk: a token that comes again is known by it.
type pass struct {
	walk uint64
	hop  uint32
}

// own is the walk that this node started.
type own struct {
	token    codec.Token   // as of the last news
	silent   sched.Instant // when no news means that it is lost
	patience sched.Instant
	done     bool
}

// Init makes the walker of node self.
func (w *Walker) Init(self codec.OriginID) { *w = Walker{self: self} }

// Start begins a walk over ring, which holds self and is sorted. id must be new
// (random); no news for patience means that the token is lost. It returns false
// when a walk of this node is under way already, or this node takes part in too
// many. Alone in the ring the walk is done at once.
func (w *Walker) Start(id uint64, ring []codec.OriginID, now, patience sched.Instant) bool {
	if w.Walking() || id == 0 {
		return false
	}
	t := codec.Token{Walk: id, Starter: w.self, Hops: Hops(len(ring))}
	slot := w.free()
	if slot == nil && t.Hops > 0 {
		return false
	}
	w.own = own{token: t, silent: now + patience, patience: patience, done: t.Hops == 0}
	if t.Hops > 0 {
		*slot = held{token: t}
	}
	return true
}

// Walking tells whether a walk that this node started is under way.
func (w *Walker) Walking() bool { return w.own.token.Walk != 0 && !w.own.done }

// Progress returns the own walk as of the last news, and whether it is done.
func (w *Walker) Progress() (t codec.Token, done bool) { return w.own.token, w.own.done }

// Take takes a token that arrived. On Taken the caller goes on with Repairs; on
// Finished it reports the token to its starter.
func (w *Walker) Take(t *codec.Token) Took {
	if w.was(pass{t.Walk, t.Hop}) {
		return Repeated
	}
	if t.Hop >= t.Hops {
		w.remember(pass{t.Walk, t.Hop})
		return Finished
	}
	slot := w.free()
	if slot == nil {
		return Busy
	}
	w.remember(pass{t.Walk, t.Hop})
	*slot = held{token: *t}
	return Taken
}

// Repairs returns whom to repair in the i-th walk here, 0 <= i < WalksMax; 0 is
// nobody. ring is the sorted live members as this node sees them now.
func (w *Walker) Repairs(i int, ring []codec.OriginID) codec.OriginID {
	h := &w.held[i]
	if h.token.Walk == 0 {
		return 0
	}
	if h.peer == 0 {
		h.peer = Successor(ring, w.self)
		if h.peer == 0 {
			*h = held{} // everybody else has gone
			return 0
		}
	}
	return h.peer
}

// Passing tells whether the i-th walk waits for its successor's confirmation,
// and returns the token to send to it again meanwhile.
func (w *Walker) Passing(i int) (t codec.Token, ok bool) { return w.held[i].token, w.held[i].passed }

// Repaired tells that the successor of the i-th walk holds now all that this node
// holds: copied origins whole, patched others by difference, in entries entries.
// It returns the token to send to it.
func (w *Walker) Repaired(i int, copied, patched uint32, entries uint64) codec.Token {
	h := &w.held[i]
	if !h.passed {
		h.passed = true
		h.token.Hop++
		h.token.Copied += copied
		h.token.Patched += patched
		h.token.Entries += entries
	}
	return h.token
}

// Confirmed tells that from has taken the token of that walk and hop. It returns
// whether this ended a hop of this node: the caller then reports the progress to
// the starter.
func (w *Walker) Confirmed(from codec.OriginID, walk uint64, hop uint32) bool {
	for i := range w.held {
		h := &w.held[i]
		if h.passed && h.peer == from && h.token.Walk == walk && h.token.Hop == hop {
			*h = held{}
			return true
		}
	}
	return false
}

// Missed tells that the successor of the i-th walk did not answer: the next one
// after it is repaired instead. It returns false when the walk was given up.
func (w *Walker) Missed(i int, ring []codec.OriginID) bool {
	h := &w.held[i]
	if h.token.Walk == 0 || h.peer == 0 {
		return h.token.Walk != 0
	}
	next := Successor(ring, h.peer)
	if next == w.self {
		next = Successor(ring, w.self)
	}
	if h.passed {
		h.passed = false
		h.token.Hop--
	}
	h.misses++
	h.token.Skipped++
	if h.misses >= MissesMax || next == 0 || next == h.peer {
		*h = held{}
		return false
	}
	h.peer = next
	return true
}

// News takes a report on a walk: from another node, or from Take's Finished. Only
// the walk that this node started and only progress count: a further hop, or more
// entries or one more that was skipped in the same one.
func (w *Walker) News(t *codec.Token, now sched.Instant) {
	o := &w.own
	if !w.Walking() || t.Walk != o.token.Walk || t.Hops != o.token.Hops || t.Hop < o.token.Hop ||
		t.Hop == o.token.Hop && t.Entries <= o.token.Entries && t.Skipped <= o.token.Skipped {
		return
	}
	o.token = *t
	o.token.Starter = w.self
	o.silent = now + o.patience
	o.done = t.Hop >= t.Hops
}

// Lost tells whether the own walk has made no progress for its patience: the
// caller ends it, and may start another.
func (w *Walker) Lost(now sched.Instant) bool { return w.Walking() && now >= w.own.silent }

// End forgets the own walk, wherever its token may be.
func (w *Walker) End() {
	for i := range w.held {
		if w.held[i].token.Walk == w.own.token.Walk {
			w.held[i] = held{}
		}
	}
	w.own = own{}
}

func (w *Walker) free() *held {
	for i := range w.held {
		if w.held[i].token.Walk == 0 {
			return &w.held[i]
		}
	}
	return nil
}

func (w *Walker) was(p pass) bool { return slices.Contains(w.past[:], p) }

func (w *Walker) remember(p pass) {
	w.past[w.last] = p
	w.last = (w.last + 1) % len(w.past)
}
