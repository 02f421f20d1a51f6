package engine

import (
	"net/netip"
	"slices"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/content"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	streamEvents = 8                       // handled in a turn: each takes a microsecond or two, and more where it rings a bell
	askTries     = 8                       // wants looked at in a turn
	missPiece    = 32                      // misses of readers, likewise
	roomTries    = 32                      // wants looked at once there may be room
	sweepItems   = 256                     // in a sweep, and
	sweepPiece   = 32                      // in a turn: each may be a few hundred nanoseconds where there are many
	sweepEvery   = 100 * sched.Millisecond // for a while after a change
	sweepRarely  = 5 * sched.Second        // while there is anything
)

// fetcher asks members for contents. All of it is the loop's own.
type fetcher struct {
	entry   codec.Entry
	onLoop  bool
	wants   wants
	links   links
	lastTag uint32 // of asks
	event   batch.StreamEvent
	message batch.StreamMessage
	head    [codec.AskBytes]byte
	next    sched.Instant // when there is something to do
	sweepAt sched.Instant
	swept   int           // so many items of a sweep are looked at, in turns before
	items   int           // so many belong to it
	changed sched.Instant // when a reference last came or went
}

func (f *fetcher) init(start uint32) {
	f.links.init()
	f.wants.init(start)
	f.next, f.sweepAt = sched.Never, sched.Never
}

// change has the table swept.
func (f *fetcher) change(now sched.Instant) {
	f.changed = now
	f.sweepAt = min(f.sweepAt, now+sweepEvery)
}

// seek has a content asked for.
func (l *large) seek(h content.Handle, author state.Origin) {
	l.wants.seek(h, author)
	l.next = 0
}

// takeTurn has a content come behind what its key showed before it, if that is being fetched: of what
// is replaced meanwhile nothing needs to be fetched. Not if others want it, too. Under mu.
func (l *large) takeTurn(h content.Handle, x *content.Ref) {
	if w := l.wants.all[h]; len(w.authors) == 1 {
		w.after = x.Next
	}
}

// due reports whether the loop has to look at streams, if there are any.
func (l *large) due(now sched.Instant) bool {
	return min(l.next, l.sweepAt) <= now || l.missed.Load() || l.streams.Ready()
}

// turnLarge does one bounded piece of what streams are for. It says when the
// next is due.
func (e *Engine) turnLarge(now sched.Instant) (more bool) {
	l := &e.large
	n := 0
	for ; n < streamEvents && l.streams.Next(&l.event); n++ {
		e.streamed(now, &l.event)
		l.streams.Release(&l.event)
	}
	if l.missed.Load() {
		more = e.takeMisses()
	}
	if l.next <= now {
		e.askMore(now)
	}
	if now >= l.sweepAt {
		more = e.sweepLarge(now) || more
	}
	return e.turnCatching(now) || n == streamEvents || more
}

// takeMisses looks for some of what readers ran into.
func (e *Engine) takeMisses() (more bool) {
	l := &e.large
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.misses), missPiece)
	for _, m := range l.misses[:n] {
		if h := m.content; l.table.Wanted(h) && !l.table.Here(h) && l.table.Fits(l.table.Length(h)) {
			l.seek(h, e.store.Tagged(m.origin))
		}
	}
	l.misses = slices.Delete(l.misses, 0, n)
	more = len(l.misses) > 0
	l.missed.Store(more)
	return more
}

// content is what the value of an entry refers to; 0: nothing that is known.
func (l *large) content(ref []byte) content.Handle {
	var c codec.Content
	if l.streams == nil || codec.ParseContent(ref, &c) != nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.table.Find((*content.Sum)(&c.Sum), int(c.Length))
}

// takesLarge tells whether what the value of an entry refers to may be here at all.
func (e *Engine) takesLarge(ref []byte) bool {
	var c codec.Content
	return e.large.streams != nil && codec.ParseContent(ref, &c) == nil && int(c.Length) <= e.cfg.Limits.LargeBytes
}

// comes tells whether a content that is not here is on its way, or is going to be asked for. It
// is not if it is too long or has no room, or once all who were asked lacked it.
func (l *large) comes(h content.Handle) bool {
	if h == 0 || !l.table.Fits(l.length(h)) {
		return false
	}
	w := l.wants.all[h]
	return w == nil || w.rounds == 0 && w.place != wantRoom
}

// askMore asks for what is wanted, as far as there is room.
func (e *Engine) askMore(now sched.Instant) {
	l := &e.large
	if l.links.retry <= now {
		e.tryFull(now)
	}
	for range askTries {
		h, w := l.wants.pop(now)
		if w == nil {
			if h, w = l.wants.popWaiting(&l.links); w == nil {
				break
			}
		}
		e.askFor(now, h, w)
	}
	if l.next = min(l.wants.due(), l.links.retry); l.links.able() {
		l.next = now
	}
}

// askFor asks the next member for a content.
func (e *Engine) askFor(now sched.Instant, h content.Handle, w *want) {
	l := &e.large
	l.mu.Lock()
	gone := !l.table.Wanted(h) || l.table.Here(h)
	length, sum := l.table.Length(h), *l.table.Sum(h)
	turn := !l.table.Coming(w.after) || again(&w.turns, turnMost)
	l.mu.Unlock()
	switch {
	case gone:
		l.wants.drop(h)
		return
	case !turn:
		l.wants.rest(now+turnPause, h, w)
		return
	}
	w.after = 0
	k, later := e.source(now, w)
	switch {
	case k == nil && later: // there is no place for a stream now
		l.links.lobby.wait(h, w)
		return
	case k == nil && w.soon != sched.Never && !again(&w.cuts, cutMost):
		l.wants.rest(w.soon, h, w)
		return
	case k == nil:
		l.wants.pause(now, h, w)
		return
	case !k.up:
		k.wait(h, w)
		return
	}
	l.mu.Lock()
	room := l.table.Expect(h) || l.table.Squeeze(length, squeezeMax) && l.table.Expect(h)
	l.mu.Unlock()
	if !room {
		l.unavailable.Add(1)
		l.links.waitForRoom(h, w)
		return
	}
	l.lastTag++
	l.message = batch.StreamMessage{
		Tag: l.lastTag, Head: codec.AppendAsk(l.head[:0], (*[codec.SumBytes]byte)(&sum)), Want: length,
		Sum: (*[batch.StreamSumSize]byte)(&sum),
	}
	if err := l.streams.Send(k.id, &l.message); err != nil {
		l.fail(h)
		k.wait(h, w) // for an answer, for a while, or for its end, which is on the way
		if err == batch.ErrStreamFull && len(k.asks)+len(k.spans) < batch.StreamAsksMax {
			l.links.tookNoMore(now, k)
		}
		return
	}
	w.place = wantAsked
	k.asks[l.lastTag] = h
	k.used = now
}

// source is the next member to ask: an author first, then who is connected, then any other,
// a few at a time and each once. It begins to connect where there is no stream; later means
// that it would, and all places for streams are taken. Neither: nobody is left for now.
func (e *Engine) source(now sched.Instant, w *want) (k *link, later bool) {
	w.soon = sched.Never
	for _, o := range w.authors {
		if e.store.ID(o) == 0 {
			continue
		}
		if k, later = e.linkTo(now, o, w); k != nil || later {
			return k, later
		}
	}
	for _, k := range e.large.links.here {
		if k.up && !k.retired && k.lost < lostMost && !w.triedBefore(k.tag) {
			return k, false
		}
	}
	return e.stranger(now, w)
}

// stranger is the next member to ask of all others.
func (e *Engine) stranger(now sched.Instant, w *want) (k *link, later bool) {
	for n := e.core.Peers(); w.looked < min(n, looksMax) && w.strangers < strangersMax; {
		p, ok := e.core.Peer((w.start + w.looked) % n)
		w.looked++
		if !ok || p.Left || p.Quiet {
			continue
		}
		if k, later = e.linkTo(now, p.Origin, w); k != nil || later {
			w.strangers++
			return k, later
		}
	}
	return nil, false
}

// linkTo gives the stream to a member, unless it was tried for this content, or
// can't be reached now.
func (e *Engine) linkTo(now sched.Instant, o state.Origin, w *want) (k *link, later bool) {
	l := &e.large
	tag := e.store.Tag(o)
	if w.triedBefore(tag) {
		return nil, false
	}
	switch k = l.links.byTag[tag]; {
	case k == nil:
	case k.retired:
		return nil, true
	case k.lost >= lostMost:
		return nil, false
	case !k.failed:
		return k, false
	case k.until > now:
		if k.cuts > 0 {
			w.soon = min(w.soon, k.until)
		}
		return nil, false
	}
	to, ok := e.streamPeer(o)
	if !ok {
		return nil, false
	}
	id, err := l.streams.Open(to)
	if err == batch.ErrStreamsFull {
		e.makePlace(now)
		return nil, true
	}
	if err != nil {
		return nil, false
	}
	return l.links.opened(now, id, tag), false
}

// makePlace ends the stream that was idle for longest, for one to another member. Where none
// is idle, the one that is open for longest gets no more asks and ends: nobody is kept out.
func (e *Engine) makePlace(now sched.Instant) {
	if k := e.large.links.spare(now); k != nil {
		k.retired = true
		e.retire(k)
	}
}

// retire ends a stream that is to make place, once nothing is asked on it.
func (e *Engine) retire(k *link) {
	if k.retired && k.pending() == 0 {
		e.large.streams.Finish(k.id)
	}
}

// streamPeer is where a member takes streams, as it says in its own state.
func (e *Engine) streamPeer(o state.Origin) (to batch.StreamPeer, ok bool) {
	var b [2 + batch.StreamSaltSize]byte
	if o == e.store.Owner() {
		return to, false
	}
	v, _, ok := e.store.AppendGetOrigin(b[:0], o, streamKey)
	if !ok || len(v) != len(b) {
		return to, false
	}
	copy(to.Salt[:], v[2:])
	peer, ok := e.core.Peer(e.core.PeerOf(o))
	to.Addr = netip.AddrPortFrom(peer.Addr.Addr(), uint16(v[0])|uint16(v[1])<<8)
	return to, ok && peer.Addr.IsValid() && to.Addr.Port() != 0
}

// streamKey holds where a member takes streams: port and boot salt.
var streamKey = []byte{codec.ReservedPrefix, 's', 't', 'r', 'm'}

// appendStreamKey appends the value that streamKey has for this member.
func (l *large) appendStreamKey(dst []byte) []byte {
	port := l.streams.Port()
	return append(append(dst, byte(port), byte(port>>8)), l.salt[:]...)
}

// sweepLarge drops what nobody needs any more, a piece in each turn.
func (e *Engine) sweepLarge(now sched.Instant) (more bool) {
	l := &e.large
	if e.stage.pending.Load() > 0 { // a content may be here before its entry
		l.sweepAt = now + sweepEvery
		return false
	}
	piece := sweepPiece
	if l.swept > 0 {
		piece = min(piece, l.items-l.swept)
	}
	l.mu.Lock()
	l.onLoop = true
	items := l.table.Sweep(now, piece, e.stands)
	s := l.table.Stats()
	l.onLoop = false
	l.mu.Unlock()
	l.items = min(sweepItems, items)
	if l.swept += piece; l.swept < l.items {
		return true
	}
	l.swept = 0
	gone := func(tag uint32) bool { return e.store.Tagged(tag) == 0 }
	l.links.forgive(now, gone)
	l.forgetLacks(gone)
	if l.links.roomMade(); l.links.able() {
		l.next = now
	}
	// Long enough for one look at everything after the last that was kept may go.
	switch settled := now > l.changed+contentKeep+sweepEvery*sched.Instant(items/sweepItems+2); {
	case !settled:
		l.sweepAt = now + sweepEvery
	case s.Refs+s.Here > 0: // whatever else ends a reference, it is found
		l.sweepAt = now + sweepRarely
	default:
		l.sweepAt = sched.Never
	}
	return false
}

// stands tells whether a reference is what the newest entry of its key says.
func (e *Engine) stands(r *content.Ref) bool {
	l := &e.large
	o := e.store.Tagged(r.Origin)
	if o == 0 || !e.store.Get(o, r.Key, &l.entry) {
		return false
	}
	if l.entry.Version == r.Version {
		return true
	}
	return l.entry.Flags&codec.EntryKinded != 0 && l.entry.Kind == codec.KindContent // its advance is on the way
}
