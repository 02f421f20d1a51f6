package engine

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// BroadcastBytesMax bounds topic and payload of a broadcast together.
const BroadcastBytesMax = codec.EventPayloadMax

// Broadcast is a user event: told once to whoever is there, not repaired and
// not remembered beyond the last few, unlike what Set writes.
type Broadcast struct {
	Topic   string
	Payload []byte
	From    string // the member that sent it
	Time    uint64 // Lamport time: later than every event its sender had seen
}

// subscribers are who waits for broadcasts.
type subscribers struct {
	count atomic.Int32
	mu    sync.Mutex
	list  []weak.Pointer[subscriber]
	event codec.Event // the loop's own
	lost  uint64      // of the core, as last seen by the loop
}

// subscriber is one sequence of Subscribe. The engine holds it weakly: one that is
// never walked ends with the sequence, and costs nothing until there is news.
type subscriber struct {
	topic  string
	signal chan struct{} // has room for one
	mu     sync.Mutex
	queue  []Broadcast
	lost   bool // after what waits in the queue
}

const subscriberQueue = 256

// Broadcast tells topic and payload to every member that is there now, each of
// which takes it once, also where this member takes another life meanwhile. The
// sender's own subscribers get it too. It returns the
// Lamport time. The error is ErrTooLarge above BroadcastBytesMax, ErrBackpressure
// while so many wait to be sent that another one would push out the first, or
// ErrClosed; then nobody is told.
func (e *Engine) Broadcast(topic string, payload []byte) (time uint64, err error) {
	if len(topic) == 0 || len(topic) > codec.TopicBytesMax {
		return 0, fmt.Errorf("engine: broadcast topic of %d bytes: use 1 to %d: %w", len(topic), codec.TopicBytesMax, ErrTooLarge)
	}
	if n := len(topic) + len(payload); n > BroadcastBytesMax {
		return 0, fmt.Errorf("engine: broadcast of %d bytes, topic and payload: the limit is %d: %w", n, BroadcastBytesMax, ErrTooLarge)
	}
	var st core.Status
	if !e.ask(func(now sched.Instant) { time, st = e.core.Broadcast(now, []byte(topic), payload) }) {
		return 0, ErrClosed
	}
	switch st {
	case core.Written:
		return time, nil
	case core.Busy:
		return 0, ErrBackpressure
	default:
		return 0, ErrTooLarge
	}
}

// Subscribe yields the broadcasts of one topic, or of all if topic is empty,
// from the call on, until ctx ends (its error is yielded) or the engine closes
// (ErrClosed). A subscriber that falls 256 behind loses events, and so do all when
// more come than this member keeps: ErrOverflow is then yielded once, with no
// event, in their place, and it goes on.
func (e *Engine) Subscribe(ctx context.Context, topic string) iter.Seq2[Broadcast, error] {
	s := &subscriber{topic: topic, signal: make(chan struct{}, 1)}
	e.subs.add(s)
	return func(yield func(Broadcast, error) bool) {
		if unstarted(e, yield) {
			return
		}
		e.subs.add(s) // again, if the sequence was walked before
		defer e.subs.remove(s)
		for {
			queue, lost := s.take()
			for _, b := range queue {
				if !yield(b, nil) {
					return
				}
			}
			if lost && !yield(Broadcast{}, ErrOverflow) {
				return
			}
			select {
			case <-s.signal:
				continue
			case <-ctx.Done():
				yield(Broadcast{}, ctx.Err())
			case <-e.life.Done():
				yield(Broadcast{}, ErrClosed)
			}
			return
		}
	}
}

// take empties the queue.
func (s *subscriber) take() (queue []Broadcast, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue, lost = s.queue, s.lost
	s.queue, s.lost = nil, false
	return queue, lost
}

// put hands a broadcast over; nil says that some were lost.
func (s *subscriber) put(b *Broadcast) {
	s.mu.Lock()
	if b == nil || len(s.queue) == subscriberQueue || s.lost {
		s.lost = true
	} else {
		s.queue = append(s.queue, *b)
	}
	s.mu.Unlock()
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

func (l *subscribers) add(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := weak.Make(s); !slices.Contains(l.list, p) {
		l.list = append(l.list, p)
		l.count.Store(int32(len(l.list)))
	}
}

func (l *subscribers) remove(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(func(x weak.Pointer[subscriber]) bool { return x == weak.Make(s) })
}

func (l *subscribers) drop(which func(weak.Pointer[subscriber]) bool) {
	l.list = slices.DeleteFunc(l.list, which)
	l.count.Store(int32(len(l.list)))
}

// hear passes broadcasts on to the subscribers. It runs on the loop.
func (e *Engine) hear() {
	ev := &e.subs.event
	for e.parts.Events.Next(ev) {
		if e.subs.count.Load() == 0 {
			continue
		}
		b := Broadcast{Topic: string(ev.Topic), Payload: append([]byte(nil), ev.Payload...), Time: ev.Time}
		if o := e.store.Find(ev.Origin); o != 0 {
			b.From = e.nameOf(o)
		}
		e.subs.pass(&b)
	}
}

// hearLost tells subscribers that broadcasts were lost.
func (e *Engine) hearLost() {
	if lost := e.core.Counters().BroadcastsLost; lost != e.subs.lost {
		e.subs.lost = lost
		e.subs.pass(nil)
	}
}

// pass hands a broadcast to whoever wants it; nil tells everybody that some were
// lost. Sequences that nobody holds any more are left out from then on.
func (l *subscribers) pass(b *Broadcast) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ended := false
	for _, p := range l.list {
		switch s := p.Value(); {
		case s == nil:
			ended = true
		case b == nil || s.topic == "" || s.topic == b.Topic:
			s.put(b)
		}
	}
	if ended {
		l.drop(func(p weak.Pointer[subscriber]) bool { return p.Value() == nil })
	}
}
