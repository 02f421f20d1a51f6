package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// What a change costs the loop must not depend on how many watch: it is noted, at the end
// of the turn all that was noted goes into a queue, and a goroutine of the list's own finds
// and wakes those whom it is for. So a turn takes one lock and wakes one goroutine for all
// its changes, and is not preempted by it while datagrams wait to be sent. Having told
// them, the goroutine rests, and the loop need not wake it meanwhile; 10,000 watchers that
// all fall behind catch up so. The first change after a rest is told at once. A list that
// nobody has started tells them at once (start).

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

// take moves what another one has to the end.
func (x *newsList) take(y *newsList) {
	for i := range y.list {
		n := &y.list[i]
		x.put(n.whom, n.member, n.key)
	}
	x.over = x.over || y.over
	y.reset()
}

func (x *newsList) reset() {
	clear(x.list)
	x.list, x.bytes, x.over = x.list[:0], x.bytes[:0], false
}

// newsQueue is between the loop and the list's goroutine.
type newsQueue struct {
	coarse atomic.Int32 // watchers that look at members
	fine   atomic.Int32 // and others

	started atomic.Bool // there is a goroutine

	mu     sync.Mutex
	front  *newsList // to be passed on
	spare  *newsList
	signal chan struct{}

	turn *newsList // of this turn; the loop's own once it is started
}

const (
	newsAtOnce = 64                     // changes that are passed on before watchers may look
	newsRest   = 250 * time.Microsecond // between two times; an idle process sleeps a millisecond
)

// start has changes passed on by a goroutine, until done.
func (l *watchList) start(done <-chan struct{}) {
	q := &l.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started.Load() {
		return
	}
	q.front, q.spare, q.turn, q.signal = &newsList{}, &newsList{}, &newsList{}, make(chan struct{}, 1)
	q.started.Store(true)
	go l.serve(done)
}

// serve passes on what the loop queues, until done.
func (l *watchList) serve(done <-chan struct{}) {
	rest := time.NewTimer(newsRest)
	defer rest.Stop()
	for {
		select {
		case <-rest.C:
		case <-done:
			return
		}
		select {
		case <-l.queue.signal:
			l.passOn()
		case <-done:
			return
		}
		rest.Reset(newsRest)
	}
}

// startWatch makes ready one of an engine's lists of watchers.
func (e *Engine) startWatch(l *watchList) {
	e.uses.begin(useWatch) // first: turns post from now on
	l.start(e.done)
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
		p := place{member: n.member}
		l.every.mark(l.note(p), p)
	case tellCoarse:
		p := place{member: n.member}
		l.coarse.mark(l.note(p), p)
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
	for _, w := range l.every {
		w.markAll(n)
	}
}

// say notes a change for those whom it is for. It runs on the loop.
func (l *watchList) say(whom uint8, member string, key []byte) {
	if l.queue.started.Load() {
		l.queue.turn.put(whom, member, key)
		return
	}
	l.mu.Lock()
	l.tell(&news{whom, member, key})
	l.mu.Unlock()
}

// post queues what a turn of the loop has noted.
func (l *watchList) post() {
	q := &l.queue
	if !q.started.Load() || len(q.turn.list) == 0 {
		return
	}
	q.mu.Lock()
	if len(q.front.list) == 0 && !q.front.over {
		q.front, q.turn = q.turn, q.front
	} else {
		q.front.take(q.turn)
	}
	q.mu.Unlock()
	select {
	case q.signal <- struct{}{}:
	default:
	}
}
