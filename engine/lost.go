package engine

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/engine/state"
)

// Lost says that a shared key which this member wrote last holds a write of another
// member now. Whether that one had seen ours, nobody can tell from it.
type Lost struct {
	Key string
	By  string        // the member in whose log the other write came
	Now SharedVersion // of that write
}

// lostList are who waits for Lost.
type lostList struct {
	count atomic.Int32
	mu    sync.Mutex
	list  map[*lostReader]struct{}
}

type lostReader struct {
	queue    chan Lost
	overflow atomic.Bool
}

const lostQueue = 256

// Lost yields an element whenever another member overtakes a write of this one, until
// ctx ends (its error is yielded) or the engine closes (ErrClosed). A reader that falls
// 256 behind gets ErrOverflow once in the place of what it missed.
func (s *Shared) Lost(ctx context.Context) iter.Seq2[Lost, error] {
	return func(yield func(Lost, error) bool) {
		r := &lostReader{queue: make(chan Lost, lostQueue)}
		s.lost.add(r)
		defer s.lost.remove(r)
		for {
			select {
			case x := <-r.queue:
				if !yield(x, nil) || r.overflow.Swap(false) && !yield(Lost{}, ErrOverflow) {
					return
				}
				continue
			case <-ctx.Done():
				yield(Lost{}, ctx.Err())
			case <-s.e.life.Done():
				yield(Lost{}, ErrClosed)
			}
			return
		}
	}
}

func (l *lostList) add(r *lostReader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list == nil {
		l.list = map[*lostReader]struct{}{}
	}
	l.list[r] = struct{}{}
	l.count.Store(int32(len(l.list)))
}

func (l *lostList) remove(r *lostReader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.list, r)
	l.count.Store(int32(len(l.list)))
}

// overtaken tells that a claim of o's log has won over ours.
func (s *Shared) overtaken(key []byte, o state.Origin, c *share.Claim) {
	l := &s.lost
	if l.count.Load() == 0 {
		return
	}
	var own share.Claim
	if _, ok := s.index.Claim(s.e.store.Owner(), key, &own); !ok || own.Compare(c) == 0 {
		return // it was withdrawn, or adopted
	}
	x := Lost{Key: string(key[len(codec.SharedPrefix):]), By: s.e.nameOf(o), Now: sharedVersion(c)}
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := range l.list {
		select {
		case r.queue <- x:
		default:
			r.overflow.Store(true)
		}
	}
}
