package engine

import (
	"sync"
	"sync/atomic"
)

// What a change costs the loop must not depend on how many watch: it is noted in a queue,
// and a goroutine of the list's own finds and wakes those whom it is for. A list that
// nobody has started does that at once (start).

// told whom.
const (
	tellKey    = iota // those that want a key of a member
	tellMember        // all that want anything of a member
	tellCoarse        // those that look at members
	tellEnds          // all: something may have ended
)

// news is a change on its way to the watchers.
type news struct {
	whom   uint8
	member string
	key    []byte // in the queue's bytes
}

// newsList is a part of the queue.
type newsList struct {
	list  []news
	bytes []byte
	over  bool // more did not fit
}

func (x *newsList) put(whom uint8, member string, key []byte) {
	if len(x.list) >= placesMax {
		x.over = true
		return
	}
	at := len(x.bytes)
	x.bytes = append(x.bytes, key...)
	x.list = append(x.list, news{whom, member, x.bytes[at:len(x.bytes):len(x.bytes)]})
}

func (x *newsList) reset() {
	clear(x.list)
	x.list, x.bytes, x.over = x.list[:0], x.bytes[:0], false
}

// newsQueue is between the loop and the list's goroutine.
type newsQueue struct {
	coarse atomic.Int32 // watchers that look at members
	fine   atomic.Int32 // and others

	mu     sync.Mutex
	front  *newsList // that the loop writes to
	spare  *newsList
	signal chan struct{} // nil: there is no goroutine
}

// newsAtOnce is how many changes are passed on before watchers may look.
const newsAtOnce = 64

// start has changes passed on by a goroutine, until done.
func (l *watchList) start(done <-chan struct{}) {
	q := &l.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.signal != nil {
		return
	}
	q.front, q.spare, q.signal = &newsList{}, &newsList{}, make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-q.signal:
				l.passOn()
			case <-done:
				return
			}
		}
	}()
}

// passOn tells the watchers what has come.
func (l *watchList) passOn() {
	q := &l.queue
	q.mu.Lock()
	x := q.front
	q.front, q.spare = q.spare, x
	q.mu.Unlock()
	for at := 0; at < len(x.list); at += newsAtOnce {
		l.mu.Lock()
		for i := at; i < min(at+newsAtOnce, len(x.list)); i++ {
			l.tell(&x.list[i])
		}
		l.mu.Unlock()
	}
	if x.over {
		l.mu.Lock()
		l.overrun()
		l.mu.Unlock()
	}
	x.reset()
}

// tell marks those whom a change is for. The mutex is held.
func (l *watchList) tell(n *news) {
	switch n.whom {
	case tellKey:
		l.changed(n.member, n.key)
	case tellMember:
		l.every.mark(l.note(place{member: n.member}))
	case tellCoarse:
		l.coarse.mark(l.note(place{member: n.member}))
	case tellEnds:
		for _, w := range l.every {
			w.wake()
		}
	}
}

// overrun lets all look at everything. The mutex is held.
func (l *watchList) overrun() {
	for len(l.places) < placesMax {
		l.places = append(l.places, place{})
	}
	n := l.next
	l.next += placesMax + 1
	l.every.mark(n)
}

// post is what the loop has to say: f puts it.
func (l *watchList) post(f func(x *newsList)) {
	q := &l.queue
	q.mu.Lock()
	if q.signal == nil {
		q.mu.Unlock()
		var x newsList
		f(&x)
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := range x.list {
			l.tell(&x.list[i])
		}
		return
	}
	f(q.front)
	q.mu.Unlock()
	select {
	case q.signal <- struct{}{}:
	default:
	}
}
