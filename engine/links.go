package engine

import (
	"slices"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/content"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	linkPause = sched.Second   // before a member is connected to again
	cutPause  = linkPause >> 8 // the same, where it cut the stream off at its door; each time in a row twice as long
	cutsMost  = 8              // so often: the pause is the longer one then
	shutLeast = 5              // failures in a row, the pauses between them: more than a death takes
	fullPause = linkPause / 50 // before what found a stream full is tried again, at the latest
	linkTurn  = sched.Second   // that a stream is open before it gives its place to another
)

// links are the streams that are open.
type links struct {
	byID  map[batch.StreamID]*link
	byTag map[uint32]*link // opened here, by the origin at the other end
	shut  map[uint32]int   // by origin: so often in a row no stream came up
	here  []*link          // opened here, and not down
	lobby link             // where wants wait for a place for a stream
	store link             // and for room for their contents
	tries int              // for room, that are left since there may be more
	can   []*link          // on which something waits that may be tried
	full  []*link          // that took no more when they were last tried
	retry sched.Instant    // when those are tried again; Never: there are none
}

// link is one stream.
type link struct {
	id      batch.StreamID
	tag     uint32 // of the origin at the other end, where this side opened it
	up      bool
	heard   bool // something came on it
	since   sched.Instant
	used    sched.Instant // something was last asked on it
	until   sched.Instant // not before: it failed
	failed  bool
	cuts    uint                      // so often in a row the member cut a stream off at its door
	retired bool                      // it gives its place to another: nothing more is asked
	waiting fifo                      // contents that are to be asked for on it
	stuck   bool                      // nothing more can be asked before something happens
	full    bool                      // in links.full
	listed  bool                      // in links.can
	asks    map[uint32]content.Handle // by tag; 0: given up, and never answered so far
	passed  map[uint32]int            // by tag: so many later asks were answered before it
	lost    int                       // asks that are given up
	sending map[uint32]content.Handle // held for answers that are on their way
	late    []served                  // answers that found no room
	spans   map[uint32]*span          // asks for runs, by tag
	made    map[uint32][]byte         // answers with runs that are made and not sent, by tag
}

// served is an answer that is to be sent.
type served struct {
	tag  uint32
	want int
	sum  content.Sum
	runs codec.AnswerStatus // of an answer to an ask for runs; 0: it is one to an ask for a content
}

func newLink(id batch.StreamID) *link {
	return &link{
		id: id, asks: map[uint32]content.Handle{}, passed: map[uint32]int{}, sending: map[uint32]content.Handle{},
		spans: map[uint32]*span{}, made: map[uint32][]byte{},
	}
}

func (l *links) init() {
	l.byID = map[batch.StreamID]*link{}
	l.byTag = map[uint32]*link{}
	l.shut = map[uint32]int{}
	l.retry = sched.Never
}

// tookNoMore has a stream tried again soon. What fills it may be on others, and no event of its own
// may tell when that is over.
func (l *links) tookNoMore(now sched.Instant, k *link) {
	l.retry = min(l.retry, now+fullPause)
	if !k.full {
		k.full, l.full = true, append(l.full, k)
	}
}

// pending is how many answers are waited for.
func (k *link) pending() int { return len(k.asks) - k.lost + len(k.spans) }

const (
	passedMost = 64                // later asks that are answered before one: whoever means to answer takes asks in turn
	passedRuns = 30 * sched.Second // and not before, where it is one for runs: those take time to be made
	lostMost   = 8                 // asks of a stream that are given up: nothing more is asked on it
)

// overtaken notes that an ask was answered, and gives those before it that are to be given up: whoever
// answers others all the time keeps a stream from stalling. Ranges of those are asked of another.
func (k *link) overtaken(now sched.Instant, tag uint32) (lost []content.Handle) {
	delete(k.passed, tag)
	for t, h := range k.asks {
		if h != 0 && k.passes(tag, t) {
			k.gives(t)
			lost = append(lost, h)
		}
	}
	for t, s := range k.spans {
		if k.passes(tag, t) && now-s.askedAt >= passedRuns {
			delete(k.spans, t)
			k.gives(t)
			s.elsewhere(now, k.tag)
		}
	}
	slices.Sort(lost) // not in the order of the map: what follows is the same each time
	return lost
}

// passes counts that an ask was answered before an earlier one; true: that is to be given up.
func (k *link) passes(tag, earlier uint32) bool {
	if int32(tag-earlier) <= 0 {
		return false
	}
	k.passed[earlier]++
	return k.passed[earlier] >= passedMost
}

// gives gives an ask up. It has its place on the stream until it is answered.
func (k *link) gives(tag uint32) {
	delete(k.passed, tag)
	k.asks[tag] = 0
	k.lost++
}

// opened notes a stream that this side opens to an origin.
func (l *links) opened(now sched.Instant, id batch.StreamID, tag uint32) *link {
	k := newLink(id)
	k.tag, k.since, k.used = tag, now, now
	if last := l.byTag[tag]; last != nil {
		k.cuts = last.cuts
	}
	l.byTag[tag], l.byID[id], l.here = k, k, append(l.here, k)
	return k
}

// down forgets a stream, and has what waited for it looked at. Where it failed nobody connects to
// its member for a while.
func (l *links) down(now sched.Instant, k *link, cause batch.StreamCause) {
	delete(l.byID, k.id)
	if k.tag != 0 {
		delete(l.byTag, k.tag)
		l.here = slices.DeleteFunc(l.here, func(x *link) bool { return x == k })
		if !whole(cause) {
			l.byTag[k.tag] = k.failure(now, cause)
		}
	}
	l.resume(k)
	l.resume(&l.lobby)
}

// whole tells whether nothing is wrong with the member at the other end.
func whole(cause batch.StreamCause) bool {
	return cause == batch.StreamEnded || cause == batch.StreamRotated
}

// cutOff tells whether a stream ended as it does for want of a place at a door: before anything
// came on it. It may have looked up from here.
func (k *link) cutOff(cause batch.StreamCause) bool {
	switch cause {
	case batch.StreamUnreachable, batch.StreamLate, batch.StreamStalled:
		return false
	}
	return !k.heard
}

// others tells whether somebody else has answered at a member's port for so long that it is no restart.
func (k *link) others(cause batch.StreamCause) bool {
	return cause == batch.StreamStranger && k.cuts == cutsMost
}

// failure is what is kept of a stream that failed. Who was cut off at a door may have met a crowd
// of strangers there, and tries again soon.
func (k *link) failure(now sched.Instant, cause batch.StreamCause) *link {
	f := &link{tag: k.tag, failed: true, until: now + linkPause}
	if k.cutOff(cause) {
		f.until, f.cuts = now+min(sched.Instant(linkPause), sched.Instant(cutPause)<<k.cuts), min(k.cuts+1, cutsMost)
	}
	return f
}

// closed notes that no stream to an origin came up. It is true when it is time to say so:
// once, and not for one that has just died.
func (l *links) closed(tag uint32) bool {
	l.shut[tag]++
	return l.shut[tag] == shutLeast
}

// wait has a want looked at when the stream can do something.
func (k *link) wait(h content.Handle, w *want) {
	w.place, k.stuck = wantWaits, true
	k.waiting.push(h)
}

// waitForRoom has a want looked at when there may be room for its content. Others that wait
// for room are tried before, for they may be shorter.
func (l *links) waitForRoom(h content.Handle, w *want) {
	l.store.wait(h, w)
	w.place = wantRoom
	l.tries--
	l.store.stuck = l.tries <= 0
}

// roomMade has a look at what waits for room.
func (l *links) roomMade() {
	l.tries = min(roomTries, l.store.waiting.len())
	l.resume(&l.store)
}

// resume has a look at what waits for a stream.
func (l *links) resume(k *link) {
	if k.stuck = false; !k.listed && !k.waiting.empty() {
		k.listed = true
		l.can = append(l.can, k)
	}
}

// able tells whether something that waited may be tried.
func (l *links) able() bool { return l.ahead() != nil }

// ahead is the stream whose waiting wants come next, in turns.
func (l *links) ahead() *link {
	for len(l.can) > 0 {
		k := l.can[0]
		if !k.waiting.empty() && !k.stuck {
			return k
		}
		k.listed = false
		l.can = l.can[1:]
	}
	l.can = nil
	return nil
}

// spare is the stream that is to give its place to another: the one that was not used for
// longest, or else the one that is open for longest. nil: one does so already, or none had
// its turn.
func (l *links) spare(now sched.Instant) (k *link) {
	idle := func(k *link) bool { return k.pending() == 0 && k.waiting.empty() }
	for _, x := range l.here {
		switch {
		case x.retired:
			return nil
		case !x.up || !idle(x) && now-x.since < linkTurn:
		case k == nil || idle(x) && !idle(k) || idle(x) == idle(k) && (idle(x) && x.used < k.used || !idle(x) && x.since < k.since):
			k = x
		}
	}
	return k
}

// forgive forgets failures that are over, and those of origins that are gone.
func (l *links) forgive(now sched.Instant, gone func(tag uint32) bool) {
	for tag := range l.shut {
		if gone(tag) {
			delete(l.shut, tag)
		}
	}
	for tag, k := range l.byTag {
		if k.failed && k.until+linkPause < now {
			delete(l.byTag, tag)
		}
	}
}
