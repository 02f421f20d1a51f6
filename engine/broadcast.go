package engine

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

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
	list  []*subscriber
	event codec.Event // the loop's own
}

type subscriber struct {
	topic string
	queue chan Broadcast
	lost  atomic.Uint64
}

const subscriberQueue = 256

// Broadcast tells topic and payload to every member that is there now, each of
// which takes it once. The sender's own subscribers get it too. It returns the
// Lamport time. The error is ErrTooLarge above BroadcastBytesMax, or ErrClosed.
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
	if st != core.Written {
		return 0, ErrTooLarge
	}
	return time, nil
}

// Subscribe yields the broadcasts of one topic, or of all if topic is empty,
// from the call on, until ctx ends (its error is yielded) or the engine closes
// (ErrClosed). A subscriber that falls 256 behind loses events; ErrOverflow is
// then yielded once, with no event, and it goes on.
func (e *Engine) Subscribe(ctx context.Context, topic string) iter.Seq2[Broadcast, error] {
	s := &subscriber{topic: topic, queue: make(chan Broadcast, subscriberQueue)}
	e.subs.add(s)
	context.AfterFunc(ctx, func() { e.subs.remove(s) }) // it may never be walked
	return func(yield func(Broadcast, error) bool) {
		e.subs.add(s) // again, if the sequence was walked before
		defer e.subs.remove(s)
		for {
			select {
			case b := <-s.queue:
				if s.lost.Swap(0) > 0 && !yield(Broadcast{}, ErrOverflow) {
					return
				}
				if !yield(b, nil) {
					return
				}
			case <-ctx.Done():
				yield(Broadcast{}, ctx.Err())
				return
			case <-e.life.Done():
				yield(Broadcast{}, ErrClosed)
				return
			}
		}
	}
}

func (l *subscribers) add(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.list, s) {
		l.list = append(l.list, s)
		l.count.Store(int32(len(l.list)))
	}
}

func (l *subscribers) remove(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(x *subscriber) bool { return x == s })
	l.count.Store(int32(len(l.list)))
}

// hear passes broadcasts on to the subscribers. It runs on the loop.
func (e *Engine) hear() {
	ev := &e.subs.event
	for e.core.NextBroadcast(ev) {
		if e.subs.count.Load() == 0 {
			continue
		}
		b := Broadcast{Topic: string(ev.Topic), Payload: append([]byte(nil), ev.Payload...), Time: ev.Time}
		if o := e.store.Find(ev.Origin); o != 0 {
			b.From = e.nameOf(o)
		}
		e.subs.pass(b)
	}
}

func (l *subscribers) pass(b Broadcast) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.list {
		if s.topic != "" && s.topic != b.Topic {
			continue
		}
		select {
		case s.queue <- b:
		default:
			s.lost.Add(1)
		}
	}
}
