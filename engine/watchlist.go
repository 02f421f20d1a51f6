package engine

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

const (
	// scanMax is the longest run of versions that the loop looks through for
	// watched keys. Of a longer one it only says that the member changed, and the
	// watchers look themselves.
	scanMax = 4096
	// placesMax is how many of the last changes are kept for all watchers together:
	// one that was asleep for more looks at everything, unless it keeps all of its own.
	placesMax = 1 << 14
	// nearMax is how many of its own a watcher keeps besides. So whoever wants little is not
	// overtaken by what others want, however late it is, and does not search for it.
	nearMax = 4
)

// place is where something may have changed: a key of a member, or with key "" any of
// the member. Shared keys have member "".
type place struct{ member, key string }

// scope says which keys a watcher wants. The zero scope is all keys of all members.
type scope struct {
	key    string // this one of every member
	prefix string // those that begin with it
	member string // those of this member
	coarse bool   // it looks at members and not at keys
}

// takes tells whether a key of a member is in the scope.
func (s *scope) takes(member, key string) bool {
	return (s.member == "" || s.member == member) && (s.key == "" || s.key == key) &&
		len(key) >= len(s.prefix) && key[:len(s.prefix)] == s.prefix
}

// watcher is woken when something that it wants may have changed. All that is noted of
// it until it looks is where in the list of changes it has to begin, and a few places.
type watcher struct {
	scope
	signal chan struct{}

	// A mutex of its own, for 10,000 that look at once would stand in line for the list's, and
	// who passes changes on behind them. It is taken last.
	mu      sync.Mutex
	pending bool   // it was woken and has not looked
	from    uint64 // number of the first change that it has not looked at
	near    [nearMax]place
	count   int // of these; beyond nearMax it searches the list
}

func newWatcher(s scope) *watcher { return &watcher{scope: s, signal: make(chan struct{}, 1)} }

// mark wakes it for change n.
func (w *watcher) mark(n uint64, p place) {
	if w.wants(&p) {
		w.mu.Lock()
		w.begin(n)
		w.keep(p)
		w.mu.Unlock()
	}
}

// markAll wakes it for all from change n on.
func (w *watcher) markAll(n uint64) {
	w.mu.Lock()
	w.begin(n)
	w.count = nearMax + 1
	w.mu.Unlock()
}

// begin wakes it, unless it has not looked since. The mutex is held.
func (w *watcher) begin(n uint64) {
	if !w.pending {
		w.pending, w.from = true, n
		w.wake()
	}
}

// keep has a place among those near as the last one. The mutex is held.
func (w *watcher) keep(p place) {
	if w.count > nearMax {
		return
	}
	if i := slices.Index(w.near[:w.count], p); i >= 0 {
		copy(w.near[i:], w.near[i+1:w.count])
		w.near[w.count-1] = p
		return
	}
	if w.count < nearMax {
		w.near[w.count] = p
	}
	w.count++
}

// take gives the places of what it was woken for, and all is looked at. many: there are more.
func (w *watcher) take(dst []place) (places []place, from uint64, many bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if many = w.count > nearMax; !many {
		dst = append(dst, w.near[:w.count]...)
	}
	w.pending, w.count = false, 0
	clear(w.near[:])
	return dst, w.from, many
}

// wake lets it look.
func (w *watcher) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// wants tells whether a change is for it.
func (w *watcher) wants(p *place) bool {
	if w.coarse || p.key == "" {
		return w.scope.member == "" || w.scope.member == p.member
	}
	return w.takes(p.member, p.key)
}

// watchers is a set of them.
type watchers []*watcher

func (s watchers) mark(n uint64, p place) {
	for _, w := range s {
		w.mark(n, p)
	}
}

func (s watchers) without(w *watcher) watchers {
	if i := slices.Index(s, w); i >= 0 {
		last := len(s) - 1
		s[i], s[last] = s[last], nil
		s = s[:last]
	}
	return s
}

// watchList holds the watchers of an engine, or of its shared keys, by what they want:
// a change costs as many look-ups as there are different lengths of prefixes, and two,
// and none of them on the loop.
type watchList struct {
	count atomic.Int32
	queue newsQueue

	mu       sync.Mutex
	every    watchers // of all
	coarse   watchers // that look at members
	whole    watchers // that want all keys
	byKey    map[string]watchers
	byPrefix map[string]watchers
	byMember map[string]watchers
	lengths  [codec.KeyBytesMax + 1]int // watchers by the length of their prefix
	longest  int
	places   []place // change n is at n % placesMax
	next     uint64  // number of the next change

	// The loop's own.
	cursor state.Cursor
	entry  codec.Entry
	pulse  []string // members that something happened to, since the last snapshot of members
}

// add reports whether there is room for one more.
func (l *watchList) add(w *watcher, limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.every) >= limit {
		return false
	}
	if l.byKey == nil {
		l.byKey, l.byPrefix, l.byMember = map[string]watchers{}, map[string]watchers{}, map[string]watchers{}
	}
	l.every = append(l.every, w)
	switch m, name := l.group(w); {
	case w.coarse:
		l.coarse = append(l.coarse, w)
	case m == nil:
		l.whole = append(l.whole, w)
	default:
		m[name] = append(m[name], w)
	}
	l.counts(w, 1)
	l.counted()
	return true
}

// counted tells the loop how many there are. The mutex is held.
func (l *watchList) counted() {
	l.queue.coarse.Store(int32(len(l.coarse)))
	l.queue.fine.Store(int32(len(l.every) - len(l.coarse)))
	l.count.Store(int32(len(l.every)))
}

func (l *watchList) remove(w *watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.every, l.coarse, l.whole = l.every.without(w), l.coarse.without(w), l.whole.without(w)
	l.counted()
	if m, name := l.group(w); m != nil {
		if m[name] = m[name].without(w); len(m[name]) == 0 {
			delete(m, name)
		}
	}
	l.counts(w, -1)
}

// group is where a watcher is found: by the narrowest thing that it wants.
func (l *watchList) group(w *watcher) (m map[string]watchers, name string) {
	switch {
	case w.coarse:
		return nil, ""
	case w.key != "":
		return l.byKey, w.key
	case w.member != "":
		return l.byMember, w.member
	case w.prefix != "":
		return l.byPrefix, w.prefix
	}
	return nil, ""
}

// counts keeps the lengths of prefixes that are looked up.
func (l *watchList) counts(w *watcher, by int) {
	if m, name := l.group(w); name == "" || w.key != "" || w.member != "" || m == nil {
		return
	}
	l.lengths[len(w.prefix)] += by
	for l.longest = codec.KeyBytesMax; l.longest > 0 && l.lengths[l.longest] == 0; l.longest-- {
	}
}

// take gives the places where what a watcher wants may have changed since it last
// looked, each once. full: it has to look at everything.
func (l *watchList) take(w *watcher, dst []place) (places []place, full bool) {
	places, full = l.gather(w, dst)
	return uniquePlaces(places), full
}

// gather is take that appends, and gives a place as often as it changed.
func (l *watchList) gather(w *watcher, dst []place) (places []place, full bool) {
	dst, from, many := w.take(dst)
	if !many {
		return dst, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next-from > placesMax {
		return dst, true
	}
	for n := from; n < l.next; n++ {
		p := &l.places[n%placesMax]
		if w.wants(p) {
			dst = append(dst, *p)
		}
	}
	return dst, false
}

// uniquePlaces leaves each once, in the order of the last changes.
func uniquePlaces(list []place) []place {
	if len(list) < 2 {
		return list
	}
	seen, n := make(map[place]struct{}, len(list)), len(list)
	for _, p := range slices.Backward(list) {
		if _, ok := seen[p]; !ok {
			seen[p] = struct{}{}
			n--
			list[n] = p
		}
	}
	return slices.Delete(list, 0, n)
}

// note adds a change to the list and gives its number.
func (l *watchList) note(p place) (n uint64) {
	n = l.next
	if len(l.places) < placesMax {
		l.places = append(l.places, p) // change 0 is at 0
	} else {
		l.places[n%placesMax] = p
	}
	l.next++
	return n
}

// advanced tells whoever wants a key with a version in (from, to]. It runs on the loop.
func (l *watchList) advanced(s *state.Store, o state.Origin, name string, from, to uint64) {
	switch {
	case to-from > scanMax:
		l.say(tellMember, name, nil)
		return
	case l.queue.coarse.Load() > 0:
		l.say(tellCoarse, name, nil)
	}
	if l.queue.fine.Load() == 0 {
		return
	}
	s.After(o, from, &l.cursor)
	for l.cursor.Next(&l.entry) {
		switch {
		case !codec.Reserved(l.entry.Key):
			l.say(tellKey, name, l.entry.Key)
		case codec.Leases(l.entry.Key): // what lives by it may be there now, or not any more
			l.say(tellMember, name, nil)
		}
	}
}

// changed marks those that want a key. The mutex is held.
func (l *watchList) changed(name string, key []byte) {
	n, p, some := l.next, place{}, false
	mark := func(set watchers) {
		for _, w := range set {
			if len(w.prefix) > len(key) || string(key[:len(w.prefix)]) != w.prefix {
				continue
			}
			if !some {
				p, some = place{name, string(key)}, true
				l.note(p)
			}
			w.mark(n, p)
		}
	}
	mark(l.whole)
	mark(l.byKey[string(key)])
	mark(l.byMember[name])
	for k := 1; k <= min(l.longest, len(key)); k++ {
		if l.lengths[k] > 0 {
			mark(l.byPrefix[string(key[:k])])
		}
	}
}

// sharedChanged tells those that want a shared key. It runs on the loop.
func (l *watchList) sharedChanged(key []byte) {
	if l.count.Load() > 0 {
		l.say(tellKey, "", key)
	}
}

// member notes that something happened to a member: all look at it, once the snapshot
// of members has it (told).
func (l *watchList) member(name string) {
	l.pulse = append(l.pulse, name)
}

// wake lets all watchers look what has ended meanwhile.
func (l *watchList) wake() { l.say(tellEnds, "", nil) }

// told lets all watchers look at the members that something happened to.
func (l *watchList) told() {
	if len(l.pulse) == 0 {
		return
	}
	for _, name := range l.pulse {
		l.say(tellMember, name, nil)
	}
	clear(l.pulse)
	l.pulse = l.pulse[:0]
}
