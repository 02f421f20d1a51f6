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
	streamEvents = 64 // handled in a turn: each is a few hundred nanoseconds
	asksMax      = 64 // of contents that are open at a time, over all members
	seekTries    = 32 // wants looked at in a turn
	sweepItems   = 256
	sweepEvery   = 100 * sched.Millisecond // for a while after a change
	seekPause    = sched.Second            // after everybody was asked
	linkPause    = sched.Second            // before a member is connected to again
)

// fetcher asks members for contents. All of it is the loop's own.
type fetcher struct {
	cursor  state.Cursor
	entry   codec.Entry
	onLoop  bool
	links   map[batch.StreamID]*link
	byTag   map[uint32]*link // opened here, by the origin at the other end
	wants   map[content.Handle]*want
	queue   []content.Handle // of wants that are to be asked for
	asking  int
	lastTag uint32 // of asks
	event   batch.StreamEvent
	message batch.StreamMessage
	head    [codec.AskBytes]byte
	next    sched.Instant // when there is something to do
	sweepAt sched.Instant
	changed sched.Instant // when a reference last came or went
	refs    int           // as the table counts them
}

// link is one stream.
type link struct {
	id      batch.StreamID
	tag     uint32 // of the origin at the other end, where this side opened it
	up      bool
	until   sched.Instant // not before: it failed
	failed  bool
	asks    map[uint32]content.Handle // by tag
	sending map[uint32]content.Handle // held for answers that are on their way
	late    []served                  // answers that found no room
	spans   map[uint32]*span          // asks for runs, by tag
	made    map[uint32][]byte         // answers with runs that are on their way, by tag
}

// served is an answer that is to be sent.
type served struct {
	tag  uint32
	want int
	sum  content.Sum
}

func newLink(id batch.StreamID) *link {
	return &link{
		id: id, asks: map[uint32]content.Handle{}, sending: map[uint32]content.Handle{},
		spans: map[uint32]*span{}, made: map[uint32][]byte{},
	}
}

// want is a content that is looked for.
type want struct {
	authors []state.Origin // that refer to it
	tried   []uint32       // tags of members that could not give it
	at      sched.Instant
	queued  bool
	asked   bool
}

func (f *fetcher) init() {
	f.links = map[batch.StreamID]*link{}
	f.byTag = map[uint32]*link{}
	f.wants = map[content.Handle]*want{}
	f.next, f.sweepAt = sched.Never, sched.Never
}

// change has the table swept.
func (f *fetcher) change(now sched.Instant) {
	f.changed = now
	f.sweepAt = min(f.sweepAt, now+sweepEvery)
}

// seek puts a content on the list of those to be asked for.
func (l *large) seek(h content.Handle, author state.Origin) {
	w := l.wants[h]
	if w == nil {
		w = &want{}
		l.wants[h] = w
	}
	if author != 0 && !slices.Contains(w.authors, author) {
		w.authors = append(w.authors, author)
	}
	if !w.queued && !w.asked {
		w.queued = true
		l.queue = append(l.queue, h)
	}
	l.next = 0
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
		e.takeMisses()
	}
	if l.next <= now {
		e.askMore(now)
	}
	if now >= l.sweepAt {
		e.sweepLarge(now)
	}
	return e.turnCatching(now) || n == streamEvents
}

// takeMisses looks for what readers ran into.
func (e *Engine) takeMisses() {
	l := &e.large
	l.mu.Lock()
	for _, m := range l.misses {
		if h := m.content; l.table.Wanted(h) && !l.table.Here(h) && l.table.Fits(l.table.Length(h)) {
			l.seek(h, e.store.Tagged(m.origin))
		}
	}
	l.misses = l.misses[:0]
	l.missed.Store(false)
	l.mu.Unlock()
}

// askMore asks for what is wanted, as far as there is room.
func (e *Engine) askMore(now sched.Instant) {
	l := &e.large
	l.next = sched.Never
	tries := min(seekTries, len(l.queue))
	if tries < len(l.queue) {
		l.next = now // the rest in the next turn
	}
	for range tries {
		if l.asking >= asksMax {
			l.next = sched.Never // until an answer comes
			return
		}
		h := l.queue[0]
		l.queue = l.queue[1:]
		w := l.wants[h]
		if w == nil {
			continue
		}
		w.queued = false
		if w.at > now {
			l.later(h, w)
			continue
		}
		e.askFor(now, h, w)
	}
	if len(l.queue) == 0 {
		l.queue = nil
	}
}

// later looks at a want again when its time has come.
func (l *large) later(h content.Handle, w *want) {
	if !w.queued {
		w.queued = true
		l.queue = append(l.queue, h)
	}
	l.next = min(l.next, w.at)
}

// askFor asks the next member for a content.
func (e *Engine) askFor(now sched.Instant, h content.Handle, w *want) {
	l := &e.large
	l.mu.Lock()
	gone := !l.table.Wanted(h) || l.table.Here(h)
	length, sum := l.table.Length(h), *l.table.Sum(h)
	l.mu.Unlock()
	if gone {
		delete(l.wants, h)
		return
	}
	k := e.source(now, w)
	switch {
	case k == nil: // everybody was asked, or nobody is there: begin anew
		w.tried, w.at = w.tried[:0], now+seekPause
		l.later(h, w)
		return
	case !k.up:
		w.at = now + 10*sched.Millisecond // StreamUp comes earlier
		l.later(h, w)
		return
	}
	l.mu.Lock()
	room := l.table.Expect(h) || l.table.Squeeze(length, squeezeMax) && l.table.Expect(h)
	l.mu.Unlock()
	if !room {
		l.unavailable.Add(1)
		w.at = now + seekPause
		l.later(h, w)
		return
	}
	l.lastTag++
	l.message = batch.StreamMessage{
		Tag: l.lastTag, Head: codec.AppendAsk(l.head[:0], (*[codec.SumBytes]byte)(&sum)), Want: length,
		Sum: (*[batch.StreamSumSize]byte)(&sum),
	}
	if err := l.streams.Send(k.id, &l.message); err != nil {
		l.mu.Lock()
		l.table.Fail(h)
		l.mu.Unlock()
		w.at = now + 10*sched.Millisecond
		l.later(h, w)
		return
	}
	w.asked = true
	k.asks[l.lastTag] = h
	l.asking++
}

// source is the next member to ask: the author first, then any other, each once.
// It begins to connect where there is no stream. nil: nobody is left.
func (e *Engine) source(now sched.Instant, w *want) *link {
	for _, o := range w.authors {
		if e.store.ID(o) == 0 {
			continue
		}
		if k := e.linkTo(now, o, w); k != nil {
			return k
		}
	}
	n := e.core.Peers()
	if n == 0 {
		return nil
	}
	start := e.large.lastTag * 7
	for i := range n {
		if p, ok := e.core.Peer((start + i) % n); ok && !p.Left && !p.Quiet {
			if k := e.linkTo(now, p.Origin, w); k != nil {
				return k
			}
		}
	}
	return nil
}

// linkTo gives the stream to a member, unless it was tried for this content, or
// can't be reached now.
func (e *Engine) linkTo(now sched.Instant, o state.Origin, w *want) *link {
	l := &e.large
	tag := e.store.Tag(o)
	for _, t := range w.tried {
		if t == tag {
			return nil
		}
	}
	k := l.byTag[tag]
	if k != nil && (!k.failed || k.until > now) {
		if k.failed {
			return nil
		}
		return k
	}
	to, ok := e.streamPeer(o)
	if !ok {
		return nil
	}
	id, err := l.streams.Open(to)
	if err != nil {
		return nil
	}
	k = newLink(id)
	k.tag = tag
	l.byTag[tag], l.links[id] = k, k
	return k
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
	for p := range e.core.Peers() {
		if peer, ok := e.core.Peer(p); ok && peer.Origin == o {
			to.Addr = netip.AddrPortFrom(peer.Addr.Addr(), uint16(v[0])|uint16(v[1])<<8)
			return to, peer.Addr.IsValid() && to.Addr.Port() != 0
		}
	}
	return to, false
}

// streamKey holds where a member takes streams: port and boot salt.
var streamKey = []byte{codec.ReservedPrefix, 's', 't', 'r', 'm'}

// appendStreamKey appends the value that streamKey has for this member.
func (l *large) appendStreamKey(dst []byte) []byte {
	port := l.streams.Port()
	return append(append(dst, byte(port), byte(port>>8)), l.salt[:]...)
}

// sweepLarge drops what nobody needs any more.
func (e *Engine) sweepLarge(now sched.Instant) {
	l := &e.large
	if e.stage.pending.Load() > 0 { // a content may be here before its entry
		l.sweepAt = now + sweepEvery
		return
	}
	l.mu.Lock()
	l.onLoop = true
	items := l.table.Sweep(now, sweepItems, e.stands)
	l.refs = l.table.Stats().Refs
	l.onLoop = false
	l.mu.Unlock()
	for tag, k := range l.byTag {
		if k.failed && k.until < now {
			delete(l.byTag, tag)
		}
	}
	// Long enough for one look at everything after the last that was kept may go.
	if l.sweepAt = now + sweepEvery; now > l.changed+contentKeep+sweepEvery*sched.Instant(items/sweepItems+2) {
		l.sweepAt = sched.Never
	}
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
